package state

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// inBubble runs a monitor over a look that fails while down is set and takes
// its time.
func inBubble(t *testing.T, every time.Duration, f func(m *monitor, down *atomic.Bool, looks *atomic.Int64)) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		var looks atomic.Int64
		m := newMonitor(every, func(ctx context.Context) error {
			looks.Add(1)
			if !down.Load() {
				return nil
			}
			<-ctx.Done() // a frozen Redis: the look ends at its own time
			return ctx.Err()
		}, func(error) string { return "gone" }, nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); m.run(ctx) }()
		f(m, &down, &looks)
		cancel()
		<-done
	})
}

// A request that relies on an old answer makes the monitor look: Redis is away
// within 200 ms, well below the 300 ms of the promise.
func TestMonitorNoticesWithinItsBound(t *testing.T) {
	inBubble(t, time.Hour, func(m *monitor, down *atomic.Bool, _ *atomic.Int64) {
		m.answer(0)
		down.Store(true)
		start := time.Now()
		for !m.away.Load() {
			m.touch() // a request each millisecond
			time.Sleep(time.Millisecond)
			if time.Since(start) > 300*time.Millisecond {
				t.Fatal("not noticed in 300 ms")
			}
		}
		if took, bound := time.Since(start), fresh+hedge+lookTime+10*time.Millisecond; took > bound {
			t.Errorf("noticed after %s, want %s at most", took, bound)
		}
		if s := m.status(); s.Mode != Degraded || s.Reason != "gone" || s.Outages != 1 {
			t.Errorf("%+v", s)
		}
		time.Sleep(time.Minute)
		down.Store(false)
		start = time.Now()
		for m.away.Load() {
			time.Sleep(time.Millisecond)
		}
		if took, bound := time.Since(start), lookTime+2*awayEvery; took > bound {
			t.Errorf("back after %s, want %s at most", took, bound)
		}
		if s := m.status(); s.Down < time.Minute || s.Down > time.Minute+time.Second || s.Outages != 1 {
			t.Errorf("after a minute of outage: %+v", s)
		}
	})
}

// TestDefect19_OneFailedLookIsForgotten: one slow answer is no outage, and the
// count of failures starts anew with each answer; the original never reset it.
func TestDefect19_OneFailedLookIsForgotten(t *testing.T) {
	inBubble(t, time.Second, func(m *monitor, down *atomic.Bool, looks *atomic.Int64) {
		m.answer(0)
		for range 20 {
			before := looks.Load()
			down.Store(true)
			m.suspect()
			for looks.Load() == before {
				time.Sleep(time.Millisecond)
			}
			down.Store(false) // this look still waits in vain; the next one is answered
			time.Sleep(200 * time.Millisecond)
		}
		if s := m.status(); s.Mode != Normal || s.Outages != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// Nobody touches: the looks come at jittered times around the mean.
func TestMonitorLooksByItself(t *testing.T) {
	inBubble(t, 2*time.Second, func(_ *monitor, _ *atomic.Bool, looks *atomic.Int64) {
		time.Sleep(200 * time.Second)
		if n := looks.Load(); n < 80 || n > 125 {
			t.Errorf("%d looks in 200 s at a mean of 2 s", n)
		}
	})
}

// Requests that follow each other closely do not look each time.
func TestTouchIsRare(t *testing.T) {
	inBubble(t, time.Hour, func(m *monitor, _ *atomic.Bool, looks *atomic.Int64) {
		m.answer(0)
		for range 10_000 {
			m.touch()
			time.Sleep(100 * time.Microsecond)
		}
		if n := looks.Load(); n > 21 {
			t.Errorf("%d looks in a second, want one in %s", n, fresh)
		}
	})
}

func TestUnavailableError(t *testing.T) {
	cause := errors.New("cause")
	err := error(&UnavailableError{Reason: "r", Err: cause})
	if !errors.Is(err, ErrUnavailable) || !errors.Is(err, cause) || errors.Is(err, ErrAuth) {
		t.Error("the error does not say what it is")
	}
}
