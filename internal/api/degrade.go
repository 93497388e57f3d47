package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"resync/internal/auth"
	"resync/internal/event"
	"resync/internal/state"
	"resync/internal/telemetry"
)

// Headers of the contract.
const (
	headerRedis     = "X-Redis-Status"
	headerDegraded  = "X-Degraded-Mode"
	headerReason    = "X-Degraded-Reason"
	headerCost      = "X-Cost-Impact"
	headerTook      = "X-Processing-Time"
	headerFreshness = "X-Freshness"
	headerRefresh   = "X-Refresh-Interval"
)

// posture is what is known of one request: who sent it, and how it stands to the
// shared state. Its headers are
// written with the head of the answer, so that what is found out on the way is
// in them.
type posture struct {
	start time.Time
	id    auth.Identity // who sent it; set by guard before anything is done for the request
	rule  *tierRule     // nil outside the operations
	redis string        // available, unavailable or embedded
	less  bool          // the answer is a degraded one
	age   *age          // of a cached answer
}

// postureOf is the posture of a request; never nil.
func postureOf(ctx context.Context) *posture {
	if p, ok := ctx.Value(postureKey).(*posture); ok {
		return p
	}
	return &posture{}
}

// degradedTo is what the request must do with less; "" when nothing is missing.
func degradedTo(ctx context.Context) Behavior {
	if p := postureOf(ctx); p.less && p.rule != nil {
		return p.rule.less.behavior
	}
	return ""
}

// trouble notes that the shared state failed while the request was served.
func (p *posture) trouble(err error) {
	if errors.Is(err, state.ErrUnavailable) {
		p.redis = "unavailable"
		p.less = p.rule != nil && p.rule.tier == BestEffort
	}
}

// write puts what is known into the head of the answer.
func (p *posture) write(h http.Header) {
	if !p.start.IsZero() {
		var buf [24]byte
		h[headerTook] = []string{string(append(strconv.AppendFloat(buf[:0], float64(time.Since(p.start).Microseconds())/1000, 'f', 3, 64), "ms"...))}
	}
	if p.redis != "" {
		h[headerRedis] = []string{p.redis}
	}
	if p.age != nil {
		h.Set("Age", strconv.Itoa(int(p.age.Seconds)))
		h.Set(headerFreshness, p.age.Freshness)
	}
	if !p.less || p.rule == nil {
		return
	}
	h.Set(headerDegraded, "true")
	h.Set(headerReason, p.rule.less.warning)
	if p.rule.less.cost != "" {
		h.Set(headerCost, p.rule.less.cost)
	}
	if p.rule.less.refresh > 0 {
		h.Set(headerRefresh, strconv.Itoa(int(p.rule.less.refresh.Seconds())))
	}
}

// tiered makes the tier of a route true. A CRITICAL request reaches its handler
// only when Redis has answered for this very request: its limit is taken there,
// or Redis is asked. A BEST_EFFORT request goes on with less.
func (s *server) tiered(hc huma.Context, next func(huma.Context)) {
	live, ok := hc.Operation().Metadata["rule"].(*liveRule)
	if !ok {
		s.deny(hc, http.StatusForbidden, "this route declares no tier, so nobody may use it")
		return
	}
	p, rule := postureOf(hc.Context()), live.Load()
	p.rule = rule
	s.State.Touch()
	st := s.State.Status()
	p.redis = redisHeader(st)
	s.load.request()
	if rule.tier == ReadOnly {
		next(hc)
		return
	}
	err := s.admit(hc, rule, st)
	p.trouble(err)
	var limited *limitedError
	switch {
	case errors.As(err, &limited):
		s.tooMany(hc, limited)
		return
	case err != nil && rule.tier == Critical:
		s.refuse(hc, rule, err)
		return
	case err != nil && !errors.Is(err, state.ErrUnavailable):
		s.denyError(hc, err)
		return
	}
	if p.less {
		s.load.less()
		s.Metrics.Degraded(string(rule.less.behavior))
		if err := s.admitLess(hc.Context(), rule); err != nil {
			s.tooMany(hc, err)
			return
		}
	}
	next(hc)
}

func redisHeader(st state.Status) string {
	switch {
	case st.Mode == state.Embedded:
		return "embedded"
	case st.Available():
		return "available"
	}
	return "unavailable"
}

// admit asks the shared state whether the request may go on. The error is a
// limitedError, a state.ErrUnavailable or the end of the request.
func (s *server) admit(hc huma.Context, rule *tierRule, st state.Status) error {
	quotas := s.quotas(hc.Context(), rule.limit)
	if !st.Available() {
		away := &state.UnavailableError{Reason: st.Reason, RetryAfter: st.RetryAfter}
		if rule.tier == Critical || len(quotas) == 0 {
			return away
		}
		if err := s.admitHere(hc, rule.limit, quotas); err != nil {
			return err
		}
		return away
	}
	if len(quotas) == 0 {
		if rule.tier == Critical {
			return s.State.Check(hc.Context())
		}
		return nil
	}
	d, err := s.State.Allow(hc.Context(), quotas...)
	switch {
	case errors.Is(err, state.ErrUnavailable) && rule.tier == BestEffort:
		return errors.Join(s.admitHere(hc, rule.limit, quotas), err)
	case err != nil:
		return err
	}
	return decided(hc, rule.limit, d)
}

// admitHere counts by this server alone.
func (s *server) admitHere(hc huma.Context, name limitName, quotas []state.Quota) error {
	d, err := s.State.AllowHere(quotas...)
	if err != nil {
		return err
	}
	return decided(hc, name, d)
}

