package diagnose

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"resync/hwa"
)

// jobFacts is everything read about one job. A nil pointer means it was not
// read; the reason is then in NotExamined.
type jobFacts struct {
	job     *hwa.JobInPlan
	run     *hwa.JobRun // the run whose status the job shows
	name    string      // WS#STREAM.JOB
	stream  *hwa.JobStreamInPlan
	ws      *hwa.WorkstationInPlan
	issues  []hwa.Issue
	running []runningJob // jobs that run on the workstation
	counted bool         // running is known

	jobEv, runEv, streamEv, wsEv, issueEv, runningEv string

	resources map[string]*hwa.ResourceInPlan // by WS#NAME

}

type runningJob struct{ name, stream string }

// target is how a tool call names the job: by its plan id, because a name can
// stand for several instances.
func (f *jobFacts) target() string { return f.job.ID }

func status(j *hwa.JobInPlan) string { return string(j.LastRunCompositeStatus.Status) }

func substatus(j *hwa.JobInPlan) string { return string(j.LastRunCompositeStatus.Substatus) }

// failed reports whether the job's last run ended in error.
func failed(j *hwa.JobInPlan) bool {
	switch j.LastRunCompositeStatus.Status {
	case hwa.JobStatusAbend, hwa.JobStatusFail, hwa.JobStatusAbenp:
		return true
	}
	return j.LastRunCommonStatus == hwa.CommonStatusError
}

// line joins "name value" pairs, leaving out empty values.
func line(pairs ...any) string {
	var out []string
	for i := 0; i+1 < len(pairs); i += 2 {
		v := fmt.Sprint(pairs[i+1])
		if v != "" {
			out = append(out, fmt.Sprint(pairs[i], " ", v))
		}
	}
	return strings.Join(out, "; ")
}

func number(p *int) string {
	if p == nil {
		return ""
	}
	return fmt.Sprint(*p)
}

