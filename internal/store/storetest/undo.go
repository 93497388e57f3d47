package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"resync/internal/store"
)

func sampleUndo(runID string, c *clock) store.Undo {
	return store.Undo{RunID: runID, Engine: "prod", Tool: "hold_job", InverseTool: "release_job",
		InverseArgs: json.RawMessage(`{"job":"PAYROLL_NET"}`), Precondition: json.RawMessage(`{"status":"HOLD"}`),
		Class: store.UndoExact, Summary: "release PAYROLL_NET again", CreatedAt: c.Now(), ExpiresAt: c.Now().Add(time.Hour)}
}

func testUndo(t *testing.T, open OpenFunc) {
	c := newClock()
	s, _ := open(t, store.WithClock(c.Now))
	t.Run("Defect10 life", func(t *testing.T) { testUndoLife(t, s, c) })
	t.Run("refusals", func(t *testing.T) { testUndoRefusals(t, s, c) })
	t.Run("64 at once", func(t *testing.T) { testUndoRace(t, s, c) })
	t.Run("available", func(t *testing.T) { testUndoAvailable(t, open) })
}

func testUndoLife(t *testing.T, s *store.Store, c *clock) {
	ctx := t.Context()
	id := newRun(t, s)
	want := sampleUndo(id, c)
	must(t, s.PutUndo(ctx, want))
	got, err := s.Undo(ctx, id)
	must(t, err)
	equal(t, "record", want, got)

	got, err = s.ClaimUndo(ctx, id, "run_u1")
	must(t, err)
	want.UndoRunID = "run_u1"
	equal(t, "claimed", want, got)
	must(t, s.ReleaseUndo(ctx, id, "run_u1"))
	_, err = s.ClaimUndo(ctx, id, "run_u2")
	must(t, err)
	must(t, s.MarkUndone(ctx, id, "run_u2"))
	got, err = s.Undo(ctx, id)
	must(t, err)
	want.UndoRunID, want.UndoneAt = "run_u2", c.Now()
	equal(t, "undone", want, got)
}

func testUndoRefusals(t *testing.T, s *store.Store, c *clock) {
	ctx := t.Context()
	put := func(change func(*store.Undo)) string {
		t.Helper()
		u := sampleUndo(newRun(t, s), c)
		change(&u)
		must(t, s.PutUndo(ctx, u))
		return u.RunID
	}
	claim := func(id string) error {
		_, err := s.ClaimUndo(ctx, id, "run_u")
		return err
	}
	held := put(func(*store.Undo) {})
	must(t, claim(held))
	done := put(func(*store.Undo) {})
	must(t, claim(done))
	must(t, s.MarkUndone(ctx, done, "run_u"))
	expired := put(func(u *store.Undo) { u.ExpiresAt = c.Now() })
	unknownClass := sampleUndo(newRun(t, s), c)
	unknownClass.Class = "maybe"
	noInverse := sampleUndo(newRun(t, s), c)
	noInverse.InverseTool = ""
	for _, tc := range []struct {
		name      string
		err, want error
	}{
		{"claimed", claim(held), store.ErrAlreadyClaimed},
		{"undone", claim(done), store.ErrUndone},
		{"expired", claim(expired), store.ErrExpired},
		{"class none", claim(put(func(u *store.Undo) { u.Class, u.InverseTool = store.UndoNone, "" })), store.ErrNotUndoable},
		{"unknown", claim("run_none"), store.ErrNotFound},
		{"released by another run", s.ReleaseUndo(ctx, held, "run_x"), store.ErrAlreadyClaimed},
		{"released once undone", s.ReleaseUndo(ctx, done, "run_u"), store.ErrUndone},
		{"marked by another run", s.MarkUndone(ctx, held, "run_x"), store.ErrAlreadyClaimed},
		{"marked twice", s.MarkUndone(ctx, done, "run_u"), store.ErrUndone},
		{"second record", s.PutUndo(ctx, sampleUndo(held, c)), store.ErrExists},
		{"record of no run", s.PutUndo(ctx, sampleUndo("run_none", c)), store.ErrNotFound},
		{"unknown class", s.PutUndo(ctx, unknownClass), store.ErrInvalid},
		{"no inverse", s.PutUndo(ctx, noInverse), store.ErrInvalid},
	} {
		if !errors.Is(tc.err, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, tc.err, tc.want)
		}
	}
}

func testUndoRace(t *testing.T, s *store.Store, c *clock) {
	id := newRun(t, s)
	must(t, s.PutUndo(t.Context(), sampleUndo(id, c)))
	won := 0
	for _, err := range contenders(t.Context(), contention, func(ctx context.Context, i int) error {
		_, err := s.ClaimUndo(ctx, id, fmt.Sprint("run_u", i))
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
}

func testUndoAvailable(t *testing.T, open OpenFunc) {
	c := newClock()
	s, _ := open(t, store.WithClock(c.Now))
	ctx := t.Context()
	put := func(change func(*store.Undo)) string {
		u := sampleUndo(newRun(t, s), c)
		change(&u)
		must(t, s.PutUndo(ctx, u))
		c.Advance(time.Second)
		return u.RunID
	}
	oldest := put(func(u *store.Undo) { u.ExpiresAt = time.Time{} })
	put(func(u *store.Undo) { u.ExpiresAt = c.Now().Add(time.Second) })
	put(func(u *store.Undo) { u.Class = store.UndoNone })
	staging := put(func(u *store.Undo) { u.Engine = "staging" })
	taken := put(func(*store.Undo) {})
	newest := put(func(*store.Undo) {})
	_, err := s.ClaimUndo(ctx, taken, "run_u")
	must(t, err)

	ids := func(f store.UndoFilter) []string {
		t.Helper()
		list, err := s.AvailableUndos(ctx, f)
		must(t, err)
		var out []string
		for _, u := range list {
			out = append(out, u.RunID)
		}
		return out
	}
	equal(t, "all", []string{newest, staging, oldest}, ids(store.UndoFilter{}))
	equal(t, "by engine", []string{staging}, ids(store.UndoFilter{Engine: "staging"}))
	equal(t, "by user", []string{newest, staging, oldest}, ids(store.UndoFilter{User: "ana"}))
	equal(t, "another user", []string(nil), ids(store.UndoFilter{User: "bo"}))
	equal(t, "limit", []string{newest}, ids(store.UndoFilter{Limit: 1}))
}
