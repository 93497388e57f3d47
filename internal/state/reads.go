package state

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrNotCached means that only cached answers may be given and there is none.
var ErrNotCached = errors.New("there is no cached answer")

// keepStale is how long an answer stays after its time to live: to be shown,
// with its age, when whoever knows better does not answer.
const keepStale = 15 * time.Minute

// Read is one question whose answer may be cached.
type Read struct {
	Scope string        // what makes answers void together, such as an engine; see Invalidate
	Key   string        // what is asked, and for whom when not all may know the same
	TTL   time.Duration // how long an answer is as good as a new one
	// Fetch asks whoever knows. Its context ends when nobody waits any more.
	Fetch func(context.Context) ([]byte, error)
	// Direct is asked before Fetch while Redis is away, so that not all servers
	// ask at once what was cached before; its error is the answer. May be nil.
	Direct func() error
	// Stale says that an older answer is better than this error of Fetch. nil:
	// never.
	Stale func(error) bool
	// CachedOnly forbids Fetch.
	CachedOnly bool
}

// Answer is what a Read found.
type Answer struct {
	Data    []byte    // must not be changed
	At      time.Time // when it was asked for; it is at least as new
	Cached  bool      // it was not fetched for this request or one at the same time
	Stale   error     // why an answer past its time to live is given; nil otherwise
	Trouble error     // of the cache: an [ErrUnavailable]; the answer is good all the same
}

// Reads gives answers from the shared cache, or fetches them: one fetch serves
// all who ask for the same at the same time.
type Reads struct {
	s   *State
	now func() time.Time

	mu      sync.Mutex
	voided  map[string]time.Time // :: scope → answers from before are void
	flights map[string]*flight
}

// flight is one fetch and those who wait for it.
type flight struct {
	started time.Time
	waiting int
	cancel  context.CancelFunc
	done    chan struct{}

	data []byte
	err  error
}

// NewReads returns reads through s.
func NewReads(s *State) *Reads {
	return &Reads{s: s, now: time.Now, voided: map[string]time.Time{}, flights: map[string]*flight{}}
}

// Invalidate voids the answers of a scope that were asked for before now.
func (r *Reads) Invalidate(scope string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.voided[scope] = r.now()
}

// Do answers the question.
func (r *Reads) Do(ctx context.Context, q Read) (Answer, error) {
	key := "read:" + q.Scope + ":" + q.Key
	r.mu.Lock()
	voided := r.voided[q.Scope]
	r.mu.Unlock()
	raw, found, trouble := r.s.Get(ctx, key)
	a := Answer{Trouble: trouble}
	if found = found && len(raw) >= 8; found {
		a.At, a.Data, a.Cached = time.Unix(0, int64(binary.BigEndian.Uint64(raw))), raw[8:], true
		if !a.At.Before(voided) && r.now().Sub(a.At) <= q.TTL {
			return a, nil
		}
	}
	if q.CachedOnly {
		if !found {
			return Answer{Trouble: trouble}, ErrNotCached
		}
		a.Stale = ErrNotCached
		return a, nil
	}
	fresh, err := r.share(ctx, key, voided, q, trouble)
	if err != nil && found && q.Stale != nil && q.Stale(err) && ctx.Err() == nil {
		a.Stale = err
		return a, nil
	}
	if fresh.Trouble == nil {
		fresh.Trouble = trouble
	}
	return fresh, err
}

// share joins a fetch that is under way, or starts one. A fetch from before an
// invalidation is not joined.
func (r *Reads) share(ctx context.Context, key string, voided time.Time, q Read, trouble error) (Answer, error) {
	r.mu.Lock()
	f := r.flights[key]
	if f == nil || f.started.Before(voided) {
		if trouble != nil && q.Direct != nil {
			if err := q.Direct(); err != nil {
				r.mu.Unlock()
				return Answer{Trouble: trouble}, err
			}
		}
		fetchCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		f = &flight{started: r.now(), cancel: cancel, done: make(chan struct{})}
		r.flights[key] = f
		go r.fetch(fetchCtx, key, f, q.Fetch)
	}
	f.waiting++
	r.mu.Unlock()
	select {
	case <-f.done:
	case <-ctx.Done():
		r.leave(key, f)
		return Answer{}, ctx.Err()
	}
	a := Answer{Data: f.data, At: f.started}
	if f.err == nil {
		a.Trouble = r.store(ctx, key, f, q.TTL)
	}
	return a, f.err
}

// leave is called by who does not wait any longer; the last one ends the fetch.
func (r *Reads) leave(key string, f *flight) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.waiting--; f.waiting == 0 {
		f.cancel()
		if r.flights[key] == f {
			delete(r.flights, key)
		}
	}
}

func (r *Reads) fetch(ctx context.Context, key string, f *flight, fetch func(context.Context) ([]byte, error)) {
	defer func() {
		if p := recover(); p != nil {
			f.data, f.err = nil, fmt.Errorf("internal fault while reading: %v", p)
		}
		r.mu.Lock()
		if r.flights[key] == f {
			delete(r.flights, key)
		}
		r.mu.Unlock()
		f.cancel()
		close(f.done)
	}()
	f.err = errNoEnd
	f.data, f.err = fetch(ctx)
}

// errNoEnd is the outcome of a fetch that ended its goroutine.
var errNoEnd = errors.New("the read ended without an answer")

// store keeps an answer; the first of those who waited for it does.
func (r *Reads) store(ctx context.Context, key string, f *flight, ttl time.Duration) error {
	r.mu.Lock()
	first := f.waiting > 0
	f.waiting = 0
	r.mu.Unlock()
	if !first {
		return nil
	}
	raw := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(f.data)), uint64(f.started.UnixNano()))
	if err := r.s.Set(ctx, key, append(raw, f.data...), ttl+keepStale); err != nil && !errors.Is(err, ErrUnavailable) {
		return fmt.Errorf("caching an answer: %w", err)
	} else {
		return err
	}
}
