package app_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resync/internal/app"
	"resync/internal/auth"
	"resync/internal/config"
	"resync/llm/llmtest"
)

// chainOf is a server with two simulated models, A and B, and a person signed in.
func chainOf(t *testing.T, change func(*config.Config)) (k *child, a, b *llmtest.Server, stop func()) {
	t.Helper()
	cfg := settingsFor(t)
	cfg.LLM = config.LLM{Budget: 10 * time.Second, Idle: 2 * time.Second, Rounds: 1}
	models := map[string]*llmtest.Server{}
	for _, name := range []string{"A", "B"} {
		s := llmtest.New(llmtest.Options{Name: name})
		srv := httptest.NewServer(s)
		t.Cleanup(func() { s.Close(); srv.Close() })
		models[name] = s
		cfg.LLM.Targets = append(cfg.LLM.Targets, config.LLMTarget{Name: name, Provider: "openai", Model: "gpt-4o-" + strings.ToLower(name), BaseURL: srv.URL,
			Keys: []config.Secret{config.NewSecret("sk-of-" + name + "-0123456789")}, Timeout: 2 * time.Second})
	}
	change(cfg)
	srv, err := app.New(t.Context(), app.Options{Config: cfg, NoConsole: true})
	must(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx, ln) }()
	url, err := srv.LoginURL(t.Context(), "http://"+ln.Addr().String(), "ana", auth.NewRoles(auth.Operator))
	must(t, err)
	k = signedIn(t, url)
	return k, models["A"], models["B"], func() {
		k.client.CloseIdleConnections()
		cancel()
		must(t, <-served)
	}
}

// complete asks the endpoint and reads all of the answer, however it ends.
func (k *child) complete(stream bool) int {
	k.t.Helper()
	raw, err := json.Marshal(map[string]any{"model": "resync", "stream": stream, "messages": []map[string]string{{"role": "user", "content": "hello"}}})
	must(k.t, err)
	resp, err := k.client.Post(k.base+"/llm/v1/chat/completions", "application/json", bytes.NewReader(raw))
	must(k.t, err)
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, bufio.NewReader(resp.Body)) // a stream that is cut ends here
	return resp.StatusCode
}

// TestSpansOfLanguageModels: the span of an answer tells what it used, that of a
// call that failed its class, and that of a stream that broke off both.
func TestSpansOfLanguageModels(t *testing.T) {
	for _, tt := range []struct {
		name, a, b string
		stream     bool
		want       map[string]map[string]any // :: span → attributes
	}{
		{"the first answers", "", "", false, map[string]map[string]any{"chat gpt-4o-a": {
			"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-a", "gen_ai.response.model": "gpt-4o-a",
			"gen_ai.usage.input_tokens": "11", "gen_ai.usage.output_tokens": "22", "gen_ai.usage.cache_read_input_tokens": "4",
			"gen_ai.response.finish_reasons": "stop", "resync.usage.estimated": false, "resync.fallback": false, "resync.target": "A"}}},
		{"the second answers, streamed", "500", "usage-last", true, map[string]map[string]any{
			"chat gpt-4o-a": {"gen_ai.request.model": "gpt-4o-a", "error.type": "transient", "http.response.status_code": "500"},
			"chat gpt-4o-b": {"gen_ai.response.model": "gpt-4o-b", "gen_ai.usage.input_tokens": "11", "gen_ai.usage.output_tokens": "22",
				"gen_ai.response.finish_reasons": "stop", "resync.fallback": true}}},
		{"a stream breaks off", "cut", "", true, map[string]map[string]any{"chat gpt-4o-a": {
			"error.type": "transient", "gen_ai.response.model": "gpt-4o-a", "resync.usage.estimated": true}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			col := &traced{spans: map[string]span{}}
			srv := httptest.NewServer(col)
			defer srv.Close()
			k, a, b, stop := chainOf(t, func(c *config.Config) { c.Telemetry.Endpoint = srv.URL })
			for s, fault := range map[*llmtest.Server]string{a: tt.a, b: tt.b} {
				if fault != "" {
					must(t, s.Script(fault))
				}
			}
			if status := k.complete(tt.stream); status != http.StatusOK {
				t.Errorf("status %d", status)
			}
			stop()
			route := col.spans["POST /llm/v1/chat/completions"]
			for name, want := range tt.want {
				s := col.spans[name]
				got := map[string]any{}
				for key := range want {
					got[key] = s.attr(key)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
				if s.TraceID != route.TraceID || s.ParentSpanID != route.SpanID || s.TraceID == "" {
					t.Errorf("%s is not inside the request", name)
				}
			}
		})
	}
}

// attr is an attribute of a span; the members of a list are joined.
func (s span) attr(key string) any {
	for _, a := range s.Attributes {
		if a.Key != key {
			continue
		}
		for kind, v := range a.Value {
			if kind != "arrayValue" {
				return v
			}
			var texts []string
			for _, m := range v.(map[string]any)["values"].([]any) {
				texts = append(texts, m.(map[string]any)["stringValue"].(string))
			}
			return strings.Join(texts, ",")
		}
	}
	return nil
}

// TestTokensAreCountedOnce: a person whose window holds the tokens of one answer
// may ask a second time, and not a third. Tokens were once counted twice.
func TestTokensAreCountedOnce(t *testing.T) {
	k, _, _, stop := chainOf(t, func(c *config.Config) { c.Limits.LLMTokens = llmtest.InputTokens + llmtest.OutputTokens })
	defer stop()
	var got []int
	for range 3 {
		got = append(got, k.complete(false))
	}
	if diff := cmp.Diff([]int{200, 200, 429}, got); diff != "" {
		t.Error(diff)
	}
}
