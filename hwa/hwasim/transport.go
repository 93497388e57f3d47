package hwasim

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// transport holds the faults of the connection itself; they act before the API.
type transport struct {
	mu     sync.Mutex
	mode   string
	left   int // requests still affected; negative means all
	delay  time.Duration
	status int
}

// Transport sets how the next n requests are disturbed (n < 0: all of them until
// the next call). Modes: none, latency, http-5xx, reset, reset-after (the write
// is applied, the answer is lost), cut (half an answer), login-page (HTML in a
// 200), slow (a byte at a time), refuse.
func (s *Sim) Transport(mode string, n int, delay time.Duration, status int) error {
	switch mode {
	case "none", "latency", "http-5xx", "reset", "reset-after", "cut", "login-page", "slow", "refuse":
	default:
		return fmt.Errorf("hwasim: transport fault %q is unknown", mode)
	}
	if status == 0 {
		status = http.StatusServiceUnavailable
	}
	if delay == 0 {
		delay = 2 * time.Second
	}
	s.netw.mu.Lock()
	defer s.netw.mu.Unlock()
	s.netw.mode, s.netw.left, s.netw.delay, s.netw.status = mode, n, delay, status
	return nil
}

// next takes one disturbance, if any is due.
func (t *transport) next() (mode string, delay time.Duration, status int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.left == 0 || t.mode == "" {
		return "none", 0, 0
	}
	if t.left > 0 {
		t.left--
	}
	return t.mode, t.delay, t.status
}

// disturb plays a transport fault. True means the request is finished.
func (s *Sim) disturb(w http.ResponseWriter, r *http.Request) bool {
	mode, delay, status := s.netw.next()
	switch mode {
	case "latency":
		return !sleep(r.Context(), delay)
	case "http-5xx":
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<html><body><h1>%d %s</h1>The proxy got no answer.</body></html>", status, http.StatusText(status))
	case "refuse", "reset":
		hangUp(w)
	case "reset-after":
		s.serveAPI(discard{http.Header{}}, r)
		hangUp(w)
	case "cut":
		s.serveHalf(w, r)
	case "login-page":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<html><head><title>Login</title></head><body><form action=\"/j_security_check\">User name</form></body></html>")
	case "slow":
		s.serveSlow(w, r, delay)
	default:
		return false
	}
	return true
}

// hangUp closes the connection without an answer; a TCP peer sees a reset.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // the server's own way to drop a connection
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0) //nolint:errcheck // best effort: without it the peer sees EOF
	}
	conn.Close()
}

type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// capture keeps an answer.
type capture struct {
	h      http.Header
	status int
	body   strings.Builder
}

func (c *capture) Header() http.Header         { return c.h }
func (c *capture) Write(b []byte) (int, error) { return c.body.Write(b) }
func (c *capture) WriteHeader(status int)      { c.status = status }

func (s *Sim) captured(r *http.Request) *capture {
	c := &capture{h: http.Header{}, status: http.StatusOK}
	s.serveAPI(c, r)
	return c
}

// serveHalf announces the whole answer and sends half of it.
func (s *Sim) serveHalf(w http.ResponseWriter, r *http.Request) {
	c := s.captured(r)
	text := c.body.String()
	w.Header().Set("Content-Type", c.h.Get("Content-Type"))
	w.Header().Set("Content-Length", itoa(len(text)))
	w.WriteHeader(c.status)
	fmt.Fprint(w, text[:len(text)/2])
}

// serveSlow drips the answer out over the delay.
func (s *Sim) serveSlow(w http.ResponseWriter, r *http.Request, over time.Duration) {
	c := s.captured(r)
	text := c.body.String()
	w.Header().Set("Content-Type", c.h.Get("Content-Type"))
	w.WriteHeader(c.status)
	const pieces = 20
	for i := range pieces {
		fmt.Fprint(w, text[len(text)*i/pieces:len(text)*(i+1)/pieces])
		http.NewResponseController(w).Flush() //nolint:errcheck // best effort
		if !sleep(r.Context(), over/pieces) {
			return
		}
	}
}
