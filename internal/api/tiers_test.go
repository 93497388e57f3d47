package api

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resync/internal/config"
	"resync/internal/state"
)

var update = flag.Bool("update", false, "rewrite docs/tiers.md and config/redis_strategy.yaml")

// face builds the routes with a strategy file.
func face(t testing.TB, yaml string) (*server, error) {
	t.Helper()
	var strategy *config.Strategy
	if yaml != "" {
		path := filepath.Join(t.TempDir(), "redis_strategy.yaml")
		if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		var err error
		if strategy, err = config.ReadStrategy(path); err != nil {
			t.Fatal(err)
		}
	}
	_, s, err := build(Deps{Engines: []*Engine{{Name: "none"}}, Console: http.NotFoundHandler(), Prom: http.NotFoundHandler(), Strategy: strategy})
	return s, err
}

func (s *server) ruleOf(t testing.TB, id string) tierRule {
	t.Helper()
	for _, r := range s.ruled {
		if r.id == id {
			return *r.rule()
		}
	}
	t.Fatalf("no operation %s", id)
	return tierRule{}
}

func rules(tier, text string) string {
	return "runtime:\n  exceptions:\n    " + tier + ":\n      - " + text + "\n"
}

func TestTheStrategyFileChangesTiers(t *testing.T) {
	s, err := face(t, `
runtime:
  default_policy: fail_fast
  exceptions:
    read_only:
      - pattern: "GET /health*"
      - pattern: "get /TWS/engines"
    best_effort:
      - pattern: "POST /auth/login"
        warning_message: "Sign-in is counted by this server alone"
      - pattern: "GET /tws/plan/current/job/*"
        degraded_behavior: return_cached_only
      - pattern: "POST /api/v1/agents/tools/execute"
        degraded_behavior: readonly_mode
        cost_impact: none
        refresh_interval: 12
    critical:
      - pattern: "* /chat"
        reason: "no chat without Redis"
        retry_after: 7
`)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]tierRule{
		"login":         {tier: BestEffort, less: degraded{behavior: LocalLimits, warning: "Sign-in is counted by this server alone"}},
		"tws-job":       {tier: BestEffort, less: degraded{behavior: CachedOnly, warning: "The shared state is unavailable (return_cached_only)"}},
		"tools-execute": {tier: BestEffort, less: degraded{behavior: ReadonlyMode, warning: "The shared state is unavailable (readonly_mode)", cost: "none", refresh: 12 * time.Second}},
		"chat":          {tier: Critical, reason: "no chat without Redis", retry: 7 * time.Second},
		"tws-engines":   {tier: ReadOnly},
		"tws-execute":   {tier: Critical},
	} {
		got := s.ruleOf(t, id)
		if got.tier != want.tier || (want.less != degraded{} && got.less != want.less) || (want.reason != "" && got.reason != want.reason) || got.retry != want.retry {
			t.Errorf("%s: %+v, want %+v", id, got, want)
		}
	}
	for _, r := range s.routes { // the bare path and the one below /api/v1 are one route
		if strings.HasSuffix(r.Path, "/auth/login") && r.Tier != BestEffort {
			t.Errorf("%s is %s", r.Path, r.Tier)
		}
	}
}

