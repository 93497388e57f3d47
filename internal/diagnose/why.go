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
	Job         string
	Status      string
	Gates       []Gate
	Hypotheses  []Hypothesis
	Evidence    []Evidence
	NotExamined []string
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
	if stale := in.lostEvent(f); stale != nil {
		out = append(out, stale)
	}
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
	if substatusNames(f.job.LastRunCompositeStatus.Substatus) == g.name || f.job.LastRunCompositeStatus.Status == hwa.JobStatusFence && g.name == "fence" {
		w += 0.08
	}
	if f.issuesMention(issueWords(g.name)...) {
		w += 0.04
	}
	return min(w, 0.99)
}

// substatusNames is the gate a substatus points at.
func substatusNames(s hwa.JobSubStatus) string {
	switch s {
	case hwa.JobSubStatusHoldWaitingForPredecessor:
		return "follows"
	case hwa.JobSubStatusHoldWaitingForTime:
		return "start_time"
	case hwa.JobSubStatusHoldWaitingForPrompt:
		return "prompts"
	case hwa.JobSubStatusHoldWaitingForFile:
		return "files"
	case hwa.JobSubStatusHoldPriorityZero:
		return "priority"
	case hwa.JobSubStatusReadyWaitingForResources:
		return "resources"
	case hwa.JobSubStatusReadyWaitingForLimit:
		return "workstation_limit"
	case hwa.JobSubStatusReadyWaitingForAgent:
		return "agent_link"
	case hwa.JobSubStatusSupprWorkstationIgnored:
		return "suppression"
	case hwa.JobSubStatusSuccDoNotRun:
		return "no_operation"
	}
	return ""
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
		return []string{"stopped", "not started", "jobman"}
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
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
