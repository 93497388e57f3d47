package tool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Identity is the authenticated person (never the model) behind a call.
type Identity struct {
	User  string
	Roles []string
}

// Engine is the scheduler a executor acts on.
type Engine struct {
	Name        string
	Environment Environment
	ReadOnly    bool
}

// Action is what a policy is asked about.
type Action string

// The actions a policy decides.
const (
	ActRead    Action = "read"
	ActPropose Action = "propose"
	ActApprove Action = "approve"
	ActExecute Action = "execute"
)

// PolicyRequest is one question to the policy.
type PolicyRequest struct {
	Who       Identity
	Action    Action
	Spec      Spec
	Risk      Risk
	Engine    Engine
	Requester string // of the run, when Action is approve or execute
}

// PolicyDecision is its answer. Reason is for people; Rule for the audit.
type PolicyDecision struct {
	Allow     bool
	Rule      string
	Reason    string
	Needed    int  // approvals a proposal needs
	AllowSelf bool // whether the requester may give one
}

// Policy decides who may do what. An error counts as a denial.
type Policy interface {
	Decide(ctx context.Context, r PolicyRequest) (PolicyDecision, error)
}

// Identities returns a person's present roles, so that a role lost between
// approval and execution counts.
type Identities interface {
	Identity(ctx context.Context, user string) (Identity, error)
}

// Config wires an Executor. Tools, Ledger, Policy, Identities and NewID are
// required.
type Config struct {
	Tools      []*Tool
	Ledger     Ledger
	Policy     Policy
	Identities Identities
	Engine     Engine
	NewID      func(prefix string) string
	Now        func() time.Time
	Log        *slog.Logger
	Notify     func(Notice) // progress for screens; must not block
	// Observe is told of every call that ended: of reads, and of writes that were
	// sent. It must not block.
	Observe func(tool string, status Status, took time.Duration)
	// Trace is called before each of these calls and may put a span into the
	// context; what it returns is called at the end. Nil traces nothing.
	Trace func(ctx context.Context, tool, runID string) (context.Context, func(Status, error))

	ApprovalTTL    time.Duration // default 15 min, the longest allowed
	UndoTTL        time.Duration // default 24 h
	VerifyFor      time.Duration // how long a write is looked for in the plan; default 45 s
	VerifyEvery    time.Duration // default 500 ms
	ReconcileGrace time.Duration // before a negative read settles an unknown; default 60 s
	Parallel       int           // reads of a batch at once; default 10
}

// Notice tells screens that a run moved.
type Notice struct {
	RunID string
	Tool  string
	Event Event
	At    time.Time
}

// Executor runs tools. It is safe for concurrent use.
type Executor struct {
	cfg   Config
	tools map[string]*Tool // :: name → tool
	base  context.Context
	stop  context.CancelFunc
	wg    sync.WaitGroup

	mu     sync.Mutex
	active map[string]activeRun // :: run id → what is running now
	debts  map[string]owed      // :: run id → outcome the ledger has not taken yet
}

type activeRun struct {
	tool    string
	user    string
	started time.Time
	cancel  context.CancelCauseFunc
}

// New checks the wiring and returns an executor. Close stops it.
func New(cfg Config) (*Executor, error) {
	if cfg.Ledger == nil || cfg.Policy == nil || cfg.Identities == nil || cfg.NewID == nil {
		return nil, errors.New("tool executor: Ledger, Policy, Identities and NewID are required")
	}
	setDefaults(&cfg)
	x := &Executor{cfg: cfg, tools: map[string]*Tool{}, active: map[string]activeRun{}, debts: map[string]owed{}}
	for _, t := range cfg.Tools {
		if _, dup := x.tools[t.Spec.Name]; dup {
			return nil, fmt.Errorf("tool executor: two tools are named %s", t.Spec.Name)
		}
		x.tools[t.Spec.Name] = t
	}
	x.base, x.stop = context.WithCancel(context.Background())
	return x, nil
}

func setDefaults(c *Config) {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&c.ApprovalTTL, 15*time.Minute)
	c.ApprovalTTL = min(c.ApprovalTTL, 15*time.Minute)
	def(&c.UndoTTL, 24*time.Hour)
	def(&c.VerifyFor, 45*time.Second)
	def(&c.VerifyEvery, 500*time.Millisecond)
	def(&c.ReconcileGrace, time.Minute)
	if c.Parallel <= 0 {
		c.Parallel = 10
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Notify == nil {
		c.Notify = func(Notice) {}
	}
	if c.Observe == nil {
		c.Observe = func(string, Status, time.Duration) {}
	}
	if c.Trace == nil {
		c.Trace = func(ctx context.Context, _, _ string) (context.Context, func(Status, error)) {
			return ctx, func(Status, error) {}
		}
	}
}

