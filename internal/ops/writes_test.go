package ops

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resync/hwa"
	"resync/hwa/hwasim"
	"resync/tool"
)

func TestWritesRefuseWhatMakesNoSense(t *testing.T) {
	l := newLab(t)
	held := l.inject("job-held").Job
	ended, runs := l.pick(hwa.JobStatusSucc), l.pick(hwa.JobStatusExec)
	waits := "PAY_AGT1#PAYROLL.PAYROLL_TAX"
	for _, tt := range []struct {
		tool string
		args args
		says []string
	}{
		{"hold_job", args{"job": ended}, []string{ended, "cannot be held", "SUCC already"}},
		{"hold_job", args{"job": runs}, []string{runs, "cannot be held", "EXEC already"}},
		{"hold_job", args{"job": held}, []string{held, "held already", "priority is 0"}},
		{"release_job", args{"job": waits}, []string{waits, "not held", "priority is 50", "nothing to release"}},
		{"release_job", args{"job": runs}, []string{runs, "cannot be released", "EXEC already"}},
		{"update_job_priority", args{"job": runs, "priority": 5}, []string{runs, "means nothing any more"}},
		{"update_job_priority", args{"job": waits, "priority": 50}, []string{waits, "is 50 already"}},
		{"rerun_job", args{"job": waits}, []string{waits, "is HOLD", "SUCC, ABEND or FAIL"}},
		{"rerun_job", args{"job": runs}, []string{runs, "is EXEC", "SUCC, ABEND or FAIL"}},
		{"rerun_job", args{"job": ended, "run_id": "0-0"}, []string{`"run_id"`, "0-0 is not the last run of " + ended}},
		{"update_workstation_limit", args{"workstation": "PAY_AGT1", "limit": 12}, []string{"the limit of PAY_AGT1 is 12 already"}},
	} {
		_, err := l.call("operator", tt.tool, tt.args)
		wants(t, err, append(tt.says, tt.tool)...)
	}
	if w := l.sim.Writes(); len(w) != 0 {
		t.Errorf("refused proposals reached the engine: %v", w)
	}
	if list, err := l.x.Ledger().ListRuns(t.Context(), tool.RunFilter{}); err != nil || len(list) != 0 {
		t.Errorf("refused proposals were stored: %d, %v", len(list), err)
	}
}

// writeCase is one of the five writes on a job or workstation where it makes sense.
type writeCase struct {
	fault  string
	tool   string
	args   args
	op     string // of the simulator's journal
	before map[string]any
	after  map[string]any
	undo   tool.UndoClass
}

func writeCases() []writeCase {
	const tax = "PAY_AGT1#PAYROLL.PAYROLL_TAX"
	return []writeCase{
		{"job-abend", "rerun_job", args{"job": payroll, "step": "AGAIN"}, "job.rerun",
			map[string]any{"status": "ABEND", "runs": 1.0, "return_code": 8.0},
			map[string]any{"status": "a new run starts when its gates are open", "runs": 2.0}, tool.UndoNone},
		{"job-abend", "hold_job", args{"job": tax}, "job.hold",
			map[string]any{"status": "HOLD", "priority": 50.0}, map[string]any{"status": "held", "priority": 0.0}, tool.UndoExactIfNotStarted},
		{"job-held", "release_job", args{"job": "INT_AGT1#INT_RATEFEED.IRF_PULL"}, "job.release",
			map[string]any{"status": "HOLD", "priority": 0.0}, map[string]any{"status": "as its other gates allow", "priority": 20.0}, tool.UndoExactIfNotStarted},
		{"job-abend", "update_job_priority", args{"job": tax, "priority": 99}, "job.patch",
			map[string]any{"priority": 50.0}, map[string]any{"priority": 99.0}, tool.UndoExactIfNotStarted},
		{"limit-zero", "update_workstation_limit", args{"workstation": "CRD_AGT3", "limit": 10}, "workstation.update-limit",
			map[string]any{"limit": 0.0}, map[string]any{"limit": 10.0}, tool.UndoExact},
	}
}

