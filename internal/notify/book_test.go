package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resync/breaker"
	"resync/internal/config"
	"resync/internal/store"
)

// bookOf is a book on an outbox at work. Addresses are reached as they stand, but
// for "gone", which is what an address looks like whose variable is not set any more.
func bookOf(t *testing.T, p *post) (*Book, *[]string) {
	var mu sync.Mutex
	var gone []string
	k := NewBook(p.box, p.db, func(name string, r Receiver) (Target, error) {
		if r.URL == "gone" {
			return Target{}, &config.Problem{Key: "url", Text: "the variable GONE is not set"}
		}
		kinds, err := ParseKinds(r.Events)
		if err != nil {
			return Target{}, &config.Problem{Key: "events", Text: err.Error()}
		}
		b := breaker.New(breaker.Settings{Name: "webhook:" + name, Failures: 5, Delay: time.Minute})
		return Target{URL: r.URL, Name: name, Format: Standard, Kinds: kinds, Timeout: time.Second, Breaker: b, Client: clientOf(t, localGuard(t), b)}, nil
	}, func(name string) { mu.Lock(); gone = append(gone, name); mu.Unlock() })
	must(t, k.Load(t.Context()))
	return k, &gone
}

func ev(id string, kind Kind) Event {
	return Event{ID: id, Kind: kind, At: time.Now(), Severity: Info, Title: id}
}

// A receiver that is added hears what happens from then on, changed it hears
// elsewhere, removed it hears nothing; a second server follows, and a restart.
func TestReceiversComeChangeAndGo(t *testing.T) {
	first, second := newReceiver(t, nil), newReceiver(t, nil)
	p := newPost(t, nil, Options{})
	other := newPost(t, p.db, Options{})
	book, gone := bookOf(t, p)
	follower, followed := bookOf(t, other)
	ctx := t.Context()
	must(t, p.box.Tell(ctx, ev("before", JobAbend)))
	st, err := book.Add(ctx, "ops", config.WebhookForm{URL: first.URL, Events: []string{"job.abend"}}, "the night shift", "ana")
	must(t, err)
	if st.Source != FromConsole || st.ChangedBy != "ana" || st.Host != first.URL || st.Problem != "" || p.box.Empty() {
		t.Errorf("%+v", st)
	}
	must(t, p.box.Tell(ctx, ev("one", JobAbend), ev("not wanted", ActionDone)))
	p.eventually("the first message", func() bool { return len(first.all()) == 1 })

	must(t, follower.Load(ctx))
	must(t, other.box.Tell(ctx, ev("two", JobAbend)))
	p.eventually("what the other server tells", func() bool { return len(first.all()) == 2 })

	_, err = book.Change(ctx, "ops", func(f *config.WebhookForm) { f.URL, f.Events = second.URL, nil }, "moved", "ben")
	must(t, err)
	must(t, follower.Load(ctx))
	must(t, p.box.Tell(ctx, ev("three", ActionDone)))
	p.eventually("the message at the new place", func() bool { return len(second.all()) == 1 })

	again, _ := bookOf(t, newPost(t, p.db, Options{})) // as after a restart
	if r, err := again.added("ops"); err != nil || r.ChangedBy != "ben" || r.URL != second.URL {
		t.Errorf("after a restart: %+v, %v", r, err)
	}
	n, err := book.Remove(ctx, "ops", "not needed", "ana")
	must(t, err)
	must(t, follower.Load(ctx))
	must(t, p.box.Tell(ctx, ev("four", JobAbend)))
	if n != 0 || !p.box.Empty() || !other.box.Empty() || len(first.all()) != 2 || len(second.all()) != 1 {
		t.Errorf("%d ended; %d and %d messages", n, len(first.all()), len(second.all()))
	}
	if diff := cmp.Diff([][]string{{"ops"}, {"ops"}}, [][]string{*gone, *followed}); diff != "" {
		t.Error(diff)
	}
	audits, err := p.db.Audits(ctx, store.AuditFilter{Action: "webhook.*"})
	must(t, err)
	var told []string
	for _, a := range audits {
		told = append(told, a.Actor+" "+a.Action+" "+a.Target+" "+a.Reason)
	}
	if diff := cmp.Diff([]string{"ana webhook.remove ops not needed", "ben webhook.change ops moved", "ana webhook.add ops the night shift"}, told); diff != "" {
		t.Error(diff)
	}
}

