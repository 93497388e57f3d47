// Package breaker keeps a program from waiting for what is down. A [Breaker]
// stands before one dependency, counts how its calls end, refuses them at once
// while the dependency is failing, and lets a few probes through after a delay
// to learn whether it has come back. A [Registry] holds all breakers of a
// program, so that an operator sees and steers them in one place.
//
// What counts: an outcome is a Success, a Failure or Ignored. A caller who gave
// up, a refusal with a 4xx status and a call that another breaker or a limiter
// turned away say nothing about the dependency's health and never count as
// failures; see [Classify] and [ClassifyResponse].
//
// What opens a breaker: a number of failures in a row, a share of failures in a
// sliding window with a minimum of calls, or a share of slow calls. In half_open
// exactly Probes calls are let through; all must succeed to close it. A probe
// cannot be lost: [Do] and [Transport] report an outcome also after a panic or
// runtime.Goexit, reporting twice changes nothing, and a probe nobody ever
// reports gives its place back after ProbeLease.
//
// The states and the operator's switches follow resilience4j (closed, open,
// half_open, forced_open, disabled). While disabled, everything passes and the
// breaker only says when it would have opened: its dry run.
package breaker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// State is what a breaker does with calls.
type State uint8

// The states.
const (
	Closed     State = iota // calls pass
	Open                    // calls are refused until the delay has passed
	HalfOpen                // a few probes pass, the rest is refused
	ForcedOpen              // an operator refuses all calls
	Disabled                // an operator lets all calls pass; the dry run
)

