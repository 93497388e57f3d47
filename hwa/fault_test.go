package hwa

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// serve starts a server with one handler and a client of it.
func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return newClient(t, Config{BaseURLs: []string{srv.URL}})
}

func asError(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%v (%T) is no *Error", err, err)
	}
	return e
}

// TestAnswersBecomeErrors goes through what engines and proxies are known to answer, once to a read and once to a write.
func TestAnswersBecomeErrors(t *testing.T) {
	const html = "text/html; charset=UTF-8"
	tests := []struct {
		name        string
		status      int
		ctype, body string
		location    string
		want        Error // of a read
		acted       bool  // MayHaveActed of a write
		says        string
	}{
		{name: "wrong credentials", status: 401, body: `{"messages":["AWSJCO005E WebSphere Java Exception"]}`,
			want: Error{Kind: KindAuth, Codes: []string{"AWSJCO005E"}}, says: "does not accept the user and password"},
		{name: "not allowed", status: 403, body: `AWSJCO084E The user "bob" is not authorized`, want: Error{Kind: KindForbidden, Codes: []string{"AWSJCO084E"}}, says: "not allowed"},
		{name: "unknown job", status: 404, body: `{}`, want: Error{Kind: KindNotFound}, says: "no such object"},
		{name: "already there", status: 409, body: `already present in the destination job stream`, want: Error{Kind: KindConflict}, says: "already present"},
		{name: "bad filter", status: 400, body: `{"message":"OQL_FILTER_SYNTAX_ERROR near 'x'"}`, want: Error{Kind: KindBadRequest}, says: "OQL_FILTER_SYNTAX_ERROR"},
		{name: "bad filter as 500", status: 500, body: `{"message":"OQL_FILTER_SYNTAX_ERROR near 'x'"}`, want: Error{Kind: KindBadRequest}, says: "filter"},
		{name: "wrong method", status: 405, want: Error{Kind: KindBadRequest}, says: "does not accept the request"},
		{name: "no content type", status: 415, want: Error{Kind: KindBadRequest}},
		{name: "business refusal", status: 500, body: `{"messages":["AWSJSY404E An error occurred: AWSBIN076E The operation cannot be performed. The job J1 is in an incorrect state."]}`,
			want: Error{Kind: KindBusiness, Codes: []string{"AWSJSY404E", "AWSBIN076E"}}, says: "incorrect state"},
		{name: "business refusal in HTML", status: 500, ctype: html, body: `<html><head><title>Error 500</title></head><body><h2>AWSBIO006E Field &quot;SCHED-NAME&quot; has a null value</h2></body></html>`,
			want: Error{Kind: KindBusiness, Codes: []string{"AWSBIO006E"}}, says: `Field "SCHED-NAME" has a null value`},
		{name: "unknown definition", status: 500, body: `AWSJDB101E The object cannot be found`, want: Error{Kind: KindBusiness, Codes: []string{"AWSJDB101E"}}},
		{name: "database log full is no refusal", status: 500, body: `AWSJDB801E internal error`, want: Error{Kind: KindOutage, Codes: []string{"AWSJDB801E"}}, acted: true},
		{name: "crash", status: 500, ctype: html, body: `<html><body>NullPointerException</body></html>`, want: Error{Kind: KindOutage}, acted: true, says: "HTTP 500"},
		{name: "bad gateway", status: 502, want: Error{Kind: KindOutage, Retryable: true}, acted: true},
		{name: "unavailable", status: 503, want: Error{Kind: KindOutage, Retryable: true}, acted: true},
		{name: "gateway timeout", status: 504, want: Error{Kind: KindOutage, Retryable: true}, acted: true},
		{name: "not implemented", status: 501, want: Error{Kind: KindNotSupported}},
		{name: "redirect to single sign-on", status: 302, location: "https://sso.example.com/login?x=1", want: Error{Kind: KindAuth}, says: "sso.example.com"},
		{name: "login page in a 200", status: 200, ctype: html, body: `<!DOCTYPE html><html><title>Sign in</title><form action="j_security_check">`, want: Error{Kind: KindAuth}, acted: true, says: "login page"},
		{name: "page in a 200", status: 200, ctype: html, body: `<html><body>It works!</body></html>`, want: Error{Kind: KindProtocol}, acted: true, says: "web page"},
		{name: "page without its type", status: 200, ctype: "application/json", body: `<!doctype html><p>It works!`, want: Error{Kind: KindProtocol}, acted: true, says: "web page"},
		{name: "not JSON", status: 200, body: `OK`, want: Error{Kind: KindProtocol}, acted: true, says: "not what the API promises"},
		{name: "wrong JSON", status: 200, body: `{"id":{"a":1}}`, want: Error{Kind: KindProtocol}, acted: true},
		{name: "half the JSON", status: 200, body: `{"id":"a`, want: Error{Kind: KindProtocol, Retryable: true}, acted: true, says: "ends in the middle"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var hits atomic.Int32
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				hits.Add(1)
				if tt.ctype != "" {
					w.Header().Set("Content-Type", tt.ctype)
				}
				if tt.location != "" {
					w.Header().Set("Location", tt.location)
				}
				w.WriteHeader(tt.status)
				fmt.Fprint(w, tt.body)
			})
			tt.want.HTTPStatus = tt.status
			checkAnswer(t, c, &hits, tt.want, tt.acted, tt.says)
		})
	}
}

