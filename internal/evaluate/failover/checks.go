package failover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"resync/breaker"
	"resync/llm"
	"resync/llm/llmtest"
)

func usd(request, user, day float64) llm.Limits {
	return llm.Limits{Request: request, UserDay: user, Day: day}
}

// quickBreaker opens after two faults and probes after 150 ms.
func quickBreaker() breaker.Settings {
	return breaker.Settings{Failures: 2, Delay: 150 * time.Millisecond}
}

// plain and streamOf are the scenarios' requests without a script of their own.
func plain() Scenario    { return Scenario{} }
func streamOf() Scenario { return Scenario{Stream: true} }

// state is the breaker's of provider A.
func (st *stage) state() breaker.Status {
	b, err := st.registry.Get("llm_provider_a")
	if err != nil {
		return breaker.Status{}
	}
	return b.Status()
}

// waited checks that A was asked twice, a second apart.
func waited(st *stage, s seen) string {
	hits := st.a.Hits()
	if len(hits) != 2 {
		return fmt.Sprintf("A was asked %d times, want 2", len(hits))
	}
	if gap := hits[1].At.Sub(hits[0].At); gap < time.Second {
		return fmt.Sprintf("A was asked again after %s, it had asked for 1s", gap.Round(time.Millisecond))
	}
	return ""
}

func tooLong(ctx context.Context, st *stage) string {
	s := st.ask(ctx, plain())
	switch {
	case s.status < 429:
		return fmt.Sprintf("status %d", s.status)
	case s.took > st.patience:
		return fmt.Sprintf("it took %s", s.took)
	case len(st.a.Hits()) != 1:
		return fmt.Sprintf("A was asked %d times", len(st.a.Hits()))
	case headerOf(s, "Retry-After") == "":
		return "the answer has no Retry-After"
	}
	return ""
}

func skipsWhileWaiting(ctx context.Context, st *stage) string {
	for range 3 {
		if s := st.ask(ctx, plain()); s.content != st.b.Text() {
			return fmt.Sprintf("status %d, %q", s.status, s.content)
		}
	}
	if n := len(st.a.Hits()); n != 1 {
		return fmt.Sprintf("A was asked %d times", n)
	}
	return ""
}

func keyNeverShown(ctx context.Context, st *stage) string {
	s := st.ask(ctx, plain())
	_, err := st.chain.Complete(ctx, &llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "hello"}}})
	if err == nil || s.status < 400 {
		return "an answer although every key is refused"
	}
	for _, text := range []string{s.body, err.Error(), fmt.Sprintf("%+v", err)} {
		if strings.Contains(text, "secret-key") {
			return "the key stands in " + text
		}
	}
	return ""
}

func breakerStays(ctx context.Context, st *stage) string {
	s := st.ask(ctx, plain())
	if n := len(st.a.Hits()); n != 8 || s.status != 400 {
		return fmt.Sprintf("A was asked %d times with 8 keys, status %d", n, s.status)
	}
	if b := st.state(); b.State != breaker.Closed || b.TotalFailures != 0 {
		return fmt.Sprintf("the breaker is %s with %d failures", b.State, b.TotalFailures)
	}
	return ""
}

func callersFault(ctx context.Context, st *stage) string {
	s := st.ask(ctx, plain())
	switch {
	case s.status != 400:
		return fmt.Sprintf("status %d", s.status)
	case len(st.a.Hits()) != 1 || len(st.b.Hits()) != 0:
		return fmt.Sprintf("A was asked %d times and B %d times", len(st.a.Hits()), len(st.b.Hits()))
	case !strings.Contains(s.body, "messages[0].role"):
		return "the provider's words are missing: " + s.body
	}
	return ""
}

func jsonRepair(calls int) func(context.Context, *stage) string {
	return func(ctx context.Context, st *stage) string {
		type intent struct {
			Intent string   `json:"intent"`
			Jobs   []string `json:"jobs"`
		}
		v, resp, err := llm.CompleteJSON[intent](ctx, st.chain, &llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "what is asked?"}}})
		switch {
		case err != nil:
			return err.Error()
		case v.Intent != "status" || len(v.Jobs) != 1 || v.Jobs[0] != "PAYROLL":
			return fmt.Sprintf("read as %+v", v)
		case len(st.a.Hits()) != calls:
			return fmt.Sprintf("A was asked %d times, want %d", len(st.a.Hits()), calls)
		case resp.TokensUsed != calls*(llmtest.InputTokens+llmtest.OutputTokens):
			return fmt.Sprintf("%d tokens counted over %d calls", resp.TokensUsed, calls)
		}
		return ""
	}
}

func allDown(ctx context.Context, st *stage) string {
	s := st.ask(ctx, plain())
	var body struct {
		Error struct {
			Message  string        `json:"message"`
			Attempts []llm.Attempt `json:"attempts"`
		} `json:"error"`
	}
	if err := json.Unmarshal([]byte(s.body), &body); err != nil {
		return "the answer is not JSON: " + s.body
	}
	trail := body.Error.Attempts
	switch {
	case s.status < 500:
		return fmt.Sprintf("status %d", s.status)
	case len(trail) != 2 || trail[0].Target != "A" || trail[1].Target != "B" || trail[0].Status != 500 || trail[1].Status != 503:
		return fmt.Sprintf("the trail is %+v", trail)
	case !strings.Contains(body.Error.Message, "A: ") || !strings.Contains(body.Error.Message, "B: "):
		return "the message does not name the attempts: " + body.Error.Message
	}
	return ""
}

