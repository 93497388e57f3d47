package hwasim

import (
	"context"
	"time"
)

// tick is how often Run looks at the real clock.
const tick = 20 * time.Millisecond

// maxStep bounds one Step so that a slip of the finger in a script cannot spin
// the engine through decades.
const maxStep = 400 * 24 * time.Hour

// Now returns the virtual time in UTC.
func (s *Sim) Now() time.Time {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.clock()
}

func (s *Sim) clock() time.Time { return s.at(s.now).Add(s.frac) }

// at turns virtual seconds into a time; not set stays the zero time.
func (s *Sim) at(v vsec) time.Time {
	if v == 0 {
		return time.Time{}
	}
	return s.epoch.Add(time.Duration(v) * time.Second)
}

// sec is the inverse of at.
func (s *Sim) sec(t time.Time) vsec {
	if t.IsZero() {
		return 0
	}
	return vsec(t.Sub(s.epoch) / time.Second)
}

// Step moves the virtual clock forward by d and lets everything due happen.
// Negative steps and steps past 400 days are ignored or cut.
func (s *Sim) Step(d time.Duration) {
	if d <= 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(min(d, maxStep))
}

func (s *Sim) advance(d time.Duration) {
	total := s.frac + d
	s.frac = total % time.Second
	s.advanceTo(s.now + vsec(total/time.Second))
}

func (s *Sim) advanceTo(until vsec) {
	for len(s.heap.items) > 0 && s.heap.items[0].at <= until {
		e := s.heap.pop()
		if e.at > s.now {
			s.now = e.at
		}
		s.handle(e)
	}
	if until > s.now {
		s.now = until
	}
}

// SetSpeed changes how many virtual seconds pass per real second while Run is
// active. Zero freezes the clock.
func (s *Sim) SetSpeed(x float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.speed = max(x, 0)
}

// Run drives the virtual clock from the real one until ctx ends and returns nil
// then. Without Run only Step moves the clock.
func (s *Sim) Run(ctx context.Context) error {
	t := time.NewTicker(tick)
	defer t.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-t.C:
			real := now.Sub(last)
			last = now
			s.mu.Lock()
			if step := time.Duration(float64(real) * s.speed); step > 0 {
				s.advance(min(step, maxStep))
			}
			s.mu.Unlock()
		}
	}
}

func (s *Sim) schedule(at vsec, kind eventKind, obj int32, run int) {
	if at == 0 {
		return
	}
	s.heap.push(event{at: at, kind: kind, obj: obj, run: int16(run)})
}

// handle applies one due event.
func (s *Sim) handle(e event) {
	switch e.kind {
	case evTime:
		s.refresh(e.obj)
	case evStream:
		s.refreshStream(e.obj)
	case evUntil:
		s.untilPassed(e.obj)
	case evDeadline:
		s.deadlinePassed(e.obj)
	case evCritical:
		s.criticalStartPassed(e.obj)
	case evBegin:
		s.begin(e.obj, int(e.run))
	case evEnd:
		s.end(e.obj, int(e.run))
	case evMaxDur:
		s.maxDurationPassed(e.obj, int(e.run))
	case evFile:
		s.fileArrived(e.obj)
	case evRecover:
		s.recoveryRerun(e.obj, int(e.run))
	case evApply:
		s.applyDue(e.obj)
	case evStreamDue:
		s.streamDeadlinePassed(e.obj)
	}
}
