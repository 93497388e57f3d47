package openai_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"resync/llm"
	"resync/llm/llmtest"
	"resync/llm/openai"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server answers every request with one text and remembers the last request.
type server struct {
	*httptest.Server
	path, query string
	header      http.Header
	body        map[string]any
}

func serve(t *testing.T, contentType, answer string) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.path, s.query, s.header, s.body = r.URL.Path, r.URL.RawQuery, r.Header, nil
		if err := json.NewDecoder(r.Body).Decode(&s.body); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s
}

func model(t *testing.T, o openai.Options) *openai.Model {
	t.Helper()
	if o.Model == "" {
		o.Model = "m"
	}
	rt := &http.Transport{}
	t.Cleanup(rt.CloseIdleConnections)
	o.HTTP = rt
	m, err := openai.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func hello() *llm.Request {
	return &llm.Request{Messages: []llm.Message{{Role: llm.User, Text: "hello"}}}
}

const good = `{"id":"x","model":"m-2024","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":2}}}`

func TestAddressesAndKeys(t *testing.T) {
	for name, tt := range map[string]struct {
		opt               openai.Options
		base              string // added to the server's address
		path, query       string
		authorization, ak string
	}{
		"bare":           {openai.Options{}, "", "/v1/chat/completions", "", "Bearer key-1", ""},
		"slash":          {openai.Options{}, "/", "/v1/chat/completions", "", "Bearer key-1", ""},
		"v1":             {openai.Options{Provider: "ollama"}, "/v1", "/v1/chat/completions", "", "Bearer key-1", ""},
		"other path":     {openai.Options{Provider: "openrouter"}, "/api/v1/", "/api/v1/chat/completions", "", "Bearer key-1", ""},
		"whole":          {openai.Options{}, "/x/chat/completions", "/x/chat/completions", "", "Bearer key-1", ""},
		"azure":          {openai.Options{Provider: "azure", Model: "my-gpt", APIVersion: "2025-01-01"}, "", "/openai/deployments/my-gpt/chat/completions", "api-version=2025-01-01", "", "key-1"},
		"azure, newer":   {openai.Options{Provider: "azure"}, "/openai/v1", "/openai/v1/chat/completions", "", "", "key-1"},
		"azure, default": {openai.Options{Provider: "azure", Model: "d"}, "", "/openai/deployments/d/chat/completions", "api-version=2024-10-21", "", "key-1"},
	} {
		s := serve(t, "application/json", good)
		tt.opt.BaseURL = s.URL + tt.base
		if _, err := model(t, tt.opt).Complete(t.Context(), llm.Call{Request: hello(), Key: "key-1"}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if s.path != tt.path || s.query != tt.query || s.header.Get("Authorization") != tt.authorization || s.header.Get("Api-Key") != tt.ak {
			t.Errorf("%s: %s?%s with %q and %q", name, s.path, s.query, s.header.Get("Authorization"), s.header.Get("Api-Key"))
		}
	}
	s := serve(t, "application/json", good)
	if _, err := model(t, openai.Options{BaseURL: s.URL, Header: map[string]string{"http-referer": "https://x"}}).Complete(t.Context(), llm.Call{Request: hello()}); err != nil ||
		s.header.Get("Authorization") != "" || s.header.Get("Http-Referer") != "https://x" {
		t.Errorf("without a key: %v, %v", s.header, err)
	}
	for _, bad := range []string{"", "localhost:11434", "ftp://x", "http://"} {
		if _, err := openai.New(openai.Options{Model: "m", BaseURL: bad, HTTP: http.DefaultTransport}); err == nil || !strings.Contains(err.Error(), "not an http") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestEachRequestHasItsKey: keys that alternate and are used at once stay apart, although
// what goes with a key is kept.
func TestEachRequestHasItsKey(t *testing.T) {
	for _, provider := range []string{"openai", "azure"} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var in struct{ Messages []struct{ Content string } }
			if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
				t.Error(err)
			}
			key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") + r.Header.Get("Api-Key")
			if want := in.Messages[0].Content; key != want || r.Header.Get("X-Site") != "one" || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: the key %q came with the request of %q: %v", provider, key, want, r.Header)
			}
			_, _ = io.WriteString(w, good)
		}))
		m := model(t, openai.Options{Provider: provider, BaseURL: srv.URL, Header: map[string]string{"X-Site": "one"}})
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for j := range 20 {
					key := []string{"", "key-1", "key-2", "key-1"}[(i+j)%4]
					if _, err := m.Complete(t.Context(), llm.Call{Request: &llm.Request{Messages: []llm.Message{{Role: llm.User, Text: key}}}, Key: key}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		srv.Close()
	}
}

