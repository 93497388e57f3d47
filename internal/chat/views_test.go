package chat

import (
	"strings"
	"testing"
	"time"

	"resync/tool"
)

// TestRunSaysWhereItStands walks the journal of every way a run can end: what
// people read comes from the rows alone, and accepted is never called done.
func TestRunSaysWhereItStands(t *testing.T) {
	entry := func(ev tool.Event, detail map[string]any) tool.Entry {
		return tool.Entry{Event: ev, Detail: detail, At: time.Unix(100, 0)}
	}
	asked := []tool.Entry{entry(tool.EvProposed, nil), entry(tool.EvAssessed, nil), entry(tool.EvBlocked, nil)}
	sent := append(append([]tool.Entry{}, asked...), entry(tool.EvVote, nil), entry(tool.EvApproved, nil), entry(tool.EvExecuting, nil))
	with := func(base []tool.Entry, more ...tool.Entry) tool.RunState {
		return tool.RunState{Run: tool.Run{ID: "run_1", Permission: tool.Write, CreatedAt: time.Unix(1, 0)}, Entries: append(append([]tool.Entry{}, base...), more...)}
	}
	for _, tt := range []struct {
		name     string
		st       tool.RunState
		status   tool.Status
		says     string
		verified bool
		ended    bool
	}{
		{"waiting", with(asked), tool.StatusBlocked, "waits for approval", false, false},
		{"sent", with(sent), tool.StatusInProgress, "sent to the engine, no answer yet", false, false},
		{"accepted", with(sent, entry(tool.EvDone, nil)), tool.StatusDone, "accepted by the engine, not yet confirmed", false, true},
		{"verified", with(sent, entry(tool.EvDone, nil), entry(tool.EvVerified, map[string]any{"note": "it is held"})), tool.StatusDone, "confirmed: it is held", true, true},
		{"unverified", with(sent, entry(tool.EvDone, nil), entry(tool.EvUnverified, map[string]any{"note": "still 10"})), tool.StatusDone, "not confirmed in time: still 10", false, true},
		{"refused", with(sent, entry(tool.EvError, map[string]any{"error": "AWSBIN076E no"})), tool.StatusError, "refused: AWSBIN076E no", false, true},
		{"unknown", with(sent, entry(tool.EvUnknown, map[string]any{"note": "the line broke"})), tool.StatusUnknown, "outcome unknown: the line broke", false, true},
		{"settled as applied", with(sent, entry(tool.EvUnknown, nil), entry(tool.EvReconciled, map[string]any{"applied": true, "note": "a new run"})), tool.StatusDone, "settled by reading the plan: a new run", false, true},
		{"settled as not applied", with(sent, entry(tool.EvUnknown, nil), entry(tool.EvReconciled, map[string]any{"applied": false, "note": "no new run"})), tool.StatusError, "no new run", false, true},
		{"rejected", with(asked, entry(tool.EvVote, nil), entry(tool.EvRejected, map[string]any{"reason": "no"})), tool.StatusCancelled, "declined: no", false, true},
		{"void", with(asked, entry(tool.EvVoided, map[string]any{"reason": "it moved"})), tool.StatusCancelled, "nothing was sent: it moved", false, true},
		{"withdrawn", with(asked, entry(tool.EvCancelled, map[string]any{"reason": "changed my mind"})), tool.StatusCancelled, "nothing was sent: changed my mind", false, true},
		{"cancelled amid the call", with(sent, entry(tool.EvCancelled, map[string]any{"reason": "before the request went out"})), tool.StatusCancelled, "nothing was sent", false, true},
		{"undone", with(sent, entry(tool.EvDone, nil), entry(tool.EvVerified, nil), entry(tool.EvUndone, map[string]any{"by": "run_2"})), tool.StatusDone, "undone by run_2", true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := ViewRun(tt.st)
			if v.Status != tt.status || !strings.Contains(v.Message, tt.says) || v.Verified != tt.verified || (v.CompletedAt != nil) != tt.ended {
				t.Errorf("status %s, %q, verified %v, completed %v", v.Status, v.Message, v.Verified, v.CompletedAt)
			}
			if tt.status == tool.StatusBlocked && (len(v.Permissions) != 1 || v.BlockedReason == "") {
				t.Errorf("it does not say what it waits for: %+v", v)
			}
			if v.Progress <= 0 || v.Progress > 1 || (v.Progress == 1) != (tt.ended && tt.name != "accepted" && tt.name != "unknown") {
				t.Errorf("progress %v", v.Progress)
			}
		})
	}
}
