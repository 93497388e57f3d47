package api_test

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"resync/internal/app"
	"resync/internal/config"
	"resync/internal/faultnet"
)

// TestFaultMatrixEngineThroughTheAPI: the engine away in every way, as each tier
// of route sees it. What is in the last picture stays readable (BEST_EFFORT),
// a live read fails with the right status within its time, an action (CRITICAL)
// is refused before anything is sent, and what needs no engine goes on
// (READ_ONLY). Afterwards everything is as before.
func TestFaultMatrixEngineThroughTheAPI(t *testing.T) {
	var proxy *faultnet.Proxy
	const patience = 400 * time.Millisecond
	h := newHost(t, func(c *hostConfig) {
		c.through = func(addr string) string { proxy = faultnet.New(t, addr); return proxy.Addr() }
		c.config = func(cfg *config.Config) { cfg.Engines[0].Timeout = patience }
	}).ready()
	operator, admin := h.as("operator"), h.as("admin")
	// Each cell reads the log of another job: what was read before is remembered.
	ended := operator.get("/api/v1/tws/plan/current/job?status=SUCC&limit=50").ok()["items"].([]any)
	for i, tt := range []struct {
		fault faultnet.Fault
		live  []int // a live read
		says  string
	}{
		{faultnet.Pass(), []int{200}, ""},
		{faultnet.Refuse(), []int{502}, "connection was refused"},
		{faultnet.Blackhole(), []int{504}, "did not answer in time"},
		{faultnet.Reset(), []int{502}, "connection broke"},
		{faultnet.Delay(50 * time.Millisecond), []int{200}, ""},
		{faultnet.Delay(2 * time.Second), []int{504}, "did not answer in time"},
		{faultnet.Delay(35 * time.Second), []int{504}, "did not answer in time"},
		{faultnet.Cut(20), []int{502}, "connection broke"},
		{faultnet.CutReset(20), []int{502}, "connection broke"},
		{faultnet.Slice(64, 10*time.Microsecond), []int{200}, ""},
		{faultnet.HTTP(500, "NullPointerException"), []int{502}, "HTTP 500"},
		{faultnet.HTTP(503, ""), []int{502}, "HTTP 503"},
		{faultnet.HTTP(429, ""), []int{502}, "asked too often"},
		{faultnet.HTTP(200, "{garbage", "Content-Type: application/json"), []int{502}, "not what the API promises"},
	} {
		t.Run(strings.ReplaceAll(tt.fault.String(), " ", "_"), func(t *testing.T) {
			admin.postText(breakersPath+"/tws_api/reset", "").ok()
			proxy.Set(tt.fault)
			began := time.Now()
			live := operator.get("/api/v1/tws/plan/current/job/joblog?job_id=" + dig(ended[i], "id").(string))
			// Three attempts with their pauses; a request has no other deadline here.
			if took := time.Since(began); took > 3*patience+2*time.Second+time.Second {
				t.Errorf("a live read took %s", took)
			}
			if !slices.Contains(tt.live, live.status) || !strings.Contains(string(live.body), tt.says) {
				t.Errorf("a live read: %s, want %v with %q", live, tt.live, tt.says)
			}
			if r := operator.get("/api/v1/tws/plan/current/job/count"); r.status != http.StatusOK {
				t.Errorf("the last picture of the plan: %s", r)
			}
			if r := h.anonymous().get("/api/v1/version"); r.status != http.StatusOK {
				t.Errorf("the version: %s", r)
			}
			if live.status == http.StatusOK {
				return
			}
			sent := false
			h.beforeWrite(func(http.ResponseWriter, *http.Request) bool { sent = true; return false })
			act := operator.post(executePath, map[string]any{"tool_name": "hold_job", "parameters": map[string]string{"job": "PAYROLL_NET"}, "reason": "fault matrix"})
			if sent || act.status < 400 && act.object()["status"] != "error" {
				t.Errorf("an action: %s; sent %v", act, sent)
			}
			h.beforeWrite(nil)
		})
	}
	proxy.Set(faultnet.Pass())
	admin.postText(breakersPath+"/tws_api/reset", "").ok()
	operator.get("/api/v1/tws/engine/info").ok()
}

// R6: an engine that says nothing keeps nobody longer than the request's own
// time, whatever the engine's timeout and attempts add up to. What counts is the
// server's own account of the time: the client shares the machine with it. With
// RESYNC_LONG=1 all but one of 20 requests keep to the goal of 100 ms; elsewhere the
// best of three to a second, which is what a busy machine may add.
func TestReadsEndWithTheirDeadline(t *testing.T) {
	var proxy *faultnet.Proxy
	const limit = 300 * time.Millisecond
	h := newHost(t, func(c *hostConfig) {
		c.through = func(addr string) string { proxy = faultnet.New(t, addr); return proxy.Addr() }
		c.config = func(cfg *config.Config) { cfg.Engines[0].Timeout = 20 * time.Second }
		c.options = func(o *app.Options) { o.ReadTime = limit }
	}).ready()
	b, job := h.as("viewer"), h.jobID("PAYROLL_NET")
	proxy.Set(faultnet.Blackhole())
	rounds, goal := 3, time.Second
	if os.Getenv("RESYNC_LONG") == "1" {
		rounds, goal = 20, 100*time.Millisecond
	}
	paths := []string{"/api/v1/tws/engine/info", "/api/v1/tws/plan/current/job/joblog?job_id=" + job}
	var over []time.Duration
	for i := range rounds {
		h.as("admin").postText(breakersPath+"/tws_api/reset", "").ok() // or it would refuse at once
		r := b.get(paths[i%len(paths)])
		took, err := time.ParseDuration(r.header.Get("X-Processing-Time"))
		if err != nil || r.status != http.StatusGatewayTimeout {
			t.Errorf("%s after %s, %v", r, took, err)
		}
		over = append(over, took-limit)
	}
	t.Logf("%d requests with %s of time to an engine that says nothing: past it by %s at most, %s at least", rounds, limit, slices.Max(over), slices.Min(over))
	slices.Sort(over)
	judged := over[0]
	if os.Getenv("RESYNC_LONG") == "1" {
		judged = over[len(over)-2] // one may have met another test's load
	}
	if judged > goal {
		t.Errorf("past the deadline by %v, at most %s is allowed", over, goal)
	}
}
