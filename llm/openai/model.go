package openai

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"resync/llm"
	"resync/llm/http1"
)

// Options describe a server and the model asked there. Model, BaseURL and HTTP
// are required.
type Options struct {
	Provider string // openai (also ""), azure, openrouter, ollama, vllm, litellm, llamacpp, …
	Model    string // as the server names it; for Azure's older form the deployment
	// BaseURL is the address with or without /v1, such as https://api.openai.com
	// or http://127.0.0.1:11434/v1. An address that ends in /chat/completions is
	// used as it is.
	BaseURL    string
	APIVersion string            // of Azure's deployments form
	Header     map[string]string // sent with every request
	HTTP       http.RoundTripper // redirects are not followed
	Caps       llm.Caps
}

// Model asks one model of one server. It is safe for concurrent use.
type Model struct {
	opt    Options
	empty  *http.Request // what all requests have in common
	apiKey bool          // the key goes into api-key instead of Authorization

	noUsage    atomic.Bool // :: the server refuses stream_options
	completion atomic.Bool // :: it wants max_completion_tokens instead of max_tokens
	events     sync.Pool   // :: *llm.Events
	keyed      atomic.Pointer[keyed]
}

// New returns a model. It refuses an address it cannot use.
func New(o Options) (*Model, error) {
	if o.Provider == "" {
		o.Provider = "openai"
	}
	if o.Model == "" {
		return nil, fmt.Errorf("openai: the model has no name")
	}
	if o.HTTP == nil {
		return nil, fmt.Errorf("openai: %s has no HTTP transport", o.Model)
	}
	u, err := endpoint(o)
	if err != nil {
		return nil, fmt.Errorf("openai: the address of %s: %w", o.Model, err)
	}
	m := &Model{opt: o, apiKey: o.Provider == "azure"}
	m.empty = &http.Request{Method: http.MethodPost, URL: u, Host: u.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {"application/json"}}}
	if o.Provider == "openrouter" {
		m.empty.Header.Set("X-Title", "Resync")
	}
	for k, v := range o.Header {
		m.empty.Header.Set(k, v)
	}
	m.events.New = func() any { return llm.NewEvents(nil) }
	return m, nil
}

// endpoint is the address of the chat completions.
func endpoint(o Options) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(o.BaseURL, "/"))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("%q is not an http:// or https:// address", o.BaseURL)
	}
	path := u.Path
	if path == "" {
		u.Path = "/" // JoinPath would make a relative path of an empty one
	}
	switch {
	case strings.HasSuffix(path, "/chat/completions"):
	case o.Provider == "azure" && !strings.HasSuffix(path, "/openai/v1"):
		u = u.JoinPath("openai", "deployments", o.Model, "chat", "completions")
		version := o.APIVersion
		if version == "" {
			version = "2024-10-21"
		}
		u.RawQuery = "api-version=" + url.QueryEscape(version)
	case path == "":
		u = u.JoinPath("v1", "chat", "completions")
	default:
		u = u.JoinPath("chat", "completions")
	}
	return u, nil
}

// Info describes the model.
func (m *Model) Info() llm.Info {
	return llm.Info{Provider: m.opt.Provider, Model: m.opt.Model, Caps: m.opt.Caps}
}

// maxAnswer bounds a whole answer.
const maxAnswer = 64 << 20

// Complete asks for the whole answer.
func (m *Model) Complete(ctx context.Context, c llm.Call) (*llm.Response, error) {
	resp, err := m.send(ctx, c, false)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := readAll(resp.Body, resp.ContentLength, maxAnswer)
	if err != nil {
		return nil, m.named(llm.NetworkError(fmt.Errorf("reading the answer: %w", err), c.Key))
	}
	ch, err := readChunk(body, c.Raw != nil)
	if err != nil {
		return nil, m.named(&llm.Error{Class: llm.Transient, Code: llm.CodeGarbage, Status: resp.StatusCode,
			Message: "the answer is not JSON: " + llm.Scrub(clip(body), c.Key), Err: err})
	}
	if ch.err != nil {
		return nil, m.inside(ch.err, c.Key)
	}
	r := ch.response()
	switch {
	case ch.choices == 0:
		return nil, m.named(&llm.Error{Class: llm.Transient, Code: llm.CodeEmpty, Status: resp.StatusCode, Message: "the answer has no choices"})
	case !ch.delta.Commits && r.FinishReason != llm.FinishLength && r.FinishReason != llm.FinishFilter:
		return nil, m.named(&llm.Error{Class: llm.Transient, Code: llm.CodeEmpty, Status: resp.StatusCode, Message: "the answer is empty"})
	}
	if c.Raw != nil {
		r.Raw = body
	}
	return r, nil
}

// Stream opens a streamed answer.
func (m *Model) Stream(ctx context.Context, c llm.Call) (llm.Stream, error) {
	own, detach := apart(ctx)
	resp, err := m.send(own, c, true)
	if err != nil {
		detach()()
		return nil, err
	}
	if ct := resp.Header.Get("Content-Type"); strings.HasPrefix(ct, "text/html") {
		resp.Body.Close()
		detach()()
		return nil, m.named(&llm.Error{Class: llm.Transient, Code: llm.CodeGarbage, Status: resp.StatusCode, Message: "a web page came instead of an answer"})
	}
	ev := m.events.Get().(*llm.Events)
	ev.Reset(resp.Body)
	return &stream{m: m, body: resp.Body, ev: ev, raw: c.Raw != nil, hideUsage: c.Raw != nil && !wantsUsage(c.Raw), key: c.Key, detach: detach}, nil
}

