package ops

import (
	"context"
	"fmt"

	"resync/hwa"
	"resync/internal/plan"
	"resync/tool"
)

// LimitArgs sets how many jobs a workstation runs at once.
type LimitArgs struct {
	Workstation string `json:"workstation" jsonschema:"name of the workstation"`
	Limit       int    `json:"limit" jsonschema:"jobs that may run at once, 0 to 1024; 0 starts nothing"`
}

// stationPre is the pre-image of a write to a workstation.
type stationPre struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Limit int    `json:"limit"`
}

func updateWorkstationLimit(d Deps) (*tool.Tool, error) {
	return tool.Change[LimitArgs, stationPre]{
		Spec: tool.Spec{
			Name: "update_workstation_limit", Description: "Set how many jobs a workstation may run at once (0 to 1024)",
			Permission: tool.Write, Severity: tool.RiskMedium, Tags: []string{"workstation", "action"}, Targets: []string{"workstation"},
			Undo: tool.UndoExact, UndoNote: "the old limit is set again; jobs that started meanwhile go on",
		},
		Prepare: d.prepareLimit,
		Do: func(ctx context.Context, a LimitArgs, p stationPre, m tool.Meta) error {
			_, err := d.Client.UpdateWorkstationLimit(ctx, p.ID, a.Limit, justification(m))
			return engineError(err)
		},
		Verify: d.verifyLimit,
		Inverse: func(a LimitArgs, p stationPre) *tool.Inverse {
			return &tool.Inverse{Tool: "update_workstation_limit", Args: map[string]any{"workstation": p.Name, "limit": p.Limit},
				Class: tool.UndoExact, Summary: fmt.Sprintf("set the limit of %s back to %d", p.Name, p.Limit),
				Expect: map[string]any{"limit": a.Limit}}
		},
	}.Tool()
}

func (d Deps) prepareLimit(ctx context.Context, a LimitArgs) (tool.Proposal[stationPre], error) {
	var none tool.Proposal[stationPre]
	if a.Limit < 0 || a.Limit > 1024 {
		return none, &tool.ArgError{Field: "limit", Problem: fmt.Sprintf("%d is not within 0 and 1024", a.Limit)}
	}
	snap, err := d.Snapshot(ctx)
	if err != nil {
		return none, fmt.Errorf("reading the plan to find workstation %s: %w", a.Workstation, err)
	}
	known, ok := snap.Workstation(a.Workstation)
	if !ok {
		return none, &NameError{Name: a.Workstation, DidYouMean: nearWorkstations(snap, a.Workstation)}
	}
	w, err := d.Client.Workstation(ctx, known.ID)
	if err != nil {
		return none, fmt.Errorf("reading workstation %s: %w", a.Workstation, err)
	}
	old := valueOf(w.Limit)
	if w.Limit != nil && old == a.Limit {
		return none, refused("the limit of %s is %d already", w.Name, old)
	}
	facts, effects := limitFacts(snap, w, a.Limit)
	return tool.Proposal[stationPre]{
		Target: w.Name, TargetID: w.ID, Pre: stationPre{w.ID, w.Name, old}, State: map[string]any{"limit": old},
		Preview: tool.Preview{Summary: fmt.Sprintf("Set the limit of workstation %s to %d", w.Name, a.Limit),
			Before: map[string]any{"limit": old}, After: map[string]any{"limit": a.Limit}, Effects: effects},
		Facts: facts,
	}, nil
}

func limitFacts(snap *plan.Snapshot, w *hwa.WorkstationInPlan, limit int) ([]tool.Fact, []string) {
	v := stationView(plan.FromWorkstation(w), stationLoad(snap))
	facts := []tool.Fact{{Source: "plan", Text: fmt.Sprintf("%d jobs run there and %d are ready", v.Running, v.Ready), Level: tool.RiskLow}}
	if limit == 0 {
		return append(facts, tool.Fact{Source: "plan", Text: "limit 0 starts no job on the workstation any more", Level: tool.RiskHigh}),
			[]string{"no further job starts there; running jobs go on"}
	}
	if room := limit - v.Running; room > 0 && v.Ready > 0 {
		return facts, []string{fmt.Sprintf("up to %d of the %d ready jobs may start at once", min(room, v.Ready), v.Ready)}
	}
	return facts, []string{"no ready job starts because of it now"}
}

func (d Deps) verifyLimit(ctx context.Context, a LimitArgs, p stationPre) (tool.Check, error) {
	w, err := d.Client.Workstation(ctx, p.ID)
	if err != nil {
		return tool.Check{}, fmt.Errorf("reading workstation %s: %w", p.Name, err)
	}
	now := valueOf(w.Limit)
	c := tool.Check{Verdict: tool.NotApplied, State: map[string]any{"limit": now}, Note: fmt.Sprintf("the limit of %s is still %d", p.Name, now)}
	switch now {
	case a.Limit:
		c.Verdict, c.Note = tool.Applied, fmt.Sprintf("the limit of %s is %d", p.Name, now)
	case p.Limit:
	default:
		c.Verdict, c.Note = tool.Unclear, fmt.Sprintf("the limit of %s is %d, neither the old nor the new one: somebody else changed it", p.Name, now)
	}
	return c, nil
}
