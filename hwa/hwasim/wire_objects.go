package hwasim

import (
	"net/http"

	"resync/hwa/oql"
)

func routesObjects(s *Sim) {
	s.handleFunc("GET", "/plan/resource", reads, rightDisplay, func(c *call) error { return c.page(c.resourcesKind()) })
	s.handleFunc("GET", "/plan/resource/{resource_id}", reads, rightDisplay, (*call).oneResource)
	s.handleFunc("PUT", "/plan/resource/{resource_id}/action/update-quantity", writes, rightResource, (*call).quantityByID)
	s.handleFunc("PUT", "/plan/resource/action/update-quantity", writes, rightResource, (*call).quantities)
	s.handleFunc("PATCH", "/plan/resource/{resource_id}", writes, rightResource, (*call).patchResource)
	s.handleFunc("PATCH", "/plan/resource", writes, rightResource, (*call).patchResources)
	s.handleFunc("PUT", "/plan/prompt/{prompt_id}/action/reply", writes, rightReply, (*call).replyByID)
	if s.cfg.API == API102 {
		s.handleFunc("GET", "/plan/prompt", reads, rightDisplay, func(c *call) error { return c.page(c.promptsKind()) })
		s.handleFunc("GET", "/plan/prompt/{prompt_id}", reads, rightDisplay, (*call).onePrompt)
		s.handleFunc("PUT", "/plan/prompt/action/reply", writes, rightReply, (*call).replies)
		s.handleFunc("GET", "/plan/file/{file_id}", reads, rightDisplay, (*call).oneFile)
	}
	s.handleFunc("GET", "/plan/folder/objects-count", reads, rightDisplay, (*call).folderCount)
	s.handleFunc("GET", "/plan/consumed-jobs/runs", reads, rightDisplay, (*call).consumed)
}

func (c *call) resourcesKind() *kindSpec {
	s := c.s
	return &kindSpec{kind: oql.Resources, all: indexes(len(s.res)), fields: s.wire.resFields, encode: c.view.resource,
		target: func(i int32) oql.Target {
			return oql.Target{WorkstationFolder: "/", Workstation: s.ws[s.res[i].ws].name, Folder: "/", Name: s.res[i].name}
		}}
}

func (c *call) promptsKind() *kindSpec {
	s := c.s
	return &kindSpec{kind: oql.Prompts, all: indexes(len(s.prompts)), fields: s.wire.prFields, encode: c.view.prompt,
		target: func(i int32) oql.Target { return oql.Target{Folder: "/", Name: s.prompts[i].name} }}
}

func (c *call) pathResource() (int32, error) {
	u, _ := parseID(c.r.PathValue("resource_id"))
	for i := range c.s.res {
		if c.s.res[i].id == u {
			return int32(i), nil
		}
	}
	return 0, fail(http.StatusNotFound, "", "the resource %s is not in the plan", c.r.PathValue("resource_id"))
}

func (c *call) oneResource() error {
	ri, err := c.pathResource()
	if err != nil {
		return err
	}
	c.view.resource(&c.out, ri)
	return nil
}

func (c *call) acceptQuantity(ri int32, n int) {
	s := c.s
	r := &s.res[ri]
	s.accept(c.record("resource.update-quantity", r.id.String(), s.ws[r.ws].name+"#"+r.name), func() error {
		s.res[ri].total = int32(n)
		s.wakeResource(ri)
		return nil
	})
}

func (c *call) quantity() (int, error) {
	n, err := c.intParam("quantity", -1)
	if err == nil && (n < 0 || n > 1024) {
		err = fail(http.StatusBadRequest, "", "parameter quantity: want 0 to 1024")
	}
	return n, err
}

func (c *call) quantityByID() error {
	ri, err := c.pathResource()
	if err != nil {
		return err
	}
	n, err := c.quantity()
	if err != nil {
		return err
	}
	c.acceptQuantity(ri, n)
	return c.resource("resource", c.s.res[ri].id.String())
}

