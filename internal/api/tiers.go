package api

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"resync/internal/config"
)

// Tier says how a route behaves when the shared state is away. It is declared
// where the route is registered, may be changed by the strategy file, and is
// published in the OpenAPI document as x-resync-tier.
type Tier string

// The tiers of the contract.
const (
	ReadOnly   Tier = "READ_ONLY"   // needs no shared state
	BestEffort Tier = "BEST_EFFORT" // works with less, and says so in headers
	Critical   Tier = "CRITICAL"    // answers 503 until the shared state is back
)

// Behavior is what a BEST_EFFORT route does while the shared state is away.
type Behavior string

// The behaviours of the contract, and one of ours.
const (
	QueryTWSDirect  Behavior = "query_tws_direct"         // the engine is asked, behind a tight limit
	CallLLMDirect   Behavior = "call_llm_direct"          // the model is asked, within a budget of its own
	ReadonlyMode    Behavior = "readonly_mode"            // answers, but no action is proposed
	DisableRealtime Behavior = "disable_realtime_updates" // news of other servers is missing; clients read again
	CachedOnly      Behavior = "return_cached_only"       // only what this server still knows
	LocalLimits     Behavior = "local_limits"             // limits are counted by this server alone
)

// degraded is how a BEST_EFFORT route works without the shared state.
type degraded struct {
	behavior Behavior
	warning  string
	cost     string        // how much more it costs, such as 3x
	refresh  time.Duration // when clients should read again; 0 when nothing is to be read again
}

// tierRule is what holds for a route: its declaration, or the strategy file's.
type tierRule struct {
	tier   Tier
	reason string   // of a refusal
	less   degraded // BEST_EFFORT
	retry  time.Duration
	limit  limitName
	from   string // place of the strategy file that changed it; "" is the declaration
}

// realtimeRefresh is how often a screen should read again what nobody tells it.
const realtimeRefresh = 30 * time.Second

// declared is the rule a route brings with it.
func (r route) declared() tierRule {
	return tierRule{tier: r.tier, reason: r.reason(), less: r.less(), limit: r.limit()}
}

// less is what a route does without the shared state when its tier lets it work.
func (r route) less() degraded {
	read := r.method == http.MethodGet
	switch {
	case r.degraded.behavior != "":
		return r.degraded
	case r.tag == "plan":
		return degraded{behavior: QueryTWSDirect, warning: "Cache unavailable - querying TWS directly (higher latency)"}
	case r.id == "rag-query" || r.tag == "llm" && !read:
		return degraded{behavior: CallLLMDirect, warning: "Semantic cache unavailable - calling LLM directly (higher cost)", cost: "3x"}
	case r.tag == "chat" && !read:
		return degraded{behavior: ReadonlyMode, warning: "TWS operations disabled - read-only mode"}
	case read:
		return degraded{behavior: DisableRealtime, warning: "Live updates of other servers unavailable - read again", refresh: realtimeRefresh}
	}
	return degraded{behavior: LocalLimits, warning: "Shared limits unavailable - counted by this server alone"}
}

// reason says why a CRITICAL route refuses.
func (r route) reason() string {
	if r.why != "" {
		return r.why
	}
	switch r.tag {
	case "tools", "undo", "approvals":
		return "state and limits of actions: no action is taken while the servers cannot see each other"
	case "auth":
		return "sessions: sign-in is closed while attempts cannot be counted over all servers"
	case "runs":
		return "state: the runs of the other servers cannot be reached"
	case "llm":
		return "rate limit: what the language model costs cannot be counted"
	}
	return "it needs the shared state"
}

