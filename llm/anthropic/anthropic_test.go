package anthropic_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"resync/llm"
	"resync/llm/anthropic"
	"resync/llm/llmtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// model is a client of a handler on a listener.
func model(t *testing.T, h http.Handler, base string) *anthropic.Model {
	t.Helper()
	srv := httptest.NewServer(h)
	rt := &http.Transport{}
	t.Cleanup(func() { rt.CloseIdleConnections(); srv.Close() })
	m, err := anthropic.New(anthropic.Options{Model: "claude", BaseURL: srv.URL + base, HTTP: rt})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func hello() *llm.Request {
	return &llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "hello"}}}
}

func TestTheRequestOnTheWire(t *testing.T) {
	var path string
	var header http.Header
	var body map[string]any
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, header, body = r.URL.Path, r.Header, nil
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, `{"content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"hi"},{"type":"tool_use","id":"c","name":"f","input":{"a":1}}],"stop_reason":"tool_use","model":"claude-x","usage":{"input_tokens":3,"cache_read_input_tokens":4,"cache_creation_input_tokens":5,"output_tokens":6}}`)
	})
	req := &llm.Request{
		Messages: []llm.Message{{Role: llm.System, Text: "be brief"}, {Role: llm.User, Text: "look", Images: []llm.Image{{URL: "data:image/png;base64,QUJD"}, {URL: "https://x/y.png"}}},
			{Role: llm.Assistant, Text: "ok", ToolCalls: []llm.ToolCall{{ID: "c1", Name: "f", Arguments: json.RawMessage(`{"a":1}`)}, {ID: "c2", Name: "f"}}},
			{Role: llm.ToolReply, ToolCallID: "c1", Text: "1"}, {Role: llm.ToolReply, ToolCallID: "c2", Text: "2"}},
		Tools: []llm.Tool{{Name: "f", Description: "d"}}, ToolChoice: "required",
	}
	got, err := model(t, h, "/v1").Complete(t.Context(), llm.Call{Request: req, Key: "key-1"})
	if err != nil {
		t.Fatal(err)
	}
	answer := llm.Response{Content: "hi", Reasoning: "hm", FinishReason: llm.FinishTools, Model: "claude-x", ToolCalls: []llm.ToolCall{{ID: "c", Name: "f", Arguments: json.RawMessage(`{"a":1}`)}},
		Usage: llm.Usage{InputTokens: 12, CachedTokens: 4, OutputTokens: 6}}
	if diff := cmp.Diff(answer, *got, cmp.AllowUnexported(llm.Response{})); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	type o = map[string]any
	want := o{"model": "claude", "max_tokens": 4096.0, "system": "be brief", "tool_choice": o{"type": "any"},
		"tools": []any{o{"name": "f", "description": "d", "input_schema": o{"type": "object"}}},
		"messages": []any{
			o{"role": "user", "content": []any{o{"type": "image", "source": o{"type": "base64", "media_type": "image/png", "data": "QUJD"}}, o{"type": "image", "source": o{"type": "url", "url": "https://x/y.png"}}, o{"type": "text", "text": "look"}}},
			o{"role": "assistant", "content": []any{o{"type": "text", "text": "ok"}, o{"type": "tool_use", "id": "c1", "name": "f", "input": o{"a": 1.0}}, o{"type": "tool_use", "id": "c2", "name": "f", "input": o{}}}},
			o{"role": "user", "content": []any{o{"type": "tool_result", "tool_use_id": "c1", "content": "1"}, o{"type": "tool_result", "tool_use_id": "c2", "content": "2"}}},
		}}
	if diff := cmp.Diff(want, body); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	if path != "/v1/messages" || header.Get("X-Api-Key") != "key-1" || header.Get("Anthropic-Version") != "2023-06-01" || header.Get("Authorization") != "" {
		t.Errorf("%s with %v", path, header)
	}
}

