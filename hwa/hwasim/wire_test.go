package hwasim

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func demo(t testing.TB, cfg Config) *site {
	t.Helper()
	if cfg.Jobs == 0 {
		cfg.Jobs = 700
	}
	return serve(t, newSim(t, cfg))
}

func TestListPaging(t *testing.T) {
	x := demo(t, Config{})
	first := x.get("/plan/job?limit=300").json(t)
	if n := len(first["results"].([]any)); n != 300 || first["count"] != 700.0 {
		t.Fatalf("%d results, count %v", n, first["count"])
	}
	if first["previous"] != nil {
		t.Errorf("the first page has a previous: %v", first["previous"])
	}
	next := first["next"].(string)
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "http" || u.Host == "" || u.Query().Get("offset") != "300" || u.Query().Get("limit") != "300" {
		t.Errorf("next is not a full URL of the next page: %s", next)
	}
	seen := map[string]bool{}
	for off := 0; off < 700; off += 300 {
		page := x.as("op", "GET", fmt.Sprintf("/plan/job?limit=300&offset=%d", off), "", "Include-Count", "false").json(t)
		if page["count"] != nil {
			t.Error("count although Include-Count is false")
		}
		for _, r := range page["results"].([]any) {
			seen[r.(map[string]any)["id"].(string)] = true
		}
		if last := off == 600; last != (page["next"] == nil) {
			t.Errorf("offset %d: next %v", off, page["next"])
		}
	}
	if len(seen) != 700 {
		t.Errorf("%d different jobs over all pages, want 700", len(seen))
	}
}

func TestListScope(t *testing.T) {
	x := demo(t, Config{})
	whole := x.get("/plan/job?limit=1").json(t)["results"].([]any)[0].(map[string]any)
	lean := x.as("op", "GET", "/plan/job?limit=1", "", "scope", "WHOLE_NO_JOB_DEFINITIONS_AND_NO_DEPENDENCIES").json(t)["results"].([]any)[0].(map[string]any)
	if whole["jobDefinition"] == nil || lean["jobDefinition"] != nil {
		t.Error("scope does not decide about the job definition")
	}
	if whole["dependencies"] != nil {
		t.Error("a list fills dependencies")
	}
	if one := x.get("/plan/job/" + whole["id"].(string)).json(t); one["dependencies"] == nil {
		t.Error("a single job lacks dependencies")
	}
}

func TestFilters(t *testing.T) {
	x := demo(t, Config{Faults: []string{"job-abend"}})
	for name, tc := range map[string]struct {
		path   string
		status int
		count  int // -1: more than zero
		text   string
	}{
		"oql name":             {"/plan/job?oql=" + url.QueryEscape("name = 'PAYROLL_NET'"), 200, 1, ""},
		"oql runs":             {"/plan/job?oql=" + url.QueryEscape("jobruns.commonStatus = 'ERROR' AND workstation = '/PAY_AGT1'"), 200, 1, ""},
		"oql bare workstation": {"/plan/job?oql=" + url.QueryEscape("workstation = 'PAY_AGT1' AND name LIKE 'PAYROLL_@'"), 200, 7, ""},
		"oql order by key":     {"/plan/job?limit=3&oql=" + url.QueryEscape("name LIKE 'PAY@' ORDER BY key.name ASC"), 200, -1, ""},
		"oql key.name quirk":   {"/plan/job?oql=" + url.QueryEscape("key.name = 'PAYROLL_NET'"), 400, 0, "OQL_FILTER_SYNTAX_ERROR"},
		"oql syntax":           {"/plan/job?oql=" + url.QueryEscape("name = "), 400, 0, "OQL_FILTER_SYNTAX_ERROR"},
		"oql unknown field":    {"/plan/job?oql=" + url.QueryEscape("colour = 'red'"), 400, 0, "colour"},
		"plan filter":          {"/plan/job?plan_filter=" + url.QueryEscape("/@/PAY_AGT1#/@/PAYROLL.PAYROLL_N@"), 200, 1, ""},
		"plan filter bad":      {"/plan/job?plan_filter=" + url.QueryEscape("((("), 400, 0, "PLAN_FILTER"},
		"both":                 {"/plan/job?plan_filter=" + url.QueryEscape("/@/@#/@/@.@") + "&oql=" + url.QueryEscape("name = 'PAYROLL_NET'"), 200, 1, ""},
		"streams":              {"/plan/jobstream?oql=" + url.QueryEscape("name = 'PAYROLL' AND commonStatus = 'BLOCKED'"), 200, 1, ""},
		"workstations":         {"/plan/workstation?oql=" + url.QueryEscape("type = 'FTA' AND name LIKE 'PAY@'"), 200, 2, ""},
		"resources":            {"/plan/resource?oql=" + url.QueryEscape("name = 'PAYDB'"), 200, 1, ""},
		"prompts":              {"/plan/prompt?oql=" + url.QueryEscape("status = 'NOT_ASKED'"), 200, -1, ""},
		"folder":               {"/plan/job?plan_filter=" + url.QueryEscape("/@/@#/BANK/DWH/@.@"), 200, -1, ""},
		"limit not a number":   {"/plan/job?limit=many", 400, 0, "limit"},
		"other plan":           {"/plan/job?plan_id=x", 404, 0, "plan"},
	} {
		t.Run(name, func(t *testing.T) {
			a := x.get(tc.path)
			if a.status != tc.status || !strings.Contains(a.body, tc.text) {
				t.Fatalf("%d %.300s", a.status, a.body)
			}
			if tc.status != 200 {
				return
			}
			n := int(a.json(t)["count"].(float64))
			if n != tc.count && (tc.count >= 0 || n == 0) {
				t.Errorf("count %d, want %d", n, tc.count)
			}
		})
	}
}

