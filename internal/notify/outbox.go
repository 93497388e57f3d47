package notify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"resync/internal/jobs"
	"resync/internal/store"
)

// Store is where messages wait. *store.Store is one.
type Store interface {
	jobs.Queue
	Letters
	Switches
	// CountJobs counts the messages of a target by state.
	CountJobs(ctx context.Context, kind string) (map[store.JobState]int, error)
	// AddAudit keeps who changed what.
	AddAudit(ctx context.Context, a store.Audit) error
}

// Letters are the messages as rows.
type Letters interface {
	// EnqueueJob keeps a message once; one with its ID is returned instead.
	EnqueueJob(ctx context.Context, j store.Job) (store.Job, bool, error)
	// JobsWhere lists messages; RepeatJob sends one again.
	JobsWhere(ctx context.Context, f store.JobFilter) ([]store.Job, error)
	RepeatJob(ctx context.Context, id string) (store.Job, error)
}

// Switches remember which targets are off.
type Switches interface {
	Setting(ctx context.Context, name string) (store.Setting, error)
	PutSetting(ctx context.Context, name string, value json.RawMessage, by string) (store.Setting, error)
	DeleteSetting(ctx context.Context, name string) error
}

// Options of an outbox. Store and Owner are required.
type Options struct {
	Store   Store
	Owner   string // names this process; no two share it
	Targets []Target
	Guard   *Guard
	// Attempts is how often a message is tried before it is put aside; 10 when 0.
	Attempts int
	// Keep is how long it is tried at all; 24 h when 0.
	Keep time.Duration
	// Redact removes secrets from texts; nil removes nothing.
	Redact func(string) string
	// Observe is told of each attempt: sent, failed, refused (by the breaker) or
	// given_up. It must not block. May be nil.
	Observe func(target, outcome string, took time.Duration)
	Log     *slog.Logger
	Now     func() time.Time

	poll, lease time.Duration // of the workers; shorter in tests
}

// Defaults of an outbox.
const (
	DefaultAttempts = 10
	DefaultKeep     = 24 * time.Hour
)

// Outbox keeps messages and delivers them. The zero value is not usable; one
// without targets does nothing.
type Outbox struct {
	opt  Options
	soon chan Source
	lost atomic.Int64

	mu    sync.RWMutex
	hands []*hand // one for each target; replaced as a whole, never changed
	start func(*hand)
}

// hand is a target with its worker.
type hand struct {
	*Target
	worker *jobs.Runner
	ctx    context.Context // of the worker
	stop   context.CancelFunc
}

// Source makes events when there is time: it may read the store, which whoever
// noticed the event must not wait for. It is called again after an error.
type Source func(ctx context.Context) ([]Event, error)

// soonSize is how many sources may wait, e.g. while the database is away.
const soonSize = 4096

