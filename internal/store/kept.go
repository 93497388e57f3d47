package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
)

// sqliteConn is what the driver's connections can do, as far as database/sql asks.
type sqliteConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// keeping makes connections that keep their statements.
type keeping struct{ driver.Connector }

// Connect makes a connection.
func (k keeping) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := k.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	plain, ok := c.(sqliteConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the driver's connection, a %T, cannot do what the store needs", c), c.Close())
	}
	return &keeper{sqliteConn: plain, known: map[string]*kept{}}, nil
}

// keeper is a connection that keeps its statements. To understand a statement costs
// SQLite several times what it costs to carry it out when it finds one row by its key,
// and each request reads its session. database/sql can keep statements too, but cannot
// prepare one while the only connection is in a transaction, where ours are.
//
// Like every connection of database/sql it is used by one goroutine at a time. SQLite
// itself notices when the schema has changed and understands a statement anew
// (sqlite3_prepare_v2).
type keeper struct {
	sqliteConn
	known map[string]*kept
	turn  uint64
}

// kept is a statement that is understood.
type kept struct {
	driver.Stmt
	used uint64 // :: the turn in which it was used last
	busy bool   // its rows are being read
}

// statementsKept is for how many texts; the store has about 150, some of them with a
// number of marks that changes.
const statementsKept = 128

// statement is the kept one for a text; nil when it is in use, as in a query inside a
// loop over the same query, or is of a kind that is not worth it.
func (k *keeper) statement(ctx context.Context, query string) (*kept, error) {
	k.turn++
	if s := k.known[query]; s != nil {
		if s.busy {
			return nil, nil
		}
		s.used = k.turn
		return s, nil
	}
	if !worthKeeping(query) {
		return nil, nil
	}
	if len(k.known) >= statementsKept {
		k.forget()
	}
	made, err := k.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s := &kept{Stmt: made, used: k.turn}
	k.known[query] = s
	return s, nil
}

// worthKeeping: statements over rows, not those that change the schema or ask for
// settings. The store's texts begin with a verb in small letters.
func worthKeeping(query string) bool {
	verb, _, _ := strings.Cut(query, " ")
	switch verb {
	case "select", "insert", "update", "delete", "with":
		return !strings.Contains(query, ";")
	}
	return false
}

// forget gives up the statement that was not used for the longest time.
func (k *keeper) forget() {
	var oldest string
	least := k.turn + 1
	for text, s := range k.known {
		if !s.busy && s.used < least {
			oldest, least = text, s.used
		}
	}
	if s := k.known[oldest]; s != nil {
		delete(k.known, oldest)
		_ = s.Close() // it repeats the error of its last use, which was told then
	}
}

// ExecContext carries a statement out.
func (k *keeper) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := k.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return k.sqliteConn.ExecContext(ctx, query, args)
	}
	ready, ok := s.Stmt.(driver.StmtExecContext)
	if !ok {
		return nil, driver.ErrSkip
	}
	return ready.ExecContext(ctx, args)
}

// QueryContext begins to read rows.
func (k *keeper) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := k.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return k.sqliteConn.QueryContext(ctx, query, args)
	}
	ready, ok := s.Stmt.(driver.StmtQueryContext)
	if !ok {
		return nil, driver.ErrSkip
	}
	rows, err := ready.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	s.busy = true
	return keptRows{rows, s}, nil
}

// Close closes the connection and what it keeps.
func (k *keeper) Close() error {
	for _, s := range k.known {
		_ = s.Close() // it repeats the error of its last use, which was told then
	}
	clear(k.known)
	return k.sqliteConn.Close()
}

// keptRows are rows of a kept statement, which is free again when they are closed.
type keptRows struct {
	driver.Rows
	of *kept
}

// Close ends the reading.
func (r keptRows) Close() error {
	r.of.busy = false
	return r.Rows.Close()
}