func TestCountsGrouped(t *testing.T) {
	x := demo(t, Config{})
	all := url.QueryEscape("/@/@#/@/@.@")
	for _, by := range []string{"status", "workstation", "folder"} {
		v := x.get("/plan/job/count?plan_filter=" + all + "&grouping_filters=" + by).json(t)
		sum := 0.0
		for _, n := range v["groupedCount"].(map[string]any) {
			sum += n.(float64)
		}
		if sum != v["count"] || sum != 700 {
			t.Errorf("by %s: groups sum to %v, count %v", by, sum, v["count"])
		}
	}
	if a := x.get("/plan/job/count"); a.status != 400 {
		t.Errorf("count without plan_filter: %d", a.status)
	}
	if a := x.get("/plan/jobstream/count?plan_filter=" + url.QueryEscape("/@/@#/@/@") + "&grouping_filters=status"); a.status != 200 {
		t.Errorf("streams: %d %s", a.status, a.body)
	}
}

func TestAuthentication(t *testing.T) {
	x := demo(t, Config{})
	bearer := func(tok string) []string { return []string{"Authorization", "Bearer " + tok} }
	good, err := x.Token("eye", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	expired, _ := x.Token("eye", -time.Hour)
	if _, err := x.Token("nobody", time.Hour); err == nil {
		t.Error("an API key for an unknown user")
	}
	for name, tc := range map[string]struct {
		user   string
		header []string
		status int
	}{
		"basic":         {"op", nil, 200},
		"none":          {"", nil, 401},
		"wrong":         {"", []string{"Authorization", "Basic b3A6d3Jvbmc="}, 401},
		"api key":       {"", bearer(good), 200},
		"expired key":   {"", bearer(expired), 401},
		"forged key":    {"", bearer(good + "x"), 401},
		"key over user": {"op", bearer("rubbish"), 401},
	} {
		t.Run(name, func(t *testing.T) {
			a := x.as(tc.user, "GET", "/engine/info", "", tc.header...)
			if a.status != tc.status {
				t.Fatalf("%d %s", a.status, a.body)
			}
			if tc.status == 401 && (a.header.Get("WWW-Authenticate") == "" || a.json(t)["message"] == "") {
				t.Error("a 401 needs a challenge and a message")
			}
		})
	}
}

// TestRights: what a user may do shows in actions[] and holds when tried.
func TestRights(t *testing.T) {
	x := demo(t, Config{Faults: []string{"job-abend"}})
	ji, _ := x.findKey("PAY_AGT1#PAYROLL.PAYROLL_NET")
	id, run := x.jobs[ji].id.String(), x.jobs[ji].runID(0).String()
	offered := func(user, path string) []string {
		var out []string
		for _, a := range x.as(user, "GET", path, "").json(t)["actions"].([]any) {
			out = append(out, a.(map[string]any)["key"].(string))
		}
		return out
	}
	if d := cmp.Diff([]string{"cancel", "confirm-succ", "rerun"}, offered("op", "/plan/job/"+id)); d != "" {
		t.Error(d)
	}
	if got := offered("eye", "/plan/job/"+id); len(got) != 0 {
		t.Errorf("a viewer is offered %v", got)
	}
	wid := x.ws[0].id.String()
	if got := offered("op", "/plan/workstation/"+wid); len(got) != 1 || got[0] != "update-limit" {
		t.Errorf("an operator is offered %v on a workstation", got)
	}
	for _, path := range []string{"/plan/job/run/" + run + "/action/rerun", "/plan/job/" + id + "/action/cancel", "/plan/workstation/" + wid + "/action/update-limit?limit=3"} {
		if a := x.as("eye", "PUT", path, "{}"); a.status != 403 {
			t.Errorf("viewer %s: %d", path, a.status)
		}
	}
	if a := x.as("op", "PUT", "/plan/workstation/"+wid+"/action/stop", "{}"); a.status != 403 {
		t.Errorf("operator stops a workstation: %d", a.status)
	}
	if len(x.Writes()) != 0 {
		t.Errorf("refused writes were journaled: %+v", x.Writes())
	}
}

func TestWireQuirks(t *testing.T) {
	x := demo(t, Config{Faults: []string{"job-abend"}})
	ji, _ := x.findKey("PAY_AGT1#PAYROLL.PAYROLL_NET")
	id := x.jobs[ji].id.String()
	for name, tc := range map[string]struct {
		method, path, body string
		header             []string
		status             int
		text               string
	}{
		"no content type":        {"PUT", "/plan/job/" + id + "/action/cancel", "{}", []string{"Content-Type", ""}, 415, "415"},
		"POST on a PUT":          {"POST", "/plan/job/" + id + "/action/cancel", "{}", nil, 405, "405"},
		"wrong state":            {"PUT", "/plan/job/" + id + "/action/kill", "{}", nil, 500, "AWSBIN076E"},
		"wrong state wrapped":    {"PUT", "/plan/job/" + id + "/action/kill", "{}", nil, 500, "AWSJSY404E"},
		"key for an id":          {"GET", "/plan/job/PAY_AGT1;PAYROLL;PAYROLL_NET", "", nil, 500, "AWSBIO006E"},
		"unknown id":             {"GET", "/plan/job/00000000-0000-3000-8000-000000000000", "", nil, 404, "not in the plan"},
		"unknown model":          {"POST", "/plan/job/00000000-0000-3000-8000-000000000000/submit", "{}", nil, 500, "AWSJDB101E"},
		"monitoring config":      {"GET", "/plan/workstation/" + x.ws[2].id.String() + "/action/monitoring-configuration", "", nil, 500, "AWSBIN091E"},
		"workspace":              {"GET", "/model/workspace", "", nil, 404, "404"},
		"become mdm":             {"PUT", "/plan/workstation/" + x.ws[2].id.String() + "/action/become-mdm", "{}", nil, 501, "not simulated"},
		"bad body":               {"PUT", "/plan/job/" + id + "/action/confirm-succ", "{", nil, 400, "body"},
		"bad priority":           {"PUT", "/plan/job/" + id + "/action/update-priority?priority=200", "{}", nil, 400, "priority"},
		"rerun from nothing":     {"PUT", "/plan/job/run/" + x.jobs[ji].runID(0).String() + "/action/rerun", `{"jobDefinitionDbIdentifier":"x"}`, nil, 500, "AWSJDB101E"},
		"rerun with the job id":  {"PUT", "/plan/job/run/" + id + "/action/rerun", "{}", nil, 404, "run"},
		"log of a job not begun": {"GET", "/plan/job/joblog?oql=" + url.QueryEscape("name = 'PAYROLL_TAX'"), "", nil, 404, "not started"},
	} {
		t.Run(name, func(t *testing.T) {
			a := x.as("adm", tc.method, tc.path, tc.body, tc.header...)
			if a.status != tc.status || !strings.Contains(a.body, tc.text) {
				t.Errorf("%d %s; want %d with %q", a.status, a.body, tc.status, tc.text)
			}
			if a.json(t)["message"] == "" {
				t.Error("an error without a message")
			}
		})
	}
	if n := len(x.Writes()); n != 0 {
		t.Errorf("%d refused writes were journaled", n)
	}
	req, _ := http.NewRequest("POST", x.url+"/twsd/login", nil)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 401 {
		t.Errorf("POST /login: %d, want 401", resp.StatusCode)
	}
}

func TestVersionProfiles(t *testing.T) {
	for api, want := range map[string]struct{ prompts, fence, priority int }{API101: {404, 400, 200}, API102: {200, 200, 400}} {
		x := demo(t, Config{API: api})
		if got := x.get("/engine/info").json(t)["displayVersion"]; got != api {
			t.Errorf("version %v, want %s", got, api)
		}
		if a := x.get("/plan/prompt"); a.status != want.prompts {
			t.Errorf("%s: prompts %d", api, a.status)
		}
		path := "/plan/workstation/" + x.ws[3].id.String() + "/action/update-fence?"
		if a := x.as("adm", "PUT", path+"fence=5", "{}"); a.status != want.fence {
			t.Errorf("%s: fence= %d", api, a.status)
		}
		if a := x.as("adm", "PUT", path+"priority=5", "{}"); a.status != want.priority {
			t.Errorf("%s: priority= %d", api, a.status)
		}
		if a := x.as("adm", "PUT", path+"fence=5&priority=5", "{}"); a.status != 200 {
			t.Errorf("%s: both %d", api, a.status)
		}
	}
}

func TestByFilterGuard(t *testing.T) {
	x := demo(t, Config{})
	path := func(oql, more string) string {
		return "/plan/job/action/hold?oql=" + url.QueryEscape(oql) + more
	}
	many := path("jobStreamName = 'PAYROLL'", "")
	if a := x.put(many, "{}"); a.status != 400 || !strings.Contains(a.body, "max_object_affected") {
		t.Errorf("more than one object without leave: %d %s", a.status, a.body)
	}
	if n := len(x.Writes()); n != 0 {
		t.Fatalf("%d writes although the guard refused", n)
	}
	v := x.put(path("jobStreamName = 'PAYROLL'", "&max_object_affected=10"), "{}").json(t)
	good, bad := v["successfulResourceResponses"].([]any), v["failedResourceResponses"].([]any)
	if len(good) != 4 || len(bad) != 3 { // two ended, one executes, four wait
		t.Errorf("%d held, %d refused; want 4 and 3", len(good), len(bad))
	}
	if msg := bad[0].(map[string]any)["message"].(string); !strings.Contains(msg, "AWSBIN076E") {
		t.Errorf("message of a failure: %s", msg)
	}
	all := x.put(path("name = 'PAYROLL_NET'", ""), "{}")
	if v := all.json(t); all.status != 200 || len(v["successfulResourceResponses"].([]any)) != 0 {
		t.Errorf("a total failure is 200 with failures inside, got %d %s", all.status, all.body)
	}
	if a := x.put("/plan/job/action/hold", "{}"); a.status != 400 {
		t.Errorf("no filter: %d", a.status)
	}
}

func TestJustificationIsJournaled(t *testing.T) {
	x := demo(t, Config{})
	ji, _ := x.findKey("PAY_AGT1#PAYROLL.PAYROLL_TAX")
	id := x.jobs[ji].id.String()
	a := x.as("op", "PUT", "/plan/job/"+id+"/action/hold", "{}", "Justification-Category", "incident", "Justification-Description", "wait for finance", "Justification-Ticket-Num", "INC4711")
	if a.status != 200 || a.json(t)["id"] != id {
		t.Fatal(a.status, a.body)
	}
	w := x.Writes()
	if len(w) != 1 || w[0].Category != "incident" || w[0].Description != "wait for finance" || w[0].Ticket != "INC4711" || w[0].User != "op" ||
		w[0].Op != "job.hold" || w[0].Name != "PAY_AGT1#PAYROLL.PAYROLL_TAX" || !w[0].Applied {
		t.Errorf("%+v", w)
	}
	if x.Executed("job.hold", id) != 1 || x.Executed("job.rerun", "") != 0 {
		t.Error("Executed miscounts")
	}
}

func TestAcceptedIsNotDone(t *testing.T) {
	x := demo(t, Config{ApplyVirtual: 30 * time.Second, Faults: []string{"job-abend"}})
	key := "PAY_AGT1#PAYROLL.PAYROLL_NET"
	x.act(key, "rerun", "{}")
	if got := x.job(t, key); got.st != stAbend || len(got.runs) != 1 {
		t.Errorf("applied at once: %s", got.st)
	}
	if w := x.Writes(); len(w) != 1 || w[0].Applied {
		t.Errorf("%+v", w)
	}
	x.act(key, "confirm-succ", "{}") // accepted too: the engine still shows ABEND
	x.Step(31 * time.Second)
	if got := x.job(t, key); len(got.runs) != 2 {
		t.Errorf("not applied after its delay: %s %d runs", got.st, len(got.runs))
	}
	w := x.Writes()
	if !w[0].Applied || !w[1].Applied || !w[1].Ineffective || w[1].IneffectiveAs == "" {
		t.Errorf("the second write came too late and must say so: %+v", w)
	}
}
