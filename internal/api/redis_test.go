package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resync/internal/api"
	"resync/internal/config"
	"resync/internal/state/statetest"
)

// withRedis gives a host a Redis at an address.
func withRedis(url string) func(*hostConfig) {
	return func(c *hostConfig) {
		c.config = func(cfg *config.Config) {
			cfg.Redis = config.Redis{URL: config.NewSecret(url), FailFast: true, MaxRetries: 3, Backoff: 50 * time.Millisecond, CheckEvery: time.Second}
		}
	}
}

const (
	infoPath  = "/api/v1/tws/engine/info"
	redisPath = "/api/v1/health/redis"
)

// away waits until the host knows that Redis is gone, and back until it is here.
func (b *browser) away() {
	b.h.t.Helper()
	b.h.eventually("Redis to be away", func() bool { return b.get(redisPath).ok()["status"] == "degraded" })
}

func (b *browser) back() {
	b.h.t.Helper()
	b.h.eventually("Redis to be back", func() bool { return b.get(redisPath).ok()["status"] == "healthy" })
}

func TestEmbeddedStateSaysSo(t *testing.T) {
	h := newHost(t).ready()
	b := h.as("operator")
	got := b.get(redisPath)
	body := got.ok()
	if body["status"] != "embedded" || body["idempotency_safe"] != true || dig(body, "redis", "enabled") != false || dig(body, "redis", "mode") != "embedded" {
		t.Errorf("got %s", got)
	}
	for _, r := range []reply{got, b.get(infoPath), b.post("/api/v1/chat", map[string]string{"message": "what does AWSBHT061E mean"})} {
		if r.header.Get("X-Redis-Status") != "embedded" || r.header.Get("X-Degraded-Mode") != "" || !strings.HasSuffix(r.header.Get("X-Processing-Time"), "ms") {
			t.Errorf("headers %v", r.header)
		}
	}
}

// TestDefect19_EveryRouteKeepsItsTier freezes a real Redis and asks every route:
// the original's middleware was never mounted, its patterns matched almost
// nothing, and what it did when degraded was nowhere.
func TestDefect19_EveryRouteKeepsItsTier(t *testing.T) {
	r := statetest.Start(t)
	h := newHost(t, withRedis(r.URL())).ready()
	b := h.as("admin")
	if got := b.get(infoPath); got.header.Get("X-Redis-Status") != "available" || got.header.Get("X-Degraded-Mode") != "" {
		t.Errorf("while Redis answers: %v", got.header)
	}
	r.Freeze()
	b.away()
	routes, err := api.Routes()
	must(t, err)
	count := map[api.Tier]int{}
	for _, route := range routes {
		path := strings.NewReplacer("{action}", "hold", "{id}", "none", "{run_id}", "none", "{trace_id}", "none", "{turn_id}", "none", "{name}", "none",
			"{job_id}", "none", "{key}", "none").Replace(route.Path)
		if route.Path == "/auth/logout" || strings.HasSuffix(path, "/auth/logout") && route.Tier != api.Critical {
			continue
		}
		var got reply
		if route.Method == http.MethodGet || route.Method == http.MethodDelete {
			got = b.do(route.Method, path, nil, "Last-Event-ID", "x")
		} else {
			got = b.do(route.Method, path, strings.NewReader("{}"))
		}
		count[route.Tier]++
		name := route.Method + " " + route.Path
		if got.header.Get("X-Redis-Status") != "unavailable" {
			t.Errorf("%s: X-Redis-Status %q (%d)", name, got.header.Get("X-Redis-Status"), got.status)
		}
		switch route.Tier {
		case api.Critical:
			doc := got.refused(path, http.StatusServiceUnavailable, "Redis")
			contract := doc["error"] == "Service Temporarily Unavailable" || strings.HasPrefix(path, "/llm/v1/") // its errors are objects
			if !contract || doc["tier"] != "CRITICAL" || doc["endpoint"] != route.Method+" "+path ||
				doc["reason"] == "" || doc["message"] == "" || fmt.Sprint(doc["retry_after"]) != got.header.Get("Retry-After") {
				t.Errorf("%s: %s, Retry-After %q", name, got, got.header.Get("Retry-After"))
			}
		case api.BestEffort:
			if got.header.Get("X-Degraded-Mode") != "true" || got.header.Get("X-Degraded-Reason") == "" || (got.status == 503 && strings.Contains(string(got.body), "Service Temporarily")) {
				t.Errorf("%s: %d %v", name, got.status, got.header)
			}
		case api.ReadOnly:
			if got.header.Get("X-Degraded-Mode") != "" || strings.Contains(string(got.body), "Service Temporarily") {
				t.Errorf("%s: %d %v", name, got.status, got.header)
			}
		}
	}
	if count[api.Critical] < 12 || count[api.BestEffort] < 30 || count[api.ReadOnly] < 10 {
		t.Errorf("only %v routes were asked", count)
	}
	for _, p := range []string{"/livez", "/metrics", "/docs", "/openapi.json", "/health"} {
		if got := b.get(p); got.status != http.StatusOK {
			t.Errorf("%s: %d", p, got.status)
		}
	}
	got := b.get("/api/v1/admin/resilience/status").ok()
	if dig(got, "redis_strategy", "mode") != "degraded" || len(got["degraded_endpoints"].([]any)) < 20 || dig(got, "redis_strategy", "error") == "" {
		t.Errorf("resilience status: %v", got["redis_strategy"])
	}
	if health := string(b.get("/health").body); !strings.Contains(health, "affectedEndpoints") || !strings.Contains(health, "POST /api/v1/tws/execute/{action}") {
		t.Errorf("/health does not name the affected endpoints: %.300s", health)
	}
	metrics := string(b.get("/metrics").body)
	for _, m := range []string{"resync_redis_up 0", `resync_degraded{missing="redis"} 1`, "resync_redis_unavailable_duration_seconds ", "resync_requests_503_total ",
		`resync_requests_degraded_total{behavior="query_tws_direct"}`} {
		if !strings.Contains(metrics, m) {
			t.Errorf("/metrics has no %s", m)
		}
	}
	r.Thaw()
	b.back()
	if got := b.get("/api/v1/agents/approvals"); got.status != http.StatusOK || got.header.Get("X-Redis-Status") != "available" {
		t.Errorf("after the outage: %s %v", got, got.header)
	}
}

