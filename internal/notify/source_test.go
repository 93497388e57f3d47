package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resync/breaker"
	"resync/internal/plan"
	"resync/internal/store"
	"resync/tool"
)

func runOf(events ...tool.Event) tool.RunState {
	st := tool.RunState{Run: tool.Run{ID: "run_1", Engine: "night", Tool: "rerun_job", Target: "AGT#PAY.NET", User: "ana", Reason: "late"}}
	for i, ev := range events {
		st.Entries = append(st.Entries, tool.Entry{Event: ev, At: time.Unix(int64(1000+i), 0), Detail: map[string]any{"error": "the engine said no", "applied": true}})
	}
	return st
}

func TestStepsOfARun(t *testing.T) {
	for _, tt := range []struct {
		steps []tool.Event
		kind  Kind // "" is not told
		says  string
	}{
		{[]tool.Event{tool.EvProposed, tool.EvAssessed, tool.EvBlocked}, ApprovalNeeded, "waits for an approval"},
		{[]tool.Event{tool.EvExecuting, tool.EvDone, tool.EvVerified}, ActionDone, "is done"},
		{[]tool.Event{tool.EvExecuting, tool.EvDone, tool.EvUnverified}, ActionUnverified, "does not show"},
		{[]tool.Event{tool.EvExecuting, tool.EvUnknown}, ActionUnknown, "not known"},
		{[]tool.Event{tool.EvExecuting, tool.EvError}, ActionFailed, "failed"},
		{[]tool.Event{tool.EvExecuting, tool.EvUnknown, tool.EvReconciled}, ActionDone, "is done"},
		{[]tool.Event{tool.EvProposed}, "", ""}, {[]tool.Event{tool.EvRejected}, "", ""}, {[]tool.Event{tool.EvUndone}, "", ""},
	} {
		st := runOf(tt.steps...)
		e, ok := Run(st, tt.steps[len(tt.steps)-1], "https://resync.example")
		if ok != (tt.kind != "") || (ok && (e.Kind != tt.kind || !strings.Contains(e.Title, tt.says) || !strings.Contains(e.Title, "AGT#PAY.NET") || e.At != st.Entries[len(st.Entries)-1].At)) {
			t.Errorf("%v: %v %+v", tt.steps, ok, e)
		}
	}
	failed := runOf(tool.EvExecuting, tool.EvError)
	if e, _ := Run(failed, tool.EvError, ""); e.Text != "the engine said no" || e.ID != "run_1/error" {
		t.Errorf("%+v", e)
	}
	not := runOf(tool.EvUnknown, tool.EvReconciled)
	not.Entries[1].Detail["applied"] = false
	if e, _ := Run(not, tool.EvReconciled, ""); e.Kind != ActionFailed {
		t.Errorf("%+v", e)
	}
}

func TestWhatAKilledProcessDidNotTell(t *testing.T) {
	at := time.Unix(1001, 0)
	for _, tt := range []struct {
		steps []tool.Event
		age   time.Duration
		kind  Kind
	}{
		{[]tool.Event{tool.EvProposed, tool.EvBlocked}, time.Hour, ApprovalNeeded}, {[]tool.Event{tool.EvExecuting, tool.EvDone}, time.Minute, ""},
		{[]tool.Event{tool.EvExecuting, tool.EvDone}, time.Hour, ActionUnverified}, {[]tool.Event{tool.EvExecuting, tool.EvVerified}, time.Hour, ActionDone}, {[]tool.Event{tool.EvProposed, tool.EvExecuting}, time.Hour, ""},
	} {
		e, ok := Missed(runOf(tt.steps...), at.Add(tt.age), "")
		if ok != (tt.kind != "") || e.Kind != tt.kind {
			t.Errorf("%v after %s: %v %s", tt.steps, tt.age, ok, e.Kind)
		}
	}
}

func TestPartsAreToldOnce(t *testing.T) {
	p := NewParts("srv", "")
	at := time.Unix(1000, 0)
	move := func(to breaker.State) breaker.Transition {
		at = at.Add(time.Second)
		return breaker.Transition{Name: "tws_api", To: to, Cause: "refused", At: at}
	}
	var got []string
	for _, to := range []breaker.State{breaker.Open, breaker.HalfOpen, breaker.Open, breaker.HalfOpen, breaker.Closed, breaker.Closed, breaker.ForcedOpen, breaker.Disabled} {
		if e, ok := p.Breaker(move(to), true); ok {
			got = append(got, string(e.Kind)+" "+string(e.Severity))
		}
	}
	if diff := cmp.Diff([]string{"service.degraded critical", "service.healed good", "service.degraded critical", "service.healed good"}, got); diff != "" {
		t.Error(diff)
	}
	e, ok := p.Away("Redis", "it does not answer", false, at)
	if !ok || e.Severity != Warning {
		t.Errorf("%+v", e)
	}
	e, ok = p.Back("Redis", at.Add(90*time.Second))
	if !ok || !strings.Contains(e.Text, "1m30s") {
		t.Errorf("%+v", e)
	}
	if _, ok := p.Back("Redis", at); ok {
		t.Error("told twice")
	}
}

