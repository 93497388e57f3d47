package openai

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"resync/llm"
)

// The wire's request, as far as we write it.
type wireRequest struct {
	Model         string        `json:"model"`
	Messages      []wireMessage `json:"messages"`
	Tools         []wireTool    `json:"tools,omitempty"`
	ToolChoice    any           `json:"tool_choice,omitempty"`
	MaxTokens     int           `json:"max_tokens,omitempty"`
	MaxCompletion int           `json:"max_completion_tokens,omitempty"`
	Temperature   *float64      `json:"temperature,omitempty"`
	TopP          *float64      `json:"top_p,omitempty"`
	Stop          []string      `json:"stop,omitempty"`
	Format        any           `json:"response_format,omitempty"`
	Stream        bool          `json:"stream,omitempty"`
	StreamOptions any           `json:"stream_options,omitempty"`
}

type wireMessage struct {
	Role       string     `json:"role"`
	Content    any        `json:"content"`
	ToolCalls  []wireCall `json:"tool_calls,omitempty"`
	ToolCallID string     `json:"tool_call_id,omitempty"`
}

type wirePart struct {
	Type  string    `json:"type"`
	Text  string    `json:"text,omitempty"`
	Image *wireLink `json:"image_url,omitempty"`
}

type wireLink struct {
	URL string `json:"url"`
}

type wireTool struct {
	Type     string       `json:"type"`
	Function wireFunction `json:"function"`
}

type wireFunction struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"`
}

type wireCall struct {
	Index    *int   `json:"index,omitempty"`
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

// encode writes the request for this server.
func (m *Model) encode(c llm.Call, streamed bool, sent asked) ([]byte, error) {
	if c.Raw != nil {
		return m.rewrite(c.Raw, streamed, sent)
	}
	w := wireRequest{Model: m.opt.Model, Temperature: c.Temperature, TopP: c.TopP, Stop: c.Stop, Stream: streamed}
	w.MaxTokens = c.MaxTokens
	if sent.completion {
		w.MaxTokens, w.MaxCompletion = 0, c.MaxTokens
	}
	if sent.usage {
		w.StreamOptions = map[string]bool{"include_usage": true}
	}
	w.Messages = make([]wireMessage, 0, len(c.Messages))
	for _, msg := range c.Messages {
		w.Messages = append(w.Messages, encodeMessage(msg))
	}
	for _, t := range c.Tools {
		w.Tools = append(w.Tools, wireTool{"function", wireFunction{t.Name, t.Description, t.Parameters}})
	}
	w.ToolChoice = encodeChoice(c.ToolChoice)
	switch {
	case c.Schema != nil:
		w.Format = map[string]any{"type": "json_schema", "json_schema": map[string]any{"name": c.Schema.Name, "schema": c.Schema.JSON, "strict": true}}
	case c.JSON:
		w.Format = map[string]string{"type": "json_object"}
	}
	body, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("writing the request: %w", err)
	}
	return body, nil
}

func encodeMessage(msg llm.Message) wireMessage {
	w := wireMessage{Role: string(msg.Role), Content: msg.Text, ToolCallID: msg.ToolCallID}
	if len(msg.Images) > 0 {
		parts := []wirePart{{Type: "text", Text: msg.Text}}
		for _, img := range msg.Images {
			parts = append(parts, wirePart{Type: "image_url", Image: &wireLink{img.URL}})
		}
		w.Content = parts
	}
	for _, call := range msg.ToolCalls {
		wc := wireCall{ID: call.ID, Type: "function"}
		wc.Function.Name, wc.Function.Arguments = call.Name, string(call.Arguments)
		w.ToolCalls = append(w.ToolCalls, wc)
	}
	if len(w.ToolCalls) > 0 && msg.Text == "" {
		w.Content = nil
	}
	return w
}

func encodeChoice(choice string) any {
	switch choice {
	case "":
		return nil
	case "auto", "none", "required":
		return choice
	}
	return map[string]any{"type": "function", "function": map[string]string{"name": choice}}
}

