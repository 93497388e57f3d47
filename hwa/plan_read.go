package hwa

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"resync/hwa/oql"
)

// The lists of the plan.
var (
	jobList         = listing{op: "list_jobs", path: "/plan/job", kind: oql.Jobs, plan: true, scope: true}
	jobStreamList   = listing{op: "list_job_streams", path: "/plan/jobstream", kind: oql.JobStreams, plan: true, scope: true}
	workstationList = listing{op: "list_workstations", path: "/plan/workstation", kind: oql.Workstations}
	resourceList    = listing{op: "list_resources", path: "/plan/resource", kind: oql.Resources, plan: true}
	promptList      = listing{op: "list_prompts", path: "/plan/prompt", kind: oql.Prompts, since: "10.2.8"}
)

// Jobs lists jobs of the plan, page by page as the loop proceeds. An error ends the list and comes last. Dependencies are not
// filled in: read a job with Job for them. For pictures of the whole plan see JobHeads.
func (c *Client) Jobs(ctx context.Context, opt ListOptions) iter.Seq2[*JobInPlan, error] {
	return list[JobInPlan](ctx, c, jobList, opt)
}

// JobStreams lists job streams of the plan.
func (c *Client) JobStreams(ctx context.Context, opt ListOptions) iter.Seq2[*JobStreamInPlan, error] {
	return list[JobStreamInPlan](ctx, c, jobStreamList, opt)
}

// Workstations lists workstations of the plan.
func (c *Client) Workstations(ctx context.Context, opt ListOptions) iter.Seq2[*WorkstationInPlan, error] {
	return list[WorkstationInPlan](ctx, c, workstationList, opt)
}

// Resources lists resources of the plan.
func (c *Client) Resources(ctx context.Context, opt ListOptions) iter.Seq2[*ResourceInPlan, error] {
	return list[ResourceInPlan](ctx, c, resourceList, opt)
}

// Prompts lists prompts of the plan. Engines before 10.2.8 answer KindNotSupported: there, prompts show only as dependencies.
func (c *Client) Prompts(ctx context.Context, opt ListOptions) iter.Seq2[*PromptInPlan, error] {
	return list[PromptInPlan](ctx, c, promptList, opt)
}

// one reads one object by id.
func one[T any](ctx context.Context, c *Client, op, path, id, since string) (*T, error) {
	p, err := pathOf(op, path, id)
	if err != nil {
		return nil, err
	}
	v := new(T)
	r := &request{op: op, target: id, method: http.MethodGet, path: p, since: since}
	if err := c.do(ctx, r, readJSON(v)); err != nil {
		return nil, err
	}
	return v, nil
}

// Job reads a job of the current plan with its dependencies and runs.
func (c *Client) Job(ctx context.Context, id string) (*JobInPlan, error) {
	return one[JobInPlan](ctx, c, "read_job", "/plan/job/%s", id, "")
}

// JobStream reads a job stream of the current plan.
func (c *Client) JobStream(ctx context.Context, id string) (*JobStreamInPlan, error) {
	return one[JobStreamInPlan](ctx, c, "read_job_stream", "/plan/jobstream/%s", id, "")
}

// Workstation reads a workstation of the plan.
func (c *Client) Workstation(ctx context.Context, id string) (*WorkstationInPlan, error) {
	return one[WorkstationInPlan](ctx, c, "read_workstation", "/plan/workstation/%s", id, "")
}

// Resource reads a resource of the plan with its holders.
func (c *Client) Resource(ctx context.Context, id string) (*ResourceInPlan, error) {
	return one[ResourceInPlan](ctx, c, "read_resource", "/plan/resource/%s", id, "")
}

// Prompt reads a prompt of the plan (10.2.8).
func (c *Client) Prompt(ctx context.Context, id string) (*PromptInPlan, error) {
	return one[PromptInPlan](ctx, c, "read_prompt", "/plan/prompt/%s", id, "10.2.8")
}

// CountOptions say what a count counts. The zero value counts everything, ungrouped.
type CountOptions struct {
	Plan    *oql.PlanFilter // nil for all objects; the engine takes no OQL here
	GroupBy []string        // among "workstation", "status", "folder"
	PlanID  string          // "" for the current plan
}

// JobCount counts jobs: one small answer whatever the size of the plan.
func (c *Client) JobCount(ctx context.Context, opt CountOptions) (*GroupedCountResponse, error) {
	return c.count(ctx, "count_jobs", "/plan/job/count", oql.Jobs, opt)
}

// JobStreamCount counts job streams.
func (c *Client) JobStreamCount(ctx context.Context, opt CountOptions) (*GroupedCountResponse, error) {
	return c.count(ctx, "count_job_streams", "/plan/jobstream/count", oql.JobStreams, opt)
}

