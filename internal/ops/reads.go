package ops

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"resync/hwa"
	"resync/hwa/joblog"
	"resync/internal/plan"
	"resync/tool"
)

func readSpec(name, text string, targets []string, tags ...string) tool.Spec {
	return tool.Spec{Name: name, Description: text, Permission: tool.ReadOnly, Tags: tags, Targets: targets, Timeout: 20 * time.Second}
}

// JobView is a job as the tools show it. Times are RFC 3339 UTC, "" when unknown.
type JobView struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Workstation string   `json:"workstation"`
	Status      string   `json:"status"`
	SubStatus   string   `json:"substatus,omitempty"`
	Common      string   `json:"common_status"`
	Canceled    bool     `json:"canceled,omitempty"`
	Priority    int      `json:"priority"`
	Critical    bool     `json:"critical"`
	Late        bool     `json:"late"`
	RunID       string   `json:"run_id,omitempty"`
	ReturnCode  *int     `json:"return_code,omitempty"`
	Scheduled   string   `json:"sched_time,omitempty"`
	Started     string   `json:"start_time,omitempty"`
	Ended       string   `json:"end_time,omitempty"`
	Deadline    string   `json:"deadline,omitempty"`
	Recovery    string   `json:"recovery_option,omitempty"`
	Unresolved  int      `json:"unresolved_dependencies"`
	Actions     []string `json:"actions,omitempty"` // what the engine lets this account do now
	AsOf        string   `json:"as_of"`
}

func viewOf(j *hwa.JobInPlan) JobView {
	v := JobView{
		ID: j.ID, Name: plan.NameOf(j), Workstation: j.Workstation, Status: string(j.LastRunCompositeStatus.Status),
		SubStatus: string(j.LastRunCompositeStatus.Substatus), Common: string(j.LastRunCommonStatus),
		Canceled: j.LastRunCompositeStatus.Canceled, Priority: valueOf(j.Priority), Critical: j.JobOptions.Critical,
		Late: j.JobStatusFlags.JobLate, Scheduled: stamp(j.SchedTime), Deadline: stamp(j.TimeRestrictions.DeadlineTime),
		AsOf: stamp(time.Now()),
	}
	if run := j.LastRun(); run != nil {
		v.RunID, v.ReturnCode = run.ID, run.ReturnCode
		v.Started, v.Ended = stamp(run.TimeInfo.ActualStartTime), stamp(run.TimeInfo.ActualEndTime)
	}
	if j.JobDefinition != nil {
		v.Recovery = string(j.JobDefinition.RecoveryOption)
	}
	if j.DependenciesStats != nil {
		v.Unresolved = j.DependenciesStats.NumberOfUnresolvedDependencies
	}
	for _, a := range j.Actions {
		v.Actions = append(v.Actions, a.Key)
	}
	return v
}

func jobStatus(d Deps) (*tool.Tool, error) {
	return tool.Read(readSpec("get_job_status", "Status of one job of the plan, read from the engine now", []string{"job"}, "job", "status"),
		func(ctx context.Context, a JobArg) (any, error) {
			j, err := d.job(ctx, a.Job)
			if err != nil {
				return nil, err
			}
			return viewOf(j), nil
		})
}

// LogArgs asks for a job log.
type LogArgs struct {
	Job      string `json:"job" jsonschema:"the job: WORKSTATION#STREAM.JOB or its plan id"`
	RunID    string `json:"run_id,omitempty" jsonschema:"a run of the job; the last one when absent"`
	MaxLines int    `json:"max_lines,omitempty" jsonschema:"last lines to return, 1 to 10000; 100 when absent"`
}

func jobLog(d Deps) (*tool.Tool, error) {
	return tool.Read(readSpec("get_job_log", "Last lines of a job's log with exit status and message codes", []string{"job"}, "job", "log"),
		func(ctx context.Context, a LogArgs) (any, error) {
			if a.MaxLines < 0 || a.MaxLines > 10000 {
				return nil, &tool.ArgError{Field: "max_lines", Problem: fmt.Sprintf("%d is not within 1 and 10000", a.MaxLines)}
			}
			j, err := d.job(ctx, a.Job)
			if err != nil {
				return nil, err
			}
			run := a.RunID
			if last := j.LastRun(); run == "" && last != nil {
				run = last.ID
			}
			if run == "" {
				return nil, refused("%s has not run, so it has no log", plan.NameOf(j))
			}
			return d.logOf(ctx, j, run, a.MaxLines)
		})
}

