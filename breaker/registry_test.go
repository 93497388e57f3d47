package breaker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func contract(t *testing.T, opts ...Option) *Registry {
	t.Helper()
	r := NewRegistry(opts...)
	for _, s := range Contract() {
		if _, err := r.Register(s); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func get(t *testing.T, r *Registry, name string) *Breaker {
	t.Helper()
	b, err := r.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The names and numbers other programs and dashboards rely on.
func TestContractNumbers(t *testing.T) {
	got := map[string]string{}
	for _, s := range Contract() {
		got[s.Name] = fmt.Sprintf("%d/%.0f %v", s.Failures, s.Delay.Seconds(), s.Critical)
	}
	want := map[string]string{
		"tws_api": "5/60 true", "llm_api": "10/120 false", "llm_openai": "5/60 false", "llm_anthropic": "5/60 false", "llm_openrouter": "5/60 false",
		"redis": "3/30 true", "database": "3/30 true", "rag_retrieval": "5/60 false", "rag_embedding": "5/60 false", "siem": "10/300 false",
		"teams": "5/120 false", "webhook": "5/120 false", "health_check": "10/60 false", "background_sync": "10/300 false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRegistry(t *testing.T) {
	r := contract(t)
	if _, err := r.Get("nope"); !errors.Is(err, ErrUnknown) {
		t.Errorf("%v, want ErrUnknown", err)
	}
	if _, err := r.Register(Settings{Name: "redis"}); err == nil {
		t.Error("a name was given twice")
	}
	for _, do := range []func() error{
		func() error { return r.Reset("nope", "x", "ana") }, func() error { return r.Enable("nope", "x", "ana") },
		func() error { return r.ForceOpen("nope", "x", "ana", 0) }, func() error { return r.Disable("nope", "x", "ana", 0) },
	} {
		if err := do(); !errors.Is(err, ErrUnknown) {
			t.Errorf("%v, want ErrUnknown", err)
		}
	}
	var same sync.Map
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			b, err := r.Ensure(Settings{Name: "llm_ollama"})
			if err != nil {
				t.Error(err)
			}
			same.Store(b, true)
		})
	}
	wg.Wait()
	n := 0
	same.Range(func(any, any) bool { n++; return true })
	if n != 1 || len(r.All()) != 15 {
		t.Errorf("%d breakers of one name, %d in all", n, len(r.All()))
	}
}

func TestHealthInTheContractsFields(t *testing.T) {
	r := contract(t)
	end(t, get(t, r, "siem"), Success)
	trip(t, get(t, r, "tws_api"))
	if err := r.ForceOpen("webhook", "maintenance", "ana", 0); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(r.Health())
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	details := got["details"].(map[string]any)
	delete(got, "details")
	want := map[string]any{
		"healthy": false, "total_breakers": 14.0, "open_breakers": 2.0, "critical_open": 1.0,
		"open_list": []any{"tws_api", "webhook"}, "critical_open_list": []any{"tws_api"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	one := details["siem"].(map[string]any)
	if diff := cmp.Diff(map[string]any{"state": "closed", "failures": 0.0, "total_calls": 1.0, "success_rate": 1.0, "retry_after": 0.0}, one); diff != "" {
		t.Error(diff)
	}
	if rate := details["teams"].(map[string]any)["success_rate"]; rate != nil {
		t.Errorf("a breaker without calls has a success rate: %v", rate)
	}
	if h := contract(t).Health(); !h.Healthy || h.OpenBreakers != 0 {
		t.Errorf("a new registry: %+v", h)
	}
}

// Defect 17: the predecessor's reset set attributes the breaker does not have
// and answered success.
func TestDefect17_ResetIsReal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := contract(t)
		b := get(t, r, "redis")
		trip(t, b)
		if end(t, b, Success) {
			t.Fatal("an open breaker let a call through")
		}
		if err := r.Reset("redis", "repaired", "ana"); err != nil {
			t.Fatal(err)
		}
		if b.State() != Closed || !end(t, b, Success) {
			t.Errorf("%s after the reset", b.State())
		}
		last := b.Detail().History[1]
		want := Transition{Seq: 2, Name: "redis", From: Open, To: Closed, At: time.Now().UTC(), Cause: "reset by hand: repaired", By: "ana"}
		if diff := cmp.Diff(want, last); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSwitchesEndByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Settings{Name: "x", Failures: 1})
		if err := b.ForceOpen("maintenance of the engine", "ana", time.Hour); err != nil {
			t.Fatal(err)
		}
		_, err := b.Acquire()
		var open *OpenError
		if !errors.As(err, &open) || open.State != ForcedOpen || open.RetryAfter != time.Hour || open.Cause != "maintenance of the engine" {
			t.Errorf("refused with %+v", open)
		}
		if s := b.Status(); s.Switch.By != "ana" || s.RetryAfter != 3600 || s.Switch.Until != time.Now().Add(time.Hour).UTC() {
			t.Errorf("%+v", s)
		}
		time.Sleep(time.Hour)
		if b.State() != HalfOpen || !end(t, b, Success) || b.State() != Closed {
			t.Errorf("%s after the switch ran out and a probe", b.State())
		}
		if err := b.Disable("noisy", "ana", time.Minute); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if !end(t, b, Failure) {
				t.Fatal("a disabled breaker refused")
			}
		}
		if s := b.Status(); s.State != Disabled || s.WouldTrip != 1 || s.WouldAt.IsZero() {
			t.Errorf("%s, would have tripped %d times", s.State, s.WouldTrip)
		}
		time.Sleep(time.Minute)
		if b.State() != Closed {
			t.Errorf("%s after the switch ran out", b.State())
		}
		for _, err := range []error{b.Reset("", "ana"), b.ForceOpen("x", "", 0), b.Disable("x", "ana", -1)} {
			if err == nil {
				t.Error("a switch without reason or person, or with a negative time, was accepted")
			}
		}
	})
}

