package ops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resync/internal/store"
	"resync/tool"
)

func sampleRun(id string) tool.Run {
	return tool.Run{
		ID: id, Engine: "lab", Tool: "hold_job", Permission: tool.Write, Args: json.RawMessage(`{"job":"WS#S.J"}`), ArgsHash: "h",
		Target: "WS#S.J", TargetID: "id-1", User: "ana", ConversationID: "chat_1", ParentID: "",
		Risk:    tool.Assessment{Level: tool.RiskHigh, Facts: []tool.Fact{{Source: "plan", Text: "30 jobs wait for it", Level: tool.RiskHigh}}},
		Preview: tool.Preview{Summary: "Hold WS#S.J", Before: map[string]any{"priority": 50.0}, After: map[string]any{"priority": 0.0}, Effects: []string{"it waits"}},
		State:   map[string]any{"priority": 50.0, "started": false, "run_id": ""}, PreImage: json.RawMessage(`{"id":"id-1"}`),
		Digest: "d-" + id, Reason: "because é ☂", Ticket: "INC-1", CreatedAt: time.Now().UTC().Truncate(time.Millisecond),
	}
}

func sampleApproval(r tool.Run) tool.Approval {
	return tool.Approval{RunID: r.ID, Tool: r.Tool, Digest: r.Digest, Risk: r.Risk.Level, Requester: r.User, RequestedAt: r.CreatedAt,
		ExpiresAt: r.CreatedAt.Add(10 * time.Minute), Needed: 2, AllowSelf: false, Status: tool.ApprovalPending}
}

func entry(id string, ev tool.Event, detail map[string]any) tool.Entry {
	return tool.Entry{RunID: id, At: time.Now().UTC().Truncate(time.Millisecond), Event: ev, Actor: "ana", Detail: detail}
}

// silent is a vote the journal says nothing of.
func silent(tool.Approval) []tool.Entry { return nil }

// stored puts a run with its envelope into the ledger.
func stored(t *testing.T, l *Ledger, id string) tool.Run {
	t.Helper()
	r := sampleRun(id)
	must(t, l.CreateRun(t.Context(), r, []tool.Entry{entry(id, tool.EvProposed, map[string]any{"target": r.Target}), entry(id, tool.EvAssessed, nil)}, sampleApproval(r)))
	return r
}

// TestDefect35_StateSurvivesTheDatabase: what goes into the ledger comes out of
// the file in another process as it was.
func TestDefect35_StateSurvivesTheDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	db, err := store.Open(t.Context(), "sqlite:"+path)
	must(t, err)
	l := NewLedger(db)
	r := stored(t, l, "run_1")
	for _, who := range []string{"bea", "cyd"} {
		_, err := l.CastVote(t.Context(), tool.Vote{RunID: r.ID, Approver: who, Approve: true, Reason: "ok", At: time.Now()}, silent)
		must(t, err)
	}
	must(t, l.ClaimApproved(t.Context(), entry(r.ID, tool.EvExecuting, nil), r.Digest))
	must(t, l.Append(t.Context(), entry(r.ID, tool.EvDone, map[string]any{"note": "accepted"})))
	undo := tool.UndoRecord{RunID: r.ID, Engine: r.Engine, Tool: r.Tool, Risk: r.Risk.Level, Target: r.Target,
		CreatedAt: r.CreatedAt, ExpiresAt: r.CreatedAt.Add(time.Hour),
		Inverse: tool.Inverse{Tool: "update_job_priority", Args: map[string]any{"job": "id-1", "priority": 50.0}, Class: tool.UndoExactIfNotStarted,
			Summary: "set it back", Expect: map[string]any{"priority": 0.0}}}
	must(t, l.PutUndo(t.Context(), undo))
	must(t, l.PutUndo(t.Context(), undo)) // a restart stores it again
	must(t, db.Close())

	l = NewLedger(openStore(t, path))
	st, err := l.LoadRun(t.Context(), r.ID)
	must(t, err)
	if diff := cmp.Diff(r, st.Run); diff != "" {
		t.Error("run: " + diff)
	}
	if got := phases(st); got != "proposed → assessed → blocked_on_user → executing → done" {
		t.Errorf("journal: %s", got)
	}
	if e, _ := st.Find(tool.EvDone); e.Detail["note"] != "accepted" || e.Actor != "ana" || e.At.IsZero() || e.Seq == 0 {
		t.Errorf("entry: %+v", e)
	}
	a, err := l.LoadApproval(t.Context(), r.ID)
	must(t, err)
	if a.Status != tool.ApprovalUsed || len(a.Votes) != 2 || a.Missing() != 0 || a.Risk != tool.RiskHigh || !a.ExpiresAt.Equal(r.CreatedAt.Add(10*time.Minute)) {
		t.Errorf("approval: %+v", a)
	}
	back, err := l.LoadUndo(t.Context(), r.ID)
	must(t, err)
	if diff := cmp.Diff(undo, back); diff != "" {
		t.Error("undo: " + diff)
	}
	if open, err := l.Unsettled(t.Context()); err != nil || len(open) != 1 || open[0].ID != r.ID {
		t.Errorf("unsettled: %+v, %v", open, err)
	}
}

