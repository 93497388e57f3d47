package hwa

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"resync/hwa/oql"
)

// All actions are accepted, not done, when they return nil: the engine queues them. Read the object again to see the effect.
// Every action on one object has a twin on a filter; its max is the number of objects the engine may touch at most, and its
// error is not nil when any object was refused.

func (c *Client) jobAction(ctx context.Context, op, name, id string, body any, j Justification) (ResourceResponse, error) {
	return c.byID(ctx, action{op: op, path: "/plan/job/%s/action/" + name, body: body}, id, j)
}

func (c *Client) jobsAction(ctx context.Context, op, name string, f Filter, max int, body any, j Justification) (*FilterActionResponse, error) {
	return c.byFilter(ctx, action{op: op, path: "/plan/job/action/" + name, body: body}, f, oql.Jobs, max, j)
}

// HoldJob holds a job: its priority becomes 0 and it does not start.
func (c *Client) HoldJob(ctx context.Context, id string, j Justification) (ResourceResponse, error) {
	return c.jobAction(ctx, "hold_job", "hold", id, nil, j)
}

// HoldJobs is HoldJob by filter.
func (c *Client) HoldJobs(ctx context.Context, f Filter, max int, j Justification) (*FilterActionResponse, error) {
	return c.jobsAction(ctx, "hold_jobs", "hold", f, max, nil, j)
}

// ReleaseJob releases a held job. It may start at once.
func (c *Client) ReleaseJob(ctx context.Context, id string, j Justification) (ResourceResponse, error) {
	return c.jobAction(ctx, "release_job", "release", id, nil, j)
}

// ReleaseJobs is ReleaseJob by filter.
func (c *Client) ReleaseJobs(ctx context.Context, f Filter, max int, j Justification) (*FilterActionResponse, error) {
	return c.jobsAction(ctx, "release_jobs", "release", f, max, nil, j)
}

// CancelJob cancels a job: it never starts, and what waits for it is released. It cannot be undone.
func (c *Client) CancelJob(ctx context.Context, id string, j Justification) (ResourceResponse, error) {
	return c.jobAction(ctx, "cancel_job", "cancel", id, nil, j)
}

// CancelJobs is CancelJob by filter.
func (c *Client) CancelJobs(ctx context.Context, f Filter, max int, j Justification) (*FilterActionResponse, error) {
	return c.jobsAction(ctx, "cancel_jobs", "cancel", f, max, nil, j)
}

// CancelPendingJob cancels a job once its own dependencies are satisfied.
func (c *Client) CancelPendingJob(ctx context.Context, id string, j Justification) (ResourceResponse, error) {
	return c.jobAction(ctx, "cancel_pending_job", "cancel-pending", id, nil, j)
}

// CancelPendingJobs is CancelPendingJob by filter.
func (c *Client) CancelPendingJobs(ctx context.Context, f Filter, max int, j Justification) (*FilterActionResponse, error) {
	return c.jobsAction(ctx, "cancel_pending_jobs", "cancel-pending", f, max, nil, j)
}

// KillJob kills a running job: it ends in ABEND and what waits for it stays held. It cannot be undone.
func (c *Client) KillJob(ctx context.Context, id string, j Justification) (ResourceResponse, error) {
	return c.jobAction(ctx, "kill_job", "kill", id, nil, j)
}

// KillJobs is KillJob by filter.
func (c *Client) KillJobs(ctx context.Context, f Filter, max int, j Justification) (*FilterActionResponse, error) {
	return c.jobsAction(ctx, "kill_jobs", "kill", f, max, nil, j)
}

// ConfirmJobSucc confirms a job as successful, with the output conditions named. What waits for it is released; it has no
// inverse.
func (c *Client) ConfirmJobSucc(ctx context.Context, id string, j Justification, conditions ...string) (ResourceResponse, error) {
	return c.jobAction(ctx, "confirm_succ_job", "confirm-succ", id, conditionsOf(conditions), j)
}

// ConfirmJobsSucc is ConfirmJobSucc by filter.
func (c *Client) ConfirmJobsSucc(ctx context.Context, f Filter, max int, j Justification, conditions ...string) (*FilterActionResponse, error) {
	return c.jobsAction(ctx, "confirm_succ_jobs", "confirm-succ", f, max, conditionsOf(conditions), j)
}

// ConfirmJobAbend confirms a job as abended, with the output conditions named.
func (c *Client) ConfirmJobAbend(ctx context.Context, id string, j Justification, conditions ...string) (ResourceResponse, error) {
	return c.jobAction(ctx, "confirm_abend_job", "confirm-abend", id, conditionsOf(conditions), j)
}

