// Package app puts Resync together: the only package that knows all the others.
// New builds the parts in phases and refuses with the phase's name when one
// fails; Run serves until its context ends and then drains.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"resync/breaker"
	"resync/internal/agent"
	"resync/internal/api"
	"resync/internal/auth"
	"resync/internal/chat"
	"resync/internal/config"
	"resync/internal/event"
	"resync/internal/health"
	"resync/internal/knowledge"
	"resync/internal/resilience"
	"resync/internal/state"
	"resync/internal/store"
	"resync/internal/telemetry"
	"resync/llm"
	"resync/web"
)

// Options is what New builds from. Config is required.
type Options struct {
	Config  *config.Config
	Version string
	Log     *slog.Logger
	// Settings tells where Config came from, for doctor and the checks.
	Settings Settings
	// Clocks gives an engine's own time where it is not ours: a simulator's.
	Clocks map[string]func() time.Time // :: engine name → clock
	// SyncEvery is how often the plan is read; 30 s when zero.
	SyncEvery time.Duration
	// SettleEvery is how often unknown outcomes are looked up in the plan; 10 s
	// when zero.
	SettleEvery time.Duration
	// LookEvery is how often an engine whose breaker is open is looked at; 5 s when
	// zero.
	LookEvery time.Duration
	// ReadTime is the longest time for an HTTP request that reads; 30 s when zero.
	ReadTime time.Duration
	// ConsoleDir serves the console's sources from a folder and bundles them
	// anew for each page; "" serves the embedded ones.
	ConsoleDir string
	// NoConsole leaves the browser's files out, for the command line's own use.
	NoConsole bool
	// OwnProcess allows the program to keep to one core while it only passes single
	// calls on to models (llm.one_core); it is a setting of the whole process.
	OwnProcess bool
}

// App is a running Resync.
type App struct {
	opt             Options
	log             *slog.Logger
	db              *store.Store
	auth            *auth.Service
	base            *knowledge.Base
	chunking        *knowledge.ChunkSettings
	reindex         *knowledge.Reindexer
	outer           *knowledge.Outer // nil: this process searches alone
	engines         []*engine
	chat            *chat.Chat
	news            *event.Broker[api.News]
	book            *breakerBook
	shared          *state.State // shared caches and limits
	reads           *state.Reads
	routes          atomic.Pointer[[]api.Route] // with their tiers
	steering        *resilience.Keeper          // what administrators set while the program runs; nil under doctor
	failFastAtStart bool                        // what [App.failFast] said when Redis was met
	answers         *api.Answers
	self            string            // name of this server among those that share the state
	breakers        *breaker.Registry // every outbound call passes one of them
	runner          *health.Runner
	looking         *looking // nil for a server; doctor's notes
	metrics         *telemetry.Metrics
	tracing         *telemetry.Tracing // nil without a collector
	handler         http.Handler
	hooks           *hooks         // who is told what happens
	llm             *llm.Chain     // nil when no language model is set up
	meter           *llm.Meter     // nil likewise
	llmIdle         func()         // closes what is kept open to language models
	closers         []func() error // of what the search by meaning holds open

	ctx      context.Context // ends when the app closes
	cancel   context.CancelFunc
	wg       sync.WaitGroup
	draining atomic.Bool
}

// New builds every part and recovers what an earlier process left open. Close
// must be called, also when Run was.
func New(ctx context.Context, o Options) (*App, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.SyncEvery <= 0 {
		o.SyncEvery = 30 * time.Second
	}
	if o.SettleEvery <= 0 {
		o.SettleEvery = 10 * time.Second
	}
	if o.LookEvery <= 0 {
		o.LookEvery = lookEvery
	}
	a := &App{opt: o, log: o.Log, news: event.NewBroker[api.News](256, 1024), book: newBreakerBook()}
	a.ctx, a.cancel = context.WithCancel(context.WithoutCancel(ctx))
	begun := time.Now()
	for _, phase := range []struct {
		name  string
		build func(context.Context) error
	}{
		{"settings", a.checkSettings}, {"breakers", a.openBreakers}, {"traces", a.openTracing}, {"store", a.openStore}, {"webhooks", a.openWebhooks}, {"shared state", a.openState}, {"accounts", a.openAuth}, {"language models", a.openLLM}, {"knowledge", a.openKnowledge},
		{"engines", a.openEngines}, {"chat", a.openChat}, {"http", a.openHTTP}, {"recovery", a.recover},
	} {
		start := time.Now()
		if err := phase.build(ctx); err != nil {
			closeCtx, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer stop()
			return nil, errors.Join(&StartError{Phase: phase.name, Err: err}, a.Close(closeCtx))
		}
		a.log.Info("phase ready", "phase", phase.name, "took", time.Since(start))
	}
	a.book.started()
	a.log.Info("all parts are ready", "took", time.Since(begun), "engines", len(a.engines))
	return a, nil
}

