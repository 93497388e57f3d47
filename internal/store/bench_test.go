package store_test

import (
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"resync/internal/store"
	"resync/internal/store/storetest"
)

// engines are the databases the benchmarks run on; PostgreSQL's server has
// fsync off there, so its figures are an upper bound.
func engines(b *testing.B, fn func(b *testing.B, s *store.Store)) {
	b.Run("sqlite", func(b *testing.B) { fn(b, openAt(b, filepath.Join(b.TempDir(), "b.db"))) })
	b.Run("postgres", func(b *testing.B) { fn(b, openAt(b, storetest.Postgres(b).NewDatabase(b))) })
}

// BenchmarkAppend is one durable journal entry after another: 1/(s/op) is
// appends per second.
func BenchmarkAppend(b *testing.B) {
	engines(b, func(b *testing.B, s *store.Store) {
		id := put(b, s, store.NewID("run"))
		for b.Loop() {
			if _, err := s.Append(b.Context(), store.Entry{RunID: id, Event: "note", Actor: "bench", Detail: []byte(`{"k":"v"}`)}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkAppendParallel is the same from many goroutines.
func BenchmarkAppendParallel(b *testing.B) {
	engines(b, func(b *testing.B, s *store.Store) {
		id := put(b, s, store.NewID("run"))
		b.ResetTimer() // starting a server took its time
		b.SetParallelism(8)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := s.Append(b.Context(), store.Entry{RunID: id, Event: "note", Actor: "bench"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

// BenchmarkRunLife is a whole approved action: proposal, approval, vote, claim,
// outcome, undo record.
func BenchmarkRunLife(b *testing.B) {
	engines(b, func(b *testing.B, s *store.Store) {
		ctx := b.Context()
		for b.Loop() {
			id := put(b, s, store.NewID("run"))
			r, err := s.Run(ctx, id)
			if err == nil {
				err = s.RequestApproval(ctx, store.Approval{RunID: id, Digest: "d", Requester: "ana", RequestedAt: r.CreatedAt,
					ExpiresAt: r.CreatedAt.AddDate(1, 0, 0), Needed: 1}, store.Entry{})
			}
			if err == nil {
				_, err = s.Vote(ctx, store.Vote{RunID: id, Approver: "bo", Decision: store.Approve})
			}
			if err == nil {
				_, err = s.ClaimApproved(ctx, store.Entry{RunID: id}, "d")
			}
			if err == nil {
				_, err = s.Append(ctx, store.Entry{RunID: id, Event: store.EventDone})
			}
			if err == nil {
				err = s.PutUndo(ctx, store.Undo{RunID: id, Class: store.UndoExact, InverseTool: "release_job"})
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkSession is what each request of a person reads: the session and its user.
func BenchmarkSession(b *testing.B) {
	engines(b, func(b *testing.B, s *store.Store) {
		now := time.Now()
		if err := s.CreateUser(b.Context(), store.User{Name: "ana", Roles: []string{"operator"}, CreatedAt: now, UpdatedAt: now}); err != nil {
			b.Fatal(err)
		}
		if err := s.PutSession(b.Context(), store.Session{TokenHash: "h", User: "ana", CreatedAt: now, LastSeen: now, ExpiresAt: now.Add(time.Hour)}); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, _, err := s.Session(b.Context(), "h"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkVerify checks a journal of 5,000 entries.
func BenchmarkVerify(b *testing.B) {
	s := openAt(b, filepath.Join(b.TempDir(), "b.db"))
	id := put(b, s, store.NewID("run"))
	const n = 5000
	for range n - 1 {
		if _, err := s.Append(b.Context(), store.Entry{RunID: id, Event: "note", Actor: "bench"}); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if v, err := s.VerifyJournal(b.Context()); err != nil || v.Entries != n {
			b.Fatal(v, err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

// BenchmarkOpen opens an existing database, as every command does at its start.
func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "b.db")
	openAt(b, path).Close()
	for b.Loop() {
		s, err := store.Open(b.Context(), path)
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}

// BenchmarkKey is what an Idempotency-Key adds to a request: a claim before the
// work and the answer after it, two statements. p50 is the goal's figure (at
// most 5 ms where commits reach the disk); the replay of an answer is beside it.
func BenchmarkKey(b *testing.B) {
	engines(b, func(b *testing.B, s *store.Store) {
		req := store.KeyRequest{Scope: "user:ana", Fingerprint: "f", Owner: "o", TTL: time.Hour, Lease: time.Minute, Retake: true}
		answer := store.KeyAnswer{Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: make([]byte, 2000)}
		p50 := func(b *testing.B, work func(n int) error) {
			var took []time.Duration
			for n := 0; b.Loop(); n++ {
				start := time.Now()
				if err := work(n); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
		}
		b.Run("fresh", func(b *testing.B) {
			p50(b, func(int) error {
				r := req
				r.Key = store.NewID("k")
				k, err := s.ClaimKey(b.Context(), r)
				if err != nil {
					return err
				}
				return s.CompleteKey(b.Context(), k, answer)
			})
		})
		b.Run("replay", func(b *testing.B) {
			r := req
			r.Key = "replay"
			k, err := s.ClaimKey(b.Context(), r)
			if err == nil {
				err = s.CompleteKey(b.Context(), k, answer)
			}
			if err != nil {
				b.Fatal(err)
			}
			p50(b, func(int) error {
				_, err := s.ClaimKey(b.Context(), r)
				return err
			})
		})
	})
}
