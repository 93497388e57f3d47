package hwasim

import (
	"encoding/json"
	"net/http"
	"time"

	"resync/hwa/oql"
)

// submitOptions are the options of every submit that the engine acts on.
type submitOptions struct {
	Alias        string     `json:"alias"`
	Priority     *int       `json:"priority"`
	EarliestDate *time.Time `json:"earliestDate"`
	InputArrival *time.Time `json:"inputArrivalTime"`
	LatestStart  *time.Time `json:"latestStart"`
	Deadline     *time.Time `json:"deadlineTime"`
	JobStreamID  string     `json:"jobStreamId"`
	Workstation  string     `json:"workstationKey"`
	Critical     bool       `json:"critical"`
	Confirm      bool       `json:"requiresConfirmation"`
	CarryForward *bool      `json:"carryForward"`
	Limit        *int       `json:"limit"`
	Deps         []depBody  `json:"dependencies"`
}

func routesSubmit(s *Sim) {
	s.handleFunc("POST", "/plan/job/submit-ad-hoc-job", writes, rightSubmit, (*call).submitAdHoc)
	s.handleFunc("POST", "/plan/job/{model_job_id}/submit", writes, rightSubmit, (*call).submitJobByID)
	s.handleFunc("POST", "/plan/job/submit", writes, rightSubmit, (*call).submitJobs)
	s.handleFunc("POST", "/plan/jobstream/{model_jobstream_id}/submit", writes, rightSubmit, (*call).submitStreamByID)
	s.handleFunc("POST", "/plan/jobstream/submit", writes, rightSubmit, (*call).submitStreams)
}

func (c *call) submitOptions() (*submitOptions, []dep, error) {
	var o submitOptions
	if err := c.decode(&o); err != nil {
		return nil, nil, err
	}
	if p := o.Priority; p != nil && (*p < 0 || *p > 101) {
		return nil, nil, fail(http.StatusBadRequest, "", "priority: want 0 to 101")
	}
	if l := o.Limit; l != nil && (*l < -1 || *l > 1024) {
		return nil, nil, fail(http.StatusBadRequest, "", "limit: want -1 to 1024")
	}
	var deps []dep
	for _, d := range o.Deps {
		parsed, err := c.newDep(d)
		if err != nil {
			return nil, nil, err
		}
		deps = append(deps, parsed)
	}
	return &o, deps, nil
}

