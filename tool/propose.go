package tool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// AssessRisk computes the risk of a call without proposing it. For a write it
// reads the target, so that plan facts count.
func (x *Executor) AssessRisk(ctx context.Context, who Identity, req Request) (Assessment, *Tool, error) {
	t, args, err := x.admit(who, req)
	if err != nil {
		return Assessment{}, nil, err
	}
	names := targetNames(t.Spec, args)
	if t.write == nil {
		return Assess(t.Spec, x.cfg.Engine.Environment, names, nil), t, nil
	}
	if _, err := x.decide(ctx, PolicyRequest{Who: who, Action: ActRead, Spec: t.Spec}); err != nil {
		return Assessment{}, t, err
	}
	ctx, cancel := context.WithTimeout(ctx, t.Spec.timeout())
	defer cancel()
	p, err := guard(func() (erased, error) { return t.write.prepare(ctx, args) })
	if err != nil {
		return Assessment{}, t, fmt.Errorf("%s: reading the target: %w", t.Spec.Name, err)
	}
	return Assess(t.Spec, x.cfg.Engine.Environment, append(names, p.Target), p.Facts), t, nil
}

// propose reads the target, assesses the risk, asks the policy, and stores the
// run with its approval envelope. Nothing is written to the engine here.
func (x *Executor) propose(ctx context.Context, who Identity, t *Tool, args json.RawMessage, req Request) (Result, error) {
	pctx, cancel := context.WithTimeoutCause(ctx, t.Spec.timeout(), ErrTimeout)
	defer cancel()
	p, err := guard(func() (erased, error) { return t.write.prepare(pctx, args) })
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", t.Spec.Name, reworded(pctx, t.Spec, err))
	}
	risk := Assess(t.Spec, x.cfg.Engine.Environment, append(targetNames(t.Spec, args), p.Target), p.Facts)
	dec, err := x.decide(ctx, PolicyRequest{Who: who, Action: ActPropose, Spec: t.Spec, Risk: risk.Level, Requester: who.User})
	if err != nil {
		return Result{Risk: risk}, err
	}
	run, err := x.newRun(who, t, args, req, p, risk)
	if err != nil {
		return Result{Risk: risk}, err
	}
	if old, ok, err := x.samePending(ctx, run); err != nil || ok {
		return old, err
	}
	return x.store(ctx, run, dec)
}

func (x *Executor) newRun(who Identity, t *Tool, args json.RawMessage, req Request, p erased, risk Assessment) (Run, error) {
	hash, err := Digest(args)
	if err != nil {
		return Run{}, err
	}
	digest, err := x.digest(t.Spec.Name, args, p)
	if err != nil {
		return Run{}, err
	}
	return Run{
		ID: x.cfg.NewID("run"), Engine: x.cfg.Engine.Name, Tool: t.Spec.Name, Permission: t.Spec.Permission,
		Args: args, ArgsHash: hash, Target: p.Target, TargetID: p.TargetID, User: who.User,
		ConversationID: req.ConversationID, ParentID: req.parent, Risk: risk, Preview: p.Preview, State: p.State,
		PreImage: p.Pre, Digest: digest, Reason: req.Reason, Ticket: req.Ticket, CreatedAt: x.cfg.Now().UTC(),
	}, nil
}

// digest is what an approval is bound to. A change of one byte of the tool, the
// arguments, the engine, the target, its state or the preview changes it.
func (x *Executor) digest(name string, args json.RawMessage, p erased) (string, error) {
	return Digest(map[string]any{
		"tool": name, "engine": x.cfg.Engine.Name, "args": args,
		"target": p.TargetID, "state": p.State, "preview": p.Preview,
	})
}

// samePending finds this person's own identical request that still waits, so
// that a double click makes one card, not two.
func (x *Executor) samePending(ctx context.Context, run Run) (Result, bool, error) {
	list, err := x.cfg.Ledger.FindPending(ctx, run.User, run.Digest)
	if err != nil {
		return Result{}, false, fmt.Errorf("reading open approvals: %w", err)
	}
	for _, id := range list {
		st, a, err := x.cfg.Ledger.LoadEnvelope(ctx, id)
		if err != nil {
			return Result{}, false, fmt.Errorf("reading run %s: %w", id, err)
		}
		if st.ParentID == run.ParentID && a.Status == ApprovalPending && a.ExpiresAt.After(x.cfg.Now()) {
			return Result{RunID: st.ID, Status: st.Status(), Risk: st.Risk, Run: &st, Approval: &a}, true, nil
		}
	}
	return Result{}, false, nil
}

func (x *Executor) store(ctx context.Context, run Run, dec PolicyDecision) (Result, error) {
	now := run.CreatedAt
	a := Approval{
		RunID: run.ID, Tool: run.Tool, Digest: run.Digest, Risk: run.Risk.Level, Requester: run.User,
		RequestedAt: now, ExpiresAt: now.Add(x.cfg.ApprovalTTL), Needed: max(dec.Needed, 1), AllowSelf: dec.AllowSelf,
		Status: ApprovalPending,
	}
	entry := func(ev Event, detail map[string]any) Entry {
		return Entry{RunID: run.ID, At: now, Event: ev, Actor: run.User, Detail: detail}
	}
	entries := []Entry{
		entry(EvProposed, map[string]any{"tool": run.Tool, "target": run.Target, "args_hash": run.ArgsHash}),
		entry(EvAssessed, map[string]any{"risk": run.Risk.Level.String(), "rule": dec.Rule, "needed": a.Needed}),
	}
	if err := x.cfg.Ledger.CreateRun(ctx, run, entries, a); err != nil {
		return Result{Risk: run.Risk}, fmt.Errorf("storing the proposal: %w", err)
	}
	x.notice(run.ID, run.Tool, EvBlocked)
	return x.reload(ctx, run.ID)
}

