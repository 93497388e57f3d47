package tool

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// ErrMaybeActed marks an error after which the engine may have acted all the
// same: the request had gone out and no answer came back. A tool's Do wraps it.
var ErrMaybeActed = errors.New("the engine may have acted")

// MovedError voids an approval: the target is no longer what was approved.
type MovedError struct {
	Target  string
	Changes []string // "status: ABEND → EXEC"
}

// Error says what changed.
func (e *MovedError) Error() string {
	return fmt.Sprintf("%s has changed since the approval was asked for (%s); the approval is void, ask again",
		e.Target, strings.Join(e.Changes, "; "))
}

// system is the actor of entries nobody's hand made.
const system = "resync"

// runApproved executes a fully approved run in a goroutine of the executor and
// waits for its outcome, or for ctx.
func (x *Executor) runApproved(ctx context.Context, st RunState, a Approval) (Result, error) {
	done := make(chan error, 1)
	x.wg.Go(func() {
		// Detached: the approver's connection must not decide over the call.
		done <- x.execute(context.WithoutCancel(ctx), st, a)
	})
	select {
	case err := <-done:
		res, rerr := x.reload(context.WithoutCancel(ctx), st.ID)
		if err != nil {
			res.Err = err
			return res, err
		}
		return res, rerr
	case <-ctx.Done():
		return x.result(st, &a), fmt.Errorf("the run goes on; its outcome will be in the journal: %w", ctx.Err())
	}
}

// execute is the second half of the chain: re-read, compare, claim, call,
// journal. Every return leaves a journal row that says why.
func (x *Executor) execute(ctx context.Context, st RunState, a Approval) error {
	t, ok := x.tools[st.Tool]
	if !ok {
		return &UnknownToolError{st.Tool}
	}
	runCtx, release := x.track(ctx, st.ID, t.Spec, st.User)
	defer release()
	if err := x.recheck(runCtx, ctx, st, a, t); err != nil {
		return err
	}
	if err := runCtx.Err(); err != nil {
		if verr := x.cfg.Ledger.VoidApproval(ctx, st.ID, cause(runCtx)); verr != nil {
			x.cfg.Log.Error("voiding an approval", "run_id", st.ID, "err", verr)
		}
		return x.settle(ctx, st, t, EvCancelled, map[string]any{"reason": cause(runCtx), "sent": false}, context.Cause(runCtx))
	}
	// The claim spends the approval and is committed before the call: after a
	// crash the row says that the engine may have been asked, and nothing is
	// ever sent again.
	claim := Entry{RunID: st.ID, At: x.cfg.Now().UTC(), Event: EvExecuting, Actor: st.User}
	if err := x.cfg.Ledger.ClaimApproved(ctx, claim, st.Digest); err != nil {
		if errors.Is(err, ErrAlreadyClaimed) {
			return fmt.Errorf("claiming run %s: %w", st.ID, err)
		}
		return x.void(ctx, st, fmt.Errorf("using the approval: %w", err))
	}
	x.notice(st.ID, st.Tool, EvExecuting)
	return x.call(ctx, runCtx, st, t)
}

// recheck repeats identity, role and pre-image at the moment of execution. The
// approval is void when any of them moved.
func (x *Executor) recheck(runCtx, ctx context.Context, st RunState, a Approval, t *Tool) error {
	if err := x.recheckPeople(ctx, st, a, t); err != nil {
		return x.void(ctx, st, err)
	}
	p, err := guard(func() (erased, error) { return t.write.prepare(runCtx, st.Args) })
	if err != nil {
		err = fmt.Errorf("nothing was sent, and the approval is void: reading %s again before acting: %w. Ask for the action again when it can be read", st.Target, reworded(runCtx, t.Spec, err))
		return x.void(ctx, st, err)
	}
	if p.TargetID != st.TargetID {
		return x.void(ctx, st, &MovedError{st.Target, []string{fmt.Sprintf("id: %s → %s", st.TargetID, p.TargetID)}})
	}
	if ch := changes(st.State, p.State); len(ch) > 0 {
		return x.void(ctx, st, &MovedError{st.Target, ch})
	}
	risk := Assess(t.Spec, x.cfg.Engine.Environment, append(targetNames(t.Spec, st.Args), p.Target), p.Facts)
	if risk.Level > st.Risk.Level {
		return x.void(ctx, st, &MovedError{st.Target, []string{fmt.Sprintf("risk: %s → %s", st.Risk.Level, risk.Level)}})
	}
	return nil
}