func TestWriteFromProposalToVerification(t *testing.T) {
	for _, tt := range writeCases() {
		t.Run(tt.tool, func(t *testing.T) {
			l := newLab(t)
			l.inject(tt.fault)
			proposed := l.propose(tt.tool, tt.args)
			if n := len(l.sim.Writes()); n != 0 {
				t.Fatalf("%d writes reached the engine before the approval", n)
			}
			st := *proposed.Run
			stored, err := l.x.Ledger().LoadRun(t.Context(), st.ID)
			must(t, err)
			if diff := cmp.Diff([]map[string]any{tt.before, tt.after}, []map[string]any{stored.Preview.Before, stored.Preview.After}); diff != "" {
				t.Error("preview: " + diff)
			}
			if len(st.Preview.Effects) == 0 || st.Preview.Summary == "" {
				t.Errorf("the approver is not told what follows: %+v", st.Preview)
			}
			res, err := l.approve(proposed)
			must(t, err)
			if res.Status != tool.StatusDone {
				t.Errorf("status %s", res.Status)
			}
			note := l.reached(st.ID, tool.EvVerified).Detail["note"]
			if s := fmt.Sprint(note); !strings.Contains(s, st.Target) {
				t.Errorf("the verification does not name %s: %s", st.Target, s)
			}
			l.oneWrite(tt.op, st)
			l.inverseIs(st.ID, tt.undo)
		})
	}
}

// oneWrite checks that exactly one write reached the engine, with the
// justification of the run.
func (l *lab) oneWrite(op string, st tool.RunState) {
	l.t.Helper()
	writes := l.sim.Writes()
	if len(writes) != 1 || writes[0].Op != op {
		l.t.Fatalf("the engine got %+v, want one %s", writes, op)
	}
	w := writes[0]
	got := []string{w.Category, w.Description, w.Ticket}
	want := []string{"Resync", fmt.Sprintf("the file came late (operator via Resync, %s)", st.ID), "INC-42"}
	if diff := cmp.Diff(want, got); diff != "" {
		l.t.Error("justification: " + diff)
	}
}

func (l *lab) inverseIs(runID string, class tool.UndoClass) {
	l.t.Helper()
	rec, err := l.x.Ledger().LoadUndo(l.t.Context(), runID)
	if class == tool.UndoNone {
		if !errors.Is(err, tool.ErrNotFound) {
			l.t.Errorf("an inverse is stored for an action that has none: %+v, %v", rec, err)
		}
		return
	}
	must(l.t, err)
	if rec.Inverse.Class != class || rec.Inverse.Summary == "" || len(rec.Inverse.Expect) == 0 {
		l.t.Errorf("inverse %+v, want class %s with summary and precondition", rec.Inverse, class)
	}
}

func TestRerunTakesTheStepName(t *testing.T) {
	l := newLab(t)
	l.inject("job-abend")
	res := l.act("rerun_job", args{"job": payroll, "step": "AGAIN"})
	l.reached(res.RunID, tool.EvVerified)
	if a := l.sim.Writes()[0].Args; !strings.Contains(a, `"stepName":"AGAIN"`) {
		t.Errorf("the engine got %s", a)
	}
}

func TestDefect10_HoldAndUndoOverSQLite(t *testing.T) {
	l := newLab(t)
	const tax = "PAY_AGT1#PAYROLL.PAYROLL_TAX"
	held := l.act("hold_job", args{"job": tax})
	l.reached(held.RunID, tool.EvVerified)
	if p := *l.job(tax).Priority; p != 0 {
		t.Fatalf("priority %d after the hold", p)
	}
	list, err := l.x.Undoable(t.Context())
	must(t, err)
	if len(list) != 1 || list[0].RunID != held.RunID || list[0].Target != tax || !strings.Contains(list[0].Inverse.Summary, "back to 50") {
		t.Fatalf("undoable: %+v", list)
	}
	undo, err := l.x.Undo(t.Context(), who("operator"), held.RunID, "")
	must(t, err)
	l.reached(undo.RunID, tool.EvVerified)
	if by := l.reached(held.RunID, tool.EvUndone).Detail["by"]; by != undo.RunID {
		t.Errorf("undone by %v, want %s", by, undo.RunID)
	}
	if p := *l.job(tax).Priority; p != 50 {
		t.Errorf("priority %d after the undo, want 50", p)
	}
	if diff := cmp.Diff([]string{"job.hold", "job.patch"}, ops(l)); diff != "" {
		t.Error(diff)
	}
	_, err = l.x.Undo(t.Context(), who("operator"), held.RunID, "")
	wants(t, err, "undone already")
	if list, err := l.x.Undoable(t.Context()); err != nil || slices.ContainsFunc(list, func(u tool.UndoView) bool { return u.RunID == held.RunID }) {
		t.Errorf("the undone hold is offered again: %+v, %v", list, err)
	}
}