func (x *Executor) notice(runID, tool string, ev Event) {
	x.cfg.Notify(Notice{RunID: runID, Tool: tool, Event: ev, At: x.cfg.Now()})
}

// CanDecide says whether the person may vote on the run, and if not, why.
func (x *Executor) CanDecide(ctx context.Context, who Identity, st RunState, a Approval) error {
	t, ok := x.tools[st.Tool]
	if !ok {
		return &UnknownToolError{st.Tool}
	}
	if who.User == "" {
		return &DeniedError{"identity", "nobody is signed in"}
	}
	if who.User == a.Requester && !a.AllowSelf {
		return &DeniedError{"four-eyes", fmt.Sprintf("a %s action needs somebody other than the person who asked", a.Risk)}
	}
	_, err := x.decide(ctx, PolicyRequest{Who: who, Action: ActApprove, Spec: t.Spec, Risk: st.Risk.Level, Requester: a.Requester})
	return err
}

// Decide casts a person's vote. The last vote needed executes the run; Decide
// then waits for the engine's answer, but the run does not depend on ctx: a
// browser that goes away cancels nothing.
func (x *Executor) Decide(ctx context.Context, who Identity, runID string, approve bool, reason string) (Result, error) {
	st, a, err := x.envelope(ctx, runID)
	if err != nil {
		return Result{RunID: runID}, err
	}
	if err := x.CanDecide(ctx, who, st, a); err != nil {
		return x.result(st, &a), err
	}
	vote := Vote{RunID: runID, Approver: who.User, Approve: approve, Reason: reason, At: x.cfg.Now().UTC()}
	entries := func(a Approval) []Entry { return voteEntries(vote, a) }
	a, err = x.cfg.Ledger.CastVote(ctx, vote, entries)
	if err != nil {
		if errors.Is(err, ErrExpired) {
			err = errors.Join(err, x.expire(ctx, st))
		}
		return x.result(st, &a), fmt.Errorf("recording the decision: %w", err)
	}
	for _, e := range entries(a) {
		x.notice(st.ID, st.Tool, e.Event)
	}
	switch a.Status {
	case ApprovalRejected:
		x.releaseParent(ctx, st)
	case ApprovalApproved:
		return x.runApproved(ctx, st, a)
	}
	return x.reload(ctx, runID)
}

// voteEntries is what the journal says of a vote, given the envelope with it.
func voteEntries(v Vote, a Approval) []Entry {
	entry := func(ev Event, detail map[string]any) Entry {
		return Entry{RunID: v.RunID, At: v.At, Event: ev, Actor: v.Approver, Detail: detail}
	}
	out := []Entry{entry(EvVote, map[string]any{"approve": v.Approve, "reason": v.Reason})}
	switch a.Status {
	case ApprovalRejected:
		out = append(out, entry(EvRejected, map[string]any{"reason": v.Reason}))
	case ApprovalApproved:
		out = append(out, entry(EvApproved, nil))
	}
	return out
}

func (x *Executor) envelope(ctx context.Context, runID string) (RunState, Approval, error) {
	st, a, err := x.cfg.Ledger.LoadEnvelope(ctx, runID)
	if err != nil {
		return st, a, fmt.Errorf("run %s: %w", runID, err)
	}
	if st.Engine != x.cfg.Engine.Name {
		return st, a, fmt.Errorf("run %s belongs to engine %s, not %s", runID, st.Engine, x.cfg.Engine.Name)
	}
	return st, a, nil
}

func (x *Executor) result(st RunState, a *Approval) Result {
	return Result{RunID: st.ID, Tool: st.Tool, Status: st.Status(), Risk: st.Risk, Run: &st, Approval: a}
}

func (x *Executor) reload(ctx context.Context, runID string) (Result, error) {
	st, a, err := x.envelope(ctx, runID)
	if err != nil {
		return Result{RunID: runID}, err
	}
	res := x.result(st, &a)
	if e, ok := st.Find(EvError); ok && res.Status == StatusError {
		res.Err = errors.New(fmt.Sprint(e.Detail["error"]))
	}
	return res, nil
}

// append journals one entry and tells the screens.
func (x *Executor) append(ctx context.Context, st RunState, ev Event, actor string, detail map[string]any) error {
	e := Entry{RunID: st.ID, At: x.cfg.Now().UTC(), Event: ev, Actor: actor, Detail: detail}
	if err := x.cfg.Ledger.Append(ctx, e); err != nil {
		return fmt.Errorf("journalling %s of run %s: %w", ev, st.ID, err)
	}
	x.notice(st.ID, st.Tool, ev)
	return nil
}
