package breaker

import (
	"context"
	"strings"
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
