package api_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"resync/internal/app"
	"resync/internal/config"
	"resync/internal/faultnet"
)

const (
	hooksPath  = "/api/v1/admin/webhooks"
	hookSecret = "a secret of some length"
)

// ear is a receiver that keeps what it hears.
type ear struct {
	*httptest.Server
	mu    sync.Mutex
	heard []map[string]any
	bad   int // messages whose signature does not verify
}

func newEar(t *testing.T) *ear {
	e := &ear{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var m map[string]any
		if err != nil || json.Unmarshal(body, &m) != nil {
			return
		}
		mac := hmac.New(sha256.New, []byte(hookSecret))
		mac.Write([]byte(r.Header.Get("webhook-id") + "." + r.Header.Get("webhook-timestamp") + "." + string(body)))
		e.mu.Lock()
		defer e.mu.Unlock()
		if r.Header.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
			e.bad++
		}
		e.heard = append(e.heard, m)
	}))
	t.Cleanup(e.Close)
	return e
}

// titles of the messages of a type.
func (e *ear) titles(kind string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []string
	for _, m := range e.heard {
		if m["type"] == kind {
			out = append(out, dig(m, "data", "title").(string))
		}
	}
	return out
}

func hookTo(url string) config.Webhook {
	return config.Webhook{Name: "oncall", URL: config.NewSecret(url), Format: "standard", Secret: config.NewSecret(hookSecret), Timeout: 300 * time.Millisecond}
}

func withHook(w config.Webhook) func(*hostConfig) {
	return func(c *hostConfig) {
		was := c.config
		c.config = func(cfg *config.Config) {
			was(cfg)
			cfg.Webhooks = config.Webhooks{Targets: []config.Webhook{w}, Allow: []string{"127.0.0.1", "localhost"}, Attempts: 10, Keep: time.Hour}
		}
	}
}

// The whole way: a run that waits, is done, fails; a job in ABEND; a breaker.
func TestWebhooksTellWhatHappens(t *testing.T) {
	e := newEar(t)
	h := newHost(t, withHook(hookTo(e.URL+"/in")), func(c *hostConfig) {
		c.options = func(o *app.Options) { o.SyncEvery = 100 * time.Millisecond }
	}).ready()
	operator, admin := h.as("operator"), h.as("admin")
	h.inject("job-abend")
	h.eventually("the job in ABEND to be told", func() bool {
		return strings.Contains(strings.Join(e.titles("job.abend"), " "), "PAYROLL_NET is in ABEND")
	})
	run := operator.propose("rerun_job", map[string]any{"job": "PAYROLL_NET"})
	h.eventually("the approval to be asked for", func() bool { return len(e.titles("approval.needed")) == 1 })
	operator.approve(run).ok()
	h.eventually("the end to be told", func() bool { return len(e.titles("action.done")) == 1 })
	admin.post(breakersPath+"/siem/force-open", map[string]any{"reason": "drill"}).ok()
	admin.post(breakersPath+"/siem/enable", map[string]any{"reason": "over"}).ok()
	h.eventually("the outage and its end to be told", func() bool { return len(e.titles("service.degraded")) == 1 && len(e.titles("service.healed")) == 1 })
	if title := e.titles("approval.needed")[0]; !strings.Contains(title, "rerun_job") || !strings.Contains(title, "PAYROLL_NET") {
		t.Errorf("title %q", title)
	}
	if e.bad > 0 {
		t.Errorf("%d messages were not signed right", e.bad)
	}
	trial := admin.post(hooksPath+"/oncall/test", map[string]any{}).ok()
	if trial["ok"] != true || trial["status"] != 200.0 {
		t.Errorf("test: %v", trial)
	}
	target := admin.get(hooksPath).ok()["targets"].([]any)[0].(map[string]any)
	if target["failed"] != 0.0 || target["signed"] != true || target["breaker_state"] != "closed" || target["host"] != e.URL {
		t.Errorf("target %v", target)
	}
	h.stop()
	// A second process on the same database tells none of it again.
	before := len(e.heardAll())
	again, err := app.New(t.Context(), h.opt)
	must(t, err)
	h.app = again
	h.serve()
	h.ready()
	h.eventually("the plan to be compared", func() bool { return h.as("viewer").get("/api/v1/tws/plan/current/job/count").status == http.StatusOK })
	time.Sleep(300 * time.Millisecond)
	if after := len(e.heardAll()); after != before {
		t.Errorf("%d messages after the restart: %v", after-before, e.heardAll()[before:])
	}
}

