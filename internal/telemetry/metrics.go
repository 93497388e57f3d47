package telemetry

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics holds what Resync counts as things happen. Labels are taken from
// closed sets only (route templates, operation names, states), never from
// users, jobs or run ids, so the number of series stays bounded.
type Metrics struct {
	httpRequests   *prometheus.CounterVec
	httpDuration   *prometheus.HistogramVec
	http           found[httpLabels, httpSeries]
	httpInFlight   prometheus.Gauge
	engineRequests *prometheus.CounterVec
	engineDuration *prometheus.HistogramVec
	toolDuration   *prometheus.HistogramVec
	policyDenied   *prometheus.CounterVec
	sseClients     prometheus.Gauge
	llm            *llmMetrics
	less           lessMetrics
	idempotency    *prometheus.CounterVec
	spansDropped   prometheus.Counter
	webhooks       *prometheus.CounterVec
}

// NewRegistry returns a registry that already holds the Go runtime, the process
// and resync_build_info.
func NewRegistry(b Build) *prometheus.Registry {
	reg := prometheus.NewRegistry()
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "resync_build_info", Help: "Always 1; the labels tell which build is running.",
	}, []string{"version", "commit", "goversion"})
	info.WithLabelValues(b.Version, b.Commit, b.Go).Set(1)
	reg.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		info,
	)
	return reg
}

// NewMetrics creates the metrics and registers them with reg. It panics when
// they are registered twice, which is a mistake in the program's wiring.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	seconds := []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	m := &Metrics{
		llm: newLLMMetrics(reg),
		httpRequests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "resync_http_requests_total", Help: "HTTP requests answered, by method, route template and status code.",
		}, []string{"method", "route", "code"}),
		httpDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "resync_http_request_duration_seconds", Help: "Time to answer an HTTP request.", Buckets: seconds,
		}, []string{"method", "route"}),
		httpInFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "resync_http_requests_in_flight", Help: "HTTP requests being answered now.",
		}),
		engineRequests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "resync_engine_requests_total", Help: "Requests sent to a workload engine, by outcome: ok, business_error, transport_error, unknown.",
		}, []string{"engine", "operation", "outcome"}),
		engineDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "resync_engine_request_duration_seconds", Help: "Time a workload engine took to answer.", Buckets: seconds,
		}, []string{"engine", "operation"}),
		toolDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "resync_tool_run_duration_seconds", Help: "Time a tool run took, by tool and final status.", Buckets: seconds,
		}, []string{"tool", "status"}),
		policyDenied: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "resync_policy_denied_total", Help: "Actions refused by a policy rule.",
		}, []string{"rule"}),
		sseClients: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "resync_sse_clients", Help: "Event streams open now.",
		}),
		idempotency: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "resync_idempotency_keys_total", Help: "Requests with an Idempotency-Key, by what was found: fresh, replay, in_progress, mismatch, indeterminate.",
		}, []string{"state"}),
	}
	m.less = newLessMetrics(reg)
	m.webhooks = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "resync_webhook_attempts_total", Help: "Messages to webhook targets, by what became of the attempt: sent, failed, refused (by the circuit breaker), given_up.",
	}, []string{"target", "outcome"})
	m.spansDropped = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "resync_otlp_spans_dropped_total", Help: "Spans that the collector did not take.",
	})
	reg.MustRegister(m.webhooks, m.spansDropped, m.idempotency, m.httpRequests, m.httpDuration, m.httpInFlight, m.engineRequests,
		m.engineDuration, m.toolDuration, m.policyDenied, m.sseClients)
	return m
}

// HTTPRequest counts an answered request. route is the template that matched
// ("/api/v1/undo/{trace_id}"), never the path, which would open a series per
// id; "" stands for a path no route matched.
func (m *Metrics) HTTPRequest(method, route string, code int, took time.Duration) {
	if route == "" {
		route = "unmatched"
	}
	s := m.http.get(httpLabels{knownMethod(method), route, code}, m.httpSeries)
	s.requests.Inc()
	s.duration.Observe(took.Seconds())
}

func (m *Metrics) httpSeries(l httpLabels) httpSeries {
	return httpSeries{m.httpRequests.WithLabelValues(l.method, l.route, strconv.Itoa(l.code)), m.httpDuration.WithLabelValues(l.method, l.route)}
}

// knownMethod maps method names a client made up to one label value.
func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}

// HTTPStarted marks a request as being answered until the returned function is called.
func (m *Metrics) HTTPStarted() (done func()) {
	m.httpInFlight.Inc()
	return m.httpInFlight.Dec
}

// EngineRequest counts a request to an engine. operation is the client's
// operation name; outcome is ok, business_error (the engine answered and
// refused), transport_error (nothing happened) or unknown (it may have acted).
func (m *Metrics) EngineRequest(engine, operation, outcome string, took time.Duration) {
	m.engineRequests.WithLabelValues(engine, operation, outcome).Inc()
	m.engineDuration.WithLabelValues(engine, operation).Observe(took.Seconds())
}

// ToolRun records a finished tool run under its final status.
func (m *Metrics) ToolRun(tool, status string, took time.Duration) {
	m.toolDuration.WithLabelValues(tool, status).Observe(took.Seconds())
}

// PolicyDenied counts an action refused by the named policy rule.
func (m *Metrics) PolicyDenied(rule string) { m.policyDenied.WithLabelValues(rule).Inc() }

// SSEOpened counts an open event stream until the returned function is called.
func (m *Metrics) SSEOpened() (closed func()) {
	m.sseClients.Inc()
	return m.sseClients.Dec
}

// SpansDropped counts spans that were lost.
func (m *Metrics) SpansDropped(n int) { m.spansDropped.Add(float64(n)) }

// WebhookAttempt counts an attempt to deliver a message: sent, failed, refused (by
// the circuit breaker) or given_up.
func (m *Metrics) WebhookAttempt(target, outcome string) {
	m.webhooks.WithLabelValues(target, outcome).Inc()
}

// IdempotencyKey counts a request with an Idempotency-Key by what was found
// under the key.
func (m *Metrics) IdempotencyKey(state string) { m.idempotency.WithLabelValues(state).Inc() }

// Handler serves the registry in the Prometheus text format. A collector that
// fails leaves its own metrics out instead of hiding all others.
func Handler(reg *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, Registry: reg})
}
