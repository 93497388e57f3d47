package api_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"resync/hwa/hwasim"
	"resync/internal/state/statetest"
	"resync/internal/store"
)

// outage is one way to lose Redis and to get it back.
type outage struct{ lose, regain func() }

// TestNothingIsExecutedTwiceOverOutages holds and releases jobs through the
// whole product while Redis comes and goes. Every refused request is sent again
// with the same key, every approval twice; the engine must see each approved
// action once, run by run. A few cycles of each kind, a hundred with RESYNC_LONG=1,
// RESYNC_CYCLES to choose.
func TestNothingIsExecutedTwiceOverOutages(t *testing.T) {
	kinds := map[string]func(*testing.T) (string, outage){
		"SIGSTOP": func(t *testing.T) (string, outage) {
			r := statetest.Start(t)
			return r.URL(), outage{r.Freeze, r.Thaw}
		},
		"SIGKILL": func(t *testing.T) (string, outage) {
			r := statetest.Start(t)
			return r.URL(), outage{r.Kill, r.Run}
		},
		"failover": func(t *testing.T) (string, outage) {
			g := statetest.StartGroup(t)
			return g.URL(), outage{g.Failover, g.Heal}
		},
	}
	for name, start := range kinds {
		t.Run(name, func(t *testing.T) {
			cycles := map[string]int{"SIGSTOP": 3, "SIGKILL": 2, "failover": 1}[name]
			if os.Getenv("RESYNC_LONG") == "1" {
				cycles = 100
			}
			if n, err := strconv.Atoi(os.Getenv("RESYNC_CYCLES")); err == nil && n > 0 {
				cycles = n
			}
			url, o := start(t)
			h := newHost(t, withRedis(url)).ready()
			runCycles(t, h, o, cycles)
		})
	}
}

// book is what the clients of a ring know of their runs.
type book struct {
	mu       sync.Mutex
	approved map[string][2]string // :: run id → tool, job: it was approved and its end was seen
	refused  int                  // requests that were sent again
}

func runCycles(t *testing.T, h *host, o outage, cycles int) {
	b := h.as("operator")
	jobs := h.heldJobs(4)
	bk := &book{approved: map[string][2]string{}}
	var stop atomic.Bool
	var wg sync.WaitGroup
	for i, j := range jobs {
		b.back() // a busy machine may have taken Redis for away; signing in is refused then
		own := h.as(fmt.Sprintf("operator-%d", i))
		wg.Go(func() {
			tools := []string{"hold_job", "release_job"}
			for n := 0; !stop.Load(); n++ {
				own.holdOrRelease(t, bk, tools[n%2], j, fmt.Sprintf("%s-%d", t.Name(), i*1_000_000+n))
			}
		})
	}
	seen := watchOutages(t, h, b, o, cycles)
	stop.Store(true)
	wg.Wait()
	h.stop()
	runs := readBooks(t, h, bk)
	t.Logf("%d cycles: %d runs in the journal, %d approved actions, each with its one write on the engine (%d writes), %d requests refused and sent again; %s",
		cycles, runs, len(bk.approved), len(h.sim.Writes()), bk.refused, seen)
	if len(bk.approved) == 0 {
		t.Error("nothing was approved")
	}
}

// holdOrRelease proposes an action, approves it twice at once, and waits for its end.
func (b *browser) holdOrRelease(t *testing.T, bk *book, tool, job, key string) {
	prop := b.until(bk, executePath, map[string]any{"tool_name": tool, "parameters": map[string]string{"job": job}, "reason": "ring"}, key+"-p")
	id, _ := prop.object()["approval_id"].(string)
	if prop.status != http.StatusOK || id == "" {
		t.Errorf("proposal: %s", prop)
		return
	}
	var twice sync.WaitGroup
	for range 2 { // a double click
		twice.Go(func() {
			b.until(bk, approvalsPath+"/"+id, map[string]string{"action": "approve", "reason": "agreed"}, key+"-a")
		})
	}
	twice.Wait()
	b.h.eventually("run "+id+" to end", func() bool {
		got := b.get(runsPath + "/" + id)
		if got.status != http.StatusOK {
			return false // the store was asked too long, or Redis is away
		}
		return slices.Contains([]any{"verified", "unverified", "undoable", "error", "outcome_unknown", "reconciled"}, got.object()["phase"])
	})
	bk.mu.Lock()
	defer bk.mu.Unlock()
	bk.approved[id] = [2]string{tool, job}
}

