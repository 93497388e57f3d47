package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"resync/internal/app"
	"resync/internal/state/statetest"
)

const steeringPath = "/api/v1/admin/resilience/config"

// TestSettingsOfResilienceHoldAtOnceAndAfterARestart: numbers of breakers, tiers
// and limits are changed by an administrator with a reason, work on the next
// request, are told to the screens, audited, and hold after a restart.
func TestSettingsOfResilienceHoldAtOnceAndAfterARestart(t *testing.T) {
	h := newHost(t).ready()
	admin, operator := h.as("admin"), h.as("operator")
	critical := dig(admin.get("/health/redis").ok(), "redis", "tiers", "critical").(float64)
	events := operator.stream(http.MethodGet, "/api/v1/events", "")
	body := map[string]any{
		"reason": "the night's engine is slow", "fail_fast_enabled": true,
		"breakers": map[string]any{"tws_api": map[string]any{"threshold": 2, "recovery_timeout": 7}, "siem": map[string]any{}},
		"tiers":    []any{map[string]any{"pattern": "GET /api/v1/rag/search", "tier": "CRITICAL", "reason": "no half answers tonight", "retry_after": 9}},
		"limits":   map[string]any{"chat": 1},
	}
	operator.post(steeringPath, body).problem(http.StatusForbidden)
	got := admin.post(steeringPath, body).ok()
	want := []any{"breakers.siem", "breakers.tws_api", "fail_fast_enabled", "limits.chat", "tiers"}
	if diff := cmp.Diff(want, got["updated"]); diff != "" || got["success"] != true || got["restart_required"] != true {
		t.Errorf("%v\n%s", got, diff)
	}
	for f, ok := events.next(); ok; f, ok = events.next() {
		if f.name == "resilience" {
			break
		}
	}
	events.stop()
	holds := func(b *browser) {
		t.Helper()
		if tws := b.breakerNamed("tws_api"); tws["threshold"] != 2.0 || tws["recovery_timeout"] != 7.0 {
			t.Errorf("the breaker works with %v, %v", tws["threshold"], tws["recovery_timeout"])
		}
		cfg := b.get(steeringPath).ok()
		if dig(cfg, "breakers", "tws_api", "source") != "set" || dig(cfg, "breakers", "redis", "source") != "contract" || dig(cfg, "limits", "chat") != 1.0 ||
			dig(cfg, "breakers", "tws_api", "default_threshold") != 5.0 || dig(cfg, "breakers", "tws_api", "default_recovery_timeout") != 60.0 ||
			dig(cfg, "breakers", "tws_api", "changed_by") != "admin" || dig(cfg, "breakers", "tws_api", "reason") != "the night's engine is slow" || dig(cfg, "breakers", "redis", "changed_by") != nil ||
			cfg["updated_by"] != "admin" || len(dig(cfg, "set", "tiers").([]any)) != 1 {
			t.Errorf("%v", cfg)
		}
		first := cfg["history"].([]any)[0].(map[string]any)
		if first["actor"] != "admin" || first["reason"] != "the night's engine is slow" || first["action"] != "resilience.config" || dig(first, "detail", "after", "limits", "chat") != 1.0 {
			t.Errorf("the history says %v", first)
		}
		if got := dig(b.get("/health/redis").ok(), "redis", "tiers", "critical").(float64); got != critical+1 {
			t.Errorf("%v CRITICAL routes, there were %v", got, critical)
		}
	}
	holds(admin)
	limited := h.as("operator-two")
	limited.post("/api/v1/chat", map[string]string{"message": "How many jobs are in the plan?"}).ok()
	limited.post("/api/v1/chat", map[string]string{"message": "How many jobs are in the plan?"}).problem(http.StatusTooManyRequests, "1 in 1m0s")

	h.stop()
	a, err := app.New(context.Background(), h.opt)
	must(t, err)
	h.app = a
	h.serve()
	admin = h.as("admin")
	holds(admin)
	if cfg := admin.get(steeringPath).ok(); cfg["restart_required"] != false || cfg["fail_fast_enabled"] != true {
		t.Errorf("after the restart: %v, %v", cfg["restart_required"], cfg["fail_fast_enabled"])
	}
	// Back to the settings.
	admin.post(steeringPath, map[string]any{"reason": "the night is over", "reset": []string{"breakers", "tiers", "limits", "fail_fast_enabled"}}).ok()
	if tws := admin.breakerNamed("tws_api"); tws["threshold"] != 5.0 || tws["recovery_timeout"] != 60.0 {
		t.Errorf("the breaker works with %v, %v", tws["threshold"], tws["recovery_timeout"])
	}
	audit := admin.get("/api/v1/admin/audit?action=resilience.*&limit=1").ok()
	if list := audit["entries"].([]any); len(list) != 1 || list[0].(map[string]any)["reason"] != "the night is over" || audit["next"] == nil {
		t.Errorf("the audit: %v", audit)
	}
	h.as("operator").get("/api/v1/admin/audit").problem(http.StatusForbidden)
}

