package diagnose

import (
	"fmt"

	"resync/hwa"
	"resync/internal/plan"
)

// runsElsewhere are workstation types that have no processes of their own, so
// that link and process states say nothing about them.
func runsElsewhere(t hwa.WorkstationType) bool {
	switch t {
	case hwa.WorkstationTypePool, hwa.WorkstationTypeDPool, hwa.WorkstationTypeRemEng, hwa.WorkstationTypeXAgent:
		return true
	}
	return false
}

func linkGate(_ *inquiry, f *jobFacts) verdict {
	if f.ws == nil {
		return notKnown("the workstation could not be read")
	}
	ws := workstationName(f)
	switch {
	case linked(f.ws):
		return passed(ws+" is linked", f.wsEv)
	case runsElsewhere(f.ws.Type) && !f.waitsForAgent():
		return notApplicable(ws+" is of a type without a link of its own", f.wsEv)
	case f.waitsForAgent() && f.ws.Type != hwa.WorkstationTypeFTA:
		return open(ws+" does not answer", agentFinding(f), f.jobEv, f.wsEv)
	case !linked(f.ws) && secured(f.ws) && f.ws.SSLPort != nil && *f.ws.SSLPort == 0:
		fd := sslFinding(f.wsEv, []plan.Workstation{plan.FromWorkstation(f.ws)})
		fd.weight = 0.9
		return open(ws+" is not linked; a security level is set and its SSL port is 0", fd, f.wsEv)
	}
	return open(ws+" is not linked", unlinkedFinding(f), f.wsEv)
}

func secured(w *hwa.WorkstationInPlan) bool {
	return w.SecurityLevel != "" && w.SecurityLevel != hwa.SecurityLevelNone
}

// shown reports whether most workstations of a type show a state, so that its
// absence on one of them means something.
func (in *inquiry) shown(t hwa.WorkstationType, state hwa.WorkstationState) bool {
	if in.snap == nil {
		return false
	}
	with, all := 0, 0
	for _, w := range in.snap.Workstations() {
		if w.Type == string(t) {
			all++
			if w.HasState(string(state)) {
				with++
			}
		}
	}
	return all > 1 && 2*with > all
}

// startShown reports whether most workstations that do show a link also show
// that they are started.
func (in *inquiry) startShown() bool {
	with, all := 0, 0
	for _, w := range in.snap.Workstations() {
		if w.Linked() {
			all++
			if w.HasState("START") || w.HasState("RUNNING") {
				with++
			}
		}
	}
	return 2*with > all
}

func onlineGate(in *inquiry, f *jobFacts) verdict {
	if f.ws == nil {
		return notKnown("the workstation could not be read")
	}
	ws := workstationName(f)
	switch {
	case hasState(f.ws, hwa.WorkstationStateOnline):
		return passed(ws+" is online", f.wsEv)
	case !in.shown(f.ws.Type, hwa.WorkstationStateOnline):
		return notKnown("this engine does not show whether "+ws+" is online", f.wsEv)
	}
	return open(ws+" is offline", &finding{
		cause: "workstation_offline", title: "Workstation " + ws + " is offline", weight: 0.87, station: true,
		claims: []claim{because("Workstation "+ws+" is not online, unlike most workstations of its type: no job starts there.", f.wsEv)},
		check:  "Check who set it offline and why, for example for maintenance.",
		remedy: "Set the workstation online again; for an agent that is stopped, start it first.",
		query:  []string{"workstation offline set online jobs not started agent", queryReady},
	}, f.wsEv)
}

// brokerGate looks at the workload broker, without which no dynamic agent and
// no pool gets work.
func brokerGate(in *inquiry, f *jobFacts) verdict {
	if f.ws == nil {
		return notKnown("the workstation could not be read")
	}
	switch f.ws.Type {
	case hwa.WorkstationTypeAgent, hwa.WorkstationTypePool, hwa.WorkstationTypeDPool, hwa.WorkstationTypeRemEng:
	default:
		return notApplicable(workstationName(f)+" does not work through the workload broker", f.wsEv)
	}
	if in.snap == nil {
		return notKnown("the workstations have not been read")
	}
	for _, w := range in.snap.Workstations() {
		if w.Type != string(hwa.WorkstationTypeWorkloadBroker) {
			continue
		}
		ev := in.noteStations("The workload broker", []plan.Workstation{w}, 1)
		if w.Linked() && (w.HasState("START") || w.HasState("RUNNING") || !in.startShown()) {
			return passed("the workload broker "+w.Name+" is up", ev)
		}
		return open("the workload broker "+w.Name+" is down", &finding{
			cause: "broker_down", title: "The workload broker " + w.Name + " is down", weight: 0.93, station: true,
			claims: []claim{because("The workload broker "+w.Name+" is not linked or not started: no dynamic agent and no pool gets work.", ev)},
			check:  "Check whether the application server of the broker runs, and read its logs.",
			remedy: "Start the workload broker again (startBrokerApplication), then link its workstation (conman link).",
			query:  []string{"dynamic workload broker stopped start broker application startBrokerApplication", "workload broker workstation not linked dynamic agents"},
		}, ev)
	}
	return notKnown("no workload broker is in the plan")
}

