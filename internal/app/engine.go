package app

import (
	"context"
	"fmt"
	"time"

	"resync/breaker"
	"resync/hwa"
	"resync/internal/api"
	"resync/internal/chat"
	"resync/internal/config"
	"resync/internal/diagnose"
	"resync/internal/health"
	"resync/internal/ops"
	"resync/internal/plan"
	"resync/internal/policy"
	"resync/internal/store"
	"resync/tool"
)

// engine is one scheduler with all that works on it.
type engine struct {
	api.Engine
	diag                 *diagnose.Engine
	shield               *breaker.Breaker // tws_api: before every call of Client
	syncGuard, pingGuard *breaker.Breaker // background_sync, health_check
	look                 *hwa.Client      // past shield, see [App.heal]

	opened chan struct{} // told when shield has opened
	nudge  chan struct{} // asks for a reading of the plan now
	tried  chan struct{} // closed when the plan has been read, or not, for the first time
}

func (a *App) openEngines(context.Context) error {
	pol, err := a.loadPolicy()
	if err != nil {
		return err
	}
	for _, c := range a.ordered() {
		e, err := a.openEngine(c, pol)
		if err != nil {
			return fmt.Errorf("engine %s: %w", c.Name, err)
		}
		a.engines = append(a.engines, e)
	}
	return nil
}

// ordered lists the engines with the default one first.
func (a *App) ordered() []config.Engine {
	var first, rest []config.Engine
	for _, e := range a.opt.Config.Engines {
		if e.Name == a.opt.Config.DefaultEngine {
			first = append(first, e)
		} else {
			rest = append(rest, e)
		}
	}
	return append(first, rest...)
}

func (a *App) loadPolicy() (*policy.Policy, error) {
	if file := a.opt.Config.Policy.File; file != "" {
		return policy.LoadFile(file)
	}
	return policy.Default()
}

func (a *App) openEngine(c config.Engine, pol *policy.Policy) (*engine, error) {
	shield, err := a.engineBreaker(c.Name)
	if err != nil {
		return nil, err
	}
	set := hwa.Config{
		BaseURLs: c.URLs, Username: c.Username, Password: c.Password.Reveal(), Token: c.Token.Reveal(),
		CAFile: c.CAFile, PageSize: c.PageSize, AllowPlainHTTP: c.PlainHTTP, Timeout: c.Timeout, Observer: observer{a, c.Name}, Header: a.tracing.Inject, Breaker: shield,
	}
	client, err := hwa.New(set)
	if err != nil {
		return nil, err
	}
	look, err := a.looker(set)
	if err != nil {
		return nil, err
	}
	now := a.opt.Clocks[c.Name]
	if now == nil {
		now = time.Now
	}
	e := &engine{shield: shield, look: look, opened: make(chan struct{}, 1), nudge: make(chan struct{}, 1), tried: make(chan struct{})}
	if e.syncGuard, err = a.breakers.Get("background_sync"); err != nil {
		return nil, err
	}
	if e.pingGuard, err = a.breakers.Get("health_check"); err != nil {
		return nil, err
	}
	e.Engine = api.Engine{Name: c.Name, Environment: c.Environment, ReadOnly: c.ReadOnly, Client: client, Plan: &plan.Live{Now: now}, Now: now, FirstRead: e.tried}
	e.diag = diagnose.New(diagnose.Deps{Client: client, Plan: e.Plan.Snapshot, Passages: a.base, Now: now})
	tools, err := ops.Tools(ops.Deps{
		Client: client, Snapshot: e.snapshot, Search: a.search,
		Diagnose: func(ctx context.Context, id string) (any, error) {
			return e.diag.Answer(ctx, diagnose.Question{Text: "why", Jobs: []string{id}, Intent: diagnose.IntentDiagnosis})
		},
		Impact: func(ctx context.Context, id string) (any, error) { return e.diag.Blocks(ctx, id) },
	})
	if err != nil {
		return nil, err
	}
	e.Exec, err = tool.New(tool.Config{
		Tools: tools, Ledger: ops.NewLedger(a.db), Policy: &guard{a, pol, a.opt.Config.Approvals.FourEyesFrom}, Identities: people{a.auth},
		Engine: tool.Engine{Name: c.Name, Environment: tool.Environment(c.Environment), ReadOnly: c.ReadOnly},
		NewID:  store.NewID, Log: a.log, Notify: func(n tool.Notice) { a.tell(e, n) }, Observe: a.toolRun, Trace: a.toolSpan,
		ApprovalTTL: a.opt.Config.Approvals.TTL, UndoTTL: a.opt.Config.Undo.TTL, ReconcileGrace: a.opt.Config.Reconcile.Grace,
	})
	if err != nil {
		return nil, err
	}
	e.Desk = chat.NewDesk(e.Exec)
	return e, nil
}

// snapshot is the present picture of the plan; when there is none yet it is
// read now.
func (e *engine) snapshot(ctx context.Context) (*plan.Snapshot, error) {
	if s := e.Plan.Snapshot(); s != nil {
		return s, nil
	}
	s, err := e.Plan.Sync(ctx, e.Client)
	if err != nil {
		return nil, fmt.Errorf("reading the plan: %w", err)
	}
	return s, nil
}

func (e *engine) close(ctx context.Context) error {
	err := e.Exec.Close(ctx)
	e.Client.Close()
	e.look.Close()
	return err
}

// wake asks for a reading of the plan now; a request that is waiting serves all.
func (e *engine) wake() {
	select {
	case e.nudge <- struct{}{}:
	default:
	}
}

// stale is from which age on a plan is warned of.
const stale = 5 * time.Minute

func (e *engine) checks() []health.Check {
	return []health.Check{
		health.Ping(e.Name+":reachable", false, "look at the engine's address, user and certificate; resync engine settings are in the settings file",
			protected(e.pingGuard, func(ctx context.Context) error { _, err := e.Client.EngineInfo(ctx); return err })),
		{Name: e.Name + ":plan", Fix: "the engine must be reachable and its user must be allowed to list the plan", Run: func(context.Context) health.Result {
			s := e.Plan.Snapshot()
			if s == nil {
				return health.Warned("the plan has not been read yet")
			}
			if age := e.Now().Sub(s.AsOf()); age > stale {
				return health.Warned("the plan was read %s ago", age.Round(time.Second))
			}
			return health.Passed(fmt.Sprintf("%d jobs", s.Len()))
		}},
	}
}
