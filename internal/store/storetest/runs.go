package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"resync/internal/store"
)

func testRuns(t *testing.T, open OpenFunc) {
	s, _ := open(t)
	ctx := t.Context()

	t.Run("every field comes back", func(t *testing.T) {
		want := sampleRun(store.NewID("run"))
		first, err := s.CreateRun(ctx, want, store.Entry{Actor: "ana", Detail: []byte(`{"via":"chat"}`)})
		must(t, err)
		got, err := s.Run(ctx, want.ID)
		must(t, err)
		equal(t, "run", want, got.Run)
		equal(t, "journal", []store.Entry{first}, got.Entries)
		equal(t, "phase", store.EventProposed, got.Phase)
	})

	t.Run("refusals", func(t *testing.T) {
		r := sampleRun(store.NewID("run"))
		_, err := s.CreateRun(ctx, r, store.Entry{})
		must(t, err)
		bad := r
		bad.Args = []byte(`{"job":`)
		for _, c := range []struct {
			name string
			run  store.Run
			want error
		}{{"same ID again", r, store.ErrExists}, {"arguments are not JSON", bad, store.ErrInvalid}, {"empty", store.Run{}, store.ErrInvalid}} {
			if _, err := s.CreateRun(ctx, c.run, store.Entry{}); !errors.Is(err, c.want) {
				t.Errorf("%s: got %v, want %v", c.name, err, c.want)
			}
		}
		_, err = s.CreateRun(ctx, sampleRun(store.NewID("run")), store.Entry{Event: store.EventExecuting})
		if !errors.Is(err, store.ErrInvalid) {
			t.Errorf("created as executing: %v", err)
		}
		if err := s.Propose(ctx, sampleRun(store.NewID("run")), nil, nil); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("proposed without a journal entry: %v", err)
		}
		if _, err := s.Run(ctx, "run_none"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("unknown run: %v", err)
		}
	})

	t.Run("filters and pages", func(t *testing.T) {
		s, _ := open(t)
		testRunFilters(t, s)
	})
	t.Run("recovery lists", func(t *testing.T) {
		s, _ := open(t)
		testRecoveryLists(t, s)
	})
}

func testRunFilters(t *testing.T, s *store.Store) {
	ctx := t.Context()
	base := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	var ids []string // oldest first
	for i := range 6 {
		r := sampleRun(store.NewID("run"))
		r.CreatedAt = base.Add(time.Duration(i/2) * time.Minute) // pairs share a time
		r.User = []string{"ana", "bo"}[i%2]
		r.Tool = []string{"hold_job", "rerun_job", "release_job"}[i%3]
		r.ConversationID = ""
		_, err := s.CreateRun(ctx, r, store.Entry{})
		must(t, err)
		ids = append(ids, r.ID)
	}
	_, err := s.AppendClaim(ctx, store.Entry{RunID: ids[0]})
	must(t, err)
	_, err = s.Append(ctx, store.Entry{RunID: ids[0], Event: store.EventDone})
	must(t, err)
	_, err = s.Append(ctx, store.Entry{RunID: ids[1], Event: "blocked_on_user"})
	must(t, err)

	list := func(f store.RunFilter) []string {
		t.Helper()
		runs, err := s.Runs(ctx, f)
		must(t, err)
		var out []string
		for _, r := range runs {
			out = append(out, r.ID)
		}
		return out
	}
	set := func(i ...int) []string {
		var out []string
		for _, k := range i {
			out = append(out, ids[k])
		}
		return out
	}
	unordered := cmpopts.SortSlices(func(a, b string) bool { return a < b })
	equal(t, "all", ids, list(store.RunFilter{}), unordered)
	equal(t, "by user", set(1, 3, 5), list(store.RunFilter{User: "bo"}), unordered)
	equal(t, "by tool", set(1, 4), list(store.RunFilter{Tool: "rerun_job"}), unordered)
	equal(t, "by phase", set(1), list(store.RunFilter{Phase: "blocked_on_user"}), unordered)
	equal(t, "active", set(1, 2, 3, 4, 5), list(store.RunFilter{Active: true}), unordered)
	equal(t, "since", set(2, 3, 4, 5), list(store.RunFilter{Since: base.Add(time.Minute)}), unordered)
	equal(t, "other engine", []string(nil), list(store.RunFilter{Engine: "staging"}))
	equal(t, "other conversation", []string(nil), list(store.RunFilter{ConversationID: "conv_9"}))

	var paged []string
	for before := ""; ; {
		page := list(store.RunFilter{Limit: 2, Before: before})
		if len(page) == 0 {
			break
		}
		paged, before = append(paged, page...), page[len(page)-1]
	}
	equal(t, "pages give the list", list(store.RunFilter{}), paged)
	if newest := paged[:2]; !slices.Contains(newest, ids[5]) || !slices.Contains(newest, ids[4]) {
		t.Errorf("the first page is not the newest: %v of %v", newest, ids)
	}
}

func testRecoveryLists(t *testing.T, s *store.Store) {
	ctx := t.Context()
	steps := map[string][]string{ // :: name → events after the proposal
		"proposed": nil,
		"open":     {store.EventExecuting},
		"noted":    {store.EventExecuting, "sent"},
		"done":     {store.EventExecuting, store.EventDone, "verified"},
		"unknown":  {store.EventExecuting, store.EventOutcomeUnknown, "reconcile_attempt"},
		"settled":  {store.EventExecuting, store.EventOutcomeUnknown, store.EventReconciled},
	}
	ids := map[string]string{}
	for name, events := range steps {
		id := newRun(t, s)
		ids[id] = name
		for _, e := range events {
			var err error
			if e == store.EventExecuting {
				_, err = s.AppendClaim(ctx, store.Entry{RunID: id})
			} else {
				_, err = s.Append(ctx, store.Entry{RunID: id, Event: e})
			}
			must(t, err)
		}
	}
	names := func(runs []store.RunStatus, err error) []string {
		must(t, err)
		var out []string
		for _, r := range runs {
			out = append(out, ids[r.ID])
		}
		slices.Sort(out)
		return out
	}
	equal(t, "executing without outcome", []string{"noted", "open"}, names(s.OpenExecuting(ctx)))
	equal(t, "to reconcile", []string{"unknown"}, names(s.Unreconciled(ctx)))
}
