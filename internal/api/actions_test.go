package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resync/hwa"
)

const (
	approvalsPath = "/api/v1/agents/approvals"
	runsPath      = "/api/v1/agents/runs"
	undoPath      = "/api/v1/agents/undo"
)

func (b *browser) approve(trace string) reply {
	b.h.t.Helper()
	return b.post(approvalsPath+"/"+trace, map[string]string{"action": "approve", "reason": "agreed"})
}

// run waits for a run to reach a phase and returns it.
func (b *browser) run(trace, phase string) map[string]any {
	b.h.t.Helper()
	var got map[string]any
	b.h.eventually("run "+trace+" to be "+phase, func() bool {
		got = b.get(runsPath + "/" + trace).ok()
		return got["phase"] == phase
	})
	return got
}

// TestRerunFromProposalToVerification is the main job of the product, as a
// browser sees it.
func TestRerunFromProposalToVerification(t *testing.T) {
	h := newHost(t).ready()
	sit := h.inject("job-abend")
	b := h.as("operator")
	asked := b.post(executePath, map[string]any{"tool_name": "rerun_job", "parameters": map[string]string{"job": "PAYROLL_NET"}, "reason": "the file came late"}).ok()
	card := asked["approval"].(map[string]any)
	for k, want := range map[string]any{"tool_name": "rerun_job", "action_summary": "Rerun " + sit.Job, "target": sit.Job, "engine": "night",
		"user_id": "operator", "needed": 1.0, "missing": 1.0, "can_approve": true, "status": "pending", "reason": "the file came late"} {
		if diff := cmp.Diff(want, card[k]); diff != "" {
			t.Errorf("card %s: %s", k, diff)
		}
	}
	preview := card["preview"].(map[string]any)
	if preview["reversible"] != false || preview["undo_class"] != "none" || !strings.Contains(fmt.Sprint(preview["undo_note"]), "cannot be taken back") {
		t.Errorf("the card does not say before the approval that a rerun cannot be undone: %v", preview)
	}
	if len(card["risk_facts"].([]any)) < 2 {
		t.Errorf("risk without facts: %v", card["risk_facts"])
	}
	if n := len(h.sim.Writes()); n != 0 {
		t.Fatalf("%d writes before the approval", n)
	}
	trace := asked["approval_id"].(string)
	done := b.approve(trace).ok()
	if done["status"] != "done" || done["approved_by"] != "operator" || done["execution_result"] == nil {
		t.Errorf("approved: %v", done)
	}
	run := b.run(trace, "verified")
	if run["verified"] != true || !strings.Contains(fmt.Sprint(run["message"]), "confirmed") {
		t.Errorf("run: %v", run)
	}
	events := []string{}
	for _, e := range run["journal"].([]any) {
		events = append(events, e.(map[string]any)["event"].(string))
	}
	if diff := cmp.Diff([]string{"proposed", "assessed", "blocked_on_user", "vote", "approved", "executing", "done", "verified"}, events); diff != "" {
		t.Error(diff)
	}
	if n := h.sim.Executed("job.rerun", ""); n != 1 {
		t.Errorf("%d reruns", n)
	}
	b.approve(trace).problem(http.StatusConflict)
	if n := h.sim.Executed("job.rerun", ""); n != 1 {
		t.Errorf("%d reruns after a second click", n)
	}
	b.post(undoPath+"/"+trace, map[string]any{}).problem(http.StatusConflict, "cannot undo", "a rerun cannot be taken back")
}

func TestDoubleClickMakesOneCard(t *testing.T) {
	h := newHost(t).ready()
	b := h.as("operator")
	args := map[string]any{"job": "PAYROLL_TAX"}
	one, two := b.propose("hold_job", args), b.propose("hold_job", args)
	if one != two {
		t.Errorf("two cards: %s and %s", one, two)
	}
	if other := h.as("operator-b").propose("hold_job", args); other == one {
		t.Error("two people share a card")
	}
}

