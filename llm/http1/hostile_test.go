package http1

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// scripted is a server that answers the first request with bytes as they are and
// leaves the connection open; every later request, on this connection or another,
// gets "next". It counts requests that were not whole and well-formed.
type scripted struct {
	url string
	mu  sync.Mutex
	bad []string
}

func startScripted(t *testing.T, first string, end bool) *scripted {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &scripted{url: "http://" + ln.Addr().String()}
	var wg sync.WaitGroup
	var open []net.Conn
	t.Cleanup(func() {
		ln.Close()
		s.mu.Lock()
		for _, c := range open {
			c.Close()
		}
		s.mu.Unlock()
		wg.Wait()
	})
	var once sync.Once
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			open = append(open, c)
			s.mu.Unlock()
			wg.Go(func() {
				br := bufio.NewReader(c)
				for {
					req, err := http.ReadRequest(br)
					if err != nil {
						if err != io.EOF && !strings.Contains(err.Error(), "reset") && !strings.Contains(err.Error(), "closed") {
							s.mu.Lock()
							s.bad = append(s.bad, err.Error())
							s.mu.Unlock()
						}
						return
					}
					_, _ = io.Copy(io.Discard, req.Body)
					answer := "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext"
					once.Do(func() { answer = first })
					_, _ = io.WriteString(c, answer)
					if end && answer == first {
						c.Close()
						return
					}
				}
			})
		}
	})
	return s
}

