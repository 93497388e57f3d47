package hwa

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"
)

// errStop is returned by a reader that wants no more of the answer, without that being a failure.
var errStop = errors.New("stop")

// reader consumes an answer with a 2xx status.
type reader func(body io.Reader, resp *http.Response) error

// do sends a request and lets read consume the answer. A read is repeated as Config says, on the next host first; a write goes
// out once, and moves on to another host only when the connection could not even be made.
func (c *Client) do(ctx context.Context, r *request, read reader) error {
	payload, err := r.payload()
	if err != nil {
		return err
	}
	start := int(c.current.Load())
	var before *Error
	for n := 0; ; n++ {
		i := (start + n) % len(c.hosts)
		err := c.attempt(ctx, c.hosts[i], r, payload, n, read)
		if err == nil {
			c.current.Store(int32(i))
			c.cfg.Retries.Earn()
			return nil
		}
		if before != nil && err.refused() {
			return before // what opened the breaker says more than that it is open
		}
		if !c.again(ctx, r, err, n) {
			return err
		}
		before = err
	}
}

// again decides about one more attempt after the n-th (counted from 0) and waits as long as it has to.
func (c *Client) again(ctx context.Context, r *request, e *Error, n int) bool {
	if e.refused() {
		return false
	}
	if r.write() {
		return e.Kind == KindUnreachable && !e.MayHaveActed && e.HTTPStatus == 0 && n+1 < len(c.hosts) && ctx.Err() == nil
	}
	if !e.Retryable || n+1 >= max(c.cfg.Attempts, len(c.hosts)) {
		return false
	}
	if n+1 < len(c.hosts) {
		return ctx.Err() == nil
	}
	wait := c.cfg.Backoff << min((n+1)/len(c.hosts)-1, 6)
	wait = max(wait/2+rand.N(wait/2+1), e.RetryAfter)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return false
	}
	if !c.cfg.Retries.Spend() {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// attempt sends the request to one host and reports the outcome to the observer.
func (c *Client) attempt(ctx context.Context, h *host, r *request, payload []byte, n int, read reader) *Error {
	seen := Attempt{Op: r.op, Host: h.base.Host, Number: n + 1, Write: r.write()}
	obs := c.cfg.Observer
	if obs != nil {
		if err := obs.Before(ctx, seen); err != nil {
			return c.finish(h, r, &Error{Kind: KindUnreachable, Message: err.Error(), Err: err, Retryable: !r.write()})
		}
	}
	permit, refusal := c.cfg.Breaker.Acquire()
	if refusal != nil {
		return c.finish(h, r, refusedBy(refusal))
	}
	began := time.Now()
	status, e := c.exchangeUnder(ctx, permit, h, r, payload, read)
	if obs != nil {
		seen.Status, seen.Duration = status, time.Since(began)
		if e != nil {
			seen.Kind, seen.Outage = e.Kind, e.CountsAsOutage()
		}
		obs.After(ctx, seen)
	}
	if e != nil {
		return c.finish(h, r, e)
	}
	return nil
}

// finish completes an error with what only the client knows and removes secrets from the engine's words.
func (c *Client) finish(h *host, r *request, e *Error) *Error {
	e.Op, e.URL = r.words(), h.base.String()+r.path
	e.Message, e.ServerText = c.scrub(e.Message), c.scrub(e.ServerText)
	if r.since != "" && len(e.Codes) == 0 && (e.HTTPStatus == 404 || e.HTTPStatus == 405) {
		e.Kind = KindNotSupported
		e.Message = "this engine does not have the operation: it came with version " + r.since
	}
	return e
}

// exchange is one request and its answer.
func (c *Client) exchange(caller context.Context, h *host, r *request, payload []byte, read reader) (int, *Error) {
	req, err := c.build(h, r, payload)
	if err != nil {
		var e *Error
		errors.As(err, &e)
		return 0, e
	}
	if c.cfg.Header != nil {
		c.cfg.Header(caller, req.Header)
	}
	ctx, cancel := context.WithCancelCause(caller)
	defer cancel(nil)
	wait := newPatience(c.cfg.Timeout, cancel)
	defer wait.stop()
	var conn connTrace
	resp, err := h.http.Do(req.WithContext(httptrace.WithClientTrace(ctx, conn.hooks())))
	wait.pause()
	if err != nil {
		return 0, classifyTransport(caller, ctx, err, conn.maySent(err), r.write())
	}
	defer resp.Body.Close()
	body := &boundedBody{r: resp.Body, left: c.cfg.MaxResponse, wait: wait}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return resp.StatusCode, c.refused(resp, body, r)
	}
	if e := notData(resp, body, r); e != nil {
		return resp.StatusCode, e
	}
	err = read(body, resp)
	switch {
	case err == nil, errors.Is(err, errStop):
		return resp.StatusCode, nil
	case body.err != nil && body.err != io.EOF:
		e := classifyTransport(caller, ctx, body.err, true, r.write())
		e.HTTPStatus = resp.StatusCode
		return resp.StatusCode, e
	}
	return resp.StatusCode, badAnswer(err, resp, r)
}

