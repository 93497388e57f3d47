package hwasim

import (
	"encoding/json"
	"net/http"
	"time"
)

// jobPatch is what a merge patch may change of a job in the plan.
type jobPatch struct {
	Priority         *int `json:"priority"`
	TimeRestrictions *struct {
		StartTime       *time.Time `json:"startTime"`
		DeadlineTime    *time.Time `json:"deadlineTime"`
		LatestStartTime *time.Time `json:"latestStartTime"`
	} `json:"timeRestrictions"`
	JobOptions *struct {
		Critical             *bool `json:"critical"`
		RequiresConfirmation *bool `json:"requiresConfirmation"`
		NoOperation          *bool `json:"noOperation"`
	} `json:"jobOptions"`
}

// onlyKeys refuses a patch of something that cannot be changed, by name.
func (c *call) onlyKeys(known ...string) error {
	var body map[string]json.RawMessage
	if err := c.decode(&body); err != nil {
		return err
	}
	if len(body) == 0 {
		return fail(http.StatusBadRequest, "", "the patch is empty")
	}
	for _, k := range known {
		delete(body, k)
	}
	for k := range body {
		return fail(http.StatusBadRequest, "", "field %q cannot be changed with a patch", k)
	}
	return nil
}

func (c *call) jobPatch() (*jobPatch, error) {
	if err := c.onlyKeys("priority", "timeRestrictions", "jobOptions"); err != nil {
		return nil, err
	}
	var p jobPatch
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	if p.Priority != nil && (*p.Priority < 0 || *p.Priority > 101) {
		return nil, fail(http.StatusBadRequest, "", "priority: want 0 to 101")
	}
	return &p, nil
}

func (c *call) patchJobByID() error {
	ji, err := c.pathJob()
	if err != nil {
		return err
	}
	p, err := c.jobPatch()
	if err != nil {
		return err
	}
	if err := c.tryPatchJob(ji, p); err != nil {
		return err
	}
	return c.resource("job", c.s.jobs[ji].id.String())
}

func (c *call) patchJobs() error {
	p, err := c.jobPatch()
	if err != nil {
		return err
	}
	return c.filtered(c.jobsKind(), "job", func(i int32) uuid { return c.s.jobs[i].id }, func(i int32) error { return c.tryPatchJob(i, p) })
}

func (c *call) tryPatchJob(ji int32, p *jobPatch) error {
	s := c.s
	if !s.isWaiting(ji) {
		return s.wrongState(ji, "modify")
	}
	s.accept(c.record("job.patch", s.jobs[ji].id.String(), s.jobKey(&s.jobs[ji])), func() error {
		if !s.isWaiting(ji) {
			return s.wrongState(ji, "modify")
		}
		s.applyJobPatch(ji, p)
		return nil
	})
	return nil
}

func (s *Sim) applyJobPatch(ji int32, p *jobPatch) {
	j := &s.jobs[ji]
	if p.Priority != nil {
		j.setPriority(*p.Priority)
		s.ws[j.ws].dirty = true
	}
	if t := p.TimeRestrictions; t != nil {
		s.moveTime(&j.start, t.StartTime, evTime, ji)
		s.moveTime(&j.deadline, t.DeadlineTime, evDeadline, ji)
		s.moveTime(&j.latest, t.LatestStartTime, evUntil, ji)
		j.set(fDeadlineGone, j.deadline != 0 && j.deadline <= s.now)
		if j.latest > s.now {
			j.set(fUntilGone, false)
		}
	}
	if o := p.JobOptions; o != nil {
		for f, v := range map[flag]*bool{fCritical: o.Critical, fConfirm: o.RequiresConfirmation, fNoop: o.NoOperation} {
			if v != nil {
				j.set(f, *v)
			}
		}
	}
	s.refresh(ji)
}

// moveTime sets a time restriction; a time in JSON's zero form removes it.
func (s *Sim) moveTime(at *vsec, to *time.Time, kind eventKind, ji int32) {
	if to == nil {
		return
	}
	*at = s.sec(*to)
	s.schedule(*at, kind, ji, 0)
}
