package hwasim

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// ServeHTTP serves the REST API V2 below /twsd/api/v2.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.disturb(w, r) {
		s.serveAPI(w, r)
	}
}

// serveAPI serves a request that no transport fault has caught.
func (s *Sim) serveAPI(w http.ResponseWriter, r *http.Request) {
	if !sleep(r.Context(), s.cfg.Latency) {
		return
	}
	if !strings.HasPrefix(r.URL.Path, base+"/") {
		status := http.StatusNotFound
		if strings.HasSuffix(r.URL.Path, "/login") {
			status = http.StatusUnauthorized // there is no session login
		}
		writeError(w, fail(status, "", "%s is not part of this API", r.URL.Path))
		return
	}
	s.mu.RLock()
	user, err := s.authenticate(r)
	s.mu.RUnlock()
	if err != nil {
		w.Header().Set("WWW-Authenticate", `Basic realm="default"`)
		writeError(w, fail(http.StatusUnauthorized, "AWSBEH021E", "Wrong user, password or API key."))
		return
	}
	if bodied(r.Method) && r.Header.Get("Content-Type") == "" {
		writeError(w, fail(http.StatusUnsupportedMediaType, "", "HTTP 415 Unsupported Media Type: a Content-Type header is required"))
		return
	}
	rec := &statusFix{ResponseWriter: w}
	s.wire.mux.ServeHTTP(rec, r.WithContext(context.WithValue(r.Context(), userKey{}, user)))
}

func bodied(method string) bool {
	return method == http.MethodPut || method == http.MethodPost || method == http.MethodPatch
}

// sleep waits d of real time; false when the caller hung up first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// statusFix turns the router's plain-text 404 and 405 into the API's JSON.
type statusFix struct {
	http.ResponseWriter
	fixed bool
}

// WriteHeader replaces the router's own errors.
func (f *statusFix) WriteHeader(status int) {
	if f.Header().Get("X-Content-Type-Options") != "" && (status == http.StatusNotFound || status == http.StatusMethodNotAllowed) {
		f.fixed = true
		f.Header().Del("X-Content-Type-Options")
		text := "HTTP 404 Not Found"
		if status == http.StatusMethodNotAllowed {
			text = "HTTP 405 Method Not Allowed"
		}
		writeError(f.ResponseWriter, fail(status, "", "%s", text))
		return
	}
	f.ResponseWriter.WriteHeader(status)
}

// Write drops the text that belongs to a replaced error.
func (f *statusFix) Write(b []byte) (int, error) {
	if f.fixed {
		return len(b), nil
	}
	return f.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (f *statusFix) Unwrap() http.ResponseWriter { return f.ResponseWriter }
