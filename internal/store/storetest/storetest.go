// Package storetest is the conformance suite of package store: [Run] checks, on
// whatever engine open returns, everything the store promises. [Postgres]
// starts a PostgreSQL server of its own for it.
package storetest

import (
	"context"
	"database/sql"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resync/internal/store"
)

// OpenFunc opens an empty store and, beside it, the bare database for the tests
// that tamper with it. It registers the closing of both with t.Cleanup.
type OpenFunc func(t *testing.T, opts ...store.Option) (*store.Store, *sql.DB)

// Run runs the whole suite.
func Run(t *testing.T, open OpenFunc) {
	for _, group := range []struct {
		name string
		run  func(*testing.T, OpenFunc)
	}{
		{"Runs", testRuns},
		{"Journal", testJournal},
		{"Chain", testChain},
		{"Keys", testKeys},
		{"Approvals", testApprovals},
		{"ApprovalMachine", testApprovalMachine},
		{"Undo", testUndo},
		{"Conversations", testConversations},
		{"Users", testUsers},
		{"Documents", testDocuments},
		{"Chunks", testChunks},
		{"Corrections", testCorrections},
		{"Jobs", testJobs},
		{"Recut", testRecut},
		{"Breakers", testBreakers},
		{"LLM", testLLM},
		{"Settings", testSettings},
		{"Audit", testAudit},
		{"Text", testText},
	} {
		t.Run(group.name, func(t *testing.T) { group.run(t, open) })
	}
}

// clock is a settable time source.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)} }

// Now is the clock's time.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves it.
func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// sampleRun has every field set, so that a field lost on the way is noticed.
func sampleRun(id string) store.Run {
	return store.Run{
		ID: id, Engine: "prod", Tool: "hold_job", Args: json.RawMessage(`{"job":"PAYROLL_NET"}`), ArgsHash: "a1",
		Target: "NET#PAYROLL.PAYROLL_NET", TargetID: "6f1c", User: "ana", ConversationID: "conv_1", ParentID: "run_0",
		Risk: json.RawMessage(`{"level":"critical"}`), Preview: json.RawMessage(`{"after":"HOLD"}`),
		PreImage: json.RawMessage(`{"status":"READY"}`), Digest: "d1", Reason: "abend at 03:00", Ticket: "INC1",
		Permission: "write", CreatedAt: time.Date(2026, 11, 22, 3, 0, 0, 5e6, time.UTC),
	}
}

// newRun stores a run with a fresh ID.
func newRun(t testing.TB, s *store.Store) string {
	t.Helper()
	id := store.NewID("run")
	if _, err := s.CreateRun(t.Context(), sampleRun(id), store.Entry{Actor: "ana"}); err != nil {
		t.Fatal(err)
	}
	return id
}

// contenders calls fn from n goroutines at once and returns their errors.
func contenders(ctx context.Context, n int, fn func(context.Context, int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = fn(ctx, i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// equal reports a difference between what was wanted and what came.
func equal(t *testing.T, what string, want, got any, opts ...cmp.Option) {
	t.Helper()
	if diff := cmp.Diff(want, got, opts...); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// must fails the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
