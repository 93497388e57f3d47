package llmtest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is one way to answer.
type Fault struct {
	Name    string
	Summary string
	play    func(*exchange)
}

// Faults lists what Script takes.
func Faults() []Fault {
	return slices.Concat(refusals(), whole(), streams(), toolCalls(), picky())
}

func find(name string) (Fault, bool) {
	all := Faults()
	i := slices.IndexFunc(all, func(f Fault) bool { return f.Name == name })
	if i < 0 {
		return Fault{}, false
	}
	return all[i], true
}

// status is a refusal with an HTTP status.
func status(code int, kind, message string) func(*exchange) {
	return func(x *exchange) { x.refuse(code, kind, message) }
}

// pause is a refusal that asks to wait.
func pause(code int, after string) func(*exchange) {
	return func(x *exchange) {
		x.w.Header().Set("Retry-After", after)
		x.refuse(code, "rate_limit_error", "slow down")
	}
}

// refusals come before any part of an answer, to whole answers and streams.
func refusals() []Fault {
	return []Fault{
		{"ok", "a healthy answer", func(x *exchange) { x.answer(x.s.opt.Text) }},
		{"500", "internal error", status(500, "server_error", "the server had an error")},
		{"502", "bad gateway, as a web page", func(x *exchange) { x.html(502) }},
		{"503", "overloaded", status(503, "server_error", "overloaded")},
		{"503-retry-after", "overloaded, back in a second", pause(503, "1")},
		{"529", "Anthropic's overload", status(529, "overloaded_error", "Overloaded")},
		{"429", "rate limit without a time", status(429, "rate_limit_error", "Rate limit reached")},
		{"429-retry-after", "rate limit, back in a second", pause(429, "1")},
		{"429-retry-later", "rate limit, back in an hour", pause(429, "3600")},
		{"429-quota", "the account's money is used up", status(429, "insufficient_quota", "You exceeded your current quota")},
		{"401", "the key is wrong", func(x *exchange) { x.refuse(401, "invalid_api_key", "Incorrect API key provided: "+x.key+".") }},
		{"402", "no credit", status(402, "insufficient_credits", "Insufficient credits")},
		{"403", "the key may not use the model", status(403, "permission_error", "Your key may not use this model")},
		{"403-region", "not from this country", status(403, "unsupported_country_region_territory", "Country, region, or territory not supported")},
		{"404", "no such model", status(404, "model_not_found", "The model does not exist")},
		{"400", "the request is wrong", status(400, "invalid_request_error", "messages[0].role is not a role")},
		{"400-context", "the request is too long", status(400, "context_length_exceeded", "This model's maximum context length is 8192 tokens")},
		{"307", "sends elsewhere", func(x *exchange) { http.Redirect(x.w, x.r, "/elsewhere", http.StatusTemporaryRedirect) }},
		{"hang", "accepts and says nothing", (*exchange).hang},
		{"slow", "half a second of thought, then healthy", func(x *exchange) {
			if x.sleep(500 * time.Millisecond) {
				x.answer(x.s.opt.Text)
			}
		}},
		{"reset", "drops the connection", (*exchange).reset},
		{"html", "a web page with status 200", func(x *exchange) { x.html(200) }},
	}
}

func (x *exchange) html(code int) {
	x.w.Header().Set("Content-Type", "text/html")
	x.w.WriteHeader(code)
	x.raw("<!DOCTYPE html><html><body><h1>Sign in to the network</h1></body></html>")
}

// plain makes a fault of whole answers; a stream gets the healthy one.
func plain(f func(*exchange) string) func(*exchange) {
	return func(x *exchange) {
		x.w.Header().Set("Content-Type", "application/json")
		x.raw(f(x))
	}
}

