package ops

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resync/hwa"
	"resync/tool"
)

const payroll = "PAY_AGT1#PAYROLL.PAYROLL_NET"

func TestJobStatus(t *testing.T) {
	l := newLab(t)
	sit := l.inject("job-abend")
	for _, name := range []string{"PAYROLL_NET", payroll, "payroll_net", sit.JobID} {
		got := l.read("get_job_status", args{"job": name})
		want := map[string]any{"id": sit.JobID, "name": payroll, "status": "ABEND", "common_status": "ERROR", "return_code": 8.0,
			"priority": 50.0, "recovery_option": "STOP", "late": true}
		for k, v := range want {
			if diff := cmp.Diff(v, got[k]); diff != "" {
				t.Errorf("%s, %s: %s", name, k, diff)
			}
		}
		if _, err := time.Parse(time.RFC3339, fmt.Sprint(got["as_of"])); err != nil {
			t.Errorf("%s: as_of: %v", name, err)
		}
	}
}

func TestJobLog(t *testing.T) {
	l := newLab(t)
	l.inject("job-abend")
	whole := l.read("get_job_log", args{"job": "PAYROLL_NET", "max_lines": 10000})
	all := whole["lines"].([]any)
	if len(all) < 20 || whole["truncated"] != false {
		t.Fatalf("%d lines, truncated %v; want the whole log", len(all), whole["truncated"])
	}
	for i, raw := range all {
		if n := raw.(map[string]any)["line"]; n != float64(i+1) {
			t.Fatalf("line %d is numbered %v", i+1, n)
		}
	}
	for _, n := range []int{1, 5} {
		got := l.read("get_job_log", args{"job": "PAYROLL_NET", "max_lines": n})
		if diff := cmp.Diff(all[len(all)-n:], got["lines"]); diff != "" {
			t.Errorf("the last %d lines: %s", n, diff)
		}
		// What was asked to be shown must not decide what is known of the run.
		if diff := cmp.Diff(8.0, got["exit_status"]); diff != "" {
			t.Errorf("exit status of %d lines: %s", n, diff)
		}
		if got["truncated"] != true {
			t.Errorf("%d of %d lines are not said to be a part", n, len(all))
		}
	}
	if diff := cmp.Diff(whole["codes"], l.read("get_job_log", args{"job": "PAYROLL_NET", "max_lines": 1})["codes"]); diff != "" {
		t.Error("codes depend on the lines shown: " + diff)
	}
	_, err := l.call("viewer", "get_job_log", args{"job": "PAYROLL_TAX"})
	wants(t, err, "PAYROLL_TAX", "has not started")
}

func TestJobHistoryCountsReruns(t *testing.T) {
	l := newLab(t)
	l.inject("job-abend")
	res := l.act("rerun_job", args{"job": payroll})
	l.reached(res.RunID, tool.EvVerified)
	got := l.read("get_job_history", args{"job": payroll})
	if got["total_executions"] != 2.0 || got["failure_count"] != 1.0 {
		t.Errorf("%v executions, %v failures, want 2 and 1: %v", got["total_executions"], got["failure_count"], got["runs"])
	}
	kinds := []string{}
	for _, r := range got["runs"].([]any) {
		kinds = append(kinds, fmt.Sprint(r.(map[string]any)["type"]))
	}
	if diff := cmp.Diff([]string{"REGULAR", "RERUN"}, kinds); diff != "" {
		t.Error(diff)
	}
}

func TestNeighbours(t *testing.T) {
	l := newLab(t)
	names := func(tool string, a args) (out []string) {
		for _, n := range l.read(tool, a)["results"].([]any) {
			out = append(out, fmt.Sprint(n.(map[string]any)["key"]))
		}
		slices.Sort(out)
		return out
	}
	if diff := cmp.Diff([]string{"PAY_AGT1#PAYROLL.PAYROLL_CALC"}, names("get_predecessors", args{"job": payroll, "depth": 1})); diff != "" {
		t.Error(diff)
	}
	direct := names("get_successors", args{"job": payroll, "depth": 1})
	for _, want := range []string{"PAY_AGT1#PAYROLL.PAYROLL_TAX", "PAY_AGT1#PAYROLL.PAYROLL_SOCIAL"} {
		if !slices.Contains(direct, want) {
			t.Errorf("%s is missing from %v", want, direct)
		}
	}
	if deep := names("get_successors", args{"job": payroll, "depth": 20}); len(deep) <= len(direct) {
		t.Errorf("20 levels hold %d jobs, one holds %d", len(deep), len(direct))
	}
}

func TestWorkstationStatus(t *testing.T) {
	l := newLab(t)
	l.inject("limit-zero")
	got := l.read("get_workstation_status", args{"workstation": "crd_agt3"})["workstation"].(map[string]any)
	for k, want := range map[string]any{"name": "CRD_AGT3", "limit": 0.0, "linked": true, "type": "FTA", "jobs_ready": 1.0} {
		if diff := cmp.Diff(want, got[k]); diff != "" {
			t.Errorf("%s: %s", k, diff)
		}
	}
	all := l.read("get_workstation_status", args{})
	if n := len(all["workstations"].([]any)); n < 30 || all["total"] != float64(n) {
		t.Errorf("%d workstations, total %v", n, all["total"])
	}
}

