// Package tool is the one guarded way to act on a scheduler.
//
// A tool is a named operation with a strict argument schema, a permission and,
// when it writes, a preview, a verification and an inverse. The [Executor] runs
// every tool of every caller (chat, HTTP, command line, MCP, sub-agents,
// batches) through the same chain; none of its steps can be skipped:
//
//	identity → role → strict schema → canonical arguments → risk → policy →
//	preview → approval envelope → idempotency claim → journal row "executing"
//	committed before the call → call → outcome → verification → undo record
//
// The package knows no scheduler and no database: a tool brings its own calls,
// and the durable rows live behind the [Ledger] of the application.
package tool

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
)

// Permission is what a caller must be allowed to do to run a tool.
type Permission string

// The permissions, weakest first. Everything but ReadOnly is a write and needs
// an approval.
const (
	ReadOnly Permission = "read_only"
	Write    Permission = "write"
	Execute  Permission = "execute"
	Admin    Permission = "admin"
)

// Writes reports whether the permission lets a tool change the engine.
func (p Permission) Writes() bool { return p != ReadOnly }

// UndoClass says how far an action can be taken back.
type UndoClass string

// The undo classes.
const (
	UndoExact             UndoClass = "exact"                // the inverse restores the old state
	UndoExactIfNotStarted UndoClass = "exact-if-not-started" // exact until the job starts
	UndoCompensation      UndoClass = "compensation"         // a counter-action that leaves traces
	UndoNone              UndoClass = "none"                 // nothing takes it back
)

// Spec describes a tool to people, models and the policy.
type Spec struct {
	Name        string        `json:"name"`
	Description string        `json:"description"` // one line
	Permission  Permission    `json:"permission"`
	Severity    Risk          `json:"severity"` // the action's own severity, a floor for its risk
	Timeout     time.Duration `json:"-"`        // of one call; 0 means 30 s
	Tags        []string      `json:"tags"`
	Undo        UndoClass     `json:"undo_class,omitempty"`
	// UndoNote is the condition of the inverse, or the reason there is none. It
	// is shown before the approval.
	UndoNote string `json:"undo_note,omitempty"`
	// Targets names the arguments that hold object names. Only these are
	// searched for risk tokens; free text ("how to maintain …") never is.
	Targets []string `json:"-"`
}

// DefaultTimeout is the time one call may take when a Spec gives none.
const DefaultTimeout = 30 * time.Second

func (s Spec) timeout() time.Duration {
	if s.Timeout <= 0 {
		return DefaultTimeout
	}
	return s.Timeout
}

// Preview is what the approver sees: the target's state before and after, and
// what else follows. It is made by code from facts, never by a model.
type Preview struct {
	Summary string         `json:"summary"`
	Before  map[string]any `json:"before"`
	After   map[string]any `json:"after"`
	Effects []string       `json:"effects"`
}

// Proposal is what a write learns about its target before anything happens.
type Proposal[P any] struct {
	Target   string // name as operators write it, such as WS#STREAM.JOB
	TargetID string
	// Pre is the pre-image: all that Do, Verify and Inverse need later, also in
	// another process after a crash. It must survive JSON.
	Pre P
	// State is what the approval is bound to. When any value differs at
	// execution the approval is void.
	State   map[string]any
	Preview Preview
	Facts   []Fact
}

// Verdict is what one read after a write says about it.
type Verdict string

// The verdicts.
const (
	Applied    Verdict = "applied"     // the plan shows the effect
	NotApplied Verdict = "not_applied" // the plan does not show it (yet)
	Unclear    Verdict = "unclear"     // the plan moved in a way that proves neither
)

// Check is the outcome of one verification read.
type Check struct {
	Verdict Verdict        `json:"verdict"`
	State   map[string]any `json:"state,omitempty"` // the target as it is now
	Note    string         `json:"note"`            // one sentence for the operator
}

// Inverse is the stored operation that takes an action back.
type Inverse struct {
	Tool    string         `json:"tool"`
	Args    map[string]any `json:"args"`
	Class   UndoClass      `json:"class"`
	Summary string         `json:"summary"`
	// Expect is the precondition: the values the target's State must still have
	// for the undo to be right. The undo refuses otherwise.
	Expect map[string]any `json:"expect"`
}

// Meta is what travels with a write to the engine's own audit trail.
type Meta struct {
	RunID, User, Reason, Ticket string
}

// Tool is a registered operation. Make one with [Read] or [Change].
type Tool struct {
	Spec   Spec
	Schema *jsonschema.Schema // of the arguments; unknown properties are refused

	resolved *jsonschema.Resolved
	read     func(ctx context.Context, args json.RawMessage) (any, error)
	write    *writer
}

// writer is a [Change] with its types erased to JSON, as the journal stores it.
type writer struct {
	prepare func(ctx context.Context, args json.RawMessage) (erased, error)
	do      func(ctx context.Context, args, pre json.RawMessage, m Meta) error
	verify  func(ctx context.Context, args, pre json.RawMessage) (Check, error)
	inverse func(args, pre json.RawMessage) (*Inverse, error)
}