func (d Deps) logOf(ctx context.Context, j *hwa.JobInPlan, run string, lines int) (any, error) {
	if lines == 0 {
		lines = 100
	}
	text, err := d.Client.JobLogTail(ctx, run, max(lines, leastLog))
	if err != nil {
		return nil, fmt.Errorf("reading the log of %s: %w", plan.NameOf(j), err)
	}
	log := joblog.Parse(text.Text)
	tail := log.Tail(lines)
	for i := range tail {
		tail[i].Number += text.From - 1 // numbers of the whole log, which evidence cites
	}
	out := map[string]any{"job": plan.NameOf(j), "run_id": run, "lines": tail, "truncated": text.From > 1 || text.Truncated || len(tail) < log.Len(), "as_of": stamp(time.Now())}
	if last := log.Last(); last != nil {
		out["exit_status"], out["codes"] = last.ExitStatus, last.Codes
	}
	return out, nil
}

// leastLog is how many last lines are read however few are shown: the footer
// and the codes of a run must not depend on what fits on a screen.
const leastLog = 200

func jobHistory(d Deps) (*tool.Tool, error) {
	return tool.Read(readSpec("get_job_history", "Runs of a job in the present plan, reruns included, with durations and return codes", []string{"job"}, "job", "history"),
		func(ctx context.Context, a JobArg) (any, error) {
			j, err := d.job(ctx, a.Job)
			if err != nil {
				return nil, err
			}
			return historyOf(j), nil
		})
}

func historyOf(j *hwa.JobInPlan) any {
	type run struct {
		RunID    string `json:"run_id"`
		Status   string `json:"status"`
		Type     string `json:"type"`
		RC       *int   `json:"return_code,omitempty"`
		Started  string `json:"start_time,omitempty"`
		Ended    string `json:"end_time,omitempty"`
		Seconds  int    `json:"duration_seconds"`
		Expected int    `json:"estimated_seconds"`
	}
	var runs []run
	failed := 0
	for _, r := range j.JobRuns {
		if r.CommonStatus == hwa.CommonStatusError {
			failed++
		}
		runs = append(runs, run{r.ID, string(r.CompositeStatus.Status), string(r.RerunType), r.ReturnCode,
			stamp(r.TimeInfo.ActualStartTime), stamp(r.TimeInfo.ActualEndTime),
			int(r.TimeInfo.ElapsedTime.Duration().Seconds()), int(r.TimeInfo.EstimatedDuration.Duration().Seconds())})
	}
	return map[string]any{"job": plan.NameOf(j), "runs": runs, "total_executions": len(runs), "failure_count": failed,
		"scope": "runs of the present plan; the REST API V2 gives no older ones", "as_of": stamp(time.Now())}
}

// NeighbourArgs asks for the jobs before or after one.
type NeighbourArgs struct {
	Job   string `json:"job" jsonschema:"the job: WORKSTATION#STREAM.JOB or its plan id"`
	Depth int    `json:"depth,omitempty" jsonschema:"levels to follow, 1 to 20; 2 when absent"`
}

func predecessors(d Deps) (*tool.Tool, error) {
	return tool.Read(readSpec("get_predecessors", "Jobs that one job waits for, by level", []string{"job"}, "job", "dependencies"),
		func(ctx context.Context, a NeighbourArgs) (any, error) {
			return d.neighbours(ctx, a, d.Client.JobPredecessors)
		})
}

func successors(d Deps) (*tool.Tool, error) {
	return tool.Read(readSpec("get_successors", "Jobs that wait for one job, by level", []string{"job"}, "job", "dependencies"),
		func(ctx context.Context, a NeighbourArgs) (any, error) {
			return d.neighbours(ctx, a, d.Client.JobSuccessors)
		})
}

type flowFunc func(ctx context.Context, id string, depth int) ([]hwa.FlowNode, error)

func (d Deps) neighbours(ctx context.Context, a NeighbourArgs, ask flowFunc) (any, error) {
	if a.Depth == 0 {
		a.Depth = 2
	}
	if a.Depth < 1 || a.Depth > 20 {
		return nil, &tool.ArgError{Field: "depth", Problem: fmt.Sprintf("%d is not within 1 and 20", a.Depth)}
	}
	id, err := d.jobID(ctx, a.Job)
	if err != nil {
		return nil, err
	}
	nodes, err := ask(ctx, id, a.Depth)
	if err != nil {
		return nil, fmt.Errorf("reading the dependencies of %s: %w", a.Job, err)
	}
	return map[string]any{"job": a.Job, "depth": a.Depth, "count": len(nodes), "results": nodes, "as_of": stamp(time.Now())}, nil
}

