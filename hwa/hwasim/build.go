package hwasim

import (
	"fmt"
	"time"
)

const day = 24 * 3600

// offset turns a time of the plan's day into virtual seconds.
func (s *Sim) offset(dayNo, off int32) vsec {
	if off == noTime {
		return 0
	}
	return vsec(int32(s.day0.Sub(s.epoch)/time.Second) + dayNo*day + off)
}

// instantiateSome makes the instances of one day for the streams want accepts.
// External dependencies need their target first; definitions stand in an order
// that guarantees it.
func (s *Sim) instantiateSome(dayNo int32, want func(*streamDef) bool) {
	from := int32(len(s.jobs))
	for _, d := range s.model.streams {
		if want(d) && d.everyDay {
			s.addInstance(d, dayNo)
		}
	}
	s.dayDone[dayNo] = true
	s.criticalNetwork(from)
	s.reindex()
}

// addInstance puts one instance of a stream into the plan. A stream that starts
// the evening before (offset negative) belongs to dayNo+1's FINAL, not to today's.
func (s *Sim) addInstance(d *streamDef, dayNo int32) int32 {
	si := int32(len(s.streams))
	at := d.at
	if d.isFinal() { // runs at the end of its day
		at += day
	}
	sched := s.offset(dayNo, at)
	if at == noTime {
		sched = s.offset(dayNo, 0)
	}
	s.streams = append(s.streams, stream{def: d, name: d.name, ws: d.ws, prio: d.prio, orig: d.prio, limit: d.limit, time: sched, day: dayNo, carried: d.prevDay})
	st := &s.streams[si]
	if at != noTime {
		st.start = sched
	}
	key := s.ws[d.ws].name + "#" + d.folder + d.name + "@" + itoa(int(sched))
	if _, taken := s.streamIDs[makeID("JOBSTREAM", key)]; taken {
		key += "/" + itoa(int(si)) // submitted twice in one second
	}
	st.id = makeID("JOBSTREAM", key)
	st.sched = internalID(si)
	s.streamIDs[st.id] = si
	s.addJobs(si, d, key)
	st.deps = s.streamDeps(si, d, dayNo)
	if d.opts != nil && d.opts.deadline != noTime {
		st.deadline = s.offset(dayNo, d.opts.deadline)
		s.schedule(st.deadline, evStreamDue, si, 0)
	}
	d.latest = si
	if st.start > s.now {
		s.schedule(st.start, evStream, si, 0)
	}
	s.refreshStream(si)
	return si
}

// internalID is the 16-character identifier of a job stream instance.
func internalID(n int32) string {
	b := []byte("0AAAAAAAAAAAAAAA")
	for i := len(b) - 1; n > 0 && i > 0; i-- {
		b[i] = 'A' + byte(n%26)
		n /= 26
	}
	return string(b)
}

func (s *Sim) addJobs(si int32, d *streamDef, key string) {
	base := int32(len(s.jobs))
	st := &s.streams[si]
	st.jobs = make([]int32, len(d.jobs))
	for i := range d.jobs {
		st.jobs[i] = base + int32(i)
		s.jobs = append(s.jobs, s.newJob(si, &d.jobs[i], i, key))
	}
	for i := range d.jobs {
		ji := base + int32(i)
		s.jobs[ji].deps = s.jobDeps(ji, base, &d.jobs[i], st.day)
		s.indexJob(ji)
		s.scheduleJob(ji)
	}
}

func (s *Sim) newJob(si int32, p *jobPlan, pos int, key string) job {
	j := job{def: p.def, name: p.def.name, stream: si, ws: p.ws, prio: p.prio, orig: p.prio, flags: p.flags, pos: int16(pos + 1)}
	j.id = makeID("JOB", key, p.def.name)
	if p.opts != nil {
		dayNo := s.streams[si].day
		j.start, j.latest, j.deadline = s.offset(dayNo, p.opts.at), s.offset(dayNo, p.opts.until), s.offset(dayNo, p.opts.deadline)
		j.every = p.opts.every
	}
	j.runs = []run{{st: stHold, ws: j.ws}}
	return j
}