// ConfirmJobsAbend is ConfirmJobAbend by filter.
func (c *Client) ConfirmJobsAbend(ctx context.Context, f Filter, max int, j Justification, conditions ...string) (*FilterActionResponse, error) {
	return c.jobsAction(ctx, "confirm_abend_jobs", "confirm-abend", f, max, conditionsOf(conditions), j)
}

// conditionsOf sends [] rather than null for none.
func conditionsOf(names []string) Conditions {
	return Conditions{Conditions: append([]string{}, names...)}
}

// AddJobDependencies adds dependencies to a job. Their ids are the engine's: read the job again to learn them.
func (c *Client) AddJobDependencies(ctx context.Context, id string, deps []Dependency, j Justification) (ResourceResponse, error) {
	return c.jobAction(ctx, "add_job_dependencies", "add-dependencies", id, DependenciesInfo{deps}, j)
}

// AddJobsDependencies is AddJobDependencies by filter.
func (c *Client) AddJobsDependencies(ctx context.Context, f Filter, max int, deps []Dependency, j Justification) (*FilterActionResponse, error) {
	return c.jobsAction(ctx, "add_jobs_dependencies", "add-dependencies", f, max, DependenciesInfo{deps}, j)
}

// RemoveJobDependencies removes dependencies, named by their ids, from a job.
func (c *Client) RemoveJobDependencies(ctx context.Context, id string, deps []Dependency, j Justification) (ResourceResponse, error) {
	if err := needIDs("remove_job_dependencies", deps); err != nil {
		return ResourceResponse{}, err
	}
	return c.jobAction(ctx, "remove_job_dependencies", "remove-dependencies", id, DependenciesInfo{deps}, j)
}

// RemoveJobsDependencies is RemoveJobDependencies by filter.
func (c *Client) RemoveJobsDependencies(ctx context.Context, f Filter, max int, deps []Dependency, j Justification) (*FilterActionResponse, error) {
	if err := needIDs("remove_jobs_dependencies", deps); err != nil {
		return nil, err
	}
	return c.jobsAction(ctx, "remove_jobs_dependencies", "remove-dependencies", f, max, DependenciesInfo{deps}, j)
}

// ReleaseJobDependencies lets a job run without waiting for the dependencies named by their ids, this run only.
func (c *Client) ReleaseJobDependencies(ctx context.Context, id string, deps []Dependency, j Justification) (ResourceResponse, error) {
	if err := needIDs("release_job_dependencies", deps); err != nil {
		return ResourceResponse{}, err
	}
	return c.jobAction(ctx, "release_job_dependencies", "release-dependencies", id, DependenciesInfo{deps}, j)
}

// ReleaseJobsDependencies is ReleaseJobDependencies by filter.
func (c *Client) ReleaseJobsDependencies(ctx context.Context, f Filter, max int, deps []Dependency, j Justification) (*FilterActionResponse, error) {
	if err := needIDs("release_jobs_dependencies", deps); err != nil {
		return nil, err
	}
	return c.jobsAction(ctx, "release_jobs_dependencies", "release-dependencies", f, max, DependenciesInfo{deps}, j)
}

// ReleaseAllJobDependencies lets a job run without waiting for anything, this run only.
func (c *Client) ReleaseAllJobDependencies(ctx context.Context, id string, j Justification) (ResourceResponse, error) {
	return c.jobAction(ctx, "release_all_job_dependencies", "release-all-dependencies", id, nil, j)
}

// ReleaseAllJobsDependencies is ReleaseAllJobDependencies by filter.
func (c *Client) ReleaseAllJobsDependencies(ctx context.Context, f Filter, max int, j Justification) (*FilterActionResponse, error) {
	return c.jobsAction(ctx, "release_all_jobs_dependencies", "release-all-dependencies", f, max, nil, j)
}

func needIDs(op string, deps []Dependency) error {
	if len(deps) == 0 {
		return invalid(words(op, ""), "no dependency is named")
	}
	for _, d := range deps {
		if d.ID == "" {
			return invalid(words(op, ""), "a dependency has no id: read the object again to learn it")
		}
	}
	return nil
}

// RerunJob runs a job again. It takes the id of the run (JobRun.ID), not that of the job. It cannot be undone.
func (c *Client) RerunJob(ctx context.Context, runID string, d RerunDetails, j Justification) (ResourceResponse, error) {
	return c.byID(ctx, action{op: "rerun_job", path: "/plan/job/run/%s/action/rerun", body: d}, runID, j)
}

