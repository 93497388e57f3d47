package app

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"time"

	"resync/internal/api"
	"resync/internal/health"
	"resync/internal/state"
	"resync/internal/store"
	"resync/internal/telemetry"
)

// newsChannel carries news between servers.
const newsChannel = "news"

// openState connects to Redis when one is configured. When the settings say so, one
// that does not answer or refuses the password ends the start; otherwise the server
// starts with less.
func (a *App) openState(ctx context.Context) error {
	guard, err := a.breakers.Get("redis")
	if err != nil {
		return err
	}
	r := a.opt.Config.Redis
	a.failFastAtStart = a.failFast()
	a.shared, err = state.Open(ctx, state.Settings{
		URL: r.URL.Reveal(), FailFast: a.failFastAtStart, Retries: r.MaxRetries, Backoff: r.Backoff, CheckEvery: r.CheckEvery, Breaker: guard, OnChange: a.redisChanged,
	})
	switch {
	case err == nil:
	case ctx.Err() != nil || errors.Is(err, state.ErrAuth) || errors.Is(err, state.ErrUnavailable):
		return err
	default:
		return badSetting{err} // an address that leads nowhere, or a file in it
	}
	a.closers = append(a.closers, a.shared.Close)
	a.reads, a.answers, a.self = state.NewReads(a.shared), api.NewAnswers(a.shared, a.modelNames()...), store.NewID("srv")
	if r.StrategyFile != "" {
		a.log.Info("tiers of routes are changed by a file", "file", r.StrategyFile, "rules", len(r.Strategy.Rules))
	}
	if st := a.shared.Status(); st.Mode != state.Embedded {
		a.log.Info("shared state", "backend", "redis", "mode", st.Mode, "reason", st.Reason)
	}
	return nil
}

// redisChanged says it in the log and to the screens, which fetch anew what
// they may have missed.
func (a *App) redisChanged(s state.Status) {
	a.tellRedis(s)
	level, text := slog.LevelInfo, "Redis answers"
	if !s.Available() {
		level, text = slog.LevelWarn, "Redis is away; changes are refused and reading goes on with less"
	}
	a.log.Log(a.ctx, level, text, "reason", s.Reason, "outages", s.Outages)
	a.screensOfRedis(s)
	a.news.Publish(api.News{Name: "redis", Data: map[string]any{"mode": s.Mode, "reason": s.Reason, "since": s.Since.UTC()}})
}

// sharedNews is news on its way to the other servers.
type sharedNews struct {
	From string          `json:"from"`
	Name string          `json:"name"`
	Data json.RawMessage `json:"data"`
	// Void names an engine on which something was changed.
	Void string `json:"void,omitempty"`
}

// share publishes news to the screens of this server and to the other servers,
// without waiting for them. Void is an engine on which something was changed,
// or "".
func (a *App) share(n api.News, void string) {
	if void != "" {
		a.reads.Invalidate(void)
	}
	a.news.Publish(n)
	if !a.shared.Status().Available() || a.shared.Status().Mode == state.Embedded {
		return
	}
	data, err := json.Marshal(n.Data)
	if err != nil {
		a.log.Error("encoding news for the other servers", "news", n.Name, "err", err)
		return
	}
	raw, err := json.Marshal(sharedNews{a.self, n.Name, data, void})
	if err != nil {
		a.log.Error("encoding news for the other servers", "news", n.Name, "err", err)
		return
	}
	a.wg.Go(func() {
		if err := a.shared.Publish(a.ctx, newsChannel, raw); err != nil && a.ctx.Err() == nil && !errors.Is(err, state.ErrUnavailable) {
			a.log.Warn("telling the other servers", "news", n.Name, "err", err)
		}
	})
}

// hear passes the news of the other servers on to the screens of this one.
func (a *App) hear() {
	a.shared.Listen(a.ctx, newsChannel, func(raw []byte) {
		var n sharedNews
		if err := json.Unmarshal(raw, &n); err != nil || n.From == a.self || n.Name == "" {
			return // not ours, or our own
		}
		if n.Void != "" {
			a.reads.Invalidate(n.Void)
			for _, e := range a.engines {
				if e.Name == n.Void {
					e.wake()
				}
			}
		}
		if n.Name == steeringNews {
			a.steer()
		}
		if n.Name == receiversNews {
			a.receiversMoved()
		}
		a.news.Publish(api.News{Name: n.Name, Data: n.Data})
	})
}

// sharedCheck is the shared state for /health, with what its absence does to
// whom.
func (a *App) sharedCheck() health.Check {
	return health.Check{Name: "redis:responseTime", Title: "Shared state", Category: health.Dependencies,
		Fix: "start Redis, or look at redis.url; docs/operations.md says what works meanwhile", Run: a.lookAtShared}
}

func (a *App) lookAtShared(ctx context.Context) health.Result {
	if a.shared.Status().Mode == state.Embedded {
		return health.Passed("no Redis is configured; the memory of this server serves")
	}
	start := time.Now()
	if err := a.shared.Check(ctx); err != nil {
		r := health.Warned("%v", err)
		r.Affected = a.affected()
		return r
	}
	return health.Result{Status: health.Pass, Observed: float64(time.Since(start).Microseconds()) / 1000, Unit: "ms"}
}

// affected lists what refuses or works with less while Redis is away.
func (a *App) affected() []string {
	var out []string
	routes := a.routes.Load()
	if routes == nil {
		return nil
	}
	for _, r := range *routes {
		if r.Tier != api.ReadOnly {
			out = append(out, r.Method+" "+r.Path)
		}
	}
	slices.Sort(out)
	return out
}

// redisState is what a scrape reads.
func (a *App) redisState() telemetry.RedisState {
	st := a.shared.Status()
	n := a.answers.Stats()
	return telemetry.RedisState{
		Configured: st.Mode != state.Embedded, Up: st.Available(), Unavailable: st.Down.Seconds(), Outages: st.Outages,
		Hits: n.Hits, Misses: n.Misses, LessHits: n.LessHits, LessMisses: n.LessMisses, OtherWords: n.OtherWords,
	}
}
