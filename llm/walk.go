package llm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"resync/breaker"
)

// learnings bounds how often a target may be asked again at once because it
// taught its model something about itself.
const learnings = 3

// tryFunc asks one target once. A stream's tryFunc returns only when the first
// piece is there.
type tryFunc func(ctx context.Context, t *target, call Call) error

// walk is the way of one request through the chain: the one retry loop.
type walk struct {
	c        *Chain
	ctx      context.Context
	req      *Request
	order    []*target
	started  time.Time
	deadline time.Time
	stream   bool

	trail    []Attempt
	out      []bool // :: index in order → the target is of no use to this request any more
	asked    []int  // :: the same → in how many rounds it was asked
	first    *target
	answered *target
	won      *Attempt // that gave a whole answer, until it is observed
	last     *Error   // the last fault of a target that was asked
	skip     *Error   // the last reason a target was not asked
	wake     time.Time
	reserved int64
	permit   breaker.Permit // of a stream that has been opened
	stop     *stopper       // of a stream that has been opened
}

func (c *Chain) newWalk(ctx context.Context, req *Request, order []*target, started time.Time) *walk {
	w := &walk{c: c, ctx: ctx, req: req, order: order, started: started, deadline: started.Add(c.opt.Budget), first: order[0]}
	if d, ok := ctx.Deadline(); ok && d.Before(w.deadline) {
		w.deadline = d
	}
	return w
}

// run goes through the targets, round by round, until one answers, nobody is
// left who could, or the time is used up.
func (w *walk) run(try tryFunc) error {
	if err := w.afford(); err != nil {
		return err
	}
	w.out, w.asked = make([]bool, len(w.order)), make([]int, len(w.order))
	backoff := w.c.opt.Backoff
	for round := 1; ; round++ {
		w.wake = time.Time{}
		for i, t := range w.order {
			if w.out[i] {
				continue
			}
			done, err := w.ask(i, t, try)
			if done {
				if err != nil {
					w.c.opt.Meter.settle(w.req.User, w.reserved, 0)
				}
				return err
			}
		}
		if !w.rest(round, backoff) {
			w.c.opt.Meter.settle(w.req.User, w.reserved, 0)
			return w.fail()
		}
		backoff = min(2*backoff, 10*w.c.opt.Backoff)
	}
}

// idleRounds is how many rounds may pass in which targets only rest.
const idleRounds = 3

// rest waits for the next round; false when there is no point in one.
func (w *walk) rest(round int, backoff time.Duration) bool {
	if round >= w.c.opt.Rounds+idleRounds || w.wake.IsZero() || w.ctx.Err() != nil {
		return false
	}
	wait := max(time.Until(w.wake), vary(backoff))
	if time.Now().Add(wait).After(w.deadline) {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-w.ctx.Done():
		return false
	}
}

// later notes that the target may answer at a time from now on.
func (w *walk) later(at time.Time) {
	if w.wake.IsZero() || at.Before(w.wake) {
		w.wake = at
	}
}

// ask asks one target with each of its keys. done means that the walk is over:
// with an answer, or with a fault nobody else can repair.
func (w *walk) ask(i int, t *target, try tryFunc) (done bool, err error) {
	if e := w.unfit(t); e != nil {
		w.out[i] = true
		w.skipped(t, e)
		return false, nil
	}
	var tried uint64
	counted := false
	for learned := 0; ; {
		now := time.Now()
		if w.ctx.Err() != nil || !now.Before(w.deadline) {
			return true, w.fail()
		}
		key, wakes, why := t.keys.pick(now, tried)
		if key < 0 {
			w.resting(i, t, tried, wakes, why)
			return false, nil
		}
		permit, err := t.brk.Acquire()
		if err != nil {
			w.open(i, t, err)
			return false, nil
		}
		if !counted {
			counted = true
			w.asked[i]++
		}
		e := w.attempt(i, t, key, permit, try)
		switch {
		case e == nil:
			w.answered = t
			t.again.Earn()
			return true, nil
		case e.Learned && learned < learnings:
			learned++
			continue
		case e.final() || w.ctx.Err() != nil:
			return true, w.fail()
		}
		t.keys.rest(key, time.Now(), e)
		if !e.rotates() {
			w.afterwards(i, t, e)
			return false, nil
		}
		tried |= 1 << min(key, 63)
	}
}

// afterwards decides whether the target takes part in the next round. What is down
// is not hit twice as hard as it is wanted: further rounds are paid for.
func (w *walk) afterwards(i int, t *target, e *Error) {
	if !e.again() || w.asked[i] >= w.c.opt.Rounds || !t.again.Spend() {
		w.out[i] = true
		return
	}
	w.later(time.Now().Add(e.RetryAfter))
}

