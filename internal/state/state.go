package state

import (
	"context"
	"errors"
	"fmt"
	"time"

	"resync/breaker"
)

// ErrUnavailable means that the shared state does not answer. The error that
// wraps it is an *[UnavailableError].
var ErrUnavailable = errors.New("the shared state does not answer")

// ErrAuth means that Redis refuses the user or the password. Trying again would
// not help.
var ErrAuth = errors.New("the user name or the password was refused by Redis")

// UnavailableError says why the shared state is away and when to ask again.
type UnavailableError struct {
	Reason     string
	RetryAfter time.Duration
	Err        error // may be nil
}

// Error says what is wrong.
func (e *UnavailableError) Error() string { return ErrUnavailable.Error() + ": " + e.Reason }

// Is makes errors.Is(err, ErrUnavailable) true.
func (e *UnavailableError) Is(target error) bool { return target == ErrUnavailable }

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Mode is how the shared state works at the moment.
type Mode string

// The modes.
const (
	Embedded Mode = "embedded" // no Redis is configured; the memory of this process serves
	Normal   Mode = "normal"   // Redis answers
	Degraded Mode = "degraded" // Redis is configured and does not answer
	Unknown  Mode = "unknown"  // Redis has not been asked yet
)

// Status is what is known of the shared state.
type Status struct {
	Mode       Mode
	Since      time.Time     // of the mode
	Reason     string        // why it is degraded; "" otherwise
	RetryAfter time.Duration // when a refused request may come again; 0 unless degraded
	Latency    time.Duration // of the last look at Redis
	LastOK     time.Time     // when Redis last answered
	Outages    int           // times it went away since the start
	Down       time.Duration // it has been away in all, the present outage included
}

// Available reports whether state can be shared: with Redis that answers, or
// embedded.
func (s Status) Available() bool { return s.Mode == Embedded || s.Mode == Normal }

// Settings are what Open builds from.
type Settings struct {
	URL        string           // see ParseAddress; "" is the embedded state
	Prefix     string           // of every key; "resync:" when ""
	FailFast   bool             // Open fails when Redis does not answer; else it starts degraded
	Retries    int              // further attempts of Open
	Backoff    time.Duration    // before the first of them; doubles up to 5 s
	CheckEvery time.Duration    // mean time between looks at a Redis that answers; 3 s when 0
	Room       int              // bytes of cached answers in this process; 64 MiB when 0
	Breaker    *breaker.Breaker // in front of every call; nil is one of the contract's numbers
	OnChange   func(Status)     // called, in order, when Redis goes away or comes back; may be nil
}

// State is the shared state. Its methods may be called by several goroutines.
type State struct {
	local   *memory
	buckets *buckets
	remote  *remote // nil when embedded
	since   time.Time
}

// Open connects to Redis, or returns the embedded state when no address is set.
// Without FailFast a Redis that is away is not an error: the state is degraded
// and heals. A refused password is [ErrAuth] and is not tried again.
func Open(ctx context.Context, s Settings) (*State, error) {
	if s.Room <= 0 {
		s.Room = 64 << 20
	}
	st := &State{local: newMemory(s.Room), buckets: newBuckets(), since: time.Now()}
	if s.URL == "" {
		return st, nil
	}
	r, err := openRemote(ctx, s)
	if err != nil {
		return nil, err
	}
	st.remote = r
	return st, nil
}

// Close ends the connections and the monitor.
func (s *State) Close() error {
	if s.remote == nil {
		return nil
	}
	return s.remote.close()
}

// Status returns what is known now. It asks nobody.
func (s *State) Status() Status {
	if s.remote == nil {
		return Status{Mode: Embedded, Since: s.since}
	}
	return s.remote.status()
}

// Touch tells that somebody is about to rely on the state: when the last answer
// of Redis is older than a moment, the monitor looks at once. It does not wait.
func (s *State) Touch() {
	if s.remote != nil {
		s.remote.touch()
	}
}

// Check asks Redis now, within the bounds of every call. Embedded state is
// always there.
func (s *State) Check(ctx context.Context) error {
	if s.remote == nil {
		return nil
	}
	return s.remote.check(ctx)
}

// Get returns a cached value that must not be changed. found is false when
// there is none; the error says when that is because Redis is away, and a value
// of this process may be returned even then.
func (s *State) Get(ctx context.Context, key string) (value []byte, found bool, err error) {
	if v, ok := s.local.get(key, time.Now()); ok {
		return v, true, nil
	}
	if s.remote == nil {
		return nil, false, nil
	}
	v, left, err := s.remote.get(ctx, key)
	if err != nil || v == nil {
		return nil, false, err
	}
	s.local.set(key, v, left, time.Now())
	return v, true, nil
}

// Set keeps a value for a time, here and, when it answers, in Redis.
func (s *State) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if ttl <= 0 {
		return fmt.Errorf("keeping %s: the time to live must be positive", key)
	}
	s.local.set(key, value, ttl, time.Now())
	if s.remote == nil {
		return nil
	}
	return s.remote.set(ctx, key, value, ttl)
}

// Delete forgets a value here and in Redis; other servers may still hold a copy
// until its time ends.
func (s *State) Delete(ctx context.Context, key string) error {
	s.local.drop(key)
	if s.remote == nil {
		return nil
	}
	return s.remote.del(ctx, key)
}

// Allow takes units from all quotas, or from none. The limits hold over all
// servers that share a Redis.
func (s *State) Allow(ctx context.Context, quotas ...Quota) (Decision, error) {
	if err := check(quotas); err != nil {
		return Decision{}, err
	}
	if s.remote == nil {
		return s.buckets.take(time.Now(), quotas), nil
	}
	return s.remote.allow(ctx, quotas)
}

// AllowHere is Allow by the memory of this process alone: for what must be
// limited although Redis is away.
func (s *State) AllowHere(quotas ...Quota) (Decision, error) {
	if err := check(quotas); err != nil {
		return Decision{}, err
	}
	return s.buckets.take(time.Now(), quotas), nil
}

// Publish sends news to the other servers. Embedded there are none.
func (s *State) Publish(ctx context.Context, channel string, data []byte) error {
	if s.remote == nil {
		return nil
	}
	return s.remote.publish(ctx, channel, data)
}

// Listen calls fn with the news of all servers, this one among them, until ctx
// ends. News that is sent while Redis is away is lost.
func (s *State) Listen(ctx context.Context, channel string, fn func(data []byte)) {
	if s.remote == nil {
		<-ctx.Done()
		return
	}
	s.remote.listen(ctx, channel, fn)
}

// Usage returns the entries and bytes cached in this process.
func (s *State) Usage() (entries, bytes int) { return s.local.usage() }
