package health

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	defaultTimeout = 2 * time.Second
	defaultMaxAge  = time.Second
	// grace is added while waiting for a check, so that one that stops at its
	// timeout can still say what it was waiting for.
	grace = 100 * time.Millisecond
)

// Runner runs the list of checks. It is safe for concurrent use: callers at
// the same time share one run of a check.
type Runner struct {
	entries []*entry
}

// New returns a runner for the checks, in this order. It refuses a check
// without name or function and two of the same name.
func New(checks ...Check) (*Runner, error) {
	r := &Runner{}
	var errs []error
	seen := map[string]bool{}
	for _, c := range checks {
		switch {
		case c.Name == "" || c.Run == nil:
			errs = append(errs, fmt.Errorf("health check %q has no name or no function", c.Name))
		case seen[c.Name]:
			errs = append(errs, fmt.Errorf("two health checks are called %s", c.Name))
		}
		seen[c.Name] = true
		if c.Timeout <= 0 {
			c.Timeout = defaultTimeout
		}
		if c.MaxAge <= 0 {
			c.MaxAge = defaultMaxAge
		}
		r.entries = append(r.entries, &entry{check: c})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return r, nil
}

// Names lists the checks in order.
func (r *Runner) Names() []string {
	out := make([]string, len(r.entries))
	for i, e := range r.entries {
		out[i] = e.check.Name
	}
	return out
}

// Select narrows which checks are run; the zero value is all of them.
type Select struct {
	CriticalOnly bool
	SmokeOnly    bool     // the contract's smoke tests; they may be deep
	Deep         bool     // the checks for doctor too
	Exclude      []string // names to leave out
}

// includes reports whether a check is wanted.
func (s Select) includes(c Check) bool {
	deep := s.Deep || s.SmokeOnly || !c.Deep
	return (c.Critical || !s.CriticalOnly) && (c.Smoke || !s.SmokeOnly) && deep && !slices.Contains(s.Exclude, c.Name)
}

// Run runs the selected checks in parallel and reports them in the order of the
// list. It returns when all have answered or run into their timeouts, or when
// ctx ends; what has not answered by then counts as failed.
func (r *Runner) Run(ctx context.Context, sel Select) Report {
	start := time.Now()
	var wg sync.WaitGroup
	var items []*Item
	for _, e := range r.entries {
		if !sel.includes(e.check) {
			continue
		}
		item := &Item{}
		items = append(items, item)
		wg.Go(func() { *item = e.outcome(ctx) })
	}
	wg.Wait()
	rep := Report{Status: Pass, At: start.UTC(), Took: time.Since(start)}
	for _, it := range items {
		rep.Items = append(rep.Items, *it)
		rep.Status = worse(rep.Status, it.weight())
	}
	return rep
}

// entry is a check with its last outcome and the run that is under way.
type entry struct {
	check Check

	mu      sync.Mutex
	last    Item
	done    chan struct{} // closed when the run under way ends; nil when there is none
	started time.Time     // of that run
}

// outcome returns the check's outcome: the last one while it is fresh, else
// that of the run under way or of a new one.
func (e *entry) outcome(ctx context.Context) Item {
	e.mu.Lock()
	if !e.last.At.IsZero() && time.Since(e.last.At) < e.check.MaxAge {
		defer e.mu.Unlock()
		return e.last
	}
	if e.done == nil {
		e.done, e.started = make(chan struct{}), time.Now()
		go e.run(context.WithoutCancel(ctx)) // other callers may wait for it too
	}
	done, left := e.done, e.check.Timeout+grace-time.Since(e.started)
	e.mu.Unlock()

	timer := time.NewTimer(max(left, 0))
	defer timer.Stop()
	select {
	case <-done:
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.last
	case <-timer.C:
		return e.item(Failed("no answer within %v", e.check.Timeout), e.check.Timeout)
	case <-ctx.Done():
		return e.item(Failed("stopped waiting before it answered: %v", context.Cause(ctx)), 0)
	}
}

// run runs the check once and keeps the outcome.
func (e *entry) run(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, e.check.Timeout)
	defer cancel()
	start := time.Now()
	res := safely(ctx, e.check.Run)
	item := e.item(res, time.Since(start))
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = item
	close(e.done)
	e.done = nil
}

// safely turns a panic in a check into a failure: a broken check must not take
// the program down.
func safely(ctx context.Context, run func(context.Context) Result) (res Result) {
	defer func() {
		if p := recover(); p != nil {
			res = Failed("the check itself broke: %v", p)
		}
	}()
	res = run(ctx)
	if res.Status != Pass && res.Status != Warn && res.Status != Fail && res.Status != Skip {
		res = Failed("the check gave the unknown status %q", res.Status)
	}
	return res
}

// item completes a result with what is known about its check.
func (e *entry) item(res Result, took time.Duration) Item {
	if res.Fix == "" && (res.Status == Warn || res.Status == Fail) {
		res.Fix = e.check.Fix
	}
	return Item{Name: e.check.Name, Title: cmp.Or(e.check.Title, e.check.Name), Category: e.check.Category, Critical: e.check.Critical,
		Result: res, At: time.Now().UTC(), Took: took}
}
