package anthropic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"resync/llm"
)

// version is the wire's version every request names.
const version = "2023-06-01"

// Options describe the server and the model asked there. Model and HTTP are
// required.
type Options struct {
	Provider string // anthropic when empty
	Model    string
	BaseURL  string // https://api.anthropic.com when empty; /v1/messages is added if it is not there
	Header   map[string]string
	HTTP     http.RoundTripper // redirects are not followed
	Caps     llm.Caps
}

// Model asks one model. It is safe for concurrent use.
type Model struct {
	opt Options
	url *url.URL
}

// New returns a model. It refuses an address it cannot use.
func New(o Options) (*Model, error) {
	if o.Provider == "" {
		o.Provider = "anthropic"
	}
	if o.BaseURL == "" {
		o.BaseURL = "https://api.anthropic.com"
	}
	if o.Model == "" || o.HTTP == nil {
		return nil, fmt.Errorf("anthropic: a model needs a name and an HTTP transport")
	}
	u, err := url.Parse(strings.TrimRight(o.BaseURL, "/"))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("anthropic: the address of %s, %q, is not an http:// or https:// address", o.Model, o.BaseURL)
	}
	if u.Path == "" {
		u.Path = "/" // JoinPath would make a relative path of an empty one
	}
	switch {
	case strings.HasSuffix(u.Path, "/messages"):
	case strings.HasSuffix(u.Path, "/v1"):
		u = u.JoinPath("messages")
	default:
		u = u.JoinPath("v1", "messages")
	}
	// The wire has neither a JSON mode nor schemas for answers.
	o.Caps.JSON, o.Caps.Schema = llm.No, llm.No
	return &Model{o, u}, nil
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
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, m.named(llm.NetworkError(fmt.Errorf("reading the answer: %w", err), c.Key))
	}
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, m.named(&llm.Error{Class: llm.Transient, Code: llm.CodeGarbage, Status: resp.StatusCode,
			Message: "the answer is not JSON: " + llm.Scrub(string(body[:min(len(body), 200)]), c.Key), Err: err})
	}
	if a.Error != nil {
		return nil, m.refusal(0, a.Error, nil, c.Key)
	}
	r := a.response()
	if r.Content == "" && len(r.ToolCalls) == 0 && r.FinishReason != llm.FinishLength && r.FinishReason != llm.FinishFilter {
		return nil, m.named(&llm.Error{Class: llm.Transient, Code: llm.CodeEmpty, Status: resp.StatusCode, Message: "the answer is empty"})
	}
	return r, nil
}

// answer is a whole answer, or the message at the start of a stream.
type answer struct {
	Model      string      `json:"model"`
	Content    []wireBlock `json:"content"`
	StopReason string      `json:"stop_reason"`
	Usage      usage       `json:"usage"`
	Error      *wireError  `json:"error"`
}

type usage struct {
	Input    int `json:"input_tokens"`
	Output   int `json:"output_tokens"`
	Cached   int `json:"cache_read_input_tokens"`
	Creation int `json:"cache_creation_input_tokens"`
}

// tokens adds up what the wire counts apart: its input_tokens are only those
// neither read from nor written to the cache.
func (u usage) tokens() llm.Usage {
	return llm.Usage{InputTokens: u.Input + u.Cached + u.Creation, CachedTokens: u.Cached, OutputTokens: u.Output}
}

type wireError struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

func (a *answer) response() *llm.Response {
	r := &llm.Response{Model: a.Model, FinishReason: llm.Finish(a.StopReason), Usage: a.Usage.tokens()}
	for _, b := range a.Content {
		switch b.Type {
		case "text":
			r.Content += b.Text
		case "thinking":
			r.Reasoning += b.Thinking
		case "tool_use":
			input := b.Input
			if len(input) == 0 {
				input = json.RawMessage("{}")
			}
			r.ToolCalls = append(r.ToolCalls, llm.ToolCall{ID: b.ID, Name: b.Name, Arguments: input})
		}
	}
	return r
}

// send makes the call and turns everything but a 200 into an error.
func (m *Model) send(ctx context.Context, c llm.Call, streamed bool) (*http.Response, error) {
	fault := func(err error) error {
		return m.named(&llm.Error{Class: llm.CallerFault, Code: llm.CodeUnsupported, Message: err.Error(), Err: err})
	}
	if err := c.Decode(); err != nil {
		return nil, fault(err)
	}
	body, err := encode(m.opt.Model, c.Request, streamed)
	if err != nil {
		return nil, fault(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fault(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Anthropic-Version", version)
	if c.Key != "" {
		req.Header.Set("X-Api-Key", c.Key)
	}
	for k, v := range m.opt.Header {
		req.Header.Set(k, v)
	}
	resp, err := m.opt.HTTP.RoundTrip(req)
	if err != nil {
		return nil, m.named(llm.NetworkError(err, c.Key))
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // what can be read of a refusal is enough
		e := &wireError{Message: string(text[:min(len(text), 400)])}
		var a answer
		if json.Unmarshal(text, &a) == nil && a.Error != nil {
			e = a.Error
		}
		return nil, m.refusal(resp.StatusCode, e, resp.Header, c.Key)
	}
	return resp, nil
}

// refusal reads an error of the wire, with an HTTP status or inside a 200.
func (m *Model) refusal(status int, w *wireError, h http.Header, key string) *llm.Error {
	e := m.named(&llm.Error{Status: status, Message: llm.Scrub(w.Message, key), RetryAfter: llm.ParseRetryAfter(h, time.Now())})
	as := status
	if as == 0 && w.Type == "invalid_request_error" {
		as = http.StatusBadRequest
	}
	e.Class, e.Code = llm.Classify(as, w.Type, w.Message)
	if e.Class == llm.Unknown {
		e.Class = llm.Transient
	}
	return e
}

func (m *Model) named(e *llm.Error) *llm.Error {
	e.Provider, e.Model = m.opt.Provider, m.opt.Model
	return e
}

// Stream opens a streamed answer.
func (m *Model) Stream(ctx context.Context, c llm.Call) (llm.Stream, error) {
	ctx, cancel := context.WithCancel(ctx)
	resp, err := m.send(ctx, c, true)
	if err != nil {
		cancel()
		return nil, err
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		cancel()
		return nil, errors.Join(m.named(&llm.Error{Class: llm.Transient, Code: llm.CodeGarbage, Status: resp.StatusCode, Message: "a web page came instead of an answer"}), resp.Body.Close())
	}
	return &stream{m: m, body: resp.Body, cancel: cancel, ev: llm.NewEvents(resp.Body), key: c.Key}, nil
}
