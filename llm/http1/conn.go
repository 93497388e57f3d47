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

// refusalTime is how long an answer is waited for when a request could not be sent
// whole.
const refusalTime = 50 * time.Millisecond

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

	// The request of a call until it is sent, and how that goes; see exchange.
	turn    func(fd uintptr) bool
	out     []byte
	begun   bool
	ctx     context.Context //nolint:containedctx // of the call
	stop    func() bool     // undoes watch; nil before it
	sent    int
	sendErr error
	into    []byte
	got     int
	gotErr  error

	br     *bufio.Reader
	left   int64 // bytes that may still be read of a head
	noting bool  // a head is read: what comes is kept in seen
	seen   []byte
	ended  bool // the server has closed its side
	used   bool // a call was made on it before
	since  time.Time
}

func newConn(t *Transport, address string, nc net.Conn) *conn {
	c := &conn{t: t, address: address, nc: nc}
	c.br = bufio.NewReader(c)
	if s, ok := nc.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			c.raw, c.probe, c.turn = raw, c.look, c.takeTurn
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
	n, err := c.receive(p)
	c.left -= int64(n)
	c.ended = c.ended || err == io.EOF
	if c.noting {
		c.seen = append(c.seen, p[:n]...)
	}
	return n, err
}

// receive reads, after it has sent what is still to be sent.
func (c *conn) receive(p []byte) (int, error) {
	if c.out != nil {
		return c.exchange(p)
	}
	return c.nc.Read(p)
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
func (c *conn) call(ctx context.Context, req *http.Request, wire []byte) (resp *http.Response, unsent bool, err error) {
	c.ctx, c.stop = ctx, nil
	defer c.ours()
	fail := func(doing string, err error) error {
		if c.stop != nil {
			c.stop()
		}
		c.shut()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("%s: %w", doing, err)
	}
	c.out, c.sent, c.sendErr = wire, 0, nil
	resp, clean, err := c.head(req)
	c.out = nil
	werr := c.sendErr
	if werr != nil && c.sent == 0 {
		return nil, true, fail("sending the request", werr)
	}
	switch {
	case werr != nil && (err != nil || resp.StatusCode < 400):
		return nil, false, fail("sending the request", werr)
	case err != nil:
		return nil, false, fail("reading the answer", err)
	}
	c.left = math.MaxInt64
	b := &body{c: c, rc: resp.Body, ctx: ctx, stop: c.stop, keep: !resp.Close && clean && werr == nil}
	if resp.Body == http.NoBody || resp.ContentLength == 0 {
		_ = b.end(io.EOF) // there is nothing to read
		resp.Body = http.NoBody
		return resp, false, nil
	}
	resp.Body = b
	return resp, false, nil
}

// watch has the connection closed when the call's context ends, from here on. It is
// called before anything is waited for.
func (c *conn) watch() {
	if c.stop == nil {
		c.stop = context.AfterFunc(c.ctx, c.shut)
	}
}

// ours ends what belongs to a call: the body has its own.
func (c *conn) ours() { c.ctx, c.stop = nil, nil }

// head reads the head of the answer and passes over the interim ones. clean is
// false when its framing could be read in two ways: the connection must then not
// be used again (RFC 9112 §6.1 and §6.3).
func (c *conn) head(req *http.Request) (resp *http.Response, clean bool, err error) {
	c.noting, c.seen = true, c.seen[:0]
	defer c.forget()
	clean, at := true, 0
	for range maxInterim + 1 {
		c.left = c.t.opt.MaxHead
		var easy bool
		resp, easy, err = c.next(req)
		switch {
		case easy:
			return resp, clean, nil
		case err != nil && c.left <= 0:
			return nil, false, errHead // and not what it looks like where it was cut
		case err != nil && c.ended && len(c.seen) > at:
			return nil, false, fmt.Errorf("the answer breaks off within its head: %w", io.ErrUnexpectedEOF)
		case err != nil:
			return nil, false, err
		}
		end := len(c.seen) - c.br.Buffered()
		odd, err := inspect(c.seen[at:end])
		at, clean = end, clean && !odd
		switch {
		case err != nil:
			return nil, false, err
		case resp.ProtoMajor != 1:
			return nil, false, fmt.Errorf("the server answers in %q", resp.Proto)
		case resp.StatusCode < 100:
			return nil, false, fmt.Errorf("the server answers with the status %q", resp.Status)
		case resp.StatusCode == http.StatusSwitchingProtocols:
			return nil, false, errors.New("the server wants to speak another protocol")
		case resp.StatusCode >= 200:
			return resp, clean, nil
		}
	}
	return nil, false, errors.New("interim answers do not end")
}

// next reads the next head; easy is one that leaves no question open.
func (c *conn) next(req *http.Request) (resp *http.Response, easy bool, err error) {
	switch _, err := c.br.Peek(1); {
	case err == io.EOF:
		return nil, false, io.ErrUnexpectedEOF
	case err != nil:
		return nil, false, err
	}
	here, _ := c.br.Peek(c.br.Buffered()) // it is in the buffer
	if resp, n := plain(here, req); resp != nil {
		_, _ = c.br.Discard(n) // so is this
		resp.Body = &counted{r: c.br, left: resp.ContentLength}
		return resp, true, nil
	}
	resp, err = http.ReadResponse(c.br, req)
	return resp, false, err
}

// forget ends the noting of a head and gives back what an unusually large one took.
func (c *conn) forget() {
	if c.noting = false; cap(c.seen) > 16<<10 {
		c.seen = nil
	}
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
