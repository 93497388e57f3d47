package hwasim

import (
	"time"

	"resync/hwa/oql"
)

// reference gives a workstation reference in both forms people filter by.
func (s *Sim) reference(wi int32) oql.Value { return oql.Strs("/"+s.ws[wi].name, s.ws[wi].name) }

func seconds(n int32) oql.Value { return oql.Duration(time.Duration(n) * time.Second) }

func jobFields(s *Sim) fieldSet {
	f := fieldSet{}
	add := func(name string, get func(*job) oql.Value) {
		f[name] = func(i int32) oql.Value { return get(&s.jobs[i]) }
	}
	add("id", func(j *job) oql.Value { return oql.Str(j.id.String()) })
	add("name", func(j *job) oql.Value { return oql.Str(j.name) })
	add("key", func(j *job) oql.Value { return oql.Str(s.jobKey(j)) })
	add("key.name", func(j *job) oql.Value { return oql.Str(j.name) })
	add("folder", func(j *job) oql.Value { return oql.Str(s.streams[j.stream].def.folder) })
	add("jobStreamName", func(j *job) oql.Value { return oql.Str(s.streams[j.stream].name) })
	add("jobStreamId", func(j *job) oql.Value { return oql.Str(s.streams[j.stream].id.String()) })
	add("jobStreamWorkstation", func(j *job) oql.Value { return s.reference(s.streams[j.stream].ws) })
	add("workstation", func(j *job) oql.Value { return s.reference(j.ws) })
	add("priority", func(j *job) oql.Value { return oql.Int(int64(j.prio)) })
	add("origPriority", func(j *job) oql.Value { return oql.Int(int64(j.orig)) })
	add("schedTime", func(j *job) oql.Value { return oql.Instant(s.at(s.streams[j.stream].time)) })
	add("jobOptions.critical", func(j *job) oql.Value { return oql.Bool(j.has(fCritical)) })
	add("jobOptions.every", func(j *job) oql.Value { return oql.Bool(j.every > 0) })
	add("jobOptions.noOperation", func(j *job) oql.Value { return oql.Bool(j.has(fNoop)) })
	add("jobOptions.requiresConfirmation", func(j *job) oql.Value { return oql.Bool(j.has(fConfirm)) })
	add("jobStatusFlags.jobLate", func(j *job) oql.Value { return oql.Bool(j.has(fLate)) })
	add("timeRestrictions.startTime", func(j *job) oql.Value { return oql.Instant(s.at(j.start)) })
	add("timeRestrictions.deadlineTime", func(j *job) oql.Value { return oql.Instant(s.at(j.deadline)) })
	add("timeRestrictions.latestStartTime", func(j *job) oql.Value { return oql.Instant(s.at(j.latest)) })
	add("lastRunCommonStatus", func(j *job) oql.Value { return oql.Str(s.commonStatus(j)) })
	addDefFields(s, add)
	f["lastRunCompositeStatus.status"] = func(i int32) oql.Value { return oql.Str(s.jobs[i].st.String()) }
	f["lastRunCompositeStatus.substatus"] = func(i int32) oql.Value { return text(s.substatus(i)) }
	addRunFields(s, f, add)
	return f
}

func text(t string) oql.Value {
	if t == "" {
		return oql.Null()
	}
	return oql.Str(t)
}

func addDefFields(s *Sim, add func(string, func(*job) oql.Value)) {
	add("jobDefinition.isCommand", func(j *job) oql.Value { return oql.Bool(j.def.kind == "cmd") })
	add("jobDefinition.recoveryOption", func(j *job) oql.Value { return oql.Str(j.def.recoveryName()) })
	add("jobDefinition.userLogin", func(j *job) oql.Value { return oql.Str(j.def.login) })
	add("jobDefinition.workstation", func(j *job) oql.Value { return s.reference(j.def.ws) })
	add("jobDefinition.taskType", func(j *job) oql.Value { return oql.Str(taskType(j.def)) })
	add("dependencies.dependencyStatus", func(j *job) oql.Value {
		list := make([]oql.Value, len(j.deps))
		for i := range j.deps {
			list[i] = oql.Str(map[bool]string{true: "SATISFIED", false: "UNSATISFIED"}[s.satisfied(&j.deps[i])])
		}
		return oql.List(list...)
	})
	add("dependenciesStats.numberOfUnresolvedDependencies", func(j *job) oql.Value {
		if !j.st.waiting() {
			return oql.Int(0)
		}
		return oql.Int(int64(s.open(j.deps, notResource) + s.open(j.deps, isResource)))
	})
}

