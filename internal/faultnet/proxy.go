// Package faultnet breaks networks for tests: a TCP proxy on 127.0.0.1 that
// behaves well until it is told not to. What it carries does not matter (HTTP,
// Redis, PostgreSQL), so one package makes the cells of every fault matrix.
//
//	p := faultnet.New(t, server.Listener.Addr().String())
//	client := …p.Addr()…
//	p.Set(faultnet.Blackhole())
//
// A fault holds for connections that are open already as well as for new ones,
// until the next Set.
package faultnet

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Fault is a way to misbehave. Make one with the functions below.
type Fault struct {
	name    string
	refuse  bool          // nothing listens
	reset   bool          // the connection is reset at the first byte of a request
	silent  bool          // bytes go nowhere
	delay   time.Duration // before a request is passed on
	cut     int64         // bytes of an answer after which the connection ends, -1 = never
	byReset bool          // the cut is a reset
	slice   int           // bytes written at once, 0 = as they come
	pause   time.Duration // between two slices
	answer  []byte        // given in place of the server's
}

// String names the fault, for the names of tests.
func (f Fault) String() string { return f.name }

// Pass lets everything through.
func Pass() Fault { return Fault{name: "pass", cut: -1} }

// Refuse stops listening and resets what is open: connecting is refused.
func Refuse() Fault { return Fault{name: "refuse", refuse: true, cut: -1} }

// Blackhole accepts connections and never answers.
func Blackhole() Fault { return Fault{name: "blackhole", silent: true, cut: -1} }

// Reset resets the connection when a request begins.
func Reset() Fault { return Fault{name: "reset", reset: true, cut: -1} }

// Delay passes each request on only after d.
func Delay(d time.Duration) Fault { return Fault{name: "delay " + d.String(), delay: d, cut: -1} }

// Cut ends the connection in an orderly way after n bytes of an answer.
func Cut(n int64) Fault { return Fault{name: fmt.Sprintf("cut after %d", n), cut: n} }

// CutReset resets the connection after n bytes of an answer.
func CutReset(n int64) Fault {
	return Fault{name: fmt.Sprintf("reset after %d", n), cut: n, byReset: true}
}

// Slice writes answers n bytes at a time with a pause between.
func Slice(n int, pause time.Duration) Fault {
	return Fault{name: fmt.Sprintf("slices of %d", n), slice: n, pause: pause, cut: -1}
}

// Answer gives these bytes for every request and ends the connection; the server
// sees nothing of it. Use it for garbage of any protocol.
func Answer(name string, raw []byte) Fault { return Fault{name: name, answer: raw, cut: -1} }

// HTTP answers every HTTP request with a status, headers ("Name: value") and a
// body.
func HTTP(status int, body string, headers ...string) Fault {
	raw := fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Length: %d\r\nConnection: close\r\n", status, http.StatusText(status), len(body))
	for _, h := range headers {
		raw += h + "\r\n"
	}
	return Answer(fmt.Sprintf("http %d", status), []byte(raw+"\r\n"+body))
}

// Proxy passes connections on to a server, as well as its Fault lets it.
type Proxy struct {
	upstream string
	addr     string

	conns, requests atomic.Int64

	mu    sync.Mutex
	fault Fault
	moved chan struct{} // closed at the next Set
	ln    net.Listener
	open  map[net.Conn]struct{}
	shut  bool
	wg    sync.WaitGroup
}

// New starts a proxy before the server at the address (host:port); it ends with
// the test.
func New(t testing.TB, upstream string) *Proxy {
	t.Helper()
	p := &Proxy{upstream: upstream, fault: Pass(), moved: make(chan struct{}), open: map[net.Conn]struct{}{}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("faultnet: listen: %v", err)
	}
	p.addr = ln.Addr().String()
	p.listen(ln)
	t.Cleanup(p.close)
	return p
}

// Addr is host:port of the proxy; it stays the same over Refuse and Pass.
func (p *Proxy) Addr() string { return p.addr }

// Connections counts the connections accepted so far.
func (p *Proxy) Connections() int64 { return p.conns.Load() }

// Requests counts the requests begun so far: bytes from the client after the
// connection was made or after bytes from the server.
func (p *Proxy) Requests() int64 { return p.requests.Load() }

// Set changes the behaviour at once. It panics when it cannot listen again after
// Refuse because another process has taken the port.
func (p *Proxy) Set(f Fault) {
	p.mu.Lock()
	p.fault = f
	close(p.moved)
	p.moved = make(chan struct{})
	ln, listening := p.ln, p.ln != nil
	if f.refuse && listening {
		p.ln = nil
	}
	var kill []net.Conn
	if f.refuse {
		for c := range p.open {
			kill = append(kill, c)
		}
	}
	shut := p.shut
	p.mu.Unlock()
	if f.refuse && listening {
		_ = ln.Close()
	}
	for _, c := range kill {
		reset(c)
	}
	if !f.refuse && !listening && !shut {
		p.mustListen()
	}
}

