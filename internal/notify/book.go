package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"resync/internal/config"
	"resync/internal/store"
)

// Receiver is a target that an administrator has added while the program runs.
type Receiver struct {
	config.WebhookForm
	CreatedAt time.Time `json:"created_at"` // what happened before is not told
	ChangedAt time.Time `json:"changed_at"`
	ChangedBy string    `json:"changed_by"`
}

// Kept is where added receivers are kept. *store.Store is one.
type Kept interface {
	// ChangeSetting keeps them with its audit line in one transaction.
	ChangeSetting(ctx context.Context, name string, change func(old json.RawMessage) (json.RawMessage, store.Audit, error)) (store.Setting, error)
	// CancelWork ends a message that waits.
	CancelWork(ctx context.Context, id, by string) (store.Job, error)
}

// bookName is the setting of the added receivers; maxAdded how many there may be.
const (
	bookName = "webhooks.receivers"
	maxAdded = 50
)

// ErrTaken refuses a receiver whose name another has.
var ErrTaken = errors.New("a receiver has this name")

// ErrFixed refuses to change a receiver of the settings file.
var ErrFixed = errors.New("this receiver stands in the settings file and is changed there")

// ErrMoved refuses a change of what somebody else has changed meanwhile.
var ErrMoved = errors.New("somebody else has changed this receiver meanwhile; look at it again")

// Book keeps the receivers that administrators add, change and remove while the
// program runs, beside those of the settings file, and has an outbox tell them. It
// is safe for concurrent use.
type Book struct {
	out  *Outbox
	kept Kept
	// build makes the target; the error of one that cannot be is a *config.Problem.
	build func(name string, r Receiver) (Target, error)
	gone  func(name string)

	mu   sync.Mutex
	held map[string]Receiver
}

// NewBook makes a book that makes targets with build and tells gone of a receiver
// that was removed, on every server. Nothing holds before [Book.Load].
func NewBook(out *Outbox, kept Kept, build func(name string, r Receiver) (Target, error), gone func(name string)) *Book {
	return &Book{out: out, kept: kept, build: build, gone: gone, held: map[string]Receiver{}}
}

// Load reads the receivers and makes them true: at the start, and when another
// server has changed them. One that cannot be reached as it is set up any more (a
// variable is gone) is there all the same, with its problem, and its messages wait.
func (k *Book) Load(ctx context.Context) error {
	k.mu.Lock() // a slower reading must not win over a later one
	defer k.mu.Unlock()
	list := map[string]Receiver{}
	set, err := k.out.opt.Store.Setting(ctx, bookName)
	if err == nil {
		err = json.Unmarshal(set.Value, &list)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("read the receivers of webhooks: %w", err)
	}
	return k.hold(list)
}

// hold makes a list true; k.mu is held.
func (k *Book) hold(list map[string]Receiver) error {
	for name := range k.held {
		if _, still := list[name]; !still {
			k.out.Remove(name)
			k.gone(name)
			delete(k.held, name)
		}
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(list)) {
		r := list[name]
		if was, ok := k.held[name]; ok && reflect.DeepEqual(was, r) {
			continue
		}
		if k.fixed(name) {
			errs = append(errs, fmt.Errorf("the receiver %s of the console: %w", name, ErrTaken)) // the file has got one of this name since
			continue
		}
		t, err := k.build(name, r)
		t.Name, t.Format, t.Since, t.Added, t.Broken = name, cmp.Or(t.Format, Format(r.Format), Standard), r.CreatedAt, &r, err
		if err := k.out.Set(t); err != nil {
			errs = append(errs, err)
			continue
		}
		k.held[name] = r
	}
	return errors.Join(errs...)
}

// fixed reports whether the settings file has a receiver of that name.
func (k *Book) fixed(name string) bool {
	h := k.out.hand(name)
	return h != nil && h.Added == nil
}

// Add keeps a new receiver. A *config.Problem names the field that cannot be; [ErrTaken].
func (k *Book) Add(ctx context.Context, name string, f config.WebhookForm, reason, by string) (Status, error) {
	if k.fixed(name) {
		return Status{}, fmt.Errorf("%q: %w in the settings file", name, ErrTaken)
	}
	now := k.now()
	r := Receiver{f, now, now, by}
	return k.put(ctx, name, r, "webhook.add", reason, by, func(old map[string]Receiver) error {
		if _, taken := old[name]; taken {
			return fmt.Errorf("%q: %w", name, ErrTaken)
		}
		if len(old) >= maxAdded {
			return &config.Problem{Key: "name", Text: fmt.Sprintf("there are %d receivers; more are not kept here, but may stand in the settings file", maxAdded)}
		}
		return nil
	})
}

// Change keeps other words for a receiver: change gets those there are. A
// *config.Problem names the field that cannot be; [ErrFixed], [ErrMoved].
func (k *Book) Change(ctx context.Context, name string, change func(*config.WebhookForm), reason, by string) (Status, error) {
	was, err := k.added(name)
	if err != nil {
		return Status{}, err
	}
	r := was
	r.Events = slices.Clone(was.Events)
	change(&r.WebhookForm)
	r.ChangedAt, r.ChangedBy = k.now(), by
	return k.put(ctx, name, r, "webhook.change", reason, by, func(old map[string]Receiver) error {
		if !old[name].ChangedAt.Equal(was.ChangedAt) {
			return ErrMoved
		}
		return nil
	})
}

