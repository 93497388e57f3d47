package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"resync/internal/auth"
	"resync/internal/telemetry"
	"resync/tool"
)

type ctxKey int

const postureKey ctxKey = iota

// identityOf returns the session's identity; its User is "" when nobody is
// signed in.
func identityOf(ctx context.Context) auth.Identity {
	return postureOf(ctx).id
}

// person is the identity as the executor knows it.
func person(ctx context.Context) tool.Identity {
	id := identityOf(ctx)
	return tool.Identity{User: id.User, Roles: id.Roles.Names()}
}

// guard lets a request pass only with the role its route declares. Roles come
// from the session and from nowhere else.
func (s *server) guard(hc huma.Context, next func(huma.Context)) {
	role, declared := hc.Operation().Metadata["role"].(auth.Role)
	if !declared {
		s.deny(hc, http.StatusForbidden, "this route declares no role, so nobody may use it")
		return
	}
	if role == "" {
		next(hc)
		return
	}
	id, err := s.identify(hc)
	switch {
	case unknown(err):
		s.deny(hc, http.StatusUnauthorized, "sign in first: "+err.Error())
		return
	case err != nil:
		s.Log.ErrorContext(hc.Context(), "checking a session", "err", err)
		hc.SetHeader("Retry-After", databaseRetry)
		s.deny(hc, http.StatusServiceUnavailable, "nothing was done: the database of Resync does not answer, so it cannot be checked who you are. It goes on by itself when the database is back; try again in "+databaseRetry+" s")
		return
	}
	if !id.Roles.Has(role) {
		s.deny(hc, http.StatusForbidden, fmt.Sprintf("this needs the role %s; %s has %s", role, id.User, strings.Join(id.Roles.Names(), ", ")))
		return
	}
	p, ok := hc.Context().Value(postureKey).(*posture)
	if !ok {
		s.deny(hc, http.StatusForbidden, "this route stands outside of what every request meets, so nobody may use it")
		return
	}
	p.id = id
	next(hc)
}

// databaseRetry is after how many seconds it is worth asking again when the
// database is away: it is looked at every second.
const databaseRetry = "2"

func (s *server) deny(hc huma.Context, status int, text string) {
	if w, r, ok := onLLM(hc); ok {
		refuseLLM(w, r, status, text, nil)
		return
	}
	if err := huma.WriteErr(s.api, hc, status, text); err != nil {
		s.Log.WarnContext(hc.Context(), "writing a refusal", "err", err)
	}
}

// wrap puts the rules every request meets around the routes.
func (s *server) wrap(mux *http.ServeMux) http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, r, http.StatusForbidden, "this request was sent by a page of another site; only Resync's own pages may")
	}))
	var h http.Handler = mux
	h = strictJSON(h)
	h = cross.Handler(h)
	h = secureHeaders(h)
	h = s.recovered(h)
	return s.observed(mux, h)
}

// secureHeaders are the same for every answer. The console sets its own
// content security policy. Answers of the language models go to programs, as data:
// what keeps a page from being framed or opened by another is not for them.
func secureHeaders(next http.Handler) http.Handler {
	fixed := []string{"nosniff", "DENY", "no-referrer", "same-origin", "default-src 'none'; frame-ancestors 'none'", "no-store"}
	only := func(i int) []string { return fixed[i : i+1 : i+1] } // adding to it makes a copy
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header() // the names are written as net/http keeps them, which spares translating them
		h["X-Content-Type-Options"] = only(0)
		if isAPI(r.URL.Path) {
			h["Cache-Control"] = only(5)
		}
		if !isLLM(r) {
			h["X-Frame-Options"], h["Referrer-Policy"] = only(1), only(2)
			h["Cross-Origin-Opener-Policy"], h["Content-Security-Policy"] = only(3), only(4)
		}
		next.ServeHTTP(w, r)
	})
}

func isAPI(path string) bool {
	return strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/llm/") || strings.HasPrefix(path, "/tws/") || strings.HasPrefix(path, "/chat/")
}

// maxJSON is the largest JSON body of any route.
const maxJSON = 64 << 10

