package app_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"resync/hwa/hwasim"
	"resync/internal/ops"
	"resync/internal/state/statetest"
	"resync/internal/store"
	"resync/tool"
)

// TestSoak runs a server for RESYNC_SOAK (such as 10m) under everything at once:
// reads, questions, actions that are approved and taken back, event streams that
// come and go, an engine that is restarted and frozen, and, with
// RESYNC_SOAK_REDIS=1, a Redis that is frozen. A fifth of the time is
// the warm-up. At the end goroutines, open files, heap and the database's log are
// what they were after it, the journal's chain holds, and the engine was asked
// once for each action that is done.
func TestSoak(t *testing.T) {
	text := os.Getenv("RESYNC_SOAK")
	if text == "" {
		t.Skip("the soak runs only when RESYNC_SOAK says how long, such as RESYNC_SOAK=10m; make long sets it")
	}
	whole, err := time.ParseDuration(text)
	must(t, err)
	s := newSoak(t)
	s.load(whole / 5)
	warm := s.level()
	t.Logf("after the warm-up of %s: %s; %s", whole/5, warm, s.sum())
	s.load(whole - whole/5)
	s.settle()
	end := s.level()
	t.Logf("after %s: %s; %s", whole, end, s.sum())
	end.within(t, warm)
	s.balance()
	t.Logf("answers by status: %v", s.statuses)
}

// soak is a server of its own process before an engine that can be taken away.
type soak struct {
	t      *testing.T
	engine *outage
	redis  *statetest.Server // nil without RESYNC_SOAK_REDIS
	dir    string
	k      *child
	jobs   []string // waiting jobs that can be held

	mu       sync.Mutex
	statuses map[string]int    // :: "what status" → how often
	told     map[string]string // :: run id → the last status the client was told
	undone   map[string]string // :: run id → the run that took it back, as the client was told
	frames   int               // events the streams have seen
	freezes  int               // stops of Redis
	gaps     int               // events missing in a stream, or seen twice
}

func newSoak(t *testing.T) *soak {
	sim, err := hwasim.New(hwasim.Config{Speed: -1, Latency: 2 * time.Millisecond, Faults: []string{"job-abend"}})
	must(t, err)
	s := &soak{t: t, engine: newOutage(t, sim), dir: t.TempDir(), statuses: map[string]int{}, told: map[string]string{}, undone: map[string]string{}}
	redis := ""
	if os.Getenv("RESYNC_SOAK_REDIS") != "" {
		s.redis = statetest.Start(t)
		redis = s.redis.URL()
	}
	s.k = childSettings{Engine: "http://" + s.engine.addr, User: sim.DefaultUser(), Password: sim.DefaultPassword(), Dir: s.dir,
		Grace: 2 * time.Second, Sync: 2 * time.Second, Handbook: true, Redis: redis}.start(t)
	var list struct {
		Items []struct{ ID, Stream string }
	}
	for end := time.Now().Add(30 * time.Second); len(list.Items) == 0; time.Sleep(50 * time.Millisecond) {
		if _, err := s.k.call(http.MethodGet, "/api/v1/tws/plan/current/job?limit=10000&status=HOLD", nil, &list); err != nil || time.Now().After(end) {
			t.Fatalf("reading the plan: %v", err)
		}
	}
	for _, i := range list.Items {
		if i.Stream != "FINAL" {
			s.jobs = append(s.jobs, i.ID)
		}
	}
	return s
}

func (s *soak) sum() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, c := range s.statuses {
		n += c
	}
	return fmt.Sprintf("%d answers, %d actions proposed, %d undone, %d writes on the engine, %d events, %d outages of the engine, %d of Redis",
		n, len(s.told), len(s.undone), len(s.engine.sim.Writes()), s.frames, s.engine.count, s.freezes)
}

// usage is what a server holds when nobody asks anything of it.
type usage struct{ goroutines, files, heap, wal float64 }

func (u usage) String() string {
	return fmt.Sprintf("%.0f goroutines, %.0f open files, %.1f MB heap, %.1f MB database log", u.goroutines, u.files, u.heap/1e6, u.wal/1e6)
}

// within compares with the level after the warm-up. The allowances are what may
// still move: a connection more or less, turns that are kept for five minutes,
// and a log that grows until the next checkpoint.
func (u usage) within(t *testing.T, warm usage) {
	for _, c := range []struct {
		what      string
		got, most float64
	}{
		{"goroutines", u.goroutines, warm.goroutines + 10}, {"open files", u.files, warm.files + 10},
		{"bytes of heap", u.heap, 1.5*warm.heap + 32e6}, {"bytes of database log", u.wal, max(2*warm.wal, 16e6)},
	} {
		if c.got > c.most {
			t.Errorf("LEAK: %.0f %s at the end, at most %.0f were expected", c.got, c.what, c.most)
		}
	}
}

// level waits until nothing is under way and measures: the least of several
// looks, because a plan may just be being read.
func (s *soak) level() usage {
	s.k.client.CloseIdleConnections()
	var least usage
	quiet := 0
	for end := time.Now().Add(time.Minute); quiet < 8; time.Sleep(400 * time.Millisecond) {
		must(s.t, s.k.cmd.Process.Signal(syscall.SIGUSR1))
		time.Sleep(100 * time.Millisecond)
		m := s.scrape()
		if m["resync_sse_clients"] > 0 || m["resync_http_requests_in_flight"] > 1 {
			if time.Now().After(end) {
				s.t.Fatalf("LEAK: a minute after the load %v streams and %v requests are open", m["resync_sse_clients"], m["resync_http_requests_in_flight"])
			}
			continue
		}
		u := usage{m["go_goroutines"], m["process_open_fds"], m["go_memstats_heap_alloc_bytes"], s.wal()}
		if quiet == 0 {
			least = u
		}
		least = usage{min(least.goroutines, u.goroutines), min(least.files, u.files), min(least.heap, u.heap), u.wal}
		quiet++
	}
	return least
}

