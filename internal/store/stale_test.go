package store_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver for a connection beside the store's

	"resync/breaker"
	"resync/internal/faultnet"
	"resync/internal/store"
	"resync/internal/store/storetest"
)

// TestPostgresDropsConnections: a server, or a pooler before it, that ends every
// connection at once costs nobody an error, and nothing is done twice.
func TestPostgresDropsConnections(t *testing.T) {
	pg := storetest.Postgres(t)
	t.Run("at rest", func(t *testing.T) { droppedAtRest(t, pg) })
	t.Run("under way", func(t *testing.T) { droppedUnderWay(t, pg) })
	t.Run("a commit is sent once", func(t *testing.T) { commitOnce(t, pg) })
	t.Run("a server that is only a replica now", func(t *testing.T) { demoted(t, pg) })
	t.Run("a database that takes no writes", func(t *testing.T) { noWrites(t, pg) })
}

// dropAll ends all connections to a database but its own.
func dropAll(t *testing.T, db *sql.DB) int {
	t.Helper()
	var n int
	err := db.QueryRow(`select count(*) filter (where pg_terminate_backend(pid)) from pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid()`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func rawConn(t *testing.T, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// uses are calls of every kind: views of one and of several statements, reads and
// writes outside of a transaction, transactions that read and write.
func uses(t *testing.T, s *store.Store) map[string]func() error {
	ctx := t.Context()
	run := put(t, s, store.NewID("run"))
	return map[string]func() error{
		"ping":      func() error { return s.Ping(ctx) },
		"read":      func() error { _, err := s.Breakers(ctx); return err },
		"view":      func() error { _, err := s.Run(ctx, run); return err },
		"long view": func() error { _, err := s.Runs(ctx, store.RunFilter{}); return err },
		"journal": func() error {
			_, err := s.Append(ctx, store.Entry{RunID: run, Event: "note", Actor: "ana"})
			return err
		},
		"proposal":       func() error { put(t, s, store.NewID("run")); return nil },
		"one statement":  func() error { return s.SaveBreaker(ctx, "x", []byte("{}")) },
		"outside of one": func() error { _, err := s.PruneKeys(ctx); return err },
		"key": func() error {
			k, err := s.ClaimKey(ctx, store.KeyRequest{Scope: "u", Key: store.NewID("k"), Owner: "me", TTL: time.Hour, Lease: time.Minute})
			return errors.Join(err, s.EndKey(ctx, k, nil))
		},
	}
}

func droppedAtRest(t *testing.T, pg *storetest.Server) {
	url := pg.NewDatabase(t)
	b := breaker.New(breaker.Settings{Name: "database", Failures: 1, Delay: time.Hour})
	s, err := store.Open(t.Context(), url, store.WithBreaker(b))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	raw, all := rawConn(t, url), uses(t, s)
	for name, use := range all {
		t.Run(name, func(t *testing.T) {
			var busy sync.WaitGroup
			for range 12 { // connections to be dropped
				busy.Go(func() { _ = s.Each(t.Context(), "select cast(pg_sleep(0.02) as text)", func(string) {}) })
			}
			busy.Wait()
			if n := dropAll(t, raw); n < 2 {
				t.Fatalf("%d connections dropped: this proves nothing", n)
			}
			for range 3 {
				if err := use(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if b.State() != breaker.Closed {
		t.Errorf("the breaker is %s: %s", b.State(), b.Status().LastError)
	}
	if v, err := s.VerifyJournal(t.Context()); err != nil || v.Entries == 0 {
		t.Errorf("%+v, %v", v, err)
	}
}

// droppedUnderWay ends connections while many work: what reads and what had not
// come to its commit goes on, and each journal entry that was promised is there once.
func droppedUnderWay(t *testing.T, pg *storetest.Server) {
	url := pg.NewDatabase(t)
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	raw, run := rawConn(t, url), put(t, s, store.NewID("run"))
	ctx, stop := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer stop()
	var mu sync.Mutex
	promised, failed, reads := []string{}, 0, 0
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() {
			for ctx.Err() == nil {
				e, err := s.Append(context.WithoutCancel(ctx), store.Entry{RunID: run, Event: store.NewID("note"), Actor: "ana"})
				_, rerr := s.Run(context.WithoutCancel(ctx), run)
				mu.Lock()
				reads++
				if err == nil {
					promised = append(promised, e.Event)
				} else if failed++; !errors.Is(err, store.ErrAway) {
					t.Error(err)
				}
				mu.Unlock()
				if rerr != nil && !errors.Is(rerr, store.ErrAway) { // its second try may be ended as well
					t.Error(rerr)
				}
			}
		})
	}
	drops := 0
	for ctx.Err() == nil {
		time.Sleep(50 * time.Millisecond)
		drops += dropAll(t, raw)
	}
	work.Wait()
	st, err := s.Run(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for _, e := range st.Entries[1:] {
		kept = append(kept, e.Event)
	}
	for _, id := range promised {
		if !slices.Contains(kept, id) {
			t.Errorf("%s was promised and is lost", id)
		}
	}
	slices.Sort(kept)
	if n := len(kept); len(slices.Compact(kept)) != n {
		t.Error("an entry is there twice")
	}
	if v, err := s.VerifyJournal(t.Context()); err != nil {
		t.Errorf("%+v, %v", v, err)
	}
	t.Logf("%d connections dropped, %d entries promised, %d kept, %d refused", drops, len(promised), len(kept), failed)
	if drops == 0 || len(promised) == 0 {
		t.Error("this proves nothing")
	}
}

// commitOnce: a transaction whose commit may have arrived is not begun anew.
func commitOnce(t *testing.T, pg *storetest.Server) {
	url := pg.NewDatabase(t)
	proxy := faultnet.New(t, hostOf(url))
	s, err := store.Open(t.Context(), strings.Replace(url, hostOf(url), proxy.Addr(), 1))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	run := put(t, s, store.NewID("run"))
	for _, tt := range []struct {
		name string
		do   func() error
	}{
		{"after a read", func() error {
			return s.Transaction(t.Context(), func(exec func(string) error) error {
				if err := exec("select 1"); err != nil {
					return errors.New("the first: " + err.Error())
				}
				if err := exec("update journal_head set seq = seq where id = 1"); err != nil {
					return errors.New("the second: " + err.Error())
				}
				proxy.Set(faultnet.CutReset(0))
				return nil
			})
		}},
		{"with the only statement", func() error {
			proxy.Set(faultnet.CutReset(0))
			return s.PutUndo(t.Context(), store.Undo{RunID: run, Class: store.UndoNone})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proxy.Set(faultnet.Pass())
			if err := s.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			began := proxy.Requests()
			err := tt.do()
			if !errors.Is(err, store.ErrAway) {
				t.Errorf("%v, want to hear that it is not known", err)
			}
			t.Logf("%d requests", proxy.Requests()-began)
		})
	}
	proxy.Set(faultnet.Pass())
	// The server had the insert and its commit; only the answer was lost.
	if u, err := s.Undo(t.Context(), run); err != nil || u.RunID != run {
		t.Errorf("%+v, %v", u, err)
	}
	if err := s.PutUndo(t.Context(), store.Undo{RunID: run, Class: store.UndoNone}); !errors.Is(err, store.ErrExists) {
		t.Errorf("a second time: %v", err)
	}
}

// demoted: after a failover that leaves connections open, the old server takes no writes
// over them, and the name leads to a new one that does.
func demoted(t *testing.T, pg *storetest.Server) {
	s, err := store.Open(t.Context(), pg.NewDatabase(t))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all := uses(t, s)
	failover := func() {
		var busy sync.WaitGroup
		for range 12 { // a setting of the connections that are open, not of new ones
			busy.Go(func() {
				_ = s.Each(t.Context(), "select set_config('default_transaction_read_only', 'on', false) || pg_sleep(0.02)", func(string) {})
			})
		}
		busy.Wait()
	}
	for name, use := range all {
		t.Run(name, func(t *testing.T) {
			failover()
			for range 3 {
				if err := use(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	t.Run("read, then written", func(t *testing.T) {
		failover()
		work := func(exec func(string) error) error {
			if err := exec("select 1"); err != nil {
				return err
			}
			return exec("update journal_head set seq = seq where id = 1")
		}
		// What was read may have been decided on, so that this one is not begun anew.
		if err := s.Transaction(t.Context(), work); err != nil && !errors.Is(err, store.ErrReadOnly) {
			t.Error(err)
		}
		if err := s.Transaction(t.Context(), work); err != nil {
			t.Errorf("the next one: %v", err)
		}
	})
}

// noWrites: where new connections take no writes either, that is said, connections are
// kept, and one that does is found again soon.
func noWrites(t *testing.T, pg *storetest.Server) {
	url := pg.NewDatabase(t)
	proxy := faultnet.New(t, hostOf(url))
	s, err := store.Open(t.Context(), strings.Replace(url, hostOf(url), proxy.Addr(), 1))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	raw := rawConn(t, url)
	readOnly := func(value string) {
		t.Helper()
		if _, err := raw.Exec(`do $$ begin execute format('alter database %I set default_transaction_read_only = ` + value + `', current_database()); end $$`); err != nil {
			t.Fatal(err)
		}
	}
	run := put(t, s, store.NewID("run"))
	write := func() error {
		_, err := s.Append(t.Context(), store.Entry{RunID: run, Event: "note", Actor: "ana"})
		return err
	}
	readOnly("on")
	dropAll(t, raw)
	before, begun := proxy.Connections(), time.Now()
	for range 50 {
		if err := write(); !errors.Is(err, store.ErrReadOnly) {
			t.Fatalf("%v, want to hear that it is read-only", err)
		}
		if _, err := s.Run(t.Context(), run); err != nil {
			t.Fatalf("reading: %v", err)
		}
	}
	// Two connections at first, two more for each second it took.
	if n, most := proxy.Connections()-before, 2+2*int64(time.Since(begun)/time.Second+1); n > most {
		t.Errorf("%d connections were made in %s, at most %d are of use", n, time.Since(begun), most)
	}
	readOnly("off")
	back := time.Now()
	for write() != nil {
		if time.Since(back) > 20*time.Second {
			t.Fatal("never written again")
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Logf("written again after %s", time.Since(back))
}