// strictJSON refuses bodies that two parsers could read differently: duplicate
// and case-variant keys, trailing data, deep nesting. It does not ask for the
// Content-Type, because a body without one is read as JSON too.
func strictJSON(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody || r.Method == http.MethodGet || isLLM(r) {
			next.ServeHTTP(w, r)
			return
		}
		if isUpload(r) { // the one route whose body is not JSON
			boundUpload(w, r, next)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxJSON))
		if err != nil {
			status, text := http.StatusBadRequest, "the request body could not be read"
			var tooBig *http.MaxBytesError
			if errors.As(err, &tooBig) {
				status, text = http.StatusRequestEntityTooLarge, fmt.Sprintf("the request body is larger than %d bytes", maxJSON)
			}
			writeProblem(w, r, status, text)
			return
		}
		if err := checkJSON(bytes.TrimSpace(body)); err != nil {
			writeProblem(w, r, http.StatusBadRequest, err.Error())
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// checkJSON reads an object, or a batch of them, strictly. What is neither is
// left to the operation, which refuses it.
func checkJSON(body []byte) error {
	if len(body) == 0 || (body[0] != '{' && body[0] != '[') {
		return nil
	}
	if body[0] == '[' {
		body = slices.Concat([]byte(`{"batch":`), body, []byte("}"))
	}
	canonical, err := tool.Canonical(body)
	if err != nil {
		return err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(canonical, &fields); err != nil {
		return err
	}
	for name := range fields {
		if low := strings.ToLower(name); low != name {
			return &tool.ArgError{Field: name, Problem: fmt.Sprintf("field names are written in small letters; %q may be meant", low)}
		}
	}
	return nil
}

// elsewhere answers what no operation does: console pages are the console's,
// everything else gets a problem document that says what is wrong with it.
func (s *server) elsewhere(mux *http.ServeMux) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var allow []string
		for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			try := r.Clone(r.Context())
			try.Method = m
			if _, pattern := mux.Handler(try); pattern != "/" {
				allow = append(allow, m)
			}
		}
		read := r.Method == http.MethodGet || r.Method == http.MethodHead
		switch {
		case len(allow) > 0:
			w.Header().Set("Allow", strings.Join(allow, ", "))
			writeProblem(w, r, http.StatusMethodNotAllowed, fmt.Sprintf("%s does not take %s; it takes %s", r.URL.Path, r.Method, strings.Join(allow, ", ")))
		case !read || isAPI(r.URL.Path):
			writeProblem(w, r, http.StatusNotFound, "there is no "+r.URL.Path+" here; /docs lists what there is")
		default:
			s.Console.ServeHTTP(w, r)
		}
	}
}

// observed gives every request its trace id, its log line and its metrics.
func (s *server) observed(mux *http.ServeMux, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, end := s.Tracing.Request(r.Context(), r.Method, r.Header)
		p := &posture{start: time.Now()}
		r = r.WithContext(context.WithValue(ctx, postureKey, p))
		id := telemetry.TraceID(ctx)
		w.Header()["X-Correlation-Id"] = []string{id}
		rec := &recorder{ResponseWriter: w, head: p.write}
		defer s.Metrics.HTTPStarted()()
		defer func() { // also of an answer that is broken off by a panic with http.ErrAbortHandler
			took := time.Since(p.start)
			pattern := r.Pattern // set by the mux on its way
			if pattern == "" {   // refused before
				_, pattern = mux.Handler(r)
			}
			if _, path, found := strings.Cut(pattern, " "); found {
				pattern = path
			}
			s.Metrics.HTTPRequest(r.Method, pattern, rec.code(), took)
			end(pattern, rec.code())
			if !s.Log.Enabled(r.Context(), slog.LevelDebug) {
				return // most servers: making the words of a line nobody reads costs as well
			}
			s.Log.DebugContext(r.Context(), "request", "method", r.Method, "route", pattern, "status", rec.code(), "duration_ms", took.Milliseconds())
		}()
		next.ServeHTTP(rec, r)
	})
}

// recovered turns a panic of a handler into a problem document.
func (s *server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p) // the server's own way to drop a connection
			}
			s.Log.ErrorContext(r.Context(), "internal fault", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			writeProblem(w, r, http.StatusInternalServerError, "internal fault; the log has the details")
		}()
		next.ServeHTTP(w, r)
	})
}

// recorder remembers the status of an answer, and completes its head at the
// last moment.
type recorder struct {
	http.ResponseWriter
	head   func(http.Header)
	status int
}

func (r *recorder) WriteHeader(code int) {
	if r.status == 0 && code >= 200 {
		r.status = code
		r.head(r.Header())
	}
	r.ResponseWriter.WriteHeader(code)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.WriteHeader(http.StatusOK)
	}
	return r.ResponseWriter.Write(b)
}

func (r *recorder) code() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// Flush passes on what a stream has written.
func (r *recorder) Flush() { _ = http.NewResponseController(r.ResponseWriter).Flush() }

// clientIP is the address of the peer. Forwarding headers are not believed.
func clientIP(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	return host
}
