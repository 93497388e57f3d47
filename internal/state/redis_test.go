package state_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"resync/breaker"
	"resync/internal/state"
	"resync/internal/state/statetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, s state.Settings) *state.State {
	t.Helper()
	st, err := state.Open(t.Context(), s)
	must(t, err)
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return st
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// Both backends do the same: the suite runs on the memory of the process and on
// a real redis-server.
func TestBackends(t *testing.T) {
	for name, address := range map[string]func(*testing.T) string{
		"embedded": func(*testing.T) string { return "" },
		"redis":    func(t *testing.T) string { return statetest.Start(t).URL() },
		"password": func(t *testing.T) string {
			s := statetest.Start(t, "--requirepass", "p@ss:w/rd")
			return "redis://:p%40ss%3Aw%2Frd@" + s.Addr + "/3"
		},
		"socket": func(t *testing.T) string {
			path := t.TempDir() + "/r.sock"
			statetest.Start(t, "--unixsocket", path)
			return "unix://" + path
		},
	} {
		t.Run(name, func(t *testing.T) {
			st := open(t, state.Settings{URL: address(t), FailFast: true})
			t.Run("cache", func(t *testing.T) { testCache(t, st) })
			t.Run("limits", func(t *testing.T) { testLimits(t, st) })
			t.Run("64 at once", func(t *testing.T) { testRace(t, st) })
			if !st.Status().Available() {
				t.Errorf("status: %+v", st.Status())
			}
			must(t, st.Check(t.Context()))
		})
	}
}

func testCache(t *testing.T, st *state.State) {
	ctx := t.Context()
	if _, found, err := st.Get(ctx, "a"); found || err != nil {
		t.Fatalf("nothing was kept: %v, %v", found, err)
	}
	must(t, st.Set(ctx, "a", []byte("one"), time.Minute))
	must(t, st.Set(ctx, "short", []byte("x"), 30*time.Millisecond))
	if v, found, err := st.Get(ctx, "a"); !found || err != nil || string(v) != "one" {
		t.Errorf("got %q, %v, %v", v, found, err)
	}
	time.Sleep(40 * time.Millisecond)
	if v, found, _ := st.Get(ctx, "short"); found {
		t.Errorf("a value outlived its time: %q", v)
	}
	must(t, st.Delete(ctx, "a"))
	if _, found, _ := st.Get(ctx, "a"); found {
		t.Error("a deleted value is there")
	}
	if err := st.Set(ctx, "never", []byte("x"), 0); err == nil {
		t.Error("a value without a time to live was kept")
	}
}

func testLimits(t *testing.T, st *state.State) {
	ctx := t.Context()
	requests := state.Quota{Key: "r:{alice}", Limit: state.Limit{Rate: 3, Per: time.Hour}, N: 1}
	tokens := state.Quota{Key: "t:{alice}", Limit: state.Limit{Rate: 100, Per: time.Hour}, N: 40}
	for i := range 2 {
		d, err := st.Allow(ctx, requests, tokens)
		if must(t, err); !d.Allowed || d.Remaining != min(2-i, 60-40*i) {
			t.Fatalf("request %d: %+v", i, d)
		}
	}
	d, err := st.Allow(ctx, requests, tokens) // the tokens are short, so no request is taken either
	if must(t, err); d.Allowed || d.Limit.Rate != 100 || d.RetryAfter < 11*time.Minute || d.RetryAfter > 13*time.Minute {
		t.Errorf("20 of 40 tokens are left: %+v", d)
	}
	requests.N = 0
	d, err = st.Allow(ctx, requests)
	if must(t, err); !d.Allowed || d.Remaining != 1 {
		t.Errorf("a refused request was counted: %+v", d)
	}
	tokens.N, tokens.Debt = 500, true // known only afterwards
	d, err = st.Allow(ctx, tokens)
	if must(t, err); !d.Allowed {
		t.Errorf("a debt was refused: %+v", d)
	}
	tokens.N, tokens.Debt = 1, false
	d, err = st.Allow(ctx, tokens)
	if must(t, err); d.Allowed || d.RetryAfter < 4*time.Hour {
		t.Errorf("480 tokens too many were used: %+v", d)
	}
	for _, bad := range []state.Quota{{}, {Key: "x"}, {Key: "x", Limit: requests.Limit, N: -1}, {Key: "x", Limit: requests.Limit, N: 4}} {
		if _, err := st.Allow(ctx, bad); err == nil || errors.Is(err, state.ErrUnavailable) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// The original counted two hits in the same instant once.
func testRace(t *testing.T, st *state.State) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	allowed := 0
	for range 64 {
		wg.Go(func() {
			d, err := st.Allow(t.Context(), state.Quota{Key: "race", Limit: state.Limit{Rate: 10, Per: time.Hour}, N: 1})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Errorf("limiting: %v", err)
			}
			if d.Allowed {
				allowed++
			}
		})
	}
	wg.Wait()
	if allowed != 10 {
		t.Errorf("%d of 64 were allowed, want 10", allowed)
	}
}

