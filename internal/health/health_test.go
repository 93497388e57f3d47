package health

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixed returns a check that always finds the same.
func fixed(name string, critical bool, res Result) Check {
	return Check{Name: name, Critical: critical, Fix: "fix " + name, Run: func(context.Context) Result { return res }}
}

// newRunner is New for lists that are right.
func newRunner(t *testing.T, checks ...Check) *Runner {
	t.Helper()
	r, err := New(checks...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOverallStatus(t *testing.T) {
	pass, warn, fail := Passed("ok"), Warned("slow"), Failed("down")
	tests := []struct {
		name   string
		checks []Check
		want   Status
		code   int
	}{
		{"nothing to check", nil, Pass, 200},
		{"all pass", []Check{fixed("a", true, pass), fixed("b", false, pass)}, Pass, 200},
		{"one warns", []Check{fixed("a", true, warn), fixed("b", false, pass)}, Warn, 200},
		{"one that is not critical fails", []Check{fixed("a", true, pass), fixed("b", false, fail)}, Warn, 200},
		{"a critical one fails", []Check{fixed("a", true, fail), fixed("b", false, warn)}, Fail, 503},
		{"a status that does not exist", []Check{fixed("a", true, Result{Status: "great"})}, Fail, 503},
		{"a zero result", []Check{fixed("a", false, Result{})}, Warn, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rep := newRunner(t, tt.checks...).Run(context.Background(), Select{})
			if rep.Status != tt.want || rep.HTTPStatus() != tt.code || rep.Ready() != (tt.code == 200) {
				t.Errorf("status %s, HTTP %d, ready %v; want %s, %d", rep.Status, rep.HTTPStatus(), rep.Ready(), tt.want, tt.code)
			}
			if len(rep.Items) != len(tt.checks) {
				t.Errorf("%d items for %d checks", len(rep.Items), len(tt.checks))
			}
		})
	}
}

func TestNewRefusesABadList(t *testing.T) {
	for _, checks := range [][]Check{{{Name: "a"}}, {fixed("", true, Passed(""))}, {fixed("a", true, Passed("")), fixed("a", true, Passed(""))}} {
		if _, err := New(checks...); err == nil {
			t.Errorf("New(%v) accepted the list", checks)
		}
	}
}

func TestSelect(t *testing.T) {
	r := newRunner(t, fixed("a", true, Passed("")), fixed("b", false, Passed("")), fixed("c", true, Failed("")))
	names := func(sel Select) (out []string) {
		for _, it := range r.Run(context.Background(), sel).Items {
			out = append(out, it.Name)
		}
		return out
	}
	for _, tt := range []struct {
		sel  Select
		want []string
	}{{Select{}, []string{"a", "b", "c"}}, {Select{CriticalOnly: true}, []string{"a", "c"}}, {Select{Exclude: []string{"c", "none"}}, []string{"a", "b"}}} {
		if diff := cmp.Diff(tt.want, names(tt.sel)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.sel, diff)
		}
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, r.Names()); diff != "" {
		t.Errorf("Names (-want +got):\n%s", diff)
	}
}

// waits returns a check that passes after d, or gives up when it is cancelled.
func waits(name string, d, timeout time.Duration) Check {
	return Check{Name: name, Critical: true, Timeout: timeout, Fix: "wait less", Run: func(ctx context.Context) Result {
		select {
		case <-time.After(d):
			return Passed("after " + d.String())
		case <-ctx.Done():
			return Failed("was waiting for the engine: %v", ctx.Err())
		}
	}}
}

func TestChecksRunInParallelWithTheirOwnTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRunner(t, waits("a", time.Second, 2*time.Second), waits("b", time.Second, 2*time.Second), waits("slow", time.Hour, 3*time.Second))
		start := time.Now()
		rep := r.Run(context.Background(), Select{})
		if took := time.Since(start); took != 3*time.Second || rep.Took != took {
			t.Errorf("took %v (report says %v), want 3s: the longest timeout, not the sum", took, rep.Took)
		}
		if got := rep.Items[2]; got.Status != Fail || !strings.Contains(got.Output, "was waiting for the engine") || got.Fix != "wait less" {
			t.Errorf("slow = %+v, want its own words and the fix", got)
		}
		if rep.Items[0].Status != Pass || rep.Items[0].Took != time.Second {
			t.Errorf("a = %+v", rep.Items[0])
		}
	})
}

func TestACheckThatIgnoresItsTimeoutHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		release := make(chan struct{})
		r := newRunner(t, Check{Name: "stuck", Critical: true, Timeout: time.Second, Run: func(context.Context) Result {
			runs.Add(1)
			<-release
			return Passed("at last")
		}})
		for i, want := range []time.Duration{time.Second + grace, 0, 0} { // later callers do not wait again
			start := time.Now()
			rep := r.Run(context.Background(), Select{})
			if took := time.Since(start); took != want || rep.Status != Fail || !strings.Contains(rep.Items[0].Output, "no answer within 1s") {
				t.Errorf("call %d: took %v, %+v", i, took, rep.Items)
			}
		}
		if runs.Load() != 1 {
			t.Errorf("the stuck check was started %d times, want once", runs.Load())
		}
		close(release)
		synctest.Wait()
		if rep := r.Run(context.Background(), Select{}); rep.Status != Pass {
			t.Errorf("after it answered: %+v", rep.Items)
		}
	})
}

func TestCallersShareARunAndItsOutcomeForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		r := newRunner(t, Check{Name: "a", MaxAge: 5 * time.Second, Run: func(context.Context) Result {
			time.Sleep(time.Second)
			runs.Add(1)
			return Passed("")
		}})
		for range 20 {
			go r.Run(context.Background(), Select{})
		}
		time.Sleep(2 * time.Second)
		r.Run(context.Background(), Select{})
		if runs.Load() != 1 {
			t.Errorf("20 callers at once and one soon after: %d runs, want 1", runs.Load())
		}
		time.Sleep(5 * time.Second)
		r.Run(context.Background(), Select{})
		if runs.Load() != 2 {
			t.Errorf("after the outcome grew old: %d runs, want 2", runs.Load())
		}
	})
}

func TestACallerThatGoesAwayDoesNotStopTheRunOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRunner(t, waits("a", time.Second, 2*time.Second))
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		rep := r.Run(ctx, Select{})
		if rep.Status != Fail || !strings.Contains(rep.Items[0].Output, "stopped waiting") {
			t.Errorf("the impatient caller: %+v", rep.Items)
		}
		if rep := r.Run(context.Background(), Select{}); rep.Status != Pass {
			t.Errorf("the next caller: %+v", rep.Items)
		}
	})
}

func TestAPanicIsAFailure(t *testing.T) {
	r := newRunner(t, Check{Name: "a", Critical: true, Fix: "report it", Run: func(context.Context) Result { panic("index out of range") }})
	rep := r.Run(context.Background(), Select{})
	if rep.Status != Fail || !strings.Contains(rep.Items[0].Output, "index out of range") || rep.Items[0].Fix != "report it" {
		t.Errorf("report = %+v", rep)
	}
}

func TestPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRunner(t,
			Ping("db:ping", true, "start it", func(context.Context) error { time.Sleep(12 * time.Millisecond); return nil }),
			Ping("engine:ping", false, "check TWS_HOST", func(context.Context) error { return errors.New("connection refused") }))
		rep := r.Run(context.Background(), Select{})
		if got := rep.Items[0]; got.Status != Pass || got.Observed != int64(12) || got.Unit != "ms" {
			t.Errorf("db = %+v", got)
		}
		if got := rep.Items[1]; got.Status != Fail || got.Output != "connection refused" || got.Fix != "check TWS_HOST" {
			t.Errorf("engine = %+v", got)
		}
	})
}

