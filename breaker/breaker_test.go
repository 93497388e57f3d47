package breaker

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

var errDown = errors.New("connection refused")

// end makes one call with the given outcome; it reports whether it was let through.
func end(t *testing.T, b *Breaker, o Outcome) bool {
	t.Helper()
	p, err := b.Acquire()
	if err != nil {
		var open *OpenError
		if !errors.As(err, &open) {
			t.Fatalf("refused with %T, want *OpenError", err)
		}
		return false
	}
	var cause error
	if o == Failure {
		cause = errDown
	}
	p.Done(o, cause)
	return true
}

func trip(t *testing.T, b *Breaker) {
	t.Helper()
	for b.State() == Closed {
		end(t, b, Failure)
	}
	if b.State() != Open {
		t.Fatalf("state %s after failures, want open", b.State())
	}
}

// R8: opens at exactly the n-th failure, is still open one nanosecond before the
// delay is over, is half_open at it, and lets one of a hundred callers through.
func TestTransitionsAreExact(t *testing.T) {
	for _, s := range Contract() {
		synctest.Test(t, func(t *testing.T) {
			s.Jitter = 0
			b := New(s)
			for i := range s.Failures {
				if got := b.State(); got != Closed {
					t.Fatalf("%s: %s after %d of %d failures", s.Name, got, i, s.Failures)
				}
				end(t, b, Failure)
			}
			if got := b.State(); got != Open {
				t.Fatalf("%s: %s after %d failures", s.Name, got, s.Failures)
			}
			time.Sleep(s.Delay - 1)
			if got := b.State(); got != Open || end(t, b, Success) {
				t.Fatalf("%s: %s a nanosecond before %s, or a call was let through", s.Name, got, s.Delay)
			}
			time.Sleep(1 * time.Nanosecond)
			if got := b.State(); got != HalfOpen {
				t.Fatalf("%s: %s after %s", s.Name, got, s.Delay)
			}
			let := 0
			var held []Permit
			for range 100 {
				if p, err := b.Acquire(); err == nil {
					let, held = let+1, append(held, p)
				}
			}
			if let != 1 {
				t.Fatalf("%s: %d probes of 100 callers", s.Name, let)
			}
			held[0].Done(Success, nil)
			if got := b.State(); got != Closed {
				t.Fatalf("%s: %s after the probe succeeded", s.Name, got)
			}
		})
	}
}

func TestSuccessEndsTheRow(t *testing.T) {
	b := New(Settings{Name: "x", Failures: 3})
	for range 5 {
		end(t, b, Failure)
		end(t, b, Failure)
		end(t, b, Success)
	}
	if b.State() != Closed {
		t.Fatalf("%s although never three failures came in a row", b.State())
	}
	trip(t, b)
}

// A late outcome of a call let through before the breaker opened and closed
// again says nothing about the present.
func TestOutcomesOfAnEarlierGenerationDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Settings{Name: "x", Failures: 2, Delay: time.Second})
		var late []Permit
		for range 5 {
			p, err := b.Acquire()
			if err != nil {
				t.Fatal(err)
			}
			late = append(late, p)
		}
		trip(t, b)
		time.Sleep(time.Second)
		probe, err := b.Acquire()
		if err != nil {
			t.Fatal(err)
		}
		late[0].Done(Success, nil)
		late[1].Done(Failure, errDown)
		if b.State() != HalfOpen {
			t.Fatalf("%s: a late outcome moved a half-open breaker", b.State())
		}
		probe.Done(Success, nil)
		late[2].Done(Failure, errDown)
		late[3].Done(Failure, errDown)
		late[4].Done(Failure, errDown)
		if b.State() != Closed {
			t.Fatalf("%s: late failures opened it again", b.State())
		}
		if got := b.Status(); got.FailureCount != 0 || got.TotalFailures != 2+4 {
			t.Errorf("failures in a row %d, in all %d; want 0 and 6", got.FailureCount, got.TotalFailures)
		}
	})
}

