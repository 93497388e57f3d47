package app

import (
	"context"
	"math/rand/v2"
	"time"

	"resync/breaker"
	"resync/hwa"
)

// How an engine behind an open breaker is looked at.
const (
	lookEvery = 5 * time.Second // mean pause between looks, when the options do not say
	lookTime  = 3 * time.Second // longest wait for an answer to one

	databaseLook = time.Second // pause between looks at a database behind an open breaker
)

// heal looks at an engine while its breaker, or that of the reading of plans, is
// open, so that nobody waits for the whole delay when it is back after two
// seconds. The numbers of the breakers stay what they are: it is a harmless read
// every few seconds, whatever callers do, and what it finds only ends the delay
// early; the probe decides.
func (a *App) heal(e *engine) {
	p := pace{first: a.opt.LookEvery, longest: e.shield.Settings().Delay}
	for {
		for e.shield.State() == breaker.Open || e.syncGuard.State() == breaker.Open {
			if !a.sleep(p.next()) {
				return
			}
			if a.lookAgain(e) {
				p.tried(time.Now())
			}
		}
		select {
		case <-a.ctx.Done():
			return
		case <-e.opened:
		}
	}
}

// lookAgain looks once, and reports whether it has ended a delay.
func (a *App) lookAgain(e *engine) bool {
	ctx, cancel := context.WithTimeout(a.ctx, lookTime)
	defer cancel()
	switch {
	case e.shield.State() == breaker.Open:
		// An answer that refuses, such as a wrong password, shows that it is there.
		if _, err := e.look.EngineInfo(ctx); breaker.Classify(err) != breaker.Success || !e.shield.TryNow(ctx, "the engine answers again") {
			return false
		}
		// It may be refused, because the reading of the plan was faster: then that one
		// is the probe.
		if _, err := e.Client.EngineInfo(ctx); err != nil {
			a.log.DebugContext(ctx, "the probe of an engine", "engine", e.Name, "err", err)
		}
		return true
	case e.syncGuard.State() == breaker.Open:
		for _, err := range e.Client.Jobs(ctx, hwa.ListOptions{Limit: 1, PageSize: 1}) {
			if err != nil {
				return false
			}
		}
		if ctx.Err() == nil && e.syncGuard.TryNow(ctx, "the plan can be read again") {
			e.wake()
			return true
		}
	}
	return false
}

// healDatabase looks at the database while its breaker is open. A database that
// was restarted is back in a second or two; without a look everybody would be
// refused for the rest of the breaker's half minute.
func (a *App) healDatabase() {
	guard, err := a.breakers.Get("database")
	if err != nil {
		return // doctor has none
	}
	for a.sleep(min(a.opt.LookEvery, databaseLook)) {
		if guard.State() != breaker.Open {
			continue
		}
		ctx, cancel := context.WithTimeout(a.ctx, lookTime)
		if err := a.db.Look(ctx); err != nil {
			a.log.DebugContext(ctx, "a look at the database", "err", err)
		} else if guard.TryNow(ctx, "the database answers again") {
			if err := a.db.Ping(ctx); err != nil {
				a.log.DebugContext(ctx, "the probe of the database", "err", err)
			}
		}
		cancel()
	}
}

// pace is how fast an engine is looked at. One that answers the look and fails
// again at once is looked at less and less often, down to the breaker's own delay.
type pace struct {
	first, longest time.Duration
	wait           time.Duration
	last           time.Time // of an early try
}

// next is the pause before the next look, half to one and a half of the mean.
func (p *pace) next() time.Duration {
	if p.wait == 0 || time.Since(p.last) > 2*p.longest {
		p.wait = p.first
	}
	return p.wait/2 + rand.N(p.wait)
}

// tried notes that the delay was ended early.
func (p *pace) tried(now time.Time) {
	p.wait, p.last = min(2*p.wait, max(p.longest, p.first)), now
}

// sleep waits; false when the server stops.
func (a *App) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-a.ctx.Done():
		return false
	}
}

// looker is the client for looks. No breaker stands before it: it is only used
// while the engine's is open, by one goroutine, at its pace, and never repeats a
// request.
func (a *App) looker(c hwa.Config) (*hwa.Client, error) {
	c.Breaker, c.Attempts, c.Timeout = nil, 1, lookTime
	return hwa.New(c)
}
