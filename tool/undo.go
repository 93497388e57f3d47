package tool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// UndoRefusedError says why an action cannot be taken back, or not any more.
type UndoRefusedError struct{ Reason string }

// Error gives the reason.
func (e *UndoRefusedError) Error() string { return "cannot undo: " + e.Reason }

// Undo takes a run back by proposing its stored inverse through the same chain.
// Asking for the undo is the requester's vote on it where the policy lets the
// requester approve; otherwise the result waits for somebody else's.
func (x *Executor) Undo(ctx context.Context, who Identity, runID, reason string) (Result, error) {
	st, err := x.cfg.Ledger.LoadRun(ctx, runID)
	if err != nil {
		return Result{RunID: runID}, fmt.Errorf("run %s: %w", runID, err)
	}
	rec, err := x.undoable(ctx, st)
	if err != nil {
		return Result{RunID: runID, Run: &st}, err
	}
	if err := x.moved(ctx, rec); err != nil {
		return Result{RunID: runID, Run: &st}, err
	}
	args, err := json.Marshal(rec.Inverse.Args)
	if err != nil {
		return Result{RunID: runID}, fmt.Errorf("encoding the inverse of %s: %w", runID, err)
	}
	if reason == "" {
		reason = "undo of " + runID
	}
	res, err := x.Call(ctx, who, Request{Tool: rec.Inverse.Tool, Args: args, Reason: reason, Ticket: st.Ticket,
		ConversationID: st.ConversationID, parent: runID})
	if err != nil {
		return res, fmt.Errorf("undoing %s: %w", runID, err)
	}
	return x.claimUndo(ctx, who, runID, res)
}

func (x *Executor) claimUndo(ctx context.Context, who Identity, runID string, res Result) (Result, error) {
	if err := x.cfg.Ledger.ClaimUndo(ctx, runID, res.RunID); err != nil {
		if errors.Is(err, ErrAlreadyClaimed) {
			err = &UndoRefusedError{"somebody is undoing it already"}
		}
		return res, err
	}
	if !res.Approval.AllowSelf || res.Approval.Needed > 1 {
		return res, nil
	}
	return x.Decide(ctx, who, res.RunID, true, "asked for the undo")
}

// undoable returns the live inverse of a run, or why there is none.
func (x *Executor) undoable(ctx context.Context, st RunState) (UndoRecord, error) {
	if out := st.Outcome(); out != EvDone {
		return UndoRecord{}, &UndoRefusedError{fmt.Sprintf("the action is %s, there is nothing to take back", wordFor(out))}
	}
	if st.Has(EvUndone) {
		return UndoRecord{}, &UndoRefusedError{"it has been undone already"}
	}
	rec, err := x.cfg.Ledger.LoadUndo(ctx, st.ID)
	if errors.Is(err, ErrNotFound) {
		note := "no inverse exists"
		if t, ok := x.tools[st.Tool]; ok {
			note = t.Spec.UndoNote
		}
		return rec, &UndoRefusedError{note}
	}
	if err != nil {
		return rec, fmt.Errorf("reading the undo record of %s: %w", st.ID, err)
	}
	if !rec.ExpiresAt.After(x.cfg.Now()) {
		return rec, &UndoRefusedError{"the undo expired at " + rec.ExpiresAt.Format(time.RFC3339)}
	}
	return rec, x.releaseStale(ctx, rec)
}

// releaseStale frees the claim of an earlier undo that ended without acting.
func (x *Executor) releaseStale(ctx context.Context, rec UndoRecord) error {
	if rec.UndoneBy == "" {
		return nil
	}
	earlier, err := x.cfg.Ledger.LoadRun(ctx, rec.UndoneBy)
	if err != nil {
		return fmt.Errorf("reading the earlier undo %s: %w", rec.UndoneBy, err)
	}
	switch earlier.Outcome() {
	case EvDone:
		return &UndoRefusedError{"it has been undone already"}
	case EvUnknown:
		return &UndoRefusedError{"an earlier undo has an unknown outcome; it is settled by reading the plan first"}
	case EvError, EvCancelled, EvRejected, EvVoided:
		return x.cfg.Ledger.ReleaseUndo(ctx, rec.RunID, rec.UndoneBy)
	}
	if a, err := x.cfg.Ledger.LoadApproval(ctx, earlier.ID); err == nil && !a.ExpiresAt.After(x.cfg.Now()) {
		return x.cfg.Ledger.ReleaseUndo(ctx, rec.RunID, rec.UndoneBy)
	}
	return &UndoRefusedError{"an undo of it waits for approval already: " + earlier.ID}
}

// moved refuses the undo when the target no longer has the state the action
// left it in.
func (x *Executor) moved(ctx context.Context, rec UndoRecord) error {
	t, ok := x.tools[rec.Inverse.Tool]
	if !ok || t.write == nil {
		return &UnknownToolError{rec.Inverse.Tool}
	}
	raw, err := CanonicalOf(rec.Inverse.Args)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, t.Spec.timeout())
	defer cancel()
	p, err := guard(func() (erased, error) { return t.write.prepare(ctx, raw) })
	if err != nil {
		return &UndoRefusedError{"the target does not admit it any more: " + err.Error()}
	}
	is := map[string]any{}
	for k := range rec.Inverse.Expect {
		is[k] = p.State[k]
	}
	if ch := changes(rec.Inverse.Expect, is); len(ch) > 0 {
		return &UndoRefusedError{(&MovedError{Target: rec.Target, Changes: ch}).reason()}
	}
	return nil
}

func (e *MovedError) reason() string {
	out := e.Target + " has moved since"
	for i, c := range e.Changes {
		sep := "; "
		if i == 0 {
			sep = " ("
		}
		out += sep + c
	}
	return out + ")"
}

func wordFor(ev Event) string {
	switch ev {
	case "":
		return "not executed yet"
	case EvUnknown:
		return "of unknown outcome"
	case EvVoided:
		return "void, it never ran"
	case EvRejected:
		return "rejected, it never ran"
	case EvError:
		return "refused by the engine"
	}
	return string(ev)
}

// UndoView is an undo record with whether it can be used now.
type UndoView struct {
	UndoRecord
	Note string // why it cannot be undone, or ""
}

// Undoable lists what can be taken back: durable, newest first, not yet undone
// and not expired.
func (x *Executor) Undoable(ctx context.Context) ([]UndoView, error) {
	list, err := x.cfg.Ledger.ListUndos(ctx, x.cfg.Now())
	if err != nil {
		return nil, fmt.Errorf("listing undo records: %w", err)
	}
	out := make([]UndoView, 0, len(list))
	for _, u := range list {
		if u.Engine != x.cfg.Engine.Name {
			continue
		}
		st, err := x.cfg.Ledger.LoadRun(ctx, u.RunID)
		if err != nil {
			return nil, fmt.Errorf("listing undo records: run %s: %w", u.RunID, err)
		}
		if st.Has(EvUndone) || st.Outcome() != EvDone {
			continue
		}
		v := UndoView{UndoRecord: u}
		if u.UndoneBy != "" {
			if earlier, err := x.cfg.Ledger.LoadRun(ctx, u.UndoneBy); err == nil && earlier.Outcome() == EvDone {
				continue
			}
		}
		out = append(out, v)
	}
	return out, nil
}

// plain sends a map through JSON so that values compare as the store gives
// them back (all numbers float64).
func plain(m map[string]any) map[string]any {
	raw, err := json.Marshal(m)
	if err != nil {
		return m
	}
	out := map[string]any{}
	if json.Unmarshal(raw, &out) != nil {
		return m
	}
	return out
}