// resting passes over a target none of whose keys can be used now.
func (w *walk) resting(i int, t *target, tried uint64, wakes time.Time, why *Error) {
	if tried == 0 { // not asked at all in this round
		e := &Error{Class: RateLimit, Code: CodeCoolingDown, Provider: t.info.Provider, Model: t.info.Model, RetryAfter: time.Until(wakes)}
		if why != nil && why.Class != RateLimit && why.Class != Transient {
			e.Class, e.Code = why.Class, CodeNoKey
		}
		e.Message = fmt.Sprintf("not asked for another %s", e.RetryAfter.Round(time.Millisecond))
		w.skipped(t, e)
		why = e
	}
	if why != nil && why.again() && w.asked[i] < w.c.opt.Rounds && (w.asked[i] == 0 || t.again.Spend()) {
		w.later(wakes)
		return
	}
	w.out[i] = true
}

// open passes over a target whose breaker rejects the call.
func (w *walk) open(i int, t *target, err error) {
	e := &Error{Class: Transient, Code: CodeCircuitOpen, Provider: t.info.Provider, Model: t.info.Model, Message: err.Error(), Err: err}
	var open *breaker.OpenError
	if errors.As(err, &open) {
		e.RetryAfter = open.RetryAfter
	}
	w.skipped(t, e)
	w.later(time.Now().Add(e.RetryAfter))
}

// unfit says why a target cannot serve the request at all; nil when it can.
func (w *walk) unfit(t *target) *Error {
	var code, message string
	lim := w.c.opt.Meter.limits
	switch lacks := t.caps.lacks(w.req.needs()); {
	case lacks != "":
		code, message = CodeCapability, "the model cannot do "+lacks+", which the request needs"
	case t.price == nil && lim.any() && !lim.Unpriced:
		code, message = CodeUnpriced, "money is limited and the price of the model is not known (add it to llm.prices, or allow it with llm.limits.unpriced)"
	case t.caps.Context > 0 && w.req.size()/2 > t.caps.Context: // half: the count is rough, and the server is the judge
		code, message = CodeContext, fmt.Sprintf("the request has about %d tokens, the model takes %d", w.req.size(), t.caps.Context)
	default:
		return nil
	}
	return &Error{Class: CallerFault, Code: code, Message: message, Provider: t.info.Provider, Model: t.info.Model}
}

// skipped records a target that was not asked.
func (w *walk) skipped(t *target, e *Error) {
	w.skip = e
	a := w.record(t, e)
	a.Skipped = true
	w.trail = append(w.trail, a)
	w.observe(a)
}

func (w *walk) record(t *target, e *Error) Attempt {
	a := Attempt{Target: t.Name, Provider: t.info.Provider, Model: t.info.Model}
	if e != nil {
		a.Class, a.Code, a.Status, a.Error = e.Class, e.Code, e.Status, e.Error()
	}
	return a
}

func (w *walk) observe(a Attempt) {
	w.c.metrics.attempt(a)
	if w.c.opt.Observe != nil {
		w.c.opt.Observe(w.ctx, a)
	}
}

// share is the time one attempt gets: what the target is allowed, or an equal
// part of what is left for it and those after it.
func (w *walk) share(i int, t *target) time.Duration {
	left := time.Until(w.deadline)
	if t.Timeout > 0 {
		return min(t.Timeout, left)
	}
	n := 0
	for j := i; j < len(w.order); j++ {
		if !w.out[j] {
			n++
		}
	}
	return left / time.Duration(max(1, n))
}

// attempt makes one call, bounded in time, and reports it to the breaker. An
// open stream keeps its permit until it ends.
func (w *walk) attempt(i int, t *target, key int, permit breaker.Permit, try tryFunc) (e *Error) {
	counted := false
	defer func() {
		if !counted { // a panic in a model must not strand a probe
			permit.Done(breaker.Failure, nil)
		}
	}()
	stop := newStopper(w.ctx, w.share(i, t))
	started := time.Now()
	err := try(stop.ctx, t, Call{w.req, t.keys.keys[key]})
	if err != nil {
		e = w.fault(t, stop, err)
	}
	a := w.record(t, e)
	if len(t.Keys) > 0 {
		a.Key = key + 1
	}
	a.StartedAt, a.Duration = started, time.Since(started)
	a.Millis = millis(a.Duration)
	w.trail = append(w.trail, a)
	if e != nil || w.stream {
		w.observe(a)
	} else {
		w.won = &w.trail[len(w.trail)-1] // observed when the answer is with whom it is for
	}
	counted = true
	if e == nil && w.stream {
		permit.Answered()
		w.permit, w.stop = permit, stop
		return nil
	}
	stop.end()
	permit.DoneContext(w.ctx, outcome(e), err)
	if e != nil {
		w.last = e
	}
	return e
}