// recheckPeople looks everybody up again. The votes of a, which the last vote has
// made an approved envelope, are all there will ever be; whether the approval still
// stands is for the claim.
func (x *Executor) recheckPeople(ctx context.Context, st RunState, a Approval, t *Tool) error {
	who, err := x.cfg.Identities.Identity(ctx, st.User)
	if err != nil {
		return fmt.Errorf("looking up %s again before acting: %w", st.User, err)
	}
	if _, err := x.decide(ctx, PolicyRequest{Who: who, Action: ActExecute, Spec: t.Spec, Risk: st.Risk.Level, Requester: st.User}); err != nil {
		return err
	}
	for _, v := range a.Votes {
		if !v.Approve {
			continue
		}
		voter, err := x.cfg.Identities.Identity(ctx, v.Approver)
		if err != nil {
			return fmt.Errorf("looking up approver %s again: %w", v.Approver, err)
		}
		if err := x.CanDecide(ctx, voter, st, a); err != nil {
			return err
		}
	}
	return nil
}

// void ends a run before anything was sent.
func (x *Executor) void(ctx context.Context, st RunState, why error) error {
	if err := x.cfg.Ledger.VoidApproval(ctx, st.ID, why.Error()); err != nil {
		x.cfg.Log.Error("voiding an approval", "run_id", st.ID, "err", err)
	}
	if err := x.append(ctx, st, EvVoided, system, map[string]any{"reason": why.Error()}); err != nil {
		// The claim may have been taken all the same, so that it ends as one.
		return errors.Join(why, x.owe(st, EvCancelled, map[string]any{"reason": why.Error(), "sent": false}, nil, err))
	}
	x.releaseParent(ctx, st)
	return why
}

// releaseParent lets the action that st was to undo be undone again, because
// st ended without acting.
func (x *Executor) releaseParent(ctx context.Context, st RunState) {
	if st.ParentID == "" {
		return
	}
	if err := x.cfg.Ledger.ReleaseUndo(ctx, st.ParentID, st.ID); err != nil {
		x.cfg.Log.Error("releasing an undo", "run_id", st.ParentID, "undo_run_id", st.ID, "err", err)
	}
}

// changes lists the keys whose values differ, comparing as JSON does: the
// approved state has been through the store.
func changes(was, is map[string]any) []string {
	a, b := plain(was), plain(is)
	keys := slices.Collect(maps.Keys(a))
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	var out []string
	for _, k := range keys {
		if !reflect.DeepEqual(a[k], b[k]) {
			out = append(out, fmt.Sprintf("%s: %v → %v", k, orNone(a[k]), orNone(b[k])))
		}
	}
	return out
}

func orNone(v any) any {
	if v == nil || v == "" {
		return "none"
	}
	return v
}

// call sends the write once and journals what came of it.
func (x *Executor) call(ctx, runCtx context.Context, st RunState, t *Tool) error {
	m := Meta{RunID: st.ID, User: st.User, Reason: st.Reason, Ticket: st.Ticket}
	start := x.cfg.Now()
	runCtx, end := x.cfg.Trace(runCtx, st.Tool, st.ID)
	err := guardWrite(func() error { return t.write.do(runCtx, st.Args, st.PreImage, m) })
	status := statusOf(err)
	if errors.Is(err, ErrMaybeActed) {
		status = StatusUnknown
	}
	end(status, err)
	x.cfg.Observe(st.Tool, status, x.cfg.Now().Sub(start))
	switch {
	case err == nil:
		if err := x.settle(ctx, st, t, EvDone, map[string]any{"note": "accepted by the engine, not yet confirmed"}, nil); err != nil {
			return err
		}
		x.afterDone(ctx, st, t)
		return nil
	case errors.Is(err, ErrMaybeActed):
		detail := map[string]any{"error": err.Error(), "reason": cause(runCtx),
			"note": "the request had been sent when the connection or the time ended; the plan will be read to find out, nothing is sent again"}
		return x.settle(ctx, st, t, EvUnknown, detail, fmt.Errorf("outcome unknown: %w", err))
	case runCtx.Err() != nil:
		return x.settle(ctx, st, t, EvCancelled, map[string]any{"reason": cause(runCtx), "sent": false}, err)
	}
	return x.settle(ctx, st, t, EvError, map[string]any{"error": err.Error()}, err)
}

