package notify

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"resync/breaker"
	"resync/internal/store"
)

// trip answers attempts in place of a network.
type trip struct {
	n      atomic.Int64
	answer func(*http.Request) (*http.Response, error)
}

func (d *trip) RoundTrip(r *http.Request) (*http.Response, error) {
	d.n.Add(1)
	return d.answer(r)
}

// R9, in virtual time: a receiver that is down for a minute while two messages a
// second are for it. At most 1.1 attempts reach it for each message.
func TestOutageOfAMinute(t *testing.T) {
	respond := func(status int) func(*http.Request) (*http.Response, error) {
		return func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
		}
	}
	for name, down := range map[string]func(*http.Request) (*http.Response, error){
		"refused": func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
		},
		"silent": func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() },
		"503":    respond(http.StatusServiceUnavailable),
	} {
		t.Run(name, func(t *testing.T) {
			db := openDB(t, "")
			synctest.Test(t, func(t *testing.T) { outageOfAMinute(t, down, db) })
		})
	}
}

func outageOfAMinute(t *testing.T, down func(*http.Request) (*http.Response, error), db *store.Store) {
	receiver := &trip{answer: down}
	b := breaker.New(breaker.Settings{Name: "webhook:oncall", Failures: 5, Delay: 2 * time.Minute})
	p := newPost(t, db, Options{Attempts: 10, Targets: []Target{{Name: "oncall", URL: "http://127.0.0.1:1/in", Format: Standard, Secret: testSecret, Timeout: 5 * time.Second, Breaker: b,
		Client: &http.Client{Transport: breaker.Transport(b, receiver, nil)}}}, poll: time.Second})
	const messages = 120
	for i := range messages {
		must(t, p.box.Tell(context.Background(), event(strconv.Itoa(i), JobAbend, "abend "+strconv.Itoa(i))))
		time.Sleep(500 * time.Millisecond)
	}
	if n := receiver.n.Load(); float64(n) > 1.1*messages || n == 0 {
		t.Errorf("%d attempts for %d messages", n, messages)
	} else {
		t.Logf("%d attempts for %d messages", n, messages)
	}
	p.end()
}