// String is the state's name in JSON and in messages: "half_open".
func (s State) String() string {
	switch s {
	case Closed:
		return "closed"
	case Open:
		return "open"
	case HalfOpen:
		return "half_open"
	case ForcedOpen:
		return "forced_open"
	case Disabled:
		return "disabled"
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// MarshalText writes the name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a name.
func (s *State) UnmarshalText(text []byte) error {
	for c := Closed; c <= Disabled; c++ {
		if c.String() == string(text) {
			*s = c
			return nil
		}
	}
	return fmt.Errorf("breaker: no state is called %q", text)
}

// Refuses reports whether the state turns calls away (half_open lets its probes
// through and is not among them).
func (s State) Refuses() bool { return s == Open || s == ForcedOpen }

// Settings says when a breaker opens and for how long. Zero fields take the
// defaults named; Validate refuses what makes no sense.
type Settings struct {
	Name     string        // unique in a registry
	Failures int           // this many failures in a row open it; 5 when neither Rate nor SlowRate is set, otherwise 0 = not counted
	Delay    time.Duration // how long it stays open at most before a probe; 60 s
	Jitter   float64       // 0 to 1: the delay is shortened by up to this part, so that many processes do not probe at once
	Critical bool          // the program's main work needs this dependency

	Rate     float64       // this share of failures (0 to 1) within Window opens it; 0 = not counted
	SlowRate float64       // this share of slow calls within Window opens it; 0 = not counted
	Slow     time.Duration // a call that takes this long is slow; required with SlowRate
	Window   time.Duration // over which Rate and SlowRate are taken; 60 s
	MinCalls int           // calls in Window below which Rate and SlowRate say nothing; 20

	Probes     int           // calls let through in half_open; all must succeed; 1
	ProbeLease time.Duration // after which a probe without an outcome gives its place back; Delay, at least 1 s
}

// Validate says which field makes no sense.
func (s Settings) Validate() error {
	var bad string
	switch {
	case s.Name == "":
		return errors.New("breaker: settings without a name")
	case s.Failures < 0:
		bad = "failures is negative"
	case s.Delay < 0:
		bad = "delay is negative"
	case s.Jitter < 0 || s.Jitter > 1:
		bad = "jitter must be between 0 and 1"
	case s.Rate < 0 || s.Rate > 1:
		bad = "rate must be between 0 and 1"
	case s.SlowRate < 0 || s.SlowRate > 1:
		bad = "slow rate must be between 0 and 1"
	case s.SlowRate > 0 && s.Slow <= 0:
		bad = "slow rate needs the time from which a call is slow"
	case s.Slow < 0 || s.Window < 0 || s.MinCalls < 0:
		bad = "slow, window and minimum of calls must not be negative"
	case s.Probes < 0 || s.ProbeLease < 0:
		bad = "probes and probe lease must not be negative"
	default:
		return nil
	}
	return fmt.Errorf("breaker %q: %s", s.Name, bad)
}

// withDefaults fills zero fields and puts senseless ones to their defaults.
func (s Settings) withDefaults() Settings {
	s.Failures, s.Delay, s.Jitter = max(s.Failures, 0), max(s.Delay, 0), min(max(s.Jitter, 0), 1)
	s.Rate, s.SlowRate = min(max(s.Rate, 0), 1), min(max(s.SlowRate, 0), 1)
	if s.Slow <= 0 {
		s.SlowRate = 0
	}
	if s.Failures == 0 && s.Rate == 0 && s.SlowRate == 0 {
		s.Failures = 5
	}
	s.Delay = cmp.Or(s.Delay, time.Minute)
	s.Window = cmp.Or(max(s.Window, 0), time.Minute)
	s.MinCalls = cmp.Or(max(s.MinCalls, 0), 20)
	s.Probes = cmp.Or(max(s.Probes, 0), 1)
	s.ProbeLease = cmp.Or(max(s.ProbeLease, 0), max(s.Delay, time.Second))
	return s
}

// Breaker stands before one dependency. It is safe for concurrent use. A nil
// *Breaker lets everything pass and counts nothing.
type Breaker struct {
	set   Settings
	start time.Time // instants inside are nanoseconds since it, by the monotonic clock
	timed bool      // slow calls or a window are counted: the clock is read
	win   *window   // nil when neither Rate nor SlowRate is set
	trace func(context.Context) string

	tuned atomic.Pointer[Tuning] // in place of the settings' numbers; nil while nobody has set any

	word  atomic.Uint64 // generation<<3 | State; changed under mu only
	until atomic.Int64  // open: first probe; forced_open, disabled: end, 0 = none
	row   atomic.Int64  // failures in a row
	shut  atomic.Pointer[refused]
	why   atomic.Pointer[string] // the Cause of refusals
	pool  sync.Pool              // of *ticket

	successes, failures, ignored, slow, rejected, fallbacks atomic.Int64
	lastOK, lastBad                                         atomic.Int64
	stamped, nextStamp                                      atomic.Int64 // numbers of successes: whose time was and will be taken

	mu        sync.Mutex
	since     int64 // when the present state began
	looked    int64 // successes at the last look
	openSince int64 // when the present outage began
	opened    int64 // times it has opened
	openTotal int64 // nanoseconds spent refusing or probing, without the present outage
	shutAt    int64 // rejected when the present outage began
	probes    []probe
	passed    int   // probes that succeeded in this half_open
	serial    int64 // of the last probe
	lastError string
	would     int64 // times it would have opened while disabled
	wouldAt   int64
	shadow    int64 // end of the outage that would be, while disabled
	switched  Switch
	before    restored
	log       []Transition
	seq       uint64

	hooks      []func(Transition)
	pending    []Transition
	delivering bool
}

// Switch is who steered a breaker by hand, and why. Until is zero without end.
type Switch struct {
	Reason string    `json:"reason,omitempty"`
	By     string    `json:"by,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}

// restored are the last outcomes of an earlier process.
type restored struct{ failure, success, would time.Time }

// probe is a call let through in half_open that has not ended.
type probe struct{ serial, expires int64 }

// ticket is the part of a permit that all its copies share. Its number grows
// when the permit is used up, so a second Done finds another number.
type ticket struct {
	number   atomic.Uint64
	word     uint64
	serial   int64        // of the probe, 0 for an ordinary call
	began    int64        // -1 when nobody asks
	answered atomic.Int64 // -1 until Answered
}

// New makes a closed breaker. Settings that make no sense take their defaults;
// [Registry.Register] refuses them instead.
func New(s Settings) *Breaker {
	s = s.withDefaults()
	b := &Breaker{set: s, start: time.Now(), wouldAt: -1}
	if s.Rate > 0 || s.SlowRate > 0 {
		b.win = newWindow(s.Window)
	}
	b.timed = b.win != nil || s.Slow > 0
	b.lastOK.Store(-1)
	b.lastBad.Store(-1)
	return b
}

// Name is the breaker's name.
func (b *Breaker) Name() string {
	if b == nil {
		return ""
	}
	return b.set.Name
}

// Settings are the numbers it works with now, defaults filled in.
func (b *Breaker) Settings() Settings {
	s := b.set
	s.Failures, s.Delay = b.failuresNow(), b.delayNow()
	return s
}

// Made are the numbers it was made with, defaults filled in: those it goes back to
// when nobody tunes it any more.
func (b *Breaker) Made() Settings { return b.set }

// failuresNow is how many failures in a row open the breaker.
func (b *Breaker) failuresNow() int {
	if t := b.tuned.Load(); t != nil && t.Failures > 0 {
		return t.Failures
	}
	return b.set.Failures
}

// delayNow is how long it stays open at most.
func (b *Breaker) delayNow() time.Duration {
	if t := b.tuned.Load(); t != nil && t.Delay > 0 {
		return t.Delay
	}
	return b.set.Delay
}

// now is the time since the start, by the monotonic clock.
func (b *Breaker) now() int64 { return int64(time.Since(b.start)) }

// wall turns an instant into a time of day; a negative one is the zero time.
func (b *Breaker) wall(at int64) time.Time {
	if at < 0 {
		return time.Time{}
	}
	return b.start.Add(time.Duration(at)).Round(0).UTC()
}

func stateOf(word uint64) State { return State(word & 7) }

// State is what the breaker does with a call now. An open breaker whose delay
// has passed is half_open.
func (b *Breaker) State() State {
	if b == nil {
		return Closed
	}
	if s := stateOf(b.word.Load()); s == Closed || b.until.Load() == 0 {
		return s
	}
	b.mu.Lock()
	b.settle(b.now())
	s := stateOf(b.word.Load())
	b.unlock()
	return s
}

// Ready reports whether a call would be let through now, as a probe if need be.
// Who chooses among several dependencies asks it: passing over a breaker because
// its State is Open would never send the probe that closes it.
func (b *Breaker) Ready() bool {
	if b == nil || stateOf(b.word.Load()) == Closed {
		return true
	}
	b.mu.Lock()
	defer b.unlock()
	now := b.now()
	b.settle(now)
	switch stateOf(b.word.Load()) {
	case Closed, Disabled:
		return true
	case HalfOpen:
		return b.room(now)
	}
	return false
}

// delay is how long to stay open this time.
func (b *Breaker) delay() int64 {
	d := float64(b.delayNow())
	return int64(d - d*b.set.Jitter*rand.Float64())
}