// Two servers share what is in Redis.
func TestServersShareTheState(t *testing.T) {
	r := statetest.Start(t)
	a, b := open(t, state.Settings{URL: r.URL()}), open(t, state.Settings{URL: r.URL()})
	must(t, a.Set(t.Context(), "k", []byte("v"), time.Minute))
	if v, found, err := b.Get(t.Context(), "k"); !found || err != nil || string(v) != "v" {
		t.Errorf("the other server got %q, %v, %v", v, found, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	heard := make(chan string, 16)
	var wg sync.WaitGroup
	wg.Go(func() { b.Listen(ctx, "news", func(d []byte) { heard <- string(d) }) })
	say := func(text string) {
		t.Helper()
		eventually(t, "the news "+text, func() bool {
			_ = a.Publish(t.Context(), "news", []byte(text)) // nobody may listen yet, or Redis be away
			select {
			case got := <-heard:
				return got == text
			case <-time.After(20 * time.Millisecond):
				return false
			}
		})
	}
	say("first")
	r.Kill()
	eventually(t, "the outage", func() bool { a.Touch(); b.Touch(); return !a.Status().Available() && !b.Status().Available() })
	r.Run()
	say("second")
	cancel()
	wg.Wait()
}

// TestDefect19_RedisThatWasDownAtTheStartIsFound: the original never looked again.
func TestDefect19_RedisThatWasDownAtTheStartIsFound(t *testing.T) {
	r := statetest.Start(t)
	r.Kill()
	_, err := state.Open(t.Context(), state.Settings{URL: r.URL(), FailFast: true, Retries: 2, Backoff: time.Millisecond})
	var u *state.UnavailableError
	if !errors.Is(err, state.ErrUnavailable) || !errors.As(err, &u) || u.Reason != "nothing listens at the address of Redis" {
		t.Errorf("failing fast: %v", err)
	}
	var mu sync.Mutex
	var seen []state.Mode
	st := open(t, state.Settings{URL: r.URL(), Backoff: time.Millisecond, OnChange: func(s state.Status) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, s.Mode)
	}})
	if s := st.Status(); s.Mode != state.Degraded || s.Reason == "" || s.RetryAfter < time.Second || s.Outages != 1 {
		t.Errorf("started degraded: %+v", s)
	}
	r.Run()
	eventually(t, "Redis to be found", func() bool { return st.Status().Mode == state.Normal })
	if s := st.Status(); s.Reason != "" || s.Down <= 0 {
		t.Errorf("after the outage: %+v", s)
	}
	mu.Lock()
	defer mu.Unlock()
	if fmt.Sprint(seen) != "[degraded normal]" {
		t.Errorf("changes: %v", seen)
	}
}

