package telemetry

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// scrape returns the registry in the text format, without the runtime's own metrics.
func scrape(t *testing.T, reg *prometheus.Registry) string {
	t.Helper()
	w := httptest.NewRecorder()
	Handler(reg).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("GET /metrics = %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// exercised returns a registry in which every metric of this package has been used once.
func exercised(t *testing.T) *prometheus.Registry {
	t.Helper()
	reg := NewRegistry(Build{Version: "v1", Commit: "abc", Go: "go1.26.8"})
	m := NewMetrics(reg)
	reg.MustRegister(NewStateCollector(time.Second, func(context.Context) (State, error) {
		return State{ToolRuns: map[string]int{"done": 3, "executing": 1}, OutcomeUnknown: 2, ApprovalsPending: 4,
			PlanAge: map[string]time.Duration{"prod": 1500 * time.Millisecond}}, nil
	}))
	m.HTTPRequest("GET", "/api/v1/undo/{trace_id}", 200, 20*time.Millisecond)
	m.HTTPRequest("BREW", "", 404, time.Millisecond)
	m.EngineRequest("prod", "Jobs", "ok", time.Second)
	m.ToolRun("hold_job", "done", time.Second)
	m.PolicyDenied("freeze")
	m.HTTPStarted()
	m.SSEOpened()()
	return reg
}

func TestMetricsSayWhatHappened(t *testing.T) {
	got := scrape(t, exercised(t))
	for _, line := range []string{
		`resync_build_info{commit="abc",goversion="go1.26.8",version="v1"} 1`,
		`resync_http_requests_total{code="200",method="GET",route="/api/v1/undo/{trace_id}"} 1`,
		`resync_http_requests_total{code="404",method="other",route="unmatched"} 1`,
		`resync_http_request_duration_seconds_bucket{method="GET",route="/api/v1/undo/{trace_id}",le="0.025"} 1`,
		`resync_http_requests_in_flight 1`,
		`resync_engine_requests_total{engine="prod",operation="Jobs",outcome="ok"} 1`,
		`resync_tool_run_duration_seconds_count{status="done",tool="hold_job"} 1`,
		`resync_policy_denied_total{rule="freeze"} 1`,
		`resync_sse_clients 0`,
		`resync_tool_runs{status="done"} 3`,
		`resync_tool_runs{status="executing"} 1`,
		`resync_action_outcome_unknown 2`,
		`resync_approvals_pending 4`,
		`resync_plan_age_seconds{engine="prod"} 1.5`,
		`resync_state_read_failures_total 0`,
		`go_goroutines `,
	} {
		if !strings.Contains(got, line) {
			t.Errorf("/metrics lacks %q", line)
		}
	}
}

func TestMetricNamesPassTheLinter(t *testing.T) {
	families, err := exercised(t).Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "resync_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func TestUnknownStateIsAbsentNotZero(t *testing.T) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(NewStateCollector(time.Second, func(context.Context) (State, error) {
		return State{OutcomeUnknown: 7, PlanAge: map[string]time.Duration{"prod": time.Minute}}, errors.New("store is locked")
	}))
	got := scrape(t, reg)
	if !strings.Contains(got, `resync_plan_age_seconds{engine="prod"} 60`) {
		t.Errorf("/metrics hides the age of a plan, for which no store is asked:\n%s", got)
	}
	for _, name := range []string{"resync_tool_runs", "resync_action_outcome_unknown", "resync_approvals_pending"} {
		if strings.Contains(got, name) {
			t.Errorf("/metrics shows %s although the state could not be read", name)
		}
	}
	if !strings.Contains(got, "resync_state_read_failures_total 1") {
		t.Errorf("/metrics does not count the failed read:\n%s", got)
	}
}

func TestStateCollectorGivesUpAtItsTimeout(t *testing.T) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(NewStateCollector(time.Millisecond, func(ctx context.Context) (State, error) {
		<-ctx.Done()
		return State{}, ctx.Err()
	}))
	if got := scrape(t, reg); !strings.Contains(got, "resync_state_read_failures_total 1") {
		t.Errorf("/metrics after a read that hangs:\n%s", got)
	}
}
