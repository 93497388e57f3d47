package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"resync/internal/store"
)

func testUsers(t *testing.T, open OpenFunc) {
	c := newClock()
	s, _ := open(t, store.WithClock(c.Now))
	t.Run("accounts", func(t *testing.T) { testAccounts(t, s, c) })
	t.Run("sessions", func(t *testing.T) { testSessions(t, s, c) })
	t.Run("login tokens", func(t *testing.T) { testLoginTokens(t, s, c) })
	t.Run("login failures", func(t *testing.T) { testLoginFailures(t, s, c) })
}

func testAccounts(t *testing.T, s *store.Store, c *clock) {
	ctx := t.Context()
	created := c.Now()
	ana := store.User{Name: "ana", Roles: []string{"operator", "approver"}, PasswordHash: "$argon2id$x"}
	must(t, s.CreateUser(ctx, ana))
	ana.CreatedAt, ana.UpdatedAt = created, created
	got, err := s.User(ctx, "ana")
	must(t, err)
	equal(t, "account", ana, got)

	c.Advance(time.Minute)
	change := func(name string, fn func(*store.User)) error {
		return s.ChangeUser(ctx, name, func(u *store.User) error {
			fn(u)
			return nil
		})
	}
	must(t, change("ana", func(u *store.User) { u.Disabled, u.Name = true, "eve" })) // the name stays
	ana.Disabled, ana.UpdatedAt = true, c.Now()
	must(t, s.CreateUser(ctx, store.User{Name: "Ana"}))
	list, err := s.Users(ctx)
	must(t, err)
	if len(list) != 2 { // names differ in case: two accounts; their order is the engine's
		t.Fatalf("accounts: %+v", list)
	}
	got, err = s.User(ctx, "ana")
	must(t, err)
	equal(t, "changed account", ana, got)
	must(t, s.DeleteUser(ctx, "Ana"))
	for name, err := range map[string]error{
		"delete again":   s.DeleteUser(ctx, "Ana"),
		"read deleted":   func() error { _, err := s.User(ctx, "Ana"); return err }(),
		"change deleted": change("Ana", func(*store.User) {}),
	} {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []store.User{{}, {Name: "x", Roles: []string{"a b"}}, {Name: "x", Roles: []string{""}}} {
		if err := s.CreateUser(ctx, bad); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if err := s.CreateUser(ctx, store.User{Name: "ana"}); !errors.Is(err, store.ErrExists) {
		t.Errorf("same name: %v", err)
	}
	if err := change("ana", func(u *store.User) { u.Roles = []string{"a b"} }); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("change to a bad role: %v", err)
	}
	no := errors.New("no")
	if err := s.ChangeUser(ctx, "ana", func(u *store.User) error { u.Roles = nil; return no }); !errors.Is(err, no) {
		t.Errorf("change that fn refuses: %v", err)
	}
	got, err = s.User(ctx, "ana")
	must(t, err)
	equal(t, "after refused changes", ana, got)

	// No change is lost when several are made at once.
	for _, err := range contenders(ctx, 16, func(ctx context.Context, i int) error {
		return s.ChangeUser(ctx, "ana", func(u *store.User) error {
			u.Roles = append(u.Roles, fmt.Sprint("r", i))
			return nil
		})
	}) {
		must(t, err)
	}
	got, err = s.User(ctx, "ana")
	must(t, err)
	equal(t, "roles added at once", 2+16, len(got.Roles))
}

func testSessions(t *testing.T, s *store.Store, c *clock) {
	ctx := t.Context()
	bo := store.User{Name: "bo", Roles: []string{"viewer"}}
	must(t, s.CreateUser(ctx, bo))
	change := func(fn func(*store.User)) error {
		return s.ChangeUser(ctx, "bo", func(u *store.User) error {
			fn(u)
			return nil
		})
	}
	put := func(hash string) store.Session {
		t.Helper()
		v := store.Session{TokenHash: hash, User: "bo", CreatedAt: c.Now(), LastSeen: c.Now(), ExpiresAt: c.Now().Add(12 * time.Hour)}
		must(t, s.PutSession(ctx, v))
		return v
	}
	gone := func(what, hash string) {
		t.Helper()
		if _, _, err := s.Session(ctx, hash); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	want := put("h1")
	want.LastSeen = c.Now().Add(time.Minute)
	must(t, s.TouchSession(ctx, "h1", want.LastSeen))
	must(t, s.TouchSession(ctx, "h1", c.Now())) // an older time is ignored
	got, user, err := s.Session(ctx, "h1")
	must(t, err)
	equal(t, "session", want, got)
	equal(t, "its roles", bo.Roles, user.Roles)

	must(t, s.DeleteSession(ctx, "h1"))
	gone("after logout", "h1")
	must(t, s.DeleteSession(ctx, "h1"))
	put("h2")
	must(t, change(func(*store.User) {}))
	if _, _, err := s.Session(ctx, "h2"); err != nil {
		t.Errorf("an unchanged account lost its session: %v", err)
	}
	must(t, change(func(u *store.User) { u.Roles = []string{"operator"} }))
	gone("after a role change", "h2")
	put("h3")
	must(t, change(func(u *store.User) { u.Disabled = true }))
	gone("after disabling", "h3")
	put("h4")
	must(t, s.DeleteSessions(ctx, "bo"))
	gone("after ending all", "h4")
	if err := s.TouchSession(ctx, "h4", c.Now()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("touch an ended session: %v", err)
	}
	if err := s.PutSession(ctx, store.Session{TokenHash: "h5", User: "nobody"}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("session of nobody: %v", err)
	}
	put("h6")
	c.Advance(24 * time.Hour)
	put("h7")
	must(t, s.PruneLogins(ctx, c.Now()))
	gone("after pruning", "h6")
	if _, _, err := s.Session(ctx, "h7"); err != nil {
		t.Errorf("pruned a live session: %v", err)
	}
}

func testLoginTokens(t *testing.T, s *store.Store, c *clock) {
	ctx := t.Context()
	must(t, s.CreateUser(ctx, store.User{Name: "cy"}))
	put := func(hash string) {
		t.Helper()
		must(t, s.PutLoginToken(ctx, store.LoginToken{TokenHash: hash, User: "cy", ExpiresAt: c.Now().Add(15 * time.Minute)}))
	}
	put("t1")
	won := 0
	for _, err := range contenders(ctx, contention, func(ctx context.Context, _ int) error {
		user, err := s.ConsumeLoginToken(ctx, "t1")
		if err == nil && user != "cy" {
			t.Errorf("the token is %q's", user)
		}
		return err
	}) {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, store.ErrUsed):
			t.Errorf("a loser got %v", err)
		}
	}
	equal(t, "logins with one token", 1, won)
	put("t2")
	c.Advance(15 * time.Minute)
	for hash, want := range map[string]error{"t2": store.ErrExpired, "t1": store.ErrUsed, "none": store.ErrNotFound} {
		if _, err := s.ConsumeLoginToken(ctx, hash); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", hash, err, want)
		}
	}
	put("t3")
	must(t, s.ChangeUser(ctx, "cy", func(u *store.User) error {
		u.Disabled = true
		return nil
	}))
	if _, err := s.ConsumeLoginToken(ctx, "t3"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("token of a disabled user: %v", err)
	}
	if err := s.PutLoginToken(ctx, store.LoginToken{TokenHash: "t4", User: "nobody"}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("token of nobody: %v", err)
	}
}

func testLoginFailures(t *testing.T, s *store.Store, c *clock) {
	ctx := t.Context()
	start := c.Now()
	for i := range 5 {
		must(t, s.AddLoginFailure(ctx, "nobody\x00", "10.0.0.1", start.Add(time.Duration(i)*time.Minute)))
	}
	must(t, s.AddLoginFailure(ctx, "nobody", "10.0.0.2", start))
	count := func(user, address string, since time.Time) int {
		t.Helper()
		n, err := s.LoginFailures(ctx, user, address, since)
		must(t, err)
		return n
	}
	equal(t, "all", 5, count("nobody", "10.0.0.1", start.Add(-time.Minute)))
	equal(t, "later ones", 3, count("nobody", "10.0.0.1", start.Add(time.Minute)))
	equal(t, "other address", 1, count("nobody", "10.0.0.2", start.Add(-time.Minute)))
	must(t, s.ClearLoginFailures(ctx, "nobody", "10.0.0.1"))
	equal(t, "after a login", 0, count("nobody", "10.0.0.1", time.Time{}))
	equal(t, "other address still", 1, count("nobody", "10.0.0.2", start.Add(-time.Minute)))
}
