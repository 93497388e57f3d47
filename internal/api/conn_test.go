package api_test

import (
	"net"
	"sync"
	"time"
)

// counter keeps what is known of the server's connections.
type counter struct {
	mu        sync.Mutex
	deadlines map[*watchedConn]time.Time // last write deadline of each open connection
}

func (c *counter) set(w *watchedConn, t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deadlines == nil {
		c.deadlines = map[*watchedConn]time.Time{}
	}
	c.deadlines[w] = t
}

func (c *counter) closed(w *watchedConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.deadlines, w)
}

// pending counts open connections with a write deadline.
func (c *counter) pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, t := range c.deadlines {
		if !t.IsZero() {
			n++
		}
	}
	return n
}

type watchedListener struct {
	net.Listener
	c *counter
}

func (l *watchedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	w := &watchedConn{conn, l.c}
	l.c.set(w, time.Time{})
	return w, nil
}

type watchedConn struct {
	net.Conn
	c *counter
}

func (w *watchedConn) SetWriteDeadline(t time.Time) error {
	w.c.set(w, t)
	return w.Conn.SetWriteDeadline(t)
}

func (w *watchedConn) Close() error {
	w.c.closed(w)
	return w.Conn.Close()
}
