package hwasim

import (
	"net/http"
	"slices"
	"time"

	"resync/hwa/oql"
)

// streamAction is what can be done to a job stream.
type streamAction struct {
	right right
	can   func(*Sim, int32) bool
	do    func(*Sim, int32, *actionArgs)
}

var streamActionOrder = []string{"hold", "release", "cancel", "cancel-pending", "add-dependencies", "remove-dependencies", "release-dependencies", "release-all-dependencies"}

var streamActions = map[string]streamAction{
	"hold": {rightHold, func(s *Sim, si int32) bool { return s.streamLive(si) && s.streams[si].prio > 0 }, func(s *Sim, si int32, _ *actionArgs) {
		s.streams[si].setPriority(0)
		s.refreshStream(si)
	}},
	"release": {rightRelease, func(s *Sim, si int32) bool { return s.streamLive(si) && s.streams[si].prio == 0 }, func(s *Sim, si int32, _ *actionArgs) {
		st := &s.streams[si]
		if st.prio = st.saved; st.prio == 0 {
			st.prio = max(st.orig, 1)
		}
		s.refreshStream(si)
	}},
	"cancel":         {rightCancel, (*Sim).streamLive, func(s *Sim, si int32, _ *actionArgs) { s.cancelStream(si) }},
	"cancel-pending": {rightCancel, (*Sim).streamWaiting, func(s *Sim, si int32, _ *actionArgs) { s.streams[si].flags |= fCancelPending; s.refreshStream(si) }},
	"add-dependencies": {rightDeps, (*Sim).streamWaiting, func(s *Sim, si int32, a *actionArgs) {
		s.streams[si].deps = s.addDeps(s.streams[si].deps, a.deps, ^si)
		s.refreshStream(si)
	}},
	"remove-dependencies": {rightDeps, (*Sim).streamWaiting, func(s *Sim, si int32, a *actionArgs) {
		st := &s.streams[si]
		kept := make([]dep, 0, len(st.deps))
		for _, d := range st.deps {
			if !s.named(st.id, &d, a.depIDs) {
				kept = append(kept, d)
			}
		}
		st.deps = kept
		s.refreshStream(si)
	}},
	"release-dependencies": {rightRelease, (*Sim).streamWaiting, func(s *Sim, si int32, a *actionArgs) {
		st := &s.streams[si]
		for i := range st.deps {
			st.deps[i].released = st.deps[i].released || s.named(st.id, &st.deps[i], a.depIDs)
		}
		st.flags |= fReleased
		s.refreshStream(si)
	}},
	"release-all-dependencies": {rightRelease, (*Sim).streamWaiting, func(s *Sim, si int32, _ *actionArgs) {
		st := &s.streams[si]
		for i := range st.deps {
			st.deps[i].released = true
		}
		st.start = min(st.start, s.now)
		st.flags |= fReleased
		s.refreshStream(si)
	}},
}

func (s *Sim) streamLive(si int32) bool {
	st := &s.streams[si]
	return !st.done && !st.has(fCanceled)
}

func (s *Sim) streamWaiting(si int32) bool { return s.streamLive(si) && s.streams[si].began == 0 }

func routesStreams(s *Sim) {
	s.handleFunc("GET", "/plan/jobstream", reads, rightDisplay, func(c *call) error { return c.page(c.streamsKind()) })
	s.handleFunc("GET", "/plan/jobstream/{jobstream_id}", reads, rightDisplay, (*call).oneStream)
	s.handleFunc("GET", "/plan/jobstream/count", reads, rightDisplay, (*call).countStreams)
	s.handleFunc("GET", "/plan/jobstream/{jobstream_id}/predecessors", reads, rightDisplay, func(c *call) error { return c.streamFlow(c.s.streamsBefore) })
	s.handleFunc("GET", "/plan/jobstream/{jobstream_id}/successors", reads, rightDisplay, func(c *call) error { return c.streamFlow(c.s.streamsAfter) })
	s.handleFunc("GET", "/plan/jobstream/{jobstream_id}/model/description", reads, rightDisplay, (*call).describeStream)
	for _, name := range streamActionOrder {
		a := streamActions[name]
		s.handleFunc("PUT", "/plan/jobstream/{jobstream_id}/action/"+name, writes, a.right, func(c *call) error { return c.actOnStream(name, a) })
		s.handleFunc("PUT", "/plan/jobstream/action/"+name, writes, a.right, func(c *call) error { return c.actOnStreams(name, a) })
	}
	s.handleFunc("PUT", "/plan/jobstream/{jobstream_id}/successors/action/rerun", writes, rightRerun, (*call).rerunStreamSuccessors)
	s.handleFunc("PATCH", "/plan/jobstream/{jobstream_id}", writes, rightPriority, (*call).patchStreamByID)
	s.handleFunc("PATCH", "/plan/jobstream/{jobstream_id}/no-validate", writes, rightPriority, (*call).patchStreamByID)
	s.handleFunc("PATCH", "/plan/jobstream", writes, rightPriority, (*call).patchStreams)
}

