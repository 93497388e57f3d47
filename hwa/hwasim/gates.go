package hwasim

import "slices"

// satisfied reports whether a dependency no longer holds its owner. Resources
// are not asked here: they gate the launch, not the readiness.
func (s *Sim) satisfied(d *dep) bool {
	if d.released {
		return true
	}
	switch d.kind {
	case depInternal, depJob:
		return s.jobReleases(d.target)
	case depStream:
		st := &s.streams[d.target]
		return st.done || st.has(fCanceled)
	case depJoin:
		return s.joinSatisfied(&s.joins[d.target])
	case depFile:
		return s.files[d.target].exists
	case depPrompt:
		return s.prompts[d.target].st == prYes
	case depInternetwork:
		return false
	}
	return true
}

// jobReleases reports whether successors of a job may go.
func (s *Sim) jobReleases(ji int32) bool {
	j := &s.jobs[ji]
	return j.st == stSucc && !j.running() || j.has(fCanceled) || j.has(fReleasedDeps)
}

func (j *job) running() bool { return j.st.running() }

func (s *Sim) joinSatisfied(jn *join) bool {
	need, met := jn.need, 0
	if need == 0 {
		need = len(jn.members)
	}
	for i := range jn.members {
		if s.satisfied(&jn.members[i]) {
			met++
		}
	}
	return met >= need
}

// open counts the unsatisfied dependencies of a kind set; resources count as
// open while too few units are free.
func (s *Sim) open(deps []dep, want func(depKind) bool) int {
	n := 0
	for i := range deps {
		d := &deps[i]
		if !want(d.kind) {
			continue
		}
		if d.kind == depResource {
			if !d.released && s.freeUnits(d.target) < int32(d.qty) {
				n++
			}
		} else if !s.satisfied(d) {
			n++
		}
	}
	return n
}

func isFollows(k depKind) bool {
	return k == depInternal || k == depJob || k == depStream || k == depJoin || k == depInternetwork
}
func isFile(k depKind) bool     { return k == depFile }
func isPrompt(k depKind) bool   { return k == depPrompt }
func isResource(k depKind) bool { return k == depResource }
func notResource(k depKind) bool {
	return k != depResource
}

func (s *Sim) freeUnits(ri int32) int32 { return s.res[ri].total - s.res[ri].inUse }

// streamOpen reports whether the stream itself lets its jobs go.
func (s *Sim) streamOpen(si int32) bool {
	st := &s.streams[si]
	return st.prio > 0 && (st.start == 0 || st.start <= s.now) && s.open(st.deps, notResource) == 0
}

// jobOpen reports whether the job has nothing left but launch gates.
func (s *Sim) jobOpen(j *job) bool {
	return j.prio > 0 && (j.start == 0 || j.start <= s.now) && s.open(j.deps, notResource) == 0
}

// refresh moves a waiting job between HOLD and READY as its gates say, asks
// prompts whose turn it is, and tries to launch.
func (s *Sim) refresh(ji int32) {
	j := &s.jobs[ji]
	if !j.st.waiting() || j.has(fCanceled|fArchived) || len(j.runs) == 0 {
		return
	}
	if j.has(fUntilGone) && s.lateStart(j) != "continue" {
		return
	}
	s.askPrompts(j.deps, j.start, ji)
	streamOpen := s.streamOpen(j.stream)
	if j.has(fCancelPending) && s.open(j.deps, notResource) == 0 && s.open(s.streams[j.stream].deps, notResource) == 0 {
		s.cancelNow(ji)
		return
	}
	if !streamOpen || !s.jobOpen(j) {
		s.setWaiting(j, stHold)
		return
	}
	if s.ws[j.ws].ignore {
		s.suppress(ji, fIgnored)
		return
	}
	if j.st != stReady {
		s.setWaiting(j, stReady)
		j.readyAt = s.now
	}
	if j.has(fNoop) {
		s.finishNow(ji)
		return
	}
	s.enqueue(ji)
	s.dispatch(j.ws)
}

func (s *Sim) setWaiting(j *job, st status) {
	j.st = st
	j.last().st = st
}

func (s *Sim) lateStart(j *job) string {
	sd := s.streams[j.stream].def
	if p := sd.planOf(j); p != nil && p.opts != nil && p.opts.lateStart != "" {
		return p.opts.lateStart
	}
	return "continue"
}

// planOf finds a job's place in its stream definition; jobs submitted later have none.
func (d *streamDef) planOf(j *job) *jobPlan {
	if i := int(j.pos) - 1; i >= 0 && i < len(d.jobs) && d.jobs[i].def == j.def {
		return &d.jobs[i]
	}
	return nil
}

// askPrompts asks the prompts of an owner once everything else lets it go.
func (s *Sim) askPrompts(deps []dep, start vsec, owner int32) {
	for i := range deps {
		d := &deps[i]
		if d.kind != depPrompt || d.released {
			continue
		}
		p := &s.prompts[d.target]
		if p.st == prNotAsked && (start == 0 || start <= s.now) && s.open(deps, isFollows) == 0 && s.open(deps, isFile) == 0 {
			p.st, p.asked, p.owner = prAsked, s.now, owner
		}
	}
}

