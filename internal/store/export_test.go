package store

import "context"

// Transaction runs statements in a transaction, for tests of what happens between
// them.
func (s *Store) Transaction(ctx context.Context, fn func(exec func(query string) error) error) error {
	return s.update(ctx, func(c conn) error {
		return fn(func(query string) error {
			_, err := c.exec(ctx, query)
			return err
		})
	})
}

// Each reads the rows of a query of one text column.
func (s *Store) Each(ctx context.Context, query string, fn func(string)) error {
	return s.reader().rows(ctx, query, nil, func(scan scanner) error {
		var v string
		err := scan(&v)
		fn(v)
		return err
	})
}

// SetLargeLog says from which size on the log of SQLite is begun anew.
func (s *Store) SetLargeLog(bytes int64) { s.walMost = bytes }
