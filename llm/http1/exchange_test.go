package http1

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// small dials connections that take little at a time.
func small(o *Options) {
	dial := o.Dial
	o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		nc, err := dial(ctx, network, address)
		if tcp, ok := nc.(*net.TCPConn); ok {
			err = tcp.SetWriteBuffer(4 << 10)
		}
		return nc, err
	}
}

// TestARequestThatDoesNotFit: a request that is larger than what a connection takes at
// once arrives whole, also when its reader is slow, and again on the same connection.
func TestARequestThatDoesNotFit(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(20 * time.Millisecond)
		echo(w, r)
	})
	r := newRig(t, small)
	for i := range 3 {
		body := strings.Repeat(string(rune('a'+i)), 200<<10)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := r.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		if err != nil || string(got) != body {
			t.Fatalf("%d bytes came back, %v", len(got), err)
		}
	}
	if n := r.dials.Load(); n > 1 {
		t.Errorf("%d connections", n)
	}
}

// TestTheServerLeavesBeforeTheRequest: the answer that is missing is an error at once, and
// the end of the caller is one while a part of the request does not fit.
func TestTheServerLeavesBeforeTheRequest(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	held := make(chan net.Conn, 2)
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				close(held)
				return
			}
			held <- nc
		}
	}()
	ask := func(ctx context.Context, r *rig) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+ln.Addr().String(), strings.NewReader(strings.Repeat("x", 200<<10)))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := r.RoundTrip(req)
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	r := newRig(t, small)
	failed := make(chan error, 1)
	go func() { failed <- ask(t.Context(), r) }()
	(<-held).Close()
	if err := <-failed; err == nil {
		t.Error("an answer from nobody")
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { failed <- ask(ctx, r) }()
	nc := <-held
	time.Sleep(10 * time.Millisecond) // the request is stuck now, nobody reads
	cancel()
	if err := <-failed; err != context.Canceled {
		t.Errorf("%v, want that of the caller", err)
	}
	nc.Close()
}