func TestLedgerNamesTheStoresConditions(t *testing.T) {
	l := NewLedger(openStore(t, filepath.Join(t.TempDir(), "l.db")))
	ctx := t.Context()
	vote := func(id, who string, yes bool) error {
		_, err := l.CastVote(ctx, tool.Vote{RunID: id, Approver: who, Approve: yes, At: time.Now()}, silent)
		return err
	}
	r := stored(t, l, "run_1")
	rejected := stored(t, l, "run_2")
	must(t, vote(rejected.ID, "bea", false))
	void := stored(t, l, "run_3")
	must(t, l.VoidApproval(ctx, void.ID, "moved"))
	old := sampleRun("run_4")
	a := sampleApproval(old)
	a.RequestedAt, a.ExpiresAt = time.Now().Add(-time.Hour), time.Now().Add(-time.Minute)
	must(t, l.CreateRun(ctx, old, []tool.Entry{entry(old.ID, tool.EvProposed, nil)}, a))
	must(t, vote(r.ID, "bea", true))
	for _, tt := range []struct {
		what string
		err  error
		is   error
	}{
		{"unknown run", errOf(l.LoadRun(ctx, "run_x")), tool.ErrNotFound},
		{"unknown approval", errOf(l.LoadApproval(ctx, "run_x")), tool.ErrNotFound},
		{"unknown undo", errOf(l.LoadUndo(ctx, r.ID)), tool.ErrNotFound},
		{"vote on nothing", vote("run_x", "bea", true), tool.ErrNotFound},
		{"second vote", vote(r.ID, "bea", true), tool.ErrDuplicateVote},
		{"vote on a rejected one", vote(rejected.ID, "cyd", true), tool.ErrDecided},
		{"vote on a void one", vote(void.ID, "cyd", true), tool.ErrDecided},
		{"vote too late", vote(old.ID, "cyd", true), tool.ErrExpired},
		{"another digest", l.claimAs(t, r, "other"), tool.ErrDigest},
	} {
		if !errors.Is(tt.err, tt.is) {
			t.Errorf("%s: %v, want %v", tt.what, tt.err, tt.is)
		}
	}
	if err := l.VoidApproval(ctx, void.ID, "again"); err != nil {
		t.Errorf("voiding twice: %v", err)
	}
	must(t, l.ClaimApproved(ctx, entry(r.ID, tool.EvExecuting, nil), r.Digest))
	if err := l.ClaimApproved(ctx, entry(r.ID, tool.EvExecuting, nil), r.Digest); !errors.Is(err, tool.ErrAlreadyClaimed) {
		t.Errorf("a second claim: %v", err)
	}
	if err := l.VoidApproval(ctx, r.ID, "too late"); !errors.Is(err, tool.ErrAlreadyClaimed) {
		t.Errorf("voiding a used approval: %v", err)
	}
	if err := l.Append(ctx, entry(r.ID, tool.EvVoided, nil)); !errors.Is(err, tool.ErrAlreadyClaimed) {
		t.Errorf("a claimed run was ended as void: %v", err)
	}
}

// claimAs gives the run its missing vote and claims it with a digest.
func (l *Ledger) claimAs(t *testing.T, r tool.Run, digest string) error {
	_, err := l.CastVote(t.Context(), tool.Vote{RunID: r.ID, Approver: "cyd", Approve: true, At: time.Now()}, silent)
	must(t, err)
	return l.ClaimApproved(t.Context(), entry(r.ID, tool.EvExecuting, nil), digest)
}

func errOf[T any](_ T, err error) error { return err }

