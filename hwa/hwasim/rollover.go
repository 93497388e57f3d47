package hwasim

// rollover is what SwitchPlan does: a new run number, the next day's instances,
// and of the old plan only what is unfinished and may be carried forward.
func (s *Sim) rollover(final int32) {
	s.runNumber++
	for i := range s.ws {
		if s.ws[i].active() {
			s.ws[i].run = s.runNumber
		}
	}
	next := s.streams[final].day + 1
	if s.dayDone[next] {
		return
	}
	for _, si := range s.sorder {
		s.closeOut(si, final)
	}
	s.instantiateSome(next, func(*streamDef) bool { return true })
}

// closeOut archives a stream of the old plan or carries it forward.
func (s *Sim) closeOut(si, final int32) {
	st := &s.streams[si]
	if st.day > s.streams[final].day {
		return
	}
	if !st.done && !st.has(fCanceled) && (st.def.carry || s.runningIn(si)) {
		st.carried = true
		return
	}
	if st.def.isFinal() && !st.done {
		return
	}
	st.flags |= fArchived
	for _, ji := range st.jobs {
		s.jobs[ji].set(fArchived, true)
	}
}

func (s *Sim) runningIn(si int32) bool {
	for _, ji := range s.streams[si].jobs {
		if s.jobs[ji].running() {
			return true
		}
	}
	return false
}
