package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"resync/breaker"
	"resync/internal/faultnet"
	"resync/internal/store"
	"resync/internal/store/storetest"
)

// TestPostgresAway shares one server, whose start takes longer than the tests.
func TestPostgresAway(t *testing.T) {
	pg := storetest.Postgres(t)
	t.Run("a silent server keeps nobody", func(t *testing.T) { silentServer(t, pg) })
	t.Run("a long transaction is no silence", func(t *testing.T) { longTransaction(t, pg) })
	t.Run("a look passes the breaker", func(t *testing.T) { lookPastBreaker(t, pg) })
}

// A PostgreSQL server that is frozen, or behind a firewall that swallows packets,
// once kept whoever had no deadline of their own until TCP gave up, a quarter of an
// hour later: POST requests, the look at a session, the outcome of an action.
func silentServer(t *testing.T, pg *storetest.Server) {
	t.Parallel()
	url := pg.NewDatabase(t)
	proxy := faultnet.New(t, hostOf(url))
	const patience = 300 * time.Millisecond
	b := breaker.New(breaker.Settings{Name: "database", Failures: 3, Delay: time.Hour})
	s, err := store.Open(t.Context(), strings.Replace(url, hostOf(url), proxy.Addr(), 1), store.WithBreaker(b), store.WithPatience(patience))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	forever := context.Background()
	silent := func() { proxy.Set(faultnet.Blackhole()) }
	for _, tt := range []struct {
		name string
		call func() error
	}{
		{"a read", func() error { silent(); _, err := s.Breakers(forever); return err }},
		{"a write", func() error { silent(); return s.SaveBreaker(forever, "x", []byte("{}")) }},
		{"a ping", func() error { silent(); return s.Ping(forever) }},
		{"a look", func() error { silent(); return s.Look(forever) }},
		{"the second statement", func() error {
			return s.Transaction(forever, func(exec func(string) error) error {
				if err := exec("select 1"); err != nil {
					return errors.New("the first: " + err.Error())
				}
				silent()
				return exec("select 2")
			})
		}},
		{"the commit", func() error {
			return s.Transaction(forever, func(exec func(string) error) error { err := exec("select 1"); silent(); return err })
		}},
		{"the middle of a long answer", func() error {
			n := 0
			err := s.Each(forever, "select repeat('x', 100000) from generate_series(1, 100)", func(string) {
				if n++; n == 1 {
					silent()
				}
			})
			if n == 100 {
				t.Error("all rows came: this proves nothing")
			}
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proxy.Set(faultnet.Pass())
			if err := b.Reset("next", "test"); err != nil {
				t.Fatal(err)
			}
			if err := s.Ping(forever); err != nil {
				t.Fatal("before:", err)
			}
			began := time.Now()
			err := tt.call()
			took := time.Since(began)
			if !errors.Is(err, store.ErrAway) || !strings.Contains(err.Error(), "said nothing for 300ms") {
				t.Errorf("%v", err)
			}
			t.Logf("ended after %s", took)
			if took < patience || took > patience+5*time.Second { // 100 ms is the goal; a busy machine needs slack
				t.Errorf("it took %s", took)
			}
		})
	}
}

// What is bounded is one silence: work between statements and rows that are read
// slowly are ours.
func longTransaction(t *testing.T, pg *storetest.Server) {
	t.Parallel()
	const patience = 250 * time.Millisecond
	s, err := store.Open(t.Context(), pg.NewDatabase(t), store.WithPatience(patience))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.Transaction(t.Context(), func(exec func(string) error) error {
		for range 2 {
			time.Sleep(patience * 3 / 2)
			if err := exec("select 1"); err != nil {
				return err
			}
		}
		time.Sleep(patience * 3 / 2)
		return nil
	})
	if err != nil {
		t.Errorf("a transaction of three pauses: %v", err)
	}
	n := 0
	err = s.Each(t.Context(), "select repeat('x', 100000) from generate_series(1, 100)", func(string) {
		if n++; n%50 == 1 {
			time.Sleep(patience * 3 / 2)
		}
	})
	if err != nil || n != 100 {
		t.Errorf("rows read slowly: %d, %v", n, err)
	}
	if err := s.Each(t.Context(), "select cast(pg_sleep(60) as text)", func(string) {}); !errors.Is(err, store.ErrAway) {
		t.Errorf("a statement that never ends: %v", err)
	}
}

// A look goes past an open breaker and leaves it alone; it says that the database is
// back, and who asked ends the delay.
func lookPastBreaker(t *testing.T, pg *storetest.Server) {
	t.Parallel()
	url := pg.NewDatabase(t)
	proxy := faultnet.New(t, hostOf(url))
	b := breaker.New(breaker.Settings{Name: "database", Failures: 3, Delay: time.Hour})
	s, err := store.Open(t.Context(), strings.Replace(url, hostOf(url), proxy.Addr(), 1), store.WithBreaker(b), store.WithPatience(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	proxy.Set(faultnet.Refuse())
	for range 5 {
		if err := s.Ping(t.Context()); err == nil {
			t.Fatal("a ping of nothing")
		}
	}
	var open *breaker.OpenError
	if _, err := s.Breakers(t.Context()); !errors.As(err, &open) || errors.Is(err, store.ErrAway) {
		t.Errorf("a read behind the open breaker: %v", err)
	}
	before := b.Status().TotalCalls
	if err := s.Look(t.Context()); !errors.Is(err, store.ErrAway) {
		t.Errorf("a look at nothing: %v", err)
	}
	proxy.Set(faultnet.Pass())
	if err := s.Look(t.Context()); err != nil || b.State() != breaker.Open || b.Status().TotalCalls != before {
		t.Errorf("a look at a database that is back: %v; the breaker is %s", err, b.State())
	}
	if !b.TryNow(t.Context(), "it answers") || s.Ping(t.Context()) != nil || b.State() != breaker.Closed {
		t.Errorf("after the probe: %s", b.State())
	}
}
