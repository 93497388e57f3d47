package store_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"resync/internal/store"
	"resync/internal/store/storetest"
)

// TestMain also is the child of the crash test, see crash_test.go.
func TestMain(m *testing.M) {
	if path := os.Getenv(crashChildEnv); path != "" {
		if err := crashChild(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// openFile opens a store on a new SQLite file, and the file itself.
func openFile(t *testing.T, opts ...store.Option) (*store.Store, *sql.DB) {
	t.Helper()
	s := openAt(t, filepath.Join(t.TempDir(), "resync.db"), opts...)
	return s, openRaw(t, s.Where())
}

func openAt(t testing.TB, url string, opts ...store.Option) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// openRaw opens an SQLite file past the store.
func openRaw(t testing.TB, path string) *sql.DB {
	t.Helper()
	raw, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	return raw
}

func TestSQLite(t *testing.T) {
	storetest.Run(t, openFile)
	t.Run("ConcurrentOpen", func(t *testing.T) { openTogether(t, filepath.Join(t.TempDir(), "resync.db")) })
}

func TestPostgres(t *testing.T) {
	server := storetest.Postgres(t)
	storetest.Run(t, server.Open)
	t.Run("ConcurrentOpen", func(t *testing.T) { openTogether(t, server.NewDatabase(t)) })
	t.Run("Disk", func(t *testing.T) { reachesDisk(t, server.Open) })
}

// TestPgBouncer is the same behind a pooler that gives each transaction another
// connection to the server.
func TestPgBouncer(t *testing.T) {
	pooler := storetest.PgBouncer(t, storetest.Postgres(t))
	storetest.Run(t, pooler.Open)
	t.Run("ConcurrentOpen", func(t *testing.T) { openTogether(t, pooler.NewDatabase(t)) })
	t.Run("Disk", func(t *testing.T) { reachesDisk(t, pooler.Open) })
}

// reachesDisk: whatever the server does by itself, our writes wait for its disk.
func reachesDisk(t *testing.T, open storetest.OpenFunc) {
	s, raw := open(t)
	if _, err := raw.Exec(`do $do$ declare name text; begin
		execute format('alter database %I set synchronous_commit = off', current_database());
		create function waits() returns trigger language plpgsql as $f$ begin
			if current_setting('synchronous_commit') <> 'on' then raise exception 'a write of % that does not wait', tg_table_name; end if;
			return null; end $f$;
		for name in select tablename from pg_tables where schemaname = 'public' and tablename not like 'goose%' loop
			execute format('create trigger waits_%s after insert or update or delete on %I for each statement execute function waits()', name, name);
		end loop; end $do$`); err != nil {
		t.Fatal(err)
	}
	if _, err := raw.Exec(`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`); err != nil {
		t.Fatal(err)
	}
	for name, use := range uses(t, s) {
		if err := use(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	f, err := s.Inspect(t.Context())
	if err != nil || f.Synchronous != "full" {
		t.Errorf("%+v, %v", f, err)
	}
	plain, err := sql.Open("pgx", s.Where())
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	var found string
	if err := plain.QueryRow("show synchronous_commit").Scan(&found); err != nil || found != "off" {
		t.Errorf("the database's own setting is %q, %v: this proves nothing", found, err)
	}
}
