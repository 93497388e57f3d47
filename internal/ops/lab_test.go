package ops

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"resync/hwa"
	"resync/hwa/hwasim"
	"resync/internal/plan"
	"resync/internal/policy"
	"resync/internal/store"
	"resync/tool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lab is a simulated engine behind HTTP with the real client, the whole catalog,
// the executor and a SQLite ledger.
type lab struct {
	t    *testing.T
	sim  *hwasim.Sim
	deps Deps
	live *plan.Live
	db   *store.Store
	x    *tool.Executor

	mu      sync.Mutex
	onWrite func() // runs before the next write reaches the engine
}

// labConfig changes a lab before it is built.
type labConfig struct {
	sim  hwasim.Config
	exec tool.Config
	user string // account of the engine; the default one when empty
}

func newLab(t *testing.T, change ...func(*labConfig)) *lab {
	t.Helper()
	c := labConfig{sim: hwasim.Config{Jobs: 400, Workstations: 40, Speed: -1},
		exec: tool.Config{VerifyEvery: 2 * time.Millisecond, VerifyFor: 20 * time.Second}}
	for _, f := range change {
		f(&c)
	}
	sim, err := hwasim.New(c.sim)
	must(t, err)
	l := &lab{t: t, sim: sim, live: &plan.Live{Now: sim.Now}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut || r.Method == http.MethodPatch {
			l.mu.Lock()
			hook := l.onWrite
			l.onWrite = nil
			l.mu.Unlock()
			if hook != nil {
				hook()
			}
		}
		sim.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	name, password := account(t, sim, c.user)
	client, err := hwa.New(hwa.Config{BaseURLs: []string{srv.URL}, Username: name, Password: password, Attempts: 1, Timeout: 5 * time.Second})
	must(t, err)
	t.Cleanup(client.Close)
	l.deps = Deps{Client: client, Snapshot: l.snapshot}
	l.db = openStore(t, filepath.Join(t.TempDir(), "ops.db"))
	l.x = l.executor(c.exec)
	t.Cleanup(func() { must(t, l.x.Close(context.Background())) })
	return l
}

func openStore(t *testing.T, path string) *store.Store {
	t.Helper()
	db, err := store.Open(context.Background(), "sqlite:"+path)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

func account(t *testing.T, sim *hwasim.Sim, name string) (user, password string) {
	t.Helper()
	if name == "" {
		return sim.DefaultUser(), sim.DefaultPassword()
	}
	for _, u := range sim.Accounts() {
		if u.Name == name {
			return u.Name, u.Password
		}
	}
	t.Fatalf("the simulator has no account %s", name)
	return "", ""
}

func (l *lab) snapshot(ctx context.Context) (*plan.Snapshot, error) {
	if s := l.live.Snapshot(); s != nil {
		return s, nil
	}
	return l.live.Sync(ctx, l.deps.Client)
}

// executor builds one over the lab's store; a second one is a restarted server.
func (l *lab) executor(cfg tool.Config) *tool.Executor {
	l.t.Helper()
	tools, err := Tools(l.deps)
	must(l.t, err)
	pol, err := policy.Default()
	must(l.t, err)
	cfg.Tools, cfg.Ledger, cfg.Policy, cfg.Identities, cfg.NewID = tools, NewLedger(l.db), rules{pol}, people{}, store.NewID
	if cfg.Engine.Name == "" {
		cfg.Engine = tool.Engine{Name: "lab", Environment: tool.Demo}
	}
	x, err := tool.New(cfg)
	must(l.t, err)
	return x
}

// people has three persons named after their role.
type people struct{}

func (people) Identity(_ context.Context, user string) (tool.Identity, error) {
	if !slices.Contains([]string{"viewer", "operator", "approver"}, user) {
		return tool.Identity{}, errors.New("no such person")
	}
	return tool.Identity{User: user, Roles: []string{user}}, nil
}

// rules asks the built-in policies.
type rules struct{ pol *policy.Policy }

func (r rules) Decide(_ context.Context, q tool.PolicyRequest) (tool.PolicyDecision, error) {
	d := r.pol.Decide(policy.Request{User: q.Who.User, Roles: q.Who.Roles, Action: policy.Action(q.Action), Tool: q.Spec.Name,
		Permission: string(q.Spec.Permission), Risk: q.Risk.String(), EngineName: q.Engine.Name, EngineEnvironment: string(q.Engine.Environment),
		EngineReadOnly: q.Engine.ReadOnly, Requester: q.Requester, FourEyesFrom: "critical"})
	return tool.PolicyDecision{Allow: d.Allow, Rule: d.RuleID, Reason: d.Reason, Needed: d.Needed, AllowSelf: d.AllowSelf}, nil
}

func who(user string) tool.Identity { return tool.Identity{User: user, Roles: []string{user}} }

// beforeWrite has f run when the next write arrives at the engine.
func (l *lab) beforeWrite(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.onWrite = f
}

func (l *lab) inject(fault string) hwasim.Situation {
	l.t.Helper()
	sit, err := l.sim.Inject(fault)
	must(l.t, err)
	l.sync()
	return sit
}

func (l *lab) sync() {
	l.t.Helper()
	_, err := l.live.Sync(l.t.Context(), l.deps.Client)
	must(l.t, err)
}

// pick returns the full name of the first job of the plan with the status that
// is alone in bearing its name.
func (l *lab) pick(status hwa.JobStatus) string {
	l.t.Helper()
	snap, err := l.snapshot(l.t.Context())
	must(l.t, err)
	for i := range snap.Len() {
		j := snap.Job(i)
		if j.Status == string(status) && j.Priority > 0 && j.Stream != "FINAL" && snap.Resolve(j.FullName()).Unique() {
			return j.FullName()
		}
	}
	l.t.Fatalf("no job of the plan is %s", status)
	return ""
}

func (l *lab) job(name string) *hwa.JobInPlan {
	l.t.Helper()
	j, err := l.deps.job(l.t.Context(), name)
	must(l.t, err)
	return j
}

// args is a JSON object.
type args map[string]any

func (l *lab) call(user, name string, a args) (tool.Result, error) {
	raw, err := json.Marshal(a)
	must(l.t, err)
	return l.x.Call(l.t.Context(), who(user), tool.Request{Tool: name, Args: raw, Reason: "the file came late", Ticket: "INC-42"})
}

// read runs a reading tool and returns its data as JSON gives it.
func (l *lab) read(name string, a args) map[string]any {
	l.t.Helper()
	res, err := l.call("viewer", name, a)
	must(l.t, err)
	raw, err := json.Marshal(res.Data)
	must(l.t, err)
	var out map[string]any
	must(l.t, json.Unmarshal(raw, &out))
	return out
}

// propose asks for a write as the operator.
func (l *lab) propose(name string, a args) tool.Result {
	l.t.Helper()
	res, err := l.call("operator", name, a)
	must(l.t, err)
	if res.Status != tool.StatusBlocked {
		l.t.Fatalf("%s is %s, want it to wait for approval", name, res.Status)
	}
	return res
}

// act proposes a write, approves it and returns the outcome.
func (l *lab) act(name string, a args) tool.Result {
	l.t.Helper()
	res, err := l.approve(l.propose(name, a))
	must(l.t, err)
	return res
}

func (l *lab) approve(res tool.Result) (tool.Result, error) {
	return l.x.Decide(l.t.Context(), who("approver"), res.RunID, true, "")
}

// reached waits for a run to have an event and returns it.
func (l *lab) reached(runID string, ev tool.Event) tool.Entry {
	l.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(3 * time.Millisecond) {
		st, err := l.x.Ledger().LoadRun(l.t.Context(), runID)
		must(l.t, err)
		if e, ok := st.Find(ev); ok {
			return e
		}
		if time.Now().After(end) {
			l.t.Fatalf("run %s never reached %s; its journal: %s", runID, ev, phases(st))
		}
	}
}

func phases(st tool.RunState) string {
	var out []string
	for _, e := range st.Entries {
		out = append(out, string(e.Event))
	}
	return strings.Join(out, " → ")
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wants fails unless the error's text holds every piece.
func wants(t testing.TB, err error, pieces ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one that says %q", pieces)
	}
	for _, p := range pieces {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("the error does not say %q: %v", p, err)
		}
	}
}
