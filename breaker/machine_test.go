package breaker

import (
	"cmp"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// machine is the breaker as a reader of the documentation would write it down:
// slow, without any concurrency, and compared with the real one step by step.
type machine struct {
	set     Settings
	made    Settings // before it was tuned
	state   State
	row     int
	until   time.Time // zero = none
	calls   []call    // of the window
	probes  int       // under way
	passed  int
	changes int
	permits []held
}

// call is one that ended.
type call struct {
	at   time.Time
	bad  bool
	part int64
}

// held is a permit the test has not reported.
type held struct {
	p      Permit
	probe  bool
	change int // state changes before it was let through
	used   bool
}

func (m *machine) to(s State, until time.Time) {
	m.state, m.until, m.row, m.calls, m.probes, m.passed = s, until, 0, nil, 0, 0
	m.changes++
}

func (m *machine) settle(now time.Time) {
	if m.until.IsZero() || now.Before(m.until) {
		return
	}
	switch m.state {
	case Open, ForcedOpen:
		m.to(HalfOpen, time.Time{})
	case Disabled:
		m.to(Closed, time.Time{})
	}
}

// lets says whether a call is let through.
func (m *machine) lets() bool {
	switch m.state {
	case Closed, Disabled:
		return true
	case HalfOpen:
		return m.probes+m.passed < m.set.Probes
	}
	return false
}

func (m *machine) done(h held, o Outcome, now time.Time, start time.Time) {
	if h.change != m.changes {
		return
	}
	if h.probe {
		m.probes--
		switch o {
		case Failure:
			m.to(Open, now.Add(m.set.Delay))
		case Success:
			if m.passed++; m.passed == m.set.Probes {
				m.to(Closed, time.Time{})
			}
		}
		return
	}
	if o == Ignored {
		return
	}
	m.row++
	if o == Success {
		m.row = 0
	}
	part := int64(now.Sub(start)) / (int64(m.set.Window) / parts)
	m.calls = append(m.calls, call{now, o == Failure, part})
	m.calls = slices.DeleteFunc(m.calls, func(c call) bool { return c.part <= part-parts })
	bad := 0
	for _, c := range m.calls {
		if c.bad {
			bad++
		}
	}
	trips := m.set.Failures > 0 && o == Failure && m.row >= m.set.Failures
	if m.set.Rate > 0 && len(m.calls) >= m.set.MinCalls && float64(bad) >= m.set.Rate*float64(len(m.calls)) {
		trips = true
	}
	if !trips {
		return
	}
	if m.state == Disabled {
		m.row, m.calls = 0, nil
		return
	}
	m.to(Open, now.Add(m.set.Delay))
}

// Random calls, outcomes, waits and an operator's switches: after each step the
// breaker is in the state the machine says and lets through what it lets.
func TestStateMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// A bare *testing.T would be asked for its deadline, which a bubble forbids.
		rapid.Check(struct{ *testing.T }{t}, func(t *rapid.T) {
			set := Settings{
				Name: "x", Failures: rapid.IntRange(0, 4).Draw(t, "failures"), Delay: time.Duration(rapid.IntRange(1, 20).Draw(t, "delay")) * time.Second,
				Probes: rapid.IntRange(1, 3).Draw(t, "probes"), MinCalls: rapid.IntRange(1, 6).Draw(t, "min"),
				Rate: rapid.SampledFrom([]float64{0, 0.3, 0.5, 1}).Draw(t, "rate"), Window: time.Minute, ProbeLease: 1000 * time.Hour,
			}
			if set.Failures == 0 && set.Rate == 0 {
				set.Failures = 1
			}
			start := time.Now()
			b, m := New(set), &machine{set: set, made: set}
			check := func(what string) {
				m.settle(time.Now())
				if got := b.State(); got != m.state {
					t.Fatalf("after %s: %s, want %s", what, got, m.state)
				}
				if got := b.Ready(); got != m.lets() {
					t.Fatalf("after %s: ready %v in %s, want %v", what, got, m.state, m.lets())
				}
				if got := b.Detail(); len(got.History) != min(m.changes, kept) {
					t.Fatalf("after %s: %d transitions on record, want %d", what, len(got.History), m.changes)
				}
			}
			t.Repeat(map[string]func(*rapid.T){
				"acquire": func(t *rapid.T) {
					m.settle(time.Now())
					p, err := b.Acquire()
					if (err == nil) != m.lets() {
						t.Fatalf("let through %v in %s, want %v", err == nil, m.state, m.lets())
					}
					if err != nil {
						return
					}
					h := held{p: p, probe: m.state == HalfOpen, change: m.changes}
					if h.probe {
						m.probes++
					}
					m.permits = append(m.permits, h)
				},
				"done": func(t *rapid.T) {
					if len(m.permits) == 0 {
						t.Skip("nothing under way")
					}
					i := rapid.IntRange(0, len(m.permits)-1).Draw(t, "which")
					o := Outcome(rapid.IntRange(0, 2).Draw(t, "outcome"))
					h := m.permits[i]
					if !h.used {
						m.done(h, o, time.Now(), start)
					}
					h.p.Done(o, nil)
					m.permits[i].used = true // it stays in the list and is reported again
					if len(m.permits) > 8 {
						m.permits = slices.DeleteFunc(m.permits, func(h held) bool { return h.used })
					}
				},
				"wait": func(t *rapid.T) {
					time.Sleep(time.Duration(rapid.IntRange(0, 25_000).Draw(t, "ms")) * time.Millisecond)
				},
				"switch": func(t *rapid.T) {
					m.settle(time.Now())
					b.State()
					ttl := time.Duration(rapid.IntRange(0, 10).Draw(t, "ttl")) * time.Second
					until := time.Time{}
					if ttl > 0 {
						until = time.Now().Add(ttl)
					}
					var err error
					switch rapid.IntRange(0, 3).Draw(t, "switch") {
					case 0:
						err = b.Reset("test", "ana")
						m.to(Closed, time.Time{})
					case 1:
						err = b.Enable("test", "ana")
						m.to(Closed, time.Time{})
					case 2:
						err = b.ForceOpen("test", "ana", ttl)
						m.to(ForcedOpen, until)
					case 3:
						err = b.Disable("test", "ana", ttl)
						m.to(Disabled, until)
					}
					if err != nil {
						t.Fatal(err)
					}
				},
				"tune": func(t *rapid.T) {
					m.settle(time.Now())
					tuning := Tuning{Failures: rapid.IntRange(0, 4).Draw(t, "failures"), Delay: time.Duration(rapid.IntRange(0, 20).Draw(t, "delay")) * time.Second}
					if m.made.Failures == 0 {
						tuning.Failures = 0
					}
					if err := b.Tune(tuning); err != nil {
						t.Fatal(err)
					}
					m.set.Failures, m.set.Delay = cmp.Or(tuning.Failures, m.made.Failures), cmp.Or(tuning.Delay, m.made.Delay)
					if end := time.Now().Add(m.set.Delay); m.state == Open && end.Before(m.until) {
						m.until = end
					}
				},
				"try now": func(t *rapid.T) {
					m.settle(time.Now())
					if got, want := b.TryNow(t.Context(), "it answers"), m.state == Open; got != want {
						t.Fatalf("tried now %v in %s", got, m.state)
					} else if want {
						m.to(HalfOpen, time.Time{})
					}
				},
				"": func(t *rapid.T) { check("a step") },
			})
		})
	})
}
