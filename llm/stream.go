package llm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// errNothing marks a stream that ended without a piece worth showing.
var errNothing = errors.New("the stream ended without content")

// maxHeld bounds the pieces held back before the first one that commits: role
// marks and comments, of which a sane stream has a few.
const maxHeld = 64

// Answering is a stream of the chain whose first piece has come: from here on
// nobody else is asked. It is not safe for concurrent use, and must be closed.
type Answering struct {
	w      *walk
	c      *Chain
	src    Stream
	held   []Delta // what came before and with the first piece
	acc    *collector
	ends   time.Time
	first  time.Time
	result *Response
	closed bool
	err    error
}

// Stream asks the chain for a streamed answer and returns when the first piece
// of content, reasoning or of a tool call is there. Until then every fault
// falls back; afterwards a fault is an error of Next.
func (c *Chain) Stream(ctx context.Context, req *Request) (*Answering, error) {
	order := c.order(req.Model)
	if len(order) == 0 {
		return nil, c.noTarget(req.Model)
	}
	w := c.newWalk(ctx, req, order, time.Now())
	w.stream = true
	a := &Answering{w: w, c: c}
	err := w.run(func(ctx context.Context, t *target, call Call) error {
		a.held, a.acc = nil, &collector{}
		src, err := t.Model.Stream(ctx, call)
		if err != nil {
			return err
		}
		if err := a.prefetch(src); err != nil {
			_ = src.Close() // it failed already
			return err
		}
		a.src = src
		return nil
	})
	if err != nil {
		c.finish(ctx, Outcome{Err: err, Started: w.started, Stream: true, User: req.User})
		return nil, err
	}
	a.first = time.Now()
	a.ends = a.first.Add(c.opt.Longest)
	w.stop.extend(c.opt.Idle)
	return a, nil
}

// prefetch reads until the first piece that commits.
func (a *Answering) prefetch(src Stream) error {
	for {
		d, err := src.Next()
		if errors.Is(err, io.EOF) {
			return &Error{Class: Transient, Code: CodeEmpty, Message: errNothing.Error(), Err: errNothing}
		}
		if err != nil {
			return err
		}
		d.Raw = bytes.Clone(d.Raw)
		a.held = append(a.held, d)
		if d.Commits {
			return nil
		}
		if len(a.held) > maxHeld {
			return &Error{Class: Transient, Code: CodeGarbage, Message: fmt.Sprintf("%d events without content", maxHeld)}
		}
	}
}

// Provider and model of the target that answers.
func (a *Answering) Provider() string { return a.w.answered.info.Provider }

// Target is the name of the target that answers.
func (a *Answering) Target() string { return a.w.answered.Name }

// Attempts is the trail up to now.
func (a *Answering) Attempts() []Attempt { return a.w.trail }

// Fallback reports whether another target than the first answers, and why.
func (a *Answering) Fallback() (bool, string) { return a.w.fallback() }

// Next returns the next piece, io.EOF after a complete answer, or an *[Error]
// with Partial set.
func (a *Answering) Next() (Delta, error) {
	if a.err != nil {
		return Delta{}, a.err
	}
	if len(a.held) > 0 {
		d := a.held[0]
		a.held = a.held[1:]
		a.acc.add(d)
		return d, nil
	}
	d, err := a.src.Next()
	switch {
	case errors.Is(err, io.EOF):
		a.err = io.EOF
		a.end(nil)
		return Delta{}, a.err
	case err != nil:
		a.fail(err)
		return Delta{}, a.err
	}
	left := time.Until(a.ends)
	if left <= 0 {
		a.fail(&Error{Class: Transient, Code: CodeTimeout, Message: fmt.Sprintf("the answer takes longer than %s", a.c.opt.Longest)})
		return Delta{}, a.err
	}
	a.w.stop.extend(min(a.c.opt.Idle, left))
	a.acc.add(d)
	return d, nil
}

// fail ends the stream with an explicit error.
func (a *Answering) fail(err error) {
	e := a.w.fault(a.w.answered, a.w.stop, err)
	if e.Code == CodeTimeout && a.w.stop.expired() {
		e.Message = fmt.Sprintf("nothing came for %s", a.w.stop.limit().Round(time.Millisecond))
	}
	e.Partial = true
	a.err = e
	a.end(e)
}

