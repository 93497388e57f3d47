package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"resync/hwa"
)

// openDeps are the unsatisfied dependencies of the kinds given, the job's own.
func openDeps(deps []hwa.Dependency, kinds ...hwa.DependencyType) []hwa.Dependency {
	var out []hwa.Dependency
	for _, d := range deps {
		if slices.Contains(kinds, d.DependencyType) && !met(d) {
			out = append(out, d)
		}
	}
	return out
}

func met(d hwa.Dependency) bool {
	return d.Satisfied || d.DependencyStatus == hwa.DependencyStatusSatisfied
}

func countDeps(deps []hwa.Dependency, kinds ...hwa.DependencyType) int {
	n := 0
	for _, d := range deps {
		if slices.Contains(kinds, d.DependencyType) {
			n++
		}
	}
	return n
}

// dependencyGate is the frame all kinds of dependencies share.
func dependencyGate(f *jobFacts, word string, deps []hwa.Dependency, ev string, find func([]hwa.Dependency) *finding, kinds ...hwa.DependencyType) verdict {
	total := countDeps(deps, kinds...)
	if total == 0 {
		if f.hidesDependencies() {
			return notKnown("the engine counts dependencies but did not send them", ev)
		}
		return notApplicable("no "+word, ev)
	}
	unmet := openDeps(deps, kinds...)
	if len(unmet) == 0 {
		return passed(fmt.Sprintf("all %s satisfied", plural(total, word, word+"s")), ev)
	}
	fd := find(unmet)
	return open(fmt.Sprintf("%d of %s not satisfied", len(unmet), plural(total, word, word+"s")), fd, append(fd.evidence(), ev)...)
}

func (f *jobFacts) hidesDependencies() bool {
	s := f.job.DependenciesStats
	return s != nil && s.NumberOfDependencies > 0 && len(f.job.Dependencies) == 0
}

func followsGate(in *inquiry, f *jobFacts) verdict {
	return dependencyGate(f, "predecessor in the stream", f.job.Dependencies, f.jobEv,
		func(unmet []hwa.Dependency) *finding { return in.predecessorFinding(f, unmet) }, hwa.DependencyTypeInternal)
}

func externalGate(in *inquiry, f *jobFacts) verdict {
	return dependencyGate(f, "external predecessor", f.job.Dependencies, f.jobEv,
		func(unmet []hwa.Dependency) *finding { return in.predecessorFinding(f, unmet) },
		hwa.DependencyTypeExternalJob, hwa.DependencyTypeExternalJobStream, hwa.DependencyTypeInternetwork)
}

func joinGate(in *inquiry, f *jobFacts) verdict {
	return dependencyGate(f, "join", f.job.Dependencies, f.jobEv, func(unmet []hwa.Dependency) *finding { return in.joinFinding(f, unmet) }, hwa.DependencyTypeJoin)
}

func (in *inquiry) joinFinding(f *jobFacts, unmet []hwa.Dependency) *finding {
	var members []hwa.Dependency
	for _, j := range unmet {
		members = append(members, openDeps(j.Members, hwa.DependencyTypeInternal, hwa.DependencyTypeExternalJob, hwa.DependencyTypeExternalJobStream)...)
	}
	fd := in.predecessorFinding(f, members)
	j := unmet[0]
	need := "all"
	if j.Criteria == hwa.JoinCriteriaAtLeast || j.JoinQuantity > 0 {
		need = fmt.Sprintf("at least %d", j.JoinQuantity)
	}
	ev := in.noteDependency(f, j, fmt.Sprintf("join %s; needs %s of %d; not satisfied %d", j.JoinName, need, len(j.Members), len(members)))
	fd.cause, fd.title = "join", "Join "+j.JoinName+" is not satisfied"
	fd.claims = append([]claim{because(fmt.Sprintf("%s waits for the join %s, which needs %s of %d conditions.", f.name, j.JoinName, need, len(j.Members)), ev)}, fd.claims...)
	fd.query = append([]string{"join condition dependencies number of dependencies to be met"}, fd.query...)
	return fd
}

