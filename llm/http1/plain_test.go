package http1

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const usual = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ndate: Sun, 22 Nov 2026 20:00:00 GMT\r\nX-Request-Id: 0123: 456\r\nContent-Length: 2\r\n\r\nok"

// TestPlainHeads: what is read here, and what is left to net/http.
func TestPlainHeads(t *testing.T) {
	post := &http.Request{Method: http.MethodPost}
	for _, in := range []string{usual, strings.Replace(usual, "200 OK", "429 Too Many Requests", 1), "HTTP/1.1 503 X\r\nContent-Length: 10\r\n\r\n"} {
		if !same(t, []byte(in), post) {
			t.Errorf("%q is left to net/http", in)
		}
	}
	with := func(line string) string { return strings.Replace(usual, "Content-Type", line+"\r\nContent-Type", 1) }
	for _, in := range []string{
		"", "HTTP/1.1", usual[:len(usual)-5], strings.ReplaceAll(usual, "\r\n", "\n"), "HTTP/1.0" + usual[8:], "http/1.1" + usual[8:],
		strings.Replace(usual, "200 OK", "100 Continue", 1), strings.Replace(usual, "200 OK", "204 No Content", 1), strings.Replace(usual, "200 OK", "304 X", 1),
		strings.Replace(usual, "200 OK", "200", 1), strings.Replace(usual, "200 OK", "2x0 OK", 1), strings.Replace(usual, "200 OK", "600 OK", 1), strings.Replace(usual, "200 OK", "200  OK ", 1),
		strings.Replace(usual, ": 2\r", ": 0\r", 1), strings.Replace(usual, ": 2\r", ": +2\r", 1), strings.Replace(usual, ": 2\r", ": 1234567890123456\r", 1), strings.Replace(usual, ": 2\r", ":2\r", 1),
		strings.Replace(usual, "Content-Length: 2\r\n", "", 1), with("Content-Length: 2"), with("content-length: 2"),
		with("Transfer-Encoding: chunked"), with("Connection: close"), with("Trailer: A"), with("Pragma: no-cache"), with("Date: twice"),
		with("A : b"), with(" folded"), with("A: b "), with("A:  b"), with("A: \tb"), with("A: b\rc"), with("A: é"), with("no header"), with(": b"),
		with(strings.Repeat("A: b\r\n", plainSpace)),
	} {
		if resp, n := plain([]byte(in), post); resp != nil || n != 0 {
			t.Errorf("%q is taken", in)
		}
	}
	for _, m := range []string{http.MethodHead, http.MethodConnect} {
		if resp, _ := plain([]byte(usual), &http.Request{Method: m}); resp != nil {
			t.Errorf("an answer to %s is taken", m)
		}
	}
}

// same compares a head that is taken with net/http's reading of it, and with what
// looking at it says; false when it is not taken.
func same(t *testing.T, in []byte, req *http.Request) bool {
	t.Helper()
	got, n := plain(in, req)
	if got == nil {
		return false
	}
	br := bufio.NewReader(bytes.NewReader(in))
	want, err := http.ReadResponse(br, req)
	if err != nil {
		t.Fatalf("%q is taken, net/http says %v", in, err)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(http.Response{}, "Body", "Request")); diff != "" {
		t.Fatalf("%q (-net/http +here):\n%s", in, diff)
	}
	if odd, err := inspect(in[:n]); odd || err != nil {
		t.Fatalf("%q is taken, though it is odd: %v %v", in, odd, err)
	}
	wantBody, wantErr := io.ReadAll(want.Body)
	gotBody, gotErr := io.ReadAll(&counted{r: bytes.NewReader(in[n:]), left: got.ContentLength})
	if !bytes.Equal(wantBody, gotBody) || wantErr != gotErr {
		t.Fatalf("%q: the body is %q %v, want %q %v", in, gotBody, gotErr, wantBody, wantErr)
	}
	return true
}

// Whatever is taken is what net/http reads of it.
func FuzzPlain(f *testing.F) {
	for _, s := range []string{usual, "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\nRetry-After: 5\r\n\r\nab", "HTTP/1.1 200 OK\r\nA:b\r\nContent-Length: 1\r\n\r\n1"} {
		f.Add([]byte(s))
	}
	req := &http.Request{Method: http.MethodPost}
	f.Fuzz(func(t *testing.T, in []byte) { same(t, in, req) })
}

// BenchmarkHead is what reading a usual head costs, here and with net/http and a look at it.
func BenchmarkHead(b *testing.B) {
	req := &http.Request{Method: http.MethodPost}
	b.Run("plain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if resp, _ := plain([]byte(usual), req); resp == nil {
				b.Fatal("it is not taken")
			}
		}
	})
	b.Run("net-http", func(b *testing.B) {
		b.ReportAllocs()
		r := bytes.NewReader(nil)
		br := bufio.NewReader(r)
		for b.Loop() {
			r.Reset([]byte(usual))
			br.Reset(r)
			if _, err := http.ReadResponse(br, req); err != nil {
				b.Fatal(err)
			}
			if odd, err := inspect([]byte(usual[:len(usual)-len("ok")])); odd || err != nil {
				b.Fatal(odd, err)
			}
		}
	})
}
