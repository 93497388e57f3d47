package breaker

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// ended is a call that has ended.
type ended struct {
	word   uint64 // state and generation it was let through in
	serial int64  // of the probe, 0 for an ordinary call
	now    int64
	out    Outcome
	slow   bool
	cause  error
}

// count lets an outcome work on the state. One that was let through in an
// earlier generation says nothing about this one.
func (b *Breaker) count(ctx context.Context, e ended) {
	if e.serial == 0 && e.out == Success && !e.slow && b.easy(e) {
		return
	}
	b.mu.Lock()
	defer b.unlock()
	if e.out == Failure {
		b.lastError = causeText(e.cause)
	}
	if b.word.Load() != e.word {
		return
	}
	if e.serial > 0 {
		b.probed(ctx, e)
		return
	}
	switch {
	case e.out == Failure:
		b.row.Add(1)
	case b.row.Load() != 0:
		b.row.Store(0)
	}
	if b.win != nil {
		b.win.add(e.now, e.out == Failure, e.slow)
	}
	why := b.trips(e)
	switch {
	case why == "":
	case stateOf(e.word) == Disabled:
		b.wouldTrip(e.now)
	default:
		b.open(ctx, e.now, why)
	}
}

// easy counts a success without the lock while the window holds nothing bad,
// which is what a success could complete the minimum of calls for.
func (b *Breaker) easy(e ended) bool {
	if b.row.Load() != 0 || b.win.bad(e.now) || b.word.Load() != e.word {
		return false
	}
	return b.win.addOK(e.now)
}

// trips says why the breaker has to open, or "".
func (b *Breaker) trips(e ended) string {
	if n, limit := b.row.Load(), int64(b.failuresNow()); limit > 0 && e.out == Failure && n >= limit {
		return fmt.Sprintf("%d failures in a row, the last: %s", n, b.lastError)
	}
	if b.win == nil {
		return ""
	}
	calls, bad, slow := b.win.sum(e.now)
	if calls < int64(b.set.MinCalls) {
		return ""
	}
	if b.set.Rate > 0 && float64(bad) >= b.set.Rate*float64(calls) {
		return fmt.Sprintf("%d of %d calls failed within %s, the last: %s", bad, calls, b.set.Window, b.lastError)
	}
	if b.set.SlowRate > 0 && float64(slow) >= b.set.SlowRate*float64(calls) {
		return fmt.Sprintf("%d of %d calls within %s took %s or longer", slow, calls, b.set.Window, b.set.Slow)
	}
	return ""
}

// probed lets the outcome of a probe work.
func (b *Breaker) probed(ctx context.Context, e ended) {
	i := slices.IndexFunc(b.probes, func(p probe) bool { return p.serial == e.serial })
	if i < 0 {
		return // its lease is over and another has its place
	}
	b.probes = slices.Delete(b.probes, i, i+1)
	switch {
	case e.out == Ignored:
	case e.out == Failure:
		b.open(ctx, e.now, "a probe failed: "+b.lastError)
	case e.slow && b.set.SlowRate > 0:
		b.open(ctx, e.now, fmt.Sprintf("a probe took %s or longer", b.set.Slow))
	default:
		if b.passed++; b.passed >= b.set.Probes {
			b.move(ctx, Closed, e.now, 0, Transition{Cause: fmt.Sprintf("%d of %d probes succeeded", b.passed, b.set.Probes)})
		}
	}
}

// wouldTrip notes, while disabled, an outage that would have begun. Until its
// delay is over no other begins.
func (b *Breaker) wouldTrip(now int64) {
	if now >= b.shadow {
		b.would, b.wouldAt, b.shadow = b.would+1, now, now+int64(b.delayNow())
	}
	b.clear()
}

// clear forgets what has been counted towards opening.
func (b *Breaker) clear() {
	b.row.Store(0)
	if b.win != nil {
		b.win.clear()
	}
}

