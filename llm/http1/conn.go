package http1

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// maxInterim is how many interim answers (1xx) may come before the answer.
const maxInterim = 5

// errHead is an answer whose head does not end.
var errHead = errors.New("the head of the answer is too long")

// errClosed is what reading says after closing.
var errClosed = errors.New("the body of the answer was closed")

// conn is one connection. It serves one call at a time, in the goroutine of its
// caller.
type conn struct {
	t       *Transport
	address string
	nc      net.Conn
	raw     syscall.RawConn // nil when the connection has no descriptor
	probe   func(fd uintptr) bool
	calm    bool // what probe found
	br      *bufio.Reader
	left    int64 // bytes that may still be read of a head
	used    bool  // a call was made on it before
	since   time.Time
}

func newConn(t *Transport, address string, nc net.Conn) *conn {
	c := &conn{t: t, address: address, nc: nc}
	c.br = bufio.NewReader(c)
	if s, ok := nc.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			c.raw, c.probe = raw, c.look
		}
	}
	return c
}

// Read reads from the connection, as much of a head as is allowed.
func (c *conn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errHead
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.nc.Read(p)
	c.left -= int64(n)
	return n, err
}

// shut closes the connection. It may be called at any time, more than once.
func (c *conn) shut() { _ = c.nc.Close() } // nothing is waited for any more

// quiet reports whether a connection that has waited is still open and silent.
// Without a descriptor nobody can know, and writing will tell.
func (c *conn) quiet() bool {
	if c.raw == nil {
		return true
	}
	c.calm = false
	return c.raw.Read(c.probe) == nil && c.calm
}

// call writes a request and reads the head of its answer. unsent means that not a
// byte of the request has left.
func (c *conn) call(req *http.Request, wire []byte) (resp *http.Response, unsent bool, err error) {
	ctx := req.Context()
	stop := context.AfterFunc(ctx, c.shut)
	fail := func(doing string, err error) error {
		stop()
		c.shut()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("%s: %w", doing, err)
	}
	if n, err := c.nc.Write(wire); err != nil {
		return nil, n == 0, fail("sending the request", err)
	}
	if resp, err = c.head(req); err != nil {
		return nil, false, fail("reading the answer", err)
	}
	c.left = math.MaxInt64
	b := &body{c: c, rc: resp.Body, ctx: ctx, stop: stop, keep: !resp.Close}
	if resp.Body == http.NoBody || resp.ContentLength == 0 {
		_ = b.end(io.EOF) // there is nothing to read
		resp.Body = http.NoBody
		return resp, false, nil
	}
	resp.Body = b
	return resp, false, nil
}

// head reads the head of the answer and passes over the interim ones.
func (c *conn) head(req *http.Request) (*http.Response, error) {
	for range maxInterim + 1 {
		c.left = c.t.opt.MaxHead
		resp, err := http.ReadResponse(c.br, req)
		switch {
		case err != nil:
			return nil, err
		case resp.StatusCode == http.StatusSwitchingProtocols:
			return nil, errors.New("the server wants to speak another protocol")
		case resp.StatusCode >= 200:
			return resp, nil
		}
	}
	return nil, errors.New("interim answers do not end")
}

// body is the body of an answer. Close may be called while Read waits.
type body struct {
	c    *conn
	rc   io.ReadCloser
	ctx  context.Context //nolint:containedctx // of the call the body belongs to
	stop func() bool     // undoes closing the connection with ctx
	keep bool            // the server keeps the connection open

	mu  sync.Mutex
	err error // how it ended; nil while there is more
}

// Read reads the body. After its end the connection is free for the next call.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	err := b.err
	b.mu.Unlock()
	if err != nil {
		return 0, err
	}
	n, err := b.rc.Read(p)
	if err != nil {
		err = b.end(err)
	}
	return n, err
}

// Close ends the answer. One that has not been read to its end takes the
// connection with it, which tells the server to stop.
func (b *body) Close() error {
	_ = b.end(errClosed) // it says so to later readers
	return nil
}

// end ends the body once and returns how it ended.
func (b *body) end(err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	undone := b.stop()
	switch {
	case errors.Is(err, io.EOF) && undone && b.keep && b.c.br.Buffered() == 0:
		b.c.t.park(b.c)
	case errors.Is(err, io.EOF):
		b.c.shut()
	default:
		b.c.shut()
		if b.ctx.Err() != nil && !errors.Is(err, errClosed) {
			err = context.Cause(b.ctx)
		}
	}
	b.err = err
	return err
}
