package hwa

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"resync/hwa/oql"
)

// The engine's actions on one workstation take no justification. With one, the client uses the by-filter form on the id alone;
// set-online and set-offline have no such form and therefore no justification here.

func (c *Client) wsAction(ctx context.Context, op, name, id string, q url.Values, body any, j Justification) (ResourceResponse, error) {
	direct := action{op: op, path: "/plan/workstation/%s/action/" + name, query: q, body: body}
	filtered := action{op: op, path: "/plan/workstation/action/" + name, query: q, body: body}
	return c.twin(ctx, direct, filtered, oql.Workstations, id, j)
}

func (c *Client) wssAction(ctx context.Context, op, name string, f Filter, max int, q url.Values, body any, j Justification) (*FilterActionResponse, error) {
	return c.byFilter(ctx, action{op: op, path: "/plan/workstation/action/" + name, query: q, body: body}, f, oql.Workstations, max, j)
}

// wsKeyAction runs an action on the workstation with a key such as "/MDM": the form that takes a justification.
func (c *Client) wsKeyAction(ctx context.Context, op, name, key string, j Justification) (ResourceResponse, error) {
	if err := checkID(key); err != nil {
		return ResourceResponse{}, invalid(words(op, ""), "the workstation's key: %w", err)
	}
	a := action{op: op, path: "/plan/workstation/action/" + name, query: url.Values{"key": {key}}}
	var out ResourceResponse
	err := c.act(ctx, a, key, j, readMaybeJSON(&out))
	return out, err
}

// LinkWorkstation opens the link to a workstation.
func (c *Client) LinkWorkstation(ctx context.Context, id string, j Justification) (ResourceResponse, error) {
	return c.wsAction(ctx, "link_workstation", "link", id, nil, nil, j)
}

// LinkWorkstations is LinkWorkstation by filter.
func (c *Client) LinkWorkstations(ctx context.Context, f Filter, max int, j Justification) (*FilterActionResponse, error) {
	return c.wssAction(ctx, "link_workstations", "link", f, max, nil, nil, j)
}

// UnlinkWorkstation closes the link to a workstation: its jobs are no longer sent or reported.
func (c *Client) UnlinkWorkstation(ctx context.Context, id string, j Justification) (ResourceResponse, error) {
	return c.wsAction(ctx, "unlink_workstation", "unlink", id, nil, nil, j)
}

// UnlinkWorkstations is UnlinkWorkstation by filter.
func (c *Client) UnlinkWorkstations(ctx context.Context, f Filter, max int, j Justification) (*FilterActionResponse, error) {
	return c.wssAction(ctx, "unlink_workstations", "unlink", f, max, nil, nil, j)
}

// StartWorkstation starts the scheduler's processes on a workstation.
func (c *Client) StartWorkstation(ctx context.Context, id string, j Justification) (ResourceResponse, error) {
	return c.wsAction(ctx, "start_workstation", "start", id, nil, nil, j)
}

// StartWorkstations is StartWorkstation by filter.
func (c *Client) StartWorkstations(ctx context.Context, f Filter, max int, j Justification) (*FilterActionResponse, error) {
	return c.wssAction(ctx, "start_workstations", "start", f, max, nil, nil, j)
}

// StopWorkstation stops the scheduler's processes on a workstation: no further job starts there.
func (c *Client) StopWorkstation(ctx context.Context, id string, j Justification) (ResourceResponse, error) {
	return c.wsAction(ctx, "stop_workstation", "stop", id, nil, nil, j)
}

// StopWorkstations is StopWorkstation by filter.
func (c *Client) StopWorkstations(ctx context.Context, f Filter, max int, j Justification) (*FilterActionResponse, error) {
	return c.wssAction(ctx, "stop_workstations", "stop", f, max, nil, nil, j)
}

// SetWorkstationOnline sets a workstation online. The engine takes no justification.
func (c *Client) SetWorkstationOnline(ctx context.Context, id string) (ResourceResponse, error) {
	return c.byID(ctx, action{op: "set_workstation_online", path: "/plan/workstation/%s/action/set-online"}, id, Justification{})
}

// SetWorkstationOffline sets a workstation offline. The engine takes no justification.
func (c *Client) SetWorkstationOffline(ctx context.Context, id string) (ResourceResponse, error) {
	return c.byID(ctx, action{op: "set_workstation_offline", path: "/plan/workstation/%s/action/set-offline"}, id, Justification{})
}

