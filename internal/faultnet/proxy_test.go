package faultnet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const long = 64 << 10

// server answers a long text and counts what reaches it.
func server(t *testing.T) (addr string, hits *atomic.Int64) {
	t.Helper()
	hits = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, strings.Repeat("x", long))
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String(), hits
}

func get(t *testing.T, c *http.Client, addr string, patience time.Duration) (string, int, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), resp.StatusCode, err
}

// Every fault must be what its name says, on a fresh connection and on one that
// is open already, and must end with Pass.
func TestFaultsAreWhatTheySay(t *testing.T) {
	is := func(want error) func(string, int, error) bool {
		return func(_ string, _ int, err error) bool { return errors.Is(err, want) }
	}
	for _, tt := range []struct {
		f       Fault
		ok      func(body string, status int, err error) bool
		reaches bool // the server sees the request
	}{
		{Pass(), func(b string, _ int, err error) bool { return len(b) == long && err == nil }, true},
		{Refuse(), is(syscall.ECONNREFUSED), false},
		{Blackhole(), is(context.DeadlineExceeded), false},
		{Reset(), is(syscall.ECONNRESET), false},
		{Delay(10 * time.Millisecond), func(b string, _ int, err error) bool { return len(b) == long && err == nil }, true},
		{Delay(time.Minute), is(context.DeadlineExceeded), false},
		{Cut(1000), is(io.ErrUnexpectedEOF), true},
		{CutReset(1000), func(_ string, _ int, err error) bool {
			return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.ErrUnexpectedEOF)
		}, true},
		{Slice(4096, time.Microsecond), func(b string, _ int, err error) bool { return len(b) == long && err == nil }, true},
		{HTTP(429, "slow down", "Retry-After: 7"), func(b string, s int, err error) bool { return b == "slow down" && s == 429 && err == nil }, false},
		{Answer("garbage", []byte("\x00\x01\x02 nonsense\r\n\r\n")), func(_ string, _ int, err error) bool {
			return err != nil && !errors.Is(err, context.DeadlineExceeded)
		}, false},
	} {
		for _, kept := range []bool{false, true} {
			t.Run(tt.f.String()+map[bool]string{false: ", new connection", true: ", open connection"}[kept], func(t *testing.T) {
				t.Parallel()
				addr, hits := server(t)
				p := New(t, addr)
				c := &http.Client{Transport: &http.Transport{DisableKeepAlives: !kept}}
				defer c.CloseIdleConnections()
				if _, _, err := get(t, c, p.Addr(), 5*time.Second); err != nil {
					t.Fatalf("before the fault: %v", err)
				}
				p.Set(tt.f)
				before := hits.Load()
				patience := 5 * time.Second
				if tt.f.silent || tt.f.delay > time.Second {
					patience = 100 * time.Millisecond
				}
				body, status, err := get(t, c, p.Addr(), patience)
				if !tt.ok(body, status, err) {
					t.Errorf("%d bytes, status %d, %v", len(body), status, err)
				}
				if got := hits.Load() > before; got != tt.reaches {
					t.Errorf("the server saw the request: %v, want %v", got, tt.reaches)
				}
				p.Set(Pass())
				var again error
				for range 3 { // a kept connection may notice its end only now
					if _, _, again = get(t, c, p.Addr(), 5*time.Second); again == nil {
						break
					}
				}
				if again != nil {
					t.Errorf("after the fault: %v", again)
				}
			})
		}
	}
}

func TestCounters(t *testing.T) {
	addr, _ := server(t)
	p := New(t, addr)
	c := &http.Client{Transport: &http.Transport{}}
	defer c.CloseIdleConnections()
	for range 5 {
		if _, _, err := get(t, c, p.Addr(), 5*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if p.Requests() != 5 || p.Connections() < 1 || p.Connections() > 5 {
		t.Errorf("%d requests over %d connections, want 5", p.Requests(), p.Connections())
	}
}

func TestExpiredCertificate(t *testing.T) {
	cert, pool := Certificate(t, time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour))
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	s.Config.ErrorLog = nil
	s.StartTLS()
	defer s.Close()
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	_, err := c.Get(s.URL)
	var invalid x509.CertificateInvalidError
	if !errors.As(err, &invalid) || invalid.Reason != x509.Expired {
		t.Errorf("%v, want an expired certificate", err)
	}
}

func TestNoSuchHost(t *testing.T) {
	_, err := NoSuchHost(t.Context(), "tcp", "engine.invalid:31116")
	var dns *net.DNSError
	if !errors.As(err, &dns) || dns.Name != "engine.invalid" || !dns.IsNotFound {
		t.Errorf("%v, want a DNS error that names the host", err)
	}
}