// Fictional patterns and unsafe tiers are named with their line.
func TestStrategyRulesThatCannotBe(t *testing.T) {
	for _, tt := range []struct{ yaml, says string }{
		{rules("critical", `pattern: "POST /tws/command"`), `redis_strategy.yaml:4:16: the pattern "POST /tws/command" matches no route`},
		{rules("read_only", `pattern: "GET /health/liveness"`), "matches no route"},
		{rules("read_only", `pattern: "POST /tws/execute/*"`), "it changes something; BEST_EFFORT is the least it may be"},
		{rules("read_only", `pattern: "*"`), "it changes something"},
		{rules("critical", `pattern: "GET /metrics"`), "is always READ_ONLY"},
		{rules("best_effort", `{pattern: "POST /auth/login", degraded_behavior: query_tws_direct}`), `degraded_behavior "query_tws_direct" has no meaning for POST /api/v1/auth/login; it can do: local_limits`},
		{rules("best_effort", `{pattern: "POST /chat", degraded_behavior: hope}`), "has no meaning"},
	} {
		if _, err := face(t, tt.yaml); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q", tt.yaml, err, tt.says)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		pattern, method, path string
		want                  bool
	}{
		{"GET /tws/*", "GET", "/tws/x/y", true}, {"get /TWS/*", "GET", "/tws/x", true}, {"POST /tws/*", "GET", "/tws/x", false},
		{"/static/*", "PUT", "/static/a", true}, {"* /a", "GET", "/a", true}, {"GET /a", "GET", "/a/b", false}, {"GET *", "GET", "/", true},
		{"GET /a*b*c", "GET", "/aXbYc", true}, {"GET /a*b*c", "GET", "/aXcYb", false}, {"GET /a*a", "GET", "/a", false}, {"", "GET", "/", false},
	} {
		if got := matches(tt.pattern, tt.method, tt.path); got != tt.want {
			t.Errorf("%q on %s %s: %v", tt.pattern, tt.method, tt.path, got)
		}
	}
}

// Every BEST_EFFORT route does something that has a meaning for it, and every
// CRITICAL one says why it refuses.
func TestEveryRouteSaysWhatItDoesWithoutTheState(t *testing.T) {
	s, err := face(t, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range s.ruled {
		switch {
		case r.rule().tier == BestEffort && (!slices.Contains(r.behaviors(), r.rule().less.behavior) || r.rule().less.warning == ""):
			t.Errorf("%s: %+v", r.id, r.rule().less)
		case r.rule().tier == Critical && r.rule().reason == "":
			t.Errorf("%s has no reason", r.id)
		}
		if strings.ContainsAny(r.rule().less.warning+r.rule().less.cost, "\r\n") {
			t.Errorf("%s: a header of several lines", r.id)
		}
	}
}

// docs/tiers.md and config/redis_strategy.yaml are made of the routes.
func TestTierDocs(t *testing.T) {
	s, err := face(t, "")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"../../docs/tiers.md": tierDoc(s), "../../config/redis_strategy.yaml": tierYAML(s)} {
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s is not what the routes say; run go test ./internal/api -run TestTierDocs -update\n%s", path, diff)
		}
	}
	again, err := face(t, tierYAML(s))
	if err != nil {
		t.Fatalf("the file as it is shipped: %v", err)
	}
	for _, r := range s.ruled { // the shipped file changes nothing
		got := again.ruleOf(t, r.id)
		got.from = ""
		if got.tier != r.rule().tier || got.tier == BestEffort && got.less != r.rule().less || got.tier == Critical && got.reason != r.rule().reason {
			t.Errorf("%s: %+v became %+v", r.id, *r.rule(), got)
		}
	}
}

func byTier(s *server, tier Tier) []ruledRoute {
	var out []ruledRoute
	for _, r := range s.ruled {
		if r.rule().tier == tier {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b ruledRoute) int { return strings.Compare(a.paths[0]+a.method, b.paths[0]+b.method) })
	return out
}