func timeUsedUp(ctx context.Context, st *stage) string {
	started := time.Now()
	_, err := st.chain.Complete(ctx, &llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "hello"}}})
	took := time.Since(started)
	var ce *llm.ChainError
	switch {
	case !errors.As(err, &ce):
		return fmt.Sprintf("error %v", err)
	case ce.Code != llm.CodeDeadline || len(ce.Attempts) < 2:
		return fmt.Sprintf("code %s after %d attempts", ce.Code, len(ce.Attempts))
	case took > st.budget+100*time.Millisecond:
		return fmt.Sprintf("it took %s of %s", took, st.budget)
	}
	return ""
}

// dear is a request whose answer may cost 0.002 dollars at the stage's prices.
const dear = `{"model":"mock-gpt","max_tokens":1000,"messages":[{"role":"user","content":"hello"}]}`

func moneyUsedUp(ctx context.Context, st *stage) string {
	sc := Scenario{Body: dear}
	for n := 1; ; n++ {
		s := st.ask(ctx, sc)
		switch {
		case s.status == 200 && n < 200:
			continue // each costs 11 + 2·22 millionths
		case s.status != 402:
			return fmt.Sprintf("status %d at request %d", s.status, n)
		case len(st.a.Hits()) != n-1 || len(st.b.Hits()) != 0:
			return fmt.Sprintf("a refused request was sent: %d and %d requests upstream for %d answers", len(st.a.Hits()), len(st.b.Hits()), n-1)
		}
		spent, err := st.chain.SpentToday(ctx, "alice")
		if err != nil || spent > 0.003 {
			return fmt.Sprintf("spent %.6f (%v) of 0.003", spent, err)
		}
		return ""
	}
}

func moneyPerRequest(ctx context.Context, st *stage) string {
	if s := st.ask(ctx, plain()); s.status != 402 && s.status != 200 {
		return fmt.Sprintf("an ordinary request: status %d", s.status)
	}
	st.a.Forget()
	s := st.ask(ctx, Scenario{Body: dear})
	if s.status != 402 || len(st.a.Hits()) != 0 {
		return fmt.Sprintf("status %d, asked %d times", s.status, len(st.a.Hits()))
	}
	return ""
}

func breakerSkips(ctx context.Context, st *stage) string {
	var s seen
	for range 8 {
		if s = st.ask(ctx, plain()); s.content != st.b.Text() {
			return fmt.Sprintf("status %d, %q", s.status, s.content)
		}
	}
	if n := len(st.a.Hits()); n != 5 {
		return fmt.Sprintf("A was asked %d times, want 5", n)
	}
	if r := headerOf(s, "X-Resync-Fallback-Reason"); r != "circuit_open" {
		return fmt.Sprintf("the reason given is %q", r)
	}
	return ""
}

func breakerHeals(ctx context.Context, st *stage) string {
	for range 3 {
		if s := st.ask(ctx, plain()); s.content != st.b.Text() {
			return fmt.Sprintf("while A fails: status %d, %q", s.status, s.content)
		}
	}
	if n := len(st.a.Hits()); n != 2 {
		return fmt.Sprintf("A was asked %d times before the delay", n)
	}
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if s := st.ask(ctx, plain()); s.content == st.a.Text() {
			return ""
		}
	}
	return "A never answered again"
}

func streamCounts(ctx context.Context, st *stage) string {
	for range 5 {
		st.ask(ctx, streamOf())
	}
	if b := st.state(); b.State != breaker.Open {
		return fmt.Sprintf("the breaker is %s after five streams that broke off", b.State)
	}
	if s := st.ask(ctx, streamOf()); s.content != st.b.Text() {
		return fmt.Sprintf("status %d, %q", s.status, s.content)
	}
	return ""
}

func callerLeaves(ctx context.Context, st *stage) string {
	ctx, cancel := context.WithCancel(ctx)
	answer, err := st.chain.Stream(ctx, &llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "hello"}}})
	if err != nil {
		cancel()
		return err.Error()
	}
	cancel()
	for err == nil {
		_, err = answer.Next()
	}
	if e := llm.AsError(err); e.Code != llm.CodeCanceled {
		return fmt.Sprintf("the stream ended with %v", err)
	}
	for end := time.Now().Add(time.Second); st.a.Gone() == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			return "A still answers after a second"
		}
	}
	if b := st.state(); b.TotalFailures != 0 || len(st.b.Hits()) != 0 {
		return fmt.Sprintf("%d failures counted, B asked %d times", b.TotalFailures, len(st.b.Hits()))
	}
	return ""
}

func usageCounted(ctx context.Context, st *stage) string {
	if s := st.ask(ctx, streamOf()); s.content != st.a.Text() {
		return fmt.Sprintf("status %d, %q", s.status, s.content)
	}
	m := st.chain.Metrics()
	want := llmtest.InputTokens*1e-6 + llmtest.OutputTokens*2e-6
	if m.TotalTokens != llmtest.InputTokens+llmtest.OutputTokens || math.Abs(m.TotalCostUSD-want) > 1e-9 {
		return fmt.Sprintf("%d tokens and $%g, want $%g", m.TotalTokens, m.TotalCostUSD, want)
	}
	return ""
}

func ownOrder(ctx context.Context, st *stage) string {
	req := &llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "hello"}}}
	for range 2 {
		r, err := st.chain.CompleteWithFallback(ctx, req, "B", "A")
		if err != nil || r.Target != "B" || r.WasFallback {
			return fmt.Sprintf("B first: %+v, %v", r, err)
		}
		if r, err = st.chain.Complete(ctx, req); err != nil || r.Target != "A" || r.WasFallback {
			return fmt.Sprintf("the chain's own order: %+v, %v", r, err)
		}
	}
	return ""
}
