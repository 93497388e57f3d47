package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"resync/hwa"
)

// stage says when a gate matters: dependencies hold a job before it is READY,
// launch gates after, the rest always.
type stage uint8

const (
	always stage = iota
	beforeReady
	beforeLaunch
)

// gateCheck examines one condition. The list is every condition the reference
// manual and the API name for a job to start, in the order the engine meets them.
type gateCheck struct {
	name  string
	stage stage
	check func(*inquiry, *jobFacts) verdict
}

func gateList() []gateCheck {
	return []gateCheck{
		{"status", always, statusGate},
		{"cancel_pending", always, cancelGate},
		{"suppression", always, suppressionGate},
		{"no_operation", always, noOperationGate},
		{"stream_state", beforeReady, streamStateGate},
		{"stream_dependencies", beforeReady, streamDependenciesGate},
		{"follows", beforeReady, followsGate},
		{"external_follows", beforeReady, externalGate},
		{"join", beforeReady, joinGate},
		{"files", beforeReady, filesGate},
		{"prompts", beforeReady, promptsGate},
		{"start_time", beforeReady, startTimeGate},
		{"latest_start", always, latestStartGate},
		{"priority", always, priorityGate},
		{"recovery_prompt", always, recoveryPromptGate},
		{"confirmation", always, confirmationGate},
		{"stream_limit", beforeLaunch, streamLimitGate},
		{"fence", beforeLaunch, fenceGate},
		{"workstation_limit", beforeLaunch, limitGate},
		{"resources", beforeLaunch, resourcesGate},
		{"broker", beforeLaunch, brokerGate},
		{"agent_link", beforeLaunch, linkGate},
		{"agent_online", beforeLaunch, onlineGate},
		{"agent_initialised", beforeLaunch, initialisedGate},
		{"agent_started", beforeLaunch, startedGate},
		{"job_manager", beforeLaunch, jobManagerGate},
	}
}

// waiting reports whether the job has yet to run, as far as its status is known.
func waiting(j *hwa.JobInPlan) bool {
	switch j.LastRunCompositeStatus.Status {
	case hwa.JobStatusHold, hwa.JobStatusReady, hwa.JobStatusWait, hwa.JobStatusFence, hwa.JobStatusIntro,
		hwa.JobStatusSusp, hwa.JobStatusStuck, hwa.JobStatusPendpred, hwa.JobStatusUndcded:
		return true
	}
	switch j.LastRunCommonStatus {
	case hwa.CommonStatusWaiting, hwa.CommonStatusReady, hwa.CommonStatusHeld, hwa.CommonStatusBlocked, hwa.CommonStatusWaitingForTrigger, hwa.CommonStatusUndecided:
		return true
	}
	return false
}

// dependenciesMet reports whether the job has left the stage where
// dependencies hold it.
func dependenciesMet(j *hwa.JobInPlan) bool {
	switch j.LastRunCompositeStatus.Status {
	case hwa.JobStatusReady, hwa.JobStatusWait, hwa.JobStatusFence, hwa.JobStatusIntro:
		return true
	}
	return j.LastRunCommonStatus == hwa.CommonStatusReady
}

func statusGate(_ *inquiry, f *jobFacts) verdict {
	st := status(f.job)
	if sub := substatus(f.job); sub != "" {
		st += " / " + sub
	}
	switch {
	case waiting(f.job):
		return passed("status "+st+": the job has not started", f.jobEv)
	case st == "":
		return notKnown("the engine sent no status", f.jobEv)
	}
	return notApplicable("status "+st+": the job is past starting", f.jobEv)
}

func cancelGate(_ *inquiry, f *jobFacts) verdict {
	st := f.job.LastRunCompositeStatus
	switch {
	case st.Canceled || f.job.JobStatusFlags.JobStreamCancelled:
		return open("the job is cancelled", &finding{
			cause: "cancelled", title: "The job is cancelled", weight: 0.97,
			claims: []claim{because(f.name+" is cancelled in the plan: it will not run, and jobs that follow it do not wait for it.", f.jobEv)},
			check:  "Check who cancelled it and why before running it another way.",
			remedy: "A cancelled job can be rerun (conman rr) or submitted again; the cancel itself cannot be taken back.",
			query:  []string{"cancel job in the plan conman cancel job pending dependents released"},
		}, f.jobEv)
	case st.CancelPending:
		return open("a cancel is pending", &finding{
			cause: "cancel_pending", title: "A cancel is pending on the job", weight: 0.9,
			claims: []claim{because("A cancel with pending option is set on "+f.name+": it is cancelled as soon as its dependencies are resolved, so it will not run.", f.jobEv)},
			check:  "Check with whoever set it; the API has no way to take a pending cancel back.",
			remedy: "If the work is needed, submit the job again once the cancel has taken effect.",
			query:  []string{"cancel job pend option cancelled after its dependencies are resolved"},
		}, f.jobEv)
	}
	return passed("not cancelled, no cancel pending", f.jobEv)
}

