package http1

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// elsewhere notes the calls that went to Other.
type elsewhere struct{ n atomic.Int32 }

func (e *elsewhere) RoundTrip(*http.Request) (*http.Response, error) {
	e.n.Add(1)
	return nil, errors.New("went elsewhere")
}

// rig is a transport that counts its connections.
type rig struct {
	*Transport
	t     *testing.T
	other elsewhere
	dials atomic.Int32
}

func newRig(t *testing.T, change ...func(*Options)) *rig {
	t.Helper()
	r := &rig{t: t}
	var d net.Dialer
	o := Options{Other: &r.other, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		r.dials.Add(1)
		return d.DialContext(ctx, network, address)
	}}
	for _, f := range change {
		f(&o)
	}
	var err error
	if r.Transport, err = New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.CloseIdleConnections)
	return r
}

// waitingConns counts the connections that wait for a call.
func (r *rig) waitingConns() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, list := range r.idle {
		n += len(list)
	}
	return n
}

func (r *rig) request(ctx context.Context, url, body string) *http.Request {
	r.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	return req
}

// post makes one call and reads all of its answer.
func (r *rig) post(url, body string) (status int, answer string, err error) {
	resp, err := r.RoundTrip(r.request(r.t.Context(), url, body))
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(data), err
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	_, _ = w.Write(body)
}

// raw is a server that writes bytes as they are: answer number n to connection
// number n, from its first request on. An empty answer closes the connection.
func raw(t *testing.T, answers ...string) (url string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { ln.Close(); wg.Wait() })
	wg.Go(func() {
		for _, a := range answers {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			req, err := http.ReadRequest(bufio.NewReader(c))
			if err == nil {
				_, _ = io.Copy(io.Discard, req.Body)
				_, _ = io.WriteString(c, a)
			}
			c.Close()
		}
	})
	return "http://" + ln.Addr().String()
}

func TestAConnectionIsUsedAgain(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"a length": echo,
		"chunks": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Transfer-Encoding", "chunked")
			echo(w, r)
		},
		"interim answer": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusEarlyHints); echo(w, r) },
		"large": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Large", strings.Repeat("x", 100<<10))
			echo(w, r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, r := serve(t, h), newRig(t)
			for i := range 3 {
				body := strings.Repeat(fmt.Sprint("word ", i), 1+i*9000) // the last is larger than any buffer
				if status, got, err := r.post(s.URL, body); status != 200 || got != body || err != nil {
					t.Fatalf("call %d: %d, %d bytes, %v", i, status, len(got), err)
				}
			}
			if r.dials.Load() != 1 || r.waitingConns() != 1 {
				t.Errorf("%d connections were made and %d wait, want 1 and 1", r.dials.Load(), r.waitingConns())
			}
		})
	}
}