func ops(l *lab) (out []string) {
	for _, w := range l.sim.Writes() {
		out = append(out, w.Op)
	}
	return out
}

func TestReleaseAndUndoHoldsAgain(t *testing.T) {
	l := newLab(t)
	// A job that waits for its predecessors too does not start when released.
	const tax = "PAY_AGT1#PAYROLL.PAYROLL_TAX"
	l.reached(l.act("hold_job", args{"job": tax}).RunID, tool.EvVerified)
	released := l.act("release_job", args{"job": tax})
	l.reached(released.RunID, tool.EvVerified)
	if p := *l.job(tax).Priority; p != 50 {
		t.Errorf("priority %d after the release", p)
	}
	undo, err := l.x.Undo(t.Context(), who("operator"), released.RunID, "too early")
	must(t, err)
	l.reached(undo.RunID, tool.EvVerified)
	if p := *l.job(tax).Priority; p != 0 {
		t.Errorf("priority %d after the release was undone", p)
	}
}

func TestUndoRefusesWhenTheJobHasStarted(t *testing.T) {
	l := newLab(t)
	sit := l.inject("job-held")
	raised := l.act("update_job_priority", args{"job": sit.Job, "priority": 40})
	l.reached(raised.RunID, tool.EvVerified)
	l.sim.Step(2 * time.Minute)
	if st := l.job(sit.Job).LastRunCompositeStatus.Status; st != hwa.JobStatusExec {
		t.Fatalf("the job is %s, the test needs it to run", st)
	}
	writes := len(l.sim.Writes())
	_, err := l.x.Undo(t.Context(), who("operator"), raised.RunID, "")
	wants(t, err, "cannot undo", sit.Job, "EXEC")
	var refused *tool.UndoRefusedError
	if !errors.As(err, &refused) {
		t.Errorf("%T, want an *UndoRefusedError", err)
	}
	if n := len(l.sim.Writes()); n != writes {
		t.Errorf("a refused undo wrote to the engine: %v", ops(l))
	}
}

func TestUndoRefusesWhenSomebodyElseChangedThePriority(t *testing.T) {
	l := newLab(t)
	const tax = "PAY_AGT1#PAYROLL.PAYROLL_TAX"
	held := l.act("hold_job", args{"job": tax})
	l.reached(held.RunID, tool.EvVerified)
	_, err := l.deps.Client.UpdateJobPriority(t.Context(), l.job(tax).ID, 30, hwa.Justification{})
	must(t, err)
	_, err = l.x.Undo(t.Context(), who("operator"), held.RunID, "")
	wants(t, err, "cannot undo", "moved since", "priority: 0 → 30")
}

func TestRerunIsExecutedOnceAndCannotBeUndone(t *testing.T) {
	l := newLab(t)
	sit := l.inject("job-abend")
	res := l.act("rerun_job", args{"job": payroll})
	l.reached(res.RunID, tool.EvVerified)
	_, err := l.approve(res)
	if !errors.Is(err, tool.ErrAlreadyClaimed) && !errors.Is(err, tool.ErrDuplicateVote) && !errors.Is(err, tool.ErrDecided) {
		t.Errorf("a second approval: %v", err)
	}
	if n := l.sim.Executed("job.rerun", ""); n != 1 {
		t.Errorf("%d reruns on the engine", n)
	}
	if n := len(l.job(sit.JobID).JobRuns); n != 2 {
		t.Errorf("the plan shows %d runs", n)
	}
	_, err = l.x.Undo(t.Context(), who("operator"), res.RunID, "")
	wants(t, err, "cannot undo", "a rerun cannot be taken back", "can only be killed")
	if list, err := l.x.Undoable(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("a rerun is offered for undo: %v %v", list, err)
	}
}