// fault reads an attempt's error. A call we stopped ourselves ended by time; one
// that stopped because its caller left says nothing about the target.
func (w *walk) fault(t *target, stop *stopper, err error) *Error {
	e := *AsError(err)
	if e.Provider == "" {
		e.Provider, e.Model = t.info.Provider, t.info.Model
	}
	switch {
	case w.ctx.Err() != nil && errors.Is(w.ctx.Err(), context.Canceled):
		e.Class, e.Code, e.Message = Unknown, CodeCanceled, "the caller has gone"
	case w.ctx.Err() != nil || w.callersTime():
		e.Class, e.Code, e.Message = Transient, CodeDeadline, "the caller's time is used up"
	case stop.expired():
		e.Class, e.Code, e.Status, e.Message = Transient, CodeTimeout, 0, fmt.Sprintf("no answer within %s", stop.limit().Round(time.Millisecond))
	}
	return &e
}

// callersTime reports whether the deadline the caller came with is reached. Our own
// timer may be a moment ahead of it.
func (w *walk) callersTime() bool {
	d, ok := w.ctx.Deadline()
	return ok && time.Until(d) <= time.Millisecond
}

// outcome is what a breaker learns from a fault: only a broken or silent
// provider counts. A refused key, a limit, a wrong request and a caller who left
// do not (defects 17 and 18 of the predecessor).
func outcome(e *Error) breaker.Outcome {
	switch {
	case e == nil:
		return breaker.Success
	case e.Class == Transient && e.Code != CodeDeadline && e.Code != CodeCircuitOpen:
		return breaker.Failure
	}
	return breaker.Ignored
}

// fallback reports whether another target than the first one answered, and why.
func (w *walk) fallback() (bool, string) {
	if w.answered == w.first {
		return false, ""
	}
	for _, a := range w.trail {
		if a.Target == w.first.Name && a.Class != "" {
			return true, reason(a.Class, a.Code)
		}
	}
	return true, "error"
}

// fail is the end without an answer.
func (w *walk) fail() error {
	e := w.last
	if e == nil {
		e = w.skip
	}
	if e == nil {
		e = &Error{Class: Transient, Code: CodeDeadline}
	}
	ce := &ChainError{Class: e.Class, Code: e.Code, Attempts: w.trail, Err: e}
	switch {
	case errors.Is(w.ctx.Err(), context.Canceled):
		ce.Class, ce.Code = Unknown, CodeCanceled
		ce.Err = errors.Join(e, context.Canceled)
	case w.ctx.Err() != nil || !time.Now().Before(w.deadline):
		ce.Class, ce.Code = Transient, CodeDeadline
	}
	if !w.wake.IsZero() {
		ce.RetryAfter = max(0, time.Until(w.wake)) // a wait has been told, however short
	}
	ce.Status = statusOf(ce.Class, ce.Code)
	return ce
}

// afford sets money aside for the request before anybody is asked: the dearest
// of the targets that could answer is the measure.
func (w *walk) afford() error {
	m := w.c.opt.Meter
	if !m.limits.any() {
		return nil
	}
	worst, in := 0.0, w.req.size()
	for _, t := range w.order {
		if t.price != nil && w.unfit(t) == nil {
			worst = max(worst, t.price.Cost(Usage{InputTokens: in, OutputTokens: w.mostOutput()}))
		}
	}
	reserved, err := m.reserve(w.ctx, w.req.User, worst)
	w.reserved = reserved
	if err == nil {
		return nil
	}
	ce := &ChainError{Class: CallerFault, Code: CodeBudget, Err: err}
	var over *BudgetError
	if !errors.As(err, &over) {
		ce.Class, ce.Code = Transient, "ledger" // the totals cannot be read: fail closed
	}
	ce.Status = statusOf(ce.Class, ce.Code)
	return ce
}

// assumedOutput is how long an answer is taken to be when the request does not
// bound it.
const assumedOutput = 1024

func (w *walk) mostOutput() int {
	if w.req.MaxTokens > 0 {
		return w.req.MaxTokens
	}
	return assumedOutput
}
