package hwasim

import "errors"

// runFaults are jobs that ended badly or do not end.
func runFaults() []faultSpec {
	return []faultSpec{
		{Fault: Fault{Name: "job-abend", Scenario: "S03", Summary: "the payroll job PAYROLL_NET ended ABEND with return code 8; the night's salary payments wait for it"},
			inject: func(s *Sim) (int32, error) { return s.abendVictim("PAY_AGT1#PAYROLL.PAYROLL_NET", failPayrollData, 8) }},
		{Fault: Fault{Name: "job-fail", Scenario: "S04", Summary: "a job is in FAIL: its logon user does not exist on the agent"},
			inject: func(s *Sim) (int32, error) { return s.failVictim("STM_AGT2#STM_PRINT.STM_SPOOL") }},
		{Fault: Fault{Name: "exec-lost", Scenario: "S15", Summary: "a job is EXEC since before the plan switch although nothing runs on the agent: its end was lost"}, inject: (*Sim).execLost},
		{Fault: Fault{Name: "recovery-prompt", Summary: "a job ended ABEND and its recovery prompt waits for an answer"},
			inject: func(s *Sim) (int32, error) { return s.abendVictim("SAP_XA1#SAP_FI.SAP_OPEN_ITEMS", failSAP, 8) }},
		{Fault: Fault{Name: "reruns-exhausted", Summary: "a job ended ABEND again after its two recovery reruns and asks an operator"}, inject: (*Sim).exhausted},
		{Fault: Fault{Name: "confirm-pending", Summary: "a job has ended and waits in PEND for a confirmation"}, inject: (*Sim).pending},
		{Fault: Fault{Name: "max-duration", Summary: "a job runs longer than its maximum duration"}, inject: (*Sim).tooLong},
		{Fault: Fault{Name: "job-killed", Summary: "a job was killed; it is ABEND and its successors are held"},
			inject: func(s *Sim) (int32, error) { return s.abendVictim("ATM_AGT1#ATM_CASH.ATM_FORECAST", failKilled, -9) }},
	}
}

func (s *Sim) abendVictim(key string, f failure, rc int32) (int32, error) {
	ji, err := s.victim(key)
	if err != nil {
		return 0, err
	}
	ran := vsec(16 * 60)
	if f == failScript {
		ran = 1
	}
	s.abend(ji, f, rc, ran, 9*60)
	return ji, nil
}

func (s *Sim) failVictim(key string) (int32, error) {
	ji, err := s.victim(key)
	if err != nil {
		return 0, err
	}
	s.runningSince(ji, 12*60)
	r := s.jobs[ji].last()
	r.submitted, r.start, r.failure = r.start, 0, failLogonUser
	if s.cfg.RerunOutcome == RerunAbend {
		s.outcomes[ji] = outcome{failure: failLogonUser, fail: true, repeat: -1}
	} else {
		s.outcomes[ji] = outcome{dur: 180}
	}
	s.finish(ji, stFail)
	return ji, nil
}

// execLost: the job really ended before the plan switch, but the event that says
// so never arrived.
func (s *Sim) execLost() (int32, error) {
	ji, ok := s.findKey("AML_AGT1#AML_SCREEN.AML_MATCH")
	if !ok {
		return 0, errors.New("AML_AGT1#AML_SCREEN is no longer in the plan")
	}
	st := &s.streams[s.jobs[ji].stream]
	for _, k := range st.jobs[s.jobs[ji].pos:] {
		s.reset(k)
	}
	st.done, st.carried = false, true
	j := &s.jobs[ji]
	s.giveQuietly(ji)
	r := j.last()
	r.end, r.rc, r.flags = 0, 0, r.flags|rfLost
	r.start = s.offset(st.day, -19*60)
	j.st, r.st = stExec, stExec
	s.take(ji)
	return ji, nil
}

// reset puts a job back to before its first run.
func (s *Sim) reset(ji int32) {
	j := &s.jobs[ji]
	s.setWaiting(j, stHold)
	s.giveQuietly(ji)
	j.runs = []run{{st: stHold, ws: j.ws}}
	j.set(fCanceled|fReleasedDeps|fNeedMessage|fLate, false)
	s.streams[j.stream].done = false
}

// exhausted plays the first run and two recovery reruns of a job that always fails.
func (s *Sim) exhausted() (int32, error) {
	ji, err := s.victim("DWH_AGT3#DWH_EXPORT.DWX_UNLOAD")
	if err != nil {
		return 0, err
	}
	s.runningSince(ji, 24*60)
	j := &s.jobs[ji]
	first := j.last()
	for n := range 2 {
		at := first.start + vsec(n*8*60)
		r := j.last()
		r.st, r.rc, r.failure, r.end = stAbend, 12, failORA1555, at+180
		s.newRun(ji, runRecoveryRerun)
		next := j.last()
		s.nextJobNo++
		next.number, next.submitted, next.start, next.ws = s.nextJobNo, at+480, at+482, j.ws
		j.st, next.st = stExec, stExec
		first = &j.runs[0]
	}
	r := j.last()
	r.rc, r.failure, r.end = 12, failORA1555, r.start+180
	j.attempts = max(j.def.retries, 1)
	s.afterRerun(ji, failORA1555, 12)
	s.finish(ji, stAbend)
	return ji, nil
}

func (s *Sim) pending() (int32, error) {
	ji, err := s.victim("INT_AGT1#INT_ACCRUAL.INT_CALC_SAV")
	if err != nil {
		return 0, err
	}
	s.runningSince(ji, 50*60)
	j := &s.jobs[ji]
	j.set(fConfirm, true)
	r := j.last()
	r.end = s.now - 5*60
	j.st, r.st = stPend, stPend
	s.give(ji)
	return ji, nil
}

func (s *Sim) tooLong() (int32, error) {
	ji, err := s.victim("RISK_AGT1#RISK_MARKET.RSK_SCENARIO")
	if err != nil {
		return 0, err
	}
	s.runningSince(ji, 2*3600)
	j := &s.jobs[ji]
	r := j.last()
	r.flags |= rfMaxGone | rfLost // it hangs: no end will come
	if p := s.streams[j.stream].def.planOf(j); p != nil {
		o := *p.option()
		o.maxDur, o.maxAction = 90*60, "continue"
		p.opts = &o
	}
	return ji, nil
}
