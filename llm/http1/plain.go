package http1

import (
	"bytes"
	"io"
	"net/http"
	"net/textproto"
	"strings"
)

// Most heads are plain, and were received whole. They are read here, with half of
// the work; everything else is left to [http.ReadResponse], which reads what was not
// consumed here from its beginning.

// plainSpace is for how many values of headers there is room from the start.
const plainSpace = 16

var (
	headEnd  = []byte("\r\n\r\n")
	protocol = []byte("HTTP/1.1 ")
)

// plain reads a head that stands whole in b and leaves nothing to be interpreted: an
// answer 2xx to 5xx with one Content-Length and without a header that changes how the
// rest is to be read. n is its length; nil, 0 for any other.
func plain(b []byte, req *http.Request) (resp *http.Response, n int) {
	end := bytes.Index(b, headEnd)
	if end < 0 || !bytes.HasPrefix(b, protocol) || req.Method == http.MethodHead || req.Method == http.MethodConnect {
		return nil, 0
	}
	line, rest, _ := strings.Cut(string(b[:end+2]), "\r\n") // one copy for all names and values
	status := line[len(protocol):]
	code := statusCode(status)
	if code < 200 || code == http.StatusNoContent || code == http.StatusNotModified || !shown(status) {
		return nil, 0
	}
	resp = &http.Response{Status: status, StatusCode: code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1, Request: req}
	resp.Header = make(http.Header, 8)
	values := make([]string, 0, plainSpace)
	for rest != "" {
		line, rest, _ = strings.Cut(rest, "\r\n")
		name, value, ok := strings.Cut(line, ": ")
		if !ok || !token(name) || !shown(value) {
			return nil, 0
		}
		name = textproto.CanonicalMIMEHeaderKey(name)
		switch name {
		case "Connection", "Transfer-Encoding", "Trailer", "Pragma", "Keep-Alive", "Upgrade":
			return nil, 0
		case "Content-Length":
			if resp.ContentLength >= 0 {
				return nil, 0
			}
			if resp.ContentLength = length(value); resp.ContentLength <= 0 {
				return nil, 0
			}
		}
		if len(values) == cap(values) || resp.Header[name] != nil {
			return nil, 0
		}
		values = append(values, value)
		resp.Header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	if resp.ContentLength < 0 {
		return nil, 0
	}
	return resp, end + len(headEnd)
}

// statusCode is the code at the beginning of "200 OK"; 0 when none stands there.
func statusCode(s string) int {
	if len(s) < 5 || s[3] != ' ' {
		return 0
	}
	code := 0
	for i := range 3 {
		if s[i] < '0' || s[i] > '9' {
			return 0
		}
		code = code*10 + int(s[i]-'0')
	}
	if code >= 600 {
		return 0
	}
	return code
}

// length is a Content-Length in plain digits, -1 for any other.
func length(s string) int64 {
	if s == "" || len(s) > 15 {
		return -1
	}
	n := int64(0)
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return -1
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n
}

// shown reports whether s is printable ASCII that neither begins nor ends with a space.
func shown(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && s[0] != ' ' && s[len(s)-1] != ' '
}

// counted is a body of known length. Its end comes together with its last bytes.
type counted struct {
	r    io.Reader
	left int64
}

// Read reads as much as is left.
func (c *counted) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, io.EOF
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	switch {
	case c.left == 0:
		err = io.EOF
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Close does nothing: the connection is closed by the one who holds it.
func (*counted) Close() error { return nil }