func taskType(d *jobDef) string {
	if d.kind == "win" {
		return "WINDOWS"
	}
	return "UNIX"
}

// addRunFields adds jobruns.*: a job with a single run, the usual case, gives
// one value, a rerun chain gives them all.
func addRunFields(s *Sim, f fieldSet, add func(string, func(*job) oql.Value)) {
	each := func(name string, get func(*job, *run) oql.Value) {
		add("jobruns."+name, func(j *job) oql.Value {
			if len(j.runs) == 1 {
				return get(j, &j.runs[0])
			}
			list := make([]oql.Value, len(j.runs))
			for i := range j.runs {
				list[i] = get(j, &j.runs[i])
			}
			return oql.List(list...)
		})
	}
	// The status of the last run carries what the job adds to it (canceled, held).
	each("commonStatus", func(j *job, r *run) oql.Value {
		if r == j.last() {
			return oql.Str(s.commonStatus(j))
		}
		return oql.Str(jobCommon[r.st])
	})
	each("compositeStatus.status", func(_ *job, r *run) oql.Value { return oql.Str(r.st.String()) })
	each("actualWorkstation", func(_ *job, r *run) oql.Value { return s.reference(r.ws) })
	each("returnCode", func(_ *job, r *run) oql.Value { return oql.Int(int64(r.rc)) })
	each("jobNumber", func(_ *job, r *run) oql.Value { return oql.Int(int64(r.number)) })
	each("rerunType", func(_ *job, r *run) oql.Value { return oql.Str(runKindNames[r.kind]) })
	each("step", func(_ *job, r *run) oql.Value { return text(r.step) })
	each("maxDurationGone", func(_ *job, r *run) oql.Value { return oql.Bool(r.flags&rfMaxGone != 0) })
	each("minDurationNotReached", func(_ *job, r *run) oql.Value { return oql.Bool(r.flags&rfMinNot != 0) })
	each("estimatedDuration", func(j *job, _ *run) oql.Value { return seconds(j.def.est) })
	each("elapsedTime", func(_ *job, r *run) oql.Value { return seconds(int32(s.endOf(r) - max(r.start, 1))) })
	each("timeInfo.actualStartTime", func(_ *job, r *run) oql.Value { return oql.Instant(s.at(r.start)) })
	each("timeInfo.actualEndTime", func(_ *job, r *run) oql.Value { return oql.Instant(s.at(r.end)) })
	each("timeInfo.estimatedDuration", func(j *job, _ *run) oql.Value { return seconds(j.def.est) })
}

func streamFields(s *Sim) fieldSet {
	f := fieldSet{}
	add := func(name string, get func(*stream) oql.Value) {
		f[name] = func(i int32) oql.Value { return get(&s.streams[i]) }
	}
	add("id", func(st *stream) oql.Value { return oql.Str(st.id.String()) })
	for _, n := range []string{"name", "originalJobStreamName", "aliasJobStreamName", "key.name"} {
		add(n, func(st *stream) oql.Value { return oql.Str(st.name) })
	}
	add("key", func(st *stream) oql.Value { return oql.Str(s.streamKey(st)) })
	add("folder", func(st *stream) oql.Value { return oql.Str(st.def.folder) })
	add("workstation", func(st *stream) oql.Value { return s.reference(st.ws) })
	add("priority", func(st *stream) oql.Value { return oql.Int(int64(st.prio)) })
	add("origPriority", func(st *stream) oql.Value { return oql.Int(int64(st.orig)) })
	add("limit", func(st *stream) oql.Value { return oql.Int(int64(st.limit)) })
	add("schedTime", func(st *stream) oql.Value { return oql.Instant(s.at(st.time)) })
	add("timeRestrictions.startTime", func(st *stream) oql.Value { return oql.Instant(s.at(st.start)) })
	add("timeRestrictions.deadlineTime", func(st *stream) oql.Value { return oql.Instant(s.at(st.deadline)) })
	add("timeInfo.actualStartTime", func(st *stream) oql.Value { return oql.Instant(s.at(st.began)) })
	add("jsDefinitionFlags.carriedForward", func(st *stream) oql.Value { return oql.Bool(st.carried) })
	status := func(i int32) string { return s.streamStatus(i, s.stats(i)) }
	f["compositeStatus.status"] = func(i int32) oql.Value { return oql.Str(status(i)) }
	f["commonStatus"] = func(i int32) oql.Value { return oql.Str(s.streamCommon(i, status(i))) }
	for name, get := range map[string]func(streamStats) int{
		"numberOfJob": func(c streamStats) int { return c.jobs }, "numberOfSuccessfullJob": func(c streamStats) int { return c.succ },
		"numberOfExecutingJob": func(c streamStats) int { return c.exec }, "numberOfAbendedJob": func(c streamStats) int { return c.abend },
		"numberOfFailedJob": func(c streamStats) int { return c.fail }} {
		f["jobStreamStats."+name] = func(i int32) oql.Value { return oql.Int(int64(get(s.stats(i)))) }
	}
	return f
}

