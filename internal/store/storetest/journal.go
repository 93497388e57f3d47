package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"resync/internal/store"
)

// contention is how many goroutines race for one thing.
const contention = 64

func testJournal(t *testing.T, open OpenFunc) {
	s, _ := open(t)
	ctx := t.Context()

	t.Run("rules", func(t *testing.T) { testJournalRules(t, s) })

	t.Run("Defect04: one of 64 claims wins", func(t *testing.T) {
		id := newRun(t, s)
		won := 0
		for _, err := range contenders(ctx, contention, func(ctx context.Context, i int) error {
			_, err := s.AppendClaim(ctx, store.Entry{RunID: id, Actor: fmt.Sprint(i)})
			return err
		}) {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, store.ErrAlreadyClaimed):
				t.Errorf("a loser got %v", err)
			}
		}
		equal(t, "claims won", 1, won)
	})

	t.Run("a cancel and a claim never both win", func(t *testing.T) {
		for range 20 {
			id := newRun(t, s)
			errs := contenders(ctx, 8, func(ctx context.Context, i int) (err error) {
				if i%2 == 0 {
					_, err = s.AppendClaim(ctx, store.Entry{RunID: id})
				} else {
					_, err = s.AppendUnclaimed(ctx, store.Entry{RunID: id, Event: store.EventCancelled})
				}
				return err
			})
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				}
			}
			equal(t, "winners", 1, won)
		}
	})

	t.Run("concurrent outcomes: one", func(t *testing.T) {
		id := newRun(t, s)
		won := 0
		for _, err := range contenders(ctx, contention, func(ctx context.Context, i int) error {
			_, err := s.Append(ctx, store.Entry{RunID: id, Event: []string{store.EventDone, store.EventError}[i%2]})
			return err
		}) {
			if err == nil {
				won++
			} else if !errors.Is(err, store.ErrAlreadyFinal) {
				t.Errorf("a loser got %v", err)
			}
		}
		equal(t, "outcomes", 1, won)
	})

	if _, err := s.VerifyJournal(ctx); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

// testJournalRules tries every event after every history that matters.
func testJournalRules(t *testing.T, s *store.Store) {
	ctx := t.Context()
	for _, c := range []struct {
		history []string
		event   string
		want    error
	}{
		{nil, "note", nil},
		{nil, store.EventDone, nil},
		{nil, store.EventExecuting, nil},
		{nil, store.EventReconciled, store.ErrNotUnknown},
		{[]string{store.EventExecuting}, store.EventExecuting, store.ErrAlreadyClaimed},
		{[]string{store.EventExecuting}, store.EventOutcomeUnknown, nil},
		{[]string{store.EventExecuting, store.EventDone}, store.EventExecuting, store.ErrAlreadyClaimed},
		{[]string{store.EventExecuting, store.EventDone}, store.EventError, store.ErrAlreadyFinal},
		{[]string{store.EventExecuting, store.EventDone}, store.EventReconciled, store.ErrNotUnknown},
		{[]string{store.EventExecuting, store.EventDone}, "verified", nil},
		{[]string{store.EventCancelled}, store.EventExecuting, store.ErrAlreadyFinal},
		{[]string{store.EventRejected}, store.EventExecuting, store.ErrAlreadyFinal},
		{[]string{store.EventOutcomeUnknown}, store.EventDone, store.ErrAlreadyFinal},
		{[]string{store.EventOutcomeUnknown}, store.EventReconciled, nil},
		{[]string{store.EventOutcomeUnknown, store.EventReconciled}, store.EventReconciled, store.ErrAlreadyFinal},
	} {
		t.Run(fmt.Sprint(c.history, "+", c.event), func(t *testing.T) {
			id := newRun(t, s)
			add := func(event string) error {
				if event == store.EventExecuting {
					_, err := s.AppendClaim(ctx, store.Entry{RunID: id})
					return err
				}
				_, err := s.Append(ctx, store.Entry{RunID: id, Event: event})
				return err
			}
			for _, e := range c.history {
				must(t, add(e))
			}
			if err := add(c.event); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	for name, e := range map[string]store.Entry{
		"executing through Append": {RunID: newRun(t, s), Event: store.EventExecuting},
		"no event":                 {RunID: newRun(t, s)},
		"detail is not JSON":       {RunID: newRun(t, s), Event: "note", Detail: []byte("{")},
	} {
		if _, err := s.Append(ctx, e); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Append(ctx, store.Entry{RunID: "run_none", Event: "note"}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("unknown run: %v", err)
	}
}
