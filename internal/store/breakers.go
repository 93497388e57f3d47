package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"resync/breaker"
)

// WithBreaker makes a breaker refuse connections and transactions while the
// database is away. It is asked before a connection is made and before a
// transaction begins, when nothing has been written yet: what it refuses did not
// happen. What runs inside a transaction is not its business.
func WithBreaker(b *breaker.Breaker) Option {
	return func(s *Store) { s.breaker = b }
}

// SaveBreaker keeps the history of a circuit breaker in place of the one kept
// before.
func (s *Store) SaveBreaker(ctx context.Context, name string, history json.RawMessage) error {
	err := checkJSON("history", history)
	if err == nil && name == "" {
		err = fmt.Errorf("%w: a breaker has a name", ErrInvalid)
	}
	if err == nil {
		err = s.update(ctx, func(c conn) error {
			return c.later(ctx, ask{query: `insert into breakers (name, history, updated_at) values (?,?,?)
				on conflict (name) do update set history = excluded.history, updated_at = excluded.updated_at`,
				args: []any{name, clean(string(history)), ms(s.now())}})
		})
	}
	if err != nil {
		return fmt.Errorf("save the history of breaker %q: %w", name, err)
	}
	return nil
}

// Breakers reads the histories of all circuit breakers by name.
func (s *Store) Breakers(ctx context.Context) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	err := s.reader().rows(ctx, `select name, history from breakers`, nil, func(scan scanner) error {
		var name, history string
		err := scan(&name, &history)
		out[name] = raw(history)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the histories of breakers: %w", err)
	}
	return out, nil
}

// guarded marks the context of what has its permit already: a connection made
// for it needs no second one, which half_open would refuse.
type guarded struct{}

// guard asks the breaker before use, which must not have changed anything when
// it fails.
func (s *Store) guard(ctx context.Context, use func(context.Context) error) error {
	permit, err := s.breaker.Acquire()
	if err != nil {
		return fmt.Errorf("database %s: %w", s.where, err)
	}
	out, cause := breaker.Ignored, error(nil)
	defer func() { permit.DoneContext(ctx, out, cause) }()
	err = use(context.WithValue(ctx, guarded{}, true))
	out, cause = s.outcome(ctx, err), err
	return err
}

// outcome is what an error says about the database itself. A lock another holds,
// a full disk and a constraint are answers; a deadline that ran out while all
// connections were taken was spent in our own queue. With SQLite there is no
// other side: patience that ran out was lost to our own processor, and refusing
// every session for half a minute would make a slow moment an outage.
func (s *Store) outcome(ctx context.Context, err error) breaker.Outcome {
	var pg *pgconn.PgError
	cause := s.d.causeOf(err)
	switch {
	case err == nil:
		return breaker.Success
	case errors.Is(ctx.Err(), context.Canceled), errors.Is(err, sql.ErrConnDone):
		return breaker.Ignored
	case errors.Is(err, context.DeadlineExceeded) && (s.busy() || s.d.name == "sqlite"):
		return breaker.Ignored
	case errors.As(err, &pg):
		return pgOutcome(pg.Code)
	case errors.Is(cause, ErrAway):
		return breaker.Failure
	case cause != nil:
		return breaker.Success
	}
	return breaker.Classify(err)
}

// pgOutcome sorts the answers of a PostgreSQL server. Class 57 without 57014 is
// a server that shuts down or starts, 53300 one that has no connection left.
func pgOutcome(code string) breaker.Outcome {
	switch {
	case code == "57014" || code == "53300":
		return breaker.Ignored
	case len(code) == 5 && (code[:2] == "57" || code[:2] == "58" || code[:2] == "08"):
		return breaker.Failure
	}
	return breaker.Success
}

// busy reports whether all connections are in use.
func (s *Store) busy() bool {
	full := func(db *sql.DB) bool {
		st := db.Stats()
		return st.MaxOpenConnections > 0 && st.InUse >= st.MaxOpenConnections
	}
	return full(s.w) || full(s.r)
}

// begin starts a transaction under the breaker.
func (s *Store) begin(ctx context.Context, db *sql.DB, opts *sql.TxOptions) (t tx, err error) {
	err = s.guard(ctx, func(ctx context.Context) error {
		ctx, t.ear = s.listen(ctx)
		t.Tx, err = db.BeginTx(ctx, opts)
		t.ear.rest()
		return t.ear.explain(err)
	})
	if err != nil {
		t.ear.end()
	}
	return t, err
}

// guardedConnector makes connections under the breaker, handshake and login
// included: a server that accepts and says nothing counts as away.
type guardedConnector struct {
	driver.Connector
	store *Store
}

// Connect makes a connection.
func (g guardedConnector) Connect(ctx context.Context) (c driver.Conn, err error) {
	if ctx.Value(guarded{}) != nil {
		return g.Connector.Connect(ctx)
	}
	permit, err := g.store.breaker.Acquire()
	if err != nil {
		return nil, err
	}
	out, cause := breaker.Failure, error(nil)
	defer func() { permit.DoneContext(ctx, out, cause) }()
	c, err = g.Connector.Connect(ctx)
	out, cause = breaker.Success, err
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg):
		out = pgOutcome(pg.Code)
	case errors.Is(ctx.Err(), context.Canceled):
		out = breaker.Ignored
	case err != nil:
		out = breaker.Failure
	}
	return c, err
}
