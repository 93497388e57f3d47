package llm_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"resync/breaker"
	"resync/llm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripted is a model that does what its script says, one entry per call; the
// last one stays.
type scripted struct {
	provider string
	model    string
	caps     llm.Caps

	mu    sync.Mutex
	steps []step
	calls []string // the key of each call
	at    []time.Time
}

// step is one answer. The zero value is a good one.
type step struct {
	err    *llm.Error
	hang   bool          // until the context ends
	after  time.Duration // before anything
	pieces []llm.Delta   // of a stream; two words when nil
	ends   error         // of the stream instead of io.EOF
	gap    time.Duration // before each piece after the first
	panics bool
	usage  llm.Usage
	text   string
}

func (m *scripted) Info() llm.Info {
	return llm.Info{Provider: m.provider, Model: m.model, Caps: m.caps}
}

func (m *scripted) next(c llm.Call) step {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls, m.at = append(m.calls, c.Key), append(m.at, time.Now())
	if len(m.steps) == 0 {
		return step{}
	}
	s := m.steps[0]
	if len(m.steps) > 1 {
		m.steps = m.steps[1:]
	}
	return s
}

func (m *scripted) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.calls)
}

func (s step) wait(ctx context.Context) error {
	if s.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	select {
	case <-time.After(s.after):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m *scripted) Complete(ctx context.Context, c llm.Call) (*llm.Response, error) {
	s := m.next(c)
	if s.panics {
		panic("a bug in a model")
	}
	if err := s.wait(ctx); err != nil {
		return nil, llm.NetworkError(err, "")
	}
	if s.err != nil {
		return nil, s.err
	}
	text := s.text
	if text == "" {
		text = "from " + m.model
	}
	return &llm.Response{Content: text, FinishReason: llm.FinishStop, Usage: s.usage}, nil
}

func (m *scripted) Stream(ctx context.Context, c llm.Call) (llm.Stream, error) {
	s := m.next(c)
	if err := s.wait(ctx); err != nil {
		return nil, llm.NetworkError(err, "")
	}
	if s.err != nil {
		return nil, s.err
	}
	if s.pieces == nil {
		s.pieces = []llm.Delta{{}, {Text: "from ", Commits: true, Size: 5}, {Text: m.model, Commits: true, Size: 5}, {FinishReason: llm.FinishStop}}
	}
	return &pieces{ctx: ctx, s: s}, nil
}

type pieces struct {
	ctx context.Context
	s   step
	i   int
}

func (p *pieces) Next() (llm.Delta, error) {
	if p.i > 1 {
		if err := (step{after: p.s.gap}).wait(p.ctx); err != nil {
			return llm.Delta{}, llm.NetworkError(err, "")
		}
	}
	if p.i == len(p.s.pieces) {
		if p.s.ends != nil {
			return llm.Delta{}, p.s.ends
		}
		return llm.Delta{}, io.EOF
	}
	p.i++
	return p.s.pieces[p.i-1], nil
}

func (p *pieces) Close() error { return nil }

// chainOf builds a chain of models A, B, … with generous settings.
func chainOf(t *testing.T, change func(*llm.Options), models ...*scripted) *llm.Chain {
	t.Helper()
	o := llm.Options{}
	for i, m := range models {
		name := string(rune('A' + i))
		if m.provider == "" {
			m.provider, m.model = "prov"+name, "model"+name
		}
		o.Targets = append(o.Targets, llm.Target{Name: name, Model: m})
	}
	if change != nil {
		change(&o)
	}
	c, err := llm.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ask(text string) *llm.Request {
	return &llm.Request{Messages: []llm.Message{{Role: llm.User, Text: text}}}
}

func fault(class llm.Class, code string) step { return step{err: &llm.Error{Class: class, Code: code}} }

// trail is the attempts as one line.
func trail(list []llm.Attempt) string {
	var out []string
	for _, a := range list {
		what := string(a.Class)
		if a.Code != "" {
			what += "/" + a.Code
		}
		if a.Class == "" {
			what = "ok"
		}
		if a.Skipped {
			what = "(" + what + ")"
		}
		out = append(out, a.Target+" "+what)
	}
	return strings.Join(out, ", ")
}

func TestWhatEachClassLeadsTo(t *testing.T) {
	for _, tt := range []struct {
		name   string
		step   step
		trail  string
		reason string
	}{
		{"credential", fault(llm.Credential, ""), "A credential, B ok", "error"},
		{"model access", fault(llm.ModelAccess, ""), "A model_access, B ok", "error"},
		{"quota", fault(llm.Quota, ""), "A quota, B ok", "rate_limit"},
		{"gone", fault(llm.ModelGone, ""), "A model_gone, B ok", "error"},
		{"region", fault(llm.RegionBlocked, ""), "A region_blocked, B ok", "error"},
		{"rate limit", fault(llm.RateLimit, ""), "A rate_limit, B ok", "rate_limit"},
		{"transient", fault(llm.Transient, ""), "A transient, B ok", "error"},
		{"unknown", fault(llm.Unknown, ""), "A unknown, B ok", "error"},
		{"too long", fault(llm.CallerFault, llm.CodeContext), "A caller_fault/context_length, B ok", "error"},
		{"unsupported", fault(llm.CallerFault, llm.CodeUnsupported), "A caller_fault/unsupported, B ok", "error"},
		{"hang", step{hang: true}, "A transient/timeout, B ok", "timeout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := chainOf(t, nil, &scripted{steps: []step{tt.step}}, &scripted{})
				r, err := c.Complete(t.Context(), ask("hello"))
				if err != nil {
					t.Fatal(err)
				}
				if got := trail(r.Attempts); got != tt.trail || !r.WasFallback || r.FallbackReason != tt.reason || r.Content != "from modelB" {
					t.Errorf("trail %q, fallback %v because of %q, content %q", got, r.WasFallback, r.FallbackReason, r.Content)
				}
			})
		})
	}
	b := &scripted{}
	_, err := chainOf(t, nil, &scripted{steps: []step{fault(llm.CallerFault, "")}}, b).Complete(t.Context(), ask("hello"))
	var ce *llm.ChainError
	if !errors.As(err, &ce) || ce.Class != llm.CallerFault || ce.Status != 400 || b.count() != 0 {
		t.Errorf("a caller's fault: %v, B asked %d times", err, b.count())
	}
}

