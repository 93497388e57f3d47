package hwa_test

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"resync/breaker"
	"resync/hwa"
	"resync/hwa/hwasim"
	"resync/internal/faultnet"
)

// cell is what one fault of the network must look like to a caller, for a read
// and for a write.
type cell struct {
	fault    faultnet.Fault
	deadline time.Duration   // of the caller; 2 s when 0
	kind     hwa.Kind        // of the error; "" = the call succeeds
	write    hwa.Kind        // of a write's error where it differs
	acted    bool            // the engine may have carried out the write
	counts   breaker.Outcome // what the breaker learns
}

// cells is the engine's row of the fault matrix (reliability-security.md §5). A
// deadline of 1.2 s is longer than what the breaker takes for impatience. The
// write is a hold of a job that has ended: where it arrives, the engine refuses.
func cells() []cell {
	const soon = 1200 * time.Millisecond
	fail, ok, nothing := breaker.Failure, breaker.Success, breaker.Ignored
	return []cell{
		{fault: faultnet.Pass(), write: hwa.KindBusiness, counts: ok},
		{fault: faultnet.Refuse(), kind: hwa.KindUnreachable, counts: fail},
		{fault: faultnet.Blackhole(), deadline: soon, kind: hwa.KindTimeout, acted: true, counts: fail},
		{fault: faultnet.Blackhole(), deadline: 100 * time.Millisecond, kind: hwa.KindTimeout, acted: true, counts: nothing},
		{fault: faultnet.Reset(), kind: hwa.KindUnreachable, acted: true, counts: fail},
		{fault: faultnet.Delay(200 * time.Millisecond), write: hwa.KindBusiness, counts: ok},
		{fault: faultnet.Delay(2 * time.Second), deadline: soon, kind: hwa.KindTimeout, acted: true, counts: fail},
		{fault: faultnet.Delay(35 * time.Second), deadline: soon, kind: hwa.KindTimeout, acted: true, counts: fail},
		{fault: faultnet.Cut(20), kind: hwa.KindUnreachable, acted: true, counts: fail},
		{fault: faultnet.CutReset(20), kind: hwa.KindUnreachable, acted: true, counts: fail},
		{fault: faultnet.Slice(64, 100*time.Microsecond), write: hwa.KindBusiness, counts: ok},
		{fault: faultnet.HTTP(500, "NullPointerException"), kind: hwa.KindOutage, acted: true, counts: nothing},
		{fault: faultnet.HTTP(502, ""), kind: hwa.KindOutage, acted: true, counts: fail},
		{fault: faultnet.HTTP(503, "", "Retry-After: 7"), kind: hwa.KindOutage, acted: true, counts: fail},
		{fault: faultnet.HTTP(504, ""), kind: hwa.KindOutage, acted: true, counts: fail},
		{fault: faultnet.HTTP(429, "", "Retry-After: 7"), kind: hwa.KindOutage, counts: nothing},
		{fault: faultnet.HTTP(401, "AWSJCO005E"), kind: hwa.KindAuth, counts: ok},
		{fault: faultnet.HTTP(200, "\x00\xff{not json", "Content-Type: application/json"), kind: hwa.KindProtocol, acted: true, counts: nothing},
		{fault: faultnet.HTTP(200, "<html>maintenance", "Content-Type: text/html"), kind: hwa.KindProtocol, acted: true, counts: nothing},
		{fault: faultnet.Answer("not http", []byte("220 smtp ready\r\n")), kind: hwa.KindUnreachable, acted: true, counts: fail},
	}
}

// TestFaultMatrixEngine goes through every fault: the error's kind, whether a
// write may have acted, what the breaker learns, and that no call outlives its
// deadline. 100 ms is the promise; a busy test machine is given a second.
func TestFaultMatrixEngine(t *testing.T) {
	sim, err := hwasim.New(hwasim.Config{Jobs: 400, Workstations: 40, Speed: -1})
	if err != nil {
		t.Fatal(err)
	}
	engine := httptest.NewServer(sim)
	t.Cleanup(engine.Close)
	job := anyJob(t, sim, engine.URL)
	for _, c := range cells() {
		for _, write := range []bool{false, true} {
			name := map[bool]string{false: "read", true: "write"}[write]
			t.Run(strings.ReplaceAll(c.fault.String(), " ", "_")+"/"+name+"/"+c.deadline.String(), func(t *testing.T) {
				t.Parallel()
				proxy := faultnet.New(t, engine.Listener.Addr().String())
				b := breaker.New(breaker.Settings{Name: "tws_api"})
				client := simClient(t, sim, hwa.Config{BaseURLs: []string{"http://" + proxy.Addr()}, Attempts: 1, Breaker: b})
				proxy.Set(c.fault)
				c.try(t, client, b, job, write)
			})
		}
	}
}

