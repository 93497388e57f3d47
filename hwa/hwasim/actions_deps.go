package hwasim

// depID is the identifier of a dependency: by owner and target, so that it is
// stable and two owners never share one.
func (s *Sim) depID(owner uuid, d *dep) uuid {
	return makeID("DEPENDENCY", owner.String(), depNames[d.kind], s.targetID(d), itoa(int(d.seq)))
}

func (s *Sim) targetID(d *dep) string {
	switch d.kind {
	case depInternal, depJob:
		return s.jobs[d.target].id.String()
	case depStream:
		return s.streams[d.target].id.String()
	case depFile:
		return s.files[d.target].id.String()
	case depResource:
		return s.res[d.target].id.String()
	case depPrompt:
		return s.prompts[d.target].id.String()
	}
	return itoa(int(d.target))
}

func (s *Sim) doAddDeps(ji int32, a *actionArgs) {
	j := &s.jobs[ji]
	j.deps = s.addDeps(j.deps, a.deps, ji)
	s.refresh(ji)
}

func (s *Sim) addDeps(have, add []dep, owner int32) []dep {
	for _, d := range add {
		d.seq = int16(len(have) + 1)
		for _, h := range have {
			d.seq = max(d.seq, h.seq+1)
		}
		s.wireDep(&d, owner)
		have = append(have, d)
	}
	return have
}

func (s *Sim) doRemoveDeps(ji int32, a *actionArgs) {
	j := &s.jobs[ji]
	kept := make([]dep, 0, len(j.deps))
	for _, d := range j.deps {
		if !s.named(j.id, &d, a.depIDs) {
			kept = append(kept, d)
		}
	}
	j.deps = kept
	s.refresh(ji)
}

func (s *Sim) doReleaseDeps(ji int32, a *actionArgs) {
	j := &s.jobs[ji]
	for i := range j.deps {
		if s.named(j.id, &j.deps[i], a.depIDs) {
			j.deps[i].released = true
		}
	}
	j.set(fReleased, true)
	s.refresh(ji)
}

func (s *Sim) named(owner uuid, d *dep, ids []string) bool {
	id := s.depID(owner, d).String()
	for _, want := range ids {
		if want == id {
			return true
		}
	}
	return false
}

// hasDeps reports the first id no dependency of the owner has.
func (s *Sim) unknownDep(owner uuid, deps []dep, ids []string) string {
	for _, id := range ids {
		found := false
		for i := range deps {
			found = found || s.depID(owner, &deps[i]).String() == id
		}
		if !found {
			return id
		}
	}
	return ""
}

// successors lists the jobs that wait directly for a job: its successors, the
// jobs of streams that follow it, and, when it belongs to a stream others
// follow, theirs.
func (s *Sim) successors(ji int32) []int32 {
	var out []int32
	add := func(owners []int32) {
		for _, o := range owners {
			if o >= 0 {
				out = append(out, o)
			} else {
				out = append(out, s.firstJobs(^o)...)
			}
		}
	}
	add(s.jobs[ji].succ)
	add(s.streams[s.jobs[ji].stream].succ)
	return out
}

// firstJobs are the jobs of a stream without a predecessor inside it.
func (s *Sim) firstJobs(si int32) []int32 {
	var out []int32
	for _, ji := range s.streams[si].jobs {
		if !hasKind(s.jobs[ji].deps, depInternal) {
			out = append(out, ji)
		}
	}
	return out
}

func hasKind(deps []dep, k depKind) bool {
	for i := range deps {
		if deps[i].kind == k {
			return true
		}
	}
	return false
}

// predecessors lists the jobs a job waits for directly, those of its stream included.
func (s *Sim) predecessors(ji int32) []int32 {
	out := s.depJobs(nil, s.jobs[ji].deps)
	if !hasKind(s.jobs[ji].deps, depInternal) {
		out = s.depJobs(out, s.streams[s.jobs[ji].stream].deps)
	}
	return out
}

func (s *Sim) depJobs(out []int32, deps []dep) []int32 {
	for i := range deps {
		switch d := &deps[i]; d.kind {
		case depInternal, depJob:
			out = append(out, d.target)
		case depStream:
			out = append(out, s.streams[d.target].jobs...)
		case depJoin:
			out = s.depJobs(out, s.joins[d.target].members)
		}
	}
	return out
}

// reach walks a relation breadth first up to depth levels (0: no limit), nearest first.
func (s *Sim) reach(from int32, depth int, next func(int32) []int32) []int32 {
	seen := map[int32]bool{from: true}
	level := []int32{from}
	var out []int32
	for n := 0; len(level) > 0 && (depth <= 0 || n < depth); n++ {
		var below []int32
		for _, ji := range level {
			for _, k := range next(ji) {
				if !seen[k] {
					seen[k] = true
					below = append(below, k)
				}
			}
		}
		out = append(out, below...)
		level = below
	}
	return out
}
