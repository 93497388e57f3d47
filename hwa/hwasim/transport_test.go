package hwasim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"resync/hwa"
)

func (x *site) raw(method, path, body string) (*http.Response, string, error) {
	x.t.Helper()
	req, err := http.NewRequest(method, x.url+base+path, strings.NewReader(body))
	if err != nil {
		x.t.Fatal(err)
	}
	req.SetBasicAuth("adm", "adm-secret")
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp, string(text), err
}

func TestTransportFaults(t *testing.T) {
	for mode, check := range map[string]func(*http.Response, string, error) bool{
		"http-5xx": func(r *http.Response, b string, err error) bool {
			return err == nil && r.StatusCode == 502 && strings.Contains(b, "<html>")
		},
		"reset":       func(_ *http.Response, _ string, err error) bool { return err != nil },
		"refuse":      func(_ *http.Response, _ string, err error) bool { return err != nil },
		"reset-after": func(_ *http.Response, _ string, err error) bool { return err != nil },
		"cut": func(r *http.Response, b string, err error) bool {
			return errors.Is(err, io.ErrUnexpectedEOF) && b != ""
		},
		"login-page": func(r *http.Response, b string, err error) bool {
			return err == nil && r.StatusCode == 200 && strings.Contains(b, "<form")
		},
		"slow":    func(r *http.Response, b string, err error) bool { return err == nil && strings.HasPrefix(b, "{") },
		"latency": func(r *http.Response, b string, err error) bool { return err == nil && r.StatusCode == 200 },
	} {
		t.Run(mode, func(t *testing.T) {
			x := demo(t, Config{})
			if err := x.Transport(mode, 1, 20*time.Millisecond, 502); err != nil {
				t.Fatal(err)
			}
			if resp, body, err := x.raw("GET", "/engine/info", ""); !check(resp, body, err) {
				t.Errorf("%v %.200s %v", resp, body, err)
			}
			if resp, _, err := x.raw("GET", "/engine/info", ""); err != nil || resp.StatusCode != 200 {
				t.Errorf("the fault was for one request: %v %v", resp, err)
			}
		})
	}
	if err := demo(t, Config{}).Transport("smoke", 1, 0, 0); err == nil {
		t.Error("an unknown transport fault was taken")
	}
}

// TestResetAfter: the caller sees a broken connection, the engine did the work.
func TestResetAfter(t *testing.T) {
	x := demo(t, Config{})
	key := "PAY_AGT1#PAYROLL.PAYROLL_TAX"
	id := x.job(t, key).id.String()
	if err := x.Transport("reset-after", 1, 0, 0); err != nil {
		t.Fatal(err)
	}
	if _, _, err := x.raw("PUT", "/plan/job/"+id+"/action/hold", "{}"); err == nil {
		t.Fatal("the caller got an answer")
	}
	x.mu.RLock()
	held := x.job(t, key).prio == 0
	x.mu.RUnlock()
	if !held || x.Executed("job.hold", id) != 1 {
		t.Error("the write was not carried out exactly once")
	}
}

// TestHangUp: a client that is gone before the delay is over leaves the action.
func TestHangUp(t *testing.T) {
	x := demo(t, Config{ApplyDelay: 50 * time.Millisecond})
	key := "PAY_AGT1#PAYROLL.PAYROLL_TAX"
	id := x.job(t, key).id.String()
	conn, err := net.Dial("tcp", strings.TrimPrefix(x.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequest("PUT", x.url+base+"/plan/job/"+id+"/action/hold", bytes.NewReader([]byte("{}")))
	req.SetBasicAuth("adm", "adm-secret")
	req.Header.Set("Content-Type", "application/json")
	if err := req.Write(conn); err != nil {
		t.Fatal(err)
	}
	for x.Executed("job.hold", id) == 0 {
		time.Sleep(time.Millisecond)
	}
	conn.Close()
	held := func() bool {
		x.mu.RLock()
		defer x.mu.RUnlock()
		return x.job(t, key).prio == 0
	}
	for deadline := time.Now().Add(10 * time.Second); !held(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the accepted write was never applied")
		}
	}
}

func TestApplyOrder(t *testing.T) {
	x := demo(t, Config{ApplyDelay: 30 * time.Millisecond})
	id := x.ws[5].id.String()
	for n := range 20 {
		if a := x.as("adm", "PUT", "/plan/workstation/"+id+"/action/update-limit?limit="+itoa(n), "{}"); a.status != 200 {
			t.Fatal(a.body)
		}
	}
	done := func() bool {
		return !slices.ContainsFunc(x.Writes(), func(w Write) bool { return !w.Applied })
	}
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not all writes were applied")
		}
	}
	if got := x.ws[5].limit; got != 19 {
		t.Errorf("limit %d: writes were applied out of order", got)
	}
}