func TestWritable(t *testing.T) {
	dir := t.TempDir()
	r := newRunner(t, Writable("data:writable", dir), Writable("data:missing", filepath.Join(dir, "none")))
	rep := r.Run(context.Background(), Select{})
	if rep.Items[0].Status != Pass || rep.Items[1].Status != Fail || !strings.Contains(rep.Items[1].Fix, "none") {
		t.Errorf("items = %+v", rep.Items)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".health-*")); len(left) > 0 {
		t.Errorf("the check leaves files behind: %v", left)
	}
}

func TestWriteText(t *testing.T) {
	rep := newRunner(t, fixed("db:ping", true, Result{Status: Pass, Observed: 3, Unit: "ms"}), fixed("engine:reachable", true, Failed("connection refused")),
		fixed("plan:age", false, Result{Status: Warn, Output: "7 minutes old", Fix: "look at the engine"})).Run(context.Background(), Select{})
	var b bytes.Buffer
	if err := rep.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	want := "PASS  db:ping: 3 ms\nFAIL  engine:reachable: connection refused\n      try: fix engine:reachable\nWARN  plan:age: 7 minutes old\n      try: look at the engine\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	if err := rep.WriteText(brokenWriter{}); err == nil {
		t.Error("a writer that fails goes unnoticed")
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

// get asks the handler and returns the code and the decoded document.
func get(t *testing.T, h http.Handler, target string) (int, map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
	if ct := w.Header().Get("Content-Type"); ct != "application/health+json" {
		t.Errorf("Content-Type = %q", ct)
	}
	var doc map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	return w.Code, doc
}

func TestDocumentHasTheDraftsMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRunner(t, fixed("db:ping", true, Result{Status: Pass, Observed: 3, Unit: "ms"}), fixed("engine:reachable", false, Failed("connection refused")))
		h := Handler(r, About{Version: "v1.2.3", ServiceID: "resync-1", Description: "operations console"}, func(*http.Request) bool { return true })
		code, doc := get(t, h, "/health")
		at := time.Now().UTC().Format(time.RFC3339Nano)
		want := map[string]any{
			"status": "warn", "version": "v1.2.3", "serviceId": "resync-1", "description": "operations console", "output": "not in order: engine:reachable",
			"checks": map[string]any{
				"db:ping":          []any{map[string]any{"componentId": "db", "status": "pass", "observedValue": 3.0, "observedUnit": "ms", "time": at, "critical": true}},
				"engine:reachable": []any{map[string]any{"componentId": "engine", "status": "fail", "output": "connection refused", "time": at, "critical": false, "fix": "fix engine:reachable"}},
			},
		}
		if diff := cmp.Diff(want, doc); diff != "" || code != 200 {
			t.Errorf("HTTP %d, document (-want +got):\n%s", code, diff)
		}
	})
}

func TestStrangersSeeTheStatusOnly(t *testing.T) {
	r := newRunner(t, fixed("a", true, Failed("10.0.0.7 refused")))
	insider := func(req *http.Request) bool { return req.URL.Query().Has("insider") }
	h := Handler(r, About{Version: "v1"}, insider)
	code, doc := get(t, h, "/readyz")
	if diff := cmp.Diff(map[string]any{"status": "fail"}, doc); diff != "" || code != 503 {
		t.Errorf("HTTP %d, document (-want +got):\n%s", code, diff)
	}
	if code, _ := get(t, h, "/readyz?exclude=a"); code != 503 {
		t.Errorf("a stranger can exclude checks: HTTP %d", code)
	}
	if code, doc := get(t, h, "/readyz?insider&exclude=a"); code != 200 || doc["version"] != "v1" {
		t.Errorf("an insider without check a: HTTP %d, %v", code, doc)
	}
	if _, doc := get(t, Handler(r, About{Version: "v1"}, nil), "/readyz"); len(doc) != 1 {
		t.Errorf("without a rule everything shows: %v", doc)
	}
}