// Defect 17 of the predecessor: half-open let 20 callers through at once, and
// who passed over open breakers never sent the probe that closes them.
func TestDefect17_ThousandCallersAtTheEndOfTheDelay(t *testing.T) {
	for _, probes := range []int{1, 3} {
		b := New(Settings{Name: "x", Failures: 1, Delay: 20 * time.Millisecond, Probes: probes})
		end(t, b, Failure)
		time.Sleep(25 * time.Millisecond)
		var let, refused atomic.Int64
		var start, done sync.WaitGroup
		release := make(chan struct{})
		start.Add(1)
		for range 1000 {
			done.Go(func() {
				start.Wait()
				if !b.Ready() {
					refused.Add(1)
					return
				}
				p, err := b.Acquire()
				if err != nil {
					refused.Add(1)
					return
				}
				let.Add(1)
				<-release
				p.Done(Success, nil)
			})
		}
		start.Done()
		for let.Load()+refused.Load() < 1000 {
			runtime.Gosched()
		}
		if got := let.Load(); got != int64(probes) {
			t.Errorf("%d probes, want exactly %d", got, probes)
		}
		if b.State() != HalfOpen {
			t.Errorf("%s while the probes are under way", b.State())
		}
		close(release)
		done.Wait()
		if b.State() != Closed || !end(t, b, Success) {
			t.Errorf("%s after all probes succeeded", b.State())
		}
	}
}

// Whatever way a probe ends, the next one must be possible.
func TestProbesCannotBeStranded(t *testing.T) {
	ctx, gone := context.WithCancel(context.Background())
	gone()
	for _, tt := range []struct {
		name string
		end  func(b *Breaker)
		want State
	}{
		{"panic", func(b *Breaker) {
			defer func() { _ = recover() }()
			_, _ = Do(context.Background(), b, func(context.Context) (int, error) { panic("x") }, nil)
		}, Open},
		{"goexit", func(b *Breaker) {
			var wg sync.WaitGroup
			wg.Go(func() {
				_, _ = Do(context.Background(), b, func(context.Context) (int, error) { runtime.Goexit(); return 0, nil }, nil)
			})
			wg.Wait()
		}, Open},
		{"cancelled", func(b *Breaker) {
			_, _ = Do(ctx, b, func(ctx context.Context) (int, error) { return 0, ctx.Err() }, nil)
		}, HalfOpen},
		{"done twice, also on a copy", func(b *Breaker) {
			p, _ := b.Acquire()
			copied := p
			p.Done(Ignored, nil)
			p.Done(Success, nil)
			copied.Done(Failure, errDown)
		}, HalfOpen},
		{"never reported", func(b *Breaker) {
			_, _ = b.Acquire()
			if _, err := b.Acquire(); err == nil {
				panic("two probes")
			}
			time.Sleep(b.Settings().ProbeLease)
		}, HalfOpen},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := New(Settings{Name: "x", Failures: 1, Delay: time.Second})
				end(t, b, Failure)
				time.Sleep(time.Second)
				tt.end(b)
				if got := b.State(); got != tt.want {
					t.Fatalf("%s, want %s", got, tt.want)
				}
				time.Sleep(time.Second)
				if !end(t, b, Success) || b.State() != Closed {
					t.Errorf("%s: the next probe was refused or did not close it", b.State())
				}
			})
		})
	}
}

// A permit is used up by its first Done, in every state and by any number of
// goroutines, and its ticket going to another call changes nothing.
func TestDoneCountsOnce(t *testing.T) {
	b := New(Settings{Name: "x", Failures: 1 << 30})
	var wg sync.WaitGroup
	const rounds, racers = 200, 8
	for range rounds {
		p, err := b.Acquire()
		if err != nil {
			t.Fatal(err)
		}
		for range racers {
			wg.Go(func() { p.Done(Failure, errDown) })
		}
		wg.Go(func() {
			q, err := b.Acquire()
			if err == nil {
				q.Done(Success, nil)
			}
		})
	}
	wg.Wait()
	if s := b.Status(); s.TotalFailures != rounds || s.SuccessCount != rounds {
		t.Errorf("%d failures and %d successes, want %d each", s.TotalFailures, s.SuccessCount, rounds)
	}
}

func TestFailedProbeOpensAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Settings{Name: "x", Failures: 1, Delay: time.Second, Probes: 2})
		end(t, b, Failure)
		for range 3 {
			time.Sleep(time.Second)
			if !end(t, b, Success) || b.State() != HalfOpen {
				t.Fatalf("%s after one of two probes", b.State())
			}
			if !end(t, b, Failure) || b.State() != Open {
				t.Fatalf("%s after a failed probe", b.State())
			}
		}
		if got := b.Status().Opened; got != 4 {
			t.Errorf("opened %d times, want 4", got)
		}
	})
}

func TestRefusalSaysWhenAndWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Settings{Name: "tws_api", Failures: 1, Delay: time.Minute})
		end(t, b, Failure)
		time.Sleep(10*time.Second + 1)
		_, err := b.Acquire()
		var open *OpenError
		if !errors.As(err, &open) {
			t.Fatalf("%v, want *OpenError", err)
		}
		if diff := cmp.Diff(&OpenError{"tws_api", Open, 50 * time.Second, "connection refused"}, open); diff != "" {
			t.Error(diff)
		}
		if want := "tws_api keeps failing; nothing was sent, next try in 50s (circuit breaker open): connection refused"; err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
		if Classify(err) != Ignored {
			t.Error("a refusal counts against whatever stands behind another breaker")
		}
		allocs := testing.AllocsPerRun(1000, func() {
			if _, err := b.Acquire(); err == nil {
				t.Fatal("let through")
			}
		})
		if allocs != 0 {
			t.Errorf("a refusal takes %v allocations", allocs)
		}
	})
}

func TestSuccessTakesNoAllocation(t *testing.T) {
	b := New(Settings{Name: "x", Rate: 0.5, SlowRate: 0.5, Slow: time.Second})
	allocs := testing.AllocsPerRun(1000, func() {
		p, _ := b.Acquire()
		p.Done(Success, nil)
	})
	limit := 0.0
	if raceDetector {
		limit = 1 // it makes pools forget: the ticket may be made anew, nothing else
	}
	if allocs > limit {
		t.Errorf("%v allocations a call, want at most %v", allocs, limit)
	}
}

func TestJitterShortensTheDelayOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := map[time.Duration]bool{}
		for range 50 {
			b := New(Settings{Name: "x", Failures: 1, Delay: time.Minute, Jitter: 0.1})
			end(t, b, Failure)
			wait := time.Until(b.Status().NextProbe).Round(time.Millisecond)
			if wait < 54*time.Second || wait > time.Minute {
				t.Fatalf("the probe is due in %s, want 54 s to 60 s", wait)
			}
			seen[wait] = true
		}
		if len(seen) < 10 {
			t.Errorf("only %d different delays of 50", len(seen))
		}
	})
}

func TestSettingsThatMakeNoSense(t *testing.T) {
	for _, tt := range []struct {
		s    Settings
		want string // in the error
	}{
		{Settings{}, "without a name"}, {Settings{Name: "a", Failures: -1}, "failures"}, {Settings{Name: "a", Delay: -1}, "delay"},
		{Settings{Name: "a", Jitter: 2}, "jitter"}, {Settings{Name: "a", Rate: 1.5}, "rate"}, {Settings{Name: "a", SlowRate: -1}, "slow rate"},
		{Settings{Name: "a", SlowRate: 0.5}, "from which a call is slow"}, {Settings{Name: "a", Window: -1}, "window"}, {Settings{Name: "a", Probes: -1}, "probes"},
	} {
		_, err := NewRegistry().Register(tt.s)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want an error with %q", tt.s, err, tt.want)
		}
		tt.s.Name = "a"
		if b := New(tt.s); !end(t, b, Success) {
			t.Errorf("%+v: New made a breaker that refuses", tt.s)
		}
	}
}

func TestNilBreakerLetsEverythingPass(t *testing.T) {
	var b *Breaker
	if b.State() != Closed || !b.Ready() || b.Name() != "" {
		t.Error("a nil breaker is not closed")
	}
	b.CountFallback()
	got, err := Do(context.Background(), b, func(context.Context) (int, error) { return 7, nil }, nil)
	if got != 7 || err != nil {
		t.Errorf("%d, %v", got, err)
	}
}

func TestStateNames(t *testing.T) {
	for s := Closed; s <= Disabled; s++ {
		text, _ := s.MarshalText()
		var back State
		if err := back.UnmarshalText(text); err != nil || back != s {
			t.Errorf("%s does not come back: %v", text, err)
		}
	}
	var s State
	if err := s.UnmarshalText([]byte("ajar")); err == nil {
		t.Error("an unknown state was taken")
	}
}