// TestHostileAnswers: whatever a server sends, a call ends with what RFC 9112 makes
// of it or with an error; a connection whose framing is in doubt is never used
// again, and the next call gets its own answer.
func TestHostileAnswers(t *testing.T) {
	const ok, chunked = "HTTP/1.1 200 OK\r\n", "Transfer-Encoding: chunked\r\n"
	for name, c := range map[string]struct {
		answer string
		body   string // of success
		err    string // is in the error; "" is success
		again  bool   // the connection may be used for the next call
		end    bool   // the server closes behind its answer
	}{
		// What is right stays right.
		"a length":                   {answer: ok + "Content-Length: 2\r\n\r\nok", body: "ok", again: true},
		"chunks":                     {answer: ok + chunked + "\r\n2\r\nok\r\n0\r\n\r\n", body: "ok", again: true},
		"chunk extensions":           {answer: ok + chunked + "\r\n1;a=b\r\no\r\n1;q=\"x\"\r\nk\r\n0;last\r\n\r\n", body: "ok", again: true},
		"trailers":                   {answer: ok + chunked + "\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n", body: "ok", again: true},
		"HTTP/1.0 keep-alive":        {answer: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", body: "ok", again: true},
		"HTTP/1.0":                   {answer: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", body: "ok"},
		"HTTP/1.0 without a length":  {answer: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nok", body: "ok", end: true},
		"asked to close":             {answer: ok + "Connection: close\r\nContent-Length: 2\r\n\r\nok", body: "ok"},
		"nothing to say":             {answer: "HTTP/1.1 204 No Content\r\n\r\n", again: true},
		"five interim answers":       {answer: strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", 5) + ok + "Content-Length: 2\r\n\r\nok", body: "ok", again: true},
		"an interim answer's length": {answer: "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n" + ok + "Content-Length: 2\r\n\r\nok", body: "ok", again: true},

		// Two readings: the answer counts, the connection does not.
		"both framings":                     {answer: ok + "Content-Length: 99\r\n" + chunked + "\r\n2\r\nok\r\n0\r\n\r\n", body: "ok"},
		"both framings, the other way":      {answer: ok + chunked + "Content-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n", body: "ok"},
		"the same length twice":             {answer: ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", body: "ok"},
		"a header over two lines":           {answer: ok + "X: a\r\n b\r\nContent-Length: 2\r\n\r\nok", body: "ok"},
		"a length on the next line":         {answer: ok + "Content-Length:\r\n 2\r\n\r\nok", body: "ok"},
		"line feeds alone":                  {answer: "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", body: "ok"},
		"one line feed alone":               {answer: ok + "X: y\nContent-Length: 2\r\n\r\nok", body: "ok"},
		"an interim answer with line feeds": {answer: "HTTP/1.1 103 Early Hints\n\n" + ok + "Content-Length: 2\r\n\r\nok", body: "ok"},
		"chunks of HTTP/1.0":                {answer: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n" + chunked + "\r\nok", body: "ok"},
		"more behind the answer":            {answer: ok + "Content-Length: 2\r\n\r\nok" + ok + "Content-Length: 6\r\n\r\nforged", body: "ok"},
		"more behind the last chunk":        {answer: ok + chunked + "\r\n2\r\nok\r\n0\r\n\r\nforged", body: "ok"},
		"a body where none may be":          {answer: "HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\nforged"},
		"no length, then the end":           {answer: ok + "\r\nok", body: "ok", end: true},

		// No reading at all.
		"two lengths":                     {answer: ok + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!", err: "Content-Length"},
		"two lengths in one line":         {answer: ok + "Content-Length: 2, 3\r\n\r\nok!", err: "Content-Length"},
		"a negative length":               {answer: ok + "Content-Length: -2\r\n\r\nok", err: "Content-Length"},
		"a length with a sign":            {answer: ok + "Content-Length: +2\r\n\r\nok", err: "Content-Length"},
		"a length beyond 63 bits":         {answer: ok + "Content-Length: 9223372036854775808\r\n\r\nok", err: "Content-Length"},
		"a hexadecimal length":            {answer: ok + "Content-Length: 0x2\r\n\r\nok", err: "Content-Length"},
		"a length that is no number":      {answer: ok + "Content-Length: two\r\n\r\nok", err: "Content-Length"},
		"another coding":                  {answer: ok + "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", err: "transfer encoding"},
		"chunked in disguise":             {answer: ok + "Transfer-Encoding: xchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", err: "transfer encoding"},
		"two codings":                     {answer: ok + chunked + "Transfer-Encoding: identity\r\n\r\n2\r\nok\r\n0\r\n\r\n", err: "transfer encoding"},
		"a blank before the colon":        {answer: ok + "Transfer-Encoding : chunked\r\nContent-Length: 2\r\n\r\nok", err: "header"},
		"a line that is no header":        {answer: ok + "surprise\r\nContent-Length: 2\r\n\r\nok", err: "malformed MIME"},
		"a header without a name":         {answer: ok + ": x\r\nContent-Length: 2\r\n\r\nok", err: "header"},
		"a blank before an extension":     {answer: ok + chunked + "\r\n2 ;a=b\r\nok\r\n0\r\n\r\n", err: "chunk"}, // RFC 9112 lets it pass; net/http does not
		"a carriage return in a reason":   {answer: "HTTP/1.1 200 O\rK\r\nContent-Length: 2\r\n\r\nok", err: "must not be there"},
		"a carriage return in a value":    {answer: ok + "X: a\rContent-Length: 6\r\nContent-Length: 2\r\n\r\nok", err: "malformed MIME"},
		"a NUL in a value":                {answer: ok + "X: a\x00b\r\nContent-Length: 2\r\n\r\nok", err: "malformed MIME"},
		"a fold in the first line":        {answer: ok + " X: y\r\nContent-Length: 2\r\n\r\nok", err: "malformed"},
		"a negative chunk":                {answer: ok + chunked + "\r\n-2\r\nok\r\n0\r\n\r\n", err: "invalid byte in chunk length"},
		"a chunk beyond 64 bits":          {answer: ok + chunked + "\r\n10000000000000002\r\nok\r\n0\r\n\r\n", err: "chunk length too large"},
		"a chunk without a size":          {answer: ok + chunked + "\r\n\r\nok\r\n0\r\n\r\n", err: "chunk"},
		"a chunk with 0x":                 {answer: ok + chunked + "\r\n0x2\r\nok\r\n0\r\n\r\n", err: "invalid byte in chunk length"},
		"a chunk longer than it says":     {answer: ok + chunked + "\r\n1\r\nok\r\n0\r\n\r\n", err: "malformed chunked"},
		"a chunk line with a line feed":   {answer: ok + chunked + "\r\n2\nok\r\n0\r\n\r\n", err: "chunk"},
		"an endless chunk extension":      {answer: ok + chunked + "\r\n1;" + strings.Repeat("x", 70<<10) + "\r\nk\r\n0\r\n\r\n", err: "line too long"},
		"extensions of many small chunks": {answer: ok + chunked + "\r\n" + strings.Repeat("1;"+strings.Repeat("x", 2000)+"\r\nk\r\n", 60) + "0\r\n\r\n", err: "chunk"},
		"an endless trailer":              {answer: ok + chunked + "\r\n2\r\nok\r\n0\r\n" + strings.Repeat("X: y\r\n", 20<<10) + "\r\n", err: "trailer"},
		"an endless header":               {answer: ok + "X: " + strings.Repeat("x", 70<<10), err: "too long"},
		"endless headers":                 {answer: ok + strings.Repeat("X: y\r\n", 20<<10), err: "too long"},
		"an endless first line":           {answer: "HTTP/1.1 200 " + strings.Repeat("x", 70<<10), err: "too long"},
		"interim answers without an end":  {answer: strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 100), err: "interim answers do not end"},
		"large interim answers":           {answer: strings.Repeat("HTTP/1.1 103 Early Hints\r\nX: "+strings.Repeat("x", 60<<10)+"\r\n\r\n", 6) + ok, err: "interim answers do not end"},
		"another protocol":                {answer: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", err: "another protocol"},
		"HTTP/2":                          {answer: "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok", err: "HTTP/2.0"},
		"HTTP/0.9":                        {answer: "HTTP/0.9 200 OK\r\nContent-Length: 2\r\n\r\nok", err: "HTTP/0.9"},
		"a status below all":              {answer: "HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\nok", err: "status"},
		"a status with a sign":            {answer: "HTTP/1.1 +20 Odd\r\nContent-Length: 2\r\n\r\nok", err: "status"},
		"a status of four figures":        {answer: "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok", err: "malformed"},
		"no HTTP":                         {answer: "220 mail.example ESMTP\r\n\r\n", err: "malformed"},
		"the end before the head":         {answer: "", err: "EOF", end: true},
		"the end within the head":         {answer: ok + "Content-Le", err: "breaks off within its head", end: true},
		"the end within the body":         {answer: ok + "Content-Length: 9\r\n\r\nok", err: "EOF", end: true},
		"the end within a chunk":          {answer: ok + chunked + "\r\n9\r\nok", err: "EOF", end: true},
		"the end before the last chunk":   {answer: ok + chunked + "\r\n2\r\nok\r\n", err: "EOF", end: true},
		"the end within the trailer":      {answer: ok + chunked + "\r\n2\r\nok\r\n0\r\nX: y\r\n", err: "trailer", end: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startScripted(t, c.answer, c.end)
			r := newRig(t, func(o *Options) { o.MaxHead = 64 << 10 })
			_, got, err := r.post(s.url, "q")
			switch {
			case c.err == "" && (err != nil || got != c.body):
				t.Errorf("%q, %v; want %q", got, err, c.body)
			case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
				t.Errorf("%v, want %q in it", err, c.err)
			}
			if n := r.waitingConns(); (n == 1) != c.again {
				t.Errorf("%d connections wait for another call, may it: %v", n, c.again)
			}
			time.Sleep(time.Millisecond)
			if _, got, err := r.post(s.url, "again"); got != "next" || err != nil {
				t.Errorf("the next call got %q, %v", got, err)
			}
			if want := map[bool]int32{true: 1, false: 2}[c.again]; r.dials.Load() != want {
				t.Errorf("%d connections, want %d", r.dials.Load(), want)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if len(s.bad) > 0 {
				t.Errorf("the server was sent %v", s.bad)
			}
		})
	}
}

// TestARefusalOfWhatWasNotRead: a server may refuse a large request without
// reading it, and close. The refusal is what the caller wants to know.
func TestARefusalOfWhatWasNotRead(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { ln.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_ = c.(*net.TCPConn).SetReadBuffer(4 << 10)
			_, _ = c.Read(make([]byte, 100))
			_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
			time.Sleep(20 * time.Millisecond)
			c.Close() // with what was not read: a reset
		}
	})
	r := newRig(t, func(o *Options) { o.MaxBody = 8 << 20 })
	refused := 0
	for range 10 {
		status, got, err := r.post("http://"+ln.Addr().String(), strings.Repeat("x", 6<<20))
		switch {
		case err == nil && (status != 413 || got != "no"):
			t.Fatal(status, got)
		case err == nil:
			refused++
		}
	}
	if refused == 0 { // a reset that overtakes the answer is the network's right
		t.Error("no refusal was read")
	}
	if r.waitingConns() != 0 {
		t.Error("a connection with half a request waits for another call")
	}
}

// FuzzAnswer gives a client any bytes as an answer, in two pieces. It must end, with
// an answer or an error, and agree with net/http where it takes the answer; a
// connection waits for another call only when the answer was whole, its framing
// clear, and nothing followed.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nok\r\n0\r\nA: b\r\n\r\n",
		"HTTP/1.1 103 X\r\n\r\nHTTP/1.0 200 OK\r\n\r\nok", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 204 X\r\nA : b\r\n\r\n",
		"HTTP/1.1 200 OK\nX: a\n b\nTransfer-Encoding: chunked\nContent-Length: 3\n\n0\r\n\r\n", "HTTP/1.1 101 X\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n",
	} {
		f.Add([]byte(s), 20)
	}
	f.Fuzz(func(t *testing.T, answer []byte, cut int) {
		client, server := net.Pipe()
		tr, err := New(Options{Other: &elsewhere{}, MaxHead: 4 << 10, Dial: func(context.Context, string, string) (net.Conn, error) { return client, nil }})
		if err != nil {
			t.Fatal(err)
		}
		defer tr.CloseIdleConnections()
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer server.Close()
			if req, err := http.ReadRequest(bufio.NewReader(server)); err != nil || req.Body.Close() != nil {
				return
			}
			at := min(max(cut, 0), len(answer))
			_, _ = server.Write(answer[:at])
			_, _ = server.Write(answer[at:])
		}()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://h/x", strings.NewReader("q"))
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		resp, err := tr.RoundTrip(req)
		if err == nil {
			got, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		tr.mu.Lock()
		waits := len(tr.idle["h:80"]) > 0
		tr.mu.Unlock()
		if waits && err != nil {
			t.Fatalf("%q: a connection waits after %v", answer, err)
		}
		if err == nil {
			agree(t, req, answer, resp.StatusCode, got, waits)
		}
		tr.CloseIdleConnections()
		client.Close()
		<-done
	})
}

// agree compares an answer with net/http's reading of the same bytes.
func agree(t *testing.T, req *http.Request, answer []byte, status int, got []byte, waits bool) {
	t.Helper()
	br := bufio.NewReader(bytes.NewReader(answer))
	for {
		want, err := http.ReadResponse(br, req)
		if err != nil {
			t.Fatalf("%q was taken, net/http says %v", answer, err)
		}
		if want.StatusCode < 200 {
			continue
		}
		body, err := io.ReadAll(want.Body)
		if err != nil || want.StatusCode != status || !bytes.Equal(body, got) {
			t.Fatalf("%q: %d %q, net/http: %d %q %v", answer, status, got, want.StatusCode, body, err)
		}
		if rest, _ := io.ReadAll(br); waits && len(rest) > 0 {
			t.Logf("%d bytes follow; they may not have come yet", len(rest))
		}
		return
	}
}

// BenchmarkInspect is what looking at a usual head costs.
func BenchmarkInspect(b *testing.B) {
	head := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Sun, 22 Nov 2026 20:00:00 GMT\r\nX-Request-Id: 0123456789abcdef\r\nX-Ratelimit-Remaining: 99\r\nContent-Length: 512\r\n\r\n")
	b.ReportAllocs()
	for b.Loop() {
		if odd, err := inspect(head); odd || err != nil {
			b.Fatal(odd, err)
		}
	}
}