// send makes the call and turns everything but a 200 into an error.
func (m *Model) send(ctx context.Context, c llm.Call, streamed bool) (*http.Response, error) {
	sent := asked{usage: streamed && !m.noUsage.Load(), completion: m.completion.Load()}
	body, err := m.encode(c, streamed, sent)
	if err != nil {
		return nil, m.named(&llm.Error{Class: llm.CallerFault, Code: "invalid_request", Message: err.Error(), Err: err})
	}
	resp, err := m.post(ctx, c.Key, body)
	if err != nil {
		return nil, m.named(llm.NetworkError(err, c.Key))
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		text, _ := readAll(resp.Body, resp.ContentLength, 64<<10) // what can be read of a refusal is enough
		return nil, m.refusal(resp, text, c, sent)
	}
	return resp, nil
}

// keyed is what requests with one key have in common.
type keyed struct {
	key      string
	req      *http.Request   // without a body
	prepared *http1.Prepared // nil where calls are not for http1
}

// with returns what goes with a key. That of the last one is kept, as most models have
// one.
func (m *Model) with(key string) *keyed {
	if last := m.keyed.Load(); last != nil && last.key == key {
		return last
	}
	k := &keyed{key: key, req: m.empty.Clone(context.Background())}
	switch {
	case key == "":
	case m.apiKey:
		k.req.Header["Api-Key"] = []string{key}
	default:
		k.req.Header["Authorization"] = []string{"Bearer " + key}
	}
	if t, ok := m.opt.HTTP.(*http1.Transport); ok {
		k.prepared = t.Prepare(k.req)
	}
	m.keyed.Store(k)
	return k
}

// post makes the call.
func (m *Model) post(ctx context.Context, key string, body []byte) (*http.Response, error) {
	k := m.with(key)
	if k.prepared != nil && k.prepared.Takes(body) {
		return k.prepared.Do(ctx, body)
	}
	req := k.req.WithContext(ctx) // a copy with the same header, which a RoundTripper must not change
	req.Body, req.ContentLength = sending(body), int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return sending(body), nil }
	return m.opt.HTTP.RoundTrip(req)
}

// outgoing is the body of a request.
type outgoing struct{ bytes.Reader }

func sending(body []byte) *outgoing {
	o := &outgoing{}
	o.Reset(body)
	return o
}

// Close does nothing: the bytes are in memory.
func (*outgoing) Close() error { return nil }

// asked is what a request used that not every server knows.
type asked struct{ usage, completion bool }

// refusal reads an answer that is not a 200, and learns from it.
func (m *Model) refusal(resp *http.Response, body []byte, c llm.Call, sent asked) *llm.Error {
	code, message, _ := errorBody(body)
	e := m.named(&llm.Error{Status: resp.StatusCode, Message: llm.Scrub(message, c.Key), RetryAfter: llm.ParseRetryAfter(resp.Header, time.Now())})
	e.Class, e.Code = llm.Classify(resp.StatusCode, code, message)
	if resp.StatusCode == http.StatusBadRequest || resp.StatusCode == http.StatusUnprocessableEntity {
		switch {
		case sent.usage && strings.Contains(string(body), "stream_options"):
			m.noUsage.Store(true)
			e.Learned = true
		case !sent.completion && strings.Contains(message, "max_completion_tokens"):
			m.completion.Store(true)
			e.Learned = true
		case sent.completion && strings.Contains(message, "max_completion_tokens"):
			m.completion.Store(false)
			e.Learned = true
		}
	}
	return e
}

// inside reads an error that came with a 200, alone or in the middle of a
// stream. Without a code it is the provider's trouble.
func (m *Model) inside(body []byte, key string) *llm.Error {
	code, message, status := errorBody(body)
	e := m.named(&llm.Error{Status: status, Message: llm.Scrub(message, key)})
	e.Class, e.Code = llm.Classify(status, code, message)
	if e.Class == llm.Unknown {
		e.Class = llm.Transient
	}
	return e
}

func (m *Model) named(e *llm.Error) *llm.Error {
	e.Provider, e.Model = m.opt.Provider, m.opt.Model
	return e
}

// readAll reads at most limit bytes. A length that is known saves growing.
func readAll(r io.Reader, length, limit int64) ([]byte, error) {
	if length > limit {
		return nil, fmt.Errorf("it has %d bytes, more than %d", length, limit)
	}
	if length > 0 {
		body := make([]byte, length)
		_, err := io.ReadFull(r, body)
		return body, err
	}
	body, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(body)) > limit {
		err = fmt.Errorf("it has more than %d bytes", limit)
	}
	return body, err
}

// clip is the beginning of a text, for a message.
func clip(body []byte) string { return string(body[:min(len(body), 200)]) }
