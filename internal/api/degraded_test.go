package api_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"resync/breaker"
	"resync/internal/state/statetest"
)

const degradedPath = "/api/v1/admin/resilience/degraded"

// parts are those that are away, by name.
func (b *browser) parts() map[string]map[string]any {
	b.h.t.Helper()
	got := b.get(degradedPath).ok()
	out := map[string]map[string]any{}
	for _, v := range got["parts"].([]any) {
		p := v.(map[string]any)
		out[p["part"].(string)] = p
	}
	if got["degraded"] != (len(out) > 0) {
		b.h.t.Errorf("degraded is %v with %d parts", got["degraded"], len(out))
	}
	return out
}

// TestScreensAreToldOfOutages: a screen hears that a part is away and that it is
// back, also one that was cut off meanwhile and comes back with the number of the
// last event it saw; a probe in between is neither.
func TestScreensAreToldOfOutages(t *testing.T) {
	h := newHost(t).ready()
	admin, viewer := h.as("admin"), h.as("viewer")
	if got := viewer.parts(); len(got) != 0 {
		t.Errorf("away at first: %v", got)
	}
	feed := viewer.stream(http.MethodGet, "/api/v1/events", "")
	admin.post(breakersPath+"/siem/disable", map[string]any{"reason": "any event"}).ok()
	last := 0
	for last == 0 {
		f, ok := feed.next()
		if !ok {
			t.Fatal("the stream ended")
		}
		if f.name == "breaker" {
			last = f.id
		}
	}
	feed.stop() // cut off

	admin.post(breakersPath+"/tws_api/force-open", map[string]any{"reason": "new disks", "ttl_seconds": 600}).ok()
	p := viewer.parts()["tws_api"]
	if p["reason"] != "new disks" || p["by"] != "admin" || p["critical"] != true || p["state"] != "forced_open" || p["next_probe_at"] == nil ||
		!strings.Contains(p["works"].(string), "last picture of the plan") || !strings.Contains(p["missing"].(string), "nothing is queued") ||
		!slices.Contains(p["refused_endpoints"].([]any), any("POST /api/v1/agents/tools/execute")) || !slices.Contains(p["degraded_endpoints"].([]any), any("GET /api/v1/tws/plan/current/job")) {
		t.Errorf("%v", p)
	}
	admin.post(breakersPath+"/tws_api/enable", map[string]any{"reason": "they are in"}).ok()
	if got := viewer.parts(); len(got) != 0 {
		t.Errorf("still away: %v", got)
	}

	again := viewer.stream(http.MethodGet, "/api/v1/events", "", "Last-Event-ID", strconv.Itoa(last))
	defer again.stop()
	var got []string
	for len(got) < 2 {
		f, ok := again.next()
		if !ok {
			t.Fatal("the stream ended")
		}
		if f.name != "degraded" && f.name != "healed" {
			continue
		}
		if f.id == 0 || f.data["part"] != "tws_api" {
			t.Errorf("%+v", f)
		}
		got = append(got, f.name+": "+f.data["reason"].(string))
	}
	if got[0] != "degraded: forced open by hand for 10m0s: new disks" || got[1] != "healed: enabled by hand: they are in" {
		t.Errorf("a screen that comes back hears %q", got)
	}
}

// TestEveryPartHasItsWords: what it means that a part is away stands there for each
// breaker of the contract that something calls. (On SQLite the breaker of the database
// stops nobody, so that its words can be read here.)
func TestEveryPartHasItsWords(t *testing.T) {
	h := newHost(t).ready()
	admin := h.as("admin")
	var names []string
	for _, s := range breaker.Contract() {
		if s.Name != "redis" && s.Name != "siem" {
			names = append(names, s.Name)
			admin.post(breakersPath+"/"+s.Name+"/force-open", map[string]any{"reason": "to read", "ttl_seconds": 600}).ok()
		}
	}
	got := admin.parts()
	titles := map[string]string{}
	for _, name := range names {
		p := got[name]
		title, _ := p["title"].(string)
		if title == "" || title == name || p["works"] == "" || p["missing"] == "" || p["missing"] == "what this service is for" || p["reason"] != "to read" {
			t.Errorf("%s: %v", name, p)
		}
		if other := titles[title]; other != "" && name != "teams" && name != "webhook" { // both are messages
			t.Errorf("%s and %s are both called %q", name, other, title)
		}
		titles[title] = name
	}
	db := got["database"]
	if !strings.Contains(db["missing"].(string), "what cannot be recorded is not carried out") || !slices.Contains(db["refused_endpoints"].([]any), any("POST /api/v1/agents/tools/execute")) {
		t.Errorf("%v", db)
	}
}

// TestRedisOutageOnTheScreens: the same for Redis, with the routes that suffer.
func TestRedisOutageOnTheScreens(t *testing.T) {
	r := statetest.Start(t)
	h := newHost(t, withRedis(r.URL())).ready()
	viewer := h.as("viewer")
	feed := viewer.stream(http.MethodGet, "/api/v1/events", "")
	defer feed.stop()
	wait := func(name string) {
		t.Helper()
		for {
			f, ok := feed.next()
			if !ok {
				t.Fatalf("the stream ended before %s", name)
			}
			if f.name == name && f.id > 0 && f.data["part"] == "redis" {
				return
			}
		}
	}
	r.Freeze()
	wait("degraded")
	p := viewer.parts()["redis"]
	if p == nil || p["reason"] == "" || !slices.Contains(p["refused_endpoints"].([]any), any("POST /api/v1/auth/login")) || len(p["degraded_endpoints"].([]any)) < 20 {
		t.Errorf("%v", p)
	}
	r.Thaw()
	wait("healed")
	if got := viewer.parts(); len(got) != 0 {
		t.Errorf("still away: %v", got)
	}
}