func TestWhatGoesElsewhere(t *testing.T) {
	const small = "http://127.0.0.1:1/x"
	proxied := func(o *Options) {
		o.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse("http://proxy:3128") }
	}
	for name, c := range map[string]struct {
		url    string
		change func(*http.Request)
		opt    func(*Options)
	}{
		"https":               {url: "https://127.0.0.1:1/x"},
		"proxy":               {url: small, opt: proxied},
		"large body":          {url: small, opt: func(o *Options) { o.MaxBody = 3 }},
		"unknown length":      {url: small, change: func(r *http.Request) { r.ContentLength = -1 }},
		"asked to close":      {url: small, change: func(r *http.Request) { r.Close = true }},
		"upgrade":             {url: small, change: func(r *http.Request) { r.Header.Set("Upgrade", "websocket") }},
		"expect":              {url: small, change: func(r *http.Request) { r.Header.Set("Expect", "100-continue") }},
		"own transfer coding": {url: small, change: func(r *http.Request) { r.TransferEncoding = []string{"chunked"} }},
		"trailer":             {url: small, change: func(r *http.Request) { r.Trailer = http.Header{"X": nil} }},
		"other scripts":       {url: small, change: func(r *http.Request) { r.URL.Host = "bücher.example" }},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(o *Options) {
				if c.opt != nil {
					c.opt(o)
				}
			})
			req := r.request(t.Context(), c.url, "body")
			if c.change != nil {
				c.change(req)
			}
			if _, err := r.RoundTrip(req); err == nil || r.other.n.Load() != 1 || r.dials.Load() != 0 {
				t.Errorf("%v; %d calls went elsewhere, %d connections made", err, r.other.n.Load(), r.dials.Load())
			}
		})
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	for name, c := range map[string]struct {
		answer, want string // want is in the error; "" is success
	}{
		"whole":               {ok, ""},
		"no length":           {"HTTP/1.1 200 OK\r\n\r\nok", ""},
		"HTTP/1.0":            {"HTTP/1.0 200 OK\r\n\r\nok", ""},
		"nothing":             {"", "unexpected EOF"},
		"no HTTP":             {"SSH-2.0-x\r\n\r\n", "malformed HTTP"},
		"half a head":         {"HTTP/1.1 200 OK\r\nContent-", "reading the answer"},
		"half a body":         {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "unexpected EOF"},
		"half a chunk":        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok", "unexpected EOF"},
		"two lengths":         {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", "Content-Length"},
		"endless head":        {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 70<<10), "head of the answer is too long"},
		"endless interim":     {strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 20) + ok, "interim answers do not end"},
		"few interim answers": {strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 5) + ok, ""},
		"another protocol":    {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "another protocol"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(o *Options) { o.MaxHead = 64 << 10 })
			status, got, err := r.post(raw(t, c.answer), "q")
			switch {
			case c.want == "" && (err != nil || status != 200 || got != "ok"):
				t.Errorf("%d %q, %v", status, got, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want %q in it", err, c.want)
			}
			if n := r.dials.Load(); n != 1 {
				t.Errorf("the request was sent %d times", n)
			}
		})
	}
}

// A connection that carries more than its answer is not used again: the rest would
// be taken for the next answer.
func TestWhatFollowsAnAnswerIsNotTheNextOne(t *testing.T) {
	var hold sync.WaitGroup
	hold.Add(1)
	defer hold.Done()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for n := 0; ; n++ {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
				return
			}
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d", n)
			if n == 0 { // in the same packet, or a moment later
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
			}
		}
	}()
	r := newRig(t)
	for want := range 2 {
		if _, got, err := r.post("http://"+ln.Addr().String(), ""); err != nil || got != fmt.Sprint(want) {
			t.Fatalf("%q, %v; want %d", got, err, want)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// A server may close a connection that waits. The next call finds out before it
// writes and is not lost.
func TestAConnectionClosedWhileItWaited(t *testing.T) {
	r := newRig(t)
	s := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	s.Config.IdleTimeout = 20 * time.Millisecond
	closed := make(chan struct{}, 3)
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateClosed {
			closed <- struct{}{}
		}
	}
	s.Start()
	defer s.Close()
	for i := range 3 {
		if _, got, err := r.post(s.URL, "q"); got != "q" || err != nil {
			t.Fatalf("call %d: %q, %v", i, got, err)
		}
		<-closed
	}
	if n := r.dials.Load(); n != 3 {
		t.Errorf("%d connections, want 3", n)
	}
}

// silent has no descriptor that could be looked at.
type silent struct{ net.Conn }

// Without a descriptor only writing tells that a connection is closed; a request of
// which nothing was written is sent again, one that was written is not.
func TestARequestIsSentOnce(t *testing.T) {
	var broken atomic.Bool
	r := newRig(t, func(o *Options) {
		dial := o.Dial
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &silent{failing{c, &broken}}, nil
		}
	})
	var served atomic.Int32
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { served.Add(1); echo(w, r) })
	for range 2 {
		if _, got, err := r.post(s.URL, "q"); got != "q" || err != nil {
			t.Fatal(got, err)
		}
	}
	broken.Store(true)
	if _, got, err := r.post(s.URL, "q"); got != "q" || err != nil || r.dials.Load() != 2 || served.Load() != 3 {
		t.Errorf("nothing was written: %q, %v, %d connections, %d served", got, err, r.dials.Load(), served.Load())
	}
	// Written, and then the server goes: it may have acted, so nobody asks again.
	lost := raw(t, "", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	if _, _, err := r.post(lost, "q"); err == nil {
		t.Error("a request without an answer was sent again")
	}
}