// whole are faults inside a whole answer with status 200.
func whole() []Fault {
	return []Fault{
		{"cut-json", "the answer's text stops in the middle", func(x *exchange) {
			text := x.whole(x.s.opt.Text, nil)
			x.w.Header().Set("Content-Length", strconv.Itoa(len(text)))
			x.raw(text[:len(text)/2])
			x.flush()
			x.reset()
		}},
		{"half-json", "half an answer that claims to be whole", plain(func(x *exchange) string { t := x.whole(x.s.opt.Text, nil); return t[:len(t)/2] })},
		{"error-200", "an error with status 200", plain(func(x *exchange) string { return string(x.errorBody("server_error", "upstream failed")) })},
		{"error-200-text", "an error that is a text, with status 200", plain(func(*exchange) string { return `{"error":"model runner has stopped"}` })},
		{"no-choices", "an answer without choices", plain(func(x *exchange) string {
			return `{"id":"x","object":"chat.completion","model":"` + x.in.Model + `","choices":[],"content":[]}`
		})},
		{"empty", "an answer with an empty text", plain(func(x *exchange) string { return x.whole("", nil) })},
		{"fenced-json", "JSON in a fence with a comma too many", plain(func(x *exchange) string {
			return x.whole("Sure! Here it is:\n```json\n{\"intent\": \"status\", \"jobs\": [\"PAYROLL\",],}\n```", nil)
		})},
		{"not-json", "words where JSON was asked for", plain(func(x *exchange) string { return x.whole("I would rather talk about it.", nil) })},
		{"json", "a JSON object", plain(func(x *exchange) string { return x.whole(`{"intent":"status","jobs":["PAYROLL"]}`, nil) })},
		{"length", "an answer that was cut for its length", plain(func(x *exchange) string {
			return strings.Replace(strings.Replace(x.whole("This is only the", nil), `"stop"`, `"length"`, 1), `"end_turn"`, `"max_tokens"`, 1)
		})},
		{"parts", "content as a list of parts", plain(func(x *exchange) string {
			return x.whole("", object{"content": []object{{"type": "text", "text": x.s.opt.Text}}})
		})},
	}
}

// breakAt is the piece before which streams break.
const breakAt = 8

// broken is a stream that something happens to before a piece.
func broken(f func(*exchange) bool) func(*exchange) {
	return func(x *exchange) {
		x.stream(streaming{content: x.s.opt.Text, at: map[int]func() bool{breakAt: func() bool { return f(x) }}})
	}
}

// streams are faults of streams.
func streams() []Fault {
	told := func(s streaming) func(*exchange) {
		return func(x *exchange) {
			s := s
			s.content = x.s.opt.Text
			x.stream(s)
		}
	}
	return []Fault{
		{"silence", "headers of a stream, then nothing", func(x *exchange) { x.head(); x.hang() }},
		{"empty-stream", "a stream without a piece", func(x *exchange) { x.head() }},
		{"done-only", "a stream of [DONE] alone", func(x *exchange) { x.head(); x.raw("data: [DONE]\n\n") }},
		{"error-first", "an error as the first event", func(x *exchange) { x.head(); x.failEvent("server_error", "upstream failed") }},
		{"role-then-error", "the role, then an error", func(x *exchange) {
			x.head()
			x.open(func(t string) { x.event(t, streaming{}) })
			x.failEvent("server_error", "upstream failed")
		}},
		{"overloaded-stream", "an overload inside a stream that began with 200", func(x *exchange) {
			x.head()
			x.open(func(t string) { x.event(t, streaming{}) })
			x.failEvent("overloaded_error", "Overloaded")
		}},
		{"cut", "the connection breaks in the middle", broken(func(x *exchange) bool { x.reset(); return false })},
		{"clean-close", "ends in the middle without a mark", broken(func(*exchange) bool { return false })},
		{"stall", "falls silent in the middle", broken(func(x *exchange) bool { x.hang(); return false })},
		{"error-mid", "an error event in the middle", broken(func(x *exchange) bool { x.failEvent("server_error", "upstream failed"); return false })},
		{"overloaded-mid", "an overload in the middle", broken(func(x *exchange) bool { x.failEvent("overloaded_error", "Overloaded"); return false })},
		{"finish-error", "finish_reason error in the middle", broken(func(x *exchange) bool { x.event(x.piece(object{}, "error"), streaming{}); return false })},
		{"malformed-line", "one unreadable line in the middle", broken(func(x *exchange) bool { x.raw("data: {\"id\":\"chatcmpl-1\",\"choi\n\n"); return true })},
		{"garbage-lines", "nothing but unreadable lines", func(x *exchange) { x.head(); x.raw(strings.Repeat("data: <p>hello\n\n", 20)) }},
		{"comments", "comments between the pieces, as OpenRouter sends them", told(streaming{before: func(x *exchange) { x.raw(": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n") },
			at: nil})},
		{"crlf", "CRLF line ends in slices of seven bytes", told(streaming{eol: "\r\n", slice: 7})},
		{"no-done", "a finish_reason, and no [DONE]", told(streaming{noDone: true})},
		{"no-finish", "[DONE], and no finish_reason", told(streaming{noFinish: true})},
		{"usage-last", "the usage in an event of its own at the end", told(streaming{usage: true})},
		{"reasoning", "reasoning before the content", told(streaming{reasoning: "Let me think."})},
	}
}

