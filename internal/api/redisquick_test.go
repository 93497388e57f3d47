package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"resync/internal/state/statetest"
)

// TestRefusalsAreQuick reports how fast a CRITICAL route refuses and how fast an
// outage shows, under eight clients. It fails only on what no machine's load
// explains; bench/README.md has the numbers of a quiet one.
func TestRefusalsAreQuick(t *testing.T) {
	r := statetest.Start(t)
	h := newHost(t, withRedis(r.URL()), asServersRun).ready()
	const clients = 8
	type sample struct {
		at     time.Time
		took   time.Duration
		inside time.Duration // by the server's own account
		status int
	}
	all := make(chan []sample, clients)
	body := `{"tool_name":"get_job_status","parameters":{"job":"PAYROLL_NET"}}`
	stop := make(chan struct{})
	for range clients {
		b := h.as("operator")
		go func() {
			var mine []sample
			defer func() { all <- mine }()
			for {
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Millisecond):
				}
				start := time.Now()
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.base+executePath, strings.NewReader(body))
				if err != nil {
					return
				}
				req.Header.Set("Content-Type", "application/json")
				resp, err := b.client.Do(req)
				if err != nil {
					return
				}
				_ = resp.Body.Close() // the status is all that counts
				inside, _ := time.ParseDuration(resp.Header.Get("X-Processing-Time"))
				mine = append(mine, sample{start, time.Since(start), inside, resp.StatusCode})
			}
		}()
	}
	time.Sleep(300 * time.Millisecond)
	frozen := time.Now()
	r.Freeze()
	time.Sleep(1500 * time.Millisecond)
	thawed := time.Now()
	r.Thaw()
	time.Sleep(time.Second)
	close(stop)
	var samples []sample
	for range clients {
		samples = append(samples, <-all...)
	}
	var lastGood, firstBack time.Time
	var steady, inside []time.Duration
	for _, s := range samples {
		switch {
		case s.status == http.StatusOK && s.at.After(frozen) && s.at.Before(thawed) && s.at.Add(s.took).Before(thawed) && s.at.After(lastGood):
			lastGood = s.at
		case s.status == http.StatusOK && s.at.After(thawed) && (firstBack.IsZero() || s.at.Before(firstBack)):
			firstBack = s.at.Add(s.took)
		case s.status == http.StatusServiceUnavailable && s.at.After(frozen.Add(500*time.Millisecond)) && s.at.Before(thawed):
			steady, inside = append(steady, s.took), append(inside, s.inside)
		}
	}
	if len(steady) == 0 || firstBack.IsZero() {
		t.Fatalf("no steady refusal (%d), or never back (%v)", len(steady), firstBack)
	}
	if !lastGood.IsZero() {
		t.Errorf("a request began %s after Redis was frozen and was carried out", lastGood.Sub(frozen))
	}
	var slowestTurn time.Duration // of requests that began in the first moments
	for _, s := range samples {
		if s.at.After(frozen) && s.at.Before(frozen.Add(300*time.Millisecond)) {
			slowestTurn = max(slowestTurn, s.took)
		}
	}
	slices.Sort(steady)
	slices.Sort(inside)
	t.Logf("slowest answer of the first 300 ms %s; steady 503 p50 %s p99 %s (%d), in the server p50 %s p99 %s; back %s after SIGCONT",
		slowestTurn, steady[len(steady)/2], steady[len(steady)*99/100], len(steady), inside[len(inside)/2], inside[len(inside)*99/100], firstBack.Sub(thawed))
	if slowestTurn > 5*time.Second || steady[len(steady)/2] > time.Second {
		t.Error("refusals wait for something")
	}
}