// UpdateWorkstationLimit sets how many jobs may run on a workstation at once, 0 to 1024. With 0 nothing starts.
func (c *Client) UpdateWorkstationLimit(ctx context.Context, id string, limit int, j Justification) (ResourceResponse, error) {
	if err := inRange("update_workstation_limit", "limit", limit, 0, 1024); err != nil {
		return ResourceResponse{}, err
	}
	return c.wsAction(ctx, "update_workstation_limit", "update-limit", id, url.Values{"limit": {strconv.Itoa(limit)}}, nil, j)
}

// UpdateWorkstationLimits is UpdateWorkstationLimit by filter.
func (c *Client) UpdateWorkstationLimits(ctx context.Context, f Filter, max, limit int, j Justification) (*FilterActionResponse, error) {
	if err := inRange("update_workstation_limits", "limit", limit, 0, 1024); err != nil {
		return nil, err
	}
	return c.wssAction(ctx, "update_workstation_limits", "update-limit", f, max, url.Values{"limit": {strconv.Itoa(limit)}}, nil, j)
}

// UpdateWorkstationFence sets the fence of a workstation, 0 to 101: only jobs with a higher priority start.
func (c *Client) UpdateWorkstationFence(ctx context.Context, id string, fence int, j Justification) (ResourceResponse, error) {
	if err := inRange("update_workstation_fence", "fence", fence, 0, 101); err != nil {
		return ResourceResponse{}, err
	}
	return c.wsAction(ctx, "update_workstation_fence", "update-fence", id, fenceQuery(fence), nil, j)
}

// UpdateWorkstationFences is UpdateWorkstationFence by filter.
func (c *Client) UpdateWorkstationFences(ctx context.Context, f Filter, max, fence int, j Justification) (*FilterActionResponse, error) {
	if err := inRange("update_workstation_fences", "fence", fence, 0, 101); err != nil {
		return nil, err
	}
	return c.wssAction(ctx, "update_workstation_fences", "update-fence", f, max, fenceQuery(fence), nil, j)
}

// fenceQuery sends both names of the parameter: 10.1 calls it priority, 10.2.8 fence.
func fenceQuery(fence int) url.Values {
	v := strconv.Itoa(fence)
	return url.Values{"priority": {v}, "fence": {v}}
}

// StartEventMonitoring starts the event monitoring engine of a workstation.
func (c *Client) StartEventMonitoring(ctx context.Context, id string, j Justification) (ResourceResponse, error) {
	return c.wsAction(ctx, "start_event_monitoring", "start-event-monitoring", id, nil, nil, j)
}

// StartEventMonitoringAll is StartEventMonitoring by filter.
func (c *Client) StartEventMonitoringAll(ctx context.Context, f Filter, max int, j Justification) (*FilterActionResponse, error) {
	return c.wssAction(ctx, "start_event_monitoring_all", "start-event-monitoring", f, max, nil, nil, j)
}

// StopEventMonitoring stops the event monitoring engine of a workstation.
func (c *Client) StopEventMonitoring(ctx context.Context, id string, j Justification) (ResourceResponse, error) {
	return c.wsAction(ctx, "stop_event_monitoring", "stop-event-monitoring", id, nil, nil, j)
}

// StopEventMonitoringAll is StopEventMonitoring by filter.
func (c *Client) StopEventMonitoringAll(ctx context.Context, f Filter, max int, j Justification) (*FilterActionResponse, error) {
	return c.wssAction(ctx, "stop_event_monitoring_all", "stop-event-monitoring", f, max, nil, nil, j)
}

// UpgradeWorkstation starts the upgrade of an agent. It cannot be undone.
func (c *Client) UpgradeWorkstation(ctx context.Context, id string, j Justification) (ResourceResponse, error) {
	return c.wsAction(ctx, "upgrade_workstation", "upgrade", id, nil, nil, j)
}

// UpgradeWorkstations is UpgradeWorkstation by filter.
func (c *Client) UpgradeWorkstations(ctx context.Context, f Filter, max int, j Justification) (*FilterActionResponse, error) {
	return c.wssAction(ctx, "upgrade_workstations", "upgrade", f, max, nil, nil, j)
}

// ConnectToHostCPU runs the connect-to-host-cpu action of a workstation.
func (c *Client) ConnectToHostCPU(ctx context.Context, id string, info WorkstationConnectInfo, j Justification) (ResourceResponse, error) {
	return c.wsAction(ctx, "connect_to_host_cpu", "connect-to-host-cpu", id, nil, info, j)
}

// ConnectToHostCPUAll is ConnectToHostCPU by filter.
func (c *Client) ConnectToHostCPUAll(ctx context.Context, f Filter, max int, info WorkstationConnectInfo, j Justification) (*FilterActionResponse, error) {
	return c.wssAction(ctx, "connect_to_host_cpu_all", "connect-to-host-cpu", f, max, nil, info, j)
}

