package hwasim

import (
	"net/http"
	"slices"
	"sort"
	"strings"
)

// setting is one engine configuration value.
type setting struct {
	Value       string `json:"value"`
	Description string `json:"description"`
}

func defaultSettings() map[string]setting {
	return map[string]setting{
		"startOfDay":            {"0000", "Start of the processing day (hhmm)"},
		"enCarryForward":        {"yes", "Carry unfinished job streams forward"},
		"carryStates":           {"", "States that are carried forward; empty means all"},
		"enCentSec":             {"no", "Central security"},
		"maxLen":                {"14", "Longest preproduction plan in days"},
		"minLen":                {"8", "Shortest preproduction plan in days"},
		"promotionOffset":       {"120", "Seconds before the critical start at which a job is promoted"},
		"approachingLateOffset": {"120", "Seconds before the critical start at which a job counts as nearly late"},
		"longDurationThreshold": {"150", "Per cent of the estimate from which a duration is long"},
	}
}

func routesEngine(s *Sim) {
	s.handleFunc("GET", "/engine/info", reads, 0, (*call).engineInfo)
	s.handleFunc("GET", "/engine/configuration", reads, rightDisplay, func(c *call) error { return c.plain(c.s.config) })
	s.handleFunc("GET", "/engine/configuration/{key}", reads, rightDisplay, (*call).oneSetting)
	s.handleFunc("PUT", "/engine/configuration", writes, rightConfigure, (*call).putSetting)
	s.handleFunc("POST", "/engine/configuration", writes, rightConfigure, (*call).saveSettings)
	s.handleFunc("GET", "/engine/users", reads, rightDisplay, func(c *call) error {
		var names []string
		for _, a := range c.s.users {
			names = append(names, a.Name)
		}
		return c.plain(map[string]any{"users": names})
	})
	s.handleFunc("GET", "/engine/groups", reads, rightDisplay, func(c *call) error {
		return c.plain(map[string]any{"groups": []string{"operators", "schedulers", "auditors"}})
	})
	s.handleFunc("GET", "/engine/read_permission", reads, rightDisplay, func(c *call) error {
		return c.plain(map[string]string{"job": "true", "jobstream": "true", "workstation": "true", "resource": "true", "prompt": "true"})
	})
	s.handleFunc("GET", "/objects-info", reads, rightDisplay, (*call).objectsInfo)
}

// plain answers with a value as JSON.
func (c *call) plain(v any) error {
	var w jsonw
	w.any("v", v)
	c.out.b = append(c.out.b, w.b[len(`"v":`):]...)
	return nil
}

func (c *call) engineInfo() error {
	full := map[string]string{API101: "10.1.0.01", API102: "10.2.8.00"}[c.s.cfg.API]
	roles := []map[string]string{}
	if c.user.rights&rightConfigure != 0 {
		roles = append(roles, map[string]string{"key": "admin", "label": "Administrator", "description": "May change the engine"})
	}
	return c.plain(map[string]any{"displayVersion": c.s.cfg.API, "fullVersion": full, "referenceId": c.s.planID.String(), "licenseType": "perJob",
		"locale": "en", "timezone": "UTC", "adminRoles": map[string]any{"admin": roles},
		"capabilities": map[string]any{"plan": map[string]any{"runNumber": c.s.runNumber, "planStart": c.s.day0, "simulator": true}}})
}

func (c *call) oneSetting() error {
	v, ok := c.s.config[c.r.PathValue("key")]
	if !ok {
		return fail(http.StatusNotFound, "", "the engine has no setting %q", c.r.PathValue("key"))
	}
	return c.plain(v)
}

func (c *call) changeSetting(key, value string) error {
	v, ok := c.s.config[key]
	if !ok {
		return fail(http.StatusNotFound, "", "the engine has no setting %q", key)
	}
	c.s.accept(c.record("engine.configuration", key, key), func() error {
		v.Value = value
		c.s.config[key] = v
		return nil
	})
	return nil
}

func (c *call) putSetting() error {
	q := c.r.URL.Query()
	if err := c.changeSetting(q.Get("key"), q.Get("value")); err != nil {
		return err
	}
	return c.plain(c.s.config[q.Get("key")])
}

func (c *call) saveSettings() error {
	var body map[string]string
	if err := c.decode(&body); err != nil {
		return err
	}
	keys := make([]string, 0, len(body))
	for k := range body {
		if _, ok := c.s.config[k]; !ok {
			return fail(http.StatusNotFound, "", "the engine has no setting %q", k)
		}
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		if err := c.changeSetting(k, body[k]); err != nil {
			return err
		}
	}
	return c.plain(c.s.config)
}

// objectsInfo describes kinds of plan objects: their actions and statuses.
func (c *call) objectsInfo() error {
	all := c.s.objectKinds()
	want := c.r.URL.Query().Get("object_type")
	if want == "" {
		return c.plain(all)
	}
	one, ok := all[want]
	if !ok {
		return fail(http.StatusBadRequest, "", "object_type: %q is unknown", want)
	}
	return c.plain(map[string]any{want: one})
}

func (s *Sim) objectKinds() map[string]any {
	runAction := func(path string, names []string) []map[string]any {
		var out []map[string]any
		for _, n := range names {
			url := base + "/plan/" + path + "/{id}/action/" + n
			if path == "job" && n == "rerun" {
				url = base + "/plan/job/run/{run_id}/action/rerun"
			}
			out = append(out, map[string]any{"key": n, "label": strings.ReplaceAll(n, "-", " "), "httpMethod": "PUT", "parametricUrl": url})
		}
		return out
	}
	keys := func(names ...string) []map[string]string {
		var out []map[string]string
		for _, n := range names {
			out = append(out, map[string]string{"key": n, "label": n})
		}
		return out
	}
	common := keys("WAITING", "READY", "RUNNING", "SUCCESSFUL", "ERROR", "CANCELED", "HELD", "UNDECIDED", "BLOCKED", "SUPPRESS")
	return map[string]any{
		"JOB_IN_PLAN":         map[string]any{"actions": runAction("job", jobActionOrder), "status": keys(slices.Clone(statusNames[:])...), "commonStatus": common},
		"JOBSTREAM_IN_PLAN":   map[string]any{"actions": runAction("jobstream", streamActionOrder), "status": keys("HOLD", "READY", "EXEC", "SUCC", "ABEND", "FAIL", "STUCK", "SUPPR", "CANCL"), "commonStatus": common},
		"WORKSTATION_IN_PLAN": map[string]any{"actions": runAction("workstation", stationActionOrder), "activeStates": keys("LINKED", "FULLY_LINKED", "START", "JOBMAN_UP", "IS_INITED", "ONLINE")},
		"RESOURCE_IN_PLAN":    map[string]any{"actions": runAction("resource", []string{"update-quantity"}), "status": keys("AVAILABLE", "NOT_AVAILABLE", "UNDECIDED")},
		"PROMPT_IN_PLAN":      map[string]any{"actions": runAction("prompt", []string{"reply"}), "status": keys(promptNames[:]...)},
		"EVENTSOURCE":         map[string]any{},
	}
}
