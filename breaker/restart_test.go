package breaker

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// twin is one breaker of a registry as an operator understands it: what it does with
// calls, what it has counted, and what its history tells, over restarts as well.
type twin struct {
	made, set Settings
	state     State
	until     time.Time // of a delay or a switch; zero = none
	held      Switch
	row       int64
	life      int               // changes of state and restarts
	probes    map[int]time.Time // :: probe → end of its lease
	passed    int
	shadow    time.Time // end of the outage that would be

	good, bad, ignored, rejected, opened, would int64
	lastBad, wouldAt                            time.Time
	down                                        time.Duration // in outages that are over
	downSince                                   time.Time
	story                                       []Transition
}

func (w *twin) copy() *twin {
	c := *w
	c.probes, c.story = maps.Clone(w.probes), slices.Clone(w.story)
	return &c
}

func outOfService(s State) bool { return s == Open || s == HalfOpen || s == ForcedOpen }

// become changes the state; cause is what the history has to begin with.
func (w *twin) become(to State, until time.Time, held Switch, cause string) {
	now := time.Now()
	if outOfService(w.state) && !outOfService(to) {
		w.down += now.Sub(w.downSince)
	} else if !outOfService(w.state) && outOfService(to) {
		w.downSince = now
	}
	if to == Open {
		w.opened++
	}
	w.story = append(w.story, Transition{Seq: uint64(len(w.story) + 1), Name: w.made.Name, From: w.state, To: to, At: now.UTC(), Cause: cause, By: held.By})
	if to != ForcedOpen && to != Disabled {
		held = Switch{}
	}
	w.state, w.until, w.held, w.row, w.passed, w.shadow = to, until, held, 0, 0, time.Time{}
	w.probes = map[int]time.Time{}
	w.life++
}

// tick does what is due by the clock.
func (w *twin) tick() {
	if w.until.IsZero() || time.Now().Before(w.until) {
		return
	}
	switch w.state {
	case Open:
		w.become(HalfOpen, time.Time{}, Switch{}, "the delay is over")
	case ForcedOpen:
		w.become(HalfOpen, time.Time{}, Switch{}, "the operator's switch has run out")
	case Disabled:
		w.become(Closed, time.Time{}, Switch{}, "the operator's switch has run out")
	}
}

// admits says whether a call is let through now.
func (w *twin) admits() bool {
	switch w.state {
	case Open, ForcedOpen:
		return false
	case HalfOpen:
		maps.DeleteFunc(w.probes, func(_ int, end time.Time) bool { return !time.Now().Before(end) })
		return len(w.probes)+w.passed < w.set.Probes
	}
	return true
}

// ended counts an outcome of a call that was let through in a life, as probe id or
// 0.
func (w *twin) ended(o Outcome, life, id int) {
	switch o {
	case Success:
		w.good++
	case Failure:
		w.bad++
		w.lastBad = time.Now().UTC()
	default:
		w.ignored++
	}
	if life != w.life {
		return
	}
	if id > 0 {
		w.probed(o, id)
		return
	}
	switch o {
	case Success:
		w.row = 0
	case Failure:
		if w.row++; w.row < int64(w.set.Failures) {
			return
		}
		if w.state == Closed {
			w.become(Open, time.Now().Add(w.set.Delay), Switch{}, "")
			return
		}
		if w.row = 0; !time.Now().Before(w.shadow) {
			w.would, w.wouldAt, w.shadow = w.would+1, time.Now().UTC(), time.Now().Add(w.set.Delay)
		}
	}
}

func (w *twin) probed(o Outcome, id int) {
	if _, has := w.probes[id]; !has {
		return
	}
	delete(w.probes, id)
	switch o {
	case Failure:
		w.become(Open, time.Now().Add(w.set.Delay), Switch{}, "a probe failed")
	case Success:
		if w.passed++; w.passed == w.set.Probes {
			w.become(Closed, time.Time{}, Switch{}, "")
		}
	}
}