func impact(d Deps) (*tool.Tool, error) {
	return tool.Read(readSpec("analyze_impact", "What a job blocks: successors by level, deadlines at risk, critical jobs", []string{"job"}, "job", "impact"),
		func(ctx context.Context, a JobArg) (any, error) { return d.byID(ctx, a.Job, d.Impact) })
}

func diagnosis(d Deps) (*tool.Tool, error) {
	return tool.Read(readSpec("diagnose_job", "Why a job failed or does not run: every gate with its evidence, ranked causes, documented fixes", []string{"job"}, "job", "diagnosis"),
		func(ctx context.Context, a JobArg) (any, error) { return d.byID(ctx, a.Job, d.Diagnose) })
}

func (d Deps) byID(ctx context.Context, name string, f func(context.Context, string) (any, error)) (any, error) {
	if f == nil {
		return nil, fmt.Errorf("this server was built without the diagnosis engine")
	}
	id, err := d.jobID(ctx, name)
	if err != nil {
		return nil, err
	}
	return f(ctx, id)
}

// WorkstationArg names one workstation, or all.
type WorkstationArg struct {
	Workstation string `json:"workstation,omitempty" jsonschema:"name of the workstation; all when absent"`
}

// WorkstationView is a workstation as the tools show it.
type WorkstationView struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Type      string   `json:"type"`
	States    []string `json:"states"`
	Linked    bool     `json:"linked"`
	Limit     int      `json:"limit"`
	Fence     int      `json:"fence"`
	RunNumber int      `json:"run_number"`
	Running   int      `json:"jobs_running"`
	Ready     int      `json:"jobs_ready"`
	Failed    int      `json:"jobs_failed"`
}

func workstationStatus(d Deps) (*tool.Tool, error) {
	return tool.Read(readSpec("get_workstation_status", "State, limit and fence of a workstation and how many jobs run and wait there", []string{"workstation"}, "workstation", "status"),
		func(ctx context.Context, a WorkstationArg) (any, error) {
			snap, err := d.Snapshot(ctx)
			if err != nil {
				return nil, err
			}
			if a.Workstation == "" {
				return d.allWorkstations(snap), nil
			}
			known, ok := snap.Workstation(a.Workstation)
			if !ok {
				return nil, &NameError{Name: a.Workstation, DidYouMean: nearWorkstations(snap, a.Workstation)}
			}
			w, err := d.Client.Workstation(ctx, known.ID)
			if err != nil {
				return nil, fmt.Errorf("reading workstation %s: %w", a.Workstation, err)
			}
			v := stationView(plan.FromWorkstation(w), stationLoad(snap))
			return map[string]any{"workstation": v, "as_of": stamp(time.Now())}, nil
		})
}

func (d Deps) allWorkstations(snap *plan.Snapshot) any {
	var list []WorkstationView
	linked, load := 0, stationLoad(snap)
	for _, w := range snap.Workstations() {
		v := stationView(w, load)
		if v.Linked {
			linked++
		}
		list = append(list, v)
	}
	return map[string]any{"workstations": list, "total": len(list), "linked": linked, "as_of": stamp(snap.AsOf())}
}

// stationLoad counts the jobs of every workstation in one pass over the plan.
func stationLoad(snap *plan.Snapshot) map[string]WorkstationView {
	out := map[string]WorkstationView{}
	for i := range snap.Len() {
		j := snap.Job(i)
		v := out[j.Workstation]
		switch hwa.JobStatus(j.Status) {
		case hwa.JobStatusExec:
			v.Running++
		case hwa.JobStatusReady:
			v.Ready++
		case hwa.JobStatusAbend, hwa.JobStatusFail:
			v.Failed++
		default:
			continue
		}
		out[j.Workstation] = v
	}
	return out
}

func stationView(w plan.Workstation, load map[string]WorkstationView) WorkstationView {
	v := load[w.Name]
	v.ID, v.Name, v.Type, v.States, v.Linked = w.ID, w.Name, w.Type, w.States, w.Linked()
	v.Limit, v.Fence, v.RunNumber = w.Limit, w.Fence, w.RunNumber
	return v
}

func nearWorkstations(snap *plan.Snapshot, name string) []string {
	var out []string
	for _, s := range snap.Suggest(name, 5) {
		if s.Kind == plan.KindWorkstation {
			out = append(out, s.Name)
		}
	}
	return out
}

// ResourceArg names a resource.
type ResourceArg struct {
	Resource string `json:"resource_name" jsonschema:"name of the resource, with or without its workstation"`
}