func (e *ear) heardAll() []map[string]any {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]map[string]any{}, e.heard...)
}

func TestWebhooksAreForAdministrators(t *testing.T) {
	e := newEar(t)
	h := newHost(t, withHook(hookTo(e.URL))).ready()
	admin := h.as("admin")
	for _, role := range []string{"viewer", "operator"} {
		h.as(role).get(hooksPath).problem(http.StatusForbidden)
		h.as(role).post(hooksPath+"/oncall/test", map[string]any{}).problem(http.StatusForbidden)
	}
	admin.post(hooksPath+"/nobody/test", map[string]any{}).problem(http.StatusNotFound, "oncall")
	admin.post(hooksPath+"/oncall/off", map[string]any{"reason": " "}).problem(http.StatusBadRequest, "say why")
	off := admin.post(hooksPath+"/oncall/off", map[string]any{"reason": "on holiday"}).ok()
	if dig(off, "off", "reason") != "on holiday" || dig(off, "off", "by") != "admin" {
		t.Errorf("off: %v", off)
	}
	operator := h.as("operator")
	h.inject("job-abend")
	operator.propose("rerun_job", map[string]any{"job": "PAYROLL_NET"})
	time.Sleep(100 * time.Millisecond)
	if n := len(e.heardAll()); n != 0 {
		t.Errorf("%d messages while it is off", n)
	}
	if on := admin.post(hooksPath+"/oncall/on", map[string]any{"reason": "back"}).ok(); on["off"] != nil {
		t.Errorf("on: %v", on)
	}
	admin.post(hooksPath+"/redeliver", map[string]any{"id": "msg_none"}).problem(http.StatusNotFound)
	if got := admin.post(hooksPath+"/redeliver", map[string]any{}).ok(); got["messages"] != 0.0 {
		t.Errorf("%v", got)
	}
	admin.get(hooksPath + "/deliveries?target=nobody").problem(http.StatusNotFound)
}

// hookCell is a way for a receiver to be broken, and what becomes of a message.
type hookCell struct {
	row   string // of the fault matrix; "" is a further one
	fault faultnet.Fault
	sent  bool   // it counts as delivered
	says  string // otherwise: why it waits
}

func hookCells() []hookCell {
	return []hookCell{
		{"", faultnet.Pass(), true, ""},
		{"refuse", faultnet.Refuse(), false, "connection refused"},
		{"blackhole", faultnet.Blackhole(), false, "did not answer in time"},
		{"reset", faultnet.Reset(), false, "connection reset"},
		{"slow-0.2s", faultnet.Delay(200 * time.Millisecond), true, ""},
		{"slow-2s", faultnet.Delay(2 * time.Second), false, "did not answer in time"},
		{"slow-35s", faultnet.Delay(35 * time.Second), false, "did not answer in time"},
		{"cut", faultnet.Cut(20), false, "connection broken"},
		{"cut-reset", faultnet.CutReset(20), false, "connection broken"},
		{"slices", faultnet.Slice(64, 10*time.Microsecond), true, ""},
		{"500", faultnet.HTTP(500, ""), false, "500"},
		{"503", faultnet.HTTP(503, "", "Retry-After: 60"), false, "503"},
		{"429", faultnet.HTTP(429, "", "Retry-After: 60"), false, "429"},
		{"garbage", faultnet.HTTP(200, "{garbage"), true, ""}, // a receiver says by its status that it took the message
		{"", faultnet.Answer("no HTTP", []byte("SSH-2.0-x\r\n")), false, "malformed HTTP"},
	}
}

