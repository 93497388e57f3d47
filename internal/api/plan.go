package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"resync/hwa"
	"resync/internal/auth"
	"resync/internal/diagnose"
	"resync/internal/plan"
	"resync/tool"
)

// jobRow is one job of a list. It comes from the snapshot: as_of says how old.
type jobRow struct {
	ID           string `json:"id"`
	Name         string `json:"name" doc:"full name, WORKSTATION#STREAM.JOB"`
	Job          string `json:"job"`
	Stream       string `json:"stream"`
	StreamID     string `json:"stream_id"`
	Workstation  string `json:"workstation"`
	Folder       string `json:"folder"`
	Status       string `json:"status"`
	SubStatus    string `json:"substatus"`
	CommonStatus string `json:"common_status"`
	Priority     int    `json:"priority"`
	Critical     bool   `json:"critical"`
	Late         bool   `json:"late"`
	AtRisk       bool   `json:"at_risk" doc:"cannot meet its deadline by the estimates"`
	SchedTime    string `json:"sched_time,omitempty"`
	StartTime    string `json:"start_time,omitempty"`
	EndTime      string `json:"end_time,omitempty"`
	Deadline     string `json:"deadline,omitempty"`
	EstimatedS   int    `json:"estimated_s"`
	ReturnCode   *int   `json:"return_code,omitempty"`
	RunID        string `json:"run_id,omitempty"`
	Unresolved   int    `json:"unresolved"`
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func rowOf(snap *plan.Snapshot, i int) jobRow {
	j := snap.Job(i)
	r := jobRow{
		ID: j.ID, Name: j.FullName(), Job: j.Name, Stream: j.Stream, StreamID: j.StreamID, Workstation: j.Workstation, Folder: j.Folder,
		Status: j.Status, SubStatus: j.SubStatus, CommonStatus: j.CommonStatus, Priority: j.Priority,
		Critical: j.Flags.Has(plan.FlagCritical), Late: j.Flags.Has(plan.FlagLate), AtRisk: snap.AtRisk(i),
		SchedTime: stamp(j.Scheduled), StartTime: stamp(j.Started), EndTime: stamp(j.Ended), Deadline: stamp(snap.DeadlineOf(i)),
		EstimatedS: int(j.Estimated.Seconds()), RunID: j.RunID, Unresolved: j.Unresolved,
	}
	if j.Flags.Has(plan.FlagHasReturnCode) {
		r.ReturnCode = &j.ReturnCode
	}
	return r
}

func (s *server) registerPlan() {
	get := func(id, path, summary string, tier Tier) route {
		return route{id: id, method: http.MethodGet, paths: both("/tws" + path), tag: "plan", tier: tier, role: auth.Viewer, summary: summary,
			errors: []int{404, 502, 503, 504}}
	}
	const job = "/plan/current/job"
	add(s, get("tws-jobs", job, "Jobs of the plan", BestEffort), s.jobs)
	add(s, get("tws-job-count", job+"/count", "Jobs by status", BestEffort), s.jobCount)
	add(s, get("tws-job-issues", job+"/issues", "Why a job does not start, as the engine says", BestEffort), s.jobIssues)
	add(s, get("tws-joblog", job+"/joblog", "Last lines of a job's log", BestEffort), s.jobLog)
	add(s, get("tws-job", job+"/{id}", "One job, read from the engine now", BestEffort), s.job)
	add(s, get("tws-job-predecessors", job+"/{id}/predecessors", "Jobs it waits for", BestEffort), s.predecessors)
	add(s, get("tws-job-successors", job+"/{id}/successors", "Jobs that wait for it", BestEffort), s.successors)
	add(s, get("tws-job-description", job+"/{id}/model/description", "The job's definition as text", BestEffort), s.jobDescription)
	add(s, get("tws-jobstreams", "/plan/current/jobstream", "Job streams of the plan", BestEffort), s.streams)
	add(s, get("tws-jobstream", "/plan/current/jobstream/{id}", "One job stream, read from the engine now", BestEffort), s.stream)
	add(s, get("tws-resources", "/plan/current/resource", "Resources of the plan", BestEffort), s.resources)
	add(s, get("tws-resource", "/plan/current/resource/{id}", "One resource, read from the engine now", BestEffort), s.resource)
	add(s, get("tws-workstations", "/plan/current/workstation", "Workstations of the plan", BestEffort), s.workstations)
	add(s, get("tws-workstation-status", "/workstation-status", "Workstations of the plan (name of the contract)", BestEffort), s.workstations)
	add(s, get("tws-engine-info", "/engine/info", "What the engine says of itself", BestEffort), s.engineInfo)
	add(s, get("tws-engines", "/engines", "The configured engines", ReadOnly), s.engines)
}

// EngineQuery chooses the engine. It is exported because huma does not look into
// embedded structs that are not.
type EngineQuery struct {
	Engine string `query:"tws_instance_id" doc:"engine; the default one when absent"`
}

// firstPlan is how long a request waits for the first reading of the plan after
// a start: a console opened at once shows the plan then, not a fault.
const firstPlan = 10 * time.Second

// snapshot returns the newest picture of an engine's plan, or a 503 that says
// why there is none.
func (s *server) snapshot(ctx context.Context, name string) (*Engine, *plan.Snapshot, error) {
	e, err := s.engine(name)
	if err != nil {
		return nil, nil, err
	}
	snap := e.Plan.Snapshot()
	if snap == nil && e.FirstRead != nil {
		select {
		case <-e.FirstRead:
		case <-ctx.Done():
		case <-time.After(firstPlan):
		}
		snap = e.Plan.Snapshot()
	}
	if snap == nil {
		return nil, nil, huma.ErrorWithHeaders(huma.Error503ServiceUnavailable("the plan of engine "+e.Name+" has not been read yet; /health says why"), http.Header{"Retry-After": {planRetry}})
	}
	return e, snap, nil
}

// planRetry is after how many seconds it is worth asking again for a plan that has
// not been read: an engine that is away is looked at every five.
const planRetry = "5"

// freshness names the age of a snapshot, on the engine's clock, as the contract
// does.
func (e *Engine) freshness(asOf time.Time) string { return diagnose.Freshness(e.Now().Sub(asOf)) }

type page[T any] struct {
	Body struct {
		Items     []T    `json:"items"`
		Total     int    `json:"total"`
		AsOf      string `json:"as_of"`
		Freshness string `json:"freshness" enum:"live,recent,cached"`
		Engine    string `json:"engine"`
	}
}

func newPage[T any](e *Engine, items []T, total int, asOf time.Time) *page[T] {
	p := &page[T]{}
	if items == nil {
		items = []T{}
	}
	p.Body.Items, p.Body.Total, p.Body.Engine = items, total, e.Name
	p.Body.AsOf, p.Body.Freshness = stamp(asOf), e.freshness(asOf)
	return p
}

type jobsInput struct {
	EngineQuery
	Q           string `query:"q" maxLength:"300" doc:"words of the name, or a conman pattern such as @#PAY@.@"`
	Folder      string `query:"folder" maxLength:"300"`
	Stream      string `query:"stream" maxLength:"300"`
	Workstation string `query:"workstation" maxLength:"300"`
	Status      string `query:"status" maxLength:"300" doc:"comma-separated statuses, such as ABEND,FAIL; LATE and CRITICAL select by flag"`
	Limit       int    `query:"limit" minimum:"1" maximum:"10000" default:"500"`
	Offset      int    `query:"offset" minimum:"0" default:"0"`
}

func (in *jobsInput) filter() plan.Filter {
	f := plan.Filter{Text: in.Q, Folder: in.Folder, Stream: in.Stream, Workstation: in.Workstation, Limit: in.Limit, Offset: in.Offset}
	for _, w := range strings.Split(in.Status, ",") {
		switch w = strings.ToUpper(strings.TrimSpace(w)); w {
		case "":
		case "LATE":
			f.Flags |= plan.FlagLate
		case "CRITICAL":
			f.Flags |= plan.FlagCritical
		default:
			f.Status = append(f.Status, w)
		}
	}
	return f
}

func (s *server) jobs(ctx context.Context, in *jobsInput) (*page[jobRow], error) {
	e, snap, err := s.snapshot(ctx, in.Engine)
	if err != nil {
		return nil, err
	}
	found := snap.Filter(in.filter())
	rows := make([]jobRow, 0, len(found.Jobs))
	for _, i := range found.Jobs {
		rows = append(rows, rowOf(snap, i))
	}
	return newPage(e, rows, found.Total, snap.AsOf()), nil
}

type countOutput struct {
	Body struct {
		Total    int            `json:"total"`
		ByStatus map[string]int `json:"by_status"`
		ByCommon map[string]int `json:"by_common_status"`
		Late     int            `json:"late"`
		Critical int            `json:"critical"`
		AsOf     string         `json:"as_of"`
		Engine   string         `json:"engine"`
	}
}

func (s *server) jobCount(ctx context.Context, in *EngineQuery) (*countOutput, error) {
	e, snap, err := s.snapshot(ctx, in.Engine)
	if err != nil {
		return nil, err
	}
	out := &countOutput{}
	out.Body.Total, out.Body.ByStatus, out.Body.ByCommon = snap.Len(), snap.CountByStatus(), snap.CountByCommonStatus()
	out.Body.Late = snap.Filter(plan.Filter{Flags: plan.FlagLate, Limit: 1}).Total
	out.Body.Critical = snap.Filter(plan.Filter{Flags: plan.FlagCritical, Limit: 1}).Total
	out.Body.AsOf, out.Body.Engine = stamp(snap.AsOf()), e.Name
	return out, nil
}

// IDInput names one object of an engine.
type IDInput struct {
	EngineQuery
	ID string `path:"id" maxLength:"300"`
}

// rawOutput passes an object of the engine on as it came.
type rawOutput struct{ Body any }

func (s *server) job(ctx context.Context, in *IDInput) (*rawOutput, error) {
	return s.readOne(ctx, in.Engine, liveRead{"job/" + in.ID, ttlStatus, func(ctx context.Context, e *Engine) (any, error) { return e.Client.Job(ctx, in.ID) }})
}

// readOne answers one read of an engine through the cache.
func (s *server) readOne(ctx context.Context, engine string, q liveRead) (*rawOutput, error) {
	e, err := s.engine(engine)
	if err != nil {
		return nil, err
	}
	return s.read(ctx, e, q)
}

func (s *server) jobIssues(ctx context.Context, in *struct {
	EngineQuery
	JobID string `query:"job_id" required:"true" maxLength:"64"`
}) (*rawOutput, error) {
	return s.readOne(ctx, in.Engine, liveRead{"issues/" + in.JobID, ttlStatus, func(ctx context.Context, e *Engine) (any, error) {
		issues, err := e.Client.JobIssues(ctx, hwa.ListOptions{Filter: hwa.WithID(in.JobID)})
		return map[string]any{"issues": issues, "as_of": stamp(nowUTC())}, err
	}})
}

func (s *server) jobDescription(ctx context.Context, in *IDInput) (*rawOutput, error) {
	return s.readOne(ctx, in.Engine, liveRead{"description/" + in.ID, ttlStatic, func(ctx context.Context, e *Engine) (any, error) {
		return e.Client.JobDefinitionText(ctx, in.ID)
	}})
}

func (s *server) jobLog(ctx context.Context, in *struct {
	EngineQuery
	JobID    string `query:"job_id" required:"true" maxLength:"300" doc:"plan id or full name"`
	RunID    string `query:"run_id" maxLength:"64"`
	MaxLines int    `query:"max_lines" minimum:"1" maximum:"10000" default:"500"`
}) (*rawOutput, error) {
	return s.viaTool(ctx, in.Engine, "get_job_log", map[string]any{"job": in.JobID, "run_id": in.RunID, "max_lines": in.MaxLines})
}

// viaTool answers a read by the tool of the same meaning, so that there is one
// implementation of it.
func (s *server) viaTool(ctx context.Context, engine, name string, args map[string]any) (*rawOutput, error) {
	raw, err := json.Marshal(args)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	// The executor asks the policy for this person, so answers are theirs alone.
	key := "tool/" + name + "/" + person(ctx).User + "/" + string(raw)
	return s.readOne(ctx, engine, liveRead{key, ttlLog, func(ctx context.Context, e *Engine) (any, error) {
		res, err := e.Exec.Call(ctx, person(ctx), tool.Request{Tool: name, Args: raw})
		return res.Data, err
	}})
}

type neighbour struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Level    int    `json:"level"`
	Status   string `json:"status"`
	Critical bool   `json:"critical"`
	Deadline string `json:"deadline,omitempty"`
	AtRisk   bool   `json:"at_risk"`
}

