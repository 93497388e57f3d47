// Package store keeps what Resync must not lose: runs and their journal,
// approvals and votes, undo records, idempotency claims, conversations, users,
// sessions and the text of ingested documents.
//
// One set of SQL texts serves SQLite (modernc.org/sqlite, no cgo) and
// PostgreSQL (pgx through database/sql); a small dialect struct holds the few
// differences. What a method returned without error is on disk: SQLite runs in
// WAL mode with synchronous=FULL, PostgreSQL with synchronous_commit=on.
//
// Rules that hold whatever the caller does:
//   - runs and journal rows can be neither changed nor deleted (triggers);
//   - a run is claimed for execution at most once and has at most one outcome;
//   - an approval is spent at most once, and only for the digest it was given for;
//   - the journal is a hash chain that [Store.VerifyJournal] checks.
//
// Times are kept as integer milliseconds in UTC, JSON as text. A time read back
// is therefore truncated to the millisecond; the zero time is kept as zero.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"resync/breaker"
)

// Store is a handle on the database. It is safe for concurrent use.
type Store struct {
	d       dialect
	w       *sql.DB // :: the one writing connection (SQLite) or the pool (PostgreSQL)
	r       *sql.DB // :: reading connections; the same pool as w on PostgreSQL
	now     func() time.Time
	where   string           // :: path or redacted URL, for messages
	breaker *breaker.Breaker // :: before connections and transactions; nil lets all pass
	tmp     string           // :: directory to remove on Close, for ":memory:"
	asItIs  bool             // :: the schema is looked at, never changed

	commits   atomic.Uint64
	shrinking atomic.Bool // :: the log of SQLite is being begun anew
	walMost   int64       // :: from which size it is

	noWrites atomic.Int64   // :: until when (ns since 1970) new connections are known to take no writes either
	patience time.Duration  // :: longest silence of a server over a network
	ending   sync.WaitGroup // :: transactions that are being given up, a log that is being begun anew
}

// Option changes how a store is opened.
type Option func(*Store)

// WithClock makes the store read the time from now instead of [time.Now].
// Expiry of approvals, undo records, keys and sessions follows this clock.
func WithClock(now func() time.Time) Option {
	return func(s *Store) { s.now = now }
}

// Open opens the database named by url, creates it if need be and brings its
// schema up to date. url is one of
//
//	sqlite:PATH     a SQLite file (sqlite:///PATH works too), created with mode 0600
//	PATH            the same
//	:memory:        a private SQLite file that is removed on Close
//	postgres://…    PostgreSQL 13 or newer (postgresql:// works too)
//
// It fails with [ErrNotADatabase], [ErrSchemaTooNew], [ErrReadOnly],
// [ErrStorageFull] or [ErrBusy] where one of these is the cause.
func Open(ctx context.Context, url string, opts ...Option) (*Store, error) {
	s := &Store{now: time.Now, patience: Patience, walMost: walMost}
	for _, o := range opts {
		o(s)
	}
	if err := s.connect(ctx, url); err != nil {
		s.Close()
		return nil, err
	}
	if s.asItIs {
		return s, nil
	}
	if err := s.migrate(ctx); err != nil {
		s.Close()
		return nil, fmt.Errorf("open database %s: %w", s.where, err)
	}
	return s, nil
}

// connect picks the engine by the form of the URL and opens its connections.
func (s *Store) connect(ctx context.Context, url string) error {
	switch scheme, rest, found := strings.Cut(url, ":"); {
	case url == "":
		return errors.New("open database: no URL given (want sqlite:PATH, a path or postgres://…)")
	case url == ":memory:" || url == "sqlite::memory:" || url == "sqlite://:memory:":
		dir, err := os.MkdirTemp("", "resync-memory-")
		if err != nil {
			return fmt.Errorf("open database in memory: %w", err)
		}
		s.tmp = dir
		return s.openSQLite(ctx, dir+"/resync.db")
	case found && (scheme == "postgres" || scheme == "postgresql"):
		return s.openPostgres(ctx, url)
	case found && scheme == "sqlite":
		return s.openSQLite(ctx, strings.TrimPrefix(rest, "//"))
	case strings.Contains(url, "://"):
		return fmt.Errorf("open database: unknown scheme %q (want sqlite: or postgres:)", scheme)
	default:
		return s.openSQLite(ctx, url)
	}
}

// Close closes the database. A store opened as ":memory:" loses its content.
func (s *Store) Close() error {
	var errs []error
	s.ending.Wait()
	if s.r != nil && s.r != s.w {
		errs = append(errs, s.r.Close())
	}
	if s.w != nil {
		errs = append(errs, s.w.Close())
	}
	if s.tmp != "" {
		errs = append(errs, os.RemoveAll(s.tmp))
	}
	return errors.Join(errs...)
}

// Engine is the name of the database engine, "sqlite" or "postgres".
func (s *Store) Engine() string { return s.d.name }

// Where is the path of the database file or its URL without the password.
func (s *Store) Where() string { return s.where }

// Ping checks that the database answers a query.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.guard(ctx, s.ask); err != nil {
		return fmt.Errorf("ping database %s: %w", s.where, s.d.translate(ctx, err))
	}
	return nil
}

// ask has the database answer the least there is to ask.
func (s *Store) ask(ctx context.Context) error {
	ctx, e := s.listen(ctx)
	defer e.end()
	var one int
	err := s.r.QueryRowContext(ctx, "select 1").Scan(&one)
	if s.stale(ctx, err) {
		err = s.r.QueryRowContext(context.WithValue(ctx, fresh{}, true), "select 1").Scan(&one)
	}
	return e.explain(err)
}

// Look is [Store.Ping] past the breaker: it is neither refused nor counted. Who
// wants to know whether a database behind an open breaker is back asks it, one
// at a time.
func (s *Store) Look(ctx context.Context) error {
	if err := s.ask(context.WithValue(ctx, guarded{}, true)); err != nil {
		return fmt.Errorf("look at database %s: %w", s.where, s.d.translate(ctx, err))
	}
	return nil
}
