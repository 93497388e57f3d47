package http1

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// prepared is a prepared POST, which must be possible.
func (r *rig) prepared(req *http.Request) *Prepared {
	r.t.Helper()
	p := r.Prepare(req)
	if p == nil {
		r.t.Fatal("the request cannot be prepared")
	}
	return p
}

// TestPreparedIsTheSameRequest compares what the server sees of a prepared request with
// what it sees of the request itself.
func TestPreparedIsTheSameRequest(t *testing.T) {
	type seen struct {
		Method, URI, Host, Body string
		Length                  int64
		Header                  http.Header
	}
	var got seen
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = seen{r.Method, r.RequestURI, r.Host, string(body), r.ContentLength, r.Header.Clone()}
		_, _ = io.WriteString(w, "seen")
	})
	for name, change := range map[string]func(*http.Request){
		"as it is":   func(*http.Request) {},
		"a query":    func(r *http.Request) { r.URL.RawQuery = "api-version=2024-10-21" },
		"own host":   func(r *http.Request) { r.Host = "models.example:8080" },
		"own agent":  func(r *http.Request) { r.Header["User-Agent"] = []string{"test"} },
		"two values": func(r *http.Request) { r.Header["X-Two"] = []string{"a", "b"} },
		"put":        func(r *http.Request) { r.Method = http.MethodPut },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			req := r.request(t.Context(), s.URL+"/v1/x", "the body of no call")
			req.Header["Authorization"] = []string{"Bearer key"}
			change(req)
			p := r.prepared(req)
			req.Header["Authorization"][0] = "changed later"
			for _, body := range []string{"x", "{}", strings.Repeat("long ", 10000)} {
				again := r.request(t.Context(), s.URL+"/v1/x", body)
				again.Header["Authorization"] = []string{"Bearer key"}
				change(again)
				resp, err := r.RoundTrip(again)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				want := got
				resp, err = p.Do(t.Context(), []byte(body))
				if err != nil {
					t.Fatal(err)
				}
				answer, err := io.ReadAll(resp.Body)
				if err != nil || string(answer) != "seen" || want.Body != body {
					t.Fatalf("%q, %v", answer, err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("the server sees something else (-RoundTrip +Do):\n%s", diff)
				}
			}
		})
	}
}

func TestWhatIsNotPrepared(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"https":                func(r *http.Request) { r.URL.Scheme = "https" },
		"asked to close":       func(r *http.Request) { r.Close = true },
		"upgrade":              func(r *http.Request) { r.Header.Set("Upgrade", "websocket") },
		"own length":           func(r *http.Request) { r.Header.Set("Content-Length", "3") },
		"own transfer coding":  func(r *http.Request) { r.TransferEncoding = []string{"chunked"} },
		"other scripts":        func(r *http.Request) { r.URL.Host = "bücher.example" },
		"line break in a key":  func(r *http.Request) { r.Header["Authorization"] = []string{"Bearer k\r\nX: y"} },
		"line break in a name": func(r *http.Request) { r.Header["X\r\nY"] = []string{"z"} },
		"a method without one": func(r *http.Request) { r.Method = http.MethodGet },
		"blank in the method":  func(r *http.Request) { r.Method = "POST /x" },
	} {
		r := newRig(t)
		req := r.request(t.Context(), "http://127.0.0.1:1/x", "body")
		change(req)
		if r.Prepare(req) != nil {
			t.Errorf("%s: it is prepared", name)
		}
	}
	r := newRig(t, func(o *Options) {
		o.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse("http://proxy:3128") }
	})
	if r.Prepare(r.request(t.Context(), "http://127.0.0.1:1/x", "body")) != nil {
		t.Error("a request for a proxy is prepared")
	}
}

func TestBodiesThatAreNotSent(t *testing.T) {
	r := newRig(t, func(o *Options) { o.MaxBody = 3 })
	p := r.prepared(r.request(t.Context(), "http://127.0.0.1:1/x", "body"))
	for _, body := range []string{"", "four"} {
		if _, err := p.Do(t.Context(), []byte(body)); p.Takes([]byte(body)) || err == nil || !strings.Contains(err.Error(), "not between 1 and 3") {
			t.Errorf("%q: %v", body, err)
		}
	}
	if !p.Takes([]byte("yes")) || r.dials.Load() != 0 {
		t.Errorf("%d connections", r.dials.Load())
	}
	if _, err := p.Do(t.Context(), []byte("yes")); err == nil || !strings.Contains(err.Error(), "connecting") {
		t.Errorf("nobody listens: %v", err)
	}
}

// late is a context whose deadline is over and which has not noticed yet.
type late struct{ context.Context }

func (late) Deadline() (time.Time, bool) { return time.Now().Add(-time.Millisecond), true }

// A dialer that sees the deadline first does not make a broken server of a caller whose
// time is over.
func TestTheDialerSeesTheDeadlineFirst(t *testing.T) {
	r := newRig(t, func(o *Options) {
		o.Dial = func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
		}
	})
	p := r.prepared(r.request(t.Context(), "http://127.0.0.1:1/x", "x"))
	if _, err := p.Do(late{t.Context()}, []byte("x")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("over: %v", err)
	}
	if _, err := p.Do(t.Context(), []byte("x")); err == nil || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "connecting") {
		t.Errorf("the dialer's own time: %v", err)
	}
}

// TestPreparedCallsEndWithTheirCallers: each has its own context, the request none.
func TestPreparedCallsEndWithTheirCallers(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) == "wait" {
			<-r.Context().Done()
			return
		}
		_, _ = w.Write(body)
	})
	made, end := context.WithCancel(t.Context())
	r := newRig(t)
	p := r.prepared(r.request(made, s.URL, "x"))
	end() // of whoever prepared it
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 20 {
				if i%2 == 0 {
					ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
					_, err := p.Do(ctx, []byte("wait"))
					cancel()
					if !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("who waits too long: %v", err)
					}
					continue
				}
				resp, err := p.Do(t.Context(), []byte("go"))
				if err != nil {
					t.Error(err)
					return
				}
				answer, err := io.ReadAll(resp.Body)
				if err != nil || string(answer) != "go" {
					t.Errorf("%q, %v", answer, err)
				}
			}
		})
	}
	wg.Wait()
}
