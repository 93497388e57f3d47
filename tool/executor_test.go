package tool

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func TestWholeWayOfAnAction(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		res := w.propose("ana", "turn_dial", "A", 9)
		if res.Status != StatusBlocked || len(w.written()) != 0 {
			t.Fatalf("a proposal is %s and wrote %v", res.Status, w.written())
		}
		done, err := w.x.Decide(t.Context(), w.who("ana"), res.RunID, true, "go")
		must(t, err)
		if done.Status != StatusDone {
			t.Fatalf("status %s", done.Status)
		}
		synctest.Wait()
		time.Sleep(time.Second)
		synctest.Wait()
		want := []Event{EvProposed, EvAssessed, EvBlocked, EvVote, EvApproved, EvExecuting, EvDone, EvVerified}
		if diff := cmp.Diff(want, w.events(res.RunID)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"A=9"}, w.written()); diff != "" {
			t.Error(diff)
		}
	})
}

// Defect 10: undo must survive a restart, run once, and refuse when the target
// has moved.
func TestDefect10UndoAcrossRestart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		res := w.propose("ana", "turn_dial", "A", 9)
		_, err := w.x.Decide(t.Context(), w.who("ana"), res.RunID, true, "")
		must(t, err)
		time.Sleep(time.Second)
		must(t, w.x.Close(t.Context()))
		w.x = w.executor() // a new process over the same rows
		list, err := w.x.Undoable(t.Context())
		must(t, err)
		if len(list) != 1 || list[0].RunID != res.RunID {
			t.Fatalf("undoable after a restart: %+v", list)
		}
		undo, err := w.x.Undo(t.Context(), w.who("ana"), res.RunID, "")
		must(t, err)
		time.Sleep(time.Second)
		synctest.Wait()
		if v, _ := w.get("A"); v != 1 || undo.Status != StatusDone {
			t.Errorf("dial %d, undo %s; want 1, done", v, undo.Status)
		}
		var refused *UndoRefusedError
		if _, err := w.x.Undo(t.Context(), w.who("ana"), res.RunID, ""); !errors.As(err, &refused) || !strings.Contains(err.Error(), "already") {
			t.Errorf("second undo: %v", err)
		}
		if diff := cmp.Diff([]string{"A=9", "A=1"}, w.written()); diff != "" {
			t.Error(diff)
		}
		if left, err := w.x.Undoable(t.Context()); err != nil || len(left) != 1 || left[0].RunID != undo.RunID {
			t.Errorf("after the undo only the undo itself can be taken back, got %+v %v", left, err)
		}
	})
}

func TestUndoRefusals(t *testing.T) {
	tests := []struct {
		name, tool string
		between    func(w *world)
		want       string
	}{
		{"the target moved", "turn_dial", func(w *world) { w.set("A", 5) }, "value: 9 → 5"},
		{"no inverse", "burn_dial", func(*world) {}, "the note"},
		{"too late", "turn_dial", func(*world) { time.Sleep(25 * time.Hour) }, "expired"},
		{"the target is gone", "turn_dial", func(w *world) { w.mu.Lock(); delete(w.dials, "A"); w.mu.Unlock() }, "no dial"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				res := w.propose("ana", tt.tool, "A", 9)
				_, err := w.x.Decide(t.Context(), w.who("ana"), res.RunID, true, "")
				must(t, err)
				time.Sleep(time.Second)
				tt.between(w)
				_, err = w.x.Undo(t.Context(), w.who("ana"), res.RunID, "")
				var refused *UndoRefusedError
				if !errors.As(err, &refused) || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("undo: %v, want a refusal with %q", err, tt.want)
				}
				if len(w.written()) != 1 {
					t.Errorf("wrote %v", w.written())
				}
			})
		})
	}
}

