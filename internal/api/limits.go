package api

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"resync/internal/state"
)

// Limits are requests, or tokens, per minute and person; 0 does not limit.
type Limits struct {
	Chat      int
	LLM       int
	LLMTokens int
	Actions   int
}

// limitName is the window a route is counted in; "" is none.
type limitName string

const (
	limitChat    limitName = "chat"
	limitLLM     limitName = "llm"
	limitActions limitName = "actions"
)

// limit is the window of a route.
func (r route) limit() limitName {
	switch write := r.method != http.MethodGet; {
	case r.tag == "chat" && r.method == http.MethodPost, r.id == "rag-query":
		return limitChat
	case r.tag == "llm" && write:
		return limitLLM
	case r.tier == Critical && write && r.role != "":
		return limitActions
	}
	return ""
}

func perMinute(n int) state.Limit {
	return state.Limit{Rate: n, Per: time.Minute, Burst: max(n/2, min(n, 10))}
}

// quotas are the windows a request is counted in. The person's name in braces
// keeps them on one node of a Redis cluster.
func (s *server) quotas(ctx context.Context, name limitName) []state.Quota {
	limits, rate := s.limitsNow(), 0
	switch name {
	case limitChat:
		rate = limits.Chat
	case limitLLM:
		rate = limits.LLM
	case limitActions:
		rate = limits.Actions
	}
	tokens := name == limitLLM && limits.LLMTokens > 0
	if rate <= 0 && !tokens {
		return nil
	}
	user := "{" + identityOf(ctx).User + "}"
	var out []state.Quota
	if rate > 0 {
		out = append(out, state.Quota{Key: string(name) + ":" + user, Limit: perMinute(rate), N: 1})
	}
	if tokens {
		// Zero units: whoever owes tokens waits until the debt is gone.
		out = append(out, state.Quota{Key: "tokens:" + user, Limit: state.Limit{Rate: limits.LLMTokens, Per: time.Minute}, N: 0})
	}
	return out
}

// SpendTokens counts what a person's request to the language model has used. It
// is known only afterwards, so it may go into debt: later requests then wait.
func SpendTokens(ctx context.Context, s *state.State, limits Limits, user string, tokens int) error {
	if limits.LLMTokens <= 0 || tokens <= 0 {
		return nil
	}
	q := state.Quota{Key: "tokens:{" + user + "}", Limit: state.Limit{Rate: limits.LLMTokens, Per: time.Minute}, N: tokens, Debt: true}
	_, err := s.Allow(ctx, q)
	if err == nil {
		return nil
	}
	if _, here := s.AllowHere(q); here != nil {
		return here
	}
	return fmt.Errorf("counting tokens over all servers: %w", err)
}

// directLLM bounds what each person may spend while answers cannot be shared.
func directLLM(user string) state.Quota {
	return state.Quota{Key: "llm-direct:{" + user + "}", Limit: state.Limit{Rate: 10, Per: time.Minute, Burst: 5}, N: 1}
}

// directTWS bounds how fast this server asks an engine for what was cached
// before, so that an outage of Redis does not become one of the engine.
func directTWS(engine string) state.Quota {
	return state.Quota{Key: "tws-direct:" + engine, Limit: state.Limit{Rate: 20, Per: time.Second, Burst: 40}, N: 1}
}

// admitLess is the tighter limit of a degraded request. What a direct read of
// the engine may do is decided where it is made, after cache and coalescing.
func (s *server) admitLess(ctx context.Context, rule *tierRule) *limitedError {
	if rule.less.behavior != CallLLMDirect {
		return nil
	}
	d, err := s.State.AllowHere(directLLM(identityOf(ctx).User))
	if err != nil || d.Allowed {
		return nil // err: the quota is a constant and cannot be wrong
	}
	return &limitedError{"llm-direct", d}
}

// limitedError refuses a request that came too soon.
type limitedError struct {
	name limitName
	d    state.Decision
}

func (e *limitedError) Error() string {
	return fmt.Sprintf("too many requests: %d in %s are allowed here; try again in %d s", e.d.Limit.Rate, e.d.Limit.Per, seconds(e.d.RetryAfter))
}

func seconds(d time.Duration) int { return max(int(math.Ceil(d.Seconds())), 1) }

// decided writes the headers of a limit (draft-ietf-httpapi-ratelimit-headers)
// and returns a limitedError when the request must wait.
func decided(hc huma.Context, name limitName, d state.Decision) error {
	hc.SetHeader("Ratelimit-Policy", params(name, 'q', d.Limit.Rate, 'w', int(d.Limit.Per.Seconds())))
	reset := d.Reset
	if !d.Allowed {
		reset = d.RetryAfter
	}
	hc.SetHeader("Ratelimit", params(name, 'r', d.Remaining, 't', int(math.Ceil(reset.Seconds()))))
	if d.Allowed {
		return nil
	}
	return &limitedError{name, d}
}

// params writes a name with two numbers, as the headers of limits have them.
func params(name limitName, a byte, x int, b byte, y int) string {
	var buf [64]byte
	out := append(append(append(buf[:0], '"'), name...), '"', ';', a, '=')
	out = append(strconv.AppendInt(out, int64(x), 10), ';', b, '=')
	return string(strconv.AppendInt(out, int64(y), 10))
}

func (s *server) tooMany(hc huma.Context, e *limitedError) {
	s.Metrics.RateLimited(string(e.name))
	hc.SetHeader("Retry-After", strconv.Itoa(seconds(e.d.RetryAfter)))
	s.deny(hc, http.StatusTooManyRequests, e.Error())
}

// problemDoc writes a problem document with members of its own.
func (s *server) problemDoc(hc huma.Context, status int, doc any) {
	hc.SetHeader("Content-Type", "application/problem+json")
	hc.SetStatus(status)
	_ = json.NewEncoder(hc.BodyWriter()).Encode(doc) // a client that is gone needs no answer
}
