package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"resync/internal/store"
)

func TestMain(m *testing.M) {
	if crashChild() {
		return
	}
	goleak.VerifyTestMain(m)
}

// memory is the queue of the store in memory, without SQL, for tests on a false
// clock. storetest checks the real one against the same rules.
type memory struct {
	mu   sync.Mutex
	jobs []*store.Job
	down error // returned by everything while set
	log  []string
}

func (m *memory) add(j store.Job) *store.Job {
	m.mu.Lock()
	defer m.mu.Unlock()
	j.ID, j.State, j.MaxAttempts = store.NewID("job"), store.JobPending, max(j.MaxAttempts, 1)
	m.jobs = append(m.jobs, &j)
	return &j
}

func (m *memory) get(j *store.Job) store.Job {
	m.mu.Lock()
	defer m.mu.Unlock()
	return *j
}

func (m *memory) ClaimJob(_ context.Context, kinds []string, owner string, lease time.Duration) (store.Job, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down != nil {
		return store.Job{}, m.down
	}
	now := time.Now()
	for _, j := range m.jobs {
		due := j.State == store.JobPending && !j.RunAfter.After(now) || j.State == store.JobRunning && !j.LeaseUntil.After(now)
		if !due || j.Kind != kinds[0] {
			continue
		}
		j.State, j.Owner, j.LeaseUntil, j.AttemptAt, j.AttemptDone = store.JobRunning, owner, now.Add(lease), now, j.Done
		j.Attempts++
		m.log = append(m.log, "claim")
		return *j, nil
	}
	return store.Job{}, store.ErrNotFound
}

func (m *memory) held(j store.Job) (*store.Job, error) {
	if m.down != nil {
		return nil, m.down
	}
	for _, have := range m.jobs {
		if have.ID == j.ID && have.Owner == j.Owner && have.Attempts == j.Attempts && have.State == store.JobRunning {
			return have, nil
		}
	}
	return nil, store.ErrJobLost
}

func (m *memory) BeatJob(_ context.Context, j store.Job, b store.Beat) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	have, err := m.held(j)
	if err != nil {
		return false, err
	}
	have.Done, have.Total, have.Note, have.LeaseUntil = b.Done, b.Total, b.Note, time.Now().Add(b.Lease)
	if b.Checkpoint != nil {
		have.Checkpoint = b.Checkpoint
	}
	return have.CancelBy != "", nil
}

func (m *memory) EndJob(_ context.Context, j store.Job, e store.Ending) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	have, err := m.held(j)
	if err != nil {
		return err
	}
	have.State, have.Done, have.Total, have.Result, have.Error, have.RunAfter = e.State, e.Done, e.Total, e.Result, e.Error, e.RunAfter
	if e.KeepBudget {
		have.Attempts--
	}
	m.log = append(m.log, string(e.State))
	return nil
}

func (m *memory) with(fn func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fn()
}

// start runs a runner until the returned function is called.
func start(t *testing.T, q Queue, owner string, h Handler) (*Runner, func()) {
	t.Helper()
	r, err := NewRunner(Options{Queue: q, Owner: owner, Handlers: map[string]Handler{"k": h}, Lease: 30 * time.Second, Poll: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	return r, func() { cancel(); <-done }
}

func TestAJobRunsWithProgressAndResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		j := m.add(store.Job{Kind: "k"})
		_, stop := start(t, m, "w", func(ctx context.Context, w *Work) error {
			for i := range int64(4) {
				w.Progress(i+1, 4, "part")
				time.Sleep(time.Minute) // longer than the lease
			}
			return w.Result(map[string]int{"n": 4})
		})
		time.Sleep(2*time.Minute + 30*time.Second)
		got := m.get(j)
		if got.State != store.JobRunning || got.Done != 3 || got.Attempts != 1 {
			t.Errorf("half way: %+v", got)
		}
		if left, ok := Remaining(got, time.Now()); !ok || left != 50*time.Second {
			t.Errorf("remaining %s, %v: 3 of 4 took 150 s", left, ok)
		}
		time.Sleep(2 * time.Minute)
		if got := m.get(j); got.State != store.JobCompleted || string(got.Result) != `{"n":4}` || got.Done != 4 {
			t.Errorf("at the end: %+v", got)
		}
		stop()
	})
}

func TestAFailedJobIsTriedAgainLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		j, bad := m.add(store.Job{Kind: "k", MaxAttempts: 3}), errors.New("disk full")
		var at []time.Duration
		begin := time.Now()
		_, stop := start(t, m, "w", func(context.Context, *Work) error {
			at = append(at, time.Since(begin))
			return bad
		})
		time.Sleep(time.Hour)
		stop()
		if got := m.get(j); got.State != store.JobFailed || got.Error != "disk full" || got.Attempts != 3 || len(at) != 3 {
			t.Errorf("%+v at %v", got, at)
		}
		if at[1]-at[0] < firstWait || at[2]-at[1] < 2*firstWait {
			t.Errorf("no wait between attempts: %v", at)
		}
	})
}

