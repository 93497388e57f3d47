package app

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"resync/breaker"
	"resync/internal/api"
	"resync/internal/config"
	"resync/internal/event"
	"resync/internal/health"
	"resync/internal/notify"
	"resync/internal/plan"
	"resync/internal/state"
	"resync/internal/store"
	"resync/internal/telemetry"
	"resync/tool"
)

// hooks is what tells other systems.
type hooks struct {
	out      *notify.Outbox
	book     *notify.Book // receivers added in the console; nil while there is no database
	guard    *notify.Guard
	parts    *notify.Parts
	pictures map[string]*readings // :: engine → its readings
	base     string               // address of the console; "" when users have none

	redact *telemetry.Redactor
	mu     sync.Mutex
	own    map[string]string // :: breaker of a receiver → receiver
}

// readings are those of one engine's plan. Only who follows the engine uses them.
type readings struct {
	*notify.Pictures
	rested bool // nobody wanted to be told: what is there when somebody does is no news
}

// openWebhooks makes the receivers of messages with the clients that reach them.
func (a *App) openWebhooks(ctx context.Context) error {
	set := a.opt.Config.Webhooks
	guard, err := notify.NewGuard(set.Allow)
	if err != nil {
		return fmt.Errorf("webhooks.allow: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "resync" // a name for people, nothing hangs on it
	}
	h := &hooks{guard: guard, base: a.opt.Config.Server.BaseURL, pictures: map[string]*readings{}, own: map[string]string{}, redact: telemetry.NewRedactor(a.opt.Config.Secrets()...)}
	h.parts = notify.NewParts(host, h.base)
	for _, e := range a.opt.Config.Engines {
		h.pictures[e.Name] = &readings{Pictures: notify.NewPictures(e.Name, h.base)}
	}
	o := notify.Options{Store: a.db, Owner: store.NewID("hooks"), Guard: guard, Attempts: set.Attempts, Keep: set.Keep, Log: a.log,
		Redact: h.redact.Text, Observe: a.delivered}
	for i, w := range set.Targets {
		t, err := a.hookTarget(h, w, i)
		if err != nil {
			return fmt.Errorf("webhooks.targets.%s: %w", w.Name, err)
		}
		o.Targets = append(o.Targets, t)
	}
	if h.out, err = notify.New(o); err != nil {
		return fmt.Errorf("webhooks: %w", err)
	}
	a.hooks = h
	a.closers = append(a.closers, func() error { h.out.Close(); return nil })
	h.book = notify.NewBook(h.out, a.db, a.addedTarget, a.receiverGone)
	a.loadReceivers(ctx)
	if n := len(h.out.Known()); n > 0 {
		a.log.Info("webhooks", "targets", n)
	}
	return nil
}

// hookTarget is a receiver with a client of its own. The contract's breakers
// webhook and teams stand before the first receiver of their format; each further
// one has its own with the same numbers, so that one that is away hinders nobody
// else.
func (a *App) hookTarget(h *hooks, w config.Webhook, at int) (notify.Target, error) {
	like := "webhook"
	if w.Format == string(notify.Teams) {
		like = "teams"
	}
	name := like
	for _, earlier := range a.opt.Config.Webhooks.Targets[:at] {
		if earlier.Format == w.Format {
			name = like + ":" + w.Name
		}
	}
	b, err := a.breakerOf(name, like)
	if err != nil {
		return notify.Target{}, err
	}
	h.owns(name, w.Name)
	return a.targetOf(h, w, b)
}

// targetOf is a receiver behind a breaker.
func (a *App) targetOf(h *hooks, w config.Webhook, b *breaker.Breaker) (notify.Target, error) {
	kinds, err := notify.ParseKinds(w.Events)
	if err != nil {
		return notify.Target{}, fmt.Errorf("events: %w", err)
	}
	u, err := url.Parse(w.URL.Reveal())
	if err != nil {
		return notify.Target{}, errors.New("url: it cannot be read")
	}
	if err := h.guard.CheckURL(u); err != nil {
		return notify.Target{}, fmt.Errorf("url: %w", err)
	}
	return notify.Target{Name: w.Name, URL: w.URL.Reveal(), Format: notify.Format(w.Format), Secret: w.Secret.Reveal(), Kinds: kinds, Timeout: w.Timeout,
		Client: hookClient(h.guard, b), Breaker: b}, nil
}

// hookClient reaches a receiver: behind its breaker, never by a proxy (which would
// make the connection in our place, to wherever it likes), with the guard looking at
// the address each connection goes to.
func hookClient(g *notify.Guard, b *breaker.Breaker) *http.Client {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, fmt.Errorf("the address of a receiver: %w", err)
			}
			d := net.Dialer{Timeout: 5 * time.Second, ControlContext: g.Control(host)}
			return d.DialContext(ctx, network, addr)
		},
		MaxIdleConnsPerHost: 1, IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: 5 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		DisableCompression: true, ForceAttemptHTTP2: true,
	}
	return &http.Client{Transport: breaker.Transport(b, transport, nil), CheckRedirect: g.Redirects}
}