// submitAdHoc runs a task without a definition in the stream JOBS; the answer is
// the composite id, not a UUID.
func (c *call) submitAdHoc() error {
	o, deps, err := c.submitOptions()
	if err != nil {
		return err
	}
	var body struct {
		Task map[string]json.RawMessage `json:"task"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	wi, ok := c.s.station(o.Workstation)
	if !ok {
		return refuse("AWSJDB101E", "The workstation %q cannot be found in the database.", o.Workstation)
	}
	def, err := adHocDef(body.Task, wi)
	if err != nil {
		return err
	}
	if o.Alias != "" {
		def.name = o.Alias
	}
	stream := c.s.jobsStream(wi)
	if c.s.inStream(stream, def.name) {
		return fail(http.StatusConflict, "", "the job %s is already present in the destination job stream", def.name)
	}
	ji := c.submitJob(stream, def, def.name, o, deps)
	return c.resource("job", c.s.ws[wi].name+";JOBS;"+c.s.jobs[ji].name)
}

func adHocDef(task map[string]json.RawMessage, wi int32) (*jobDef, error) {
	for kind, raw := range task {
		var t struct {
			TaskString string `json:"taskString"`
			UserName   string `json:"userName"`
		}
		if kind == "OTHER" { // a JSDL document: kept whole
			t.TaskString = string(raw)
		} else if err := json.Unmarshal(raw, &t); err != nil || t.TaskString == "" {
			return nil, fail(http.StatusBadRequest, "", "task.%s: taskString is required", kind)
		}
		d := &jobDef{name: "ADHOC", kind: "cmd", login: t.UserName, ws: wi, est: 30, desc: t.TaskString}
		d.id = makeID("JOBDEFINITION", "adhoc", t.TaskString)
		if d.login == "" {
			d.login = "wauser"
		}
		return d, nil
	}
	return nil, fail(http.StatusBadRequest, "", "task is required")
}

// jobsStream is the stream JOBS of a workstation, made on first use.
func (s *Sim) jobsStream(wi int32) int32 {
	for _, si := range s.sorder {
		if st := &s.streams[si]; st.name == "JOBS" && st.ws == wi {
			return si
		}
	}
	d := &streamDef{name: "JOBS", ws: wi, prio: 10, limit: -1, at: noTime, folder: "/", id: makeID("JOBSTREAM_DEF", s.ws[wi].name+"#JOBS")}
	si := s.addInstance(d, s.today())
	s.reindex()
	return si
}

func (s *Sim) today() int32 { return int32(s.clock().Sub(s.day0) / (24 * time.Hour)) }

func (s *Sim) inStream(si int32, name string) bool {
	for _, ji := range s.streams[si].jobs {
		if s.jobs[ji].name == name {
			return true
		}
	}
	return false
}

// submitJob puts the job into the stream and lets it go with the apply delay, as
// every accepted write: until then it stands in HOLD.
func (c *call) submitJob(si int32, def *jobDef, name string, o *submitOptions, deps []dep) int32 {
	s := c.s
	ji := s.addJob(si, def, name+"#"+itoa(len(s.jobs)))
	j := &s.jobs[ji]
	j.name = name
	j.set(fAlias, name != def.name)
	j.set(fCritical, o.Critical)
	j.set(fConfirm, o.Confirm)
	if o.Priority != nil {
		j.prio, j.orig = int8(*o.Priority), int8(*o.Priority)
	}
	setTime := func(at *vsec, t *time.Time) {
		if t != nil {
			*at = s.sec(*t)
		}
	}
	setTime(&j.start, o.EarliestDate)
	setTime(&j.latest, o.LatestStart)
	setTime(&j.deadline, o.Deadline)
	j.deps = s.addDeps(j.deps, deps, ji)
	s.scheduleJob(ji)
	s.accept(c.record("job.submit", j.id.String(), s.jobKey(j)), func() error {
		s.refresh(ji)
		return nil
	})
	return ji
}

func (c *call) destination(o *submitOptions, def *jobDef) (int32, error) {
	if o.JobStreamID == "" {
		return c.s.jobsStream(def.ws), nil
	}
	u, _ := parseID(o.JobStreamID)
	si, ok := c.s.streamIDs[u]
	if !ok {
		return 0, fail(http.StatusNotFound, "", "the job stream %s is not in the plan", o.JobStreamID)
	}
	return si, nil
}

func (c *call) submitOne(def *jobDef, o *submitOptions, deps []dep) (int32, error) {
	si, err := c.destination(o, def)
	if err != nil {
		return 0, err
	}
	name := def.name
	if o.Alias != "" {
		name = o.Alias
	}
	if c.s.inStream(si, name) {
		return 0, fail(http.StatusConflict, "", "the job %s is already present in the destination job stream", name)
	}
	return c.submitJob(si, def, name, o, deps), nil
}

func (c *call) submitJobByID() error {
	o, deps, err := c.submitOptions()
	if err != nil {
		return err
	}
	def := c.s.defByID(c.r.PathValue("model_job_id"))
	if def == nil {
		return refuse("AWSJDB101E", "The object %q of type Job definition cannot be found in the database.", c.r.PathValue("model_job_id"))
	}
	ji, err := c.submitOne(def, o, deps)
	if err != nil {
		return err
	}
	return c.resource("job", c.s.jobs[ji].id.String())
}

func (c *call) submitJobs() error {
	o, deps, err := c.submitOptions()
	if err != nil {
		return err
	}
	c.modelQuery()
	s := c.s
	k := modelKinds()[0]
	spec := k.spec(c)
	spec.kind = oql.JobStreams
	return c.filtered(spec, "job", func(i int32) uuid { return s.model.defs[i].id }, func(i int32) error {
		_, err := c.submitOne(s.model.defs[i], o, deps)
		return err
	})
}

func (c *call) submitStreamByID() error {
	o, deps, err := c.submitOptions()
	if err != nil {
		return err
	}
	s := c.s
	u, _ := parseID(c.r.PathValue("model_jobstream_id"))
	for _, d := range s.model.streams {
		if d.id == u {
			st := &s.streams[c.submitStream(d, o, deps)]
			c.out.open()
			c.out.num("count", 1)
			c.out.list("results")
			c.out.open()
			c.out.id("id", st.id)
			c.out.str("url", c.origin()+base+"/plan/jobstream/"+st.id.String())
			c.out.close()
			c.out.end()
			c.out.close()
			return nil
		}
	}
	return refuse("AWSJDB101E", "The object %q of type Job stream definition cannot be found in the database.", c.r.PathValue("model_jobstream_id"))
}

func (c *call) submitStreams() error {
	o, deps, err := c.submitOptions()
	if err != nil {
		return err
	}
	c.modelQuery()
	k := modelKinds()[1]
	return c.filtered(k.spec(c), "jobstream", func(i int32) uuid { return c.s.model.streams[i].id }, func(i int32) error {
		c.submitStream(c.s.model.streams[i], o, deps)
		return nil
	})
}

// submitStream adds an instance that starts at once unless a time is given. It
// stays held until the write is applied.
func (c *call) submitStream(d *streamDef, o *submitOptions, deps []dep) int32 {
	s := c.s
	latest := d.latest
	copied := *d
	copied.at = int32(s.clock().Sub(s.day0)/time.Second) - s.today()*day
	if o.InputArrival != nil {
		copied.at = int32(o.InputArrival.Sub(s.day0)/time.Second) - s.today()*day
	}
	prio := d.prio
	copied.prio = 0
	si := s.addInstance(&copied, s.today())
	d.latest = latest
	if o.Priority != nil {
		prio = int8(*o.Priority)
	}
	st := &s.streams[si]
	st.orig, st.user = prio, c.user.Name
	if o.Alias != "" {
		st.name = o.Alias
		st.flags |= fAlias
	}
	if o.Limit != nil {
		st.limit = int16(*o.Limit)
	}
	if o.EarliestDate != nil {
		st.start = s.sec(*o.EarliestDate)
		s.schedule(st.start, evStream, si, 0)
	}
	st.deps = s.addDeps(st.deps, deps, ^si)
	s.reindex()
	s.accept(c.record("jobstream.submit", st.id.String(), s.streamKey(st)), func() error {
		s.streams[si].prio = prio
		s.refreshStream(si)
		return nil
	})
	return si
}
