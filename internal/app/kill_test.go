package app_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"resync/hwa/hwasim"
	"resync/internal/store"
)

// defaultCycles is how often the server is killed in an ordinary run;
// RESYNC_CRASH_CYCLES=200 is the ring of issue 2.
const defaultCycles = 12

// TestKillNine kills the server in the middle of its actions, again and again,
// and compares three books at the end: what the client was told, what the
// journal says and what the engine was asked. Promise R1: an approved action
// reaches the engine at most once and always gets a recorded outcome.
func TestKillNine(t *testing.T) {
	cycles := defaultCycles
	if s := os.Getenv("RESYNC_CRASH_CYCLES"); s != "" {
		n, err := strconv.Atoi(s)
		must(t, err)
		cycles = n
	}
	for done := 0; done < cycles; done += ringCycles {
		kills := min(ringCycles, cycles-done)
		t.Run(fmt.Sprintf("kills %d to %d", done+1, done+kills), func(t *testing.T) {
			r := newRing(t)
			for n := range kills {
				r.cycle(n)
				if t.Failed() {
					t.Fatalf("stopped in cycle %d", n)
				}
			}
			r.balance()
			t.Logf("%d kills: %s", kills, r.sum)
		})
	}
}

// ringCycles is how often one server is killed before its books are balanced
// and another begins: all its actions must fit one list of the API.
const ringCycles = 200

// ring is the engine, the books and the settings under which the server is
// started each time.
type ring struct {
	t        *testing.T
	sim      *hwasim.Sim
	settings childSettings
	rnd      *rand.Rand
	fresh    map[string][]string // :: tool → names of jobs nobody has touched

	mu    sync.Mutex
	told  map[string]string // :: run id → status the client was told, "proposed" before any outcome
	undos map[string]string // :: run id → the undo run the client was told of
	sum   tally
}

// tally counts what the ring has seen.
type tally struct {
	Proposed, Acked, Writes, Done, Void, Unknown, NotApplied, Refused, Waiting, Undone int
}

func (s tally) String() string {
	return fmt.Sprintf("%d actions proposed, %d outcomes acknowledged, %d writes on the engine; journal: %d done, %d void, %d never sent or not applied, %d refused, %d waiting; %d outcomes were unknown and settled, %d undone",
		s.Proposed, s.Acked, s.Writes, s.Done, s.Void, s.NotApplied, s.Refused, s.Waiting, s.Unknown, s.Undone)
}

func newRing(t *testing.T) *ring {
	sim, err := hwasim.New(hwasim.Config{Speed: -1, Latency: 3 * time.Millisecond})
	must(t, err)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := &ring{t: t, sim: sim, rnd: rand.New(rand.NewPCG(seed, 9)), told: map[string]string{}, undos: map[string]string{}, fresh: map[string][]string{}}
	srv := httptest.NewServer(http.HandlerFunc(r.engine))
	t.Cleanup(srv.Close)
	r.settings = childSettings{Engine: srv.URL, User: sim.DefaultUser(), Password: sim.DefaultPassword(), Dir: t.TempDir(), Grace: 1500 * time.Millisecond}
	k := r.settings.start(t)
	r.fresh["rerun_job"], r.fresh["hold_job"] = r.jobs(k, "SUCC"), r.jobs(k, "HOLD")
	k.kill()
	return r
}

// engine serves one write in four late, whether or not anybody waits for the
// answer: an engine that has a request acts on it.
func (r *ring) engine(w http.ResponseWriter, q *http.Request) {
	if q.Method == http.MethodPut || q.Method == http.MethodPatch {
		r.mu.Lock()
		late := r.rnd.IntN(4) == 0
		pause := time.Duration(100+r.rnd.IntN(300)) * time.Millisecond
		r.mu.Unlock()
		q = q.WithContext(context.WithoutCancel(q.Context()))
		if late {
			time.Sleep(pause)
		}
	}
	r.sim.ServeHTTP(w, q)
}

// jobs lists the names of jobs of a status, in random order.
func (r *ring) jobs(k *child, status string) (out []string) {
	var list struct {
		Items []struct{ ID, Name, Stream string }
	}
	for end := time.Now().Add(30 * time.Second); len(list.Items) == 0; time.Sleep(20 * time.Millisecond) {
		if _, err := k.call(http.MethodGet, "/api/v1/tws/plan/current/job?limit=10000&status="+status, nil, &list); err != nil || time.Now().After(end) {
			r.t.Fatalf("reading the plan: %v", err)
		}
	}
	for _, i := range r.rnd.Perm(len(list.Items)) {
		if list.Items[i].Stream != "FINAL" {
			out = append(out, list.Items[i].ID)
		}
	}
	return out
}

