package diagnose

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"resync/hwa"
)

// WhyResult is every gate of a job and the causes that follow from them.
type WhyResult struct {
	Job         string       `json:"job"`
	Status      string       `json:"status"`
	Gates       []Gate       `json:"gates"`
	Hypotheses  []Hypothesis `json:"hypotheses"`
	Evidence    []Evidence   `json:"evidence"`
	NotExamined []string     `json:"not_examined"`
}

// Why examines every gate of the job with the given plan id and says which of
// them keep it from running. An error means the job itself could not be read.
func (e *Engine) Why(ctx context.Context, jobID string) (*WhyResult, error) {
	in := e.inquire(ctx, Question{Text: "why is it not running"})
	f, err := in.readJob(jobID)
	if err != nil {
		return nil, fmt.Errorf("read job %s: %w", jobID, err)
	}
	in.noteJob(f)
	findings := in.why(f)
	in.conclude(findings, "")
	return &WhyResult{Job: f.name, Status: status(f.job), Gates: in.ans.Gates, Hypotheses: in.ans.Hypotheses,
		Evidence: in.ans.Evidence, NotExamined: in.ans.NotExamined}, nil
}

// why reads around the job, walks its gates, and returns what fails, best first.
func (in *inquiry) why(f *jobFacts) []*finding {
	in.readAround(f)
	var out []*finding
	for _, v := range in.walk(f) {
		in.ans.Gates = append(in.ans.Gates, Gate{Gate: v.name, State: v.state, Text: v.text, Evidence: distinct(v.ev)})
		if v.finding != nil {
			out = append(out, v.finding)
		}
	}
	over := in.overrun(f)
	if stale := in.lostEvent(f); stale != nil {
		// A job whose end was lost also looks as if it ran too long.
		out = append(out, stale)
		over = slices.DeleteFunc(over, func(fd *finding) bool { return fd.cause == "long_running" })
	}
	out = append(out, over...)
	in.engineWords(f, out)
	slices.SortStableFunc(out, func(a, b *finding) int {
		switch {
		case a.weight > b.weight:
			return -1
		case a.weight < b.weight:
			return 1
		}
		return 0
	})
	return out
}

// gateVerdict is a verdict with the gate it belongs to.
type gateVerdict struct {
	name string
	verdict
}

// walk examines every gate and weighs what fails: by whether the gate matters
// at the stage the job is in, and by what the engine itself says.
func (in *inquiry) walk(f *jobFacts) []gateVerdict {
	var out []gateVerdict
	for _, g := range gateList() {
		v := g.check(in, f)
		if v.finding != nil {
			v.finding.weight = weigh(f, g, v.finding)
		}
		if !waiting(f.job) && g.stage != always {
			v.finding = nil // a job that has started or ended is past this gate
			if v.state == GateFail {
				v.state, v.text = GateNotApplicable, v.text+"; the job is past this gate"
			}
		}
		out = append(out, gateVerdict{g.name, v})
	}
	return out
}

// otherStage is what a failed gate is worth when the job has not reached it, or
// is past it: worth knowing, but not what keeps the job now.
const otherStage = 0.4

func weigh(f *jobFacts, g gateCheck, fd *finding) float64 {
	w := fd.weight
	if !waiting(f.job) && g.stage != always {
		return w * otherStage
	}
	ready := dependenciesMet(f.job)
	if (g.stage == beforeReady && ready) || (g.stage == beforeLaunch && !ready) {
		w *= otherStage
	}
	if slices.Contains(substatusNames(f.job.LastRunCompositeStatus.Substatus), g.name) || f.job.LastRunCompositeStatus.Status == hwa.JobStatusFence && g.name == "fence" {
		w += 0.08
	}
	if f.issuesMention(issueWords(g.name)...) {
		w += 0.04
	}
	return min(w, 0.99)
}

// substatusNames are the gates a substatus points at.
func substatusNames(s hwa.JobSubStatus) []string {
	switch s {
	case hwa.JobSubStatusHoldWaitingForPredecessor:
		return []string{"follows", "external_follows", "join", "stream_dependencies"}
	case hwa.JobSubStatusHoldWaitingForTime:
		return []string{"start_time"}
	case hwa.JobSubStatusHoldWaitingForPrompt:
		return []string{"prompts"}
	case hwa.JobSubStatusHoldWaitingForFile:
		return []string{"files"}
	case hwa.JobSubStatusHoldPriorityZero:
		return []string{"priority"}
	case hwa.JobSubStatusReadyWaitingForResources:
		return []string{"resources"}
	case hwa.JobSubStatusReadyWaitingForLimit:
		return []string{"workstation_limit"}
	case hwa.JobSubStatusReadyWaitingForAgent:
		return []string{"agent_link", "agent_online", "agent_started", "job_manager", "broker"}
	case hwa.JobSubStatusSupprWorkstationIgnored:
		return []string{"suppression"}
	case hwa.JobSubStatusSuccDoNotRun:
		return []string{"no_operation"}
	}
	return nil
}

