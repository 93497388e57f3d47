package hwasim

// scope says how much of an object a list carries.
type scope struct {
	deps bool // dependencies[] (only by id and in flow lists)
	defs bool // jobDefinition
}

// view encodes plan objects as one user sees them. It reads the plan, so its
// methods need the lock.
type view struct {
	s       *Sim
	user    account
	actions map[string]jobAction
	names   []string // of actions, in a fixed order
}

var jobActionOrder = []string{"hold", "release", "cancel", "cancel-pending", "kill", "confirm-succ", "confirm-abend", "rerun", "update-priority",
	"add-dependencies", "remove-dependencies", "release-dependencies", "release-all-dependencies"}

func (s *Sim) newView(user account) *view {
	return &view{s: s, user: user, actions: s.wire.jobActions, names: jobActionOrder}
}

// wsKey is the reference form of a workstation: folder path and name.
func (s *Sim) wsKey(wi int32) string { return "/" + s.ws[wi].name }

func (v *view) job(w *jsonw, ji int32, sc scope) {
	s := v.s
	j := &s.jobs[ji]
	st := &s.streams[j.stream]
	w.open()
	w.str("flowNodeType", "JOB")
	w.str("engineId", "engine1")
	w.id("id", j.id)
	w.id("planId", s.planID)
	w.str("folder", st.def.folder)
	w.str("name", j.name)
	w.id("workstationId", s.ws[j.ws].id)
	w.str("workstation", s.wsKey(j.ws))
	w.id("jobStreamId", st.id)
	w.str("jobStreamName", st.name)
	w.id("jobStreamWorkstationId", s.ws[st.ws].id)
	w.str("jobStreamWorkstation", s.wsKey(st.ws))
	w.num("position", int(j.pos))
	w.str("key", s.jobKey(j))
	v.jobFlags(w, j)
	v.composite(w, "lastRunCompositeStatus", ji, len(j.runs)-1)
	w.str("lastRunCommonStatus", s.commonStatus(j))
	w.id("jobDefinitionRefId", j.def.id)
	if sc.defs {
		v.definition(w, j.def)
	}
	w.num("priority", int(j.prio))
	w.num("origPriority", int(j.orig))
	w.list("jobruns")
	for n := range j.runs {
		v.run(w, ji, n)
	}
	w.end()
	w.time("schedTime", s.at(st.time))
	w.str("timeZone", "UTC")
	v.jobTimes(w, j)
	if sc.deps {
		v.dependencies(w, j.id, j.deps)
	}
	v.depStats(w, j.deps, j.st.waiting())
	w.time("endTime", s.at(j.last().end))
	if j.has(fNetwork) {
		w.time("criticalStart", s.at(j.critical))
	}
	if j.has(fCritical) {
		w.str("confidenceInterval", v.confidence(j))
	}
	if j.every > 0 {
		w.secs("repeatInterval", int(j.every))
	}
	v.jobActions(w, ji)
	w.yes("archived", j.has(fArchived))
	w.close()
}

// confidence is the chance in per cent that a critical job meets its deadline,
// from the slack that is left.
func (v *view) confidence(j *job) string {
	slack := int(j.critical) - int(v.s.now)
	switch {
	case j.st == stSucc:
		return "100"
	case j.has(fDeadlineGone):
		return "0"
	case slack < 0:
		return "35"
	case slack < 1800:
		return "70"
	}
	return "95"
}

func (v *view) jobFlags(w *jsonw, j *job) {
	st := &v.s.streams[j.stream]
	w.obj("jobDefinitionFlags")
	w.bool("monitored", j.has(fMonitored))
	w.yes("aliased", j.has(fAlias))
	w.close()
	w.obj("jobStatusFlags")
	w.yes("jobStreamCancelled", st.has(fCanceled))
	w.yes("jobLate", j.has(fLate))
	w.yes("userRerunAgain", j.has(fRerun))
	w.yes("untilGone", j.has(fUntilGone))
	w.yes("needMessage", j.has(fNeedMessage))
	w.yes("deadlineHasPassed", j.has(fDeadlineGone))
	w.close()
	w.obj("jobOptions")
	w.bool("noOperation", j.has(fNoop))
	w.bool("critical", j.has(fCritical))
	w.bool("requiresConfirmation", j.has(fConfirm))
	w.bool("every", j.every > 0)
	w.close()
}

func (v *view) composite(w *jsonw, key string, ji int32, n int) {
	j := &v.s.jobs[ji]
	r := &j.runs[n]
	last := n == len(j.runs)-1
	w.obj(key)
	w.str("status", r.st.String())
	if last {
		w.str("substatus", v.s.substatus(ji))
		w.yes("canceled", j.has(fCanceled))
		w.yes("cancelPending", j.has(fCancelPending))
		w.yes("dontRun", j.has(fUntilGone) && j.st == stSuppr)
	}
	w.yes("error", r.st == stAbend || r.st == stFail)
	w.yes("started", r.start != 0)
	w.close()
}

