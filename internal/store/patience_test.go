package store_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"resync/breaker"
	"resync/internal/store"
)

// Callers whose time runs out on a busy machine say nothing about a database
// that is a file: refusing everybody for half a minute would make a slow moment
// an outage.
func TestImpatienceDoesNotOpenSQLite(t *testing.T) {
	b := breaker.New(breaker.Settings{Name: "database", Failures: 3, Delay: time.Minute})
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "resync.db"), store.WithBreaker(b))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 10 {
		ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		if err := s.SaveBreaker(ctx, "x", []byte("{}")); err == nil {
			t.Error("written after its deadline")
		}
		if err := s.Ping(ctx); err == nil {
			t.Error("pinged after its deadline")
		}
		cancel()
	}
	if err := s.SaveBreaker(t.Context(), "x", []byte("{}")); err != nil || b.State() != breaker.Closed {
		t.Errorf("breaker %s: %v", b.State(), err)
	}
}
