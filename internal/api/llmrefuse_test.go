package api_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"resync/internal/config"
	"resync/internal/state/statetest"
)

// wireError checks that an answer is an error as the wire of chat completions has
// them, and returns it.
func (r reply) wireError(status int, code string, says ...string) map[string]any {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("got %s, want %d", r, status)
	}
	if ct := r.header.Get("Content-Type"); ct != "application/json" {
		r.t.Fatalf("an error came as %q: %s", ct, r)
	}
	e, _ := r.object()["error"].(map[string]any)
	kind, _ := e["type"].(string)
	message, _ := e["message"].(string)
	_, param := e["param"]
	if kind == "" || message == "" || !param || e["code"] != code {
		r.t.Errorf("not an error of the wire, or not with the code %s: %s", code, r)
	}
	if id, _ := e["trace_id"].(string); id != "" && id != r.header.Get("X-Correlation-ID") {
		r.t.Errorf("trace_id %q, header %q", id, r.header.Get("X-Correlation-ID"))
	}
	for _, s := range says {
		if !strings.Contains(message, s) {
			r.t.Errorf("the message does not say %q: %s", s, r)
		}
	}
	return e
}

// refused checks a refusal in the form of its path and returns what it holds.
func (r reply) refused(path string, status int, says ...string) map[string]any {
	r.t.Helper()
	if !strings.HasPrefix(path, "/llm/v1/") {
		return r.problem(status, says...)
	}
	code := map[int]string{401: "invalid_api_key", 403: "insufficient_permissions", 503: "service_unavailable"}[status]
	return r.wireError(status, code, says...)
}

// Programs that speak the wire of chat completions understand every refusal on its
// prefix, whoever refuses.
func TestRefusalsOnTheModelsWire(t *testing.T) {
	h, _, _ := modelHost(t, nil)
	b := h.as("viewer")
	const question = `{"messages":[{"role":"user","content":"hello"}]}`
	for _, c := range []struct {
		name, method, path, body string
		from                     *browser
		header                   []string
		status                   int
		code, says               string
	}{
		{"nobody", "POST", chatPath, question, h.anonymous(), nil, 401, "invalid_api_key", "sign in first"},
		{"wrong token", "POST", chatPath, question, h.anonymous(), []string{"Authorization", "Bearer rsy_nonsense"}, 401, "invalid_api_key", "resync token create"},
		{"wrong token for the list", "GET", "/llm/v1/models", "", h.anonymous(), []string{"Authorization", "Bearer x"}, 401, "invalid_api_key", "sign in first"},
		{"a page of another site", "POST", chatPath, question, b, []string{"Sec-Fetch-Site", "cross-site"}, 403, "insufficient_permissions", "another site"},
		{"another path", "POST", "/llm/v1/embeddings", question, b, nil, 404, "unknown_url", "/llm/v1/embeddings"},
		{"another method", "GET", chatPath, "", b, nil, 405, "method_not_allowed", "it takes POST"},
		{"no request", "POST", chatPath, "[]", b, nil, 400, "invalid_request", "JSON object"},
		{"too large", "POST", chatPath, `{"messages":["` + strings.Repeat("x", 16<<20) + `"]}`, b, nil, 413, "request_too_large", "cannot be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := c.from.do(c.method, c.path, strings.NewReader(c.body), c.header...)
			r.t = t
			r.wireError(c.status, c.code, c.says)
			if challenge := r.header.Get("WWW-Authenticate"); (c.status == 401) != (challenge == "Bearer") {
				t.Errorf("WWW-Authenticate %q", challenge)
			}
		})
	}
	b.get("/api/v1/llm/no-such-thing").problem(http.StatusNotFound) // elsewhere problems are problem documents
}

// A limit and an absent Redis say when to come again.
func TestRefusalsOnTheModelsWireSayWhenToComeAgain(t *testing.T) {
	redis := statetest.Start(t)
	h := newHost(t, withRedis(redis.URL()), func(c *hostConfig) {
		with := c.config
		c.config = func(cfg *config.Config) {
			with(cfg)
			cfg.LLM = config.LLM{Targets: []config.LLMTarget{{Name: "A", Provider: "openai", Model: "m", BaseURL: "http://127.0.0.1:1", Keys: []config.Secret{config.NewSecret("k")}}}, Rounds: 1}
			cfg.Limits.LLM = 1
		}
	})
	b := h.as("viewer")
	wait := func(r reply) {
		t.Helper()
		if s, err := strconv.Atoi(r.header.Get("Retry-After")); err != nil || s < 1 {
			t.Errorf("Retry-After %q: %s", r.header.Get("Retry-After"), r)
		}
	}
	const question = `{"messages":[{"role":"user","content":"hello"}]}`
	b.postText(chatPath, question) // takes the one request of the minute
	limited := b.postText(chatPath, question)
	limited.wireError(http.StatusTooManyRequests, "rate_limit_exceeded", "too many requests")
	wait(limited)
	redis.Freeze()
	t.Cleanup(redis.Thaw)
	h.eventually("Redis to count as away", func() bool { return b.postText(chatPath, question).status == http.StatusServiceUnavailable })
	away := b.postText(chatPath, question)
	if e := away.wireError(http.StatusServiceUnavailable, "service_unavailable", "nothing was done"); e["tier"] != "CRITICAL" || e["endpoint"] != "POST "+chatPath || e["reason"] == "" || e["retry_after"] == nil {
		t.Errorf("the contract's members are missing: %v", e)
	}
	wait(away)
}