// A degraded chat answers and proposes nothing.
func TestChatOnlyReadsWhileRedisIsAway(t *testing.T) {
	r := statetest.Start(t)
	h := newHost(t, withRedis(r.URL())).ready()
	h.inject("job-abend")
	b := h.as("operator")
	ask := map[string]string{"message": "Rerun PAY_AGT1#PAYROLL.PAYROLL_NET"}
	if got := b.post("/api/v1/chat", ask).ok(); len(got["approvals"].([]any)) != 1 {
		t.Fatalf("while Redis answers: %v", got)
	}
	r.Kill()
	b.away()
	got := b.post("/api/v1/chat", ask)
	if list := got.ok()["approvals"].([]any); len(list) != 0 || !strings.Contains(string(got.body), "The action was not proposed: Redis is away") {
		t.Errorf("got %s", got)
	}
	if got.header.Get("X-Degraded-Reason") != "TWS operations disabled - read-only mode" {
		t.Errorf("headers %v", got.header)
	}
	if got := b.post("/api/v1/rag/query", map[string]string{"query": "AWSBHT061E"}); got.status != http.StatusOK || got.header.Get("X-Cost-Impact") != "3x" {
		t.Errorf("rag: %s %v", got, got.header)
	}
	if len(h.sim.Writes()) != 0 {
		t.Error("the engine was written to")
	}
	r.Run()
	b.back()
	if got := b.post("/api/v1/chat", ask).ok(); len(got["approvals"].([]any)) != 1 {
		t.Errorf("after the outage: %v", got)
	}
}

// An open stream says that news is missing, and that it comes again.
func TestStreamsSayThatNewsIsMissing(t *testing.T) {
	r := statetest.Start(t)
	h := newHost(t, withRedis(r.URL())).ready()
	feed := h.as("viewer").stream(http.MethodGet, "/api/v1/events", "")
	defer feed.stop()
	r.Freeze()
	seen := map[string]bool{}
	wait := func(name string) {
		t.Helper()
		for !seen[name] {
			f, ok := feed.next()
			if !ok {
				t.Fatalf("the stream ended before %s", name)
			}
			seen[f.name] = true
		}
	}
	wait("degraded")
	r.Thaw()
	wait("reset")
}

