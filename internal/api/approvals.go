package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"resync/internal/auth"
	"resync/internal/chat"
	"resync/tool"
)

type approvalsInput struct {
	Engine   string `query:"tws_instance_id"`
	Status   string `query:"status" enum:"pending,approved,rejected,expired,void,used,all" default:"pending"`
	ToolName string `query:"tool_name"`
	Limit    int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type approvalsOutput struct {
	Body struct {
		Pending     []chat.ApprovalView `json:"pending" doc:"the envelopes of the status asked for, newest first"`
		Total       int                 `json:"total"`
		ByTool      map[string]int      `json:"by_tool"`
		ByRiskLevel map[string]int      `json:"by_risk_level"`
	}
}

type decideInput struct {
	TraceID string `path:"trace_id"`
	Body    struct {
		Action string `json:"action" enum:"approve,reject"`
		Reason string `json:"reason,omitempty" maxLength:"500"`
	}
}

type decideOutput struct {
	Body struct {
		TraceID    string         `json:"trace_id"`
		Action     string         `json:"action"`
		Status     tool.Status    `json:"status"`
		ApprovedBy string         `json:"approved_by" doc:"the session's user; never taken from the request"`
		ApprovedAt time.Time      `json:"approved_at"`
		Reason     string         `json:"reason,omitempty"`
		Execution  *executeResult `json:"execution_result,omitempty"`
		Run        *chat.RunView  `json:"run,omitempty"`
	}
}

func (s *server) registerApprovals() {
	const base = "/api/v1/agents/approvals"
	add(s, route{id: "approvals", method: http.MethodGet, paths: one(base), tag: "approvals", tier: BestEffort, role: auth.Viewer,
		summary: "What waits for a person's decision"}, s.approvals)
	add(s, route{id: "approval", method: http.MethodGet, paths: one(base + "/{trace_id}"), tag: "approvals", tier: BestEffort, role: auth.Viewer,
		summary: "One approval card", errors: []int{404}}, s.approval)
	add(s, route{id: "approval-decide", method: http.MethodPost, paths: one(base + "/{trace_id}"), tag: "approvals", tier: Critical, role: auth.Operator, key: keyRuns,
		summary: "Approve, which executes once every needed person has, or reject", errors: []int{404, 409, 410, 502}}, s.decide)
}

func (s *server) approvals(ctx context.Context, in *approvalsInput) (*approvalsOutput, error) {
	e, err := s.engine(in.Engine)
	if err != nil {
		return nil, err
	}
	list, err := e.Desk.Approvals(ctx, person(ctx), in.Status, in.Limit)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	out := &approvalsOutput{}
	out.Body.Pending, out.Body.ByTool, out.Body.ByRiskLevel = []chat.ApprovalView{}, map[string]int{}, map[string]int{}
	for _, a := range list {
		if (in.ToolName != "" && a.ToolName != in.ToolName) || a.Engine != e.Name {
			continue
		}
		out.Body.Pending = append(out.Body.Pending, a)
		out.Body.ByTool[a.ToolName]++
		out.Body.ByRiskLevel[a.RiskLevel.String()]++
	}
	out.Body.Total = len(out.Body.Pending)
	return out, nil
}

type approvalOutput struct{ Body chat.ApprovalView }

func (s *server) approval(ctx context.Context, in *struct {
	TraceID string `path:"trace_id"`
}) (*approvalOutput, error) {
	e, err := s.engineOf(ctx, in.TraceID)
	if err != nil {
		return nil, err
	}
	card, err := e.Desk.Approval(ctx, person(ctx), in.TraceID)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return &approvalOutput{card}, nil
}

func (s *server) decide(ctx context.Context, in *decideInput) (*decideOutput, error) {
	e, err := s.engineOf(ctx, in.TraceID)
	if err != nil {
		return nil, err
	}
	who := person(ctx)
	res, err := e.Exec.Decide(ctx, who, in.TraceID, in.Body.Action == "approve", in.Body.Reason)
	if err != nil && !ran(res, err) {
		return nil, s.problem(ctx, err)
	}
	s.confirm(ctx, e, &res)
	out := &decideOutput{}
	out.Body.TraceID, out.Body.Action, out.Body.Status = in.TraceID, in.Body.Action, res.Status
	out.Body.ApprovedBy, out.Body.ApprovedAt, out.Body.Reason = who.User, nowUTC(), in.Body.Reason
	if res.Run != nil {
		run := chat.ViewRun(*res.Run)
		out.Body.Run = &run
		if res.Run.Has(tool.EvExecuting) {
			v := s.resultView(ctx, e, res)
			v.Approval, v.Result = nil, run.Message
			out.Body.Execution = &v
		}
	}
	return out, nil
}

// confirmTime is how long an answer waits for the plan to show the effect.
// Afterwards it says "accepted, not yet confirmed" and the journal goes on.
const confirmTime = 3 * time.Second

// confirm gives a run that the engine accepted a moment to show in the plan.
func (s *server) confirm(ctx context.Context, e *Engine, res *tool.Result) {
	if res.Run == nil || res.Run.Phase() != tool.EvDone {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, confirmTime)
	defer cancel()
	for {
		st, err := e.Exec.Ledger().LoadRun(ctx, res.RunID)
		if err != nil {
			return // the answer stands as it is
		}
		res.Run = &st
		if st.Phase() != tool.EvDone {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// ran tells an execution that failed at the engine, whose outcome the caller
// gets as data, from a refusal before anything was sent.
func ran(res tool.Result, err error) bool {
	if errors.Is(err, tool.ErrMaybeActed) {
		return true
	}
	return res.Run != nil && res.Run.Has(tool.EvExecuting) && res.Run.Outcome() == tool.EvError
}
