package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"resync/tool"
)

// ApprovalView is an approval card. Its texts are made here from the stored
// proposal, never by a model, and every screen shows them as they are.
type ApprovalView struct {
	TraceID       string          `json:"trace_id"`
	ToolName      string          `json:"tool_name"`
	ActionSummary string          `json:"action_summary"`
	InputParams   json.RawMessage `json:"input_params"`
	Engine        string          `json:"engine"`
	Target        string          `json:"target"`
	UserID        string          `json:"user_id"`
	RequestedAt   time.Time       `json:"requested_at"`
	ExpiresAt     time.Time       `json:"expires_at"`
	RiskLevel     tool.Risk       `json:"risk_level"`
	RiskFacts     []tool.Fact     `json:"risk_facts"`
	Preview       PreviewView     `json:"preview"`
	Needed        int             `json:"needed"`
	Approvers     []string        `json:"approvers"`
	Missing       int             `json:"missing"`
	CanApprove    bool            `json:"can_approve"`
	CannotReason  string          `json:"cannot_reason,omitempty"`
	Status        string          `json:"status"`
	Reason        string          `json:"reason,omitempty"`
	Ticket        string          `json:"ticket,omitempty"`
	SessionID     string          `json:"session_id,omitempty"`
}

// PreviewView is the effect of an action with what can take it back.
type PreviewView struct {
	Before     map[string]any `json:"before"`
	After      map[string]any `json:"after"`
	Effects    []string       `json:"effects"`
	Reversible bool           `json:"reversible"`
	UndoClass  tool.UndoClass `json:"undo_class"`
	UndoNote   string         `json:"undo_note"`
}

// RunView is one run as the journal tells it.
type RunView struct {
	RunID           string            `json:"run_id"`
	ToolName        string            `json:"tool_name"`
	Status          tool.Status       `json:"status"`
	Phase           tool.Event        `json:"phase"`
	Target          string            `json:"target"`
	Engine          string            `json:"engine"`
	User            string            `json:"user"`
	RiskLevel       tool.Risk         `json:"risk_level"`
	Progress        float64           `json:"progress"` // 0 to 1, by phase
	ProgressMessage string            `json:"progress_message"`
	Error           string            `json:"error,omitempty"`
	StartedAt       time.Time         `json:"started_at"`
	CompletedAt     *time.Time        `json:"completed_at,omitempty"`
	Message         string            `json:"message"`
	Outcome         string            `json:"outcome"`
	Verified        bool              `json:"verified"`
	BlockedReason   string            `json:"blocked_reason,omitempty"`
	Permissions     []tool.Permission `json:"permissions_needed"`
	ParentID        string            `json:"parent_id,omitempty"`
	Journal         []tool.Entry      `json:"journal,omitempty"`
	Summary         string            `json:"action_summary"`
	Reason          string            `json:"reason,omitempty"`
	Ticket          string            `json:"ticket,omitempty"`
	Approval        *ApprovalView     `json:"approval,omitempty"`
	UndoNote        string            `json:"undo_note,omitempty"`
}

// UndoView is one action that can be taken back.
type UndoView struct {
	TraceID   string         `json:"trace_id"`
	ToolName  string         `json:"tool_name"`
	Timestamp time.Time      `json:"timestamp"`
	RiskLevel tool.Risk      `json:"risk_level"`
	Target    string         `json:"target"`
	UndoClass tool.UndoClass `json:"undo_class"`
	Summary   string         `json:"summary"`
	ExpiresAt time.Time      `json:"expires_at"`
	Note      string         `json:"note,omitempty"`
}

// Desk is how people meet the executor: cards to approve, runs to follow,
// actions to take back.
type Desk struct{ exec *tool.Executor }

// NewDesk returns a desk over the executor.
func NewDesk(x *tool.Executor) *Desk { return &Desk{x} }

