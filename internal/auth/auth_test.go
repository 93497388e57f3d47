package auth

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"resync/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var _ Store = (*store.Store)(nil)

const good = "violet teapot under rain" // a password that is accepted

// open returns a service whose hashes are cheap enough to make thousands, and
// its store. Inside a synctest bubble both follow the bubble's clock.
func open(t *testing.T) (*Service, *store.Store) {
	t.Helper()
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "auth.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	s := New(st, nil)
	s.cost = cost{memory: 64, passes: 1, lanes: 1}
	return s, st
}

func addUser(t *testing.T, s *Service, name string, roles ...Role) {
	t.Helper()
	if _, err := s.CreateUser(t.Context(), name, good, NewRoles(roles...)); err != nil {
		t.Fatal(err)
	}
}

func logIn(t *testing.T, s *Service, name string) Session {
	t.Helper()
	v, err := s.Login(t.Context(), name, good, "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

// TestDefect24_NoDefaultAccount: the predecessor had demo users and a fallback
// secret. A new database lets nobody in, with whatever name and password.
func TestDefect24_NoDefaultAccount(t *testing.T) {
	s, _ := open(t)
	accounts, err := s.Accounts(t.Context())
	if err != nil || len(accounts) != 0 {
		t.Fatalf("a new database has accounts: %v %v", accounts, err)
	}
	for i, user := range []string{"admin", "root", "demo", "resync", "", "tws"} {
		for _, password := range []string{"", "admin", user, "change_me_please", "password"} {
			_, err := s.Login(t.Context(), user, password, fmt.Sprint("10.0.0.", i))
			wantErr(t, user+"/"+password, err, ErrCredentials)
		}
	}
	for _, token := range []string{"", "admin", strings.Repeat("A", 43)} {
		_, err := s.Verify(t.Context(), token)
		wantErr(t, "session "+token, err, ErrUnauthenticated)
		_, err = s.LoginWithToken(t.Context(), token)
		wantErr(t, "login token "+token, err, ErrToken)
	}
}

func TestLogin(t *testing.T) {
	s, _ := open(t)
	addUser(t, s, "Ana", Operator, Viewer)
	if _, err := s.CreateUser(t.Context(), "bot", "", NewRoles(Viewer)); err != nil {
		t.Fatal(err)
	}
	v, err := s.Login(t.Context(), " ANA ", good, "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	id, err := s.Verify(t.Context(), v.Token)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Identity{User: "ana", Roles: Roles{Viewer, Operator}, SessionID: v.SessionID}, id); diff != "" {
		t.Errorf("identity (-want +got):\n%s", diff)
	}
	if strings.Contains(hashToken(v.Token), v.Token) || strings.Contains(v.Token, strings.TrimPrefix(v.SessionID, "sess_")) {
		t.Error("the session's name gives its token away")
	}
	for what, c := range map[string][2]string{
		"wrong password":      {"ana", good + "!"},
		"other case":          {"ana", strings.ToUpper(good)},
		"empty password":      {"ana", ""},
		"unknown user":        {"zoe", good},
		"not a name":          {"ana'; --", good},
		"no password set":     {"bot", ""},
		"megabytes":           {"ana", strings.Repeat("x", 1<<20)},
		"hash as password":    {"ana", "$argon2id$v=19$m=64,t=1,p=1$AAAA$AAAA"},
		"NUL in the name":     {"ana\x00", good},
		"NUL in the password": {"ana", good + "\x00"},
	} {
		_, err := s.Login(t.Context(), c[0], c[1], what)
		wantErr(t, what, err, ErrCredentials)
	}
}

func TestSessionExpiry(t *testing.T) {
	for _, c := range []struct {
		name  string
		pause time.Duration // between uses
		want  time.Duration // how long the session lives
	}{
		{"idle", 31 * time.Minute, 31 * time.Minute},
		{"at the idle limit", 30 * time.Minute, 30 * time.Minute},
		{"used now and then", 29 * time.Minute, 12*time.Hour + 5*time.Minute}, // the first use after 12 h
		{"used all the time", 30 * time.Second, 12 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := open(t)
				addUser(t, s, "ana", Viewer)
				v := logIn(t, s, "ana")
				start := time.Now()
				for {
					time.Sleep(c.pause)
					if _, err := s.Verify(t.Context(), v.Token); err != nil {
						wantErr(t, "end", err, ErrUnauthenticated)
						break
					}
				}
				if got := time.Since(start); got != c.want {
					t.Errorf("the session ended after %v, want %v", got, c.want)
				}
				_, err := s.Verify(t.Context(), v.Token)
				wantErr(t, "once more", err, ErrUnauthenticated)
			})
		})
	}
}