// noteDependency records one dependency of a job.
func (in *inquiry) noteDependency(f *jobFacts, d hwa.Dependency, text string) string {
	title := fmt.Sprintf("Dependency %s of %s", strings.ToLower(string(d.DependencyType)), f.name)
	if d.ID != "" {
		title += " (" + d.ID + ")"
	} else {
		title += ": " + text
	}
	return in.note(Evidence{Kind: "gate", Title: title, Source: "GET /plan/job/" + f.job.ID, Text: text})
}

// predecessorName names what a follows dependency waits for.
func predecessorName(d hwa.Dependency) string {
	ws, name := strings.TrimPrefix(d.JobStreamWorkstation, "/"), d.JobStreamName
	folder := strings.Trim(d.JobStreamFolder, "/")
	if folder != "" {
		name = "/" + folder + "/" + name
	}
	switch {
	case d.DependencyType == hwa.DependencyTypeInternetwork:
		return d.NetworkAgent + "::" + d.Dependency
	case d.JobName == "":
		return ws + "#" + name
	}
	return ws + "#" + name + "." + d.JobName
}

// predecessorFinding explains unsatisfied predecessors. It walks to the root:
// the first job in the chain that failed or is itself kept from running.
func (in *inquiry) predecessorFinding(f *jobFacts, unmet []hwa.Dependency) *finding {
	fd := &finding{
		cause: "predecessor", title: "A predecessor has not finished", weight: 0.8,
		check:  "Check the state of the predecessor and of what it waits for.",
		remedy: "Repair the predecessor (rerun it, or confirm SUCC if its work is done); release the dependency only if this job may run without it.",
		query:  []string{"job HOLD awaiting dependency resolution follows predecessor has not completed"},
	}
	if len(unmet) == 0 {
		return fd
	}
	unmet = slices.Clone(unmet)
	slices.SortStableFunc(unmet, func(a, b hwa.Dependency) int { return trouble(b) - trouble(a) })
	for i, d := range unmet {
		if i == 3 {
			break
		}
		st := d.PredecessorStatus.Status
		if st == "" {
			st = string(d.JobInPlanCompositeStatus.Status)
		}
		text := line("waits for", predecessorName(d), "status", st, "substatus", d.PredecessorStatus.Substatus, "dependency", strings.ToLower(string(d.DependencyStatus)), "gone", yes(d.Zombie))
		ev := in.noteDependency(f, d, text)
		said := f.name + " waits for " + predecessorName(d)
		if st != "" {
			said += ", which is in " + st
		}
		fd.claims = append(fd.claims, because(said+".", ev))
	}
	if n := len(unmet) - 3; n > 0 {
		in.skipped(fmt.Sprintf("%s of %s", plural(n, "further open predecessor", "further open predecessors"), f.name), nil)
	}
	in.classifyPredecessor(fd, unmet[0])
	in.root(fd, f, unmet[0], 1)
	return fd
}

// trouble orders open predecessors: the failed ones explain most.
func trouble(d hwa.Dependency) int {
	switch d.PredecessorStatus.Status {
	case "ABEND", "FAIL", "STUCK", "ERROR":
		return 3
	case "EXEC", "INTRO":
		return 1
	}
	if d.DependencyType == hwa.DependencyTypeInternetwork || d.Zombie {
		return 2
	}
	return 2
}

func (in *inquiry) classifyPredecessor(fd *finding, d hwa.Dependency) {
	name := predecessorName(d)
	switch st := d.PredecessorStatus.Status; {
	case d.DependencyType == hwa.DependencyTypeInternetwork:
		fd.cause, fd.title = "internetwork", "An internetwork dependency is not resolved"
		fd.check = "Check the network agent workstation (link) and the state of the remote job; ERROR or EXTRN means its status is not known."
		fd.query = append([]string{"internetwork dependency EXTRN ERROR status unknown remote job network agent"}, fd.query...)
	case st == "ABEND" || st == "FAIL" || st == "STUCK" || st == "ERROR":
		fd.cause, fd.title, fd.weight = "predecessor_failed", "Predecessor "+name+" failed", 0.88
		fd.query = append([]string{"ABEND job successors on hold until rerun confirm succ or dependency released recovery options"}, fd.query...)
	case st == "EXEC" || st == "INTRO":
		fd.cause, fd.title = "predecessor_running", "Predecessor "+name+" is still running"
		fd.check = "Check whether it runs longer than estimated."
		fd.remedy = "Wait for it; nothing needs repair while it runs within its usual time."
	}
}

