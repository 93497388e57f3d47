package hwa

import (
	"context"
	"encoding/json"
	"net/http"

	"resync/hwa/oql"
)

// SubmitJob puts a job of the database into the plan, by the id of its definition. An engine of type conflict means that the job
// stream has a job of that name already: give an alias.
func (c *Client) SubmitJob(ctx context.Context, modelID string, opt SubmitJobOptions, j Justification) (ResourceResponse, error) {
	return c.byID(ctx, action{op: "submit_job", method: http.MethodPost, path: "/plan/job/%s/submit", body: opt}, modelID, j)
}

// SubmitJobs submits the job definitions an OQL filter selects, max at most.
func (c *Client) SubmitJobs(ctx context.Context, f Filter, max int, opt SubmitJobOptions, j Justification) (*FilterActionResponse, error) {
	return c.byFilter(ctx, action{op: "submit_jobs", method: http.MethodPost, path: "/plan/job/submit", body: opt}, f, oql.Jobs, max, j)
}

// SubmitAdHocJob puts a job that has no definition into the plan, into the stream JOBS unless opt names another. The id in the
// answer may be a composite ("MDMDA;JOBS;SLEEP") that other operations do not take: find the job by name then.
func (c *Client) SubmitAdHocJob(ctx context.Context, opt SubmitAdHocJobOptions, j Justification) (ResourceResponse, error) {
	a := action{op: "submit_ad_hoc_job", method: http.MethodPost, path: "/plan/job/submit-ad-hoc-job", body: opt}
	if !json.Valid(opt.Task) || len(opt.Task) == 0 || opt.Task[0] != '{' {
		return ResourceResponse{}, invalid(words(a.op, ""), "the task is missing or not a JSON object")
	}
	var out ResourceResponse
	err := c.act(ctx, a, opt.Alias, j, readMaybeJSON(&out))
	return out, err
}

// SubmitJobStream puts a job stream of the database into the plan, by the id of its definition, and returns what was submitted.
func (c *Client) SubmitJobStream(ctx context.Context, modelID string, opt SubmitJobStreamOptions, j Justification) ([]ResourceResponse, error) {
	a := action{op: "submit_job_stream", method: http.MethodPost, body: opt}
	path, err := pathOf(a.op, "/plan/jobstream/%s/submit", modelID)
	if err != nil {
		return nil, err
	}
	a.path = path
	var out List[ResourceResponse]
	err = c.act(ctx, a, modelID, j, readMaybeJSON(&out))
	return out.Results, err
}

// SubmitJobStreams submits the job stream definitions an OQL filter selects, max at most.
func (c *Client) SubmitJobStreams(ctx context.Context, f Filter, max int, opt SubmitJobStreamOptions, j Justification) (*FilterActionResponse, error) {
	return c.byFilter(ctx, action{op: "submit_job_streams", method: http.MethodPost, path: "/plan/jobstream/submit", body: opt}, f, oql.JobStreams, max, j)
}
