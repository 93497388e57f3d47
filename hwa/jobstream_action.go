package hwa

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"resync/hwa/oql"
)

// The engine has no kill, confirm, rerun or update-priority for job streams. Priority and limit go through PatchJobStream.

func (c *Client) streamAction(ctx context.Context, op, name, id string, body any, j Justification) (ResourceResponse, error) {
	return c.byID(ctx, action{op: op, path: "/plan/jobstream/%s/action/" + name, body: body}, id, j)
}

func (c *Client) streamsAction(ctx context.Context, op, name string, f Filter, max int, body any, j Justification) (*FilterActionResponse, error) {
	return c.byFilter(ctx, action{op: op, path: "/plan/jobstream/action/" + name, body: body}, f, oql.JobStreams, max, j)
}

// HoldJobStream holds a job stream: its priority becomes 0 and none of its jobs starts.
func (c *Client) HoldJobStream(ctx context.Context, id string, j Justification) (ResourceResponse, error) {
	return c.streamAction(ctx, "hold_job_stream", "hold", id, nil, j)
}

// HoldJobStreams is HoldJobStream by filter.
func (c *Client) HoldJobStreams(ctx context.Context, f Filter, max int, j Justification) (*FilterActionResponse, error) {
	return c.streamsAction(ctx, "hold_job_streams", "hold", f, max, nil, j)
}

// ReleaseJobStream releases a held job stream. Its jobs may start at once.
func (c *Client) ReleaseJobStream(ctx context.Context, id string, j Justification) (ResourceResponse, error) {
	return c.streamAction(ctx, "release_job_stream", "release", id, nil, j)
}

// ReleaseJobStreams is ReleaseJobStream by filter.
func (c *Client) ReleaseJobStreams(ctx context.Context, f Filter, max int, j Justification) (*FilterActionResponse, error) {
	return c.streamsAction(ctx, "release_job_streams", "release", f, max, nil, j)
}

// CancelJobStream cancels a job stream; what waits for it is released. It cannot be undone.
func (c *Client) CancelJobStream(ctx context.Context, id string, j Justification) (ResourceResponse, error) {
	return c.streamAction(ctx, "cancel_job_stream", "cancel", id, nil, j)
}

// CancelJobStreams is CancelJobStream by filter.
func (c *Client) CancelJobStreams(ctx context.Context, f Filter, max int, j Justification) (*FilterActionResponse, error) {
	return c.streamsAction(ctx, "cancel_job_streams", "cancel", f, max, nil, j)
}

// CancelPendingJobStream cancels a job stream once its own dependencies are satisfied.
func (c *Client) CancelPendingJobStream(ctx context.Context, id string, j Justification) (ResourceResponse, error) {
	return c.streamAction(ctx, "cancel_pending_job_stream", "cancel-pending", id, nil, j)
}

// CancelPendingJobStreams is CancelPendingJobStream by filter.
func (c *Client) CancelPendingJobStreams(ctx context.Context, f Filter, max int, j Justification) (*FilterActionResponse, error) {
	return c.streamsAction(ctx, "cancel_pending_job_streams", "cancel-pending", f, max, nil, j)
}

// AddJobStreamDependencies adds dependencies to a job stream.
func (c *Client) AddJobStreamDependencies(ctx context.Context, id string, deps []Dependency, j Justification) (ResourceResponse, error) {
	return c.streamAction(ctx, "add_job_stream_dependencies", "add-dependencies", id, DependenciesInfo{deps}, j)
}

// AddJobStreamsDependencies is AddJobStreamDependencies by filter.
func (c *Client) AddJobStreamsDependencies(ctx context.Context, f Filter, max int, deps []Dependency, j Justification) (*FilterActionResponse, error) {
	return c.streamsAction(ctx, "add_job_streams_dependencies", "add-dependencies", f, max, DependenciesInfo{deps}, j)
}

// RemoveJobStreamDependencies removes dependencies, named by their ids, from a job stream.
func (c *Client) RemoveJobStreamDependencies(ctx context.Context, id string, deps []Dependency, j Justification) (ResourceResponse, error) {
	if err := needIDs("remove_job_stream_dependencies", deps); err != nil {
		return ResourceResponse{}, err
	}
	return c.streamAction(ctx, "remove_job_stream_dependencies", "remove-dependencies", id, DependenciesInfo{deps}, j)
}

// RemoveJobStreamsDependencies is RemoveJobStreamDependencies by filter.
func (c *Client) RemoveJobStreamsDependencies(ctx context.Context, f Filter, max int, deps []Dependency, j Justification) (*FilterActionResponse, error) {
	if err := needIDs("remove_job_streams_dependencies", deps); err != nil {
		return nil, err
	}
	return c.streamsAction(ctx, "remove_job_streams_dependencies", "remove-dependencies", f, max, DependenciesInfo{deps}, j)
}

