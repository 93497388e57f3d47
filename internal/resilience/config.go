// Package resilience keeps what administrators change of Resync's safety nets
// while it runs: the numbers of circuit breakers, what routes do while Redis is
// away, limits. A change is checked as a whole, named field by field where it
// cannot be, written with its audit line in one transaction, and holds at once;
// what it does not name stays as the settings have it.
package resilience

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"resync/internal/config"
)

// Config is what administrators have set. What is absent is as the settings and
// the contract have it.
type Config struct {
	FailFast *bool              `json:"fail_fast_enabled,omitempty"` // from the next start on
	Mode     string             `json:"degradation_mode,omitempty"`  // one of the modes; "" is Graceful
	Breakers map[string]Breaker `json:"breakers,omitempty"`          // :: name → its numbers
	Tiers    []Tier             `json:"tiers,omitempty"`             // before those of the strategy file
	Limits   *Limits            `json:"limits,omitempty"`
}

// What BEST_EFFORT routes do while Redis is away.
const (
	Graceful = "graceful"  // each works with less, as it declares
	FailFast = "fail_fast" // each refuses with 503, like a CRITICAL one
)

// Breaker are the numbers of one circuit breaker; a zero one is as before.
type Breaker struct {
	Threshold int     `json:"threshold,omitempty" minimum:"0" maximum:"1000" doc:"failures in a row that open it; 0 is as before"`
	Recovery  float64 `json:"recovery_timeout,omitempty" minimum:"0" maximum:"3600" doc:"seconds it stays open at most; 0 is as before"`
}

// Delay is Recovery as a time.
func (b Breaker) Delay() time.Duration { return time.Duration(b.Recovery * float64(time.Second)) }

// Tier is a line of the strategy file, in its words.
type Tier struct {
	Pattern    string  `json:"pattern" maxLength:"200" doc:"METHOD path, with * for any text, such as GET /api/v1/rag/*"`
	Tier       string  `json:"tier" doc:"READ_ONLY, BEST_EFFORT or CRITICAL"`
	Behavior   string  `json:"degraded_behavior,omitempty" maxLength:"60" doc:"of BEST_EFFORT"`
	Warning    string  `json:"warning_message,omitempty" maxLength:"200"`
	CostImpact string  `json:"cost_impact,omitempty" maxLength:"40"`
	Refresh    float64 `json:"refresh_interval,omitempty" minimum:"0" maximum:"3600" doc:"seconds"`
	Reason     string  `json:"reason,omitempty" maxLength:"200" doc:"of a refusal, for CRITICAL"`
	RetryAfter float64 `json:"retry_after,omitempty" minimum:"0" maximum:"3600" doc:"seconds, for CRITICAL"`
}

// Limits are requests, or tokens, per minute and person; 0 does not limit, and
// an absent one is as the settings have it.
type Limits struct {
	Chat      *int `json:"chat,omitempty" minimum:"0" maximum:"1000000"`
	LLM       *int `json:"llm,omitempty" minimum:"0" maximum:"1000000"`
	LLMTokens *int `json:"llm_tokens,omitempty" minimum:"0" maximum:"1000000000"`
	Actions   *int `json:"actions,omitempty" minimum:"0" maximum:"1000000"`
}

// FieldError refuses a change and names the field.
type FieldError struct{ Field, Problem string }

// Error names the field.
func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }

// Patch changes a Config: what is absent stays.
type Patch struct {
	FailFast *bool
	Mode     *string
	Breakers map[string]Breaker // an empty one: as the contract has it
	Tiers    *[]Tier            // all of them anew
	Limits   *Limits
	Reset    []string // parts that go back to the settings: fail_fast_enabled, degradation_mode, breakers, tiers, limits
}

// parts are the parts of a Config by their names.
func parts() []string {
	return []string{"fail_fast_enabled", "degradation_mode", "breakers", "tiers", "limits"}
}

// apply returns c with the patch and the names of what it changes, such as
// breakers.redis.
func (p Patch) apply(c Config) (Config, []string, error) {
	var changed []string
	c.Breakers, c.Tiers = maps.Clone(c.Breakers), slices.Clone(c.Tiers)
	for i, part := range p.Reset {
		switch part {
		case "fail_fast_enabled":
			c.FailFast = nil
		case "degradation_mode":
			c.Mode = ""
		case "breakers":
			c.Breakers = nil
		case "tiers":
			c.Tiers = nil
		case "limits":
			c.Limits = nil
		default:
			return c, nil, &FieldError{fmt.Sprintf("reset[%d]", i), fmt.Sprintf("there is no part %q; there are %s", part, strings.Join(parts(), ", "))}
		}
		changed = append(changed, part)
	}
	if p.FailFast != nil {
		c.FailFast, changed = p.FailFast, append(changed, "fail_fast_enabled")
	}
	if p.Mode != nil {
		c.Mode, changed = *p.Mode, append(changed, "degradation_mode")
	}
	for _, name := range slices.Sorted(maps.Keys(p.Breakers)) {
		changed = append(changed, "breakers."+name)
		if p.Breakers[name] == (Breaker{}) {
			delete(c.Breakers, name)
			continue
		}
		if c.Breakers == nil {
			c.Breakers = map[string]Breaker{}
		}
		c.Breakers[name] = p.Breakers[name].over(c.Breakers[name])
	}
	if p.Tiers != nil {
		c.Tiers, changed = slices.Clone(*p.Tiers), append(changed, "tiers")
	}
	if p.Limits != nil {
		var l Limits
		if c.Limits != nil {
			l = *c.Limits
		}
		c.Limits, changed = p.Limits.over(l), append(changed, p.Limits.names()...)
	}
	slices.Sort(changed)
	return c, slices.Compact(changed), nil
}