func suppressionGate(_ *inquiry, f *jobFacts) verdict {
	sub := f.job.LastRunCompositeStatus.Substatus
	ignored := f.ws != nil && f.ws.Ignore
	if ignored || sub == hwa.JobSubStatusSupprWorkstationIgnored {
		ws := workstationName(f)
		return open("the workstation is ignored in the plan", &finding{
			cause: "workstation_ignored", title: "The workstation is set to ignore", weight: 0.96,
			claims: []claim{because("Workstation "+ws+" is ignored: jobs on it are suppressed and do not run in this plan.", f.jobEv, f.wsEv)},
			check:  "Check the ignore setting in the workstation definition.",
			remedy: "Remove the ignore setting from the workstation definition in the database (composer modify cpu=) so that the next JnextPlan includes the workstation, or run the job elsewhere.",
			query:  []string{"workstation ignore keyword jobs not added to the production plan suppressed workstation set to ignore"},
		}, f.jobEv, f.wsEv)
	}
	if f.job.JobStatusFlags.UntilGone && f.job.LastRunCompositeStatus.Status == hwa.JobStatusSuppr {
		return verdict{state: GateFail, text: "suppressed because the latest start time passed", ev: []string{f.jobEv}}
	}
	if sub == hwa.JobSubStatusSupprUnsatisfiedDependency || f.job.LastRunCompositeStatus.Status == hwa.JobStatusSuppr {
		return open("the job is suppressed", &finding{
			cause: "suppressed", title: "The job is suppressed", weight: 0.95,
			claims: []claim{because(f.name+" is suppressed ("+strings.TrimSpace(status(f.job)+" "+string(sub))+"): a condition it depends on was not met or its latest start time passed, so it does not run.", f.jobEv)},
			check:  "Check the conditions of its dependencies and the latest start (until) time.",
			remedy: "If the work is still needed, rerun or submit the job by hand; confirm SUCC lets its successors go without running it.",
			query:  []string{"SUPPR job suppressed conditional dependencies not satisfied or until time expired onuntil suppr"},
		}, f.jobEv)
	}
	return passed("neither suppressed nor on an ignored workstation", f.jobEv, f.wsEv)
}

func noOperationGate(_ *inquiry, f *jobFacts) verdict {
	if f.job.JobOptions.NoOperation || f.job.LastRunCompositeStatus.Substatus == hwa.JobSubStatusSuccDoNotRun {
		return open("the job is set to no operation", &finding{
			cause: "no_operation", title: "The job is set not to run (NOP)", weight: 0.93,
			claims: []claim{because(f.name+" has the no operation (nop) option: the engine takes it as done without running it.", f.jobEv)},
			check:  "Check the nop keyword of the job in its job stream definition.",
			remedy: "Remove nop from the job in the job stream definition for the next plan; for tonight submit the job again.",
			query:  []string{"nop keyword job not run when its turn comes set to SUCC no operation"},
		}, f.jobEv)
	}
	return passed("set to run", f.jobEv)
}

func priorityGate(_ *inquiry, f *jobFacts) verdict {
	if f.job.Priority == nil {
		return notKnown("the engine sent no priority", f.jobEv)
	}
	if *f.job.Priority > 0 {
		return passed(fmt.Sprintf("priority %d: not held", *f.job.Priority), f.jobEv)
	}
	args := map[string]any{"job": f.target()}
	return open("priority 0: the job is held", &finding{
		cause: "held_priority_zero", title: "The job is held: priority 0", weight: 0.9,
		claims: []claim{because(f.name+" has priority 0, which holds it: it does not start until it is released or gets a priority above 0.", f.jobEv)},
		check:  "Check who held it and why; the hold may be deliberate.",
		remedy: "Release the job, or set its priority back with altpri.",
		fix:    []Fix{{Action: "Release the job", Risk: RiskMutating, Tool: toolRelease, Args: args}},
		query:  []string{"priority 0 job held does not start until released altpri release job"},
	}, f.jobEv)
}