// reading is how long things took to show.
type reading struct {
	lost, noticed, found []time.Duration
}

func (r reading) String() string {
	p := func(d []time.Duration) string {
		if len(d) == 0 {
			return "nothing"
		}
		slices.Sort(d)
		return fmt.Sprintf("p50 %s max %s", d[len(d)/2].Round(time.Millisecond), d[len(d)-1].Round(time.Millisecond))
	}
	return fmt.Sprintf("outage noticed by the server after %s, shown to a client after %s; end shown after %s", p(r.noticed), p(r.lost), p(r.found))
}

// watchOutages makes the outages and reads when they show. The client that reads
// shares the machine with all the others; what the server itself noted as the begin
// of the outage stands beside it.
func watchOutages(t *testing.T, h *host, b *browser, o outage, cycles int) (r reading) {
	for range cycles {
		time.Sleep(60 * time.Millisecond)
		start := time.Now()
		o.lose()
		h.eventually("the outage to show", func() bool { return b.get("/api/v1/agents/approvals").header.Get("X-Redis-Status") == "unavailable" })
		r.lost = append(r.lost, time.Since(start))
		if since, err := time.Parse(time.RFC3339Nano, fmt.Sprint(dig(b.get(redisPath).ok(), "redis", "since"))); err == nil {
			r.noticed = append(r.noticed, max(since.Sub(start), 0))
		} else {
			t.Errorf("since when it is away: %v", err)
		}
		time.Sleep(100 * time.Millisecond)
		o.regain()
		start = time.Now()
		h.eventually("the end of the outage to show", func() bool { return b.get("/api/v1/agents/approvals").header.Get("X-Redis-Status") == "available" })
		r.found = append(r.found, time.Since(start))
	}
	return r
}

// runOfWrite finds the run that a write on the engine belongs to: its id stands in
// the justification that Resync sends with it.
var runOfWrite = regexp.MustCompile(`via Resync, (run_[0-9a-z]+)\)`)

// readBooks compares three books, run by run: what the clients saw end, the journal,
// and the engine's own log of writes. Every approved run has one claim, one outcome
// and one write, of its operation on its job; every other run has none; every write
// belongs to a run. It returns how many runs the journal has.
func readBooks(t *testing.T, h *host, bk *book) int {
	t.Helper()
	writes := map[string][]hwasim.Write{} // :: run id → its writes
	for _, w := range h.sim.Writes() {
		m := runOfWrite.FindStringSubmatch(w.Description)
		if m == nil {
			t.Errorf("a write that belongs to no run: %+v", w)
			continue
		}
		writes[m[1]] = append(writes[m[1]], w)
	}
	db, err := store.Open(t.Context(), h.file)
	must(t, err)
	defer db.Close()
	journal := map[string]store.RunStatus{}
	for f := (store.RunFilter{Limit: 1000}); ; {
		page, err := db.Runs(t.Context(), f)
		must(t, err)
		for _, r := range page {
			journal[r.ID] = r
			f.Before = r.ID
		}
		if len(page) < f.Limit {
			break
		}
	}
	for id, r := range journal {
		what, approved := bk.approved[id]
		if wrong := bookWrong(r, writes[id], what, approved); wrong != "" {
			t.Errorf("run %s (%s on %s): %s; journal %v", id, r.Tool, r.Target, wrong, steps(r))
		}
	}
	for id := range maps.Keys(bk.approved) {
		if _, ok := journal[id]; !ok {
			t.Errorf("run %s was approved and is not in the journal", id)
		}
	}
	for id := range maps.Keys(writes) {
		if _, ok := journal[id]; !ok {
			t.Errorf("the engine was written to for run %s, which is not in the journal", id)
		}
	}
	return len(journal)
}

