package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// KeyState is what [Store.ClaimKey] found.
type KeyState string

// The states of an idempotency key.
const (
	KeyFresh      KeyState = "fresh"       // the caller holds it now and does the work
	KeyInProgress KeyState = "in_progress" // somebody does the work, or died doing it
	KeyReplay     KeyState = "replay"      // the work is done, Response is its answer
	KeyMismatch   KeyState = "mismatch"    // the key was used for something else
)

// KeyClaim is the answer to a claim. Response is set for KeyReplay only.
type KeyClaim struct {
	State    KeyState
	Response json.RawMessage
}

// ClaimKey claims an idempotency key within a scope (such as user and route).
// The fingerprint says what the key is used for, usually a hash of the request;
// the same key with another one is a mismatch. Of any number of callers exactly
// one gets KeyFresh until ttl has passed. The holder calls
// [Store.CompleteKey], or [Store.ReleaseKey] if nothing was done.
func (s *Store) ClaimKey(ctx context.Context, scope, key, fingerprint string, ttl time.Duration) (KeyClaim, error) {
	if key == "" || ttl <= 0 {
		return KeyClaim{}, fmt.Errorf("claim key: %w: it needs a key and a positive ttl", ErrInvalid)
	}
	var claim KeyClaim
	err := s.update(ctx, func(c conn) (err error) {
		claim, err = s.claimKey(ctx, c, scope, key, fingerprint, ttl)
		return err
	})
	if err != nil {
		return KeyClaim{}, fmt.Errorf("claim key %q: %w", key, err)
	}
	return claim, nil
}

// claimKey takes the row by an insert that also takes over an expired one; the
// engine decides between concurrent callers.
func (s *Store) claimKey(ctx context.Context, c conn, scope, key, fingerprint string, ttl time.Duration) (KeyClaim, error) {
	now := s.now()
	n, err := c.exec(ctx, `insert into idempotency (scope, key, fingerprint, completed, response, created_at, expires_at)
		values (?,?,?,0,'',?,?)
		on conflict (scope, key) do update set fingerprint = excluded.fingerprint, completed = 0, response = '',
			created_at = excluded.created_at, expires_at = excluded.expires_at
		where idempotency.expires_at <= excluded.created_at`,
		scope, key, fingerprint, ms(now), ms(now.Add(ttl)))
	if err != nil || n == 1 {
		return KeyClaim{State: KeyFresh}, err
	}
	var used, response string
	var completed int
	err = c.row(ctx, `select fingerprint, completed, response from idempotency where scope = ? and key = ?`,
		[]any{scope, key}, &used, &completed, &response)
	switch {
	case err != nil:
		return KeyClaim{}, err
	case used != fingerprint:
		return KeyClaim{State: KeyMismatch}, nil
	case completed == 0:
		return KeyClaim{State: KeyInProgress}, nil
	}
	return KeyClaim{State: KeyReplay, Response: raw(response)}, nil
}

// CompleteKey stores the answer that later claims of the key replay.
// ErrNotFound when the key is not claimed or has been completed.
func (s *Store) CompleteKey(ctx context.Context, scope, key string, response json.RawMessage) error {
	err := checkJSON("response", response)
	if err == nil {
		err = s.update(ctx, func(c conn) error {
			return mustChange(c.exec(ctx, `update idempotency set completed = 1, response = ?
				where scope = ? and key = ? and completed = 0`, string(response), scope, key))
		})
	}
	if err != nil {
		return fmt.Errorf("complete key %q: %w", key, err)
	}
	return nil
}

// ReleaseKey gives up a claim because nothing was done, so that the same
// request may be tried again. ErrNotFound when it is not held.
func (s *Store) ReleaseKey(ctx context.Context, scope, key string) error {
	err := s.update(ctx, func(c conn) error {
		return mustChange(c.exec(ctx, `delete from idempotency where scope = ? and key = ? and completed = 0`, scope, key))
	})
	if err != nil {
		return fmt.Errorf("release key %q: %w", key, err)
	}
	return nil
}

// PruneKeys removes expired keys and returns how many.
func (s *Store) PruneKeys(ctx context.Context) (int64, error) {
	var n int64
	err := s.update(ctx, func(c conn) (err error) {
		n, err = c.exec(ctx, `delete from idempotency where expires_at <= ?`, ms(s.now()))
		return err
	})
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
