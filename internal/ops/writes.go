package ops

import (
	"context"
	"fmt"
	"slices"

	"resync/hwa"
	"resync/internal/plan"
	"resync/tool"
)

// jobPre is the pre-image of a write to a job: what verification and undo
// compare with later.
type jobPre struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	RunID    string   `json:"run_id"`
	Runs     []string `json:"runs"` // ids of all runs so far
	Status   string   `json:"status"`
	Priority int      `json:"priority"`
}

// started says whether the engine has begun, or finished, the job's last run.
func started(j *hwa.JobInPlan) bool {
	switch j.LastRunCompositeStatus.Status {
	case hwa.JobStatusExec, hwa.JobStatusSucc, hwa.JobStatusAbend, hwa.JobStatusFail, hwa.JobStatusSuccp, hwa.JobStatusAbenp, hwa.JobStatusIntro, hwa.JobStatusPend, hwa.JobStatusStarted:
		return true
	}
	return false
}

func preOf(j *hwa.JobInPlan) jobPre {
	p := jobPre{ID: j.ID, Name: plan.NameOf(j), Status: string(j.LastRunCompositeStatus.Status), Priority: valueOf(j.Priority)}
	for _, r := range j.JobRuns {
		p.Runs = append(p.Runs, r.ID)
	}
	if run := j.LastRun(); run != nil {
		p.RunID = run.ID
	}
	return p
}

// stateOfJob is what an approval on a job is bound to, and what an undo's
// precondition is compared with.
func stateOfJob(j *hwa.JobInPlan) map[string]any {
	p := preOf(j)
	return map[string]any{"status": p.Status, "priority": p.Priority, "run_id": p.RunID, "started": started(j),
		"canceled": j.LastRunCompositeStatus.Canceled}
}

// jobProposal reads the job and lets the tool say whether the action makes
// sense and what it would change.
func (d Deps) jobProposal(ctx context.Context, name string, refuse func(*hwa.JobInPlan) error,
	preview func(*hwa.JobInPlan) tool.Preview,
) (tool.Proposal[jobPre], error) {
	j, err := d.job(ctx, name)
	if err != nil {
		return tool.Proposal[jobPre]{}, err
	}
	if err := refuse(j); err != nil {
		return tool.Proposal[jobPre]{}, err
	}
	facts, effects := d.jobFacts(ctx, j)
	pv := preview(j)
	pv.Effects = append(pv.Effects, effects...)
	return tool.Proposal[jobPre]{Target: plan.NameOf(j), TargetID: j.ID, Pre: preOf(j), State: stateOfJob(j), Preview: pv, Facts: facts}, nil
}

// manySuccessors is from how many waiting jobs on a job is high risk.
const manySuccessors = 20

// jobFacts says what the plan makes of the job: how much waits for it, and
// whether something critical does.
func (d Deps) jobFacts(ctx context.Context, j *hwa.JobInPlan) ([]tool.Fact, []string) {
	snap, err := d.Snapshot(ctx)
	if err != nil {
		return []tool.Fact{{Source: "plan", Text: "the plan could not be read, so what waits for the job is not known", Level: tool.RiskHigh}}, nil
	}
	var facts []tool.Fact
	if j.JobOptions.Critical {
		facts = append(facts, tool.Fact{Source: "plan", Text: "the job is defined as critical", Level: tool.RiskHigh})
	}
	waiting, critical, err := d.waiting(ctx, snap, j.ID)
	if err != nil {
		return append(facts, tool.Fact{Source: "plan", Text: "what waits for the job could not be read: " + err.Error(), Level: tool.RiskHigh}), nil
	}
	level := tool.RiskLow
	if waiting >= manySuccessors {
		level = tool.RiskHigh
	}
	facts = append(facts, tool.Fact{Source: "plan", Text: fmt.Sprintf("%d open jobs wait for it", waiting), Level: level})
	if critical != "" {
		facts = append(facts, tool.Fact{Source: "plan", Text: "the critical job " + critical + " waits for it", Level: tool.RiskHigh})
	}
	return facts, []string{fmt.Sprintf("%d open jobs that wait for it are affected", waiting)}
}

// waitingDepth is how many steps behind a job the engine is asked for.
const waitingDepth = 20