func stationFields(s *Sim) fieldSet {
	f := fieldSet{}
	add := func(name string, get func(*workstation) oql.Value) {
		f[name] = func(i int32) oql.Value { return get(&s.ws[i]) }
	}
	add("id", func(w *workstation) oql.Value { return oql.Str(w.id.String()) })
	add("name", func(w *workstation) oql.Value { return oql.Str(w.name) })
	add("key.name", func(w *workstation) oql.Value { return oql.Str(w.name) })
	add("key", func(w *workstation) oql.Value { return oql.Strs("/"+w.name, w.name) })
	add("folder", func(*workstation) oql.Value { return oql.Str("/") })
	add("type", func(w *workstation) oql.Value { return oql.Str(w.kind) })
	add("os", func(w *workstation) oql.Value { return oql.Str(w.os) })
	add("domainName", func(w *workstation) oql.Value { return oql.Str(w.domain) })
	add("jobmanUp", func(w *workstation) oql.Value { return oql.Bool(w.jobman) })
	add("limit", func(w *workstation) oql.Value { return oql.Int(int64(w.limit)) })
	add("fence", func(w *workstation) oql.Value { return oql.Int(int64(w.fence)) })
	add("runNumber", func(w *workstation) oql.Value { return oql.Int(int64(w.run)) })
	add("ignore", func(w *workstation) oql.Value { return oql.Bool(w.ignore) })
	add("activeStates", func(w *workstation) oql.Value {
		states := w.states()
		if !w.linked {
			states = append(states, "UNLINKED")
		}
		return oql.Strs(states...)
	})
	return f
}

func resourceFields(s *Sim) fieldSet {
	f := fieldSet{}
	add := func(name string, get func(*resource) oql.Value) {
		f[name] = func(i int32) oql.Value { return get(&s.res[i]) }
	}
	add("id", func(r *resource) oql.Value { return oql.Str(r.id.String()) })
	add("name", func(r *resource) oql.Value { return oql.Str(r.name) })
	add("folder", func(*resource) oql.Value { return oql.Str("/") })
	add("workstation", func(r *resource) oql.Value { return s.reference(r.ws) })
	add("workstationFolder", func(*resource) oql.Value { return oql.Str("/") })
	add("quantity", func(r *resource) oql.Value { return oql.Int(int64(r.total)) })
	add("quantityInUse", func(r *resource) oql.Value { return oql.Int(int64(r.inUse)) })
	add("quantityAvailable", func(r *resource) oql.Value { return oql.Int(int64(r.total - r.inUse)) })
	add("status", func(r *resource) oql.Value { return oql.Str(r.status()) })
	return f
}

func (r *resource) status() string {
	if r.inUse >= r.total {
		return "NOT_AVAILABLE"
	}
	return "AVAILABLE"
}

func promptFields(s *Sim) fieldSet {
	f := fieldSet{}
	add := func(name string, get func(*prompt) oql.Value) {
		f[name] = func(i int32) oql.Value { return get(&s.prompts[i]) }
	}
	add("id", func(p *prompt) oql.Value { return oql.Str(p.id.String()) })
	add("name", func(p *prompt) oql.Value { return oql.Str(p.name) })
	add("status", func(p *prompt) oql.Value { return oql.Str(promptNames[p.st]) })
	add("type", func(p *prompt) oql.Value { return oql.Str(p.kind) })
	add("number", func(p *prompt) oql.Value { return oql.Int(int64(p.number)) })
	add("text", func(p *prompt) oql.Value { return oql.Str(p.text) })
	return f
}