// end reports how the stream went: to the breaker, the meter and the metrics.
func (a *Answering) end(e *Error) {
	if a.closed {
		return
	}
	a.closed = true
	_ = a.src.Close() // the answer is over, whatever closing says
	a.w.stop.end()
	a.w.permit.DoneContext(a.w.ctx, outcome(e), errOrNil(e))
	resp := a.acc.response()
	if e != nil {
		resp.ToolCalls = nil // a call that may lack its end must not be made
	}
	a.c.complement(resp, a.w)
	a.c.opt.Meter.settle(a.w.req.User, a.w.reserved, costOf(resp))
	a.result = resp
	o := Outcome{Response: resp, Started: a.w.started, FirstAt: a.first, Stream: true, User: a.w.req.User}
	if e != nil {
		o.Response, o.Partial, o.Err = nil, resp, e
		last := &a.w.trail[len(a.w.trail)-1] // the attempt that looked good until now
		last.Class, last.Code, last.Error = e.Class, e.Code, e.Error()
		a.c.metrics.broke(*last)
	}
	a.c.finish(a.w.ctx, o)
}

func errOrNil(e *Error) error {
	if e == nil {
		return nil
	}
	return e
}

// Response is the answer as far as it came: whole after Next has returned
// io.EOF, else a part without tool calls. It is nil before the end.
func (a *Answering) Response() *Response { return a.result }

// Close ends the stream. Closing one that has not ended counts as the caller's
// wish and not as the provider's fault.
func (a *Answering) Close() error {
	if a.closed {
		return nil
	}
	a.err = &Error{Class: Unknown, Code: CodeCanceled, Message: "closed by the caller", Partial: true,
		Provider: a.w.answered.info.Provider, Model: a.w.answered.info.Model}
	a.end(a.err.(*Error))
	return nil
}

// CompleteStream asks the chain and hands each piece to on as it comes; an error
// of on ends the answer. The response is whole when the error is nil. When the
// stream broke off after its first piece, the response holds what came, without
// tool calls, beside an *[Error] with Partial set.
func (c *Chain) CompleteStream(ctx context.Context, req *Request, on func(Delta) error) (*Response, error) {
	a, err := c.Stream(ctx, req)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	for {
		d, err := a.Next()
		if errors.Is(err, io.EOF) {
			return a.Response(), nil
		}
		if err == nil {
			err = on(d)
		}
		if err != nil {
			_ = a.Close() // ends an answer the caller does not want any more; never fails
			return a.Response(), err
		}
	}
}

// collector puts the pieces of a stream together.
type collector struct {
	text, reasoning strings.Builder
	tools           []ToolCall
	args            []*strings.Builder
	index           []int
	finish, model   string
	usage           Usage
	size, skipped   int
}

func (c *collector) add(d Delta) {
	c.size += d.Size
	c.skipped += d.Skipped
	c.text.WriteString(d.Text)
	c.reasoning.WriteString(d.Reasoning)
	if d.FinishReason != "" {
		c.finish = d.FinishReason
	}
	if d.Model != "" && c.model == "" {
		c.model = d.Model
	}
	if d.Usage != nil {
		c.usage = *d.Usage
	}
	for _, t := range d.Tools {
		c.tool(t)
	}
}

func (c *collector) tool(t ToolDelta) {
	at := -1
	for i, n := range c.index {
		if n == t.Index {
			at = i
		}
	}
	if at < 0 {
		at = len(c.tools)
		c.tools, c.args, c.index = append(c.tools, ToolCall{}), append(c.args, &strings.Builder{}), append(c.index, t.Index)
	}
	if t.ID != "" {
		c.tools[at].ID = t.ID
	}
	if t.Name != "" {
		c.tools[at].Name = t.Name
	}
	c.args[at].WriteString(t.Arguments)
}

// response is the answer the pieces make. A tool call whose arguments are not
// JSON is left out of it.
func (c *collector) response() *Response {
	r := &Response{Content: c.text.String(), Reasoning: c.reasoning.String(), FinishReason: c.finish, Model: c.model, Usage: c.usage, Skipped: c.skipped}
	r.size = c.size
	for i, t := range c.tools {
		args := strings.TrimSpace(c.args[i].String())
		if args == "" {
			args = "{}"
		}
		if json.Valid([]byte(args)) && t.Name != "" {
			t.Arguments = json.RawMessage(args)
			r.ToolCalls = append(r.ToolCalls, t)
		}
	}
	return r
}

// Buffered reports whether the next piece is likely to be there already, so that
// who passes pieces on may wait before sending.
func (a *Answering) Buffered() bool {
	if len(a.held) > 0 {
		return true
	}
	b, ok := a.src.(interface{ Buffered() bool })
	return ok && !a.closed && b.Buffered()
}
