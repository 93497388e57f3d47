package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"resync/breaker"
)

// pgMaxConns bounds the pool of one process; a default PostgreSQL allows 100.
const pgMaxConns = 16

// openPostgres opens a pool. Nothing is set for a connection as a whole: it may lead to a
// pooler that gives each transaction another one to the server (PgBouncer, pool_mode =
// transaction), and refuses settings it does not know.
func (s *Store) openPostgres(ctx context.Context, url string) error {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("open database: %w", err) // pgx leaves the password out
	}
	cfg.RuntimeParams["application_name"] = "resync"
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 5 * time.Second
	}
	s.where = "postgres://" + cfg.User + "@" + net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port))) + "/" + cfg.Database
	s.d = dialect{
		name: "postgres", numbered: true, forUpdate: " for update",
		snapshot: &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead},
		classify: classifyPostgres,
	}
	// A statement that is prepared first costs one more way to the server and back,
	// again on every connection, and a pooler in front of the server may not know it.
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	s.w = sql.OpenDB(guardedConnector{stdlib.GetConnector(*cfg, freshness()...), s})
	s.w.SetMaxOpenConns(pgMaxConns)
	s.w.SetMaxIdleConns(pgMaxConns)
	s.w.SetConnMaxIdleTime(5 * time.Minute)
	s.r = s.w
	if err := s.w.PingContext(ctx); err != nil {
		return fmt.Errorf("open database %s: %w", s.where, s.d.translate(ctx, err))
	}
	return nil
}

// classifyPostgres names the cause of a PostgreSQL error; nil when none fits.
// Codes: PostgreSQL documentation, appendix A.
func classifyPostgres(err error) error {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return awayPostgres(err)
	}
	if pgOutcome(e.Code) == breaker.Failure {
		return ErrAway
	}
	switch e.Code {
	case "23505":
		return errUnique
	case "23503":
		return ErrNotFound
	case "40001", "40P01", "55P03": // serialization, deadlock, lock not available
		return ErrBusy
	case "53300": // every connection is taken
		return ErrAway
	case "53100": // disk full
		return ErrStorageFull
	case "25006": // read-only transaction
		return ErrReadOnly
	case "XX001", "XX002":
		return ErrCorrupt
	}
	return nil
}

// awayPostgres is ErrAway for an error of the way to the server, and nil for one
// of our own: pgx gives what it reads, and cannot read, no type of its own.
func awayPostgres(err error) error {
	var network net.Error
	var login *pgconn.ConnectError
	var open *breaker.OpenError
	switch {
	case errors.As(err, &open), errors.Is(err, sql.ErrNoRows), errors.Is(err, sql.ErrTxDone), errors.Is(err, sql.ErrConnDone):
		return nil
	case errors.As(err, &network), errors.As(err, &login), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, driver.ErrBadConn),
		errors.Is(err, net.ErrClosed), breaker.Classify(err) == breaker.Failure:
		return ErrAway
	}
	return nil
}
