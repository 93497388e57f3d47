package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"resync/internal/auth"
	"resync/internal/chat"
	"resync/tool"
)

type toolView struct {
	Name             string             `json:"name"`
	Description      string             `json:"description"`
	Permission       tool.Permission    `json:"permission"`
	RequiresApproval bool               `json:"requires_approval"`
	Tags             []string           `json:"tags"`
	TimeoutSeconds   int                `json:"timeout_seconds"`
	SupportsUndo     bool               `json:"supports_undo"`
	UndoClass        tool.UndoClass     `json:"undo_class,omitempty"`
	UndoNote         string             `json:"undo_note,omitempty"`
	InputSchema      *jsonschema.Schema `json:"input_schema"`
}

type catalogOutput struct {
	Body struct {
		Tools    []toolView `json:"tools"`
		Total    int        `json:"total"`
		UserRole string     `json:"user_role" doc:"highest role of the session; never taken from the request"`
	}
}

type catalogInput struct {
	Engine string `query:"tws_instance_id" doc:"engine; the default one when absent"`
	Tags   string `query:"tags" doc:"comma-separated; tools with any of them"`
}

// executeBody is one call of a tool. The caller's role is the session's.
type executeBody struct {
	ToolName   string          `json:"tool_name" minLength:"1" maxLength:"100"`
	Parameters json.RawMessage `json:"parameters,omitempty" doc:"the tool's arguments, see its input_schema"`
	Reason     string          `json:"reason,omitempty" maxLength:"400" doc:"why; goes to the engine's audit trail"`
	Ticket     string          `json:"ticket,omitempty" maxLength:"128"`
	Engine     string          `json:"tws_instance_id,omitempty"`
	SessionID  string          `json:"session_id,omitempty" maxLength:"64"`
}

type executeResult struct {
	ToolName   string             `json:"tool_name"`
	Success    bool               `json:"success"`
	Result     any                `json:"result"`
	Error      string             `json:"error,omitempty"`
	DurationMS int64              `json:"duration_ms"`
	TraceID    string             `json:"trace_id"`
	Status     tool.Status        `json:"status"`
	RiskLevel  tool.Risk          `json:"risk_level"`
	CanUndo    bool               `json:"can_undo"`
	ApprovalID string             `json:"approval_id,omitempty"`
	Approval   *chat.ApprovalView `json:"approval,omitempty"`
}

type executeOutput struct{ Body executeResult }

func (s *server) registerTools() {
	const base = "/api/v1/agents/tools"
	add(s, route{id: "tools-catalog", method: http.MethodGet, paths: one(base + "/catalog"), tag: "tools", tier: ReadOnly, role: auth.Viewer,
		summary: "The tools this session may use"}, s.catalog)
	add(s, route{id: "tools-execute", method: http.MethodPost, paths: one(base + "/execute"), tag: "tools", tier: Critical, role: auth.Viewer, key: keyRuns,
		summary: "Run a reading tool, or propose a writing one", errors: []int{400, 404, 409, 502}}, s.execute)
	add(s, route{id: "tools-execute-parallel", method: http.MethodPost, paths: one(base + "/execute-parallel"), tag: "tools", tier: Critical,
		role: auth.Viewer, key: keyRuns, summary: "Run several tools in order: reads side by side, each write a barrier", errors: []int{400}}, s.executeParallel)
	add(s, route{id: "tools-assess-risk", method: http.MethodPost, paths: one(base + "/assess-risk"), tag: "tools", tier: ReadOnly, role: auth.Viewer, key: keyNone,
		summary: "The risk of a call with the facts that make it", errors: []int{400, 404}}, s.assessRisk)
	add(s, route{id: "tws-execute", method: http.MethodPost, paths: both("/tws/execute/{action}"), tag: "tools", tier: Critical, role: auth.Viewer, key: keyRuns,
		summary: "Propose an action on a job: rerun, hold or release", errors: []int{400, 404, 409, 502}}, s.executeAction)
}

func (s *server) catalog(ctx context.Context, in *catalogInput) (*catalogOutput, error) {
	e, err := s.engine(in.Engine)
	if err != nil {
		return nil, err
	}
	out := &catalogOutput{}
	out.Body.UserRole = highest(identityOf(ctx).Roles)
	out.Body.Tools = []toolView{}
	for _, t := range e.Exec.Tools() {
		if in.Tags != "" && !slices.ContainsFunc(strings.Split(in.Tags, ","), func(tag string) bool { return slices.Contains(t.Spec.Tags, strings.TrimSpace(tag)) }) {
			continue
		}
		out.Body.Tools = append(out.Body.Tools, viewTool(t))
	}
	out.Body.Total = len(out.Body.Tools)
	return out, nil
}

func viewTool(t *tool.Tool) toolView {
	timeout := t.Spec.Timeout
	if timeout <= 0 {
		timeout = tool.DefaultTimeout
	}
	return toolView{
		Name: t.Spec.Name, Description: t.Spec.Description, Permission: t.Spec.Permission, RequiresApproval: t.Spec.Permission.Writes(),
		Tags: t.Spec.Tags, TimeoutSeconds: int(timeout.Seconds()), UndoClass: t.Spec.Undo, UndoNote: t.Spec.UndoNote,
		SupportsUndo: t.Spec.Undo != "" && t.Spec.Undo != tool.UndoNone, InputSchema: t.Schema,
	}
}