// A disabled breaker tells how often it would have opened: after each outage it
// would have slept its delay.
func TestDryRunCountsOutages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Settings{Name: "x", Failures: 2, Delay: 10 * time.Second})
		if err := b.Disable("trial", "ana", 0); err != nil {
			t.Fatal(err)
		}
		for range 30 { // one failure a second for half a minute
			end(t, b, Failure)
			time.Sleep(time.Second)
		}
		if got := b.Status().WouldTrip; got != 3 {
			t.Errorf("would have opened %d times, want 3", got)
		}
	})
}

// Hooks see every change once and in order, without the lock, whatever the hook
// does.
func TestHooks(t *testing.T) {
	var mu sync.Mutex
	var seen []Transition
	type key struct{}
	r := NewRegistry(WithTrace(func(ctx context.Context) string { s, _ := ctx.Value(key{}).(string); return s }))
	r.OnTransition(func(tr Transition) {
		b, err := r.Get("x")
		if err != nil {
			t.Error(err)
			return
		}
		b.Detail() // would wait for ever under the lock
		r.Snapshot()
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, tr)
	})
	b, err := r.Register(Settings{Name: "x", Failures: 1, Delay: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	p.DoneContext(context.WithValue(t.Context(), key{}, "trace-1"), Failure, errDown)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 200 {
				if i%3 == 0 {
					end(t, b, Failure)
				} else {
					end(t, b, Success)
				}
			}
		})
	}
	wg.Wait()
	b.State()
	mu.Lock()
	defer mu.Unlock()
	if seen[0].TraceID != "trace-1" || seen[0].To != Open || !strings.Contains(seen[0].Cause, "connection refused") {
		t.Errorf("%+v", seen[0])
	}
	for i, tr := range seen {
		if tr.Seq != uint64(i+1) || i > 0 && tr.From != seen[i-1].To {
			t.Fatalf("change %d came as %+v after %+v", i+1, tr, seen[max(i-1, 0)])
		}
	}
	if n := len(b.Detail().History); n != min(len(seen), 50) {
		t.Errorf("%d transitions on record of %d", n, len(seen))
	}
}