// reborn is the twin in a new process: what was counted stays, an outage begins
// anew, and what the old state becomes is in the history.
func (w *twin) reborn(saved time.Time) {
	w.life++
	w.row, w.passed, w.probes, w.shadow = 0, 0, map[int]time.Time{}, time.Time{}
	from := w.state
	if outOfService(from) {
		w.down += saved.Sub(w.downSince)
	}
	w.state = Closed
	over := !w.held.Until.IsZero() && !time.Now().Before(w.held.Until)
	switch {
	case from == Closed:
		return
	case from == Open || from == HalfOpen:
		w.become(HalfOpen, time.Time{}, Switch{}, "restarted while "+from.String())
	case over:
		w.become(Closed, time.Time{}, Switch{}, "the operator's switch ran out while")
	default:
		w.become(from, w.until, w.held, "restarted; still "+from.String()+": "+w.held.Reason)
	}
	w.story[len(w.story)-1].From = from
}

// same compares a breaker with its twin.
func (w *twin) same(t *rapid.T, b *Breaker) {
	t.Helper()
	s := b.Detail()
	type numbers struct {
		State                                                  State
		Row, Good, Bad, Ignored, Rejected, Opened, Would, Left int64
		LastBad, WouldAt                                       time.Time
		Held                                                   Switch
		Threshold, Probing, Told                               int
		Delay, Down                                            float64
	}
	want := numbers{State: w.state, Row: w.row, Good: w.good, Bad: w.bad, Ignored: w.ignored, Rejected: w.rejected, Opened: w.opened, Would: w.would,
		LastBad: w.lastBad, WouldAt: w.wouldAt, Held: w.held, Threshold: w.set.Failures, Probing: len(w.probes), Told: min(len(w.story), 50),
		Delay: w.set.Delay.Seconds(), Down: w.down.Seconds()}
	if outOfService(w.state) {
		want.Down += time.Since(w.downSince).Seconds()
	}
	if !w.until.IsZero() {
		want.Left = time.Until(w.until).Milliseconds()
	}
	got := numbers{s.State, s.FailureCount, s.SuccessCount, s.TotalFailures, s.Ignored, s.Rejected, s.Opened, s.WouldTrip, int64(math.Round(s.RetryAfter * 1000)),
		s.LastFailure, s.WouldAt, s.Switch, s.Threshold, s.Probing, len(s.History), s.RecoveryTimeout, s.OpenTotal}
	if math.Abs(got.Down-want.Down) < 1e-6 { // a history keeps seconds as a fraction
		got.Down = want.Down
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", w.made.Name, diff)
	}
	for i, told := range w.story[len(w.story)-want.Told:] {
		got := s.History[i]
		if !strings.HasPrefix(got.Cause, told.Cause) || got.Cause == "" {
			t.Fatalf("%s: change %d has the cause %q, want %q…", w.made.Name, told.Seq, got.Cause, told.Cause)
		}
		told.Cause = got.Cause
		if diff := cmp.Diff(told, got); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", w.made.Name, diff)
		}
	}
}

// permit is one that has not been reported.
type outstanding struct {
	p        Permit
	name     string
	life, id int
}

// plant is a registry, its twins, and what has been written down of it.
type plant struct {
	reg     *Registry
	twins   map[string]*twin
	tuned   map[string]Tuning // kept apart from the histories, and at once
	dirty   map[string]bool
	disk    map[string][]byte
	onDisk  map[string]*twin // the twins at that moment
	diskAt  map[string]time.Time
	calls   []outstanding
	lastOne int
}

func newPlant(t *rapid.T) *plant {
	p := &plant{twins: map[string]*twin{}, tuned: map[string]Tuning{}, disk: map[string][]byte{}, onDisk: map[string]*twin{}, diskAt: map[string]time.Time{}}
	for _, name := range []string{"a", "b", "c"} {
		set := Settings{Name: name, Critical: name != "b", Failures: rapid.IntRange(1, 4).Draw(t, "failures"), Delay: time.Duration(rapid.IntRange(1, 20).Draw(t, "delay")) * time.Second,
			Probes: rapid.IntRange(1, 3).Draw(t, "probes"), ProbeLease: time.Duration(rapid.IntRange(1, 40).Draw(t, "lease")) * time.Second}
		p.twins[name] = &twin{made: set, set: set, probes: map[int]time.Time{}}
	}
	p.start(t)
	return p
}