// maxRoot bounds how far a chain of waiting predecessors is followed.
const maxRoot = 8

// root follows a waiting predecessor to the job that holds the chain up and
// adds what it finds to the finding.
func (in *inquiry) root(fd *finding, f *jobFacts, d hwa.Dependency, depth int) {
	if d.JobID == "" || in.e.deps.Client == nil {
		return
	}
	if depth > maxRoot {
		in.skipped("predecessors more than "+fmt.Sprint(maxRoot)+" steps before "+f.name, nil)
		return
	}
	pred, err := in.readJob(d.JobID)
	if err != nil {
		in.skipped("predecessor "+predecessorName(d), err)
		return
	}
	in.noteJob(pred)
	if failed(pred.job) {
		in.failedRoot(fd, f, pred)
		return
	}
	if !waiting(pred.job) {
		in.runningRoot(fd, pred)
		return
	}
	unmet := openDeps(pred.job.Dependencies, hwa.DependencyTypeInternal, hwa.DependencyTypeExternalJob)
	if len(unmet) > 0 {
		slices.SortStableFunc(unmet, func(a, b hwa.Dependency) int { return trouble(b) - trouble(a) })
		in.root(fd, f, unmet[0], depth+1)
		return
	}
	in.readAround(pred)
	for _, v := range in.walk(pred) {
		if v.finding == nil || v.finding.cause == "predecessor" {
			continue
		}
		fd.title = pred.name + " holds the chain up: " + lowerFirst(v.finding.title)
		fd.cause = v.finding.cause
		fd.claims = append(fd.claims, v.finding.claims...)
		fd.check, fd.remedy, fd.fix = v.finding.check, v.finding.remedy, v.finding.fix
		fd.query = append(v.finding.query, fd.query...)
		return
	}
}

func (in *inquiry) failedRoot(fd *finding, f, pred *jobFacts) {
	said := pred.name + " is in " + status(pred.job)
	ev := []string{pred.jobEv}
	if pred.run != nil && pred.run.ReturnCode != nil {
		said += fmt.Sprintf(" with return code %d", *pred.run.ReturnCode)
		ev = append(ev, pred.runEv)
	}
	fd.claims = append(fd.claims, because(said+" and holds up everything behind it, "+f.name+" included.", append(ev, f.jobEv)...))
	fd.title, fd.cause, fd.weight = "Predecessor "+pred.name+" failed", "predecessor_failed", 0.88
	if pred.run != nil && pred.run.ID != "" {
		fd.fix = []Fix{rerunFix(pred)}
	}
}

// runningRoot says that the chain waits for a job that runs.
func (in *inquiry) runningRoot(fd *finding, pred *jobFacts) {
	if pred.job.LastRunCommonStatus != hwa.CommonStatusRunning || pred.run == nil {
		return
	}
	said := pred.name + " is in " + status(pred.job) + " since " + stamp(pred.run.TimeInfo.ActualStartTime)
	if usual := pred.run.TimeInfo.EstimatedDuration.Duration(); usual > 0 {
		said += "; it is estimated to take " + span(usual)
	}
	fd.claims = append(fd.claims, because(said+".", pred.jobEv, pred.runEv))
	fd.cause, fd.title = "predecessor_running", "The chain waits for "+pred.name+", which is still running"
	fd.check = "Check whether it runs longer than estimated."
	fd.remedy = "Wait for it; nothing needs repair while it runs within its usual time."
	for _, over := range in.overrun(pred) {
		fd.title = "The chain waits for " + pred.name + ": " + lowerFirst(over.title)
		fd.cause, fd.check, fd.remedy, fd.query = over.cause, over.check, over.remedy, over.query
	}
}

func rerunFix(f *jobFacts) Fix {
	return Fix{Action: "Rerun " + f.name + " once its cause is repaired", Risk: RiskMutating, Tool: toolRerun,
		Args: map[string]any{"job": f.target()}}
}

func lowerFirst(s string) string {
	if s == "" || (len(s) > 1 && s[1] >= 'A' && s[1] <= 'Z') {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
