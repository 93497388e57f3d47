package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// contractStrategy has the form of the predecessor's file.
const contractStrategy = `startup:
  fail_fast: false
  max_retries: 7
  backoff_seconds: 0.25
runtime:
  default_policy: fail_fast
  exceptions:
    read_only:
      - pattern: "GET /health*"
    best_effort:
      - pattern: "GET   /tws/job-status/*"
        degraded_behavior: query_tws_direct
        warning_message: "Cache unavailable"
        cost_impact: 3x
        refresh_interval: 30
    critical:
      - pattern: "POST /tws/execute/*"
        reason: "Idempotency required"
        retry_after: 60
monitoring:
  alert_on_degraded: true
  alert_threshold_percent: 12.5
  metrics:
    - requests_degraded_total
`

func strategyFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "redis_strategy.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestStrategyFile(t *testing.T) {
	s, err := ReadStrategy(strategyFile(t, contractStrategy))
	if err != nil {
		t.Fatal(err)
	}
	want := &Strategy{AlertOnDegraded: true, AlertPercent: 12.5, Rules: []StrategyRule{
		{Tier: "READ_ONLY", Pattern: "GET /health*", Where: "redis_strategy.yaml:9:16"},
		{Tier: "BEST_EFFORT", Pattern: "GET /tws/job-status/*", Behavior: "query_tws_direct", Warning: "Cache unavailable", CostImpact: "3x",
			Refresh: 30 * time.Second, Where: "redis_strategy.yaml:11:16"},
		{Tier: "CRITICAL", Pattern: "POST /tws/execute/*", Reason: "Idempotency required", RetryAfter: time.Minute, Where: "redis_strategy.yaml:17:16"},
	}}
	if diff := cmp.Diff(want, s, cmpopts.IgnoreUnexported(Strategy{})); diff != "" {
		t.Errorf("strategy (-want +got):\n%s", diff)
	}
}

// TestDefect19_TheEnvironmentWinsOverTheStrategyFile: in the original the
// variable was ignored as soon as the file could be read.
func TestDefect19_TheEnvironmentWinsOverTheStrategyFile(t *testing.T) {
	path := strategyFile(t, contractStrategy)
	for _, tt := range []struct {
		env  []string
		want Redis
	}{
		{nil, Redis{FailFast: false, MaxRetries: 7, Backoff: 250 * time.Millisecond}},
		{[]string{"REDIS_FAIL_FAST_ON_STARTUP=true", "REDIS_MAX_RETRIES=1", "REDIS_BACKOFF_SECONDS=2"}, Redis{FailFast: true, MaxRetries: 1, Backoff: 2 * time.Second}},
	} {
		env := append([]string{"TWS_HOST=mdm", "TWS_USER=u", "TWS_PASSWORD=p", "REDIS_STRATEGY_FILE=" + path}, tt.env...)
		c, _, err := Load(LoadOptions{Env: func() []string { return env }})
		if err != nil {
			t.Fatal(err)
		}
		got := c.Redis
		got.Strategy, got.StrategyFile, got.CheckEvery = nil, "", 0
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tt.env, diff)
		}
	}
}

func TestStrategyRefusals(t *testing.T) {
	for _, tt := range []struct{ text, says string }{
		{"runtim: {}\n", `redis_strategy.yaml:1:1: unknown key runtim; did you mean runtime?`},
		{"startup:\n  fail_fast: perhaps\n", "redis_strategy.yaml:2:14: fail_fast is not true or false"},
		{"startup:\n  max_retries: many\n", "max_retries is not a number 0 to 100"},
		{"startup:\n  backoff_seconds: -1\n", "backoff_seconds is not a number of seconds"},
		{"runtime:\n  default_policy: hope\n", "only fail_fast is known"},
		{"runtime:\n  exceptions:\n    read_only: GET /x\n", "read_only must be a list of patterns"},
		{"runtime:\n  exceptions:\n    read_only:\n      - reason: x\n", "unknown key read_only.reason"},
		{"runtime:\n  exceptions:\n    critical:\n      - reason: x\n", "a rule of critical needs a pattern"},
		{"runtime:\n  exceptions:\n    critical:\n      - pattern: [a]\n", "pattern needs one value"},
		{"runtime:\n  exceptions:\n    critical:\n      - {pattern: x, http_status: 200}\n", "only 503 is known"},
		{"monitoring:\n  alert_threshold_percent: 101\n", "is not a number 0 to 100"},
		{"monitoring: &a\n  metrics: []\n", "anchors"},
		{"- x\n", "needs keys of its own"},
	} {
		_, err := ReadStrategy(strategyFile(t, tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%q: %v, want %q", tt.text, err, tt.says)
		}
	}
}

func FuzzStrategy(f *testing.F) {
	f.Add([]byte(contractStrategy))
	f.Add([]byte("runtime:\n  exceptions:\n    critical:\n      - {pattern: x}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &report{}
		s := parseStrategy("f", data, r)
		if (s == nil) == (r.err() == nil) {
			t.Errorf("strategy %v with error %v", s, r.err())
		}
		if s == nil {
			return
		}
		for _, rule := range s.Rules {
			if rule.Pattern == "" || strings.ContainsAny(rule.Warning+rule.Reason+rule.CostImpact, "\r\n") {
				t.Errorf("a rule that cannot be used: %+v", rule)
			}
		}
	})
}

func TestAddressesOfSeveralHosts(t *testing.T) {
	for _, tt := range []struct{ in, shown string }{
		{"redis+sentinel://:pw@s1:26379,s2:26379/mymaster", "redis+sentinel://:•••@s1:26379,s2:26379/mymaster"},
		{"redis+sentinel://s1,s2/m?sentinel_password=pw", "redis+sentinel://:•••@s1,s2/m"},
		{"redis+cluster://a:1,b:2,c:3", "redis+cluster://a:1,b:2,c:3"},
		{"valkey://h:1/2", "valkey://h:1/2"},
	} {
		c, _, err := Load(LoadOptions{Env: func() []string {
			return []string{"TWS_HOST=mdm", "TWS_USER=u", "TWS_PASSWORD=p", "REDIS_URL=" + tt.in}
		}})
		if err != nil {
			t.Errorf("%s: %v", tt.in, err)
			continue
		}
		for _, v := range c.Values() {
			if v.Name == "redis.url" && v.Text != tt.shown {
				t.Errorf("%s is shown as %s, want %s", tt.in, v.Text, tt.shown)
			}
		}
		if strings.Contains(tt.in, "pw") && !strings.Contains(strings.Join(c.Secrets(), " "), "pw") {
			t.Errorf("%s: the password is no secret", tt.in)
		}
	}
}