// TestDefect07_ApprovalsAreNotShadowed: the predecessor's list was swallowed by
// the route of one agent.
func TestDefect07_ApprovalsAreNotShadowed(t *testing.T) {
	h := newHost(t).ready()
	b := h.as("operator")
	for path, key := range map[string]string{approvalsPath: "pending", runsPath: "runs", runsPath + "/active": "runs",
		undoPath + "/available": "undoable", "/api/v1/agents/tools/catalog": "tools", "/api/v1/tws/plan/current/job/count": "by_status",
		"/api/v1/tws/plan/current/job": "items"} {
		if _, ok := b.get(path).ok()[key]; !ok {
			t.Errorf("%s has no %s", path, key)
		}
	}
	trace := b.propose("hold_job", map[string]any{"job": "PAYROLL_TAX"})
	list := b.get(approvalsPath + "?status=pending").ok()
	if list["total"] != 1.0 || list["pending"].([]any)[0].(map[string]any)["trace_id"] != trace {
		t.Errorf("pending: %v", list)
	}
	if diff := cmp.Diff(map[string]any{"hold_job": 1.0}, list["by_tool"]); diff != "" {
		t.Error(diff)
	}
	if got := b.get(approvalsPath + "?tool_name=rerun_job").ok(); got["total"] != 0.0 {
		t.Errorf("the filter is not heeded: %v", got)
	}
	active := b.get(runsPath + "/active").ok()["runs"].([]any)
	if len(active) != 1 || active[0].(map[string]any)["status"] != "blocked_on_user" {
		t.Errorf("active: %v", active)
	}
}

func TestRejectAndWithdraw(t *testing.T) {
	h := newHost(t).ready()
	op, ap := h.as("operator"), h.as("approver")
	rejected := op.propose("hold_job", map[string]any{"job": "PAYROLL_TAX"})
	got := ap.post(approvalsPath+"/"+rejected, map[string]string{"action": "reject", "reason": "not tonight"}).ok()
	if got["status"] != "cancelled" {
		t.Errorf("rejected: %v", got)
	}
	if run := op.get(runsPath + "/" + rejected).ok(); run["message"] != "declined: not tonight" {
		t.Errorf("run: %v", run["message"])
	}
	op.approve(rejected).problem(http.StatusConflict)

	withdrawn := op.propose("hold_job", map[string]any{"job": "PAYROLL_SOCIAL"})
	h.as("operator-b").post(runsPath+"/"+withdrawn+"/cancel", map[string]any{}).problem(http.StatusForbidden, "only the person who asked")
	if got := op.post(runsPath+"/"+withdrawn+"/cancel", map[string]any{}).ok(); got["status"] != "cancelled" || !strings.Contains(fmt.Sprint(got["message"]), "nothing was sent") {
		t.Errorf("withdrawn: %v", got)
	}
	op.approve(withdrawn).problem(http.StatusConflict)
	op.post(runsPath+"/"+withdrawn+"/cancel", map[string]any{}).problem(http.StatusConflict, "cancelled")
	if n := len(h.sim.Writes()); n != 0 {
		t.Errorf("%d writes", n)
	}
}

// TestCriticalNeedsTwoOthers: S4, four eyes times two, neither the requester's.
func TestCriticalNeedsTwoOthers(t *testing.T) {
	h := newHost(t, func(c *hostConfig) {
		c.before = func(client *hwa.Client) {
			opt := hwa.SubmitAdHocJobOptions{Task: json.RawMessage(`{"UNIX":{"taskString":"/bin/true"}}`)}
			opt.Alias, opt.WorkstationKey, opt.EarliestDate = "LOAD_PROD_A", "/PAY_AGT1", time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
			_, err := client.SubmitAdHocJob(t.Context(), opt, hwa.Justification{})
			must(t, err)
		}
	}).ready()
	b, submitted := h.as("approver-a"), len(h.sim.Writes())
	trace := b.propose("hold_job", map[string]any{"job": "LOAD_PROD_A"})
	card := b.get(approvalsPath + "/" + trace).ok()
	if card["risk_level"] != "critical" || card["needed"] != 2.0 || card["can_approve"] != false {
		t.Fatalf("card: %v", card)
	}
	b.approve(trace).problem(http.StatusForbidden, "somebody other than the person who asked")
	first := h.as("approver-b")
	if got := first.approve(trace).ok(); got["status"] != "blocked_on_user" {
		t.Errorf("after one vote: %v", got)
	}
	first.approve(trace).problem(http.StatusConflict)
	if n := len(h.sim.Writes()); n != submitted {
		t.Fatalf("%d writes after one vote", n)
	}
	if got := h.as("approver-c").approve(trace).ok(); got["status"] != "done" {
		t.Errorf("after two votes: %v", got)
	}
	if n := h.sim.Executed("job.hold", ""); n != 1 {
		t.Errorf("%d holds", n)
	}
}

