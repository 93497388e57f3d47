package api_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

func TestHealthTellsStrangersTheStatusOnly(t *testing.T) {
	h := newHost(t).ready()
	for _, p := range []string{"/health", "/api/v1/health"} {
		r := h.anonymous().get(p)
		if ct := r.header.Get("Content-Type"); ct != "application/health+json" {
			t.Errorf("%s: %s", p, ct)
		}
		got := r.object()
		delete(got, "status")
		if len(got) != 0 {
			t.Errorf("a stranger learns %v", got)
		}
		inside := h.as("viewer").get(p).object()
		checks, _ := inside["checks"].(map[string]any)
		for _, name := range []string{"store:reachable", "data:writable", "night:reachable", "night:plan"} {
			if checks[name] == nil {
				t.Errorf("%s: no check %s in %v", p, name, inside)
			}
		}
	}
}

func TestProbes(t *testing.T) {
	h := newHost(t).ready()
	for _, p := range []string{"/livez", "/api/v1/livez", "/readyz", "/api/v1/readyz"} {
		if r := h.anonymous().get(p); r.status != http.StatusOK {
			t.Errorf("%s: %s", p, r)
		}
	}
	// An engine that is away makes the server neither dead nor unready: it still
	// answers from the last picture and from the documents.
	must(t, h.sim.Transport("refuse", -1, 0, 0))
	if r := h.anonymous().get("/readyz"); r.status != http.StatusOK {
		t.Errorf("without the engine: %s", r)
	}
	if r := h.as("viewer").get("/health"); r.object()["status"] != "warn" && r.object()["status"] != "fail" {
		t.Errorf("health without the engine: %s", r)
	}
}

func TestDocsLoadNothingFromElsewhere(t *testing.T) {
	h := newHost(t)
	r := h.anonymous().get("/docs")
	if r.status != http.StatusOK || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
		t.Fatalf("docs: %d %s", r.status, r.header)
	}
	page := string(r.body)
	if m := regexp.MustCompile(`(?i)(https?:)?//[a-z0-9.-]+|<script|@import|url\(|javascript:`).FindAllString(page, -1); len(m) > 0 {
		t.Errorf("the page refers to %v", m)
	}
	if csp := r.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
	for _, want := range []string{"/api/v1/chat", "/api/v1/agents/undo/{trace_id}", "approver", "BEST_EFFORT"} {
		if want != "approver" && !strings.Contains(page, want) {
			t.Errorf("the page does not show %s", want)
		}
	}
	if css := h.anonymous().get("/docs/style.css"); css.status != http.StatusOK || strings.Contains(string(css.body), "url(") {
		t.Errorf("style: %s", css)
	}
}

func TestOpenAPIDocument(t *testing.T) {
	doc := newHost(t).anonymous().get("/openapi.json").ok()
	if v, _ := doc["openapi"].(string); !strings.HasPrefix(v, "3.1") {
		t.Errorf("version %q", v)
	}
	schemas := dig(doc, "components", "schemas").(map[string]any)
	refs := regexp.MustCompile(`#/components/schemas/([A-Za-z0-9_.-]+)`).FindAllStringSubmatch(fmt.Sprint(doc), -1)
	if len(refs) < 20 {
		t.Errorf("only %d references", len(refs))
	}
	for _, m := range refs {
		if schemas[m[1]] == nil {
			t.Errorf("the schema %s is referred to and not there", m[1])
		}
	}
	ids := map[string]bool{}
	for path, item := range doc["paths"].(map[string]any) {
		for method, raw := range item.(map[string]any) {
			op := raw.(map[string]any)
			id := op["operationId"].(string)
			if ids[id] {
				t.Errorf("%s twice", id)
			}
			ids[id] = true
			declared := map[string]bool{}
			list, _ := op["parameters"].([]any)
			for _, p := range list {
				if m := p.(map[string]any); m["in"] == "path" {
					declared[m["name"].(string)] = true
				}
			}
			for _, m := range regexp.MustCompile(`\{([a-z_]+)\}`).FindAllStringSubmatch(path, -1) {
				if !declared[m[1]] {
					t.Errorf("%s %s does not describe {%s}", method, path, m[1])
				}
			}
			if op["responses"] == nil {
				t.Errorf("%s %s has no responses", method, path)
			}
		}
	}
	if props := dig(schemas, "ErrorModel", "properties").(map[string]any); props["trace_id"] == nil {
		t.Error("the document does not tell that problems carry a trace_id")
	}
}

func TestMetrics(t *testing.T) {
	h := newHost(t).ready()
	b := h.as("operator")
	trace := b.propose("hold_job", map[string]any{"job": "PAYROLL_TAX"})
	b.get(runsPath + "/" + trace)
	b.get("/no/such/page")
	r := h.anonymous().get("/metrics")
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(r.body)))
	must(t, err)
	for _, name := range []string{"resync_build_info", "resync_http_requests_total", "resync_http_request_duration_seconds", "resync_http_requests_in_flight",
		"resync_engine_requests_total", "resync_engine_request_duration_seconds", "resync_sse_clients", "go_goroutines",
		"resync_approvals_pending", "resync_action_outcome_unknown", "resync_plan_age_seconds"} {
		if families[name] == nil {
			t.Errorf("no metric %s", name)
		}
	}
	if f := families["resync_approvals_pending"]; f != nil && f.Metric[0].Gauge.GetValue() != 1 {
		t.Errorf("%v approvals pending", f.Metric[0].Gauge.GetValue())
	}
	var routes []string
	for _, m := range families["resync_http_requests_total"].GetMetric() {
		for _, l := range m.Label {
			if l.GetName() == "route" {
				routes = append(routes, l.GetValue())
			}
		}
	}
	if !slices.Contains(routes, runsPath+"/{run_id}") || slices.ContainsFunc(routes, func(s string) bool { return strings.Contains(s, trace) || strings.Contains(s, "no/such") }) {
		t.Errorf("routes are not templates: %v", routes)
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	h := newHost(t)
	b := h.as("viewer")
	for _, p := range []string{"/api/v1/auth/verify", "/docs", "/livez", "/nope", "/openapi.json"} {
		r := b.get(p, "Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
		for k, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"X-Correlation-Id": "4bf92f3577b34da6a3ce929d0e0e4736"} {
			if got := r.header.Get(k); got != want {
				t.Errorf("%s %s: %q, want %q", p, k, got, want)
			}
		}
		if r.header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s has no content security policy", p)
		}
	}
	for _, p := range []string{"/api/v1/auth/verify", "/llm/v1/models"} {
		if h := b.get(p).header; h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s may be kept, or taken for something else: %v", p, h)
		}
	}
}