// checkAnswer reads and writes once and compares the errors; want is that of the read.
func checkAnswer(t *testing.T, c *Client, hits *atomic.Int32, want Error, acted bool, says string) {
	t.Helper()
	_, err := c.Job(t.Context(), anID)
	got := asError(t, err)
	ignore := cmpopts.IgnoreFields(Error{}, "Op", "URL", "Message", "ServerText", "Err")
	if diff := cmp.Diff(want, *got, ignore, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	if !strings.Contains(got.Error(), says) || !strings.HasPrefix(got.Error(), "read job "+anID+": ") {
		t.Errorf("message %q does not say %q", got.Error(), says)
	}
	reads := hits.Swap(0)
	if sent := map[bool]int32{true: 3, false: 1}[want.Retryable]; reads != sent {
		t.Errorf("the read was sent %d times, want %d", reads, sent)
	}
	_, err = c.HoldJob(t.Context(), anID, why)
	got = asError(t, err)
	want.Retryable, want.MayHaveActed = false, acted
	if diff := cmp.Diff(want, *got, ignore, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("write (-want +got):\n%s", diff)
	}
	if hits.Load() != 1 {
		t.Errorf("the write was sent %d times", hits.Load())
	}
	if strings.Contains(got.Error(), "already have acted") != acted {
		t.Errorf("message %q", got.Error())
	}
}

// TestDefect16 covers defect 16 of the predecessor: settings that do not exist, no TLS, retries of what cannot be retried, refusals
// that open the circuit breaker, authentication failures reported as connection errors.
func TestDefect16(t *testing.T) {
	t.Run("a refusal does not count as an outage", func(t *testing.T) {
		for _, status := range []int{400, 401, 403, 404, 409, 500} {
			e := classifyStatus(status, http.Header{}, []byte("AWSJSY404E AWSBIN076E"), true)
			if e.CountsAsOutage() {
				t.Errorf("HTTP %d counts as an outage", status)
			}
		}
		for _, status := range []int{502, 503, 504} {
			if e := classifyStatus(status, http.Header{}, nil, false); !e.CountsAsOutage() {
				t.Errorf("HTTP %d does not count as an outage", status)
			}
		}
	})
	t.Run("an authentication failure stays one", func(t *testing.T) {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(401) })
		_, err := c.EngineInfo(t.Context())
		if KindOf(err) != KindAuth {
			t.Errorf("kind %q", KindOf(err))
		}
	})
	t.Run("the login is sent", func(t *testing.T) {
		var got []string
		h := func(w http.ResponseWriter, r *http.Request) {
			got = append(got, r.Header.Get("Authorization"))
			fmt.Fprint(w, `{"displayVersion":"10.2.8"}`)
		}
		srv := httptest.NewServer(http.HandlerFunc(h))
		defer srv.Close()
		for _, cfg := range []Config{{Username: "u", Password: "pass"}, {Username: "u", Password: "pass", Token: "a.b.c"}} {
			cfg.BaseURLs = []string{srv.URL}
			if _, err := newClient(t, cfg).EngineInfo(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]string{"Basic dTpwYXNz", "Bearer a.b.c"}, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("an unusable configuration is refused at the start", func(t *testing.T) {
		for _, cfg := range []Config{
			{}, {BaseURLs: []string{"https://m:31116"}}, {BaseURLs: []string{"https://m:31116"}, Username: "u"},
			{BaseURLs: []string{"https://u:p@m:31116"}, Token: "t"}, {BaseURLs: []string{"m:31116"}, Token: "t"},
			{BaseURLs: []string{"http://m:31116"}, Token: "t"}, {BaseURLs: []string{"https://m/?a=b"}, Token: "t"},
			{BaseURLs: []string{"https://m"}, Token: "t", InsecureHosts: []string{"*"}}, {BaseURLs: []string{"https://m"}, Token: "t", PageSize: 20000},
			{BaseURLs: []string{"https://m"}, Token: "t", CAFile: "/does/not/exist"}, {BaseURLs: []string{"https://m"}, Token: "t\r\nX: y"},
		} {
			if _, err := New(cfg); err == nil {
				t.Errorf("%v was accepted", cfg)
			}
		}
	})
}

// TestUnreachable covers a port where nothing listens.
func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	c := newClient(t, Config{BaseURLs: []string{"http://" + addr}})
	_, err = c.Job(t.Context(), anID)
	e := asError(t, err)
	if e.Kind != KindUnreachable || !e.Retryable || !strings.Contains(e.Message, "refused") {
		t.Errorf("read: %+v", e)
	}
	_, err = c.HoldJob(t.Context(), anID, why)
	if e = asError(t, err); e.Kind != KindUnreachable || e.MayHaveActed || e.Retryable {
		t.Errorf("a write that never left is reported as possibly done: %+v", e)
	}
}

// certificate makes a self-signed certificate for 127.0.0.1.
func certificate(t *testing.T, from, to time.Time) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "engine"}, NotBefore: from, NotAfter: to,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

