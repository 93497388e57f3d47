package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"resync/breaker"
)

// What another process or a full queue of our own causes is not the database's
// failure.
func TestContentionDoesNotOpenTheBreaker(t *testing.T) {
	b := breaker.New(breaker.Settings{Name: "database", Failures: 1})
	s, err := Open(t.Context(), ":memory:", WithBreaker(b))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	release, entered := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- s.update(t.Context(), func(conn) error { close(entered); <-release; return nil })
	}()
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.SaveBreaker(ctx, "x", []byte("{}")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want a deadline spent in the queue", err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if err := s.Ping(gone); err == nil {
		t.Error("a cancelled caller got an answer")
	}
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if b.State() != breaker.Closed {
		t.Errorf("%s: %s", b.State(), b.Status().LastError)
	}
}
