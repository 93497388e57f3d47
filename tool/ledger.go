package tool

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// Event is a step of a run as the journal keeps it.
type Event string

// The events of a run. A run's phase is its last event: it is derived from the
// journal and stored nowhere else.
const (
	EvProposed   Event = "proposed"
	EvAssessed   Event = "assessed"
	EvBlocked    Event = "blocked_on_user"
	EvVote       Event = "vote"
	EvApproved   Event = "approved"
	EvRejected   Event = "rejected"
	EvVoided     Event = "void" // the target moved, or the approval expired
	EvExecuting  Event = "executing"
	EvDone       Event = "done" // the engine accepted the call
	EvError      Event = "error"
	EvCancelled  Event = "cancelled"
	EvUnknown    Event = "outcome_unknown"
	EvReconciled Event = "reconciled" // an unknown outcome settled by reading the plan
	EvVerified   Event = "verified"   // the plan shows the effect
	EvUnverified Event = "unverified" // accepted, but the plan did not show it in time
	EvUndone     Event = "undone"
)

// Status is what the contract calls the state of a run.
type Status string

// The statuses of the contract, and one the predecessor lacked: outcome_unknown.
const (
	StatusQueued     Status = "queued"
	StatusBlocked    Status = "blocked_on_user"
	StatusInProgress Status = "in_progress"
	StatusDone       Status = "done"
	StatusError      Status = "error"
	StatusCancelled  Status = "cancelled"
	StatusUnknown    Status = "outcome_unknown"
)

// Run is the immutable proposal of one write.
type Run struct {
	ID             string // also the trace id of the contract
	Engine         string
	Tool           string
	Permission     Permission
	Args           json.RawMessage // canonical
	ArgsHash       string
	Target         string
	TargetID       string
	User           string
	ConversationID string
	ParentID       string // the run this one undoes
	Risk           Assessment
	Preview        Preview
	State          map[string]any
	PreImage       json.RawMessage
	Digest         string // of tool, arguments, target, state and preview
	Reason         string
	Ticket         string
	CreatedAt      time.Time
}

// Entry is one row of the journal.
type Entry struct {
	Seq    int64          `json:"seq"`
	RunID  string         `json:"run_id"`
	At     time.Time      `json:"at"`
	Event  Event          `json:"event"`
	Actor  string         `json:"actor"`
	Detail map[string]any `json:"detail,omitempty"`
}

// RunState is a run with its journal, oldest entry first.
type RunState struct {
	Run
	Entries []Entry
}

// Find returns the last entry of the event.
func (s RunState) Find(ev Event) (Entry, bool) {
	for _, e := range slices.Backward(s.Entries) {
		if e.Event == ev {
			return e, true
		}
	}
	return Entry{}, false
}

// Has reports whether the journal holds the event.
func (s RunState) Has(ev Event) bool { _, ok := s.Find(ev); return ok }

// Phase is the last event but for votes.
func (s RunState) Phase() Event {
	for _, e := range slices.Backward(s.Entries) {
		if e.Event != EvVote {
			return e.Event
		}
	}
	return EvProposed
}

// Outcome is the settled or unsettled result of the call: done, error,
// cancelled, outcome_unknown, or "" while there is none. A reconciled unknown
// counts as done or error.
func (s RunState) Outcome() Event {
	if e, ok := s.Find(EvReconciled); ok {
		if applied, _ := e.Detail["applied"].(bool); applied {
			return EvDone
		}
		return EvError
	}
	for _, ev := range []Event{EvDone, EvError, EvCancelled, EvUnknown, EvRejected, EvVoided} {
		if s.Has(ev) {
			return ev
		}
	}
	return ""
}

// Status maps the journal to the contract's status.
func (s RunState) Status() Status {
	switch s.Outcome() {
	case EvDone:
		return StatusDone
	case EvError:
		return StatusError
	case EvUnknown:
		return StatusUnknown
	case EvCancelled, EvRejected, EvVoided:
		return StatusCancelled
	}
	switch {
	case s.Has(EvExecuting) || s.Has(EvApproved):
		return StatusInProgress
	case s.Has(EvBlocked):
		return StatusBlocked
	}
	return StatusQueued
}

// Approval is the envelope around one proposed write.
type Approval struct {
	RunID       string
	Tool        string
	Digest      string
	Risk        Risk
	Requester   string
	RequestedAt time.Time
	ExpiresAt   time.Time
	Needed      int  // approving votes
	AllowSelf   bool // whether the requester's own vote counts
	Status      ApprovalStatus
	Votes       []Vote
}