func TestSessionEnds(t *testing.T) {
	s, st := open(t)
	ctx := t.Context()
	for name, end := range map[string]func(Session) error{
		"logout":            func(v Session) error { return s.Logout(ctx, v.Token) },
		"logout everywhere": func(v Session) error { return s.LogoutEverywhere(ctx, v.User) },
		"disabled":          func(v Session) error { return s.SetDisabled(ctx, v.User, true) },
		"role change":       func(v Session) error { return s.SetRoles(ctx, v.User, NewRoles(Admin)) },
		"password change":   func(v Session) error { return s.SetPassword(ctx, v.User, good+" again") },
		"deleted":           func(v Session) error { return st.DeleteUser(ctx, v.User) },
	} {
		t.Run(name, func(t *testing.T) {
			user := strings.ReplaceAll(name, " ", "-")
			addUser(t, s, user, Operator)
			v := logIn(t, s, user)
			if _, err := s.Verify(ctx, v.Token); err != nil {
				t.Fatal(err)
			}
			if err := end(v); err != nil {
				t.Fatal(err)
			}
			_, err := s.Verify(ctx, v.Token)
			wantErr(t, "afterwards", err, ErrUnauthenticated)
		})
	}
	addUser(t, s, "bo", Viewer)
	a, b := logIn(t, s, "bo"), logIn(t, s, "bo")
	if err := errors.Join(s.Logout(ctx, a.Token), s.SetRoles(ctx, "bo", NewRoles(Viewer))); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Verify(ctx, b.Token); err != nil {
		t.Errorf("another session ended with a logout, or a change that changed nothing: %v", err)
	}
}

// TestDefect06_PresentRoles: roles are those of the account now, whatever they
// were at the login and whatever the caller says.
func TestDefect06_PresentRoles(t *testing.T) {
	s, _ := open(t)
	ctx := t.Context()
	addUser(t, s, "ana", Approver)
	if err := s.SetRoles(ctx, "ana", NewRoles(Viewer)); err != nil {
		t.Fatal(err)
	}
	id, err := s.Identity(ctx, "ana")
	if err != nil || id.Roles.Has(Approver) {
		t.Errorf("still approver: %+v %v", id, err)
	}
	if err := s.SetDisabled(ctx, "ana", true); err != nil {
		t.Fatal(err)
	}
	_, err = s.Identity(ctx, "ana")
	wantErr(t, "disabled", err, ErrDisabled)
	_, err = s.Login(ctx, "ana", good, "10.0.0.1")
	wantErr(t, "login of a disabled account", err, ErrCredentials)
	_, err = s.Identity(ctx, "zoe")
	wantErr(t, "unknown", err, store.ErrNotFound)
	if err := s.SetDisabled(ctx, "ana", false); err != nil {
		t.Fatal(err)
	}
	logIn(t, s, "ana")
}

func TestLockout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := open(t)
		addUser(t, s, "ana", Viewer)
		try := func(user, password, address string) error {
			_, err := s.Login(t.Context(), user, password, address)
			return err
		}
		locked := func(what string, err error) {
			t.Helper()
			var e *LockedError
			if !errors.As(err, &e) || e.RetryAfter <= 0 || e.RetryAfter > FailureWindow {
				t.Errorf("%s: %v, want it locked", what, err)
			}
		}
		for range MaxFailures - 1 {
			wantErr(t, "wrong", try("ana", "wrong", "10.0.0.1"), ErrCredentials)
		}
		if err := try("ana", good, "10.0.0.1"); err != nil { // the fifth try may succeed, and clears the count
			t.Fatal(err)
		}
		for range MaxFailures {
			wantErr(t, "wrong", try("ANA", "wrong", "10.0.0.1"), ErrCredentials)
		}
		locked("right password after five wrong", try("ana", good, "10.0.0.1"))
		if err := try("ana", good, "10.0.0.2"); err != nil {
			t.Errorf("the owner is locked out from another address: %v", err)
		}
		for range MaxFailures {
			wantErr(t, "unknown user", try("zoe", "wrong", "10.0.0.1"), ErrCredentials)
		}
		locked("an unknown name locks alike", try("zoe", "wrong", "10.0.0.1"))

		time.Sleep(FailureWindow - time.Second)
		locked("just before the end", try("ana", good, "10.0.0.1")) // and this does not prolong it
		time.Sleep(time.Second)
		if err := try("ana", good, "10.0.0.1"); err != nil {
			t.Errorf("after the window: %v", err)
		}
	})
}