func (c *call) streamsKind() *kindSpec {
	s := c.s
	target := func(i int32) oql.Target {
		st := &s.streams[i]
		status := s.streamStatus(i, s.stats(i))
		return oql.Target{WorkstationFolder: "/", Workstation: s.ws[st.ws].name, Folder: st.def.folder, Name: st.name,
			SchedTime: s.at(st.time).Format("1504 01/02/2006"), States: []string{status, s.streamCommon(i, status)}, Priority: int(st.prio)}
	}
	all := s.sorder
	if c.r.URL.Query().Get("submitted_by_me") == "true" {
		all = slices.DeleteFunc(slices.Clone(all), func(i int32) bool { return s.streams[i].user != c.user.Name })
	}
	return &kindSpec{kind: oql.JobStreams, all: all, fields: s.wire.jsFields, target: target,
		encode: func(w *jsonw, i int32) { c.view.stream(w, i, scope{}) }}
}

func (c *call) pathStream() (int32, error) {
	text := c.r.PathValue("jobstream_id")
	u, ok := parseID(text)
	if !ok {
		return 0, refuse("AWSBIO006E", "Field SCHED-NAME has a null value: %q is no identifier.", text)
	}
	si, ok := c.s.streamIDs[u]
	if !ok || c.s.streams[si].has(fArchived) {
		return 0, fail(http.StatusNotFound, "", "the job stream %s is not in the plan", text)
	}
	return si, badPlan(c)
}

func (c *call) oneStream() error {
	si, err := c.pathStream()
	if err != nil {
		return err
	}
	c.view.stream(&c.out, si, scope{deps: true})
	return nil
}

func (c *call) countStreams() error {
	if c.r.URL.Query().Get("plan_filter") == "" {
		return fail(http.StatusBadRequest, "", "plan_filter is required")
	}
	found, err := c.selection(c.streamsKind())
	if err != nil {
		return err
	}
	s := c.s
	return c.grouped(found, map[string]func(int32) string{
		"workstation": func(i int32) string { return s.wsKey(s.streams[i].ws) },
		"status":      func(i int32) string { return s.streamCommon(i, s.streamStatus(i, s.stats(i))) },
		"folder":      func(i int32) string { return s.streams[i].def.folder },
	})
}

// streamsAfter lists streams that wait for a stream or for one of its jobs.
func (s *Sim) streamsAfter(si int32) []int32 {
	var out []int32
	add := func(owners []int32) {
		for _, o := range owners {
			k := ^o
			if o >= 0 {
				k = s.jobs[o].stream
			}
			if k != si {
				out = append(out, k)
			}
		}
	}
	add(s.streams[si].succ)
	for _, ji := range s.streams[si].jobs {
		add(s.jobs[ji].succ)
	}
	return out
}

func (s *Sim) streamsBefore(si int32) []int32 {
	jobs := s.depJobs(nil, s.streams[si].deps)
	for _, ji := range s.streams[si].jobs {
		jobs = s.depJobs(jobs, s.jobs[ji].deps)
	}
	var out []int32
	for _, ji := range jobs {
		if k := s.jobs[ji].stream; k != si {
			out = append(out, k)
		}
	}
	return out
}

func (c *call) streamFlow(next func(int32) []int32) error {
	si, err := c.pathStream()
	if err != nil {
		return err
	}
	depth, err := c.intParam("depth", 1)
	if err != nil {
		return err
	}
	found := c.s.reach(si, depth, next)
	c.out.open()
	c.out.num("count", len(found))
	c.out.list("results")
	for _, i := range found {
		c.view.stream(&c.out, i, scope{deps: true})
	}
	c.out.end()
	c.out.close()
	return nil
}

func (c *call) tryStream(name string, a streamAction, args *actionArgs, si int32) error {
	s := c.s
	wrong := func() error {
		st := &s.streams[si]
		return refuse("AWSBIN076E", "The action %s cannot be performed on the job stream %q: the job stream is in an incorrect state (%s).", name, s.streamKey(st), s.streamStatus(si, s.stats(si)))
	}
	if !a.can(s, si) {
		return wrong()
	}
	if bad := s.unknownDep(s.streams[si].id, s.streams[si].deps, args.depIDs); bad != "" {
		return refuse("AWSBIN075E", "The job stream has no dependency %q.", bad)
	}
	s.accept(c.record("jobstream."+name, s.streams[si].id.String(), s.streamKey(&s.streams[si])), func() error {
		if !a.can(s, si) {
			return wrong()
		}
		a.do(s, si, args)
		return nil
	})
	return nil
}

