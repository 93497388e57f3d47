package api_test

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"resync/internal/api"
	"resync/internal/faultnet"
)

// The fault matrix: what each dependency may do wrong, and what a request of each
// tier is then answered. The tables of the dependencies are in matrix*_test.go; the
// tests play them through the whole server, and docs/fault-matrix.md is made of them
// (TestFaultMatrixDocs), so that a cell nobody has thought of fails.

// matrixRow is one fault.
type matrixRow struct{ id, title string }

func matrixRows() []matrixRow {
	return []matrixRow{
		{"refuse", "the connection is refused"}, {"blackhole", "connections are accepted, nothing is answered"}, {"reset", "reset when a request begins (RST)"},
		{"slow-0.2s", "0.2 s slower"}, {"slow-2s", "2 s slower"}, {"slow-35s", "35 s slower"},
		{"cut", "the answer ends too early"}, {"cut-reset", "the answer is cut off by a reset"}, {"slices", "the answer comes in slices"},
		{"500", "HTTP 500"}, {"503", "HTTP 503"}, {"429", "HTTP 429"}, {"garbage", "HTTP 200 with garbage"},
		{"tls-expired", "the certificate has expired"}, {"tls-unknown", "the certificate is signed by somebody nobody knows"}, {"dns", "the name cannot be resolved"},
	}
}

// fault makes the network do what a row says; false when a row has no such fault.
func (r matrixRow) fault() (faultnet.Fault, bool) {
	switch r.id {
	case "refuse":
		return faultnet.Refuse(), true
	case "blackhole":
		return faultnet.Blackhole(), true
	case "reset":
		return faultnet.Reset(), true
	case "slow-0.2s":
		return faultnet.Delay(200 * time.Millisecond), true
	case "slow-2s":
		return faultnet.Delay(2 * time.Second), true
	case "slow-35s":
		return faultnet.Delay(35 * time.Second), true
	case "cut":
		return faultnet.Cut(20), true
	case "cut-reset":
		return faultnet.CutReset(20), true
	case "slices":
		return faultnet.Slice(64, 10*time.Microsecond), true
	case "500":
		return faultnet.HTTP(500, "NullPointerException"), true
	case "503":
		return faultnet.HTTP(503, ""), true
	case "429":
		return faultnet.HTTP(429, ""), true
	case "garbage":
		return faultnet.HTTP(200, "{garbage", "Content-Type: application/json"), true
	}
	return faultnet.Fault{}, false
}

// probe is a request that a cell is looked at through.
type probe struct {
	tier api.Tier
	what string
	ask  func(*matrixStage) reply
}

// answer is what a probe must get.
type answer struct {
	status int
	says   string // in the body
	header string // "Name: part of its value"
}

// cell is one fault of one dependency.
type cell struct {
	row   string
	like  string                // what stands for the fault where it has another form; the fault itself when ""
	how   func() faultnet.Fault // makes the likeness; nil is the fault itself
	none  string                // why there is no such fault here
	other string                // what happens where no request is answered at all; a test of its own shows it
	want  []answer              // one for each probe of the column
	also  string                // what else holds
	bound time.Duration         // the longest a request may take in the test; the column's when 0
	long  bool                  // played in the long ring only
}

// column is one dependency.
type column struct {
	name   string
	test   string // that plays the cells
	bounds string // what bounds a request's time, for the reader of the page
	played string // with which settings, where they are not those of a server
	heals  string
	bound  time.Duration // the longest a request may take with the test's settings
	probes []probe
	cells  []cell
}

// matrix lists the columns.
func matrix() []column {
	return []column{engineColumn(), modelColumn(1), modelColumn(2), modelColumn(3), redisColumn(), postgresColumn(), webhookColumn()}
}

// matrixStage is a server of which one dependency can be broken.
type matrixStage struct {
	h         *host
	operator  *browser
	admin     *browser
	jobs      []string // that wait, a new one for each action
	break_    func(c cell)
	heal      func() // returns when the server has noticed
	mu        sync.Mutex
	slowest   time.Duration
	furthest  time.Duration // past the bound
	holdsSeen int
	ended     []string // ids of jobs whose log can be read
	logs      int      // that have been read
	prepare   func()   // before the fault
	run       string   // that waits for its approval
}

func newMatrixStage(h *host, jobs int) *matrixStage {
	st := &matrixStage{h: h, operator: h.as("operator"), admin: h.as("admin"), furthest: -time.Hour}
	if jobs > 0 {
		st.jobs = h.heldJobs(jobs)
	}
	return st
}

// hold proposes an action on a job that no cell has had.
func (st *matrixStage) hold() reply {
	st.mu.Lock()
	job := st.jobs[st.holdsSeen%len(st.jobs)]
	st.holdsSeen++
	st.mu.Unlock()
	return st.operator.post(executePath, map[string]any{"tool_name": "hold_job", "parameters": map[string]string{"job": job}, "reason": "fault matrix"})
}

func holdProbe() probe {
	return probe{api.Critical, "an action is asked for: `POST /api/v1/agents/tools/execute`", (*matrixStage).hold}
}

// prepared proposes an action before the fault, so that it can be approved during it.
func (st *matrixStage) prepared() {
	var r reply
	st.h.eventually("an action to be taken", func() bool { r = st.hold(); return r.status == http.StatusOK })
	st.run = r.object()["approval_id"].(string)
}