// behaviors are what the strategy file may choose for a route: those that have
// a meaning for it.
func (r route) behaviors() []Behavior {
	out := []Behavior{r.less().behavior, LocalLimits}
	if r.tag == "plan" {
		out = append(out, QueryTWSDirect, CachedOnly)
	}
	if r.tag == "chat" || r.tag == "tools" {
		out = append(out, ReadonlyMode)
	}
	if r.id == "rag-query" {
		out = append(out, CallLLMDirect, CachedOnly)
	}
	if r.method == http.MethodGet {
		out = append(out, DisableRealtime)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// overrides is the strategy file at work.
type overrides struct {
	rules   []config.StrategyRule
	matched []bool
	faults  []error
}

func newOverrides(s *config.Strategy) *overrides {
	if s == nil {
		return overridesOf(nil)
	}
	return overridesOf(s.Rules)
}

func overridesOf(rules []config.StrategyRule) *overrides {
	return &overrides{rules: rules, matched: make([]bool, len(rules))}
}

// rule is what holds for a route. As in the contract READ_ONLY goes before
// CRITICAL and that before BEST_EFFORT when several patterns match; within a
// tier the first does.
func (o *overrides) rule(r route) tierRule {
	out := r.declared()
	for _, tier := range []Tier{BestEffort, Critical, ReadOnly} { // the strongest last
		for i := len(o.rules) - 1; i >= 0; i-- {
			f := o.rules[i]
			if Tier(f.Tier) != tier || !slices.ContainsFunc(r.paths, func(p string) bool { return matches(f.Pattern, r.method, p) }) {
				continue
			}
			o.matched[i] = true
			out = o.change(r, f)
		}
	}
	return out
}

// change is the rule of a route as a line of the file has it.
func (o *overrides) change(r route, f config.StrategyRule) tierRule {
	out := r.declared()
	out.tier, out.from = Tier(f.Tier), f.Where
	name := r.method + " " + r.paths[0]
	if out.tier == ReadOnly && r.tier != ReadOnly && r.method != http.MethodGet {
		o.faults = append(o.faults, fmt.Errorf("%s: %q makes %s READ_ONLY, but it changes something; BEST_EFFORT is the least it may be", f.Where, f.Pattern, name))
	}
	if f.Reason != "" {
		out.reason = f.Reason
	}
	out.retry = f.RetryAfter
	if out.tier != BestEffort {
		return out
	}
	if b := Behavior(f.Behavior); b != "" && b != out.less.behavior {
		if !slices.Contains(r.behaviors(), b) {
			o.faults = append(o.faults, fmt.Errorf("%s: degraded_behavior %q has no meaning for %s; it can do: %s", f.Where, f.Behavior, name, joinBehaviors(r.behaviors())))
		}
		out.less = degraded{behavior: b, warning: "The shared state is unavailable (" + string(b) + ")"}
	}
	if f.Warning != "" {
		out.less.warning = f.Warning
	}
	if f.CostImpact != "" {
		out.less.cost = f.CostImpact
	}
	if f.Refresh > 0 {
		out.less.refresh = f.Refresh
	}
	return out
}

func joinBehaviors(list []Behavior) string {
	words := make([]string, len(list))
	for i, b := range list {
		words[i] = string(b)
	}
	return strings.Join(words, ", ")
}

// check returns what is wrong with the file, once all routes are known.
func (o *overrides) check() error {
	for i, f := range o.rules {
		if o.matched[i] {
			continue
		}
		plain := slices.ContainsFunc(plainRoutes(), func(r Route) bool { return matches(f.Pattern, r.Method, r.Path) })
		switch {
		case !plain:
			o.faults = append(o.faults, fmt.Errorf("%s: the pattern %q matches no route; docs/tiers.md lists them", f.Where, f.Pattern))
		case Tier(f.Tier) != ReadOnly:
			o.faults = append(o.faults, fmt.Errorf("%s: %q is served without any state and is always READ_ONLY", f.Where, f.Pattern))
		}
	}
	return errors.Join(o.faults...)
}

// plainRoutes are served outside the operations: probes, scrapes, documentation
// and the console's files. None needs any state.
func plainRoutes() []Route {
	var out []Route
	for _, p := range []string{"/livez", "/api/v1/livez", "/readyz", "/api/v1/readyz", "/startupz", "/api/v1/startupz", "/health", "/api/v1/health", "/metrics",
		"/docs", "/docs/style.css", "/openapi.json", "/openapi.yaml", "/"} {
		out = append(out, Route{Method: http.MethodGet, Path: p, Tier: ReadOnly})
	}
	return out
}

// matches compares a pattern of the contract, "METHOD path" with * for any
// text and in any case, with a route. Without a method it means all of them.
func matches(pattern, method, path string) bool {
	m, glob, found := strings.Cut(pattern, " ")
	if !found {
		m, glob = "", pattern
	}
	return (m == "" || m == "*" || strings.EqualFold(m, method)) && globbed(strings.ToLower(glob), strings.ToLower(path))
}

// globbed matches * with any text, in time proportional to the text.
func globbed(glob, text string) bool {
	parts := strings.Split(glob, "*")
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	if len(parts) == 1 {
		return glob == text
	}
	text = text[len(parts[0]):]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(text, p)
		if i < 0 {
			return false
		}
		text = text[i+len(p):]
	}
	return strings.HasSuffix(text, parts[len(parts)-1])
}