// delivered counts an attempt to deliver a message.
func (a *App) delivered(target, outcome string, _ time.Duration) {
	if a.metrics != nil {
		a.metrics.WebhookAttempt(target, outcome)
	}
}

// outbox is nil where webhooks could not be opened, which doctor says.
func (a *App) outbox() *notify.Outbox {
	if a.hooks == nil {
		return nil
	}
	return a.hooks.out
}

// telling reports whether anybody wants to be told.
func (a *App) telling() bool { return a.hooks != nil && !a.hooks.out.Empty() }

// tellRun passes a step of a run on.
func (a *App) tellRun(e *engine, n tool.Notice) {
	switch n.Event {
	case tool.EvBlocked, tool.EvVerified, tool.EvUnverified, tool.EvUnknown, tool.EvError, tool.EvReconciled:
	default:
		return
	}
	if !a.telling() {
		return
	}
	a.hooks.out.Soon(func(ctx context.Context) ([]notify.Event, error) {
		st, err := e.Exec.Ledger().LoadRun(ctx, n.RunID)
		if errors.Is(err, tool.ErrNotFound) {
			return nil, fmt.Errorf("%w: %w", store.ErrNotFound, err)
		}
		if err != nil {
			return nil, err
		}
		if ev, ok := notify.Run(st, n.Event, a.hooks.base); ok {
			return []notify.Event{ev}, nil
		}
		return nil, nil
	})
}

// tellPart passes the begin or the end of an outage on.
func (a *App) tellPart(ev notify.Event, ok bool) {
	if ok {
		a.hooks.out.Soon(func(context.Context) ([]notify.Event, error) { return []notify.Event{ev}, nil })
	}
}

// tellBreaker passes a breaker's change of state on. That of Redis is told by what
// Redis means to users.
func (a *App) tellBreaker(t breaker.Transition) {
	if !a.telling() || t.Name == "redis" {
		return
	}
	critical := false
	if b, err := a.breakers.Get(t.Name); err == nil {
		critical = b.Settings().Critical
	}
	ev, ok := a.hooks.parts.Breaker(t, critical)
	ev.About = a.hooks.owner(t.Name)
	a.tellPart(ev, ok)
}

// tellRedis passes a change of Redis on.
func (a *App) tellRedis(s state.Status) {
	if !a.telling() {
		return
	}
	if s.Available() {
		a.tellPart(a.hooks.parts.Back("Redis", time.Now()))
		return
	}
	a.tellPart(a.hooks.parts.Away("Redis", s.Reason+". Changes are refused and reading goes on with less.", true, time.Now()))
}

// seenKey is the setting that remembers which picture of an engine's plan was told
// last.
func seenKey(engine string) string { return "webhooks.seen." + engine }

// tellPlan compares a reading of the plan with the one before. That it was told is
// written down after the messages are kept, so that a process that dies in between
// tells them again, under the same ids.
func (a *App) tellPlan(e *engine, s *plan.Snapshot) {
	if a.hooks == nil {
		return
	}
	p := a.hooks.pictures[e.Name]
	if !a.telling() {
		p.Pictures, p.rested = notify.NewPictures(e.Name, a.hooks.base), true
		return
	}
	var since time.Time
	if !p.Started() && !p.rested {
		ctx, cancel := context.WithTimeout(a.ctx, 2*time.Second)
		defer cancel()
		var err error
		if since, err = a.seen(ctx, e.Name); err != nil {
			a.log.WarnContext(ctx, "the plan is not compared for the webhooks yet", "engine", e.Name, "err", err)
			return // with the next reading
		}
	}
	p.rested = false
	events := p.Next(s, since)
	a.hooks.out.Soon(func(context.Context) ([]notify.Event, error) { return events, nil })
	at := s.AsOf() // and not the picture, which is large
	a.hooks.out.Soon(func(ctx context.Context) ([]notify.Event, error) {
		raw, err := json.Marshal(at)
		if err == nil {
			_, err = a.db.PutSetting(ctx, seenKey(e.Name), raw, "resync")
		}
		return nil, err
	})
}

// seen is the time of the last picture that was told; zero when none was.
func (a *App) seen(ctx context.Context, engine string) (time.Time, error) {
	set, err := a.db.Setting(ctx, seenKey(engine))
	if errors.Is(err, store.ErrNotFound) {
		return time.Time{}, nil
	}
	var at time.Time
	if err == nil {
		err = json.Unmarshal(set.Value, &at)
	}
	return at, err
}

// How far back runs are looked at when the server starts.
const (
	missedFor  = 24 * time.Hour
	missedRuns = 1000
)

// sinceKey is the setting that remembers since when anybody is told anything.
const sinceKey = "webhooks.since"