// ReleaseJobStreamDependencies lets a job stream run without waiting for the dependencies named by their ids.
func (c *Client) ReleaseJobStreamDependencies(ctx context.Context, id string, deps []Dependency, j Justification) (ResourceResponse, error) {
	if err := needIDs("release_job_stream_dependencies", deps); err != nil {
		return ResourceResponse{}, err
	}
	return c.streamAction(ctx, "release_job_stream_dependencies", "release-dependencies", id, DependenciesInfo{deps}, j)
}

// ReleaseJobStreamsDependencies is ReleaseJobStreamDependencies by filter.
func (c *Client) ReleaseJobStreamsDependencies(ctx context.Context, f Filter, max int, deps []Dependency, j Justification) (*FilterActionResponse, error) {
	if err := needIDs("release_job_streams_dependencies", deps); err != nil {
		return nil, err
	}
	return c.streamsAction(ctx, "release_job_streams_dependencies", "release-dependencies", f, max, DependenciesInfo{deps}, j)
}

// ReleaseAllJobStreamDependencies lets a job stream run without waiting for anything.
func (c *Client) ReleaseAllJobStreamDependencies(ctx context.Context, id string, j Justification) (ResourceResponse, error) {
	return c.streamAction(ctx, "release_all_job_stream_dependencies", "release-all-dependencies", id, nil, j)
}

// ReleaseAllJobStreamsDependencies is ReleaseAllJobStreamDependencies by filter.
func (c *Client) ReleaseAllJobStreamsDependencies(ctx context.Context, f Filter, max int, j Justification) (*FilterActionResponse, error) {
	return c.streamsAction(ctx, "release_all_job_streams_dependencies", "release-all-dependencies", f, max, nil, j)
}

// PatchJobStream changes fields of a job stream by JSON merge patch: priority, limit, times …
func (c *Client) PatchJobStream(ctx context.Context, id string, patch json.RawMessage, j Justification) (ResourceResponse, error) {
	return c.patch(ctx, "patch_job_stream", "/plan/jobstream/%s", id, patch, j)
}

// PatchJobStreamNoValidate is PatchJobStream without the engine's validation of the result.
func (c *Client) PatchJobStreamNoValidate(ctx context.Context, id string, patch json.RawMessage, j Justification) (ResourceResponse, error) {
	return c.patch(ctx, "patch_job_stream_no_validate", "/plan/jobstream/%s/no-validate", id, patch, j)
}

// PatchJobStreams is PatchJobStream by filter.
func (c *Client) PatchJobStreams(ctx context.Context, f Filter, max int, patch json.RawMessage, j Justification) (*FilterActionResponse, error) {
	return c.patchAll(ctx, "patch_job_streams", "/plan/jobstream", f, oql.JobStreams, max, patch, j)
}

// UpdateJobStreamPriority sets the priority of a job stream, 0 to 101, by patch.
func (c *Client) UpdateJobStreamPriority(ctx context.Context, id string, priority int, j Justification) (ResourceResponse, error) {
	if err := inRange("update_job_stream_priority", "priority", priority, 0, 101); err != nil {
		return ResourceResponse{}, err
	}
	return c.byID(ctx, action{op: "update_job_stream_priority", method: http.MethodPatch, path: "/plan/jobstream/%s", body: map[string]int{"priority": priority}}, id, j)
}

// UpdateJobStreamLimit sets how many jobs of a stream may run at once, -1 for no limit, by patch.
func (c *Client) UpdateJobStreamLimit(ctx context.Context, id string, limit int, j Justification) (ResourceResponse, error) {
	if err := inRange("update_job_stream_limit", "limit", limit, -1, 1024); err != nil {
		return ResourceResponse{}, err
	}
	return c.byID(ctx, action{op: "update_job_stream_limit", method: http.MethodPatch, path: "/plan/jobstream/%s", body: map[string]int{"limit": limit}}, id, j)
}

// RerunJobStreamSuccessors reruns what follows a job stream, down to depth levels (0 for the engine's default). The engine takes
// no justification here, and no limit of affected objects.
func (c *Client) RerunJobStreamSuccessors(ctx context.Context, id string, depth int) (*FilterActionResponse, error) {
	a := action{op: "rerun_job_stream_successors", query: url.Values{}}
	path, err := pathOf(a.op, "/plan/jobstream/%s/successors/action/rerun", id)
	if err != nil {
		return nil, err
	}
	if depth < 0 {
		return nil, invalid(words(a.op, id), "depth %d is negative", depth)
	}
	if depth > 0 {
		a.query.Set("depth", strconv.Itoa(depth))
	}
	a.path = path
	out := new(FilterActionResponse)
	if err := c.act(ctx, a, id, Justification{}, readJSON(out)); err != nil {
		return nil, err
	}
	return out, verdict(a.op, id, out)
}
