package hwasim

// stationFaults are workstations that are unreachable or not working.
func stationFaults() []faultSpec {
	station := func(name, scenario, summary, victim string, breakIt func(*Sim, *workstation)) faultSpec {
		return faultSpec{Fault: Fault{Name: name, Scenario: scenario, Summary: summary}, inject: func(s *Sim) (int32, error) {
			ji, err := s.victim(victim)
			if err != nil {
				return 0, err
			}
			w := &s.ws[s.jobs[ji].ws]
			w.since = s.now - 35*60
			breakIt(s, w)
			s.makeReady(ji, 30*60)
			return ji, nil
		}}
	}
	return []faultSpec{
		station("ws-not-initialized", "S14", "a workstation was not initialized after the plan switch: its mailman was still active", "RISK_AGT2#RISK_VAR.VAR_CALC", func(s *Sim, w *workstation) {
			w.linked, w.inited, w.jobman, w.run, w.problem, w.since = false, false, false, s.runNumber-1, failBCW037, s.offset(0, 5*60)
		}),
		station("ssl-port-zero", "S16", "an agent does not link: SSL is required but its SSL port is 0", "SWF_AGT2#SWF_IN.SWI_RECEIVE", func(_ *Sim, w *workstation) {
			w.linked, w.inited, w.sslPort, w.security, w.problem = false, false, 0, "FORCE", failBCV035
		}),
		station("netman-port", "S17", "an agent does not link: two netman processes use one port", "ATM_AGT2#ATM_JOURNAL.ATJ_PULL", func(_ *Sim, w *workstation) {
			w.linked, w.inited, w.problem = false, false, failEDW020
		}),
		station("mailbox-corrupt", "S18", "batchman, mailman and jobman of an agent have stopped: Mailbox.msg is corrupt", "INT_AGT2#INT_CAPITAL.INT_SELECT", func(_ *Sim, w *workstation) {
			w.linked, w.jobman, w.started, w.monman, w.problem = false, false, false, false, failDEC002
		}),
		station("ws-unlinked-after-plan", "S19", "many agents lost their link about 45 minutes after the plan switch", "LOAN_AGT1#LOAN_ACCR.LOAN_CALC", func(s *Sim, w *workstation) {
			w.linked, w.problem, w.since = false, failUnlink, s.offset(0, 47*60)
			s.unlinkMany()
		}),
		station("agent-tls", "S20", "a dynamic agent is shown as down although its job manager runs: CURL error 35", "DYN_AGT2#FRAUD_SCORE.FRAUD_MODEL", func(_ *Sim, w *workstation) {
			w.linked, w.problem = false, failITA245
		}),
		station("ws-unlinked", "", "a workstation was unlinked; its jobs wait for the agent", "FX_AGT1#FX_RATES.FX_GET", func(_ *Sim, w *workstation) { w.linked = false }),
		station("ws-stopped", "", "a workstation was stopped; its jobs wait", "GL_AGT1#GL_BALANCE.GLB_PUBLISH", func(_ *Sim, w *workstation) { w.started, w.jobman = false, false }),
		station("agent-down", "", "the agent process on a dynamic workstation does not run", "DYN_AGT3#OPEN_API.API_REFRESH", func(_ *Sim, w *workstation) { w.jobman = false }),
		station("ws-offline", "", "a workstation was set offline", "PAY_AGT2#PENSION.PEN_FETCH", func(_ *Sim, w *workstation) { w.online = false }),
		station("broker-down", "", "the dynamic workload broker is stopped: no dynamic agent and no pool gets work", "DYN_AGT1#WEB_REPORTS.WEB_STOCKS", func(s *Sim, _ *workstation) {
			for i := range s.ws {
				switch w := &s.ws[i]; w.kind {
				case "WORKLOAD_BROKER":
					w.started, w.jobman, w.since = false, false, s.now-35*60
				case "AGENT", "POOL":
					w.linked, w.since = false, s.now-35*60
				}
			}
		}),
	}
}

// unlinkMany takes the links of a dozen fault-tolerant agents, none of which is
// the stage of another fault.
func (s *Sim) unlinkMany() {
	at, left := s.offset(0, 47*60), 11
	for i := range s.ws {
		if w := &s.ws[i]; w.kind == "FTA" && w.linked && left > 0 && (w.generated() || w.name == "CRM_AGT1" || w.name == "STM_AGT1") {
			w.linked, w.problem, w.since = false, failUnlink, at+vsec(i%13*60)
			left--
		}
	}
}
