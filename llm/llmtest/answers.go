package llmtest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Usage every healthy answer reports.
const (
	InputTokens  = 11
	OutputTokens = 22
	CachedTokens = 4
)

// raw writes bytes as they are.
func (x *exchange) raw(text string) { _, _ = x.w.Write([]byte(text)) }

// jsonOf is v as JSON.
func jsonOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%q", err.Error())
	}
	return string(b)
}

type object = map[string]any

// whole is a healthy whole answer. extra replaces members of the message.
func (x *exchange) whole(content string, extra object) string {
	if x.messages {
		blocks := []object{{"type": "text", "text": content}}
		stop := "end_turn"
		if extra["tool_calls"] != nil {
			blocks, stop = []object{{"type": "tool_use", "id": "call_1", "name": "get_status", "input": object{"job": "PAYROLL"}}}, "tool_use"
		}
		return jsonOf(object{"id": "msg_1", "type": "message", "role": "assistant", "model": x.in.Model, "content": blocks, "stop_reason": stop,
			"usage": object{"input_tokens": InputTokens - CachedTokens, "cache_read_input_tokens": CachedTokens, "output_tokens": OutputTokens}})
	}
	message := object{"role": "assistant", "content": content}
	finish := "stop"
	for k, v := range extra {
		message[k] = v
	}
	if extra["tool_calls"] != nil {
		finish = "tool_calls"
	}
	return jsonOf(object{"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": x.in.Model,
		"choices": []object{{"index": 0, "message": message, "finish_reason": finish}}, "usage": openaiUsage()})
}

func openaiUsage() object {
	return object{"prompt_tokens": InputTokens, "completion_tokens": OutputTokens, "total_tokens": InputTokens + OutputTokens,
		"prompt_tokens_details": object{"cached_tokens": CachedTokens}}
}

// answer gives a whole answer or a stream, as asked.
func (x *exchange) answer(content string) {
	if x.in.Stream {
		x.stream(streaming{content: content})
		return
	}
	x.w.Header().Set("Content-Type", "application/json")
	x.raw(x.whole(content, nil))
}

// streaming is how a stream is told; the zero value with a content is healthy.
type streaming struct {
	content   string
	eol       string              // line end, "\n" when empty
	slice     int                 // bytes per write; 0 is an event per write
	before    func(*exchange)     // after the headers
	at        map[int]func() bool // :: number of the piece → called before it; false ends the stream there
	noFinish  bool
	noDone    bool
	usage     bool // the last event holds the usage
	reasoning string
}

// stream tells an answer piece by piece.
func (x *exchange) stream(s streaming) {
	x.head()
	if s.before != nil {
		s.before(x)
	}
	emit := func(text string) { x.event(text, s) }
	x.open(emit)
	if s.reasoning != "" {
		emit(x.piece(object{"reasoning_content": s.reasoning}, nil))
	}
	for i, part := range split(s.content, x.s.opt.Chunks) {
		if i > 0 && !x.sleep(x.s.opt.Gap) {
			return
		}
		if f := s.at[i]; f != nil && !f() {
			return
		}
		emit(x.text(part))
	}
	x.finish(emit, s, "stop")
}

// head sends the headers of a stream.
func (x *exchange) head() {
	x.w.Header().Set("Content-Type", "text/event-stream")
	x.w.WriteHeader(200)
	x.flush()
}

// open sends what comes before the first word.
func (x *exchange) open(emit func(string)) {
	if x.messages {
		emit(jsonOf(object{"type": "message_start", "message": object{"id": "msg_1", "type": "message", "role": "assistant", "model": x.in.Model, "content": []any{},
			"usage": object{"input_tokens": InputTokens - CachedTokens, "cache_read_input_tokens": CachedTokens, "output_tokens": 1}}}))
		emit(jsonOf(object{"type": "content_block_start", "index": 0, "content_block": object{"type": "text", "text": ""}}))
		emit(jsonOf(object{"type": "ping"}))
		return
	}
	emit(x.piece(object{"role": "assistant", "content": ""}, nil))
}

// piece is one event of the chat completions wire.
func (x *exchange) piece(delta object, finish any) string {
	return jsonOf(object{"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": x.in.Model,
		"choices": []object{{"index": 0, "delta": delta, "finish_reason": finish}}})
}

func (x *exchange) text(part string) string {
	if x.messages {
		return jsonOf(object{"type": "content_block_delta", "index": 0, "delta": object{"type": "text_delta", "text": part}})
	}
	return x.piece(object{"content": part}, nil)
}

// finish sends what comes after the last word.
func (x *exchange) finish(emit func(string), s streaming, word string) {
	if x.messages {
		emit(jsonOf(object{"type": "content_block_stop", "index": 0}))
		if !s.noFinish {
			stop := map[string]string{"stop": "end_turn", "tool_calls": "tool_use"}[word]
			emit(jsonOf(object{"type": "message_delta", "delta": object{"stop_reason": stop}, "usage": object{"output_tokens": OutputTokens}}))
		}
		if !s.noDone {
			emit(jsonOf(object{"type": "message_stop"}))
		}
		return
	}
	if !s.noFinish {
		emit(x.piece(object{}, word))
	}
	if s.usage || x.echoes("include_usage") {
		emit(jsonOf(object{"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": x.in.Model, "choices": []any{}, "usage": openaiUsage()}))
	}
	if !s.noDone {
		emit("[DONE]")
	}
}

// event writes one event.
func (x *exchange) event(data string, s streaming) {
	eol := s.eol
	if eol == "" {
		eol = "\n"
	}
	text := "data: " + data + eol + eol
	if x.messages {
		var t struct {
			Type string `json:"type"`
		}
		_ = json.Unmarshal([]byte(data), &t) // our own text
		text = "event: " + t.Type + eol + text
	}
	step := s.slice
	if step <= 0 {
		step = len(text)
	}
	for len(text) > 0 {
		n := min(step, len(text))
		x.raw(text[:n])
		x.flush()
		text = text[n:]
	}
}

// split cuts a text into n pieces of words.
func split(text string, n int) []string {
	words := strings.SplitAfter(text, " ")
	out := make([]string, 0, n)
	for i := range n {
		from, to := i*len(words)/n, (i+1)*len(words)/n
		if part := strings.Join(words[from:to], ""); part != "" {
			out = append(out, part)
		}
	}
	return out
}