func tierYAML(s *server) string {
	var b strings.Builder
	b.WriteString(`# What each route does while Redis is away. This is what the program does without the file; to change
# something, copy the line into a file of your own and name it with redis.strategy_file. A pattern that
# matches no route stops the start. Made by: go test ./internal/api -run TestTierDocs -update
startup:
  fail_fast: true
  max_retries: 3
  backoff_seconds: 0.5
runtime:
  default_policy: fail_fast
  exceptions:
    read_only:
`)
	for _, r := range byTier(s, ReadOnly) {
		fmt.Fprintf(&b, "      - pattern: %q\n", r.method+" "+r.paths[0])
	}
	b.WriteString("    best_effort:\n")
	for _, r := range byTier(s, BestEffort) {
		fmt.Fprintf(&b, "      - pattern: %q\n        degraded_behavior: %s\n        warning_message: %q\n", r.method+" "+r.paths[0], r.rule().less.behavior, r.rule().less.warning)
		if r.rule().less.cost != "" {
			fmt.Fprintf(&b, "        cost_impact: %s\n", r.rule().less.cost)
		}
		if r.rule().less.refresh > 0 {
			fmt.Fprintf(&b, "        refresh_interval: %d\n", int(r.rule().less.refresh.Seconds()))
		}
	}
	b.WriteString("    critical:\n")
	for _, r := range byTier(s, Critical) {
		fmt.Fprintf(&b, "      - pattern: %q\n        reason: %q\n", r.method+" "+r.paths[0], r.rule().reason)
	}
	b.WriteString(`monitoring:
  alert_on_degraded: true
  alert_threshold_percent: 5
`)
	return b.String()
}

func tierDoc(s *server) string {
	var b strings.Builder
	fmt.Fprintf(&b, tierText, int(state.CallTime.Milliseconds()))
	b.WriteString("\n## READ_ONLY: needs no Redis\n\nProbes, `/metrics`, `/docs`, the OpenAPI document, the console's files, and:\n\n| route | what |\n|---|---|\n")
	for _, r := range byTier(s, ReadOnly) {
		fmt.Fprintf(&b, "| `%s %s` | %s |\n", r.method, r.paths[0], r.summary)
	}
	b.WriteString("\n## BEST_EFFORT: works with less\n\n| route | behaviour | `X-Degraded-Reason` | cost |\n|---|---|---|---|\n")
	for _, r := range byTier(s, BestEffort) {
		fmt.Fprintf(&b, "| `%s %s` | `%s` | %s | %s |\n", r.method, r.paths[0], r.rule().less.behavior, r.rule().less.warning, r.rule().less.cost)
	}
	b.WriteString("\n## CRITICAL: 503 until Redis is back\n\n| route | reason |\n|---|---|\n")
	for _, r := range byTier(s, Critical) {
		fmt.Fprintf(&b, "| `%s %s` | %s |\n", r.method, r.paths[0], r.rule().reason)
	}
	return b.String()
}

const tierText = `# What works while Redis is away

<!-- Generated by ` + "`go test ./internal/api -run TestTierDocs -update`" + `; do not edit. -->

Without ` + "`REDIS_URL`" + ` the memory of the server takes Redis's place: everything on this page works, headers say ` + "`X-Redis-Status: embedded`" + `.
Redis is for several servers that share caches, limits and news. What was executed, approved or claimed is never in it but in the database, so
losing Redis costs time and never leads to an action being carried out twice.

A call of Redis takes %d ms at most. Failed calls are followed by a look at once; two looks in a row that fail make Redis count as away. It is then
looked at every 150 ms or so and is back with its first answer. ` + "`GET /api/v1/health/redis`" + ` says how it is, ` + "`/health`" + ` names the routes that suffer, the log has
the beginning and the end, and warns when more than 5 %% of a minute's requests suffer.

| header | meaning |
|---|---|
| ` + "`X-Redis-Status`" + ` | available, unavailable or embedded |
| ` + "`X-Degraded-Mode: true`" + ` | this answer was made with less |
| ` + "`X-Degraded-Reason`" + ` | what is missing |
| ` + "`X-Cost-Impact`" + ` | how much more the answer cost, such as 3x |
| ` + "`X-Refresh-Interval`" + ` | seconds after which to read again what nobody tells you |
| ` + "`X-Processing-Time`" + ` | time to the head of the answer |
| ` + "`Age`, `X-Freshness`" + ` | of a read of the engine: seconds, and live (below 10 s), recent (below 2 min) or cached |

A refusal is 503 with ` + "`Retry-After`" + ` and a problem document with ` + "`error, reason, tier, endpoint, retry_after, message`" + `.

| behaviour | what happens |
|---|---|
| ` + "`query_tws_direct`" + ` | the engine is asked instead of the cache: 20 times a second and engine at most, and once for all who want to know the same |
| ` + "`call_llm_direct`" + ` | the language model is asked instead of the shared cache of answers: 10 times a minute and person at most |
| ` + "`readonly_mode`" + ` | questions are answered; no action is proposed, and the answer says why |
| ` + "`disable_realtime_updates`" + ` | news of other servers is missing; an open stream says so (event degraded) and asks to read again every 30 s (event reset) |
| ` + "`return_cached_only`" + ` | only what this server still has in memory; 503 otherwise |
| ` + "`local_limits`" + ` | limits are counted by this server alone |

To change a tier, a text or a behaviour name a file in the form of [config/redis_strategy.yaml](../config/redis_strategy.yaml) with ` + "`redis.strategy_file`" + `
(` + "`REDIS_STRATEGY_FILE`" + `). What changes something may not become READ_ONLY. The variables REDIS_FAIL_FAST_ON_STARTUP, REDIS_MAX_RETRIES and
REDIS_BACKOFF_SECONDS win over the file.
`