// The whole chain shares one budget; each target gets its part of what is left.
func TestOneBudgetForTheChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		models := []*scripted{{steps: []step{{hang: true}}}, {steps: []step{{hang: true}}}, {steps: []step{{hang: true}}}}
		c := chainOf(t, nil, models...)
		start := time.Now()
		_, err := c.Complete(t.Context(), ask("hello"))
		var ce *llm.ChainError
		if took := time.Since(start); took != 30*time.Second || !errors.As(err, &ce) || ce.Code != llm.CodeDeadline || ce.Status != 504 {
			t.Errorf("after %s: %v", took, err)
		}
		for i, want := range []time.Duration{0, 10 * time.Second, 20 * time.Second} {
			if got := models[i].at[0].Sub(start); got != want {
				t.Errorf("target %d was asked after %s, want %s", i, got, want)
			}
		}
	})
}

// The caller's own deadline is never outlived, and says nothing about the
// provider.
func TestTheCallersDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := breaker.New(breaker.Settings{Name: "x", Failures: 1, Delay: time.Minute})
		c := chainOf(t, func(o *llm.Options) { o.Breaker = func(string) *breaker.Breaker { return b } }, &scripted{steps: []step{{hang: true}}})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		_, err := c.Complete(ctx, ask("hello"))
		if took := time.Since(start); took != 2*time.Second || err == nil {
			t.Errorf("after %s: %v", took, err)
		}
		cancelled, stop := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, stop)
		_, err = c.Complete(cancelled, ask("hello"))
		if !errors.Is(err, context.Canceled) || b.State() != breaker.Closed {
			t.Errorf("cancelled: %v, breaker %s", err, b.State())
		}
	})
}

