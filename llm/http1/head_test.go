package http1

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWhatTheServerSees compares a request with the one net/http would send.
func TestWhatTheServerSees(t *testing.T) {
	type seen struct {
		Method, URI, Host, Body string
		Header                  http.Header
	}
	var got seen
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = seen{r.Method, r.RequestURI, r.Host, string(body), r.Header.Clone()}
	})
	r, std := newRig(t), &http.Transport{DisableCompression: true}
	t.Cleanup(std.CloseIdleConnections)
	requests := map[string]func() (*http.Request, error){
		"post": func() (*http.Request, error) {
			return http.NewRequest(http.MethodPost, s.URL+"/v1/x", strings.NewReader("{}"))
		},
		"empty": func() (*http.Request, error) { return http.NewRequest(http.MethodPost, s.URL+"/v1/x", http.NoBody) },
		"get":   func() (*http.Request, error) { return http.NewRequest("", s.URL, nil) },
		"query": func() (*http.Request, error) {
			return http.NewRequest(http.MethodGet, s.URL+"/a%20b?q=a+b&%C3%BC=1#f", nil)
		},
		"delete": func() (*http.Request, error) { return http.NewRequest(http.MethodDelete, s.URL+"/x", nil) },
		"no path": func() (*http.Request, error) {
			return http.NewRequest(http.MethodPut, s.URL+"?x", strings.NewReader("y"))
		},
	}
	for name, build := range requests {
		t.Run(name, func(t *testing.T) {
			var both []seen
			for _, rt := range []http.RoundTripper{std, r} {
				req, err := build()
				if err != nil {
					t.Fatal(err)
				}
				req.Header["Authorization"] = []string{"Bearer key"}
				req.Header["X-Two"] = []string{"a", "b"}
				req.Header["User-Agent"] = []string{"test"}
				resp, err := rt.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				both = append(both, got)
			}
			if diff := cmp.Diff(both[0], both[1]); diff != "" {
				t.Errorf("the server sees something else (-net/http +http1):\n%s", diff)
			}
		})
	}
	if r.other.n.Load() > 0 {
		t.Error("a plain request went elsewhere")
	}
}

func TestRequestsThatCannotBeSent(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*http.Request)
		want   string
	}{
		"line break in a value": {func(r *http.Request) { r.Header["Authorization"] = []string{"Bearer sk-secret\r\nX: y"} }, "Authorization"},
		"line break in a name":  {func(r *http.Request) { r.Header["X\r\nY"] = []string{"z"} }, "header name"},
		"blank in the method":   {func(r *http.Request) { r.Method = "POST /x" }, "method"},
		"line break in a host":  {func(r *http.Request) { r.Host = "a\r\nb" }, "host"},
		"blank in the address":  {func(r *http.Request) { r.URL.Opaque = "//x/a b" }, "address"},
		"too short a body":      {func(r *http.Request) { r.ContentLength = 9 }, "9 bytes were announced"},
		"too long a body":       {func(r *http.Request) { r.ContentLength = 1 }, "longer than the 1 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			req := r.request(t.Context(), "http://127.0.0.1:1/", "body")
			c.change(req)
			_, err := r.RoundTrip(req)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "sk-secret") || r.dials.Load() != 0 {
				t.Errorf("%v, want %q in it; %d connections", err, c.want, r.dials.Load())
			}
		})
	}
	for _, o := range []Options{{}, {Other: &elsewhere{}}} {
		if _, err := New(o); err == nil {
			t.Error("options without a way out are taken")
		}
	}
}

// FuzzHead holds what is written against net/http's reading of it: a request
// arrives as it was meant, or is refused.
func FuzzHead(f *testing.F) {
	f.Add("POST", "http://h:1/v1/x?q=1", "Authorization", "Bearer k", "body")
	f.Add("", "http://h", "X-A", "", "")
	f.Add("GET", "http://h/%00", "X\r\nB", "a\r\nc", "x")
	f.Add("P T", "http://[::1]:80/", "Host", "evil", "x")
	f.Fuzz(func(t *testing.T, method, address, name, value, body string) {
		u, err := url.Parse(address)
		if err != nil {
			return
		}
		tr, err := New(Options{Other: &elsewhere{}, Dial: (&net.Dialer{}).DialContext})
		if err != nil {
			t.Fatal(err)
		}
		req := &http.Request{Method: method, URL: u, Header: http.Header{name: {value}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
		if _, ok := tr.takes(req); !ok {
			return
		}
		wire, err := appendRequest(nil, req)
		if err != nil {
			return
		}
		got, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
		if err != nil {
			if strings.EqualFold(name, "Transfer-Encoding") || strings.EqualFold(name, "Content-Length") {
				return // names in other spellings: the server refuses what contradicts itself
			}
			t.Fatalf("%q is not a request: %v", wire, err)
		}
		read, err := io.ReadAll(got.Body)
		if err != nil || string(read) != body || got.Header.Get(name) != strings.Trim(value, " \t") && name != "Host" && name != "Trailer" {
			t.Fatalf("%q was read as %v, %q, %v", wire, got.Header, read, err)
		}
	})
}
