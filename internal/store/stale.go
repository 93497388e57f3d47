package store

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"resync/breaker"
)

// pingIdle is how long a connection is believed in after its last use: a firewall
// on the way may have forgotten it, and does not say so before it is used.
const pingIdle = 30 * time.Second

// isNew is what the driver says of a connection at its first use after the one it was
// made for: it has no time of a last use, and counts from the year 1.
const isNew = 24 * time.Hour

// fresh marks the context of what must go over a connection made for it.
type fresh struct{}

// freshness has the pool hand out connections that are alive. A server that ended
// them, or whoever stands before it, has said so on each: that is seen without
// asking, which would cost a way there and back for every use.
func freshness() []stdlib.OptionOpenDB {
	return []stdlib.OptionOpenDB{
		stdlib.OptionShouldPing(func(ctx context.Context, p stdlib.ShouldPingParams) bool {
			if ctx.Value(fresh{}) != nil {
				return false // it is not used
			}
			rested := p.IdleDuration > pingIdle && p.IdleDuration < isNew
			return rested || !quiet(p.Conn.PgConn().Conn())
		}),
		stdlib.OptionResetSession(func(ctx context.Context, _ *pgx.Conn) error {
			if ctx.Value(fresh{}) != nil {
				return driver.ErrBadConn
			}
			return nil
		}),
	}
}

// quiet reports whether a connection nobody waits on is as it should be: open, and
// with nothing to read.
func quiet(c net.Conn) bool {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	s, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := s.SyscallConn()
	return err == nil && nothingToRead(raw)
}

// stale reports whether an error is that of a connection which was given up at the
// other end, so that another one may do. Silence is not: it has cost the caller's
// time already.
func (s *Store) stale(ctx context.Context, err error) bool {
	var open *breaker.OpenError
	return err != nil && ctx.Err() == nil && !errors.Is(err, errSilence) && !errors.As(err, &open) && errors.Is(s.d.causeOf(err), ErrAway)
}