// Close cancels what is running and waits for it, at most until ctx ends. A
// write in flight is journalled as outcome_unknown by its own goroutine.
func (x *Executor) Close(ctx context.Context) error {
	x.stop()
	done := make(chan struct{})
	go func() { x.wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for running tools: %w", ctx.Err())
	}
}

// Tools lists the catalog by name.
func (x *Executor) Tools() []*Tool {
	out := make([]*Tool, 0, len(x.tools))
	for _, t := range x.tools {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b *Tool) int { return strings.Compare(a.Spec.Name, b.Spec.Name) })
	return out
}

// EngineInfo returns the engine this executor acts on.
func (x *Executor) EngineInfo() Engine { return x.cfg.Engine }

// Ledger gives read access to the rows behind the executor, for screens.
func (x *Executor) Ledger() interface {
	RunLog
	Approvals
	Undos
} {
	return x.cfg.Ledger
}

// Request asks for one tool.
type Request struct {
	Tool           string
	Args           json.RawMessage
	Reason         string // why; goes to the engine's audit trail
	Ticket         string
	ConversationID string
	parent         string // the run an undo takes back
}

// Result is what came of a Request.
type Result struct {
	RunID    string
	Tool     string
	Status   Status
	Data     any // of a read
	Risk     Assessment
	Duration time.Duration
	Run      *RunState // of a write
	Approval *Approval // of a write that waits for one
	Err      error     // why Status is error
}

// UnknownToolError names a tool that is not in the catalog.
type UnknownToolError struct{ Name string }

// Error names the tool.
func (e *UnknownToolError) Error() string { return fmt.Sprintf("there is no tool named %q", e.Name) }

// DeniedError is a refusal by the policy.
type DeniedError struct{ Rule, Reason string }

// Error gives the policy's own reason.
func (e *DeniedError) Error() string { return "not allowed: " + e.Reason }

// Call runs a read at once, or proposes a write and returns its approval
// envelope with status blocked_on_user. A refusal (unknown tool, wrong
// arguments, policy, target) is an error; nothing was executed then.
func (x *Executor) Call(ctx context.Context, who Identity, req Request) (Result, error) {
	start := x.cfg.Now()
	t, args, err := x.admit(who, req)
	if err != nil {
		return Result{Tool: req.Tool, Status: StatusError, Err: err}, err
	}
	var res Result
	if t.write == nil {
		inner, end := x.cfg.Trace(ctx, t.Spec.Name, "")
		res, err = x.read(inner, who, t, args)
		end(statusOf(err), err)
		x.cfg.Observe(t.Spec.Name, statusOf(err), x.cfg.Now().Sub(start))
	} else {
		res, err = x.propose(ctx, who, t, args, req)
	}
	res.Tool, res.Duration = t.Spec.Name, x.cfg.Now().Sub(start)
	if err != nil {
		res.Status, res.Err = StatusError, err
	}
	return res, err
}

func statusOf(err error) Status {
	if err != nil {
		return StatusError
	}
	return StatusDone
}

// admit is the first half of the chain: identity, tool, strict schema and
// canonical arguments.
func (x *Executor) admit(who Identity, req Request) (*Tool, json.RawMessage, error) {
	if who.User == "" {
		return nil, nil, &DeniedError{"identity", "nobody is signed in"}
	}
	t, ok := x.tools[req.Tool]
	if !ok {
		return nil, nil, &UnknownToolError{req.Tool}
	}
	args, err := Canonical(req.Args)
	if err != nil {
		return nil, nil, err
	}
	var generic map[string]any
	if err := json.Unmarshal(args, &generic); err != nil {
		return nil, nil, &ArgError{Problem: err.Error()}
	}
	if err := t.resolved.Validate(generic); err != nil {
		return nil, nil, schemaError(t, generic, err)
	}
	return t, args, nil
}

