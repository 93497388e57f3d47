package app

import (
	"log/slog"
	"maps"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resync/breaker"
	"resync/internal/api"
	"resync/internal/config"
	"resync/internal/event"
	"resync/internal/store"
)

// guards is the part of a server that keeps circuit breakers, over a database file.
func guards(t *testing.T, file string) *App {
	t.Helper()
	a := &App{opt: Options{Config: &config.Config{}}, log: slog.New(slog.DiscardHandler), news: event.NewBroker[api.News](1, 1), book: newBreakerBook(), ctx: t.Context()}
	db, err := store.Open(t.Context(), file)
	if err == nil {
		a.db = db
		err = a.openBreakers(t.Context())
	}
	if err == nil {
		err = a.restoreBreakers(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// What an operator forced open is forced open after a restart, also where the breaker
// is made only after the histories are read: that of a model's provider the contract
// does not have, of an added receiver. One that is not set up any more does not come
// back with its old history.
func TestBreakersMadeLateGoOnAfterARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resync.db")
	like := map[string]string{"llm_ollama": "llm_openai", "webhook:nightwatch": "webhook", "webhook:gone": "webhook", "llm_openai": "llm_openai"}
	first := guards(t, file)
	for name, model := range like {
		if _, err := first.breakerOf(name, model); err != nil {
			t.Fatal(err)
		}
		if err := first.breakers.ForceOpen(name, "they repair it", "ana", time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	first.saveBreakers(t.Context())
	first.db.Close()

	second := guards(t, file)
	defer second.db.Close()
	states := func(names ...string) map[string]breaker.State {
		got := map[string]breaker.State{}
		for _, name := range names {
			b, err := second.breakerOf(name, like[name])
			if err != nil {
				t.Fatal(err)
			}
			got[name] = b.State()
		}
		return got
	}
	got := states("llm_ollama", "webhook:nightwatch", "llm_openai")
	second.book.started()
	maps.Copy(got, states("webhook:gone"))
	want := map[string]breaker.State{"llm_ollama": breaker.ForcedOpen, "webhook:nightwatch": breaker.ForcedOpen, "llm_openai": breaker.ForcedOpen, "webhook:gone": breaker.Closed}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	b, err := second.breakers.Get("llm_ollama")
	if err != nil {
		t.Fatal(err)
	}
	if s := b.Detail(); s.Switch.By != "ana" || len(s.History) != 2 || s.RetryAfter < 3500 {
		t.Errorf("%+v", s)
	}
}
