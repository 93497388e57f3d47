package http1

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// plain reads the head of an answer of the plainest form, which is that of nearly all:
// a final status, and headers of which one is the length of the body and none says
// anything else of the connection or the framing. It returns nil, with nothing read, for
// every other head and for one that has not come whole; [http.ReadResponse] and
// [inspect] decide about those. What it takes, they read in the same way.
func plain(br *bufio.Reader, req *http.Request) *http.Response {
	if req.Method == http.MethodHead {
		return nil
	}
	if _, err := br.Peek(1); err != nil {
		return nil
	}
	came, _ := br.Peek(br.Buffered()) // it is there already
	end := bytes.Index(came, []byte("\r\n\r\n"))
	if end < 0 {
		return nil
	}
	head := string(came[:end+2])
	status, fields, _ := strings.Cut(head, "\r\n")
	resp := plainStatus(status)
	if resp == nil {
		return nil
	}
	lines := strings.Count(fields, "\n")
	values := make([]string, 0, lines) // one allocation for all; a slice of it cannot grow
	resp.Header = make(http.Header, lines)
	for fields != "" {
		var line string
		line, fields, _ = strings.Cut(fields, "\r\n")
		name, value, ok := strings.Cut(line, ":")
		if !ok || !token(name) || !shown(value) {
			return nil
		}
		name, value = textproto.CanonicalMIMEHeaderKey(name), strings.Trim(value, " \t")
		_, again := resp.Header[name]
		switch {
		case name == "Content-Length":
			if resp.ContentLength = digits(value); again || resp.ContentLength <= 0 {
				return nil
			}
		case framing(name):
			return nil
		}
		if again {
			resp.Header[name] = append(resp.Header[name], value)
			continue
		}
		values = append(values, value)
		resp.Header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	if resp.ContentLength == 0 {
		return nil
	}
	_, _ = br.Discard(end + 4) // it was there
	resp.Request, resp.Body = req, &sized{br: br, left: resp.ContentLength}
	return resp
}

// plainStatus reads the first line of an answer that may have a body.
func plainStatus(line string) *http.Response {
	const proto = "HTTP/1.1"
	rest, ok := strings.CutPrefix(line, proto+" ")
	if !ok || len(rest) < 3 || len(rest) > 3 && rest[3] != ' ' || !shown(rest) {
		return nil
	}
	code := digits(rest[:3])
	if code < 200 || code > 599 || code == http.StatusNoContent || code == http.StatusNotModified {
		return nil
	}
	return &http.Response{Status: rest, StatusCode: int(code), Proto: proto, ProtoMajor: 1, ProtoMinor: 1}
}

// framing reports whether a header says something of the connection, of where the
// answer ends, or is one net/http rewrites.
func framing(name string) bool {
	switch name {
	case "Connection", "Transfer-Encoding", "Trailer", "Upgrade", "Pragma", "Keep-Alive", "Proxy-Connection":
		return true
	}
	return false
}

// shown reports whether s has only visible characters, spaces and tabs.
func shown(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < ' ' && c != '\t') || c > '~' {
			return false
		}
	}
	return true
}

// digits is a number of up to 18 digits, or -1.
func digits(s string) int64 {
	if len(s) == 0 || len(s) > 18 {
		return -1
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return -1
		}
	}
	n, _ := strconv.ParseInt(s, 10, 64) // 18 digits fit
	return n
}

// sized is a body of a known length.
type sized struct {
	br   *bufio.Reader
	left int64
}

// Read says that the body ends together with its last bytes.
func (s *sized) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := s.br.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	switch {
	case s.left == 0:
		err = io.EOF
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Close does nothing: the connection is looked after by [body].
func (*sized) Close() error { return nil }