// TestLockoutRace: guesses made at the same time are counted too.
func TestLockoutRace(t *testing.T) {
	s, _ := open(t)
	addUser(t, s, "ana", Viewer)
	var mu sync.Mutex
	checked := 0
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			_, err := s.Login(context.Background(), "ana", fmt.Sprint("guess ", i), "10.0.0.1")
			var locked *LockedError
			if !errors.As(err, &locked) {
				mu.Lock()
				checked++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if checked > MaxFailures {
		t.Errorf("%d passwords were checked, at most %d may be", checked, MaxFailures)
	}
}

func TestLoginToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := open(t)
		ctx := t.Context()
		if _, err := s.CreateUser(ctx, "ana", "", NewRoles(Admin)); err != nil { // no password needed
			t.Fatal(err)
		}
		newToken := func() string {
			t.Helper()
			token, expires, err := s.NewLoginToken(ctx, "ana")
			if err != nil || len(token) < 43 || !expires.Equal(time.Now().Add(TokenTime)) {
				t.Fatal(token, expires, err)
			}
			return token
		}
		token := newToken()
		v, err := s.LoginWithToken(ctx, token)
		if err != nil || !v.Roles.Has(Admin) {
			t.Fatal(v, err)
		}
		if _, err := s.Verify(ctx, v.Token); err != nil {
			t.Fatal(err)
		}
		_, err = s.LoginWithToken(ctx, token)
		wantErr(t, "second use", err, ErrToken)
		_, err = s.Verify(ctx, token)
		wantErr(t, "login token as session", err, ErrUnauthenticated)
		_, err = s.LoginWithToken(ctx, v.Token)
		wantErr(t, "session as login token", err, ErrToken)

		early, late := newToken(), newToken()
		time.Sleep(TokenTime - time.Millisecond)
		if _, err := s.LoginWithToken(ctx, early); err != nil {
			t.Errorf("in the last moment: %v", err)
		}
		time.Sleep(time.Millisecond)
		_, err = s.LoginWithToken(ctx, late)
		wantErr(t, "too late", err, ErrToken)

		last := newToken()
		if err := s.SetDisabled(ctx, "ana", true); err != nil {
			t.Fatal(err)
		}
		_, err = s.LoginWithToken(ctx, last)
		wantErr(t, "token of a disabled account", err, ErrToken)
		_, _, err = s.NewLoginToken(ctx, "ana")
		wantErr(t, "new token for a disabled account", err, ErrDisabled)
		_, _, err = s.NewLoginToken(ctx, "zoe")
		wantErr(t, "token for nobody", err, store.ErrNotFound)
	})
}

func TestEnsureAdmin(t *testing.T) {
	s, _ := open(t)
	ctx := t.Context()
	for _, c := range []struct{ user, password, text string }{
		{"admin", "", "both"},
		{"", good, "both"},
		{"ad min", good, "ADMIN_USERNAME"},
		{"admin", "short", "12"},
		{"admin", "password1234", "ADMIN_PASSWORD"},
		{"admin", "AdminAdmin2026!", "ADMIN_PASSWORD"},
	} {
		made, err := s.EnsureAdmin(ctx, c.user, c.password)
		if made || err == nil || !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), c.password) && len(c.password) > 5 {
			t.Errorf("%q %q: %v %v", c.user, c.password, made, err)
		}
	}
	if made, err := s.EnsureAdmin(ctx, "", ""); made || err != nil {
		t.Errorf("nothing set: %v %v", made, err)
	}
	if made, err := s.EnsureAdmin(ctx, "Chief", good); !made || err != nil {
		t.Fatalf("first: %v %v", made, err)
	}
	if v := logIn(t, s, "chief"); !v.Roles.Has(Admin) {
		t.Errorf("not an administrator: %v", v.Roles)
	}

	// The next start does not bring back what the administrator changed.
	if err := s.SetPassword(ctx, "chief", "another "+good); err != nil {
		t.Fatal(err)
	}
	if made, err := s.EnsureAdmin(ctx, "chief", good); made || err != nil {
		t.Errorf("second: %v %v", made, err)
	}
	_, err := s.Login(ctx, "chief", good, "10.0.0.1")
	wantErr(t, "the old password", err, ErrCredentials)
}

func TestAccounts(t *testing.T) {
	s, _ := open(t)
	ctx := t.Context()
	addUser(t, s, "bo", Approver)
	if _, err := s.CreateUser(ctx, "ana", "", nil); err != nil {
		t.Fatal(err)
	}
	got, err := s.Accounts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i].CreatedAt, got[i].UpdatedAt = time.Time{}, time.Time{}
	}
	want := []Account{{Name: "ana", Roles: Roles{}}, {Name: "bo", Roles: Roles{Approver}, HasPassword: true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
	for name, want := range map[string]error{"BO": store.ErrExists, "": ErrName, "a b": ErrName, "-x": ErrName, strings.Repeat("a", 65): ErrName, "аna": ErrName /* Cyrillic */} {
		_, err := s.CreateUser(ctx, name, good, nil)
		wantErr(t, "create "+name, err, want)
	}
	var weak *WeakPasswordError
	if err := s.SetPassword(ctx, "bo", "short"); !errors.As(err, &weak) {
		t.Errorf("weak password: %v", err)
	}
	wantErr(t, "roles of nobody", s.SetRoles(ctx, "zoe", nil), store.ErrNotFound)
}
