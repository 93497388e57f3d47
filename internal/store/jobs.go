package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// JobState is where a job stands.
type JobState string

// The states of a job. Pending and running ones are not finished.
const (
	JobPending   JobState = "pending"
	JobRunning   JobState = "running"
	JobCompleted JobState = "completed"
	JobFailed    JobState = "failed"
	JobCancelled JobState = "cancelled"
)

// Finished reports whether nothing will happen to the job any more.
func (s JobState) Finished() bool { return s != JobPending && s != JobRunning }

// Job is a piece of long work that survives the process.
type Job struct {
	ID   string          `json:"id"`
	Kind string          `json:"kind"`
	Key  string          `json:"key,omitempty"` // names the work among the unfinished jobs of its kind; "" is not looked at
	Args json.RawMessage `json:"args,omitempty"`

	State      JobState        `json:"state"`
	Done       int64           `json:"done"`
	Total      int64           `json:"total"` // 0 while it is not known
	Note       string          `json:"note,omitempty"`
	Checkpoint json.RawMessage `json:"checkpoint,omitempty"` // where the next attempt goes on
	Result     json.RawMessage `json:"result,omitempty"`
	Error      string          `json:"error,omitempty"` // of the last attempt

	Attempts    int       `json:"attempts"` // claims so far
	MaxAttempts int       `json:"max_attempts"`
	Owner       string    `json:"owner,omitempty"` // who holds it while it runs
	LeaseUntil  time.Time `json:"lease_until"`
	CancelBy    string    `json:"cancel_by,omitempty"` // who asked to cancel it

	CreatedBy   string    `json:"created_by"`
	CreatedAt   time.Time `json:"created_at"`
	RunAfter    time.Time `json:"run_after"`
	AttemptAt   time.Time `json:"attempt_at"`   // start of the present attempt
	AttemptDone int64     `json:"attempt_done"` // Done when it started
	StartedAt   time.Time `json:"started_at"`   // first start
	FinishedAt  time.Time `json:"finished_at"`
}

// ErrJobLost: another worker has the job now, or it is finished.
var ErrJobLost = errors.New("the job is not held by this worker any more")

// EnqueueJob stores a job to be done. When an unfinished job of its kind has the
// same key, that one is returned and made is false; likewise when a job has the
// ID that the caller gives, finished or not, so that what is told twice is done
// once. Without an ID it gets one.
func (s *Store) EnqueueJob(ctx context.Context, j Job) (_ Job, made bool, err error) {
	if j.Kind == "" {
		return Job{}, false, fmt.Errorf("enqueue a job: %w: it needs a kind", ErrInvalid)
	}
	if err := errors.Join(checkJSON("args", j.Args), checkJSON("checkpoint", j.Checkpoint)); err != nil {
		return Job{}, false, fmt.Errorf("enqueue a job of kind %s: %w", j.Kind, err)
	}
	own := j.ID
	j.ID, j.State, j.MaxAttempts = cmp.Or(own, NewID("job")), JobPending, max(j.MaxAttempts, 1)
	j.CreatedAt = at(ms(s.now()))
	if j.RunAfter.IsZero() {
		j.RunAfter = j.CreatedAt
	}
	err = s.update(ctx, func(c conn) error {
		n, err := c.exec(ctx, `insert into jobs (id, kind, key, args, state, done, total, note, checkpoint, result, error, attempts,
				max_attempts, owner, lease_until, cancel_by, created_by, created_at, run_after, attempt_at, attempt_done, started_at, finished_at)
			values (?,?,?,?,?,0,?,?,?,'','',0,?,'',0,'',?,?,?,0,0,0,0)
			on conflict do nothing`,
			j.ID, j.Kind, j.Key, string(j.Args), string(j.State), j.Total, j.Note, string(j.Checkpoint), j.MaxAttempts, j.CreatedBy,
			ms(j.CreatedAt), ms(j.RunAfter))
		if err != nil {
			return err
		}
		if made = n == 1; made {
			return nil
		}
		list, err := jobs(ctx, c, `where id = ? or (? <> '' and kind = ? and key = ? and state in ('pending', 'running'))`, own, j.Key, j.Kind, j.Key)
		if err == nil && len(list) == 0 {
			err = ErrBusy // it has finished between the two statements
		}
		if err == nil {
			j = list[0]
		}
		return err
	})
	if err != nil {
		return Job{}, false, fmt.Errorf("enqueue a job of kind %s: %w", j.Kind, err)
	}
	return j, made, nil
}

