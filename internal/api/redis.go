package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"resync/breaker"
	"resync/internal/auth"
	"resync/internal/state"
)

// ruledRoute is an operation with what holds for it.
type ruledRoute struct {
	route
	live *liveRule
}

// rule is what holds for it now.
func (r ruledRoute) rule() *tierRule { return r.live.Load() }

// RedisStrategy is the state of the shared state as the contract has it, and
// more.
type RedisStrategy struct {
	Enabled           bool           `json:"enabled" doc:"a Redis is configured"`
	Mode              state.Mode     `json:"mode" enum:"embedded,normal,degraded,unknown"`
	FailFastTimeout   float64        `json:"fail_fast_timeout" doc:"seconds after which a call of Redis that gets no answer has failed"`
	DegradedEndpoints []string       `json:"degraded_endpoints" doc:"what works with less now"`
	RefusedEndpoints  []string       `json:"refused_endpoints" doc:"what answers 503 now"`
	Healthy           bool           `json:"healthy"`
	Tiers             map[string]int `json:"tiers" doc:"operations by tier"`
	StartupFailFast   bool           `json:"startup_fail_fast"`
	Error             string         `json:"error,omitempty"`
	Since             time.Time      `json:"since" doc:"of the mode"`
	RetryAfter        int            `json:"retry_after" doc:"seconds; 0 when Redis answers"`
	LatencyMS         float64        `json:"latency_ms" doc:"of the last look at Redis"`
	Outages           int            `json:"outages" doc:"since the start"`
	Unavailable       float64        `json:"unavailable_seconds" doc:"since the start, in all"`
	DegradedPercent   float64        `json:"degraded_percent" doc:"share of the requests of the last minute that were degraded or refused"`
	Alert             bool           `json:"alert" doc:"that share is above the threshold of the strategy file"`
}

// redisStrategy says how the shared state is and what that means for whom.
func (s *server) redisStrategy() RedisStrategy {
	st := s.State.Status()
	out := RedisStrategy{
		Enabled: st.Mode != state.Embedded, Mode: st.Mode, FailFastTimeout: state.CallTime.Seconds(), Healthy: st.Available(), Tiers: map[string]int{},
		StartupFailFast: s.RedisFailFast, Error: st.Reason, Since: st.Since.UTC(), LatencyMS: float64(st.Latency.Microseconds()) / 1000,
		Outages: st.Outages, Unavailable: st.Down.Seconds(), DegradedEndpoints: []string{}, RefusedEndpoints: []string{},
	}
	if !st.Available() {
		out.RetryAfter = seconds(st.RetryAfter)
		out.DegradedEndpoints, out.RefusedEndpoints = s.affected()
	}
	for _, r := range s.ruled {
		out.Tiers[tierKey(r.rule().tier)]++
	}
	out.Tiers[tierKey(ReadOnly)] += len(plainRoutes())
	out.DegradedPercent, out.Alert = s.load.share()
	return out
}

func tierKey(t Tier) string {
	return map[Tier]string{ReadOnly: "read_only", BestEffort: "best_effort", Critical: "critical"}[t]
}

// affected lists the operations that work with less, and those that refuse,
// while the shared state is away.
func (s *server) affected() (less, refused []string) {
	less, refused = []string{}, []string{}
	for _, r := range s.ruled {
		name := r.method + " " + r.paths[0]
		switch r.rule().tier {
		case BestEffort:
			less = append(less, name)
		case Critical:
			refused = append(refused, name)
		}
	}
	slices.Sort(less)
	slices.Sort(refused)
	return less, refused
}

type redisHealthOutput struct {
	Body struct {
		Status          string        `json:"status" enum:"healthy,degraded,embedded"`
		IdempotencySafe bool          `json:"idempotency_safe" doc:"always true: keys and runs are rows of the database, never of Redis"`
		Redis           RedisStrategy `json:"redis"`
		Warning         string        `json:"warning,omitempty"`
	}
}

type resilienceOutput struct {
	Body struct {
		Breakers          map[string]breaker.Detail `json:"circuit_breakers"`
		Redis             RedisStrategy             `json:"redis_strategy"`
		DegradedEndpoints []string                  `json:"degraded_endpoints"`
		Timestamp         time.Time                 `json:"timestamp"`
		Total             int                       `json:"total_breakers"`
		Open              int                       `json:"open_breakers"`
		CriticalOpen      int                       `json:"critical_open"`
	}
}

// registerRedis adds what an operator sees of the shared state. Nothing here
// needs it.
func (s *server) registerRedis() {
	add(s, route{id: "health-redis", method: http.MethodGet, paths: both("/health/redis"), tag: "resilience", tier: ReadOnly, role: auth.Viewer,
		summary: "The shared state: Redis, or the memory of this server"}, s.redisHealth)
	add(s, route{id: "resilience-status", method: http.MethodGet, paths: both("/admin/resilience/status"), tag: "resilience", tier: ReadOnly, role: auth.Viewer,
		summary: "Circuit breakers and shared state in one view"}, s.resilience)
}

func (s *server) redisHealth(context.Context, *struct{}) (*redisHealthOutput, error) {
	out := &redisHealthOutput{}
	out.Body.IdempotencySafe, out.Body.Redis = true, s.redisStrategy()
	switch st := out.Body.Redis; {
	case !st.Enabled:
		out.Body.Status = "embedded"
	case st.Healthy:
		out.Body.Status = "healthy"
	default:
		out.Body.Status = "degraded"
		out.Body.Warning = "Redis is away: " + st.Error + ". Changes are refused, reading goes on with less; it heals when Redis answers."
	}
	return out, nil
}

func (s *server) resilience(context.Context, *struct{}) (*resilienceOutput, error) {
	out := &resilienceOutput{}
	h := s.Breakers.Health()
	out.Body.Breakers, out.Body.Total, out.Body.Open, out.Body.CriticalOpen = h.Details, h.TotalBreakers, h.OpenBreakers, h.CriticalOpen
	out.Body.Redis, out.Body.Timestamp = s.redisStrategy(), nowUTC()
	out.Body.DegradedEndpoints = out.Body.Redis.DegradedEndpoints
	return out, nil
}
