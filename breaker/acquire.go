package breaker

import (
	"context"
	"fmt"
	"math"
	"time"
)

// Outcome is how a call ended, as far as it says something about the health of
// the dependency.
type Outcome uint8

// The outcomes.
const (
	Success Outcome = iota // it answered
	Failure                // it did not, or said that it cannot
	Ignored                // nothing was learnt: the caller gave up, the call was never made
)

// String is the outcome's name.
func (o Outcome) String() string {
	switch o {
	case Success:
		return "success"
	case Failure:
		return "failure"
	}
	return "ignored"
}

// OpenError refuses a call: nothing was sent.
type OpenError struct {
	Name       string
	State      State
	RetryAfter time.Duration // until a call has a chance, rounded up; 0 when nobody knows
	Cause      string        // the failure that opened it, or the operator's reason
}

// Error says it for an operator.
func (e *OpenError) Error() string {
	text := fmt.Sprintf("%s keeps failing; nothing was sent, next try in %s", e.Name, e.RetryAfter)
	switch e.State {
	case ForcedOpen:
		text = fmt.Sprintf("calls to %s are switched off by an operator; nothing was sent", e.Name)
	case HalfOpen:
		text = fmt.Sprintf("%s failed and is being probed; nothing was sent", e.Name)
	}
	text += fmt.Sprintf(" (circuit breaker %s)", e.State)
	if e.Cause != "" {
		text += ": " + e.Cause
	}
	return text
}

// BreakerOutcome is Ignored: a call that was never made says nothing about
// whatever stands behind another breaker.
func (e *OpenError) BreakerOutcome() Outcome { return Ignored }

// Permit allows one call. Done must be called when it has ended; the zero
// Permit is that of no breaker.
type Permit struct {
	b      *Breaker
	t      *ticket
	number uint64
}

// Acquire asks to make a call. The error is an *OpenError; a refusal takes no
// allocation, so callers may ask as often as they like. Every permit must get
// its Done.
func (b *Breaker) Acquire() (Permit, error) {
	if b == nil {
		return Permit{}, nil
	}
	word := b.word.Load()
	if s := stateOf(word); s == Closed || s == Disabled && b.until.Load() == 0 {
		return b.permit(word, 0), nil
	}
	return b.acquireSlow(word)
}

// acquireSlow decides in the states that look at the clock.
func (b *Breaker) acquireSlow(word uint64) (Permit, error) {
	now := b.now()
	s, until := stateOf(word), b.until.Load()
	if now < until && s.Refuses() || s == ForcedOpen && until == 0 {
		b.rejected.Add(1)
		return Permit{}, b.refusal(s, until-now)
	}
	b.mu.Lock()
	defer b.unlock()
	b.settle(now)
	word = b.word.Load()
	switch s = stateOf(word); s {
	case Closed, Disabled:
		return b.permit(word, 0), nil
	case HalfOpen:
		if b.room(now) {
			b.serial++
			b.probes = append(b.probes, probe{b.serial, now + int64(b.set.ProbeLease)})
			return b.permit(word, b.serial), nil
		}
	}
	b.rejected.Add(1)
	if s == HalfOpen {
		return Permit{}, b.refusal(s, int64(time.Second))
	}
	return Permit{}, b.refusal(s, b.until.Load()-now)
}

// room takes back the places of probes that were never reported and says
// whether one is free.
func (b *Breaker) room(now int64) bool {
	kept := b.probes[:0]
	for _, p := range b.probes {
		if now < p.expires {
			kept = append(kept, p)
		}
	}
	b.probes = kept
	return b.passed+len(b.probes) < b.set.Probes
}

// permit makes out a permit.
func (b *Breaker) permit(word uint64, serial int64) Permit {
	t, ok := b.pool.Get().(*ticket)
	if !ok {
		t = new(ticket)
	}
	t.word, t.serial, t.began = word, serial, -1
	t.answered.Store(-1)
	if b.timed {
		t.began = b.now()
	}
	return Permit{b, t, t.number.Load()}
}

// refused is a refusal with the waits it is right for: above < left <= upTo.
type refused struct {
	OpenError
	above, upTo int64
}

// refusal returns the error for a wait that is left. It is kept and given again
// until the rounded wait changes.
func (b *Breaker) refusal(s State, left int64) *OpenError {
	if r := b.shut.Load(); r != nil && left > r.above && left <= r.upTo && r.State == s {
		return &r.OpenError
	}
	r := &refused{OpenError: OpenError{Name: b.set.Name, State: s}, above: math.MinInt64}
	if left > 0 {
		step := int64(time.Second)
		if d := b.delayNow(); d < 10*time.Second {
			step = max(int64(d/64), 1)
		}
		r.upTo = (left + step - 1) / step * step
		r.above, r.RetryAfter = r.upTo-step, time.Duration(r.upTo)
	}
	if why := b.why.Load(); why != nil {
		r.Cause = *why
	}
	b.shut.Store(r)
	return &r.OpenError
}

// Answered marks the moment the dependency began to answer: a long stream that
// began at once is not a slow call.
func (p Permit) Answered() {
	if p.t != nil && p.b.timed && p.t.number.Load() == p.number {
		p.t.answered.CompareAndSwap(-1, p.b.now())
	}
}

// Done reports how the call ended. cause explains a Failure and may be nil.
// Calls after the first, also on a copy of the permit, change nothing.
func (p Permit) Done(o Outcome, cause error) { p.done(context.Background(), o, cause) }

// DoneContext is Done with the context the trace id of a transition is taken
// from.
func (p Permit) DoneContext(ctx context.Context, o Outcome, cause error) { p.done(ctx, o, cause) }

func (p Permit) done(ctx context.Context, o Outcome, cause error) {
	b, t := p.b, p.t
	if t == nil || !t.number.CompareAndSwap(p.number, p.number+1) {
		return
	}
	word, serial, began, answered := t.word, t.serial, t.began, t.answered.Load()
	b.pool.Put(t)
	if o == Success && serial == 0 && !b.timed {
		b.succeeded(word)
		return
	}
	now := b.now()
	if answered < 0 {
		answered = now
	}
	slow := b.set.Slow > 0 && o != Ignored && answered-began >= int64(b.set.Slow)
	if slow {
		b.slow.Add(1)
	}
	switch o {
	case Success:
		b.stamped.Store(b.successes.Add(1))
		b.lastOK.Store(now)
	case Failure:
		b.failures.Add(1)
		b.lastBad.Store(now)
	default:
		b.ignored.Add(1)
		if serial == 0 {
			return
		}
	}
	b.count(ctx, ended{word, serial, now, o, slow, cause})
}

// succeeded is the short way of a success nobody times. The clock costs more
// than all the rest, so while calls come fast it is read for some of them only:
// the time of the last success is then up to 10 ms old, or that of the next look
// at the breaker.
func (b *Breaker) succeeded(word uint64) {
	if n := b.successes.Add(1); n >= b.nextStamp.Load() {
		now := b.now()
		gap := now - b.lastOK.Swap(now)
		every := int64(1)
		if gap < int64(10*time.Millisecond) {
			every = 16
		}
		b.stamped.Store(n)
		b.nextStamp.Store(n + every)
	}
	if b.row.Load() != 0 && b.word.Load() == word {
		b.row.Store(0)
	}
}
