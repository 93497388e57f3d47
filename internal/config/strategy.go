package config

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Strategy is what the file redis.strategy_file says: what routes do while
// Redis is away, and how the start waits for it.
type Strategy struct {
	Rules           []StrategyRule // in the order of the file
	AlertOnDegraded bool           // warn in the log when many requests are degraded
	AlertPercent    float64        // from this share of the requests of a minute on, 0 to 100
	failFast        *bool
	retries         *int
	backoff         *time.Duration
	file            string
}

// StrategyRule gives the routes that a pattern matches another tier, or other
// words.
type StrategyRule struct {
	Tier       string // READ_ONLY, BEST_EFFORT or CRITICAL
	Pattern    string // "GET /tws/*"; without a method all of them
	Behavior   string // degraded_behavior, for BEST_EFFORT
	Warning    string // warning_message
	CostImpact string // cost_impact, such as 3x
	Refresh    time.Duration
	Reason     string        // of a refusal, for CRITICAL
	RetryAfter time.Duration // 0: what the circuit breaker says
	Where      string        // "redis_strategy.yaml:14:9", for messages
}

// readStrategy reads the file and lets it set what nothing stronger has set: a
// variable or the settings file win over it.
func (l *loader) readStrategy() {
	r := &l.cfg.Redis
	if r.StrategyFile == "" {
		return
	}
	data, err := readBounded(r.StrategyFile, maxFile+1)
	if err != nil {
		l.add("redis.strategy_file", l.origin("redis.strategy_file"), "cannot read the file: %v", err)
		return
	}
	r.Strategy = parseStrategy(filepath.Base(r.StrategyFile), data, l.report)
	if r.Strategy == nil {
		return
	}
	s, from := r.Strategy, Origin{Layer: File, Name: r.Strategy.file}
	if s.failFast != nil && l.origin("redis.fail_fast_on_startup").Layer == Default {
		r.FailFast = *s.failFast
		l.show("redis.fail_fast_on_startup", strconv.FormatBool(r.FailFast), from)
	}
	if s.retries != nil && l.origin("redis.max_retries").Layer == Default {
		r.MaxRetries = *s.retries
		l.show("redis.max_retries", strconv.Itoa(r.MaxRetries), from)
	}
	if s.backoff != nil && l.origin("redis.backoff_seconds").Layer == Default {
		r.Backoff = *s.backoff
		l.show("redis.backoff_seconds", shortDuration(r.Backoff), from)
	}
}

// ReadStrategy reads a strategy file by itself, for checks and tests.
func ReadStrategy(path string) (*Strategy, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &report{}
	s := parseStrategy(filepath.Base(path), data, r)
	return s, r.err()
}

// parseStrategy reads the file; what is wrong is reported with its place, and
// nil is returned.
func parseStrategy(name string, data []byte, r *report) *Strategy {
	before := len(r.problems)
	root := parseYAML(name, data, r)
	p := strategyParser{r: r, s: &Strategy{AlertOnDegraded: true, AlertPercent: 5, file: name}}
	if root != nil && !root.isNull {
		p.each(root, "", map[string]func(field){
			"version": func(field) {},
			"startup": p.startup, "runtime": p.runtime, "monitoring": p.monitoring,
		})
	}
	if len(r.problems) > before {
		return nil
	}
	return p.s
}

type strategyParser struct {
	r *report
	s *Strategy
}

func (p strategyParser) refuse(n *node, format string, args ...any) {
	p.r.add("", p.origin(n.line, n.col), format, args...)
}

func (p strategyParser) origin(line, col int) Origin {
	return Origin{Layer: File, Name: p.s.file, line: line, col: col}
}

