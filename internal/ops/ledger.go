package ops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"resync/internal/store"
	"resync/tool"
)

// Ledger keeps the executor's rows in the store. It converts types and error
// names; the rules (one claim, one outcome, single use) live in the store.
type Ledger struct{ db *store.Store }

// NewLedger returns a ledger over the store.
func NewLedger(db *store.Store) *Ledger { return &Ledger{db} }

var _ tool.Ledger = (*Ledger)(nil)

// image is the run's pre_image column: the state an approval is bound to beside
// the tool's own pre-image.
type image struct {
	State map[string]any  `json:"state"`
	Pre   json.RawMessage `json:"pre"`
}

// CreateRun stores the run with its first entries and its envelope.
func (l *Ledger) CreateRun(ctx context.Context, r tool.Run, entries []tool.Entry, a tool.Approval) error {
	row, err := rowOf(r)
	if err != nil {
		return err
	}
	list, err := entryRows(entries)
	if err != nil {
		return err
	}
	list = append(list, store.Entry{RunID: a.RunID, At: a.RequestedAt, Actor: a.Requester, Event: string(tool.EvBlocked),
		Detail: json.RawMessage(fmt.Sprintf(`{"digest":%q,"expires_at":%q}`, a.Digest, a.ExpiresAt.Format(time.RFC3339)))})
	return known(l.db.Propose(ctx, row, list, &store.Approval{
		RunID: a.RunID, Digest: a.Digest, Tool: a.Tool, RiskLevel: a.Risk.String(), Requester: a.Requester,
		RequestedAt: a.RequestedAt, ExpiresAt: a.ExpiresAt, Needed: a.Needed, AllowSelf: a.AllowSelf,
	}))
}

func rowOf(r tool.Run) (store.Run, error) {
	var errs []error
	enc := func(v any) json.RawMessage {
		b, err := json.Marshal(v)
		errs = append(errs, err)
		return b
	}
	row := store.Run{
		ID: r.ID, Engine: r.Engine, Tool: r.Tool, Args: r.Args, ArgsHash: r.ArgsHash, Target: r.Target,
		TargetID: r.TargetID, User: r.User, ConversationID: r.ConversationID, ParentID: r.ParentID,
		Risk: enc(r.Risk), Preview: enc(r.Preview), PreImage: enc(image{r.State, r.PreImage}),
		Digest: r.Digest, Reason: r.Reason, Ticket: r.Ticket, Permission: string(r.Permission), CreatedAt: r.CreatedAt,
	}
	if err := errors.Join(errs...); err != nil {
		return row, fmt.Errorf("encoding run %s: %w", r.ID, err)
	}
	return row, nil
}

func stateOf(s store.RunStatus) (tool.RunState, error) {
	r := s.Run
	var im image
	out := tool.RunState{Run: tool.Run{
		ID: r.ID, Engine: r.Engine, Tool: r.Tool, Permission: tool.Permission(r.Permission), Args: r.Args,
		ArgsHash: r.ArgsHash, Target: r.Target, TargetID: r.TargetID, User: r.User, ConversationID: r.ConversationID,
		ParentID: r.ParentID, Digest: r.Digest, Reason: r.Reason, Ticket: r.Ticket, CreatedAt: r.CreatedAt,
	}}
	err := errors.Join(json.Unmarshal(r.Risk, &out.Risk), json.Unmarshal(r.Preview, &out.Preview), json.Unmarshal(r.PreImage, &im))
	if err != nil {
		return out, fmt.Errorf("decoding run %s: %w", r.ID, err)
	}
	out.State, out.PreImage = im.State, im.Pre
	for _, e := range s.Entries {
		te := tool.Entry{Seq: e.Seq, RunID: e.RunID, At: e.At, Event: tool.Event(e.Event), Actor: e.Actor}
		if len(e.Detail) > 0 {
			if err := json.Unmarshal(e.Detail, &te.Detail); err != nil {
				return out, fmt.Errorf("decoding journal entry %d: %w", e.Seq, err)
			}
		}
		out.Entries = append(out.Entries, te)
	}
	return out, nil
}

func statesOf(list []store.RunStatus, err error) ([]tool.RunState, error) {
	if err != nil {
		return nil, known(err)
	}
	out := make([]tool.RunState, 0, len(list))
	for _, s := range list {
		st, err := stateOf(s)
		if err != nil {
			return nil, err
		}
		out = append(out, st)
	}
	return out, nil
}

// LoadRun reads one run with its journal.
func (l *Ledger) LoadRun(ctx context.Context, id string) (tool.RunState, error) {
	s, err := l.db.Run(ctx, id)
	if err != nil {
		return tool.RunState{}, known(err)
	}
	return stateOf(s)
}

// ListRuns lists runs, newest first.
func (l *Ledger) ListRuns(ctx context.Context, f tool.RunFilter) ([]tool.RunState, error) {
	return statesOf(l.db.Runs(ctx, store.RunFilter{
		Engine: f.Engine, User: f.User, Tool: f.Tool, ConversationID: f.Conversation, Active: f.Active, Limit: f.Limit,
	}))
}