// cycle starts the server, sets actions going and kills it amid them.
func (r *ring) cycle(n int) {
	k := r.settings.start(r.t)
	r.nothingExecutes(k)
	var acts []func()
	if n%4 != 3 {
		acts = r.approvals(k, r.propose(k, 3))
	}
	kill := make(chan struct{}, 8)
	var wg sync.WaitGroup
	if n%4 == 3 { // killed between proposal and approval
		wg.Go(func() {
			for _, id := range r.propose(k, 2) {
				r.approve(k, id)
			}
		})
	}
	for _, act := range acts {
		wg.Go(func() { act(); kill <- struct{}{} })
	}
	after := time.Duration(5+r.random(56)) * time.Millisecond
	if n%2 == 0 && len(acts) > 0 {
		<-kill // a first answer, then soon
		after = time.Duration(r.random(12)) * time.Millisecond
	}
	time.Sleep(after)
	k.kill()
	wg.Wait()
}

func (r *ring) random(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rnd.IntN(n)
}

// nothingExecutes checks what a restart must have settled before it serves: a
// run found executing is of unknown outcome, never executing still.
func (r *ring) nothingExecutes(k *child) {
	var list struct {
		Runs []struct {
			RunID, Phase, Status string
			Run                  string `json:"run_id"`
		}
	}
	if status, err := k.call(http.MethodGet, "/api/v1/agents/runs/active", nil, &list); status != http.StatusOK {
		r.t.Fatalf("active runs: %d %v", status, err)
	}
	for _, run := range list.Runs {
		if run.Phase == "executing" || run.Phase == "approved" {
			r.t.Errorf("run %s is %s after a restart", run.Run, run.Phase)
		}
	}
}

// propose asks for n actions on fresh jobs and returns those the client knows of.
func (r *ring) propose(k *child, n int) (ids []string) {
	for range n {
		tool := []string{"rerun_job", "rerun_job", "hold_job"}[r.random(3)]
		r.mu.Lock()
		job := r.fresh[tool][0]
		r.fresh[tool] = r.fresh[tool][1:]
		r.mu.Unlock()
		var got struct {
			ApprovalID string `json:"approval_id"`
			Approval   struct {
				CanApprove bool `json:"can_approve"`
			}
		}
		status, _ := k.call(http.MethodPost, "/api/v1/agents/tools/execute",
			map[string]any{"tool_name": tool, "parameters": map[string]string{"job": job}, "reason": "kill ring"}, &got)
		if status == http.StatusOK && got.Approval.CanApprove {
			r.note(got.ApprovalID, "proposed")
			ids = append(ids, got.ApprovalID)
		}
	}
	return ids
}

func (r *ring) note(id, status string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told[id] = status
}

// approvals are the decisions to be made at once, with the undo of an earlier
// hold among them.
func (r *ring) approvals(k *child, ids []string) (acts []func()) {
	for _, id := range ids {
		acts = append(acts, func() { r.approve(k, id) })
	}
	var open struct {
		Undoable []struct {
			TraceID string `json:"trace_id"`
		}
	}
	if _, err := k.call(http.MethodGet, "/api/v1/agents/undo/available", nil, &open); err == nil && len(open.Undoable) > 0 {
		id := open.Undoable[r.random(len(open.Undoable))].TraceID
		acts = append(acts, func() { r.undo(k, id) })
	}
	return acts
}

func (r *ring) approve(k *child, id string) {
	var got struct{ Status string }
	if status, _ := k.call(http.MethodPost, "/api/v1/agents/approvals/"+id, map[string]string{"action": "approve"}, &got); status == http.StatusOK {
		r.note(id, got.Status)
	}
}

func (r *ring) undo(k *child, id string) {
	var got struct {
		Status string
		RunID  string `json:"run_id"`
	}
	if status, _ := k.call(http.MethodPost, "/api/v1/agents/undo/"+id, map[string]string{}, &got); status == http.StatusOK && got.Status == "undone" {
		r.mu.Lock()
		r.undos[id] = got.RunID
		r.told[got.RunID] = "done"
		r.mu.Unlock()
	}
}

// journalRun is a run as the journal has it at the end.
type journalRun struct {
	ID      string `json:"run_id"`
	Status  string `json:"status"`
	Phase   string `json:"phase"`
	Parent  string `json:"parent_id"`
	Message string `json:"message"`
	Journal []struct{ Event string }
}

func (j journalRun) has(event string) bool {
	for _, e := range j.Journal {
		if e.Event == event {
			return true
		}
	}
	return false
}