func (v *view) run(w *jsonw, ji int32, n int) {
	s := v.s
	j := &s.jobs[ji]
	r := &j.runs[n]
	last := n == len(j.runs)-1
	w.open()
	w.id("id", j.runID(n))
	w.str("name", j.name)
	w.id("jobId", j.id)
	w.str("actualWorkstation", s.wsKey(r.ws))
	if r.number > 0 {
		w.num("jobNumber", int(r.number))
	}
	v.composite(w, "compositeStatus", ji, n)
	if last {
		w.str("commonStatus", s.commonStatus(j))
	} else {
		w.str("commonStatus", jobCommon[r.st])
	}
	w.str("step", r.step)
	if r.end != 0 {
		w.num("returnCode", int(r.rc))
	}
	w.yes("rerunJob", n > 0)
	w.yes("confirmed", r.flags&rfConfirmed != 0)
	w.yes("released", last && j.has(fReleased))
	w.str("rerunType", runKindNames[r.kind])
	w.obj("timeInfo")
	w.secs("estimatedDuration", int(j.def.est))
	w.time("actualStartTime", s.at(r.start))
	if r.start != 0 {
		w.secs("elapsedTime", int(s.endOf(r)-r.start))
	}
	w.time("actualEndTime", s.at(r.end))
	w.close()
	w.time("submittedTime", s.at(r.submitted))
	w.bool("lastInRerunChain", last)
	w.yes("minDurationNotReached", r.flags&rfMinNot != 0)
	w.yes("maxDurationGone", r.flags&rfMaxGone != 0)
	w.num("runAttempt", n+1)
	w.close()
}

func (s *Sim) endOf(r *run) vsec {
	if r.end != 0 {
		return r.end
	}
	return s.now
}

func (v *view) jobTimes(w *jsonw, j *job) {
	s := v.s
	p := s.streams[j.stream].def.planOf(j)
	w.obj("timeRestrictions")
	w.time("startTime", s.at(j.start))
	w.time("deadlineTime", s.at(j.deadline))
	w.time("latestStartTime", s.at(j.latest))
	if j.latest != 0 {
		w.str("lateStartAction", s.lateStart(j))
		w.bool("latestStartSatisfied", !j.has(fUntilGone))
	}
	if p != nil && p.opts != nil {
		if p.opts.maxDur > 0 {
			w.secs("maxDuration", int(p.opts.maxDur))
			w.str("maxDurationAction", p.opts.maxAction)
			w.bool("maxDurationSatisfied", j.last().flags&rfMaxGone == 0)
		}
		if p.opts.minDur > 0 {
			w.secs("minDuration", int(p.opts.minDur))
			w.str("minDurationAction", p.opts.minAction)
		}
	}
	w.bool("timeDependent", j.start != 0 || j.latest != 0 || j.deadline != 0)
	w.bool("startTimeSatisfied", j.start <= s.now)
	w.bool("deadlineSatisfied", !j.has(fDeadlineGone))
	w.close()
}

func (v *view) jobActions(w *jsonw, ji int32) {
	w.list("actions")
	for _, name := range v.names {
		a := v.actions[name]
		if v.user.rights&a.right != 0 && a.can(v.s, ji) {
			action(w, name)
		}
	}
	w.end()
}

// action writes {key, id}; both are the last part of the action's address.
func action(w *jsonw, name string) {
	w.open()
	w.str("key", name)
	w.str("id", name)
	w.close()
}

func (v *view) definition(w *jsonw, d *jobDef) {
	s := v.s
	w.obj("jobDefinition")
	w.id("id", d.id)
	w.id("jobDefinitionModelId", d.id)
	w.str("folder", "/")
	w.str("name", d.name)
	w.id("workstationId", s.ws[d.ws].id)
	w.str("workstation", s.wsKey(d.ws))
	w.str("description", d.desc)
	w.any("task", taskOf(d))
	w.bool("isCommand", d.kind == "cmd")
	w.secs("estimatedDuration", int(d.est))
	w.list("userLogins")
	w.elem(d.login)
	w.end()
	w.str("recoveryOption", d.recoveryName())
	w.str("recoveryJob", d.recJob)
	w.str("recoveryJobName", d.recJob)
	w.str("abendPromptText", d.recText)
	if d.recovery == recRerun {
		w.num("recoveryRepeatOccurrences", int(d.retries))
		w.secs("recoveryRepeatInterval", int(d.retryEvery))
	}
	w.close()
}

// taskOf is the task of a definition in the API's form: an object named by type.
func taskOf(d *jobDef) map[string]any {
	kind := "UNIX"
	if d.kind == "win" {
		kind = "WINDOWS"
	}
	return map[string]any{kind: map[string]any{"taskString": scriptOf(d), "isCommand": d.kind == "cmd", "userName": d.login}}
}
