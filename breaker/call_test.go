package breaker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestClassify(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want Outcome
	}{
		{nil, Success}, {errDown, Failure}, {context.Canceled, Ignored}, {fmt.Errorf("get: %w", context.Canceled), Ignored},
		{context.DeadlineExceeded, Failure}, {Ignore(errDown), Ignored}, {fmt.Errorf("x: %w", &OpenError{Name: "y"}), Ignored}, {io.ErrUnexpectedEOF, Failure},
	} {
		if got := Classify(tt.err); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.err, got, tt.want)
		}
	}
	if Ignore(nil) != nil || !errors.Is(Ignore(errDown), errDown) {
		t.Error("Ignore changes the error")
	}
	for status, want := range map[int]Outcome{
		200: Success, 301: Success, 400: Success, 401: Success, 404: Success, 408: Ignored, 422: Success, 429: Ignored, 500: Failure, 501: Success, 502: Failure, 503: Failure, 504: Failure,
	} {
		if got := ClassifyResponse(&http.Response{StatusCode: status}, nil); got != want {
			t.Errorf("status %d: %s, want %s", status, got, want)
		}
	}
}

// Defects 16 and 18: 4xx, wrong credentials, 429 and a caller who went away
// opened the predecessor's breakers.
func TestDefect16_And18_WhatNeverCounts(t *testing.T) {
	ctx, gone := context.WithCancel(t.Context())
	gone()
	b := New(Settings{Name: "x", Failures: 1})
	for range 100 {
		for _, status := range []int{400, 401, 403, 404, 408, 409, 422, 429} {
			tr := Transport(b, answer(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: status, Body: http.NoBody}, nil
			}), nil)
			if _, err := tr.RoundTrip(request(t, t.Context())); err != nil {
				t.Fatal(err)
			}
		}
		tr := Transport(b, answer(func(*http.Request) (*http.Response, error) { return nil, errors.New("use of closed connection") }), nil)
		if _, err := tr.RoundTrip(request(t, ctx)); err == nil {
			t.Fatal("no error")
		}
		_, _ = Do(ctx, b, func(context.Context) (int, error) { return 0, errDown }, nil)
		_, _ = Do(t.Context(), b, func(context.Context) (int, error) { return 0, Ignore(errors.New("shed")) }, nil)
	}
	if s := b.Status(); s.State != Closed || s.TotalFailures != 0 {
		t.Errorf("%s with %d failures: %s", s.State, s.TotalFailures, s.LastError)
	}
}

func TestDoFallsBack(t *testing.T) {
	b := New(Settings{Name: "x", Failures: 1})
	fail := func(context.Context) (string, error) { return "", errDown }
	var why error
	fallback := func(_ context.Context, err error) (string, error) { why = err; return "from the cache", nil }
	got, err := Do(t.Context(), b, fail, fallback)
	if got != "from the cache" || err != nil || !errors.Is(why, errDown) {
		t.Errorf("%q, %v after %v", got, err, why)
	}
	got, err = Do(t.Context(), b, func(context.Context) (string, error) { t.Error("called although open"); return "", nil }, fallback)
	var open *OpenError
	if got != "from the cache" || err != nil || !errors.As(why, &open) {
		t.Errorf("%q, %v after %v", got, err, why)
	}
	if n := b.Status().Fallbacks; n != 2 {
		t.Errorf("%d fallbacks counted", n)
	}
	ctx, gone := context.WithCancel(t.Context())
	gone()
	if _, err = Do(ctx, b, fail, fallback); err == nil {
		t.Error("a caller who is gone got a fallback")
	}
}

// answer is a transport.
type answer func(*http.Request) (*http.Response, error)

func (f answer) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func request(t *testing.T, ctx context.Context) *http.Request { //nolint:revive // the test comes first
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://engine.invalid/x", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// script is a body that gives its pieces and then its error.
type script struct {
	pieces []string
	end    error
	closed bool
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.pieces) == 0 {
		return 0, s.end
	}
	n := copy(p, s.pieces[0])
	s.pieces = s.pieces[1:]
	return n, nil
}