func TestTLS(t *testing.T) {
	now := time.Now()
	tests := []struct {
		name     string
		from, to time.Time
		trust    bool
		insecure bool
		says     string // "" for success
	}{
		{"trusted through the CA file", now.Add(-time.Hour), now.Add(time.Hour), true, false, ""},
		{"expired", now.Add(-48 * time.Hour), now.Add(-24 * time.Hour), true, false, "expired on " + now.Add(-24*time.Hour).UTC().Format(time.RFC3339)},
		{"not yet valid", now.Add(24 * time.Hour), now.Add(48 * time.Hour), true, false, "not valid before"},
		{"unknown authority", now.Add(-time.Hour), now.Add(time.Hour), false, false, "authority this machine does not know"},
		{"insecure by name", now.Add(-48 * time.Hour), now.Add(-24 * time.Hour), false, true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cert, ca := certificate(t, tt.from, tt.to)
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"id":"x"}`) }))
			srv.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
			srv.Config.ErrorLog = quiet()
			srv.StartTLS()
			defer srv.Close()
			cfg := Config{BaseURLs: []string{srv.URL}}
			if tt.trust {
				cfg.CAFile = ca
			}
			if tt.insecure {
				cfg.InsecureHosts = []string{"127.0.0.1"}
			}
			_, err := newClient(t, cfg).HoldJob(t.Context(), anID, Justification{})
			if tt.says == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			e := asError(t, err)
			if e.Kind != KindTLS || e.MayHaveActed || !strings.Contains(e.Message, tt.says) {
				t.Errorf("%+v does not say %q", e, tt.says)
			}
		})
	}
	t.Run("plain server behind https", func(t *testing.T) {
		srv := httptest.NewServer(http.NotFoundHandler())
		defer srv.Close()
		_, err := newClient(t, Config{BaseURLs: []string{strings.Replace(srv.URL, "http:", "https:", 1)}}).EngineInfo(t.Context())
		if e := asError(t, err); e.Kind != KindTLS || !strings.Contains(e.Message, "http instead of https") {
			t.Errorf("%+v", e)
		}
	})
}

// TestBrokenConnections covers connections that end at every stage of an answer.
func TestBrokenConnections(t *testing.T) {
	hijack := func(w http.ResponseWriter, raw string, reset bool) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		io.WriteString(conn, raw)
		if tcp, ok := conn.(*net.TCPConn); ok && reset {
			tcp.SetLinger(0)
		}
		conn.Close()
	}
	for name, raw := range map[string]string{
		"closed before the answer": "",
		"cut in the body":          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"id\":\"a\"",
		"cut in a chunk":           "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{\"id\":",
	} {
		for _, reset := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, reset %v", name, reset), func(t *testing.T) {
				var hits atomic.Int32
				c := serve(t, func(w http.ResponseWriter, r *http.Request) {
					hits.Add(1)
					io.Copy(io.Discard, r.Body)
					hijack(w, raw, reset)
				})
				_, err := c.HoldJob(t.Context(), anID, why)
				e := asError(t, err)
				if !e.MayHaveActed || e.Retryable || e.Kind != KindUnreachable {
					t.Errorf("write: %+v", e)
				}
				if hits.Load() != 1 {
					t.Errorf("the write was sent %d times", hits.Load())
				}
				hits.Store(0)
				_, err = c.Job(t.Context(), anID)
				if e := asError(t, err); e.Kind != KindUnreachable || !e.Retryable || hits.Load() < 3 {
					t.Errorf("read, sent %d times: %+v", hits.Load(), e)
				}
			})
		}
	}
}

// TestSlowServer covers the three ways an answer can be late.
func TestSlowServer(t *testing.T) {
	release := make(chan struct{})
	h := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("drip") == "" && !strings.Contains(r.URL.Path, "jobstream") {
			<-release
			return
		}
		for {
			if _, err := io.WriteString(w, " "); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			select {
			case <-release:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	srv := httptest.NewServer(http.HandlerFunc(h))
	defer srv.Close()
	defer close(release)
	c := newClient(t, Config{BaseURLs: []string{srv.URL}, Timeout: 60 * time.Millisecond, Attempts: 2})

	_, err := c.Job(t.Context(), anID)
	if e := asError(t, err); e.Kind != KindTimeout || !e.Retryable || !e.CountsAsOutage() {
		t.Errorf("no answer: %+v", e)
	}
	_, err = c.JobStream(t.Context(), anID)
	if e := asError(t, err); e.Kind != KindTimeout || !e.Retryable {
		t.Errorf("an answer that drips: %+v", e)
	}
	_, err = c.KillJob(t.Context(), anID, why)
	if e := asError(t, err); e.Kind != KindTimeout || !e.MayHaveActed || e.Retryable {
		t.Errorf("write: %+v", e)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = c.Job(ctx, anID)
	if e := asError(t, err); e.Kind != KindTimeout || e.Retryable || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deadline of the caller: %+v", e)
	}
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	_, err = c.KillJob(ctx, anID, why)
	if e := asError(t, err); e.Kind != KindCanceled || !errors.Is(err, context.Canceled) || !e.MayHaveActed {
		t.Errorf("cancelled by the caller: %+v", e)
	}
}

// TestFailover covers a list of addresses: reads go to the next that answers, a write only when it could not be sent at all.
func TestFailover(t *testing.T) {
	var standbyHits, masterHits atomic.Int32
	standby := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		standbyHits.Add(1)
		w.WriteHeader(503)
	}))
	defer standby.Close()
	master := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		masterHits.Add(1)
		fmt.Fprint(w, `{"id":"x"}`)
	}))
	defer master.Close()
	gone := httptest.NewServer(nil)
	gone.Close()

	t.Run("a read finds the host that answers, and stays with it", func(t *testing.T) {
		standbyHits.Store(0)
		c := newClient(t, Config{BaseURLs: []string{gone.URL, standby.URL, master.URL}})
		for range 2 {
			if _, err := c.Job(t.Context(), anID); err != nil {
				t.Fatal(err)
			}
		}
		if standbyHits.Load() != 1 || !strings.HasPrefix(c.BaseURL(), master.URL) {
			t.Errorf("asked the standby %d times, now at %s", standbyHits.Load(), c.BaseURL())
		}
	})
	t.Run("a write that was sent stays on its host", func(t *testing.T) {
		masterHits.Store(0)
		c := newClient(t, Config{BaseURLs: []string{standby.URL, master.URL}})
		_, err := c.HoldJob(t.Context(), anID, why)
		if e := asError(t, err); e.Kind != KindOutage || masterHits.Load() != 0 {
			t.Errorf("%v, master asked %d times", err, masterHits.Load())
		}
	})
	t.Run("a write that could not be sent moves on", func(t *testing.T) {
		masterHits.Store(0)
		c := newClient(t, Config{BaseURLs: []string{gone.URL, master.URL}})
		if _, err := c.HoldJob(t.Context(), anID, why); err != nil || masterHits.Load() != 1 {
			t.Errorf("%v, master asked %d times", err, masterHits.Load())
		}
	})
}