func (p *Proxy) mustListen() {
	ln, err := net.Listen("tcp", p.addr)
	if err != nil {
		panic("faultnet: listen again: " + err.Error())
	}
	p.listen(ln)
}

func (p *Proxy) listen(ln net.Listener) {
	p.mu.Lock()
	p.ln = ln
	p.mu.Unlock()
	p.wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			p.conns.Add(1)
			p.wg.Go(func() { p.serve(c) })
		}
	})
}

func (p *Proxy) close() {
	p.mu.Lock()
	p.shut = true
	p.mu.Unlock()
	p.Set(Refuse())
	p.wg.Wait()
}

// now is the present fault and a channel that closes when it changes.
func (p *Proxy) now() (Fault, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault, p.moved
}

// hold notes an open connection; it is false when there may be none.
func (p *Proxy) hold(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault.refuse {
		return false
	}
	p.open[c] = struct{}{}
	return true
}

func (p *Proxy) drop(c net.Conn) {
	_ = c.Close()
	p.mu.Lock()
	delete(p.open, c)
	p.mu.Unlock()
}

// reset closes a connection so that the other side gets a RST.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}

// link is one client's connection with what it needs of the server.
type link struct {
	p      *Proxy
	client net.Conn
	server net.Conn
	begun  atomic.Bool  // a request is under way that no answer has begun for
	sent   atomic.Int64 // bytes of the present answer
}

func (p *Proxy) serve(c net.Conn) {
	if !p.hold(c) {
		reset(c)
		return
	}
	defer p.drop(c)
	s, err := net.Dial("tcp", p.upstream)
	if err != nil {
		reset(c)
		return
	}
	defer p.drop(s)
	if !p.hold(s) {
		return
	}
	l := &link{p: p, client: c, server: s}
	var both sync.WaitGroup
	both.Go(l.requests)
	both.Go(l.answers)
	both.Wait()
}

// requests carries bytes from the client to the server.
func (l *link) requests() {
	defer func() { _ = l.server.Close() }()
	buf := make([]byte, 32<<10)
	for {
		n, err := l.client.Read(buf)
		if n > 0 {
			first := l.begun.CompareAndSwap(false, true)
			if first {
				l.p.requests.Add(1)
				l.sent.Store(0)
			}
			if !l.pass(buf[:n], first) {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// pass hands a piece of a request on as the fault says; false ends the link.
func (l *link) pass(piece []byte, first bool) bool {
	for {
		f, moved := l.p.now()
		switch {
		case f.silent:
			l.wait(moved)
			return false // what was swallowed is lost, and with it the conversation
		case f.reset:
			reset(l.client)
			return false
		case f.answer != nil:
			_, _ = l.client.Write(f.answer)
			_ = l.client.Close()
			return false
		case f.delay > 0 && first:
			timer := time.NewTimer(f.delay)
			select {
			case <-timer.C:
			case <-moved:
				timer.Stop()
				continue
			}
		}
		_, err := l.server.Write(piece)
		return err == nil
	}
}

// wait keeps a silent connection open until the fault changes or the client
// goes.
func (l *link) wait(moved <-chan struct{}) {
	gone := make(chan struct{})
	l.p.wg.Go(func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, l.client)
	})
	select {
	case <-moved:
		reset(l.client)
	case <-gone:
	}
}

// answers carries bytes from the server to the client.
func (l *link) answers() {
	defer func() { _ = l.client.Close() }()
	buf := make([]byte, 32<<10)
	for {
		n, err := l.server.Read(buf)
		l.begun.Store(false)
		if n > 0 && !l.give(buf[:n]) {
			return
		}
		if err != nil {
			f, moved := l.p.now()
			if f.silent {
				l.wait(moved)
			}
			return
		}
	}
}

// give writes a piece of an answer as the fault says; false ends the link.
func (l *link) give(piece []byte) bool {
	f, moved := l.p.now()
	if f.silent {
		l.wait(moved)
		return false
	}
	if left := f.cut - l.sent.Load(); f.cut >= 0 && int64(len(piece)) >= left {
		_, _ = l.client.Write(piece[:max(left, 0)])
		if f.byReset {
			reset(l.client)
		}
		return false
	}
	l.sent.Add(int64(len(piece)))
	if f.slice <= 0 {
		_, err := l.client.Write(piece)
		return err == nil
	}
	for len(piece) > 0 {
		n := min(f.slice, len(piece))
		if _, err := l.client.Write(piece[:n]); err != nil {
			return false
		}
		piece = piece[n:]
		time.Sleep(f.pause)
	}
	return true
}
