package app

import (
	"context"

	"resync/internal/api"
	"resync/internal/resilience"
)

// steeringNews tells the other servers that what administrators set has changed.
const steeringNews = "resilience"

// openSteering reads what administrators have set of breakers, tiers and limits,
// before Redis is met for the first time.
func (a *App) openSteering(ctx context.Context) error {
	a.steering = resilience.New(a.db, a.breakers)
	return a.steering.Load(ctx)
}

// failFast says whether a Redis that does not answer ends the start: the settings,
// or an administrator over them.
func (a *App) failFast() bool {
	if a.steering != nil {
		if set := a.steering.State().Config.FailFast; set != nil {
			return *set
		}
	}
	return a.opt.Config.Redis.FailFast
}

// limits are what a person may do in a minute now.
func (a *App) limits() api.Limits {
	l := api.Limits(a.opt.Config.Limits)
	if a.steering == nil {
		return l
	}
	return l.With(a.steering.State().Config.Limits)
}

// steer reads again what administrators have set, because another server may have
// changed it.
func (a *App) steer() {
	if err := a.steering.Load(a.ctx); err != nil && a.ctx.Err() == nil {
		a.log.Warn("what administrators set of breakers, tiers and limits cannot be read; what held goes on", "err", err)
	}
}

// announced keeps the routes with their tiers, which may change.
func (a *App) announced(routes []api.Route) { a.routes.Store(&routes) }
