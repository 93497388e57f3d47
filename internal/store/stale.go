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
	if err == nil || ctx.Err() != nil || errors.Is(err, errSilence) || errors.As(err, &open) {
		return false
	}
	cause := s.d.causeOf(err)
	return errors.Is(cause, ErrAway) || (errors.Is(cause, ErrReadOnly) && !s.writesRefused())
}

// refusedFor is how long a database that takes no writes over a new connection either
// is believed to be that way.
const refusedFor = time.Second

func (s *Store) writesRefused() bool { return time.Now().UnixNano() < s.noWrites.Load() }

// demoted reports whether an error is that of a server which takes no writes any more,
// as the old one does after a failover that leaves its connections open (Amazon Aurora's
// does). The pool's connections lead there as well, and are closed: the name may stand for
// another server now. When a new connection says the same, nothing is closed for a
// while.
func (s *Store) demoted(err error, isNew bool) bool {
	switch {
	case err == nil || s.d.name != "postgres" || s.writesRefused() || !errors.Is(s.d.causeOf(err), ErrReadOnly):
		return false
	case isNew:
		s.noWrites.Store(time.Now().Add(refusedFor).UnixNano())
		return false
	}
	s.w.SetMaxIdleConns(-1) // closes those at rest
	s.w.SetMaxIdleConns(pgMaxConns)
	return true
}