// Missing is how many approving votes are still needed.
func (a Approval) Missing() int {
	n := a.Needed
	for _, v := range a.Votes {
		if v.Approve {
			n--
		}
	}
	return max(n, 0)
}

// ApprovalStatus is the state of an envelope.
type ApprovalStatus string

// The states of an approval envelope.
const (
	ApprovalPending  ApprovalStatus = "pending"
	ApprovalApproved ApprovalStatus = "approved"
	ApprovalRejected ApprovalStatus = "rejected"
	ApprovalExpired  ApprovalStatus = "expired"
	ApprovalVoid     ApprovalStatus = "void"
	ApprovalUsed     ApprovalStatus = "used"
)

// Vote is one person's decision.
type Vote struct {
	RunID    string
	Approver string
	Approve  bool
	Reason   string
	At       time.Time
}

// UndoRecord is a stored inverse operation.
type UndoRecord struct {
	RunID     string
	Engine    string
	Tool      string // what was done
	Inverse   Inverse
	Risk      Risk
	Target    string
	CreatedAt time.Time
	ExpiresAt time.Time
	UndoneBy  string // the run that undid it
}

// RunFilter selects runs; zero fields select all. Newest first.
type RunFilter struct {
	Engine, User, Tool, Conversation string

	Active bool // neither final nor rejected
	Limit  int
}

// The conditions a ledger reports. Implementations wrap them.
var (
	ErrNotFound       = errors.New("no such record")
	ErrAlreadyClaimed = errors.New("already executed or executing")
	ErrDecided        = errors.New("already decided")
	ErrExpired        = errors.New("expired")
	ErrDigest         = errors.New("what was approved differs from what would run")
	ErrDuplicateVote  = errors.New("this person has voted already")
)

// RunLog keeps proposals.
type RunLog interface {
	// CreateRun stores the run, its first entries and its envelope, and journals
	// blocked_on_user: all of it or nothing.
	CreateRun(ctx context.Context, r Run, entries []Entry, a Approval) error
	LoadRun(ctx context.Context, id string) (RunState, error)
	ListRuns(ctx context.Context, f RunFilter) ([]RunState, error)
}

// Journal keeps what happened to them.
type Journal interface {
	// Append commits entries durably before it returns.
	Append(ctx context.Context, entries ...Entry) error
	// Unsettled lists the engine calls nobody knows the end of: runs that are
	// executing without an outcome, of unknown outcome and not reconciled, or
	// done but neither verified nor unverified.
	Unsettled(ctx context.Context) ([]RunState, error)
}

// Approvals keeps the envelopes.
type Approvals interface {
	LoadApproval(ctx context.Context, runID string) (Approval, error)
	ListApprovals(ctx context.Context, status ApprovalStatus, limit int) ([]Approval, error)
}

// Envelopes reads what the way of an action needs, with few calls of a ledger that
// may be far away.
type Envelopes interface {
	// LoadEnvelope is LoadRun and LoadApproval at one moment.
	LoadEnvelope(ctx context.Context, runID string) (RunState, Approval, error)
	// FindPending lists the runs, newest first, that a person has asked for with this
	// digest and that still wait for votes.
	FindPending(ctx context.Context, requester, digest string) ([]string, error)
}

// Votes decides the envelopes. Each call is one transaction.
type Votes interface {
	// CastVote adds a vote and the entries that say, of the envelope with the new
	// tally, what it means, all or nothing; it returns that envelope.
	CastVote(ctx context.Context, v Vote, entries func(Approval) []Entry) (Approval, error)
	// ClaimApproved spends the approval, if it is approved, unexpired and bound
	// to the digest, and commits the one "executing" entry of the run, both or
	// neither. Of any number of callers one succeeds.
	ClaimApproved(ctx context.Context, e Entry, digest string) error
	VoidApproval(ctx context.Context, runID, reason string) error
}

// Undos keeps inverse operations.
type Undos interface {
	PutUndo(ctx context.Context, u UndoRecord) error
	LoadUndo(ctx context.Context, runID string) (UndoRecord, error)
	ListUndos(ctx context.Context, now time.Time) ([]UndoRecord, error)
}

// UndoClaims makes an undo happen once.
type UndoClaims interface {
	ClaimUndo(ctx context.Context, runID, undoRunID string) error
	ReleaseUndo(ctx context.Context, runID, undoRunID string) error
}

// Ledger is the durable side of the executor.
type Ledger interface {
	RunLog
	Journal
	Approvals
	Envelopes
	Votes
	Undos
	UndoClaims
}
