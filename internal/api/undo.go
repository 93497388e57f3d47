package api

import (
	"context"
	"net/http"

	"resync/internal/auth"
	"resync/internal/chat"
	"resync/tool"
)

type undosOutput struct {
	Body struct {
		Undoable []chat.UndoView `json:"undoable"`
		Total    int             `json:"total"`
	}
}

type undoInput struct {
	TraceID string `path:"trace_id"`
	Body    *struct {
		Reason string `json:"reason,omitempty" maxLength:"400"`
	} `required:"false"`
}

type undoOutput struct {
	Body struct {
		TraceID  string             `json:"trace_id"`
		Status   string             `json:"status" doc:"undone, or blocked_on_user when somebody else must approve, or outcome_unknown"`
		Message  string             `json:"message"`
		RunID    string             `json:"run_id" doc:"the run that takes it back"`
		Approval *chat.ApprovalView `json:"approval,omitempty"`
	}
}

func (s *server) registerUndo() {
	const base = "/api/v1/agents/undo"
	add(s, route{id: "undo-available", method: http.MethodGet, paths: one(base + "/available"), tag: "undo", tier: BestEffort, role: auth.Viewer,
		summary: "Actions that can be taken back"}, s.undoable)
	add(s, route{id: "undo", method: http.MethodPost, paths: one(base + "/{trace_id}"), tag: "undo", tier: Critical, role: auth.Operator, key: keyRuns,
		summary: "Take an action back by its stored inverse", errors: []int{404, 409}}, s.undo)
}

func (s *server) undoable(ctx context.Context, in *struct {
	Engine string `query:"tws_instance_id"`
}) (*undosOutput, error) {
	e, err := s.engine(in.Engine)
	if err != nil {
		return nil, err
	}
	list, err := e.Desk.Undoable(ctx)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	out := &undosOutput{}
	out.Body.Undoable, out.Body.Total = list, len(list)
	return out, nil
}

func (s *server) undo(ctx context.Context, in *undoInput) (*undoOutput, error) {
	e, err := s.engineOf(ctx, in.TraceID)
	if err != nil {
		return nil, err
	}
	reason := ""
	if in.Body != nil {
		reason = in.Body.Reason
	}
	res, err := e.Exec.Undo(ctx, person(ctx), in.TraceID, reason)
	if err != nil && !ran(res, err) {
		return nil, s.problem(ctx, err)
	}
	s.confirm(ctx, e, &res)
	out := &undoOutput{}
	out.Body.TraceID, out.Body.RunID, out.Body.Status = in.TraceID, res.RunID, string(res.Status)
	if res.Run != nil {
		out.Body.Message = chat.ViewRun(*res.Run).Message
		if res.Approval != nil && res.Status == tool.StatusBlocked {
			card := e.Desk.Card(ctx, person(ctx), *res.Run, *res.Approval)
			out.Body.Approval = &card
		}
	}
	if res.Status == tool.StatusDone {
		out.Body.Status = "undone"
	}
	return out, nil
}
