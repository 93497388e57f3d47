package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// migrations are named NNNN_name.sql. The text runs on both engines; what only
// one understands (triggers) stands in NNNN_name.sqlite.sql or
// NNNN_name.postgres.sql and runs after it in the same transaction.
//
//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema to the newest version this program knows.
func (s *Store) migrate(ctx context.Context) error {
	if err := s.refuseForeign(ctx); err != nil {
		return err
	}
	steps, err := s.steps()
	if err != nil {
		return err
	}
	p, err := s.provider(steps)
	if err != nil {
		return err
	}
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return s.d.translate(ctx, err)
	}
	if current > target {
		return fmt.Errorf("%w: its schema is version %d, this program knows up to %d", ErrSchemaTooNew, current, target)
	}
	if current == target {
		return nil
	}
	return s.climb(ctx, p)
}

// climb runs what is pending. Two processes may start on one new SQLite file at
// the same time; the one that loses finds its tables made and looks again.
func (s *Store) climb(ctx context.Context, p *goose.Provider) error {
	for try := 0; ; try++ {
		_, err := p.Up(ctx)
		if err == nil {
			return nil
		}
		if pending, perr := p.HasPending(ctx); perr == nil && !pending {
			return nil
		}
		if try == 3 || ctx.Err() != nil {
			return fmt.Errorf("migrate: %w", s.d.translate(ctx, err))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// provider builds the goose provider; on PostgreSQL replicas that start together
// wait for each other through a row of a table (goose_lock), which is free again half a
// minute after the one that holds it was killed.
func (s *Store) provider(steps []*goose.Migration) (*goose.Provider, error) {
	opts := []goose.ProviderOption{
		goose.WithGoMigrations(steps...), goose.WithDisableGlobalRegistry(true),
	}
	name := goose.DialectSQLite3
	if s.d.name == "postgres" {
		name = goose.DialectPostgres
		// Not an advisory lock: behind a pooler it would be taken over one connection and
		// given back over another, and nobody could take it again.
		locker, err := lock.NewPostgresTableLocker(lock.WithTableLockTimeout(time.Second, 300)) // ask once a second, for five minutes
		if err != nil {
			return nil, err
		}
		opts = append(opts, goose.WithLocker(locker))
	}
	return goose.NewProvider(name, s.w, nil, opts...)
}

// steps reads the embedded texts in order of their numbers.
func (s *Store) steps() ([]*goose.Migration, error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var steps []*goose.Migration
	for _, f := range files {
		name := path.Base(f)
		if strings.Count(name, ".") != 1 {
			continue // an engine's own part, read with its step below
		}
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("migration %s: its name must start with a number", name)
		}
		texts, err := s.stepTexts(f)
		if err != nil {
			return nil, err
		}
		steps = append(steps, goose.NewGoMigration(version, &goose.GoFunc{RunTx: execAll(texts)}, nil))
	}
	return steps, nil
}

// stepTexts is the common text of a migration and this engine's own, if any.
func (s *Store) stepTexts(file string) ([]string, error) {
	common, err := migrations.ReadFile(file)
	if err != nil {
		return nil, err
	}
	own, err := migrations.ReadFile(strings.TrimSuffix(file, "sql") + s.d.name + ".sql")
	if errors.Is(err, fs.ErrNotExist) {
		return []string{string(common)}, nil
	}
	return []string{string(common), string(own)}, err
}

// execAll runs texts of several statements in a transaction.
func execAll(texts []string) func(context.Context, *sql.Tx) error {
	return func(ctx context.Context, tx *sql.Tx) error {
		for _, t := range texts {
			if _, err := tx.ExecContext(ctx, t); err != nil {
				return err
			}
		}
		return nil
	}
}

// refuseForeign keeps us from making our tables in another program's SQLite
// file: a file that has tables must have goose's.
func (s *Store) refuseForeign(ctx context.Context) error {
	if s.d.name != "sqlite" {
		return nil
	}
	var tables, ours int
	err := conn{d: s.d, q: s.w}.row(ctx, `select count(*),
		coalesce(sum(case when name = 'goose_db_version' then 1 else 0 end), 0)
		from sqlite_master where type = 'table'`, nil, &tables, &ours)
	if err != nil {
		return err
	}
	if tables > 0 && ours == 0 {
		return fmt.Errorf("%w: it holds another program's tables", ErrNotADatabase)
	}
	return nil
}