func timeOrEmpty(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return stamp(t)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// noteJob records the job's own facts.
func (in *inquiry) noteJob(f *jobFacts) {
	j, tr := f.job, f.job.TimeRestrictions
	def := j.JobDefinition
	if def == nil {
		def = &hwa.JobDefinitionInPlan{}
	}
	f.jobEv = in.note(Evidence{
		Kind: "job", Title: "Job " + f.name, Source: "GET /plan/job/" + j.ID,
		Text: line("job", f.name, "runs on", strings.TrimPrefix(j.Workstation, "/"), "status", status(j), "substatus", substatus(j),
			"common status", j.LastRunCommonStatus, "priority", number(j.Priority), "original priority", number(j.OrigPriority),
			"scheduled", timeOrEmpty(j.SchedTime), "start time", timeOrEmpty(tr.StartTime), "latest start", timeOrEmpty(tr.LatestStartTime),
			"latest start action", tr.LateStartAction, "deadline", timeOrEmpty(tr.DeadlineTime), "critical", yes(j.JobOptions.Critical),
			"late", yes(j.JobStatusFlags.JobLate), "latest start passed", yes(j.JobStatusFlags.UntilGone),
			"deadline passed", yes(j.JobStatusFlags.DeadlineHasPassed), "requires confirmation", yes(j.JobOptions.RequiresConfirmation),
			"no operation", yes(j.JobOptions.NoOperation), "cancelled", yes(j.LastRunCompositeStatus.Canceled),
			"cancel pending", yes(j.LastRunCompositeStatus.CancelPending), "recovery option", def.RecoveryOption,
			"recovery job", def.RecoveryJobName, "recovery prompt", def.AbendPromptText, "logon user", strings.Join(def.UserLogins, ", "),
			"dependencies", dependencyCount(j)),
	})
	if f.run != nil {
		f.runEv = in.noteRun(f, f.run, len(j.JobRuns))
	}
}

func dependencyCount(j *hwa.JobInPlan) string {
	s := j.DependenciesStats
	if s == nil {
		return ""
	}
	return fmt.Sprintf("%d of which %d unresolved", s.NumberOfDependencies, s.NumberOfUnresolvedDependencies)
}

func (in *inquiry) noteRun(f *jobFacts, r *hwa.JobRun, total int) string {
	return in.note(Evidence{
		Kind: "run", Title: "Run " + r.ID + " of " + f.name, Source: "GET /plan/job/" + f.job.ID,
		Text: line("status", r.CompositeStatus.Status, "return code", number(r.ReturnCode), "started", timeOrEmpty(r.TimeInfo.ActualStartTime),
			"ended", timeOrEmpty(r.TimeInfo.ActualEndTime), "elapsed", elapsed(r), "estimated", estimate(r),
			"workstation", strings.TrimPrefix(r.ActualWorkstation, "/"), "job number", nonZero(r.JobNumber), "kind", r.RerunType,
			"runs so far", fmt.Sprint(total), "maximum duration exceeded", yes(r.MaxDurationGone)),
	})
}

func elapsed(r *hwa.JobRun) string {
	if d := r.TimeInfo.ElapsedTime.Duration(); d > 0 {
		return span(d)
	}
	return ""
}

func estimate(r *hwa.JobRun) string {
	if d := r.TimeInfo.EstimatedDuration.Duration(); d > 0 {
		return span(d)
	}
	return ""
}

func nonZero(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func (in *inquiry) noteStream(f *jobFacts) {
	s := f.stream
	f.streamEv = in.note(Evidence{
		Kind: "stream", Title: "Job stream " + s.Name, Source: "GET /plan/jobstream/" + s.ID,
		Text: line("job stream", s.Name, "status", s.CompositeStatus.Status, "substatus", s.CompositeStatus.Substatus, "common status", s.CommonStatus,
			"limit", number(s.Limit), "priority", number(s.Priority), "jobs", nonZero(s.JobStreamStats.NumberOfJob),
			"executing", nonZero(s.JobStreamStats.NumberOfExecutingJob), "abended", nonZero(s.JobStreamStats.NumberOfAbendedJob),
			"start time", timeOrEmpty(s.TimeRestrictions.StartTime), "cancelled", yes(s.CompositeStatus.Canceled)),
	})
}

// noteWorkstation records a workstation's facts and returns the evidence id.
func (in *inquiry) noteWorkstation(w *hwa.WorkstationInPlan) string {
	var states []string
	for _, s := range w.ActiveStates {
		states = append(states, string(s))
	}
	sort.Strings(states)
	shown := strings.Join(states, " ")
	if shown == "" {
		shown = "none"
	}
	return in.note(Evidence{
		Kind: "workstation", Title: "Workstation " + strings.TrimPrefix(w.Name, "/"), Source: "GET /plan/workstation/" + w.ID,
		Text: line("workstation", strings.TrimPrefix(w.Name, "/"), "type", w.Type, "states", shown, "linked", yesNo(linked(w)),
			"limit", number(w.Limit), "fence", number(w.Fence), "run number", nonZero(w.RunNumber), "security level", w.SecurityLevel,
			"SSL port", number(w.SSLPort), "TCP port", nonZero(w.TCPPort), "host", w.NodeName, "domain", w.DomainName,
			"ignored", yes(w.Ignore), "started", timeOrEmpty(w.TimeStarted)),
	})
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func hasState(w *hwa.WorkstationInPlan, states ...hwa.WorkstationState) bool {
	for _, have := range w.ActiveStates {
		for _, want := range states {
			if have == want {
				return true
			}
		}
	}
	return false
}

func linked(w *hwa.WorkstationInPlan) bool {
	return hasState(w, hwa.WorkstationStateLinked, hwa.WorkstationStateFullyLinked, hwa.WorkstationStateDirectlyLinked,
		hwa.WorkstationStateHostLinked, hwa.WorkstationStateTCPIPLinked, hwa.WorkstationStateExtendedLinked)
}

func (in *inquiry) noteIssues(f *jobFacts) {
	if len(f.issues) == 0 {
		return
	}
	var text []string
	for _, i := range f.issues {
		text = append(text, i.IssueMessage)
	}
	f.issueEv = in.note(Evidence{
		Kind: "issue", Title: "Why " + f.name + " does not start, as the engine says", Source: "GET /plan/job/issues", Text: strings.Join(text, "\n"),
	})
}

func (in *inquiry) noteRunning(f *jobFacts) {
	if !f.counted || f.ws == nil {
		return
	}
	ws := strings.TrimPrefix(f.ws.Name, "/")
	f.runningEv = in.note(Evidence{
		Kind: "workstation", Title: "Jobs running on " + ws, Source: "GET /plan/job",
		Text: fmt.Sprintf("%s running on %s", plural(len(f.running), "job", "jobs"), ws),
	})
}