// failEvent sends an error as an event.
func (x *exchange) failEvent(kind, message string) {
	name := ""
	if x.messages {
		name = "event: error\n"
	}
	x.raw(name + "data: " + string(x.errorBody(kind, message)) + "\n\n")
	x.flush()
}

// toolCalls are the ways servers write tool calls; each calls
// get_status({"job":"PAYROLL"}).
func toolCalls() []Fault {
	return []Fault{
		{"tool", "a tool call, its arguments in fragments", func(x *exchange) { x.toolCall(`0`, true, -1) }},
		{"tool-no-index", "two tool calls without an index, as Ollama writes them", func(x *exchange) { x.toolCall("", false, -1) }},
		{"tool-object", "the arguments as an object instead of a text", (*exchange).toolObject},
		{"tool-cut", "a tool call that breaks off in its arguments", func(x *exchange) { x.toolCall(`0`, true, 1) }},
	}
}

func (x *exchange) toolCall(index string, fragments bool, cutAfter int) {
	call := []object{{"id": "call_1", "type": "function", "function": object{"name": "get_status", "arguments": `{"job":"PAYROLL"}`}}}
	switch {
	case !x.in.Stream:
		x.w.Header().Set("Content-Type", "application/json")
		x.raw(x.whole("", object{"content": nil, "tool_calls": call}))
		return
	case x.messages:
		x.toolBlocks(cutAfter)
		return
	}
	x.head()
	emit := func(t string) { x.event(t, streaming{}) }
	x.open(emit)
	if !fragments {
		emit(x.piece(object{"tool_calls": call}, nil))
		call[0] = object{"id": "call_2", "type": "function", "function": object{"name": "get_status", "arguments": `{"job":"BILLING"}`}}
		emit(x.piece(object{"tool_calls": call}, nil))
		x.finish(emit, streaming{}, "tool_calls")
		return
	}
	n, _ := strconv.Atoi(index) // our own digit
	emit(x.piece(object{"tool_calls": []object{{"index": n, "id": "call_1", "type": "function", "function": object{"name": "get_status", "arguments": ""}}}}, nil))
	for i, part := range []string{`{"jo`, `b":"PAY`, `ROLL"}`} {
		if i == cutAfter {
			x.reset()
			return
		}
		emit(x.piece(object{"tool_calls": []object{{"index": n, "function": object{"arguments": part}}}}, nil))
	}
	x.finish(emit, streaming{}, "tool_calls")
}

// toolBlocks is a tool call on Anthropic's wire.
func (x *exchange) toolBlocks(cutAfter int) {
	x.head()
	emit := func(t string) { x.event(t, streaming{}) }
	emit(jsonOf(object{"type": "message_start", "message": object{"model": x.in.Model, "usage": object{"input_tokens": InputTokens}}}))
	emit(jsonOf(object{"type": "content_block_start", "index": 0, "content_block": object{"type": "tool_use", "id": "call_1", "name": "get_status", "input": object{}}}))
	for i, part := range []string{`{"jo`, `b":"PAY`, `ROLL"}`} {
		if i == cutAfter {
			x.reset()
			return
		}
		emit(jsonOf(object{"type": "content_block_delta", "index": 0, "delta": object{"type": "input_json_delta", "partial_json": part}}))
	}
	x.finish(emit, streaming{}, "tool_calls")
}

func (x *exchange) toolObject() {
	call := []object{{"index": 0, "id": "call_1", "type": "function", "function": object{"name": "get_status", "arguments": object{"job": "PAYROLL"}}}}
	if !x.in.Stream {
		x.w.Header().Set("Content-Type", "application/json")
		x.raw(x.whole("", object{"content": nil, "tool_calls": call}))
		return
	}
	x.head()
	emit := func(t string) { x.event(t, streaming{}) }
	emit(x.piece(object{"role": "assistant", "tool_calls": call}, nil))
	x.finish(emit, streaming{}, "tool_calls")
}

// picky are servers that refuse what others want.
func picky() []Fault {
	refuses := func(member, message string) func(*exchange) {
		return func(x *exchange) {
			if x.echoes(member) {
				x.refuse(400, "invalid_request_error", message)
				return
			}
			x.answer(x.s.opt.Text)
		}
	}
	return []Fault{
		{"no-stream-options", "does not know stream_options", refuses("stream_options", "Unrecognized request argument supplied: stream_options")},
		{"no-max-tokens", "wants max_completion_tokens", refuses("max_tokens", "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.")},
		{"no-tools", "does not know tools", refuses("tools", "this model does not support tools")},
	}
}