// start makes the registry of a new process; the hook marks what has to be written
// down, as the program's does.
func (p *plant) start(t *rapid.T) {
	p.dirty, p.calls = map[string]bool{}, nil
	p.reg = NewRegistry(WithHook(func(tr Transition) { p.dirty[tr.Name] = true }))
	for _, w := range p.twins {
		if _, err := p.reg.Register(w.made); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *plant) save(t *rapid.T, names []string) {
	for _, name := range names {
		b, err := p.reg.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		p.twins[name].tick()
		if p.disk[name], err = json.Marshal(b.Export()); err != nil {
			t.Fatal(err)
		}
		p.onDisk[name], p.diskAt[name] = p.twins[name].copy(), time.Now()
		delete(p.dirty, name)
	}
}

// restart ends the process, some time after which another begins with what was
// written down.
func (p *plant) restart(t *rapid.T, away time.Duration) {
	time.Sleep(away)
	for name, w := range p.twins {
		if p.twins[name] = p.onDisk[name]; p.twins[name] == nil {
			p.twins[name] = &twin{made: w.made, probes: map[int]time.Time{}}
		}
		p.twins[name].set = w.set
		p.twins[name] = p.twins[name].copy()
	}
	p.start(t)
	for name, raw := range p.disk {
		var h History
		if err := json.Unmarshal(raw, &h); err != nil {
			t.Fatal(err)
		}
		b, err := p.reg.Get(name)
		if err == nil {
			err = b.Restore(h)
		}
		if err != nil {
			t.Fatal(err)
		}
		p.twins[name].reborn(p.diskAt[name])
		if forever := h.Switch.Until.IsZero(); h.State == ForcedOpen && (forever || time.Now().Before(h.Switch.Until)) && b.State() != ForcedOpen {
			t.Fatalf("%s was forced open until %s and is %s after the restart", name, h.Switch.Until, b.State())
		}
	}
	for name, tuning := range p.tuned {
		if err := p.reg.Tune(name, tuning); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *plant) pick(t *rapid.T) (*twin, *Breaker) {
	name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "breaker")
	b, err := p.reg.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	p.twins[name].tick()
	return p.twins[name], b
}

func (p *plant) acquire(t *rapid.T) {
	w, b := p.pick(t)
	permit, err := b.Acquire()
	if want := w.admits(); (err == nil) != want {
		t.Fatalf("%s is %s and lets a call through: %v, want %v", w.made.Name, w.state, err == nil, want)
	}
	if err != nil {
		w.rejected++
		return
	}
	call := outstanding{p: permit, name: w.made.Name, life: w.life}
	if w.state == HalfOpen {
		p.lastOne++
		call.id = p.lastOne
		w.probes[call.id] = time.Now().Add(w.set.ProbeLease)
		if len(w.probes)+w.passed > w.made.Probes {
			t.Fatalf("%s: %d probes, %d allowed", w.made.Name, len(w.probes)+w.passed, w.made.Probes)
		}
	}
	p.calls = append(p.calls, call)
}

func (p *plant) done(t *rapid.T, o Outcome) {
	if len(p.calls) == 0 {
		t.Skip("nothing under way")
	}
	i := rapid.IntRange(0, len(p.calls)-1).Draw(t, "which")
	call := p.calls[i]
	p.calls = slices.Delete(p.calls, i, i+1)
	w := p.twins[call.name]
	// The clock is looked at by calls that ask; an outcome alone finds the state as it was.
	w.ended(o, call.life, call.id)
	call.p.Done(o, errDown)
}

func (p *plant) steer(t *rapid.T, kind int) {
	w, _ := p.pick(t)
	name := w.made.Name
	p.look(t) // so that what is due by the clock comes first
	ttl := time.Duration(rapid.IntRange(0, 30).Draw(t, "ttl")) * time.Second
	held, until := Switch{Reason: "work on it", By: "ana"}, time.Time{}
	if ttl > 0 {
		until = time.Now().Add(ttl)
		held.Until = until.UTC()
	}
	var err error
	switch kind {
	case 0:
		err = p.reg.Reset(name, held.Reason, held.By)
		w.become(Closed, time.Time{}, held, "reset by hand: work on it")
	case 1:
		err = p.reg.Enable(name, held.Reason, held.By)
		w.become(Closed, time.Time{}, held, "enabled by hand: work on it")
	case 2:
		err = p.reg.ForceOpen(name, held.Reason, held.By, ttl)
		w.become(ForcedOpen, until, held, "forced open by hand")
	case 3:
		err = p.reg.Disable(name, held.Reason, held.By, ttl)
		w.become(Disabled, until, held, "disabled by hand")
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (p *plant) tune(t *rapid.T) {
	w, _ := p.pick(t)
	p.look(t)
	tuning := Tuning{Failures: rapid.IntRange(0, 4).Draw(t, "failures"), Delay: time.Duration(rapid.IntRange(0, 20).Draw(t, "delay")) * time.Second}
	if err := p.reg.Tune(w.made.Name, tuning); err != nil {
		t.Fatal(err)
	}
	p.tuned[w.made.Name] = tuning
	w.set.Failures, w.set.Delay = w.made.Failures, w.made.Delay
	if tuning.Failures > 0 {
		w.set.Failures = tuning.Failures
	}
	if tuning.Delay > 0 {
		w.set.Delay = tuning.Delay
	}
	if soonest := time.Now().Add(w.set.Delay); w.state == Open && soonest.Before(w.until) {
		w.until = soonest
	}
}

// look compares everything: each breaker, and the registry's health.
func (p *plant) look(t *rapid.T) {
	want := Health{Healthy: true, TotalBreakers: len(p.twins), OpenList: []string{}, CriticalOpenList: []string{}, Details: map[string]Detail{}}
	for _, b := range p.reg.All() {
		w := p.twins[b.Name()]
		w.tick()
		w.same(t, b)
		d := Detail{State: w.state, Failures: w.row, TotalCalls: w.good + w.bad, RetryAfter: b.Status().RetryAfter}
		if d.TotalCalls > 0 {
			rate := float64(w.good) / float64(d.TotalCalls)
			d.SuccessRate = &rate
		}
		want.Details[b.Name()] = d
		if w.state == Open || w.state == ForcedOpen {
			want.Healthy, want.OpenBreakers, want.OpenList = false, want.OpenBreakers+1, append(want.OpenList, b.Name())
			if w.made.Critical {
				want.CriticalOpen, want.CriticalOpenList = want.CriticalOpen+1, append(want.CriticalOpenList, b.Name())
			}
		}
	}
	if diff := cmp.Diff(want, p.reg.Health()); diff != "" {
		t.Fatalf("health (-want +got):\n%s", diff)
	}
}

// Three breakers under random calls, switches, changed numbers, waits and restarts:
// orderly ones, which write everything down, and crashes, after which what was
// written last holds. After each step every number an operator sees is that of the
// twin.
func TestRegistryOverRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ *testing.T }{t}, func(t *rapid.T) {
			p := newPlant(t)
			acts := map[string]func(*rapid.T){
				"success": func(t *rapid.T) { p.done(t, Success) },
				"failure": func(t *rapid.T) { p.done(t, Failure) },
				"ignored": func(t *rapid.T) { p.done(t, Ignored) },
				"failures": func(t *rapid.T) {
					for range rapid.IntRange(1, 6).Draw(t, "calls") {
						p.acquire(t)
						if len(p.calls) > 0 {
							p.done(t, Failure)
						}
					}
				},
				"wait": func(t *rapid.T) {
					time.Sleep(time.Duration(rapid.IntRange(0, 25_000).Draw(t, "ms")) * time.Millisecond)
				},
				"switch": func(t *rapid.T) { p.steer(t, rapid.IntRange(0, 3).Draw(t, "switch")) },
				"flap": func(t *rapid.T) {
					for i := range rapid.IntRange(1, 40).Draw(t, "times") {
						p.steer(t, 2-i%2*2)
					}
				},
				"tune": p.tune,
				"write down what is marked": func(t *rapid.T) {
					p.save(t, slices.Collect(maps.Keys(p.dirty)))
				},
				"restart": func(t *rapid.T) {
					p.save(t, slices.Collect(maps.Keys(p.twins)))
					p.restart(t, time.Duration(rapid.IntRange(0, 40).Draw(t, "away"))*time.Second)
				},
				"crash": func(t *rapid.T) { p.restart(t, time.Duration(rapid.IntRange(0, 40).Draw(t, "away"))*time.Second) },
				"":      p.look,
			}
			for _, more := range []string{"call", "another call", "one more call"} {
				acts[more] = p.acquire
			}
			t.Repeat(acts)
		})
	})
}
