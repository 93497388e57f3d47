package store_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"resync/internal/store"
	"resync/internal/store/storetest"
)

// openFile opens a store on a new SQLite file, and the file itself.
func openFile(t *testing.T, opts ...store.Option) (*store.Store, *sql.DB) {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "resync.db"), opts...)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", s.Where()+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		raw.Close()
		s.Close()
	})
	return s, raw
}

func TestSQLite(t *testing.T) {
	storetest.Run(t, openFile)
}