// A handler may say when to come again, and that an attempt was none.
func TestLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		j := m.add(store.Job{Kind: "k", MaxAttempts: 2})
		var at []time.Duration
		begin := time.Now()
		_, stop := start(t, m, "w", func(context.Context, *Work) error {
			at = append(at, time.Since(begin).Round(time.Second))
			return Later(errors.New("away"), 10*time.Minute, len(at) <= 3)
		})
		time.Sleep(2 * time.Hour)
		stop()
		got := m.get(j)
		if got.State != store.JobFailed || got.Error != "away" || len(at) != 5 {
			t.Errorf("%+v at %v", got, at)
		}
		for i := 1; i < len(at); i++ {
			if wait := at[i] - at[i-1]; wait < 10*time.Minute || wait > 10*time.Minute+2*time.Second {
				t.Errorf("waited %s", wait)
			}
		}
	})
	if Later(nil, time.Second, false) != nil {
		t.Error("no error became one")
	}
}

func TestAPermanentErrorOrPanicFailsAtOnce(t *testing.T) {
	for name, h := range map[string]Handler{
		"permanent": func(context.Context, *Work) error { return Permanent(errors.New("no such document")) },
		"panic":     func(context.Context, *Work) error { panic("no such document") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &memory{}
				j := m.add(store.Job{Kind: "k", MaxAttempts: 9})
				_, stop := start(t, m, "w", h)
				time.Sleep(time.Minute)
				stop()
				if got := m.get(j); got.State != store.JobFailed || got.Attempts != 1 || got.Error != map[string]string{
					"permanent": "no such document", "panic": "internal fault: no such document"}[name] {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

func TestCancelReachesTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		j := m.add(store.Job{Kind: "k", MaxAttempts: 9})
		var cause error
		_, stop := start(t, m, "w", func(ctx context.Context, _ *Work) error {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return ctx.Err()
		})
		time.Sleep(time.Second)
		m.with(func() { j.CancelBy = "ana" })
		time.Sleep(time.Minute)
		stop()
		if got := m.get(j); got.State != store.JobCancelled || !errors.Is(cause, ErrCancelled) {
			t.Errorf("%+v, cause %v", got, cause)
		}
	})
}

// TestAStoppedProcessGivesItsJobBack: a stop is no failure, and the next process
// need not wait for the lease.
func TestAStoppedProcessGivesItsJobBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		j := m.add(store.Job{Kind: "k"})
		var from []string
		h := func(ctx context.Context, w *Work) error {
			from = append(from, string(w.Job.Checkpoint))
			if w.Job.Checkpoint != nil {
				return nil
			}
			if err := w.Checkpoint(ctx, "half"); err != nil {
				return err
			}
			<-ctx.Done()
			return ctx.Err()
		}
		_, stop := start(t, m, "w1", h)
		time.Sleep(5 * time.Second)
		stop()
		if got := m.get(j); got.State != store.JobPending || got.Attempts != 0 {
			t.Fatalf("after the stop: %+v", got)
		}
		_, stop = start(t, m, "w2", h)
		time.Sleep(time.Second)
		stop()
		if got := m.get(j); got.State != store.JobCompleted || len(from) != 2 || from[1] != `"half"` {
			t.Errorf("%+v, started from %q", got, from)
		}
	})
}

// TestALostLeaseEndsTheHandler: when the store does not answer for the length of
// a lease, another worker may have the job, so this one stops.
func TestALostLeaseEndsTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		j := m.add(store.Job{Kind: "k", MaxAttempts: 9})
		causes := make(chan error, 1)
		_, stop := start(t, m, "w", func(ctx context.Context, w *Work) error {
			if w.Job.Attempts > 1 {
				return nil
			}
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return ctx.Err()
		})
		time.Sleep(time.Second)
		m.with(func() { m.down = errors.New("down") })
		time.Sleep(15 * time.Second)
		if len(causes) > 0 {
			t.Fatal("the handler ended before its lease")
		}
		time.Sleep(14 * time.Second) // the lease runs out 30 s after the claim
		synctest.Wait()
		if len(causes) == 0 {
			t.Fatal("the handler goes on without a lease")
		}
		if cause := <-causes; !errors.Is(cause, store.ErrJobLost) {
			t.Fatalf("cause %v", cause)
		}
		m.with(func() { m.down = nil })
		time.Sleep(time.Minute)
		stop()
		if got := m.get(j); got.State != store.JobCompleted || got.Attempts != 2 {
			t.Errorf("%+v", got)
		}
	})
}

func TestAJobThatKillsItsWorkersEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		j := m.add(store.Job{Kind: "k", MaxAttempts: 2})
		m.with(func() { j.Attempts, j.State, j.LeaseUntil = 2, store.JobRunning, time.Now() })
		_, stop := start(t, m, "w", func(context.Context, *Work) error { t.Error("it ran again"); return nil })
		time.Sleep(time.Second)
		stop()
		if got := m.get(j); got.State != store.JobFailed || got.Error != "its worker died 2 times" {
			t.Errorf("%+v", got)
		}
	})
}

func TestWakeNeedsNoPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		r, err := NewRunner(Options{Queue: m, Owner: "w", Poll: time.Hour, Handlers: map[string]Handler{"k": func(context.Context, *Work) error { return nil }}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); r.Run(ctx) }()
		synctest.Wait()
		j := m.add(store.Job{Kind: "k"})
		r.Wake()
		synctest.Wait()
		if got := m.get(j); got.State != store.JobCompleted {
			t.Errorf("%+v", got)
		}
		cancel()
		<-done
	})
}

// TestWorkersNeverShareAJob drives two workers through random deaths, outages and
// stops: at any moment at most one handler whose context has not ended is at a job,
// and every job ends.
func TestWorkersNeverShareAJob(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		events := rapid.SliceOfN(rapid.SampledFrom([]string{"wait", "down", "up", "kill", "cancel"}), 1, 12).Draw(rt, "events")
		work := time.Duration(rapid.IntRange(1, 90).Draw(rt, "seconds")) * time.Second
		synctest.Test(t, func(t *testing.T) { together(t, rt, events, work) })
	})
}

func together(t *testing.T, rt *rapid.T, events []string, work time.Duration) {
	m := &memory{}
	j := m.add(store.Job{Kind: "k", MaxAttempts: 100})
	var mu sync.Mutex
	at := 0
	h := func(ctx context.Context, _ *Work) error {
		mu.Lock()
		if at++; at > 1 {
			rt.Errorf("two workers are at one job")
		}
		mu.Unlock()
		defer func() { mu.Lock(); at--; mu.Unlock() }()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(work):
			return nil
		}
	}
	_, stopA := start(t, m, "a", h)
	_, stopB := start(t, m, "b", h)
	for _, e := range events {
		switch e {
		case "down":
			m.with(func() { m.down = errors.New("down") })
		case "up":
			m.with(func() { m.down = nil })
		case "cancel":
			m.with(func() { j.CancelBy = "ana" })
		case "kill":
			stopA()
			_, stopA = start(t, m, "a", h)
		}
		time.Sleep(13 * time.Second)
	}
	m.with(func() { m.down = nil })
	time.Sleep(10 * time.Minute)
	stopA()
	stopB()
	if got := m.get(j); !got.State.Finished() {
		rt.Errorf("the job did not end: %+v", got)
	}
}

func TestRemaining(t *testing.T) {
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	run := store.Job{State: store.JobRunning, Done: 30, AttemptDone: 10, Total: 70, AttemptAt: now.Add(-20 * time.Second)}
	for _, c := range []struct {
		name   string
		change func(*store.Job)
		want   time.Duration
		ok     bool
	}{
		{"by the pace of this attempt", func(*store.Job) {}, 40 * time.Second, true},
		{"nothing done in this attempt", func(j *store.Job) { j.Done = 10 }, 0, false},
		{"total not known", func(j *store.Job) { j.Total = 0 }, 0, false},
		{"waiting", func(j *store.Job) { j.State = store.JobPending }, 0, false},
		{"more than all", func(j *store.Job) { j.Done = 90 }, 0, true},
	} {
		j := run
		c.change(&j)
		if got, ok := Remaining(j, now); got != c.want || ok != c.ok {
			t.Errorf("%s: %s, %v", c.name, got, ok)
		}
	}
}

func TestNewRunnerRefuses(t *testing.T) {
	if _, err := NewRunner(Options{}); err == nil {
		t.Error("a runner without a queue")
	}
	if Permanent(nil) != nil {
		t.Error("no error is permanent")
	}
	w := &Work{queue: &memory{}}
	if err := w.Result(make(chan int)); err == nil {
		t.Error("a channel is a result")
	}
	if err := w.Checkpoint(t.Context(), make(chan int)); err == nil {
		t.Error("a channel is a checkpoint")
	}
	if err := w.Checkpoint(t.Context(), json.RawMessage(`1`)); !errors.Is(err, store.ErrJobLost) {
		t.Errorf("checkpoint of a job nobody has: %v", err)
	}
}
