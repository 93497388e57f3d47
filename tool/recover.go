package tool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Recover settles what an earlier process left open. A run that was executing
// when the process died becomes outcome_unknown at once; runs accepted but not
// verified are looked at again. Nothing is ever sent again. Call it once at
// start, before requests are served.
func (x *Executor) Recover(ctx context.Context) error {
	open, err := x.cfg.Ledger.Unsettled(ctx)
	if err != nil {
		return fmt.Errorf("reading unsettled runs: %w", err)
	}
	for _, st := range open {
		if st.Engine != x.cfg.Engine.Name {
			continue
		}
		t, ok := x.tools[st.Tool]
		if !ok || t.write == nil {
			x.cfg.Log.Error("an unsettled run names a tool that is gone", "run_id", st.ID, "tool", st.Tool)
			continue
		}
		switch st.Outcome() {
		case EvDone:
			x.afterDone(ctx, st, t)
		case "":
			detail := map[string]any{"note": "the server stopped during the call; the plan will be read to find out, nothing is sent again"}
			if err := x.append(ctx, st, EvUnknown, system, detail); err != nil {
				return err
			}
		}
	}
	return x.voidUnsent(ctx)
}

// voidUnsent ends runs that were approved when the process died before the
// claim: nothing was sent, and a person decides whether to ask again.
func (x *Executor) voidUnsent(ctx context.Context) error {
	active, err := x.cfg.Ledger.ListRuns(ctx, RunFilter{Engine: x.cfg.Engine.Name, Active: true, Limit: 1000})
	if err != nil {
		return fmt.Errorf("reading open runs: %w", err)
	}
	for _, st := range active {
		if st.Engine != x.cfg.Engine.Name || !st.Has(EvApproved) || st.Has(EvExecuting) {
			continue
		}
		why := errors.New("the server stopped after the approval and before the call: nothing was sent, ask again")
		if err := x.void(ctx, st, why); err != why { //nolint:errorlint // identity tells a clean void
			return err
		}
	}
	return nil
}

// expire ends a run whose approval ran out, unless it has ended already.
func (x *Executor) expire(ctx context.Context, st RunState) error {
	if st.Outcome() != "" {
		return nil
	}
	if err := x.append(ctx, st, EvVoided, system, map[string]any{"reason": "nobody approved it in time"}); err != nil {
		return err
	}
	x.releaseParent(ctx, st)
	return nil
}

// Expire ends every waiting run whose approval has run out and returns how many.
func (x *Executor) Expire(ctx context.Context) (int, error) {
	list, err := x.cfg.Ledger.ListApprovals(ctx, ApprovalExpired, 200)
	if err != nil {
		return 0, fmt.Errorf("reading expired approvals: %w", err)
	}
	n := 0
	for _, a := range list {
		st, err := x.cfg.Ledger.LoadRun(ctx, a.RunID)
		if err != nil {
			return n, fmt.Errorf("reading run %s: %w", a.RunID, err)
		}
		if st.Outcome() != "" || st.Has(EvExecuting) || st.Engine != x.cfg.Engine.Name {
			continue
		}
		if err := x.expire(ctx, st); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// Reconcile reads the plan for every run of unknown outcome and settles those
// it can: an effect that shows settles at once, an absent one only when the
// grace period since the call has passed, because an engine may act late. It
// returns how many stay unknown. Outcomes that could not be journalled when they came,
// because the ledger was away, are journalled first. Call it from time to time.
func (x *Executor) Reconcile(ctx context.Context) (int, error) {
	errs := []error{x.payDebts(ctx)}
	open, err := x.cfg.Ledger.Unsettled(ctx)
	if err != nil {
		return 0, fmt.Errorf("reading unsettled runs: %w", err)
	}
	unknown := 0
	for _, st := range open {
		t, ok := x.tools[st.Tool]
		if st.Outcome() != EvUnknown || st.Engine != x.cfg.Engine.Name || !ok {
			continue
		}
		settled, err := x.reconcile(ctx, st, t)
		if err != nil {
			errs = append(errs, err)
		}
		if !settled {
			unknown++
		}
	}
	return unknown, errors.Join(errs...)
}

func (x *Executor) reconcile(ctx context.Context, st RunState, t *Tool) (bool, error) {
	vctx, cancel := context.WithTimeout(ctx, t.Spec.timeout())
	defer cancel()
	c, err := guard(func() (Check, error) { return t.write.verify(vctx, st.Args, st.PreImage) })
	if err != nil {
		return false, fmt.Errorf("reconciling run %s: %w", st.ID, err)
	}
	detail := map[string]any{"applied": c.Verdict == Applied, "note": c.Note, "state": c.State}
	switch {
	case c.Verdict == Applied:
		detail["note"] = c.Note + " (the same action by somebody else would look alike)"
		if err := x.append(ctx, st, EvReconciled, system, detail); err != nil {
			return false, err
		}
		return true, x.recordUndo(ctx, st, t)
	case c.Verdict == NotApplied && x.cfg.Now().Sub(sentAt(st)) >= x.cfg.ReconcileGrace:
		return true, x.append(ctx, st, EvReconciled, system, detail)
	}
	return false, nil
}

func sentAt(st RunState) time.Time {
	e, _ := st.Find(EvExecuting)
	if u, ok := st.Find(EvUnknown); ok && u.At.After(e.At) {
		// A call may have been sent up to the moment it was given up.
		return u.At
	}
	return e.At
}

// ActiveRun is something that runs at this moment, a read included.
type ActiveRun struct {
	RunID, Tool, User string
	Started           time.Time
}

// Active lists what runs now, oldest first.
func (x *Executor) Active() []ActiveRun {
	x.mu.Lock()
	defer x.mu.Unlock()
	out := make([]ActiveRun, 0, len(x.active))
	for id, a := range x.active {
		out = append(out, ActiveRun{id, a.tool, a.user, a.started})
	}
	slices.SortFunc(out, func(a, b ActiveRun) int { return a.Started.Compare(b.Started) })
	return out
}

// Cancel stops a run. What runs is cut off down to the socket, and when the
// request had gone out the run says that the engine may have acted. What waits
// for approval is withdrawn. Only the person who asked, or one who may approve,
// can cancel.
func (x *Executor) Cancel(ctx context.Context, who Identity, runID string) error {
	x.mu.Lock()
	a, running := x.active[runID]
	x.mu.Unlock()
	if running {
		if a.user != who.User && !mayOversee(who) {
			return &DeniedError{"cancel", "only the person who started it, or an approver, may cancel it"}
		}
		a.cancel(fmt.Errorf("%w by %s", ErrCancelled, who.User))
		return nil
	}
	st, err := x.cfg.Ledger.LoadRun(ctx, runID)
	if err != nil {
		return fmt.Errorf("run %s: %w", runID, err)
	}
	if st.Status() != StatusBlocked {
		return fmt.Errorf("run %s is %s: %w", runID, st.Status(), ErrDecided)
	}
	if st.User != who.User && !mayOversee(who) {
		return &DeniedError{"cancel", "only the person who asked for it, or an approver, may withdraw it"}
	}
	if err := x.cfg.Ledger.VoidApproval(ctx, runID, "withdrawn by "+who.User); err != nil {
		return fmt.Errorf("withdrawing run %s: %w", runID, err)
	}
	if err := x.append(ctx, st, EvCancelled, who.User, map[string]any{"reason": "withdrawn before it ran", "sent": false}); err != nil {
		return err
	}
	x.releaseParent(ctx, st)
	return nil
}

func mayOversee(who Identity) bool {
	return slices.Contains(who.Roles, "approver") || slices.Contains(who.Roles, "admin")
}
