package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
)

// collector keeps the messages it is sent.
type collector struct {
	mu   sync.Mutex
	msgs []otlpRequest
	code atomic.Int32
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	if code := c.code.Load(); code != 0 {
		w.WriteHeader(int(code))
		return
	}
	var m otlpRequest
	if err := json.Unmarshal(raw, &m); err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/json" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.msgs = append(c.msgs, m)
}

func (c *collector) spans() map[string]otlpSpan {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]otlpSpan{}
	for _, m := range c.msgs {
		for _, s := range m.ResourceSpans[0].ScopeSpans[0].Spans {
			out[s.Name] = s
		}
	}
	return out
}

func startTracing(t *testing.T, endpoint string, dropped *atomic.Int64) *Tracing {
	t.Helper()
	tr, err := NewTracing(TracingConfig{Endpoint: endpoint, Client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, Service: "resync", Version: "6",
		Every: time.Hour, Dropped: func(n int) { dropped.Add(int64(n)) }})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func attrsOf(s otlpSpan) map[string]any {
	out := map[string]any{}
	for _, a := range s.Attributes {
		for _, v := range a.Value {
			out[a.Key] = v
		}
	}
	return out
}

// TestSpansReachTheCollector: a request with a tool and a call inside it, as a
// child of the caller's span.
func TestSpansReachTheCollector(t *testing.T) {
	c := &collector{}
	srv := httptest.NewServer(c)
	defer srv.Close()
	var dropped atomic.Int64
	tr := startTracing(t, srv.URL, &dropped)
	in := http.Header{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}
	ctx, end := tr.Request(t.Context(), "POST", in)
	if id := TraceID(ctx); id != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("trace id %s", id)
	}
	inner, done := tr.Start(ctx, "execute_tool rerun_job", attribute.String(GenAITool, "rerun_job"), attribute.Int("n", 3), attribute.Bool("b", true), attribute.Float64("f", 1.5))
	out := http.Header{}
	tr.Inject(inner, out)
	tr.Record(inner, "rerun", 2*time.Second, errors.New("refused"), attribute.String("k", "v"))
	done(nil, attribute.String("status", "done"))
	end("/api/v1/x/{id}", 503)
	if err := tr.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := c.spans()
	req, tool, call := got["POST /api/v1/x/{id}"], got["execute_tool rerun_job"], got["rerun"]
	if len(got) != 3 || req.ParentID != "b7ad6b7169203331" || tool.ParentID != req.SpanID || call.ParentID != tool.SpanID || call.TraceID != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("spans: %+v", got)
	}
	if want := "00-0af7651916cd43dd8448eb211c80319c-" + tool.SpanID + "-01"; out.Get("Traceparent") != want {
		t.Errorf("traceparent %q, want %q", out.Get("Traceparent"), want)
	}
	if diff := cmp.Diff(map[string]any{"gen_ai.tool.name": "rerun_job", "n": "3", "b": true, "f": 1.5, "status": "done"}, attrsOf(tool)); diff != "" {
		t.Error(diff)
	}
	if req.Kind != 2 || call.Kind != 3 || req.Status.Code != 2 || call.Status.Message != "refused" || tool.Status.Code != 0 {
		t.Errorf("kinds and statuses: %+v %+v %+v", req, tool, call)
	}
	if dropped.Load() != 0 {
		t.Errorf("%d spans were dropped", dropped.Load())
	}
	res := c.msgs[0].ResourceSpans[0].Resource.Attributes
	if len(res) != 2 || res[0].Key != "service.name" || res[0].Value["stringValue"] != "resync" {
		t.Errorf("resource: %+v", res)
	}
}

// TestSpansOfThePast end when what they tell of ended, not when it is told.
func TestSpansOfThePast(t *testing.T) {
	c := &collector{}
	srv := httptest.NewServer(c)
	defer srv.Close()
	var dropped atomic.Int64
	tr := startTracing(t, srv.URL, &dropped)
	from := time.Now().Add(-time.Minute)
	tr.RecordBetween(t.Context(), "chat", from, from.Add(2*time.Second), nil)
	if err := tr.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := c.spans()["chat"]
	want := [2]string{strconv.FormatInt(from.UnixNano(), 10), strconv.FormatInt(from.Add(2*time.Second).UnixNano(), 10)}
	if got := [2]string{s.Start, s.End}; got != want {
		t.Errorf("from and to %v, want %v", got, want)
	}
}

// TestACollectorThatIsAwayHoldsNobodyUp: spans are counted and lost.
func TestACollectorThatIsAwayHoldsNobodyUp(t *testing.T) {
	c := &collector{}
	c.code.Store(503)
	srv := httptest.NewServer(c)
	defer srv.Close()
	for name, endpoint := range map[string]string{"refuses": "http://127.0.0.1:1", "answers 503": srv.URL} {
		t.Run(name, func(t *testing.T) {
			var dropped atomic.Int64
			tr := startTracing(t, endpoint, &dropped)
			const spans = spanRoom + 700
			for range spans {
				_, end := tr.Start(t.Context(), "x")
				end(nil)
			}
			if n := dropped.Load(); n < 600 {
				t.Errorf("%d spans too many were dropped, of %d", n, spans)
			}
			if err := tr.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := dropped.Load(); n != spans {
				t.Errorf("%d of %d spans are counted as lost", n, spans)
			}
			_, end := tr.Start(t.Context(), "late")
			end(nil)
		})
	}
}

// TestFlush sends without waiting for the next time.
func TestFlush(t *testing.T) {
	c := &collector{}
	srv := httptest.NewServer(c)
	defer srv.Close()
	var dropped atomic.Int64
	tr := startTracing(t, srv.URL, &dropped)
	for range spanBatch + 1 {
		_, end := tr.Start(t.Context(), "x")
		end(nil)
	}
	if err := tr.provider.ForceFlush(t.Context()); err != nil || len(c.msgs) != 2 {
		t.Errorf("%d messages, %v", len(c.msgs), err)
	}
	if err := tr.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := tr.provider.ForceFlush(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestTracingOff: everything works without a collector, and the trace id still
// travels.
func TestTracingOff(t *testing.T) {
	var tr *Tracing
	ctx, end := tr.Request(t.Context(), "GET", http.Header{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}})
	end("/x", 200)
	ctx, done := tr.Start(ctx, "x")
	done(nil)
	tr.Record(ctx, "x", time.Second, nil)
	tr.RecordBetween(ctx, "x", time.Now(), time.Now(), nil)
	h := http.Header{}
	tr.Inject(ctx, h)
	if id, ok := ParseTraceparent(h.Get("Traceparent")); !ok || id != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("traceparent %q", h.Get("Traceparent"))
	}
	none := http.Header{}
	tr.Inject(context.Background(), none)
	if len(none) != 0 {
		t.Errorf("a header without a trace: %v", none)
	}
	if ctx, _ := tr.Request(t.Context(), "GET", http.Header{}); len(TraceID(ctx)) != 32 {
		t.Error("no trace id")
	}
	if err := tr.Close(t.Context()); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "otel:4318", "ftp://otel", "http://"} {
		if _, err := NewTracing(TracingConfig{Endpoint: bad}); err == nil || !strings.Contains(err.Error(), "http://collector:4318") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
