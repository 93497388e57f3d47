package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

// KeyState is what [Store.ClaimKey] found.
type KeyState string

// The states of an idempotency key, as a caller meets them.
const (
	KeyFresh         KeyState = "fresh"         // the caller holds it now and does the work
	KeyInProgress    KeyState = "in_progress"   // somebody does the work and is alive
	KeyIndeterminate KeyState = "indeterminate" // whoever did the work is gone; nobody knows how far it got
	KeyReplay        KeyState = "replay"        // the work is done, Answer is its answer
	KeyMismatch      KeyState = "mismatch"      // the key was used for something else
)

// KeyRequest is a request for an idempotency key.
type KeyRequest struct {
	Scope       string        // whose key it is, such as a user; keys of two scopes never meet
	Key         string        // as the client sent it
	Fingerprint string        // what it is used for, usually a hash of the request
	Owner       string        // who would do the work: unique per attempt
	TTL         time.Duration // how long the key is remembered
	Lease       time.Duration // how long an owner that does not extend it counts as alive
	// Retake lets this request take over from an owner whose lease has lapsed
	// before it did anything, that is before a run was linked to the key. It is
	// for work whose every effect goes through runs; other work counts as
	// indeterminate.
	Retake bool
}

// KeyClaim is the answer to a request for a key. Fence is set for KeyFresh,
// RunID where a run was linked, Answer for KeyReplay.
type KeyClaim struct {
	State  KeyState
	Scope  string
	Key    string
	Owner  string
	Fence  int64     // grows with each owner; a row written under an older one is refused
	RunID  string    // the last run the work created or decided
	Since  time.Time // when the present owner claimed it
	Until  time.Time // when the owner's lease lapses
	Answer KeyAnswer
}

// KeyAnswer is an HTTP answer, kept to the byte.
type KeyAnswer struct {
	Status int
	Header http.Header
	Body   []byte
}

// ErrFenced is returned for work under an idempotency key that somebody else
// has taken over meanwhile.
var ErrFenced = errors.New("another request has taken over this idempotency key")

// Reasons for a takeover, as the where clause of the insert: the key has
// expired, or its owner died before it had done anything.
const claimSQL = `insert into idempotency
	(scope, key, fingerprint, state, owner, fence, lease_until, run_id, status, headers, body, created_at, expires_at)
	values (?,?,?,'claimed',?,1,?,'',0,'',?,?,?)
	on conflict (scope, key) do update set fingerprint = excluded.fingerprint, state = 'claimed', owner = excluded.owner,
		fence = idempotency.fence + 1, lease_until = excluded.lease_until, run_id = '', status = 0, headers = '',
		body = excluded.body, created_at = excluded.created_at, expires_at = excluded.expires_at
	where idempotency.expires_at <= excluded.created_at
		or (? = 1 and idempotency.state = 'claimed' and idempotency.lease_until <= excluded.created_at
			and idempotency.fingerprint = excluded.fingerprint)
	returning fence`

// ClaimKey claims an idempotency key. Of any number of callers exactly one gets
// KeyFresh until the TTL has passed; the database decides, in one statement. The
// holder works under a context of [WithKey], calls [Store.ExtendKey] while it is
// at it, and ends with [Store.CompleteKey], or with [Store.ReleaseKey] if
// nothing was done.
//
// It costs one round trip for a fresh key and two for any other.
func (s *Store) ClaimKey(ctx context.Context, r KeyRequest) (KeyClaim, error) {
	if r.Key == "" || r.Owner == "" || r.TTL <= 0 || r.Lease <= 0 {
		return KeyClaim{}, fmt.Errorf("claim key: %w: it needs a key, an owner, a ttl and a lease", ErrInvalid)
	}
	claim := KeyClaim{State: KeyFresh, Scope: r.Scope, Key: r.Key, Owner: r.Owner}
	now := s.now()
	claim.Since, claim.Until = at(ms(now)), at(ms(now.Add(r.Lease)))
	err := s.writer().row(ctx, claimSQL, []any{r.Scope, r.Key, r.Fingerprint, r.Owner, ms(claim.Until), []byte{}, ms(now), ms(now.Add(r.TTL)), flag(r.Retake)}, &claim.Fence)
	if errors.Is(err, ErrNotFound) {
		claim, err = s.foundKey(ctx, r, now)
	}
	if err != nil {
		return KeyClaim{}, fmt.Errorf("claim key %q: %w", r.Key, err)
	}
	return claim, nil
}

// foundKey reads what stands in the way of a claim.
func (s *Store) foundKey(ctx context.Context, r KeyRequest, now time.Time) (KeyClaim, error) {
	k := KeyClaim{Scope: r.Scope, Key: r.Key}
	var print, state, headers string
	var lease, created int64
	err := s.reader().row(ctx, `select fingerprint, state, owner, lease_until, run_id, status, headers, body, created_at
		from idempotency where scope = ? and key = ?`, []any{r.Scope, r.Key},
		&print, &state, &k.Owner, &lease, &k.RunID, &k.Answer.Status, &headers, &k.Answer.Body, &created)
	if errors.Is(err, ErrNotFound) {
		// It was released between the two statements: whoever asks again gets it.
		return KeyClaim{State: KeyInProgress, Scope: r.Scope, Key: r.Key, Since: at(ms(now)), Until: at(ms(now))}, nil
	}
	if err != nil {
		return k, err
	}
	k.Since, k.Until = at(created), at(lease)
	switch {
	case print != r.Fingerprint:
		return KeyClaim{State: KeyMismatch, Scope: r.Scope, Key: r.Key}, nil
	case state == "done":
		k.State = KeyReplay
		err = json.Unmarshal([]byte(headers), &k.Answer.Header)
	case now.Before(k.Until):
		k.State = KeyInProgress
	default:
		k.State = KeyIndeterminate
	}
	return k, err
}

