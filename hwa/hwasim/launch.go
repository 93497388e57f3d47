package hwasim

// outcome says how the next run of a job ends; without one it succeeds.
type outcome struct {
	failure failure
	rc      int32
	dur     int32 // 0: as estimated
	repeat  int   // more runs that end the same way; negative: all of them
	fail    bool  // cannot be launched: FAIL
	lost    bool  // its end is never reported
}

// launch hands a READY job to its agent.
func (s *Sim) launch(ji int32) {
	j := &s.jobs[ji]
	r := j.last()
	s.take(ji)
	j.st, r.st = stIntro, stIntro
	s.nextJobNo++
	r.number, r.ws = s.nextJobNo, s.actualStation(ji)
	r.submitted = s.now
	o, planned := s.outcomes[ji]
	r.dur = s.duration(ji)
	if planned {
		s.applyOutcome(ji, r, o)
	}
	if st := &s.streams[j.stream]; st.began == 0 {
		st.began = s.now
	}
	s.schedule(s.now+1+vsec(uint32(r.number)%4), evBegin, ji, len(j.runs))
}

func (s *Sim) applyOutcome(ji int32, r *run, o outcome) {
	r.failure, r.rc = o.failure, o.rc
	if o.dur > 0 {
		r.dur = o.dur
	}
	if o.lost {
		r.flags |= rfLost
	}
	switch {
	case o.repeat == 0:
		delete(s.outcomes, ji)
	case o.repeat > 0:
		o.repeat--
		s.outcomes[ji] = o
	}
	if o.fail {
		r.dur = -1
	}
}

// actualStation picks the pool member; elsewhere it is the job's workstation.
func (s *Sim) actualStation(ji int32) int32 {
	w := s.jobs[ji].ws
	if k := s.ws[w].kind; k != "POOL" && k != "D-POOL" {
		return w
	}
	for i := range s.ws {
		m := (int(ji) + i) % len(s.ws)
		if s.ws[m].kind == "AGENT" && s.ws[m].active() {
			return int32(m)
		}
	}
	return w
}

// duration is the estimate, varied a little by job and run: hand-written jobs by
// ±4 % so that the night's story stays put, generated ones by up to 30 %.
func (s *Sim) duration(ji int32) int32 {
	j := &s.jobs[ji]
	h := uint32(j.id[0])<<16 | uint32(j.id[1])<<8 | uint32(j.id[2])
	h = (h + uint32(len(j.runs))*7919 + uint32(s.cfg.Seed)*104729) * 2654435761 >> 8
	pct := int32(h%9) + 96
	if s.ws[j.ws].generated() {
		pct = int32(h%51) + 80
	}
	return max(1, int32(int64(j.def.est)*int64(pct)/100))
}

func (w *workstation) generated() bool { return len(w.name) > 6 && w.name[:6] == "BR_AGT" }

// take books limit slots and resource units for a launch.
func (s *Sim) take(ji int32) {
	j := &s.jobs[ji]
	j.slot = true
	s.ws[j.ws].running++
	s.streams[j.stream].running++
	j.held = s.book(j.deps, ji, 1) || j.held
	st := &s.streams[j.stream]
	if !st.holding {
		st.holding = s.book(st.deps, ^j.stream, 1)
	}
}

func (s *Sim) book(deps []dep, owner int32, sign int32) bool {
	any := false
	for i := range deps {
		d := &deps[i]
		if d.kind != depResource || d.released && sign > 0 {
			continue
		}
		any = true
		r := &s.res[d.target]
		if sign > 0 {
			r.inUse += int32(d.qty)
			r.holders = append(r.holders, owner)
		} else if dropHolder(r, owner) {
			r.inUse -= int32(d.qty)
		}
	}
	return any
}

func dropHolder(r *resource, owner int32) bool {
	for i, h := range r.holders {
		if h == owner {
			r.holders = append(r.holders[:i], r.holders[i+1:]...)
			return true
		}
	}
	return false
}

// give returns what take booked and lets others go.
func (s *Sim) give(ji int32) {
	j := &s.jobs[ji]
	if !j.slot {
		return
	}
	j.slot = false
	st := &s.streams[j.stream]
	s.ws[j.ws].running--
	st.running--
	if j.held {
		j.held = false
		s.book(j.deps, ji, -1)
		s.wakeUsers(j.deps)
	}
	if st.limit >= 0 {
		for _, k := range st.jobs {
			if s.jobs[k].st == stReady {
				s.dispatch(s.jobs[k].ws)
			}
		}
	}
	s.dispatch(j.ws)
}

func (s *Sim) wakeUsers(deps []dep) {
	for i := range deps {
		if deps[i].kind == depResource {
			s.wakeResource(deps[i].target)
		}
	}
}

func (s *Sim) wakeResource(ri int32) {
	for _, o := range s.res[ri].users {
		if o >= 0 {
			if s.jobs[o].st == stReady {
				s.dispatch(s.jobs[o].ws)
			}
			continue
		}
		for _, ji := range s.streams[^o].jobs {
			if s.jobs[ji].st == stReady {
				s.dispatch(s.jobs[ji].ws)
			}
		}
	}
}