func (s *Sim) refreshStream(si int32) {
	st := &s.streams[si]
	if st.has(fArchived) {
		return
	}
	s.askPrompts(st.deps, st.start, ^si)
	if st.has(fCancelPending) && s.open(st.deps, notResource) == 0 {
		s.cancelStream(si)
		return
	}
	for _, ji := range st.jobs {
		s.refresh(ji)
	}
}

func (s *Sim) refreshOwner(owner int32) {
	if owner < 0 {
		s.refreshStream(^owner)
	} else {
		s.refresh(owner)
	}
}

func (s *Sim) fileArrived(fi int32) {
	f := &s.files[fi]
	if f.arrives == 0 || f.arrives > s.now {
		return
	}
	f.exists = true
	for _, o := range f.users {
		s.refreshOwner(o)
	}
}

func (s *Sim) enqueue(ji int32) {
	j := &s.jobs[ji]
	if j.queued {
		return
	}
	j.queued = true
	w := &s.ws[j.ws]
	w.ready = append(w.ready, ji)
	w.dirty = true
}

// launchGate names what keeps a READY job from being launched.
type launchGate uint8

const (
	gateNone launchGate = iota
	gateAgent
	gateLimit
	gateFence
	gateStreamLimit
	gateResource
)

func (s *Sim) launchGate(ji int32) launchGate {
	j := &s.jobs[ji]
	w := &s.ws[j.ws]
	st := &s.streams[j.stream]
	urgent := j.prio >= 100 || st.prio >= 100
	switch {
	case !w.active():
		return gateAgent
	case int16(j.prio) <= w.fence:
		return gateFence
	case !urgent && w.limit >= 0 && w.running >= w.limit:
		return gateLimit
	case st.limit >= 0 && st.running >= st.limit:
		return gateStreamLimit
	case s.open(j.deps, isResource) > 0 || !st.holding && s.open(st.deps, isResource) > 0:
		return gateResource
	}
	return gateNone
}

// dispatch launches what a workstation's gates allow, highest priority first.
func (s *Sim) dispatch(wi int32) {
	w := &s.ws[wi]
	if len(w.ready) == 0 || !w.active() {
		return
	}
	if w.dirty {
		slices.SortFunc(w.ready, s.launchOrder)
		w.dirty = false
	}
	keep := 0
	for i := 0; i < len(w.ready); i++ {
		ji := w.ready[i]
		j := &s.jobs[ji]
		if j.st != stReady || j.has(fCanceled|fArchived) || j.ws != wi {
			j.queued = false
			continue
		}
		if s.launchGate(ji) == gateNone {
			j.queued = false
			s.launch(ji)
			continue
		}
		w.ready[keep] = ji
		keep++
	}
	w.ready = w.ready[:keep]
}

func (s *Sim) launchOrder(a, b int32) int {
	x, y := &s.jobs[a], &s.jobs[b]
	switch {
	case x.prio != y.prio:
		return int(y.prio) - int(x.prio)
	case x.readyAt != y.readyAt:
		return int(x.readyAt - y.readyAt)
	}
	return int(a - b)
}

// untilPassed applies the action of a latest start time that was missed.
func (s *Sim) untilPassed(ji int32) {
	j := &s.jobs[ji]
	if !j.st.waiting() || j.has(fCanceled|fArchived) || j.latest == 0 || j.latest > s.now {
		return
	}
	if len(j.runs) > 1 && j.every > 0 { // an every job stops repeating
		return
	}
	j.set(fUntilGone, true)
	switch s.lateStart(j) {
	case "cancel":
		s.cancelNow(ji)
	case "doNotRun":
		s.suppress(ji, 0)
	}
}

// suppress takes a job out of the night without a result; successors stay.
func (s *Sim) suppress(ji int32, why flag) {
	j := &s.jobs[ji]
	j.set(why, true)
	s.setWaiting(j, stSuppr)
}

func (s *Sim) deadlinePassed(ji int32) {
	j := &s.jobs[ji]
	if j.st != stSucc && !j.has(fCanceled|fArchived) && j.deadline != 0 && j.deadline <= s.now {
		j.set(fDeadlineGone|fLate, true)
	}
}

func (s *Sim) streamDeadlinePassed(si int32) {
	if st := &s.streams[si]; !st.done && !st.has(fCanceled) {
		st.flags |= fDeadlineGone | fLate
	}
}

// criticalStartPassed marks a job of a critical network that has not started in
// time, and everything critical behind it.
func (s *Sim) criticalStartPassed(ji int32) {
	j := &s.jobs[ji]
	late := !j.st.ended() && !j.running() || j.st == stAbend || j.st == stFail
	if late && !j.has(fCanceled|fArchived) && j.critical <= s.now {
		j.set(fLate, true)
	}
}
