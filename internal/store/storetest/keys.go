package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"resync/internal/store"
)

func testKeys(t *testing.T, open OpenFunc) {
	c := newClock()
	s, _ := open(t, store.WithClock(c.Now))
	ctx := t.Context()
	const day = 24 * time.Hour
	claim := func(scope, key, print string) store.KeyClaim {
		t.Helper()
		got, err := s.ClaimKey(ctx, scope, key, print, 7*day)
		must(t, err)
		return got
	}
	t.Run("life", func(t *testing.T) {
		equal(t, "first", store.KeyClaim{State: store.KeyFresh}, claim("ana", "k", "f1"))
		equal(t, "again", store.KeyClaim{State: store.KeyInProgress}, claim("ana", "k", "f1"))
		equal(t, "other request", store.KeyClaim{State: store.KeyMismatch}, claim("ana", "k", "f2"))
		equal(t, "other scope", store.KeyClaim{State: store.KeyFresh}, claim("bo", "k", "f2"))
		must(t, s.CompleteKey(ctx, "ana", "k", json.RawMessage(`{"ok":true}`)))
		equal(t, "replay", store.KeyClaim{State: store.KeyReplay, Response: json.RawMessage(`{"ok":true}`)}, claim("ana", "k", "f1"))
		equal(t, "other request after the answer", store.KeyClaim{State: store.KeyMismatch}, claim("ana", "k", "f2"))
		c.Advance(7*day - time.Millisecond)
		equal(t, "last moment", store.KeyReplay, claim("ana", "k", "f1").State)
		c.Advance(time.Millisecond)
		equal(t, "expired", store.KeyClaim{State: store.KeyFresh}, claim("ana", "k", "f2"))
	})
	t.Run("release", func(t *testing.T) {
		claim("ana", "r", "f1")
		must(t, s.ReleaseKey(ctx, "ana", "r"))
		equal(t, "after release", store.KeyFresh, claim("ana", "r", "f2").State)
		must(t, s.CompleteKey(ctx, "ana", "r", nil))
		for name, err := range map[string]error{
			"complete twice":          s.CompleteKey(ctx, "ana", "r", nil),
			"release once complete":   s.ReleaseKey(ctx, "ana", "r"),
			"complete what is not":    s.CompleteKey(ctx, "ana", "none", nil),
			"another scope's release": s.ReleaseKey(ctx, "bo", "r"),
		} {
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("invalid", func(t *testing.T) {
		if _, err := s.ClaimKey(ctx, "ana", "", "f", day); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("empty key: %v", err)
		}
		if _, err := s.ClaimKey(ctx, "ana", "k", "f", 0); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("no ttl: %v", err)
		}
	})
	t.Run("64 at once", func(t *testing.T) {
		fresh := make([]bool, contention)
		for _, err := range contenders(ctx, contention, func(ctx context.Context, i int) error {
			got, err := s.ClaimKey(ctx, "ana", "race", "f", day)
			fresh[i] = got.State == store.KeyFresh
			return err
		}) {
			must(t, err)
		}
		n := 0
		for _, f := range fresh {
			if f {
				n++
			}
		}
		equal(t, "fresh claims", 1, n)
	})
	t.Run("prune", func(t *testing.T) {
		c.Advance(30 * day)
		claim("ana", "young", "f")
		n, err := s.PruneKeys(ctx)
		must(t, err)
		if n < 3 {
			t.Errorf("pruned %d keys, want at least the 3 old ones", n)
		}
		equal(t, "young key", store.KeyInProgress, claim("ana", "young", "f").State)
	})
}