// begin: the agent starts the introduced run, or cannot.
func (s *Sim) begin(ji int32, runs int) {
	j := &s.jobs[ji]
	r := j.last()
	if j.st != stIntro || len(j.runs) != runs {
		return
	}
	if r.dur < 0 {
		s.finish(ji, stFail)
		return
	}
	j.st, r.st, r.start = stExec, stExec, s.now
	if r.flags&rfLost == 0 {
		s.schedule(s.now+vsec(r.dur), evEnd, ji, runs)
	}
	if p := s.streams[j.stream].def.planOf(j); p != nil && p.opts != nil && p.opts.maxDur > 0 {
		s.schedule(s.now+vsec(p.opts.maxDur), evMaxDur, ji, runs)
	}
}

// end: the agent reports the end of a run.
func (s *Sim) end(ji int32, runs int) {
	j := &s.jobs[ji]
	r := j.last()
	if j.st != stExec || len(j.runs) != runs || r.flags&rfLost != 0 || r.start+vsec(r.dur) > s.now {
		return
	}
	if !s.ws[r.ws].linked { // the report waits on the agent until it is linked again
		s.schedule(s.now+60, evEnd, ji, runs)
		return
	}
	r.end = r.start + vsec(r.dur)
	s.checkMinDuration(j, r)
	if r.rc != 0 {
		s.finish(ji, stAbend)
		return
	}
	if j.has(fConfirm) || r.flags&rfMinNot != 0 && s.minAction(j) == "confirmed" {
		j.st, r.st = stPend, stPend
		s.give(ji)
		return
	}
	s.finish(ji, stSucc)
}

func (s *Sim) checkMinDuration(j *job, r *run) {
	p := s.streams[j.stream].def.planOf(j)
	if p == nil || p.opts == nil || p.opts.minDur == 0 || r.end-r.start >= vsec(p.opts.minDur) {
		return
	}
	r.flags |= rfMinNot
	if p.opts.minAction == "abend" && r.rc == 0 {
		r.rc = 1
	}
}

func (s *Sim) minAction(j *job) string {
	if p := s.streams[j.stream].def.planOf(j); p != nil && p.opts != nil {
		return p.opts.minAction
	}
	return ""
}

func (s *Sim) maxDurationPassed(ji int32, runs int) {
	j := &s.jobs[ji]
	r := j.last()
	if j.st != stExec || len(j.runs) != runs {
		return
	}
	r.flags |= rfMaxGone
	if p := s.streams[j.stream].def.planOf(j); p != nil && p.opts != nil && p.opts.maxAction == "kill" {
		s.killNow(ji)
	}
}

// finish ends a run with a final status and lets the consequences happen.
func (s *Sim) finish(ji int32, st status) {
	j := &s.jobs[ji]
	r := j.last()
	j.st, r.st = st, st
	if r.end == 0 {
		r.end = s.now
	}
	if st == stFail {
		r.end = 0
	}
	s.give(ji)
	switch st {
	case stSucc:
		s.succeeded(ji)
	case stAbend, stFail:
		s.failed(ji)
	}
}

// finishNow ends a job that never runs (no operation) as successful.
func (s *Sim) finishNow(ji int32) {
	j := &s.jobs[ji]
	j.last().start = s.now
	s.finish(ji, stSucc)
}

func (s *Sim) succeeded(ji int32) {
	j := &s.jobs[ji]
	j.set(fNeedMessage|fReleasedDeps, false)
	if s.recoveryDone(ji) {
		return
	}
	if s.repeat(ji) {
		return
	}
	s.propagate(ji)
	if j.name == "SWITCHPLAN" && s.streams[j.stream].def.name == "FINAL" {
		s.rollover(j.stream)
	}
}

// repeat starts the next turn of an every job.
func (s *Sim) repeat(ji int32) bool {
	j := &s.jobs[ji]
	if j.every == 0 || j.has(fCanceled) {
		return false
	}
	next := max(j.last().start+vsec(j.every), s.now+1)
	limit := s.offset(s.streams[j.stream].day, day)
	if j.latest != 0 {
		limit = j.latest
	}
	if next > limit {
		return false
	}
	s.newRun(ji, runEvery)
	j.start = next
	s.setWaiting(j, stHold)
	s.schedule(next, evTime, ji, 0)
	return true
}

// newRun appends a run to the chain and makes the job waiting again.
func (s *Sim) newRun(ji int32, kind runKind) *run {
	j := &s.jobs[ji]
	j.runs = append(j.runs, run{st: stHold, ws: j.ws, kind: kind, submitted: s.now})
	j.set(fUntilGone|fReleasedDeps|fNeedMessage|fIgnored, false)
	s.setWaiting(j, stHold)
	s.streams[j.stream].done = false
	return j.last()
}

// propagate tells everything that waits for a job, and closes its stream when
// it was the last.
func (s *Sim) propagate(ji int32) {
	j := &s.jobs[ji]
	s.refreshAll(j.succ)
	s.checkDone(j.stream)
}

// refreshAll looks a second time because a refresh can grow the list.
func (s *Sim) refreshAll(owners []int32) {
	for _, o := range owners {
		s.refreshOwner(o)
	}
}

// checkDone marks a stream whose jobs are all successful, canceled or released.
func (s *Sim) checkDone(si int32) {
	st := &s.streams[si]
	for _, ji := range st.jobs {
		if !s.jobReleases(ji) {
			return
		}
	}
	if !st.done {
		st.done, st.ended = true, s.now
		s.giveStream(si)
		s.refreshAll(s.streams[si].succ)
	}
}

// giveStream returns the resource units a job stream itself holds.
func (s *Sim) giveStream(si int32) {
	st := &s.streams[si]
	if st.holding {
		st.holding = false
		s.book(st.deps, ^si, -1)
		s.wakeUsers(st.deps)
	}
}
