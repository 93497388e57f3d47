package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"resync/breaker"
	"resync/internal/store"
)

// Off says why a target gets nothing.
type Off struct {
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
}

// offKey is the setting under which a switched off target is remembered.
func offKey(target string) string { return "webhooks.off." + target }

// off reads whether a target is switched off; nil when it is not.
func (b *Outbox) off(ctx context.Context, target string) (*Off, error) {
	set, err := b.opt.Store.Setting(ctx, offKey(target))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var off Off
	if err := json.Unmarshal(set.Value, &off); err != nil {
		return nil, fmt.Errorf("reading whether the webhook target %s is switched off: %w", target, err)
	}
	off.At, off.By = set.UpdatedAt, set.UpdatedBy
	return &off, nil
}

// SwitchOff ends deliveries to a target until SwitchOn, on all servers. Who did it
// and why stands in the audit.
func (b *Outbox) SwitchOff(ctx context.Context, target, reason, by string) (Status, error) {
	if _, err := b.target(target); err != nil {
		return Status{}, err
	}
	raw, err := json.Marshal(map[string]string{"reason": reason})
	if err == nil {
		_, err = b.opt.Store.PutSetting(ctx, offKey(target), raw, by)
	}
	if err != nil {
		return Status{}, fmt.Errorf("switching the webhook target %s off: %w", target, err)
	}
	if err := b.audit(ctx, "webhook.off", target, reason, by); err != nil {
		return Status{}, err
	}
	return b.status(ctx, target)
}

// SwitchOn lets a target have messages again. What was put aside is sent by
// Redeliver.
func (b *Outbox) SwitchOn(ctx context.Context, target, reason, by string) (Status, error) {
	if _, err := b.target(target); err != nil {
		return Status{}, err
	}
	if err := b.opt.Store.DeleteSetting(ctx, offKey(target)); err != nil {
		return Status{}, fmt.Errorf("switching the webhook target %s on: %w", target, err)
	}
	if err := b.audit(ctx, "webhook.on", target, reason, by); err != nil {
		return Status{}, err
	}
	b.wake(target)
	return b.status(ctx, target)
}

// audit keeps who changed what, and says it in the log.
func (b *Outbox) audit(ctx context.Context, action, target, what, by string) error {
	b.opt.Log.WarnContext(ctx, "webhooks", "action", action, "target", target, "by", by, "reason", what)
	return b.opt.Store.AddAudit(ctx, store.Audit{Actor: by, Action: action, Target: target, Reason: what})
}

// Status is a target as operators see it.
type Status struct {
	Name    string        `json:"name"`
	Format  Format        `json:"format"`
	Host    string        `json:"host"` // scheme and host; the path may be a secret
	Signed  bool          `json:"signed"`
	Events  []Kind        `json:"events"` // all when empty
	Timeout float64       `json:"timeout_seconds"`
	Off     *Off          `json:"off,omitempty"` // set while it gets nothing
	Breaker breaker.State `json:"breaker_state"`
	Waiting int           `json:"waiting"`                 // messages to be sent
	Failed  int           `json:"failed"`                  // messages put aside
	Last    *Delivery     `json:"last_delivery,omitempty"` // the newest message, whatever became of it
	Source  string        `json:"source"`                  // settings, or console: it is changed there
	Problem string        `json:"problem,omitempty"`       // why it cannot be reached as it is set up
	// Of a receiver added in the console: its references, never what they stand for.
	URLFrom    string     `json:"url_reference,omitempty"`
	SecretFrom string     `json:"secret_reference,omitempty"`
	ChangedBy  string     `json:"changed_by,omitempty"`
	ChangedAt  *time.Time `json:"changed_at,omitempty"`
}

// Where a receiver is set up.
const (
	FromSettings = "settings"
	FromConsole  = "console"
)

// Targets lists the targets with how they are.
func (b *Outbox) Targets(ctx context.Context) ([]Status, error) {
	out := []Status{}
	if b == nil {
		return out, nil
	}
	for _, t := range b.all() {
		st, err := b.status(ctx, t.Name)
		if err != nil {
			return nil, err
		}
		out = append(out, st)
	}
	return out, nil
}

func (b *Outbox) status(ctx context.Context, name string) (Status, error) {
	t, err := b.target(name)
	if err != nil {
		return Status{}, err
	}
	st := Status{Name: t.Name, Format: t.Format, Host: Host(t.URL), Signed: t.Format == Standard && t.Secret != "", Events: append([]Kind{}, t.Kinds...),
		Timeout: t.Timeout.Seconds(), Breaker: t.Breaker.State(), Source: FromSettings}
	t.added(&st)
	if st.Off, err = b.off(ctx, name); err != nil {
		return st, err
	}
	n, err := b.opt.Store.CountJobs(ctx, kindOf(t.mailbox()))
	if err != nil {
		return st, err
	}
	st.Waiting, st.Failed = n[store.JobPending]+n[store.JobRunning], n[store.JobFailed]
	last, err := b.list(ctx, name, 1)
	if err == nil && len(last) > 0 {
		st.Last = &last[0]
	}
	return st, err
}

// Delivery is a message and what became of it.
type Delivery struct {
	ID       string         `json:"id"` // the webhook-id
	Target   string         `json:"target"`
	Kind     Kind           `json:"type"`
	Title    string         `json:"title"`
	State    store.JobState `json:"state"`
	Attempts int            `json:"attempts"`
	Error    string         `json:"error,omitempty"` // of the last attempt
	At       time.Time      `json:"at"`              // of the event
	Next     *time.Time     `json:"next_attempt,omitempty"`
	Ended    *time.Time     `json:"ended_at,omitempty"`
}

