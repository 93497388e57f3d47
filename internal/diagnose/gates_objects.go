package diagnose

import (
	"fmt"
	"strings"

	"resync/hwa"
)

func filesGate(in *inquiry, f *jobFacts) verdict {
	return dependencyGate(f, "file dependency", f.job.Dependencies, f.jobEv, func(unmet []hwa.Dependency) *finding {
		fd := &finding{
			cause: "file", title: "A file the job waits for is not there", weight: 0.87,
			check:  "Check on the named workstation whether the file exists, under exactly this name, readable for the scheduler's user, and satisfies the qualifier.",
			remedy: "Have the file delivered. The dependency is checked again by itself; release the file dependency only if the job can run without it.",
			query:  []string{"opens file dependency job waits until file exists checked file status", "release job opens file dependency conman"},
		}
		for _, d := range unmet {
			file := d.File
			if file == nil {
				file = &hwa.FileInPlan{}
			}
			ev := in.noteDependency(f, d, line("file", file.Name, "on workstation", strings.TrimPrefix(file.Workstation, "/"), "status", file.Status,
				"qualifier", file.Qualifier, "last checked", timeOrEmpty(d.TimeLastChecked)))
			said := fmt.Sprintf("%s waits for file %s on %s", f.name, file.Name, strings.TrimPrefix(file.Workstation, "/"))
			if file.Status != "" {
				said += " (status " + string(file.Status) + ")"
			}
			fd.claims = append(fd.claims, because(said+".", ev))
		}
		return fd
	}, hwa.DependencyTypeFile)
}

func promptsGate(in *inquiry, f *jobFacts) verdict {
	return dependencyGate(f, "prompt", f.job.Dependencies, f.jobEv, func(unmet []hwa.Dependency) *finding {
		return in.promptFinding(f, unmet)
	}, hwa.DependencyTypePrompt)
}

func (in *inquiry) promptFinding(f *jobFacts, unmet []hwa.Dependency) *finding {
	fd := &finding{
		cause: "prompt", title: "A prompt waits for an answer", weight: 0.87,
		check:  "Read the text of the prompt and make sure that what it asks for is true: an answer cannot be taken back.",
		remedy: "Answer the prompt with conman reply (yes lets the job go, no keeps it waiting).",
		query:  []string{"prompt dependency reply yes or no conman reply prompt asked", "recall prompts waiting for a response"},
	}
	for _, d := range unmet {
		st := d.PromptStatus
		text := d.Text
		ev := in.noteDependency(f, d, line("prompt", d.PromptName, "number", nonZero(d.Number), "status", st, "text", text))
		name := d.PromptName
		if name == "" {
			name = "without a name"
		}
		switch st {
		case hwa.PromptStatusNotAsked:
			fd.claims = append(fd.claims, because(fmt.Sprintf("%s waits for prompt %s, which has not been asked yet (%s): something before it is still open.", f.name, name, st), ev))
			fd.weight = 0.6
		case hwa.PromptStatusAnsweredNo:
			fd.title = "The prompt was answered no"
			fd.claims = append(fd.claims, because(fmt.Sprintf("Prompt %s was answered no (%s), so %s does not start.", name, st, f.name), ev))
		default:
			fd.claims = append(fd.claims, because(fmt.Sprintf("%s waits for an answer to prompt %s: “%s”.", f.name, name, text), ev))
		}
	}
	return fd
}

func resourcesGate(in *inquiry, f *jobFacts) verdict {
	deps := f.job.Dependencies
	if f.stream != nil {
		deps = append(deps[:len(deps):len(deps)], f.stream.Dependencies...)
	}
	total := countDeps(deps, hwa.DependencyTypeResource)
	waits := f.job.LastRunCompositeStatus.Substatus == hwa.JobSubStatusReadyWaitingForResources
	if total == 0 {
		if f.hidesDependencies() || waits {
			return notKnown("the engine did not send the resource dependencies", f.jobEv)
		}
		return notApplicable("no resource needed", f.jobEv)
	}
	fd := &finding{
		cause: "resource", title: "A resource the job needs is not free", weight: 0.86,
		check:  "Check who holds the resource and whether that job still runs; a job that ended without giving its units back keeps them.",
		remedy: "Wait for the holder, or raise the quantity of the resource (conman resource) if the object it stands for allows it.",
		query:  []string{"resource dependency not enough units available quantity needs conman resource change number of units", "READY waiting for resources resource units held by job"},
	}
	short := 0
	for _, d := range deps {
		if d.DependencyType == hwa.DependencyTypeResource && in.resourceShort(f, fd, d, waits) {
			short++
		}
	}
	if short == 0 {
		return passed(fmt.Sprintf("%s with enough free units", plural(total, "resource", "resources")), f.jobEv)
	}
	in.deadlock(f, fd, deps)
	return open(fmt.Sprintf("%d of %s without enough free units", short, plural(total, "resource", "resources")), fd, append(fd.evidence(), f.jobEv)...)
}

