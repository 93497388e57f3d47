package hwasim

func (v *view) dependencies(w *jsonw, owner uuid, deps []dep) {
	w.list("dependencies")
	for i := range deps {
		v.dependency(w, owner, &deps[i])
	}
	w.end()
}

func (v *view) dependency(w *jsonw, owner uuid, d *dep) {
	s := v.s
	ok := s.satisfied(d)
	if d.kind == depResource {
		ok = d.released || s.freeUnits(d.target) >= int32(d.qty) || s.holds(d.target, owner)
	}
	w.open()
	w.str("dependencyType", depNames[d.kind])
	w.id("id", s.depID(owner, d))
	w.str("dependencyStatus", v.depStatus(d, ok))
	w.bool("satisfied", ok)
	w.num("depSequence", int(d.seq))
	w.bool("mandatory", true)
	v.depTarget(w, d)
	w.close()
}

func (v *view) depStatus(d *dep, ok bool) string {
	switch {
	case ok:
		return "SATISFIED"
	case d.kind == depInternetwork:
		return "UNDECIDED"
	}
	return "UNSATISFIED"
}

func (v *view) depTarget(w *jsonw, d *dep) {
	s := v.s
	switch d.kind {
	case depInternal, depJob:
		v.predecessorJob(w, d.target, d.kind == depJob)
	case depStream:
		v.predecessorStream(w, d.target)
	case depJoin:
		jn := &s.joins[d.target]
		w.str("joinName", jn.name)
		w.num("joinQuantity", jn.need)
		w.str("criteria", map[bool]string{true: "ALL", false: "AT_LEAST"}[jn.need == 0])
		w.list("members")
		for i := range jn.members {
			v.dependency(w, makeID(jn.name, itoa(int(d.target))), &jn.members[i])
		}
		w.end()
	case depFile:
		f := &s.files[d.target]
		w.obj("file")
		w.id("id", f.id)
		w.str("name", f.name)
		w.str("workstation", s.wsKey(f.ws))
		w.id("workstationId", s.ws[f.ws].id)
		w.str("status", map[bool]string{true: "Exists", false: "Unavailable"}[f.exists])
		w.close()
		w.time("timeLastChecked", s.at(s.now))
	case depResource:
		r := &s.res[d.target]
		w.str("folder", "/")
		w.str("name", r.name)
		w.str("workstation", s.wsKey(r.ws))
		w.id("workstationId", s.ws[r.ws].id)
		w.num("quantity", int(d.qty))
		w.num("available", int(s.freeUnits(d.target)))
		w.num("totalQuantity", int(r.total))
	case depPrompt:
		v.promptDep(w, d.target)
	case depInternetwork:
		w.str("networkAgent", "/REMOTE_NET")
		w.str("dependency", s.nets[d.target])
	}
}

func (s *Sim) holds(ri int32, owner uuid) bool {
	for _, h := range s.res[ri].holders {
		if h >= 0 && s.jobs[h].id == owner || h < 0 && s.streams[^h].id == owner {
			return true
		}
	}
	return false
}

func (v *view) predecessorJob(w *jsonw, ji int32, external bool) {
	s := v.s
	j := &s.jobs[ji]
	st := &s.streams[j.stream]
	w.id("jobId", j.id)
	w.str("jobName", j.name)
	if external {
		w.str("jobWorkstationName", s.wsKey(j.ws))
		w.id("jobStreamId", st.id)
	}
	w.str("jobStreamName", st.name)
	w.str("jobStreamWorkstation", s.wsKey(st.ws))
	w.str("jobStreamFolder", st.def.folder)
	w.time("jobStreamSchedTime", s.at(st.time))
	w.bool("conditional", false)
	w.yes("critical", j.has(fCritical|fNetwork))
	v.composite(w, "predecessorStatus", ji, len(j.runs)-1)
}

func (v *view) predecessorStream(w *jsonw, si int32) {
	s := v.s
	st := &s.streams[si]
	w.id("jobStreamId", st.id)
	w.str("jobStreamName", st.name)
	w.str("jobStreamWorkstation", s.wsKey(st.ws))
	w.str("jobStreamFolder", st.def.folder)
	w.time("jobStreamSchedTime", s.at(st.time))
	w.bool("conditional", false)
	w.obj("predecessorStatus")
	w.str("status", s.streamStatus(si, s.stats(si)))
	w.yes("canceled", st.has(fCanceled))
	w.close()
}

func (v *view) promptDep(w *jsonw, pi int32) {
	p := &v.s.prompts[pi]
	w.str("promptName", p.name)
	w.str("text", p.text)
	w.str("promptStatus", promptNames[p.st])
	w.str("promptType", p.kind)
	w.num("number", int(p.number))
	w.list("actions")
	if p.st == prAsked && v.user.rights&rightReply != 0 {
		action(w, "reply")
	}
	w.end()
}

// depStats counts dependencies; only what still waits has unresolved ones.
func (v *view) depStats(w *jsonw, deps []dep, waiting bool) {
	if len(deps) == 0 {
		return
	}
	var by [depInternetwork + 1]int
	for i := range deps {
		by[deps[i].kind]++
	}
	w.obj("dependenciesStats")
	w.num("numberOfDependencies", len(deps))
	w.num("numberOfJobDependencies", by[depInternal]+by[depJob]+by[depJoin])
	w.num("numberOfJobStreamDependencies", by[depStream])
	w.num("numberOfInternetworkDependencies", by[depInternetwork])
	w.num("numberOfPromptDependencies", by[depPrompt])
	w.num("numberOfResourceDependencies", by[depResource])
	w.num("numberOfFileDependencies", by[depFile])
	nonRes, res := 0, 0
	if waiting {
		nonRes, res = v.s.open(deps, notResource), v.s.open(deps, isResource)
	}
	w.num("numberOfUnresolvedDependencies", nonRes+res)
	w.num("numberOfNonResourceUnresolvedDependencies", nonRes)
	w.close()
}