// webhookColumn is a receiver of messages in the fault matrix.
func webhookColumn() column {
	col := column{
		name: "webhook", test: "TestFaultMatrixWebhook", bounds: "nothing: no request waits for a receiver, and an attempt takes `webhooks.targets.*.timeout`",
		heals:  "by itself: a message that could not be delivered is kept and tried again later and later; TestFaultMatrixWebhookAddresses plays certificates and names",
		probes: []probe{holdProbe(), pictureProbe(), versionProbe()},
	}
	want := []answer{ok(), ok(), ok()}
	for _, c := range hookCells() {
		if c.row == "" {
			continue
		}
		also := "The message is delivered"
		if !c.sent {
			also = "The message waits (“" + c.says + "”)"
		}
		col.cells = append(col.cells, cell{row: c.row, want: want, also: also})
	}
	for _, row := range []string{"tls-expired", "tls-unknown"} {
		col.cells = append(col.cells, cell{row: row, want: want, also: "The message waits (“certificate”)"})
	}
	col.cells = append(col.cells, cell{row: "dns", want: want, also: "The message waits (“no such host”)"})
	return col
}

// TestFaultMatrixWebhook: a receiver that is broken in every way, as each tier of
// route sees it. The cell is the same for all: nothing. An action (CRITICAL) is
// proposed, a list (BEST_EFFORT) and what needs nothing (READ_ONLY) are answered, as
// with a receiver that is well, and nobody waits for it. What becomes of the message
// is in the table; none is lost.
func TestFaultMatrixWebhook(t *testing.T) {
	e := newEar(t)
	proxy := faultnet.New(t, e.Listener.Addr().String())
	h := newHost(t, withHook(hookTo("http://"+proxy.Addr()+"/in"))).ready()
	operator, admin := h.as("operator"), h.as("admin")
	jobs := h.heldJobs(len(hookCells()))
	var slowest time.Duration
	told := map[string]bool{}
	for i, c := range hookCells() {
		t.Run(strings.ReplaceAll(c.fault.String(), " ", "_"), func(t *testing.T) {
			admin.postText(breakersPath+"/webhook/reset", "").ok()
			proxy.Set(c.fault)
			name := jobs[i]
			slowest = max(slowest, tiersWork(t, operator, name))
			d := newestMessage(h, admin, name)
			if sent := d["state"] == "completed"; sent != c.sent || !strings.Contains(d["error"].(string)+" ", c.says) {
				t.Errorf("the message: %v, want sent %v, %q", d, c.sent, c.says)
			}
			told[d["id"].(string)] = true
		})
	}
	t.Logf("slowest request of all cells: %s", slowest)
	if slowest > 5*time.Second { // beside a machine's load; a receiver that was waited for costs 300 ms each, an outage of 35 s the whole of it
		t.Errorf("a request took %s", slowest)
	}
	proxy.Set(faultnet.Pass())
	if len(told) != len(hookCells()) {
		t.Errorf("%d messages for %d actions", len(told), len(hookCells()))
	}
	// Some have been tried again already, where the machine is slow: none is put aside
	// and none is missing.
	for _, d := range admin.get(hooksPath + "/deliveries?state=all&limit=1000").ok()["deliveries"].([]any) {
		m := d.(map[string]any)
		if id := m["id"].(string); told[id] && m["state"] != "failed" {
			delete(told, id)
		}
	}
	if len(told) > 0 {
		t.Errorf("after the outages these are missing or put aside: %v", told)
	}
}