func (s *server) execute(ctx context.Context, in *struct{ Body executeBody }) (*executeOutput, error) {
	e, err := s.engine(in.Body.Engine)
	if err != nil {
		return nil, err
	}
	if err := s.readonly(ctx, e, in.Body.ToolName); err != nil {
		return nil, err
	}
	res, err := e.Exec.Call(ctx, person(ctx), tool.Request{Tool: in.Body.ToolName, Args: in.Body.Parameters,
		Reason: in.Body.Reason, Ticket: in.Body.Ticket, ConversationID: in.Body.SessionID})
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return &executeOutput{s.resultView(ctx, e, res)}, nil
}

// resultView renders a result as the contract has it. A write that waits is
// success=false with the card to approve.
func (s *server) resultView(ctx context.Context, e *Engine, res tool.Result) executeResult {
	v := executeResult{ToolName: res.Tool, Success: res.Status == tool.StatusDone, Result: res.Data, DurationMS: res.Duration.Milliseconds(),
		TraceID: res.RunID, Status: res.Status, RiskLevel: res.Risk.Level}
	if res.Err != nil {
		v.Error = res.Err.Error()
	}
	if res.Run != nil && res.Approval != nil {
		card := e.Desk.Card(ctx, person(ctx), *res.Run, *res.Approval)
		v.Approval = &card
		v.CanUndo = card.Preview.Reversible
		if res.Status == tool.StatusBlocked {
			v.ApprovalID, v.Error = res.RunID, "Approval required: "+res.RunID
		}
	}
	return v
}

type parallelInput struct {
	Strategy string        `query:"strategy" enum:"smart,serial,concurrent" default:"smart" doc:"kept for clients of the contract; order and barriers are the same for all"`
	Body     []executeBody `maxItems:"100"`
}

type parallelOutput struct {
	Body struct {
		Results      []executeResult `json:"results"`
		Total        int             `json:"total"`
		SuccessCount int             `json:"success_count"`
		Strategy     string          `json:"strategy"`
	}
}

func (s *server) executeParallel(ctx context.Context, in *parallelInput) (*parallelOutput, error) {
	e, err := s.engine("")
	if err != nil {
		return nil, err
	}
	reqs := make([]tool.Request, 0, len(in.Body))
	for _, b := range in.Body {
		if b.Engine != "" && b.Engine != e.Name {
			return nil, s.problem(ctx, &tool.ArgError{Field: "tws_instance_id", Problem: "a batch acts on the default engine"})
		}
		if err := s.readonly(ctx, e, b.ToolName); err != nil {
			return nil, err
		}
		reqs = append(reqs, tool.Request{Tool: b.ToolName, Args: b.Parameters, Reason: b.Reason, Ticket: b.Ticket, ConversationID: b.SessionID})
	}
	out := &parallelOutput{}
	out.Body.Strategy, out.Body.Results = in.Strategy, []executeResult{}
	for _, res := range e.Exec.Batch(ctx, person(ctx), reqs) {
		v := s.resultView(ctx, e, res)
		if v.Success {
			out.Body.SuccessCount++
		}
		out.Body.Results = append(out.Body.Results, v)
	}
	out.Body.Total = len(out.Body.Results)
	return out, nil
}

type assessInput struct {
	ToolName string `query:"tool_name" required:"true" maxLength:"100"`
	Engine   string `query:"tws_instance_id"`
	Body     json.RawMessage
}

type assessOutput struct {
	Body struct {
		ToolName         string          `json:"tool_name"`
		RiskLevel        tool.Risk       `json:"risk_level"`
		Description      string          `json:"description"`
		RequiresApproval bool            `json:"requires_approval"`
		ToolPermission   tool.Permission `json:"tool_permission"`
		Facts            []tool.Fact     `json:"facts"`
	}
}

func (s *server) assessRisk(ctx context.Context, in *assessInput) (*assessOutput, error) {
	e, err := s.engine(in.Engine)
	if err != nil {
		return nil, err
	}
	risk, t, err := e.Exec.AssessRisk(ctx, person(ctx), tool.Request{Tool: in.ToolName, Args: in.Body})
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	out := &assessOutput{}
	out.Body.ToolName, out.Body.RiskLevel, out.Body.Description = in.ToolName, risk.Level, risk.Level.Describe()
	out.Body.RequiresApproval, out.Body.ToolPermission, out.Body.Facts = t.Spec.Permission.Writes(), t.Spec.Permission, risk.Facts
	return out, nil
}

type actionInput struct {
	Action string `path:"action" enum:"rerun,hold,release"`
	Body   struct {
		Target string `json:"target" minLength:"1" maxLength:"300" doc:"WORKSTATION#STREAM.JOB or a plan id"`
		Reason string `json:"reason,omitempty" maxLength:"400"`
		Ticket string `json:"ticket,omitempty" maxLength:"128"`
		Engine string `json:"tws_instance_id,omitempty"`
	}
}

// executeAction is the contract's short form of a tool call on a job.
func (s *server) executeAction(ctx context.Context, in *actionInput) (*executeOutput, error) {
	args, err := json.Marshal(map[string]string{"job": in.Body.Target})
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	call := struct{ Body executeBody }{executeBody{ToolName: in.Action + "_job", Parameters: args, Reason: in.Body.Reason, Ticket: in.Body.Ticket, Engine: in.Body.Engine}}
	return s.execute(ctx, &call)
}

// highest is the strongest role of a session.
func highest(roles auth.Roles) string {
	names := roles.Names()
	if len(names) == 0 {
		return ""
	}
	return names[len(names)-1]
}