func TestRetryAfterIsKept(t *testing.T) {
	limited := step{err: &llm.Error{Class: llm.RateLimit, RetryAfter: 4 * time.Second}}
	synctest.Test(t, func(t *testing.T) {
		a := &scripted{steps: []step{limited, {}}}
		c := chainOf(t, nil, a)
		start := time.Now()
		if _, err := c.Complete(t.Context(), ask("hello")); err != nil || time.Since(start) < 4*time.Second || time.Since(start) > 6*time.Second || a.count() != 2 {
			t.Errorf("%v after %s and %d calls", err, time.Since(start), a.count())
		}
	})
	synctest.Test(t, func(t *testing.T) { // longer than the budget: said at once
		a := &scripted{steps: []step{{err: &llm.Error{Class: llm.RateLimit, RetryAfter: time.Hour}}}}
		c := chainOf(t, nil, a)
		start := time.Now()
		_, err := c.Complete(t.Context(), ask("hello"))
		var ce *llm.ChainError
		if !errors.As(err, &ce) || time.Since(start) != 0 || ce.RetryAfter.Round(time.Minute) != time.Hour || ce.Status != 429 {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		time.Sleep(30 * time.Minute)
		if _, err = c.Complete(t.Context(), ask("hello")); !errors.As(err, &ce) || a.count() != 1 || ce.Code != llm.CodeCoolingDown {
			t.Errorf("half an hour later: %v, %d calls", err, a.count())
		}
	})
}

// Keys rotate as often as there are keys; a bound on retries does not bind them.
func TestKeysRotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &scripted{steps: []step{fault(llm.Credential, ""), fault(llm.Quota, ""), fault(llm.RateLimit, ""), fault(llm.ModelAccess, ""), {}}}
		c := chainOf(t, func(o *llm.Options) { o.Targets[0].Keys, o.Rounds = []string{"k1", "k2", "k3", "k4", "k5"}, 1 }, a)
		start := time.Now()
		r, err := c.Complete(t.Context(), ask("hello"))
		if err != nil || time.Since(start) != 0 || r.WasFallback {
			t.Fatalf("%+v, %v", r, err)
		}
		if diff := cmp.Diff([]string{"k1", "k2", "k3", "k4", "k5"}, a.calls); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
		if _, err := c.Complete(t.Context(), ask("hello")); err != nil || a.calls[5] != "k4" {
			t.Errorf("refused keys are asked again at once: %v, %v", a.calls, err)
		}
		time.Sleep(2 * time.Minute)
		if _, err := c.Complete(t.Context(), ask("hello")); err != nil || a.calls[6] != "k1" {
			t.Errorf("a key is never tried again: %v, %v", a.calls, err)
		}
	})
}

// Defect 17: a provider whose breaker had opened was skipped for ever.
func TestDefect17_AnOpenBreakerIsProbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := map[string]*breaker.Breaker{}
		for _, p := range []string{"provA", "provB"} {
			reg[p] = breaker.New(breaker.Settings{Name: p, Failures: 2, Delay: time.Minute})
		}
		a := &scripted{steps: []step{fault(llm.Transient, ""), fault(llm.Transient, ""), {}}}
		c := chainOf(t, func(o *llm.Options) { o.Breaker = func(p string) *breaker.Breaker { return reg[p] } }, a, &scripted{})
		for i, want := range []string{"A transient, B ok", "A transient, B ok", "(A transient/circuit_open)", "(A transient/circuit_open)"} {
			r, err := c.Complete(t.Context(), ask("hello"))
			if err != nil {
				t.Fatal(err)
			}
			if got := trail(r.Attempts); i < 2 && got != want || i >= 2 && (r.FallbackReason != "circuit_open" || a.count() != 2) {
				t.Errorf("request %d: %s because of %s, %d calls", i, got, r.FallbackReason, a.count())
			}
		}
		time.Sleep(time.Minute)
		r, err := c.Complete(t.Context(), ask("hello"))
		if err != nil || r.WasFallback || reg["provA"].State() != breaker.Closed {
			t.Errorf("after the delay: %+v, %v", r, err)
		}
	})
}