func TestHoldAndUndoOverHTTP(t *testing.T) {
	h := newHost(t).ready()
	b := h.as("operator")
	trace := b.propose("hold_job", map[string]any{"job": "PAYROLL_TAX"})
	b.approve(trace).ok()
	b.run(trace, "verified")
	list := b.get(undoPath + "/available").ok()
	if list["total"] != 1.0 {
		t.Fatalf("undoable: %v", list)
	}
	u := list["undoable"].([]any)[0].(map[string]any)
	if u["trace_id"] != trace || u["tool_name"] != "hold_job" || u["undo_class"] != "exact-if-not-started" || !strings.Contains(fmt.Sprint(u["summary"]), "back to 50") {
		t.Errorf("undoable: %v", u)
	}
	h.as("viewer").post(undoPath+"/"+trace, map[string]any{}).problem(http.StatusForbidden)
	got := b.do(http.MethodPost, undoPath+"/"+trace, nil).ok() // a body is not needed
	if got["status"] != "undone" || got["run_id"] == "" || got["run_id"] == trace {
		t.Errorf("undo: %v", got)
	}
	b.run(trace, "undone")
	b.post(undoPath+"/"+trace, map[string]any{"reason": "again"}).problem(http.StatusConflict, "undone already")
	b.post(undoPath+"/run_none", map[string]any{}).problem(http.StatusNotFound)
	if got := b.get(undoPath + "/available").ok(); strings.Contains(fmt.Sprint(got), trace) {
		t.Errorf("the undone run is offered: %v", got)
	}
	if n := len(h.sim.Writes()); n != 2 {
		t.Errorf("%d writes", n)
	}
}

// TestDefect09_CancelCutsTheCallOff: a cancelled read ends at once, a cancelled
// write says that the engine may have acted.
func TestDefect09_CancelCutsTheCallOff(t *testing.T) {
	h := newHost(t).ready()
	b := h.as("operator")
	trace := b.propose("hold_job", map[string]any{"job": "PAYROLL_TAX"})
	arrived, gone := make(chan struct{}), make(chan struct{})
	h.beforeWrite(func(_ http.ResponseWriter, r *http.Request) bool {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server watch the connection
		close(arrived)
		select {
		case <-r.Context().Done(): // the engine sees the connection go
			close(gone)
		case <-time.After(30 * time.Second):
		}
		return true
	})
	answer := make(chan map[string]any, 1)
	go func() { answer <- h.as("operator").approve(trace).object() }()
	<-arrived
	active := b.get(runsPath + "/active").ok()["runs"].([]any)
	if len(active) != 1 || active[0].(map[string]any)["phase"] != "executing" {
		t.Errorf("active: %v", active)
	}
	got := b.post(runsPath+"/"+trace+"/cancel", map[string]any{}).ok()
	if got["status"] != "outcome_unknown" || !strings.Contains(fmt.Sprint(got["message"]), "outcome unknown") {
		t.Errorf("cancel: %v", got)
	}
	select {
	case <-gone:
	case <-time.After(30 * time.Second):
		t.Error("the engine's connection was not cut")
	}
	if a := <-answer; a["status"] != "outcome_unknown" {
		t.Errorf("the approver saw %v", a)
	}
	if !strings.Contains(string(h.anonymous().get("/metrics").body), "resync_action_outcome_unknown 1") {
		t.Error("the metric does not count the unknown outcome")
	}
	run := b.get(runsPath + "/" + trace).ok()
	if !strings.Contains(fmt.Sprint(run["message"]), "nothing is sent again") {
		t.Errorf("run: %v", run["message"])
	}
}

