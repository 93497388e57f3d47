package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"resync/breaker"
	"resync/internal/api"
	"resync/internal/health"
	"resync/internal/telemetry"
)

// breakerLook is how often the breakers are looked at: changes that are due by
// the clock alone (a switch that runs out, a delay that is over) are seen then.
const breakerLook = time.Second

// breakerSave is how often counts are kept that changed without a change of
// state.
const breakerSave = time.Minute

// openBreakers makes the program's circuit breakers: those of the contract and
// one for each further engine.
func (a *App) openBreakers(context.Context) error {
	a.breakers = breaker.NewRegistry(breaker.WithTrace(telemetry.TraceID), breaker.WithHook(a.breakerMoved))
	for _, s := range breaker.Contract() {
		if _, err := a.breakers.Register(s); err != nil {
			return err
		}
	}
	for _, c := range a.opt.Config.Engines {
		if _, err := a.engineBreaker(c.Name); err != nil {
			return err
		}
	}
	return nil
}

// breakerOf is a breaker by name; one the contract does not have gets the
// numbers of another that it does.
func (a *App) breakerOf(name, like string) (*breaker.Breaker, error) {
	if b, err := a.breakers.Get(name); err == nil {
		return b, nil
	}
	model, err := a.breakers.Get(like)
	if err != nil {
		return nil, err
	}
	s := model.Made() // an administrator's numbers for the one are not meant for the other
	s.Name = name
	b, err := a.breakers.Ensure(s)
	if err != nil {
		return nil, err
	}
	if h, kept := a.book.earlier(name); kept {
		err = b.Restore(h)
	}
	return b, err
}

// engineBreaker is tws_api for the default engine, tws_api:NAME for another.
func (a *App) engineBreaker(engine string) (*breaker.Breaker, error) {
	name := "tws_api"
	if engine != a.ordered()[0].Name {
		name += ":" + engine
	}
	return a.breakerOf(name, "tws_api")
}

// breakerBook knows which breakers have to be written down.
type breakerBook struct {
	mu    sync.Mutex
	dirty map[string]bool
	wake  chan struct{}
	calls map[string]int64           // :: breaker → calls and refusals when it was last written
	left  map[string]breaker.History // :: of breakers that are made later in the start
	pen   chan struct{}              // :: held by who writes: an older history must not overwrite a newer one
}

func newBreakerBook() *breakerBook {
	return &breakerBook{dirty: map[string]bool{}, wake: make(chan struct{}, 1), calls: map[string]int64{}, left: map[string]breaker.History{}, pen: make(chan struct{}, 1)}
}

// earlier takes the history of a breaker that had not been made when the others'
// were restored.
func (b *breakerBook) earlier(name string) (breaker.History, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h, kept := b.left[name]
	delete(b.left, name)
	return h, kept
}

// keep leaves a history for earlier; started forgets those nobody has taken: they are
// of engines, models and receivers that are not set up any more.
func (b *breakerBook) keep(name string, h breaker.History) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left[name] = h
}

func (b *breakerBook) started() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.left)
}

func (b *breakerBook) mark(name string) {
	b.mu.Lock()
	b.dirty[name] = true
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *breakerBook) take() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var names []string
	for n := range b.dirty {
		names = append(names, n)
	}
	clear(b.dirty)
	return names
}

// breakerMoved tells screens and log of a change of state, and has it written
// down. It must not wait: it is called in the middle of somebody's request.
func (a *App) breakerMoved(t breaker.Transition) {
	a.log.Warn("circuit breaker", "breaker", t.Name, "from", t.From.String(), "to", t.To.String(), "cause", t.Cause, "by", t.By, "trace_id", t.TraceID)
	data := map[string]any{"name": t.Name, "from": t.From, "to": t.To, "state": t.To, "cause": t.Cause, "by": t.By, "at": t.At, "trace_id": t.TraceID}
	a.news.Publish(api.News{Name: "breaker", Data: data})
	a.book.mark(t.Name)
	a.tellBreaker(t)
	a.screensOfBreaker(t)
	switch t.To {
	case breaker.HalfOpen, breaker.Closed:
		if t.Name != "background_sync" {
			a.wakeBehind(t.Name)
		}
	case breaker.Open:
		a.lookBehind(t.Name)
	}
}

// behind are the engines that a breaker stands before; that of the reading of
// plans stands before all.
func (a *App) behind(breakerName string) []*engine {
	if breakerName == "background_sync" {
		return a.engines
	}
	if !strings.HasPrefix(breakerName, "tws_api") {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(a.engines), func(e *engine) bool { return e.shield.Name() != breakerName })
}