func entryRow(e tool.Entry) (store.Entry, error) {
	row := store.Entry{RunID: e.RunID, At: e.At, Event: string(e.Event), Actor: e.Actor}
	if e.Detail == nil {
		return row, nil
	}
	b, err := json.Marshal(e.Detail)
	if err != nil {
		return row, fmt.Errorf("encoding journal detail of %s: %w", e.RunID, err)
	}
	row.Detail = b
	return row, nil
}

func entryRows(list []tool.Entry) ([]store.Entry, error) {
	out := make([]store.Entry, 0, len(list))
	for _, e := range list {
		row, err := entryRow(e)
		if err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, nil
}

// Append commits entries. The end of an undo also closes its undo record.
func (l *Ledger) Append(ctx context.Context, entries ...tool.Entry) error {
	for _, e := range entries {
		row, err := entryRow(e)
		if err != nil {
			return err
		}
		if e.Event == tool.EvRejected || e.Event == tool.EvVoided {
			_, err = l.db.AppendUnclaimed(ctx, row)
		} else {
			_, err = l.db.Append(ctx, row)
		}
		if err != nil {
			return known(err)
		}
		if by, ok := e.Detail["by"].(string); ok && e.Event == tool.EvUndone {
			if err := l.db.MarkUndone(ctx, e.RunID, by); err != nil {
				return known(err)
			}
		}
	}
	return nil
}

// Unsettled lists engine calls nobody knows the end of.
func (l *Ledger) Unsettled(ctx context.Context) ([]tool.RunState, error) {
	open, err := statesOf(l.db.OpenExecuting(ctx))
	if err != nil {
		return nil, err
	}
	unknown, err := statesOf(l.db.Unreconciled(ctx))
	if err != nil {
		return nil, err
	}
	// What was accepted longer ago than that is verified by nobody any more.
	done, err := statesOf(l.db.Runs(ctx, store.RunFilter{Phase: store.EventDone, Since: time.Now().Add(-24 * time.Hour), Limit: 1000}))
	return append(append(open, unknown...), done...), err
}

func approvalOf(t store.Tally) (tool.Approval, error) {
	risk, err := tool.ParseRisk(t.RiskLevel)
	a := tool.Approval{
		RunID: t.RunID, Tool: t.Tool, Digest: t.Digest, Risk: risk, Requester: t.Requester, RequestedAt: t.RequestedAt,
		ExpiresAt: t.ExpiresAt, Needed: t.Needed, AllowSelf: t.AllowSelf, Status: tool.ApprovalStatus(t.State),
	}
	for _, v := range t.Votes {
		a.Votes = append(a.Votes, tool.Vote{RunID: v.RunID, Approver: v.Approver, Approve: v.Decision == store.Approve, Reason: v.Reason, At: v.At})
	}
	return a, err
}

// LoadApproval reads the envelope of a run.
func (l *Ledger) LoadApproval(ctx context.Context, runID string) (tool.Approval, error) {
	t, err := l.db.Approval(ctx, runID)
	if err != nil {
		return tool.Approval{}, known(err)
	}
	return approvalOf(t)
}

// LoadEnvelope reads a run with its journal and its envelope.
func (l *Ledger) LoadEnvelope(ctx context.Context, runID string) (tool.RunState, tool.Approval, error) {
	s, t, err := l.db.RunApproval(ctx, runID)
	if err != nil {
		return tool.RunState{}, tool.Approval{}, known(err)
	}
	st, err := stateOf(s)
	if err != nil {
		return st, tool.Approval{}, err
	}
	a, err := approvalOf(t)
	return st, a, err
}

// FindPending lists the runs somebody asked for that wait for votes.
func (l *Ledger) FindPending(ctx context.Context, requester, digest string) ([]string, error) {
	ids, err := l.db.PendingOf(ctx, requester, digest)
	return ids, known(err)
}

// ListApprovals lists envelopes, newest first; an empty status lists all.
func (l *Ledger) ListApprovals(ctx context.Context, status tool.ApprovalStatus, limit int) ([]tool.Approval, error) {
	list, err := l.db.Approvals(ctx, store.ApprovalFilter{State: store.ApprovalState(status), Limit: limit})
	if err != nil {
		return nil, known(err)
	}
	out := make([]tool.Approval, 0, len(list.Approvals))
	for _, t := range list.Approvals {
		a, err := approvalOf(t)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// CastVote adds a vote with its entries.
func (l *Ledger) CastVote(ctx context.Context, v tool.Vote, entries func(tool.Approval) []tool.Entry) (tool.Approval, error) {
	decision := store.Reject
	if v.Approve {
		decision = store.Approve
	}
	t, err := l.db.VoteWith(ctx, store.Vote{RunID: v.RunID, Approver: v.Approver, Decision: decision, Reason: v.Reason, At: v.At},
		func(t store.Tally) ([]store.Entry, error) {
			a, err := approvalOf(t)
			if err != nil {
				return nil, err
			}
			return entryRows(entries(a))
		})
	if err != nil {
		return tool.Approval{}, known(err)
	}
	return approvalOf(t)
}

// ClaimApproved spends the approval and claims the run in one transaction.
func (l *Ledger) ClaimApproved(ctx context.Context, e tool.Entry, digest string) error {
	row, err := entryRow(e)
	if err != nil {
		return err
	}
	_, err = l.db.ClaimApproved(ctx, row, digest)
	return known(err)
}

// VoidApproval withdraws an envelope; one that is decided or void already stays
// as it is.
func (l *Ledger) VoidApproval(ctx context.Context, runID, reason string) error {
	err := l.db.VoidApproval(ctx, runID, reason)
	if errors.Is(err, store.ErrVoid) {
		return nil
	}
	return known(err)
}

// PutUndo stores an inverse; storing it again after a restart changes nothing.
func (l *Ledger) PutUndo(ctx context.Context, u tool.UndoRecord) error {
	args, err := json.Marshal(u.Inverse.Args)
	if err != nil {
		return fmt.Errorf("encoding the inverse of %s: %w", u.RunID, err)
	}
	expect, err := json.Marshal(u.Inverse.Expect)
	if err != nil {
		return fmt.Errorf("encoding the precondition of %s: %w", u.RunID, err)
	}
	err = l.db.PutUndo(ctx, store.Undo{
		RunID: u.RunID, Engine: u.Engine, Tool: u.Tool, InverseTool: u.Inverse.Tool, InverseArgs: args, Precondition: expect,
		Class: string(u.Inverse.Class), Summary: u.Inverse.Summary, CreatedAt: u.CreatedAt, ExpiresAt: u.ExpiresAt,
	})
	if errors.Is(err, store.ErrExists) {
		return nil
	}
	return known(err)
}

func (l *Ledger) undoOf(ctx context.Context, u store.Undo) (tool.UndoRecord, error) {
	out := tool.UndoRecord{
		RunID: u.RunID, Engine: u.Engine, Tool: u.Tool, CreatedAt: u.CreatedAt, ExpiresAt: u.ExpiresAt, UndoneBy: u.UndoRunID,
		Inverse: tool.Inverse{Tool: u.InverseTool, Class: tool.UndoClass(u.Class), Summary: u.Summary},
	}
	if err := errors.Join(json.Unmarshal(u.InverseArgs, &out.Inverse.Args), json.Unmarshal(u.Precondition, &out.Inverse.Expect)); err != nil {
		return out, fmt.Errorf("decoding the undo record of %s: %w", u.RunID, err)
	}
	run, err := l.LoadRun(ctx, u.RunID)
	out.Target, out.Risk = run.Target, run.Risk.Level
	return out, err
}

// LoadUndo reads the inverse of a run.
func (l *Ledger) LoadUndo(ctx context.Context, runID string) (tool.UndoRecord, error) {
	u, err := l.db.Undo(ctx, runID)
	if err != nil {
		return tool.UndoRecord{}, known(err)
	}
	return l.undoOf(ctx, u)
}

// ListUndos lists what can be undone, newest first. The store applies the
// present time itself.
func (l *Ledger) ListUndos(ctx context.Context, _ time.Time) ([]tool.UndoRecord, error) {
	list, err := l.db.AvailableUndos(ctx, store.UndoFilter{Limit: 200})
	if err != nil {
		return nil, known(err)
	}
	out := make([]tool.UndoRecord, 0, len(list))
	for _, u := range list {
		r, err := l.undoOf(ctx, u)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// ClaimUndo reserves an undo for one run.
func (l *Ledger) ClaimUndo(ctx context.Context, runID, undoRunID string) error {
	_, err := l.db.ClaimUndo(ctx, runID, undoRunID)
	return known(err)
}

// ReleaseUndo gives the reservation back.
func (l *Ledger) ReleaseUndo(ctx context.Context, runID, undoRunID string) error {
	return known(l.db.ReleaseUndo(ctx, runID, undoRunID))
}

// known gives the store's conditions the names the executor knows, keeping the
// store's own text.
func known(err error) error {
	for _, p := range []struct{ from, to error }{
		{store.ErrNotFound, tool.ErrNotFound}, {store.ErrAlreadyClaimed, tool.ErrAlreadyClaimed},
		{store.ErrUsed, tool.ErrAlreadyClaimed}, {store.ErrUndone, tool.ErrAlreadyClaimed},
		{store.ErrDecided, tool.ErrDecided}, {store.ErrVoid, tool.ErrDecided}, {store.ErrAlreadyFinal, tool.ErrDecided},
		{store.ErrExpired, tool.ErrExpired}, {store.ErrDigestMismatch, tool.ErrDigest}, {store.ErrDuplicateVote, tool.ErrDuplicateVote},
	} {
		if errors.Is(err, p.from) {
			return &named{p.to, err}
		}
	}
	return err
}

// named is an error under another package's name for it.
type named struct{ as, err error }

func (n *named) Error() string   { return n.err.Error() }
func (n *named) Unwrap() []error { return []error{n.as, n.err} }
