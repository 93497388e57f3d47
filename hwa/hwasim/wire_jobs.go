package hwasim

import (
	"net/http"

	"resync/hwa/oql"
)

func routesJobs(s *Sim) {
	s.handleFunc("GET", "/plan/job", reads, rightDisplay, func(c *call) error { return c.page(c.jobsKind()) })
	s.handleFunc("GET", "/plan/job/{job_id}", reads, rightDisplay, (*call).oneJob)
	s.handleFunc("GET", "/plan/job/count", reads, rightDisplay, (*call).countJobs)
	s.handleFunc("GET", "/plan/job/issues", reads, rightDisplay, (*call).jobIssues)
	s.handleFunc("GET", "/plan/job/{job_id}/predecessors", reads, rightDisplay, func(c *call) error { return c.flow(c.s.predecessors) })
	s.handleFunc("GET", "/plan/job/{job_id}/successors", reads, rightDisplay, func(c *call) error { return c.flow(c.s.successors) })
	s.handleFunc("GET", "/plan/job/{job_id}/model/description", reads, rightDisplay, (*call).describeJob)
	s.handleFunc("GET", "/plan/job/run/{run_id}/joblog", reads, rightDisplay, (*call).logByRun)
	s.handleFunc("GET", "/plan/job/joblog", reads, rightDisplay, (*call).logByFilter)
	for _, name := range jobActionOrder {
		a := s.wire.jobActions[name]
		if name != "rerun" {
			s.handleFunc("PUT", "/plan/job/{job_id}/action/"+name, writes, a.right, func(c *call) error { return c.actOnJob(name, a) })
		}
		if name != "update-priority" {
			s.handleFunc("PUT", "/plan/job/action/"+name, writes, a.right, func(c *call) error { return c.actOnJobs(name, a) })
		}
	}
	s.handleFunc("PUT", "/plan/job/run/{run_id}/action/rerun", writes, rightRerun, (*call).rerunRun)
	s.handleFunc("PATCH", "/plan/job/{job_id}", writes, rightPriority, (*call).patchJobByID)
	s.handleFunc("PATCH", "/plan/job", writes, rightPriority, (*call).patchJobs)
}

func (c *call) jobsKind() *kindSpec {
	sc := c.scope()
	return &kindSpec{kind: oql.Jobs, all: c.s.order, fields: c.s.wire.jobFields, target: c.s.jobTarget,
		encode: func(w *jsonw, i int32) { c.view.job(w, i, sc) }}
}

func (s *Sim) jobTarget(i int32) oql.Target {
	j := &s.jobs[i]
	st := &s.streams[j.stream]
	return oql.Target{WorkstationFolder: "/", Workstation: s.ws[st.ws].name, Folder: st.def.folder, Name: st.name, Job: j.name,
		SchedTime: s.at(st.time).Format("1504 01/02/2006"), States: []string{j.st.String(), s.commonStatus(j)}, Priority: int(j.prio)}
}

// pathJob finds the job of the address. A key where an id is due gets the
// product's own complaint.
func (c *call) pathJob() (int32, error) {
	text := c.r.PathValue("job_id")
	u, ok := parseID(text)
	if !ok {
		return 0, refuse("AWSBIO006E", "Field SCHED-NAME has a null value: %q is no identifier.", text)
	}
	ji, ok := c.s.findJob(u)
	if !ok {
		return 0, fail(http.StatusNotFound, "", "the job %s is not in the plan", text)
	}
	return ji, badPlan(c)
}

func (c *call) oneJob() error {
	ji, err := c.pathJob()
	if err != nil {
		return err
	}
	c.view.job(&c.out, ji, scope{deps: true, defs: true})
	return nil
}

func (c *call) countJobs() error {
	if c.r.URL.Query().Get("plan_filter") == "" {
		return fail(http.StatusBadRequest, "", "plan_filter is required")
	}
	found, err := c.selection(c.jobsKind())
	if err != nil {
		return err
	}
	return c.grouped(found, map[string]func(int32) string{
		"workstation": func(i int32) string { return c.s.wsKey(c.s.jobs[i].ws) },
		"status":      func(i int32) string { return c.s.commonStatus(&c.s.jobs[i]) },
		"folder":      func(i int32) string { return c.s.streams[c.s.jobs[i].stream].def.folder },
	})
}

func (c *call) grouped(found []int32, groups map[string]func(int32) string) error {
	c.out.open()
	c.out.num("count", len(found))
	if by := c.r.URL.Query().Get("grouping_filters"); by != "" {
		get := groups[by]
		if get == nil {
			return fail(http.StatusBadRequest, "", "grouping_filters: %q is not workstation, status or folder", by)
		}
		counts := map[string]int{}
		for _, i := range found {
			counts[get(i)]++
		}
		c.out.any("groupedCount", counts)
	}
	c.out.close()
	return nil
}