// TestAppserverDown: the API does not answer at all in scenario S07.
func TestAppserverDown(t *testing.T) {
	x := demo(t, Config{})
	sit, err := x.Inject("appserver-down")
	if err != nil || sit.Scenario != "S07" || sit.Job != "HQMDM#FINAL.MAKEPLAN" {
		t.Fatalf("%+v %v", sit, err)
	}
	if _, err := x.client().EngineInfo(context.Background()); hwa.KindOf(err) != hwa.KindUnreachable {
		t.Errorf("kind %q of %v", hwa.KindOf(err), err)
	}
	if err := x.Transport("none", 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	if e := look(t, x, sit); !strings.Contains(e.log, "AWSBEH023E") || e.state() != "ABEND" {
		t.Errorf("%s %s", e.state(), e.log)
	}
}

func TestControl(t *testing.T) {
	s := newSim(t, Config{Jobs: 700})
	srv := httptest.NewServer(s.Control())
	srv.Config.SetKeepAlivesEnabled(false)
	defer srv.Close()
	call := func(method, path, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequest(method, srv.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	at := s.Now()
	for _, tc := range []struct {
		method, path, body string
		status             int
		text               string
	}{
		{"POST", "/sim/fault", `{"name":"job-abend"}`, 200, "PAYROLL_NET"},
		{"POST", "/sim/fault", `{"name":"nope"}`, 400, "unknown"},
		{"POST", "/sim/fault", `{"nam":"x"}`, 400, "unknown field"},
		{"POST", "/sim/fault", `{"name":"http-5xx","count":2,"delay":"1s","status":500}`, 200, "http-5xx"},
		{"POST", "/sim/fault", `{"name":"none"}`, 200, "none"},
		{"POST", "/sim/step", `{"for":"10m"}`, 200, "now"},
		{"POST", "/sim/step", `{"for":"soon"}`, 400, "for"},
		{"POST", "/sim/clock", `{"speed":30}`, 200, "30"},
		{"POST", "/sim/clock", `{}`, 400, "speed"},
		{"GET", "/sim/clock", "", 200, "runNumber"},
		{"GET", "/sim/faults", "", 200, "limit-zero"},
		{"GET", "/sim/writes", "", 200, ""},
	} {
		if status, body := call(tc.method, tc.path, tc.body); status != tc.status || !strings.Contains(body, tc.text) {
			t.Errorf("%s %s %s: %d %s", tc.method, tc.path, tc.body, status, body)
		}
	}
	if s.Now().Sub(at) != 10*time.Minute {
		t.Errorf("step moved the clock by %v", s.Now().Sub(at))
	}
	wire := httptest.NewRecorder()
	s.ServeHTTP(wire, httptest.NewRequest("GET", "/sim/writes", nil))
	if wire.Code != 404 {
		t.Errorf("the wire serves /sim/writes: %d", wire.Code)
	}
}

func TestSubmit(t *testing.T) {
	x := demo(t, Config{})
	def := x.model.byName["FX_AGT1#FX_RATES"]
	adhoc := `{"workstationKey":"/DYN_AGT1","alias":"LISTFILES","task":{"UNIX":{"taskString":"ls","isCommand":"true","userName":"wauser"}}}`
	for name, tc := range map[string]struct {
		path, body string
		status     int
		text       string
	}{
		"ad hoc":            {"/plan/job/submit-ad-hoc-job", adhoc, 200, `"id":"DYN_AGT1;JOBS;LISTFILES"`},
		"ad hoc no task":    {"/plan/job/submit-ad-hoc-job", `{"workstationKey":"/DYN_AGT1"}`, 400, "task"},
		"ad hoc no station": {"/plan/job/submit-ad-hoc-job", `{"workstationKey":"/X","task":{"UNIX":{"taskString":"ls"}}}`, 500, "AWSJDB101E"},
		"job":               {"/plan/job/" + def.jobs[0].def.id.String() + "/submit", `{"alias":"FX_AGAIN"}`, 200, "id"},
		"stream":            {"/plan/jobstream/" + def.id.String() + "/submit", `{"priority":40}`, 200, `"count":1`},
		"unknown stream":    {"/plan/jobstream/00000000-0000-3000-8000-000000000000/submit", `{}`, 500, "AWSJDB101E"},
		"by filter guard":   {"/plan/job/submit?oql=name%20LIKE%20%27FX_@%27", `{}`, 400, "max_object_affected"},
		"bad limit":         {"/plan/jobstream/" + def.id.String() + "/submit", `{"limit":5000}`, 400, "limit"},
	} {
		t.Run(name, func(t *testing.T) {
			if a := x.as("op", "POST", tc.path, tc.body); a.status != tc.status || !strings.Contains(a.body, tc.text) {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	if a := x.as("op", "POST", "/plan/job/submit-ad-hoc-job", adhoc); a.status != 409 {
		t.Errorf("the same ad hoc job again: %d, want 409", a.status)
	}
	x.Step(2 * time.Hour)
	for key, want := range map[string]string{"DYN_AGT1#JOBS": "LISTFILES=SUCC", "FX_AGT1#JOBS": "FX_AGAIN=SUCC", "FX_AGT1#FX_RATES": "FX_GET=SUCC FX_CHECK=SUCC FX_PUBLISH=SUCC"} {
		if got := x.states(t, key); got != want {
			t.Errorf("%s: %s", key, got)
		}
	}
	n := 0
	for _, si := range x.sorder {
		if x.streams[si].name == "FX_RATES" {
			n++
		}
	}
	if n != 2 || x.Executed("jobstream.submit", "") != 1 || x.Executed("job.submit", "") != 2 {
		t.Errorf("%d instances, writes %+v", n, x.Writes())
	}
	if err := x.invariants(); err != nil {
		t.Error(err)
	}
}

func TestModel(t *testing.T) {
	x := demo(t, Config{})
	list := x.get("/model/jobdefinition?model_filter=" + "/@/PAY_AGT1%23/@/PAYROLL_NET").json(t)
	if list["count"] != 1.0 {
		t.Fatalf("definitions: %v", list["count"])
	}
	def := list["results"].([]any)[0].(map[string]any)
	id := def["def"].(map[string]any)["id"].(string)
	one := x.get("/model/jobdefinition/" + id)
	if one.status != 200 || def["key"] != "PAY_AGT1#PAYROLL_NET" {
		t.Fatal(one.status, one.body)
	}
	text := x.as("op", "GET", "/model/jobdefinition/"+id, "", "Accept", "text/plain")
	for _, want := range []string{"PAY_AGT1#PAYROLL_NET", "SCRIPTNAME", "STREAMLOGON dbbatch", "RECOVERY STOP"} {
		if !strings.Contains(text.body, want) {
			t.Errorf("composer text lacks %q: %s", want, text.body)
		}
	}
	back := x.as("op", "POST", "/model/common/convert", text.body, "Content-Type", "text/plain", "Accept", "application/json")
	var parsed []struct{ Key string }
	if err := json.Unmarshal([]byte(back.body), &parsed); err != nil || len(parsed) != 1 || parsed[0].Key != "PAY_AGT1#PAYROLL_NET" {
		t.Fatalf("%d %s", back.status, back.body)
	}
	again := x.as("op", "POST", "/model/common/convert", back.body, "Content-Type", "application/json", "Accept", "text/plain")
	if strings.TrimSpace(again.body) != strings.TrimSpace(text.body) {
		t.Errorf("text → JSON → text changed the definition:\n%s\n%s", text.body, again.body)
	}
	if a := x.as("op", "POST", "/model/common/convert", "SCRIPTNAME x", "Content-Type", "text/plain", "Accept", "application/json"); a.status != 400 {
		t.Errorf("a clause without a job: %d %s", a.status, a.body)
	}
	for path, want := range map[string]int{"/model/jobstream": 200, "/model/workstation": 200, "/model/resource": 200, "/model/calendar": 200, "/model/prompt/x": 404} {
		if a := x.get(path); a.status != want {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if a := x.as("adm", "DELETE", "/model/jobdefinition/"+id, ""); a.status != 501 {
		t.Errorf("deleting a definition: %d", a.status)
	}
	stream := x.get("/plan/jobstream/" + x.streams[x.model.byName["DWH_AGT1#DWH_PAY"].latest].id.String() + "/model/description").json(t)
	if lang := stream["definition"].(string); !strings.Contains(lang, "FOLLOWS GL_AGT1#GL_PAYROLL.@") || !strings.Contains(lang, "NEEDS 1 DWH_AGT1#DWHSLOT") {
		t.Errorf("stream definition: %s", lang)
	}
}

func TestDependencyActions(t *testing.T) {
	x := demo(t, Config{})
	key := "PAY_AGT1#PAYROLL.PAYROLL_TAX"
	pred := x.job(t, "GL_AGT2#GL_CLOSE.GL_SUBLEDGER").id.String()
	x.act(key, "add-dependencies", `{"dependencies":[{"dependencyType":"EXTERNAL_JOB","jobId":"`+pred+`"},{"dependencyType":"RESOURCE","name":"PAYDB","workstation":"/PAY_AGT1","quantity":1},{"dependencyType":"PROMPT","text":"Really?"}]}`)
	job, err := x.client().Job(context.Background(), x.job(t, key).id.String())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(job.Dependencies); n != 4 {
		t.Fatalf("%d dependencies", n)
	}
	added := job.Dependencies[1].ID
	x.act(key, "release-dependencies", `{"dependencies":[{"id":"`+added+`"}]}`)
	x.act(key, "remove-dependencies", `{"dependencies":[{"id":"`+job.Dependencies[3].ID+`"}]}`)
	for body, want := range map[string]int{
		`{"dependencies":[{"id":"` + added + `x"}]}`: 500,
		`{"dependencies":[]}`:                        400,
		`{"dependencies":[{}]}`:                      400,
	} {
		if a := x.try(key, "remove-dependencies", body); a.status != want {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	job, err = x.client().Job(context.Background(), job.ID)
	if err != nil || len(job.Dependencies) != 3 || job.Dependencies[1].DependencyStatus != "SATISFIED" {
		t.Errorf("%v %+v", err, job.Dependencies)
	}
}

func TestPatches(t *testing.T) {
	x := demo(t, Config{})
	job := x.job(t, "PAY_AGT1#PAYROLL.PAYROLL_TAX")
	jobPath := "/plan/job/" + job.id.String()
	jsPath := "/plan/jobstream/" + x.streams[job.stream].id.String()
	wsPath := "/plan/workstation/" + x.ws[job.ws].id.String()
	for _, tc := range []struct {
		path, body string
		status     int
	}{
		{jobPath, `{"priority":77}`, 200},
		{jobPath, `{"timeRestrictions":{"startTime":"2026-11-22T06:00:00Z"}}`, 200},
		{jobPath, `{"name":"X"}`, 400},
		{jobPath, `{}`, 400},
		{jsPath, `{"priority":12,"limit":2}`, 200},
		{jsPath, `{"limit":9999}`, 400},
		{wsPath, `{"limit":3,"fence":4}`, 200},
		{wsPath, `{"limit":-1}`, 400},
	} {
		if a := x.as("adm", "PATCH", tc.path, tc.body); a.status != tc.status {
			t.Errorf("%s %s: %d %s", tc.path, tc.body, a.status, a.body)
		}
	}
	st, w := &x.streams[job.stream], &x.ws[job.ws]
	if job.prio != 77 || x.at(job.start).Hour() != 6 || st.prio != 12 || st.limit != 2 || w.limit != 3 || w.fence != 4 {
		t.Errorf("job %d %v, stream %d %d, workstation %d %d", job.prio, x.at(job.start), st.prio, st.limit, w.limit, w.fence)
	}
	if len(x.Writes()) != 4 {
		t.Errorf("%d writes", len(x.Writes()))
	}
}
