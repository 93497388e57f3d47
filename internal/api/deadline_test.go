package api_test

import (
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"resync/internal/app"
	"resync/internal/config"
	"resync/internal/faultnet"
)

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