// TestLoadWarnsOnce: the share of degraded requests is warned of when it passes
// the threshold, and its end is told.
func TestLoadWarns(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	l := newLoad(&config.Strategy{AlertOnDegraded: true, AlertPercent: 5}, nil)
	l.now = func() time.Time { return now }
	for range 100 {
		l.request()
	}
	for range 5 {
		l.less()
	}
	if p, _ := l.share(); p != 5 {
		t.Errorf("share %v, want 5", p)
	}
	now = now.Add(61 * time.Second)
	if p, alert := l.share(); p != 0 || alert {
		t.Errorf("after a minute: %v, %v", p, alert)
	}
}

// Tokens are known afterwards: whoever used too many waits.
func TestTokensGoIntoDebt(t *testing.T) {
	s, err := face(t, "")
	if err != nil {
		t.Fatal(err)
	}
	s.Limits = Limits{LLMTokens: 100}
	ctx := t.Context()
	if err := SpendTokens(ctx, s.State, s.Limits, "", 250); err != nil {
		t.Fatal(err)
	}
	d, err := s.State.Allow(ctx, s.quotas(ctx, limitLLM)...)
	if err != nil || d.Allowed || d.RetryAfter < 80*time.Second || d.RetryAfter > 91*time.Second {
		t.Errorf("150 tokens in debt at 100 a minute: %+v, %v", d, err)
	}
	if err := SpendTokens(ctx, s.State, Limits{}, "", 1000); err != nil {
		t.Errorf("without a limit: %v", err)
	}
}

func TestAnAnswerMovesToThePlacesOfItsPassages(t *testing.T) {
	swap := func(i int) int { return map[int]int{0: 2, 2: 0}[i] } // the second passage is gone to the first place as well
	for name, tt := range map[string]struct {
		v    written
		to   func(int) int
		want string
		used []int
	}{
		"to others":         {written{Text: "A [1][3]. B [3].", Used: []int{0, 2}}, swap, "A [3][1]. B [1].", []int{0, 2}},
		"the same places":   {written{Text: "A [1].", Used: []int{0}}, func(i int) int { return i }, "A [1].", []int{0}},
		"one is missing":    {v: written{Text: "A [1][2].", Used: []int{0, 1}}, to: func(i int) int { return -i }},
		"an unknown marker": {v: written{Text: "A [1]. RC [7].", Used: []int{0}}, to: swap},
		"an endless marker": {v: written{Text: "A [1] [99999999999999999999].", Used: []int{0}}, to: swap},
		"nothing is cited":  {v: written{Text: "A."}, to: swap},
	} {
		got, ok := tt.v.moved(tt.to)
		if ok != (tt.want != "") || ok && (got.Text != tt.want || !slices.Equal(got.Used, tt.used)) {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
}
