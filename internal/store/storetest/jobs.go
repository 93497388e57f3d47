package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"resync/internal/store"
)

const (
	reindex = "reindex"
	lease   = time.Minute
)

func testJobs(t *testing.T, open OpenFunc) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, OpenFunc)
	}{
		{"Life", jobLife}, {"Keys", jobKeys}, {"Leases", jobLeases}, {"Cancel", jobCancel}, {"Contenders", jobContenders}, {"Retention", jobRetention}, {"Told twice", jobToldTwice}, {"Again", jobAgain},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open) })
	}
}

func enqueue(t *testing.T, s *store.Store, j store.Job) store.Job {
	t.Helper()
	got, _, err := s.EnqueueJob(t.Context(), j)
	must(t, err)
	return got
}

func jobLife(t *testing.T, open OpenFunc) {
	c := newClock()
	s, _ := open(t, store.WithClock(c.Now))
	ctx := t.Context()
	if _, err := s.ClaimJob(ctx, []string{reindex}, "w1", lease); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("claiming from an empty table: %v", err)
	}
	made := enqueue(t, s, store.Job{Kind: reindex, Args: json.RawMessage(`{"a":1}`), CreatedBy: "ana", Total: 5})
	enqueue(t, s, store.Job{Kind: "other"})
	c.Advance(time.Second)
	j, err := s.ClaimJob(ctx, []string{reindex}, "w1", lease)
	must(t, err)
	want := made
	want.State, want.Attempts, want.Owner, want.LeaseUntil, want.StartedAt, want.AttemptAt = store.JobRunning, 1, "w1", c.Now().Add(lease), c.Now(), c.Now()
	equal(t, "claimed", want, j)
	_, err = s.BeatJob(ctx, j, store.Beat{Done: 2, Total: 6, Note: "b.md", Checkpoint: json.RawMessage(`["b"]`), Lease: lease})
	must(t, err)
	_, err = s.BeatJob(ctx, j, store.Beat{Done: 3, Total: 6, Note: "c.md", Lease: lease})
	must(t, err)
	c.Advance(time.Second)
	must(t, s.EndJob(ctx, j, store.Ending{State: store.JobCompleted, Done: 6, Total: 6, Result: json.RawMessage(`{"n":6}`)}))
	got, err := s.Job(ctx, j.ID)
	must(t, err)
	want.State, want.Done, want.Total, want.Note, want.Checkpoint = store.JobCompleted, 6, 6, "c.md", json.RawMessage(`["b"]`)
	want.Result, want.Owner, want.LeaseUntil, want.RunAfter, want.FinishedAt = json.RawMessage(`{"n":6}`), "", time.Time{}, time.Time{}, c.Now()
	equal(t, "completed", want, got)
	if err := s.EndJob(ctx, j, store.Ending{State: store.JobFailed}); !errors.Is(err, store.ErrJobLost) {
		t.Errorf("ending twice: %v", err)
	}
	for _, bad := range []store.Job{{}, {Kind: "k", Args: json.RawMessage("{")}} {
		if _, _, err := s.EnqueueJob(ctx, bad); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("enqueue %+v: %v", bad, err)
		}
	}
	if _, err := s.Job(ctx, "none"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no such job: %v", err)
	}
	list, err := s.Jobs(ctx, "", 10)
	must(t, err)
	equal(t, "all jobs", 2, len(list))
}

func jobKeys(t *testing.T, open OpenFunc) {
	s, _ := open(t)
	first, made, err := s.EnqueueJob(t.Context(), store.Job{Kind: reindex, Key: "all"})
	must(t, err)
	equal(t, "made", true, made)
	again, made, err := s.EnqueueJob(t.Context(), store.Job{Kind: reindex, Key: "all", Args: json.RawMessage(`{}`)})
	must(t, err)
	equal(t, "made again", false, made)
	equal(t, "the same job", first, again)
	if other := enqueue(t, s, store.Job{Kind: "other", Key: "all"}); other.ID == first.ID {
		t.Error("keys of two kinds are one")
	}
	if a, b := enqueue(t, s, store.Job{Kind: reindex}), enqueue(t, s, store.Job{Kind: reindex}); a.ID == b.ID {
		t.Error("jobs without a key are one")
	}
	_, err = s.CancelWork(t.Context(), first.ID, "ana")
	must(t, err)
	if next := enqueue(t, s, store.Job{Kind: reindex, Key: "all"}); next.ID == first.ID {
		t.Error("the key of a finished job is not free")
	}
}