func (c *call) quantities() error {
	n, err := c.quantity()
	if err != nil {
		return err
	}
	return c.eachResource(n)
}

func (c *call) eachResource(n int) error {
	return c.filtered(c.resourcesKind(), "resource", func(i int32) uuid { return c.s.res[i].id }, func(i int32) error {
		c.acceptQuantity(i, n)
		return nil
	})
}

func (c *call) quantityPatch() (int, error) {
	if err := c.onlyKeys("quantity"); err != nil {
		return 0, err
	}
	var p struct{ Quantity int }
	if err := c.decode(&p); err != nil {
		return 0, err
	}
	if p.Quantity < 0 || p.Quantity > 1024 {
		return 0, fail(http.StatusBadRequest, "", "quantity: want 0 to 1024")
	}
	return p.Quantity, nil
}

func (c *call) patchResource() error {
	ri, err := c.pathResource()
	if err != nil {
		return err
	}
	n, err := c.quantityPatch()
	if err != nil {
		return err
	}
	c.acceptQuantity(ri, n)
	return c.resource("resource", c.s.res[ri].id.String())
}

func (c *call) patchResources() error {
	n, err := c.quantityPatch()
	if err != nil {
		return err
	}
	return c.eachResource(n)
}

// pathPrompt accepts the id of a prompt, or of the dependency that shows it: in
// 10.1.0.1 callers know prompts only as dependencies.
func (c *call) pathPrompt() (int32, error) {
	text := c.r.PathValue("prompt_id")
	u, _ := parseID(text)
	for i := range c.s.prompts {
		p := &c.s.prompts[i]
		if p.id == u || c.s.promptDepID(p, int32(i), u) {
			return int32(i), nil
		}
	}
	return 0, fail(http.StatusNotFound, "", "the prompt %s is not in the plan", text)
}

func (s *Sim) promptDepID(p *prompt, pi int32, u uuid) bool {
	for _, o := range p.users {
		var owner uuid
		var deps []dep
		if o >= 0 {
			owner, deps = s.jobs[o].id, s.jobs[o].deps
		} else {
			owner, deps = s.streams[^o].id, s.streams[^o].deps
		}
		for i := range deps {
			if deps[i].kind == depPrompt && deps[i].target == pi && s.depID(owner, &deps[i]) == u {
				return true
			}
		}
	}
	return false
}

func (c *call) onePrompt() error {
	pi, err := c.pathPrompt()
	if err != nil {
		return err
	}
	c.view.prompt(&c.out, pi)
	return nil
}

func (c *call) answer() (bool, error) {
	var body struct {
		Answer *bool `json:"answer"`
	}
	if err := c.decode(&body); err != nil {
		return false, err
	}
	if body.Answer == nil {
		return false, fail(http.StatusBadRequest, "", "answer: true or false is required")
	}
	return *body.Answer, nil
}

func (c *call) replyByID() error {
	pi, err := c.pathPrompt()
	if err != nil {
		return err
	}
	yes, err := c.answer()
	if err != nil {
		return err
	}
	if err := c.reply(pi, yes); err != nil {
		return err
	}
	return c.resource("prompt", c.s.prompts[pi].id.String())
}

func (c *call) replies() error {
	yes, err := c.answer()
	if err != nil {
		return err
	}
	return c.filtered(c.promptsKind(), "prompt", func(i int32) uuid { return c.s.prompts[i].id }, func(i int32) error { return c.reply(i, yes) })
}

// reply answers a prompt. One that was not asked yet can be answered too; one
// that was answered cannot be again.
func (c *call) reply(pi int32, yes bool) error {
	s := c.s
	p := &s.prompts[pi]
	if p.st == prYes || p.st == prNo {
		return refuse("AWSBIN076E", "The prompt %d was answered before.", p.number)
	}
	s.accept(c.record("prompt.reply", p.id.String(), p.name), func() error { return s.answerPrompt(pi, yes) })
	return nil
}