// flow lists what lies before or behind a job, nearest first.
func (c *call) flow(next func(int32) []int32) error {
	ji, err := c.pathJob()
	if err != nil {
		return err
	}
	depth, err := c.intParam("depth", 1)
	if err != nil {
		return err
	}
	return c.flowNodes(c.s.reach(ji, depth, next))
}

func (c *call) flowNodes(found []int32) error {
	c.out.open()
	c.out.num("count", len(found))
	c.out.list("results")
	for _, i := range found {
		c.view.job(&c.out, i, scope{deps: true})
	}
	c.out.end()
	c.out.close()
	return nil
}

// parseArgs reads body and query of an action.
func (c *call) parseArgs(name string) (*actionArgs, error) {
	a := &actionArgs{user: c.user.Name}
	switch name {
	case "rerun":
		return a, c.rerunArgs(a)
	case "update-priority":
		n, err := c.intParam("priority", -1)
		if err == nil && (n < 0 || n > 101) {
			err = fail(http.StatusBadRequest, "", "parameter priority: want 0 to 101")
		}
		a.priority = n
		return a, err
	case "confirm-succ", "confirm-abend":
		var body struct {
			Conditions []string `json:"conditions"`
		}
		err := c.decode(&body)
		a.conditions = body.Conditions
		return a, err
	case "add-dependencies", "remove-dependencies", "release-dependencies":
		return a, c.depArgs(name, a)
	}
	return a, nil
}

func (c *call) rerunArgs(a *actionArgs) error {
	if err := c.decode(&a.rerun); err != nil {
		return err
	}
	if p := a.rerun.Priority; p != nil && (*p < 0 || *p > 101) {
		return fail(http.StatusBadRequest, "", "priority: want 0 to 101")
	}
	if from := a.rerun.From; from != "" && c.s.defByID(from) == nil {
		return refuse("AWSJDB101E", "The object %q of type Job definition cannot be found in the database.", from)
	}
	return nil
}

// tryJob checks one action on one job and accepts it.
func (c *call) tryJob(name string, a jobAction, args *actionArgs, ji int32, target string) error {
	s := c.s
	if !a.can(s, ji) {
		return s.wrongState(ji, name)
	}
	if bad := s.unknownDep(s.jobs[ji].id, s.jobs[ji].deps, args.depIDs); bad != "" {
		return refuse("AWSBIN075E", "The job has no dependency %q.", bad)
	}
	s.accept(c.record("job."+name, target, s.jobKey(&s.jobs[ji])), func() error {
		if !a.can(s, ji) {
			return s.wrongState(ji, name)
		}
		a.do(s, ji, args)
		return nil
	})
	return nil
}

func (c *call) actOnJob(name string, a jobAction) error {
	ji, err := c.pathJob()
	if err != nil {
		return err
	}
	args, err := c.parseArgs(name)
	if err != nil {
		return err
	}
	id := c.s.jobs[ji].id.String()
	if err := c.tryJob(name, a, args, ji, id); err != nil {
		return err
	}
	return c.resource("job", id)
}

func (c *call) actOnJobs(name string, a jobAction) error {
	args, err := c.parseArgs(name)
	if err != nil {
		return err
	}
	return c.filtered(c.jobsKind(), "job", func(i int32) uuid { return c.s.jobs[i].id }, func(i int32) error {
		return c.tryJob(name, a, args, i, c.s.jobs[i].id.String())
	})
}

// rerunRun reruns by run id, and only the last run of a chain.
func (c *call) rerunRun() error {
	text := c.r.PathValue("run_id")
	u, _ := parseID(text)
	ji, n, ok := c.s.findRun(u)
	if !ok {
		return fail(http.StatusNotFound, "", "the run %s is not in the plan", text)
	}
	args, err := c.parseArgs("rerun")
	if err != nil {
		return err
	}
	if n != len(c.s.jobs[ji].runs)-1 {
		return c.s.wrongState(ji, "rerun of an earlier run")
	}
	if err := c.tryJob("rerun", c.s.wire.jobActions["rerun"], args, ji, text); err != nil {
		return err
	}
	return c.resource("job", c.s.jobs[ji].id.String())
}

func (c *call) describeJob() error {
	ji, err := c.pathJob()
	if err != nil {
		return err
	}
	d := c.s.jobs[ji].def
	c.out.open()
	c.out.str("name", d.name)
	c.out.str("definition", c.s.schedlang(d))
	c.out.close()
	return nil
}

// jobIssues is "why a job does not start" for what the filter selects.
func (c *call) jobIssues() error {
	found, err := c.selection(c.jobsKind())
	if err != nil {
		return err
	}
	c.out.open()
	c.out.list("issues")
	for _, ji := range found[:min(len(found), 200)] {
		for _, is := range c.s.issues(ji) {
			c.out.open()
			c.out.id("id", c.s.jobs[ji].id)
			c.out.str("issueMessage", is.text)
			c.out.str("issueType", is.kind)
			c.out.close()
		}
	}
	c.out.end()
	c.out.close()
	return nil
}
