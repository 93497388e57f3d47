package breaker

import (
	"slices"
	"time"
)

// Status is a breaker at one moment. Counts grow since the first start of the
// program whose history was restored.
type Status struct {
	Name            string    `json:"name"`
	State           State     `json:"state"`
	Critical        bool      `json:"is_critical"`
	Threshold       int       `json:"threshold"`        // failures in a row that open it, 0 = not counted
	RecoveryTimeout float64   `json:"recovery_timeout"` // seconds it stays open at most
	FailureCount    int64     `json:"failure_count"`    // failures in a row
	SuccessCount    int64     `json:"success_count"`
	LastFailure     time.Time `json:"last_failure,omitzero"`
	LastSuccess     time.Time `json:"last_success,omitzero"`
	LastError       string    `json:"last_error,omitempty"`

	TotalCalls    int64    `json:"total_calls"` // successes and failures
	TotalFailures int64    `json:"total_failures"`
	SuccessRate   *float64 `json:"success_rate"` // 0 to 1; null before the first call
	Ignored       int64    `json:"ignored_calls"`
	Slow          int64    `json:"slow_calls"`
	Rejected      int64    `json:"rejected_calls"`
	Fallbacks     int64    `json:"fallbacks"`

	WindowCalls int64    `json:"window_calls,omitempty"`
	FailureRate *float64 `json:"failure_rate,omitempty"` // in the window; absent below the minimum of calls
	SlowRate    *float64 `json:"slow_rate,omitempty"`

	Since      time.Time    `json:"since"`                  // when the present state began
	RetryAfter float64      `json:"retry_after"`            // seconds until a probe or the end of a switch; 0 = none
	NextProbe  time.Time    `json:"next_probe_at,omitzero"` // while open
	Probing    int          `json:"probes_in_flight"`       // in half_open
	Switch     Switch       `json:"switch,omitzero"`        // who holds it forced_open or disabled
	Outage     *Outage      `json:"outage,omitempty"`       // the present one
	OpenTotal  float64      `json:"open_seconds_total"`     // spent refusing or probing
	WouldTrip  int64        `json:"would_have_tripped"`     // outages that would have begun while disabled
	WouldAt    time.Time    `json:"would_trip_at,omitzero"` // the last of them
	Opened     int64        `json:"opened_total"`           // times it has opened
	History    []Transition `json:"transitions,omitempty"`  // oldest first, 50 at most; in Detail only
}

// Outage is what the present outage has cost so far.
type Outage struct {
	Since    time.Time `json:"since"`
	Seconds  float64   `json:"seconds"`
	Rejected int64     `json:"rejected_calls"`
}

// Status is the breaker now, without its history.
func (b *Breaker) Status() Status {
	b.mu.Lock()
	defer b.unlock()
	return b.status()
}

// status is Status; the caller holds mu.
func (b *Breaker) status() Status {
	now := b.now()
	b.settle(now)
	n := b.successes.Load()
	if n != b.stamped.Load() && n != b.looked {
		b.lastOK.Store(now) // the last success had no time of its own
	}
	b.looked = n
	s := Status{
		Name: b.set.Name, State: stateOf(b.word.Load()), Critical: b.set.Critical, Threshold: b.failuresNow(),
		RecoveryTimeout: b.delayNow().Seconds(), FailureCount: b.row.Load(), SuccessCount: b.successes.Load(),
		LastFailure: later(b.wall(b.lastBad.Load()), b.before.failure), LastSuccess: later(b.wall(b.lastOK.Load()), b.before.success), LastError: b.lastError,
		TotalFailures: b.failures.Load(), Ignored: b.ignored.Load(), Slow: b.slow.Load(), Rejected: b.rejected.Load(),
		Fallbacks: b.fallbacks.Load(), Since: b.wall(b.since), Probing: len(b.probes), Switch: b.switched,
		OpenTotal: time.Duration(b.openTotal).Seconds(), WouldTrip: b.would, WouldAt: later(b.wall(b.wouldAt), b.before.would), Opened: b.opened,
	}
	s.TotalCalls = s.SuccessCount + s.TotalFailures
	s.SuccessRate = share(s.SuccessCount, s.TotalCalls, 1)
	b.windowStatus(&s, now)
	b.outageStatus(&s, now)
	return s
}

func (b *Breaker) windowStatus(s *Status, now int64) {
	if b.win == nil {
		return
	}
	calls, bad, slow := b.win.sum(now)
	s.WindowCalls = calls
	s.FailureRate, s.SlowRate = share(bad, calls, b.set.MinCalls), share(slow, calls, b.set.MinCalls)
}

func (b *Breaker) outageStatus(s *Status, now int64) {
	if until := b.until.Load(); until > now {
		s.RetryAfter = time.Duration(until - now).Seconds()
		if s.State == Open {
			s.NextProbe = b.wall(until)
		}
	}
	if s.State != Closed && s.State != Disabled {
		lasted := time.Duration(now - b.openSince).Seconds()
		s.OpenTotal += lasted
		s.Outage = &Outage{Since: b.wall(b.openSince), Seconds: lasted, Rejected: s.Rejected - b.shutAt}
	}
}

// later is a, or b while a has not happened.
func later(a, b time.Time) time.Time {
	if a.IsZero() {
		return b
	}
	return a
}

// share is a/all, or nil below a minimum.
func share(a, all int64, least int) *float64 {
	if all < int64(max(least, 1)) {
		return nil
	}
	f := float64(a) / float64(all)
	return &f
}

// Detail is Status with the history, both of the same moment.
func (b *Breaker) Detail() Status {
	b.mu.Lock()
	defer b.unlock()
	s := b.status()
	s.History = slices.Clone(b.log)
	return s
}

// OnTransition adds a hook for changes of state. Hooks are called in the order
// of the changes, without any lock, by the goroutine that made the change: a
// hook should hand on and return.
func (b *Breaker) OnTransition(hook func(Transition)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hooks = append(slices.Clip(b.hooks), hook)
}
