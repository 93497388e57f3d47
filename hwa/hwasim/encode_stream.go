package hwasim

import "time"

func (v *view) stream(w *jsonw, si int32, sc scope) {
	s := v.s
	st := &s.streams[si]
	c := s.stats(si)
	status := s.streamStatus(si, c)
	w.open()
	w.str("flowNodeType", "JOBSTREAM")
	w.str("engineId", "engine1")
	w.id("id", st.id)
	w.id("planId", s.planID)
	w.str("folder", st.def.folder)
	w.str("name", st.name)
	w.str("originalJobStreamName", st.def.name)
	if st.has(fAlias) {
		w.str("aliasJobStreamName", st.name)
	}
	w.id("workstationId", s.ws[st.ws].id)
	w.str("workstation", s.wsKey(st.ws))
	w.id("jobStreamModelId", st.def.id)
	w.str("key", s.streamKey(st))
	w.time("schedTime", s.at(st.time))
	w.time("scheduledDate", s.at(st.time).Truncate(24*time.Hour))
	w.str("timeZone", "UTC")
	w.obj("jsDefinitionFlags")
	w.bool("carriedForward", st.carried)
	w.yes("aliased", st.has(fAlias))
	w.close()
	w.obj("jsStatusFlags")
	w.yes("released", st.has(fReleased))
	w.yes("lateJobStream", st.has(fLate))
	w.close()
	w.obj("jsOptions")
	w.bool("carryForward", st.def.carry)
	w.close()
	v.streamStatus(w, si, status, c)
	w.num("priority", int(st.prio))
	w.num("origPriority", int(st.orig))
	w.num("limit", int(st.limit))
	v.streamTimes(w, st)
	v.streamStats(w, c)
	if sc.deps {
		v.dependencies(w, st.id, st.deps)
	}
	v.depStats(w, st.deps, !st.done && st.began == 0)
	w.str("submitter", st.user)
	w.str("internalIdentifier", st.sched)
	w.list("actions")
	for _, name := range streamActionOrder {
		if a := streamActions[name]; v.user.rights&a.right != 0 && a.can(s, si) {
			action(w, name)
		}
	}
	w.end()
	w.close()
}

func (v *view) streamStatus(w *jsonw, si int32, status string, c streamStats) {
	st := &v.s.streams[si]
	w.obj("compositeStatus")
	w.str("status", status)
	if status == "STUCK" {
		w.str("substatus", "WAITING_FOR_USER_INTERVENTION")
	} else if c.ready > 0 && c.exec == 0 && !st.holding && v.s.open(st.deps, isResource) > 0 {
		w.str("substatus", "WAITING_FOR_RESOURCE")
	}
	w.yes("canceled", st.has(fCanceled))
	w.yes("cancelPending", st.has(fCancelPending))
	w.yes("started", st.began != 0)
	w.yes("error", c.error)
	w.close()
	w.str("commonStatus", v.s.streamCommon(si, status))
}

func (v *view) streamTimes(w *jsonw, st *stream) {
	s := v.s
	w.obj("timeInfo")
	w.time("actualStartTime", s.at(st.began))
	if st.began != 0 {
		end := st.ended
		if !st.done {
			end = s.now
		}
		w.secs("elapsedTime", int(end-st.began))
	}
	if st.done {
		w.time("actualEndTime", s.at(st.ended))
	}
	w.close()
	w.obj("timeRestrictions")
	w.time("startTime", s.at(st.start))
	w.time("deadlineTime", s.at(st.deadline))
	w.bool("timeDependent", st.start != 0)
	w.bool("startTimeSatisfied", st.start <= s.now)
	w.close()
}

func (v *view) streamStats(w *jsonw, c streamStats) {
	w.obj("jobStreamStats")
	w.num("numberOfJob", c.jobs)
	w.num("numberOfSuccessfullJob", c.succ)
	w.num("numberOfExecutingJob", c.exec)
	w.num("numberOfAbendedJob", c.abend)
	w.num("numberOfFailedJob", c.fail)
	w.num("numberOfNotRunningJob", c.waiting)
	w.num("numberOfUndecidedJob", c.undecided)
	w.close()
}

// states lists the active states of a workstation.
func (w *workstation) states() []string {
	var out []string
	add := func(on bool, names ...string) {
		if on {
			out = append(out, names...)
		}
	}
	add(w.kind == "MANAGER", "MASTER", "MANAGER", "EVT_PROC_RUNNING")
	add(w.kind == "WORKLOAD_BROKER", "BROKER")
	add(w.linked, "LINKED")
	add(w.linked && w.inited, "FULLY_LINKED")
	add(w.linked && w.kind != "X-AGENT", "TCP_IP_LINKED")
	add(w.kind == "X-AGENT" && w.linked, "EXTENDED_LINKED")
	add(w.started, "START", "RUNNING")
	add(w.monman && w.started, "MONMAN")
	add(w.jobman && w.started, "JOBMAN_UP")
	add(w.linked && w.inited, "WRITER_RUNNING")
	add(w.inited, "IS_INITED")
	add(w.online, "ONLINE")
	return out
}

