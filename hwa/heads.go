package hwa

import (
	"context"
	"iter"
	"time"
)

// JobHead is the part of a JobInPlan that a picture of the whole plan needs. JobHeads decodes it some ten times faster than
// Jobs decodes the full object.
type JobHead struct {
	ID                   string
	Name                 string
	Folder               string
	Workstation          string
	JobStreamID          string
	JobStreamName        string
	JobStreamWorkstation string
	TimeZone             string
	Status               JobStatus    // lastRunCompositeStatus.status
	Substatus            JobSubStatus // lastRunCompositeStatus.substatus
	CommonStatus         CommonStatus // lastRunCommonStatus
	LateStartAction      LateStartAction

	Canceled, CancelPending                            bool // lastRunCompositeStatus
	Late, UntilGone, DeadlinePassed                    bool // jobStatusFlags jobLate, untilGone, deadlineHasPassed
	Critical, Every, NoOperation, RequiresConfirmation bool // jobOptions
	Archived                                           bool

	Priority *int // nil when not sent; points into the head, so copy the value

	SchedTime       time.Time
	StartTime       time.Time // timeRestrictions.startTime: not before
	DeadlineTime    time.Time
	LatestStartTime time.Time
	CriticalStart   time.Time
	RepeatInterval  Duration
	MaxDuration     Duration

	// EstimatedDuration is that of the last run, or that of the definition where the run says none.
	EstimatedDuration Duration

	Runs       int // number of runs
	LastRun    RunHead
	Stats      DependenciesStats
	StatsKnown bool // dependenciesStats was sent

	priority int
}

// RunHead is the part of a JobRun that a picture of the plan needs.
type RunHead struct {
	ID                string
	ActualWorkstation string
	JobNumber         int
	ReturnCode        *int // nil while not ended; points into the head, so copy the value
	ActualStartTime   time.Time
	ActualEndTime     time.Time
	ElapsedTime       Duration
	EstimatedDuration Duration
	MaxDurationGone   bool

	returnCode int
	last       bool
}

// LastRun returns the run that lastRunCompositeStatus speaks of: the last one marked lastInRerunChain, else the last of the
// list. It returns nil when the job has no run.
func (j *JobInPlan) LastRun() *JobRun {
	var last *JobRun
	for i := range j.JobRuns {
		if r := &j.JobRuns[i]; last == nil || r.LastInRerunChain || !last.LastInRerunChain {
			last = r
		}
	}
	return last
}

// Head returns the part of the job that JobHeads would deliver.
func (j *JobInPlan) Head() *JobHead {
	h := &JobHead{
		ID: j.ID, Name: j.Name, Folder: j.Folder, Workstation: j.Workstation, JobStreamID: j.JobStreamID,
		JobStreamName: j.JobStreamName, JobStreamWorkstation: j.JobStreamWorkstation, TimeZone: j.TimeZone,
		Status: j.LastRunCompositeStatus.Status, Substatus: j.LastRunCompositeStatus.Substatus, CommonStatus: j.LastRunCommonStatus,
		LateStartAction: j.TimeRestrictions.LateStartAction,
		Canceled:        j.LastRunCompositeStatus.Canceled, CancelPending: j.LastRunCompositeStatus.CancelPending,
		Late: j.JobStatusFlags.JobLate, UntilGone: j.JobStatusFlags.UntilGone, DeadlinePassed: j.JobStatusFlags.DeadlineHasPassed,
		Critical: j.JobOptions.Critical, Every: j.JobOptions.Every, NoOperation: j.JobOptions.NoOperation,
		RequiresConfirmation: j.JobOptions.RequiresConfirmation, Archived: j.Archived,
		SchedTime: j.SchedTime, StartTime: j.TimeRestrictions.StartTime, DeadlineTime: j.TimeRestrictions.DeadlineTime,
		LatestStartTime: j.TimeRestrictions.LatestStartTime, CriticalStart: j.CriticalStart,
		RepeatInterval: j.RepeatInterval, MaxDuration: j.TimeRestrictions.MaxDuration, Runs: len(j.JobRuns),
	}
	if j.Priority != nil {
		h.priority = *j.Priority
		h.Priority = &h.priority
	}
	if j.DependenciesStats != nil {
		h.Stats, h.StatsKnown = *j.DependenciesStats, true
	}
	if r := j.LastRun(); r != nil {
		h.LastRun.from(r)
	}
	if h.EstimatedDuration = h.LastRun.EstimatedDuration; h.EstimatedDuration == 0 && j.JobDefinition != nil {
		h.EstimatedDuration = j.JobDefinition.EstimatedDuration
	}
	return h
}

func (h *RunHead) from(r *JobRun) {
	*h = RunHead{ID: r.ID, ActualWorkstation: r.ActualWorkstation, JobNumber: r.JobNumber, last: r.LastInRerunChain,
		ActualStartTime: r.TimeInfo.ActualStartTime, ActualEndTime: r.TimeInfo.ActualEndTime, ElapsedTime: r.TimeInfo.ElapsedTime,
		EstimatedDuration: r.TimeInfo.EstimatedDuration, MaxDurationGone: r.MaxDurationGone}
	if r.ReturnCode != nil {
		h.returnCode = *r.ReturnCode
		h.ReturnCode = &h.returnCode
	}
}

// JobHeads lists jobs like Jobs, decoding only what JobHead holds. The *JobHead is reused: it is valid until the next iteration,
// its strings for ever.
func (c *Client) JobHeads(ctx context.Context, opt ListOptions) iter.Seq2[*JobHead, error] {
	return func(yield func(*JobHead, error) bool) {
		var head JobHead
		words := newInterner()
		stopped := false
		err := c.stream(ctx, jobList, opt, func(b []byte) (int, error) {
			n, err := parseHead(b, &head, words)
			if err != nil {
				return n, err
			}
			if !yield(&head, nil) {
				stopped = true
				return n, errStop
			}
			return n, nil
		})
		if err != nil && !stopped {
			yield(nil, err)
		}
	}
}

// interner keeps one copy of strings that repeat from job to job, such as folders. It stops growing at a bound, so that a plan
// of unrelated names does not double in memory.
type interner struct{ seen map[string]string }

func newInterner() *interner { return &interner{seen: make(map[string]string, 1024)} }

func (w *interner) of(b []byte) string {
	if s, ok := w.seen[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(w.seen) < 1<<17 {
		w.seen[s] = s
	}
	return s
}