func TestLimitUndoIsExact(t *testing.T) {
	l := newLab(t)
	res := l.act("update_workstation_limit", args{"workstation": "PAY_AGT1", "limit": 3})
	l.reached(res.RunID, tool.EvVerified)
	undo, err := l.x.Undo(t.Context(), who("operator"), res.RunID, "")
	must(t, err)
	l.reached(undo.RunID, tool.EvVerified)
	known, _ := l.live.Snapshot().Workstation("PAY_AGT1")
	w, err := l.deps.Client.Workstation(t.Context(), known.ID)
	must(t, err)
	if *w.Limit != 12 {
		t.Errorf("limit %d after the undo, want 12", *w.Limit)
	}
}

func TestLimitPreviewAndRisk(t *testing.T) {
	l := newLab(t)
	l.inject("limit-zero")
	zero := l.propose("update_workstation_limit", args{"workstation": "PAY_AGT1", "limit": 0})
	if zero.Risk.Level != tool.RiskHigh {
		t.Errorf("limit 0 is %s, want high: %v", zero.Risk.Level, zero.Risk.Facts)
	}
	opened := l.propose("update_workstation_limit", args{"workstation": "CRD_AGT3", "limit": 4})
	if e := opened.Run.Preview.Effects; len(e) != 1 || !strings.Contains(e[0], "1 of the 1 ready jobs may start") {
		t.Errorf("effects: %v", e)
	}
}

// TestApprovalIsVoidWhenTheJobMoved: what was approved is what runs, or nothing.
func TestApprovalIsVoidWhenTheJobMoved(t *testing.T) {
	const tax = "PAY_AGT1#PAYROLL.PAYROLL_TAX"
	for _, tt := range []struct {
		name, tool string
		args       args
		move       func(*lab)
		says       []string
	}{
		{"priority", "hold_job", args{"job": tax}, func(l *lab) {
			_, err := l.deps.Client.UpdateJobPriority(l.t.Context(), l.job(tax).ID, 7, hwa.Justification{})
			must(l.t, err)
		}, []string{tax, "has changed since the approval was asked for", "priority: 50 → 7", "void", "ask again"}},
		{"rerun by somebody else", "rerun_job", args{"job": payroll}, func(l *lab) {
			_, err := l.deps.Client.RerunJob(l.t.Context(), l.job(payroll).LastRun().ID, hwa.RerunDetails{}, hwa.Justification{})
			must(l.t, err)
		}, []string{payroll, "reading", "again before acting", "only a job that is SUCC, ABEND or FAIL"}},
		{"cancelled meanwhile", "hold_job", args{"job": tax}, func(l *lab) {
			_, err := l.deps.Client.CancelJob(l.t.Context(), l.job(tax).ID, hwa.Justification{})
			must(l.t, err)
		}, []string{tax, "cancelled"}},
		{"limit", "update_workstation_limit", args{"workstation": "PAY_AGT1", "limit": 3}, func(l *lab) {
			known, _ := l.live.Snapshot().Workstation("PAY_AGT1")
			_, err := l.deps.Client.UpdateWorkstationLimit(l.t.Context(), known.ID, 6, hwa.Justification{})
			must(l.t, err)
		}, []string{"PAY_AGT1", "limit: 12 → 6", "void"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t)
			l.inject("job-abend")
			res := l.propose(tt.tool, tt.args)
			tt.move(l)
			moved := len(l.sim.Writes())
			_, err := l.approve(res)
			wants(t, err, tt.says...)
			if n := len(l.sim.Writes()); n != moved {
				t.Errorf("the engine got %v after the approval was void", ops(l))
			}
			st, err := l.x.Ledger().LoadRun(t.Context(), res.RunID)
			must(t, err)
			if st.Status() != tool.StatusCancelled || !st.Has(tool.EvVoided) || st.Has(tool.EvExecuting) {
				t.Errorf("journal: %s", phases(st))
			}
			a, err := l.x.Ledger().LoadApproval(t.Context(), res.RunID)
			must(t, err)
			if a.Status != tool.ApprovalVoid {
				t.Errorf("the approval is %s", a.Status)
			}
			if _, err := l.approve(res); err == nil {
				t.Error("a void approval was taken a second time")
			}
		})
	}
}

