package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"resync/internal/diagnose"
	"resync/internal/state"
)

// How long a read of the engine is as good as a new one: the contract's times.
const (
	ttlStatus  = 10 * time.Second
	ttlLog     = 30 * time.Second
	ttlStatic  = time.Hour
	ttlDefault = time.Minute
)

// age is the contract's meta: how old an answer about the engine is.
type age struct {
	Cached    bool      `json:"cached"`
	Seconds   float64   `json:"age_seconds"`
	FetchedAt time.Time `json:"fetched_at"`
	Freshness string    `json:"freshness" enum:"live,recent,cached"`
	Why       string    `json:"why_old,omitempty" doc:"why an answer past its time is shown"`
}

// liveRead is one read of an engine.
type liveRead struct {
	key   string
	ttl   time.Duration
	fetch func(context.Context, *Engine) (any, error)
}

// read answers from the cache, or asks the engine once for all who want to know
// the same. The engine may be unreachable: then what it said last is shown, with
// its age and the reason. Actions and what they decide on never come this way.
func (s *server) read(ctx context.Context, e *Engine, q liveRead) (*rawOutput, error) {
	p := postureOf(ctx)
	answer, err := s.Reads.Do(ctx, state.Read{
		Scope: e.Name, Key: q.key, TTL: q.ttl, CachedOnly: degradedTo(ctx) == CachedOnly, Stale: engineAway,
		Fetch: func(ctx context.Context) ([]byte, error) {
			v, err := q.fetch(ctx, e)
			if err != nil {
				return nil, err
			}
			return json.Marshal(v)
		},
		Direct: func() error { return s.direct(e.Name) },
	})
	p.trouble(answer.Trouble)
	switch {
	case errors.Is(err, state.ErrNotCached):
		return nil, huma.ErrorWithHeaders(huma.Error503ServiceUnavailable("only cached answers are given while Redis is away, and this was not asked for before"),
			http.Header{"Retry-After": {strconv.Itoa(seconds(s.State.Status().RetryAfter))}})
	case err != nil:
		return nil, s.problem(ctx, err)
	}
	old := max(time.Since(answer.At), 0)
	p.age = &age{Cached: answer.Cached, Seconds: old.Round(time.Millisecond).Seconds(), FetchedAt: answer.At.UTC(), Freshness: diagnose.Freshness(old)}
	if answer.Stale != nil {
		p.age.Why = answer.Stale.Error()
	}
	return &rawOutput{withMeta(answer.Data, p.age)}, nil
}

// direct lets a read of the engine pass that the cache would have answered.
func (s *server) direct(engine string) error {
	d, err := s.State.AllowHere(directTWS(engine))
	if err != nil || d.Allowed {
		return err
	}
	s.Metrics.RateLimited("tws-direct")
	return huma.ErrorWithHeaders(huma.Error503ServiceUnavailable(fmt.Sprintf(
		"Redis is away, and the engine %s is asked no more than %d times a second meanwhile; try again in a second", engine, d.Limit.Rate)),
		http.Header{"Retry-After": {"1"}})
}

// engineAway says of which errors an older answer is better: those that say
// nothing about what was asked.
func engineAway(err error) bool {
	switch engineStatus(err) {
	case http.StatusBadGateway, http.StatusGatewayTimeout, http.StatusServiceUnavailable:
		return true
	}
	return statusOf(err) == http.StatusServiceUnavailable
}

// withMeta adds the member meta to an object of the engine. What is no object
// is left alone: the headers Age and X-Freshness say the same.
func withMeta(data []byte, meta *age) json.RawMessage {
	var probe map[string]json.RawMessage
	if len(data) == 0 || data[0] != '{' || json.Unmarshal(data, &probe) != nil {
		return data
	}
	if _, taken := probe["meta"]; taken {
		return data
	}
	m, err := json.Marshal(meta)
	if err != nil {
		return data
	}
	out := append(make([]byte, 0, len(data)+len(m)+9), `{"meta":`...)
	out = append(out, m...)
	if len(probe) > 0 {
		out = append(out, ',')
	}
	return append(out, data[1:]...)
}