// each hands the fields of a mapping to those that know them, and refuses the
// others.
func (p strategyParser) each(n *node, prefix string, known map[string]func(field)) {
	if n.isNull {
		return
	}
	if !n.isMap {
		p.refuse(n, "%sneeds keys of its own", prefix)
		return
	}
	var names []string
	for k := range known {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, f := range n.fields {
		if read := known[f.name]; read != nil {
			read(f)
			continue
		}
		p.r.add("", p.origin(f.line, f.col), "unknown key %s%s%s", prefix, f.name, didYouMean(f.name, names))
	}
}

func (p strategyParser) startup(f field) {
	p.each(f.value, "startup.", map[string]func(field){
		"fail_fast": func(f field) { p.s.failFast = new(p.truth(f)) },
		"max_retries": func(f field) {
			n, err := strconv.Atoi(f.value.scalar)
			if err != nil || n < 0 || n > 100 {
				p.refuse(f.value, "startup.max_retries is not a number 0 to 100")
			}
			p.s.retries = &n
		},
		"backoff_seconds": func(f field) { p.s.backoff = new(p.duration(f)) },
	})
}

func (p strategyParser) truth(f field) bool {
	b, err := strconv.ParseBool(strings.ToLower(f.value.scalar))
	if err != nil {
		p.refuse(f.value, "%s is not true or false", f.name)
	}
	return b
}

// duration reads seconds as a number, or a duration with its unit.
func (p strategyParser) duration(f field) time.Duration {
	text := f.value.scalar
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		text += "s"
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > time.Hour {
		p.refuse(f.value, "%s is not a number of seconds from 0 to 3600", f.name)
	}
	return d
}

func (p strategyParser) runtime(f field) {
	p.each(f.value, "runtime.", map[string]func(field){
		"default_policy": func(f field) {
			if f.value.scalar != "fail_fast" {
				p.refuse(f.value, "runtime.default_policy: only fail_fast is known: every route declares its tier, and none is without one")
			}
		},
		"exceptions": func(f field) {
			p.each(f.value, "runtime.exceptions.", map[string]func(field){
				"read_only": func(f field) { p.rules(f, "READ_ONLY", "pattern", "description") },
				"best_effort": func(f field) {
					p.rules(f, "BEST_EFFORT", "pattern", "degraded_behavior", "warning_message", "cost_impact", "refresh_interval", "description")
				},
				"critical": func(f field) {
					p.rules(f, "CRITICAL", "pattern", "reason", "http_status", "retry_after", "description")
				},
			})
		},
	})
}

// rules reads the list of one tier.
func (p strategyParser) rules(f field, tier string, known ...string) {
	if f.value.isNull {
		return
	}
	if !f.value.isList {
		p.refuse(f.value, "%s must be a list of patterns", f.name)
		return
	}
	for _, item := range f.value.items {
		r := StrategyRule{Tier: tier, Where: p.origin(item.line, item.col).place()}
		readers := map[string]func(field){}
		for _, k := range known {
			readers[k] = p.ruleField(&r, k)
		}
		p.each(item, f.name+".", readers)
		if r.Pattern == "" {
			p.refuse(item, "a rule of %s needs a pattern, such as \"GET /tws/*\"", f.name)
			continue
		}
		p.s.Rules = append(p.s.Rules, r)
	}
}

func (p strategyParser) ruleField(r *StrategyRule, key string) func(field) {
	return func(f field) {
		v := f.value.scalar
		if !f.value.isScalar {
			p.refuse(f.value, "%s needs one value", key)
		}
		switch key {
		case "pattern":
			r.Pattern = strings.Join(strings.Fields(v), " ")
		case "degraded_behavior":
			r.Behavior = v
		case "warning_message":
			r.Warning = oneLine(v)
		case "cost_impact":
			r.CostImpact = oneLine(v)
		case "refresh_interval":
			r.Refresh = p.duration(f)
		case "reason":
			r.Reason = oneLine(v)
		case "retry_after":
			r.RetryAfter = p.duration(f)
		case "http_status":
			if v != "503" {
				p.refuse(f.value, "http_status: only 503 is known")
			}
		}
	}
}

// oneLine makes a text fit for a header.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func (p strategyParser) monitoring(f field) {
	p.each(f.value, "monitoring.", map[string]func(field){
		"alert_on_degraded": func(f field) { p.s.AlertOnDegraded = p.truth(f) },
		"alert_threshold_percent": func(f field) {
			n, err := strconv.ParseFloat(f.value.scalar, 64)
			if err != nil || n < 0 || n > 100 {
				p.refuse(f.value, "monitoring.alert_threshold_percent is not a number 0 to 100")
			}
			p.s.AlertPercent = n
		},
		"metrics": func(field) {}, // all of them are always there
	})
}