// bookWrong says what of a run does not agree, or "".
func bookWrong(r store.RunStatus, writes []hwasim.Write, what [2]string, approved bool) string {
	count := map[string]int{}
	for _, e := range r.Entries {
		count[e.Event]++
	}
	outcomes := count["done"] + count["error"] + count["cancelled"] + count["outcome_unknown"]
	switch {
	case !approved && (len(writes) > 0 || count["executing"] > 0):
		return fmt.Sprintf("nobody approved it, and it has %d claims and %d writes", count["executing"], len(writes))
	case !approved:
		return ""
	case count["approved"] != 1 || count["executing"] != 1 || outcomes != 1:
		return fmt.Sprintf("%d approvals, %d claims and %d outcomes, want one of each", count["approved"], count["executing"], outcomes)
	case len(writes) != 1:
		return fmt.Sprintf("%d writes on the engine", len(writes))
	case r.Tool != what[0] || !strings.Contains(r.Target, what[1]):
		return fmt.Sprintf("the client asked for %v", what)
	case writes[0].Op != map[string]string{"hold_job": "job.hold", "release_job": "job.release"}[r.Tool] || !strings.Contains(writes[0].Name, what[1]):
		return fmt.Sprintf("the engine did %s on %s", writes[0].Op, writes[0].Name)
	}
	return ""
}

func steps(r store.RunStatus) []string {
	var out []string
	for _, e := range r.Entries {
		out = append(out, e.Event)
	}
	return out
}

// The comparison must bite.
func TestTheBooksBite(t *testing.T) {
	run := func(events ...string) store.RunStatus {
		r := store.RunStatus{Run: store.Run{Tool: "hold_job", Target: "WS#S.JOB"}}
		for _, e := range events {
			r.Entries = append(r.Entries, store.Entry{Event: e})
		}
		return r
	}
	good, w := run("proposed", "approved", "executing", "done", "verified"), hwasim.Write{Op: "job.hold", Name: "WS#S.JOB"}
	for _, tt := range []struct {
		r        store.RunStatus
		writes   []hwasim.Write
		approved bool
		ok       bool
	}{
		{good, []hwasim.Write{w}, true, true}, {run("proposed"), nil, false, true},
		{good, nil, true, false}, {good, []hwasim.Write{w, w}, true, false}, {good, []hwasim.Write{{Op: "job.release", Name: "WS#S.JOB"}}, true, false},
		{good, []hwasim.Write{{Op: "job.hold", Name: "WS#S.OTHER"}}, true, false}, {good, []hwasim.Write{w}, false, false},
		{run("approved", "executing", "executing", "done"), []hwasim.Write{w}, true, false}, {run("approved", "executing"), []hwasim.Write{w}, true, false},
	} {
		if wrong := bookWrong(tt.r, tt.writes, [2]string{"hold_job", "JOB"}, tt.approved); (wrong == "") != tt.ok {
			t.Errorf("%v with %d writes, approved %v: %q", steps(tt.r), len(tt.writes), tt.approved, wrong)
		}
	}
}

// until sends a request again, with the same key, as long as it is refused for
// want of Redis or still under way.
func (b *browser) until(bk *book, path string, body any, key string) reply {
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		got := b.post(path, body, "Idempotency-Key", `"`+key+`"`)
		busy := got.status == http.StatusConflict && strings.Contains(string(got.body), "still being carried out")
		if (got.status != http.StatusServiceUnavailable && !busy) || time.Now().After(end) {
			return got
		}
		bk.mu.Lock()
		bk.refused++
		bk.mu.Unlock()
	}
}
