package app_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"resync/hwa/hwasim"
	"resync/internal/app"
	"resync/internal/auth"
)

// traced is a collector that keeps spans by name.
type traced struct {
	mu    sync.Mutex
	spans map[string]span
	away  bool
}

// callersTrace is the trace of the request that the test looks at.
const callersTrace = "0af7651916cd43dd8448eb211c80319c"

type span struct {
	TraceID, SpanID, ParentSpanID, Name string
	Attributes                          []struct {
		Key   string
		Value map[string]any
	}
}

func (c *traced) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.away {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var m struct {
		ResourceSpans []struct{ ScopeSpans []struct{ Spans []span } }
	}
	raw, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(raw, &m) // what cannot be read is missed below
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, res := range m.ResourceSpans {
		for _, sc := range res.ScopeSpans {
			for _, s := range sc.Spans {
				if have := c.spans[s.Name]; have.TraceID != callersTrace {
					c.spans[s.Name] = s
				}
			}
		}
	}
}

// TestTraceFromCallerToEngine: one trace holds the request, the tool in it and
// the calls to the engine, which gets the trace's id too.
func TestTraceFromCallerToEngine(t *testing.T) {
	sim, err := hwasim.New(hwasim.Config{Jobs: 300, Workstations: 40, Speed: -1})
	must(t, err)
	var mu sync.Mutex
	seen := map[string]bool{}
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.Header.Get("Traceparent")] = true
		mu.Unlock()
		sim.ServeHTTP(w, r)
	}))
	defer engine.Close()
	col := &traced{spans: map[string]span{}}
	srv := httptest.NewServer(col)
	defer srv.Close()
	cfg := childSettings{Engine: engine.URL, User: sim.DefaultUser(), Password: sim.DefaultPassword(), Dir: t.TempDir(), Grace: time.Minute}.config()
	cfg.Telemetry.Endpoint = srv.URL
	a, err := app.New(t.Context(), app.Options{Config: cfg, NoConsole: true})
	must(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	base := "http://" + ln.Addr().String()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	served := make(chan error, 1)
	go func() { served <- a.Serve(ctx, ln) }()
	url, err := a.LoginURL(t.Context(), base, "ana", auth.NewRoles(auth.Operator))
	must(t, err)
	k := signedIn(t, url)
	const trace = callersTrace
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/api/v1/agents/tools/execute", strings.NewReader(`{"tool_name":"get_job_status","parameters":{"job":"PAYROLL_TAX"}}`))
	must(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Traceparent", "00-"+trace+"-b7ad6b7169203331-01")
	resp, err := k.client.Do(req)
	must(t, err)
	resp.Body.Close()
	if id := resp.Header.Get("X-Correlation-Id"); id != trace {
		t.Errorf("the answer names the trace %q", id)
	}
	if status, err := k.call(http.MethodPost, "/api/v1/chat", map[string]string{"message": "How many jobs are in the plan?"}, nil); status != http.StatusOK {
		t.Errorf("asking: %d %v", status, err)
	}
	k.client.CloseIdleConnections()
	stop()
	must(t, <-served)
	route, toolSpan := col.spans["POST /api/v1/agents/tools/execute"], col.spans["execute_tool get_job_status"]
	if route.TraceID != trace || route.ParentSpanID != "b7ad6b7169203331" || toolSpan.ParentSpanID != route.SpanID {
		t.Errorf("request %+v, tool %+v", route, toolSpan)
	}
	calls := 0
	for name, s := range col.spans {
		if strings.HasPrefix(name, "engine ") && s.TraceID == trace && s.ParentSpanID == toolSpan.SpanID {
			calls++
		}
	}
	if calls == 0 {
		t.Errorf("no call to the engine is inside the tool: %v", col.spans)
	}
	if !seen["00-"+trace+"-"+toolSpan.SpanID+"-01"] {
		t.Errorf("the engine did not get the trace: %v", seen)
	}
	if ask, chat := col.spans["invoke_agent resync"], col.spans["POST /api/v1/chat"]; ask.TraceID == "" || ask.TraceID != chat.TraceID {
		t.Errorf("question %+v, request %+v", ask, chat)
	}
}

// TestCollectorAway: a server whose collector does not answer works and stops
// as ever, and counts what was lost.
func TestCollectorAway(t *testing.T) {
	cfg := settingsFor(t)
	cfg.Telemetry.Endpoint = "http://127.0.0.1:1"
	a, err := app.New(t.Context(), app.Options{Config: cfg, NoConsole: true})
	must(t, err)
	for range 50 {
		rec := httptest.NewRecorder()
		a.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/livez", nil))
		if rec.Code != http.StatusOK {
			t.Fatalf("/livez: %d", rec.Code)
		}
	}
	start := time.Now()
	must(t, a.Close(t.Context()))
	if took := time.Since(start); took > 8*time.Second {
		t.Errorf("stopping took %s", took)
	}
}