// over puts the numbers given in place of those there are.
func (b Breaker) over(old Breaker) Breaker {
	if b.Threshold == 0 {
		b.Threshold = old.Threshold
	}
	if b.Recovery == 0 {
		b.Recovery = old.Recovery
	}
	return b
}

// over puts the limits given in place of those there are.
func (l *Limits) over(old Limits) *Limits {
	for _, f := range []struct{ from, to **int }{{&l.Chat, &old.Chat}, {&l.LLM, &old.LLM}, {&l.LLMTokens, &old.LLMTokens}, {&l.Actions, &old.Actions}} {
		if *f.from != nil {
			*f.to = *f.from
		}
	}
	return &old
}

// names are the limits given.
func (l *Limits) names() (out []string) {
	for _, f := range []struct {
		name string
		set  bool
	}{{"chat", l.Chat != nil}, {"llm", l.LLM != nil}, {"llm_tokens", l.LLMTokens != nil}, {"actions", l.Actions != nil}} {
		if f.set {
			out = append(out, "limits."+f.name)
		}
	}
	return out
}

// check refuses what cannot work. known says whether there is a breaker of a
// name, rules whether the routes can work by the lines.
func (c Config) check(known func(string) error, rules func([]config.StrategyRule) error) error {
	if c.Mode != "" && c.Mode != Graceful && c.Mode != FailFast {
		return &FieldError{"degradation_mode", fmt.Sprintf("%q is not one of %s, %s", c.Mode, Graceful, FailFast)}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Breakers)) {
		b, field := c.Breakers[name], "breakers."+name
		if err := known(name); err != nil {
			return &FieldError{field, err.Error()}
		}
		if b.Threshold < 0 || b.Threshold > 1000 {
			return &FieldError{field + ".threshold", fmt.Sprintf("%d is not from 1 to 1000 failures", b.Threshold)}
		}
		if bad(b.Recovery) || b.Recovery > 0 && b.Recovery < 0.1 {
			return &FieldError{field + ".recovery_timeout", fmt.Sprintf("%g is not from 0.1 to 3600 seconds", b.Recovery)}
		}
	}
	if len(c.Tiers) > 100 {
		return &FieldError{"tiers", fmt.Sprintf("%d lines are too many; 100 are kept", len(c.Tiers))}
	}
	lines, err := Rules(c.Tiers)
	if err == nil && len(lines) > 0 {
		err = rules(lines)
	}
	if err != nil {
		return err
	}
	return c.Limits.check()
}

// bad is a number of seconds that none can be.
func bad(seconds float64) bool {
	return math.IsNaN(seconds) || seconds < 0 || seconds > 3600
}

func (l *Limits) check() error {
	if l == nil {
		return nil
	}
	for _, f := range []struct {
		name string
		n    *int
		most int
	}{{"chat", l.Chat, 1e6}, {"llm", l.LLM, 1e6}, {"llm_tokens", l.LLMTokens, 1e9}, {"actions", l.Actions, 1e6}} {
		if f.n != nil && (*f.n < 0 || *f.n > f.most) {
			return &FieldError{"limits." + f.name, fmt.Sprintf("%d is not from 0 (no limit) to %d a minute", *f.n, f.most)}
		}
	}
	return nil
}

// Rules are the lines as the routes read them; where is tiers[i]. A *FieldError
// names the line that cannot be.
func Rules(tiers []Tier) ([]config.StrategyRule, error) {
	out := make([]config.StrategyRule, 0, len(tiers))
	for i, t := range tiers {
		where := fmt.Sprintf("tiers[%d]", i)
		pattern := oneLine(t.Pattern)
		switch {
		case pattern == "":
			return nil, &FieldError{where + ".pattern", `a pattern is missing, such as "GET /api/v1/rag/*"`}
		case !slices.Contains([]string{"READ_ONLY", "BEST_EFFORT", "CRITICAL"}, t.Tier):
			return nil, &FieldError{where + ".tier", fmt.Sprintf("%q is not one of READ_ONLY, BEST_EFFORT, CRITICAL", t.Tier)}
		case t.Behavior != "" && t.Tier != "BEST_EFFORT":
			return nil, &FieldError{where + ".degraded_behavior", "only a BEST_EFFORT route has one"}
		case (t.Reason != "" || t.RetryAfter != 0) && t.Tier != "CRITICAL":
			return nil, &FieldError{where + ".reason", "only a CRITICAL route refuses"}
		case bad(t.Refresh):
			return nil, &FieldError{where + ".refresh_interval", fmt.Sprintf("%g is not from 0 to 3600 seconds", t.Refresh)}
		case bad(t.RetryAfter):
			return nil, &FieldError{where + ".retry_after", fmt.Sprintf("%g is not from 0 to 3600 seconds", t.RetryAfter)}
		}
		out = append(out, config.StrategyRule{Tier: t.Tier, Pattern: pattern, Behavior: t.Behavior, Warning: oneLine(t.Warning), CostImpact: oneLine(t.CostImpact),
			Refresh: seconds(t.Refresh), Reason: oneLine(t.Reason), RetryAfter: seconds(t.RetryAfter), Where: where})
	}
	return out, nil
}

func seconds(f float64) time.Duration { return time.Duration(f * float64(time.Second)) }

// oneLine makes a text fit for a header.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