// failing fails the next write while it is told to.
type failing struct {
	net.Conn
	now *atomic.Bool
}

func (f failing) Write(p []byte) (int, error) {
	if f.now.CompareAndSwap(true, false) {
		return 0, errors.New("broken pipe")
	}
	return f.Conn.Write(p)
}

func TestTheCallersEndEndsTheCall(t *testing.T) {
	gone := errors.New("the caller has gone")
	for name, c := range map[string]struct{ after bool }{"before the answer": {}, "within the answer": {after: true}} {
		t.Run(name, func(t *testing.T) {
			left := make(chan struct{})
			started := make(chan struct{}, 1)
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if c.after {
					_, _ = io.WriteString(w, "first ")
					w.(http.Flusher).Flush()
				}
				started <- struct{}{}
				<-r.Context().Done() // the server learns of it
				close(left)
			})
			r := newRig(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			if !c.after {
				go func() { <-started; cancel(gone) }()
			}
			begun := time.Now()
			resp, err := r.RoundTrip(r.request(ctx, s.URL, ""))
			if c.after {
				if err != nil {
					t.Fatal(err)
				}
				go func() { <-started; cancel(gone) }()
				_, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			if !errors.Is(err, gone) || time.Since(begun) > 10*time.Second {
				t.Errorf("%v after %s", err, time.Since(begun))
			}
			<-left
			if r.waitingConns() != 0 {
				t.Error("the connection waits for another call")
			}
		})
	}
	r, ctx := newRig(t), context.Context(nil)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	if _, err := r.RoundTrip(r.request(ctx, "http://127.0.0.1:1", "")); !errors.Is(err, gone) || r.dials.Load() != 0 {
		t.Errorf("a call of a caller who has gone: %v, %d connections", err, r.dials.Load())
	}
}

// Closing an answer early tells the server to stop, also while somebody reads.
func TestClosingEarly(t *testing.T) {
	left := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(left)
	})
	r := newRig(t)
	resp, err := r.RoundTrip(r.request(t.Context(), s.URL, ""))
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan error)
	go func() {
		_, err := resp.Body.Read(make([]byte, 1))
		read <- err
	}()
	time.Sleep(10 * time.Millisecond)
	_ = resp.Body.Close()
	if err := <-read; !errors.Is(err, errClosed) {
		t.Errorf("the reader hears %v", err)
	}
	<-left
	_ = resp.Body.Close()
	if _, err := resp.Body.Read(make([]byte, 1)); !errors.Is(err, errClosed) || r.waitingConns() != 0 {
		t.Errorf("%v, %d connections wait", err, r.waitingConns())
	}
}

func TestConnectionsDoNotWaitForEver(t *testing.T) {
	s := serve(t, echo)
	r := newRig(t, func(o *Options) { o.IdleTime, o.MaxIdle = 30*time.Millisecond, 2 })
	var open []*http.Response
	for range 3 {
		resp, err := r.RoundTrip(r.request(t.Context(), s.URL, "q"))
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, resp)
	}
	for _, resp := range open {
		_, _ = io.ReadAll(resp.Body)
	}
	if n := r.waitingConns(); n != 2 {
		t.Errorf("%d connections wait, 2 may", n)
	}
	for end := time.Now().Add(10 * time.Second); r.waitingConns() > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("they wait for ever")
		}
	}
	if _, got, err := r.post(s.URL, "again"); got != "again" || err != nil {
		t.Error(got, err)
	}
	r.CloseIdleConnections()
	if n := r.waitingConns(); n != 0 {
		t.Errorf("%d connections are still open", n)
	}
}

func TestManyCallersAtOnce(t *testing.T) {
	s, r := serve(t, echo), newRig(t)
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			for n := range 20 {
				want := fmt.Sprintf("caller %d call %d %s", i, n, strings.Repeat("x", i*n*10))
				if _, got, err := r.post(s.URL, want); got != want || err != nil {
					t.Errorf("%q, %v; want %q", got, err, want)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := r.dials.Load(); n > 32 {
		t.Errorf("%d connections for 32 callers", n)
	}
}
