// Package jobs runs long work that must survive the process: a reindex, say.
//
// A job is a row of the store. A [Runner] claims one with a lease, renews the
// lease while it works, and stores how far it is. When the process is killed the
// lease runs out and the next runner, in this process or another, goes on from
// the last checkpoint. A worker that lost its lease can change nothing any more:
// every claim has a number, and the store takes words of the last one only.
package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sort"
	"sync"
	"time"

	"resync/internal/store"
)

// Queue is where jobs are claimed. *store.Store is one.
type Queue interface {
	// ClaimJob gives the caller a job that is due; store.ErrNotFound when none is.
	ClaimJob(ctx context.Context, kinds []string, owner string, lease time.Duration) (store.Job, error)
	// BeatJob renews the lease and reports whether the job is to be cancelled;
	// store.ErrJobLost when another worker has it.
	BeatJob(ctx context.Context, j store.Job, b store.Beat) (cancel bool, err error)
	// EndJob ends the attempt.
	EndJob(ctx context.Context, j store.Job, e store.Ending) error
}

// ErrCancelled is the cause of the context of a job that somebody cancelled.
var ErrCancelled = errors.New("the job was cancelled")

// ErrStopping is the cause when the process stops; the job goes on later.
var ErrStopping = errors.New("the process is stopping")

// permanent marks an error that another attempt would meet again.
type permanent struct{ error }

// Unwrap returns the marked error.
func (p permanent) Unwrap() error { return p.error }

// Permanent marks an error that another attempt would meet again, so that the job
// fails at once.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

// later is an error after which the next attempt waits for a time of its own.
type later struct {
	error
	wait time.Duration
	free bool
}

// Unwrap returns the cause.
func (l later) Unwrap() error { return l.error }

// Later marks an error after which the next attempt should wait so long and no
// longer, e.g. because the other side has said when to come again. With free the
// attempt does not count: nothing was tried.
func Later(err error, wait time.Duration, free bool) error {
	if err == nil {
		return nil
	}
	return later{err, wait, free}
}

// Handler does the work of one kind of job. It returns when the work is done or
// its context has ended; what it must not do twice it guards by a checkpoint. A
// plain error gives the job back for another attempt as long as there are any.
type Handler func(ctx context.Context, j *Work) error

// Work is a claimed job in the hands of its handler.
type Work struct {
	// Job is the row as it was claimed.
	Job store.Job

	queue   Queue
	lease   time.Duration
	claimed time.Time // before the claim was sent: our lease ends no later than the store's

	mu     sync.Mutex
	done   int64
	total  int64
	note   string
	result json.RawMessage
}

// Progress says how far the work is. It is cheap; the store learns of it with the
// next renewal of the lease. A total of 0 is not known.
func (w *Work) Progress(done, total int64, note string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done, w.total, w.note = done, total, note
}

// Checkpoint stores v as where the next attempt goes on. What was checkpointed
// when it returns survives the process. [store.ErrJobLost] when another worker
// has the job; the handler must then return.
func (w *Work) Checkpoint(ctx context.Context, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return Permanent(fmt.Errorf("checkpoint of job %s: %w", w.Job.ID, err))
	}
	_, err = w.queue.BeatJob(ctx, w.Job, w.beat(b))
	return err
}

func (w *Work) beat(checkpoint json.RawMessage) store.Beat {
	w.mu.Lock()
	defer w.mu.Unlock()
	return store.Beat{Done: w.done, Total: w.total, Note: w.note, Checkpoint: checkpoint, Lease: w.lease}
}

// Result sets what the completed job leaves behind.
func (w *Work) Result(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return Permanent(fmt.Errorf("result of job %s: %w", w.Job.ID, err))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.result = b
	return nil
}

// Options of a runner. Queue and Owner are required.
type Options struct {
	Queue Queue
	// Owner names this worker; no two processes share it.
	Owner string
	// Handlers do the work, by kind.
	Handlers map[string]Handler
	// Lease is how long a silent worker counts as alive; 30 s when 0. It is
	// renewed three times as often.
	Lease time.Duration
	// Poll is how often the queue is looked at without being woken; 5 s when 0.
	Poll time.Duration
	Log  *slog.Logger
}

// Runner works on one job at a time.
type Runner struct {
	opt   Options
	kinds []string
	wake  chan struct{}
}

// NewRunner makes a runner.
func NewRunner(o Options) (*Runner, error) {
	if o.Queue == nil || o.Owner == "" || len(o.Handlers) == 0 {
		return nil, errors.New("a runner of jobs needs a queue, an owner and handlers")
	}
	if o.Lease <= 0 {
		o.Lease = 30 * time.Second
	}
	if o.Poll <= 0 {
		o.Poll = 5 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r := &Runner{opt: o, wake: make(chan struct{}, 1)}
	for k := range o.Handlers {
		r.kinds = append(r.kinds, k)
	}
	sort.Strings(r.kinds)
	return r, nil
}

// Wake makes the runner look at the queue now.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends. The job at hand is then given back, so that the next
// process goes on with it at once.
func (r *Runner) Run(ctx context.Context) {
	tick := time.NewTicker(r.opt.Poll)
	defer tick.Stop()
	for {
		for r.next(ctx) {
		}
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		case <-tick.C:
		}
	}
}

