package breaker

import (
	"context"
	"errors"
)

// errAbandoned is the cause when a protected function panicked or ended its
// goroutine.
var errAbandoned = errors.New("the call ended without an answer (panic or Goexit)")

// Do calls fn if the breaker allows it and reports how it ended, judged by
// [Classify]. When the breaker refuses or fn fails, fallback (may be nil) gets
// the error and its result is returned instead; a caller who has cancelled gets
// no fallback. A panic in fn counts as a failure and goes on.
func Do[T any](ctx context.Context, b *Breaker, fn func(context.Context) (T, error), fallback func(context.Context, error) (T, error)) (T, error) {
	v, err := guarded(ctx, b, fn)
	if err == nil || fallback == nil || errors.Is(ctx.Err(), context.Canceled) {
		return v, err
	}
	b.CountFallback()
	return fallback(ctx, err)
}

// guarded is one call under a permit.
func guarded[T any](ctx context.Context, b *Breaker, fn func(context.Context) (T, error)) (v T, err error) {
	p, err := b.Acquire()
	if err != nil {
		return v, err
	}
	out, cause := Failure, errAbandoned
	defer func() { p.done(ctx, out, cause) }()
	v, err = fn(ctx)
	out, cause = judge(ctx, err), err
	return v, err
}

// judge is Classify, but a caller who has cancelled explains any error.
func judge(ctx context.Context, err error) Outcome {
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return Ignored
	}
	return Classify(err)
}

// CountFallback notes that something else answered in place of the dependency:
// part of what an outage costs. Do calls it; a chain of its own does as well.
func (b *Breaker) CountFallback() {
	if b != nil {
		b.fallbacks.Add(1)
	}
}