func TestWhatTheWireCannotSay(t *testing.T) {
	asJSON := hello()
	asJSON.JSON = true
	for name, req := range map[string]*llm.Request{
		"JSON":  asJSON,
		"image": {Messages: []llm.Message{{Role: llm.User, Images: []llm.Image{{URL: "data:image/png,raw"}}}}},
		"call":  {Messages: []llm.Message{{Role: llm.Assistant, ToolCalls: []llm.ToolCall{{ID: "c", Arguments: json.RawMessage("{")}}}}},
		"raw":   {Raw: []byte(`{}`), Expand: func(*llm.Request) error { return errors.New("no") }},
	} {
		_, err := model(t, http.NotFoundHandler(), "").Complete(t.Context(), llm.Call{Request: req})
		if e := llm.AsError(err); err == nil || e.Class != llm.CallerFault || e.Code != llm.CodeUnsupported {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		status  int
		kind    string
		message string
		class   llm.Class
		code    string
	}{
		{401, "authentication_error", "invalid x-api-key", llm.Credential, "authentication_error"}, {403, "permission_error", "", llm.ModelAccess, "permission_error"},
		{404, "not_found_error", "model: claude", llm.ModelGone, "not_found_error"}, {429, "rate_limit_error", "", llm.RateLimit, "rate_limit_error"},
		{500, "api_error", "", llm.Transient, "api_error"}, {529, "overloaded_error", "Overloaded", llm.Transient, llm.CodeOverloaded},
		{400, "invalid_request_error", "prompt is too long: 208310 tokens > 200000 maximum", llm.CallerFault, llm.CodeContext},
		{400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API", llm.Quota, "invalid_request_error"},
		{400, "invalid_request_error", "max_tokens: must be positive", llm.CallerFault, "invalid_request_error"}, {413, "request_too_large", "", llm.CallerFault, llm.CodeContext},
		{200, "overloaded_error", "", llm.Transient, llm.CodeOverloaded}, {200, "invalid_request_error", "x", llm.CallerFault, "invalid_request_error"}, {200, "new_kind", "", llm.Transient, "new_kind"},
	} {
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "2")
			w.WriteHeader(tt.status)
			_, _ = io.WriteString(w, `{"type":"error","error":{"type":"`+tt.kind+`","message":"`+tt.message+` key-secret-1"}}`)
		})
		_, err := model(t, h, "").Complete(t.Context(), llm.Call{Request: hello(), Key: "key-secret-1"})
		if e := llm.AsError(err); err == nil || e.Class != tt.class || e.Code != tt.code || strings.Contains(err.Error(), "secret") || (tt.status != 200) != (e.RetryAfter > 0) {
			t.Errorf("%d %s: %v, class %s, code %q, wait %s", tt.status, tt.kind, err, e.Class, e.Code, e.RetryAfter)
		}
	}
	for _, body := range []string{"<html>", "", `{"content":[],"stop_reason":"end_turn"}`} {
		_, err := model(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }), "").Complete(t.Context(), llm.Call{Request: hello()})
		if e := llm.AsError(err); err == nil || e.Class != llm.Transient {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestStreams(t *testing.T) {
	p := llmtest.New(llmtest.Options{})
	for fault, want := range map[string]string{ // :: fault → code of the error, "" for a whole answer
		"ok": "", "crlf": "", "cut": llm.CodeNetwork, "clean-close": llm.CodeTruncated, "overloaded-mid": llm.CodeOverloaded, "malformed-line": "", "no-done": "",
		"garbage-lines": llm.CodeGarbage, "html": llm.CodeGarbage, "empty-stream": llm.CodeTruncated,
	} {
		if err := p.Script(fault); err != nil {
			t.Fatal(err)
		}
		text, usage, err := drain(t, model(t, p, ""))
		switch e := new(llm.Error); {
		case want == "" && (err != nil || text != p.Text() || usage != llm.Usage{InputTokens: 11, CachedTokens: 4, OutputTokens: 22}):
			t.Errorf("%s: %q, %+v, %v", fault, text, usage, err)
		case want != "" && (!errors.As(err, &e) || e.Code != want || e.Class != llm.Transient):
			t.Errorf("%s: %v, want %s", fault, err, want)
		}
	}
}

func drain(t *testing.T, m *anthropic.Model) (text string, usage llm.Usage, err error) {
	st, err := m.Stream(t.Context(), llm.Call{Request: hello()})
	if err != nil {
		return "", usage, err
	}
	defer st.Close()
	for {
		d, err := st.Next()
		if errors.Is(err, io.EOF) {
			return text, usage, nil
		}
		if err != nil {
			return text, usage, err
		}
		text += d.Text
		if d.Usage != nil {
			usage = *d.Usage
		}
	}
}

// Whatever comes as events, the reader ends, and what it says is typed.
func FuzzStream(f *testing.F) {
	f.Add("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n")
	f.Add("data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"input\":{\"x\":1}}}\n\ndata: {\"type\":\"message_stop\"}\n\n")
	f.Add("data: {\"type\":\"error\",\"error\":{}}\n\ndata: [DONE]\n\n")
	f.Fuzz(func(t *testing.T, events string) {
		m, err := anthropic.New(anthropic.Options{Model: "m", BaseURL: "http://x", HTTP: canned(events)})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = drain(t, m)
		if e := new(llm.Error); err != nil && !errors.As(err, &e) {
			t.Errorf("an error without a class: %v", err)
		}
	})
}

// canned answers every request with the same events.
type canned string

func (c canned) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(c)))}, nil
}
