package state_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"resync/internal/state"
	"resync/internal/state/statetest"
)

// fill has several calls run at once, so that the pool holds as many connections:
// more than the three it looks at before it makes a new one.
func fill(ctx context.Context, st *state.State) error {
	errs := make([]error, 12)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = st.Check(ctx) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return fmt.Errorf("filling the pool: %w", err)
		}
	}
	return nil
}

// use makes every call that may run twice, more often than there are connections.
func use(ctx context.Context, st *state.State) error {
	quota := state.Quota{Key: "use", Limit: state.Limit{Rate: 100000, Per: time.Hour}, N: 1}
	for i := range 20 {
		if _, _, err := st.Get(ctx, "nothing"); err != nil {
			return fmt.Errorf("get %d: %w", i, err)
		}
		if err := st.Set(ctx, "k", []byte("v"), time.Minute); err != nil {
			return fmt.Errorf("set %d: %w", i, err)
		}
		if _, err := st.Allow(ctx, quota); err != nil {
			return fmt.Errorf("limit %d: %w", i, err)
		}
	}
	return nil
}

// rounds drops connections three times and expects that nobody notices. A machine so
// busy that Redis does not answer in time proves nothing: then all begins anew.
func rounds(t *testing.T, settings state.Settings, drop func(*state.State)) {
	t.Helper()
	var err error
	for range 10 {
		st := open(t, settings)
		for range 3 {
			if err = fill(t.Context(), st); err != nil {
				break
			}
			drop(st)
			if err = use(t.Context(), st); err != nil {
				break
			}
		}
		if got := st.Status(); err == nil && got.Outages != 0 {
			t.Errorf("it was taken for an outage: %+v", got)
		}
		if err == nil || !strings.Contains(err.Error(), "in time") {
			break
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// TestDroppedConnectionsCostNothing: a Redis that ends all connections and is there.
func TestDroppedConnectionsCostNothing(t *testing.T) {
	s := statetest.StartTLS(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	for name, address := range map[string]string{"plain": s.Server.URL(), "TLS": s.URL()} {
		t.Run(name, func(t *testing.T) {
			rounds(t, state.Settings{URL: address, FailFast: true, CheckEvery: time.Hour}, func(*state.State) {
				if got := s.Say("CLIENT KILL TYPE normal"); !strings.HasPrefix(got, ":") {
					t.Fatalf("CLIENT KILL: %q", got)
				}
			})
		})
	}
}

// forgetful passes connections on until it forgets them: one from before is reset
// when the next byte of the client arrives, as by a machine that has taken over an
// address. Nothing shows that beforehand.
type forgetful struct {
	ln  net.Listener
	now atomic.Int64
	wg  sync.WaitGroup
}

func newForgetful(t *testing.T, upstream string) *forgetful {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	f := &forgetful{ln: ln}
	f.wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			f.wg.Go(func() { f.pass(c.(*net.TCPConn), upstream) })
		}
	})
	t.Cleanup(func() { _ = ln.Close(); f.wg.Wait() })
	return f
}

func (f *forgetful) pass(c *net.TCPConn, upstream string) {
	defer c.Close()
	born := f.now.Load()
	up, err := net.Dial("tcp", upstream)
	if err != nil {
		return
	}
	defer up.Close()
	f.wg.Go(func() { _, _ = io.Copy(c, up) }) // it ends with the connection
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		if f.now.Load() != born {
			_ = c.SetLinger(0) // so that the close is a reset
			return
		}
		if _, err := up.Write(buf[:n]); err != nil {
			return
		}
	}
}

// TestForgottenConnectionsAreAskedAgain: connections whose end cannot be seen.
func TestForgottenConnectionsAreAskedAgain(t *testing.T) {
	r := statetest.Start(t)
	f := newForgetful(t, r.Addr)
	settings := state.Settings{URL: "redis://" + f.ln.Addr().String(), FailFast: true, CheckEvery: time.Hour}
	rounds(t, settings, func(st *state.State) {
		f.now.Add(1)
		st.Touch() // the monitor's connection is forgotten as well
	})
}

// TestClientCertificate: a Redis that asks for a certificate of the client.
func TestClientCertificate(t *testing.T) {
	s := statetest.StartTLS(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour), "--tls-auth-clients", "yes")
	eventually(t, "the reason", func() bool { // a busy machine may be too late for it
		_, err := state.Open(t.Context(), state.Settings{URL: s.URL(), FailFast: true, Backoff: time.Millisecond})
		if !errors.Is(err, state.ErrUnavailable) {
			t.Fatalf("without a certificate: %v", err)
		}
		said := strings.Contains(err.Error(), "?cert_file=PATH&key_file=PATH")
		if !said && !strings.Contains(err.Error(), "in time") {
			t.Fatalf("without a certificate: %v", err)
		}
		return said
	})
	st := open(t, state.Settings{URL: s.URL() + "&cert_file=" + url.QueryEscape(s.CAFile) + "&key_file=" + url.QueryEscape(s.KeyFile), FailFast: true})
	testCache(t, st)
}
