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
}
