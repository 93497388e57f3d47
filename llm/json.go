package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// repairs is how often a model is shown what is wrong with its JSON.
const repairs = 1

// CompleteJSON asks for one JSON value and decodes it into a T. A model that can
// answer in JSON is told to; one that cannot gets the wish in words, since the
// answer is checked here either way. What stands around the value (a fence,
// a sentence) is cut away, and a value that does not decode is shown to the model
// once with what is wrong with it. Unknown fields are not an error. The
// response is that of the last call; its cost and tokens are of all calls.
func CompleteJSON[T any](ctx context.Context, c *Chain, req *Request) (T, *Response, error) {
	var value T
	ask := *req
	ask.Messages = append([]Message{{Role: System, Text: "Answer with one JSON value and nothing else: no explanation, no code fence."}}, req.Messages...)
	ask.JSON, ask.Schema = false, nil
	if c.everyoneDoes(req) {
		ask.JSON, ask.Schema = true, req.Schema
	}
	if req.Schema != nil && ask.Schema == nil {
		ask.Messages[0].Text += " It follows this JSON Schema: " + string(req.Schema.JSON)
	}
	var spent *Response
	for try := 0; ; try++ {
		resp, err := c.Complete(ctx, &ask)
		if err != nil {
			return value, spent, err
		}
		spent = addUp(resp, spent)
		err = decodeJSON(resp, &value)
		if err == nil {
			return value, spent, nil
		}
		if try == repairs {
			return value, spent, &Error{Class: Unknown, Code: "not_json", Provider: resp.Provider, Model: resp.Model,
				Message: "the answer is not the JSON that was asked for: " + err.Error(), Err: err}
		}
		ask.Messages = append(ask.Messages, Message{Role: Assistant, Text: resp.Content},
			Message{Role: User, Text: "That cannot be used: " + err.Error() + ". Answer again with the corrected JSON value alone."})
	}
}

// everyoneDoes reports whether no target of the request's order would be left
// out if JSON was required of it.
func (c *Chain) everyoneDoes(req *Request) bool {
	for _, t := range c.order(req.Model) {
		if t.caps.JSON != Yes || (req.Schema != nil && t.caps.Schema != Yes) {
			return false
		}
	}
	return true
}

// addUp carries the cost of earlier calls over to a response. A cost that is
// not known makes the sum unknown.
func addUp(r, before *Response) *Response {
	if before == nil {
		return r
	}
	r.Usage.InputTokens += before.Usage.InputTokens
	r.Usage.CachedTokens += before.Usage.CachedTokens
	r.Usage.OutputTokens += before.Usage.OutputTokens
	r.Usage.ReasoningTokens += before.Usage.ReasoningTokens
	r.Usage.Estimated = r.Usage.Estimated || before.Usage.Estimated
	r.TokensUsed = r.Usage.Total()
	r.LatencyMS += before.LatencyMS
	if r.CostUSD == nil || before.CostUSD == nil {
		r.CostUSD = nil
	} else {
		sum := *r.CostUSD + *before.CostUSD
		r.CostUSD = &sum
	}
	r.Attempts = append(before.Attempts, r.Attempts...)
	return r
}

func decodeJSON(resp *Response, into any) error {
	if resp.Truncated() {
		return errors.New("the answer was cut because it is too long")
	}
	text, err := RepairJSON(resp.Content)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("the JSON does not fit: %w", err)
	}
	return nil
}

// tries bounds at how many brackets a value is looked for.
const tries = 40

// RepairJSON finds the JSON value in a model's answer: it cuts away code fences
// and text around it, and drops commas before a closing bracket and comments,
// which models write although JSON has none. It never adds a bracket or a quote:
// an answer that was cut stays an error.
func RepairJSON(answer string) (string, error) {
	s := strings.TrimSpace(answer)
	if json.Valid([]byte(s)) && s != "" {
		return s, nil
	}
	start := strings.IndexAny(s, "{[")
	for try := 0; start >= 0 && try < tries; try++ {
		if text, ok := value(s[start:]); ok {
			return text, nil
		}
		next := strings.IndexAny(s[start+1:], "{[")
		if next < 0 {
			break
		}
		start += 1 + next
	}
	return "", errors.New("the answer holds no complete JSON value")
}

// value returns the balanced value s starts with, cleaned, if it is JSON.
func value(s string) (string, bool) {
	var out strings.Builder
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			n := stringEnd(s[i:])
			if n < 0 {
				return "", false
			}
			out.WriteString(s[i : i+n])
			i += n - 1
			continue
		case c == '/' && i+1 < len(s) && s[i+1] == '/':
			n := strings.IndexByte(s[i:], '\n')
			if n < 0 {
				return "", false
			}
			i += n
			continue
		case c == ',' && closes(s[i+1:]):
			continue
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		out.WriteByte(s[i])
		if depth == 0 {
			return out.String(), json.Valid([]byte(out.String()))
		}
	}
	return "", false
}

// stringEnd is the length of the JSON string s starts with; -1 when it does not
// end.
func stringEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// closes reports whether the next character that is not space closes a list or
// an object.
func closes(s string) bool {
	s = strings.TrimLeftFunc(s, unicode.IsSpace)
	return s != "" && (s[0] == '}' || s[0] == ']')
}