// waiting counts the open jobs behind a job, in the snapshot where it holds the
// dependencies and at the engine otherwise, and names a critical one among them.
func (d Deps) waiting(ctx context.Context, snap *plan.Snapshot, id string) (n int, critical string, err error) {
	if i, ok := snap.ByID(id); ok && snap.EdgesKnown() {
		for _, a := range snap.Successors(i, 0, true) {
			n++
			if s := snap.Job(a.Index); critical == "" && s.Flags.Has(plan.FlagCritical) {
				critical = s.FullName()
			}
		}
		return n, critical, nil
	}
	nodes, err := d.Client.JobSuccessors(ctx, id, waitingDepth)
	for _, node := range nodes {
		j := node.Job
		if j == nil || j.LastRunCommonStatus == hwa.CommonStatusSuccessful || j.LastRunCompositeStatus.Canceled {
			continue
		}
		n++
		if critical == "" && j.JobOptions.Critical {
			critical = plan.NameOf(j)
		}
	}
	return n, critical, err
}

func (d Deps) readJob(ctx context.Context, p jobPre) (*hwa.JobInPlan, error) {
	j, err := d.Client.Job(ctx, p.ID)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", p.Name, err)
	}
	return j, nil
}

func holdJob(d Deps) (*tool.Tool, error) {
	return tool.Change[JobArg, jobPre]{
		Spec: tool.Spec{
			Name: "hold_job", Description: "Hold a job that has not started: priority 0, it waits until it is released",
			Permission: tool.Write, Severity: tool.RiskLow, Tags: []string{"job", "action"}, Targets: []string{"job"},
			Undo: tool.UndoExactIfNotStarted, UndoNote: "the old priority is set again, as long as the job has not started",
		},
		Prepare: func(ctx context.Context, a JobArg) (tool.Proposal[jobPre], error) {
			return d.jobProposal(ctx, a.Job, refuseHold, func(j *hwa.JobInPlan) tool.Preview {
				return tool.Preview{
					Summary: "Hold " + plan.NameOf(j),
					Before:  map[string]any{"status": j.LastRunCompositeStatus.Status, "priority": valueOf(j.Priority)},
					After:   map[string]any{"status": "held", "priority": 0},
					Effects: []string{"the job does not start until somebody releases it"},
				}
			})
		},
		Do: func(ctx context.Context, _ JobArg, p jobPre, m tool.Meta) error {
			_, err := d.Client.HoldJob(ctx, p.ID, justification(m))
			return engineError(err)
		},
		Verify: func(ctx context.Context, _ JobArg, p jobPre) (tool.Check, error) {
			return d.verifyPriority(ctx, p, 0, p.Name+" is held: its priority is 0")
		},
		Inverse: func(_ JobArg, p jobPre) *tool.Inverse {
			return &tool.Inverse{Tool: "update_job_priority", Args: map[string]any{"job": p.ID, "priority": p.Priority},
				Class: tool.UndoExactIfNotStarted, Summary: fmt.Sprintf("set the priority of %s back to %d", p.Name, p.Priority),
				Expect: map[string]any{"priority": 0, "started": false}}
		},
	}.Tool()
}

func refuseHold(j *hwa.JobInPlan) error {
	switch {
	case started(j):
		return refused("%s cannot be held: it is %s already", plan.NameOf(j), j.LastRunCompositeStatus.Status)
	case j.LastRunCompositeStatus.Canceled:
		return refused("%s cannot be held: it is cancelled", plan.NameOf(j))
	case j.Priority != nil && *j.Priority == 0:
		return refused("%s is held already: its priority is 0", plan.NameOf(j))
	}
	return nil
}

func (d Deps) verifyPriority(ctx context.Context, p jobPre, want int, text string) (tool.Check, error) {
	j, err := d.readJob(ctx, p)
	if err != nil {
		return tool.Check{}, err
	}
	c := tool.Check{Verdict: tool.NotApplied, State: stateOfJob(j), Note: fmt.Sprintf("the priority of %s is still %d", p.Name, valueOf(j.Priority))}
	switch {
	case valueOf(j.Priority) == want:
		c.Verdict, c.Note = tool.Applied, text
	case valueOf(j.Priority) != p.Priority:
		c.Verdict, c.Note = tool.Unclear, fmt.Sprintf("the priority of %s is %d, neither the old nor the new one: somebody else changed it", p.Name, valueOf(j.Priority))
	}
	return c, nil
}