// guardWrite treats a panic in a write as a write that may have acted.
func guardWrite(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("internal fault: %v: %w", p, ErrMaybeActed)
		}
	}()
	return do()
}

func cause(ctx context.Context) string {
	if c := context.Cause(ctx); c != nil {
		return c.Error()
	}
	return ""
}

// settle journals an outcome and returns the error the caller shall see. An outcome
// that cannot be journalled now is owed.
func (x *Executor) settle(ctx context.Context, st RunState, t *Tool, ev Event, detail map[string]any, seen error) error {
	if err := x.append(ctx, st, ev, system, detail); err != nil {
		return errors.Join(seen, x.owe(st, ev, detail, t, err))
	}
	if ev == EvError || ev == EvCancelled {
		x.releaseParent(ctx, st)
	}
	return seen
}

// afterDone stores the inverse and looks for the effect in the plan, which the
// engine shows only after a while.
func (x *Executor) afterDone(ctx context.Context, st RunState, t *Tool) {
	if err := x.recordUndo(ctx, st, t); err != nil {
		x.cfg.Log.Error("storing the undo record", "run_id", st.ID, "err", err)
	}
	x.wg.Go(func() { x.verify(st, t) })
}

func (x *Executor) recordUndo(ctx context.Context, st RunState, t *Tool) error {
	inv, err := t.write.inverse(st.Args, st.PreImage)
	if err != nil || inv == nil {
		return err
	}
	now := x.cfg.Now().UTC()
	return x.cfg.Ledger.PutUndo(ctx, UndoRecord{
		RunID: st.ID, Engine: st.Engine, Tool: st.Tool, Inverse: *inv, Risk: st.Risk.Level, Target: st.Target,
		CreatedAt: now, ExpiresAt: now.Add(x.cfg.UndoTTL),
	})
}

// verify polls until the plan shows the effect or VerifyFor is over.
func (x *Executor) verify(st RunState, t *Tool) {
	ctx, cancel := context.WithTimeout(x.base, x.cfg.VerifyFor)
	defer cancel()
	var last Check
	var lastErr error
	for wait := x.cfg.VerifyEvery; ; wait = min(wait*3/2, 5*time.Second) {
		c, err := guard(func() (Check, error) { return t.write.verify(ctx, st.Args, st.PreImage) })
		if err == nil {
			last, lastErr = c, nil
			if c.Verdict == Applied {
				x.verdict(st, EvVerified, c)
				return
			}
		} else if ctx.Err() == nil {
			lastErr = err
		}
		select {
		case <-ctx.Done():
			if x.base.Err() != nil {
				return // stopping: the next start goes on, see Recover
			}
			if lastErr != nil {
				last.Note = "the plan could not be read: " + lastErr.Error()
			}
			x.verdict(st, EvUnverified, last)
			return
		case <-time.After(wait):
		}
	}
}

func (x *Executor) verdict(st RunState, ev Event, c Check) {
	// The verdict is journalled even while the server stops.
	if err := x.append(context.WithoutCancel(x.base), st, ev, system, map[string]any{"note": c.Note, "state": c.State}); err != nil {
		x.cfg.Log.Error("journalling a verification", "run_id", st.ID, "err", err)
	}
	if st.ParentID != "" && ev == EvVerified {
		if err := x.append(context.WithoutCancel(x.base), RunState{Run: Run{ID: st.ParentID, Tool: st.Tool}}, EvUndone, st.User, map[string]any{"by": st.ID}); err != nil {
			x.cfg.Log.Error("journalling an undo", "run_id", st.ParentID, "err", err)
		}
	}
}