func (c cell) try(t *testing.T, client *hwa.Client, b *breaker.Breaker, job string, write bool) {
	t.Helper()
	deadline := c.deadline
	if deadline == 0 {
		deadline = 2 * time.Second
	}
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	began := time.Now()
	var err error
	if write {
		_, err = client.HoldJob(ctx, job, hwa.Justification{Description: "fault matrix"})
	} else {
		_, err = client.EngineInfo(ctx)
	}
	if late := time.Since(began) - deadline; late > time.Second {
		t.Errorf("outlived its deadline by %s", late)
	} else if late > 100*time.Millisecond {
		t.Logf("outlived its deadline by %s", late)
	}
	want := c.kind
	if write && c.write != "" {
		want = c.write
	}
	var e *hwa.Error
	if errors.As(err, &e); hwa.KindOf(err) != want {
		t.Errorf("%q: %v, want %q", hwa.KindOf(err), err, want)
	}
	if write && e != nil && e.MayHaveActed != c.acted {
		t.Errorf("may have acted: %v, want %v (%v)", e.MayHaveActed, c.acted, err)
	}
	s := b.Status()
	got := map[breaker.Outcome]int64{breaker.Success: s.SuccessCount, breaker.Failure: s.TotalFailures, breaker.Ignored: s.Ignored}
	if got[c.counts] != 1 || s.TotalCalls+s.Ignored != 1 {
		t.Errorf("the breaker counted %v, want one %s", got, c.counts)
	}
}

func simClient(t *testing.T, sim *hwasim.Sim, cfg hwa.Config) *hwa.Client {
	t.Helper()
	cfg.Username, cfg.Password = sim.DefaultUser(), sim.DefaultPassword()
	client, err := hwa.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func anyJob(t *testing.T, sim *hwasim.Sim, url string) string {
	t.Helper()
	client := simClient(t, sim, hwa.Config{BaseURLs: []string{url}})
	for j, err := range client.Jobs(t.Context(), hwa.ListOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		return j.ID
	}
	t.Fatal("the simulator has no job")
	return ""
}

// TestFaultMatrixNames are the faults that come before a connection: a name that
// cannot be resolved and a certificate that has expired. A write was never sent.
func TestFaultMatrixNames(t *testing.T) {
	cert, _ := faultnet.Certificate(t, time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour))
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}), 0o600); err != nil {
		t.Fatal(err)
	}
	lost := &http.Transport{DialContext: faultnet.NoSuchHost}
	for name, tt := range map[string]struct {
		cfg  hwa.Config
		kind hwa.Kind
	}{
		"expired certificate": {hwa.Config{BaseURLs: []string{secure.URL}, CAFile: ca}, hwa.KindTLS},
		"no such name":        {hwa.Config{BaseURLs: []string{"https://engine.invalid"}, Transport: lost}, hwa.KindUnreachable},
	} {
		for _, write := range []bool{false, true} {
			b := breaker.New(breaker.Settings{Name: "tws_api"})
			tt.cfg.Username, tt.cfg.Password, tt.cfg.Attempts, tt.cfg.Breaker = "u", "password", 1, b
			client, err := hwa.New(tt.cfg)
			if err != nil {
				t.Fatal(name, err)
			}
			cell{kind: tt.kind, counts: breaker.Failure}.try(t, client, b, "9daec769-39e0-3283-9006-2933c84d3c78", write)
			client.Close()
		}
	}
}