func TestOneClaimOfMany(t *testing.T) {
	l := NewLedger(openStore(t, filepath.Join(t.TempDir(), "l.db")))
	r := stored(t, l, "run_1")
	for _, who := range []string{"bea", "cyd"} {
		_, err := l.CastVote(t.Context(), tool.Vote{RunID: r.ID, Approver: who, Approve: true, At: time.Now()}, silent)
		must(t, err)
	}
	var wg sync.WaitGroup
	results := make(chan error, 32)
	for range cap(results) {
		wg.Go(func() {
			results <- l.ClaimApproved(context.WithoutCancel(t.Context()), entry(r.ID, tool.EvExecuting, nil), r.Digest)
		})
	}
	wg.Wait()
	close(results)
	won := 0
	for err := range results {
		if err == nil {
			won++
		} else if !errors.Is(err, tool.ErrAlreadyClaimed) {
			t.Errorf("a loser got %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d callers claimed the run", won)
	}
}

func TestUndoIsClaimedOnce(t *testing.T) {
	l := NewLedger(openStore(t, filepath.Join(t.TempDir(), "l.db")))
	ctx := t.Context()
	for i := range 3 {
		stored(t, l, fmt.Sprintf("run_%d", i))
	}
	must(t, l.PutUndo(ctx, tool.UndoRecord{RunID: "run_0", Engine: "lab", Tool: "hold_job", CreatedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
		Inverse: tool.Inverse{Tool: "release_job", Class: tool.UndoExact, Summary: "s"}}))
	must(t, l.ClaimUndo(ctx, "run_0", "run_1"))
	if err := l.ClaimUndo(ctx, "run_0", "run_2"); !errors.Is(err, tool.ErrAlreadyClaimed) {
		t.Errorf("a second claim: %v", err)
	}
	must(t, l.ReleaseUndo(ctx, "run_0", "run_1"))
	must(t, l.ClaimUndo(ctx, "run_0", "run_2"))
	must(t, l.Append(ctx, entry("run_0", tool.EvUndone, map[string]any{"by": "run_2"})))
	if err := l.ClaimUndo(ctx, "run_0", "run_1"); !errors.Is(err, tool.ErrAlreadyClaimed) {
		t.Errorf("an undone run was claimed again: %v", err)
	}
	if list, err := l.ListUndos(ctx, time.Now()); err != nil || len(list) != 0 {
		t.Errorf("undone runs are listed: %v %v", list, err)
	}
}

func TestLedgerFilters(t *testing.T) {
	l := NewLedger(openStore(t, filepath.Join(t.TempDir(), "l.db")))
	ctx := t.Context()
	for i := range 4 {
		stored(t, l, fmt.Sprintf("run_%d", i))
	}
	_, err := l.CastVote(ctx, tool.Vote{RunID: "run_1", Approver: "bea", Approve: false, At: time.Now()}, silent)
	must(t, err)
	must(t, l.Append(ctx, entry("run_1", tool.EvRejected, map[string]any{"reason": "no"})))
	ids := func(f tool.RunFilter) int {
		list, err := l.ListRuns(ctx, f)
		must(t, err)
		return len(list)
	}
	for _, tt := range []struct {
		f    tool.RunFilter
		want int
	}{{tool.RunFilter{}, 4}, {tool.RunFilter{Limit: 2}, 2}, {tool.RunFilter{Active: true}, 3}, {tool.RunFilter{User: "ana"}, 4},
		{tool.RunFilter{User: "bob"}, 0}, {tool.RunFilter{Tool: "rerun_job"}, 0}, {tool.RunFilter{Conversation: "chat_1"}, 4}, {tool.RunFilter{Conversation: "chat_2"}, 0}} {
		if n := ids(tt.f); n != tt.want {
			t.Errorf("%+v finds %d runs, want %d", tt.f, n, tt.want)
		}
	}
	for status, want := range map[tool.ApprovalStatus]int{"": 4, tool.ApprovalPending: 3, tool.ApprovalRejected: 1, tool.ApprovalUsed: 0} {
		list, err := l.ListApprovals(ctx, status, 100)
		must(t, err)
		if len(list) != want {
			t.Errorf("%d approvals are %q, want %d", len(list), status, want)
		}
	}
}

// TestRestart: a second executor over the same rows never sends again; what was
// executing becomes unknown, what was approved and not sent becomes void.
func TestRestart(t *testing.T) {
	l := newLab(t)
	executing, approved, waiting := l.propose("hold_job", args{"job": "PAYROLL_TAX"}), l.propose("hold_job", args{"job": "PAYROLL_SOCIAL"}), l.propose("hold_job", args{"job": "PAYROLL_CHECK"})
	ledger := NewLedger(l.db)
	for _, r := range []tool.Result{executing, approved} {
		_, err := ledger.CastVote(t.Context(), tool.Vote{RunID: r.RunID, Approver: "approver", Approve: true, At: time.Now()}, silent)
		must(t, err)
		must(t, ledger.Append(t.Context(), entry(r.RunID, tool.EvApproved, nil)))
	}
	must(t, ledger.ClaimApproved(t.Context(), entry(executing.RunID, tool.EvExecuting, nil), executing.Run.Digest))
	must(t, l.x.Close(t.Context())) // the process dies here

	l.x = l.executor(tool.Config{ReconcileGrace: 10 * time.Millisecond})
	must(t, l.x.Recover(t.Context()))
	if note := l.reached(executing.RunID, tool.EvUnknown).Detail["note"]; note == "" {
		t.Error("the journal does not say why the outcome is unknown")
	}
	if reason := fmt.Sprint(l.reached(approved.RunID, tool.EvVoided).Detail["reason"]); reason != "the server stopped after the approval and before the call: nothing was sent, ask again" {
		t.Errorf("void: %s", reason)
	}
	if _, err := l.approve(waiting); err != nil {
		t.Errorf("what waited for approval cannot be approved after a restart: %v", err)
	}
	l.reconciled()
	if e := l.reached(executing.RunID, tool.EvReconciled); e.Detail["applied"] != false {
		t.Errorf("reconciled: %v", e.Detail)
	}
	if n := len(l.sim.Writes()); n != 1 {
		t.Errorf("the engine got %v, want the hold approved after the restart alone", ops(l))
	}
}
