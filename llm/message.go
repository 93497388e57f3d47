package llm

import (
	"encoding/json"
	"fmt"
	"time"
)

// Role is who says a message.
type Role string

// The roles of a conversation.
const (
	System    Role = "system"
	User      Role = "user"
	Assistant Role = "assistant"
	ToolReply Role = "tool" // the result of a tool call
)

// Message is one turn of a conversation.
type Message struct {
	Role       Role
	Text       string
	Images     []Image    // shown beside the text, by a user
	ToolCalls  []ToolCall // what the assistant asked for
	ToolCallID string     // of a tool's reply: the call it answers
}

// Image is a picture by its address: https: or data:image/…;base64,….
type Image struct{ URL string }

// ToolCall is a call a model asks for. Arguments is a JSON object as the model
// wrote it; it has been checked to be JSON, not to fit the tool.
type ToolCall struct {
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
}

// Tool is a function a model may call.
type Tool struct {
	Name        string
	Description string
	Parameters  json.RawMessage // JSON Schema of the arguments
}

// Schema is a JSON Schema an answer must follow.
type Schema struct {
	Name string
	JSON json.RawMessage
}

// Request is one question to a model. Messages is required, or Raw.
type Request struct {
	// Model chooses where the chain begins: a target's name or its model. ""
	// begins with the first target.
	Model       string
	Messages    []Message
	Tools       []Tool
	ToolChoice  string // "auto" (also ""), "none", "required", or a tool's name
	MaxTokens   int    // of the answer; 0 leaves it to the model
	Temperature *float64
	TopP        *float64
	Stop        []string
	JSON        bool    // the answer must be a JSON object
	Schema      *Schema // the answer must follow it; implies JSON
	User        string  // whose budget is charged; "" is charged to the day only

	// Raw is the request as another program wrote it, in the chat completions
	// format. Models of that wire send it with little more than their model name
	// changed, answer in [Response.Raw] and [Delta.Raw], and may leave the other
	// fields of both out. Expand fills the fields above from Raw for models of
	// another wire; it is called at most once.
	Raw    []byte
	Expand func(*Request) error
	// RawNeeds is what Raw asks of a model.
	RawNeeds Needs

	expanded bool
}

// Needs is what a request asks of a model beyond text.
type Needs struct {
	Tools, JSON, Schema, Vision bool
}

// needs lists what the request asks for.
func (r *Request) needs() Needs {
	if r.Raw != nil {
		return r.RawNeeds
	}
	n := Needs{Tools: len(r.Tools) > 0, JSON: r.JSON || r.Schema != nil, Schema: r.Schema != nil}
	for i := range r.Messages {
		n.Vision = n.Vision || len(r.Messages[i].Images) > 0
	}
	return n
}

// Decode fills the fields of a request that came as Raw. Models of a wire other
// than chat completions call it first; without Raw it does nothing.
func (r *Request) Decode() error {
	if r.Raw == nil || r.expanded {
		return nil
	}
	if r.Expand == nil {
		return fmt.Errorf("the request cannot be read: it holds raw text and no function to expand it")
	}
	if err := r.Expand(r); err != nil {
		return err
	}
	r.expanded = true
	return nil
}

// size is a rough number of input tokens: a token is about four bytes of
// English, and each message costs a few more. It is used only where the
// provider does not say.
func (r *Request) size() int {
	if r.Raw != nil {
		return len(r.Raw)/4 + 1
	}
	n := 0
	for _, m := range r.Messages {
		n += 16 + len(m.Text) + 3000*len(m.Images)
		for _, c := range m.ToolCalls {
			n += len(c.Name) + len(c.Arguments)
		}
	}
	for _, t := range r.Tools {
		n += len(t.Name) + len(t.Description) + len(t.Parameters)
	}
	return n/4 + 1
}

// Usage is what an answer took, in tokens.
type Usage struct {
	InputTokens     int  `json:"input_tokens"`               // all of the input, cached or not
	CachedTokens    int  `json:"cached_tokens,omitempty"`    // the part of it read from the provider's cache
	OutputTokens    int  `json:"output_tokens"`              // reasoning included
	ReasoningTokens int  `json:"reasoning_tokens,omitempty"` // the part of the output nobody sees
	Estimated       bool `json:"estimated,omitempty"`        // counted by us, because the provider did not say
}

// Total is input and output together.
func (u Usage) Total() int { return u.InputTokens + u.OutputTokens }

// Response is a complete answer.
type Response struct {
	Content      string     `json:"content"`
	Reasoning    string     `json:"reasoning,omitempty"`
	ToolCalls    []ToolCall `json:"tool_calls,omitempty"`
	FinishReason string     `json:"finish_reason"` // stop, length, tool_calls or content_filter
	Model        string     `json:"model"`         // as the provider names what answered
	Provider     string     `json:"provider"`
	Target       string     `json:"target"`
	Usage        Usage      `json:"usage"`
	TokensUsed   int        `json:"tokens_used"`
	// CostUSD is nil when the price of the model is not known.
	CostUSD        *float64  `json:"cost"`
	LatencyMS      float64   `json:"latency_ms"`
	WasFallback    bool      `json:"was_fallback"`
	FallbackReason string    `json:"fallback_reason,omitempty"` // timeout, rate_limit, error or circuit_open
	Attempts       []Attempt `json:"attempts"`
	// Skipped is the number of lines of a stream that could not be read. The
	// answer may lack what stood on them.
	Skipped int `json:"skipped_lines,omitempty"`
	// Raw is the answer as the provider sent it, when the request was Raw too.
	Raw []byte `json:"-"`

	size int // bytes of content, when only Raw holds it
}

// Truncated reports whether the answer ends because the model was not allowed
// more tokens. Such an answer is not a whole one.
func (r *Response) Truncated() bool { return r.FinishReason == FinishLength }

// The reasons an answer ends, whatever the provider calls them.
const (
	FinishStop    = "stop"
	FinishLength  = "length"
	FinishTools   = "tool_calls"
	FinishFilter  = "content_filter"
	FinishUnnamed = "" // the stream ended by its end mark without a reason
)

// Attempt is one call of one target, or the reason there was none.
type Attempt struct {
	Target    string        `json:"target"`
	Provider  string        `json:"provider"`
	Model     string        `json:"model"`
	Key       int           `json:"key,omitempty"` // which of the target's keys, from 1; 0 when it has none
	Class     Class         `json:"class,omitempty"`
	Code      string        `json:"code,omitempty"`
	Status    int           `json:"status,omitempty"` // HTTP status, 0 when there was none
	Error     string        `json:"error,omitempty"`
	Skipped   bool          `json:"skipped,omitempty"` // the target was not asked
	Duration  time.Duration `json:"-"`
	Millis    float64       `json:"ms"`
	StartedAt time.Time     `json:"-"`
}

// Delta is one piece of a streamed answer.
type Delta struct {
	Text      string
	Reasoning string
	Tools     []ToolDelta
	// Commits is true when the piece holds content, reasoning or a part of a
	// tool call: from then on the caller has seen something of this answer.
	Commits      bool
	FinishReason string
	Usage        *Usage
	Model        string // as the provider names it
	Size         int    // bytes of content, for an estimate of the tokens
	Skipped      int    // unreadable lines before this piece
	// Raw is the data of the event when the request was Raw. It is valid until
	// the next call of Next.
	Raw []byte
}

// ToolDelta is a part of a tool call. Parts with the same Index belong
// together; Arguments is appended to what came before.
type ToolDelta struct {
	Index     int
	ID        string
	Name      string
	Arguments string
}