// wakeBehind has the plan of the engine behind a breaker read now: as the probe
// when the delay is over, so that nobody has to ask first, and again when the
// engine is back. The breaker of the reading has nothing to say then: it opened
// for the same reason.
func (a *App) wakeBehind(name string) {
	for _, e := range a.behind(name) {
		e.syncGuard.TryNow(a.ctx, "an engine answers again, or is tried")
		e.wake()
	}
}

// lookBehind has the engine behind a breaker looked at until it answers.
func (a *App) lookBehind(name string) {
	for _, e := range a.behind(name) {
		select {
		case e.opened <- struct{}{}:
		default:
		}
	}
}

// restoreBreakers goes on with the histories of an earlier process. One that
// cannot be read is left behind: it is no reason not to start.
func (a *App) restoreBreakers(ctx context.Context) error {
	kept, err := a.db.Breakers(ctx)
	if err != nil {
		return err
	}
	for name, raw := range kept {
		var h breaker.History
		if err := json.Unmarshal(raw, &h); err != nil {
			a.log.Warn("the history of a circuit breaker cannot be read and begins anew", "breaker", name, "err", err)
			continue
		}
		b, err := a.breakers.Get(name)
		if err != nil {
			a.book.keep(name, h) // a model's or a receiver's, which are made after the database is there
			continue
		}
		if err := b.Restore(h); err != nil {
			return fmt.Errorf("restoring the history of a circuit breaker: %w", err)
		}
	}
	return nil
}

// watchBreakers looks at the breakers and writes down what changed.
func (a *App) watchBreakers() {
	look, save := time.NewTicker(breakerLook), time.NewTicker(breakerSave)
	defer look.Stop()
	defer save.Stop()
	for {
		select {
		case <-a.ctx.Done():
			return
		case <-look.C:
			for _, b := range a.breakers.All() {
				b.State()
			}
		case <-save.C:
			a.steer()
			a.loadReceivers(a.ctx)
			a.markCounted()
			a.saveBreakers(a.ctx)
		case <-a.book.wake:
			a.saveBreakers(a.ctx)
		}
	}
}

// markCounted marks the breakers that have counted since they were written.
func (a *App) markCounted() {
	for _, s := range a.breakers.Snapshot() {
		n := s.TotalCalls + s.Rejected + s.Ignored
		a.book.mu.Lock()
		if a.book.calls[s.Name] != n {
			a.book.calls[s.Name], a.book.dirty[s.Name] = n, true
		}
		a.book.mu.Unlock()
	}
}

// saveBreakers writes down what is marked. What could not be written stays
// marked for the next time; the database being away is what a breaker says.
func (a *App) saveBreakers(ctx context.Context) {
	for _, name := range a.book.take() {
		err := a.keepBreaker(ctx, name)
		if errors.Is(err, breaker.ErrUnknown) {
			continue
		}
		if err != nil {
			a.log.DebugContext(ctx, "the history of a circuit breaker is not kept yet", "breaker", name, "err", err)
			a.book.mu.Lock()
			a.book.dirty[name] = true
			a.book.mu.Unlock()
		}
	}
}

// keepBreaker writes the history of one breaker down.
func (a *App) keepBreaker(ctx context.Context, name string) error {
	select {
	case a.book.pen <- struct{}{}:
		defer func() { <-a.book.pen }()
	case <-ctx.Done():
		return fmt.Errorf("keeping the history of circuit breaker %s: %w", name, context.Cause(ctx))
	}
	b, err := a.breakers.Get(name)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(b.Export())
	if err != nil {
		return fmt.Errorf("writing the history of circuit breaker %s: %w", name, err)
	}
	return a.db.SaveBreaker(ctx, name, raw)
}

// breakerCheck is the breakers' block of /health.
func (a *App) breakerCheck() health.Check {
	return health.Check{Name: "breakers:open", Fix: "look at what the breaker protects; it is tried again by itself. After a repair an administrator may reset it",
		Run: func(context.Context) health.Result {
			h := a.breakers.Health()
			res := health.Passed(fmt.Sprintf("none of %d circuit breakers is open", h.TotalBreakers))
			if !h.Healthy {
				res = health.Warned("open: %v", h.OpenList)
			}
			res.Observed = h
			return res
		}}
}

// protected puts a breaker around a function that returns nothing but an error.
func protected(b *breaker.Breaker, fn func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := breaker.Do(ctx, b, func(ctx context.Context) (struct{}, error) { return struct{}{}, fn(ctx) }, nil)
		return err
	}
}