// next claims one job and works on it; false when there is none.
func (r *Runner) next(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	claimed := time.Now()
	j, err := r.opt.Queue.ClaimJob(ctx, r.kinds, r.opt.Owner, r.opt.Lease)
	if err != nil {
		if !errors.Is(err, store.ErrNotFound) && ctx.Err() == nil {
			r.opt.Log.Warn("claiming a job", "err", err)
		}
		return false
	}
	w := &Work{Job: j, queue: r.opt.Queue, lease: r.opt.Lease, claimed: claimed, done: j.Done, total: j.Total, note: j.Note}
	err = fmt.Errorf("its worker died %d times", j.Attempts-1)
	if j.Attempts <= j.MaxAttempts {
		err = r.work(ctx, w)
	} else {
		err = Permanent(err)
	}
	r.end(ctx, w, err)
	return true
}

// work runs the handler under a lease that is renewed beside it.
func (r *Runner) work(ctx context.Context, w *Work) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := make(chan struct{})
	var beats sync.WaitGroup
	beats.Go(func() { r.renew(ctx, w, cancel, stop) })
	err := call(ctx, r.opt.Handlers[w.Job.Kind], w)
	close(stop)
	beats.Wait()
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		return cause // cancelled or lost, whatever the handler made of it
	}
	return err
}

// call turns a panic of a handler into an error.
func call(ctx context.Context, h Handler, w *Work) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = Permanent(fmt.Errorf("internal fault: %v\n%s", p, debug.Stack()))
		}
	}()
	return h(ctx, w)
}

// renew keeps the lease until stop closes. When the lease is lost, or would run
// out before the next try because the store does not answer, the handler's context
// ends: another worker will have the job.
func (r *Runner) renew(ctx context.Context, w *Work, cancel context.CancelCauseFunc, stop <-chan struct{}) {
	tick := time.NewTicker(r.opt.Lease / 3)
	defer tick.Stop()
	held := w.claimed.Add(r.opt.Lease)
	for {
		select {
		case <-stop:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		at := time.Now()
		asked, err := r.opt.Queue.BeatJob(ctx, w.Job, w.beat(nil))
		switch {
		case errors.Is(err, store.ErrJobLost):
			cancel(store.ErrJobLost)
		case err != nil && !time.Now().Add(r.opt.Lease/3).Before(held):
			cancel(fmt.Errorf("%w: the store did not answer in time to renew the lease", store.ErrJobLost))
		case err != nil && ctx.Err() == nil:
			r.opt.Log.Warn("renewing the lease of a job", "job", w.Job.ID, "err", err)
		case err == nil:
			held = at.Add(r.opt.Lease)
		}
		if asked {
			cancel(ErrCancelled)
		}
	}
}

// endTime bounds the writing of an ending when the process stops.
const endTime = 5 * time.Second

// end writes how the attempt ended.
func (r *Runner) end(ctx context.Context, w *Work, err error) {
	if errors.Is(err, store.ErrJobLost) {
		r.opt.Log.Warn("a job was lost to another worker", "job", w.Job.ID)
		return
	}
	e := r.ending(ctx, w, err)
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	if e.State != store.JobCompleted && e.State != store.JobCancelled && !e.KeepBudget {
		r.opt.Log.Error("a job failed", "job", w.Job.ID, "kind", w.Job.Kind, "attempt", w.Job.Attempts, "state", e.State, "err", err)
	}
	if err := r.opt.Queue.EndJob(end, w.Job, e); err != nil {
		// The lease runs out and the job is done again from its checkpoint.
		r.opt.Log.Error("writing the end of a job", "job", w.Job.ID, "err", err)
	}
}

// ending decides what becomes of the job.
func (r *Runner) ending(ctx context.Context, w *Work, err error) store.Ending {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := store.Ending{State: store.JobCompleted, Done: w.done, Total: w.total, Result: w.result}
	var never permanent
	wait := later{wait: backoff(w.Job.Attempts)}
	errors.As(err, &wait)
	switch {
	case err == nil:
		return e
	case errors.Is(err, ErrCancelled):
		e.State, e.Error = store.JobCancelled, ErrCancelled.Error()
	case ctx.Err() != nil:
		e.State, e.Error, e.KeepBudget, e.RunAfter = store.JobPending, ErrStopping.Error(), true, time.Now()
	case errors.As(err, &never) || (w.Job.Attempts >= w.Job.MaxAttempts && !wait.free):
		e.State, e.Error = store.JobFailed, firstLine(err.Error())
	default:
		e.State, e.Error, e.RunAfter, e.KeepBudget = store.JobPending, firstLine(err.Error()), time.Now().Add(wait.wait), wait.free
	}
	e.Result = nil
	return e
}

// firstLine leaves the stack of a panic to the log.
func firstLine(s string) string {
	for i := range len(s) {
		if s[i] == '\n' {
			return s[:i]
		}
	}
	return s
}

// Waits before another attempt.
const (
	firstWait = time.Second
	longest   = time.Minute
)

// backoff doubles from a second to a minute.
func backoff(attempts int) time.Duration {
	d := firstWait
	for range attempts - 1 {
		if d *= 2; d >= longest {
			return longest
		}
	}
	return d
}

// Remaining estimates how long a running job still takes, from the pace of its
// present attempt. It is false while there is nothing to go by.
func Remaining(j store.Job, now time.Time) (time.Duration, bool) {
	made, took := j.Done-j.AttemptDone, now.Sub(j.AttemptAt)
	if j.State != store.JobRunning || j.Total <= 0 || made <= 0 || took <= 0 {
		return 0, false
	}
	left := max(j.Total-j.Done, 0)
	return time.Duration(float64(took) / float64(made) * float64(left)), true
}
