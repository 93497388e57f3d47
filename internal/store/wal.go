package store

import (
	"context"
	"os"
	"time"
)

// SQLite begins its write-ahead log anew when all of it is in the database and nobody
// reads from it at that moment. Where readers overlap all the time, as on a busy
// machine, such a moment may not come for minutes, and the log grows meanwhile
// (https://www.sqlite.org/wal.html, "Checkpoint starvation"). A log that has become
// large is therefore begun anew by force: writers wait until those who read now have
// finished, and new readers need the log no more.

const (
	// walMost is the size in bytes from which the log is large; SQLite by itself copies
	// it every 4 MB.
	walMost = 16 << 20
	// walEvery is how many commits go by between two looks.
	walEvery = 64
	// walWait is how long writers wait for readers; when it was not enough, the next
	// look tries again.
	walWait = 200 * time.Millisecond
)

// committed is called after each commit.
func (s *Store) committed() {
	if s.d.name != "sqlite" || s.commits.Add(1)%walEvery != 0 {
		return
	}
	log, err := os.Stat(s.where + "-wal")
	if err != nil || log.Size() < s.walMost || !s.shrinking.CompareAndSwap(false, true) {
		return
	}
	s.ending.Go(func() {
		defer s.shrinking.Store(false)
		s.shrink()
	})
}

// shrink begins the log anew. That it could not is not told: nothing is wrong yet, and
// a disk that is full is told by the next write.
func (s *Store) shrink() {
	ctx, cancel := context.WithTimeout(context.Background(), sqliteBusy+walWait)
	defer cancel()
	c, err := s.w.Conn(ctx)
	if err != nil {
		return
	}
	defer c.Close() //nolint:errcheck // it goes back to the pool
	if _, err := c.ExecContext(ctx, "pragma "+busyTimeout(walWait)); err == nil {
		_, _ = c.ExecContext(ctx, "pragma wal_checkpoint(truncate)")
	}
	// Whatever happened above, and however long it took.
	_, _ = c.ExecContext(context.WithoutCancel(ctx), "pragma "+busyTimeout(sqliteBusy))
}