// heldJobs are names of waiting jobs that only one job has.
func (h *host) heldJobs(n int) []string {
	h.t.Helper()
	b := h.as("viewer")
	times := map[string]int{}
	for _, it := range b.get("/api/v1/tws/plan/current/job?limit=1000").ok()["items"].([]any) {
		times[it.(map[string]any)["name"].(string)]++
	}
	var out []string
	for _, it := range b.get("/api/v1/tws/plan/current/job?status=HOLD&limit=1000").ok()["items"].([]any) {
		if name := it.(map[string]any)["name"].(string); times[name] == 1 && len(out) < n {
			out = append(out, name)
		}
	}
	if len(out) < n {
		h.t.Fatalf("only %d jobs wait", len(out))
	}
	return out
}

// tiersWork sends a request of each tier; it returns the time the slowest took.
func tiersWork(t *testing.T, b *browser, job string) time.Duration {
	t.Helper()
	var slowest time.Duration
	timed := func(what string, ask func() reply) {
		began := time.Now()
		if r := ask(); r.status != http.StatusOK {
			t.Errorf("%s: %s", what, r)
		}
		slowest = max(slowest, time.Since(began))
	}
	timed("CRITICAL", func() reply {
		return b.post(executePath, map[string]any{"tool_name": "hold_job", "parameters": map[string]string{"job": job}, "reason": "fault matrix"})
	})
	timed("BEST_EFFORT", func() reply { return b.get("/api/v1/tws/plan/current/job/count") })
	timed("READ_ONLY", func() reply { return b.get("/api/v1/version") })
	return slowest
}

// newestMessage waits until the message about a job was tried.
func newestMessage(h *host, admin *browser, job string) (d map[string]any) {
	h.t.Helper()
	h.eventually("a message about "+job, func() bool {
		for _, it := range admin.get(hooksPath + "/deliveries?state=all&limit=5").ok()["deliveries"].([]any) {
			d = it.(map[string]any)
			if _, ok := d["error"]; !ok {
				d["error"] = ""
			}
			if strings.Contains(d["title"].(string), job) && (d["state"] == "completed" || d["error"] != "") {
				return true
			}
		}
		return false
	})
	return d
}

// The cells that need an address of their own: a name nobody knows, a certificate
// that has expired, one nobody has signed.
func TestFaultMatrixWebhookAddresses(t *testing.T) {
	expired, _ := faultnet.Certificate(t, time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour))
	own, _ := faultnet.Certificate(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	listen := func(cert tls.Certificate) string {
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
		s.StartTLS()
		t.Cleanup(s.Close)
		return s.URL
	}
	for name, c := range map[string]struct{ url, says string }{
		"DNS": {"http://no-such-host.invalid/in", "no such host"}, "TLS expired": {listen(expired), "certificate"}, "TLS of nobody": {listen(own), "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, withHook(hookTo(c.url)), func(hc *hostConfig) {
				was := hc.config
				hc.config = func(cfg *config.Config) {
					was(cfg)
					cfg.Webhooks.Allow = append(cfg.Webhooks.Allow, "no-such-host.invalid")
					cfg.Webhooks.Targets[0].Timeout = 5 * time.Second // a resolver that is away takes its time
				}
			}).ready()
			operator, admin := h.as("operator"), h.as("admin")
			job := h.heldJobs(1)[0]
			tiersWork(t, operator, job)
			if d := newestMessage(h, admin, job); !strings.Contains(d["error"].(string), c.says) && !(name == "DNS" && strings.Contains(d["error"].(string), "lookup")) {
				t.Errorf("%v", d)
			}
		})
	}
}