// Card makes the approval card of a run as this person may see and use it.
func (d *Desk) Card(ctx context.Context, who tool.Identity, st tool.RunState, a tool.Approval) ApprovalView {
	v := ApprovalView{
		TraceID: st.ID, ToolName: st.Tool, ActionSummary: st.Preview.Summary, InputParams: st.Args, Engine: st.Engine,
		Target: st.Target, UserID: a.Requester, RequestedAt: a.RequestedAt, ExpiresAt: a.ExpiresAt, RiskLevel: st.Risk.Level,
		RiskFacts: st.Risk.Facts, Needed: a.Needed, Missing: a.Missing(), Approvers: []string{}, Status: string(a.Status),
		Reason: st.Reason, Ticket: st.Ticket, SessionID: st.ConversationID,
		Preview: PreviewView{Before: st.Preview.Before, After: st.Preview.After, Effects: st.Preview.Effects},
	}
	if spec, ok := d.spec(st.Tool); ok {
		v.Preview.UndoClass, v.Preview.UndoNote = spec.Undo, spec.UndoNote
		v.Preview.Reversible = spec.Undo != tool.UndoNone
	}
	for _, vote := range a.Votes {
		if vote.Approve {
			v.Approvers = append(v.Approvers, vote.Approver)
		}
	}
	switch err := d.exec.CanDecide(ctx, who, st, a); {
	case a.Status != tool.ApprovalPending:
		v.CannotReason = "it is " + string(a.Status) + " already"
	case slices.Contains(v.Approvers, who.User):
		v.CannotReason = "you have approved it; somebody else has to as well"
	case err != nil:
		v.CannotReason = err.Error()
	default:
		v.CanApprove = true
	}
	return v
}

func (d *Desk) spec(name string) (tool.Spec, bool) {
	for _, t := range d.exec.Tools() {
		if t.Spec.Name == name {
			return t.Spec, true
		}
	}
	return tool.Spec{}, false
}

// Approvals lists cards, newest first; status "" or "all" lists every one.
func (d *Desk) Approvals(ctx context.Context, who tool.Identity, status string, limit int) ([]ApprovalView, error) {
	if status == "all" {
		status = ""
	}
	list, err := d.exec.Ledger().ListApprovals(ctx, tool.ApprovalStatus(status), limit)
	if err != nil {
		return nil, fmt.Errorf("listing approvals: %w", err)
	}
	out := make([]ApprovalView, 0, len(list))
	for _, a := range list {
		st, err := d.exec.Ledger().LoadRun(ctx, a.RunID)
		if err != nil {
			return nil, fmt.Errorf("listing approvals: run %s: %w", a.RunID, err)
		}
		out = append(out, d.Card(ctx, who, st, a))
	}
	return out, nil
}

// Approval reads one card.
func (d *Desk) Approval(ctx context.Context, who tool.Identity, runID string) (ApprovalView, error) {
	st, err := d.exec.Ledger().LoadRun(ctx, runID)
	if err != nil {
		return ApprovalView{}, fmt.Errorf("run %s: %w", runID, err)
	}
	a, err := d.exec.Ledger().LoadApproval(ctx, runID)
	if err != nil {
		return ApprovalView{}, fmt.Errorf("approval of run %s: %w", runID, err)
	}
	return d.Card(ctx, who, st, a), nil
}

// Runs lists runs of this desk's engine, newest first.
func (d *Desk) Runs(ctx context.Context, f tool.RunFilter) ([]RunView, error) {
	f.Engine = d.exec.EngineInfo().Name
	list, err := d.exec.Ledger().ListRuns(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("listing runs: %w", err)
	}
	out := make([]RunView, 0, len(list))
	for _, st := range list {
		v := ViewRun(st)
		v.Journal = nil
		out = append(out, v)
	}
	return out, nil
}

