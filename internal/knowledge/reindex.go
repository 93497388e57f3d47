package knowledge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sort"
	"time"

	"resync/internal/jobs"
	"resync/internal/store"
)

// reindexKind is the kind of the jobs of this file.
const reindexKind = "reindex"

// JobStore is where reindexes are queued, and what they cut is kept until all of
// it takes its place. *store.Store is one.
type JobStore interface {
	jobs.Queue
	Enqueuer
	Recuts
}

// Enqueuer is what the faces do with jobs.
type Enqueuer interface {
	// EnqueueJob stores a job; an unfinished one with its key is returned instead.
	EnqueueJob(ctx context.Context, j store.Job) (store.Job, bool, error)
	// CancelWork asks that a job ends.
	CancelWork(ctx context.Context, id, by string) (store.Job, error)
	// Job reads one, Jobs the newest of a kind.
	Job(ctx context.Context, id string) (store.Job, error)
	Jobs(ctx context.Context, kind string, limit int) ([]store.Job, error)
}

// Recuts keeps what a reindex has cut.
type Recuts interface {
	// PutRecut keeps a document cut anew, Recuts reads what a job has cut.
	PutRecut(ctx context.Context, r store.Recut) error
	Recuts(ctx context.Context, jobID string) ([]store.Recut, error)
	// FinishRecut puts all of it in place at once and forgets it.
	FinishRecut(ctx context.Context, jobID string, changes []store.DocumentChange) error
}

// Reindexer cuts documents anew in the background. The old passages serve until
// all documents are done; then all change at once. A reindex that is killed goes
// on where it was.
type Reindexer struct {
	base   *Base
	st     JobStore
	runner *jobs.Runner
	// pause, if any, is waited after each document; a test needs the time to kill.
	pause time.Duration
}

// ReindexOptions of a reindexer. Owner names this process and is required.
type ReindexOptions struct {
	Owner string
	// Lease is how long a killed process counts as alive; see [jobs.Options].
	Lease time.Duration
	Log   *slog.Logger
}

// NewReindexer makes the reindexer of a base, which must have a store.
func NewReindexer(b *Base, st JobStore, o ReindexOptions) (*Reindexer, error) {
	r := &Reindexer{base: b, st: st}
	var err error
	r.runner, err = jobs.NewRunner(jobs.Options{Queue: st, Owner: o.Owner, Lease: o.Lease, Log: o.Log,
		Handlers: map[string]jobs.Handler{reindexKind: r.work}})
	return r, err
}

// Run works on reindexes until ctx ends.
func (r *Reindexer) Run(ctx context.Context) { r.runner.Run(ctx) }

// ReindexRequest says what to cut anew.
type ReindexRequest struct {
	// How cuts the documents; nil leaves each its own way.
	How *Chunking `json:"how,omitempty"`
	// Documents are ids; none is all.
	Documents []string `json:"documents,omitempty"`
	// DryRun counts and changes nothing.
	DryRun bool `json:"dry_run,omitempty"`
	// By is who asks.
	By string `json:"by,omitempty"`
}

// reindexAttempts is how often a reindex is taken up again after its process died.
const reindexAttempts = 20

// Start queues a reindex. While one is waiting or running that one is returned and
// made is false.
func (r *Reindexer) Start(ctx context.Context, q ReindexRequest) (j ReindexStatus, made bool, err error) {
	if q.How != nil {
		if _, err := r.base.opt.Cut("", "check", q.How); err != nil {
			return ReindexStatus{}, false, err
		}
	}
	for _, id := range q.Documents {
		if _, err := r.base.Source(id); err != nil {
			return ReindexStatus{}, false, err
		}
	}
	args, err := json.Marshal(q)
	if err != nil {
		return ReindexStatus{}, false, fmt.Errorf("start a reindex: %w", err)
	}
	job, made, err := r.st.EnqueueJob(ctx, store.Job{Kind: reindexKind, Key: "one", Args: args, MaxAttempts: reindexAttempts, CreatedBy: q.By})
	if err != nil {
		return ReindexStatus{}, false, err
	}
	r.runner.Wake()
	return r.status(job), made, nil
}

// reindexPlace is the checkpoint of a reindex.
type reindexPlace struct {
	Documents int `json:"documents"` // done
	Of        int `json:"of"`
}