// What an open breaker refuses was never sent: no connection is made, a write is
// an error and not an unknown outcome, a read is not repeated.
func TestRefusedIsNeverSent(t *testing.T) {
	dials := 0
	tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { dials++; return nil, errors.New("no") }}
	b := breaker.New(breaker.Settings{Name: "tws_api"})
	client, err := hwa.New(hwa.Config{BaseURLs: []string{"https://a.invalid", "https://b.invalid"}, Token: "token", Transport: tr, Breaker: b, Attempts: 5})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := b.ForceOpen("engine in maintenance until six", "ana", time.Hour); err != nil {
		t.Fatal(err)
	}
	_, read := client.EngineInfo(t.Context())
	_, write := client.HoldJob(t.Context(), "9daec769-39e0-3283-9006-2933c84d3c78", hwa.Justification{})
	for what, err := range map[string]error{"read": read, "write": write} {
		var e *hwa.Error
		var open *breaker.OpenError
		if !errors.As(err, &e) || !errors.As(err, &open) || e.MayHaveActed || e.Retryable || e.Kind != hwa.KindUnreachable || e.RetryAfter != time.Hour {
			t.Errorf("%s: %#v", what, err)
		}
		if !strings.Contains(err.Error(), "nothing was sent") || !strings.Contains(err.Error(), "engine in maintenance until six") {
			t.Errorf("%s: %q says neither that nothing was sent nor why", what, err)
		}
	}
	if breaker.Classify(read) != breaker.Ignored || breaker.Classify(&hwa.Error{Kind: hwa.KindAuth, HTTPStatus: 401}) != breaker.Success ||
		breaker.Classify(&hwa.Error{Kind: hwa.KindTimeout}) != breaker.Failure {
		t.Error("an outer breaker misunderstands the client's errors")
	}
	if dials != 0 || b.Status().Rejected != 2 {
		t.Errorf("%d connections tried, %d refusals", dials, b.Status().Rejected)
	}
}

// down is an engine that is away in one way or another; it counts what arrives.
type down struct {
	answer func(*http.Request) (*http.Response, error)
	n      atomic.Int64
}

func (d *down) RoundTrip(r *http.Request) (*http.Response, error) {
	d.n.Add(1)
	return d.answer(r)
}

// R6 and R9, in virtual time: an engine that is down for 60 s, in each way, under
// ten requests a second. Upstream sees at most 1.1 attempts per request, with the
// breaker and without it, and no request outlives its deadline by even a
// nanosecond. When the engine is back it is found within the breaker's delay.
func TestOutageOfAMinute(t *testing.T) {
	refuse := func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	}
	hang := func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }
	sick := func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 503, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}, nil
	}
	for name, how := range map[string]func(*http.Request) (*http.Response, error){"refuse": refuse, "hang": hang, "503": sick} {
		for _, with := range []bool{true, false} {
			t.Run(name+map[bool]string{true: "/breaker", false: "/retry budget alone"}[with], func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					engine := &down{answer: how}
					cfg := hwa.Config{BaseURLs: []string{"https://engine.invalid"}, Token: "token", Transport: engine, Attempts: 3, Timeout: 5 * time.Second}
					if with {
						cfg.Breaker = breaker.New(breaker.Settings{Name: "tws_api", Failures: 5, Delay: time.Minute})
					}
					client, err := hwa.New(cfg)
					if err != nil {
						t.Fatal(err)
					}
					requests := outage(t, client)
					if float64(engine.n.Load()) > 1.1*float64(requests) {
						t.Errorf("%d attempts for %d requests", engine.n.Load(), requests)
					}
					t.Logf("%d attempts upstream for %d requests", engine.n.Load(), requests)
					engine.answer = func(*http.Request) (*http.Response, error) {
						return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
					}
					time.Sleep(time.Minute)
					if _, err := client.EngineInfo(t.Context()); err != nil {
						t.Errorf("after the outage: %v", err)
					}
				})
			})
		}
	}
}

// outage asks ten times a second for a minute, each with two seconds of time.
func outage(t *testing.T, client *hwa.Client) (requests int) {
	t.Helper()
	const deadline = 2 * time.Second
	done := make(chan time.Duration, 1000)
	for start := time.Now(); time.Since(start) < time.Minute; requests++ {
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			began := time.Now()
			if _, err := client.EngineInfo(ctx); err == nil {
				t.Error("an engine that is down answered")
			}
			done <- time.Since(began)
		}()
		time.Sleep(100 * time.Millisecond)
	}
	for range requests {
		if took := <-done; took > deadline {
			t.Errorf("a request outlived its deadline by %s", took-deadline)
		}
	}
	return requests
}
