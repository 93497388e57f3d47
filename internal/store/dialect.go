package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"
)

// dialect holds everything in which the two engines differ.
type dialect struct {
	name      string
	numbered  bool           // :: placeholders are $1, $2 … instead of ?
	forUpdate string         // :: row lock; SQLite has one writer and needs none
	snapshot  *sql.TxOptions // :: a read transaction that sees one state
	classify  func(error) error
}

// rebind turns the ? of our SQL texts into the engine's placeholders. No SQL
// text of this package holds a question mark that is not a placeholder.
func (d dialect) rebind(query string) string {
	if !d.numbered {
		return query
	}
	var b strings.Builder
	b.Grow(len(query) + 16)
	n := 0
	for {
		i := strings.IndexByte(query, '?')
		if i < 0 {
			b.WriteString(query)
			return b.String()
		}
		n++
		b.WriteString(query[:i])
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
		query = query[i+1:]
	}
}

// translate wraps an engine's error in the sentinel that names its cause, or
// returns it as it is. When ctx has ended, that is the cause: a statement then
// fails as "interrupted" or with a transaction that database/sql has already
// rolled back behind our back.
func (d dialect) translate(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	cause := ctx.Err()
	if cause == nil {
		cause = d.causeOf(err)
	}
	if cause == nil || errors.Is(err, cause) {
		return err
	}
	return &engineError{cause: cause, err: err}
}

// causeOf is the sentinel that fits an engine's error; nil when none does.
func (d dialect) causeOf(err error) error {
	switch {
	case err == nil || d.classify == nil:
		return nil
	case errors.Is(err, ErrAway):
		return ErrAway
	}
	return d.classify(err)
}

// ms is t in milliseconds since 1970 in UTC; 0 for the zero time.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// at is the inverse of ms.
func at(millis int64) time.Time {
	if millis == 0 {
		return time.Time{}
	}
	return time.UnixMilli(millis).UTC()
}
