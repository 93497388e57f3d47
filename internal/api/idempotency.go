package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"resync/internal/store"
	"resync/internal/telemetry"
)

// Keys remembers requests by their Idempotency-Key; it is the store.
type Keys interface {
	ClaimKey(context.Context, store.KeyRequest) (store.KeyClaim, error)
	ExtendKey(context.Context, store.KeyClaim, time.Duration) error
	EndKey(context.Context, store.KeyClaim, *store.KeyAnswer) error // nil: nothing was done
}

const (
	keyLease = 30 * time.Second // an owner that says nothing for so long counts as dead
	keyWait  = 5 * time.Second  // for one answer of the store
	maxReply = 1 << 20          // the largest answer that is kept
)

// once carries a request with an Idempotency-Key out at most once. What the
// header must look like and what is answered follows the IETF's draft
// draft-ietf-httpapi-idempotency-key-header: 400, 409 and 422.
func (s *server) once(hc huma.Context, next func(huma.Context)) {
	rule, _ := hc.Operation().Metadata["key"].(keyRule)
	if rule == keyNone || rule == "" {
		next(hc)
		return
	}
	r, w := humago.Unwrap(hc)
	r = r.WithContext(hc.Context())
	key, err := parseKey(r.Header.Values(keyHeader))
	switch {
	case err != nil:
		s.keyProblem(w, r, http.StatusBadRequest, err.Error(), nil)
		return
	case key == "" && rule == keyRuns && s.RequireKey:
		s.keyProblem(w, r, http.StatusBadRequest, "this request may act on an engine and therefore needs an Idempotency-Key header; /docs#idempotency tells how", nil)
		return
	case key == "":
		next(hc)
		return
	}
	body, ok := s.keyBody(w, r, hc.Operation().MaxBodyBytes)
	if !ok {
		return
	}
	user := identityOf(r.Context()).User
	ctx, stop := context.WithTimeout(context.WithoutCancel(r.Context()), keyWait)
	defer stop()
	claim, err := s.Keys.ClaimKey(ctx, store.KeyRequest{Scope: "user:" + user, Key: key, Fingerprint: fingerprint(r, user, body),
		Owner: store.NewID("key"), TTL: rule.ttl(), Lease: keyLease, Retake: rule == keyRuns})
	if err != nil {
		s.Log.ErrorContext(r.Context(), "claiming an idempotency key", "err", err)
		w.Header().Set("Retry-After", databaseRetry)
		s.keyProblem(w, r, http.StatusServiceUnavailable, "nothing was done: the database of Resync does not answer, so it cannot be known whether this request was carried out before; try again with the same key", nil)
		return
	}
	s.Metrics.IdempotencyKey(string(claim.State))
	if claim.State != store.KeyFresh {
		s.answerKey(w, r, claim)
		return
	}
	s.carryOut(hc.Operation(), r, w, claim, rule, next)
}

// keyBody reads the body for its fingerprint and puts it back.
func (s *server) keyBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, bool) {
	if r.Body == nil {
		return nil, true
	}
	if limit <= 0 {
		limit = 1 << 20
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &tooBig):
		s.keyProblem(w, r, http.StatusRequestEntityTooLarge, fmt.Sprintf("the request body is larger than %d bytes", limit), nil)
	case err != nil:
		s.keyProblem(w, r, http.StatusBadRequest, "the request body could not be read", nil)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, err == nil
}

// answerKey answers a request whose key is not fresh.
func (s *server) answerKey(w http.ResponseWriter, r *http.Request, k store.KeyClaim) {
	more := map[string]any{"operation_state": string(k.State)}
	if k.RunID != "" {
		more["operation_ref"] = "/api/v1/agents/runs/" + k.RunID
		if st, err := s.Engines[0].Exec.Ledger().LoadRun(r.Context(), k.RunID); err == nil {
			more["operation_outcome"] = st.Status()
		}
	}
	switch {
	case k.State == store.KeyMismatch:
		s.keyProblem(w, r, http.StatusUnprocessableEntity, "this Idempotency-Key was used for another request; use a new key for a new request", nil)
	case k.State == store.KeyInProgress:
		w.Header().Set("Retry-After", "1")
		s.keyProblem(w, r, http.StatusConflict, "the request with this Idempotency-Key is still being carried out; ask again with the same key", more)
	case k.State == store.KeyIndeterminate:
		s.keyProblem(w, r, http.StatusConflict, "Resync stopped while it carried this request out, and nothing is sent a second time. "+
			"Look at operation_ref, or at the journal of actions, for what came of it; then use a new key if it is still needed", more)
	case k.Answer.Status == 0:
		more["operation_state"] = "completed"
		s.keyProblem(w, r, http.StatusConflict, fmt.Sprintf("the request was carried out; its answer was larger than %d bytes and is not kept", maxReply), more)
	default:
		for name, values := range k.Answer.Header {
			w.Header()[name] = values
		}
		w.Header().Set("Idempotency-Replayed", "true")
		w.WriteHeader(k.Answer.Status)
		_, _ = w.Write(k.Answer.Body) // a client that is gone asks again
	}
}