func (s *script) Close() error { s.closed = true; return nil }

// A stream counts at its end, by how it ended.
func TestTransportCountsAStreamAtItsEnd(t *testing.T) {
	for _, tt := range []struct {
		name      string
		status    int
		end       error
		use       func(io.ReadCloser)
		ok, fails int64
	}{
		{"read to the end", 200, io.EOF, func(b io.ReadCloser) { _, _ = io.ReadAll(b) }, 1, 0},
		{"breaks in the middle", 200, io.ErrUnexpectedEOF, func(b io.ReadCloser) { _, _ = io.ReadAll(b) }, 0, 1},
		{"closed early", 200, io.EOF, func(b io.ReadCloser) { _ = b.Close() }, 1, 0},
		{"server error, closed early", 503, io.EOF, func(b io.ReadCloser) { _ = b.Close() }, 0, 1},
		{"reader cancelled", 200, context.Canceled, func(b io.ReadCloser) { _, _ = io.ReadAll(b) }, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := New(Settings{Name: "x", Failures: 9})
			body := &script{pieces: []string{"data: a\n\n", "data: b\n\n"}, end: tt.end}
			tr := Transport(b, answer(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: tt.status, Status: fmt.Sprint(tt.status), Body: body}, nil
			}), nil)
			resp, err := tr.RoundTrip(request(t, t.Context()))
			if err != nil {
				t.Fatal(err)
			}
			if s := b.Status(); s.TotalCalls != 0 {
				t.Errorf("counted before its end: %+v", s)
			}
			tt.use(resp.Body)
			_ = resp.Body.Close()
			_ = resp.Body.Close()
			if s := b.Status(); s.SuccessCount != tt.ok || s.TotalFailures != tt.fails || !body.closed {
				t.Errorf("%d good, %d bad, closed %v", s.SuccessCount, s.TotalFailures, body.closed)
			}
		})
	}
}

func TestTransportRefuses(t *testing.T) {
	b := New(Settings{Name: "tws_api", Failures: 1})
	tr := Transport(b, answer(func(*http.Request) (*http.Response, error) { return nil, errDown }), nil)
	if _, err := tr.RoundTrip(request(t, t.Context())); !errors.Is(err, errDown) {
		t.Fatal(err)
	}
	body := &script{}
	req := request(t, t.Context())
	req.Body = body
	_, err := (&http.Client{Transport: tr}).Do(req)
	var open *OpenError
	if !errors.As(err, &open) || !body.closed {
		t.Errorf("%v, body closed %v", err, body.closed)
	}
}

func TestTransportThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Settings{Name: "x", Failures: 1, Delay: time.Second})
		end(t, b, Failure)
		time.Sleep(time.Second)
		tr := Transport(b, answer(func(*http.Request) (*http.Response, error) { panic("x") }), nil)
		func() {
			defer func() { _ = recover() }()
			_, _ = tr.RoundTrip(request(t, t.Context()))
		}()
		time.Sleep(time.Second)
		if b.State() != HalfOpen || !end(t, b, Success) {
			t.Errorf("%s: the probe of a transport that panicked is lost", b.State())
		}
	})
}

func TestDialContext(t *testing.T) {
	b := New(Settings{Name: "redis", Failures: 3})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dial := DialContext(b, (&net.Dialer{}).DialContext)
	c, err := dial(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	_ = ln.Close()
	for range 3 {
		if _, err := dial(t.Context(), "tcp", ln.Addr().String()); err == nil {
			t.Fatal("connected to nothing")
		}
	}
	var open *OpenError
	if _, err := dial(t.Context(), "tcp", ln.Addr().String()); !errors.As(err, &open) {
		t.Errorf("%v, want a refusal", err)
	}
}