func TestResource(t *testing.T) {
	l := newLab(t)
	for _, name := range []string{"PAYDB", "PAY_AGT1#PAYDB", "/PAY_AGT1#PAYDB"} {
		list := l.read("check_resource_availability", args{"resource_name": name})["resources"].([]any)
		if len(list) != 1 || list[0].(map[string]any)["quantity"] != 4.0 {
			t.Errorf("%s: %v", name, list)
		}
	}
	_, err := l.call("viewer", "check_resource_availability", args{"resource_name": "PAYBD"})
	wants(t, err, `nothing in the plan is named "PAYBD"; there are`, " PAY_AGT1#PAYDB,")
	if strings.Contains(err.Error(), "did you mean") {
		t.Errorf("names that were not compared are called near: %v", err)
	}
}

func TestPrompts(t *testing.T) {
	l := newLab(t)
	if got := l.read("get_prompts", args{}); got["total"] != 0.0 {
		t.Errorf("%v prompts are open on a quiet night", got["total"])
	}
	l.inject("prompt-asked")
	got := l.read("get_prompts", args{})
	if got["total"] != 1.0 || len(got["prompts"].([]any)) != 1 {
		t.Errorf("got %v", got)
	}
}

func TestPlanSummary(t *testing.T) {
	l := newLab(t)
	l.inject("job-abend")
	got := l.read("get_plan_summary", args{})
	if got["total"] != 400.0 || got["by_status"].(map[string]any)["ABEND"] != 1.0 {
		t.Errorf("got %v", got)
	}
	if diff := cmp.Diff([]any{payroll}, got["failed"]); diff != "" {
		t.Error(diff)
	}
}

// TestNamesAreNeverGuessed: a read says what a name may mean; a write never
// takes the nearest one (defects 13 and 14).
func TestDefect13_NamesAreNeverGuessed(t *testing.T) {
	l := newLab(t)
	for _, name := range []string{"get_job_status", "get_job_log", "get_job_history", "get_predecessors", "get_successors", "hold_job", "release_job", "rerun_job", "update_job_priority"} {
		a := args{"job": "PAYROL_NET"}
		if name == "update_job_priority" {
			a["priority"] = 5
		}
		_, err := l.call("operator", name, a)
		wants(t, err, name, `"PAYROL_NET"`, "did you mean "+payroll+"?")
		var ne *NameError
		if !errors.As(err, &ne) {
			t.Errorf("%s: %T, want a *NameError", name, err)
		}
		a["job"] = "PAY_@"
		_, err = l.call("operator", name, a)
		wants(t, err, `"PAY_@" can mean 4 things`, "PAY_AGT2#PAY_POST.PAY_BOOK", "PAY_AGT2#PAY_POST.PAY_ARCHIVE")
		a["job"] = "  "
		_, err = l.call("operator", name, a)
		wants(t, err, `argument "job" refused`, "empty")
	}
	if w := l.sim.Writes(); len(w) != 0 {
		t.Errorf("the engine got %v", w)
	}
}

func TestAmbiguousAfterCarryForward(t *testing.T) {
	l := newLab(t)
	sit := l.inject("carried-forward")
	job := sit.Job[strings.LastIndexByte(sit.Job, '.')+1:]
	_, err := l.call("viewer", "get_job_status", args{"job": job})
	wants(t, err, "can mean 2 things")
	if got := l.read("get_job_status", args{"job": sit.JobID}); got["id"] != sit.JobID {
		t.Errorf("the plan id names %v", got["id"])
	}
}

func TestUnknownNamesOfOtherObjects(t *testing.T) {
	l := newLab(t)
	_, err := l.call("viewer", "get_workstation_status", args{"workstation": "PAY_AGT9"})
	wants(t, err, `"PAY_AGT9"`, "did you mean PAY_AGT1, PAY_AGT2?")
	_, err = l.call("operator", "update_workstation_limit", args{"workstation": "PAY_AGT9", "limit": 3})
	wants(t, err, `"PAY_AGT9"`, "did you mean PAY_AGT1, PAY_AGT2?")
	_, err = l.call("viewer", "get_job_status", args{"job": "PAY_AGT1"})
	wants(t, err, "a job of workstation PAY_AGT1")
}

