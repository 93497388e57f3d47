package breaker

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// errNoReason refuses a switch nobody explains.
var errNoReason = errors.New("breaker: give a reason and who switches: both are kept in the history")

// forever is longer than a program runs; later instants would not fit.
const forever = 100 * 365 * 24 * time.Hour

// Reset closes the breaker and forgets what has been counted towards opening.
// The totals and the history stay.
func (b *Breaker) Reset(reason, by string) error {
	return b.steer(Closed, "reset", Switch{Reason: reason, By: by}, 0)
}

// Heal closes a breaker that opened by itself, because what it guards was seen to answer
// before the breaker's time was over. What an operator has switched stays; false is
// that it was forced open and lets no call pass.
func (b *Breaker) Heal(reason, by string) bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.unlock()
	now := b.now()
	b.settle(now)
	switch stateOf(b.word.Load()) {
	case ForcedOpen:
		return false
	case Open, HalfOpen:
		b.move(context.Background(), Closed, now, 0, Transition{Cause: "closed before its time: " + reason, By: by})
	}
	return true
}

// Enable ends ForceOpen or Disable: the breaker is closed and counts again.
func (b *Breaker) Enable(reason, by string) error {
	return b.steer(Closed, "enabled", Switch{Reason: reason, By: by}, 0)
}

// ForceOpen refuses every call until ttl is over (then a probe goes first), or
// until Reset or Enable when ttl is 0.
func (b *Breaker) ForceOpen(reason, by string, ttl time.Duration) error {
	return b.steer(ForcedOpen, "forced open", Switch{Reason: reason, By: by}, ttl)
}

// Disable lets every call pass until ttl is over, or until Reset or Enable when
// ttl is 0. Meanwhile the breaker only notes when it would have opened.
func (b *Breaker) Disable(reason, by string, ttl time.Duration) error {
	return b.steer(Disabled, "disabled", Switch{Reason: reason, By: by}, ttl)
}

// Tuning are the numbers that may be changed while a breaker works. A zero field
// is as the settings have it.
type Tuning struct {
	Failures int           // in a row that open it
	Delay    time.Duration // it stays open at most
}

// Tune changes the numbers from now on, at once and without a change of state;
// an open breaker waits no longer than the new delay from now. The settings it
// was made with come back with a zero Tuning. A breaker that counts no failures
// in a row does not begin to by this.
func (b *Breaker) Tune(t Tuning) error {
	switch {
	case t.Failures < 0:
		return fmt.Errorf("breaker %q: failures is negative", b.set.Name)
	case t.Delay < 0:
		return fmt.Errorf("breaker %q: delay is negative", b.set.Name)
	case t.Failures > 0 && b.set.Failures == 0:
		return fmt.Errorf("breaker %q: failures in a row are not what opens it", b.set.Name)
	}
	b.mu.Lock()
	defer b.unlock()
	now := b.now()
	b.settle(now)
	b.tuned.Store(&t)
	b.shut.Store(nil)
	if stateOf(b.word.Load()) == Open {
		b.until.Store(min(b.until.Load(), now+b.delay()))
	}
	return nil
}

// TryNow ends the delay of an open breaker early: it becomes half_open and the
// next call goes first as a probe. Who has learnt in another way that the
// dependency answers again calls it. false means that the breaker was not open:
// what an operator forced stays as it is.
func (b *Breaker) TryNow(ctx context.Context, cause string) bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.unlock()
	now := b.now()
	b.settle(now)
	if stateOf(b.word.Load()) != Open {
		return false
	}
	b.move(ctx, HalfOpen, now, 0, Transition{Cause: cause})
	return true
}

func (b *Breaker) steer(to State, done string, s Switch, ttl time.Duration) error {
	if s.Reason == "" || s.By == "" {
		return errNoReason
	}
	if ttl < 0 {
		return fmt.Errorf("breaker %q: ttl is negative", b.set.Name)
	}
	ttl = min(ttl, forever)
	b.mu.Lock()
	defer b.unlock()
	now := b.now()
	until := int64(0)
	cause := done + " by hand: " + s.Reason
	if ttl > 0 {
		until = now + int64(ttl)
		s.Until = b.wall(until)
		cause = fmt.Sprintf("%s by hand for %s: %s", done, ttl, s.Reason)
	}
	if to == ForcedOpen {
		b.why.Store(&s.Reason)
	}
	b.move(context.Background(), to, now, until, Transition{Cause: cause, By: s.By})
	if to == ForcedOpen || to == Disabled {
		b.switched = s
	}
	return nil
}
