package llm

import "context"

// Model is one model behind one wire. Its methods are safe for concurrent use,
// do not retry, and return an *[Error] for every fault.
type Model interface {
	// Info describes the model.
	Info() Info
	// Complete asks for the whole answer.
	Complete(ctx context.Context, c Call) (*Response, error)
	// Stream opens a streamed answer. The stream must be closed; it ends when
	// ctx does.
	Stream(ctx context.Context, c Call) (Stream, error)
}

// Call is a request with what differs between the targets of a chain.
type Call struct {
	*Request
	Key string // API key; "" when the server needs none
}

// Info is what a model says of itself.
type Info struct {
	Provider string // openai, anthropic, openrouter, azure, ollama, vllm, litellm, llamacpp, …
	Model    string // as the provider names it
	Caps     Caps
}

// Stream is a streamed answer. Next returns the next piece, io.EOF after a
// complete answer, or an *[Error]: a stream that broke off never ends with
// io.EOF. Next is not called at the same time as another method.
type Stream interface {
	Next() (Delta, error)
	Close() error
}

// Able says whether a model can do something.
type Able int

// The states of knowledge about an ability. A target of unknown ability is
// asked; nothing is taken out of the request, so the server itself refuses.
const (
	Maybe Able = iota
	Yes
	No
)

// Caps is what a model can do.
type Caps struct {
	Tools   Able
	JSON    Able // answers with a JSON object when told to
	Schema  Able // follows a JSON Schema
	Vision  Able
	Context int // tokens of input it takes; 0 is not known
}

// merge fills what c leaves open from other.
func (c Caps) merge(other Caps) Caps {
	pick := func(a, b Able) Able {
		if a == Maybe {
			return b
		}
		return a
	}
	c.Tools, c.JSON = pick(c.Tools, other.Tools), pick(c.JSON, other.JSON)
	c.Schema, c.Vision = pick(c.Schema, other.Schema), pick(c.Vision, other.Vision)
	if c.Context == 0 {
		c.Context = other.Context
	}
	return c
}

// lacks names the first thing a request needs that the model cannot do.
func (c Caps) lacks(n Needs) string {
	switch {
	case n.Tools && c.Tools == No:
		return "tools"
	case n.Schema && c.Schema == No:
		return "answers that follow a JSON Schema"
	case n.JSON && c.JSON == No:
		return "JSON answers"
	case n.Vision && c.Vision == No:
		return "images"
	}
	return ""
}