// scrape reads the plain series of /metrics.
func (s *soak) scrape() map[string]float64 {
	resp, err := s.k.client.Get(s.k.base + "/metrics") //nolint:noctx // the client has a timeout
	must(s.t, err)
	defer resp.Body.Close()
	out := map[string]float64{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), " "); ok && name != "#" {
			out[name], _ = strconv.ParseFloat(value, 64) // what is no number is no metric we look at
		}
	}
	if out["go_goroutines"] == 0 || out["process_open_fds"] == 0 {
		s.t.Fatalf("/metrics tells nothing about the process (status %d)", resp.StatusCode)
	}
	return out
}

func (s *soak) wal() float64 {
	info, err := os.Stat(filepath.Join(s.dir, "resync.db-wal"))
	must(s.t, err)
	return float64(info.Size())
}

// settle waits until every unknown outcome has been looked up in the plan.
func (s *soak) settle() {
	for end := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		m := s.scrape()
		var list struct {
			Runs []struct{ Status, Phase string }
		}
		_, err := s.k.call(http.MethodGet, "/api/v1/agents/runs/active", nil, &list)
		open := 0
		for _, r := range list.Runs {
			if r.Status == "in_progress" || r.Phase == "done" {
				open++
			}
		}
		if err == nil && open == 0 && m["resync_action_outcome_unknown"] == 0 {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("a minute after the load %v outcomes are unknown and %d runs open: %v", m["resync_action_outcome_unknown"], open, err)
		}
	}
}

// balance stops the server and compares the books of client, journal and engine.
func (s *soak) balance() {
	s.k.client.CloseIdleConnections()
	must(s.t, s.k.cmd.Process.Signal(syscall.SIGTERM))
	if err := s.k.cmd.Wait(); err != nil {
		s.t.Errorf("the server did not stop in order: %v: %s", err, s.k.errOut)
	}
	db, err := store.Open(s.t.Context(), "sqlite:"+filepath.Join(s.dir, "resync.db"))
	must(s.t, err)
	defer db.Close()
	if v, err := db.VerifyJournal(s.t.Context()); err != nil {
		s.t.Errorf("the journal's chain is broken: %v", err)
	} else {
		s.t.Logf("journal: %+v", v)
	}
	runs := s.journal(db)
	writes := writesByRun(s.t, s.engine.sim)
	for id, n := range writes {
		if n > 1 {
			s.t.Errorf("DUPLICATE: the engine was asked %d times for run %s", n, id)
		}
		if st, known := runs[id]; !known || st != tool.StatusDone {
			s.t.Errorf("MISMATCH: the engine was asked for run %s, the journal says %q", id, st)
		}
	}
	done := 0
	for id, st := range runs {
		if st == tool.StatusDone && writes[id] != 1 {
			s.t.Errorf("MISMATCH: run %s is done and reached the engine %d times", id, writes[id])
		}
		if st == tool.StatusDone {
			done++
		}
	}
	for id, told := range s.told {
		if st, known := runs[id]; !known || told == string(tool.StatusDone) && st != tool.StatusDone {
			s.t.Errorf("LOST: run %s was acknowledged as %s, the journal says %q", id, told, st)
		}
	}
	s.t.Logf("journal: %d runs, %d done; engine: %d writes", len(runs), done, len(writes))
	for what, n := range s.statuses {
		if strings.HasSuffix(what, " 500") || strings.HasSuffix(what, " 0") {
			s.t.Errorf("%q was answered %d times", what, n)
		}
	}
	if s.gaps > 0 {
		s.t.Errorf("the event streams had %d gaps or repeats", s.gaps)
	}
	if done == 0 || s.frames == 0 || len(s.undone) == 0 {
		s.t.Error("nothing was done, so nothing is proved")
	}
}

// journal reads the status of every run of the store.
func (s *soak) journal(db *store.Store) map[string]tool.Status {
	out := map[string]tool.Status{}
	l := ops.NewLedger(db)
	for before := ""; ; {
		page, err := db.Runs(s.t.Context(), store.RunFilter{Before: before, Limit: 1000})
		must(s.t, err)
		for _, r := range page {
			st, err := l.LoadRun(s.t.Context(), r.ID)
			must(s.t, err)
			out[r.ID] = st.Status()
		}
		if len(page) < 1000 {
			return out
		}
		before = page[len(page)-1].ID
	}
}

// outage is an engine that can be stopped, started on its old address, and
// frozen: it then takes requests and answers nothing.
type outage struct {
	t     *testing.T
	sim   *hwasim.Sim
	addr  string
	srv   *http.Server
	gate  sync.RWMutex // held while frozen
	count int
}

func newOutage(t *testing.T, sim *hwasim.Sim) *outage {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	o := &outage{t: t, sim: sim, addr: ln.Addr().String()}
	o.serve(ln)
	t.Cleanup(func() { o.srv.Close() })
	return o
}

func (o *outage) serve(ln net.Listener) {
	o.srv = &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.gate.RLock()
		defer o.gate.RUnlock()
		o.sim.ServeHTTP(w, r)
	})}
	go o.srv.Serve(ln) //nolint:errcheck // ends with Close
}

// restart is a kill of the engine's server, an absence and a start.
func (o *outage) restart(away time.Duration) {
	o.srv.Close()
	time.Sleep(away)
	ln, err := net.Listen("tcp", o.addr)
	must(o.t, err)
	o.serve(ln)
	o.count++
}

func (o *outage) freeze(away time.Duration) {
	o.gate.Lock()
	time.Sleep(away)
	o.gate.Unlock()
	o.count++
}
