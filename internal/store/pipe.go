package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// ask is one statement of several that go to the server together.
type ask struct {
	query string
	args  []any
	row   func(scanner) error // is called for each row; nil when there are none
	// failed gives an error of the statement the record's own name; nil leaves it.
	failed func(error) error
	// counted looks at how many rows were changed, and may refuse. As the server
	// does not wait for it, it is asked before a commit is sent.
	counted func(int64) error
	changed *int64 // gets that number; nil when nobody wants it
}

// all runs several statements in their order; over a network they travel together
// and cost one way there and back. What a later one reads is what it would read
// had it been sent after the answer of the one before.
func (c conn) all(ctx context.Context, asks ...ask) error {
	if c.p != nil {
		return c.p.send(ctx, asks, false)
	}
	for _, a := range asks {
		if err := c.one(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// later runs statements whose answer nobody waits for: in a transaction with
// PostgreSQL they go with the next one that somebody does, at the latest with the
// commit. Errors of theirs are errors of that one.
func (c conn) later(ctx context.Context, asks ...ask) error {
	if c.p == nil {
		return c.all(ctx, asks...)
	}
	for _, a := range asks {
		if err := checkText(a.args); err != nil {
			return err
		}
	}
	c.p.queue = append(c.p.queue, asks...)
	return nil
}

// one runs a statement and waits for it.
func (c conn) one(ctx context.Context, a ask) error {
	if a.row != nil {
		return a.fail(c.rows(ctx, a.query, a.args, a.row))
	}
	n, err := c.exec(ctx, a.query, a.args...)
	if err != nil {
		return a.fail(err)
	}
	if a.changed != nil {
		*a.changed = n
	}
	return a.count(n)
}

func (a ask) fail(err error) error {
	if err != nil && a.failed != nil {
		return a.failed(err)
	}
	return err
}

func (a ask) count(n int64) error {
	if a.counted != nil {
		return a.counted(n)
	}
	return nil
}

// pipe is a transaction with PostgreSQL that waits as rarely as it can. It begins
// with its first statement, and commits with its last: one that reads, decides and
// writes costs two ways to the server and back, not one for each statement.
//
// When the connection turns out to be gone before the server can have answered, the
// first statements are asked once more over a new one: nothing was committed, and
// nobody has seen anything of it. A commit is sent once, unless the server itself
// says that it has not come to it.
type pipe struct {
	s     *Store
	ctx   context.Context // of everything on the wire; the ear's
	ear   *ear
	begin string // how it begins
	reads bool   // it changes nothing
	queue []ask

	on   *sql.Conn // nil until the first statement
	seen bool      // a row was handed out
	told bool      // the server has said that it did not come to the last statement
	over bool      // the server has committed
	past bool      // the server takes no writes any more: another connection may lead to one that does
}

const (
	beginUpdate = "begin"
	beginView   = "begin isolation level repeatable read read only"
)

// pipeline runs fn in a transaction.
func (s *Store) pipeline(ctx context.Context, begin string, fn func(conn) error) error {
	p := &pipe{s: s, begin: begin, reads: begin == beginView}
	p.ctx, p.ear = s.listen(ctx)
	p.ear.rest()
	defer p.end()
	err := fn(conn{d: s.d, p: p})
	if err != nil || p.reads || (p.on == nil && len(p.queue) == 0) {
		return err
	}
	return p.commit(ctx)
}

// once sends a whole transaction at one time.
func (s *Store) once(ctx context.Context, begin string, asks ...ask) error {
	p := &pipe{s: s, begin: begin, reads: begin == beginView, queue: asks}
	p.ctx, p.ear = s.listen(ctx)
	p.ear.rest()
	defer p.end()
	return p.commit(ctx)
}

// opening is how a transaction begins. Commits wait for the disk whatever the server's
// default is, since the journal promises it.
func (p *pipe) opening() []ask {
	if p.reads {
		return []ask{{query: p.begin}}
	}
	return []ask{{query: p.begin}, {query: "set local synchronous_commit to on"}}
}

// commit sends what is left, and the commit with it. Statements whose count decides
// go ahead of it.
func (p *pipe) commit(ctx context.Context) error {
	for _, a := range p.queue {
		if a.counted != nil {
			if err := p.send(ctx, nil, false); err != nil {
				return err
			}
			break
		}
	}
	return p.send(ctx, []ask{{query: "commit"}}, true)
}

// send sends what waits, then asks, and reads all answers.
func (p *pipe) send(ctx context.Context, asks []ask, last bool) error {
	asks, p.queue = append(p.queue, asks...), nil
	for _, a := range asks {
		if err := checkText(a.args); err != nil {
			return err
		}
	}
	p.ear.wait()
	defer p.ear.rest()
	if p.on != nil {
		broken, err := p.travel(p.ctx, asks, last)
		p.past = p.past || p.s.demoted(broken, false)
		return err
	}
	asks = append(p.opening(), asks...)
	var err error
	broken := p.s.guard(p.ctx, func(ctx context.Context) (broken error) {
		for try := range 2 {
			if p.on, broken = p.s.w.Conn(ctx); broken != nil {
				broken = p.ear.explain(broken)
				err = p.s.d.translate(p.ctx, broken)
				return broken
			}
			broken, err = p.travel(ctx, asks, last)
			p.past = p.s.demoted(broken, try > 0)
			if try > 0 || (last && !p.reads && !p.told) || p.seen || !p.s.stale(ctx, broken) {
				return broken
			}
			p.leave() // the pool finds that it is of no use
			p.on, p.past, ctx = nil, false, context.WithValue(ctx, fresh{}, true)
		}
		return broken
	})
	if err == nil {
		err = broken // of the breaker
	}
	return err
}

// travel is one way to the server and back. broken is what the server or the way
// there made impossible, err what that means to the caller, or what the caller
// itself refused.
func (p *pipe) travel(ctx context.Context, asks []ask, last bool) (broken, err error) {
	err = p.on.Raw(func(c any) error {
		wire, ok := c.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("a connection of type %T is no PostgreSQL", c)
		}
		var batch pgx.Batch
		for _, a := range asks {
			batch.Queue(p.s.d.rebind(a.query), plainArgs(a.args)...)
		}
		answers := wire.Conn().SendBatch(ctx, &batch)
		var refused error
		broken, refused = p.hear(answers, asks)
		if cerr := answers.Close(); broken == nil && refused == nil {
			broken = cerr
		}
		p.over = p.over || (last && broken == nil && refused == nil)
		if broken = p.ear.explain(broken); broken != nil && refused == nil {
			refused = p.s.d.translate(p.ctx, broken)
		}
		return refused
	})
	return broken, err
}

// hear reads the answers one after the other, up to the first that is an error.
func (p *pipe) hear(answers pgx.BatchResults, asks []ask) (broken, refused error) {
	for i, a := range asks {
		if a.row == nil {
			tag, err := answers.Exec()
			switch {
			case err != nil:
				p.told = i < len(asks)-1 && fromServer(err)
				return err, a.fail(p.s.d.translate(p.ctx, p.ear.explain(err)))
			case a.query == "commit" && tag.String() != "COMMIT":
				return nil, fmt.Errorf("the database answered a commit with %s", tag)
			}
			if a.changed != nil {
				*a.changed = tag.RowsAffected()
			}
			if err := a.count(tag.RowsAffected()); err != nil {
				return nil, err
			}
			continue
		}
		rows, err := answers.Query()
		for err == nil && rows.Next() {
			p.seen = true
			p.ear.rest() // what is done with a row is no silence of the server
			if err := a.row(rows.Scan); err != nil {
				rows.Close()
				return nil, err
			}
			p.ear.wait()
		}
		if rows.Close(); err == nil {
			err = rows.Err()
		}
		if err != nil {
			p.told = i < len(asks)-1 && fromServer(err)
			return err, a.fail(p.s.d.translate(p.ctx, p.ear.explain(err)))
		}
	}
	return nil, nil
}

// fromServer: the server said so itself. It answers in order, so that nothing after
// what it answers with the end of the connection has been carried out.
func fromServer(err error) bool {
	var said *pgconn.PgError
	return errors.As(err, &said)
}

// end gives up what has not been committed. Nobody waits for that.
func (p *pipe) end() {
	p.ear.end()
	switch {
	case p.on == nil:
	case p.over:
		_ = p.on.Close() // back to the pool
	case p.past:
		p.s.ending.Go(p.leave)
	default:
		p.s.ending.Go(p.rollback)
	}
}

// leave gives a connection back that is of no use, or up when the pool could not see
// that.
func (p *pipe) leave() {
	if p.past {
		_ = p.on.Raw(func(any) error { return driver.ErrBadConn }) // which closes it, and the server gives the transaction up
	}
	_ = p.on.Close()
}

// rollback gives the transaction up. A connection on which that fails is closed,
// and the server does it then.
func (p *pipe) rollback() {
	ctx, e := p.s.listen(context.WithoutCancel(p.ctx))
	defer e.end()
	_ = p.on.Raw(func(c any) error {
		wire, ok := c.(*stdlib.Conn)
		if !ok || wire.Conn().IsClosed() {
			return nil
		}
		_, err := wire.Conn().Exec(ctx, "rollback")
		if err != nil && !wire.Conn().IsClosed() {
			err = errors.Join(err, wire.Conn().Close(ctx))
		}
		return err
	})
	_ = p.on.Close()
}