// TestApprovalGoesOnWithoutItsBrowser: a closed browser cancels no write.
func TestApprovalGoesOnWithoutItsBrowser(t *testing.T) {
	h := newHost(t).ready()
	b := h.as("operator")
	trace := b.propose("hold_job", map[string]any{"job": "PAYROLL_TAX"})
	arrived, release := make(chan struct{}), make(chan struct{})
	h.beforeWrite(func(http.ResponseWriter, *http.Request) bool { close(arrived); <-release; return false })
	ctx, giveUp := context.WithCancel(t.Context())
	go func() { <-arrived; giveUp() }()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.base+approvalsPath+"/"+trace, strings.NewReader(`{"action":"approve"}`))
	must(t, err)
	req.Header.Set("Content-Type", "application/json")
	if resp, err := b.client.Do(req); err == nil {
		resp.Body.Close()
		t.Fatal("the approver was to give up before the engine answers")
	}
	close(release)
	if run := b.run(trace, "verified"); run["status"] != "done" {
		t.Errorf("run: %v", run)
	}
}

func TestExecuteParallelKeepsOrder(t *testing.T) {
	h := newHost(t).ready()
	h.inject("job-abend")
	b := h.as("operator")
	got := b.post(executePath+"-parallel", []map[string]any{
		{"tool_name": "get_job_status", "parameters": map[string]string{"job": "PAYROLL_NET"}},
		{"tool_name": "no_such_tool"},
		{"tool_name": "rerun_job", "parameters": map[string]string{"job": "PAYROLL_NET"}},
		{"tool_name": "get_plan_summary"},
	}).ok()
	names, states := []string{}, []string{}
	for _, raw := range got["results"].([]any) {
		r := raw.(map[string]any)
		names, states = append(names, r["tool_name"].(string)), append(states, r["status"].(string))
	}
	if diff := cmp.Diff([]string{"get_job_status", "no_such_tool", "rerun_job", "get_plan_summary"}, names); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"done", "error", "blocked_on_user", "done"}, states); diff != "" {
		t.Error(diff)
	}
	if got["success_count"] != 2.0 || got["total"] != 4.0 {
		t.Errorf("%v of %v", got["success_count"], got["total"])
	}
	// Defect 4: the predecessor's batch ran writes without an approval.
	if n := len(h.sim.Writes()); n != 0 {
		t.Errorf("%d writes", n)
	}
}

func TestAssessRisk(t *testing.T) {
	h := newHost(t).ready()
	b := h.as("viewer")
	got := b.post("/api/v1/agents/tools/assess-risk?tool_name=update_workstation_limit", map[string]any{"workstation": "PAY_AGT1", "limit": 0}).ok()
	if got["risk_level"] != "high" || got["requires_approval"] != true || got["tool_permission"] != "write" || len(got["facts"].([]any)) < 3 {
		t.Errorf("got %v", got)
	}
	b.post("/api/v1/agents/tools/assess-risk?tool_name=nope", map[string]any{}).problem(http.StatusNotFound, "nope")
	b.post("/api/v1/agents/tools/assess-risk?tool_name=hold_job", map[string]any{"job": "PAYROL_TAX"}).problem(http.StatusNotFound, "did you mean")
	if n := len(h.sim.Writes()); n != 0 {
		t.Errorf("%d writes", n)
	}
}

func TestShortFormOfAnAction(t *testing.T) {
	h := newHost(t).ready()
	h.inject("job-abend")
	b := h.as("operator")
	for _, prefix := range []string{"", "/api/v1"} {
		got := b.post(prefix+"/tws/execute/rerun", map[string]any{"target": "PAYROLL_NET", "reason": "r"}).ok()
		if got["status"] != "blocked_on_user" || got["tool_name"] != "rerun_job" {
			t.Errorf("%q: %v", prefix, got)
		}
	}
	b.post("/tws/execute/explode", map[string]any{"target": "PAYROLL_NET"}).problem(http.StatusUnprocessableEntity, "path.action")
	b.post("/tws/execute/rerun", map[string]any{"target": "PAYROL_NET"}).problem(http.StatusNotFound, "did you mean")
}