func (c *call) actOnStream(name string, a streamAction) error {
	si, err := c.pathStream()
	if err != nil {
		return err
	}
	args, err := c.parseArgs(name)
	if err != nil {
		return err
	}
	if err := c.tryStream(name, a, args, si); err != nil {
		return err
	}
	return c.resource("jobstream", c.s.streams[si].id.String())
}

func (c *call) actOnStreams(name string, a streamAction) error {
	args, err := c.parseArgs(name)
	if err != nil {
		return err
	}
	return c.filtered(c.streamsKind(), "jobstream", func(i int32) uuid { return c.s.streams[i].id }, func(i int32) error { return c.tryStream(name, a, args, i) })
}

// streamPatch is what a merge patch may change of a job stream.
type streamPatch struct {
	Priority         *int `json:"priority"`
	Limit            *int `json:"limit"`
	TimeRestrictions *struct {
		StartTime    *time.Time `json:"startTime"`
		DeadlineTime *time.Time `json:"deadlineTime"`
	} `json:"timeRestrictions"`
}

func (c *call) streamPatch() (*streamPatch, error) {
	if err := c.onlyKeys("priority", "limit", "timeRestrictions"); err != nil {
		return nil, err
	}
	var p streamPatch
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	if p.Priority != nil && (*p.Priority < 0 || *p.Priority > 101) {
		return nil, fail(http.StatusBadRequest, "", "priority: want 0 to 101")
	}
	if p.Limit != nil && (*p.Limit < -1 || *p.Limit > 1024) {
		return nil, fail(http.StatusBadRequest, "", "limit: want -1 to 1024")
	}
	return &p, nil
}

func (c *call) patchStreamByID() error {
	si, err := c.pathStream()
	if err != nil {
		return err
	}
	p, err := c.streamPatch()
	if err != nil {
		return err
	}
	if err := c.tryPatchStream(si, p); err != nil {
		return err
	}
	return c.resource("jobstream", c.s.streams[si].id.String())
}

func (c *call) patchStreams() error {
	p, err := c.streamPatch()
	if err != nil {
		return err
	}
	return c.filtered(c.streamsKind(), "jobstream", func(i int32) uuid { return c.s.streams[i].id }, func(i int32) error { return c.tryPatchStream(i, p) })
}

func (c *call) tryPatchStream(si int32, p *streamPatch) error {
	s := c.s
	if !s.streamLive(si) {
		return refuse("AWSBIN076E", "The job stream %q is in an incorrect state for a change.", s.streamKey(&s.streams[si]))
	}
	s.accept(c.record("jobstream.patch", s.streams[si].id.String(), s.streamKey(&s.streams[si])), func() error {
		st := &s.streams[si]
		if p.Priority != nil {
			st.setPriority(*p.Priority)
		}
		if p.Limit != nil {
			st.limit = int16(*p.Limit)
		}
		if t := p.TimeRestrictions; t != nil {
			s.moveTime(&st.start, t.StartTime, evStream, si)
			s.moveTime(&st.deadline, t.DeadlineTime, evStreamDue, si)
		}
		s.refreshStream(si)
		return nil
	})
	return nil
}

// rerunStreamSuccessors reruns the ended jobs of the streams behind a stream.
func (c *call) rerunStreamSuccessors() error {
	si, err := c.pathStream()
	if err != nil {
		return err
	}
	depth, err := c.intParam("depth", 1)
	if err != nil {
		return err
	}
	s := c.s
	a := s.wire.jobActions["rerun"]
	var good jsonw
	for _, k := range s.reach(si, depth, s.streamsAfter) {
		for _, ji := range s.streams[k].jobs {
			if a.can(s, ji) {
				if err := c.tryJob("rerun", a, &actionArgs{}, ji, s.jobs[ji].id.String()); err == nil {
					c.outcome(&good, "job", s.jobs[ji].id, nil)
				}
			}
		}
	}
	c.out.b = append(append(append(c.out.b, `{"successfulResourceResponses":[`...), good.b...), `],"failedResourceResponses":[]}`...)
	return nil
}

func (c *call) describeStream() error {
	si, err := c.pathStream()
	if err != nil {
		return err
	}
	c.out.open()
	c.out.str("name", c.s.streams[si].name)
	c.out.str("definition", c.s.streamLang(c.s.streams[si].def))
	c.out.close()
	return nil
}