func (s *Sim) answerPrompt(pi int32, yes bool) error {
	p := &s.prompts[pi]
	if p.st == prYes || p.st == prNo {
		return refuse("AWSBIN076E", "The prompt %d was answered before.", p.number)
	}
	p.st, p.answered = prNo, s.now
	if yes {
		p.st = prYes
	}
	if p.kind == "Restart Prompt" {
		s.restartAnswered(p.owner, yes)
		return nil
	}
	s.refreshAll(p.users)
	return nil
}

func (c *call) oneFile() error {
	u, _ := parseID(c.r.PathValue("file_id"))
	for i := range c.s.files {
		if f := &c.s.files[i]; f.id == u {
			c.out.open()
			c.out.id("id", f.id)
			c.out.str("name", f.name)
			c.out.str("workstation", c.s.wsKey(f.ws))
			c.out.str("status", map[bool]string{true: "Exists", false: "Unavailable"}[f.exists])
			c.out.close()
			return nil
		}
	}
	return fail(http.StatusNotFound, "", "the file %s is not in the plan", c.r.PathValue("file_id"))
}

func (c *call) folderCount() error {
	q := c.r.URL.Query()
	if q.Get("oql") == "" || q.Get("object_type") == "" {
		return fail(http.StatusBadRequest, "", "object_type and oql are required")
	}
	type row struct {
		total  int
		status map[string]int
	}
	rows, names := map[string]*row{}, []string{}
	add := func(folder, status string) {
		if rows[folder] == nil {
			rows[folder] = &row{status: map[string]int{}}
			names = append(names, folder)
		}
		rows[folder].total++
		rows[folder].status[status]++
	}
	s := c.s
	switch q.Get("object_type") {
	case "JOB_IN_PLAN":
		found, err := c.selection(c.jobsKind())
		if err != nil {
			return err
		}
		for _, i := range found {
			add(s.streams[s.jobs[i].stream].def.folder, s.commonStatus(&s.jobs[i]))
		}
	case "JOBSTREAM_IN_PLAN":
		found, err := c.selection(c.streamsKind())
		if err != nil {
			return err
		}
		for _, i := range found {
			add(s.streams[i].def.folder, s.streamCommon(i, s.streamStatus(i, s.stats(i))))
		}
	default:
		return fail(http.StatusBadRequest, "", "object_type: %q is not counted here; want JOB_IN_PLAN or JOBSTREAM_IN_PLAN", q.Get("object_type"))
	}
	c.out.b = append(c.out.b, '[')
	for _, n := range names {
		c.out.open()
		c.out.str("folder", n)
		c.out.id("folderId", makeID("FOLDER", n))
		c.out.num("totalCount", rows[n].total)
		c.out.any("commonStatus", rows[n].status)
		c.out.close()
	}
	c.out.end()
	return nil
}

// consumed counts the runs of the plan for the licence.
func (c *call) consumed() error {
	if p := c.r.URL.Query().Get("period"); p != "" && p != "day" && p != "month" {
		return fail(http.StatusBadRequest, "", "period: %q is not day or month", p)
	}
	s := c.s
	total, good := 0, 0
	for i := range s.jobs {
		for n := range s.jobs[i].runs {
			if r := &s.jobs[i].runs[n]; r.end != 0 {
				total++
				if r.st == stSucc {
					good++
				}
			}
		}
	}
	counts := map[string]int{"total": total, "successful": good, "unique": good}
	c.out.b = append(c.out.b, '[')
	c.out.open()
	c.out.str("date", s.clock().Format("2006-01-02"))
	c.out.any("dailyJobs", counts)
	c.out.any("monthlyJobs", counts)
	c.out.any("cumulativeJobs", counts)
	c.out.num("jobsToSend", 0)
	c.out.str("integrity", "ok")
	c.out.close()
	c.out.end()
	return nil
}
