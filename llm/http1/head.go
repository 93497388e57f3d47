package http1

import (
	"fmt"
	"net/http"
	"strconv"
)

// userAgent is what a request says of its sender when it does not say so itself.
const userAgent = "resync"

// appendHead appends the head of a request (RFC 9112 §3). Names and values that
// could be taken for something else are refused, never repaired.
func appendHead(buf []byte, req *http.Request) ([]byte, error) {
	buf, err := appendFields(buf, req)
	if err != nil {
		return buf, err
	}
	if sends(req) {
		buf = append(buf, "Content-Length: "...)
		buf = append(strconv.AppendInt(buf, req.ContentLength, 10), '\r', '\n')
	}
	return append(buf, '\r', '\n'), nil
}

// appendFields appends all of a head but the length of the body and the end.
func appendFields(buf []byte, req *http.Request) ([]byte, error) {
	method, host, target := req.Method, req.Host, req.URL.RequestURI()
	if method == "" {
		method = http.MethodGet
	}
	if host == "" {
		host = req.URL.Host
	}
	switch {
	case !token(method):
		return buf, fmt.Errorf("the method %q cannot be sent", method)
	case !visible(host):
		return buf, fmt.Errorf("the host %q cannot be sent", host)
	case !visible(target):
		return buf, fmt.Errorf("the address %q cannot be sent", target)
	}
	buf = append(append(append(buf, method...), ' '), target...)
	buf = append(append(append(buf, " HTTP/1.1\r\nHost: "...), host...), '\r', '\n')
	if _, has := req.Header["User-Agent"]; !has {
		buf = append(buf, "User-Agent: "+userAgent+"\r\n"...)
	}
	for name, values := range req.Header {
		if !token(name) {
			return buf, fmt.Errorf("the header name %q cannot be sent", name)
		}
		for _, v := range values {
			if !fieldValue(v) {
				return buf, fmt.Errorf("the value of the header %s has characters that cannot be sent", name) // it may be a key: not shown
			}
			buf = append(append(append(append(buf, name...), ": "...), v...), '\r', '\n')
		}
	}
	return buf, nil
}

// sends reports whether a request says how long its body is.
func sends(req *http.Request) bool {
	return req.ContentLength > 0 || req.Method == http.MethodPost || req.Method == http.MethodPut || req.Method == http.MethodPatch
}

// token reports whether s is a token (RFC 9110 §5.6.2).
func token(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '!', c == '#', c == '$', c == '%', c == '&', c == '\'', c == '*', c == '+', c == '-', c == '.', c == '^', c == '_', c == '`', c == '|', c == '~':
		default:
			return false
		}
	}
	return s != ""
}

// visible reports whether s can stand in the first lines of a request.
func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}

// fieldValue reports whether s can be the value of a header (RFC 9110 §5.5).
func fieldValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < ' ' && c != '\t') || c == 0x7f {
			return false
		}
	}
	return true
}