// jobLeases: a job whose worker died goes to another, and the dead one's late
// words change nothing.
func jobLeases(t *testing.T, open OpenFunc) {
	c := newClock()
	s, _ := open(t, store.WithClock(c.Now))
	ctx, kinds := t.Context(), []string{reindex}
	enqueue(t, s, store.Job{Kind: reindex, MaxAttempts: 2})
	dead, err := s.ClaimJob(ctx, kinds, "w1", lease)
	must(t, err)
	_, err = s.BeatJob(ctx, dead, store.Beat{Done: 4, Total: 9, Checkpoint: json.RawMessage(`"here"`), Lease: lease})
	must(t, err)
	c.Advance(lease - time.Millisecond)
	if _, err := s.ClaimJob(ctx, kinds, "w2", lease); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("a held job was claimed: %v", err)
	}
	c.Advance(time.Millisecond)
	next, err := s.ClaimJob(ctx, kinds, "w1", lease) // the same name: a restarted process
	must(t, err)
	equal(t, "attempts", 2, next.Attempts)
	equal(t, "checkpoint", `"here"`, string(next.Checkpoint))
	equal(t, "done at the start", int64(4), next.AttemptDone)
	if _, err := s.BeatJob(ctx, dead, store.Beat{Done: 1, Lease: lease}); !errors.Is(err, store.ErrJobLost) {
		t.Errorf("the dead worker renewed its lease: %v", err)
	}
	if err := s.EndJob(ctx, dead, store.Ending{State: store.JobFailed}); !errors.Is(err, store.ErrJobLost) {
		t.Errorf("the dead worker ended the job: %v", err)
	}
	later := c.Now().Add(time.Hour)
	must(t, s.EndJob(ctx, next, store.Ending{State: store.JobPending, Done: 4, Total: 9, RunAfter: later, KeepBudget: true, Error: "stopped"}))
	if _, err := s.ClaimJob(ctx, kinds, "w2", lease); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a job was claimed before its time: %v", err)
	}
	c.Advance(time.Hour)
	last, err := s.ClaimJob(ctx, kinds, "w2", lease)
	must(t, err)
	equal(t, "attempts after one that does not count", 2, last.Attempts)
}

func jobCancel(t *testing.T, open OpenFunc) {
	s, _ := open(t)
	ctx := t.Context()
	waiting := enqueue(t, s, store.Job{Kind: "other"})
	got, err := s.CancelWork(ctx, waiting.ID, "ana")
	must(t, err)
	equal(t, "a waiting job", store.JobCancelled, got.State)
	equal(t, "who", "ana", got.CancelBy)
	if got.FinishedAt.IsZero() {
		t.Error("a cancelled job has no end")
	}
	if _, err := s.CancelWork(ctx, waiting.ID, "bob"); !errors.Is(err, store.ErrAlreadyFinal) {
		t.Errorf("cancel twice: %v", err)
	}
	if _, err := s.CancelWork(ctx, "none", "bob"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no such job: %v", err)
	}
	enqueue(t, s, store.Job{Kind: reindex})
	held, err := s.ClaimJob(ctx, []string{reindex}, "w", lease)
	must(t, err)
	asked, err := s.BeatJob(ctx, held, store.Beat{Lease: lease})
	must(t, err)
	equal(t, "asked before", false, asked)
	got, err = s.CancelWork(ctx, held.ID, "ana")
	must(t, err)
	equal(t, "a running job goes on", store.JobRunning, got.State)
	asked, err = s.BeatJob(ctx, held, store.Beat{Lease: lease})
	must(t, err)
	equal(t, "asked", true, asked)
}

// jobContenders: of many workers each job is claimed by exactly one.
func jobContenders(t *testing.T, open OpenFunc) {
	s, _ := open(t)
	const jobs = 20
	for range jobs {
		enqueue(t, s, store.Job{Kind: reindex})
	}
	claimed := make([][]string, 8)
	contenders(t.Context(), len(claimed), func(ctx context.Context, i int) error {
		for {
			j, err := s.ClaimJob(ctx, []string{reindex}, "w", lease)
			switch {
			case errors.Is(err, store.ErrNotFound):
				return nil
			case err != nil:
				t.Error(err)
				return err
			}
			claimed[i] = append(claimed[i], j.ID)
		}
	})
	all := slices.Concat(claimed...)
	slices.Sort(all)
	if len(all) != jobs || len(slices.Compact(all)) != jobs {
		t.Errorf("%d claims of %d jobs: %v", len(all), jobs, all)
	}
}