// TestHowLongToWaitForRedis: it is looked at all the time and used again with its first
// answer, so nobody is sent away for the delay of its breaker; for that of one an
// operator holds open they are.
func TestHowLongToWaitForRedis(t *testing.T) {
	r := statetest.Start(t)
	b := breaker.New(breaker.Settings{Name: "redis", Failures: 3, Delay: 30 * time.Second, Critical: true})
	st := open(t, state.Settings{URL: r.URL(), Breaker: b, CheckEvery: 20 * time.Millisecond})
	r.Kill()
	eventually(t, "the breaker to open", func() bool {
		_ = st.Check(t.Context())
		return b.State() == breaker.Open && st.Status().Mode == state.Degraded
	})
	var u *state.UnavailableError
	if err := st.Check(t.Context()); !errors.As(err, &u) || u.RetryAfter != time.Second || st.Status().RetryAfter != time.Second {
		t.Errorf("%v, wait %+v, %v", err, u, st.Status().RetryAfter)
	}
	must(t, b.ForceOpen("maintenance", "ana", 10*time.Minute))
	if wait := st.Status().RetryAfter; wait < 9*time.Minute {
		t.Errorf("held open for ten minutes, and asked to come again after %v", wait)
	}
}

func TestARefusedPasswordIsNotTriedAgain(t *testing.T) {
	r := statetest.Start(t, "--requirepass", "right")
	for _, url := range []string{"redis://:wrong@" + r.Addr, r.URL()} {
		start := time.Now()
		_, err := state.Open(t.Context(), state.Settings{URL: url, FailFast: true, Retries: 5, Backoff: 5 * time.Second})
		if !errors.Is(err, state.ErrAuth) || errors.Is(err, state.ErrUnavailable) || time.Since(start) > 4*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	}
	st := open(t, state.Settings{URL: "redis://:wrong@" + r.Addr})
	if s := st.Status(); s.Mode != state.Degraded || s.Reason != "Redis refuses the user name or the password" {
		t.Errorf("without failing fast: %+v", s)
	}
}

// An operator who forces the breaker open keeps it open although Redis answers.
func TestAForcedBreakerStaysOpen(t *testing.T) {
	r := statetest.Start(t)
	b := breaker.New(breaker.Settings{Name: "redis", Failures: 3, Delay: 30 * time.Second})
	st := open(t, state.Settings{URL: r.URL(), Breaker: b, CheckEvery: 20 * time.Millisecond})
	must(t, b.ForceOpen("drill", "ops", 0))
	eventually(t, "the drill to show", func() bool { st.Touch(); return st.Status().Mode == state.Degraded })
	time.Sleep(300 * time.Millisecond)
	if _, err := st.Allow(t.Context(), state.Quota{Key: "x", Limit: state.Limit{Rate: 1, Per: time.Second}, N: 1}); !errors.Is(err, state.ErrUnavailable) {
		t.Errorf("a call passed a forced breaker: %v", err)
	}
	must(t, b.Reset("drill is over", "ops"))
	eventually(t, "the drill to end", func() bool { return st.Status().Mode == state.Normal })
}

// What a caller gives up on says nothing about Redis.
func TestACancelledCallDoesNotCount(t *testing.T) {
	r := statetest.Start(t)
	b := breaker.New(breaker.Settings{Name: "redis", Failures: 1, Delay: 30 * time.Second})
	st := open(t, state.Settings{URL: r.URL(), Breaker: b, CheckEvery: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 10 {
		if _, _, err := st.Get(ctx, "k"); !errors.Is(err, context.Canceled) {
			t.Fatalf("a cancelled call: %v", err)
		}
	}
	if b.State() != breaker.Closed || !st.Status().Available() {
		t.Errorf("breaker %v, state %+v", b.State(), st.Status())
	}
}

// A Redis that cannot write is as good as away for what must be written.
func TestARedisThatCannotWriteIsDegraded(t *testing.T) {
	master, replica := statetest.Start(t), statetest.Start(t)
	st := open(t, state.Settings{URL: replica.URL(), CheckEvery: 20 * time.Millisecond})
	host, port := "127.0.0.1", master.Addr[len("127.0.0.1:"):]
	if got := replica.Say("REPLICAOF " + host + " " + port); got != "+OK" {
		t.Fatal(got)
	}
	eventually(t, "the refusal", func() bool { return st.Status().Mode == state.Degraded })
	if s := st.Status(); !strings.Contains(s.Reason, "READONLY") {
		t.Errorf("reason %q", s.Reason)
	}
	if got := replica.Say("REPLICAOF NO ONE"); got != "+OK" {
		t.Fatal(got)
	}
	eventually(t, "writes to work", func() bool { return st.Status().Mode == state.Normal })
}