// issueWords are the words the engine's explanation uses for a gate.
func issueWords(gate string) []string {
	switch gate {
	case "workstation_limit", "stream_limit":
		return []string{"limit"}
	case "fence":
		return []string{"fence"}
	case "agent_link":
		return []string{"not linked", "unlinked"}
	case "agent_started", "job_manager":
		return []string{"stopped", "not started", "jobman", "not running"}
	case "agent_online":
		return []string{"offline"}
	case "resources":
		return []string{"resource"}
	case "priority":
		return []string{"priority 0", "held"}
	case "files":
		return []string{"file"}
	case "prompts":
		return []string{"prompt"}
	}
	return []string{"\x00"} // matches nothing
}

// lostEvent recognises a job that the plan shows running since before the plan
// was switched: its end may have been lost in the switch.
func (in *inquiry) lostEvent(f *jobFacts) *finding {
	if f.job.LastRunCompositeStatus.Status != hwa.JobStatusExec || f.run == nil {
		return nil
	}
	sw := in.planSwitch()
	start := f.run.TimeInfo.ActualStartTime
	if sw.at.IsZero() || start.IsZero() || !start.Before(sw.at) {
		return nil
	}
	return in.lostEventFinding(f.name, stamp(start), sw, f.jobEv, f.runEv)
}

func (in *inquiry) lostEventFinding(name, start string, sw planSwitch, ev ...string) *finding {
	return &finding{incident: true,
		cause: "lost_termination_event", title: "The job may have ended just before the plan was switched", weight: 0.84,
		claims: []claim{because(fmt.Sprintf("%s is in EXEC since %s, before the plan was switched at %s: if nothing runs on the agent, its end was lost in the switch.",
			name, start, stamp(sw.at)), append(ev, sw.ev...)...)},
		check:  "Check the job's standard list (stdlist) on the agent: confirm only when it shows that the job ended.",
		remedy: "If it ended well, confirm it as SUCC (conman confirm), otherwise as ABEND; a SUCC confirmation cannot be taken back.",
		query:  []string{"job remains in exec status after JnextPlan but is not running"},
	}
}

// overrun recognises a job that runs longer than it may or than it usually does.
func (in *inquiry) overrun(f *jobFacts) []*finding {
	if f.job.LastRunCommonStatus != hwa.CommonStatusRunning || f.run == nil || f.run.TimeInfo.ActualStartTime.IsZero() {
		return nil
	}
	since, usual := in.now.Sub(f.run.TimeInfo.ActualStartTime), f.run.TimeInfo.EstimatedDuration.Duration()
	ran := fmt.Sprintf("%s is in %s since %s", f.name, status(f.job), stamp(f.run.TimeInfo.ActualStartTime))
	if usual > 0 {
		ran += "; it is estimated to take " + span(usual)
	}
	fd := &finding{
		claims: []claim{because(ran+".", f.jobEv, f.runEv)},
		check:  "Check in the job log whether it still makes progress, and what it waits for.",
		remedy: "Let it run while it makes progress. Killing it (conman kill) ends it with an error and cannot be taken back.",
		query:  []string{"maximum duration maxdur exceeded job still running kill continue long duration job"},
	}
	switch {
	case f.run.MaxDurationGone:
		fd.cause, fd.title, fd.weight = "max_duration_exceeded", "The job has run longer than its maximum duration", 0.88
		fd.claims = append(fd.claims, because("Its maximum duration is exceeded.", f.runEv))
	case usual > 0 && since > usual*longRunning/100:
		fd.cause, fd.title, fd.weight = "long_running", "The job runs much longer than estimated", 0.8
	default:
		return nil
	}
	return []*finding{fd}
}

// longRunning is the share of the estimated duration, in percent, from which a
// job counts as long running: the default of option longDurationThreshold.
const longRunning = 150

// engineWords adds message codes of the engine's own explanation to the first
// finding about the workstation: they say more than its states do.
func (in *inquiry) engineWords(f *jobFacts, findings []*finding) {
	for _, is := range f.issues {
		codes := codeTexts(is.IssueMessage)
		if len(codes) == 0 {
			continue
		}
		for _, fd := range findings {
			if fd.station {
				fd.codes = distinct(append(fd.codes, codes...))
				fd.query = append([]string{strings.Join(codes, " ") + " " + clip(is.IssueMessage, 160)}, fd.query...)
				fd.claims = append(fd.claims, because("The engine says: “"+clip(is.IssueMessage, 260)+"”.", f.issueEv))
				fd.weight = min(fd.weight+0.05, 0.99)
				break
			}
		}
	}
}

func distinct(ids []string) []string {
	out := []string{}
	for _, id := range ids {
		if id != "" && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

func joinNames(names []string, most int) string {
	if len(names) > most {
		return strings.Join(names[:most], ", ") + " and others"
	}
	return strings.Join(names, ", ")
}