func (c *Client) count(ctx context.Context, op, path string, kind oql.ObjectKind, opt CountOptions) (*GroupedCountResponse, error) {
	filter := opt.Plan
	if filter == nil {
		all := oql.AllObjects(kind)
		filter = &all
	}
	q := url.Values{}
	if err := (Filter{Plan: filter}).addTo(q, kind, "plan_filter"); err != nil {
		return nil, invalid(words(op, ""), "%w", err)
	}
	for _, g := range opt.GroupBy {
		if !slices.Contains([]string{"workstation", "status", "folder"}, g) {
			return nil, invalid(words(op, ""), "cannot group by %q, only by workstation, status and folder", g)
		}
	}
	if len(opt.GroupBy) > 0 {
		q.Set("grouping_filters", strings.Join(opt.GroupBy, ","))
	}
	if opt.PlanID != "" {
		q.Set("plan_id", opt.PlanID)
	}
	out := new(GroupedCountResponse)
	return out, c.get(ctx, op, "", path, q, out)
}

// JobIssues asks the engine why the selected jobs do not start. Only the filter of opt is used, and it must not be empty.
func (c *Client) JobIssues(ctx context.Context, opt ListOptions) ([]Issue, error) {
	q := url.Values{}
	if opt.Filter.IsZero() {
		return nil, invalid("read job issues", "the filter is empty: name the job, e.g. with WithID")
	}
	if err := opt.Filter.addTo(q, oql.Jobs, "plan_filter"); err != nil {
		return nil, invalid("read job issues", "%w", err)
	}
	var out IssuesResponse
	err := c.get(ctx, "read_job_issues", clip(opt.Filter.String(), 200), "/plan/job/issues", q, &out)
	return out.Issues, err
}

// JobPredecessors lists what a job waits for, down to depth levels (0 for the engine's default).
func (c *Client) JobPredecessors(ctx context.Context, id string, depth int) ([]FlowNode, error) {
	return c.neighbours(ctx, "read_job_predecessors", "/plan/job/%s/predecessors", id, depth)
}

// JobSuccessors lists what waits for a job, down to depth levels (0 for the engine's default).
func (c *Client) JobSuccessors(ctx context.Context, id string, depth int) ([]FlowNode, error) {
	return c.neighbours(ctx, "read_job_successors", "/plan/job/%s/successors", id, depth)
}

// JobStreamPredecessors lists what a job stream waits for.
func (c *Client) JobStreamPredecessors(ctx context.Context, id string, depth int) ([]FlowNode, error) {
	return c.neighbours(ctx, "read_job_stream_predecessors", "/plan/jobstream/%s/predecessors", id, depth)
}

// JobStreamSuccessors lists what waits for a job stream.
func (c *Client) JobStreamSuccessors(ctx context.Context, id string, depth int) ([]FlowNode, error) {
	return c.neighbours(ctx, "read_job_stream_successors", "/plan/jobstream/%s/successors", id, depth)
}

func (c *Client) neighbours(ctx context.Context, op, path, id string, depth int) ([]FlowNode, error) {
	p, err := pathOf(op, path, id)
	if err != nil {
		return nil, err
	}
	q := url.Values{}
	if depth < 0 {
		return nil, invalid(words(op, id), "depth %d is negative", depth)
	}
	if depth > 0 {
		q.Set("depth", strconv.Itoa(depth))
	}
	var out List[FlowNode]
	err = c.get(ctx, op, id, p, q, &out)
	return out.Results, err
}

// JobDefinitionText reads the definition of a job in the plan as the engine describes it; the keys differ by task type.
func (c *Client) JobDefinitionText(ctx context.Context, id string) (map[string]json.RawMessage, error) {
	return c.description(ctx, "read_job_definition", "/plan/job/%s/model/description", id)
}

// JobStreamDefinitionText reads the definition of a job stream in the plan.
func (c *Client) JobStreamDefinitionText(ctx context.Context, id string) (map[string]json.RawMessage, error) {
	return c.description(ctx, "read_job_stream_definition", "/plan/jobstream/%s/model/description", id)
}

func (c *Client) description(ctx context.Context, op, path, id string) (map[string]json.RawMessage, error) {
	p, err := pathOf(op, path, id)
	if err != nil {
		return nil, err
	}
	var out map[string]json.RawMessage
	err = c.get(ctx, op, id, p, nil, &out)
	return out, err
}

// FolderCounts counts the objects of one type in the folders the query selects.
func (c *Client) FolderCounts(ctx context.Context, objects ObjectType, folders oql.Query) ([]ObjectFolderCount, error) {
	q := url.Values{"object_type": {string(objects)}}
	if err := (Filter{OQL: folders}).addTo(q, oql.Jobs, ""); err != nil {
		return nil, invalid("count objects by folder", "%w", err)
	}
	if objects == "" || !q.Has("oql") {
		return nil, invalid("count objects by folder", "an object type and a query for the folders are needed")
	}
	var out []ObjectFolderCount
	err := c.get(ctx, "count_objects_by_folder", string(objects), "/plan/folder/objects-count", q, &out)
	return out, err
}

// ConsumedJobs reads the licence counters.
func (c *Client) ConsumedJobs(ctx context.Context, period StatsPeriod) ([]ConsumedJobs, error) {
	q := url.Values{}
	if period != "" {
		q.Set("period", string(period))
	}
	var out []ConsumedJobs
	err := c.get(ctx, "read_consumed_jobs", "", "/plan/consumed-jobs/runs", q, &out)
	return out, err
}