func releaseJob(d Deps) (*tool.Tool, error) {
	return tool.Change[JobArg, jobPre]{
		Spec: tool.Spec{
			Name: "release_job", Description: "Release a held job: it gets its priority back and may start at once",
			Permission: tool.Write, Severity: tool.RiskMedium, Tags: []string{"job", "action"}, Targets: []string{"job"},
			Undo: tool.UndoExactIfNotStarted, UndoNote: "the job can be held again only until it starts, which may be at once",
		},
		Prepare: func(ctx context.Context, a JobArg) (tool.Proposal[jobPre], error) {
			return d.jobProposal(ctx, a.Job, refuseRelease, func(j *hwa.JobInPlan) tool.Preview {
				return tool.Preview{
					Summary: "Release " + plan.NameOf(j),
					Before:  map[string]any{"status": j.LastRunCompositeStatus.Status, "priority": 0},
					After:   map[string]any{"status": "as its other gates allow", "priority": valueOf(j.OrigPriority)},
					Effects: []string{"the job starts as soon as its other gates are open"},
				}
			})
		},
		Do: func(ctx context.Context, _ JobArg, p jobPre, m tool.Meta) error {
			_, err := d.Client.ReleaseJob(ctx, p.ID, justification(m))
			return engineError(err)
		},
		Verify: func(ctx context.Context, _ JobArg, p jobPre) (tool.Check, error) {
			j, err := d.readJob(ctx, p)
			if err != nil {
				return tool.Check{}, err
			}
			c := tool.Check{Verdict: tool.NotApplied, State: stateOfJob(j), Note: p.Name + " still has priority 0"}
			if valueOf(j.Priority) > 0 || started(j) {
				c.Verdict, c.Note = tool.Applied, fmt.Sprintf("%s is released: priority %d, status %s", p.Name, valueOf(j.Priority), j.LastRunCompositeStatus.Status)
			}
			return c, nil
		},
		Inverse: func(_ JobArg, p jobPre) *tool.Inverse {
			return &tool.Inverse{Tool: "hold_job", Args: map[string]any{"job": p.ID}, Class: tool.UndoExactIfNotStarted,
				Summary: "hold " + p.Name + " again", Expect: map[string]any{"started": false}}
		},
	}.Tool()
}

func refuseRelease(j *hwa.JobInPlan) error {
	if started(j) {
		return refused("%s cannot be released: it is %s already", plan.NameOf(j), j.LastRunCompositeStatus.Status)
	}
	if j.Priority == nil || *j.Priority != 0 {
		return refused("%s is not held (its priority is %d), so there is nothing to release", plan.NameOf(j), valueOf(j.Priority))
	}
	return nil
}

// PriorityArgs sets a job's priority.
type PriorityArgs struct {
	Job      string `json:"job" jsonschema:"the job: WORKSTATION#STREAM.JOB or its plan id"`
	Priority int    `json:"priority" jsonschema:"0 holds the job, 1 to 99, 100 is hi, 101 is go"`
}

func updateJobPriority(d Deps) (*tool.Tool, error) {
	return tool.Change[PriorityArgs, jobPre]{
		Spec: tool.Spec{
			Name: "update_job_priority", Description: "Set the priority of a job that has not started (0 to 101)",
			Permission: tool.Write, Severity: tool.RiskLow, Tags: []string{"job", "action"}, Targets: []string{"job"},
			Undo: tool.UndoExactIfNotStarted, UndoNote: "the old priority is set again, as long as the job has not started",
		},
		Prepare: func(ctx context.Context, a PriorityArgs) (tool.Proposal[jobPre], error) {
			if a.Priority < 0 || a.Priority > 101 {
				return tool.Proposal[jobPre]{}, &tool.ArgError{Field: "priority", Problem: fmt.Sprintf("%d is not within 0 and 101", a.Priority)}
			}
			return d.jobProposal(ctx, a.Job, func(j *hwa.JobInPlan) error { return refusePriority(j, a.Priority) },
				func(j *hwa.JobInPlan) tool.Preview { return previewPriority(j, a.Priority) })
		},
		Do: func(ctx context.Context, a PriorityArgs, p jobPre, m tool.Meta) error {
			_, err := d.Client.UpdateJobPriority(ctx, p.ID, a.Priority, justification(m))
			return engineError(err)
		},
		Verify: func(ctx context.Context, a PriorityArgs, p jobPre) (tool.Check, error) {
			return d.verifyPriority(ctx, p, a.Priority, fmt.Sprintf("the priority of %s is %d", p.Name, a.Priority))
		},
		Inverse: func(a PriorityArgs, p jobPre) *tool.Inverse {
			return &tool.Inverse{Tool: "update_job_priority", Args: map[string]any{"job": p.ID, "priority": p.Priority},
				Class: tool.UndoExactIfNotStarted, Summary: fmt.Sprintf("set the priority of %s back to %d", p.Name, p.Priority),
				Expect: map[string]any{"priority": a.Priority, "started": false}}
		},
	}.Tool()
}

func refusePriority(j *hwa.JobInPlan, prio int) error {
	if started(j) {
		return refused("the priority of %s means nothing any more: it is %s already", plan.NameOf(j), j.LastRunCompositeStatus.Status)
	}
	if valueOf(j.Priority) == prio {
		return refused("the priority of %s is %d already", plan.NameOf(j), prio)
	}
	return nil
}