// resourceShort reports whether a resource has too few free units, and says so.
func (in *inquiry) resourceShort(f *jobFacts, fd *finding, d hwa.Dependency, waits bool) bool {
	key := resourceKey(d.Workstation, d.Name)
	res := f.resources[key]
	free, known := 0, false
	switch {
	case res != nil && res.QuantityAvailable != nil:
		free, known = *res.QuantityAvailable, true
	case d.Available != nil:
		free, known = *d.Available, true
	}
	if met(d) || d.QuantityHeld >= d.Quantity && d.Quantity > 0 || (known && free >= d.Quantity) || (!known && !waits) {
		return false
	}
	ev := in.noteResource(f, d, key, res)
	said := fmt.Sprintf("%s needs %s of resource %s", f.name, plural(d.Quantity, "unit", "units"), key)
	if known {
		said += fmt.Sprintf(", which has %d free", free)
	}
	fd.claims = append(fd.claims, because(said+".", ev))
	if holders := holdersOf(res); holders != "" {
		fd.claims = append(fd.claims, because("It is held by "+holders+".", ev))
	}
	if res != nil && res.Quantity != nil && *res.Quantity < d.Quantity {
		fd.claims = append(fd.claims, because(fmt.Sprintf("The resource has quantity %d in all, fewer than the job needs: it cannot start as things stand.", *res.Quantity), ev))
	}
	return true
}

func (in *inquiry) noteResource(f *jobFacts, d hwa.Dependency, key string, res *hwa.ResourceInPlan) string {
	text := line("resource", key, "needs", plural(d.Quantity, "unit", "units"), "free now", number(d.Available))
	if res == nil {
		return in.noteDependency(f, d, text)
	}
	return in.note(Evidence{
		Kind: "resource", Title: "Resource " + key + " for " + f.name, Source: "GET /plan/resource/" + res.ID,
		Text: line("resource", key, "needs", plural(d.Quantity, "unit", "units"), "quantity", number(res.Quantity), "free", number(res.QuantityAvailable),
			"in use", number(res.QuantityInUse), "status", res.Status, "held by", holdersOf(res)),
	})
}