// Defect 18: missing keys and rate limits opened the breaker; requests changed
// the shared chain.
func TestDefect18_OnlyTheProvidersFaultsCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := breaker.New(breaker.Settings{Name: "x", Failures: 1, Delay: time.Minute})
		for _, class := range []llm.Class{llm.Credential, llm.ModelAccess, llm.Quota, llm.ModelGone, llm.RegionBlocked, llm.RateLimit, llm.CallerFault} {
			c := chainOf(t, func(o *llm.Options) {
				o.Rounds, o.Breaker = 1, func(string) *breaker.Breaker { return b }
			}, &scripted{steps: []step{fault(class, "")}})
			if _, err := c.Complete(t.Context(), ask("hello")); err == nil || b.State() != breaker.Closed {
				t.Errorf("%s: %v, breaker %s", class, err, b.State())
			}
		}
		c := chainOf(t, func(o *llm.Options) { o.Rounds, o.Breaker = 1, func(string) *breaker.Breaker { return b } }, &scripted{steps: []step{fault(llm.Transient, "")}})
		if _, err := c.Complete(t.Context(), ask("hello")); err == nil || b.State() != breaker.Open {
			t.Errorf("transient: %v, breaker %s", err, b.State())
		}
	})
}

func TestDefect18_RequestsDoNotChangeTheChain(t *testing.T) {
	a, b := &scripted{}, &scripted{}
	c := chainOf(t, nil, a, b)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			want, call := "A", c.Complete
			if i%2 == 0 {
				want, call = "B", func(ctx context.Context, r *llm.Request) (*llm.Response, error) {
					return c.CompleteWithFallback(ctx, r, "modelB", "A")
				}
			}
			if r, err := call(context.Background(), ask("hello")); err != nil || r.Target != want {
				t.Errorf("%d: %+v, %v", i, r, err)
			}
		})
	}
	wg.Wait()
	if _, err := c.CompleteWithFallback(t.Context(), ask("x"), "A", "nobody"); err == nil || !strings.Contains(err.Error(), `no model "nobody"`) {
		t.Errorf("a name that is none: %v", err)
	}
}

// A stream falls back until its first piece; then its faults are errors, and
// nobody else is asked.
func TestStreamsCommitAtTheirFirstPiece(t *testing.T) {
	word := llm.Delta{Text: "one ", Commits: true, Size: 4}
	call := llm.Delta{Tools: []llm.ToolDelta{{Index: 0, ID: "c1", Name: "f", Arguments: `{"a":`}}, Commits: true}
	cut := &llm.Error{Class: llm.Transient, Code: llm.CodeTruncated}
	for _, tt := range []struct {
		name   string
		step   step
		target string // that answers
		err    string // code of the error
		text   string
	}{
		{"healthy", step{}, "A", "", "from modelA"},
		{"fault before", fault(llm.Transient, ""), "B", "", "from modelB"},
		{"nothing", step{pieces: []llm.Delta{}}, "B", "", "from modelB"},
		{"role, then a fault", step{pieces: []llm.Delta{{}}, ends: cut}, "B", "", "from modelB"},
		{"role, then the end", step{pieces: []llm.Delta{{}, {FinishReason: "stop"}}}, "B", "", "from modelB"},
		{"silence", step{hang: true}, "B", "", "from modelB"},
		{"a word, then a fault", step{pieces: []llm.Delta{word}, ends: cut}, "A", llm.CodeTruncated, "one "},
		{"a call, then a fault", step{pieces: []llm.Delta{call}, ends: cut}, "A", llm.CodeTruncated, ""},
		{"a word, then silence", step{pieces: []llm.Delta{{}, word, word}, gap: time.Hour}, "A", llm.CodeTimeout, "one "},
		{"never ending", step{pieces: slices.Repeat([]llm.Delta{word}, 100), gap: 10 * time.Second}, "A", llm.CodeTimeout, strings.Repeat("one ", 31)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &scripted{}
				c := chainOf(t, nil, &scripted{steps: []step{tt.step}}, b)
				var text strings.Builder
				r, err := c.CompleteStream(t.Context(), ask("hello"), func(d llm.Delta) error { text.WriteString(d.Text); return nil })
				var e *llm.Error
				switch {
				case tt.err == "" && (err != nil || r.Target != tt.target || r.Content != tt.text):
					t.Errorf("%+v, %v", r, err)
				case tt.err != "" && (!errors.As(err, &e) || !e.Partial || e.Code != tt.err || b.count() != 0 || len(r.ToolCalls) != 0):
					t.Errorf("%+v, %v, B asked %d times", r, err, b.count())
				case text.String() != tt.text:
					t.Errorf("the caller saw %q, want %q", text.String(), tt.text)
				}
			})
		})
	}
}

