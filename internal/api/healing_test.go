package api_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resync/internal/app"
)

// causes are those of a breaker's changes of state, oldest first.
func (b *browser) causes(name string) []string {
	b.h.t.Helper()
	list, _ := b.get(breakersPath + "/" + name).ok()["transitions"].([]any)
	var out []string
	for _, v := range list {
		out = append(out, v.(map[string]any)["cause"].(string))
	}
	return out
}

func (h *host) breakEngine(broken bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.broken = broken
}

// TestEngineIsBackBeforeTheDelay: the delay of a minute stays what it is, and yet
// an engine that answers again is used again at once, without anybody asking.
func TestEngineIsBackBeforeTheDelay(t *testing.T) {
	h := newHost(t, func(c *hostConfig) { c.options = func(o *app.Options) { o.LookEvery = 40 * time.Millisecond } }).ready()
	admin := h.as("admin")
	h.breakEngine(true)
	h.eventually("the breaker to open", func() bool {
		admin.get("/api/v1/tws/engine/info?nocache=1")
		admin.post(executePath, map[string]any{"tool_name": "get_workstation_status", "parameters": map[string]string{}})
		return admin.breakerNamed("tws_api")["state"] == "OPEN"
	})
	// Looks that fail change nothing: neither state nor history nor counts.
	before := admin.breakerNamed("tws_api")
	time.Sleep(200 * time.Millisecond)
	after := admin.breakerNamed("tws_api")
	if diff := cmp.Diff([]any{"OPEN", before["opened_total"], before["failure_count"], before["since"]},
		[]any{after["state"], after["opened_total"], after["failure_count"], after["since"]}); diff != "" {
		t.Errorf("looks at an engine that is away moved its breaker (-before +after):\n%s", diff)
	}
	if wait := after["retry_after"].(float64); wait < 45 {
		t.Errorf("the contract's delay is a minute; %v s are left", wait)
	}
	h.breakEngine(false)
	h.eventually("the breaker to close", func() bool { return admin.breakerNamed("tws_api")["state"] == "CLOSED" })
	got := admin.causes("tws_api")
	if len(got) != 3 || !strings.Contains(got[0], "5 failures in a row") || got[1] != "the engine answers again" || got[2] != "1 of 1 probes succeeded" {
		t.Errorf("the history says %q", got)
	}
}

// TestForcedOpenStaysForced: an operator's switch is not undone by an engine that
// answers.
func TestForcedOpenStaysForced(t *testing.T) {
	h := newHost(t, func(c *hostConfig) { c.options = func(o *app.Options) { o.LookEvery = 10 * time.Millisecond } }).ready()
	admin := h.as("admin")
	admin.post(breakersPath+"/tws_api/force-open", map[string]any{"reason": "maintenance"}).ok()
	time.Sleep(150 * time.Millisecond)
	if got := admin.breakerNamed("tws_api")["state"]; got != "FORCED_OPEN" {
		t.Errorf("it is %v", got)
	}
}

// TestReadingThePlanHealsWithTheEngine: an engine that answers the look but not
// the plan is tried less and less often; when it has healed, the breaker of the
// reading, which opened meanwhile for five minutes, does not keep the plan old.
func TestReadingThePlanHealsWithTheEngine(t *testing.T) {
	h := newHost(t, func(c *hostConfig) {
		c.options = func(o *app.Options) { o.LookEvery, o.SyncEvery = 5*time.Millisecond, 5*time.Millisecond }
	}).ready()
	admin := h.as("admin")
	var sick atomic.Bool
	sick.Store(true)
	h.mu.Lock()
	h.first = func(w http.ResponseWriter, r *http.Request) bool {
		if sick.Load() && strings.Contains(r.URL.Path, "/plan/") {
			http.Error(w, "the database of the plan is away", http.StatusBadGateway)
			return true
		}
		return false
	}
	h.mu.Unlock()
	h.eventually("both breakers to open", func() bool {
		return admin.breakerNamed("background_sync")["opened_total"].(float64) > 0 && admin.breakerNamed("tws_api")["opened_total"].(float64) > 1
	})
	sick.Store(false)
	h.eventually("both to close", func() bool {
		return admin.breakerNamed("tws_api")["state"] == "CLOSED" && admin.breakerNamed("background_sync")["state"] == "CLOSED"
	})
	if n := len(admin.causes("tws_api")); n > 40 {
		t.Errorf("%d changes of state: an engine that half works makes its breaker flap", n)
	}
}