// ClaimJob gives the caller the oldest job of one of the kinds that is due: a
// pending one, or a running one whose lease is over because its worker died. Of
// any number of callers one gets it. ErrNotFound when there is none.
func (s *Store) ClaimJob(ctx context.Context, kinds []string, owner string, lease time.Duration) (Job, error) {
	if len(kinds) == 0 || owner == "" || lease <= 0 {
		return Job{}, fmt.Errorf("claim a job: %w: it needs kinds, an owner and a positive lease", ErrInvalid)
	}
	now := ms(s.now())
	args := []any{owner, ms(s.now().Add(lease)), now, now}
	for _, k := range kinds {
		args = append(args, k)
	}
	args = append(args, now, now)
	var job Job
	err := s.update(ctx, func(c conn) error {
		list, err := jobsOf(ctx, c, `update jobs set state = 'running', owner = ?, lease_until = ?, attempts = attempts + 1, attempt_at = ?,
				attempt_done = done, error = '', started_at = case when started_at = 0 then ? else started_at end
			where id = (select id from jobs where kind in (`+marksFor(len(kinds))+`)
				and ((state = 'pending' and run_after <= ?) or (state = 'running' and lease_until <= ?))
				order by run_after, id limit 1`+c.d.skipLocked()+`)
			returning `+jobColumns, args...)
		if err == nil && len(list) == 0 {
			err = ErrNotFound
		}
		if err == nil {
			job = list[0]
		}
		return err
	})
	if err != nil {
		return Job{}, fmt.Errorf("claim a job: %w", err)
	}
	return job, nil
}

// Beat is what a worker reports while it holds a job.
type Beat struct {
	Done, Total int64
	Note        string
	Checkpoint  json.RawMessage // nil keeps the last one
	Lease       time.Duration
}

// BeatJob renews the lease of the attempt and stores how far it is. It reports
// whether somebody asked to cancel the job. ErrJobLost when another worker has it.
func (s *Store) BeatJob(ctx context.Context, j Job, b Beat) (cancel bool, err error) {
	if err := checkJSON("checkpoint", b.Checkpoint); err != nil {
		return false, fmt.Errorf("renew the job %s: %w", j.ID, err)
	}
	var by string
	err = s.update(ctx, func(c conn) error {
		err := c.row(ctx, `update jobs set lease_until = ?, done = ?, total = ?, note = ?,
				checkpoint = case when ? = '' then checkpoint else ? end
			where id = ? and owner = ? and attempts = ? and state = 'running' returning cancel_by`,
			[]any{ms(s.now().Add(b.Lease)), b.Done, b.Total, clean(b.Note), string(b.Checkpoint), string(b.Checkpoint), j.ID, j.Owner, j.Attempts}, &by)
		return lost(err)
	})
	if err != nil {
		return false, fmt.Errorf("renew the job %s: %w", j.ID, err)
	}
	return by != "", nil
}

// Ending is how an attempt ended.
type Ending struct {
	State      JobState // JobPending gives the job back for another attempt
	Done       int64
	Total      int64
	Result     json.RawMessage
	Error      string
	RunAfter   time.Time // for JobPending: not before
	KeepBudget bool      // for JobPending: the attempt does not count, the process was stopped
}

