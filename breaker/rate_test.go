package breaker

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestRateNeedsAMinimumOfCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Settings{Name: "x", Rate: 0.5, MinCalls: 10, Window: 10 * time.Second})
		for range 9 {
			end(t, b, Failure)
		}
		if b.State() != Closed {
			t.Fatalf("%s after 9 of at least 10 calls", b.State())
		}
		end(t, b, Success) // completes the minimum: nine of ten failed
		if b.State() != Open {
			t.Fatalf("%s with 9 of 10 calls failed", b.State())
		}
		if cause := b.Detail().History[0].Cause; !strings.Contains(cause, "9 of 10 calls failed within 10s") {
			t.Errorf("cause %q", cause)
		}
	})
}

func TestWindowSlides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Settings{Name: "x", Rate: 0.5, MinCalls: 10, Window: 10 * time.Second})
		for range 9 {
			end(t, b, Failure)
		}
		time.Sleep(10 * time.Second) // all of them leave the window
		for range 9 {
			end(t, b, Success)
		}
		end(t, b, Failure)
		if s := b.Status(); s.State != Closed || s.WindowCalls != 10 || *s.FailureRate != 0.1 {
			t.Errorf("%s, %d calls in the window, failure rate %v", s.State, s.WindowCalls, s.FailureRate)
		}
		if w := newWindow(time.Second); w.bad(0) {
			t.Error("a new window holds something bad")
		}
	})
}

// In the first moments of a program, parts that had been cleared were counted.
func TestClearedWindowIsEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Settings{Name: "x", Rate: 0.5, MinCalls: 2})
		end(t, b, Failure)
		if err := b.Reset("test", "ana"); err != nil {
			t.Fatal(err)
		}
		end(t, b, Failure)
		if b.State() != Closed {
			t.Errorf("%s after one call since the reset", b.State())
		}
	})
}

func TestSlowCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Settings{Name: "x", Slow: time.Second, SlowRate: 0.5, MinCalls: 4, Delay: time.Minute})
		call := func(takes time.Duration, answered bool) {
			p, err := b.Acquire()
			if err != nil {
				t.Fatal(err)
			}
			if answered {
				p.Answered() // a stream that began at once
			}
			time.Sleep(takes)
			p.Done(Success, nil)
		}
		for range 5 {
			call(time.Minute, true)
		}
		call(time.Second-1, false)
		if b.State() != Closed || b.Status().Slow != 0 {
			t.Fatalf("%s, %d slow calls; none was slow", b.State(), b.Status().Slow)
		}
		time.Sleep(time.Hour)
		for range 4 {
			call(time.Second, false)
		}
		if b.State() != Open {
			t.Fatalf("%s after four slow calls", b.State())
		}
		time.Sleep(time.Minute)
		call(2*time.Second, false)
		if b.State() != Open {
			t.Errorf("%s after a slow probe", b.State())
		}
		time.Sleep(time.Minute)
		call(0, false)
		if b.State() != Closed {
			t.Errorf("%s after a quick probe", b.State())
		}
	})
}

// Counting from many goroutines while parts of the window come and go loses
// nothing that is inside it.
func TestWindowUnderLoad(t *testing.T) {
	b := New(Settings{Name: "x", Rate: 1, MinCalls: 1 << 30, Window: time.Hour})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 2000 {
				end(t, b, Outcome(i%2))
			}
		})
	}
	wg.Wait()
	if s := b.Status(); s.WindowCalls != 16_000 || s.SuccessCount != 8000 || s.TotalFailures != 8000 {
		t.Errorf("%d in the window, %d good, %d bad", s.WindowCalls, s.SuccessCount, s.TotalFailures)
	}
}