func TestTheRequestOnTheWire(t *testing.T) {
	s := serve(t, "application/json", good)
	m := model(t, openai.Options{BaseURL: s.URL})
	temp := 0.5
	_, err := m.Complete(t.Context(), llm.Call{Request: &llm.Request{
		Messages: []llm.Message{{Role: llm.System, Text: "be brief"}, {Role: llm.User, Text: "look", Images: []llm.Image{{URL: "https://x/y.png"}}},
			{Role: llm.Assistant, ToolCalls: []llm.ToolCall{{ID: "c1", Name: "f", Arguments: json.RawMessage(`{"a":1}`)}}}, {Role: llm.ToolReply, ToolCallID: "c1", Text: "42"}},
		Tools: []llm.Tool{{Name: "f", Description: "d", Parameters: json.RawMessage(`{"type":"object"}`)}}, ToolChoice: "f",
		MaxTokens: 9, Temperature: &temp, Stop: []string{"END"}, Schema: &llm.Schema{Name: "s", JSON: json.RawMessage(`{}`)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	type o = map[string]any
	want := o{"model": "m", "max_tokens": 9.0, "temperature": 0.5, "stop": []any{"END"},
		"messages": []any{o{"role": "system", "content": "be brief"},
			o{"role": "user", "content": []any{o{"type": "text", "text": "look"}, o{"type": "image_url", "image_url": o{"url": "https://x/y.png"}}}},
			o{"role": "assistant", "content": nil, "tool_calls": []any{o{"id": "c1", "type": "function", "function": o{"name": "f", "arguments": `{"a":1}`}}}},
			o{"role": "tool", "content": "42", "tool_call_id": "c1"}},
		"tools":           []any{o{"type": "function", "function": o{"name": "f", "description": "d", "parameters": o{"type": "object"}}}},
		"tool_choice":     o{"type": "function", "function": o{"name": "f"}},
		"response_format": o{"type": "json_schema", "json_schema": o{"name": "s", "schema": o{}, "strict": true}},
	}
	if diff := cmp.Diff(want, s.body); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

// What servers of this wire answer, in the forms they are known to use.
func TestWholeAnswers(t *testing.T) {
	call := []llm.ToolCall{{ID: "c1", Name: "f", Arguments: json.RawMessage(`{"a":1}`)}}
	for name, tt := range map[string]struct {
		body string
		want llm.Response
	}{
		"openai":     {good, llm.Response{Content: "hi", FinishReason: "stop", Model: "m-2024", Usage: llm.Usage{InputTokens: 3, OutputTokens: 1, CachedTokens: 2}}},
		"parts":      {`{"choices":[{"message":{"content":[{"type":"text","text":"a"},{"type":"text","text":"b\u00e9"}]},"finish_reason":"eos"}]}`, llm.Response{Content: "abé", FinishReason: "stop"}},
		"reasoning":  {`{"choices":[{"message":{"content":"x","reasoning_content":"hm"},"finish_reason":"end_turn"}],"usage":{"prompt_tokens":1,"completion_tokens":9,"prompt_cache_hit_tokens":1,"completion_tokens_details":{"reasoning_tokens":7}}}`, llm.Response{Content: "x", Reasoning: "hm", FinishReason: "stop", Usage: llm.Usage{InputTokens: 1, CachedTokens: 1, OutputTokens: 9, ReasoningTokens: 7}}},
		"thinking":   {`{"choices":[{"message":{"content":"x","thinking":"hm"}}]}`, llm.Response{Content: "x", Reasoning: "hm"}},
		"tool call":  {`{"choices":[{"message":{"content":null,"tool_calls":[{"id":"c1","function":{"name":"f","arguments":"{\"a\":1}"}}]},"finish_reason":"tool_calls"}]}`, llm.Response{ToolCalls: call, FinishReason: "tool_calls"}},
		"object":     {`{"choices":[{"message":{"content":"","tool_calls":[{"id":"c1","function":{"name":"f","arguments":{"a":1}}}]},"finish_reason":"tool_use"}]}`, llm.Response{ToolCalls: call, FinishReason: "tool_calls"}},
		"older":      {`{"choices":[{"message":{"function_call":{"name":"f","arguments":"{\"a\":1}"}},"finish_reason":"function_call"}]}`, llm.Response{ToolCalls: []llm.ToolCall{{ID: "call_0", Name: "f", Arguments: json.RawMessage(`{"a":1}`)}}, FinishReason: "tool_calls"}},
		"cut":        {`{"choices":[{"message":{"content":"only a"},"finish_reason":"max_tokens"}]}`, llm.Response{Content: "only a", FinishReason: "length"}},
		"thought":    {`{"choices":[{"message":{"content":""},"finish_reason":"length"}]}`, llm.Response{FinishReason: "length"}},
		"refusal":    {`{"choices":[{"message":{"content":null,"refusal":"I cannot"},"finish_reason":"stop"}]}`, llm.Response{Content: "I cannot", FinishReason: "stop"}},
		"null error": {`{"error":null,"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}`, llm.Response{Content: "x", FinishReason: "stop"}},
	} {
		s := serve(t, "application/json", tt.body)
		m := model(t, openai.Options{BaseURL: s.URL})
		got, err := m.Complete(t.Context(), llm.Call{Request: hello()})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(tt.want, *got, cmp.AllowUnexported(llm.Response{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		raw, err := m.Complete(t.Context(), llm.Call{Request: mustAccept(t, `{"messages":[]}`)})
		if err != nil || string(raw.Raw) != tt.body {
			t.Errorf("%s, raw: %v, %v", name, raw, err)
		}
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	for name, tt := range map[string]struct {
		body  string
		class llm.Class
		code  string
	}{
		"html": {"<html>", llm.Transient, llm.CodeGarbage}, "nothing": {"", llm.Transient, llm.CodeGarbage}, "list": {"[]", llm.Transient, llm.CodeGarbage},
		"half": {good[:90], llm.Transient, llm.CodeGarbage}, "trailing": {good + "x", llm.Transient, llm.CodeGarbage},
		"no choices": {`{"choices":[]}`, llm.Transient, llm.CodeEmpty}, "null choices": {`{"choices":null}`, llm.Transient, llm.CodeEmpty}, "object": {`{}`, llm.Transient, llm.CodeEmpty},
		"empty":              {`{"choices":[{"message":{"content":""},"finish_reason":"stop"}]}`, llm.Transient, llm.CodeEmpty},
		"error":              {`{"error":{"message":"no","type":"server_error"}}`, llm.Transient, "server_error"},
		"error as text":      {`{"error":"runner stopped"}`, llm.Transient, ""},
		"openrouter":         {`{"error":{"code":429,"message":"Rate limited upstream"}}`, llm.RateLimit, ""},
		"openrouter context": {`{"error":{"code":400,"message":"This endpoint's maximum context length is 8192 tokens"}}`, llm.CallerFault, llm.CodeContext},
		"in a choice":        {`{"choices":[{"error":{"code":502,"message":"provider failed"},"message":{"content":""}}]}`, llm.Transient, ""},
		"vllm":               {`{"object":"error","message":"model not loaded","type":"NotFoundError","code":404}`, llm.ModelGone, "NotFoundError"},
	} {
		s := serve(t, "application/json", tt.body)
		_, err := model(t, openai.Options{BaseURL: s.URL, Provider: "vllm"}).Complete(t.Context(), llm.Call{Request: hello()})
		if e := llm.AsError(err); err == nil || e.Class != tt.class || e.Code != tt.code || e.Provider != "vllm" {
			t.Errorf("%s: %v, class %s, code %q", name, err, e.Class, e.Code)
		}
	}
}

// drain reads a stream to its end.
func drain(t *testing.T, m *openai.Model, req *llm.Request) (text string, tools []llm.ToolDelta, last llm.Delta, err error) {
	t.Helper()
	st, err := m.Stream(t.Context(), llm.Call{Request: req})
	if err != nil {
		return "", nil, last, err
	}
	defer st.Close()
	for {
		d, err := st.Next()
		if errors.Is(err, io.EOF) {
			return text, tools, last, nil
		}
		if err != nil {
			return text, tools, last, err
		}
		text += d.Text
		tools = append(tools, d.Tools...)
		if d.Usage != nil {
			last = d
		}
	}
}

func TestStreamedToolCalls(t *testing.T) {
	ev := func(calls string) string {
		return `data: {"choices":[{"delta":{"tool_calls":[` + calls + `]}}]}` + "\n\n"
	}
	const end = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n"
	for name, tt := range map[string]struct {
		events string
		want   []llm.ToolDelta
	}{
		"fragments":                {ev(`{"index":0,"id":"c1","function":{"name":"f","arguments":""}}`) + ev(`{"index":0,"function":{"arguments":"{}"}}`), []llm.ToolDelta{{Index: 0, ID: "c1", Name: "f"}, {Index: 0, Arguments: "{}"}}},
		"two":                      {ev(`{"index":0,"id":"c1","function":{"name":"f"}},{"index":1,"id":"c2","function":{"name":"g"}}`), []llm.ToolDelta{{Index: 0, ID: "c1", Name: "f"}, {Index: 1, ID: "c2", Name: "g"}}},
		"no index":                 {ev(`{"id":"c1","function":{"name":"f","arguments":"{}"}}`) + ev(`{"id":"c2","function":{"name":"g","arguments":"{}"}}`), []llm.ToolDelta{{Index: 0, ID: "c1", Name: "f", Arguments: "{}"}, {Index: 1, ID: "c2", Name: "g", Arguments: "{}"}}},
		"no index, fragments":      {ev(`{"id":"c1","function":{"name":"f","arguments":"{"}}`) + ev(`{"function":{"arguments":"}"}}`), []llm.ToolDelta{{Index: 0, ID: "c1", Name: "f", Arguments: "{"}, {Index: 0, Arguments: "}"}}},
		"id on every fragment":     {ev(`{"id":"c1","function":{"name":"f","arguments":"{"}}`) + ev(`{"id":"c1","function":{"arguments":"}"}}`), []llm.ToolDelta{{Index: 0, ID: "c1", Name: "f", Arguments: "{"}, {Index: 0, ID: "c1", Arguments: "}"}}},
		"every call is number 0":   {ev(`{"index":0,"id":"c1","function":{"name":"f","arguments":"{}"}}`) + ev(`{"index":0,"id":"c2","function":{"name":"g","arguments":"{}"}}`), []llm.ToolDelta{{Index: 0, ID: "c1", Name: "f", Arguments: "{}"}, {Index: 1, ID: "c2", Name: "g", Arguments: "{}"}}},
		"counting starts at three": {ev(`{"index":3,"id":"c1","function":{"name":"f","arguments":"{}"}}`), []llm.ToolDelta{{Index: 0, ID: "c1", Name: "f", Arguments: "{}"}}},
	} {
		s := serve(t, "text/event-stream", tt.events+end)
		_, tools, _, err := drain(t, model(t, openai.Options{BaseURL: s.URL}), hello())
		if diff := cmp.Diff(tt.want, tools); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestStreamsAskForTheUsage(t *testing.T) {
	p := llmtest.New(llmtest.Options{})
	srv := httptest.NewServer(p)
	t.Cleanup(srv.Close)
	m := model(t, openai.Options{BaseURL: srv.URL})
	text, _, last, err := drain(t, m, hello())
	if err != nil || text != p.Text() || last.Usage == nil || *last.Usage != (llm.Usage{InputTokens: 11, OutputTokens: 22, CachedTokens: 4}) {
		t.Errorf("%q, %+v, %v", text, last.Usage, err)
	}
	if err := p.Script("no-stream-options"); err != nil {
		t.Fatal(err)
	}
	_, _, _, err = drain(t, m, hello())
	if e := llm.AsError(err); err == nil || !e.Learned {
		t.Errorf("a server that does not know stream_options: %v", err)
	}
	if text, _, _, err = drain(t, m, hello()); err != nil || text != p.Text() {
		t.Errorf("after it has been learnt: %q, %v", text, err)
	}
}

// A finished stream leaves its connection for the next one.
func TestConnectionsAreKept(t *testing.T) {
	p := llmtest.New(llmtest.Options{})
	opened := 0
	srv := httptest.NewUnstartedServer(p)
	srv.Config.ConnState = countNew(&opened)
	srv.Start()
	t.Cleanup(srv.Close)
	m := model(t, openai.Options{BaseURL: srv.URL})
	for range 20 {
		if _, _, _, err := drain(t, m, hello()); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Complete(t.Context(), llm.Call{Request: hello()}); err != nil {
			t.Fatal(err)
		}
	}
	if opened > 4 { // the end of a stream is read beside the next request, which may come first
		t.Errorf("%d connections for 40 requests one after the other", opened)
	}
}

func mustAccept(t *testing.T, body string) *llm.Request {
	t.Helper()
	req, _, err := openai.Accept([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestAccept(t *testing.T) {
	req, streamed, err := openai.Accept([]byte(`{"model":"gpt-4o","stream":true,"max_completion_tokens":7,"tools":[{}],"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{}}},
		"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x"}}]}]}`))
	want := llm.Needs{Tools: true, JSON: true, Schema: true, Vision: true}
	if err != nil || !streamed || req.Model != "gpt-4o" || req.MaxTokens != 7 || req.RawNeeds != want {
		t.Errorf("%+v, %v, %v", req, streamed, err)
	}
	for in, says := range map[string]string{
		"": "not a JSON object", "[]": "not a JSON object", `{"messages":[]`: "not a JSON object", `{"messages":[],}`: "not a JSON object", `{}`: "messages is missing",
		`{"messages":"x"}`: "messages is missing", `{"model":3,"messages":[]}`: "model is not a text", `{"messages":[],"response_format":{"type":"xml"}}`: `"xml"`,
	} {
		if _, _, err := openai.Accept([]byte(in)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want it to say %q", in, err, says)
		}
	}
}

// A raw request reaches a server of this wire as it was, but for the model, and
// can be put into fields for a server of another.
func TestRawRequests(t *testing.T) {
	const raw = `{ "model" : "anything", "user":"ana", "messages":[{"role":"developer","content":"be brief"},{"role":"user","content":[{"type":"text","text":"hi"},{"type":"image_url","image_url":{"url":"https://x"}}]},
		{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"1"}],
		"seed": 5, "stop":"END", "tool_choice":{"type":"function","function":{"name":"f"}}, "tools":[{"type":"function","function":{"name":"f"}}], "temperature":0.1, "max_tokens":8, "logit_bias":{"1":2} }`
	s := serve(t, "application/json", good)
	req := mustAccept(t, raw)
	if _, err := model(t, openai.Options{BaseURL: s.URL, Model: "real-name"}).Complete(t.Context(), llm.Call{Request: req}); err != nil {
		t.Fatal(err)
	}
	var want map[string]any
	if err := json.Unmarshal([]byte(raw), &want); err != nil {
		t.Fatal(err)
	}
	want["model"] = "real-name"
	if diff := cmp.Diff(want, s.body); diff != "" {
		t.Errorf("passed on (-want +got):\n%s", diff)
	}
	if err := req.Decode(); err != nil {
		t.Fatal(err)
	}
	temp := 0.1
	fields := llm.Request{Messages: []llm.Message{{Role: llm.System, Text: "be brief"}, {Role: llm.User, Text: "hi", Images: []llm.Image{{URL: "https://x"}}},
		{Role: llm.Assistant, ToolCalls: []llm.ToolCall{{ID: "c", Name: "f", Arguments: json.RawMessage(`{}`)}}}, {Role: llm.ToolReply, ToolCallID: "c", Text: "1"}},
		Tools: []llm.Tool{{Name: "f"}}, ToolChoice: "f", MaxTokens: 8, Temperature: &temp, Stop: []string{"END"}}
	got := llm.Request{Messages: req.Messages, Tools: req.Tools, ToolChoice: req.ToolChoice, MaxTokens: req.MaxTokens, Temperature: req.Temperature, Stop: req.Stop}
	if diff := cmp.Diff(fields, got, cmp.AllowUnexported(llm.Request{})); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
	for in, says := range map[string]string{
		`{"messages":[{"role":"robot","content":"x"}]}`:               "messages[0]: the role \"robot\"",
		`{"messages":[{"role":"user","content":7}]}`:                  "neither a text nor a list",
		`{"messages":[{"role":"user","content":[{"type":"audio"}]}]}`: `"audio" cannot be passed on`,
		`{"n":3,"messages":[]}`:                                       "n is more than 1",
		`{"stop":3,"messages":[]}`:                                    "stop is neither",
		`{"tool_choice":{"type":"x"},"messages":[]}`:                  "tool_choice names no function",
	} {
		if err := mustAccept(t, in).Decode(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want it to say %q", in, err, says)
		}
	}
}

func TestAStreamEndsWithItsContext(t *testing.T) {
	p := llmtest.New(llmtest.Options{})
	if err := p.Script("stall"); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(p)
	t.Cleanup(srv.Close)
	ctx, cancel := context.WithCancel(t.Context())
	st, err := model(t, openai.Options{BaseURL: srv.URL}).Stream(ctx, llm.Call{Request: hello()})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	cancel()
	for err == nil {
		_, err = st.Next()
	}
	if errors.Is(err, io.EOF) || llm.AsError(err).Class != llm.Transient {
		t.Errorf("ended with %v", err)
	}
}

func countNew(n *int) func(net.Conn, http.ConnState) {
	var mu sync.Mutex
	return func(_ net.Conn, s http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		if s == http.StateNew {
			*n++
		}
	}
}