// Two servers that share a Redis tell each other's screens, and what one changes
// is read anew by the other.
func TestServersTellEachOther(t *testing.T) {
	r := statetest.Start(t)
	first := newHost(t, withRedis(r.URL())).ready()
	second := newHost(t, withRedis(r.URL())).ready()
	feed := second.as("viewer").stream(http.MethodGet, "/api/v1/events", "")
	defer feed.stop()
	first.inject("job-abend")
	run := first.as("operator").propose("rerun_job", map[string]any{"job": "PAYROLL_NET"})
	for {
		f, ok := feed.next()
		if !ok {
			t.Fatal("the stream ended")
		}
		if f.data["run_id"] == run {
			return
		}
	}
}

// One read of the engine serves all who ask for the same at the same time, and
// those who ask soon after; an action makes it void.
func TestReadsAreSharedAndDated(t *testing.T) {
	var asked atomic.Int64
	h := newHost(t).ready()
	h.mu.Lock()
	h.onRead = func(r *http.Request) {
		if strings.Contains(r.URL.Path, "/engine/info") {
			asked.Add(1)
			time.Sleep(20 * time.Millisecond)
		}
	}
	h.mu.Unlock()
	b := h.as("operator")
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if got := b.get(infoPath); got.status != http.StatusOK || dig(got.object(), "meta", "freshness") != "live" || got.header.Get("X-Freshness") != "live" {
				t.Errorf("got %s", got)
			}
		})
	}
	wg.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("the engine was asked %d times for 50 requests", n)
	}
	meta := b.get(infoPath).ok()["meta"].(map[string]any)
	if meta["cached"] != true || meta["fetched_at"] == "" {
		t.Errorf("meta %v", meta)
	}
	h.inject("job-abend")
	b.approve(b.propose("rerun_job", map[string]any{"job": "PAYROLL_NET"})).ok()
	h.eventually("the action to void what was read", func() bool {
		return b.get(infoPath).ok()["meta"].(map[string]any)["cached"] == false || asked.Load() > 1
	})
}

// What the engine said last is shown, with its age and the reason, when it does
// not answer any more.
func TestAnOldAnswerIsBetterThanNone(t *testing.T) {
	h := newHost(t).ready()
	b := h.as("operator")
	b.get(infoPath).ok()
	h.inject("job-abend")
	run := b.propose("rerun_job", map[string]any{"job": "PAYROLL_NET"})
	b.approve(run).ok() // voids what was read
	h.eventually("the run to be verified", func() bool { return b.get(runsPath + "/" + run).ok()["phase"] == "verified" })
	h.mu.Lock()
	h.broken = true
	h.mu.Unlock()
	got := b.get(infoPath)
	if meta := got.ok()["meta"].(map[string]any); meta["why_old"] == nil || meta["cached"] != true {
		t.Errorf("got %s", got)
	}
}

func TestLimits(t *testing.T) {
	h := newHost(t, func(c *hostConfig) {
		c.config = func(cfg *config.Config) { cfg.Limits = config.Limits{Chat: 4, Actions: 3} }
	}).ready()
	b, other := h.as("operator"), h.as("operator-two")
	statuses := []int{}
	for range 5 {
		got := b.post("/api/v1/chat", map[string]string{"message": "what does AWSBHT061E mean"})
		statuses = append(statuses, got.status)
		if got.header.Get("RateLimit-Policy") != `"chat";q=4;w=60` || !strings.HasPrefix(got.header.Get("RateLimit"), `"chat";r=`) {
			t.Errorf("headers %v", got.header)
		}
		if got.status == http.StatusTooManyRequests {
			got.problem(429, "too many requests", "4 in 1m0s")
			if got.header.Get("Retry-After") == "" {
				t.Error("429 without Retry-After")
			}
		}
	}
	if diff := cmp.Diff([]int{200, 200, 200, 200, 429}, statuses); diff != "" {
		t.Error(diff)
	}
	if got := other.post("/api/v1/chat", map[string]string{"message": "hello"}); got.status == 429 {
		t.Error("one person's limit holds for another")
	}
	for i := range 4 {
		got := b.post(executePath, map[string]any{"tool_name": "get_job_status", "parameters": map[string]string{"job": "PAYROLL_NET"}})
		if (got.status == 429) != (i == 3) {
			t.Errorf("action %d: %d", i, got.status)
		}
	}
}
