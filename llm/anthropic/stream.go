package anthropic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"resync/llm"
)

// badLines is how many unreadable events a stream may have.
const badLines = 3

// stream reads a streamed answer.
type stream struct {
	m       *Model
	body    io.ReadCloser
	cancel  context.CancelFunc
	ev      *llm.Events
	key     string
	usage   llm.Usage
	stopped bool // a stop_reason has come
	bad     int
	skipped int
	tools   int         // tool calls begun
	toolAt  map[int]int // :: index of a content block → index of the tool call
}

// event is any event of the wire.
type event struct {
	Type    string     `json:"type"`
	Index   int        `json:"index"`
	Message *answer    `json:"message"`
	Block   *wireBlock `json:"content_block"`
	Delta   struct {
		Type       string `json:"type"`
		Text       string `json:"text"`
		Thinking   string `json:"thinking"`
		JSON       string `json:"partial_json"`
		StopReason string `json:"stop_reason"`
	} `json:"delta"`
	Usage *usage     `json:"usage"`
	Error *wireError `json:"error"`
}

// Next returns the next piece. Events without one (pings, the end of a block)
// are passed over.
func (s *stream) Next() (llm.Delta, error) {
	for {
		_, data, err := s.ev.Next()
		if err != nil {
			return llm.Delta{}, s.ended(err)
		}
		var ev event
		if err := json.Unmarshal(data, &ev); err != nil {
			if s.bad++; s.bad > badLines {
				return llm.Delta{}, s.m.named(&llm.Error{Class: llm.Transient, Code: llm.CodeGarbage,
					Message: fmt.Sprintf("%d events of the stream cannot be read", s.bad), Err: err})
			}
			s.skipped++
			continue
		}
		switch d, ok := s.delta(ev); {
		case ev.Error != nil:
			return llm.Delta{}, s.m.refusal(0, ev.Error, nil, s.key)
		case ev.Type == "message_stop":
			return llm.Delta{}, io.EOF
		case ok:
			d.Skipped, s.skipped = s.skipped, 0
			return d, nil
		}
	}
}

// delta turns an event into a piece; false when it has none.
func (s *stream) delta(ev event) (llm.Delta, bool) {
	switch ev.Type {
	case "message_start":
		if ev.Message == nil {
			return llm.Delta{}, false
		}
		s.usage = ev.Message.Usage.tokens()
		return llm.Delta{Model: ev.Message.Model}, true
	case "content_block_start":
		return s.begin(ev)
	case "content_block_delta":
		d := llm.Delta{Text: ev.Delta.Text, Reasoning: ev.Delta.Thinking}
		if ev.Delta.Type == "input_json_delta" {
			d.Tools = []llm.ToolDelta{{Index: s.toolAt[ev.Index], Arguments: ev.Delta.JSON}}
		}
		d.Size = len(d.Text) + len(d.Reasoning) + len(ev.Delta.JSON)
		d.Commits = d.Size > 0
		return d, true
	case "message_delta":
		d := llm.Delta{FinishReason: llm.Finish(ev.Delta.StopReason)}
		s.stopped = s.stopped || d.FinishReason != ""
		if ev.Usage != nil {
			s.usage.OutputTokens = ev.Usage.Output
			u := s.usage
			d.Usage = &u
		}
		return d, true
	}
	return llm.Delta{}, false
}

// begin starts a content block.
func (s *stream) begin(ev event) (llm.Delta, bool) {
	if ev.Block == nil {
		return llm.Delta{}, false
	}
	if ev.Block.Type != "tool_use" {
		return llm.Delta{Text: ev.Block.Text, Commits: ev.Block.Text != "", Size: len(ev.Block.Text)}, true
	}
	if s.toolAt == nil {
		s.toolAt = map[int]int{}
	}
	s.toolAt[ev.Index] = s.tools
	s.tools++
	d := llm.ToolDelta{Index: s.tools - 1, ID: ev.Block.ID, Name: ev.Block.Name}
	if in := string(ev.Block.Input); in != "" && in != "{}" {
		d.Arguments = in // a server that sends the arguments at once
	}
	return llm.Delta{Tools: []llm.ToolDelta{d}, Commits: true, Size: len(d.Name)}, true
}

// ended judges the end of the bytes: without message_stop it is the end of the
// answer only after a stop_reason.
func (s *stream) ended(err error) error {
	switch {
	case !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return s.m.named(llm.NetworkError(fmt.Errorf("reading the stream: %w", err), s.key))
	case s.stopped:
		return io.EOF
	}
	return s.m.named(&llm.Error{Class: llm.Transient, Code: llm.CodeTruncated, Message: "the stream ended without message_stop", Err: io.ErrUnexpectedEOF})
}

// Close ends the stream.
func (s *stream) Close() error {
	s.cancel()
	return s.body.Close()
}
