package resilience

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"resync/breaker"
	"resync/internal/config"
	"resync/internal/store"
)

// settingName is where the store keeps it; action is how the audit calls a
// change.
const (
	settingName = "resilience"
	action      = "resilience.config"
)

// Store keeps the settings and tells who changed them.
type Store interface {
	Setting(ctx context.Context, name string) (store.Setting, error)
	ChangeSetting(ctx context.Context, name string, change func(old json.RawMessage) (json.RawMessage, store.Audit, error)) (store.Setting, error)
	Audits(ctx context.Context, f store.AuditFilter) ([]store.Audit, error)
}

// State is what holds now, and who set it.
type State struct {
	Config    Config
	UpdatedBy string    // "" while nobody has set anything
	UpdatedAt time.Time // zero likewise
}

// Keeper holds what administrators have set and makes it true. It is safe for
// concurrent use.
type Keeper struct {
	st       Store
	breakers *breaker.Registry

	mu    sync.Mutex
	state State
	tuned map[string]bool // :: breakers that have other numbers than they were made with
	rules func([]config.StrategyRule) error
	tell  []func(Config)
}

// New makes a keeper that tunes the breakers of a registry. Nothing holds before
// [Keeper.Load].
func New(st Store, breakers *breaker.Registry) *Keeper {
	return &Keeper{st: st, breakers: breakers, tuned: map[string]bool{}, rules: func([]config.StrategyRule) error { return nil }}
}

// CheckRules has the lines about routes checked by who knows the routes.
func (k *Keeper) CheckRules(check func([]config.StrategyRule) error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rules = check
}

// OnChange calls f with what holds now, and with every change of it. It must not
// call the keeper.
func (k *Keeper) OnChange(f func(Config)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tell = append(k.tell, f)
	f(k.state.Config)
}

// State is what holds now.
func (k *Keeper) State() State {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state
}

// Load reads what is kept and makes it true: at the start, and when another
// server has changed it. What is kept was checked when it was set; a breaker that
// is not there any more is passed over.
func (k *Keeper) Load(ctx context.Context) error {
	set, err := k.st.Setting(ctx, settingName)
	if errors.Is(err, store.ErrNotFound) {
		k.hold(State{})
		return nil
	}
	if err != nil {
		return err
	}
	c, err := parse(set.Value)
	if err != nil {
		return err
	}
	k.hold(State{c, set.UpdatedBy, set.UpdatedAt})
	return nil
}

func parse(raw json.RawMessage) (Config, error) {
	var c Config
	if raw == nil {
		return c, nil
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, fmt.Errorf("read the settings of resilience: %w", err)
	}
	return c, nil
}

// Change checks a patch, keeps it with its reason and makes it true. The names of
// what it changed are returned. A *FieldError says what cannot be, and then
// nothing has changed.
func (k *Keeper) Change(ctx context.Context, p Patch, reason, by string) (State, []string, error) {
	reason = strings.TrimSpace(reason)
	if reason == "" {
		return State{}, nil, &FieldError{"reason", "say why: the reason is kept in the audit"}
	}
	k.mu.Lock()
	rules := k.rules
	k.mu.Unlock()
	var next Config
	var changed []string
	set, err := k.st.ChangeSetting(ctx, settingName, func(old json.RawMessage) (json.RawMessage, store.Audit, error) {
		before, err := parse(old)
		if err != nil {
			return nil, store.Audit{}, err
		}
		if next, changed, err = p.apply(before); err == nil {
			err = next.check(k.known, rules)
		}
		if err == nil && len(changed) == 0 {
			err = &FieldError{"body", "names nothing to change"}
		}
		if err != nil {
			return nil, store.Audit{}, err
		}
		detail, err := json.Marshal(map[string]any{"changed": changed, "before": before, "after": next})
		if err != nil {
			return nil, store.Audit{}, fmt.Errorf("write the audit line: %w", err)
		}
		a := store.Audit{Actor: by, Action: action, Target: strings.Join(changed, ", "), Reason: reason, Detail: detail}
		if reflect.DeepEqual(next, Config{}) {
			return nil, a, nil
		}
		value, err := json.Marshal(next)
		return value, a, err
	})
	var field *FieldError
	switch {
	case errors.As(err, &field):
		return State{}, nil, field
	case err != nil:
		return State{}, nil, err
	}
	st := State{next, set.UpdatedBy, set.UpdatedAt}
	k.hold(st)
	return st, changed, nil
}

// known says whether there is a breaker of a name.
func (k *Keeper) known(name string) error {
	if _, err := k.breakers.Get(name); err != nil {
		return errors.New("no circuit breaker has this name; GET /admin/resilience/breakers lists them")
	}
	return nil
}

// History are the changes, the newest first.
func (k *Keeper) History(ctx context.Context, limit int) ([]store.Audit, error) {
	return k.st.Audits(ctx, store.AuditFilter{Action: action, Limit: limit})
}

// hold makes a state true.
func (k *Keeper) hold(st State) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if st.UpdatedAt.Before(k.state.UpdatedAt) && !st.UpdatedAt.IsZero() {
		return // a slower reading of what has been changed since
	}
	k.state = st
	for name := range k.tuned {
		if _, still := st.Config.Breakers[name]; !still {
			_ = k.breakers.Tune(name, breaker.Tuning{}) // a breaker that has gone needs nothing
			delete(k.tuned, name)
		}
	}
	for name, b := range st.Config.Breakers {
		if k.breakers.Tune(name, breaker.Tuning{Failures: b.Threshold, Delay: b.Delay()}) == nil {
			k.tuned[name] = true
		}
	}
	for _, f := range k.tell {
		f(st.Config)
	}
}
