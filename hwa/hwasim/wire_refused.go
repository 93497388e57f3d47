package hwasim

import "net/http"

// refusedRoutes exist in the product; the simulator says so and does nothing.
var refusedRoutes = []struct{ method, path, why string }{
	{"PUT", "/engine/run-component-command", "runs commands on the master"},
	{"PUT", "/engine/run-executor-command", "runs commands on agents"},
	{"GET", "/engine/licenseServerAccessToken", "hands out licence credentials"},
	{"PUT", "/plan/workstation/action/become-mdm", "switches the master domain manager"},
	{"PUT", "/plan/workstation/{workstation_id}/action/become-mdm", "switches the master domain manager"},
	{"PUT", "/plan/workstation/action/upgrade", "upgrades agents"},
	{"PUT", "/plan/workstation/{workstation_id}/action/upgrade", "upgrades agents"},
	{"PUT", "/plan/workstation/action/connect-to-host-cpu", "re-homes agents"},
	{"PUT", "/plan/workstation/{workstation_id}/action/connect-to-host-cpu", "re-homes agents"},
	{"PUT", "/plan/workstation/collect-agent-logs", "collects files from agents"},
	{"PUT", "/plan/workstation/action/start-event-processor", "there is no event processor"},
	{"PUT", "/plan/workstation/{workstation_id}/action/start-event-processor", "there is no event processor"},
	{"PUT", "/plan/workstation/action/stop-event-processor", "there is no event processor"},
	{"PUT", "/plan/workstation/{workstation_id}/action/stop-event-processor", "there is no event processor"},
	{"PUT", "/plan/workstation/action/switch-event-processor", "there is no event processor"},
	{"PUT", "/plan/workstation/{workstation_id}/action/switch-event-processor", "there is no event processor"},
	{"PUT", "/plan/job/action/run-command", "there is no agent to run a command on"},
	{"PUT", "/plan/job/run/{run_id}/action/run-command", "there is no agent to run a command on"},
	{"PUT", "/plan/job/run/{run_id}/action/run-command-json", "there is no agent to run a command on"},
	{"PATCH", "/plan/job/{job_id}/model", "definitions are read-only here"},
	{"PUT", "/plan/workstation/{workstation_id}/action/update-cert", "certificates are not simulated"},
	{"GET", "/model/common/output-conditions", "output conditions are not simulated"},
	{"GET", "/model/common/autocomplete", "completion is not simulated"},
	{"GET", "/model/service", "the service catalogue is not simulated"},
	{"GET", "/model/service/tags", "the service catalogue is not simulated"},
	{"GET", "/model/service/{service_id}", "the service catalogue is not simulated"},
	{"POST", "/model/jobstream-multiple", "definitions are read-only here"},
	{"POST", "/model/jobstream-multiple/submit", "definitions are read-only here"},
}

func routesRefused(s *Sim) {
	for _, r := range refusedRoutes {
		s.handleFunc(r.method, r.path, reads, 0, func(*call) error {
			return fail(http.StatusNotImplemented, "", "%s %s is not simulated: %s", r.method, r.path, r.why)
		})
	}
	// job/async/{result} cannot stand beside job/{id}/submit in the router.
	s.handleFunc("POST", "/plan/job/{job_id}/{verb}", reads, 0, func(c *call) error {
		if c.r.PathValue("job_id") == "async" {
			return fail(http.StatusNotImplemented, "", "POST /plan/job/async/{result} is not simulated: nothing answers asynchronously")
		}
		return fail(http.StatusNotFound, "", "HTTP 404 Not Found")
	})
}
