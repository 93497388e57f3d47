package openai

import (
	"encoding/json"
	"strconv"
	"strings"

	"resync/llm"
)

// chunk is what one answer, or one piece of a streamed one, says.
type chunk struct {
	delta   llm.Delta
	err     []byte // the error in it, when there is one
	wrong   span   // where it stands
	inside  bool   // the first choice has one in it
	broke   bool   // the answer ended with one and nothing was said about it
	choices int
	calls   []callPart
}

// span is a part of a text; the empty one is none.
type span struct{ start, end int }

// callPart is a part of a tool call as the wire has it; index is -1 when the
// server left it out.
type callPart struct {
	index int
	id    string
	name  string
	args  string
}

// readChunk reads an answer or a piece of one. With raw, texts are measured and
// not copied.
func readChunk(data []byte, raw bool) (chunk, error) {
	var c chunk
	r := reader{c: &c, raw: raw, data: data}
	err := whole(data, r.top)
	switch {
	case c.wrong.end > 0:
		c.err = data[c.wrong.start:c.wrong.end]
	case c.broke:
		c.err = []byte(`{"error":{"message":"the provider ended the answer with an error"}}`)
	}
	return c, err
}

// reader fills a chunk. Its methods walk the values on the way to the text, each once,
// and return the index after them; at is where a value starts.
type reader struct {
	c    *chunk
	raw  bool
	data []byte
}

// In how many others a member of the answer, of its list of choices, of a choice and of
// a message is.
const ofTop, ofChoices, ofChoice, ofMessage = 0, 1, 2, 3

// opens reports whether a value is to be walked, which with opens. null is none, and
// anything else no answer.
func (r reader) opens(at, depth int, with byte) (open bool, end int, err error) {
	if at < len(r.data) && r.data[at] == with {
		return true, 0, nil
	}
	if end, err = skip(r.data, at, depth); err == nil && !isNull(r.data[at:end]) {
		err = errJSON
	}
	return false, end, err
}

// top reads a member of the answer.
func (r reader) top(key string, at int) (int, error) {
	if key == "choices" {
		open, end, err := r.opens(at, ofTop, '[')
		if open {
			return list(r.data, at, r.choice)
		}
		return end, err
	}
	end, err := skip(r.data, at, ofTop)
	if err != nil {
		return 0, err
	}
	v := r.data[at:end]
	switch key {
	case "model":
		if !r.raw {
			r.c.delta.Model, _ = unquote(v)
		}
	case "usage":
		return end, r.usage(v)
	case "error":
		if !isNull(v) {
			r.c.wrong = span{0, len(r.data)}
		}
	case "object":
		if string(v) == `"error"` {
			r.c.wrong = span{0, len(r.data)}
		}
	}
	return end, nil
}

// choice reads the first choice. Further ones of n > 1 are passed on raw, and not put
// into words.
func (r reader) choice(at int) (int, error) {
	if r.c.choices++; r.c.choices > 1 {
		return skip(r.data, at, ofChoices)
	}
	end, err := object(r.data, at, r.inChoice)
	if r.c.inside {
		r.c.wrong = span{at, end} // with what stands beside it
	}
	return end, err
}

func (r reader) inChoice(key string, at int) (int, error) {
	if key == "delta" || key == "message" {
		open, end, err := r.opens(at, ofChoice, '{')
		if open {
			return object(r.data, at, r.message)
		}
		return end, err
	}
	end, err := skip(r.data, at, ofChoice)
	if err != nil {
		return 0, err
	}
	v := r.data[at:end]
	switch key {
	case "finish_reason":
		if word, ok := unquote(v); ok && word != "" {
			r.finish(word)
		}
	case "error":
		r.c.inside = r.c.inside || !isNull(v)
	case "text": // of the older completions form, which some servers answer with
		r.text(v, &r.c.delta.Text)
	}
	return end, nil
}

func (r reader) finish(word string) {
	if word == "error" {
		r.c.broke = true
		return
	}
	r.c.delta.FinishReason = llm.Finish(word)
}

// message reads a member of what the model says.
func (r reader) message(key string, at int) (int, error) {
	end, err := skip(r.data, at, ofMessage)
	if err != nil {
		return 0, err
	}
	v := r.data[at:end]
	switch key {
	case "content":
		err = r.content(v)
	case "refusal":
		r.text(v, &r.c.delta.Text)
	case "reasoning_content", "reasoning", "thinking":
		r.text(v, &r.c.delta.Reasoning)
	case "tool_calls":
		if !isNull(v) {
			err = elements(v, func(s, e int) error { return r.call(v[s:e], -1) })
		}
	case "function_call":
		if !isNull(v) {
			err = r.call(v, 0)
		}
	}
	return end, err
}

// content is a text, null, or a list of parts.
func (r reader) content(v []byte) error {
	if v[0] != '[' {
		r.text(v, &r.c.delta.Text)
		return nil
	}
	return elements(v, func(s, e int) error {
		part := v[s:e]
		return members(part, func(key string, s, e int) error {
			if key == "text" {
				r.text(part[s:e], &r.c.delta.Text)
			}
			return nil
		})
	})
}