func (b *Breaker) open(ctx context.Context, now int64, why string) {
	b.move(ctx, Open, now, now+b.delay(), Transition{Cause: why})
}

// settle makes the changes that are due by the clock.
func (b *Breaker) settle(now int64) {
	until := b.until.Load()
	if until == 0 || now < until {
		return
	}
	switch stateOf(b.word.Load()) {
	case Open:
		b.move(context.Background(), HalfOpen, now, 0, Transition{Cause: "the delay is over"})
	case ForcedOpen:
		b.move(context.Background(), HalfOpen, now, 0, Transition{Cause: "the operator's switch has run out"})
	case Disabled:
		b.move(context.Background(), Closed, now, 0, Transition{Cause: "the operator's switch has run out"})
	}
}

// move changes the state. The caller holds mu; unlock tells the hooks. A From in t
// is the state an earlier process ended in.
func (b *Breaker) move(ctx context.Context, to State, now, until int64, t Transition) {
	word := b.word.Load()
	from := stateOf(word)
	if to == Open {
		last := cmp.Or(b.lastError, t.Cause)
		b.why.Store(&last)
	}
	b.shut.Store(nil)
	b.until.Store(until)
	b.word.Store((word>>3+1)<<3 | uint64(to))
	b.clear()
	b.probes, b.passed, b.shadow = b.probes[:0], 0, 0
	if to != ForcedOpen && to != Disabled {
		b.switched = Switch{}
	}
	if to == Open {
		b.opened++
	}
	b.outage(from, to, now)
	b.since = now
	b.seq++
	t.Seq, t.Name, t.From, t.To, t.At = b.seq, b.set.Name, cmp.Or(t.From, from), to, b.wall(now)
	if b.trace != nil {
		t.TraceID = b.trace(ctx)
	}
	b.log = append(b.log, t)
	if len(b.log) > kept {
		b.log = slices.Delete(b.log, 0, len(b.log)-kept)
	}
	b.pending = append(b.pending, t)
}

// kept is how many transitions are remembered.
const kept = 50

// outage keeps the account of the time spent refusing or probing.
func (b *Breaker) outage(from, to State, now int64) {
	down := func(s State) bool { return s.Refuses() || s == HalfOpen }
	switch {
	case !down(from) && down(to):
		b.openSince, b.shutAt = now, b.rejected.Load()
	case down(from) && !down(to):
		b.openTotal += now - b.openSince
	}
}

// unlock lets go of the lock and tells the hooks what has happened, in order
// and without the lock: a hook may ask the breaker and may be slow. While one
// goroutine tells, others leave their news to it.
func (b *Breaker) unlock() {
	if b.delivering || len(b.pending) == 0 || len(b.hooks) == 0 {
		if len(b.hooks) == 0 {
			b.pending = nil
		}
		b.mu.Unlock()
		return
	}
	b.delivering = true
	defer func() { // also when a hook panics
		b.delivering = false
		b.mu.Unlock()
	}()
	for len(b.pending) > 0 {
		news, hooks := b.pending, b.hooks
		b.pending = nil
		b.tell(news, hooks)
	}
}

func (b *Breaker) tell(news []Transition, hooks []func(Transition)) {
	b.mu.Unlock()
	defer b.mu.Lock()
	for _, t := range news {
		for _, hook := range hooks {
			hook(t)
		}
	}
}

// Transition is one change of state.
type Transition struct {
	Seq     uint64    `json:"seq"`
	Name    string    `json:"name"`
	From    State     `json:"from"`
	To      State     `json:"to"`
	At      time.Time `json:"at"`
	Cause   string    `json:"cause"`              // what led to it, for an operator
	By      string    `json:"by,omitempty"`       // who switched by hand
	TraceID string    `json:"trace_id,omitempty"` // of the call that led to it
}

// causeText is an error for a person, bounded.
func causeText(err error) string {
	if err == nil {
		return "no cause given"
	}
	text := []rune(err.Error())
	if len(text) > 300 {
		text = append(text[:300], '…')
	}
	return string(text)
}
