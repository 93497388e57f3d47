package diagnose

import (
	"fmt"

	"resync/hwa"
)

// Queries for the launch gates: how manuals put these situations.
const (
	queryReady = "jobs in READY status do not start workstation limit is set to zero stopped not linked"
	queryLimit = "job limit of workstation zero no jobs run conman limit increase"
	queryFence = "setting job priority and workstation fence priority less than or equal to the fence"

	// queryStates finds the reference's list of job states, under conman showjobs.
	queryStates = "conman showjobs job states at time has not been reached unable to launch below the fence non-zero exit code"
)

const priorityHi = 100 // hi; go is 101. Both start in spite of limits.

func limitGate(in *inquiry, f *jobFacts) verdict {
	if f.ws == nil {
		return notKnown("the workstation could not be read")
	}
	ws := workstationName(f)
	switch {
	case f.ws.Limit == nil:
		return notKnown("the engine sent no limit for "+ws, f.wsEv)
	case hwa.ValueOr(f.job.Priority, 0) >= priorityHi:
		return passed("the job's priority (hi or go) overrides the limit of "+ws, f.jobEv, f.wsEv)
	}
	limit, running := *f.ws.Limit, len(f.running)
	switch {
	case limit == 0:
		return open("limit 0 on "+ws+": no job may start there", limitFinding(f, running), f.wsEv, f.issueEv)
	case limit > 0 && f.counted && running >= limit:
		return open(fmt.Sprintf("limit %d on %s is used up", limit, ws), limitFinding(f, running), f.wsEv, f.runningEv)
	case f.job.LastRunCompositeStatus.Substatus == hwa.JobSubStatusReadyWaitingForLimit && !f.streamLimited():
		return open(fmt.Sprintf("the engine says the job waits for the limit (%d) of %s", limit, ws), limitFinding(f, running), f.jobEv, f.wsEv)
	case !f.counted:
		return notKnown(fmt.Sprintf("limit %d on %s; the jobs running there could not be counted", limit, ws), f.wsEv)
	}
	return passed(fmt.Sprintf("limit %d on %s, %s running", limit, ws, plural(running, "job", "jobs")), f.wsEv, f.runningEv)
}

// streamLimited reports whether the job stream's own limit is used up.
func (f *jobFacts) streamLimited() bool {
	if f.stream == nil || f.stream.Limit == nil || *f.stream.Limit < 0 {
		return false
	}
	return f.stream.JobStreamStats.NumberOfExecutingJob >= *f.stream.Limit
}

func limitFinding(f *jobFacts, running int) *finding {
	ws, limit := workstationName(f), hwa.ValueOr(f.ws.Limit, 0)
	out := &finding{
		cause: "workstation_limit", title: "The job limit of workstation " + ws + " keeps the job from starting", weight: 0.9,
		check:  "Check with conman sc whether the limit was set on purpose, for example for maintenance.",
		remedy: "Raise the limit of the workstation (conman limit cpu); a new workstation has limit 0 and starts nothing. If it is stopped or not linked, start or link it first.",
		query:  []string{queryReady, queryLimit},
	}
	if limit == 0 {
		out.claims = []claim{because(fmt.Sprintf("%s is ready, but workstation %s has limit 0, so no job starts there except with priority hi or go.", f.name, ws), f.jobEv, f.wsEv)}
	} else {
		out.claims = []claim{because(fmt.Sprintf("%s is ready, but workstation %s has limit %d and %s running, so no further job starts.", f.name, ws, limit, plural(running, "job", "jobs")), f.jobEv, f.wsEv, f.runningEv)}
	}
	if f.issueEv != "" && f.issuesMention("limit") {
		out.claims = append(out.claims, because("The engine's own explanation names the limit too.", f.issueEv))
	}
	next := max(limit, running) + 1
	out.fix = []Fix{{
		Action: fmt.Sprintf("Raise the limit of %s to %d, the smallest that lets this job start", ws, next), Risk: RiskMutating,
		Tool: toolLimit, Args: map[string]any{"workstation": ws, "limit": next},
	}}
	return out
}

func streamLimitGate(_ *inquiry, f *jobFacts) verdict {
	s := f.stream
	switch {
	case s == nil:
		return notKnown("the job stream could not be read")
	case s.Limit == nil || *s.Limit < 0:
		return notApplicable("the job stream has no limit", f.streamEv)
	case !f.streamLimited():
		return passed(fmt.Sprintf("limit %d of job stream %s is not used up", *s.Limit, s.Name), f.streamEv)
	}
	running := s.JobStreamStats.NumberOfExecutingJob
	claimText := fmt.Sprintf("Job stream %s has limit %d, so no job of it starts.", s.Name, *s.Limit)
	if running > 0 {
		claimText = fmt.Sprintf("Job stream %s has limit %d and executing %d, so no further job of it starts.", s.Name, *s.Limit, running)
	}
	return open(fmt.Sprintf("limit %d of job stream %s is used up", *s.Limit, s.Name), &finding{
		cause: "stream_limit", title: "The limit of job stream " + s.Name + " keeps the job from starting", weight: 0.89,
		claims: []claim{because(claimText, f.streamEv)},
		check:  "Check whether the limit of the job stream is meant to serialise its jobs.",
		remedy: "Raise the limit of the job stream (conman limit sched), or wait for the jobs that run.",
		query:  []string{"limit sched change the limit of jobs that can run in a job stream conman", "limit keyword job stream number of jobs that can run simultaneously"},
	}, f.streamEv)
}

func fenceGate(_ *inquiry, f *jobFacts) verdict {
	if f.ws == nil {
		return notKnown("the workstation could not be read")
	}
	ws := workstationName(f)
	if f.ws.Fence == nil || f.job.Priority == nil {
		return notKnown("the fence of "+ws+" or the job's priority was not sent", f.wsEv, f.jobEv)
	}
	fence, prio := *f.ws.Fence, *f.job.Priority
	if fence <= 0 {
		return passed("no fence on "+ws, f.wsEv)
	}
	if prio > fence {
		return passed(fmt.Sprintf("priority %d is above the fence (fence %d) of %s", prio, fence, ws), f.jobEv, f.wsEv)
	}
	out := &finding{
		cause: "fence", title: "The fence of workstation " + ws + " holds the job back", weight: 0.91,
		claims: []claim{because(fmt.Sprintf("%s has priority %d and workstation %s has fence %d: a job starts only when its priority is above the fence.", f.name, prio, ws, fence), f.jobEv, f.wsEv)},
		check:  "Check who set the fence: it usually keeps ordinary work back on purpose, for example during a recovery.",
		remedy: "Raise the priority of the job above the fence (conman altpri), or lower the fence of the workstation (conman fence).",
		query:  []string{queryFence, queryStates},
	}
	if fence < priorityHi+1 {
		out.fix = []Fix{{Action: fmt.Sprintf("Set the priority of the job to %d, just above the fence", fence+1), Risk: RiskMutating, Tool: toolPriority,
			Args: map[string]any{"job": f.target(), "priority": fence + 1}}}
	}
	return open(fmt.Sprintf("priority %d is not above the fence (fence %d) of %s", prio, fence, ws), out, f.jobEv, f.wsEv)
}