func resourceAvailability(d Deps) (*tool.Tool, error) {
	return tool.Read(readSpec("check_resource_availability", "Units of a resource: total, in use, free, and who holds them", []string{"resource_name"}, "resource"),
		func(ctx context.Context, a ResourceArg) (any, error) {
			var hits []hwa.ResourceInPlan
			var names []string
			for r, err := range d.Client.Resources(ctx, hwa.ListOptions{}) {
				if err != nil {
					return nil, fmt.Errorf("listing resources: %w", err)
				}
				names = append(names, strings.TrimPrefix(r.Workstation, "/")+"#"+r.Name)
				if slices.Contains([]string{r.Name, r.Key, r.Workstation + "#" + r.Name, r.ID}, a.Resource) {
					hits = append(hits, *r)
				}
			}
			if len(hits) == 0 {
				return nil, &NameError{Name: a.Resource, Known: names}
			}
			return map[string]any{"resources": hits, "as_of": stamp(time.Now())}, nil
		})
}

// NoArgs is the argument of tools that take none.
type NoArgs struct{}

func prompts(d Deps) (*tool.Tool, error) {
	return tool.Read(readSpec("get_prompts", "Prompts of the plan that wait for an answer", nil, "prompt"),
		func(ctx context.Context, _ NoArgs) (any, error) {
			var asked []hwa.PromptInPlan
			for p, err := range d.Client.Prompts(ctx, hwa.ListOptions{}) {
				if err != nil {
					return nil, fmt.Errorf("listing prompts: %w", err)
				}
				if p.Status == hwa.PromptStatusAsked {
					asked = append(asked, *p)
				}
			}
			return map[string]any{"prompts": asked, "total": len(asked), "as_of": stamp(time.Now())}, nil
		})
}

func planSummary(d Deps) (*tool.Tool, error) {
	return tool.Read(readSpec("get_plan_summary", "The plan in numbers: jobs by status, late and failed jobs, workstations not linked", nil, "plan", "status"),
		func(ctx context.Context, _ NoArgs) (any, error) {
			snap, err := d.Snapshot(ctx)
			if err != nil {
				return nil, err
			}
			return Summary(snap), nil
		})
}

// PlanSummary is a plan in numbers.
type PlanSummary struct {
	Total       int            `json:"total"`
	ByStatus    map[string]int `json:"by_status"`
	Failed      []string       `json:"failed"` // at most 50 names
	Late        []string       `json:"late"`   // at most 50 names
	Unlinked    []string       `json:"workstations_not_linked"`
	AtRisk      []string       `json:"deadlines_at_risk"`
	EdgesKnown  bool           `json:"dependencies_known"`
	SnapshotAge string         `json:"as_of"`
}

// Summary counts a snapshot.
func Summary(snap *plan.Snapshot) PlanSummary {
	s := PlanSummary{Total: snap.Len(), ByStatus: snap.CountByStatus(), EdgesKnown: snap.EdgesKnown(), SnapshotAge: stamp(snap.AsOf())}
	for i := range snap.Len() {
		j := snap.Job(i)
		if j.CommonStatus == string(hwa.CommonStatusError) && len(s.Failed) < 50 {
			s.Failed = append(s.Failed, j.FullName())
		}
		if j.Flags.Has(plan.FlagLate) && len(s.Late) < 50 {
			s.Late = append(s.Late, j.FullName())
		}
	}
	for _, w := range snap.Workstations() {
		if !w.Linked() && !w.Ignored {
			s.Unlinked = append(s.Unlinked, w.Name)
		}
	}
	for _, i := range snap.DeadlinesAtRisk(50) {
		s.AtRisk = append(s.AtRisk, snap.Job(i).FullName())
	}
	return s
}

// SearchArgs asks the knowledge base.
type SearchArgs struct {
	Query string `json:"query" jsonschema:"words, a message code or a question"`
	TopK  int    `json:"top_k,omitempty" jsonschema:"passages to return, 1 to 50; 5 when absent"`
}

func searchKnowledge(d Deps) (*tool.Tool, error) {
	return tool.Read(readSpec("search_knowledge_base", "Passages of the ingested manuals and the handbook that answer a question", nil, "knowledge"),
		func(ctx context.Context, a SearchArgs) (any, error) {
			if d.Search == nil {
				return nil, fmt.Errorf("this server was built without a knowledge base")
			}
			if a.TopK == 0 {
				a.TopK = 5
			}
			if a.TopK < 1 || a.TopK > 50 {
				return nil, &tool.ArgError{Field: "top_k", Problem: fmt.Sprintf("%d is not within 1 and 50", a.TopK)}
			}
			return d.Search(ctx, a.Query, a.TopK)
		})
}