// TestEngineRefusal: the codes and words of the engine come out and stay in the
// journal.
func TestEngineRefusal(t *testing.T) {
	t.Run("state", func(t *testing.T) {
		l := newLab(t)
		l.inject("job-abend")
		res := l.propose("rerun_job", args{"job": payroll})
		l.beforeWrite(func() { // somebody is quicker by a millisecond
			_, err := l.deps.Client.RerunJob(t.Context(), l.job(payroll).LastRun().ID, hwa.RerunDetails{}, hwa.Justification{})
			must(t, err)
		})
		l.refusedWith(res, hwa.KindBusiness, "AWSBIN076E", "incorrect state")
		if n := l.sim.Executed("job.rerun", ""); n != 1 {
			t.Errorf("%d reruns, want the other person's alone", n)
		}
	})
	t.Run("rights", func(t *testing.T) {
		l := newLab(t, func(c *labConfig) { c.user = "viewer" })
		l.inject("job-abend")
		l.refusedWith(l.propose("rerun_job", args{"job": payroll}), hwa.KindForbidden, "AWSJCO005E", "not allowed")
		l.refusedWith(l.propose("hold_job", args{"job": "PAYROLL_TAX"}), hwa.KindForbidden, "AWSJCO005E", "not allowed")
		if n := len(l.sim.Writes()); n != 0 {
			t.Errorf("%d writes", n)
		}
	})
}

func (l *lab) refusedWith(proposed tool.Result, kind hwa.Kind, says ...string) {
	l.t.Helper()
	res, err := l.approve(proposed)
	wants(l.t, err, says...)
	if k := hwa.KindOf(err); k != kind {
		l.t.Errorf("kind %s, want %s", k, kind)
	}
	if res.Status != tool.StatusError {
		l.t.Errorf("status %s, want error", res.Status)
	}
	e := l.reached(proposed.RunID, tool.EvError)
	for _, s := range says {
		if !strings.Contains(fmt.Sprint(e.Detail["error"]), s) {
			l.t.Errorf("the journal does not keep %q: %v", s, e.Detail)
		}
	}
	if _, err := l.x.Undo(l.t.Context(), who("operator"), proposed.RunID, ""); err == nil || !strings.Contains(err.Error(), "refused by the engine") {
		l.t.Errorf("undo of a refused action: %v", err)
	}
}

func TestReadOnlyEngine(t *testing.T) {
	l := newLab(t, func(c *labConfig) { c.exec.Engine = tool.Engine{Name: "lab", Environment: tool.Demo, ReadOnly: true} })
	l.inject("job-abend")
	for _, w := range []string{"rerun_job", "hold_job"} {
		job := map[string]string{"rerun_job": payroll, "hold_job": "PAYROLL_TAX"}[w]
		_, err := l.call("operator", w, args{"job": job})
		wants(t, err, "not allowed", "read_only")
	}
	if got := l.read("get_job_status", args{"job": payroll}); got["status"] != "ABEND" {
		t.Errorf("reading a read-only engine: %v", got)
	}
	if n := len(l.sim.Writes()); n != 0 {
		t.Errorf("%d writes", n)
	}
}

func TestViewerMayNotPropose(t *testing.T) {
	l := newLab(t)
	_, err := l.call("viewer", "hold_job", args{"job": "PAYROLL_TAX"})
	wants(t, err, "not allowed")
}