// ExtendKey keeps a claim alive for another lease. ErrFenced when it is held no
// longer.
func (s *Store) ExtendKey(ctx context.Context, k KeyClaim, lease time.Duration) error {
	return s.changeKey(ctx, "extend", k, `update idempotency set lease_until = ?
		where scope = ? and key = ? and owner = ? and fence = ? and state <> 'done'`, ms(s.now().Add(lease)))
}

// CompleteKey stores the answer that later requests replay. ErrFenced when the
// key is held no longer.
func (s *Store) CompleteKey(ctx context.Context, k KeyClaim, a KeyAnswer) error {
	headers, err := json.Marshal(a.Header)
	if err != nil {
		return fmt.Errorf("complete key %q: %w", k.Key, err)
	}
	if a.Body == nil {
		a.Body = []byte{}
	}
	return s.changeKey(ctx, "complete", k, `update idempotency set state = 'done', status = ?, headers = ?, body = ?
		where scope = ? and key = ? and owner = ? and fence = ? and state <> 'done'`, a.Status, string(headers), a.Body)
}

// ReleaseKey gives a claim up because nothing was done, so that the key may be
// used again. It refuses with ErrFenced once a run is linked.
func (s *Store) ReleaseKey(ctx context.Context, k KeyClaim) error {
	return s.changeKey(ctx, "release", k, `delete from idempotency
		where scope = ? and key = ? and owner = ? and fence = ? and state = 'claimed'`)
}

// EndKey ends a claim: with the answer to replay, or with nil when nothing was
// done.
func (s *Store) EndKey(ctx context.Context, k KeyClaim, a *KeyAnswer) error {
	if a == nil {
		return s.ReleaseKey(ctx, k)
	}
	return s.CompleteKey(ctx, k, *a)
}

// changeKey runs one statement on a claim that must still be held.
func (s *Store) changeKey(ctx context.Context, what string, k KeyClaim, query string, args ...any) error {
	n, err := s.writer().exec(ctx, query, append(args, k.Scope, k.Key, k.Owner, k.Fence)...)
	if err == nil && n == 0 {
		err = ErrFenced
	}
	if err != nil {
		return fmt.Errorf("%s key %q: %w", what, k.Key, err)
	}
	return nil
}

type keyCtx struct{}

// keyWork is the work under a key, as its context carries it.
type keyWork struct {
	claim  KeyClaim
	linked atomic.Bool
}

// WithKey returns a context under which the store links every run that is
// created, decided or claimed to the key, in the same transaction. A claim that
// was taken over meanwhile makes these fail with ErrFenced: an owner that was
// thought dead cannot act any more.
func WithKey(ctx context.Context, k KeyClaim) context.Context {
	return context.WithValue(ctx, keyCtx{}, &keyWork{claim: k})
}

// KeyLinked reports whether a run was linked, or nearly, to the key of ctx:
// the work has begun and must not be given up.
func KeyLinked(ctx context.Context) bool {
	w, ok := ctx.Value(keyCtx{}).(*keyWork)
	return ok && w.linked.Load()
}

// keyLink links a run to a key inside a transaction.
type keyLink struct {
	asks []ask // go first
	done func()
}

// linkKey links a run to the key of ctx, if there is one. done is to be called when
// nothing can refuse the work any more.
func linkKey(ctx context.Context, runID string) keyLink {
	w, ok := ctx.Value(keyCtx{}).(*keyWork)
	if !ok {
		return keyLink{done: func() {}}
	}
	k := w.claim
	// An answered key stays as it is: what follows belongs to the run alone.
	return keyLink{done: func() { w.linked.Store(true) }, asks: []ask{{
		query: `update idempotency set state = case when state = 'claimed' then 'executing' else state end, run_id = ?
			where scope = ? and key = ? and owner = ? and fence = ?`,
		args: []any{runID, k.Scope, k.Key, k.Owner, k.Fence},
		counted: func(n int64) error {
			if n == 0 {
				return ErrFenced
			}
			return nil
		}}}}
}

// PruneKeys removes expired keys and returns how many.
func (s *Store) PruneKeys(ctx context.Context) (int64, error) {
	n, err := s.writer().exec(ctx, `delete from idempotency where expires_at <= ?`, ms(s.now()))
	if err != nil {
		return 0, fmt.Errorf("prune keys: %w", err)
	}
	return n, nil
}

// mustChange turns "no row changed" into ErrNotFound.
func mustChange(n int64, err error) error {
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// LapseKeys ends the leases of all claims that are not answered. It is for a
// start on a database that no other process works on: their owners are gone.
func (s *Store) LapseKeys(ctx context.Context) error {
	if _, err := s.writer().exec(ctx, `update idempotency set lease_until = 0 where state <> 'done'`); err != nil {
		return fmt.Errorf("end the leases of idempotency keys: %w", err)
	}
	return nil
}