// tellMissed tells what an earlier process may have been killed before telling. What
// it had told has the same id and is not told again.
func (a *App) tellMissed() {
	if !a.telling() {
		return
	}
	a.hooks.out.Soon(func(ctx context.Context) ([]notify.Event, error) {
		now := time.Now()
		set, err := a.db.Setting(ctx, sinceKey)
		if errors.Is(err, store.ErrNotFound) {
			_, err = a.db.PutSetting(ctx, sinceKey, json.RawMessage(`true`), "resync")
			return nil, err // what was before is no news
		}
		if err != nil {
			return nil, err
		}
		after := set.UpdatedAt
		if day := now.Add(-missedFor); day.After(after) {
			after = day
		}
		return a.missed(ctx, after, now)
	})
}

func (a *App) missed(ctx context.Context, after, now time.Time) ([]notify.Event, error) {
	var out []notify.Event
	for _, e := range a.engines {
		runs, err := e.Exec.Ledger().ListRuns(ctx, tool.RunFilter{Engine: e.Name, Limit: missedRuns})
		if err != nil {
			return nil, fmt.Errorf("reading what was not told before the start: %w", err)
		}
		for _, st := range runs {
			if ev, ok := notify.Missed(st, now, a.hooks.base); ok && ev.At.After(after) {
				ev.Again = true
				out = append(out, ev)
			}
		}
	}
	return out, nil
}

// Webhooks opens the receivers of messages for the command line, beside a server
// that may be running. The function ends it.
func Webhooks(ctx context.Context, o Options) (*notify.Outbox, func() error, error) {
	a := &App{opt: o, log: o.Log, news: event.NewBroker[api.News](1, 0), book: newBreakerBook(), ctx: ctx}
	if err := a.openBreakers(ctx); err != nil {
		return nil, nil, err
	}
	db, err := store.Open(ctx, o.Config.Database.URL.Reveal())
	if err != nil {
		return nil, nil, err
	}
	a.db = db
	if err := a.openWebhooks(ctx); err != nil {
		return nil, nil, errors.Join(&StartError{Phase: "webhooks", Err: err}, db.Close())
	}
	return a.hooks.out, func() error {
		var errs []error
		for _, closing := range a.closers {
			errs = append(errs, closing())
		}
		return errors.Join(append(errs, db.Close())...)
	}, nil
}

// webhookCheck looks at the receivers: what is off, what waits, and in depth whether
// a connection can be made. It sends nothing.
func (a *App) webhookCheck(ctx context.Context) health.Result {
	if err := a.phaseErr("webhooks"); err != nil || a.hooks == nil {
		return health.Skipped("the settings of the webhooks cannot be used")
	}
	list, err := a.hooks.out.Targets(ctx)
	switch {
	case err != nil:
		return health.Failed("%v", err)
	case len(list) == 0:
		return health.Skipped("no webhook target is configured: nobody else is told what happens")
	}
	var wrong []string
	for _, t := range list {
		if t.Problem != "" {
			wrong = append(wrong, fmt.Sprintf("%s cannot be reached as it is set up: %s", t.Name, t.Problem))
		}
		if t.Off != nil {
			wrong = append(wrong, fmt.Sprintf("%s is switched off by %s: %s", t.Name, t.Off.By, t.Off.Reason))
		}
		if t.Failed > 0 {
			wrong = append(wrong, fmt.Sprintf("%d messages to %s were put aside", t.Failed, t.Name))
		}
		if t.Breaker.Refuses() {
			wrong = append(wrong, "the circuit breaker of "+t.Name+" is open")
		}
	}
	if len(wrong) > 0 {
		return health.Warned("%s", strings.Join(wrong, "; "))
	}
	return health.Passed(fmt.Sprintf("%d receivers", len(list)))
}

// webhookReach connects to each receiver, as a delivery does, and says nothing.
func (a *App) webhookReach(ctx context.Context) health.Result {
	if !a.telling() {
		return health.Skipped("no webhook target is configured")
	}
	set := a.hooks.out.Known()
	found := make([]error, len(set))
	var wg sync.WaitGroup
	for i, t := range set {
		wg.Go(func() {
			if found[i] = t.Broken; t.Broken == nil {
				found[i] = a.connect(ctx, t.URL)
			}
		})
	}
	wg.Wait()
	var wrong []string
	for i, err := range found {
		if err != nil {
			wrong = append(wrong, set[i].Name+": "+err.Error())
		}
	}
	if len(wrong) > 0 {
		return health.Warned("%s", strings.Join(wrong, "; "))
	}
	return health.Passed(fmt.Sprintf("%d receivers take connections", len(set)))
}

// connect makes a connection, with TLS where the address says so, and ends it.
func (a *App) connect(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("its address cannot be read")
	}
	if err := a.hooks.guard.CheckURL(u); err != nil {
		return err
	}
	port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	d := &net.Dialer{Timeout: 3 * time.Second, ControlContext: a.hooks.guard.Control(u.Hostname())}
	dial := d.DialContext
	if u.Scheme == "https" {
		dial = (&tls.Dialer{NetDialer: d}).DialContext
	}
	conn, err := dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return err
	}
	return conn.Close()
}