type neighboursOutput struct {
	Body struct {
		Count   int         `json:"count"`
		Results []neighbour `json:"results"`
		AsOf    string      `json:"as_of"`
	}
}

type neighboursInput struct {
	IDInput
	Depth int `query:"depth" minimum:"1" maximum:"20" default:"3"`
}

func (s *server) predecessors(ctx context.Context, in *neighboursInput) (*neighboursOutput, error) {
	return s.neighbours(ctx, in, (*plan.Snapshot).Predecessors, (*hwa.Client).JobPredecessors)
}

func (s *server) successors(ctx context.Context, in *neighboursInput) (*neighboursOutput, error) {
	return s.neighbours(ctx, in, (*plan.Snapshot).Successors, (*hwa.Client).JobSuccessors)
}

// neighbours walks the snapshot where it holds the dependencies, and asks the
// engine level by level otherwise: its reply is flat, so what is new at one more
// step is that many steps away.
func (s *server) neighbours(ctx context.Context, in *neighboursInput, walk func(*plan.Snapshot, int, int, bool) []plan.Affected,
	ask func(*hwa.Client, context.Context, string, int) ([]hwa.FlowNode, error),
) (*neighboursOutput, error) {
	e, snap, err := s.snapshot(ctx, in.Engine)
	if err != nil {
		return nil, err
	}
	out := &neighboursOutput{}
	out.Body.Results, out.Body.AsOf = []neighbour{}, stamp(snap.AsOf())
	if i, ok := snap.ByID(in.ID); ok && snap.EdgesKnown() {
		for _, a := range walk(snap, i, in.Depth, false) {
			out.Body.Results = append(out.Body.Results, neighbourOf(snap, a.Index, a.Level))
		}
		out.Body.Count = len(out.Body.Results)
		return out, nil
	}
	if degradedTo(ctx) == QueryTWSDirect {
		if err := s.direct(e.Name); err != nil {
			return nil, err
		}
	}
	out.Body.AsOf = stamp(e.Now())
	seen := map[string]bool{}
	for level := 1; level <= in.Depth; level++ {
		nodes, err := ask(e.Client, ctx, in.ID, level)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		fresh := 0
		for _, n := range nodes {
			if n.Job == nil || seen[n.Job.ID] {
				continue
			}
			seen[n.Job.ID] = true
			fresh++
			out.Body.Results = append(out.Body.Results, liveNeighbour(snap, n.Job, level))
		}
		if fresh == 0 {
			break
		}
	}
	out.Body.Count = len(out.Body.Results)
	return out, nil
}

