package state_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"resync/internal/faultnet"
	"resync/internal/state"
	"resync/internal/state/statetest"
)

// A real Redis behind a line that breaks, before the server has the question or after
// it has counted: what callers were allowed is never more than the limit, and what is
// left is never more than that leaves. The hour is so long that nothing comes back
// while the test runs.
func TestBrokenLinesNeverAllowMore(t *testing.T) {
	s := statetest.Start(t)
	line := faultnet.New(t, s.Addr)
	st := open(t, state.Settings{URL: "redis://" + line.Addr(), FailFast: true, CheckEvery: time.Hour})
	straight := open(t, state.Settings{URL: s.URL(), FailFast: true, CheckEvery: time.Hour})
	dice := rand.New(rand.NewPCG(6, 4)) //nolint:gosec // the same sequence each time
	allowed, counted, broken := 0, 0, 0
	quota := state.Quota{Key: "cuts", Limit: state.Limit{Rate: 60, Per: 24 * time.Hour}}
	for range 80 {
		fault := []faultnet.Fault{faultnet.Pass(), faultnet.Pass(), faultnet.Reset(), faultnet.Cut(0), faultnet.CutReset(0)}[dice.IntN(5)]
		line.Set(fault)
		quota.N = 1 + dice.IntN(2)
		d, err := st.Allow(t.Context(), quota)
		line.Set(faultnet.Pass())
		var away *state.UnavailableError
		switch {
		case err == nil && d.Allowed:
			allowed += quota.N
		case err != nil && !errors.As(err, &away):
			t.Fatalf("%s: %v", fault, err)
		case err != nil:
			broken++
			eventually(t, "the line", func() bool { st.Touch(); return st.Status().Available() })
		}
		look := quota
		look.N = 0
		now, err := straight.Allow(t.Context(), look)
		must(t, err)
		counted = 60 - now.Remaining
		if allowed > 60 || counted < allowed {
			t.Fatalf("after %s: %d units were allowed, %d of 60 are counted", fault, allowed, counted)
		}
		if err == nil && d.Allowed && d.Remaining > 60-allowed {
			t.Fatalf("after %s: %d remain of 60, %d were allowed", fault, d.Remaining, allowed)
		}
	}
	if broken == 0 || counted == allowed {
		t.Errorf("the line broke %d times, %d units allowed and %d counted: nothing was tried", broken, allowed, counted)
	}
	t.Logf("%d units allowed, %d counted, %d calls without an answer", allowed, counted, broken)
}
