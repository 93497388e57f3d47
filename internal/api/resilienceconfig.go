package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"resync/internal/auth"
	"resync/internal/config"
	"resync/internal/resilience"
	"resync/internal/state"
	"resync/internal/store"
)

// liveRule is what holds for a route now: administrators may change it while
// requests are under way, each of which goes by what held when it came.
type liveRule = atomic.Pointer[tierRule]

// ruleFor is what a route brings with it and the strategy file makes of it, to
// begin with.
func (s *server) ruleFor(r route) *liveRule {
	rule, live := s.tiers.rule(r), &liveRule{}
	live.Store(&rule)
	s.ruled = append(s.ruled, ruledRoute{r, live})
	return live
}

// With is l with what administrators have set in place of it.
func (l Limits) With(set *resilience.Limits) Limits {
	if set == nil {
		return l
	}
	for _, f := range []struct {
		from *int
		to   *int
	}{{set.Chat, &l.Chat}, {set.LLM, &l.LLM}, {set.LLMTokens, &l.LLMTokens}, {set.Actions, &l.Actions}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	return l
}

// limitsNow are the limits that hold.
func (s *server) limitsNow() Limits {
	if l := s.limits.Load(); l != nil {
		return *l
	}
	return s.Limits
}

// steered makes what administrators set about routes and limits true, now and
// whenever it changes.
func (s *server) steered() {
	if s.Resilience == nil {
		return
	}
	s.Resilience.CheckRules(s.checkRules)
	s.Resilience.OnChange(func(c resilience.Config) {
		limits := s.Limits.With(c.Limits)
		s.limits.Store(&limits)
		s.retier(c)
	})
}

// retier gives every route the rule that holds by c.
func (s *server) retier(c resilience.Config) {
	lines, err := resilience.Rules(c.Tiers)
	if err != nil { // it was checked when it was set, perhaps by another version
		s.Log.Error("what is set about tiers cannot be used and is passed over", "err", err)
		lines = nil
	}
	set := overridesOf(lines)
	tiers := map[string]Tier{}
	for _, r := range s.ruled {
		rule := s.ruleBy(set, r.route, c.Mode)
		r.live.Store(&rule)
		for _, p := range r.paths {
			tiers[r.method+" "+p] = rule.tier
		}
	}
	if s.Announce == nil {
		return
	}
	routes := slices.Clone(s.routes)
	for i, r := range routes {
		routes[i].Tier = tiers[r.Method+" "+r.Path]
	}
	s.Announce(routes)
}

// ruleBy is the rule of a route: what was set at run time, else the strategy
// file's, else its own.
func (s *server) ruleBy(set *overrides, r route, mode string) tierRule {
	rule := s.tiers.rule(r)
	if own := set.rule(r); own.from != "" && !alwaysWorks(r) {
		rule = own
	}
	if mode == resilience.FailFast && rule.tier == BestEffort {
		rule.tier, rule.reason = Critical, "an administrator has set that nothing works with less while Redis is away"
	}
	return rule
}

// alwaysWorks are the routes with which an outage is looked at and steered:
// nobody can shut themselves out.
func alwaysWorks(r route) bool { return r.tag == "resilience" }

// checkRules says which line about routes cannot be.
func (s *server) checkRules(lines []config.StrategyRule) error {
	set := overridesOf(lines)
	for _, r := range s.ruled {
		if rule := set.rule(r.route); rule.from != "" && alwaysWorks(r.route) && rule.tier != r.tier {
			return &resilience.FieldError{Field: rule.from + ".pattern",
				Problem: fmt.Sprintf("it matches %s %s, which stays %s: with it an outage is looked at and ended", r.method, r.paths[0], r.tier)}
		}
	}
	err := set.check()
	if err == nil {
		return nil
	}
	first, rest, _ := strings.Cut(strings.ReplaceAll(err.Error(), "\n", "; "), ": ")
	return &resilience.FieldError{Field: first, Problem: rest}
}

// registerSteering adds what administrators set while the program runs.
func (s *server) registerSteering() {
	const path = "/admin/resilience/config"
	add(s, route{id: "resilience-config", method: http.MethodGet, paths: both(path), tag: "resilience", tier: ReadOnly, role: auth.Viewer,
		summary: "Numbers of circuit breakers, tiers and limits, as they hold and as they were set"}, s.resilienceConfig)
	add(s, route{id: "resilience-config-set", method: http.MethodPost, paths: both(path), tag: "resilience", tier: ReadOnly, role: auth.Admin,
		summary: "Change numbers of circuit breakers, tiers and limits from now on", errors: []int{400}}, s.setResilience)
}

type setResilienceInput struct {
	Body struct {
		Reason   string                        `json:"reason,omitempty" maxLength:"400" doc:"why; kept in the audit, and required"`
		FailFast *bool                         `json:"fail_fast_enabled,omitempty" doc:"a Redis that does not answer ends the start; from the next start on"`
		Timeout  *float64                      `json:"fail_fast_timeout,omitempty" doc:"of the contract; it is fixed"`
		Mode     *string                       `json:"degradation_mode,omitempty" doc:"graceful: BEST_EFFORT routes work with less while Redis is away; fail_fast: they refuse"`
		Breakers map[string]resilience.Breaker `json:"breakers,omitempty" doc:"by name; {} goes back to the contract's numbers"`
		Tiers    *[]resilience.Tier            `json:"tiers,omitempty" maxItems:"100" doc:"all lines anew; they go before those of the strategy file"`
		Limits   *resilience.Limits            `json:"limits,omitempty" doc:"a minute and person"`
		Reset    []string                      `json:"reset,omitempty" maxItems:"5" doc:"parts that go back to the settings: fail_fast_enabled, degradation_mode, breakers, tiers, limits"`
	}
}

// breakerNumbers are those of one breaker, and where they come from.
type breakerNumbers struct {
	Threshold int     `json:"threshold"`
	Recovery  float64 `json:"recovery_timeout"`
	Source    string  `json:"source" enum:"contract,set"`

	DefaultThreshold int        `json:"default_threshold" doc:"of the contract"`
	DefaultRecovery  float64    `json:"default_recovery_timeout" doc:"of the contract"`
	ChangedBy        string     `json:"changed_by,omitempty" doc:"who has changed its numbers last"`
	ChangedAt        *time.Time `json:"changed_at,omitempty"`
	Reason           string     `json:"reason,omitempty" doc:"of that change"`
}

type limitsView struct {
	Chat      int `json:"chat"`
	LLM       int `json:"llm"`
	LLMTokens int `json:"llm_tokens"`
	Actions   int `json:"actions"`
}

// resilienceView is what holds.
type resilienceView struct {
	FailFast        bool                      `json:"fail_fast_enabled" doc:"at the next start"`
	Timeout         float64                   `json:"fail_fast_timeout"`
	Mode            string                    `json:"degradation_mode" enum:"graceful,fail_fast"`
	Breakers        map[string]breakerNumbers `json:"breakers"`
	Limits          limitsView                `json:"limits"`
	Set             resilience.Config         `json:"set" doc:"what administrators have set; the rest is as the settings have it"`
	UpdatedBy       string                    `json:"updated_by,omitempty"`
	UpdatedAt       *time.Time                `json:"updated_at,omitempty"`
	RestartRequired bool                      `json:"restart_required"`
	History         []store.Audit             `json:"history,omitempty" doc:"the last changes, the newest first"`
	HistoryError    string                    `json:"history_error,omitempty" doc:"why they cannot be shown"`
}

type resilienceConfigOutput struct{ Body resilienceView }

type setResilienceOutput struct {
	Body struct {
		Success         bool           `json:"success"`
		Updated         []string       `json:"updated"`
		RestartRequired bool           `json:"restart_required"`
		Message         string         `json:"message"`
		Config          resilienceView `json:"config"`
	}
}

// viewResilience shows a state.
func (s *server) viewResilience(st resilience.State) resilienceView {
	v := resilienceView{FailFast: s.RedisFailFast, Timeout: state.CallTime.Seconds(), Mode: resilience.Graceful, Breakers: map[string]breakerNumbers{}, Limits: limitsView(s.limitsNow()), Set: st.Config, UpdatedBy: st.UpdatedBy}
	if st.Config.Mode != "" {
		v.Mode = st.Config.Mode
	}
	if f := st.Config.FailFast; f != nil {
		v.FailFast = *f
	}
	v.RestartRequired = v.FailFast != s.RedisFailFast
	if !st.UpdatedAt.IsZero() {
		at := st.UpdatedAt.UTC()
		v.UpdatedAt = &at
	}
	for _, b := range s.Breakers.All() {
		set, source := b.Settings(), "contract"
		if _, own := st.Config.Breakers[set.Name]; own {
			source = "set"
		}
		made := b.Made()
		v.Breakers[set.Name] = breakerNumbers{Threshold: set.Failures, Recovery: set.Delay.Seconds(), Source: source, DefaultThreshold: made.Failures, DefaultRecovery: made.Delay.Seconds()}
	}
	return v
}

// historyShown is how many changes are shown beside what holds, historyRead how
// many are looked through for who changed the numbers of a breaker last.
const (
	historyShown = 20
	historyRead  = 500
)

func (s *server) resilienceConfig(ctx context.Context, _ *struct{}) (*resilienceConfigOutput, error) {
	out := &resilienceConfigOutput{s.viewResilience(s.Resilience.State())}
	list, err := s.Resilience.History(ctx, historyRead)
	if err != nil { // what holds is in memory, and needed when the store is away
		s.Log.WarnContext(ctx, "reading the changes of resilience", "err", err)
		out.Body.HistoryError = "the database does not answer"
	}
	out.Body.whoChanged(list)
	out.Body.History = list[:min(len(list), historyShown)]
	return out, nil
}

// whoChanged finds the last change of each breaker's numbers; list is the newest
// first.
func (v *resilienceView) whoChanged(list []store.Audit) {
	for _, a := range list {
		var d struct {
			Changed []string `json:"changed"`
		}
		if json.Unmarshal(a.Detail, &d) != nil {
			continue // of a version that wrote it otherwise
		}
		for name, n := range v.Breakers {
			if n.ChangedAt != nil || !slices.Contains(d.Changed, "breakers."+name) && !slices.Contains(d.Changed, "breakers") {
				continue
			}
			at := a.At.UTC()
			n.ChangedBy, n.ChangedAt, n.Reason = a.Actor, &at, a.Reason
			v.Breakers[name] = n
		}
	}
}

func (s *server) setResilience(ctx context.Context, in *setResilienceInput) (*setResilienceOutput, error) {
	b := in.Body
	if b.Timeout != nil && *b.Timeout != state.CallTime.Seconds() {
		return nil, s.problem(ctx, &resilience.FieldError{Field: "fail_fast_timeout", Problem: fmt.Sprintf("it is fixed at %g s: the times after which Redis counts as away are built on it", state.CallTime.Seconds())})
	}
	patch := resilience.Patch{FailFast: b.FailFast, Mode: b.Mode, Breakers: b.Breakers, Tiers: b.Tiers, Limits: b.Limits, Reset: b.Reset}
	by := identityOf(ctx).User
	st, changed, err := s.Resilience.Change(ctx, patch, b.Reason, by)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	s.Log.WarnContext(ctx, "settings of resilience were changed", "audit", true, "changed", changed, "by", by, "reason", b.Reason)
	if s.Tell != nil {
		s.Tell(News{"resilience", map[string]any{"changed": changed, "by": by, "at": st.UpdatedAt.UTC()}})
	}
	out := &setResilienceOutput{}
	out.Body.Config = s.viewResilience(st)
	out.Body.Success, out.Body.Updated, out.Body.RestartRequired = true, changed, out.Body.Config.RestartRequired
	out.Body.Message = "changed from now on: " + strings.Join(changed, ", ")
	if out.Body.RestartRequired {
		out.Body.Message += "; fail_fast_enabled holds from the next start on"
	}
	return out, nil
}

// fieldOf is the field an error of a check names.
func fieldOf(err error) bool {
	var a *resilience.FieldError
	var b *auth.FieldError
	return errors.As(err, &a) || errors.As(err, &b)
}