// EndJob ends the attempt of its holder. ErrJobLost when another worker has it.
func (s *Store) EndJob(ctx context.Context, j Job, e Ending) error {
	if err := checkJSON("result", e.Result); err != nil {
		return fmt.Errorf("end the job %s: %w", j.ID, err)
	}
	finished := int64(0)
	if e.State.Finished() {
		finished = ms(s.now())
	}
	err := s.update(ctx, func(c conn) error {
		n, err := c.exec(ctx, `update jobs set state = ?, owner = '', lease_until = 0, done = ?, total = ?, result = ?, error = ?, run_after = ?,
				attempts = attempts - ?, finished_at = ?
			where id = ? and owner = ? and attempts = ? and state = 'running'`,
			string(e.State), e.Done, e.Total, string(e.Result), clean(e.Error), ms(e.RunAfter), flag(e.KeepBudget), finished, j.ID, j.Owner, j.Attempts)
		return lost(mustChange(n, err))
	})
	if err != nil {
		return fmt.Errorf("end the job %s: %w", j.ID, err)
	}
	return nil
}

// lost names what it means that the row of a holder is not there.
func lost(err error) error {
	if errors.Is(err, ErrNotFound) {
		return ErrJobLost
	}
	return err
}

// CancelWork asks that a job ends. A pending one is cancelled at once, a running
// one when its worker looks next; a finished one stays as it is, which is
// ErrAlreadyFinal.
func (s *Store) CancelWork(ctx context.Context, id, by string) (Job, error) {
	var job Job
	err := s.update(ctx, func(c conn) error {
		n, err := c.exec(ctx, `update jobs set cancel_by = ?, finished_at = case when state = 'pending' then ? else finished_at end,
				state = case when state = 'pending' then 'cancelled' else state end
			where id = ? and state in ('pending', 'running')`, by, ms(s.now()), id)
		if err != nil {
			return err
		}
		if job, err = oneJob(ctx, c, id); err != nil {
			return err
		}
		if n == 0 {
			return ErrAlreadyFinal
		}
		return nil
	})
	if err != nil {
		return job, fmt.Errorf("cancel the job %q: %w", id, err)
	}
	return job, nil
}

// Job reads one. ErrNotFound when there is none.
func (s *Store) Job(ctx context.Context, id string) (Job, error) {
	job, err := oneJob(ctx, s.reader(), id)
	if err != nil {
		return Job{}, fmt.Errorf("read the job %q: %w", id, err)
	}
	return job, nil
}

// oneJob is the job of that name, or ErrNotFound.
func oneJob(ctx context.Context, c conn, id string) (Job, error) {
	list, err := jobs(ctx, c, `where id = ?`, id)
	if err == nil && len(list) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Job{}, err
	}
	return list[0], nil
}

// Jobs lists the jobs of a kind ("" is all), newest first.
func (s *Store) Jobs(ctx context.Context, kind string, limit int) ([]Job, error) {
	list, err := jobs(ctx, s.reader(), `where (? = '' or kind = ?) order by created_at desc, id desc limit ?`, kind, kind, limit)
	if err != nil {
		return nil, fmt.Errorf("list the jobs: %w", err)
	}
	return list, nil
}

// JobFilter selects jobs; a zero field does not restrict.
type JobFilter struct {
	ID     string
	Kinds  []string
	States []JobState
	Limit  int // at most so many; 0 means 50, the most is 1000
}

// JobsWhere lists the jobs that f selects, newest first.
func (s *Store) JobsWhere(ctx context.Context, f JobFilter) ([]Job, error) {
	where, args := "where (? = '' or id = ?)", []any{f.ID, f.ID}
	in := func(column string, n int) {
		if n > 0 {
			where += " and " + column + " in (" + marksFor(n) + ")"
		}
	}
	in("kind", len(f.Kinds))
	for _, k := range f.Kinds {
		args = append(args, k)
	}
	in("state", len(f.States))
	for _, st := range f.States {
		args = append(args, string(st))
	}
	list, err := jobs(ctx, s.reader(), where+` order by created_at desc, id desc limit ?`, append(args, pageSize(f.Limit))...)
	if err != nil {
		return nil, fmt.Errorf("list the jobs: %w", err)
	}
	return list, nil
}