func approveProbe() probe {
	return probe{api.Critical, "an action is approved and carried out: `POST /api/v1/agents/approvals/{id}`", func(st *matrixStage) reply { return st.operator.approve(st.run) }}
}

func pictureProbe() probe {
	return probe{api.BestEffort, "the plan as it was last read: `GET /api/v1/tws/plan/current/job/count`", func(st *matrixStage) reply { return st.operator.get("/api/v1/tws/plan/current/job/count") }}
}

func enginesProbe() probe {
	return probe{api.ReadOnly, "the engines: `GET /api/v1/tws/engines`", func(st *matrixStage) reply { return st.operator.get("/api/v1/tws/engines") }}
}

func versionProbe() probe {
	return probe{api.ReadOnly, "the version, which needs no session: `GET /api/v1/version`", func(st *matrixStage) reply { return st.operator.get("/api/v1/version") }}
}

// matrixSlack is how much later than its bound a request may end here: the promise is
// 100 ms, which RESYNC_LONG asks for; a busy machine is given more.
func matrixSlack() time.Duration {
	if longRing() {
		return 100 * time.Millisecond
	}
	return 2 * time.Second
}

// longRing says whether this is a run of make long, which plays every cell.
func longRing() bool { return os.Getenv("RESYNC_LONG") == "1" }

// inLongRing marks cells that differ from another one by their name only.
func inLongRing(cells []cell, rows ...string) []cell {
	for i := range cells {
		cells[i].long = slices.Contains(rows, cells[i].row)
	}
	return cells
}

// play breaks the dependency as the cell says and sends the column's requests.
func (col column) play(t *testing.T, st *matrixStage, c cell) {
	t.Helper()
	if st.prepare != nil {
		st.prepare()
	}
	st.break_(c)
	defer st.heal()
	bound := c.bound
	if bound == 0 {
		bound = col.bound
	}
	var all sync.WaitGroup
	for i, p := range col.probes {
		all.Go(func() { // side by side: what waits does so for the same reason
			r := p.ask(st)
			took, err := time.ParseDuration(r.header.Get("X-Processing-Time"))
			st.timed(took, took-bound)
			if took > time.Second {
				t.Logf("%s %s: %s", p.tier, p.what, took)
			}
			if over := took - bound; err != nil || over > matrixSlack() {
				t.Errorf("%s %s took %s, %s are allowed; %v", p.tier, p.what, took, bound, err)
			}
			if wrong := c.want[i].wrong(r); wrong != "" {
				t.Errorf("%s %s: %s: %s", p.tier, p.what, wrong, r)
			}
		})
	}
	all.Wait()
}

func (st *matrixStage) timed(took, over time.Duration) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.slowest, st.furthest = max(st.slowest, took), max(st.furthest, over)
}

// wrong says in what a reply is not the answer; "" when it is.
func (a answer) wrong(r reply) string {
	name, part, _ := strings.Cut(a.header, ": ")
	switch {
	case r.status != a.status:
		return fmt.Sprintf("%d, want %d", r.status, a.status)
	case !strings.Contains(string(r.body), a.says):
		return fmt.Sprintf("does not say %q", a.says)
	case a.header != "" && (r.header.Get(name) == "" || !strings.Contains(r.header.Get(name), part)):
		return fmt.Sprintf("%s is %q, want %q", name, r.header.Get(name), part)
	case r.status >= 500 && !strings.Contains(r.header.Get("Content-Type"), "json"):
		return "an error that is no JSON"
	case r.status == http.StatusServiceUnavailable && r.header.Get("Retry-After") == "":
		return "503 without Retry-After"
	}
	return ""
}

// run plays the cells of a kind: those the network makes, those of certificates,
// that of names.
func (col column) run(t *testing.T, st *matrixStage, rows ...string) {
	t.Helper()
	for _, c := range col.cells {
		if c.none+c.other != "" || !slices.Contains(rows, c.row) || c.long && !longRing() {
			continue
		}
		t.Run(c.row, func(t *testing.T) { col.play(t, st, c) })
	}
	t.Logf("%s: slowest request %s; nearest to its bound %s", col.name, st.slowest, -st.furthest)
}

// wireRows are the faults that faultnet makes of a plain connection.
func wireRows() (out []string) {
	for _, r := range matrixRows() {
		if _, ok := r.fault(); ok {
			out = append(out, r.id)
		}
	}
	return out
}

// faultOf is the fault of a cell: its likeness, or what its row says.
func faultOf(t *testing.T, c cell) faultnet.Fault {
	t.Helper()
	if c.how != nil {
		return c.how()
	}
	for _, r := range matrixRows() {
		if f, ok := r.fault(); ok && r.id == c.row {
			return f
		}
	}
	t.Fatalf("%s has no fault of the network", c.row)
	return faultnet.Fault{}
}

// ok is a request that does not notice.
func ok() answer { return answer{status: http.StatusOK} }

// says is a likeness: these bytes answer every request.
func says(bytes string) func() faultnet.Fault {
	return func() faultnet.Fault { return faultnet.Answer("likeness", []byte(bytes)) }
}

// same are answers that are the same for all rows named.
func same(want []answer, rows ...string) []cell {
	var out []cell
	for _, r := range rows {
		out = append(out, cell{row: r, want: want})
	}
	return out
}