func (v *view) station(w *jsonw, wi int32) {
	s := v.s
	x := &s.ws[wi]
	w.open()
	w.str("engineId", "engine1")
	w.id("id", x.id)
	w.id("planId", s.planID)
	w.str("folder", "/")
	w.str("name", x.name)
	w.str("key", "/"+x.name)
	w.num("runNumber", int(x.run))
	w.str("description", x.desc)
	w.list("activeStates")
	for _, st := range x.states() {
		w.elem(st)
	}
	w.end()
	w.list("activeFlags")
	w.elem("AUTO_LINK")
	if x.kind == "MANAGER" {
		w.elem("FULL_STATUS")
	}
	w.end()
	w.str("type", x.kind)
	w.str("hostType", map[bool]string{true: "MASTER", false: "MANAGER"}[x.kind == "MANAGER"])
	w.str("os", x.os)
	w.str("timeZone", "UTC")
	w.str("nodeName", x.node)
	w.num("tcpPort", int(x.port))
	w.num("sslPort", int(x.sslPort))
	w.str("securityLevel", x.security)
	w.str("domainName", x.domain)
	w.num("limit", int(x.limit))
	w.num("fence", int(x.fence))
	if x.kind == "AGENT" {
		w.str("agentId", makeID("AGENT", x.name).String())
		w.str("hostWorkstation", "/HQBKR")
	}
	w.str("version", "10.2.5")
	w.time("timeStarted", s.at(x.since))
	w.list("actions")
	for _, name := range stationActionOrder {
		if a := stationActions[name]; v.user.rights&a.right != 0 && a.can(x) {
			action(w, name)
		}
	}
	w.end()
	w.bool("ignore", x.ignore)
	w.close()
}

func (v *view) resource(w *jsonw, ri int32) {
	s := v.s
	r := &s.res[ri]
	w.open()
	w.str("engineId", "engine1")
	w.id("id", r.id)
	w.str("folder", "/")
	w.str("name", r.name)
	w.str("key", s.ws[r.ws].name+"#"+r.name)
	w.id("workstationId", s.ws[r.ws].id)
	w.str("workstation", s.wsKey(r.ws))
	w.num("quantity", int(r.total))
	w.num("quantityAvailable", int(r.total-r.inUse))
	w.num("quantityInUse", int(r.inUse))
	w.str("status", r.status())
	w.list("holders")
	for _, h := range r.holders {
		v.holder(w, ri, h)
	}
	w.end()
	w.list("actions")
	if v.user.rights&rightResource != 0 {
		action(w, "update-quantity")
	}
	w.end()
	w.close()
}

func (v *view) holder(w *jsonw, ri, owner int32) {
	s := v.s
	w.open()
	si, deps := owner, []dep(nil)
	if owner >= 0 {
		j := &s.jobs[owner]
		si, deps = j.stream, j.deps
		w.id("jobId", j.id)
		w.str("job", j.name)
		w.str("jobKey", s.jobKey(j))
	} else {
		si = ^owner
		deps = s.streams[si].deps
	}
	w.id("jobStreamId", s.streams[si].id)
	w.str("jobStream", s.streams[si].name)
	for i := range deps {
		if deps[i].kind == depResource && deps[i].target == ri {
			w.num("quantity", int(deps[i].qty))
		}
	}
	w.bool("shared", false)
	w.close()
}

func (v *view) prompt(w *jsonw, pi int32) {
	s := v.s
	p := &s.prompts[pi]
	w.open()
	w.str("engineId", "engine1")
	w.id("id", p.id)
	w.str("name", p.name)
	w.str("folder", "/")
	w.id("planId", s.planID)
	w.str("text", p.text)
	w.str("status", promptNames[p.st])
	w.str("type", p.kind)
	w.num("number", int(p.number))
	w.time("timeAsked", s.at(p.asked))
	w.time("timeRespond", s.at(p.answered))
	owner := p.owner
	if len(p.users) > 0 && p.st == prNotAsked {
		owner = p.users[0]
	}
	if owner >= 0 && int(owner) < len(s.jobs) {
		w.id("jobId", s.jobs[owner].id)
		w.str("jobKey", s.jobKey(&s.jobs[owner]))
	} else if owner < 0 {
		w.id("jobStreamId", s.streams[^owner].id)
		w.str("jobStreamKey", s.streamKey(&s.streams[^owner]))
	}
	w.list("actions")
	if p.st == prAsked && v.user.rights&rightReply != 0 {
		action(w, "reply")
	}
	w.end()
	w.close()
}