// TestUnknownOutcome: the answer to a write is lost. Nothing is sent again; the
// plan settles it.
func TestUnknownOutcome(t *testing.T) {
	const tax = "PAY_AGT1#PAYROLL.PAYROLL_TAX"
	for _, tt := range []struct {
		mode    string
		applied bool
	}{{"reset-after", true}, {"reset", false}, {"cut", true}} {
		t.Run(tt.mode, func(t *testing.T) {
			l := newLab(t, func(c *labConfig) { c.exec.ReconcileGrace = 50 * time.Millisecond })
			res := l.propose("hold_job", args{"job": tax})
			l.beforeWrite(func() { must(t, l.sim.Transport(tt.mode, 1, 0, 0)) })
			got, err := l.approve(res)
			wants(t, err, "outcome unknown")
			if !errors.Is(err, tool.ErrMaybeActed) || got.Status != tool.StatusUnknown {
				t.Errorf("status %s, %v", got.Status, err)
			}
			if _, err := l.x.Undo(t.Context(), who("operator"), res.RunID, ""); err == nil || !strings.Contains(err.Error(), "unknown outcome") {
				t.Errorf("undo before the outcome is known: %v", err)
			}
			l.reconciled()
			e := l.reached(res.RunID, tool.EvReconciled)
			if e.Detail["applied"] != tt.applied {
				t.Errorf("reconciled: %v", e.Detail)
			}
			want := 0
			if tt.applied {
				want = 1
			}
			if n := l.sim.Executed("job.hold", ""); n != want {
				t.Errorf("%d holds on the engine, want %d", n, want)
			}
			_, undo := l.x.Undo(t.Context(), who("operator"), res.RunID, "")
			if (undo == nil) != tt.applied {
				t.Errorf("undo after the outcome is known: %v", undo)
			}
		})
	}
}

// reconciled reads the plan until no outcome is unknown.
func (l *lab) reconciled() {
	l.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		n, err := l.x.Reconcile(l.t.Context())
		must(l.t, err)
		if n == 0 {
			return
		}
		if time.Now().After(end) {
			l.t.Fatalf("%d outcomes stay unknown", n)
		}
	}
}

func TestEngineErrorMapping(t *testing.T) {
	for _, tt := range []struct {
		err   error
		maybe bool
	}{
		{nil, false},
		{errors.New("plain"), false},
		{&hwa.Error{Op: "hold job", Message: "refused", Kind: hwa.KindBusiness}, false},
		{&hwa.Error{Op: "hold job", Message: "broke", Kind: hwa.KindUnreachable, MayHaveActed: true}, true},
		{fmt.Errorf("wrapped: %w", &hwa.Error{Op: "hold job", Message: "late", Kind: hwa.KindTimeout, MayHaveActed: true}), true},
	} {
		got := engineError(tt.err)
		if errors.Is(got, tool.ErrMaybeActed) != tt.maybe || !errors.Is(got, tt.err) {
			t.Errorf("%v became %v", tt.err, got)
		}
	}
}

func TestJustificationIsBounded(t *testing.T) {
	j := justification(tool.Meta{RunID: "run_1", User: "ana", Reason: strings.Repeat("é", 400), Ticket: strings.Repeat("T", 300)})
	if len(j.Description) > 512 || len(j.TicketNum) > 128 || !strings.HasPrefix(j.Description, "éé") {
		t.Errorf("%d and %d bytes", len(j.Description), len(j.TicketNum))
	}
	if got := justification(tool.Meta{RunID: "run_1", User: "ana"}); got.Description != "no reason given (ana via Resync, run_1)" {
		t.Errorf("got %q", got.Description)
	}
}

// TestLateApplication: an engine accepts first and acts later; the verification
// waits for it.
func TestLateApplication(t *testing.T) {
	l := newLab(t, func(c *labConfig) {
		c.sim = hwasim.Config{Jobs: 400, Workstations: 40, Speed: -1, ApplyDelay: 60 * time.Millisecond}
	})
	res := l.act("hold_job", args{"job": "PAYROLL_TAX"})
	if st, err := l.x.Ledger().LoadRun(t.Context(), res.RunID); err != nil || st.Phase() != tool.EvDone && st.Phase() != tool.EvVerified {
		t.Errorf("journal %s, %v", phases(st), err)
	}
	l.reached(res.RunID, tool.EvVerified)
}

func TestUnverifiedSaysWhatThePlanShows(t *testing.T) {
	l := newLab(t, func(c *labConfig) {
		c.sim.ApplyVirtual, c.exec.VerifyFor = time.Hour, 50*time.Millisecond
	})
	res := l.act("hold_job", args{"job": "PAYROLL_TAX"})
	e := l.reached(res.RunID, tool.EvUnverified)
	if s := fmt.Sprint(e.Detail["note"]); !strings.Contains(s, "is still 50") {
		t.Errorf("note: %s", s)
	}
}
