package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"resync/internal/api"
	"resync/internal/auth"
	"resync/internal/config"
	"resync/internal/event"
	"resync/internal/health"
	"resync/internal/store"
)

// Settings tells where the configuration came from and what was said of it.
type Settings struct {
	File     string           // the settings file; "" when there is none
	Err      error            // why it cannot be used; the configuration is nil then
	Warnings []config.Warning // what was warned of
}

// Doctor looks at everything that a server with these settings needs, with the
// parts of a real server, and changes nothing: no database is made or brought
// up to date, no account, no row. What cannot be opened is a finding, and the
// rest is looked at all the same. Where the parts cannot be put together the
// error says why.
func Doctor(ctx context.Context, o Options, sel health.Select) (health.Report, error) {
	usable := o.Config != nil
	if !usable {
		// The machine can be looked at without settings; everything else is skipped.
		cfg, _, err := config.Load(config.LoadOptions{Env: func() []string { return nil }})
		if err != nil {
			return health.Report{}, fmt.Errorf("making the settings a server has without any: %w", err)
		}
		o.Config = cfg
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	a := &App{opt: o, log: o.Log, news: event.NewBroker[api.News](256, 1024), book: newBreakerBook(), looking: &looking{failed: map[string]error{}, usable: usable}}
	a.ctx, a.cancel = context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = a.Close(stop) // what was found has been reported
	}()
	for _, phase := range []struct {
		name  string
		build func(context.Context) error
	}{
		{"settings", a.checkSettings}, {"breakers", a.openBreakers}, {"store", a.lookAtStore}, {"webhooks", a.openWebhooks}, {"language models", a.openLLM}, {"knowledge", a.openKnowledge},
		{"engines", a.openEngines}, {"chat", a.openChat},
	} {
		if err := phase.build(ctx); err != nil {
			a.looking.failed[phase.name] = err
		}
	}
	if len(a.engines) > 0 {
		if err := a.openHTTP(ctx); err != nil {
			a.looking.failed["http"] = err
		}
	}
	checks, err := a.checks()
	if err != nil {
		return health.Report{}, err
	}
	return checks.Run(ctx, sel), nil
}

// looking is set while doctor looks at parts that do not serve.
type looking struct {
	usable bool             // the settings can be used
	failed map[string]error // :: phase → why it could not be opened
	store  string           // what is to be known of a database that is not there or older
}

// phaseErr is why a phase failed under doctor; nil for a running server.
func (a *App) phaseErr(name string) error {
	if a.looking == nil {
		return nil
	}
	return a.looking.failed[name]
}

// lookAtStore opens the database as it is. Where there is none yet, or an older
// one, the other parts get an empty one in memory, so that they can be looked at.
func (a *App) lookAtStore(ctx context.Context) error {
	url := a.opt.Config.Database.URL.Reveal()
	err := a.openAsItIs(ctx, url)
	if a.db == nil {
		var merr error
		if a.db, merr = store.Open(ctx, ":memory:"); merr != nil {
			return errors.Join(err, merr)
		}
	}
	a.auth = auth.New(a.db, nil)
	return err
}

func (a *App) openAsItIs(ctx context.Context, url string) error {
	if path, isFile := sqlitePath(url); isFile {
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			a.looking.store = "there is no database yet; the first start makes it at " + path
			return nil
		}
	}
	db, err := store.Open(ctx, url, store.AsItIs())
	if err != nil {
		return err
	}
	facts, err := db.Inspect(ctx)
	if err != nil || facts.Pending > 0 || facts.Schema > facts.Newest {
		if err == nil {
			a.looking.store = fmt.Sprintf("its schema is version %d, this program has %d: the next start brings it up to date", facts.Schema, facts.Newest)
		}
		if facts.Schema > facts.Newest {
			err = fmt.Errorf("%w: its schema is version %d, this program knows up to %d", store.ErrSchemaTooNew, facts.Schema, facts.Newest)
		}
		return errors.Join(err, db.Close())
	}
	a.db = db
	return nil
}

// sqlitePath is the file of an SQLite address.
func sqlitePath(url string) (string, bool) {
	switch {
	case strings.HasPrefix(url, "sqlite:"):
		return strings.TrimPrefix(strings.TrimPrefix(url, "sqlite:"), "//"), !strings.HasSuffix(url, ":memory:")
	case strings.Contains(url, "://") || strings.HasPrefix(url, "postgres"):
		return "", false
	}
	return url, url != ":memory:"
}

// Check looks at the parts of this server.
func (a *App) Check(ctx context.Context, sel health.Select) health.Report {
	return a.runner.Run(ctx, sel)
}
