package tool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// world is a scheduler with one dial per name, and an executor over it.
type world struct {
	t   *testing.T
	x   *Executor
	mem *memory

	mu      sync.Mutex
	dials   map[string]int
	writes  []string                                     // what reached the "engine"
	onWrite func(ctx context.Context, dial string) error // before the effect
	lazy    bool                                         // accepted writes have no effect until apply
	roles   map[string][]string                          // :: user → roles
	policy  func(PolicyRequest) (PolicyDecision, error)
}

type dialArgs struct {
	Dial  string `json:"dial" jsonschema:"name"`
	Value int    `json:"value"`
}

type dialPre struct {
	Dial string `json:"dial"`
	Old  int    `json:"old"`
}

type readArgs struct {
	Dial string `json:"dial"`
	Note string `json:"note,omitempty"`
}

func (w *world) get(dial string) (int, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	v, ok := w.dials[dial]
	return v, ok
}

func (w *world) set(dial string, v int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dials[dial] = v
}

func (w *world) written() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.writes)
}

func (w *world) tools() []*Tool {
	read, err := Read(Spec{Name: "read_dial", Description: "read", Permission: ReadOnly, Targets: []string{"dial"}, Timeout: 5 * time.Second},
		func(ctx context.Context, a readArgs) (any, error) {
			switch a.Dial {
			case "panic":
				panic("boom")
			case "hang":
				<-ctx.Done()
				return nil, ctx.Err()
			}
			v, ok := w.get(a.Dial)
			if !ok {
				return nil, fmt.Errorf("no dial %q", a.Dial)
			}
			return v, nil
		})
	must(w.t, err)
	turn, err := w.turnDial("turn_dial", UndoExact).Tool()
	must(w.t, err)
	burn := w.turnDial("burn_dial", UndoNone)
	burn.Inverse = nil
	once, err := burn.Tool()
	must(w.t, err)
	return []*Tool{read, turn, once}
}

func (w *world) turnDial(name string, class UndoClass) Change[dialArgs, dialPre] {
	return Change[dialArgs, dialPre]{
		Spec: Spec{Name: name, Description: "turn", Permission: Write, Severity: RiskLow, Targets: []string{"dial"}, Undo: class, UndoNote: "the note",
			Timeout: 10 * time.Second},
		Prepare: func(_ context.Context, a dialArgs) (Proposal[dialPre], error) {
			v, ok := w.get(a.Dial)
			if !ok {
				return Proposal[dialPre]{}, fmt.Errorf("no dial %q", a.Dial)
			}
			return Proposal[dialPre]{Target: a.Dial, TargetID: "id-" + a.Dial, Pre: dialPre{a.Dial, v}, State: map[string]any{"value": v},
				Preview: Preview{Summary: "turn " + a.Dial, Before: map[string]any{"value": v}, After: map[string]any{"value": a.Value}}}, nil
		},
		Do: func(ctx context.Context, a dialArgs, _ dialPre, _ Meta) error {
			w.mu.Lock()
			hook, lazy := w.onWrite, w.lazy
			w.mu.Unlock()
			if hook != nil {
				if err := hook(ctx, a.Dial); err != nil {
					return err
				}
			}
			w.mu.Lock()
			w.writes = append(w.writes, fmt.Sprintf("%s=%d", a.Dial, a.Value))
			w.mu.Unlock()
			if !lazy {
				w.set(a.Dial, a.Value)
			}
			return nil
		},
		Verify: func(_ context.Context, a dialArgs, p dialPre) (Check, error) {
			v, _ := w.get(a.Dial)
			c := Check{Verdict: NotApplied, State: map[string]any{"value": v}, Note: fmt.Sprintf("the dial shows %d", v)}
			if v == a.Value {
				c.Verdict = Applied
			} else if v != p.Old {
				c.Verdict = Unclear
			}
			return c, nil
		},
		Inverse: func(a dialArgs, p dialPre) *Inverse {
			return &Inverse{Tool: name, Args: map[string]any{"dial": p.Dial, "value": p.Old}, Class: class, Summary: "turn back",
				Expect: map[string]any{"value": a.Value}}
		},
	}
}

// Decide allows what the roles allow: viewers read, operators propose and
// approve their own below high, approvers approve others'. Critical takes two.
func (w *world) Decide(_ context.Context, r PolicyRequest) (PolicyDecision, error) {
	if w.policy != nil {
		return w.policy(r)
	}
	has := func(role string) bool { return slices.Contains(r.Who.Roles, role) }
	d := PolicyDecision{Rule: "test", Reason: "the role does not allow it", Needed: 1, AllowSelf: r.Risk < RiskHigh}
	if r.Risk == RiskCritical {
		d.Needed = 2
	}
	switch r.Action {
	case ActRead:
		d.Allow = len(r.Who.Roles) > 0
	case ActPropose, ActExecute:
		d.Allow = has("operator") && !r.Engine.ReadOnly
	case ActApprove:
		d.Allow = has("approver") || (has("operator") && r.Who.User == r.Requester)
	}
	return d, nil
}

func (w *world) Identity(_ context.Context, user string) (Identity, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	roles, ok := w.roles[user]
	if !ok {
		return Identity{}, errors.New("no such person")
	}
	return Identity{user, roles}, nil
}

func (w *world) who(user string) Identity {
	id, err := w.Identity(context.Background(), user)
	must(w.t, err)
	return id
}

// newWorld must be called inside a synctest bubble: its clock is the bubble's.
func newWorld(t *testing.T, change ...func(*Config)) *world {
	w := &world{t: t, dials: map[string]int{"A": 1, "B": 2, "PROD_X": 3, "UAT_Y": 4}, mem: newMemory(time.Now),
		roles: map[string][]string{"ana": {"operator"}, "bea": {"approver"}, "cyd": {"approver"}, "vic": {"viewer"}}}
	w.x = w.executor(change...)
	t.Cleanup(func() { must(t, w.x.Close(context.Background())) })
	return w
}

func (w *world) executor(change ...func(*Config)) *Executor {
	n := 0
	var mu sync.Mutex
	cfg := Config{Tools: w.tools(), Ledger: w.mem, Policy: w, Identities: w, Engine: Engine{Name: "E", Environment: Development},
		NewID: func(p string) string {
			mu.Lock()
			defer mu.Unlock()
			n++
			return fmt.Sprintf("%s_%d_%d", p, time.Now().UnixNano(), n)
		}}
	for _, c := range change {
		c(&cfg)
	}
	x, err := New(cfg)
	must(w.t, err)
	return x
}

func (w *world) propose(user, toolName, dial string, value int) Result {
	w.t.Helper()
	res, err := w.x.Call(w.t.Context(), w.who(user), request(toolName, dial, value))
	must(w.t, err)
	return res
}

func request(toolName, dial string, value int) Request {
	raw, _ := json.Marshal(dialArgs{dial, value})
	return Request{Tool: toolName, Args: raw, Reason: "because"}
}

func (w *world) events(id string) []Event {
	st, err := w.mem.LoadRun(context.Background(), id)
	must(w.t, err)
	var out []Event
	for _, e := range st.Entries {
		out = append(out, e.Event)
	}
	return out
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
