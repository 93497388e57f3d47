package tool

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// awayLedger is a ledger that can be cut off. What it takes while half is set, it
// takes without saying so, as a commit whose answer is lost.
type awayLedger struct {
	*memory
	away, half atomic.Bool
}

var errAway = errors.New("the database does not answer")

func (l *awayLedger) Append(ctx context.Context, entries ...Entry) error {
	if l.half.Load() {
		if err := l.memory.Append(ctx, entries...); err != nil {
			return err
		}
	}
	if l.away.Load() {
		return errAway
	}
	return l.memory.Append(ctx, entries...)
}

func (l *awayLedger) LoadRun(ctx context.Context, id string) (RunState, error) {
	if l.away.Load() {
		return RunState{}, errAway
	}
	return l.memory.LoadRun(ctx, id)
}

// An outcome that could not be journalled used to be lost until the next start: the
// run stayed executing for as long as the process lived.
func TestAnOutcomeIsJournalledWhenTheLedgerIsBack(t *testing.T) {
	for name, tt := range map[string]struct {
		write error
		half  bool
		want  Event
		says  string
		undo  bool
		sent  int
	}{
		"accepted":                      {nil, false, EvDone, "the engine accepted the action, but that could not be recorded yet", true, 1},
		"accepted, the commit was lost": {nil, true, EvDone, "the engine accepted the action", true, 1},
		"refused":                       {errors.New("AWSBIN076E"), false, EvError, "the engine refused the action", false, 0},
		"may have acted":                {ErrMaybeActed, false, EvUnknown, "the engine may have acted", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				ledger := &awayLedger{memory: w.mem}
				w.x.cfg.Ledger = ledger
				res := w.propose("ana", "turn_dial", "A", 9)
				w.mu.Lock()
				w.onWrite = func(context.Context, string) error {
					ledger.half.Store(tt.half)
					ledger.away.Store(true)
					return tt.write
				}
				w.mu.Unlock()
				_, err := w.x.Decide(t.Context(), w.who("ana"), res.RunID, true, "")
				if err == nil || !errors.Is(err, errAway) || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "nothing is sent again") {
					t.Errorf("the caller was told: %v", err)
				}
				for range 3 { // as long as it is away, nothing is forgotten
					if _, err := w.x.Reconcile(t.Context()); !errors.Is(err, errAway) {
						t.Errorf("reconciling without a ledger: %v", err)
					}
				}
				ledger.half.Store(false)
				ledger.away.Store(false)
				w.mu.Lock()
				w.onWrite = nil
				w.mu.Unlock()
				_, err = w.x.Reconcile(t.Context())
				must(t, err)
				time.Sleep(time.Minute)
				synctest.Wait()
				st, err := w.mem.LoadRun(t.Context(), res.RunID)
				must(t, err)
				outcomes := 0
				for _, e := range st.Entries {
					if e.Event == tt.want {
						outcomes++
					}
				}
				if st.Outcome() != tt.want || outcomes != 1 || len(w.x.debts) != 0 {
					t.Errorf("outcome %s, %d entries of it, %d still owed; want one %s", st.Outcome(), outcomes, len(w.x.debts), tt.want)
				}
				if _, err := w.mem.LoadUndo(t.Context(), res.RunID); (err == nil) != tt.undo {
					t.Errorf("undo record: %v", err)
				}
				if n := len(w.written()); n != tt.sent {
					t.Errorf("%d writes, want %d", n, tt.sent)
				}
			})
		})
	}
}

// What could not even be journalled as void ends as cancelled, with nothing sent.
func TestAVoidRunIsJournalledWhenTheLedgerIsBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		ledger := &awayLedger{memory: w.mem}
		w.x.cfg.Ledger = ledger
		res := w.propose("ana", "turn_dial", "A", 9)
		st, err := w.mem.LoadRun(t.Context(), res.RunID)
		must(t, err)
		ledger.away.Store(true)
		if err := w.x.void(t.Context(), st, errors.New("the target moved")); !errors.Is(err, errOwed) || !strings.Contains(err.Error(), "nothing was sent") {
			t.Errorf("%v", err)
		}
		ledger.away.Store(false)
		_, err = w.x.Reconcile(t.Context())
		must(t, err)
		if st, err = w.mem.LoadRun(t.Context(), res.RunID); err != nil || st.Outcome() != EvCancelled || len(w.written()) != 0 {
			t.Errorf("outcome %s, %v", st.Outcome(), err)
		}
	})
}
