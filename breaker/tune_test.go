package breaker

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// The numbers change while a breaker is open: it waits no longer than the new
// delay, and opens at the new number from then on.
func TestTune(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry()
		b, err := r.Register(Settings{Name: "x", Failures: 5, Delay: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		trip(t, b)
		if err := r.Tune("x", Tuning{Failures: 2, Delay: 10 * time.Second}); err != nil {
			t.Fatal(err)
		}
		if got := b.Status(); got.RetryAfter != 10 || got.Threshold != 2 || got.RecoveryTimeout != 10 {
			t.Errorf("%+v", got)
		}
		if _, err := b.Acquire(); err == nil || !strings.Contains(err.Error(), "next try in 10s") {
			t.Errorf("refused with %v", err)
		}
		if made := b.Made(); made.Failures != 5 || made.Delay != time.Minute {
			t.Errorf("made with %+v", made)
		}
		time.Sleep(10 * time.Second)
		end(t, b, Success)
		end(t, b, Failure)
		if got := b.State(); got != Closed {
			t.Errorf("%s after one failure of two", got)
		}
		end(t, b, Failure)
		if got := b.State(); got != Open {
			t.Errorf("%s after two failures of two", got)
		}
		if err := r.Tune("x", Tuning{}); err != nil || b.Settings().Failures != 5 || b.Settings().Delay != time.Minute {
			t.Errorf("back to %+v, %v", b.Settings(), err)
		}
	})
	rated := New(Settings{Name: "rated", Rate: 0.5})
	for says, tuning := range map[string]Tuning{"failures is negative": {Failures: -1}, "delay is negative": {Delay: -1}, "not what opens it": {Failures: 3}} {
		if err := rated.Tune(tuning); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v, want %q", tuning, err, says)
		}
	}
	if err := NewRegistry().Tune("none", Tuning{}); err == nil {
		t.Error("a breaker that is not there was tuned")
	}
}

// What an operator forced is not ended by somebody who has seen an answer.
func TestTryNowIsForOpenBreakersOnly(t *testing.T) {
	b := New(Settings{Name: "x", Failures: 1, Delay: time.Hour})
	if b.TryNow(context.Background(), "it answers") {
		t.Error("a closed breaker was tried")
	}
	trip(t, b)
	if !b.TryNow(context.Background(), "it answers") || b.State() != HalfOpen {
		t.Errorf("it is %s", b.State())
	}
	if err := b.ForceOpen("maintenance", "ana", 0); err != nil {
		t.Fatal(err)
	}
	if b.TryNow(context.Background(), "it answers") || b.State() != ForcedOpen {
		t.Errorf("it is %s", b.State())
	}
	var none *Breaker
	if none.TryNow(context.Background(), "") {
		t.Error("no breaker was tried")
	}
}

// TestHealing: what opened by itself is closed, what an operator has switched is not, and
// a switch at the same moment wins.
func TestHealing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trip := func(b *Breaker) {
			for range 3 {
				end(t, b, Failure)
			}
		}
		for _, tt := range []struct {
			name  string
			bring func(*Breaker)
			lets  bool
			want  State
			cause string // of the last transition; "" when there must be none
		}{
			{"closed", func(*Breaker) {}, true, Closed, ""},
			{"open", trip, true, Closed, "closed before its time: it answers"},
			{"half open", func(b *Breaker) { trip(b); time.Sleep(time.Minute); _, _ = b.Acquire() }, true, Closed, "closed before its time: it answers"},
			{"forced open", func(b *Breaker) { _ = b.ForceOpen("work", "ana", 0) }, false, ForcedOpen, "forced open by hand: work"},
			{"disabled", func(b *Breaker) { _ = b.Disable("work", "ana", 0) }, true, Disabled, "disabled by hand: work"},
			{"forced open for a time that is over", func(b *Breaker) { _ = b.ForceOpen("work", "ana", time.Second); time.Sleep(time.Minute) }, true, Closed, "closed before its time: it answers"},
		} {
			b := New(Settings{Name: "x", Failures: 3, Delay: time.Minute})
			tt.bring(b)
			if lets := b.Heal("it answers", "the look"); lets != tt.lets || b.State() != tt.want {
				t.Errorf("%s: %v and %s, want %v and %s", tt.name, lets, b.State(), tt.lets, tt.want)
			}
			cause := ""
			if h := b.Detail().History; len(h) > 0 {
				cause = h[len(h)-1].Cause
			}
			if cause != tt.cause {
				t.Errorf("%s: the last cause is %q, want %q", tt.name, cause, tt.cause)
			}
		}
		if !(*Breaker)(nil).Heal("x", "x") {
			t.Error("no breaker lets nothing pass")
		}
	})
	for range 200 {
		b := New(Settings{Name: "x", Failures: 1, Delay: time.Minute})
		end(t, b, Failure)
		var both sync.WaitGroup
		both.Go(func() { b.Heal("it answers", "the look") })
		both.Go(func() { _ = b.ForceOpen("work", "ana", 0) })
		both.Wait()
		if b.State() != ForcedOpen {
			t.Fatal("the look has ended what an operator switched")
		}
	}
}
