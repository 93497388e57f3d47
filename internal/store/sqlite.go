package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteBusy is how long a writer waits for another process's lock before it
// gives up with ErrBusy.
const sqliteBusy = 5 * time.Second

// openSQLite opens the file with one writing connection, so that writers queue
// in Go and never meet SQLITE_BUSY among themselves, and several reading ones.
func (s *Store) openSQLite(ctx context.Context, path string) error {
	abs, err := prepareFile(path)
	if err != nil {
		return fmt.Errorf("open database %s: %w", path, err)
	}
	s.where = abs
	s.d = dialect{name: "sqlite", snapshot: &sql.TxOptions{ReadOnly: true}, classify: classifySQLite}
	if s.w, err = sqlitePool(abs, url.Values{
		"_txlock": {"immediate"},
		"_pragma": {busyTimeout(sqliteBusy), "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"},
	}); err != nil {
		return fmt.Errorf("open database %s: %w", abs, err)
	}
	s.w.SetMaxOpenConns(1)
	if err := s.switchToWAL(ctx); err != nil {
		return fmt.Errorf("open database %s: %w", abs, s.d.translate(ctx, err))
	}
	if s.r, err = sqlitePool(abs, url.Values{
		"_pragma": {busyTimeout(sqliteBusy), "query_only(1)"},
	}); err != nil {
		return fmt.Errorf("open database %s: %w", abs, err)
	}
	n := max(4, runtime.GOMAXPROCS(0))
	s.r.SetMaxOpenConns(n)
	s.r.SetMaxIdleConns(n)
	return nil
}

// busyTimeout is the pragma that has SQLite itself wait for a lock.
func busyTimeout(d time.Duration) string { return fmt.Sprintf("busy_timeout(%d)", d.Milliseconds()) }

// switchToWAL makes the first connection, which switches the file to WAL; readers come
// after it. SQLite does not wait for the lock this takes (no busy handler is asked where
// a reader wants to be the only one, as two of them could wait for each other): of
// processes that start together on a new file one would fail at once.
func (s *Store) switchToWAL(ctx context.Context) error {
	for until := time.Now().Add(sqliteBusy); ; {
		err := s.w.PingContext(ctx)
		if !errors.Is(s.d.causeOf(err), ErrBusy) || !time.Now().Before(until) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// sqlitePool is a pool of connections to a file that keep their statements.
func sqlitePool(path string, opts url.Values) (*sql.DB, error) {
	c, err := sqlite.NewConnector(sqliteDSN(path, opts))
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(keeping{c}), nil
}

// sqliteDSN builds the driver's name for a file; the path is escaped because a
// '?' or '%' in it would otherwise be read as options.
func sqliteDSN(path string, opts url.Values) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + opts.Encode()
}

// prepareFile creates the file with mode 0600 (SQLite gives its -wal and -shm
// files the mode of the main file) and refuses a file that is something else,
// before SQLite could write into it.
func prepareFile(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(abs), 0o700); err != nil {
		return "", fmt.Errorf("make its directory: %w", err)
	}
	f, err := os.OpenFile(abs, os.O_RDWR|os.O_CREATE, 0o600)
	switch {
	case errors.Is(err, syscall.EISDIR):
		return "", fmt.Errorf("%w: it is a directory", ErrNotADatabase)
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
		return "", &engineError{cause: ErrReadOnly, err: err}
	case errors.Is(err, syscall.ENOSPC):
		return "", &engineError{cause: ErrStorageFull, err: err}
	case err != nil:
		return "", err
	}
	defer f.Close()
	return abs, checkHeader(f)
}

// checkHeader accepts an empty file and one that starts like SQLite's.
func checkHeader(f *os.File) error {
	const magic = "SQLite format 3\x00"
	head := make([]byte, len(magic))
	n, err := io.ReadFull(f, head)
	switch {
	case n == 0 && errors.Is(err, io.EOF):
		return nil
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	case string(head[:n]) != magic:
		return fmt.Errorf("%w: it does not start like an SQLite file", ErrNotADatabase)
	}
	return nil
}

// classifySQLite names the cause of an SQLite error; nil when none fits.
// Codes: https://www.sqlite.org/rescode.html; the low byte is the primary code.
func classifySQLite(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return nil
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return errUnique
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return ErrNotFound
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return ErrBusy
	case sqlite3.SQLITE_FULL:
		return ErrStorageFull
	case sqlite3.SQLITE_READONLY:
		return ErrReadOnly
	case sqlite3.SQLITE_NOTADB:
		return ErrNotADatabase
	case sqlite3.SQLITE_CORRUPT:
		return ErrCorrupt
	}
	return nil
}