// A hook that panics takes neither the breaker nor later hooks with it.
func TestHookThatPanics(t *testing.T) {
	b := New(Settings{Name: "x", Failures: 1})
	calls := 0
	b.OnTransition(func(Transition) {
		if calls++; calls == 1 {
			panic("hook")
		}
	})
	func() {
		defer func() { _ = recover() }()
		end(t, b, Failure)
	}()
	if b.State() != Open {
		t.Fatalf("%s", b.State())
	}
	if err := b.Reset("x", "ana"); err != nil || calls != 2 {
		t.Errorf("%v, %d calls of the hook", err, calls)
	}
}

// Defect 35: the predecessor's counters were lost at each restart.
func TestDefect35_HistorySurvivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := contract(t)
		trip(t, get(t, first, "tws_api"))
		end(t, get(t, first, "siem"), Success)
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(first.ForceOpen("webhook", "leaks", "ana", time.Hour))
		must(first.Disable("teams", "noisy", "ben", 0))
		must(first.ForceOpen("llm_api", "short", "ana", time.Minute))
		var kept []History
		for _, b := range first.All() {
			raw, err := json.Marshal(b.Export())
			must(err)
			var h History
			must(json.Unmarshal(raw, &h))
			kept = append(kept, h)
		}
		time.Sleep(10 * time.Minute) // the program is down
		second := contract(t)
		for _, h := range kept {
			must(get(t, second, h.Name).Restore(h))
		}
		states := map[string]State{}
		for _, name := range []string{"tws_api", "siem", "webhook", "teams", "llm_api"} {
			states[name] = get(t, second, name).State()
		}
		want := map[string]State{"tws_api": HalfOpen, "siem": Closed, "webhook": ForcedOpen, "teams": Disabled, "llm_api": Closed}
		if diff := cmp.Diff(want, states); diff != "" {
			t.Error(diff)
		}
		before, after := get(t, first, "tws_api").Status(), get(t, second, "tws_api").Detail()
		if after.TotalFailures != 5 || after.Opened != 1 || after.LastError != "connection refused" || !after.LastFailure.Equal(before.LastFailure) || len(after.History) != 2 {
			t.Errorf("restored: %+v", after)
		}
		if got := get(t, second, "siem").Status(); got.SuccessCount != 1 || time.Since(got.LastSuccess) != 10*time.Minute {
			t.Errorf("last success of siem %s, %d successes", got.LastSuccess, got.SuccessCount)
		}
		time.Sleep(50 * time.Minute)
		if got := get(t, second, "webhook").State(); got != HalfOpen {
			t.Errorf("webhook is %s when the operator's hour is over", got)
		}
		if err := get(t, second, "redis").Restore(kept[0]); err == nil {
			t.Error("the history of another breaker was taken")
		}
	})
}

func TestOutageIsAccountedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Settings{Name: "x", Failures: 1, Delay: time.Minute})
		end(t, b, Failure)
		for range 10 {
			end(t, b, Success)
			time.Sleep(time.Second)
		}
		s := b.Status()
		if s.Outage == nil || s.Outage.Rejected != 10 || s.Outage.Seconds != 10 || s.RetryAfter != 50 {
			t.Errorf("%+v, again in %v s", s.Outage, s.RetryAfter)
		}
		time.Sleep(50 * time.Second)
		end(t, b, Success)
		time.Sleep(time.Hour)
		if s := b.Status(); s.Outage != nil || s.OpenTotal != 60 || s.Rejected != 10 {
			t.Errorf("%+v, %v s open in all, %d rejected", s.Outage, s.OpenTotal, s.Rejected)
		}
	})
}

// The time of the last success is sampled when calls come fast, and still right
// to what a person can see.
func TestTimeOfTheLastSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Settings{Name: "x"})
		if !b.Status().LastSuccess.IsZero() {
			t.Error("a success before the first call")
		}
		for range 100 {
			end(t, b, Success)
			time.Sleep(time.Millisecond)
		}
		if late := time.Since(b.Status().LastSuccess); late < 0 || late > 17*time.Millisecond {
			t.Errorf("%s late under load", late)
		}
		time.Sleep(time.Minute)
		for range 20 { // the rest of a sampling stretch, one a minute
			end(t, b, Success)
			time.Sleep(time.Minute)
		}
		if late := time.Since(b.Status().LastSuccess); late != time.Minute {
			t.Errorf("the last success is shown as %s ago, want 1m0s", late)
		}
	})
}
