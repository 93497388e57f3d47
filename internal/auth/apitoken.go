package auth

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"resync/internal/store"
)

// ScopeLLM lets a program use the language models, and nothing else.
const ScopeLLM = "llm"

// Scopes lists what an API token can be made for.
func Scopes() []string { return []string{ScopeLLM} }

// The life of an API token.
const (
	DefaultAPITokenTime = 90 * 24 * time.Hour
	MaxAPITokenTime     = 366 * 24 * time.Hour
	apiTokenPrefix      = "rsy_" // lets scanners of source code find one that got there
	tokenMemory         = 5 * time.Second
	tokensRemembered    = 1000
)

// ErrAPIToken refuses a token that is wrong, has ended, or is for something
// else; which of these is not told.
var ErrAPIToken = errors.New("the API token is not valid for this; make one with: resync token create --scope llm")

// APITokens keeps API tokens by their hash.
type APITokens interface {
	PutAPIToken(ctx context.Context, v store.APIToken, by string) error
	APIToken(ctx context.Context, tokenHash string) (store.APIToken, store.User, error)
	TouchAPIToken(ctx context.Context, tokenHash string, used time.Time) error
}

// APITokenLists shows and ends API tokens.
type APITokenLists interface {
	APITokens(ctx context.Context) ([]store.APIToken, error)
	RevokeAPIToken(ctx context.Context, id, by string) error
}

// APITokenRequest asks for a token.
type APITokenRequest struct {
	User  string // whose rights, budget and limits it uses
	Name  string // what it is for, in its maker's words
	Scope string // one of [Scopes]
	Life  time.Duration
	By    string // who makes it, for the audit; User when ""
}

// FieldError refuses a request for a token and names what is wrong with it.
type FieldError struct{ Field, Problem string }

// Error names the field.
func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }

// NewAPIToken makes a token for a program that acts for a user. Only its hash is
// stored; the token itself cannot be had again.
func (s *Service) NewAPIToken(ctx context.Context, user, name, scope string, life time.Duration) (string, store.APIToken, error) {
	return s.IssueAPIToken(ctx, APITokenRequest{User: user, Name: name, Scope: scope, Life: life})
}

// IssueAPIToken is NewAPIToken on behalf of somebody. The audit names them; a
// *FieldError says what cannot be.
func (s *Service) IssueAPIToken(ctx context.Context, r APITokenRequest) (string, store.APIToken, error) {
	fail := func(err error) (string, store.APIToken, error) {
		return "", store.APIToken{}, fmt.Errorf("make API token: %w", err)
	}
	if !slices.Contains(Scopes(), r.Scope) {
		return fail(&FieldError{"scope", fmt.Sprintf("the scope %q is not one of %s", r.Scope, strings.Join(Scopes(), ", "))})
	}
	if r.Life <= 0 || r.Life > MaxAPITokenTime {
		return fail(&FieldError{"ttl", fmt.Sprintf("a life of %s is not between a moment and %d days", r.Life, int(MaxAPITokenTime.Hours()/24))})
	}
	id, err := s.Identity(ctx, r.User)
	if err != nil {
		return fail(err)
	}
	token, _ := newToken()
	token = apiTokenPrefix + token
	public := make([]byte, 6)
	rand.Read(public) // never fails since Go 1.24
	now := s.now()
	v := store.APIToken{TokenHash: hashToken(token), ID: "tok_" + hex.EncodeToString(public), Name: r.Name, User: id.User, Scope: r.Scope,
		CreatedAt: now, ExpiresAt: now.Add(r.Life)}
	if err := s.st.PutAPIToken(ctx, v, cmp.Or(r.By, id.User)); err != nil {
		return fail(err)
	}
	return token, v, nil
}

// VerifyAPIToken finds who a program acts for. [ErrAPIToken] when the token is
// not good for the scope. What was found good is remembered for five seconds:
// that long a token that is revoked by another process may still work.
func (s *Service) VerifyAPIToken(ctx context.Context, token, scope string) (Identity, error) {
	if !strings.HasPrefix(token, apiTokenPrefix) {
		return Identity{}, ErrAPIToken
	}
	key, now := tokenKey{sha256.Sum256([]byte(token)), scope}, s.now()
	id, round, ok := s.tokens.get(key, now)
	if ok {
		return id, nil
	}
	v, u, err := s.st.APIToken(ctx, hex.EncodeToString(key.sum[:]))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Identity{}, ErrAPIToken
	case err != nil:
		return Identity{}, err
	case v.Scope != scope || !v.RevokedAt.IsZero() || !now.Before(v.ExpiresAt) || u.Disabled:
		return Identity{}, ErrAPIToken
	}
	roles, err := ParseRoles(u.Roles)
	if err != nil {
		return Identity{}, fmt.Errorf("API token of %q: %w", u.Name, err)
	}
	if now.Sub(v.LastUsed) >= touchEvery {
		if err := s.touchToken(ctx, v.TokenHash, now); err != nil {
			return Identity{}, err
		}
	}
	id = Identity{User: u.Name, Roles: roles, SessionID: v.ID}
	s.tokens.put(key, id, now.Add(min(tokenMemory, v.ExpiresAt.Sub(now))), round)
	return id, nil
}

// touchToken notes that a token is in use. When the database cannot be written the
// token stays good, and the time that is shown falls behind.
func (s *Service) touchToken(ctx context.Context, hash string, now time.Time) error {
	err := s.st.TouchAPIToken(ctx, hash, now)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return ErrAPIToken
	case errors.Is(err, store.ErrStorageFull), errors.Is(err, store.ErrBusy), errors.Is(err, store.ErrReadOnly):
		return nil
	}
	return err
}

// APITokens lists all tokens, the newest first.
func (s *Service) APITokens(ctx context.Context) ([]store.APIToken, error) {
	return s.st.APITokens(ctx)
}

// RevokeAPIToken ends a token; the audit names who did it.
func (s *Service) RevokeAPIToken(ctx context.Context, id, by string) error {
	err := s.st.RevokeAPIToken(ctx, id, by)
	s.tokens.clear()
	return err
}

// tokenKey is a token by its hash, and what it is to be used for.
type tokenKey struct {
	sum   [sha256.Size]byte
	scope string
}

// remembered holds tokens that were found good a moment ago.
type remembered struct {
	mu    sync.Mutex
	round uint64 // how often all were forgotten
	ids   map[tokenKey]rememberedID
}

type rememberedID struct {
	id    Identity
	until time.Time
}

// get returns whose a token is, if that is known, and the round in which it is not.
func (r *remembered) get(key tokenKey, now time.Time) (id Identity, round uint64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, found := r.ids[key]
	return v.id, r.round, found && now.Before(v.until)
}

// put remembers a token that was read in a round. If all were forgotten since then,
// what was read may be what was just revoked, and is not kept.
func (r *remembered) put(key tokenKey, id Identity, until time.Time, round uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if round != r.round {
		return
	}
	if r.ids == nil || len(r.ids) >= tokensRemembered {
		r.ids = map[tokenKey]rememberedID{}
	}
	r.ids[key] = rememberedID{id, until}
}

func (r *remembered) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.round++
	r.ids = nil
}