// TestReceiversAddedOverHTTP: an administrator adds a receiver while the server
// runs, which is told at once; changes and removes it; it is there after a restart.
// The address is never shown, refusals name their field, and all is in the audit.
func TestReceiversAddedOverHTTP(t *testing.T) {
	e := newEar(t)
	t.Setenv("RESYNC_TEST_HOOK_KEY", hookSecret)
	h := newHost(t, withHook(hookTo(e.URL+"/in")), func(c *hostConfig) {
		c.options = func(o *app.Options) { o.SyncEvery = 100 * time.Millisecond }
	}).ready()
	admin := h.as("admin")
	late := newEar(t)
	add := func(more map[string]any) reply {
		body := map[string]any{"name": "late", "url": late.URL + "/a-path-that-opens-the-door", "secret": "env:RESYNC_TEST_HOOK_KEY", "events": []string{"service"}, "reason": "the night shift"}
		for k, v := range more {
			body[k] = v
		}
		return admin.post(hooksPath, body)
	}
	h.as("operator").post(hooksPath, map[string]any{"name": "x", "url": late.URL, "reason": "r"}).problem(http.StatusForbidden)
	for what, c := range map[string]struct {
		more   map[string]any
		status int
		says   string
	}{
		"no reason":       {map[string]any{"reason": " "}, 400, "reason: say why"},
		"a private host":  {map[string]any{"url": "https://10.1.2.3/x"}, 400, "url: the address is not allowed: 10.1.2.3 is in a private network; list it under webhooks.allow"},
		"a cloud's keys":  {map[string]any{"url": "https://169.254.169.254/latest"}, 400, "url: the address is not allowed: 169.254.169.254 is of the local link"},
		"not encrypted":   {map[string]any{"url": "http://hooks.example.com/x"}, 400, "url: the address is not allowed: http:// is not encrypted"},
		"a secret":        {map[string]any{"secret": "hunter2 hunter2 hunter2"}, 400, "secret: a key is not written here"},
		"a short secret":  {map[string]any{"secret": "env:RESYNC_TEST_SHORT"}, 400, "secret: it is shorter than 16"},
		"no variable":     {map[string]any{"secret": "env:RESYNC_TEST_NONE"}, 400, "secret: the variable RESYNC_TEST_NONE is not set"},
		"a query":         {map[string]any{"url": "https://h.example/x?sig=hunter2"}, 400, "url: who knows the part after the ?"},
		"an event":        {map[string]any{"events": []string{"job.abnd"}}, 400, "did you mean job.abend"},
		"a name":          {map[string]any{"name": "late shift"}, 400, "name: a receiver's name is"},
		"one of the file": {map[string]any{"name": "oncall"}, 409, "in the settings file"},
	} {
		t.Setenv("RESYNC_TEST_SHORT", "short")
		if r := add(c.more); r.status != c.status || !strings.Contains(string(r.body), c.says) || strings.Contains(string(r.body), "hunter2") {
			t.Errorf("%s: want %q: %s", what, c.says, r)
		}
	}
	st := add(nil).ok()
	if st["source"] != "console" || st["changed_by"] != "admin" || st["signed"] != true || st["host"] != late.URL || st["secret_reference"] != "env:RESYNC_TEST_HOOK_KEY" || st["url_reference"] != nil {
		t.Errorf("%v", st)
	}
	add(nil).problem(http.StatusConflict, "late")
	if strings.Contains(h.log.String(), "opens-the-door") {
		t.Error("the address stands in the log")
	}
	force := func(verb string) {
		admin.post(breakersPath+"/siem/"+verb, map[string]any{"reason": "see /a-path-that-opens-the-door"}).ok()
	}
	force("force-open")
	h.eventually("the outage to be told", func() bool { return len(late.titles("service.degraded")) == 1 })
	force("enable")
	h.eventually("the end to be told", func() bool { return len(late.titles("service.healed")) == 1 })
	last := dig(admin.get(hooksPath).ok()["targets"].([]any)[1].(map[string]any), "last_delivery", "type")
	if raw, err := json.Marshal(late.heardAll()); err != nil || strings.Contains(string(raw), "opens-the-door") || !strings.Contains(string(raw), "see ") {
		t.Errorf("the address is told: %s, %v", raw, err)
	}
	if late.bad > 0 || last != "service.healed" {
		t.Errorf("%d messages were not signed right; the last one is %v", late.bad, last)
	}

	put := func(name string, body map[string]any) reply {
		raw, err := json.Marshal(body)
		must(t, err)
		return admin.do(http.MethodPut, hooksPath+"/"+name, bytes.NewReader(raw), "Content-Type", "application/json")
	}
	if events := admin.get(hooksPath).ok()["events"].([]any); len(events) != 9 || events[0] != "approval.needed" {
		t.Errorf("what can be told: %v", events)
	}
	if st := put("late", map[string]any{"events": []string{}, "timeout": "2s", "reason": "all of it"}).ok(); st["timeout_seconds"] != 2.0 || len(st["events"].([]any)) != 0 || st["host"] != late.URL {
		t.Errorf("%v", st)
	}
	put("oncall", map[string]any{"timeout": "2s", "reason": "r"}).problem(http.StatusConflict, "stands in the settings file")
	put("nobody", map[string]any{"timeout": "2s", "reason": "r"}).problem(http.StatusNotFound, "oncall, late")
	put("late", map[string]any{"url": "https://[::1]/", "reason": "r"}).problem(http.StatusBadRequest, "this machine")

	h.stop()
	again, err := app.New(t.Context(), h.opt)
	must(t, err)
	h.app = again
	h.serve()
	admin = h.as("admin")
	if r := admin.post(hooksPath+"/late/test", map[string]any{}).ok(); r["ok"] != true {
		t.Errorf("after a restart: %v", r)
	}
	admin.do(http.MethodDelete, hooksPath+"/late", nil).problem(http.StatusBadRequest, "reason: say why")
	admin.do(http.MethodDelete, hooksPath+"/oncall?reason=r", nil).problem(http.StatusConflict, "settings file")
	if r := admin.do(http.MethodDelete, hooksPath+"/late?reason=not+needed", nil).ok(); r["name"] != "late" || r["ended_messages"] != 0.0 {
		t.Errorf("%v", r)
	}
	if list := admin.get(hooksPath).ok()["targets"].([]any); len(list) != 1 {
		t.Errorf("%v", list)
	}
	for _, b := range admin.get(breakersPath).ok()["breakers"].([]any) {
		if b.(map[string]any)["name"] == "webhook:late" {
			t.Error("its breaker is still there")
		}
	}
	audit := admin.get("/api/v1/admin/audit?action=webhook.*")
	if n := len(audit.ok()["entries"].([]any)); n != 3 || strings.Contains(string(audit.body), "opens-the-door") {
		t.Errorf("%d lines: %s", n, audit)
	}
}