func neighbourOf(snap *plan.Snapshot, i, level int) neighbour {
	j := snap.Job(i)
	return neighbour{j.ID, j.FullName(), level, j.Status, j.Flags.Has(plan.FlagCritical), stamp(snap.DeadlineOf(i)), snap.AtRisk(i)}
}

// liveNeighbour shows a job as the engine just sent it.
func liveNeighbour(snap *plan.Snapshot, j *hwa.JobInPlan, level int) neighbour {
	n := neighbour{ID: j.ID, Name: j.Key, Level: level}
	if i, ok := snap.ByID(j.ID); ok {
		n = neighbourOf(snap, i, level)
	}
	n.Status, n.Critical = string(j.LastRunCompositeStatus.Status), j.JobOptions.Critical
	return n
}

type streamRow struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Folder      string `json:"folder"`
	Workstation string `json:"workstation"`
	Status      string `json:"status"`
	Limit       int    `json:"limit"`
	Priority    int    `json:"priority"`
	Jobs        int    `json:"jobs"`
	SchedTime   string `json:"sched_time,omitempty"`
	Deadline    string `json:"deadline,omitempty"`
}

func (s *server) streams(ctx context.Context, in *struct {
	EngineQuery
	Q string `query:"q" maxLength:"300"`
}) (*page[streamRow], error) {
	e, snap, err := s.snapshot(ctx, in.Engine)
	if err != nil {
		return nil, err
	}
	var rows []streamRow
	for _, st := range snap.Streams() {
		if in.Q != "" && !strings.Contains(strings.ToUpper(st.Workstation+"#"+st.Name), strings.ToUpper(in.Q)) {
			continue
		}
		rows = append(rows, streamRow{st.ID, st.Name, st.Folder, st.Workstation, st.Status, st.Limit, st.Priority, st.Jobs, stamp(st.Scheduled), stamp(st.Deadline)})
	}
	return newPage(e, rows, len(rows), snap.AsOf()), nil
}