func (c *Client) refused(resp *http.Response, body io.Reader, r *request) *Error {
	// The status says enough; whatever of the words arrives is a bonus.
	text, _ := io.ReadAll(io.LimitReader(body, scrapeBytes))
	return classifyStatus(resp.StatusCode, resp.Header, text, r.write())
}

// badAnswer classifies what a reader returned: an Error of its own, or a complaint about the form of the answer.
func badAnswer(err error, resp *http.Response, r *request) *Error {
	var e *Error
	if errors.As(err, &e) {
		e.HTTPStatus = resp.StatusCode
		return e
	}
	var page *webPage
	if errors.As(err, &page) {
		return pageError(resp.StatusCode, page.text, r)
	}
	cut := errors.Is(err, io.ErrUnexpectedEOF)
	e = &Error{Kind: KindProtocol, HTTPStatus: resp.StatusCode, Err: err, Retryable: cut && !r.write(), MayHaveActed: r.write()}
	e.Message = "the engine's answer is not what the API promises: " + clip(err.Error(), 300)
	if cut {
		e.Message = "the engine's answer ends in the middle"
	}
	return e
}

// notData recognises a web page where data should be: a login page of a single sign-on, or the page of a proxy.
func notData(resp *http.Response, body *boundedBody, r *request) *Error {
	if !strings.Contains(strings.ToLower(resp.Header.Get("Content-Type")), "html") {
		return nil
	}
	text, _ := io.ReadAll(io.LimitReader(body, scrapeBytes))
	return pageError(resp.StatusCode, text, r)
}

func pageError(status int, page []byte, r *request) *Error {
	codes, text := scrape("text/html", page)
	e := &Error{Kind: KindProtocol, HTTPStatus: status, Codes: codes, ServerText: text, MayHaveActed: r.write(),
		Message: "the address answers with a web page instead of data: check that it is the engine's own address"}
	low := strings.ToLower(string(page))
	for _, word := range [...]string{"login", "log in", "sign in", "signin", "password", "j_security_check", "saml"} {
		if strings.Contains(low, word) {
			e.Kind = KindAuth
			e.Message = "the address answers with a login page instead of data: use the engine's own address, not that of a single sign-on"
		}
	}
	return e
}

// connTrace learns whether a request got hold of a connection, without which nothing can have been sent.
type connTrace struct{ asked, got atomic.Bool }

func (t *connTrace) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { t.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { t.got.Store(true) },
	}
}

// maySent assumes the worst when the transport is one that does not report its connections.
func (t *connTrace) maySent(err error) bool {
	if t.asked.Load() {
		return t.got.Load()
	}
	return !unsent(err)
}

// patience cancels a request when the time spent waiting for the network exceeds a limit. It is paused while others work.
type patience struct {
	timer *time.Timer
	left  time.Duration
	since time.Time
}

func newPatience(limit time.Duration, cancel context.CancelCauseFunc) *patience {
	return &patience{timer: time.AfterFunc(limit, func() { cancel(errPatience) }), left: limit, since: time.Now()}
}

func (p *patience) stop() { p.timer.Stop() }

func (p *patience) pause() {
	p.timer.Stop()
	p.left = max(p.left-time.Since(p.since), 0)
}

func (p *patience) resume() {
	p.since = time.Now()
	p.timer.Reset(p.left)
}

// boundedBody limits the size of an answer and the time waited for it, and remembers why reading ended.
type boundedBody struct {
	r    io.Reader
	left int64
	wait *patience
	err  error
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		// Exactly at the limit: only more data is too much.
		var one [1]byte
		b.wait.resume()
		n, err := b.r.Read(one[:])
		b.wait.pause()
		if n > 0 {
			err = errTooLarge
		}
		b.err = err
		return 0, err
	}
	b.wait.resume()
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.wait.pause()
	b.left -= int64(n)
	if err != nil {
		b.err = err
	}
	return n, err
}
