package hwasim

import "fmt"

// issue is one reason why a job does not start.
type issue struct{ kind, text string }

// issues lists every gate that holds a waiting job.
func (s *Sim) issues(ji int32) []issue {
	j := &s.jobs[ji]
	var out []issue
	add := func(kind, format string, args ...any) { out = append(out, issue{kind, fmt.Sprintf(format, args...)}) }
	switch {
	case j.has(fCanceled):
		add("CANCELED", "The job is canceled.")
		return out
	case j.st == stFail:
		add("LAUNCH", "The job could not be launched on %s.", s.ws[j.ws].name)
		return out
	case j.has(fIgnored):
		add("WORKSTATION", "The workstation %s is ignored in this plan.", s.ws[j.ws].name)
	case j.has(fUntilGone) && j.st == stSuppr:
		add("LATEST_START", "The latest start time %s has passed.", s.at(j.latest).Format("15:04"))
	case !j.st.waiting():
		return nil
	}
	st := &s.streams[j.stream]
	if j.prio == 0 || st.prio == 0 {
		add("PRIORITY", "The priority of the %s is 0: it is held.", map[bool]string{true: "job", false: "job stream"}[j.prio == 0])
	}
	if at := max(j.start, st.start); at > s.now {
		add("TIME", "The start time %s has not come.", s.at(at).Format("15:04 01/02"))
	}
	out = s.depIssues(out, j.deps)
	out = s.depIssues(out, st.deps)
	if j.st == stReady {
		out = s.launchIssues(out, ji)
	}
	return out
}

func (s *Sim) depIssues(out []issue, deps []dep) []issue {
	for i := range deps {
		d := &deps[i]
		if d.kind == depResource || s.satisfied(d) {
			continue
		}
		switch d.kind {
		case depInternal, depJob:
			p := &s.jobs[d.target]
			out = append(out, issue{"PREDECESSOR", fmt.Sprintf("The predecessor job %s is in %s.", s.jobKey(p), p.st)})
		case depStream:
			out = append(out, issue{"PREDECESSOR", fmt.Sprintf("The predecessor job stream %s is in %s.", s.streamKey(&s.streams[d.target]), s.streamStatus(d.target, s.stats(d.target)))})
		case depJoin:
			out = append(out, issue{"JOIN", fmt.Sprintf("The join condition %s is not met.", s.joins[d.target].name)})
		case depFile:
			f := &s.files[d.target]
			out = append(out, issue{"FILE", fmt.Sprintf("The file %s#%s does not exist.", s.ws[f.ws].name, f.name)})
		case depPrompt:
			p := &s.prompts[d.target]
			out = append(out, issue{"PROMPT", fmt.Sprintf("The prompt %d (%s) is %s: %s", p.number, p.name, promptNames[p.st], p.text)})
		case depInternetwork:
			out = append(out, issue{"INTERNETWORK", "The internetwork dependency " + s.nets[d.target] + " is not satisfied."})
		}
	}
	return out
}

// launchIssues reports every launch gate, not only the first.
func (s *Sim) launchIssues(out []issue, ji int32) []issue {
	j := &s.jobs[ji]
	w := &s.ws[j.ws]
	st := &s.streams[j.stream]
	add := func(kind, format string, args ...any) { out = append(out, issue{kind, fmt.Sprintf(format, args...)}) }
	if !w.linked {
		add("WORKSTATION", "The workstation %s is not linked.", w.name)
	}
	if !w.started {
		add("WORKSTATION", "The workstation %s is stopped.", w.name)
	}
	if !w.jobman || !w.inited || !w.online {
		add("WORKSTATION", "The agent on %s is not running, not initialized or offline.", w.name)
	}
	if w.problem != failNone {
		add("MESSAGE", "%s", s.failLines(w.problem, ji))
	}
	if w.limit >= 0 && w.running >= w.limit && j.prio < 100 && st.prio < 100 {
		add("LIMIT", "The limit of the workstation %s is %d and %d jobs are running.", w.name, w.limit, w.running)
	}
	if int16(j.prio) <= w.fence {
		add("FENCE", "The priority %d is not above the fence %d of the workstation %s.", j.prio, w.fence, w.name)
	}
	if st.limit >= 0 && st.running >= st.limit {
		add("STREAM_LIMIT", "The limit of the job stream %s is %d and %d jobs are running.", st.name, st.limit, st.running)
	}
	for n, deps := range [][]dep{j.deps, st.deps} {
		if n == 1 && st.holding {
			continue
		}
		for i := range deps {
			if d := &deps[i]; d.kind == depResource && !d.released && s.freeUnits(d.target) < int32(d.qty) {
				r := &s.res[d.target]
				add("RESOURCE", "The resource %s#%s has %d of %d units free; %d are needed.", s.ws[r.ws].name, r.name, s.freeUnits(d.target), r.total, d.qty)
			}
		}
	}
	return out
}
