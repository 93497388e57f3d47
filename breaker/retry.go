package breaker

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Budget bounds retries to a share of the requests that succeed, so that a
// dependency that is down is not asked several times as often as one that is well
// (Google SRE book, "Handling overload": 10 %). That only success earns (as in
// gRPC's retry throttling, proposal A6) makes the reserve all there is during an
// outage, however long. A nil *Budget allows every retry.
type Budget struct {
	share int64 // thousandths of a retry earned per success
	most  int64 // thousandths that can be saved up
	saved atomic.Int64
}

// NewBudget allows share (0 to 1) retries per request that succeeds, and a reserve
// of retries that is full at the start and is filled again by what is earned.
func NewBudget(share float64, reserve int) *Budget {
	b := &Budget{share: int64(min(max(share, 0), 1) * 1000), most: int64(max(reserve, 0)) * 1000}
	if b.most == 0 {
		b.most = 1000 // what is earned has to be kept somewhere until it makes a whole retry
		return b
	}
	b.saved.Store(b.most)
	return b
}

// Earn notes a request that succeeded, at whichever attempt.
func (b *Budget) Earn() {
	if b == nil {
		return
	}
	for {
		have := b.saved.Load()
		next := min(have+b.share, b.most)
		if have == next || b.saved.CompareAndSwap(have, next) {
			return
		}
	}
}

// Spend asks for a retry; false says that there is none left.
func (b *Budget) Spend() bool {
	if b == nil {
		return true
	}
	for {
		have := b.saved.Load()
		if have < 1000 {
			return false
		}
		if b.saved.CompareAndSwap(have, have-1000) {
			return true
		}
	}
}

// Policy is how a call is made: under a breaker, bounded in time, repeated.
// The zero Policy makes one attempt without any bound.
type Policy struct {
	Breaker  *Breaker
	Attempts int           // at most; 1 when 0
	Timeout  time.Duration // of one attempt; 0 = only the caller's deadline
	Wait     time.Duration // before the second attempt; doubles, with jitter; 100 ms when 0
	MaxWait  time.Duration // 5 s when 0
	Budget   *Budget

	// Write marks a call that changes something. It is attempted once: that an
	// attempt failed does not prove that it did nothing.
	Write bool

	// Again judges an error; nil repeats what Classify calls a Failure. The wait,
	// if longer than the one due, is what the other side asked for.
	Again func(error) (again bool, wait time.Duration)
}

// Run makes the call. It returns the error of the last attempt, and never waits
// past the caller's deadline: when the wait would not leave time for another
// attempt, it returns at once.
func Run[T any](ctx context.Context, p *Policy, fn func(context.Context) (T, error)) (T, error) {
	for n := 1; ; n++ {
		v, err := attempt(ctx, p, fn)
		if err == nil {
			p.Budget.Earn()
			return v, nil
		}
		wait, again := p.again(ctx, err, n)
		if !again || !sleep(ctx, wait) {
			return v, err
		}
	}
}

// attempt is one call, bounded in time.
func attempt[T any](ctx context.Context, p *Policy, fn func(context.Context) (T, error)) (v T, err error) {
	permit, err := p.Breaker.Acquire()
	if err != nil {
		return v, err
	}
	out, cause := Failure, errAbandoned
	defer func() { permit.done(ctx, out, cause) }()
	inner := ctx
	if p.Timeout > 0 {
		var cancel context.CancelFunc
		inner, cancel = context.WithTimeout(ctx, p.Timeout)
		defer cancel()
	}
	v, err = fn(inner)
	out, cause = judge(ctx, err), err
	return v, err
}

// again decides about one more attempt after the n-th.
func (p *Policy) again(ctx context.Context, err error, n int) (time.Duration, bool) {
	var open *OpenError
	if p.Write || n >= p.Attempts || ctx.Err() != nil || errors.As(err, &open) {
		return 0, false
	}
	again, asked := Classify(err) == Failure, time.Duration(0)
	if p.Again != nil {
		again, asked = p.Again(err)
	}
	if !again {
		return 0, false
	}
	wait := max(p.backoff(n), asked)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return 0, false
	}
	return wait, p.Budget.Spend()
}

// backoff is the wait after the n-th attempt: doubled each time, of which a
// random half is left out so that callers do not come back together.
func (p *Policy) backoff(n int) time.Duration {
	first, most := p.Wait, p.MaxWait
	if first <= 0 {
		first = 100 * time.Millisecond
	}
	if most <= 0 {
		most = 5 * time.Second
	}
	d := min(first<<min(n-1, 30), most)
	if d <= 0 {
		d = most
	}
	return d/2 + rand.N(d/2+1)
}

// sleep waits; false says that the caller gave up first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
