package http1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Options are the settings of a [Transport]. Dial and Other are required.
type Options struct {
	// Dial opens a connection. It must end with its context.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Other takes the calls that are not for this package.
	Other http.RoundTripper
	// Proxy names the proxy of a request as in [http.Transport]; a request that
	// has one goes to Other. nil is no proxy.
	Proxy func(*http.Request) (*url.URL, error)
	// MaxIdle is how many connections to one address wait for their next call; 256.
	MaxIdle int
	// IdleTime is how long a connection waits for its next call; 90 s.
	IdleTime time.Duration
	// MaxBody is the largest body of a request in bytes; larger ones go to Other,
	// which can read a refusal while it still writes. 256 KiB.
	MaxBody int64
	// MaxHead is the largest head of an answer in bytes; 256 KiB.
	MaxHead int64
}

// Transport is an [http.RoundTripper]. It is safe for concurrent use.
type Transport struct {
	opt  Options
	wire sync.Pool // :: *[]byte, requests as they are written

	mu    sync.Mutex
	idle  map[string][]*conn // :: address → connections, the last used last
	sweep *time.Timer        // closes what has waited too long; nil while nothing waits
}

// New returns a transport. It refuses options without Dial or Other.
func New(o Options) (*Transport, error) {
	if o.Dial == nil || o.Other == nil {
		return nil, errors.New("http1: Dial and Other are required")
	}
	if o.MaxIdle <= 0 {
		o.MaxIdle = 256
	}
	if o.IdleTime <= 0 {
		o.IdleTime = 90 * time.Second
	}
	if o.MaxBody <= 0 {
		o.MaxBody = 256 << 10
	}
	if o.MaxHead <= 0 {
		o.MaxHead = 256 << 10
	}
	t := &Transport{opt: o, idle: map[string][]*conn{}}
	t.wire.New = func() any { return new([]byte) }
	return t, nil
}

// RoundTrip makes one call. The answer's body must be closed or read to its end;
// closing it early closes the connection, and so does the end of the request's
// context. The error is the context's cause when that has ended.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	address, ok := t.takes(req)
	if !ok {
		return t.opt.Other.RoundTrip(req)
	}
	buf := t.wire.Get().(*[]byte)
	defer t.wire.Put(buf)
	var err error
	if *buf, err = appendRequest((*buf)[:0], req); err != nil {
		return nil, err
	}
	return t.send(req.Context(), address, req, *buf)
}

// send makes a call: wire is the whole request, whose answer is that of req.
func (t *Transport) send(ctx context.Context, address string, req *http.Request, wire []byte) (*http.Response, error) {
	for {
		c, err := t.open(ctx, address)
		if err != nil {
			return nil, err
		}
		resp, unsent, err := c.call(ctx, req, wire)
		if err != nil && unsent && c.used && ctx.Err() == nil {
			continue // it was closed while it waited; a new one ends the loop
		}
		return resp, err
	}
}

// takes reports whether a request is for this package, and the address it goes to.
func (t *Transport) takes(req *http.Request) (address string, ok bool) {
	u := req.URL
	if u == nil || u.Scheme != "http" || u.Host == "" || req.Close || len(req.TransferEncoding) > 0 || len(req.Trailer) > 0 {
		return "", false
	}
	hasBody := req.Body != nil && req.Body != http.NoBody
	if (hasBody && req.ContentLength <= 0) || req.ContentLength > t.opt.MaxBody {
		return "", false
	}
	for _, name := range []string{"Connection", "Upgrade", "Expect", "Transfer-Encoding", "Content-Length", "Host"} {
		if _, has := req.Header[name]; has {
			return "", false
		}
	}
	if t.opt.Proxy != nil {
		if p, err := t.opt.Proxy(req); p != nil || err != nil {
			return "", false
		}
	}
	for i := range len(u.Host) {
		if u.Host[i] <= ' ' || u.Host[i] > '~' {
			return "", false // names in other scripts need translating
		}
	}
	if strings.LastIndexByte(u.Host, ':') > strings.LastIndexByte(u.Host, ']') { // it has a port
		return u.Host, true
	}
	return net.JoinHostPort(u.Hostname(), "80"), true
}

