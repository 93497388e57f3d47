package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"resync/internal/auth"
	"resync/internal/health"
	"resync/internal/store"
)

// storeChecks look at the database and at what its rows say.
func (a *App) storeChecks() []health.Check {
	return []health.Check{
		{Name: "store:reachable", Title: "Database Connection", Category: health.Dependencies, Critical: true, Smoke: true,
			Fix: "look at database.url and the disk it is on", Run: a.storeReachable},
		{Name: "store:integrity", Title: "Database integrity", Category: health.Dependencies, Deep: true, Timeout: 4 * time.Second,
			Fix: "stop Resync, keep a copy of the files, and restore the last copy that is whole", Run: a.storeIntegrity},
		{Name: "journal:chain", Title: "Journal of actions", Category: health.Dependencies, Deep: true, Timeout: 4 * time.Second,
			Fix: "keep the database as it is and ask who had access to it: a row of the journal was changed or lost", Run: a.journalChain},
		{Name: "journal:unknown", Title: "Actions with unknown outcome", Category: health.Dependencies, Deep: true,
			Fix: "open the journal of the console: the run says what to look for in the plan", Run: a.unknownOutcomes},
		{Name: "store:backup", Title: "Backup", Category: health.Dependencies, Deep: true, Run: func(context.Context) health.Result {
			return health.Skipped("this version makes no backups itself; copy the data directory, or use the tools of PostgreSQL")
		}},
		{Name: "accounts:administrator", Title: "Administrator", Category: health.Configuration, Deep: true,
			Fix: "start the server: while nobody has an account it prints a one-time address", Run: a.administrator},
	}
}

func (a *App) storeReachable(ctx context.Context) health.Result {
	if os.Getenv("SKIP_DB_TEST") == "1" {
		return health.Skipped("SKIP_DB_TEST=1")
	}
	if err := a.phaseErr("store"); err != nil {
		return storeFailure(err)
	}
	if a.looking != nil && a.looking.store != "" {
		return health.Passed(a.looking.store)
	}
	start := time.Now()
	if err := a.db.Ping(ctx); err != nil {
		return storeFailure(err)
	}
	return health.Result{Status: health.Pass, Observed: time.Since(start).Milliseconds(), Unit: "ms"}
}

// storeFailure says what to do about a database that cannot be used.
func storeFailure(err error) health.Result {
	res := health.Failed("%v", err)
	for _, c := range []struct {
		cause error
		fix   string
	}{
		{store.ErrNotADatabase, "database.url names a file that is no database of Resync: correct it, or move the file away"},
		{store.ErrCorrupt, "the file is damaged: stop Resync, keep a copy of it, and restore the last copy that is whole"},
		{store.ErrSchemaTooNew, "a newer Resync has used this database: start that version, or restore a copy from before"},
		{store.ErrReadOnly, "give the user that runs Resync the right to write the file of database.url and its directory"},
		{store.ErrStorageFull, "make room on the disk of the database"},
		{store.ErrAway, "see whether PostgreSQL runs and can be reached under database.url; it goes on by itself when it answers"},
		{store.ErrBusy, "another process holds the database: end it, or look for a backup that runs"},
	} {
		if errors.Is(err, c.cause) {
			res.Fix = c.fix
		}
	}
	return res
}

func (a *App) storeIntegrity(ctx context.Context) health.Result {
	if a.phaseErr("store") != nil || a.looking != nil && a.looking.store != "" {
		return health.Skipped("there is no database to look at")
	}
	f, err := a.db.Inspect(ctx)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return health.Warned("the database is too large to be looked at in passing")
	case err != nil:
		return storeFailure(err)
	case f.Synchronous != "full":
		return health.Result{Status: health.Fail, Output: "commits do not wait for the disk: synchronous is " + f.Synchronous, Fix: "set synchronous_commit = on for the database's user"}
	case f.LogBytes > 256<<20:
		return health.Result{Status: health.Warn, Output: fmt.Sprintf("the write-ahead log has grown to %d MB", f.LogBytes>>20), Fix: "look for a program that keeps the database open for reading"}
	}
	return health.Passed(fmt.Sprintf("%s, schema %d, %d MB, log %d MB, every commit reaches the disk", a.db.Engine(), f.Schema, f.Bytes>>20, f.LogBytes>>20))
}

func (a *App) journalChain(ctx context.Context) health.Result {
	v, err := a.db.VerifyJournal(ctx)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return health.Skipped("the journal is too long to be verified in passing")
	case err != nil:
		return health.Failed("%v", err)
	}
	return health.Passed(fmt.Sprintf("%d entries, their chain of hashes is whole", v.Entries))
}

func (a *App) unknownOutcomes(ctx context.Context) health.Result {
	list, err := a.db.Unreconciled(ctx)
	if err != nil {
		return health.Failed("%v", err)
	}
	if len(list) > 0 {
		return health.Warned("%d actions may or may not have reached their engine; the oldest is run %s", len(list), list[0].ID)
	}
	return health.Passed("none")
}

func (a *App) administrator(ctx context.Context) health.Result {
	list, err := a.auth.Accounts(ctx)
	if err != nil {
		return health.Failed("%v", err)
	}
	for _, acc := range list {
		if acc.Roles.Has(auth.Admin) {
			return health.Passed(fmt.Sprintf("%d accounts, %s is an administrator; there are no default passwords", len(list), acc.Name))
		}
	}
	if !a.opt.Config.Admin.Password.IsZero() {
		return health.Passed("the first start makes " + a.opt.Config.Admin.Username)
	}
	return health.Warned("nobody is an administrator yet")
}