// RerunJobs is RerunJob by a filter on jobs.
func (c *Client) RerunJobs(ctx context.Context, f Filter, max int, d RerunDetails, j Justification) (*FilterActionResponse, error) {
	return c.jobsAction(ctx, "rerun_jobs", "rerun", f, max, d, j)
}

// UpdateJobPriority sets the priority of a job, 0 to 101 (100 is hi, 101 is go). The engine's own operation for it takes no
// justification, so with one the priority is patched instead.
func (c *Client) UpdateJobPriority(ctx context.Context, id string, priority int, j Justification) (ResourceResponse, error) {
	if err := inRange("update_job_priority", "priority", priority, 0, 101); err != nil {
		return ResourceResponse{}, err
	}
	if !j.IsZero() {
		return c.byID(ctx, action{op: "update_job_priority", method: http.MethodPatch, path: "/plan/job/%s", body: map[string]int{"priority": priority}}, id, j)
	}
	q := url.Values{"priority": {strconv.Itoa(priority)}}
	return c.byID(ctx, action{op: "update_job_priority", path: "/plan/job/%s/action/update-priority", query: q}, id, j)
}

func inRange(op, name string, v, low, high int) error {
	if v < low || v > high {
		return invalid(words(op, ""), "%s %d is out of range, want %d to %d", name, v, low, high)
	}
	return nil
}

// PatchJob changes fields of a job by JSON merge patch (RFC 7396): patch holds only what changes.
func (c *Client) PatchJob(ctx context.Context, id string, patch json.RawMessage, j Justification) (ResourceResponse, error) {
	return c.patch(ctx, "patch_job", "/plan/job/%s", id, patch, j)
}

// PatchJobs is PatchJob by filter.
func (c *Client) PatchJobs(ctx context.Context, f Filter, max int, patch json.RawMessage, j Justification) (*FilterActionResponse, error) {
	return c.patchAll(ctx, "patch_jobs", "/plan/job", f, oql.Jobs, max, patch, j)
}

// PatchJobDefinition changes the definition of a job in the plan by merge patch and returns the engine's answer. The engine takes
// no justification here and has no other form that does.
func (c *Client) PatchJobDefinition(ctx context.Context, id string, patch json.RawMessage) (map[string]json.RawMessage, error) {
	a := action{op: "patch_job_definition", method: http.MethodPatch}
	if err := checkPatch(a.op, patch); err != nil {
		return nil, err
	}
	path, err := pathOf(a.op, "/plan/job/%s/model", id)
	if err != nil {
		return nil, err
	}
	a.path, a.body = path, patch
	var out map[string]json.RawMessage
	err = c.act(ctx, a, id, Justification{}, readMaybeJSON(&out))
	return out, err
}

func (c *Client) patch(ctx context.Context, op, path, id string, patch json.RawMessage, j Justification) (ResourceResponse, error) {
	if err := checkPatch(op, patch); err != nil {
		return ResourceResponse{}, err
	}
	return c.byID(ctx, action{op: op, method: http.MethodPatch, path: path, body: patch}, id, j)
}

func (c *Client) patchAll(ctx context.Context, op, path string, f Filter, kind oql.ObjectKind, max int, patch json.RawMessage, j Justification) (*FilterActionResponse, error) {
	if err := checkPatch(op, patch); err != nil {
		return nil, err
	}
	return c.byFilter(ctx, action{op: op, method: http.MethodPatch, path: path, body: patch}, f, kind, max, j)
}

// checkPatch wants a JSON object with at least one field.
func checkPatch(op string, patch json.RawMessage) error {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(patch, &m); err != nil || len(m) == 0 {
		return invalid(words(op, ""), "the patch must be a JSON object with at least one field")
	}
	return nil
}

// RunJobCommand sends a command to a running job, by the id of the run. It is not offered by filter: that operation of the engine
// has no limit of affected objects.
func (c *Client) RunJobCommand(ctx context.Context, runID string, cmd JobCommand, j Justification) error {
	_, err := c.byID(ctx, action{op: "run_job_command", path: "/plan/job/run/%s/action/run-command", body: cmd}, runID, j)
	return err
}

// RunJobCommandJSON is RunJobCommand for commands that answer with JSON.
func (c *Client) RunJobCommandJSON(ctx context.Context, runID string, cmd JobCommand, j Justification) (json.RawMessage, error) {
	a := action{op: "run_job_command_json", body: cmd}
	path, err := pathOf(a.op, "/plan/job/run/%s/action/run-command-json", runID)
	if err != nil {
		return nil, err
	}
	a.path = path
	var out json.RawMessage
	err = c.act(ctx, a, runID, j, readMaybeJSON(&out))
	return out, err
}