func TestUndoThatWaitsCanBeRejectedAndAskedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		res := w.propose("ana", "turn_dial", "UAT_Y", 9) // high: needs somebody else
		_, err := w.x.Decide(t.Context(), w.who("bea"), res.RunID, true, "")
		must(t, err)
		time.Sleep(time.Second)
		undo, err := w.x.Undo(t.Context(), w.who("ana"), res.RunID, "")
		must(t, err)
		if undo.Status != StatusBlocked {
			t.Fatalf("the undo of a high action is %s", undo.Status)
		}
		if _, err := w.x.Undo(t.Context(), w.who("ana"), res.RunID, ""); err == nil {
			t.Error("a second undo was accepted while one waits")
		}
		_, err = w.x.Decide(t.Context(), w.who("bea"), undo.RunID, false, "not now")
		must(t, err)
		again, err := w.x.Undo(t.Context(), w.who("ana"), res.RunID, "")
		must(t, err)
		_, err = w.x.Decide(t.Context(), w.who("bea"), again.RunID, true, "")
		must(t, err)
		if v, _ := w.get("UAT_Y"); v != 4 {
			t.Errorf("dial %d, want 4", v)
		}
	})
}

// Defect 6: role and approver come from the session; nobody approves a high
// action alone; critical needs two people, neither of them the requester.
func TestDefect06FourEyes(t *testing.T) {
	tests := []struct {
		name, dial string
		votes      []string
		wantErr    []bool
		ran        bool
	}{
		{"low: the requester alone", "A", []string{"ana"}, []bool{false}, true},
		{"low: a viewer cannot", "A", []string{"vic"}, []bool{true}, false},
		{"high: not the requester", "UAT_Y", []string{"ana"}, []bool{true}, false},
		{"high: another person", "UAT_Y", []string{"bea"}, []bool{false}, true},
		{"critical: one is not enough", "PROD_X", []string{"bea"}, []bool{false}, false},
		{"critical: one person twice is one", "PROD_X", []string{"bea", "bea"}, []bool{false, true}, false},
		{"critical: the requester does not count", "PROD_X", []string{"ana", "bea"}, []bool{true, false}, false},
		{"critical: two others", "PROD_X", []string{"bea", "cyd"}, []bool{false, false}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				res := w.propose("ana", "turn_dial", tt.dial, 9)
				for i, v := range tt.votes {
					if _, err := w.x.Decide(t.Context(), w.who(v), res.RunID, true, ""); (err != nil) != tt.wantErr[i] {
						t.Errorf("vote of %s: %v", v, err)
					}
				}
				if ran := len(w.written()) > 0; ran != tt.ran {
					t.Errorf("ran = %v, want %v", ran, tt.ran)
				}
			})
		})
	}
}

func TestApprovalIsBoundToWhatWasShown(t *testing.T) {
	tests := []struct {
		name   string
		change func(w *world, id string)
		want   string
	}{
		{"the target moved", func(w *world, _ string) { w.set("UAT_Y", 77) }, "value: 4 → 77"},
		{"the approval expired", func(*world, string) { time.Sleep(16 * time.Minute) }, "expired"},
		{"the requester lost the role", func(w *world, _ string) { w.mu.Lock(); w.roles["ana"] = []string{"viewer"}; w.mu.Unlock() }, "role"},
		{"the requester is gone", func(w *world, _ string) { w.mu.Lock(); delete(w.roles, "ana"); w.mu.Unlock() }, "no such person"},
		{"the stored arguments were tampered with", func(w *world, id string) {
			w.mem.mu.Lock()
			defer w.mem.mu.Unlock()
			r := w.mem.runs[id]
			r.Digest = "0000"
			w.mem.runs[id] = r
		}, "differs"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				bea := w.who("bea")
				res := w.propose("ana", "turn_dial", "UAT_Y", 9)
				tt.change(w, res.RunID)
				_, err := w.x.Decide(t.Context(), bea, res.RunID, true, "")
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				if got := w.written(); len(got) != 0 {
					t.Errorf("wrote %v", got)
				}
				st, lerr := w.mem.LoadRun(t.Context(), res.RunID)
				must(t, lerr)
				if st.Outcome() != EvVoided {
					t.Errorf("outcome %q, journal %v", st.Outcome(), w.events(res.RunID))
				}
				// And it stays so: a void approval cannot be revived.
				if _, err := w.x.Decide(t.Context(), w.who("cyd"), res.RunID, true, ""); err == nil {
					t.Error("a void run was approved again")
				}
			})
		})
	}
}