// TestSettingsOfResilienceThatCannotBe: each names its field, and nothing of the
// change is kept.
func TestSettingsOfResilienceThatCannotBe(t *testing.T) {
	h := newHost(t).ready()
	admin := h.as("admin")
	tier := func(pattern, tier string, more ...string) map[string]any {
		line := map[string]any{"pattern": pattern, "tier": tier}
		for i := 0; i+1 < len(more); i += 2 {
			line[more[i]] = more[i+1]
		}
		return map[string]any{"tiers": []any{line}}
	}
	for name, tt := range map[string]struct {
		body map[string]any
		says []string
	}{
		"no reason":        {map[string]any{"reason": " ", "limits": map[string]any{"chat": 1}}, []string{"reason: say why"}},
		"nothing":          {map[string]any{}, []string{"names nothing to change"}},
		"breaker":          {map[string]any{"breakers": map[string]any{"nope": map[string]any{"threshold": 2}}}, []string{"breakers.nope: no circuit breaker"}},
		"short delay":      {map[string]any{"breakers": map[string]any{"redis": map[string]any{"recovery_timeout": 0.01}}}, []string{"breakers.redis.recovery_timeout: 0.01 is not"}},
		"mode":             {map[string]any{"degradation_mode": "hope"}, []string{"degradation_mode: ", "is not one of graceful, fail_fast"}},
		"timeout":          {map[string]any{"fail_fast_timeout": 5}, []string{"fail_fast_timeout: it is fixed at 0.25 s"}},
		"part":             {map[string]any{"reset": []string{"everything"}}, []string{"reset[0]: there is no part", "there are fail_fast_enabled"}},
		"pattern":          {tier("GET /nowhere", "CRITICAL"), []string{"tiers[0]: the pattern", "GET /nowhere", "matches no route"}},
		"tier":             {tier("GET /api/v1/rag/*", "SOME"), []string{"tiers[0].tier: ", "is not one of READ_ONLY"}},
		"behaviour":        {tier("POST /api/v1/chat", "BEST_EFFORT", "degraded_behavior", "query_tws_direct"), []string{"tiers[0]: degraded_behavior", "has no meaning"}},
		"unsafe":           {tier("POST /api/v1/agents/tools/execute", "READ_ONLY"), []string{"tiers[0]: ", "changes something"}},
		"shut out":         {tier("POST /admin/*", "CRITICAL"), []string{"tiers[0].pattern: it matches POST /api/v1/admin/resilience/", "stays READ_ONLY"}},
		"reason of a read": {tier("GET /api/v1/rag/*", "BEST_EFFORT", "reason", "why not"), []string{"tiers[0].reason: only a CRITICAL route refuses"}},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.body["reason"] == nil {
				tt.body["reason"] = "test"
			}
			admin.post(steeringPath, tt.body).problem(http.StatusBadRequest, tt.says...)
		})
	}
	admin.post(steeringPath, map[string]any{"reason": "x", "limits": map[string]any{"chat": -1}}).problem(http.StatusUnprocessableEntity, "limits.chat")
	cfg := admin.get(steeringPath).ok()
	if cfg["updated_by"] != nil || len(cfg["set"].(map[string]any)) != 0 || cfg["history"] != nil && len(cfg["history"].([]any)) != 0 {
		t.Errorf("something was kept: %v", cfg)
	}
}

// TestTiersChangeWhileRedisIsAway: what worked with less refuses from the moment
// an administrator says so, and the other way round; the setting itself needs no
// Redis.
func TestTiersChangeWhileRedisIsAway(t *testing.T) {
	r := statetest.Start(t)
	h := newHost(t, withRedis(r.URL())).ready()
	admin := h.as("admin")
	r.Freeze()
	admin.away()
	const search = "/api/v1/rag/search?query=abend"
	if got := admin.get(search); got.status != http.StatusOK || got.header.Get("X-Degraded-Mode") != "true" {
		t.Errorf("%s %v", got, got.header)
	}
	admin.post(steeringPath, map[string]any{"reason": "no half answers", "degradation_mode": "fail_fast"}).ok()
	refused := admin.get(search)
	refused.problem(http.StatusServiceUnavailable, "nothing was done")
	if doc := refused.object(); doc["tier"] != "CRITICAL" || !strings.Contains(doc["reason"].(string), "an administrator has set") {
		t.Errorf("%v", doc)
	}
	admin.get(breakersPath).ok() // an outage can still be looked at
	admin.post(steeringPath, map[string]any{"reason": "better than nothing", "degradation_mode": "graceful",
		"tiers": []any{map[string]any{"pattern": "GET /rag/search", "tier": "BEST_EFFORT", "warning_message": "Search as of this server"}}}).ok()
	if got := admin.get(search); got.status != http.StatusOK || got.header.Get("X-Degraded-Reason") != "Search as of this server" {
		t.Errorf("%s %v", got, got.header)
	}
}

// TestBothServersFollow: what is set on one server holds on the other that shares
// its database.
func TestBothServersFollow(t *testing.T) {
	r := statetest.Start(t)
	h := newHost(t, withRedis(r.URL())).ready()
	a, err := app.New(context.Background(), h.opt)
	must(t, err)
	other := &host{t: t, sim: h.sim, opt: h.opt, file: h.file, log: &lockedBuffer{}, app: a}
	other.serve()
	viewer := other.ready().as("viewer")
	h.as("admin").post(steeringPath, map[string]any{"reason": "test", "breakers": map[string]any{"webhook": map[string]any{"threshold": 9}}}).ok()
	h.eventually("the other server to follow", func() bool { return viewer.breakerNamed("webhook")["threshold"] == 9.0 })
}