// open returns a connection that waits for a call, or a new one.
func (t *Transport) open(ctx context.Context, address string) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	for c := t.waiting(address); c != nil; c = t.waiting(address) {
		if c.quiet() {
			return c, nil
		}
		c.shut()
	}
	nc, err := t.opt.Dial(ctx, "tcp", address)
	if err != nil {
		if cause := over(ctx); cause != nil {
			return nil, cause
		}
		return nil, fmt.Errorf("connecting: %w", err)
	}
	return newConn(t, address, nc), nil
}

// over is why the time of a call is over, nil when it is not. A dialer may notice the
// deadline of a context a moment before the context does.
func over(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if at, has := ctx.Deadline(); has && !time.Now().Before(at) {
		return context.DeadlineExceeded
	}
	return nil
}

// waiting takes the connection that was used last out of those that wait; nil
// when none does.
func (t *Transport) waiting(address string) *conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := t.idle[address]
	if len(list) == 0 {
		return nil
	}
	c := list[len(list)-1]
	list[len(list)-1] = nil
	t.idle[address] = list[:len(list)-1]
	return c
}

// park lets a connection wait for its next call.
func (t *Transport) park(c *conn) {
	c.used, c.since = true, time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	list := t.idle[c.address]
	if len(list) >= t.opt.MaxIdle {
		c.shut()
		return
	}
	t.idle[c.address] = append(list, c)
	if t.sweep == nil {
		t.sweep = time.AfterFunc(t.opt.IdleTime, t.sweepOld)
	}
}

// sweepOld closes the connections that have waited too long.
func (t *Transport) sweepOld() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sweep == nil {
		return // everything was closed in the meantime
	}
	old, left := time.Now().Add(-t.opt.IdleTime), 0
	for address, list := range t.idle {
		n := 0
		for n < len(list) && !list[n].since.After(old) { // the oldest stand first
			list[n].shut()
			n++
		}
		if rest := append([]*conn(nil), list[n:]...); len(rest) > 0 {
			t.idle[address] = rest
			left += len(rest)
			continue
		}
		delete(t.idle, address)
	}
	t.sweep = nil
	if left > 0 {
		t.sweep = time.AfterFunc(t.opt.IdleTime/2, t.sweepOld)
	}
}

// CloseIdleConnections closes the connections that wait for a call, those of
// Other as well.
func (t *Transport) CloseIdleConnections() {
	t.mu.Lock()
	if t.sweep != nil {
		t.sweep.Stop()
		t.sweep = nil
	}
	lists := t.idle
	t.idle = map[string][]*conn{}
	t.mu.Unlock()
	for _, list := range lists {
		for _, c := range list {
			c.shut()
		}
	}
	if o, ok := t.opt.Other.(interface{ CloseIdleConnections() }); ok {
		o.CloseIdleConnections()
	}
}

// appendRequest appends a request as it goes onto the wire, its body included,
// and closes the body.
func appendRequest(buf []byte, req *http.Request) ([]byte, error) {
	body := req.Body
	if body != nil {
		defer body.Close()
	}
	buf, err := appendHead(buf, req)
	if err != nil || body == nil || body == http.NoBody {
		return buf, err
	}
	at, n := len(buf), int(req.ContentLength)
	if cap(buf) < at+n {
		grown := make([]byte, at, at+n)
		copy(grown, buf)
		buf = grown
	}
	buf = buf[:at+n]
	if _, err := io.ReadFull(body, buf[at:]); err != nil {
		return buf, fmt.Errorf("reading the body of the request, %d bytes were announced: %w", n, err)
	}
	if extra, _ := body.Read(make([]byte, 1)); extra > 0 {
		return buf, fmt.Errorf("the body of the request is longer than the %d bytes announced", n)
	}
	return buf, nil
}