func (f *jobFacts) waitsForAgent() bool {
	return f.job.LastRunCompositeStatus.Substatus == hwa.JobSubStatusReadyWaitingForAgent
}

func unlinkedFinding(f *jobFacts) *finding {
	ws := workstationName(f)
	return &finding{
		cause: "workstation_not_linked", title: "Workstation " + ws + " is not linked", weight: 0.86, station: true,
		claims: []claim{because("Workstation "+ws+", where "+f.name+" is to run, is not linked, so the job cannot be sent to it.", f.wsEv, f.jobEv)},
		check:  "Check whether the machine and netman on it run, and the link state with conman sc.",
		remedy: "Link the workstation (conman link); if its processes are stopped, start it (conman start). If it does not link, look at the standard list (stdlist) of mailman and writer.",
		query:  []string{queryReady, "workstation not linked link command conman link domain manager cannot link to agent"},
	}
}

func agentFinding(f *jobFacts) *finding {
	ws := workstationName(f)
	return &finding{incident: true,
		cause: "agent_unreachable", title: "The dynamic agent " + ws + " does not answer", weight: 0.88, station: true,
		claims: []claim{because(f.name+" waits for the dynamic agent "+ws+" ("+substatus(f.job)+"): the agent is not available to the broker.", f.jobEv, f.wsEv)},
		check:  "Check on the agent whether JobManager runs and look for codes (AWSITA) and CURL errors in its log.",
		remedy: "Start the agent if it is down; if JobManager runs, the connection to the server is what fails.",
		query:  []string{"agent is down but jobmanager is running", "dynamic agent cannot contact the server"},
	}
}

func initialisedGate(in *inquiry, f *jobFacts) verdict {
	if f.ws == nil {
		return notKnown("the workstation could not be read")
	}
	ws := workstationName(f)
	if runsElsewhere(f.ws.Type) || f.ws.Type == hwa.WorkstationTypeAgent {
		return notApplicable(ws+" gets no plan file of its own", f.wsEv)
	}
	behind, planRun := in.behind(f.ws)
	switch {
	case behind:
		return open(fmt.Sprintf("%s works on run number %d, the plan has %d", ws, f.ws.RunNumber, planRun), in.notInitialised(ws, f.wsEv, f.ws.RunNumber, planRun), f.wsEv)
	case !hasState(f.ws, hwa.WorkstationStateIsInited) && in.someInitialised():
		return open(ws+" is not initialised", in.notInitialised(ws, f.wsEv, 0, 0), f.wsEv)
	}
	return passed(ws+" has the current plan", f.wsEv)
}

func startedGate(in *inquiry, f *jobFacts) verdict {
	if f.ws == nil {
		return notKnown("the workstation could not be read")
	}
	ws := workstationName(f)
	if runsElsewhere(f.ws.Type) {
		return notApplicable(ws+" has no processes of its own", f.wsEv)
	}
	if hasState(f.ws, hwa.WorkstationStateStart, hwa.WorkstationStateRunning, hwa.WorkstationStateInstalledAndRunning, hwa.WorkstationStateJobmanUp) {
		return passed(ws+" is started", f.wsEv)
	}
	if linked(f.ws) && !in.shown(f.ws.Type, hwa.WorkstationStateStart) && !in.shown(f.ws.Type, hwa.WorkstationStateRunning) {
		return notKnown(ws+" is linked; no state says whether it is started", f.wsEv)
	}
	return open(ws+" is not started", &finding{
		cause: "workstation_stopped", title: "Workstation " + ws + " is stopped", weight: 0.87, station: true,
		claims: []claim{because("Workstation "+ws+" shows no sign of running processes.", f.wsEv)},
		check:  "Check on the machine whether it was stopped on purpose (maintenance).",
		remedy: "Start the workstation (conman start) and link it (conman link).",
		query:  []string{queryReady, "start command conman start workstation production processes"},
	}, f.wsEv)
}

func jobManagerGate(in *inquiry, f *jobFacts) verdict {
	if f.ws == nil {
		return notKnown("the workstation could not be read")
	}
	ws := workstationName(f)
	if runsElsewhere(f.ws.Type) {
		return notApplicable(ws+" has no job manager of its own", f.wsEv)
	}
	if hasState(f.ws, hwa.WorkstationStateJobmanUp) {
		return passed("the job manager of "+ws+" is up", f.wsEv)
	}
	if f.ws.Type == hwa.WorkstationTypeAgent && linked(f.ws) && !in.shown(f.ws.Type, hwa.WorkstationStateJobmanUp) {
		return notKnown(ws+" is a dynamic agent and linked; the plan shows no job manager state", f.wsEv)
	}
	return open("the job manager of "+ws+" is not up", &finding{
		cause: "job_manager_down", title: "The job manager of workstation " + ws + " is not up", weight: 0.83, station: true,
		claims: []claim{because("The job manager (jobman) of workstation "+ws+" is not shown as up: without it nothing is launched there.", f.wsEv)},
		check:  "Check the standard list (stdlist) of batchman, mailman and jobman on the machine for codes.",
		remedy: "If the processes just stopped, start the workstation (conman start); if they ended with an error, its code says what to repair first.",
		query:  []string{"batchman mailman jobman fail on a fault-tolerant agent processes stopped", "jobman is not running agent conman start"},
	}, f.wsEv)
}
