package store

import (
	"context"
	"fmt"
	"os"
)

// AsItIs makes Open leave the schema as it finds it: nothing is created in the
// database or brought up to date. It is for looking only; methods fail where
// the schema is older than this program ([Facts].Pending says so).
func AsItIs() Option { return func(s *Store) { s.asItIs = true } }

// Facts is what [Store.Inspect] found about the database.
type Facts struct {
	Schema      int64  // version of the schema; 0 when it is empty
	Newest      int64  // the version this program has
	Pending     int    // migrations the next start will run
	Bytes       int64  // size of the database
	LogBytes    int64  // size of SQLite's write-ahead log; 0 on PostgreSQL
	Synchronous string // how commits reach the disk: "full" is what the journal promises
}

// Inspect reads facts about the database itself. On SQLite it includes the
// engine's quick check of the file, which fails with [ErrCorrupt].
func (s *Store) Inspect(ctx context.Context) (Facts, error) {
	f, err := s.inspect(ctx)
	if err != nil {
		return f, fmt.Errorf("inspect database %s: %w", s.where, s.d.translate(ctx, err))
	}
	return f, nil
}

func (s *Store) inspect(ctx context.Context) (f Facts, err error) {
	steps, err := s.steps()
	if err != nil {
		return f, err
	}
	c := s.reader()
	// The table is goose's; without it nothing was ever migrated.
	versions := map[int64]bool{}
	exists := 0
	probe := `select count(*) from sqlite_master where name = 'goose_db_version'`
	if s.d.name == "postgres" {
		probe = `select count(*) from pg_tables where tablename = 'goose_db_version'`
	}
	if err := c.row(ctx, probe, nil, &exists); err != nil {
		return f, err
	}
	if exists > 0 {
		err := c.rows(ctx, `select version_id from goose_db_version`, nil, func(scan scanner) error {
			var v int64
			err := scan(&v)
			versions[v] = true
			f.Schema = max(f.Schema, v)
			return err
		})
		if err != nil {
			return f, err
		}
	}
	for _, m := range steps {
		f.Newest = max(f.Newest, m.Version)
		if !versions[m.Version] {
			f.Pending++
		}
	}
	if s.d.name == "postgres" {
		// In a transaction that writes: what the server does with others is not ours.
		return f, s.update(ctx, func(c conn) error {
			return c.row(ctx, `select pg_database_size(current_database()), case when current_setting('synchronous_commit') = 'on' then 'full' else current_setting('synchronous_commit') end`, nil, &f.Bytes, &f.Synchronous)
		})
	}
	return f, s.inspectFile(ctx, &f)
}

// inspectFile looks at an SQLite file.
func (s *Store) inspectFile(ctx context.Context, f *Facts) error {
	var found string
	if err := s.reader().row(ctx, `pragma quick_check(1)`, nil, &found); err != nil {
		return err
	}
	if found != "ok" {
		return fmt.Errorf("%w: %s", ErrCorrupt, found)
	}
	var level int
	if err := (conn{d: s.d, q: s.w}).row(ctx, `pragma synchronous`, nil, &level); err != nil {
		return err
	}
	f.Synchronous = map[int]string{0: "off", 1: "normal", 2: "full", 3: "extra"}[level]
	if info, err := os.Stat(s.where); err == nil {
		f.Bytes = info.Size()
	}
	if info, err := os.Stat(s.where + "-wal"); err == nil {
		f.LogBytes = info.Size()
	}
	return nil
}