func holdersOf(r *hwa.ResourceInPlan) string {
	if r == nil {
		return ""
	}
	var names []string
	for i, h := range r.Holders {
		if i == 5 {
			names = append(names, fmt.Sprintf("and %d more", len(r.Holders)-5))
			break
		}
		name := h.JobKey
		if name == "" {
			name = strings.Trim(h.JobStream+"."+h.Job, ".")
		}
		if h.Quantity != nil {
			name += fmt.Sprintf(" (%s)", plural(*h.Quantity, "unit", "units"))
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

func resourceKey(ws, name string) string { return strings.TrimPrefix(ws, "/") + "#" + name }

func startTimeGate(in *inquiry, f *jobFacts) verdict {
	start, satisfied := f.job.TimeRestrictions.StartTime, f.job.TimeRestrictions.StartTimeSatisfied
	whose, ev := f.name, f.jobEv
	if f.stream != nil {
		if s := f.stream.TimeRestrictions; s.StartTime.After(start) {
			start, satisfied, whose, ev = s.StartTime, s.StartTimeSatisfied, "job stream "+f.stream.Name, f.streamEv
		}
	}
	waits := f.job.LastRunCompositeStatus.Substatus == hwa.JobSubStatusHoldWaitingForTime
	switch {
	case start.IsZero() && waits:
		return open("the engine says the job waits for its time", timeFinding(f, because(f.name+" waits for its start time ("+substatus(f.job)+").", f.jobEv)), f.jobEv)
	case start.IsZero():
		return notApplicable("no start time", f.jobEv, f.streamEv)
	case dependenciesMet(f.job) || (satisfied != nil && *satisfied):
		return passed("start time "+stamp(start)+" reached", ev)
	case start.After(in.now) || waits:
		return open("start time "+stamp(start)+" not reached", timeFinding(f, because("The start time of "+whose+" is "+stamp(start)+"; the job does not start before it.", ev)), ev)
	}
	return passed("start time "+stamp(start)+" reached", ev)
}

func timeFinding(f *jobFacts, c claim) *finding {
	return &finding{
		cause: "start_time", title: "The start time has not come", weight: 0.86, claims: []claim{c},
		check:  "Check whether the start (at) time and its time zone are what was meant.",
		remedy: "Nothing is broken: wait. To run it earlier, change its start time (at) in the plan or submit it by hand.",
		query:  []string{"at keyword start time of job not reached earliest time job will be launched HOLD SCHED"},
	}
}

func streamStateGate(in *inquiry, f *jobFacts) verdict {
	s := f.stream
	if s == nil {
		return notKnown("the job stream could not be read")
	}
	switch {
	case s.CompositeStatus.Canceled:
		return open("the job stream is cancelled", &finding{
			cause: "stream_cancelled", title: "The job stream " + s.Name + " is cancelled", weight: 0.94,
			claims: []claim{because("Job stream "+s.Name+" is cancelled, so its jobs do not run.", f.streamEv)},
			check:  "Check who cancelled it and why.", remedy: "Submit the job stream again if its work is needed.",
			query: []string{"cancel sched job stream cancelled in the plan"},
		}, f.streamEv)
	case s.Priority != nil && *s.Priority == 0:
		return open("the job stream is held (priority 0)", &finding{
			cause: "stream_held", title: "The job stream " + s.Name + " is held: priority 0", weight: 0.9,
			claims: []claim{because("Job stream "+s.Name+" has priority 0, which holds all its jobs.", f.streamEv)},
			check:  "Check who held the job stream and why.", remedy: "Release the job stream, or set its priority back with altpri.",
			query: []string{"priority 0 job stream held not launched altpri release"},
		}, f.streamEv)
	}
	st := string(s.CompositeStatus.Status)
	if s.CompositeStatus.Status == hwa.JobStreamStatusStuck {
		st += " (no job of it can start without an operator)"
	}
	return passed("job stream "+s.Name+" is in "+st, f.streamEv)
}

// streamDependenciesGate looks at what the stream itself waits for: it holds
// every job of it.
func streamDependenciesGate(in *inquiry, f *jobFacts) verdict {
	s := f.stream
	if s == nil {
		return notKnown("the job stream could not be read")
	}
	return dependencyGate(f, "dependency of the job stream", s.Dependencies, f.streamEv, func(unmet []hwa.Dependency) *finding {
		follows := openDeps(unmet, hwa.DependencyTypeExternalJob, hwa.DependencyTypeExternalJobStream, hwa.DependencyTypeInternetwork, hwa.DependencyTypeJoin)
		if prompts := openDeps(unmet, hwa.DependencyTypePrompt); len(prompts) > 0 && len(follows) == 0 {
			return in.promptFinding(f, prompts)
		}
		if joins := openDeps(unmet, hwa.DependencyTypeJoin); len(joins) > 0 && len(joins) == len(follows) {
			return in.joinFinding(f, joins)
		}
		if files := openDeps(unmet, hwa.DependencyTypeFile); len(files) > 0 && len(follows) == 0 {
			shadow := *f
			job := *f.job
			job.Dependencies = files
			shadow.job = &job
			if v := filesGate(in, &shadow); v.finding != nil {
				return v.finding
			}
		}
		fd := in.predecessorFinding(f, follows)
		fd.claims = append([]claim{because("Job stream "+s.Name+" itself waits, and with it all its jobs.", append(fd.evidence(), f.streamEv)...)}, fd.claims...)
		return fd
	}, hwa.DependencyTypeExternalJob, hwa.DependencyTypeExternalJobStream, hwa.DependencyTypeInternetwork, hwa.DependencyTypeJoin, hwa.DependencyTypePrompt, hwa.DependencyTypeFile)
}
