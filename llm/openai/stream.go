package openai

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"resync/llm"
)

// badLines is how many lines of a stream may be unreadable: one broken line must
// not end an answer that goes on, and a stream of nothing else is not one.
const badLines = 3

// stream reads a streamed answer.
type stream struct {
	m         *Model
	body      io.ReadCloser
	ev        *llm.Events
	raw       bool
	hideUsage bool // we asked for the usage, the sender of the request did not
	key       string
	finished  bool // a finish_reason has come
	done      bool // [DONE] has come
	detach    func() (cancel context.CancelFunc)
	bad       int
	skipped   int
	ids       []string // :: index of a tool call → its id
	remap     map[int]int
}

// Next returns the next piece.
func (s *stream) Next() (llm.Delta, error) {
	for {
		name, data, err := s.ev.Next()
		if err != nil {
			return llm.Delta{}, s.ended(err)
		}
		if string(data) == "[DONE]" {
			s.done = true
			return llm.Delta{}, io.EOF
		}
		ch, err := readChunk(data, s.raw)
		switch {
		case err != nil:
			if string(name) == "error" {
				return llm.Delta{}, s.m.inside(data, s.key)
			}
			if s.bad++; s.bad > badLines {
				return llm.Delta{}, s.m.named(&llm.Error{Class: llm.Transient, Code: llm.CodeGarbage,
					Message: fmt.Sprintf("%d lines of the stream cannot be read", s.bad), Err: err})
			}
			s.skipped++
			continue
		case ch.err != nil || string(name) == "error":
			if ch.err == nil {
				ch.err = data
			}
			return llm.Delta{}, s.m.inside(ch.err, s.key)
		}
		d := ch.delta
		d.Skipped, s.skipped = s.skipped, 0
		s.finished = s.finished || d.FinishReason != ""
		for _, p := range ch.calls {
			d.Tools = append(d.Tools, llm.ToolDelta{Index: s.place(p), ID: p.id, Name: p.name, Arguments: p.args})
		}
		if s.raw && !(s.hideUsage && ch.choices == 0 && d.Usage != nil) {
			d.Raw = data
		}
		return d, nil
	}
}

// ended judges the end of the bytes: it is the end of the answer only after a
// finish_reason.
func (s *stream) ended(err error) error {
	switch {
	case !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return s.m.named(llm.NetworkError(fmt.Errorf("reading the stream: %w", err), s.key))
	case s.finished:
		return io.EOF
	}
	return s.m.named(&llm.Error{Class: llm.Transient, Code: llm.CodeTruncated, Message: "the stream ended without a finish_reason or [DONE]", Err: io.ErrUnexpectedEOF})
}

// place finds which tool call a part belongs to. Some servers leave the index
// out, some give every call the index 0: then a new id begins a new call.
func (s *stream) place(p callPart) int {
	switch {
	case p.index < 0 && p.id == "" && p.name == "" && len(s.ids) > 0:
		return len(s.ids) - 1
	case p.index < 0:
		if p.id != "" && len(s.ids) > 0 && s.ids[len(s.ids)-1] == p.id {
			return len(s.ids) - 1
		}
	default:
		at, seen := s.remap[p.index]
		if seen && (p.id == "" || s.ids[at] == "" || s.ids[at] == p.id) {
			if s.ids[at] == "" {
				s.ids[at] = p.id
			}
			return at
		}
	}
	s.ids = append(s.ids, p.id)
	at := len(s.ids) - 1
	if p.index >= 0 {
		if s.remap == nil {
			s.remap = map[int]int{}
		}
		s.remap[p.index] = at
	}
	return at
}

// Buffered reports whether the next piece is likely to be there already.
func (s *stream) Buffered() bool { return s.ev != nil && s.ev.Buffered() }

// Close ends the stream. After [DONE] only the end of the body is missing, which
// comes at once; it is read on the side, so that the connection can be used again
// and nobody waits for it.
func (s *stream) Close() error {
	if s.ev == nil {
		return nil
	}
	s.ev.Reset(nil)
	s.m.events.Put(s.ev)
	s.ev = nil
	cancel := s.detach()
	if !s.done {
		cancel()
		return s.body.Close()
	}
	go func() {
		defer cancel()
		timer := time.AfterFunc(drainTime, cancel)
		defer timer.Stop()
		_, _ = io.Copy(io.Discard, s.body) // the answer is complete; only the connection is at stake
		_ = s.body.Close()
	}()
	return nil
}

// drainTime is how long the end of a body is waited for.
const drainTime = 200 * time.Millisecond

// apart returns a context that ends with ctx until it is detached; from then on
// the cancel function that detaching returned ends it.
func apart(ctx context.Context) (own context.Context, detach func() context.CancelFunc) {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unlink := context.AfterFunc(ctx, cancel)
	return own, func() context.CancelFunc {
		unlink()
		return cancel
	}
}