// Run reads one run with its journal and its card.
func (d *Desk) Run(ctx context.Context, who tool.Identity, runID string) (RunView, error) {
	st, err := d.exec.Ledger().LoadRun(ctx, runID)
	if err != nil {
		return RunView{}, fmt.Errorf("run %s: %w", runID, err)
	}
	v := ViewRun(st)
	if spec, ok := d.spec(st.Tool); ok {
		v.UndoNote = spec.UndoNote
	}
	if a, err := d.exec.Ledger().LoadApproval(ctx, runID); err == nil {
		card := d.Card(ctx, who, st, a)
		v.Approval = &card
	}
	return v, nil
}

// Undoable lists what can be taken back now, newest first.
func (d *Desk) Undoable(ctx context.Context) ([]UndoView, error) {
	list, err := d.exec.Undoable(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]UndoView, 0, len(list))
	for _, u := range list {
		out = append(out, UndoView{TraceID: u.RunID, ToolName: u.Tool, Timestamp: u.CreatedAt, RiskLevel: u.Risk, Target: u.Target,
			UndoClass: u.Inverse.Class, Summary: u.Inverse.Summary, ExpiresAt: u.ExpiresAt, Note: u.Note})
	}
	return out, nil
}

// ViewRun renders a run.
func ViewRun(st tool.RunState) RunView {
	v := RunView{
		RunID: st.ID, ToolName: st.Tool, Status: st.Status(), Phase: st.Phase(), Target: st.Target, Engine: st.Engine, User: st.User,
		RiskLevel: st.Risk.Level, StartedAt: st.CreatedAt, Outcome: string(st.Outcome()), Verified: st.Has(tool.EvVerified),
		Permissions: []tool.Permission{}, ParentID: st.ParentID, Journal: st.Entries, Summary: st.Preview.Summary,
		Reason: st.Reason, Ticket: st.Ticket,
	}
	v.Progress, v.Message = progress(st)
	v.ProgressMessage = v.Message
	if v.Status == tool.StatusBlocked {
		v.Permissions = append(v.Permissions, st.Permission)
		v.BlockedReason = v.Message
	}
	if e, ok := st.Find(tool.EvError); ok {
		v.Error = fmt.Sprint(e.Detail["error"])
	}
	if n := len(st.Entries); n > 0 && v.Status != tool.StatusBlocked && v.Status != tool.StatusInProgress && v.Status != tool.StatusQueued {
		v.CompletedAt = &st.Entries[n-1].At
	}
	return v
}

// progress says in one sentence where a run stands. Accepted is not done.
func progress(st tool.RunState) (float64, string) {
	last := func(ev tool.Event, key string) string {
		e, _ := st.Find(ev)
		s, _ := e.Detail[key].(string)
		return s
	}
	switch st.Phase() {
	case tool.EvProposed, tool.EvAssessed:
		return 0.1, "proposed"
	case tool.EvBlocked:
		return 0.2, "waits for approval"
	case tool.EvApproved:
		return 0.4, "approved, about to be sent"
	case tool.EvExecuting:
		return 0.6, "sent to the engine, no answer yet"
	case tool.EvDone:
		return 0.8, "accepted by the engine, not yet confirmed by the plan"
	case tool.EvVerified:
		return 1, "confirmed: " + last(tool.EvVerified, "note")
	case tool.EvUnverified:
		return 1, "accepted, but not confirmed in time: " + last(tool.EvUnverified, "note")
	case tool.EvUndone:
		return 1, "undone by " + last(tool.EvUndone, "by")
	case tool.EvError:
		return 1, "refused: " + last(tool.EvError, "error")
	case tool.EvUnknown:
		return 0.9, "outcome unknown: " + last(tool.EvUnknown, "note")
	case tool.EvReconciled:
		return 1, "settled by reading the plan: " + last(tool.EvReconciled, "note")
	case tool.EvRejected:
		return 1, "declined: " + last(tool.EvRejected, "reason")
	case tool.EvVoided:
		return 1, "void, nothing was sent: " + last(tool.EvVoided, "reason")
	case tool.EvCancelled:
		return 1, "cancelled, nothing was sent: " + last(tool.EvCancelled, "reason")
	}
	return 0, string(st.Phase())
}
