package api_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"resync/breaker"
	"resync/internal/api"
	"resync/internal/auth"
	"resync/internal/store"
	"resync/internal/telemetry"
	"resync/llm"
	"resync/llm/openai"
)

// canned answers every call at once, so that what is measured is our own.
type canned []byte

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	return &http.Response{StatusCode: 200, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, ContentLength: int64(len(c)), Body: io.NopCloser(bytes.NewReader(c)), Request: r}, nil
}

// sink is a ResponseWriter that keeps the status and the length.
type sink struct {
	head   http.Header
	status int
	n      int
}

func (s *sink) Header() http.Header  { return s.head }
func (s *sink) WriteHeader(code int) { s.status = code }
func (s *sink) Write(p []byte) (int, error) {
	s.n += len(p)
	return len(p), nil
}

// llmEndpoint is the endpoint with everything a server has around it, but the
// connection: guard, token, tier, limits, metrics, breaker, budget.
func llmEndpoint(tb testing.TB) (h http.Handler, token string) {
	tb.Helper()
	fail := func(err error) {
		if err != nil {
			tb.Fatal(err)
		}
	}
	db, err := store.Open(tb.Context(), "sqlite:"+filepath.Join(tb.TempDir(), "resync.db"))
	fail(err)
	tb.Cleanup(func() { _ = db.Close() }) // the directory goes with it
	people := auth.New(db, nil)
	_, err = people.CreateUser(tb.Context(), "bench", "", auth.Roles{auth.Viewer})
	fail(err)
	token, _, err = people.NewAPIToken(tb.Context(), "bench", "bench", auth.ScopeLLM, time.Hour)
	fail(err)
	answer := `{"id":"x","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"` + strings.Repeat("words ", 110) +
		`"},"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":140,"total_tokens":160}}`
	model, err := openai.New(openai.Options{Model: "m", BaseURL: "http://127.0.0.1:1/v1", HTTP: canned(answer)})
	fail(err)
	metrics := telemetry.NewMetrics(telemetry.NewRegistry(telemetry.Build{}))
	brk := breaker.New(breaker.Settings{Name: "llm_openai", Failures: 5, Delay: time.Minute})
	chain, err := llm.New(llm.Options{
		Targets: []llm.Target{{Name: "a", Model: model, Keys: []string{"k"}, Price: &llm.Price{Input: 1e-6, Output: 1e-6}}},
		Breaker: func(string) *breaker.Breaker { return brk }, Meter: llm.NewMeter(db, llm.Limits{UserDay: 1e6}, nil),
		Observe: func(_ context.Context, at llm.Attempt) { metrics.LLMAttempt(at.Target, "ok", at.Duration) },
		Done: func(_ context.Context, o llm.Outcome) {
			metrics.LLMRequest("ok", o.Response.Target, o.Response.Usage.InputTokens, o.Response.Usage.OutputTokens, 0, *o.Response.CostUSD, o.Took)
		},
	})
	fail(err)
	h, err = api.Handler(api.Deps{Engines: []*api.Engine{{Name: "none"}}, Auth: people, Metrics: metrics, LLM: chain, Limits: api.Limits{LLM: 1e9},
		Console: http.NotFoundHandler(), Prom: http.NotFoundHandler(), Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Base: tb.Context()})
	fail(err)
	return h, token
}

// ask sends one question through the handler.
func ask(ctx context.Context, h http.Handler, token string, body *bytes.Reader, w *sink) error {
	clear(w.head)
	w.status, w.n = 200, 0
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, chatPath, body)
	if err != nil {
		return err
	}
	r.RequestURI = chatPath
	r.Header = http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}, "User-Agent": {"bench"}, "Accept-Encoding": {"identity"}}
	h.ServeHTTP(w, r)
	return nil
}

const benchQuestion = `{"model":"resync","stream":false,"messages":[{"role":"system","content":"You are an operator's assistant."},{"role":"user","content":"Why did the job PAYROLL_NET abend last night?"}]}`

// BenchmarkLLMEndpoint is what a whole answer costs here, without the connections
// to the caller and to the model. Making the request is in it (7 allocations).
func BenchmarkLLMEndpoint(b *testing.B) {
	h, token := llmEndpoint(b)
	w, body := &sink{head: http.Header{}}, bytes.NewReader(nil)
	b.ReportAllocs()
	for b.Loop() {
		body.Reset([]byte(benchQuestion))
		if err := ask(b.Context(), h, token, body, w); err != nil || w.status != 200 || w.n < 600 {
			b.Fatal(w.status, w.n, err)
		}
	}
}
