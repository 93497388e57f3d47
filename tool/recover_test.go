package tool

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// unknown leaves a run whose outcome is not known, as a cut connection does.
func unknown(t *testing.T, w *world) string {
	w.mu.Lock()
	w.onWrite = func(context.Context, string) error { return errors.Join(errors.New("connection reset"), ErrMaybeActed) }
	w.mu.Unlock()
	res := w.propose("ana", "turn_dial", "A", 9)
	if _, err := w.x.Decide(t.Context(), w.who("ana"), res.RunID, true, ""); !errors.Is(err, ErrMaybeActed) {
		t.Fatalf("decide: %v", err)
	}
	return res.RunID
}

func TestUnknownOutcomeIsSettledByReadingThePlan(t *testing.T) {
	tests := []struct {
		name    string
		wait    time.Duration
		value   int
		settled bool
		outcome Event
		undo    bool
	}{
		{"the effect shows at once", time.Second, 9, true, EvDone, true},
		{"no effect yet, within the grace", 30 * time.Second, 1, false, EvUnknown, false},
		{"no effect after the grace", 61 * time.Second, 1, true, EvError, false},
		{"somebody else moved it", time.Hour, 55, false, EvUnknown, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				id := unknown(t, w)
				time.Sleep(tt.wait)
				w.set("A", tt.value)
				n, err := w.x.Reconcile(t.Context())
				must(t, err)
				st, err := w.mem.LoadRun(t.Context(), id)
				must(t, err)
				if (n == 0) != tt.settled || st.Outcome() != tt.outcome {
					t.Errorf("unknown %d, outcome %s; want settled %v, %s", n, st.Outcome(), tt.settled, tt.outcome)
				}
				if _, err := w.mem.LoadUndo(t.Context(), id); (err == nil) != tt.undo {
					t.Errorf("undo record: %v", err)
				}
				if len(w.written()) != 0 {
					t.Errorf("something was sent again: %v", w.written())
				}
			})
		})
	}
}

// A process that dies between the claim and the outcome leaves a row that says
// so; the next one never sends again.
func TestCrashDuringTheCall(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		w.mem.failNext[EvDone] = errors.New("killed here") // the outcome is lost
		res := w.propose("ana", "turn_dial", "A", 9)
		if _, err := w.x.Decide(t.Context(), w.who("ana"), res.RunID, true, ""); err == nil {
			t.Fatal("a lost journal row was not reported")
		}
		must(t, w.x.Close(t.Context()))
		w.x = w.executor()
		must(t, w.x.Recover(t.Context()))
		want := []Event{EvProposed, EvAssessed, EvBlocked, EvVote, EvApproved, EvExecuting, EvUnknown}
		if diff := cmp.Diff(want, w.events(res.RunID)); diff != "" {
			t.Error(diff)
		}
		n, err := w.x.Reconcile(t.Context())
		must(t, err)
		if n != 0 || len(w.written()) != 1 {
			t.Errorf("unknown %d, wrote %v", n, w.written())
		}
	})
}

func TestCrashBetweenApprovalAndClaim(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		res := w.propose("ana", "turn_dial", "A", 9)
		w.mem.failNext[EvExecuting] = errors.New("killed here")
		if _, err := w.x.Decide(t.Context(), w.who("ana"), res.RunID, true, ""); err == nil {
			t.Fatal("a failed claim was not reported")
		}
		must(t, w.x.Close(t.Context()))
		w.x = w.executor()
		must(t, w.x.Recover(t.Context()))
		st, err := w.mem.LoadRun(t.Context(), res.RunID)
		must(t, err)
		if st.Outcome() != EvVoided || len(w.written()) != 0 {
			t.Errorf("outcome %s, wrote %v", st.Outcome(), w.written())
		}
	})
}

func TestAcceptedIsNotDone(t *testing.T) {
	tests := []struct {
		name  string
		apply time.Duration
		want  Event
	}{{"shows later", 20 * time.Second, EvVerified}, {"never shows", time.Hour, EvUnverified}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				w.lazy = true
				res := w.propose("ana", "turn_dial", "A", 9)
				_, err := w.x.Decide(t.Context(), w.who("ana"), res.RunID, true, "")
				must(t, err)
				synctest.Wait()
				if got := w.events(res.RunID); got[len(got)-1] != EvDone {
					t.Errorf("right after the call: %v", got)
				}
				time.AfterFunc(tt.apply, func() { w.set("A", 9) })
				time.Sleep(time.Minute)
				if got := w.events(res.RunID); got[len(got)-1] != tt.want {
					t.Errorf("journal %v, want %s last", got, tt.want)
				}
			})
		})
	}
}

func TestExpireEndsWhatNobodyApproved(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		res := w.propose("ana", "turn_dial", "A", 9)
		for _, want := range []int{0, 1, 0} {
			n, err := w.x.Expire(t.Context())
			must(t, err)
			if n != want {
				t.Errorf("expired %d, want %d", n, want)
			}
			time.Sleep(16 * time.Minute)
		}
		st, err := w.mem.LoadRun(t.Context(), res.RunID)
		must(t, err)
		if st.Status() != StatusCancelled {
			t.Errorf("status %s", st.Status())
		}
	})
}

func TestStopDuringACall(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		started := make(chan struct{})
		w.onWrite = func(ctx context.Context, _ string) error {
			close(started)
			<-ctx.Done()
			return errors.Join(ctx.Err(), ErrMaybeActed)
		}
		res := w.propose("ana", "turn_dial", "A", 9)
		go w.x.Decide(t.Context(), w.who("ana"), res.RunID, true, "") //nolint:errcheck // looked at in the journal
		<-started
		must(t, w.x.Close(t.Context()))
		if got := w.events(res.RunID); got[len(got)-1] != EvUnknown {
			t.Errorf("journal %v", got)
		}
	})
}
