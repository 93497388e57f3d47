package auth

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"resync/internal/store"
)

func TestAPITokensLetProgramsIn(t *testing.T) {
	s, st := open(t)
	addUser(t, s, "ana", Operator)
	token, v, err := s.NewAPIToken(t.Context(), "ana", "report writer", ScopeLLM, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	id, err := s.VerifyAPIToken(t.Context(), token, ScopeLLM)
	if err != nil || id.User != "ana" || !id.Roles.Has(Operator) || id.SessionID != v.ID {
		t.Errorf("verified as %+v, %v", id, err)
	}
	list, err := st.APITokens(t.Context())
	if err != nil || len(list) != 1 || strings.Contains(list[0].TokenHash, token) || list[0].TokenHash == token {
		t.Errorf("stored as %+v, %v", list, err)
	}
	for what, bad := range map[string][2]string{
		"another scope": {token, "admin"}, "one letter more": {token + "x", ScopeLLM}, "nothing": {"", ScopeLLM}, "another form": {"Bearer x", ScopeLLM},
	} {
		_, err := s.VerifyAPIToken(t.Context(), bad[0], bad[1])
		wantErr(t, what, err, ErrAPIToken)
	}
}

func TestAPITokensThatCannotBeMade(t *testing.T) {
	s, _ := open(t)
	addUser(t, s, "ana", Operator)
	for what, c := range map[string]struct {
		user, scope string
		life        time.Duration
		says        string
	}{
		"scope": {"ana", "everything", time.Hour, `"everything" is not one of llm`}, "life": {"ana", ScopeLLM, 0, "a life of 0s"},
		"too long": {"ana", ScopeLLM, 10000 * time.Hour, "366 days"}, "user": {"nobody", ScopeLLM, time.Hour, "nobody"},
	} {
		if _, _, err := s.NewAPIToken(t.Context(), c.user, "", c.scope, c.life); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want it to say %q", what, err, c.says)
		}
	}
}

// When a token was used is written once a minute, and one that cannot be written
// still lets in.
func TestAPITokensKeepWhenTheyWereUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := open(t)
		addUser(t, s, "ana", Operator)
		token, _, err := s.NewAPIToken(t.Context(), "ana", "", ScopeLLM, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		used := func() time.Time {
			list, err := st.APITokens(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return list[0].LastUsed
		}
		verify := func() {
			t.Helper()
			if _, err := s.VerifyAPIToken(t.Context(), token, ScopeLLM); err != nil {
				t.Error(err)
			}
		}
		if !used().IsZero() {
			t.Errorf("used at %s before anybody did", used())
		}
		verify()
		first := used()
		if first.IsZero() {
			t.Error("its first use was not kept")
		}
		time.Sleep(30 * time.Second)
		verify()
		if !used().Equal(first) {
			t.Errorf("written again after half a minute: %s, then %s", first, used())
		}
		time.Sleep(30 * time.Second)
		verify()
		if got := used().Sub(first); got != time.Minute {
			t.Errorf("a minute later it says %s later", got)
		}
	})
	st := &fullStore{}
	s, inner := open(t)
	addUser(t, s, "ana", Operator)
	st.Store = inner
	s = New(st, nil)
	token, _, err := s.NewAPIToken(t.Context(), "ana", "", ScopeLLM, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.VerifyAPIToken(t.Context(), token, ScopeLLM); err != nil {
		t.Errorf("with a full disk: %v", err)
	}
}

// fullStore cannot write when a token was used.
type fullStore struct{ Store }

func (*fullStore) TouchAPIToken(context.Context, string, time.Time) error {
	return store.ErrStorageFull
}

// A token ends at once where it is revoked, within five seconds where another
// process revoked it, at its time, and with its user.
func TestAPITokensEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := open(t)
		addUser(t, s, "ana", Operator)
		tokens := make([]string, 0, 4)
		ids := make([]string, 0, 4)
		for range 4 {
			token, v, err := s.NewAPIToken(t.Context(), "ana", "", ScopeLLM, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			tokens, ids = append(tokens, token), append(ids, v.ID)
		}
		check := func(i int, good bool) {
			t.Helper()
			if _, err := s.VerifyAPIToken(t.Context(), tokens[i], ScopeLLM); (err == nil) != good {
				t.Errorf("token %d: %v, want good %v", i, err, good)
			}
		}
		for i := range tokens {
			check(i, true)
		}
		if err := s.RevokeAPIToken(t.Context(), ids[0], "ana"); err != nil {
			t.Error(err)
		}
		check(0, false)
		check(1, true)
		if err := st.RevokeAPIToken(t.Context(), ids[1], "ana"); err != nil { // another process
			t.Error(err)
		}
		time.Sleep(tokenMemory)
		check(1, false)
		check(2, true)
		time.Sleep(time.Hour - tokenMemory)
		check(2, false)
	})
	synctest.Test(t, func(t *testing.T) { // here at once, although it was remembered a moment ago
		s, _ := open(t)
		addUser(t, s, "ana", Operator)
		token, _, err := s.NewAPIToken(t.Context(), "ana", "", ScopeLLM, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		verify := func() (Identity, error) { return s.VerifyAPIToken(t.Context(), token, ScopeLLM) }
		if id, err := verify(); err != nil || !id.Roles.Has(Operator) {
			t.Fatal(id, err)
		}
		if err := s.SetRoles(t.Context(), "ana", NewRoles(Viewer)); err != nil {
			t.Fatal(err)
		}
		if id, err := verify(); err != nil || id.Roles.Has(Operator) {
			t.Errorf("after losing a role: %+v, %v", id, err)
		}
		if err := s.SetDisabled(t.Context(), "ana", true); err != nil {
			t.Fatal(err)
		}
		_, err = verify()
		wantErr(t, "a user's who was just disabled", err, ErrAPIToken)
	})
	synctest.Test(t, func(t *testing.T) {
		s, st := open(t)
		addUser(t, s, "ana", Operator)
		token, _, err := s.NewAPIToken(t.Context(), "ana", "", ScopeLLM, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if err := st.ChangeUser(t.Context(), "ana", func(u *store.User) error { u.Disabled = true; return nil }); err != nil {
			t.Fatal(err)
		}
		_, err = s.VerifyAPIToken(t.Context(), token, ScopeLLM)
		wantErr(t, "a disabled user's", err, ErrAPIToken)
	})
}

// slowTokens does something between a token is read and used.
type slowTokens struct {
	*store.Store
	between func()
}

func (s *slowTokens) APIToken(ctx context.Context, hash string) (store.APIToken, store.User, error) {
	v, u, err := s.Store.APIToken(ctx, hash)
	s.between()
	return v, u, err
}

// What is revoked while it is being read must not be remembered as good.
func TestATokenRevokedWhileItIsReadIsNotRemembered(t *testing.T) {
	_, st := open(t)
	slow := &slowTokens{st, func() {}}
	s := New(slow, nil)
	addUser(t, s, "ana", Operator)
	token, v, err := s.NewAPIToken(t.Context(), "ana", "", ScopeLLM, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	slow.between = func() {
		slow.between = func() {}
		if err := s.RevokeAPIToken(t.Context(), v.ID, "ana"); err != nil {
			t.Error(err)
		}
	}
	_, _ = s.VerifyAPIToken(t.Context(), token, ScopeLLM) // it was good when it was read
	_, err = s.VerifyAPIToken(t.Context(), token, ScopeLLM)
	wantErr(t, "the next use", err, ErrAPIToken)
}