// rewrite passes a request on with the model's name in it, and with what this
// server is known to want instead of what stands there.
func (m *Model) rewrite(raw []byte, streamed bool, sent asked) ([]byte, error) {
	out := make([]byte, 0, len(raw)+len(m.opt.Model)+80)
	out = append(out, `{"model":`...)
	out = appendString(out, m.opt.Model)
	err := members(raw, func(key string, start, end int) error {
		value := raw[start:end]
		switch key {
		case "model", "stream":
			return nil
		case "stream_options":
			if streamed { // written below, if the server takes it
				return nil
			}
		case "max_tokens":
			if sent.completion {
				key = "max_completion_tokens"
			}
		}
		out = append(out, ',')
		out = appendString(out, key)
		out = append(append(out, ':'), value...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	if streamed {
		out = append(out, `,"stream":true`...)
		if sent.usage {
			out = append(out, `,"stream_options":{"include_usage":true}`...)
		}
	}
	return append(out, '}'), nil
}

// appendString appends a text as JSON.
func appendString(out []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, err := json.Marshal(s)
			if err != nil {
				return append(out, `""`...) // cannot happen: any text can be JSON
			}
			return append(out, quoted...)
		}
	}
	return append(append(append(out, '"'), s...), '"')
}

// wantsUsage reports whether the sender of a request asked for the usage at the
// end of a stream.
func wantsUsage(raw []byte) bool {
	wants := false
	err := members(raw, func(key string, start, end int) error {
		if key != "stream_options" || isNull(raw[start:end]) {
			return nil
		}
		return members(raw[start:end], func(key string, s, e int) error {
			wants = wants || key == "include_usage" && string(raw[start+s:start+e]) == "true"
			return nil
		})
	})
	return err == nil && wants
}

// RequestError is a request that is not one of this wire. Its text says what is
// wrong.
type RequestError struct{ Problem string }

// Error says what is wrong.
func (e *RequestError) Error() string { return e.Problem }

// Accept reads as much of another program's request as a chain must know: the
// model, whether the answer is to be streamed, what the model must be able to
// do. The rest is passed on as it is, and read only if a model of another wire
// is asked. The error is a *[RequestError].
func Accept(body []byte) (req *llm.Request, streamed bool, err error) {
	req = &llm.Request{Raw: body, Expand: expand}
	messages := false
	err = members(body, func(key string, start, end int) error {
		v := body[start:end]
		switch key {
		case "model":
			var ok bool
			if req.Model, ok = unquote(v); !ok {
				return &RequestError{"model is not a text"}
			}
		case "messages":
			messages = v[0] == '['
			req.RawNeeds.Vision = bytes.Contains(v, []byte(`"image_url"`))
		case "stream":
			streamed = string(v) == "true"
		case "tools", "functions":
			req.RawNeeds.Tools = v[0] == '[' && len(bytes.TrimSpace(v[1:len(v)-1])) > 0
		case "response_format":
			return needsOf(v, &req.RawNeeds)
		case "max_tokens", "max_completion_tokens":
			if n, err := strconv.Atoi(string(v)); err == nil {
				req.MaxTokens = n
			}
		}
		return nil
	})
	var bad *RequestError
	switch {
	case errors.As(err, &bad):
		return nil, false, err
	case err != nil:
		return nil, false, &RequestError{"the request is not a JSON object"}
	case !messages:
		return nil, false, &RequestError{"messages is missing, or not a list"}
	}
	return req, streamed, nil
}

// needsOf reads response_format.
func needsOf(v []byte, n *llm.Needs) error {
	if isNull(v) {
		return nil
	}
	return members(v, func(key string, start, end int) error {
		if key != "type" {
			return nil
		}
		switch kind, _ := unquote(v[start:end]); kind {
		case "json_object":
			n.JSON = true
		case "json_schema":
			n.JSON, n.Schema = true, true
		case "text":
		default:
			return &RequestError{fmt.Sprintf("response_format.type %q is not text, json_object or json_schema", kind)}
		}
		return nil
	})
}

// expand fills the fields of a request from its raw form. Members it does not
// know are an error: a model of another wire would not get them.
func expand(r *llm.Request) error {
	var in struct {
		Model               string          `json:"model"`
		Messages            []inMessage     `json:"messages"`
		Tools               []wireTool      `json:"tools"`
		ToolChoice          json.RawMessage `json:"tool_choice"`
		MaxTokens           int             `json:"max_tokens"`
		MaxCompletionTokens int             `json:"max_completion_tokens"`
		Temperature         *float64        `json:"temperature"`
		TopP                *float64        `json:"top_p"`
		Stop                json.RawMessage `json:"stop"`
		Format              struct {
			Type   string `json:"type"`
			Schema *struct {
				Name   string          `json:"name"`
				Schema json.RawMessage `json:"schema"`
			} `json:"json_schema"`
		} `json:"response_format"`
		N int `json:"n"`
	}
	if err := json.Unmarshal(r.Raw, &in); err != nil {
		return &RequestError{"the request cannot be read: " + err.Error()}
	}
	if in.N > 1 {
		return &RequestError{"n is more than 1, and the model gives one answer"}
	}
	r.Temperature, r.TopP, r.MaxTokens = in.Temperature, in.TopP, max(in.MaxTokens, in.MaxCompletionTokens)
	r.JSON = in.Format.Type == "json_object" || in.Format.Type == "json_schema"
	if in.Format.Schema != nil {
		r.Schema = &llm.Schema{Name: in.Format.Schema.Name, JSON: in.Format.Schema.Schema}
	}
	for _, t := range in.Tools {
		r.Tools = append(r.Tools, llm.Tool{Name: t.Function.Name, Description: t.Function.Description, Parameters: t.Function.Parameters})
	}
	var err error
	if r.ToolChoice, err = readChoice(in.ToolChoice); err != nil {
		return err
	}
	if r.Stop, err = readStop(in.Stop); err != nil {
		return err
	}
	for i, m := range in.Messages {
		msg, err := m.message()
		if err != nil {
			return &RequestError{fmt.Sprintf("messages[%d]: %v", i, err)}
		}
		r.Messages = append(r.Messages, msg)
	}
	return nil
}

func readChoice(v json.RawMessage) (string, error) {
	var word string
	if len(v) == 0 || json.Unmarshal(v, &word) == nil {
		return word, nil
	}
	var named struct {
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	}
	if err := json.Unmarshal(v, &named); err != nil || named.Function.Name == "" {
		return "", &RequestError{"tool_choice names no function"}
	}
	return named.Function.Name, nil
}

func readStop(v json.RawMessage) ([]string, error) {
	var one string
	var many []string
	switch {
	case len(v) == 0 || isNull(v):
		return nil, nil
	case json.Unmarshal(v, &one) == nil:
		return []string{one}, nil
	case json.Unmarshal(v, &many) == nil:
		return many, nil
	}
	return nil, &RequestError{"stop is neither a text nor a list of texts"}
}

// inMessage is a message as other programs write it.
type inMessage struct {
	Role       string          `json:"role"`
	Content    json.RawMessage `json:"content"`
	ToolCallID string          `json:"tool_call_id"`
	ToolCalls  []wireCall      `json:"tool_calls"`
}

func (m inMessage) message() (llm.Message, error) {
	out := llm.Message{Role: llm.Role(m.Role), ToolCallID: m.ToolCallID}
	switch out.Role {
	case "developer":
		out.Role = llm.System
	case llm.System, llm.User, llm.Assistant, llm.ToolReply:
	default:
		return out, fmt.Errorf("the role %q is not system, user, assistant or tool", m.Role)
	}
	for _, c := range m.ToolCalls {
		out.ToolCalls = append(out.ToolCalls, llm.ToolCall{ID: c.ID, Name: c.Function.Name, Arguments: json.RawMessage(c.Function.Arguments)})
	}
	if len(m.Content) == 0 || isNull(m.Content) || json.Unmarshal(m.Content, &out.Text) == nil {
		return out, nil
	}
	var parts []wirePart
	if err := json.Unmarshal(m.Content, &parts); err != nil {
		return out, errors.New("content is neither a text nor a list of parts")
	}
	for _, p := range parts {
		switch {
		case p.Type == "text":
			out.Text += p.Text
		case p.Type == "image_url" && p.Image != nil:
			out.Images = append(out.Images, llm.Image{URL: p.Image.URL})
		default:
			return out, fmt.Errorf("a part of type %q cannot be passed on to this model", p.Type)
		}
	}
	return out, nil
}