// ReindexResult is what a completed reindex did, or would have done.
type ReindexResult struct {
	Documents    int  `json:"documents"`
	ChunksBefore int  `json:"chunks_before"`
	ChunksAfter  int  `json:"chunks_after"`
	Skipped      int  `json:"skipped"` // changed or removed meanwhile; they have their newest text
	Resumed      int  `json:"resumed"` // cut before the process was last started
	DryRun       bool `json:"dry_run"`
}

// ReindexStatus is a reindex as the faces show it.
type ReindexStatus struct {
	ID        string          `json:"job_id"`
	Status    store.JobState  `json:"status"`
	Progress  float64         `json:"progress"` // percent of the text
	Documents int             `json:"documents_processed"`
	Of        int             `json:"documents_total"`
	Document  string          `json:"document,omitempty"`    // at hand
	ETA       float64         `json:"eta_seconds,omitempty"` // at the pace so far
	Started   *time.Time      `json:"started_at"`
	Completed *time.Time      `json:"completed_at"`
	Error     *string         `json:"error"`
	Attempts  int             `json:"attempts"`
	DryRun    bool            `json:"dry_run"`
	By        string          `json:"created_by"`
	CancelBy  string          `json:"cancelled_by,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
}

func (r *Reindexer) status(j store.Job) ReindexStatus {
	s := ReindexStatus{ID: j.ID, Status: j.State, Document: j.Note, Attempts: j.Attempts, By: j.CreatedBy, CancelBy: j.CancelBy, Result: j.Result}
	var q ReindexRequest
	var place reindexPlace
	// Both were written by this package; what cannot be read is left empty.
	if json.Unmarshal(j.Args, &q) == nil {
		s.DryRun = q.DryRun
	}
	if j.Checkpoint != nil && json.Unmarshal(j.Checkpoint, &place) == nil {
		s.Documents, s.Of = place.Documents, place.Of
	}
	if j.Total > 0 {
		s.Progress = math.Round(1000*float64(j.Done)/float64(j.Total)) / 10
	}
	if left, ok := jobs.Remaining(j, time.Now()); ok {
		s.ETA = math.Ceil(left.Seconds()*10) / 10
	}
	if j.State == store.JobCompleted {
		s.Progress, s.Document = 100, ""
	}
	if j.Error != "" {
		s.Error = &j.Error
	}
	if !j.StartedAt.IsZero() {
		s.Started = &j.StartedAt
	}
	if !j.FinishedAt.IsZero() {
		s.Completed = &j.FinishedAt
	}
	return s
}

// Status reads one reindex. [store.ErrNotFound] when there is none.
func (r *Reindexer) Status(ctx context.Context, id string) (ReindexStatus, error) {
	j, err := r.st.Job(ctx, id)
	if err == nil && j.Kind != reindexKind {
		err = fmt.Errorf("job %q: %w", id, store.ErrNotFound)
	}
	if err != nil {
		return ReindexStatus{}, err
	}
	return r.status(j), nil
}

// List returns the newest reindexes.
func (r *Reindexer) List(ctx context.Context, limit int) ([]ReindexStatus, error) {
	list, err := r.st.Jobs(ctx, reindexKind, limit)
	if err != nil {
		return nil, err
	}
	out := make([]ReindexStatus, 0, len(list))
	for _, j := range list {
		out = append(out, r.status(j))
	}
	return out, nil
}

// Cancel asks that a reindex ends; nothing of it stays.
func (r *Reindexer) Cancel(ctx context.Context, id, by string) (ReindexStatus, error) {
	if _, err := r.Status(ctx, id); err != nil {
		return ReindexStatus{}, err
	}
	j, err := r.st.CancelWork(ctx, id, by)
	if err != nil {
		return ReindexStatus{}, err
	}
	return r.status(j), nil
}

// work is the handler of one reindex. A cancelled one leaves nothing behind.
func (r *Reindexer) work(ctx context.Context, w *jobs.Work) error {
	err := r.recutAll(ctx, w)
	if err != nil && errors.Is(context.Cause(ctx), jobs.ErrCancelled) {
		return errors.Join(err, r.st.FinishRecut(context.WithoutCancel(ctx), w.Job.ID, nil))
	}
	return err
}

func (r *Reindexer) recutAll(ctx context.Context, w *jobs.Work) error {
	var q ReindexRequest
	if err := json.Unmarshal(w.Job.Args, &q); err != nil {
		return jobs.Permanent(fmt.Errorf("read the request: %w", err))
	}
	todo := r.targets(q)
	kept, err := r.kept(ctx, w.Job.ID)
	if err != nil {
		return err
	}
	res := ReindexResult{Documents: len(todo), DryRun: q.DryRun}
	all, done := int64(0), int64(0)
	for _, s := range todo {
		all += int64(s.Bytes)
		res.ChunksBefore += s.Passages
	}
	for i, s := range todo {
		w.Progress(done, all, s.Name)
		n, again, err := r.recut(ctx, w.Job.ID, q, s, kept[s.ID])
		if err != nil {
			return err
		}
		res.ChunksAfter += n
		res.Resumed += count(again)
		done += int64(s.Bytes)
		w.Progress(done, all, s.Name)
		if err := w.Checkpoint(ctx, reindexPlace{i + 1, len(todo)}); err != nil {
			return err
		}
	}
	if !q.DryRun {
		if res.Skipped, err = r.base.replace(ctx, r.st, w.Job.ID, q.How); err != nil {
			return err
		}
	}
	return w.Result(res)
}

// targets are the documents of a request that are searched, in the order of their
// ids, which do not change.
func (r *Reindexer) targets(q ReindexRequest) []Source {
	want := map[string]bool{}
	for _, id := range q.Documents {
		want[id] = true
	}
	var out []Source
	for _, s := range r.base.Sources() {
		if s.State == store.DocumentActive && s.Meta.Authority != AuthorityCorrection && (len(want) == 0 || want[s.ID]) {
			out = append(out, s)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

// kept is what the job has cut in earlier attempts, by document.
func (r *Reindexer) kept(ctx context.Context, id string) (map[string]store.Recut, error) {
	list, err := r.st.Recuts(ctx, id)
	if err != nil {
		return nil, err
	}
	out := make(map[string]store.Recut, len(list))
	for _, k := range list {
		out[k.DocumentID] = k
	}
	return out, nil
}

// recut cuts one document, unless an earlier attempt has. It returns the number of
// its passages.
func (r *Reindexer) recut(ctx context.Context, job string, q ReindexRequest, s Source, have store.Recut) (n int, again bool, err error) {
	if have.DocumentID != "" && have.SHA256 == s.SHA256 {
		return len(have.Parts), true, nil
	}
	row, err := r.base.opt.Store.Document(ctx, s.ID)
	if errors.Is(err, store.ErrNotFound) {
		return 0, false, nil // removed meanwhile
	}
	if err != nil {
		return 0, false, err
	}
	how := q.How
	if how == nil {
		how = s.Meta.Chunking
	}
	chunks, err := r.base.opt.Cut(row.Body, s.Name, how)
	if err != nil {
		return 0, false, fmt.Errorf("cutting %s: %w", s.Name, err)
	}
	if r.pause > 0 {
		time.Sleep(r.pause)
	}
	if q.DryRun {
		return len(chunks), false, nil
	}
	return len(chunks), false, r.st.PutRecut(ctx, store.Recut{JobID: job, DocumentID: s.ID, SHA256: row.SHA256, Parts: rowsOf(chunks)})
}

// replace puts the passages a job has cut in place of the old ones: in the store
// at once, then in the index at once. Documents that have changed since are left.
func (b *Base) replace(ctx context.Context, st Recuts, job string, how *Chunking) (skipped int, err error) {
	list, err := st.Recuts(ctx, job)
	if err != nil {
		return 0, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var changes []store.DocumentChange
	var docs []*held
	for _, k := range list {
		old, err := b.byID(k.DocumentID)
		if err != nil || old.sha256 != k.SHA256 || old.state != store.DocumentActive {
			skipped++
			continue
		}
		row, err := b.opt.Store.Document(ctx, k.DocumentID)
		if err != nil {
			return skipped, fmt.Errorf("reindex %s: %w", old.name, err)
		}
		d := *old
		if how != nil {
			d.meta.Chunking = how
		}
		d.meta.Cut = CutOf(k.Parts)
		if err := d.restore(row.Body, k.Parts, b.opt.Cut); err != nil {
			return skipped, err
		}
		meta, err := json.Marshal(d.meta)
		if err != nil {
			return skipped, fmt.Errorf("reindex %s: %w", d.name, err)
		}
		docs, changes = append(docs, &d), append(changes, store.DocumentChange{ID: d.id, Meta: meta, Parts: d.rows})
	}
	if err := st.FinishRecut(ctx, job, changes); err != nil {
		return skipped, err
	}
	for _, d := range docs {
		b.put(d)
	}
	b.swap()
	return skipped, nil
}
