package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"resync/breaker"
	"resync/hwa"
	"resync/internal/api"
	"resync/internal/auth"
	"resync/internal/plan"
	"resync/internal/policy"
	"resync/internal/store"
	"resync/internal/telemetry"
	"resync/tool"
)

// loops starts the background work: reading the plans and settling runs.
func (a *App) loops() {
	a.wg.Go(a.tidy)
	a.wg.Go(a.followDocuments)
	if a.outer != nil {
		a.wg.Go(func() { a.base.Mirror(a.ctx, a.outer, a.opt.SyncEvery, a.log) })
	}
	a.wg.Go(func() { a.reindex.Run(a.ctx) })
	a.wg.Go(func() { a.base.EmbedPassages(a.ctx) })
	a.wg.Go(func() { a.base.KeepIndex(a.ctx) })
	a.wg.Go(a.keepSpent)
	a.wg.Go(a.hear)
	a.wg.Go(a.watchBreakers)
	a.wg.Go(func() { a.hooks.out.Run(a.ctx) })
	a.tellMissed()
	a.wg.Go(a.healDatabase)
	for _, e := range a.engines {
		a.wg.Go(func() { a.follow(e) })
		a.wg.Go(func() { a.settle(e) })
		a.wg.Go(func() { a.heal(e) })
	}
}

// follow reads the plan now, from time to time, and when a run has moved it.
func (a *App) follow(e *engine) {
	tick := time.NewTicker(a.opt.SyncEvery)
	defer tick.Stop()
	tried := sync.OnceFunc(func() { close(e.tried) })
	for {
		ctx, cancel := context.WithTimeout(a.ctx, syncTime)
		s, err := breaker.Do(ctx, e.syncGuard, func(ctx context.Context) (*plan.Snapshot, error) { return e.Plan.Sync(ctx, e.Client) }, nil)
		cancel()
		tried()
		switch {
		case a.ctx.Err() != nil:
			return
		case err != nil:
			a.log.Warn("the plan could not be read; the last picture stays", "engine", e.Name, "err", err)
		default:
			a.tellPlan(e, s)
			a.news.Publish(api.News{Name: "plan", Data: map[string]any{"engine": e.Name, "as_of": s.AsOf(), "jobs": s.Len()}})
		}
		select {
		case <-a.ctx.Done():
			return
		case <-tick.C:
		case <-e.nudge:
		}
	}
}

// syncTime bounds one reading of a plan.
const syncTime = 2 * time.Minute