func (s *server) stream(ctx context.Context, in *IDInput) (*rawOutput, error) {
	return s.readOne(ctx, in.Engine, liveRead{"jobstream/" + in.ID, ttlStatus, func(ctx context.Context, e *Engine) (any, error) { return e.Client.JobStream(ctx, in.ID) }})
}

func (s *server) resources(ctx context.Context, in *EngineQuery) (*page[hwa.ResourceInPlan], error) {
	e, err := s.engine(in.Engine)
	if err != nil {
		return nil, err
	}
	if degradedTo(ctx) == QueryTWSDirect {
		if err := s.direct(e.Name); err != nil {
			return nil, err
		}
	}
	var list []hwa.ResourceInPlan
	for r, err := range e.Client.Resources(ctx, hwa.ListOptions{Limit: 10000}) {
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		list = append(list, *r)
	}
	return newPage(e, list, len(list), e.Now()), nil
}

func (s *server) resource(ctx context.Context, in *IDInput) (*rawOutput, error) {
	return s.readOne(ctx, in.Engine, liveRead{"resource/" + in.ID, ttlDefault, func(ctx context.Context, e *Engine) (any, error) { return e.Client.Resource(ctx, in.ID) }})
}

type stationRow struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Type   string   `json:"type"`
	Domain string   `json:"domain"`
	States []string `json:"states"`
	Linked bool     `json:"linked"`
	Limit  int      `json:"limit"`
	Fence  int      `json:"fence"`
}

