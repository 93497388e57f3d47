package breaker

import (
	"context"
	"errors"
	"net/http"
)

// outcomer lets an error of another package say what it means.
type outcomer interface{ BreakerOutcome() Outcome }

// ignoredError is an error that says nothing about the dependency.
type ignoredError struct{ err error }

func (e *ignoredError) Error() string           { return e.err.Error() }
func (e *ignoredError) Unwrap() error           { return e.err }
func (e *ignoredError) BreakerOutcome() Outcome { return Ignored }

// Ignore marks an error as one that says nothing about the dependency's health,
// e.g. of a call that a limiter shed. nil stays nil.
func Ignore(err error) error {
	if err == nil {
		return nil
	}
	return &ignoredError{err}
}

// Classify is the outcome an error stands for: nil is Success; a method
// BreakerOutcome() Outcome in its chain decides; a cancelled caller is Ignored;
// everything else, a deadline that ran out included, is a Failure.
func Classify(err error) Outcome {
	var o outcomer
	switch {
	case err == nil:
		return Success
	case errors.As(err, &o):
		return o.BreakerOutcome()
	case errors.Is(err, context.Canceled):
		return Ignored
	}
	return Failure
}

// ClassifyResponse is the outcome of an HTTP exchange up to its headers. An
// answer below 500 shows that the other side is alive, whatever it thinks of the
// request: it never counts as a failure. 408 and 429 are Ignored, because the
// side that asks for a pause is neither well nor down.
func ClassifyResponse(resp *http.Response, err error) Outcome {
	switch {
	case err != nil || resp == nil:
		return Classify(err)
	case resp.StatusCode == http.StatusRequestTimeout || resp.StatusCode == http.StatusTooManyRequests:
		return Ignored
	case resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented:
		return Failure
	}
	return Success
}
