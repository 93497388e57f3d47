package api

import (
	"context"
	"net/http"
	"time"

	"resync/internal/auth"
	"resync/internal/chat"
	"resync/tool"
)

type runsOutput struct {
	Body struct {
		Runs  []chat.RunView `json:"runs"`
		Total int            `json:"total"`
	}
}

type runOutput struct{ Body chat.RunView }

type runInput struct {
	RunID string `path:"run_id"`
}

func (s *server) registerRuns() {
	const base = "/api/v1/agents/runs"
	add(s, route{id: "runs-active", method: http.MethodGet, paths: one(base + "/active"), tag: "runs", tier: BestEffort, role: auth.Viewer,
		summary: "What runs now or waits for a person"}, s.activeRuns)
	add(s, route{id: "runs", method: http.MethodGet, paths: one(base), tag: "runs", tier: BestEffort, role: auth.Viewer,
		summary: "The journal of actions, newest first"}, s.runs)
	add(s, route{id: "run", method: http.MethodGet, paths: one(base + "/{run_id}"), tag: "runs", tier: BestEffort, role: auth.Viewer,
		summary: "One run with its journal", errors: []int{404}}, s.run)
	add(s, route{id: "run-cancel", method: http.MethodPost, paths: one(base + "/{run_id}/cancel"), tag: "runs", tier: Critical, role: auth.Operator, key: keyRuns,
		summary: "Cut a running call off, or withdraw one that waits", errors: []int{404, 409}}, s.cancelRun)
}

type runsInput struct {
	Engine string `query:"tws_instance_id"`
	User   string `query:"user"`
	Tool   string `query:"tool_name"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

func (s *server) runs(ctx context.Context, in *runsInput) (*runsOutput, error) {
	e, err := s.engine(in.Engine)
	if err != nil {
		return nil, err
	}
	list, err := e.Desk.Runs(ctx, tool.RunFilter{User: in.User, Tool: in.Tool, Limit: in.Limit})
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return listRuns(e, list), nil
}

func listRuns(e *Engine, list []chat.RunView) *runsOutput {
	out := &runsOutput{}
	out.Body.Runs = []chat.RunView{}
	for _, r := range list {
		if r.Engine == e.Name {
			out.Body.Runs = append(out.Body.Runs, r)
		}
	}
	out.Body.Total = len(out.Body.Runs)
	return out
}

// activeRuns joins the writes that are open in the journal with the reads that
// run at this moment, which have no journal.
func (s *server) activeRuns(ctx context.Context, in *struct {
	Engine string `query:"tws_instance_id"`
}) (*runsOutput, error) {
	e, err := s.engine(in.Engine)
	if err != nil {
		return nil, err
	}
	list, err := e.Desk.Runs(ctx, tool.RunFilter{Active: true, Limit: 1000})
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	out := listRuns(e, list)
	known := map[string]bool{}
	for _, r := range out.Body.Runs {
		known[r.RunID] = true
	}
	for _, a := range e.Exec.Active() {
		if !known[a.RunID] {
			out.Body.Runs = append(out.Body.Runs, chat.RunView{RunID: a.RunID, ToolName: a.Tool, User: a.User, Engine: e.Name,
				Status: tool.StatusInProgress, StartedAt: a.Started, Message: "running", Permissions: []tool.Permission{}})
		}
	}
	out.Body.Total = len(out.Body.Runs)
	return out, nil
}

func (s *server) run(ctx context.Context, in *runInput) (*runOutput, error) {
	e, err := s.engineOf(ctx, in.RunID)
	if err != nil {
		return nil, err
	}
	v, err := e.Desk.Run(ctx, person(ctx), in.RunID)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return &runOutput{v}, nil
}

type cancelOutput struct {
	Body struct {
		RunID   string      `json:"run_id"`
		Status  tool.Status `json:"status" doc:"the status at the time of the answer; a call that had been sent may end as outcome_unknown"`
		Message string      `json:"message"`
	}
}

func (s *server) cancelRun(ctx context.Context, in *runInput) (*cancelOutput, error) {
	var e *Engine
	for _, cand := range s.Engines {
		for _, a := range cand.Exec.Active() {
			if a.RunID == in.RunID {
				e = cand
			}
		}
	}
	if e == nil {
		var err error
		if e, err = s.engineOf(ctx, in.RunID); err != nil {
			return nil, err
		}
	}
	if err := e.Exec.Cancel(ctx, person(ctx), in.RunID); err != nil {
		return nil, s.problem(ctx, err)
	}
	out := &cancelOutput{}
	out.Body.RunID, out.Body.Status, out.Body.Message = in.RunID, tool.StatusCancelled, "the call was cut off"
	s.afterCancel(ctx, e, out)
	return out, nil
}

// afterCancel waits a moment for the outcome, so that the answer says whether
// the engine may have acted.
func (s *server) afterCancel(ctx context.Context, e *Engine, out *cancelOutput) {
	for range 20 {
		v, err := e.Desk.Run(ctx, person(ctx), out.Body.RunID)
		if err != nil {
			return // a read: it has no journal, its caller sees the cancellation
		}
		out.Body.Status, out.Body.Message = v.Status, v.Message
		if v.Status != tool.StatusInProgress {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}
