package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Patience is how long a PostgreSQL server may say nothing in the middle of a
// call when [WithPatience] does not say.
const Patience = 10 * time.Second

// WithPatience bounds the silence of a PostgreSQL server: a call that hears
// nothing for that long ends with [ErrAway]. A server that is frozen, or a
// firewall that swallows packets, would otherwise keep a request for a quarter
// of an hour. What is bounded is one silence: a transaction of many statements
// and a query of many rows may take as long as they need. SQLite is a file and
// says nothing over a network; it has no such bound.
func WithPatience(d time.Duration) Option {
	return func(s *Store) { s.patience = d }
}

// errSilent is the cause with which an ear ends its context, errSilence what is made
// of it.
var (
	errSilent  = errors.New("nothing was heard")
	errSilence = errors.New("silence")
)

// ear ends a call when nothing is heard for too long. A nil ear waits for ever.
type ear struct {
	ctx      context.Context
	cancel   context.CancelCauseFunc
	timer    *time.Timer
	patience time.Duration
}

// listen begins a call: what it does on the wire must use the ear's context.
func (s *Store) listen(ctx context.Context) (context.Context, *ear) {
	if s == nil || s.patience <= 0 || s.d.name != "postgres" {
		return ctx, nil
	}
	e := &ear{patience: s.patience}
	e.ctx, e.cancel = context.WithCancelCause(ctx)
	e.timer = time.AfterFunc(e.patience, func() { e.cancel(errSilent) })
	return e.ctx, e
}

// wait begins, or goes on with, waiting for a word.
func (e *ear) wait() {
	if e != nil {
		e.timer.Reset(e.patience)
	}
}

// rest stops waiting: the next word is ours.
func (e *ear) rest() {
	if e != nil {
		e.timer.Stop()
	}
}

// end is the end of the call.
func (e *ear) end() {
	if e != nil {
		e.timer.Stop()
		e.cancel(nil)
	}
}

// explain names silence as the cause of an error.
func (e *ear) explain(err error) error {
	if err == nil || e == nil || !errors.Is(context.Cause(e.ctx), errSilent) {
		return err
	}
	return &engineError{cause: ErrAway, err: silence{e.patience}}
}

// silence is the error of a server that says nothing.
type silence struct{ patience time.Duration }

func (s silence) Error() string      { return fmt.Sprintf("it said nothing for %s", s.patience) }
func (silence) Is(target error) bool { return target == errSilence }

// tx is a transaction with the ear that listens to it.
type tx struct {
	*sql.Tx
	ear *ear
}

// Commit commits; an error of it leaves open whether the server has.
func (t tx) Commit() error {
	t.ear.wait()
	defer t.ear.rest()
	return t.ear.explain(t.Tx.Commit())
}

// end gives the transaction up when it has not been committed.
func (t tx) end() {
	t.ear.wait()
	_ = t.Tx.Rollback() // after a commit it does nothing; when it fails the connection is closed, which rolls back too
	t.ear.end()
}