type erased = Proposal[json.RawMessage]

// Read makes a tool that only reads. A is the argument struct; its JSON Schema
// is derived from its json and jsonschema tags.
func Read[A any](spec Spec, run func(ctx context.Context, args A) (any, error)) (*Tool, error) {
	if spec.Permission != ReadOnly {
		return nil, fmt.Errorf("tool %s: a reading tool must have permission read_only, not %q", spec.Name, spec.Permission)
	}
	t, err := define[A](spec)
	if err != nil {
		return nil, err
	}
	t.read = func(ctx context.Context, raw json.RawMessage) (any, error) {
		a, err := decode[A](raw)
		if err != nil {
			return nil, err
		}
		return run(ctx, a)
	}
	return t, nil
}

// Change is a tool that writes. P is its pre-image.
type Change[A, P any] struct {
	Spec Spec
	// Prepare reads the target and tells what would happen. It must not write.
	Prepare func(ctx context.Context, args A) (Proposal[P], error)
	// Do sends the write once. It must not retry.
	Do func(ctx context.Context, args A, pre P, m Meta) error
	// Verify reads the target once and says whether the write has taken effect.
	Verify func(ctx context.Context, args A, pre P) (Check, error)
	// Inverse returns the operation that takes the write back; nil (or a nil
	// result) means there is none and Spec.UndoNote says why.
	Inverse func(args A, pre P) *Inverse
}

// Tool registers the change as a tool, or says what is missing.
func (c Change[A, P]) Tool() (*Tool, error) {
	if !c.Spec.Permission.Writes() {
		return nil, fmt.Errorf("tool %s: a change must have a writing permission", c.Spec.Name)
	}
	if c.Prepare == nil || c.Do == nil || c.Verify == nil {
		return nil, fmt.Errorf("tool %s: a change needs Prepare, Do and Verify", c.Spec.Name)
	}
	if c.Spec.Undo == "" || c.Spec.UndoNote == "" {
		return nil, fmt.Errorf("tool %s: a change must name its undo class and note", c.Spec.Name)
	}
	if (c.Inverse == nil) != (c.Spec.Undo == UndoNone) {
		return nil, fmt.Errorf("tool %s: undo class %q does not agree with its inverse", c.Spec.Name, c.Spec.Undo)
	}
	t, err := define[A](c.Spec)
	if err != nil {
		return nil, err
	}
	t.write = &writer{prepare: c.prepare, do: c.do, verify: c.verify, inverse: c.inverse}
	return t, nil
}

func (c Change[A, P]) prepare(ctx context.Context, raw json.RawMessage) (erased, error) {
	a, err := decode[A](raw)
	if err != nil {
		return erased{}, err
	}
	p, err := c.Prepare(ctx, a)
	if err != nil {
		return erased{}, err
	}
	pre, err := json.Marshal(p.Pre)
	if err != nil {
		return erased{}, fmt.Errorf("encoding the pre-image: %w", err)
	}
	return erased{p.Target, p.TargetID, pre, p.State, p.Preview, p.Facts}, nil
}

func (c Change[A, P]) do(ctx context.Context, raw, pre json.RawMessage, m Meta) error {
	a, p, err := decode2[A, P](raw, pre)
	if err != nil {
		return err
	}
	return c.Do(ctx, a, p, m)
}

func (c Change[A, P]) verify(ctx context.Context, raw, pre json.RawMessage) (Check, error) {
	a, p, err := decode2[A, P](raw, pre)
	if err != nil {
		return Check{}, err
	}
	return c.Verify(ctx, a, p)
}

func (c Change[A, P]) inverse(raw, pre json.RawMessage) (*Inverse, error) {
	if c.Inverse == nil {
		return nil, nil
	}
	a, p, err := decode2[A, P](raw, pre)
	if err != nil {
		return nil, err
	}
	return c.Inverse(a, p), nil
}

func define[A any](spec Spec) (*Tool, error) {
	schema, err := jsonschema.For[A](nil)
	if err != nil {
		return nil, fmt.Errorf("tool %s: deriving the argument schema: %w", spec.Name, err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		return nil, fmt.Errorf("tool %s: resolving the argument schema: %w", spec.Name, err)
	}
	return &Tool{Spec: spec, Schema: schema, resolved: resolved}, nil
}

func decode[A any](raw json.RawMessage) (A, error) {
	var a A
	if err := json.Unmarshal(raw, &a); err != nil {
		return a, &ArgError{Problem: err.Error()}
	}
	return a, nil
}

func decode2[A, P any](raw, pre json.RawMessage) (A, P, error) {
	var p P
	a, err := decode[A](raw)
	if err != nil {
		return a, p, err
	}
	if err := json.Unmarshal(pre, &p); err != nil {
		return a, p, fmt.Errorf("decoding the stored pre-image: %w", err)
	}
	return a, p, nil
}