// checkSettings refuses what could only fail later, before anything is made on
// disk.
func (a *App) checkSettings(context.Context) error {
	_, err := a.opt.Config.Engine("")
	return err
}

func (a *App) openStore(ctx context.Context) error {
	if dir := a.opt.Config.DataDir; dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("making the data directory (data_dir): %w", err)
		}
	}
	guard, err := a.breakers.Get("database")
	if err != nil {
		return err
	}
	opts := []store.Option{store.WithBreaker(guard)}
	if d := a.opt.Config.Database.Timeout; d > 0 {
		opts = append(opts, store.WithPatience(d))
	}
	if a.db, err = store.Open(ctx, a.opt.Config.Database.URL.Reveal(), opts...); err != nil {
		return err
	}
	if err := a.restoreBreakers(ctx); err != nil {
		return err
	}
	return a.openSteering(ctx)
}

// openAuth makes the accounts' service and the first administrator, if one is
// configured.
func (a *App) openAuth(ctx context.Context) error {
	a.auth = auth.New(a.db, nil)
	adm := a.opt.Config.Admin
	if adm.Password.IsZero() {
		return nil // a one-time token is printed instead, see LoginURL
	}
	made, err := a.auth.EnsureAdmin(ctx, adm.Username, adm.Password.Reveal())
	if made {
		a.log.Info("made the first administrator", "user", adm.Username)
	}
	return err
}

func (a *App) openChat(context.Context) error {
	sides := map[string]chat.Side{}
	for _, e := range a.engines {
		sides[e.Name] = chat.Side{Asker: asker{agent.New(e.diag, e.Exec).WithPhraser(a.cachedPhraser()), e, a.agentSpan}, Desk: e.Desk}
	}
	a.chat = chat.New(a.db, sides, a.log)
	return nil
}

func (a *App) openHTTP(context.Context) error {
	if a.steering != nil {
		a.steer() // breakers have been made since it was read first
	}
	reg := telemetry.NewRegistry(telemetry.ReadBuild(a.opt.Version))
	a.metrics = telemetry.NewMetrics(reg)
	reg.MustRegister(telemetry.NewStateCollector(2*time.Second, a.state), telemetry.NewBreakerCollector(a.breakers.Snapshot))
	checks, err := a.checks()
	if err != nil {
		return err
	}
	a.runner = checks
	console, err := a.console()
	if err != nil {
		return err
	}
	reg.MustRegister(telemetry.NewRedisCollector(a.redisState))
	d := api.Deps{
		State: a.shared, Reads: a.reads, Answers: a.answers, Strategy: a.opt.Config.Redis.Strategy, RedisFailFast: a.failFastAtStart,
		Limits: api.Limits(a.opt.Config.Limits), Announce: a.announced, Resilience: a.steering, Audit: a.db, Tell: a.tellServers,
		Auth: a.auth, Chat: a.chat, News: a.news, Webhooks: a.outbox(), Receivers: a.receivers(), Breakers: a.breakers, KeepBreaker: a.keepBreaker, ReadTime: a.opt.ReadTime, Checks: checks, Metrics: a.metrics, Tracing: a.tracing, Prom: telemetry.Handler(reg), Console: console,
		LLM: a.llm, Writer: a.writer(), Knowledge: a.base, Reindex: a.reindex, Chunking: a.chunking, Keys: a.db, RequireKey: a.opt.Config.Server.RequireKey, Log: a.log, Base: a.ctx, Version: a.opt.Version, Secure: a.secure(), Draining: a.draining.Load,
	}
	for _, e := range a.engines {
		d.Engines = append(d.Engines, &e.Engine)
	}
	a.handler, err = api.Handler(d)
	return err
}

// secure says whether browsers reach us by https, directly or through a proxy.
func (a *App) secure() bool {
	s := a.opt.Config.Server
	return s.TLS.Cert != "" || strings.HasPrefix(s.BaseURL, "https://")
}

func (a *App) console() (http.Handler, error) {
	switch {
	case a.opt.NoConsole:
		return http.NotFoundHandler(), nil
	case a.opt.ConsoleDir != "":
		return web.Dev(a.opt.ConsoleDir), nil
	}
	assets, err := web.Bundle(nil)
	if err != nil {
		return nil, fmt.Errorf("bundling the console: %w", err)
	}
	return assets.Handler(), nil
}