// Failed lists messages that were put aside, newest first; target "" is all.
func (b *Outbox) Failed(ctx context.Context, target string, limit int) ([]Delivery, error) {
	return b.list(ctx, target, limit, store.JobFailed)
}

// Deliveries lists messages in any state, newest first; target "" is all.
func (b *Outbox) Deliveries(ctx context.Context, target string, limit int) ([]Delivery, error) {
	return b.list(ctx, target, limit)
}

func (b *Outbox) list(ctx context.Context, target string, limit int, states ...store.JobState) ([]Delivery, error) {
	out := []Delivery{}
	if b.Empty() && target == "" {
		return out, nil
	}
	var kinds []string
	if target == "" {
		kinds = b.kinds()
	} else {
		t, err := b.target(target)
		if err != nil {
			return nil, err
		}
		kinds = []string{kindOf(t.mailbox())}
	}
	rows, err := b.opt.Store.JobsWhere(ctx, store.JobFilter{Kinds: kinds, States: states, Limit: limit})
	if err != nil {
		return nil, err
	}
	for _, j := range rows {
		out = append(out, deliveryOf(j))
	}
	return out, nil
}

func deliveryOf(j store.Job) Delivery {
	var m message
	_ = json.Unmarshal(j.Args, &m) // a message that cannot be read is listed by its id
	target, _, _ := strings.Cut(j.Kind[len(kindOf("")):], mailboxMark)
	d := Delivery{ID: j.ID, Target: target, Kind: m.Kind, Title: m.Title, State: j.State, Attempts: j.Attempts, Error: j.Error, At: m.At}
	if j.State.Finished() {
		d.Ended = &j.FinishedAt
	} else {
		d.Next = &j.RunAfter
	}
	return d
}

// Redeliver sends a message again, with its id, whether it was put aside or not.
func (b *Outbox) Redeliver(ctx context.Context, id, by string) (Delivery, error) {
	if b.Empty() {
		return Delivery{}, fmt.Errorf("message %q: %w: there are no webhook targets", id, store.ErrNotFound)
	}
	rows, err := b.opt.Store.JobsWhere(ctx, store.JobFilter{ID: id, Kinds: b.kinds()})
	if err == nil && len(rows) == 0 {
		err = fmt.Errorf("message %q: %w", id, store.ErrNotFound)
	}
	if err != nil {
		return Delivery{}, err
	}
	j, err := b.opt.Store.RepeatJob(ctx, id)
	if err != nil {
		return Delivery{}, err
	}
	d := deliveryOf(j)
	b.wake(d.Target)
	return d, b.audit(ctx, "webhook.redeliver", d.Target, "message "+id, by)
}

// kinds are the kinds of the jobs of all targets; never none, which would be every
// job there is.
func (b *Outbox) kinds() []string {
	out := []string{kindOf("")}
	for _, t := range b.all() {
		out = append(out, kindOf(t.mailbox()))
	}
	return out
}

// RedeliverAll sends again what was put aside, up to 1000 messages; target "" is
// all. It returns how many.
func (b *Outbox) RedeliverAll(ctx context.Context, target, by string) (int, error) {
	rows, err := b.Failed(ctx, target, 1000)
	if err != nil {
		return 0, err
	}
	if len(rows) == 0 {
		return 0, nil
	}
	n := 0
	for _, d := range rows {
		if _, err := b.opt.Store.RepeatJob(ctx, d.ID); err != nil {
			return n, err
		}
		n++
		b.wake(d.Target)
	}
	return n, b.audit(ctx, "webhook.redeliver", target, fmt.Sprintf("%d messages", n), by)
}

// Trial is how a test of a target went.
type Trial struct {
	Target  string  `json:"target"`
	ID      string  `json:"id"` // the webhook-id
	OK      bool    `json:"ok"`
	Status  int     `json:"status,omitempty"` // of the answer
	Seconds float64 `json:"seconds"`
	Error   string  `json:"error,omitempty"`
}

// Try sends a message of kind test to a target now, once, also when it is switched
// off. The error is of the asking, not of the receiver.
func (b *Outbox) Try(ctx context.Context, target, by string) (Trial, error) {
	t, err := b.target(target)
	if err != nil {
		return Trial{}, err
	}
	now := b.opt.Now()
	raw, err := encode(Event{Kind: Test, At: now, Severity: Info, Title: "Resync can reach this receiver", Text: "An administrator tries the webhook. Nothing has happened.",
		Facts: []Fact{{"Target", target}, {"Asked by", by}}}, b.opt.Redact)
	if err != nil {
		return Trial{}, err
	}
	var m message
	if err := json.Unmarshal(raw, &m); err != nil {
		return Trial{}, err
	}
	out := Trial{Target: target, ID: store.NewID("msg")}
	start := time.Now()
	out.Status, err = b.send(ctx, t, m, out.ID)
	out.Seconds, out.OK = time.Since(start).Seconds(), err == nil
	if err != nil {
		out.Error = err.Error()
	}
	b.opt.Log.InfoContext(ctx, "a webhook target was tried", "target", target, "by", by, "ok", out.OK, "status", out.Status)
	return out, nil
}