func jobRetention(t *testing.T, open OpenFunc) {
	c := newClock()
	s, _ := open(t, store.WithClock(c.Now))
	ctx := t.Context()
	old := enqueue(t, s, store.Job{Kind: reindex})
	_, err := s.CancelWork(ctx, old.ID, "ana")
	must(t, err)
	c.Advance(time.Hour)
	kept := enqueue(t, s, store.Job{Kind: reindex})
	n, err := s.PruneJobs(ctx, c.Now())
	must(t, err)
	equal(t, "pruned", int64(1), n)
	list, err := s.Jobs(ctx, reindex, 10)
	must(t, err)
	equal(t, "what is left", []store.Job{kept}, list)
}

// jobToldTwice: what is queued under an ID of its own is done once, also when it
// is told again after it was done.
func jobToldTwice(t *testing.T, open OpenFunc) {
	s, _ := open(t)
	ctx := t.Context()
	first, made, err := s.EnqueueJob(ctx, store.Job{ID: "msg_1", Kind: "k", Args: json.RawMessage(`{"a":1}`)})
	must(t, err)
	equal(t, "made", true, made)
	equal(t, "id", "msg_1", first.ID)
	for range 2 {
		again, made, err := s.EnqueueJob(ctx, store.Job{ID: "msg_1", Kind: "k", Args: json.RawMessage(`{"a":2}`)})
		must(t, err)
		equal(t, "made again", false, made)
		equal(t, "arguments", string(first.Args), string(again.Args))
		j, err := s.ClaimJob(ctx, []string{"k"}, "w", lease)
		if errors.Is(err, store.ErrNotFound) {
			continue // done the first time round
		}
		must(t, err)
		must(t, s.EndJob(ctx, j, store.Ending{State: store.JobCompleted}))
	}
	if other := enqueue(t, s, store.Job{ID: "msg_2", Kind: "k"}); other.ID != "msg_2" {
		t.Errorf("another ID gave %s", other.ID)
	}
}

// jobAgain: a finished job is given back whole; lists select by kind and state.
func jobAgain(t *testing.T, open OpenFunc) {
	s, _ := open(t)
	ctx := t.Context()
	made := enqueue(t, s, store.Job{Kind: "k", MaxAttempts: 2})
	enqueue(t, s, store.Job{Kind: "other"})
	if _, err := s.RepeatJob(ctx, made.ID); !errors.Is(err, store.ErrBusy) {
		t.Errorf("a job that waits: %v", err)
	}
	if _, err := s.RepeatJob(ctx, "none"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no such job: %v", err)
	}
	j, err := s.ClaimJob(ctx, []string{"k"}, "w", lease)
	must(t, err)
	must(t, s.EndJob(ctx, j, store.Ending{State: store.JobFailed, Error: "refused"}))
	list, err := s.JobsWhere(ctx, store.JobFilter{Kinds: []string{"k", "l"}, States: []store.JobState{store.JobFailed}})
	must(t, err)
	if len(list) != 1 || list[0].ID != made.ID || list[0].Error != "refused" {
		t.Errorf("failed: %+v", list)
	}
	counts, err := s.CountJobs(ctx, "k")
	must(t, err)
	equal(t, "counted", map[store.JobState]int{store.JobFailed: 1}, counts)
	again, err := s.RepeatJob(ctx, made.ID)
	must(t, err)
	if again.State != store.JobPending || again.Attempts != 0 || again.Error != "" || !again.FinishedAt.IsZero() {
		t.Errorf("given back: %+v", again)
	}
	if _, err := s.ClaimJob(ctx, []string{"k"}, "w", lease); err != nil {
		t.Errorf("claiming it again: %v", err)
	}
	for f, want := range map[*store.JobFilter]int{{}: 2, {Kinds: []string{"other"}}: 1, {States: []store.JobState{store.JobFailed}}: 0, {Limit: 1}: 1} {
		list, err := s.JobsWhere(ctx, *f)
		must(t, err)
		equal(t, "listed", want, len(list))
	}
}
