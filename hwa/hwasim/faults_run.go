package hwasim

// runFaults are jobs that ended badly or do not end.
func runFaults() []faultSpec {
	return []faultSpec{
		{Fault: Fault{Name: "job-abend", Scenario: "S03", Summary: "the payroll job PAYROLL_NET ended ABEND with return code 8; the night's salary payments wait for it"},
			inject: func(s *Sim) (int32, error) { return s.abendVictim("PAY_AGT1#PAYROLL.PAYROLL_NET", failPayrollData, 8) }},
		{Fault: Fault{Name: "job-fail", Scenario: "S04", Summary: "a job is in FAIL: its logon user does not exist on the agent"},
			inject: func(s *Sim) (int32, error) { return s.failVictim("STM_AGT2#STM_PRINT.STM_SPOOL") }},
	}
}

func (s *Sim) abendVictim(key string, f failure, rc int32) (int32, error) {
	ji, err := s.victim(key)
	if err != nil {
		return 0, err
	}
	s.abend(ji, f, rc, 16*60, 9*60)
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

func planFaults() []faultSpec      { return nil }
func stationFaults() []faultSpec   { return nil }
func gateFaults() []faultSpec      { return nil }
func logFaults() []faultSpec       { return nil }
func transportFaults() []faultSpec { return nil }