// balance waits until every outcome is settled and compares the books.
func (r *ring) balance() {
	k := r.settings.start(r.t)
	runs := r.settled(k)
	k.kill()
	writes := writesByRun(r.t, r.sim)
	for id, n := range writes {
		if n > 1 {
			r.t.Errorf("DUPLICATE: the engine was asked %d times for run %s", n, id)
		}
		if _, known := runs[id]; !known {
			r.t.Errorf("the engine was asked for run %s, which the journal does not know", id)
		}
		r.sum.Writes += n
	}
	for id, run := range runs {
		r.compare(run, writes[id])
	}
	for id, told := range r.told {
		r.sum.Proposed++
		run, ok := runs[id]
		switch {
		case !ok:
			r.t.Errorf("LOST: run %s was acknowledged (%s) and is not in the journal", id, told)
		case told == "done" && run.Status != "done":
			r.t.Errorf("LOST: run %s was acknowledged as done and is %s: %s", id, run.Status, run.Message)
		case told == "cancelled" && run.Status != "cancelled", told == "error" && run.Status != "error":
			r.t.Errorf("LOST: run %s was acknowledged as %s and is %s", id, told, run.Status)
		}
		if told != "proposed" && told != "blocked_on_user" {
			r.sum.Acked++
		}
	}
	r.undoneOnce(runs)
	r.chain()
}

// settled reads the journal until no outcome is open or unknown.
func (r *ring) settled(k *child) map[string]journalRun {
	r.t.Helper()
	out := map[string]journalRun{}
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		var list struct{ Runs []journalRun }
		if status, err := k.call(http.MethodGet, "/api/v1/agents/runs?limit=1000", nil, &list); status != http.StatusOK {
			r.t.Fatalf("reading the journal: %d %v", status, err)
		}
		if len(list.Runs) == 1000 {
			r.t.Fatal("the journal holds more runs than one answer lists: use fewer cycles")
		}
		open := 0
		for _, run := range list.Runs {
			if run.Status == "outcome_unknown" || run.Status == "in_progress" || run.Phase == "done" {
				open++
			}
		}
		if open == 0 {
			for _, run := range list.Runs {
				var full journalRun
				if status, err := k.call(http.MethodGet, "/api/v1/agents/runs/"+run.ID, nil, &full); status != http.StatusOK {
					r.t.Fatalf("reading run %s: %d %v", run.ID, status, err)
				}
				out[run.ID] = full
			}
			return out
		}
		if time.Now().After(end) {
			r.t.Fatalf("%d runs are still open: %+v", open, list.Runs)
		}
	}
}

// writesByRun counts the engine's writes by the run named in their justification.
func writesByRun(t *testing.T, sim *hwasim.Sim) map[string]int {
	id := regexp.MustCompile(`run_[0-9a-z]+\)$`)
	out := map[string]int{}
	for _, w := range sim.Writes() {
		run := id.FindString(w.Description)
		if run == "" {
			t.Errorf("a write names no run: %+v", w)
			continue
		}
		out[run[:len(run)-1]]++
	}
	return out
}

// compare checks one run of the journal against the engine's book.
func (r *ring) compare(run journalRun, writes int) {
	want := 0
	switch run.Status {
	case "done":
		want = 1
		r.sum.Done++
	case "cancelled":
		r.sum.Void++
	case "blocked_on_user", "queued":
		r.sum.Waiting++
	case "error":
		if run.has("reconciled") {
			r.sum.NotApplied++
		} else {
			r.sum.Refused++
		}
	default:
		r.t.Errorf("run %s ends as %s", run.ID, run.Status)
	}
	if writes != want {
		r.t.Errorf("MISMATCH: run %s is %s (%s) and reached the engine %d times", run.ID, run.Status, run.Message, writes)
	}
	if run.has("outcome_unknown") {
		r.sum.Unknown++
		if !run.has("reconciled") {
			r.t.Errorf("run %s stays unknown", run.ID)
		}
	}
	if run.has("executing") && !run.has("approved") {
		r.t.Errorf("run %s was sent without an approval", run.ID)
	}
}

// undoneOnce checks that no action was taken back twice.
func (r *ring) undoneOnce(runs map[string]journalRun) {
	undone := map[string]int{}
	for _, run := range runs {
		if run.Parent != "" && run.Status == "done" {
			undone[run.Parent]++
			r.sum.Undone++
		}
	}
	for id, n := range undone {
		if n > 1 {
			r.t.Errorf("DUPLICATE: run %s was undone %d times", id, n)
		}
	}
	for id, by := range r.undos {
		if runs[by].Parent != id || runs[by].Status != "done" {
			r.t.Errorf("LOST: the undo of %s by %s was acknowledged and is %s", id, by, runs[by].Status)
		}
	}
}

// chain verifies the hash chain of the journal the kills have left.
func (r *ring) chain() {
	db, err := store.Open(r.t.Context(), "sqlite:"+filepath.Join(r.settings.Dir, "resync.db"))
	must(r.t, err)
	defer db.Close()
	if _, err := db.VerifyJournal(r.t.Context()); err != nil {
		r.t.Errorf("the journal's chain is broken: %v", err)
	}
}
