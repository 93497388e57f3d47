package breaker

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// History is what is worth keeping of a breaker over a restart. It is plain
// JSON.
type History struct {
	Name        string       `json:"name"`
	State       State        `json:"state"`
	Switch      Switch       `json:"switch,omitzero"`
	At          time.Time    `json:"at"`
	Successes   int64        `json:"successes"`
	Failures    int64        `json:"failures"`
	Ignored     int64        `json:"ignored"`
	Slow        int64        `json:"slow"`
	Rejected    int64        `json:"rejected"`
	Fallbacks   int64        `json:"fallbacks"`
	Opened      int64        `json:"opened"`
	OpenTotal   int64        `json:"open_ns"`
	WouldTrip   int64        `json:"would_trip"`
	WouldAt     time.Time    `json:"would_trip_at,omitzero"`
	LastFailure time.Time    `json:"last_failure,omitzero"`
	LastSuccess time.Time    `json:"last_success,omitzero"`
	LastError   string       `json:"last_error,omitempty"`
	Transitions []Transition `json:"transitions"`
}

// Export is the breaker's history until now.
func (b *Breaker) Export() History {
	s := b.Detail()
	return History{
		Name: s.Name, State: s.State, Switch: s.Switch, At: time.Now().UTC(), Successes: s.SuccessCount, Failures: s.TotalFailures,
		Ignored: s.Ignored, Slow: s.Slow, Rejected: s.Rejected, Fallbacks: s.Fallbacks, Opened: s.Opened, WouldTrip: s.WouldTrip, WouldAt: s.WouldAt,
		OpenTotal:   int64(s.OpenTotal * float64(time.Second)),
		LastFailure: s.LastFailure, LastSuccess: s.LastSuccess, LastError: s.LastError, Transitions: s.History,
	}
}

// Restore goes on where an earlier process ended; call it before the breaker is
// used. An operator's switch holds on until its end. A breaker that was open
// lets a probe through at once: whoever restarts has often just repaired what
// was down, and one call is no flood.
func (b *Breaker) Restore(h History) error {
	if h.Name != b.set.Name {
		return fmt.Errorf("breaker %q: the history is that of %q", b.set.Name, h.Name)
	}
	b.mu.Lock()
	defer b.unlock()
	now := b.now()
	b.successes.Store(h.Successes)
	b.stamped.Store(h.Successes)
	b.nextStamp.Store(h.Successes)
	b.failures.Store(h.Failures)
	b.ignored.Store(h.Ignored)
	b.slow.Store(h.Slow)
	b.rejected.Store(h.Rejected)
	b.fallbacks.Store(h.Fallbacks)
	b.opened, b.openTotal, b.would, b.lastError = h.Opened, h.OpenTotal, h.WouldTrip, h.LastError
	b.before = restored{h.LastFailure, h.LastSuccess, h.WouldAt}
	b.log = slices.Clone(h.Transitions[max(len(h.Transitions)-kept, 0):])
	for _, t := range b.log {
		b.seq = max(b.seq, t.Seq)
	}
	b.resume(h, now)
	return nil
}

// resume takes up the state of an earlier process.
func (b *Breaker) resume(h History, now int64) {
	left := int64(0)
	if !h.Switch.Until.IsZero() {
		left = int64(min(time.Until(h.Switch.Until), forever))
	}
	switch {
	case h.State == Open || h.State == HalfOpen:
		b.move(context.Background(), HalfOpen, now, 0, Transition{From: h.State, Cause: "restarted while " + h.State.String() + ": a probe goes first"})
	case (h.State == ForcedOpen || h.State == Disabled) && !h.Switch.Until.IsZero() && left <= 0:
		b.move(context.Background(), Closed, now, 0, Transition{From: h.State, Cause: "the operator's switch ran out while the program was down"})
	case h.State == ForcedOpen || h.State == Disabled:
		until := int64(0)
		if left > 0 {
			until = now + left
		}
		b.why.Store(&h.Switch.Reason)
		b.move(context.Background(), h.State, now, until, Transition{From: h.State, Cause: "restarted; still " + h.State.String() + ": " + h.Switch.Reason, By: h.Switch.By})
		b.switched = h.Switch
	}
}