// settle reconciles unknown outcomes and ends approvals nobody gave.
func (a *App) settle(e *engine) {
	tick := time.NewTicker(a.opt.SettleEvery)
	defer tick.Stop()
	for {
		if n, err := e.Exec.Reconcile(a.ctx); err != nil && a.ctx.Err() == nil {
			a.log.Warn("settling unknown outcomes", "engine", e.Name, "unknown", n, "err", err)
		}
		if _, err := e.Exec.Expire(a.ctx); err != nil && a.ctx.Err() == nil {
			a.log.Warn("ending expired approvals", "engine", e.Name, "err", err)
		}
		select {
		case <-a.ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// tidy forgets sessions, tokens, failed logins and idempotency keys that are of
// no use any more.
func (a *App) tidy() {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := a.db.PruneLogins(a.ctx, time.Now().Add(-24*time.Hour)); err != nil && a.ctx.Err() == nil {
			a.log.Warn("forgetting old logins", "err", err)
		}
		if err := a.tidyJobs(); err != nil && a.ctx.Err() == nil {
			a.log.Warn("forgetting old jobs", "err", err)
		}
		if _, err := a.db.PruneKeys(a.ctx); err != nil && a.ctx.Err() == nil {
			a.log.Warn("forgetting old idempotency keys", "err", err)
		}
		select {
		case <-a.ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// jobsKept is how long a job that ended is still listed.
const jobsKept = 30 * 24 * time.Hour

func (a *App) tidyJobs() error {
	_, err := a.db.PruneJobs(a.ctx, time.Now().Add(-jobsKept))
	return errors.Join(err, a.db.PruneRecut(a.ctx))
}

// tell passes a run's step on to the screens, and reads the plan again after
// one that changed it.
func (a *App) tell(e *engine, n tool.Notice) {
	a.tellRun(e, n)
	name, void := "run", ""
	switch n.Event {
	case tool.EvBlocked, tool.EvVote, tool.EvRejected, tool.EvVoided:
		name = "approval"
	case tool.EvDone, tool.EvVerified, tool.EvUndone, tool.EvReconciled:
		void = e.Name
		e.wake()
	}
	data := map[string]any{"run_id": n.RunID, "tool": n.Tool, "phase": n.Event, "engine": e.Name, "at": n.At}
	a.share(api.News{Name: name, Data: data}, void)
	if name == "approval" {
		a.share(api.News{Name: "run", Data: data}, "")
	}
}

// observer counts the requests to one engine.
type observer struct {
	app    *App
	engine string
}

// Before lets every attempt pass.
func (o observer) Before(context.Context, hwa.Attempt) error { return nil }

// After counts an attempt.
func (o observer) After(ctx context.Context, at hwa.Attempt) {
	if o.app.metrics == nil {
		return // a request during start
	}
	outcome := "ok"
	if at.Kind != "" {
		outcome = string(at.Kind)
	}
	o.app.metrics.EngineRequest(o.engine, at.Op, outcome, at.Duration)
	o.app.engineSpan(ctx, o.engine, at)
}

// toolRun counts the calls of tools.
func (a *App) toolRun(name string, status tool.Status, took time.Duration) {
	if a.metrics != nil {
		a.metrics.ToolRun(name, string(status), took)
	}
}

// state is what a scrape reads at the moment it comes.
func (a *App) state(ctx context.Context) (telemetry.State, error) {
	st := telemetry.State{PlanAge: map[string]time.Duration{}}
	for _, e := range a.engines {
		if s := e.Plan.Snapshot(); s != nil {
			st.PlanAge[e.Name] = e.Now().Sub(s.AsOf())
		}
	}
	unknown, err := a.db.Unreconciled(ctx)
	if err != nil {
		return st, err
	}
	pending, err := a.db.Approvals(ctx, store.ApprovalFilter{State: store.ApprovalPending, Limit: 1})
	st.OutcomeUnknown, st.ApprovalsPending = len(unknown), pending.Total
	return st, err
}

// guard asks the Cedar policies for the executor.
type guard struct {
	app      *App
	pol      *policy.Policy
	fourEyes string
}

// Decide passes the question on.
func (g *guard) Decide(_ context.Context, r tool.PolicyRequest) (tool.PolicyDecision, error) {
	d := g.pol.Decide(policy.Request{
		User: r.Who.User, Roles: r.Who.Roles, Action: policy.Action(r.Action), Tool: r.Spec.Name, Permission: string(r.Spec.Permission),
		Risk: r.Risk.String(), EngineName: r.Engine.Name, EngineEnvironment: string(r.Engine.Environment), EngineReadOnly: r.Engine.ReadOnly,
		Requester: r.Requester, FourEyesFrom: g.fourEyes,
	})
	// Whether a card shows its buttons is asked as well; only what was tried counts.
	if !d.Allow && r.Action != tool.ActApprove && g.app.metrics != nil {
		g.app.metrics.PolicyDenied(d.RuleID)
	}
	return tool.PolicyDecision{Allow: d.Allow, Rule: d.RuleID, Reason: d.Reason, Needed: d.Needed, AllowSelf: d.AllowSelf}, nil
}

// people looks up present roles for the executor.
type people struct{ auth *auth.Service }

// Identity returns a person with the roles of this moment.
func (p people) Identity(ctx context.Context, user string) (tool.Identity, error) {
	id, err := p.auth.Identity(ctx, user)
	if err != nil {
		return tool.Identity{}, err
	}
	return tool.Identity{User: id.User, Roles: id.Roles.Names()}, nil
}