// StartEventProcessor starts the event processor on the workstation with this key.
func (c *Client) StartEventProcessor(ctx context.Context, key string, j Justification) (ResourceResponse, error) {
	return c.wsKeyAction(ctx, "start_event_processor", "start-event-processor", key, j)
}

// StopEventProcessor stops the event processor on the workstation with this key.
func (c *Client) StopEventProcessor(ctx context.Context, key string, j Justification) (ResourceResponse, error) {
	return c.wsKeyAction(ctx, "stop_event_processor", "stop-event-processor", key, j)
}

// SwitchEventProcessor moves the event processor to the workstation with this key.
func (c *Client) SwitchEventProcessor(ctx context.Context, key string, j Justification) (ResourceResponse, error) {
	return c.wsKeyAction(ctx, "switch_event_processor", "switch-event-processor", key, j)
}

// BecomeMDM makes the workstation with this key the master domain manager. Only another switch takes it back.
func (c *Client) BecomeMDM(ctx context.Context, key string, j Justification) (ResourceResponse, error) {
	return c.wsKeyAction(ctx, "become_mdm", "become-mdm", key, j)
}

// PatchWorkstation changes fields of a workstation in the plan by JSON merge patch.
func (c *Client) PatchWorkstation(ctx context.Context, id string, patch json.RawMessage, j Justification) (ResourceResponse, error) {
	return c.patch(ctx, "patch_workstation", "/plan/workstation/%s", id, patch, j)
}

// PatchWorkstations is PatchWorkstation by filter.
func (c *Client) PatchWorkstations(ctx context.Context, f Filter, max int, patch json.RawMessage, j Justification) (*FilterActionResponse, error) {
	return c.patchAll(ctx, "patch_workstations", "/plan/workstation", f, oql.Workstations, max, patch, j)
}

// CollectAgentLogs has an agent collect its logs. The engine takes no justification.
func (c *Client) CollectAgentLogs(ctx context.Context, info ComponentCommandInfo) (ResourceResponse, error) {
	a := action{op: "collect_agent_logs", path: "/plan/workstation/collect-agent-logs", body: info}
	var out ResourceResponse
	err := c.act(ctx, a, info.WorkstationName, Justification{}, readMaybeJSON(&out))
	return out, err
}

// WorkstationHealth asks whether an agent is healthy. The engine answers with the id when it is and with an error when not.
func (c *Client) WorkstationHealth(ctx context.Context, id string) (ResourceResponse, error) {
	out, err := one[ResourceResponse](ctx, c, "check_workstation_health", "/plan/workstation/%s/action/health-status", id, "")
	if err != nil {
		return ResourceResponse{}, err
	}
	return *out, nil
}

// WorkstationMonitoringConfiguration asks an agent for its monitoring configuration.
func (c *Client) WorkstationMonitoringConfiguration(ctx context.Context, id string) (ResourceResponse, error) {
	out, err := one[ResourceResponse](ctx, c, "read_monitoring_configuration", "/plan/workstation/%s/action/monitoring-configuration", id, "")
	if err != nil {
		return ResourceResponse{}, err
	}
	return *out, nil
}

// WorkstationsHealth asks for the health of the selected agents, max at most. Unlike the actions, an unhealthy agent is no error:
// it stands among the failed responses.
func (c *Client) WorkstationsHealth(ctx context.Context, f Filter, max int) (*FilterActionResponse, error) {
	return c.askWorkstations(ctx, "check_workstations_health", "health-status", f, max)
}

// WorkstationsMonitoringConfiguration asks the selected agents for their monitoring configuration, max at most.
func (c *Client) WorkstationsMonitoringConfiguration(ctx context.Context, f Filter, max int) (*FilterActionResponse, error) {
	return c.askWorkstations(ctx, "read_monitoring_configurations", "monitoring-configuration", f, max)
}

func (c *Client) askWorkstations(ctx context.Context, op, name string, f Filter, max int) (*FilterActionResponse, error) {
	q := url.Values{}
	if err := f.forWrite(q, oql.Workstations, "plan_filter", max); err != nil {
		return nil, invalid(words(op, ""), "%w", err)
	}
	out := new(FilterActionResponse)
	r := &request{op: op, target: clip(f.String(), 200), method: http.MethodGet, path: "/plan/workstation/action/" + name, query: q}
	if err := c.do(ctx, r, readJSON(out)); err != nil {
		return nil, err
	}
	return out, nil
}