// recover settles what an earlier process left open, before anything is served.
func (a *App) recover(ctx context.Context) error {
	if err := a.chat.Recover(ctx); err != nil {
		return err
	}
	for _, e := range a.engines {
		if err := e.Exec.Recover(ctx); err != nil {
			return err
		}
	}
	if a.db.Engine() == "sqlite" { // the file is ours alone, so whoever held a key is gone
		return a.db.LapseKeys(ctx)
	}
	return nil
}

func (a *App) dataDir() string {
	if d := a.opt.Config.DataDir; d != "" {
		return d
	}
	return filepath.Dir(os.TempDir())
}

// Handler is the HTTP face, for tests and for Serve.
func (a *App) Handler() http.Handler { return a.handler }

// LoginURL makes an address with a one-time token for a person. The account is
// made, with the roles given, when it is not there yet.
func (a *App) LoginURL(ctx context.Context, base, user string, roles auth.Roles) (string, error) {
	if _, err := a.auth.Identity(ctx, user); errors.Is(err, store.ErrNotFound) {
		if _, err := a.auth.CreateUser(ctx, user, "", roles); err != nil {
			return "", fmt.Errorf("making the account %s: %w", user, err)
		}
	}
	token, _, err := a.auth.NewLoginToken(ctx, user)
	if err != nil {
		return "", fmt.Errorf("making a login token: %w", err)
	}
	return base + "/login#token=" + token, nil
}

// HasAccounts reports whether anybody can sign in.
func (a *App) HasAccounts(ctx context.Context) (bool, error) {
	list, err := a.auth.Accounts(ctx)
	return len(list) > 0, err
}

// Serve answers on the listener until ctx ends, then drains: no new requests,
// streams closed, running work given time to end.
func (a *App) Serve(ctx context.Context, ln net.Listener) error {
	a.loops()
	var one *cores
	if a.llm != nil && a.opt.OwnProcess && a.opt.Config.LLM.OneCore {
		one = newCores()
	}
	if one != nil {
		a.wg.Go(func() { one.run(a.ctx) })
	}
	srv := &http.Server{
		Handler: one.around(a.handler), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() {
		if tls := a.opt.Config.Server.TLS; tls.Cert != "" {
			failed <- srv.ServeTLS(ln, tls.Cert, tls.Key)
			return
		}
		failed <- srv.Serve(ln)
	}()
	select {
	case err := <-failed:
		return fmt.Errorf("serving on %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	return a.drain(ctx, srv)
}

// drain stops in order: readiness goes first, so that nobody sends more; then
// no connection is taken, streams end, requests and actions under way finish.
func (a *App) drain(ctx context.Context, srv *http.Server) error {
	begun := time.Now()
	a.draining.Store(true)
	delay := a.opt.Config.Server.DrainDelay
	a.log.Info("stopping", "phase", "readiness is false", "pause", delay)
	time.Sleep(delay)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	a.cancel() // streams end with it, so that Shutdown does not wait for them
	err := srv.Shutdown(stop)
	a.log.Info("stopping", "phase", "requests have ended", "took", time.Since(begun))
	err = errors.Join(err, a.Close(stop))
	a.log.Info("stopped", "took", time.Since(begun))
	if errors.Is(err, context.DeadlineExceeded) {
		return &StartError{Phase: "stop", Err: fmt.Errorf("not everything had ended after %s; what was under way is in the journal: %w", drainTime, err)}
	}
	return err
}

// drainTime is how long a stop may take.
const drainTime = 10 * time.Second

// Close stops the parts in the order opposite to their start.
func (a *App) Close(ctx context.Context) error {
	a.cancel()
	var errs []error
	if a.chat != nil {
		errs = append(errs, a.chat.Close(ctx))
	}
	for _, e := range a.engines {
		errs = append(errs, e.close(ctx))
	}
	a.wg.Wait()
	errs = append(errs, a.closeTracing(ctx))
	if a.llmIdle != nil {
		a.llmIdle()
	}
	for _, closing := range a.closers {
		errs = append(errs, closing())
	}
	if a.db != nil {
		if a.looking == nil { // doctor leaves no trace
			a.writeSpent(ctx)
			a.markCounted()
			a.saveBreakers(ctx)
		}
		errs = append(errs, a.db.Close())
	}
	return errors.Join(errs...)
}