// carryOut does the work and keeps its answer. The client's connection no longer
// decides over it: who sends a key means to ask again.
func (s *server) carryOut(op *huma.Operation, r *http.Request, w http.ResponseWriter, k store.KeyClaim, rule keyRule, next func(huma.Context)) {
	ctx := store.WithKey(context.WithoutCancel(r.Context()), k)
	stop := s.keepKey(ctx, k)
	out := newKeyWriter(w)
	ended := false
	defer func() {
		stop()
		// After a fault it is not known how far the work got: only what cannot have
		// begun is given up, the rest answers "indeterminate" from now on.
		if !ended && rule == keyRuns && !store.KeyLinked(ctx) {
			s.endKey(ctx, k, nil)
		}
	}()
	next(humago.NewContext(op, r.WithContext(ctx), out))
	ended = true
	stop()
	kept := out.kept(store.KeyLinked(ctx), rule)
	if secret, _ := op.Metadata["secret"].(string); secret != "" && kept != nil {
		kept.Body = withoutMember(kept.Body, secret)
	}
	s.endKey(ctx, k, kept)
	out.send()
}

// endKey stores the answer before the client gets it. If that fails the answer
// is sent all the same, and the key stays as after a crash.
func (s *server) endKey(ctx context.Context, k store.KeyClaim, a *store.KeyAnswer) {
	ctx, stop := context.WithTimeout(ctx, keyWait)
	defer stop()
	if err := s.Keys.EndKey(ctx, k, a); err != nil {
		s.Log.ErrorContext(ctx, "keeping the answer of a request with an Idempotency-Key", "err", err)
	}
}

// keepKey extends the claim while the work goes on.
func (s *server) keepKey(ctx context.Context, k store.KeyClaim) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var beat func()
	beat = func() {
		if err := s.Keys.ExtendKey(ctx, k, keyLease); err != nil {
			if ctx.Err() == nil {
				s.Log.ErrorContext(ctx, "extending the claim of an Idempotency-Key", "err", err)
			}
			return
		}
		time.AfterFunc(keyLease/3, beat)
	}
	first := time.AfterFunc(keyLease/3, beat)
	return func() { first.Stop(); cancel() }
}

// keyProblem refuses, with what is known of the operation in members of ours.
func (s *server) keyProblem(w http.ResponseWriter, r *http.Request, status int, text string, more map[string]any) {
	w.Header().Add("Link", `</docs#idempotency>; rel="help"`)
	doc := map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": text, "trace_id": telemetry.TraceID(r.Context())}
	for name, v := range more {
		doc[name] = v
	}
	writeProblemDoc(w, status, doc)
}

// keyWriter holds an answer back until it is stored, and lets a stream through
// while it keeps a copy.
type keyWriter struct {
	http.ResponseWriter
	before map[string]bool // :: headers that were there already
	status int
	body   bytes.Buffer
	big    bool // larger than is kept
	passed bool // the head has been sent
}

func newKeyWriter(w http.ResponseWriter) *keyWriter {
	k := &keyWriter{ResponseWriter: w, before: map[string]bool{}}
	for name := range w.Header() {
		k.before[name] = true
	}
	return k
}

// WriteHeader notes the status.
func (k *keyWriter) WriteHeader(code int) {
	if k.status == 0 {
		k.status = code
	}
}

// Write keeps p. A client that is gone does not stop the work.
func (k *keyWriter) Write(p []byte) (int, error) {
	k.WriteHeader(http.StatusOK)
	if k.passed {
		_, _ = k.ResponseWriter.Write(p)
	}
	if k.big = k.big || k.body.Len()+len(p) > maxReply; !k.big || !k.passed {
		k.body.Write(p)
	}
	return len(p), nil
}

// FlushError is a stream's sign that its head and what is written must leave.
func (k *keyWriter) FlushError() error {
	k.send()
	_ = http.NewResponseController(k.ResponseWriter).Flush() // a client that is gone asks again
	return nil
}

// Unwrap lets http.ResponseController reach the connection.
func (k *keyWriter) Unwrap() http.ResponseWriter { return k.ResponseWriter }

// send lets the answer go, once.
func (k *keyWriter) send() {
	if k.passed {
		return
	}
	k.WriteHeader(http.StatusOK)
	k.passed = true
	k.ResponseWriter.WriteHeader(k.status)
	_, _ = k.ResponseWriter.Write(k.body.Bytes()) // a client that is gone asks again
}

// kept is the answer to replay, nil when nothing was done and the key may be
// used again: a refusal before the work began, or a failure of work that can
// only have begun with a run.
func (k *keyWriter) kept(linked bool, rule keyRule) *store.KeyAnswer {
	k.WriteHeader(http.StatusOK)
	refused := k.status >= 400 && k.status < 500
	failed := k.status >= 500 && rule == keyRuns
	if !linked && (refused || failed) {
		return nil
	}
	if k.big {
		return &store.KeyAnswer{}
	}
	a := &store.KeyAnswer{Status: k.status, Header: http.Header{}, Body: k.body.Bytes()}
	for name, values := range k.Header() {
		if !k.before[name] && name != "Set-Cookie" {
			a.Header[name] = values
		}
	}
	return a
}
