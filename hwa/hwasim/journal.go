package hwasim

import "time"

// Write is one accepted write: what a test counts to see that an action was
// executed once.
type Write struct {
	Seq           int       `json:"seq"`
	Op            string    `json:"op"`     // for example job.rerun, workstation.update-limit
	Target        string    `json:"target"` // id of the object, or of the run for a rerun
	Name          string    `json:"name"`   // WS#STREAM.JOB, workstation …
	User          string    `json:"user"`
	Category      string    `json:"category,omitempty"` // Justification headers
	Description   string    `json:"description,omitempty"`
	Ticket        string    `json:"ticket,omitempty"`
	Args          string    `json:"args,omitempty"` // query string and body as sent
	VirtualTime   time.Time `json:"virtualTime"`
	AcceptedAt    time.Time `json:"acceptedAt"` // real time
	Applied       bool      `json:"applied"`
	AppliedAt     time.Time `json:"appliedAt,omitzero"` // virtual time
	Ineffective   bool      `json:"ineffective,omitempty"`
	IneffectiveAs string    `json:"ineffectiveAs,omitempty"` // why the plan had moved on before the write took effect
}

type journal struct {
	list  []Write
	apply []func() error // nil once applied
}

// Writes returns the journal of accepted writes, oldest first.
func (s *Sim) Writes() []Write {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return append([]Write(nil), s.writes.list...)
}

// Executed counts the accepted writes of an operation on a target; an empty
// argument matches everything.
func (s *Sim) Executed(op, target string) int {
	n := 0
	for _, w := range s.Writes() {
		if (op == "" || w.Op == op) && (target == "" || w.Target == target || w.Name == target) {
			n++
		}
	}
	return n
}

// accept journals a write and applies it now or after the configured delay. The
// caller holds the lock. Nothing here depends on the request that asked.
func (s *Sim) accept(w Write, apply func() error) {
	w.Seq = len(s.writes.list) + 1
	w.VirtualTime, w.AcceptedAt = s.clock(), time.Now().UTC()
	s.writes.list = append(s.writes.list, w)
	s.writes.apply = append(s.writes.apply, apply)
	i := int32(w.Seq - 1)
	switch {
	case s.cfg.ApplyDelay > 0:
		time.AfterFunc(s.cfg.ApplyDelay, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.applyUpTo(i)
		})
	case s.cfg.ApplyVirtual > 0:
		s.schedule(s.now+vsec(s.cfg.ApplyVirtual/time.Second), evApply, i, 0)
	default:
		s.applyDue(i)
	}
}

// applyUpTo applies everything accepted before and including i: two timers may
// fire out of order, the engine's queue does not.
func (s *Sim) applyUpTo(i int32) {
	for k := range i + 1 {
		s.applyDue(k)
	}
}

func (s *Sim) applyDue(i int32) {
	apply := s.writes.apply[i]
	if apply == nil {
		return
	}
	s.writes.apply[i] = nil
	w := &s.writes.list[i]
	w.Applied, w.AppliedAt = true, s.clock()
	if err := apply(); err != nil {
		w.Ineffective, w.IneffectiveAs = true, err.Error()
	}
}