// TestAFirstReceiverHearsNoOldNews: what was in error before anybody wanted to be told
// is no news to the first receiver; what ends in error afterwards is.
func TestAFirstReceiverHearsNoOldNews(t *testing.T) {
	e := newEar(t)
	h := newHost(t, func(c *hostConfig) {
		was := c.config
		c.config = func(cfg *config.Config) {
			was(cfg)
			cfg.Webhooks = config.Webhooks{Allow: []string{"127.0.0.1"}, Attempts: 10, Keep: time.Hour}
		}
		c.options = func(o *app.Options) { o.SyncEvery = 50 * time.Millisecond }
	}).ready()
	admin := h.as("admin")
	h.inject("job-abend")
	abended := func() bool {
		list := admin.get("/api/v1/tws/plan/current/job?status=ABEND").ok()["items"].([]any)
		return len(list) > 0
	}
	h.eventually("the job in ABEND", abended)
	admin.post(hooksPath, map[string]any{"name": "first", "url": e.URL, "events": []string{"job.abend"}, "reason": "r"}).ok()
	time.Sleep(300 * time.Millisecond) // a few readings of the plan
	if n := len(e.heardAll()); n != 0 {
		t.Errorf("it was told of what was there before: %v", e.titles("job.abend"))
	}
	h.inject("disk-full")
	h.eventually("the next job to be told", func() bool { return len(e.titles("job.abend")) > 0 })
	if all := strings.Join(e.titles("job.abend"), " "); strings.Contains(all, "PAYROLL_NET is in") {
		t.Errorf("it was told %s", all)
	}
}
