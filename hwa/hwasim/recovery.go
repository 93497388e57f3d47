package hwasim

// failed applies the recovery options of a job that ended ABEND. A FAIL never
// started, so only its stream is told.
func (s *Sim) failed(ji int32) {
	j := &s.jobs[ji]
	if j.critical != 0 && j.critical <= s.now {
		j.set(fLate, true)
	}
	if j.st == stFail || j.has(fCanceled) || j.last().flags&rfKilled != 0 {
		return
	}
	if j.isRecovery() {
		return
	}
	d := j.def
	if d.recText != "" {
		s.askRestart(ji)
		return
	}
	s.recover(ji)
}

// isRecovery reports whether the job is itself a recovery job.
func (j *job) isRecovery() bool { return j.runs[0].kind == runRecovery }

// askRestart asks the recovery prompt; nothing happens until it is answered.
func (s *Sim) askRestart(ji int32) {
	j := &s.jobs[ji]
	j.set(fNeedMessage, true)
	p := s.addPrompt(j.name+"_RESTART", j.def.recText, "Restart Prompt", ji)
	s.prompts[p].st, s.prompts[p].asked = prAsked, s.now
	s.prompts[p].users = []int32{ji}
}

// restartAnswered continues or gives up after a recovery prompt.
func (s *Sim) restartAnswered(ji int32, yes bool) {
	j := &s.jobs[ji]
	if !j.has(fNeedMessage) {
		return
	}
	j.set(fNeedMessage, false)
	if yes && j.st == stAbend {
		s.recover(ji)
	}
}

// recover runs the recovery job if there is one, then the option itself.
func (s *Sim) recover(ji int32) {
	j := &s.jobs[ji]
	if j.def.recJob != "" && int(j.attempts) == 0 {
		s.submitRecoveryJob(ji)
		return
	}
	s.recoverOption(ji)
}

func (s *Sim) recoverOption(ji int32) {
	j := &s.jobs[ji]
	switch j.def.recovery {
	case recContinue:
		j.set(fReleasedDeps, true)
		s.propagate(ji)
	case recRerun:
		switch {
		case j.attempts < j.def.retries:
			s.schedule(s.now+max(1, vsec(j.def.retryEvery)), evRecover, ji, len(j.runs))
		case j.def.recText == "":
			s.promptAfterRetries(ji)
		}
	}
}

// promptAfterRetries: a job whose recovery reruns are used up asks an operator.
func (s *Sim) promptAfterRetries(ji int32) {
	j := &s.jobs[ji]
	j.set(fNeedMessage, true)
	p := s.addPrompt(j.name+"_RETRY", "Job "+j.name+" ended in error again after its recovery reruns. Rerun it?", "Restart Prompt", ji)
	s.prompts[p].st, s.prompts[p].asked = prAsked, s.now
	s.prompts[p].users = []int32{ji}
	j.attempts = 0
}

// recoveryRerun makes the automatic rerun that is due.
func (s *Sim) recoveryRerun(ji int32, runs int) {
	j := &s.jobs[ji]
	if j.st != stAbend || len(j.runs) != runs || j.has(fCanceled|fArchived) {
		return
	}
	j.attempts++
	s.newRun(ji, runRecoveryRerun)
	s.launchAgain(ji)
}

// launchAgain makes a rerun READY at once: its dependencies were met before.
func (s *Sim) launchAgain(ji int32) {
	j := &s.jobs[ji]
	s.setWaiting(j, stReady)
	j.readyAt = s.now
	s.enqueue(ji)
	s.dispatch(j.ws)
}

// submitRecoveryJob adds the recovery job to the stream of the job that failed.
func (s *Sim) submitRecoveryJob(ji int32) {
	j := &s.jobs[ji]
	def := s.definition(j.def.recJob, j.def.ws)
	if def == nil {
		s.recoverOption(ji)
		return
	}
	rec := s.addJob(j.stream, def, def.name+"_"+itoa(int(ji)))
	s.jobs[rec].name = def.name
	s.jobs[rec].runs[0].kind = runRecovery
	s.repairs[rec] = ji
	s.jobs[rec].prio = max(1, s.jobs[ji].prio)
	s.launchAgain(rec)
}

// recoveryDone: a recovery job ended well, so the option of its job applies.
func (s *Sim) recoveryDone(rec int32) bool {
	ji, ok := s.repairs[rec]
	if !ok {
		return false
	}
	delete(s.repairs, rec)
	s.checkDone(s.jobs[rec].stream)
	if s.jobs[ji].st == stAbend {
		s.recoverOption(ji)
	}
	return true
}

// definition finds a job definition by name, one on the same workstation first.
func (s *Sim) definition(name string, ws int32) *jobDef {
	var found *jobDef
	for _, d := range s.model.defs {
		if d.name == name && (found == nil || d.ws == ws) {
			found = d
		}
	}
	return found
}

// addJob puts one more job into a stream instance.
func (s *Sim) addJob(si int32, def *jobDef, key string) int32 {
	ji := int32(len(s.jobs))
	st := &s.streams[si]
	p := jobPlan{def: def, ws: def.ws, prio: 10}
	j := s.newJob(si, &p, len(st.jobs), st.sched+"+"+key)
	s.jobs = append(s.jobs, j)
	st = &s.streams[si]
	st.jobs = append(st.jobs, ji)
	st.done = false
	s.indexJob(ji)
	s.reindex()
	return ji
}

// cancelNow takes a job out: before its launch it never runs; successors are released.
func (s *Sim) cancelNow(ji int32) {
	j := &s.jobs[ji]
	j.set(fCanceled, true)
	j.set(fCancelPending, false)
	s.propagate(ji)
}

func (s *Sim) cancelStream(si int32) {
	st := &s.streams[si]
	st.flags = st.flags&^fCancelPending | fCanceled
	for _, ji := range st.jobs {
		if j := &s.jobs[ji]; !j.has(fCanceled) && j.st != stSucc {
			j.set(fCanceled, true)
		}
	}
	for _, ji := range st.jobs {
		s.refreshAll(s.jobs[ji].succ)
	}
	s.giveStream(si)
	s.checkDone(si)
	s.refreshAll(st.succ)
}

// killNow ends a running job as ABEND; its successors stay held.
func (s *Sim) killNow(ji int32) {
	j := &s.jobs[ji]
	r := j.last()
	r.flags |= rfKilled
	if r.rc == 0 {
		r.rc = -9
	}
	r.failure = failKilled
	s.finish(ji, stAbend)
}