func TestApproverWhoLostTheRoleDoesNotCount(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		res := w.propose("ana", "turn_dial", "PROD_X", 9)
		_, err := w.x.Decide(t.Context(), w.who("bea"), res.RunID, true, "")
		must(t, err)
		w.mu.Lock()
		w.roles["bea"] = []string{"viewer"}
		w.mu.Unlock()
		if _, err := w.x.Decide(t.Context(), w.who("cyd"), res.RunID, true, ""); err == nil || len(w.written()) != 0 {
			t.Errorf("err %v, wrote %v", err, w.written())
		}
	})
}

// Defects 4 and 5: every caller meets the same guard.
func TestDefect04NoWayAroundTheGuard(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		ctx := t.Context()
		for _, user := range []string{"vic", "bea"} {
			if _, err := w.x.Call(ctx, w.who(user), request("turn_dial", "A", 9)); err == nil {
				t.Errorf("%s could propose", user)
			}
		}
		if _, err := w.x.Call(ctx, Identity{}, request("turn_dial", "A", 9)); err == nil {
			t.Error("nobody could propose")
		}
		for _, r := range w.x.Batch(ctx, w.who("ana"), []Request{request("turn_dial", "A", 9), request("turn_dial", "PROD_X", 9)}) {
			if r.Status != StatusBlocked {
				t.Errorf("a write in a batch is %s", r.Status)
			}
		}
		w.policy = func(PolicyRequest) (PolicyDecision, error) { return PolicyDecision{Allow: true}, errors.New("broken") }
		var denied *DeniedError
		if _, err := w.x.Call(ctx, w.who("ana"), request("turn_dial", "B", 9)); !errors.As(err, &denied) {
			t.Errorf("a broken policy did not deny: %v", err)
		}
		if got := w.written(); len(got) != 0 {
			t.Errorf("wrote %v", got)
		}
	})
}

func TestBadArguments(t *testing.T) {
	tests := []struct{ name, tool, args, want string }{
		{"unknown tool", "turn_dia1", `{}`, "no tool named"},
		{"missing", "turn_dial", `{"dial":"A"}`, `"value"`},
		{"unknown key", "turn_dial", `{"dial":"A","value":1,"force":true}`, `"force"`},
		{"wrong case", "turn_dial", `{"Dial":"A","value":1}`, `"Dial"`},
		{"duplicate", "turn_dial", `{"dial":"A","dial":"B","value":1}`, "twice"},
		{"case variant", "turn_dial", `{"dial":"A","DIAL":"PROD_X","value":1}`, "twice"},
		{"wrong type", "turn_dial", `{"dial":"A","value":"9"}`, `"value"`},
		{"fraction", "turn_dial", `{"dial":"A","value":1.5}`, `"value"`},
		{"null", "turn_dial", `{"dial":null,"value":1}`, `"dial"`},
		{"no object", "turn_dial", `[1]`, "object"},
		{"trailing", "turn_dial", `{"dial":"A","value":1} {}`, "follows"},
		{"not JSON", "turn_dial", `{"dial":`, "JSON"},
		{"huge", "turn_dial", `{"dial":"` + strings.Repeat("x", 70000) + `","value":1}`, "more than"},
		{"homoglyph tool", "turn_diаl", `{}`, "no tool named"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				_, err := w.x.Call(t.Context(), w.who("ana"), Request{Tool: tt.tool, Args: []byte(tt.args)})
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
			})
		})
	}
}