// indexJob makes the job findable by its id and by its runs' ids.
func (s *Sim) indexJob(ji int32) {
	var k [12]byte
	copy(k[:], s.jobs[ji].id[:12])
	s.jobIDs[k] = ji
}

// runID is the id of run n of a job: the job's id with the last four bytes
// replaced, so that it needs no index of its own.
func (j *job) runID(n int) uuid {
	u := j.id
	x := uint32(n+1) * 2654435761
	for i := range 4 {
		u[12+i] ^= byte(x >> (8 * i))
	}
	return u
}

// findRun is the inverse of runID.
func (s *Sim) findRun(u uuid) (ji int32, n int, ok bool) {
	var k [12]byte
	copy(k[:], u[:12])
	ji, ok = s.jobIDs[k]
	if !ok {
		return 0, 0, false
	}
	j := &s.jobs[ji]
	for n = range j.runs {
		if j.runID(n) == u {
			return ji, n, true
		}
	}
	return 0, 0, false
}

func (s *Sim) findJob(u uuid) (int32, bool) {
	var k [12]byte
	copy(k[:], u[:12])
	ji, ok := s.jobIDs[k]
	return ji, ok && s.jobs[ji].id == u && !s.jobs[ji].has(fArchived)
}

func (s *Sim) scheduleJob(ji int32) {
	j := &s.jobs[ji]
	s.schedule(j.start, evTime, ji, 0)
	s.schedule(j.latest, evUntil, ji, 0)
	s.schedule(j.deadline, evDeadline, ji, 0)
}

func (s *Sim) jobDeps(ji, base int32, p *jobPlan, dayNo int32) []dep {
	n := len(p.follows)
	if p.opts != nil {
		n += len(p.opts.ext) + len(p.opts.uses) + len(p.opts.files) + len(p.opts.prompts) + len(p.opts.joins) + len(p.opts.networks)
	}
	if n == 0 {
		return nil
	}
	deps := make([]dep, 0, n)
	for _, f := range p.follows {
		deps = append(deps, dep{kind: depInternal, target: base + int32(f)})
	}
	if p.opts != nil {
		deps = s.optionDeps(deps, p.opts, dayNo, ji)
	}
	s.wireDeps(deps, ji)
	return deps
}

func (s *Sim) streamDeps(si int32, d *streamDef, dayNo int32) []dep {
	if d.opts == nil {
		return nil
	}
	deps := s.optionDeps(nil, d.opts, dayNo, ^si)
	s.wireDeps(deps, ^si)
	return deps
}

// wireDeps numbers the dependencies and enters owner with their targets. owner
// is a job index or ^stream index.
func (s *Sim) wireDeps(deps []dep, owner int32) {
	for i := range deps {
		deps[i].seq = int16(i + 1)
		s.wireDep(&deps[i], owner)
	}
}

func (s *Sim) wireDep(d *dep, owner int32) {
	switch d.kind {
	case depInternal, depJob:
		s.jobs[d.target].succ = append(s.jobs[d.target].succ, owner)
	case depStream:
		s.streams[d.target].succ = append(s.streams[d.target].succ, owner)
	case depJoin:
		for i := range s.joins[d.target].members {
			s.wireDep(&s.joins[d.target].members[i], owner)
		}
	case depFile:
		s.files[d.target].users = append(s.files[d.target].users, owner)
	case depResource:
		s.res[d.target].users = append(s.res[d.target].users, owner)
	case depPrompt:
		s.prompts[d.target].users = append(s.prompts[d.target].users, owner)
	}
}

