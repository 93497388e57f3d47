package diagnose

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"resync/hwa"
	"resync/internal/plan"
)

// planStatus answers "how does the plan stand", "which agents are down",
// "which deadlines are at risk".
func (in *inquiry) planStatus() {
	if in.snap == nil {
		in.rank(in.probe(), in.q.Text, aboutPlan)
		in.sayHypotheses()
		return
	}
	has := func(words ...string) bool { return mentionsAny(in.q.Text, words...) }
	switch {
	case has("prompt"):
		in.sayPrompts()
		return
	case has("resource", "recurso"):
		in.sayResources()
		return
	}
	in.sayCounts()
	switch {
	case has("agent", "workstation", "linked", "agente", "estaç", "estac"):
		in.sayStations()
	case has("risk", "deadline", "late", "critical", "atras", "risco", "crític", "prazo"):
		in.sayRisks()
	case has("final", "extended", "jnextplan", "switch"):
		in.sayPlanner()
	default:
		in.sayFailures()
	}
}

func mentionsAny(text string, words ...string) bool {
	low := strings.ToLower(text)
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(low, w) })
}

// aboutObjects reports whether a question asks for prompts or resources.
func aboutObjects(text string) bool { return mentionsAny(text, "prompt", "resource", "recurso") }

func (in *inquiry) sayCounts() {
	counts := in.snap.CountByStatus()
	var parts []string
	for _, st := range slices.Sorted(maps.Keys(counts)) {
		name := st
		if name == "" {
			name = "without status"
		}
		parts = append(parts, fmt.Sprintf("%s %d", name, counts[st]))
	}
	text := fmt.Sprintf("%s: %s; read %s", plural(in.snap.Len(), "job", "jobs"), strings.Join(parts, ", "), stamp(in.snap.AsOf()))
	ev := in.planEvidence("Jobs by status", text)
	in.say(fmt.Sprintf("The plan as of %s has %s: %s.", stamp(in.snap.AsOf()), plural(in.snap.Len(), "job", "jobs"), strings.Join(parts, ", ")), ev)
}

func (in *inquiry) sayFailures() {
	jobs, err := in.failedJobs(50)
	if err != nil {
		in.skipped("the jobs in error, live", err)
	}
	var rows []string
	for _, j := range jobs {
		row := plan.NameOf(j) + " " + status(j)
		if r := j.LastRun(); r != nil && r.ReturnCode != nil {
			row += fmt.Sprintf(" (return code %d)", *r.ReturnCode)
		}
		rows = append(rows, row)
		if len(in.ans.Candidates) < 20 {
			in.ans.Candidates = append(in.ans.Candidates, Candidate{Job: plan.NameOf(j), Status: status(j), ID: j.ID})
		}
	}
	if len(rows) == 0 {
		if err == nil {
			in.say("No job is in error.", in.planEvidence("Jobs in error", "no job is in error"))
		}
		return
	}
	ev := in.planEvidence("Jobs in error", fmt.Sprintf("%s in error: %s", plural(len(rows), "job", "jobs"), strings.Join(rows, "; ")))
	in.say(fmt.Sprintf("%s in error: %s.", plural(len(rows), "job", "jobs"), joinNames(rows, 10)), ev)
}

func (in *inquiry) sayStations() {
	var down []plan.Workstation
	all := in.snap.Workstations()
	for _, w := range all {
		if !w.Ignored && !w.Linked() && !runsElsewhere(hwa.WorkstationType(w.Type)) {
			down = append(down, w)
		}
	}
	ev := in.noteStations("Workstations that are not linked", down, len(all))
	if len(down) == 0 {
		in.say("All workstations are linked.", ev)
		return
	}
	in.say(fmt.Sprintf("%d of %s not linked: %s.", len(down), plural(len(all), "workstation", "workstations"), names(down)), ev)
}

func (in *inquiry) sayRisks() {
	risks := in.snap.DeadlinesAtRisk(0)
	late := in.snap.Filter(plan.Filter{Flags: plan.FlagLate, Limit: 20})
	var rows []string
	for _, i := range risks[:min(len(risks), 20)] {
		j := in.snap.Job(i)
		rows = append(rows, fmt.Sprintf("%s (deadline %s, earliest end %s)", j.FullName(), stamp(in.snap.DeadlineOf(i)), stamp(in.snap.EarliestFinish(i))))
		in.candidate(i)
	}
	var lateNames []string
	for _, i := range late.Jobs {
		lateNames = append(lateNames, in.snap.Job(i).FullName())
	}
	ev := in.planEvidence("Deadlines at risk", fmt.Sprintf("%s at risk: %s; %s marked late: %s", plural(len(risks), "deadline", "deadlines"),
		strings.Join(rows, "; "), plural(late.Total, "job", "jobs"), strings.Join(lateNames, ", ")))
	if !in.snap.EdgesKnown() {
		in.skipped("dependencies: the listing carries none, so the estimate counts each job for itself", nil)
	}
	in.say(fmt.Sprintf("%s at risk by estimated durations%s.", plural(len(risks), "deadline", "deadlines"), listed(rows, 3)), ev)
	in.say(fmt.Sprintf("The engine marks %s as late%s.", plural(late.Total, "job", "jobs"), listed(lateNames, 5)), ev)
}

func listed(rows []string, most int) string {
	if len(rows) == 0 {
		return ""
	}
	return ": " + joinNames(rows, most)
}

func (in *inquiry) sayPlanner() {
	sw := in.planSwitch()
	for _, f := range []*jobFacts{sw.makePlan, sw.switchJob} {
		if f != nil {
			in.sayStatus(f)
		}
	}
	if !sw.known {
		in.skipped("stream FINAL: its jobs are not in the plan", nil)
	}
	if sw.runNumber > 0 {
		ev := in.planEvidence("Run number of the plan", fmt.Sprintf("plan run number %d", sw.runNumber))
		in.say(fmt.Sprintf("The plan has run number %d.", sw.runNumber), ev)
	}
}