// What waits for a receiver that is removed ends with it: another of its name is
// somebody else.
func TestRemovingEndsWhatWaits(t *testing.T) {
	down := newReceiver(t, nil)
	down.Close()
	up := newReceiver(t, nil)
	p := newPost(t, nil, Options{})
	book, _ := bookOf(t, p)
	ctx := t.Context()
	_, err := book.Add(ctx, "ops", config.WebhookForm{URL: down.URL}, "r", "ana")
	must(t, err)
	must(t, p.box.Tell(ctx, ev("one", JobAbend), ev("two", JobAbend)))
	p.eventually("both tried in vain", func() bool {
		list, err := p.box.Deliveries(ctx, "ops", 10)
		return err == nil && len(list) == 2 && list[0].Error != "" && list[1].Error != ""
	})
	if _, err := p.box.SwitchOff(ctx, "ops", "quiet", "ana"); err != nil {
		t.Fatal(err)
	}
	n, err := book.Remove(ctx, "ops", "r", "ana")
	if err != nil || n != 2 {
		t.Errorf("%d ended, %v", n, err)
	}
	st, err := book.Add(ctx, "ops", config.WebhookForm{URL: up.URL}, "another", "ana")
	if err != nil || st.Off != nil || st.Waiting != 0 {
		t.Errorf("%+v, %v", st, err)
	}
	must(t, p.box.Tell(ctx, ev("three", JobAbend)))
	p.eventually("the new one's message", func() bool { return len(up.all()) == 1 })
	if list, err := p.box.Deliveries(ctx, "ops", 10); err != nil || len(list) != 1 || list[0].Target != "ops" {
		t.Errorf("its messages: %+v, %v", list, err)
	}
	if title := up.all()[0].title(); title != "three" {
		t.Errorf("it heard %q", title)
	}
}

// A receiver whose variable is not set any more is there with its problem, and what
// it would have been told waits for it.
func TestAReceiverThatCannotBeReachedAnyMore(t *testing.T) {
	up, path := newReceiver(t, nil), tmpDB(t)
	p := newPost(t, openDB(t, path), Options{})
	book, _ := bookOf(t, p)
	ctx := t.Context()
	_, err := p.db.PutSetting(ctx, bookName, []byte(`{"ops":{"url":"gone","created_at":"2026-11-22T10:00:00Z","changed_at":"2026-11-22T10:00:00Z","changed_by":"ana"}}`), "ana")
	must(t, err)
	must(t, book.Load(ctx))
	must(t, p.box.Tell(ctx, ev("one", JobAbend)))
	p.eventually("the message to wait", func() bool {
		list, err := p.box.Deliveries(ctx, "ops", 10)
		return err == nil && len(list) == 1 && strings.Contains(list[0].Error, "GONE is not set")
	})
	st, err := p.box.status(ctx, "ops")
	if err != nil || st.Problem == "" || st.Waiting != 1 || st.Format != Standard {
		t.Errorf("%+v, %v", st, err)
	}
	if trial, err := p.box.Try(ctx, "ops", "ana"); err != nil || trial.OK || !strings.Contains(trial.Error, "GONE is not set") {
		t.Errorf("%+v, %v", trial, err)
	}
	_, err = book.Change(ctx, "ops", func(f *config.WebhookForm) { f.URL = up.URL }, "set again", "ana")
	must(t, err)
	p.soonAgain(path)
	p.eventually("the message that waited", func() bool { return len(up.all()) == 1 })
}

