package state

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func newReads(t *testing.T) *Reads {
	t.Helper()
	s, err := Open(t.Context(), Settings{})
	if err != nil {
		t.Fatal(err)
	}
	return NewReads(s)
}

// upstream counts how often it is asked and takes a while.
type upstream struct {
	asked, gone atomic.Int64
	took        time.Duration
	err         error
}

func (u *upstream) fetch(ctx context.Context) ([]byte, error) {
	u.asked.Add(1)
	select {
	case <-time.After(u.took):
		return []byte("answer"), u.err
	case <-ctx.Done():
		u.gone.Add(1)
		return nil, ctx.Err()
	}
}

func TestReadsAreCoalescedAndCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, u := newReads(t), &upstream{took: time.Second}
		q := Read{Scope: "e", Key: "k", TTL: 10 * time.Second, Fetch: u.fetch}
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if a, err := r.Do(t.Context(), q); err != nil || string(a.Data) != "answer" || a.Cached {
					t.Errorf("%+v, %v", a, err)
				}
			})
		}
		wg.Wait()
		time.Sleep(8 * time.Second)
		a, err := r.Do(t.Context(), q)
		if err != nil || !a.Cached || time.Since(a.At) != 9*time.Second || u.asked.Load() != 1 {
			t.Errorf("%+v, %v, asked %d times", a, err, u.asked.Load())
		}
		time.Sleep(2 * time.Second) // past its time to live, which runs from the question and not from the answer
		if a, err := r.Do(t.Context(), q); err != nil || a.Cached || u.asked.Load() != 2 {
			t.Errorf("%+v, %v, asked %d times", a, err, u.asked.Load())
		}
	})
}

func TestTheLastToLeaveEndsTheFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, u := newReads(t), &upstream{took: time.Minute}
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i+1)*time.Second)
				defer cancel()
				if _, err := r.Do(ctx, Read{Scope: "e", Key: "k", TTL: time.Second, Fetch: u.fetch}); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v", err)
				}
			})
		}
		time.Sleep(2500 * time.Millisecond)
		if u.gone.Load() != 0 {
			t.Error("the fetch ended although one waits")
		}
		wg.Wait()
		synctest.Wait()
		if u.gone.Load() != 1 || u.asked.Load() != 1 {
			t.Errorf("asked %d, ended %d", u.asked.Load(), u.gone.Load())
		}
	})
}

// What is asked after an action is never answered with what was asked before it.
func TestInvalidateAlsoVoidsWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, u := newReads(t), &upstream{took: time.Second}
		q := Read{Scope: "e", Key: "k", TTL: time.Minute, Fetch: u.fetch}
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = r.Do(t.Context(), q) })
		time.Sleep(500 * time.Millisecond)
		r.Invalidate("e")
		voided := time.Now()
		a, err := r.Do(t.Context(), q)
		if err != nil || a.At.Before(voided) || u.asked.Load() != 2 {
			t.Errorf("%+v, %v, asked %d times", a, err, u.asked.Load())
		}
		wg.Wait()
		r.Invalidate("other")
		if a, err := r.Do(t.Context(), q); err != nil || !a.Cached || a.At.Before(voided) {
			t.Errorf("another scope voided it, or an older answer took its place: %+v, %v", a, err)
		}
	})
}

func TestOldAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, u := newReads(t), &upstream{}
		away := errors.New("away")
		q := Read{Scope: "e", Key: "k", TTL: time.Second, Fetch: u.fetch, Stale: func(err error) bool { return errors.Is(err, away) }}
		only := q
		only.CachedOnly = true
		if _, err := r.Do(t.Context(), only); !errors.Is(err, ErrNotCached) {
			t.Errorf("nothing is cached: %v", err)
		}
		if _, err := r.Do(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if a, err := r.Do(t.Context(), only); err != nil || !a.Cached || a.Stale == nil {
			t.Errorf("cached only: %+v, %v", a, err)
		}
		u.err = away
		if a, err := r.Do(t.Context(), q); err != nil || !errors.Is(a.Stale, away) || time.Since(a.At) != time.Minute {
			t.Errorf("away: %+v, %v", a, err)
		}
		u.err = errors.New("no such job")
		if _, err := r.Do(t.Context(), q); err == nil || err.Error() != "no such job" {
			t.Errorf("an error about what was asked was hidden: %v", err)
		}
		u.err = away
		time.Sleep(time.Hour)
		if _, err := r.Do(t.Context(), q); !errors.Is(err, away) {
			t.Errorf("an answer of an hour ago: %v", err)
		}
	})
}

func TestAFaultOfAFetchIsAnError(t *testing.T) {
	r := newReads(t)
	_, err := r.Do(t.Context(), Read{Scope: "e", Key: "k", TTL: time.Second, Fetch: func(context.Context) ([]byte, error) { panic("boom") }})
	if err == nil || err.Error() != "internal fault while reading: boom" {
		t.Errorf("%v", err)
	}
}