func (s *Sim) optionDeps(deps []dep, o *planOpts, dayNo, owner int32) []dep {
	for _, r := range o.ext {
		deps = append(deps, s.extDep(r))
	}
	for _, j := range o.joins {
		members := make([]dep, len(j.refs))
		for i, r := range j.refs {
			members[i] = s.extDep(r)
		}
		s.joins = append(s.joins, join{name: j.name, need: j.need, members: members})
		deps = append(deps, dep{kind: depJoin, target: int32(len(s.joins) - 1)})
	}
	for _, f := range o.files {
		deps = append(deps, dep{kind: depFile, target: s.addFile(f, dayNo)})
	}
	for _, u := range o.uses {
		deps = append(deps, dep{kind: depResource, target: u.res, qty: u.qty})
	}
	for _, name := range o.prompts {
		deps = append(deps, dep{kind: depPrompt, target: s.predefinedPrompt(name, dayNo, owner)})
	}
	for _, n := range o.networks {
		s.nets = append(s.nets, n)
		deps = append(deps, dep{kind: depInternetwork, target: int32(len(s.nets) - 1)})
	}
	return deps
}

func (s *Sim) extDep(r extRef) dep {
	si := r.stream.latest
	if r.job < 0 {
		return dep{kind: depStream, target: si}
	}
	return dep{kind: depJob, target: s.streams[si].jobs[r.job]}
}

func (s *Sim) addFile(f fileRef, dayNo int32) int32 {
	key := fmt.Sprintf("%d:%s@%d", f.ws, f.name, dayNo)
	if i, ok := s.fileIDs[key]; ok {
		return i
	}
	i := int32(len(s.files))
	s.files = append(s.files, file{id: makeID("FILE", key), name: f.name, ws: f.ws, arrives: s.offset(dayNo, f.arrives)})
	s.fileIDs[key] = i
	s.schedule(s.files[i].arrives, evFile, i, 0)
	return i
}

// predefinedPrompt is asked once a day for everything that waits for it.
func (s *Sim) predefinedPrompt(name string, dayNo, owner int32) int32 {
	key := name + "@" + itoa(int(dayNo))
	if i, ok := s.promptIDs[key]; ok {
		return i
	}
	text := s.model.prompts[name]
	if text == "" {
		text = name
	}
	i := s.addPrompt(name, text, "Predefined Prompt", owner)
	s.promptIDs[key] = i
	return i
}

func (s *Sim) addPrompt(name, text, kind string, owner int32) int32 {
	s.nextNo++
	i := int32(len(s.prompts))
	s.prompts = append(s.prompts, prompt{id: makeID("PROMPT", name, itoa(int(s.nextNo))), name: name, text: text, kind: kind, owner: owner, number: s.nextNo})
	return i
}

// reindex rebuilds the lists of what is in the plan, after instances came or went.
func (s *Sim) reindex() {
	s.order, s.sorder = s.order[:0], s.sorder[:0]
	for i := range s.streams {
		if s.streams[i].has(fArchived) {
			continue
		}
		s.sorder = append(s.sorder, int32(i))
		s.order = append(s.order, s.streams[i].jobs...)
	}
}

// criticalNetwork computes critical starts backwards from every critical job
// with a deadline: a predecessor must start its estimate before its successor.
func (s *Sim) criticalNetwork(from int32) {
	for i := from; i < int32(len(s.jobs)); i++ {
		if s.jobs[i].has(fCritical) && s.jobs[i].deadline != 0 {
			s.criticalBack(i, s.jobs[i].deadline)
		}
	}
}

func (s *Sim) criticalBack(ji int32, due vsec) {
	j := &s.jobs[ji]
	at := due - vsec(j.def.est)
	if j.critical != 0 && j.critical <= at {
		return
	}
	j.critical = at
	j.set(fNetwork, true)
	s.schedule(at, evCritical, ji, 0)
	s.criticalPreds(j.deps, at)
	s.criticalPreds(s.streams[j.stream].deps, at)
}

func (s *Sim) criticalPreds(deps []dep, due vsec) {
	for _, d := range deps {
		switch d.kind {
		case depInternal, depJob:
			s.criticalBack(d.target, due)
		case depStream:
			for _, ji := range s.streams[d.target].jobs {
				s.criticalBack(ji, due)
			}
		case depJoin:
			s.criticalPreds(s.joins[d.target].members, due)
		}
	}
}
