package breaker

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
)

// Transport puts a breaker before an HTTP transport; next nil is
// http.DefaultTransport, classify nil is [ClassifyResponse]. A refused request
// fails with an *OpenError and nothing is sent. An answer is counted when its
// body has been read to its end, broke, or was closed: a stream that breaks in
// the middle is a failure however well it began. A body that is closed early
// counts as its headers say.
func Transport(b *Breaker, next http.RoundTripper, classify func(*http.Response, error) Outcome) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	if classify == nil {
		classify = ClassifyResponse
	}
	return &transport{b, next, classify}
}

type transport struct {
	b        *Breaker
	next     http.RoundTripper
	classify func(*http.Response, error) Outcome
}

// RoundTrip sends the request if the breaker allows it.
func (t *transport) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	p, err := t.b.Acquire()
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // a transport closes it also when it fails; nothing was read from it
		}
		return nil, err
	}
	ctx := req.Context()
	returned := false
	defer func() {
		if !returned {
			p.done(ctx, Failure, errAbandoned)
		}
	}()
	resp, err = t.next.RoundTrip(req)
	returned = true
	p.Answered()
	out := t.classify(resp, err)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		out = Ignored
	}
	cause := err
	if err == nil && out == Failure {
		cause = statusError(resp.Status)
	}
	if err != nil || resp.Body == nil || resp.Body == http.NoBody || resp.StatusCode == http.StatusSwitchingProtocols {
		p.done(ctx, out, cause)
		return resp, err
	}
	resp.Body = &body{ReadCloser: resp.Body, ctx: ctx, permit: p, out: out, cause: cause}
	return resp, nil
}

// CloseIdleConnections reaches the transport below.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// statusError is the cause of an answer whose status counts as a failure.
type statusError string

func (s statusError) Error() string { return "it answered " + string(s) }

// body reports the outcome when it ends.
type body struct {
	io.ReadCloser
	ctx    context.Context // of the request whose answer this is
	permit Permit
	out    Outcome
	cause  error
	over   atomic.Bool
}

// Read passes on what arrives and notices the end.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == nil:
	case err == io.EOF:
		b.end(b.out, b.cause)
	default:
		b.end(judge(b.ctx, err), err)
	}
	return n, err
}

// Close ends the call if nothing has yet.
func (b *body) Close() error {
	b.end(b.out, b.cause)
	return b.ReadCloser.Close()
}

func (b *body) end(o Outcome, cause error) {
	if b.over.CompareAndSwap(false, true) {
		b.permit.done(b.ctx, o, cause)
	}
}

// Dial is the form of net.Dialer.DialContext.
type Dial func(ctx context.Context, network, addr string) (net.Conn, error)

// DialContext puts a breaker before a dialer: only making the connection is
// counted, not what is said over it.
func DialContext(b *Breaker, next Dial) Dial {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		return guarded(ctx, b, func(ctx context.Context) (net.Conn, error) { return next(ctx, network, addr) })
	}
}