func recoveryPromptGate(_ *inquiry, f *jobFacts) verdict {
	if f.job.JobStatusFlags.NeedMessage && failed(f.job) {
		return open("a recovery prompt waits for an answer", recoveryPromptFinding(f), f.jobEv)
	}
	if !failed(f.job) {
		return notApplicable("the job has not failed, so there is no recovery to wait for", f.jobEv)
	}
	return passed("no recovery prompt waits", f.jobEv)
}

func recoveryPromptFinding(f *jobFacts) *finding {
	text := ""
	if d := f.job.JobDefinition; d != nil && d.AbendPromptText != "" {
		text = " (“" + d.AbendPromptText + "”)"
	}
	return &finding{
		cause: "recovery_prompt", title: "A recovery prompt waits for an answer", weight: 0.8,
		claims: []claim{because(f.name+" failed and its recovery prompt"+text+" waits for a reply before the recovery goes on.", f.jobEv)},
		check:  "Read the job log first: the reply decides whether the recovery runs.",
		remedy: "Answer the prompt with conman reply (yes goes on with the recovery, no leaves the job ABEND).",
		query:  []string{"recovery prompt reply yes recovery options abendprompt rerun stop continue"},
	}
}

func confirmationGate(_ *inquiry, f *jobFacts) verdict {
	if f.job.LastRunCompositeStatus.Status == hwa.JobStatusPend {
		return open("the job has run and waits for confirmation", &finding{
			cause: "waiting_for_confirmation", title: "The job waits to be confirmed", weight: 0.93,
			claims: []claim{because(f.name+" has run and is in PEND: it was scheduled with the confirmed keyword, and its successors wait until somebody confirms how it ended.", f.jobEv)},
			check:  "Check in the job log or with the owner whether the work is really done.",
			remedy: "Confirm it as SUCC or ABEND (conman confirm); a SUCC confirmation cannot be taken back.",
			query:  []string{"confirm job PEND completed awaiting confirmation confirmed keyword succ abend", queryStates},
		}, f.jobEv)
	}
	if f.job.JobOptions.RequiresConfirmation {
		return passed("the job needs a confirmation when it ends; it has not ended yet", f.jobEv)
	}
	return notApplicable("the job needs no confirmation", f.jobEv)
}

func latestStartGate(in *inquiry, f *jobFacts) verdict {
	tr := f.job.TimeRestrictions
	if tr.LatestStartTime.IsZero() && !f.job.JobStatusFlags.UntilGone {
		return notApplicable("no latest start time", f.jobEv)
	}
	if !f.job.JobStatusFlags.UntilGone && (tr.LatestStartSatisfied == nil || *tr.LatestStartSatisfied) && tr.LatestStartTime.After(in.now) {
		return passed("latest start "+stamp(tr.LatestStartTime)+" not reached", f.jobEv)
	}
	if !waiting(f.job) && !f.job.JobStatusFlags.UntilGone {
		return notApplicable("the job started before its latest start time mattered", f.jobEv)
	}
	if tr.LateStartAction == hwa.LateStartActionContinue {
		return passed("latest start "+stamp(tr.LatestStartTime)+" has passed, but the job may still start (continue)", f.jobEv)
	}
	when := ""
	if !tr.LatestStartTime.IsZero() {
		when = " (" + stamp(tr.LatestStartTime) + ")"
	}
	return open("the latest start time has passed", &finding{
		cause: "latest_start_passed", title: "The latest start (until) time has passed", weight: 0.92,
		claims: []claim{because("The latest start time of "+f.name+when+" has passed, and its action does not let it start any more.", f.jobEv)},
		check:  "Check why it was late (its predecessors) and whether running it now still makes sense.",
		remedy: "Change the until (latest start) time of the job in the plan, or submit or rerun it by hand; the onuntil action decides what happens to it otherwise.",
		query:  []string{"until latest start time passed job does not start onuntil suppr cont canc"},
	}, f.jobEv)
}

func workstationName(f *jobFacts) string {
	if f.ws != nil {
		return strings.TrimPrefix(f.ws.Name, "/")
	}
	return strings.TrimPrefix(f.job.Workstation, "/")
}

// issuesMention reports whether the engine's own explanation speaks of any of
// the words.
func (f *jobFacts) issuesMention(words ...string) bool {
	return slices.ContainsFunc(f.issues, func(i hwa.Issue) bool {
		text := strings.ToLower(i.IssueMessage + " " + i.IssueType)
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
	})
}
