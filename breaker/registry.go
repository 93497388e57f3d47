package breaker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// ErrUnknown is in the chain of errors about a name no breaker has.
var ErrUnknown = errors.New("no circuit breaker has this name")

// Registry holds the breakers of a program by name. It is safe for concurrent
// use.
type Registry struct {
	trace  func(context.Context) string
	byName sync.Map // :: string → *Breaker

	mu    sync.Mutex
	hooks []func(Transition)
}

// Option sets up a Registry.
type Option func(*Registry)

// WithTrace gives transitions the trace id of the call that led to them.
func WithTrace(id func(context.Context) string) Option { return func(r *Registry) { r.trace = id } }

// WithHook is OnTransition from the start.
func WithHook(hook func(Transition)) Option {
	return func(r *Registry) { r.hooks = append(r.hooks, hook) }
}

// NewRegistry makes a registry without breakers; see [Contract] for the usual
// ones.
func NewRegistry(opts ...Option) *Registry {
	r := &Registry{}
	for _, o := range opts {
		o(r)
	}
	return r
}

// Register adds a breaker. A name that is taken or settings that make no sense
// are refused.
func (r *Registry) Register(s Settings) (*Breaker, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, taken := r.byName.Load(s.Name); taken {
		return nil, fmt.Errorf("breaker %q: the name is taken", s.Name)
	}
	b := New(s)
	b.trace, b.hooks = r.trace, slices.Clone(r.hooks)
	r.byName.Store(s.Name, b)
	return b, nil
}

// Ensure returns the breaker of that name and registers it if there is none
// yet.
func (r *Registry) Ensure(s Settings) (*Breaker, error) {
	if b, err := r.Get(s.Name); err == nil {
		return b, nil
	}
	b, err := r.Register(s)
	if err != nil {
		if got, missing := r.Get(s.Name); missing == nil {
			return got, nil // somebody else was faster
		}
	}
	return b, err
}

// Remove forgets a breaker whose subject has gone; its name is free again. Who still
// holds it may use it, and nobody sees. It reports whether there was one.
func (r *Registry) Remove(name string) bool {
	_, was := r.byName.LoadAndDelete(name)
	return was
}

// Get returns a breaker; ErrUnknown when there is none.
func (r *Registry) Get(name string) (*Breaker, error) {
	if b, ok := r.byName.Load(name); ok {
		return b.(*Breaker), nil
	}
	return nil, fmt.Errorf("%q: %w", name, ErrUnknown)
}

// All returns the breakers by name.
func (r *Registry) All() []*Breaker {
	var out []*Breaker
	r.byName.Range(func(_, b any) bool { out = append(out, b.(*Breaker)); return true })
	slices.SortFunc(out, func(a, b *Breaker) int { return cmp.Compare(a.set.Name, b.set.Name) })
	return out
}

// OnTransition adds a hook to all breakers, those registered later included; see
// [Breaker.OnTransition].
func (r *Registry) OnTransition(hook func(Transition)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hooks = append(r.hooks, hook)
	for _, b := range r.All() {
		b.OnTransition(hook)
	}
}

// Snapshot is the status of all breakers by name.
func (r *Registry) Snapshot() []Status {
	var out []Status
	for _, b := range r.All() {
		out = append(out, b.Status())
	}
	return out
}

// Health is the registry in a few numbers.
type Health struct {
	Healthy          bool              `json:"healthy"` // none is open
	TotalBreakers    int               `json:"total_breakers"`
	OpenBreakers     int               `json:"open_breakers"`
	CriticalOpen     int               `json:"critical_open"`
	OpenList         []string          `json:"open_list"`
	CriticalOpenList []string          `json:"critical_open_list"`
	Details          map[string]Detail `json:"details"` // :: name → …
}

// Detail is one breaker in Health.
type Detail struct {
	State       State    `json:"state"`
	Failures    int64    `json:"failures"` // in a row
	TotalCalls  int64    `json:"total_calls"`
	SuccessRate *float64 `json:"success_rate"` // 0 to 1; null before the first call
	RetryAfter  float64  `json:"retry_after"`  // seconds
}

// Health sums the breakers up. Open and forced_open ones are open; one that is
// being probed is on its way back and not counted.
func (r *Registry) Health() Health {
	h := Health{Healthy: true, OpenList: []string{}, CriticalOpenList: []string{}, Details: map[string]Detail{}}
	for _, s := range r.Snapshot() {
		h.TotalBreakers++
		h.Details[s.Name] = Detail{s.State, s.FailureCount, s.TotalCalls, s.SuccessRate, s.RetryAfter}
		if !s.State.Refuses() {
			continue
		}
		h.Healthy = false
		h.OpenBreakers++
		h.OpenList = append(h.OpenList, s.Name)
		if s.Critical {
			h.CriticalOpen++
			h.CriticalOpenList = append(h.CriticalOpenList, s.Name)
		}
	}
	return h
}

// Reset resets a breaker by name; see [Breaker.Reset].
func (r *Registry) Reset(name, reason, by string) error {
	return r.with(name, func(b *Breaker) error { return b.Reset(reason, by) })
}

// Enable enables a breaker by name; see [Breaker.Enable].
func (r *Registry) Enable(name, reason, by string) error {
	return r.with(name, func(b *Breaker) error { return b.Enable(reason, by) })
}

// ForceOpen forces a breaker open by name; see [Breaker.ForceOpen].
func (r *Registry) ForceOpen(name, reason, by string, ttl time.Duration) error {
	return r.with(name, func(b *Breaker) error { return b.ForceOpen(reason, by, ttl) })
}

// Disable disables a breaker by name; see [Breaker.Disable].
func (r *Registry) Disable(name, reason, by string, ttl time.Duration) error {
	return r.with(name, func(b *Breaker) error { return b.Disable(reason, by, ttl) })
}

// Tune changes the numbers of a breaker by name; see [Breaker.Tune].
func (r *Registry) Tune(name string, t Tuning) error {
	return r.with(name, func(b *Breaker) error { return b.Tune(t) })
}

func (r *Registry) with(name string, do func(*Breaker) error) error {
	b, err := r.Get(name)
	if err != nil {
		return err
	}
	return do(b)
}

// Contract returns the breakers of the v5.4.2 contract under their names and
// numbers. The delay is shortened by up to a tenth, never lengthened.
func Contract() []Settings {
	row := func(name string, failures, seconds int, critical bool) Settings {
		return Settings{Name: name, Failures: failures, Delay: time.Duration(seconds) * time.Second, Critical: critical, Jitter: 0.1}
	}
	return []Settings{
		row("tws_api", 5, 60, true), row("llm_api", 10, 120, false), row("llm_openai", 5, 60, false), row("llm_anthropic", 5, 60, false),
		row("llm_openrouter", 5, 60, false), row("redis", 3, 30, true), row("database", 3, 30, true), row("rag_retrieval", 5, 60, false),
		row("rag_embedding", 5, 60, false), row("siem", 10, 300, false), row("teams", 5, 120, false), row("webhook", 5, 120, false),
		row("health_check", 10, 60, false), row("background_sync", 10, 300, false),
	}
}
