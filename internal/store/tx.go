package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// conn runs our SQL texts on a pool or inside a transaction.
type conn struct {
	d dialect
	q interface {
		ExecContext(context.Context, string, ...any) (sql.Result, error)
		QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	}
	s   *Store // :: outside of a transaction: whose patience and breaker hold
	ear *ear   // :: of the transaction
	p   *pipe  // :: the transaction with PostgreSQL; q, s and ear are not used then

	again bool // it only reads outside of a transaction, which may be asked twice
	alone bool // each statement is a transaction of its own
}

// reader is a conn outside any transaction.
func (s *Store) reader() conn { return conn{d: s.d, q: s.r, s: s, again: true} }

// writer is the same for a statement that is a transaction of its own.
func (s *Store) writer() conn { return conn{d: s.d, q: s.w, s: s, alone: s.d.name == "postgres"} }

// update runs fn in one transaction and commits it when fn returns nil. fn must
// use only the conn it is given: on SQLite there is a single writing
// connection and a second use of the store inside fn would wait for ever.
func (s *Store) update(ctx context.Context, fn func(conn) error) error {
	if s.d.name == "postgres" {
		return s.pipeline(ctx, beginUpdate, fn)
	}
	tx, err := s.begin(ctx, s.w, nil)
	if err != nil {
		return s.d.translate(ctx, err)
	}
	defer tx.end()
	if err := fn(conn{d: s.d, q: tx, ear: tx.ear}); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return s.d.translate(ctx, err)
	}
	s.committed()
	return nil
}

// view runs fn in a read transaction that sees one state of the database.
func (s *Store) view(ctx context.Context, fn func(conn) error) error {
	if s.d.name == "postgres" {
		return s.pipeline(ctx, beginView, fn)
	}
	tx, err := s.begin(ctx, s.r, s.d.snapshot)
	if err != nil {
		return s.d.translate(ctx, err)
	}
	defer tx.end()
	return fn(conn{d: s.d, q: tx, ear: tx.ear})
}

// atOnce is a view whose statements are all known: over a network they cost one
// way there and back.
func (s *Store) atOnce(ctx context.Context, asks ...ask) error {
	if s.d.name == "postgres" {
		return s.once(ctx, beginView, asks...)
	}
	return s.view(ctx, func(c conn) error { return c.all(ctx, asks...) })
}

// exec runs a statement and reports how many rows it changed.
func (c conn) exec(ctx context.Context, query string, args ...any) (int64, error) {
	if err := checkText(args); err != nil {
		return 0, err
	}
	if c.p != nil {
		var changed int64
		err := c.p.send(ctx, []ask{{query: query, args: args, changed: &changed}}, false)
		return changed, err
	}
	if c.alone {
		var changed int64
		err := c.s.once(ctx, beginUpdate, ask{query: query, args: args, changed: &changed})
		return changed, err
	}
	var e *ear
	var res sql.Result
	err := c.guard(ctx, func(ctx context.Context) (err error) {
		ctx, e = c.listen(ctx)
		res, err = c.q.ExecContext(ctx, c.d.rebind(query), args...)
		return e.explain(err)
	})
	c.heard(e)
	if err != nil {
		return 0, c.d.translate(ctx, err)
	}
	if c.s != nil && !c.again {
		c.s.committed()
	}
	return res.RowsAffected()
}

// listen is the context and the ear of one statement. Inside a transaction they
// are the transaction's.
func (c conn) listen(ctx context.Context) (context.Context, *ear) {
	if c.ear == nil {
		return c.s.listen(ctx)
	}
	c.ear.wait()
	return c.ear.ctx, c.ear
}

// heard is the end of one statement.
func (c conn) heard(e *ear) {
	if c.ear != nil {
		e.rest()
		return
	}
	e.end()
}

// guard asks the breaker before a statement that goes over a network outside of a
// transaction, which has its permit already.
func (c conn) guard(ctx context.Context, use func(context.Context) error) error {
	if c.s == nil || c.s.d.name != "postgres" {
		return use(ctx)
	}
	return c.s.guard(ctx, use)
}

// row reads the only row of a query into dest; ErrNotFound when there is none.
func (c conn) row(ctx context.Context, query string, args []any, dest ...any) error {
	found := false
	err := c.rows(ctx, query, args, func(scan scanner) error {
		found = true
		return scan(dest...)
	})
	if err == nil && !found {
		return ErrNotFound
	}
	return err
}

// scanner reads the columns of the current row.
type scanner func(dest ...any) error

// rows calls fn for each row of a query.
func (c conn) rows(ctx context.Context, query string, args []any, fn func(scanner) error) error {
	if err := checkText(args); err != nil {
		return err
	}
	if c.p != nil {
		return c.p.send(ctx, []ask{{query: query, args: args, row: fn}}, false)
	}
	if c.alone {
		return c.s.once(ctx, beginUpdate, ask{query: query, args: args, row: fn})
	}
	var e *ear
	var rows *sql.Rows
	err := c.guard(ctx, func(ctx context.Context) (err error) {
		ctx, e = c.listen(ctx)
		rows, err = c.q.QueryContext(ctx, c.d.rebind(query), args...)
		if c.again && c.s.stale(ctx, err) {
			rows, err = c.q.QueryContext(context.WithValue(ctx, fresh{}, true), c.d.rebind(query), args...)
		}
		return e.explain(err)
	})
	defer c.heard(e)
	if err != nil {
		return c.d.translate(ctx, err)
	}
	defer rows.Close()
	for rows.Next() {
		e.rest() // what fn does is no silence of the server
		if err := fn(rows.Scan); err != nil {
			return err
		}
		e.wait()
	}
	return c.d.translate(ctx, e.explain(rows.Err()))
}

// plainArgs are arguments of the few types a driver knows.
func plainArgs(args []any) []any {
	out := make([]any, len(args))
	for i, a := range args {
		if v, err := driver.DefaultParameterConverter.ConvertValue(a); err == nil {
			a = v
		}
		out[i] = a
	}
	return out
}

// checkText refuses strings PostgreSQL cannot hold, on both engines alike, so
// that a record accepted by one is accepted by the other.
func checkText(args []any) error {
	for _, a := range args {
		s, ok := a.(string)
		if ok && (strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s)) {
			return fmt.Errorf("%w: text %.40q holds a NUL byte or is not UTF-8", ErrInvalid, s)
		}
	}
	return nil
}

// marksFor is "?,?,?" for n values of an in (…).
func marksFor(n int) string {
	return strings.TrimSuffix(strings.Repeat("?,", n), ",")
}

// clean makes free text storable: bytes that are not UTF-8 become U+FFFD and
// NUL bytes go. It is for text we quote (logs, documents, chat), never for keys.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// whenUnique replaces a unique violation by the record's own error.
func whenUnique(err, replacement error) error {
	if errors.Is(err, errUnique) {
		return replacement
	}
	return err
}

// whenTaken is whenUnique for a record that is there already.
func whenTaken(err error) error { return whenUnique(err, ErrExists) }

// flag is a boolean as both engines keep it.
func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
