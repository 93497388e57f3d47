package tool

import (
	"context"
	"errors"
	"fmt"
)

// owed is an outcome that is known and could not be journalled, because the ledger
// was away. It is kept in memory: after a crash [Executor.Recover] finds a run
// without outcome and has the plan read instead.
type owed struct {
	st     RunState
	event  Event
	detail map[string]any
	tool   *Tool
}

// errOwed says what an outcome that is not journalled yet means.
var errOwed = errors.New("it is written down as soon as the database answers, and nothing is sent again")

// owe keeps an outcome until the ledger takes it, and returns what the caller shall
// see of it.
func (x *Executor) owe(st RunState, ev Event, detail map[string]any, t *Tool, cause error) error {
	x.mu.Lock()
	x.debts[st.ID] = owed{st, ev, detail, t}
	x.mu.Unlock()
	x.cfg.Log.Error("an outcome could not be journalled yet", "run_id", st.ID, "outcome", ev, "err", cause)
	what := map[Event]string{EvDone: "the engine accepted the action", EvUnknown: "the engine may have acted", EvError: "the engine refused the action", EvCancelled: "nothing was sent"}[ev]
	return fmt.Errorf("%s, but that could not be recorded yet: %w (%w)", what, errOwed, cause)
}

// payDebts journals the outcomes that are owed. A run that has one by now, because
// the ledger had taken it and only its answer was lost, is left as it is.
func (x *Executor) payDebts(ctx context.Context) error {
	x.mu.Lock()
	var list []owed
	for _, d := range x.debts {
		list = append(list, d)
	}
	x.mu.Unlock()
	var errs []error
	for _, d := range list {
		if err := x.pay(ctx, d); err != nil {
			errs = append(errs, err)
			continue
		}
		x.mu.Lock()
		delete(x.debts, d.st.ID)
		x.mu.Unlock()
	}
	return errors.Join(errs...)
}

func (x *Executor) pay(ctx context.Context, d owed) error {
	now, err := x.cfg.Ledger.LoadRun(ctx, d.st.ID)
	if err != nil {
		return fmt.Errorf("reading run %s, whose outcome is not journalled yet: %w", d.st.ID, err)
	}
	if now.Outcome() != "" && now.Outcome() != d.event {
		return nil // settled in another way, such as by another server that found it open
	}
	if now.Outcome() == "" {
		if err := x.append(ctx, d.st, d.event, system, d.detail); err != nil {
			return err
		}
	}
	switch d.event {
	case EvDone:
		x.afterDone(ctx, d.st, d.tool)
	case EvError, EvCancelled:
		x.releaseParent(ctx, d.st)
	}
	return nil
}