// text adds a JSON string to a field of the delta.
func (r reader) text(v []byte, to *string) {
	if len(v) < 2 || v[0] != '"' || isEmptyString(v) {
		return
	}
	r.c.delta.Commits = true
	r.c.delta.Size += len(v) - 2
	if r.raw {
		return
	}
	s, ok := unquote(v)
	switch {
	case !ok: // an escape JSON does not have: better shown as it is than lost
		s = strings.ToValidUTF8(string(v[1:len(v)-1]), "�")
		fallthrough
	default:
		*to += s
	}
}

// call reads a tool call, or the function inside one.
func (r reader) call(data []byte, index int) error {
	r.c.delta.Commits = true
	p := callPart{index: index}
	err := p.read(data)
	r.c.delta.Size += len(p.name) + len(p.args)
	r.c.calls = append(r.c.calls, p)
	return err
}

func (p *callPart) read(data []byte) error {
	return members(data, func(key string, start, end int) error {
		v := data[start:end]
		switch key {
		case "index":
			if n, err := strconv.Atoi(string(v)); err == nil {
				p.index = n
			}
		case "id":
			p.id, _ = unquote(v)
		case "name":
			p.name, _ = unquote(v)
		case "function":
			return p.read(v)
		case "arguments":
			switch v[0] {
			case '"':
				p.args, _ = unquote(v)
			case '{':
				p.args = string(v) // a whole object where the wire has a text
			}
		}
		return nil
	})
}

// usage reads the counts of tokens. One that cannot be read is one that was not
// given. It is read by hand because every answer has one, and reflection took a
// tenth of what an answer costs here.
func (r reader) usage(v []byte) error {
	var u llm.Usage
	if len(v) == 0 || v[0] != '{' || readUsage(v, &u) != nil {
		return nil
	}
	if u.InputTokens > 0 || u.OutputTokens > 0 {
		r.c.delta.Usage = &u
	}
	return nil
}

// readUsage reads the members of a usage and of the objects in it.
func readUsage(v []byte, u *llm.Usage) error {
	return members(v, func(key string, start, end int) error {
		at := v[start:end]
		switch key {
		case "prompt_tokens":
			return count(at, &u.InputTokens)
		case "completion_tokens":
			return count(at, &u.OutputTokens)
		case "cached_tokens", "prompt_cache_hit_tokens": // the second is DeepSeek's name
			n := 0
			err := count(at, &n)
			u.CachedTokens = max(u.CachedTokens, n)
			return err
		case "reasoning_tokens":
			return count(at, &u.ReasoningTokens)
		case "prompt_tokens_details", "completion_tokens_details":
			if at[0] == '{' {
				return readUsage(at, u)
			}
		}
		return nil
	})
}

// count reads a whole number; null is none.
func count(v []byte, to *int) error {
	if isNull(v) {
		return nil
	}
	n, err := strconv.Atoi(string(v))
	if err == nil {
		*to = n
	}
	return err
}

// response is the chunk as a whole answer.
func (c *chunk) response() *llm.Response {
	r := &llm.Response{Content: c.delta.Text, Reasoning: c.delta.Reasoning, FinishReason: c.delta.FinishReason, Model: c.delta.Model}
	if c.delta.Usage != nil {
		r.Usage = *c.delta.Usage
	}
	for i, p := range c.calls {
		args := strings.TrimSpace(p.args)
		if args == "" {
			args = "{}"
		}
		if p.id == "" {
			p.id = "call_" + strconv.Itoa(i)
		}
		if p.name != "" && json.Valid([]byte(args)) {
			r.ToolCalls = append(r.ToolCalls, llm.ToolCall{ID: p.id, Name: p.name, Arguments: json.RawMessage(args)})
		}
	}
	return r
}

// errorBody finds code, message and status in the forms providers write errors:
// {"error":{…}}, {"error":"…"}, {"object":"error",…}, {"message":…},
// {"detail":…}, and text that is not JSON.
func errorBody(body []byte) (code, message string, status int) {
	type object struct {
		Message string          `json:"message"`
		Type    string          `json:"type"`
		Code    json.RawMessage `json:"code"`
		Error   json.RawMessage `json:"error"`
		Detail  json.RawMessage `json:"detail"`
	}
	var o object
	if json.Unmarshal(body, &o) != nil {
		return "", string(body[:min(len(body), 400)]), 0
	}
	if len(o.Error) > 0 {
		var inner object
		if json.Unmarshal(o.Error, &inner) == nil {
			o = inner
		} else {
			o.Message, _ = unquote(o.Error)
		}
	}
	if o.Message == "" {
		o.Message = string(o.Detail)
	}
	if text, ok := unquote(o.Code); ok {
		code = text
	} else if n, err := strconv.Atoi(string(o.Code)); err == nil && n >= 100 && n < 600 {
		status = n
	}
	if code == "" || !known(code) && known(o.Type) {
		code = o.Type
	}
	return code, o.Message, status
}

// known reports whether a code alone tells the class of a fault.
func known(code string) bool {
	class, _ := llm.Classify(0, code, "")
	return class != llm.Unknown
}