func TestDoubleClickMakesOneCardAndOneExecution(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		first, second := w.propose("ana", "turn_dial", "A", 9), w.propose("ana", "turn_dial", "A", 9)
		if first.RunID != second.RunID {
			t.Errorf("two cards: %s, %s", first.RunID, second.RunID)
		}
		errs := make(chan error, 32)
		for range cap(errs) {
			go func() {
				_, err := w.x.Decide(t.Context(), w.who("ana"), first.RunID, true, "")
				errs <- err
			}()
		}
		ok := 0
		for range cap(errs) {
			if <-errs == nil {
				ok++
			}
		}
		if ok != 1 || len(w.written()) != 1 {
			t.Errorf("%d approvals accepted, wrote %v", ok, w.written())
		}
	})
}

// Defect 9: cancel reaches the work, and says when the engine may have acted.
func TestDefect09Cancel(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		started := make(chan struct{})
		w.onWrite = func(ctx context.Context, _ string) error {
			close(started)
			<-ctx.Done()
			return errors.Join(ctx.Err(), ErrMaybeActed)
		}
		res := w.propose("ana", "turn_dial", "A", 9)
		out := make(chan error, 1)
		go func() { _, err := w.x.Decide(t.Context(), w.who("ana"), res.RunID, true, ""); out <- err }()
		<-started
		var denied *DeniedError
		if err := w.x.Cancel(t.Context(), w.who("vic"), res.RunID); !errors.As(err, &denied) {
			t.Errorf("a stranger cancelled: %v", err)
		}
		must(t, w.x.Cancel(t.Context(), w.who("ana"), res.RunID))
		if err := <-out; !errors.Is(err, ErrMaybeActed) {
			t.Errorf("outcome %v", err)
		}
		if got := w.events(res.RunID); got[len(got)-1] != EvUnknown {
			t.Errorf("journal %v", got)
		}
		waiting := w.propose("ana", "turn_dial", "B", 9)
		must(t, w.x.Cancel(t.Context(), w.who("ana"), waiting.RunID))
		if _, err := w.x.Decide(t.Context(), w.who("ana"), waiting.RunID, true, ""); err == nil || len(w.written()) != 0 {
			t.Errorf("a withdrawn run was approved: %v, wrote %v", err, w.written())
		}
	})
}

func TestReads(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		call := func(dial string) (Result, error) {
			return w.x.Call(t.Context(), w.who("vic"), Request{Tool: "read_dial", Args: []byte(`{"dial":"` + dial + `","note":"how to maintain PROD"}`)})
		}
		res, err := call("B")
		must(t, err)
		if res.Data != 2 || res.Risk.Level != RiskLow || res.Status != StatusDone {
			t.Errorf("result %+v", res)
		}
		if _, err := call("panic"); err == nil || !strings.Contains(err.Error(), "internal fault") {
			t.Errorf("panic: %v", err)
		}
		start := time.Now()
		if _, err := call("hang"); !errors.Is(err, ErrTimeout) || time.Since(start) != 5*time.Second {
			t.Errorf("hang: %v after %v", err, time.Since(start))
		}
		if n := len(w.x.Active()); n != 0 {
			t.Errorf("%d runs left over", n)
		}
	})
}

func TestBatchKeepsOrderAndIsolatesFailures(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		read := func(d string) Request { return Request{Tool: "read_dial", Args: []byte(`{"dial":"` + d + `"}`)} }
		start := time.Now()
		got := w.x.Batch(t.Context(), w.who("ana"), []Request{read("A"), read("panic"), read("hang"), read("hang"), request("turn_dial", "B", 9), read("B")})
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("took %v, the two hanging reads must run side by side", took)
		}
		var states []Status
		for _, r := range got {
			states = append(states, r.Status)
		}
		if diff := cmp.Diff([]Status{StatusDone, StatusError, StatusError, StatusError, StatusBlocked, StatusDone}, states); diff != "" {
			t.Error(diff)
		}
		if got[0].Data != 1 || got[5].Data != 2 {
			t.Errorf("data %v, %v", got[0].Data, got[5].Data)
		}
	})
}
