package hwasim

import "errors"

// planFaults are failures of the plan extension: last night's FINAL stream.
func planFaults() []faultSpec {
	plan := func(name, scenario, summary, job string, f failure, rc int32, more func(*Sim)) faultSpec {
		return faultSpec{Fault: Fault{Name: name, Scenario: scenario, Summary: summary}, inject: func(s *Sim) (int32, error) {
			ji, err := s.finalFailed(job, f, rc)
			if err == nil && more != nil {
				more(s)
			}
			return ji, err
		}}
	}
	return []faultSpec{
		plan("jnextplan-AWSJPL017E", "S05", "MAKEPLAN ended ABEND: a previous plan action did not complete (AWSJPL017E)", "MAKEPLAN", failJPL017, 12, nil),
		plan("jnextplan-AWSJPL018E", "S06", "MAKEPLAN ended ABEND: the database is locked (AWSJPL018E)", "MAKEPLAN", failJPL018, 12, nil),
		plan("appserver-down", "S07", "MAKEPLAN ended ABEND because the application server is down, and the API refuses connections", "MAKEPLAN", failBEH023, 12, (*Sim).refuseAll),
		plan("jnextplan-AWSBEH023E", "S07", "MAKEPLAN ended ABEND with AWSBEH023E; the application server is up again", "MAKEPLAN", failBEH023, 12, nil),
		plan("useropts-wrong", "S08", "MAKEPLAN ended ABEND with AWSBEH021E; the API answers 401 to user twsuser", "MAKEPLAN", failBEH021, 12, (*Sim).lockTwsuser),
		plan("db-log-full", "S09", "MAKEPLAN ended ABEND: the transaction log of the database is full (AWSJDB801E)", "MAKEPLAN", failJDB801, 12, nil),
		plan("liberty-heap", "S10", "MAKEPLAN ended ABEND: OutOfMemoryError in the application server (AWSJCS011E)", "MAKEPLAN", failJCS011, 12, nil),
		plan("db-lock-list", "S11", "MAKEPLAN ended ABEND: AWSJPL705E, AWSBIS348E and AWSBIS335E with SQL state 57011", "MAKEPLAN", failJPL705, 12, nil),
		plan("switchplan-AWSBHV082E", "S12", "SWITCHPLAN ended ABEND: both Symphony files have the same run number (AWSBHV082E)", "SWITCHPLAN", failBHV082, 12, nil),
		plan("switchplan-confirm", "S13", "SWITCHPLAN ended ABEND in its last step, planman confirm (AWSJCL054E, AWSJPL016E)", "SWITCHPLAN", failJCL054, 8, nil),
	}
}

// finalFailed rewrites last night: one job of FINAL ended ABEND, everything after
// it never ran, and the run number was not raised unless the switch was done.
func (s *Sim) finalFailed(jobName string, f failure, rc int32) (int32, error) {
	var chain []int32
	for _, si := range s.sorder {
		if st := &s.streams[si]; st.def.isFinal() && st.time <= s.now {
			chain = append(chain, st.jobs...)
		}
	}
	failed := int32(-1)
	for _, ji := range chain {
		j := &s.jobs[ji]
		switch {
		case failed < 0 && j.name == jobName:
			failed = ji
		case failed >= 0:
			if j.name == "SWITCHPLAN" && j.st == stSucc {
				s.unswitch()
			}
			s.reset(ji)
		}
	}
	if failed < 0 {
		return 0, errors.New("last night's FINAL is no longer in the plan")
	}
	j := &s.jobs[failed]
	if jobName == "SWITCHPLAN" && j.st == stSucc && f != failJCL054 {
		s.unswitch()
	}
	r := j.last()
	r.rc, r.failure = rc, f
	j.st, r.st = stAbend, stAbend
	s.streams[j.stream].done = false
	s.afterRerun(failed, f, rc)
	return failed, nil
}

func (s *Sim) unswitch() {
	s.runNumber--
	for i := range s.ws {
		s.ws[i].run = min(s.ws[i].run, s.runNumber)
	}
}

func (s *Sim) refuseAll() {
	s.netw.mu.Lock()
	defer s.netw.mu.Unlock()
	s.netw.mode, s.netw.left = "refuse", -1
}

func (s *Sim) lockTwsuser() {
	for i := range s.users {
		if s.users[i].Name == "twsuser" {
			s.users[i].Locked = true
			return
		}
	}
	s.users = append(s.users, account{User: User{Name: "twsuser", Password: secret(8), Role: RoleViewer, Locked: true}, rights: RoleViewer.rights()})
}