// A receiver is not told at a start what happened before it was added.
func TestReceiversDoNotHearOldNews(t *testing.T) {
	up := newReceiver(t, nil)
	p := newPost(t, nil, Options{})
	book, _ := bookOf(t, p)
	_, err := book.Add(t.Context(), "ops", config.WebhookForm{URL: up.URL}, "r", "ana")
	must(t, err)
	old, fresh := ev("old", ActionDone), ev("fresh", ActionDone)
	old.At, old.Again, fresh.Again = time.Now().Add(-time.Hour), true, true
	fresh.At = time.Now().Add(time.Second)
	must(t, p.box.Tell(t.Context(), old, fresh))
	p.eventually("the fresh one", func() bool { return len(up.all()) == 1 })
	if title := up.all()[0].title(); title != "fresh" {
		t.Errorf("it heard %q", title)
	}
}

func TestReceiversThatCannotBe(t *testing.T) {
	up := newReceiver(t, nil)
	p := newPost(t, nil, Options{Targets: []Target{targetAt(t, "file", up.URL)}})
	book, _ := bookOf(t, p)
	ctx := t.Context()
	good := config.WebhookForm{URL: up.URL}
	_, err := book.Add(ctx, "ops", good, "r", "ana")
	must(t, err)
	nothing := func(*config.WebhookForm) {}
	for what, c := range map[string]struct {
		do   func() error
		want error
		says string
	}{
		"taken":         {func() error { _, err := book.Add(ctx, "ops", good, "r", "a"); return err }, ErrTaken, `"ops"`},
		"of the file":   {func() error { _, err := book.Add(ctx, "file", good, "r", "a"); return err }, ErrTaken, "settings file"},
		"change file's": {func() error { _, err := book.Change(ctx, "file", nothing, "r", "a"); return err }, ErrFixed, "settings file"},
		"remove file's": {func() error { _, err := book.Remove(ctx, "file", "r", "a"); return err }, ErrFixed, "settings file"},
		"change nobody": {func() error { _, err := book.Change(ctx, "none", nothing, "r", "a"); return err }, store.ErrNotFound, "configured: file, ops"},
		"remove nobody": {func() error { _, err := book.Remove(ctx, "none", "r", "a"); return err }, store.ErrNotFound, "none"},
		"a wrong change": {func() error {
			_, err := book.Change(ctx, "ops", func(f *config.WebhookForm) { f.Events = []string{"x"} }, "r", "a")
			return err
		}, nil, "events: "},
	} {
		if err := c.do(); err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if r, err := book.added("ops"); err != nil || r.Events != nil {
		t.Errorf("a refused change left %+v, %v", r, err)
	}
	many := map[string]Receiver{}
	for i := range maxAdded {
		many[fmt.Sprintf("r%d", i)] = Receiver{WebhookForm: good}
	}
	raw, err := json.Marshal(many)
	must(t, err)
	_, err = p.db.PutSetting(ctx, bookName, raw, "ana") // by another server
	must(t, err)
	var field *config.Problem
	if _, err := book.Add(ctx, "one-more", good, "r", "ana"); !errors.As(err, &field) || field.Key != "name" {
		t.Errorf("%d and one more: %v", maxAdded, err)
	}
}

// Of two administrators who change a receiver at once, one is told to look again.
func TestReceiversAreNotOverwrittenBlindly(t *testing.T) {
	up := newReceiver(t, nil)
	p := newPost(t, nil, Options{})
	book, _ := bookOf(t, p)
	ctx := t.Context()
	_, err := book.Add(ctx, "ops", config.WebhookForm{URL: up.URL}, "r", "ana")
	must(t, err)
	_, err = book.Change(ctx, "ops", func(f *config.WebhookForm) {
		time.Sleep(2 * time.Millisecond) // times are kept in milliseconds
		if _, err := book.Change(context.WithoutCancel(ctx), "ops", func(f *config.WebhookForm) { f.Timeout = "3s" }, "r", "ben"); err != nil {
			t.Error(err)
		}
		f.Timeout = "4s"
	}, "r", "ana")
	if !errors.Is(err, ErrMoved) {
		t.Errorf("%v", err)
	}
	if r, err := book.added("ops"); err != nil || r.Timeout != "3s" {
		t.Errorf("%+v, %v", r, err)
	}
}