// What the caller breaks off, or refuses to take, is nobody's fault.
func TestTheCallerEndsAStream(t *testing.T) {
	b := breaker.New(breaker.Settings{Name: "x", Failures: 1, Delay: time.Minute})
	c := chainOf(t, func(o *llm.Options) { o.Breaker = func(string) *breaker.Breaker { return b } }, &scripted{})
	enough := errors.New("enough")
	r, err := c.CompleteStream(t.Context(), ask("hello"), func(llm.Delta) error { return enough })
	if !errors.Is(err, enough) || r == nil || b.Status().TotalFailures != 0 {
		t.Errorf("%+v, %v, %+v", r, err, b.Status())
	}
	if m := c.Metrics(); m.TotalRequests != 1 || m.FailedRequests != 0 || m.SuccessfulRequests != 0 {
		t.Errorf("counted as %+v", m)
	}
}

func TestToolCallsArePutTogether(t *testing.T) {
	c := chainOf(t, nil, &scripted{steps: []step{{pieces: []llm.Delta{
		{Commits: true, Tools: []llm.ToolDelta{{Index: 0, ID: "c1", Name: "status", Arguments: `{"job":`}}},
		{Commits: true, Tools: []llm.ToolDelta{{Index: 1, ID: "c2", Name: "log"}}},
		{Commits: true, Tools: []llm.ToolDelta{{Index: 0, Arguments: `"PAY"}`}, {Index: 2, ID: "c3", Name: "broken", Arguments: `{"x`}}},
		{FinishReason: llm.FinishTools},
	}}}})
	r, err := c.CompleteStream(t.Context(), ask("hello"), func(llm.Delta) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	want := []llm.ToolCall{{ID: "c1", Name: "status", Arguments: []byte(`{"job":"PAY"}`)}, {ID: "c2", Name: "log", Arguments: []byte(`{}`)}}
	if diff := cmp.Diff(want, r.ToolCalls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// A model that panics must not take a breaker's probe with it.
func TestAPanicReleasesTheProbe(t *testing.T) {
	b := breaker.New(breaker.Settings{Name: "x", Failures: 1, Delay: time.Minute})
	c := chainOf(t, func(o *llm.Options) { o.Breaker = func(string) *breaker.Breaker { return b } }, &scripted{steps: []step{{panics: true}}})
	func() {
		defer func() { _ = recover() }()
		_, _ = c.Complete(t.Context(), ask("hello"))
	}()
	if b.State() != breaker.Open {
		t.Errorf("the breaker is %s", b.State())
	}
}

// TestAnAnswerIsHandedOverFirst: what is booked and noted about an answer keeps nobody
// waiting, and is booked and noted whatever the receiver does with it.
func TestAnAnswerIsHandedOverFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		usage := llm.Usage{InputTokens: 100, OutputTokens: 10}
		var done []llm.Outcome
		observed := 0
		meter := llm.NewMeter(&ledger{}, llm.Limits{Day: 10}, nil)
		priced := func(o *llm.Options) {
			o.Observe = func(context.Context, llm.Attempt) { observed++ }
			o.Done = func(_ context.Context, out llm.Outcome) { done = append(done, out) }
			o.Meter, o.Budget, o.Rounds = meter, time.Second, 1
			o.Targets[0].Price = &llm.Price{Input: 1e-4, Output: 1e-3}
		}
		c := chainOf(t, priced, &scripted{steps: []step{{usage: usage, after: 20 * time.Millisecond}}})
		spent := func() float64 {
			s, err := meter.Spent(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		handed := 0
		err := c.Answer(t.Context(), ask("x"), func(r *llm.Response) {
			handed++
			if r.Content != "from modelA" || r.Target != "A" || r.TokensUsed != 110 || r.CostUSD == nil {
				t.Errorf("handed over: %+v", r)
			}
			if observed > 0 || len(done) > 0 || spent() > 0 {
				t.Errorf("%d attempts, %d outcomes, %g spent before it was handed over", observed, len(done), spent())
			}
			time.Sleep(time.Second) // a slow reader
		})
		if err != nil || handed != 1 || observed != 1 || len(done) != 1 || math.Abs(spent()-0.02) > 1e-9 {
			t.Fatalf("%v; handed over %d times, %d outcomes, %g spent", err, handed, len(done), spent())
		}
		if done[0].Took != 20*time.Millisecond {
			t.Errorf("the answer took %s", done[0].Took)
		}

		func() {
			defer func() { _ = recover() }()
			_ = c.Answer(t.Context(), ask("x"), func(*llm.Response) { panic("a bug in a receiver") })
		}()
		if observed != 2 || len(done) != 2 || math.Abs(spent()-0.04) > 1e-9 {
			t.Errorf("after a panic of the receiver: %d outcomes, %g spent", len(done), spent())
		}

		c = chainOf(t, priced, &scripted{steps: []step{fault(llm.Transient, "x")}})
		err = c.Answer(t.Context(), ask("x"), func(*llm.Response) { t.Error("nothing, handed over") })
		if err == nil || observed != 3 || len(done) != 3 || done[2].Err == nil {
			t.Errorf("a failure: %v, %d outcomes", err, len(done))
		}
	})
}

func TestWhoCannotDoItIsNotAsked(t *testing.T) {
	tools := ask("x")
	tools.Tools = []llm.Tool{{Name: "f"}}
	vision := &llm.Request{Messages: []llm.Message{{Role: llm.User, Images: []llm.Image{{URL: "https://x/y.png"}}}}}
	asJSON, schema := ask("x"), ask("x")
	asJSON.JSON, schema.Schema = true, &llm.Schema{Name: "s", JSON: []byte(`{}`)}
	long := ask(strings.Repeat("word ", 10000))
	for name, tt := range map[string]struct {
		req  *llm.Request
		caps llm.Caps
	}{
		"tools": {tools, llm.Caps{Tools: llm.No}}, "images": {vision, llm.Caps{Vision: llm.No}}, "JSON": {asJSON, llm.Caps{JSON: llm.No}},
		"schema": {schema, llm.Caps{Schema: llm.No}}, "length": {long, llm.Caps{Context: 4096}},
	} {
		a := &scripted{caps: tt.caps, provider: "p", model: "m"}
		r, err := chainOf(t, nil, a, &scripted{}).Complete(t.Context(), tt.req)
		if err != nil || r.Target != "B" || a.count() != 0 || !r.Attempts[0].Skipped {
			t.Errorf("%s: %+v, %v, A asked %d times", name, r, err, a.count())
		}
		_, err = chainOf(t, nil, a).Complete(t.Context(), tt.req)
		var ce *llm.ChainError
		if !errors.As(err, &ce) || ce.Status != 400 || a.count() != 0 {
			t.Errorf("%s with nobody able: %v", name, err)
		}
	}
}

func TestChainsThatCannotBe(t *testing.T) {
	for name, o := range map[string]llm.Options{
		"empty": {}, "no name": {Targets: []llm.Target{{Model: &scripted{}}}}, "no model": {Targets: []llm.Target{{Name: "A"}}},
		"twins": {Targets: []llm.Target{{Name: "A", Model: &scripted{}}, {Name: "A", Model: &scripted{}}}},
	} {
		if c, err := llm.New(o); err == nil || c != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAModelIsChosenByName(t *testing.T) {
	c := chainOf(t, nil, &scripted{}, &scripted{}, &scripted{steps: []step{fault(llm.Transient, ""), {}}})
	for model, want := range map[string]string{"": "A", "B": "B", "modelB": "B", "C": "C"} {
		req := ask("x")
		req.Model = model
		if r, err := c.Complete(t.Context(), req); err != nil || r.Target != want {
			t.Errorf("%q: %+v, %v", model, r, err)
		}
	}
	req := ask("x")
	req.Model = "gpt-9"
	_, err := c.Complete(t.Context(), req)
	var ce *llm.ChainError
	if !errors.As(err, &ce) || ce.Status != 404 || !strings.Contains(err.Error(), `["A" "B" "C"]`) {
		t.Errorf("unknown: %v", err)
	}
	if _, err := c.Stream(t.Context(), req); !errors.As(err, &ce) || ce.Status != 404 {
		t.Errorf("unknown, streamed: %v", err)
	}
}

// R9: a provider that is down is not asked much more often than people ask.
func TestRetriesDoNotAmplifyAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := breaker.New(breaker.Settings{Name: "x", Failures: 5, Delay: time.Minute})
		a := &scripted{steps: []step{fault(llm.Transient, "")}}
		c := chainOf(t, func(o *llm.Options) { o.Breaker = func(string) *breaker.Breaker { return b } }, a)
		const requests = 600
		for range requests {
			if _, err := c.Complete(t.Context(), ask("x")); err == nil {
				t.Fatal("an answer from a provider that is down")
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := a.count(); float64(n) > 1.1*requests {
			t.Errorf("%d calls for %d requests", n, requests)
		} else {
			t.Logf("%d calls for %d requests in a minute", n, requests)
		}
	})
}

func TestMetricsOfTheContract(t *testing.T) {
	price := llm.Price{Input: 1e-6, Output: 2e-6}
	c := chainOf(t, func(o *llm.Options) { o.Targets[1].Price, o.Rounds = &price, 1 },
		&scripted{steps: []step{{usage: llm.Usage{InputTokens: 10, OutputTokens: 5}}, fault(llm.Transient, ""), fault(llm.RateLimit, ""), fault(llm.CallerFault, "")}},
		&scripted{steps: []step{{usage: llm.Usage{InputTokens: 100, OutputTokens: 50}}}})
	for range 4 {
		_, _ = c.Complete(t.Context(), ask("x"))
	}
	m := c.Metrics()
	got := fmt.Sprintf("%d/%d/%d fallbacks %d tokens %d cost %.6f unpriced %d rates %.2f %.2f reasons %v failures %v",
		m.TotalRequests, m.SuccessfulRequests, m.FailedRequests, m.FallbackRequests, m.TotalTokens, m.TotalCostUSD, m.UnpricedRequests, m.SuccessRate, m.FallbackRate, m.FallbackReasons, m.ModelFailures)
	// The third request finds A's key resting after the rate limit.
	want := "4/4/0 fallbacks 3 tokens 465 cost 0.000600 unpriced 1 rates 1.00 0.75 reasons map[error:1 rate_limit:2] failures map[A:2]"
	if got != want {
		t.Errorf("metrics\n got %s\nwant %s", got, want)
	}
}