// schemaError names the argument that is wrong; the schema library names paths
// inside the schema, which mean nothing to an operator.
func schemaError(t *Tool, args map[string]any, err error) error {
	for k := range args {
		if _, known := t.Schema.Properties[k]; !known {
			return &ArgError{Field: k, Problem: fmt.Sprintf("%s has no such argument; it takes %s", t.Spec.Name, propertyNames(t))}
		}
	}
	for _, k := range t.Schema.Required {
		if _, given := args[k]; !given {
			return &ArgError{Field: k, Problem: t.Spec.Name + " needs it"}
		}
	}
	for k, sub := range t.Schema.Properties {
		v, given := args[k]
		if !given {
			continue
		}
		r, rerr := sub.Resolve(nil)
		if rerr == nil && r.Validate(v) != nil {
			return &ArgError{Field: k, Problem: fmt.Sprintf("%v does not fit: %s", v, expects(sub.Type, sub.Minimum, sub.Maximum))}
		}
	}
	return &ArgError{Problem: err.Error()}
}

func expects(typ string, lo, hi *float64) string {
	out := "a value of type " + typ + " is expected"
	if lo != nil {
		out += fmt.Sprintf(", at least %v", *lo)
	}
	if hi != nil {
		out += fmt.Sprintf(", at most %v", *hi)
	}
	return out
}

func propertyNames(t *Tool) string {
	names := make([]string, 0, len(t.Schema.Properties))
	for k := range t.Schema.Properties {
		names = append(names, k)
	}
	slices.Sort(names)
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func (x *Executor) decide(ctx context.Context, r PolicyRequest) (PolicyDecision, error) {
	r.Engine = x.cfg.Engine
	d, err := x.cfg.Policy.Decide(ctx, r)
	if err != nil {
		// Fail closed: a guard that cannot decide denies.
		return d, &DeniedError{"policy-error", "the policy could not be evaluated: " + err.Error()}
	}
	if !d.Allow {
		return d, &DeniedError{d.Rule, d.Reason}
	}
	return d, nil
}

// targetNames collects the arguments that hold object names.
func targetNames(spec Spec, args json.RawMessage) []string {
	var m map[string]any
	if json.Unmarshal(args, &m) != nil {
		return nil
	}
	var out []string
	for _, k := range spec.Targets {
		if s, ok := m[k].(string); ok && s != "" {
			out = append(out, s)
		}
	}
	return out
}

// read runs a read-only tool under its timeout and the caller's context.
func (x *Executor) read(ctx context.Context, who Identity, t *Tool, args json.RawMessage) (Result, error) {
	risk := Assess(t.Spec, x.cfg.Engine.Environment, targetNames(t.Spec, args), nil)
	if _, err := x.decide(ctx, PolicyRequest{Who: who, Action: ActRead, Spec: t.Spec, Risk: risk.Level}); err != nil {
		return Result{}, err
	}
	id := x.cfg.NewID("run")
	ctx, done := x.track(ctx, id, t.Spec, who.User)
	defer done()
	data, err := guard(func() (any, error) { return t.read(ctx, args) })
	if err != nil {
		return Result{RunID: id, Risk: risk}, fmt.Errorf("%s: %w", t.Spec.Name, reworded(ctx, t.Spec, err))
	}
	return Result{RunID: id, Status: StatusDone, Data: data, Risk: risk}, nil
}

// ErrTimeout is the cause when a tool ran past its time.
var ErrTimeout = errors.New("the tool ran past its time")

// ErrCancelled is the cause when a person cancelled the run.
var ErrCancelled = errors.New("cancelled on request")

// track registers a running call so that it can be listed and cancelled, and
// bounds its time.
func (x *Executor) track(ctx context.Context, id string, spec Spec, user string) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	ctx, stop := context.WithTimeoutCause(ctx, spec.timeout(), ErrTimeout)
	unhook := context.AfterFunc(x.base, func() { cancel(errors.New("the server is stopping")) })
	x.mu.Lock()
	x.active[id] = activeRun{spec.Name, user, x.cfg.Now(), cancel}
	x.mu.Unlock()
	return ctx, func() {
		x.mu.Lock()
		delete(x.active, id)
		x.mu.Unlock()
		unhook()
		stop()
		cancel(nil)
	}
}

// reworded replaces a bare context error by what really happened.
func reworded(ctx context.Context, spec Spec, err error) error {
	if ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
		return err
	}
	if cause := context.Cause(ctx); errors.Is(cause, ErrTimeout) {
		return fmt.Errorf("no answer within %s: %w", spec.timeout(), errors.Join(cause, err))
	}
	return errors.Join(context.Cause(ctx), err)
}

// guard turns a panic of a tool into an error: one bad tool must not take the
// server, or its neighbours in a batch, with it.
func guard[T any](f func() (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("internal fault: %v", p)
		}
	}()
	return f()
}
