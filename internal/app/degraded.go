package app

import (
	"resync/breaker"
	"resync/internal/api"
	"resync/internal/state"
)

// The events of the stream that tell screens of a part that is away, and of one
// that is back. They have numbers like all others: who was cut off gets them by
// Last-Event-ID.
const (
	newsDegraded = "degraded"
	newsHealed   = "healed"
)

// degradedBy says which of the two a change of state is; "" for one that begins
// and ends nothing. A breaker that probes has not healed, and one that opens again
// after a probe has been down all the time.
func degradedBy(t breaker.Transition) string {
	down := func(s breaker.State) bool { return s.Refuses() || s == breaker.HalfOpen }
	switch {
	case !down(t.From) && down(t.To):
		return newsDegraded
	case down(t.From) && !down(t.To):
		return newsHealed
	}
	return ""
}

// screensOfBreaker tells screens that what stands behind a breaker is away, or
// back. Redis is told of by its monitor, which is faster than its breaker.
func (a *App) screensOfBreaker(t breaker.Transition) {
	if news := degradedBy(t); news != "" && t.Name != "redis" {
		a.news.Publish(api.News{Name: news, Data: map[string]any{"part": t.Name, "state": t.To, "reason": t.Cause, "by": t.By, "at": t.At, "trace_id": t.TraceID}})
	}
}

// screensOfRedis is the same for Redis.
func (a *App) screensOfRedis(s state.Status) {
	news := newsHealed
	if !s.Available() {
		news = newsDegraded
	}
	a.news.Publish(api.News{Name: news, Data: map[string]any{"part": "redis", "state": s.Mode, "reason": s.Reason, "at": s.Since.UTC()}})
}
