package hwa

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says what sort of failure an Error is. The list is closed.
type Kind string

// The kinds of failure.
const (
	KindAuth         Kind = "auth"          // not logged in: 401, a login page, a redirect to one
	KindForbidden    Kind = "forbidden"     // logged in, not allowed
	KindNotFound     Kind = "not_found"     // no such object, or the filter matches none
	KindConflict     Kind = "conflict"      // the object exists already or is locked
	KindBadRequest   Kind = "bad_request"   // the engine does not accept the request as written
	KindBusiness     Kind = "business"      // the engine understood and refused: wrong state, unknown definition …
	KindOutage       Kind = "outage"        // the engine or a proxy failed: 5xx without a business code
	KindTimeout      Kind = "timeout"       // no (complete) answer in time
	KindTLS          Kind = "tls"           // certificate or handshake
	KindUnreachable  Kind = "unreachable"   // no connection, or it broke
	KindCanceled     Kind = "canceled"      // the caller gave up
	KindProtocol     Kind = "protocol"      // the answer is not what the API promises
	KindNotSupported Kind = "not_supported" // this engine does not have the operation
	KindInvalid      Kind = "invalid"       // refused by this client before anything was sent
)

// Error is the error of every Client method. Its text never contains the password or the token.
type Error struct {
	Op         string        // the operation in words, with its target: "hold job 9daec769-…"
	URL        string        // address asked, without query
	HTTPStatus int           // 0 when no answer came
	Codes      []string      // AWS… and AWK… message codes found in the answer, in order, without repetition
	Message    string        // what happened, for an operator
	Kind       Kind          // what sort of failure
	Retryable  bool          // a read that may well succeed when repeated; never true for a write
	RetryAfter time.Duration // what the server asked to wait, 0 when it did not say

	// MayHaveActed is true for a write of which the engine may have carried out all or part. The write must not be repeated:
	// read the object again to learn what happened.
	MayHaveActed bool

	ServerText string // the engine's own words, bounded and free of secrets
	Err        error  // cause, may be nil
}

// Error returns one line for people.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	b.WriteString(": ")
	b.WriteString(e.Message)
	if missing := codesNotIn(e.Codes, e.Message); len(missing) > 0 {
		fmt.Fprintf(&b, " [%s]", strings.Join(missing, " "))
	}
	if e.MayHaveActed {
		b.WriteString("; the engine may already have acted, look at the object before doing it again")
	}
	return b.String()
}

// Unwrap returns the cause, so that errors.Is(err, context.Canceled) works.
func (e *Error) Unwrap() error { return e.Err }

// CountsAsOutage reports whether the failure says something about the health of the engine's address: what a circuit breaker
// should count. A refusal by the engine does not.
func (e *Error) CountsAsOutage() bool {
	switch e.Kind {
	case KindOutage, KindTimeout, KindTLS, KindUnreachable:
		return e.HTTPStatus != 500
	}
	return false
}

// KindOf returns the Kind of the *Error in err's chain. A bare context error is a timeout or a cancellation; anything else is "".
func KindOf(err error) Kind {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.DeadlineExceeded):
		return KindTimeout
	case errors.Is(err, context.Canceled):
		return KindCanceled
	}
	return ""
}

func codesNotIn(codes []string, text string) []string {
	var out []string
	for _, c := range codes {
		if !strings.Contains(text, c) {
			out = append(out, c)
		}
	}
	return out
}

func invalid(op, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Op: op, Kind: KindInvalid, Message: err.Error(), Err: errors.Unwrap(err)}
}
