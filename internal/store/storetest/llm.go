package storetest

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"resync/internal/store"
)

func testLLM(t *testing.T, open OpenFunc) {
	c := newClock()
	s, _ := open(t, store.WithClock(c.Now))
	t.Run("Tokens", func(t *testing.T) { testAPITokens(t, s, c) })
	t.Run("Spent", func(t *testing.T) { testLLMSpent(t, s) })
}

func testAPITokens(t *testing.T, s *store.Store, c *clock) {
	ctx := t.Context()
	must(t, s.CreateUser(ctx, store.User{Name: "ana", Roles: []string{"operator"}}))
	tok := store.APIToken{TokenHash: "h1", ID: "tok_1", Name: "report writer", User: "ana", Scope: "llm", CreatedAt: c.Now(), ExpiresAt: c.Now().Add(time.Hour)}
	must(t, s.PutAPIToken(ctx, tok, "boss"))
	got, u, err := s.APIToken(ctx, "h1")
	must(t, err)
	equal(t, "read back", tok, got)
	equal(t, "its user", "ana", u.Name)
	used := c.Now().Add(time.Minute)
	must(t, s.TouchAPIToken(ctx, "h1", used))
	must(t, s.TouchAPIToken(ctx, "h1", used.Add(-time.Second))) // a slower server
	got, _, err = s.APIToken(ctx, "h1")
	must(t, err)
	if !got.LastUsed.Equal(used) {
		t.Errorf("last used at %s, want %s", got.LastUsed, used)
	}
	if err := s.TouchAPIToken(ctx, "h7", used); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("using what is not there: %v", err)
	}
	for want, bad := range map[error]store.APIToken{
		store.ErrExists:   {TokenHash: "h1", ID: "tok_9", User: "ana", Scope: "llm"},
		store.ErrNotFound: {TokenHash: "h2", ID: "tok_2", User: "nobody", Scope: "llm"},
		store.ErrInvalid:  {TokenHash: "h3", ID: "tok_3", User: "ana"},
	} {
		if err := s.PutAPIToken(ctx, bad, "boss"); !errors.Is(err, want) {
			t.Errorf("putting %+v: %v, want %v", bad, err, want)
		}
	}
	must(t, s.RevokeAPIToken(ctx, "tok_1", "boss"))
	first, _, err := s.APIToken(ctx, "h1")
	must(t, err)
	if first.RevokedAt.IsZero() {
		t.Error("revoked, and no time is kept")
	}
	must(t, s.RevokeAPIToken(ctx, "tok_1", "boss"))
	list, err := s.APITokens(ctx)
	must(t, err)
	equal(t, "the list", []store.APIToken{first}, list)
	if err := s.RevokeAPIToken(ctx, "tok_7", "boss"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("revoking what is not there: %v", err)
	}
	audits, err := s.Audits(ctx, store.AuditFilter{Action: "token.*"})
	must(t, err)
	var told []string
	for _, a := range audits {
		told = append(told, a.Actor+" "+a.Action+" "+a.Target)
		if strings.Contains(string(a.Detail), "h1") {
			t.Errorf("the audit holds the token's hash: %s", a.Detail)
		}
	}
	equal(t, "the audit", []string{"boss token.revoke tok_1", "boss token.revoke tok_1", "boss token.create tok_1"}, told)
	if _, _, err := s.APIToken(ctx, "h7"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("reading what is not there: %v", err)
	}
}

func testLLMSpent(t *testing.T, s *store.Store) {
	ctx, day := t.Context(), "2026-11-22"
	got, err := s.LLMSpent(ctx, day)
	must(t, err)
	equal(t, "at first", map[string]int64{}, got)
	var wg sync.WaitGroup
	for range 8 { // as several processes would
		wg.Go(func() {
			for range 5 {
				if err := s.AddLLMSpent(ctx, day, map[string]int64{"": 3, "ana": 2, "błażej": 1}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	must(t, s.AddLLMSpent(ctx, "2026-11-23", map[string]int64{"": 7}))
	got, err = s.LLMSpent(ctx, day)
	must(t, err)
	equal(t, "added up", map[string]int64{"": 120, "ana": 80, "błażej": 40}, got)
	if err := s.AddLLMSpent(ctx, "today", map[string]int64{"": 1}); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("a day that is none: %v", err)
	}
}