// picture makes a plan of jobs in the states given, by name.
func picture(t *testing.T, at time.Time, jobs map[string]string, ended time.Time) *plan.Snapshot {
	t.Helper()
	b := plan.NewBuilder(at)
	b.AddStream(plan.Stream{ID: "s1", Name: "PAYROLL", Workstation: "AGT1", Status: jobs["stream"]}, nil)
	for name, status := range jobs {
		if name != "stream" {
			b.AddJob(plan.Job{ID: name, RunID: "1", Name: name, Stream: "PAYROLL", StreamID: "s1", StreamWorkstation: "AGT1", Workstation: "AGT1", Status: status, Ended: ended}, nil)
		}
	}
	return b.Build()
}

func titles(events []Event) []string {
	out := []string{}
	for _, e := range events {
		out = append(out, e.Title)
	}
	return out
}

func TestPictures(t *testing.T) {
	at := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	p := NewPictures("night", "")
	// What was there before anybody asked is no news.
	if got := p.Next(picture(t, at, map[string]string{"OLD": "ABEND", "A": "EXEC"}, at.Add(-time.Minute)), time.Time{}); len(got) != 0 {
		t.Errorf("the first picture: %v", titles(got))
	}
	got := p.Next(picture(t, at, map[string]string{"OLD": "ABEND", "A": "ABEND", "stream": "ABEND"}, at), at)
	if diff := cmp.Diff([]string{"Job AGT1#PAYROLL.A is in ABEND", "Job stream AGT1#PAYROLL is in ABEND"}, titles(got)); diff != "" {
		t.Error(diff)
	}
	if again := p.Next(picture(t, at, map[string]string{"OLD": "ABEND", "A": "ABEND", "stream": "ABEND"}, at), at); len(again) != 0 {
		t.Errorf("told twice: %v", titles(again))
	}
	p.Next(picture(t, at, map[string]string{"OLD": "SUCC", "A": "EXEC"}, at), at)
	if back := p.Next(picture(t, at, map[string]string{"A": "ABEND"}, at), at); len(back) != 1 || back[0].ID != got[0].ID {
		t.Errorf("%v", titles(back)) // the outbox knows the run and tells it once
	}
	wave := map[string]string{}
	for i := range 30 {
		wave[fmt.Sprintf("J%02d", i)] = "ABEND"
	}
	many := p.Next(picture(t, at, wave, at), at)
	if len(many) != 1 || !strings.Contains(many[0].Title, "30 jobs") || !strings.Contains(many[0].Text, "10 more") {
		t.Errorf("a wave: %+v", many)
	}
	// After a restart: what ended since the last picture that was told.
	next := NewPictures("night", "")
	if got := next.Next(picture(t, at, map[string]string{"A": "ABEND"}, at.Add(time.Minute)), at); len(got) != 1 {
		t.Errorf("what ended while nobody looked: %v", titles(got))
	}
	if !next.Started() {
		t.Error("not started")
	}
}

// A source that fails is asked again; events it has made are kept, also when the
// store is away in between.
func TestSourcesAreAskedAgain(t *testing.T) {
	r := newReceiver(t, nil)
	p := newPost(t, nil, Options{Targets: []Target{targetAt(t, "oncall", r.URL)}})
	asked := 0
	p.box.Soon(func(context.Context) ([]Event, error) {
		if asked++; asked < 3 {
			return nil, errors.New("the database is away")
		}
		return []Event{event("x", JobAbend, "abend")}, nil
	})
	p.box.Soon(func(context.Context) ([]Event, error) { return nil, store.ErrNotFound }) // is given up
	p.eventually("the message", func() bool { return len(r.all()) == 1 })
	if asked != 3 || p.box.Lost() != 0 {
		t.Errorf("asked %d times, lost %d", asked, p.box.Lost())
	}
	var none *Outbox
	if !none.Empty() {
		t.Error("no outbox has targets")
	}
	none.Soon(nil)
	none.Run(t.Context())
}
