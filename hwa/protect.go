package hwa

import (
	"context"
	"errors"
	"net/http"
	"time"

	"resync/breaker"
)

// impatience is a time in which an engine that is well may not have answered: a caller whose deadline is shorter learns nothing
// about the engine.
const impatience = time.Second

// exchangeUnder is exchange with its outcome reported to the breaker, also when a reader panics.
func (c *Client) exchangeUnder(ctx context.Context, permit breaker.Permit, h *host, r *request, payload []byte, read reader) (int, *Error) {
	began := time.Now()
	out, cause := breaker.Ignored, error(nil)
	defer func() { permit.DoneContext(ctx, out, cause) }()
	status, e := c.exchange(ctx, h, r, payload, read)
	out = breaker.Success
	if e != nil {
		out, cause = e.outcome(time.Since(began)), errors.New(c.scrub(e.Message))
	}
	return status, e
}

// BreakerOutcome is what the error says about the health of the engine, for breakers that stand before calls of a Client:
// breaker.Classify asks for it.
func (e *Error) BreakerOutcome() breaker.Outcome { return e.outcome(impatience) }

// outcome is what a failed attempt says about the health of the engine. An answer that refuses shows that it lives.
func (e *Error) outcome(took time.Duration) breaker.Outcome {
	switch {
	case e.refused(), e.Kind == KindCanceled, e.Kind == KindInvalid, e.Kind == KindProtocol, e.HTTPStatus == http.StatusTooManyRequests, e.HTTPStatus == http.StatusRequestTimeout:
		return breaker.Ignored
	case errors.Is(e.Err, context.DeadlineExceeded) && took < impatience:
		return breaker.Ignored
	case e.CountsAsOutage():
		return breaker.Failure
	case e.Kind == KindOutage:
		return breaker.Ignored // a bare 500: engines answer it for refusals and for faults alike
	}
	return breaker.Success
}

// refusedBy is the error of an attempt a breaker did not let through.
func refusedBy(err error) *Error {
	e := &Error{Kind: KindUnreachable, Err: err, Message: "the engine keeps failing and is not asked for now; nothing was sent"}
	var open *breaker.OpenError
	if errors.As(err, &open) {
		e.RetryAfter = open.RetryAfter
		switch {
		case open.State == breaker.ForcedOpen:
			e.Message = "calls to the engine are switched off by an operator; nothing was sent"
		case open.State == breaker.Open && open.RetryAfter > 0:
			e.Message = "the engine keeps failing and is asked again in " + open.RetryAfter.String() + "; nothing was sent"
		}
		if open.Cause != "" {
			e.Message += ": " + open.Cause
		}
	}
	return e
}

// refused reports whether a breaker turned the attempt away.
func (e *Error) refused() bool {
	var open *breaker.OpenError
	return errors.As(e.Err, &open)
}