func TestBadArgumentsNameTheField(t *testing.T) {
	l := newLab(t)
	for _, tt := range []struct {
		tool  string
		args  args
		field string
	}{
		{"get_job_status", args{}, "job"},
		{"get_job_status", args{"job": 7}, "job"},
		{"get_job_status", args{"job": payroll, "verbose": true}, "verbose"},
		{"get_job_log", args{"job": payroll, "max_lines": -1}, "max_lines"},
		{"get_job_log", args{"job": payroll, "max_lines": 10001}, "max_lines"},
		{"get_job_log", args{"job": payroll, "max_lines": "all"}, "max_lines"},
		{"get_predecessors", args{"job": payroll, "depth": 21}, "depth"},
		{"get_successors", args{"job": payroll, "depth": -1}, "depth"},
		{"search_knowledge_base", args{"query": "abend", "top_k": 51}, "top_k"},
		{"update_job_priority", args{"job": payroll, "priority": 102}, "priority"},
		{"update_job_priority", args{"job": payroll, "priority": -1}, "priority"},
		{"update_job_priority", args{"job": payroll, "priority": 1.5}, "priority"},
		{"update_workstation_limit", args{"workstation": "PAY_AGT1", "limit": 1025}, "limit"},
		{"update_workstation_limit", args{"workstation": "PAY_AGT1", "limit": -1}, "limit"},
		{"rerun_job", args{"job": payroll, "run_id": "no-such-run"}, "run_id"},
	} {
		l.deps.Search = nil
		_, err := l.call("operator", tt.tool, tt.args)
		var ae *tool.ArgError
		switch {
		case tt.tool == "search_knowledge_base":
			wants(t, err, "without a knowledge base")
		case !errors.As(err, &ae):
			t.Errorf("%s %v: %v, want an *ArgError", tt.tool, tt.args, err)
		case ae.Field != tt.field:
			t.Errorf("%s %v names the field %q, want %q: %v", tt.tool, tt.args, ae.Field, tt.field, err)
		}
	}
}

func TestSearchAndDiagnosisAreCalledWithWhatWasAsked(t *testing.T) {
	l := newLab(t)
	sit := l.inject("job-abend")
	var asked []string
	l.deps.Search = func(_ context.Context, q string, k int) (any, error) {
		asked = append(asked, fmt.Sprint(q, k))
		return map[string]int{"found": k}, nil
	}
	byID := func(_ context.Context, id string) (any, error) {
		asked = append(asked, id)
		return map[string]string{"id": id}, nil
	}
	l.deps.Diagnose, l.deps.Impact = byID, byID
	must(t, l.x.Close(t.Context()))
	l.x = l.executor(tool.Config{})
	l.read("search_knowledge_base", args{"query": "what is ABEND"})
	l.read("search_knowledge_base", args{"query": "limit", "top_k": 9})
	l.read("diagnose_job", args{"job": "PAYROLL_NET"})
	l.read("analyze_impact", args{"job": "PAYROLL_NET"})
	if diff := cmp.Diff([]string{"what is ABEND5", "limit9", sit.JobID, sit.JobID}, asked); diff != "" {
		t.Error(diff)
	}
	_, err := l.call("viewer", "search_knowledge_base", args{"query": "limit", "top_k": 51})
	wants(t, err, `argument "top_k"`)
}

// TestReadsSayWhyTheEngineDidNotAnswer: every reading tool passes the client's
// own sentence on.
func TestReadsSayWhyTheEngineDidNotAnswer(t *testing.T) {
	l := newLab(t)
	l.sync()
	for _, tt := range []struct {
		mode string
		kind hwa.Kind
		says string
	}{
		{"refuse", hwa.KindUnreachable, "the connection broke"},
		{"login-page", hwa.KindAuth, "login page"},
		{"http-5xx", hwa.KindOutage, "HTTP 503"},
		{"cut", hwa.KindUnreachable, "before the answer was complete"},
	} {
		must(t, l.sim.Transport(tt.mode, -1, time.Millisecond, 0))
		for _, name := range []string{"get_job_status", "get_job_log", "get_job_history", "get_predecessors", "get_successors"} {
			_, err := l.call("viewer", name, args{"job": payroll})
			wants(t, err, tt.says)
			if k := hwa.KindOf(err); k != tt.kind {
				t.Errorf("%s, %s: kind %s, want %s: %v", tt.mode, name, k, tt.kind, err)
			}
		}
		_, err := l.call("viewer", "get_workstation_status", args{"workstation": "PAY_AGT1"})
		wants(t, err, "PAY_AGT1", tt.says)
		_, err = l.call("viewer", "get_prompts", args{})
		wants(t, err, "listing prompts", tt.says)
	}
}

func TestCatalog(t *testing.T) {
	_, err := Tools(Deps{})
	wants(t, err, "client", "plan")
	l := newLab(t)
	writes := 0
	for _, tl := range l.x.Tools() {
		s := tl.Spec
		if s.Description == "" || len(s.Tags) == 0 || tl.Schema == nil {
			t.Errorf("%s lacks a description, tags or a schema", s.Name)
		}
		if s.Permission.Writes() {
			writes++
			if s.UndoNote == "" || s.Undo == "" {
				t.Errorf("%s does not say how far it can be undone", s.Name)
			}
		}
		for _, target := range s.Targets {
			if tl.Schema.Properties[target] == nil {
				t.Errorf("%s: the target %q is no argument", s.Name, target)
			}
		}
	}
	if writes != 5 || len(l.x.Tools()) != 17 {
		t.Errorf("%d tools, %d of them write; want 17 and 5", len(l.x.Tools()), writes)
	}
}