// now is the time as it is kept.
func (k *Book) now() time.Time { return k.out.opt.Now().UTC().Truncate(time.Millisecond) }

// added is a receiver of the console.
func (k *Book) added(name string) (Receiver, error) {
	t, err := k.out.target(name)
	if err != nil {
		return Receiver{}, err
	}
	if t.Added == nil {
		return Receiver{}, fmt.Errorf("%q: %w", name, ErrFixed)
	}
	return *t.Added, nil
}

// put checks a receiver, keeps it with its audit line and makes it true.
func (k *Book) put(ctx context.Context, name string, r Receiver, action, reason, by string, allowed func(old map[string]Receiver) error) (Status, error) {
	if _, err := k.build(name, r); err != nil {
		return Status{}, err
	}
	err := k.change(ctx, func(list map[string]Receiver) (store.Audit, error) {
		if err := allowed(list); err != nil {
			return store.Audit{}, err
		}
		var before *WebhookShown
		if was, ok := list[name]; ok {
			before = shown(was.WebhookForm)
		}
		list[name] = r
		detail, err := json.Marshal(map[string]any{"before": before, "after": shown(r.WebhookForm)})
		return store.Audit{Actor: by, Action: action, Target: name, Reason: reason, Detail: detail}, err
	})
	if err != nil {
		return Status{}, err
	}
	return k.out.status(ctx, name)
}

// change has the kept receivers changed, and makes what came of it true.
func (k *Book) change(ctx context.Context, do func(list map[string]Receiver) (store.Audit, error)) error {
	_, err := k.kept.ChangeSetting(ctx, bookName, func(old json.RawMessage) (json.RawMessage, store.Audit, error) {
		list := map[string]Receiver{}
		if old != nil {
			if err := json.Unmarshal(old, &list); err != nil {
				return nil, store.Audit{}, fmt.Errorf("read the receivers of webhooks: %w", err)
			}
		}
		a, err := do(list)
		if err != nil {
			return nil, store.Audit{}, err
		}
		raw, err := json.Marshal(list)
		return raw, a, err
	})
	if err != nil {
		return err
	}
	return k.Load(context.WithoutCancel(ctx)) // it is kept: it must come true
}

// Remove forgets a receiver and ends what waits for it. It returns how many messages
// that were.
func (k *Book) Remove(ctx context.Context, name, reason, by string) (int, error) {
	was, err := k.added(name)
	if err != nil {
		return 0, err
	}
	box := kindOf((&Target{Name: name, Added: &was}).mailbox())
	err = k.change(ctx, func(list map[string]Receiver) (store.Audit, error) {
		if _, there := list[name]; !there {
			return store.Audit{}, fmt.Errorf("%q: %w", name, store.ErrNotFound)
		}
		delete(list, name)
		detail, err := json.Marshal(map[string]any{"before": shown(was.WebhookForm)})
		return store.Audit{Actor: by, Action: "webhook.remove", Target: name, Reason: reason, Detail: detail}, err
	})
	if err != nil {
		return 0, err
	}
	if err := k.out.opt.Store.DeleteSetting(ctx, offKey(name)); err != nil {
		return 0, err
	}
	return k.endWaiting(ctx, box, by)
}

// endWaiting ends the messages of a receiver that has gone. One that is being sent is
// given back by its worker and nobody takes it up again.
func (k *Book) endWaiting(ctx context.Context, kind, by string) (int, error) {
	n := 0
	for {
		rows, err := k.out.opt.Store.JobsWhere(ctx, store.JobFilter{Kinds: []string{kind}, States: []store.JobState{store.JobPending}, Limit: 500})
		if err != nil {
			return n, err
		}
		if len(rows) == 0 {
			return n, nil
		}
		for _, j := range rows {
			_, err := k.kept.CancelWork(ctx, j.ID, by)
			if err != nil && !errors.Is(err, store.ErrAlreadyFinal) {
				return n, err
			}
			n++
		}
	}
}

// WebhookShown is a receiver as the audit may hold it.
type WebhookShown struct {
	URL     string   `json:"url"` // the reference, or the host
	Format  string   `json:"format,omitempty"`
	Secret  string   `json:"secret,omitempty"` // the reference
	Events  []string `json:"events,omitempty"`
	Timeout string   `json:"timeout,omitempty"`
}

func shown(f config.WebhookForm) *WebhookShown {
	v := &WebhookShown{strings.TrimSpace(f.URL), f.Format, f.Secret, f.Events, f.Timeout}
	if !config.IsReference(v.URL) {
		v.URL = Host(v.URL)
	}
	return v
}

// added fills in what an added receiver has beyond one of the settings.
func (t *Target) added(st *Status) {
	if t.Broken != nil {
		st.Problem = t.Broken.Error()
	}
	r := t.Added
	if r == nil {
		return
	}
	st.Source, st.ChangedBy, st.ChangedAt, st.SecretFrom = FromConsole, r.ChangedBy, &r.ChangedAt, r.Secret
	if config.IsReference(r.URL) {
		st.URLFrom = r.URL
	}
}
