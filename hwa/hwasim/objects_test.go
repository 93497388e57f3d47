package hwasim

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func (x *site) streamID(key string) string {
	x.t.Helper()
	for _, si := range x.sorder {
		if st := &x.streams[si]; x.ws[st.ws].name+"#"+st.name == key {
			return st.id.String()
		}
	}
	x.t.Fatalf("no stream %s", key)
	return ""
}

func TestStreamActions(t *testing.T) {
	plan := oneStation + `
STREAM A#P at 01:00
JOB P1 sh 10m
STREAM A#S at 01:00 prio 20 ext A#P
JOB ONE sh 10m
JOB TWO sh 10m after ONE
STREAM A#Q at 01:00 ext A#S
JOB Q1 sh 10m
`
	for name, tc := range map[string]struct {
		at      time.Duration
		actions []string
		refuse  bool
		later   time.Duration
		want    string
		next    string
	}{
		"untouched":                {0, nil, false, 3 * time.Hour, "ONE=SUCC TWO=SUCC", "Q1=SUCC"},
		"hold":                     {0, []string{"hold"}, false, 3 * time.Hour, "ONE=HOLD TWO=HOLD", "Q1=HOLD"},
		"hold and release":         {0, []string{"hold", "release"}, false, 3 * time.Hour, "ONE=SUCC TWO=SUCC", "Q1=SUCC"},
		"release of a free one":    {0, []string{"release"}, true, 0, "ONE=HOLD TWO=HOLD", "Q1=HOLD"},
		"cancel frees successors":  {0, []string{"cancel"}, false, 3 * time.Hour, "ONE=HOLD(CANCL) TWO=HOLD(CANCL)", "Q1=SUCC"},
		"cancel-pending":           {0, []string{"cancel-pending"}, false, 3 * time.Hour, "ONE=HOLD(CANCL) TWO=HOLD(CANCL)", "Q1=SUCC"},
		"cancel-pending too early": {0, []string{"cancel-pending"}, false, 65 * time.Minute, "ONE=HOLD TWO=HOLD", "Q1=HOLD"},
		"release-all-dependencies": {0, []string{"release-all-dependencies"}, false, time.Minute, "ONE=EXEC TWO=HOLD", "Q1=HOLD"},
		"cancel of a done one":     {2 * time.Hour, []string{"cancel"}, true, 0, "ONE=SUCC TWO=SUCC", "Q1=SUCC"},
		"cancel while running":     {75 * time.Minute, []string{"cancel"}, false, time.Hour, "ONE=SUCC(CANCL) TWO=HOLD(CANCL)", "Q1=SUCC"},
	} {
		t.Run(name, func(t *testing.T) {
			x := serve(t, planSim(t, plan))
			x.Step(tc.at)
			for _, action := range tc.actions {
				a := x.as("op", "PUT", "/plan/jobstream/"+x.streamID("A#S")+"/action/"+action, "{}")
				if (a.status != 200) != tc.refuse || tc.refuse && !strings.Contains(a.body, "AWSBIN076E") {
					t.Fatalf("%s: %d %s", action, a.status, a.body)
				}
			}
			x.Step(tc.later)
			if got := x.states(t, "A#S"); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
			if got := x.states(t, "A#Q"); got != tc.next {
				t.Errorf("the stream behind: %s, want %s", got, tc.next)
			}
			if err := x.invariants(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestStreamDependenciesAndFlow(t *testing.T) {
	x := demo(t, Config{})
	path := "/plan/jobstream/" + x.streamID("PAY_AGT2#PAY_SLIPS")
	dep := `{"dependencies":[{"dependencyType":"EXTERNAL_JOBSTREAM","jobStreamId":"` + x.streamID("GL_AGT2#GL_CLOSE") + `"}]}`
	if a := x.put(path+"/action/add-dependencies", dep); a.status != 200 {
		t.Fatal(a.status, a.body)
	}
	deps := x.get(path).json(t)["dependencies"].([]any)
	if len(deps) != 2 {
		t.Fatalf("%d dependencies", len(deps))
	}
	first, second := deps[0].(map[string]any)["id"].(string), deps[1].(map[string]any)["id"].(string)
	for action, id := range map[string]string{"release-dependencies": first, "remove-dependencies": second} {
		if a := x.put(path+"/action/"+action, `{"dependencies":[{"id":"`+id+`"}]}`); a.status != 200 {
			t.Errorf("%s: %d %s", action, a.status, a.body)
		}
	}
	x.Step(time.Minute)
	if got := x.states(t, "PAY_AGT2#PAY_SLIPS"); !strings.HasPrefix(got, "SLIP_RENDER=EXEC") {
		t.Errorf("without its dependencies: %s", got)
	}
	payroll := "/plan/jobstream/" + x.streamID("PAY_AGT1#PAYROLL")
	one := x.get(payroll + "/successors?depth=1").json(t)["count"].(float64)
	all := x.get(payroll + "/successors?depth=9").json(t)["count"].(float64)
	before := x.get("/plan/jobstream/" + x.streamID("SWF_AGT1#SWIFT_PAYOUT") + "/predecessors?depth=9").json(t)
	if one < 2 || all <= one || before["count"] != 2.0 {
		t.Errorf("successors %v and %v, predecessors %v", one, all, before["count"])
	}
	x.Step(4 * time.Hour)
	if v := x.put(payroll+"/successors/action/rerun?depth=1", "{}").json(t); len(v["successfulResourceResponses"].([]any)) < 5 {
		t.Errorf("rerun of successors: %v", v)
	}
	if err := x.invariants(); err != nil {
		t.Error(err)
	}
}

func TestRerunWithSuccessors(t *testing.T) {
	x := serve(t, planSim(t, oneStation+"STREAM A#S at 01:00\nJOB ONE sh 5m\nJOB TWO sh 5m after ONE\nJOB THREE sh 5m after TWO\n"))
	x.Step(2 * time.Hour)
	x.act("A#S.ONE", "rerun", `{"stepName":"AGAIN","priority":44,"successorsInfo":{"depth":1}}`)
	x.Step(20 * time.Minute)
	for key, runs := range map[string]int{"A#S.ONE": 2, "A#S.TWO": 2, "A#S.THREE": 1} {
		if j := x.job(t, key); len(j.runs) != runs || j.st != stSucc {
			t.Errorf("%s: %d runs, %s", key, len(j.runs), j.st)
		}
	}
	one, two := x.job(t, "A#S.ONE"), x.job(t, "A#S.TWO")
	if one.runs[1].step != "AGAIN" || one.runs[1].kind != runStep || one.prio != 44 || two.runs[1].start < one.runs[1].end {
		t.Errorf("rerun %+v before %+v", one.runs[1], two.runs[1])
	}
	x.act("A#S.THREE", "rerun", `{"startTime":"2026-11-22T05:00:00Z"}`)
	x.Step(time.Hour)
	if j := x.job(t, "A#S.THREE"); j.st != stHold {
		t.Errorf("a rerun for five o'clock is %s at half past three", j.st)
	}
	x.Step(2 * time.Hour)
	if j := x.job(t, "A#S.THREE"); j.st != stSucc {
		t.Errorf("and %s afterwards", j.st)
	}
}

func TestPromptReplies(t *testing.T) {
	for _, api := range []string{API101, API102} {
		x := demo(t, Config{API: api, Faults: []string{"prompt-asked", "recovery-prompt"}})
		job := x.get("/plan/job/" + x.job(t, "CRD_AGT2#CRD_FRAUD.FRD_RULES").id.String()).json(t)
		id := ""
		for _, d := range job["dependencies"].([]any) {
			if d := d.(map[string]any); d["dependencyType"] == "PROMPT" {
				id = d["id"].(string)
			}
		}
		path := "/plan/prompt/" + id + "/action/reply"
		if a := x.put(path, "{}"); a.status != 400 {
			t.Errorf("no answer in the body: %d", a.status)
		}
		if a := x.put(path, `{"answer":true}`); a.status != 200 {
			t.Fatalf("%s: %d %s", api, a.status, a.body)
		}
		if a := x.put(path, `{"answer":false}`); a.status != 500 || !strings.Contains(a.body, "AWSBIN076E") {
			t.Errorf("answered twice: %d %s", a.status, a.body)
		}
		x.Step(time.Minute)
		if j := x.job(t, "CRD_AGT2#CRD_FRAUD.FRD_RULES"); j.st != stExec {
			t.Errorf("after the answer: %s", j.st)
		}
		if x.Executed("prompt.reply", "") != 1 {
			t.Errorf("%d replies", x.Executed("prompt.reply", ""))
		}
	}
	x := demo(t, Config{Faults: []string{"recovery-prompt"}})
	filter := url.QueryEscape("type = 'Restart Prompt' AND status = 'ASKED'")
	list := x.get("/plan/prompt?oql=" + filter).json(t)["results"].([]any)
	if len(list) != 1 {
		t.Fatalf("%d recovery prompts", len(list))
	}
	id := list[0].(map[string]any)["id"].(string)
	if one := x.get("/plan/prompt/" + id).json(t); one["jobKey"] != "SAP_XA1#SAP_FI.SAP_OPEN_ITEMS" {
		t.Errorf("prompt %v", one)
	}
	if v := x.put("/plan/prompt/action/reply?oql="+filter, `{"answer":false}`).json(t); len(v["successfulResourceResponses"].([]any)) != 1 {
		t.Errorf("by filter: %v", v)
	}
	if j := x.job(t, "SAP_XA1#SAP_FI.SAP_OPEN_ITEMS"); j.st != stAbend || j.has(fNeedMessage) {
		t.Errorf("after no: %s", j.st)
	}
	if a := x.put("/plan/prompt/nothing/action/reply", `{"answer":true}`); a.status != 404 {
		t.Errorf("unknown prompt: %d", a.status)
	}
}

func TestResourceQuantity(t *testing.T) {
	x := demo(t, Config{Faults: []string{"resource-exhausted"}})
	key := "DWH_AGT1#DWH_LOAD.DWL_BALANCES"
	res := x.get("/plan/resource?oql=" + url.QueryEscape("name = 'DWHSLOT'")).json(t)["results"].([]any)[0].(map[string]any)
	if res["quantityAvailable"] != 0.0 || res["status"] != "NOT_AVAILABLE" || len(res["holders"].([]any)) == 0 {
		t.Errorf("exhausted: %v", res)
	}
	path := "/plan/resource/" + res["id"].(string)
	if a := x.put(path+"/action/update-quantity?quantity=9999", "{}"); a.status != 400 {
		t.Errorf("too many: %d", a.status)
	}
	if a := x.put(path+"/action/update-quantity?quantity=3", "{}"); a.status != 200 {
		t.Fatal(a.status, a.body)
	}
	x.Step(10 * time.Second)
	if j := x.job(t, key); j.st != stExec {
		t.Errorf("with units free: %s", j.st)
	}
	if a := x.as("op", "PATCH", path, `{"quantity":4}`); a.status != 200 {
		t.Errorf("patch: %d %s", a.status, a.body)
	}
	by := "?oql=" + url.QueryEscape("name = 'DWHSLOT'")
	if a := x.put("/plan/resource/action/update-quantity"+by+"&quantity=5", "{}"); a.status != 200 {
		t.Errorf("by filter: %d %s", a.status, a.body)
	}
	if a := x.as("op", "PATCH", "/plan/resource"+by, `{"quantity":6}`); a.status != 200 {
		t.Errorf("patch by filter: %d %s", a.status, a.body)
	}
	if got := x.get(path).json(t)["quantity"]; got != 6.0 {
		t.Errorf("quantity %v", got)
	}
}

func TestStationActions(t *testing.T) {
	x := demo(t, Config{Faults: []string{"ws-unlinked", "ssl-port-zero", "limit-zero"}})
	act := func(name, action string) answer {
		t.Helper()
		wi, ok := x.station(name)
		if !ok {
			t.Fatal(name)
		}
		return x.as("adm", "PUT", "/plan/workstation/"+x.ws[wi].id.String()+"/action/"+action, "{}")
	}
	if a := act("FX_AGT1", "link"); a.status != 200 {
		t.Fatal(a.body)
	}
	act("SWF_AGT2", "link")
	act("CRD_AGT3", "update-limit?limit=5")
	x.Step(10 * time.Second)
	for key, want := range map[string]status{"FX_AGT1#FX_RATES.FX_GET": stExec, "SWF_AGT2#SWF_IN.SWI_RECEIVE": stReady, "CRD_AGT3#CRD_SETTLE.CRD_NETTING": stExec} {
		if j := x.job(t, key); j.st != want {
			t.Errorf("%s is %s, want %s", key, j.st, want)
		}
	}
	for _, pair := range [][2]string{{"unlink", "link"}, {"stop", "start"}, {"set-offline", "set-online"}, {"stop-event-monitoring", "start-event-monitoring"}} {
		for i, action := range pair {
			if a := act("GL_AGT1", action); a.status != 200 {
				t.Errorf("%s: %d %s", action, a.status, a.body)
			}
			wi, _ := x.station("GL_AGT1")
			if pair[0] != "stop-event-monitoring" && x.ws[wi].active() != (i == 1) {
				t.Errorf("after %s active is %v", action, x.ws[wi].active())
			}
			if a := act("GL_AGT1", action); a.status != 500 {
				t.Errorf("%s twice: %d", action, a.status)
			}
		}
	}
	if a := act("GL_AGT1", "update-limit?limit=5000"); a.status != 400 {
		t.Errorf("limit 5000: %d", a.status)
	}
	wi, _ := x.station("SWF_AGT2")
	if a := x.get("/plan/workstation/" + x.ws[wi].id.String() + "/action/health-status"); a.status != 500 {
		t.Errorf("health of an agent that does not answer: %d", a.status)
	}
	v := x.get("/plan/workstation/action/health-status?max_object_affected=3&oql=" + url.QueryEscape("name LIKE 'SWF_AGT?'")).json(t)
	if len(v["successfulResourceResponses"].([]any)) != 1 || len(v["failedResourceResponses"].([]any)) != 1 {
		t.Errorf("health by filter: %v", v)
	}
	by := "/plan/workstation/action/update-limit?limit=7&oql=" + url.QueryEscape("name = 'GL_AGT2'")
	if a := x.put(by, "{}"); a.status != 200 {
		t.Errorf("by filter: %d %s", a.status, a.body)
	}
	if wi, _ := x.station("GL_AGT2"); x.ws[wi].limit != 7 {
		t.Errorf("limit %d", x.ws[wi].limit)
	}
}

// TestUnlinkedAgentReportsLate: a job that ends while its agent is unlinked is
// EXEC on the master until the link is back.
func TestUnlinkedAgentReportsLate(t *testing.T) {
	x := serve(t, planSim(t, oneStation+"STREAM A#S at 01:00\nJOB ONE sh 10m\n"))
	x.Step(65 * time.Minute)
	x.ws[0].linked = false
	x.Step(30 * time.Minute)
	if got := x.states(t, "A#S"); got != "ONE=EXEC" {
		t.Errorf("unlinked: %s", got)
	}
	x.tryLink(&x.ws[0])
	x.Step(2 * time.Minute)
	r := x.job(t, "A#S.ONE").last()
	if r.st != stSucc || r.end-r.start > 660 {
		t.Errorf("linked again: %s after %d s", r.st, r.end-r.start)
	}
}

func TestSmallReads(t *testing.T) {
	x := demo(t, Config{Faults: []string{"file-wait"}})
	oqlAll := "&oql=" + url.QueryEscape("name LIKE '@'")
	for path, want := range map[string]string{
		"/plan/folder/objects-count?object_type=JOB_IN_PLAN" + oqlAll:       `"folder":"/BANK/DWH/"`,
		"/plan/folder/objects-count?object_type=JOBSTREAM_IN_PLAN" + oqlAll: `"totalCount"`,
		"/plan/consumed-jobs/runs?period=day":                               `"dailyJobs"`,
		"/engine/users":                                                     `"op"`,
		"/engine/groups":                                                    `"groups"`,
		"/engine/read_permission":                                           `"job"`,
		"/engine/configuration/startOfDay":                                  `"0000"`,
		"/objects-info":                                                     `"PROMPT_IN_PLAN"`,
		"/plan/file/" + x.files[0].id.String():                              `"status":"Unavailable"`,
		"/plan/job/" + x.jobs[40].id.String() + "/model/description":        "STREAMLOGON",
		"/plan/jobstream?submitted_by_me=true":                              `"count":0`,
	} {
		if a := x.get(path); a.status != 200 || !strings.Contains(a.body, want) {
			t.Errorf("%s: %d %.200s; want %s", path, a.status, a.body, want)
		}
	}
	for path, want := range map[string]int{"/plan/folder/objects-count?object_type=JOB_IN_PLAN": 400, "/plan/folder/objects-count?object_type=X" + oqlAll: 400,
		"/plan/consumed-jobs/runs?period=year": 400, "/engine/configuration/nope": 404, "/objects-info?object_type=X": 400, "/plan/resource/x": 404, "/plan/prompt/x": 404, "/plan/file/x": 404} {
		if a := x.get(path); a.status != want {
			t.Errorf("%s: %d, want %d", path, a.status, want)
		}
	}
	if a := x.as("adm", "POST", "/engine/configuration", `{"carryStates":"(hold)"}`); a.status != 200 || x.config["carryStates"].Value != "(hold)" {
		t.Errorf("configuration: %d %s", a.status, a.body)
	}
	if a := x.put("/engine/configuration?key=carryStates&value=x", "{}"); a.status != 403 {
		t.Errorf("an operator configures the engine: %d", a.status)
	}
}

func TestDefaultAccounts(t *testing.T) {
	s, err := New(Config{Jobs: 700})
	if err != nil {
		t.Fatal(err)
	}
	if s.DefaultUser() != "operator" || len(s.DefaultPassword()) < 16 || len(s.Accounts()) != 3 {
		t.Errorf("%s, %d accounts", s.DefaultUser(), len(s.Accounts()))
	}
	other, err := New(Config{Jobs: 700})
	if err != nil {
		t.Fatal(err)
	}
	if s.DefaultPassword() == other.DefaultPassword() {
		t.Error("two simulators share a password")
	}
}

func TestLogWindows(t *testing.T) {
	x := demo(t, Config{Faults: []string{"job-abend"}})
	run := "/plan/job/run/" + x.job(t, "PAY_AGT1#PAYROLL.PAYROLL_NET").runID(0).String() + "/joblog"
	full := x.get(run).body
	lines := strings.SplitAfter(strings.TrimSuffix(full, "\n"), "\n")
	for _, tc := range []struct {
		query string
		want  string
	}{
		{"?from_line=1&to_line=2", strings.Join(lines[:2], "")},
		{"?from_line=5&to_line=5", lines[4]},
		{"?from_line=9", strings.Join(lines[8:], "") + "\n"},
		{"?from_line=10000&to_line=10001", ""},
	} {
		if got := x.get(run + tc.query).body; got != tc.want {
			t.Errorf("%s: %q, want %q", tc.query, got, tc.want)
		}
	}
	content := x.get(run + "?contentOnly=true").body
	if strings.Contains(content, "= JOB") || !strings.Contains(content, "tax class is empty") {
		t.Errorf("content only: %s", content)
	}
	if a := x.get(run + "?from_line=x"); a.status != 400 {
		t.Errorf("from_line=x: %d", a.status)
	}
}