// CountJobs counts the jobs of a kind by state.
func (s *Store) CountJobs(ctx context.Context, kind string) (map[JobState]int, error) {
	out := map[JobState]int{}
	err := s.reader().rows(ctx, `select state, count(*) from jobs where kind = ? group by state`, []any{kind}, func(scan scanner) error {
		var state JobState
		n := 0
		err := scan(&state, &n)
		out[state] = n
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("count the jobs of kind %s: %w", kind, err)
	}
	return out, nil
}

// RepeatJob gives a finished job back to be done again, with all its attempts. One
// that is not finished stays as it is, which is ErrBusy. ErrNotFound when there is
// none.
func (s *Store) RepeatJob(ctx context.Context, id string) (Job, error) {
	var job Job
	err := s.update(ctx, func(c conn) error {
		n, err := c.exec(ctx, `update jobs set state = 'pending', attempts = 0, cancel_by = '', error = '', started_at = 0, finished_at = 0, run_after = ?
			where id = ? and state in ('completed', 'failed', 'cancelled')`, ms(s.now()), id)
		if err != nil {
			return err
		}
		if job, err = oneJob(ctx, c, id); err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("%w: it is %s", ErrBusy, job.State)
		}
		return nil
	})
	if err != nil {
		return job, fmt.Errorf("do the job %q again: %w", id, err)
	}
	return job, nil
}

// PruneJobs removes the jobs that finished before a time and returns how many.
func (s *Store) PruneJobs(ctx context.Context, before time.Time) (int64, error) {
	var n int64
	err := s.update(ctx, func(c conn) (err error) {
		n, err = c.exec(ctx, `delete from jobs where state in ('completed', 'failed', 'cancelled') and finished_at < ?`, ms(before))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("prune the jobs: %w", err)
	}
	return n, nil
}

// jobColumns are the columns in the order jobsOf reads them.
const jobColumns = `id, kind, key, args, state, done, total, note, checkpoint, result, error, attempts, max_attempts, owner, lease_until,
	cancel_by, created_by, created_at, run_after, attempt_at, attempt_done, started_at, finished_at`

func jobs(ctx context.Context, c conn, where string, args ...any) ([]Job, error) {
	return jobsOf(ctx, c, `select `+jobColumns+` from jobs `+where, args...)
}

func jobsOf(ctx context.Context, c conn, query string, args ...any) ([]Job, error) {
	var list []Job
	err := c.rows(ctx, query, args, func(scan scanner) error {
		var j Job
		var args, checkpoint, result string
		var lease, created, after, attempt, started, finished int64
		err := scan(&j.ID, &j.Kind, &j.Key, &args, &j.State, &j.Done, &j.Total, &j.Note, &checkpoint, &result, &j.Error, &j.Attempts,
			&j.MaxAttempts, &j.Owner, &lease, &j.CancelBy, &j.CreatedBy, &created, &after, &attempt, &j.AttemptDone, &started, &finished)
		j.Args, j.Checkpoint, j.Result = raw(args), raw(checkpoint), raw(result)
		j.LeaseUntil, j.CreatedAt, j.RunAfter = at(lease), at(created), at(after)
		j.AttemptAt, j.StartedAt, j.FinishedAt = at(attempt), at(started), at(finished)
		list = append(list, j)
		return err
	})
	return list, err
}

// skipLocked lets a claim pass over rows that another claim is taking. SQLite
// has one writer and needs nothing.
func (d dialect) skipLocked() string {
	if d.forUpdate == "" {
		return ""
	}
	return d.forUpdate + " skip locked"
}