func (s *server) workstations(ctx context.Context, in *EngineQuery) (*page[stationRow], error) {
	e, snap, err := s.snapshot(ctx, in.Engine)
	if err != nil {
		return nil, err
	}
	var rows []stationRow
	for _, w := range snap.Workstations() {
		rows = append(rows, stationRow{w.ID, w.Name, w.Type, w.Domain, w.States, w.Linked(), w.Limit, w.Fence})
	}
	return newPage(e, rows, len(rows), snap.AsOf()), nil
}

func (s *server) engineInfo(ctx context.Context, in *EngineQuery) (*rawOutput, error) {
	return s.readOne(ctx, in.Engine, liveRead{"info", ttlStatic, func(ctx context.Context, e *Engine) (any, error) { return e.Client.EngineInfo(ctx) }})
}

type engineRow struct {
	Name        string `json:"name"`
	Environment string `json:"environment"`
	ReadOnly    bool   `json:"read_only"`
	AsOf        string `json:"as_of,omitempty" doc:"when its plan was last read"`
	Default     bool   `json:"default"`
}

type enginesOutput struct {
	Body struct {
		Engines []engineRow `json:"engines"`
	}
}

func (s *server) engines(context.Context, *struct{}) (*enginesOutput, error) {
	out := &enginesOutput{}
	for i, e := range s.Engines {
		row := engineRow{Name: e.Name, Environment: e.Environment, ReadOnly: e.ReadOnly, Default: i == 0}
		if snap := e.Plan.Snapshot(); snap != nil {
			row.AsOf = stamp(snap.AsOf())
		}
		out.Body.Engines = append(out.Body.Engines, row)
	}
	return out, nil
}