// unavailableBody is the contract's body of a refusal, as a problem document.
type unavailableBody struct {
	Type       string `json:"type"`
	Title      string `json:"title"`
	Status     int    `json:"status"`
	Detail     string `json:"detail"`
	TraceID    string `json:"trace_id"`
	Error      string `json:"error"`
	Reason     string `json:"reason"`
	Tier       Tier   `json:"tier"`
	Endpoint   string `json:"endpoint"`
	RetryAfter int    `json:"retry_after"`
	Message    string `json:"message"`
}

// refuse answers 503 for a CRITICAL route.
func (s *server) refuse(hc huma.Context, rule *tierRule, err error) {
	if !errors.Is(err, state.ErrUnavailable) {
		s.denyError(hc, err)
		return
	}
	var away *state.UnavailableError
	errors.As(err, &away)
	wait := rule.retry
	if wait <= 0 {
		wait = away.RetryAfter
	}
	seconds := max(int(math.Ceil(wait.Seconds())), 1)
	s.load.refused()
	s.Metrics.Refused503()
	u := hc.URL()
	text := fmt.Sprintf("nothing was done: %s. Reading goes on; try again in %d s", away.Reason, seconds)
	hc.SetHeader("Retry-After", strconv.Itoa(seconds))
	if w, r, ok := onLLM(hc); ok {
		refuseLLM(w, r, http.StatusServiceUnavailable, text, map[string]any{"reason": rule.reason, "tier": rule.tier, "endpoint": hc.Method() + " " + u.Path, "retry_after": seconds})
		return
	}
	s.problemDoc(hc, http.StatusServiceUnavailable, unavailableBody{
		Type: "about:blank", Title: http.StatusText(http.StatusServiceUnavailable), Status: http.StatusServiceUnavailable, Detail: text,
		TraceID: telemetry.TraceID(hc.Context()), Error: "Service Temporarily Unavailable", Reason: rule.reason, Tier: rule.tier,
		Endpoint: hc.Method() + " " + u.Path, RetryAfter: seconds, Message: text,
	})
}

// denyError answers with the problem document of an error.
func (s *server) denyError(hc huma.Context, err error) {
	var status huma.StatusError
	if !errors.As(s.problem(hc.Context(), err), &status) {
		s.deny(hc, http.StatusInternalServerError, "the request failed")
		return
	}
	s.deny(hc, status.GetStatus(), status.Error())
}

// withheld says why the chat proposes no action for this request; "" when it
// may.
func (s *server) withheld(ctx context.Context) string {
	if degradedTo(ctx) != ReadonlyMode {
		return ""
	}
	return "Redis is away, and until it answers the chat only reads (" + s.State.Status().Reason + ")"
}

// readonly refuses a tool that writes while the route is in read-only mode.
func (s *server) readonly(ctx context.Context, e *Engine, name string) error {
	why := s.withheld(ctx)
	if why == "" {
		return nil
	}
	for _, t := range e.Exec.Tools() {
		if t.Spec.Name == name && t.Spec.Permission.Writes() {
			return huma.ErrorWithHeaders(huma.Error503ServiceUnavailable("nothing was done: "+why),
				http.Header{"Retry-After": {strconv.Itoa(seconds(s.State.Status().RetryAfter))}})
		}
	}
	return nil
}

// realtimeLook is how often an open stream looks whether news of other servers
// can reach it.
const realtimeLook = 500 * time.Millisecond

// withRealtime passes news on to an open stream. While that of other servers is
// missing it says so, has clients read again from time to time, and once more
// when it is over. The channel is closed when the news ends.
func (s *server) withRealtime(ctx context.Context, news <-chan event.Message[News]) <-chan event.Message[News] {
	if s.State.Status().Mode == state.Embedded {
		return news // there are no other servers
	}
	out := make(chan event.Message[News])
	w := realtime{refresh: postureOf(ctx).refresh()}
	go func() {
		defer close(out)
		tick := time.NewTicker(realtimeLook)
		defer tick.Stop()
		for {
			if n, ok := w.look(s.State.Status(), time.Now()); ok {
				select {
				case out <- event.Message[News]{Value: n}:
				case <-ctx.Done():
					return
				}
			}
			select {
			case m, open := <-news:
				if !open {
					return
				}
				select {
				case out <- m:
				case <-ctx.Done():
					return
				}
			case <-tick.C:
			}
		}
	}()
	return out
}

// realtime is what one stream has been told.
type realtime struct {
	refresh time.Duration
	told    time.Time // last word while news is missing; zero while it comes
}

// look returns what the stream must be told now.
func (w *realtime) look(st state.Status, now time.Time) (News, bool) {
	reset := func(text string) (News, bool) { return News{"reset", map[string]string{"message": text}}, true }
	switch away := !st.Available(); {
	case away && w.told.IsZero():
		w.told = now
		return News{"degraded", map[string]any{"reason": st.Reason, "refresh_seconds": int(w.refresh.Seconds()),
			"message": "Redis is away: what happens on other servers does not arrive; read again from time to time"}}, true
	case away && now.Sub(w.told) >= w.refresh:
		w.told = now
		return reset("Redis is still away; read the state afresh")
	case !away && !w.told.IsZero():
		w.told = time.Time{}
		return reset("Redis answers again; read the state afresh")
	}
	return News{}, false
}

// refresh is how often clients of the route should read again.
func (p *posture) refresh() time.Duration {
	if p.rule != nil && p.rule.less.refresh > 0 {
		return p.rule.less.refresh
	}
	return realtimeRefresh
}