func previewPriority(j *hwa.JobInPlan, prio int) tool.Preview {
	pv := tool.Preview{
		Summary: fmt.Sprintf("Set the priority of %s to %d", plan.NameOf(j), prio),
		Before:  map[string]any{"priority": valueOf(j.Priority)}, After: map[string]any{"priority": prio},
	}
	switch {
	case prio == 0:
		pv.Effects = []string{"priority 0 holds the job until somebody raises it"}
	case valueOf(j.Priority) == 0:
		pv.Effects = []string{"the job is no longer held and starts as soon as its other gates are open"}
	default:
		pv.Effects = []string{"its place among the ready jobs changes; the fence of its workstation is compared with the new priority"}
	}
	return pv
}

// RerunArgs asks for a new run of a job.
type RerunArgs struct {
	Job   string `json:"job" jsonschema:"the job: WORKSTATION#STREAM.JOB or its plan id"`
	RunID string `json:"run_id,omitempty" jsonschema:"the run to repeat; it must be the last one, which is taken when absent"`
	Step  string `json:"step,omitempty" jsonschema:"name to give the new run"`
}

func rerunJob(d Deps) (*tool.Tool, error) {
	return tool.Change[RerunArgs, jobPre]{
		Spec: tool.Spec{
			Name: "rerun_job", Description: "Run a finished or failed job again; its successors start when the new run succeeds",
			Permission: tool.Execute, Severity: tool.RiskMedium, Tags: []string{"job", "action"}, Targets: []string{"job"},
			Undo: tool.UndoNone, UndoNote: "a rerun cannot be taken back: what the job does is done; a run in progress can only be killed",
		},
		Prepare: func(ctx context.Context, a RerunArgs) (tool.Proposal[jobPre], error) {
			return d.jobProposal(ctx, a.Job, func(j *hwa.JobInPlan) error { return refuseRerun(j, a.RunID) }, previewRerun)
		},
		Do: func(ctx context.Context, a RerunArgs, p jobPre, m tool.Meta) error {
			_, err := d.Client.RerunJob(ctx, p.RunID, hwa.RerunDetails{StepName: a.Step}, justification(m))
			return engineError(err)
		},
		Verify: func(ctx context.Context, _ RerunArgs, p jobPre) (tool.Check, error) { return d.verifyRerun(ctx, p) },
	}.Tool()
}

// refuseRerun follows the product's rule: a job can be rerun from SUCC, ABEND
// and FAIL (hwa.md §2.1).
func refuseRerun(j *hwa.JobInPlan, runID string) error {
	run := j.LastRun()
	if run == nil {
		return refused("%s has not run yet, so it cannot be rerun", plan.NameOf(j))
	}
	if runID != "" && run.ID != runID {
		return &tool.ArgError{Field: "run_id", Problem: fmt.Sprintf("%s is not the last run of %s, which is %s", runID, plan.NameOf(j), run.ID)}
	}
	st := j.LastRunCompositeStatus.Status
	if !slices.Contains([]hwa.JobStatus{hwa.JobStatusSucc, hwa.JobStatusAbend, hwa.JobStatusFail, hwa.JobStatusError}, st) {
		return refused("%s is %s; only a job that is SUCC, ABEND or FAIL can be rerun", plan.NameOf(j), st)
	}
	return nil
}

func previewRerun(j *hwa.JobInPlan) tool.Preview {
	before := map[string]any{"status": j.LastRunCompositeStatus.Status, "runs": len(j.JobRuns)}
	if run := j.LastRun(); run != nil && run.ReturnCode != nil {
		before["return_code"] = *run.ReturnCode
	}
	return tool.Preview{
		Summary: "Rerun " + plan.NameOf(j), Before: before,
		After:   map[string]any{"status": "a new run starts when its gates are open", "runs": len(j.JobRuns) + 1},
		Effects: []string{"the job does its work a second time: make sure that is safe", "jobs that wait for it start when the new run is SUCC"},
	}
}

func (d Deps) verifyRerun(ctx context.Context, p jobPre) (tool.Check, error) {
	j, err := d.readJob(ctx, p)
	if err != nil {
		return tool.Check{}, err
	}
	c := tool.Check{Verdict: tool.NotApplied, State: stateOfJob(j), Note: "the plan shows no new run of " + p.Name}
	for _, r := range j.JobRuns {
		if !slices.Contains(p.Runs, r.ID) {
			c.Verdict = tool.Applied
			c.Note = fmt.Sprintf("the plan shows a new run of %s: %s, status %s", p.Name, r.ID, r.CompositeStatus.Status)
		}
	}
	return c, nil
}