// New makes an outbox.
func New(o Options) (*Outbox, error) {
	if o.Store == nil || o.Owner == "" {
		return nil, errors.New("an outbox needs a store and an owner")
	}
	o.Attempts, o.Keep = cmp.Or(max(o.Attempts, 0), DefaultAttempts), cmp.Or(max(o.Keep, 0), DefaultKeep)
	if o.Redact == nil {
		o.Redact = func(s string) string { return s }
	}
	if o.Observe == nil {
		o.Observe = func(string, string, time.Duration) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Guard == nil {
		o.Guard = &Guard{}
	}
	b := &Outbox{opt: o, soon: make(chan Source, soonSize)}
	for _, t := range o.Targets {
		if b.hand(t.Name) != nil {
			return nil, fmt.Errorf("two targets of webhooks are called %s", t.Name)
		}
		if err := b.Set(t); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// Set adds a target, or puts it in place of the one of its name. What waits for
// that one goes to this one.
func (b *Outbox) Set(t Target) error {
	if err := t.check(); err != nil {
		return err
	}
	h := &hand{Target: &t}
	h.ctx, h.stop = context.WithCancel(context.Background())
	var err error
	// A dead process's message waits for its lease; ours are short, because a delivery is.
	h.worker, err = jobs.NewRunner(jobs.Options{Queue: b.opt.Store, Owner: b.opt.Owner + "/" + t.Name, Log: b.opt.Log,
		Lease: cmp.Or(b.opt.lease, t.Timeout+10*time.Second), Poll: cmp.Or(b.opt.poll, 2*time.Second),
		Handlers: map[string]jobs.Handler{kindOf(t.mailbox()): b.worker(&t)}})
	if err != nil {
		h.stop()
		return err
	}
	b.swap(t.Name, h)
	return nil
}

// Remove ends the deliveries to a target; what waits stays in the store.
func (b *Outbox) Remove(name string) { b.swap(name, nil) }

// swap puts a hand in place of the one of that name, which is stopped; nil removes.
func (b *Outbox) swap(name string, next *hand) {
	b.mu.Lock()
	defer b.mu.Unlock()
	hands := slices.Clone(b.hands)
	at := slices.IndexFunc(hands, func(h *hand) bool { return h.Name == name })
	if at >= 0 {
		hands[at].close()
	}
	switch {
	case at >= 0 && next != nil:
		hands[at] = next
	case at >= 0:
		hands = slices.Delete(hands, at, at+1)
	case next != nil:
		hands = append(hands, next)
	}
	b.hands = hands
	if next != nil && b.start != nil {
		b.start(next)
	}
}

// close stops the worker, which gives its message back, and ends the connections.
func (h *hand) close() {
	h.stop()
	if h.Client != nil {
		h.Client.CloseIdleConnections()
	}
}

// Close ends the connections to the targets, after [Outbox.Run] has returned.
func (b *Outbox) Close() {
	if b == nil {
		return
	}
	for _, h := range b.all() {
		h.close()
	}
}

// all are the targets with their workers.
func (b *Outbox) all() []*hand {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.hands
}

// Known are the targets.
func (b *Outbox) Known() []Target {
	var out []Target
	for _, h := range b.all() {
		out = append(out, *h.Target)
	}
	return out
}

// hand is the target of that name; nil when there is none.
func (b *Outbox) hand(name string) *hand {
	for _, h := range b.all() {
		if h.Name == name {
			return h
		}
	}
	return nil
}

// wake has the messages of a target looked at now.
func (b *Outbox) wake(name string) {
	if h := b.hand(name); h != nil {
		h.worker.Wake()
	}
}

// kindOf is the kind of the jobs of a mailbox.
func kindOf(mailbox string) string { return "webhook:" + mailbox }

// Empty reports that nobody is to be told anything.
func (b *Outbox) Empty() bool { return b == nil || len(b.all()) == 0 }

// Run keeps what is told and delivers it, until ctx ends; what waits then is
// delivered after the next start.
func (b *Outbox) Run(ctx context.Context) {
	if b == nil {
		return
	}
	var wg sync.WaitGroup
	b.began(func(h *hand) {
		wg.Go(func() {
			defer context.AfterFunc(ctx, h.stop)()
			h.worker.Run(h.ctx)
		})
	})
	for ctx.Err() == nil {
		select {
		case s := <-b.soon:
			b.keep(ctx, s)
		case <-ctx.Done():
		}
	}
	b.began(nil)
	b.keepRest(ctx)
	wg.Wait()
}

// began has workers started by start, those that come later as well; nil starts none
// any more.
func (b *Outbox) began(start func(*hand)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.start = start
	if start == nil {
		return
	}
	for _, h := range b.hands {
		start(h)
	}
}

// stopTime bounds the keeping of what is left at a stop.
const stopTime = 2 * time.Second

// keepRest keeps what was told just before the stop.
func (b *Outbox) keepRest(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	for {
		select {
		case s := <-b.soon:
			b.keep(ctx, s)
		default:
			return
		}
	}
}

// keep has a source make its events and keeps them, again and again while the
// store is away.
func (b *Outbox) keep(ctx context.Context, s Source) {
	var events []Event
	made := false
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		var err error
		if !made {
			events, err = s(ctx)
			made = err == nil
		}
		if made {
			err = b.Tell(ctx, events...)
		}
		if err == nil {
			return
		}
		if errors.Is(err, store.ErrInvalid) || errors.Is(err, store.ErrNotFound) {
			b.opt.Log.Error("an event cannot be told", "err", err)
			return
		}
		b.opt.Log.Warn("an event waits to be kept for the webhooks", "err", err)
		select {
		case <-ctx.Done():
			b.lost.Add(1)
			return
		case <-time.After(wait):
		}
	}
}

// Soon hands a source over and never waits. When too many wait already, which takes
// a database that is away for long, it is lost, counted and logged.
func (b *Outbox) Soon(s Source) {
	if b.Empty() {
		return
	}
	select {
	case b.soon <- s:
	default:
		if n := b.lost.Add(1); n == 1 || n%100 == 0 {
			b.opt.Log.Error("events are lost to the webhooks, because the database does not take them", "lost", n)
		}
	}
}

// Lost is how many events could not even be kept.
func (b *Outbox) Lost() int64 {
	if b == nil {
		return 0
	}
	return b.lost.Load()
}

// Tell keeps events for every target that wants them. What it returned without an
// error survives the process; what was told before is not told again.
func (b *Outbox) Tell(ctx context.Context, events ...Event) error {
	for _, e := range events {
		raw, err := encode(e, b.opt.Redact)
		if err != nil {
			return fmt.Errorf("%w: %w", store.ErrInvalid, err)
		}
		for _, t := range b.all() {
			if !t.wants(e) {
				continue
			}
			off, err := b.off(ctx, t.Name)
			if err != nil {
				return err
			}
			if off != nil {
				continue
			}
			_, made, err := b.opt.Store.EnqueueJob(ctx, store.Job{ID: messageID(t.mailbox(), e.ID), Kind: kindOf(t.mailbox()), Args: raw, Note: string(e.Kind), MaxAttempts: b.opt.Attempts, CreatedBy: "resync"})
			if err != nil {
				return err
			}
			if made {
				t.worker.Wake()
			}
		}
	}
	return nil
}

// messageID is the webhook-id of an event for a target: the same on every server
// and after every restart.
func messageID(mailbox, event string) string {
	sum := sha256.Sum256([]byte(mailbox + "\x00" + event))
	return "msg_" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16]))
}

// target finds one by name.
func (b *Outbox) target(name string) (*Target, error) {
	if b == nil {
		b = &Outbox{}
	}
	if h := b.hand(name); h != nil {
		return h.Target, nil
	}
	var have []string
	for _, h := range b.all() {
		have = append(have, h.Name)
	}
	return nil, fmt.Errorf("webhook target %q: %w (configured: %s)", name, store.ErrNotFound, cmp.Or(strings.Join(have, ", "), "none"))
}
