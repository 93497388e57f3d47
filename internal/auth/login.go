package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"resync/internal/store"
)

// Login checks a name and a password given from an address and opens a session.
// It fails with [ErrCredentials], alike and after the same work whether the
// account is missing, disabled, without password or the password is wrong, or
// with a *[LockedError].
func (s *Service) Login(ctx context.Context, user, password, address string) (Session, error) {
	name, err := CanonicalName(user)
	if err != nil {
		name = "" // cannot exist; go on as with any other unknown name
	}
	if err := s.countAttempt(ctx, name, address); err != nil {
		return Session{}, err
	}
	u, err := s.st.User(ctx, name)
	if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrInvalid) {
		return Session{}, fmt.Errorf("log in: %w", err)
	}
	if len(password) > 4*maxPassword {
		password = "" // too long to be anybody's; do not hash megabytes
	}
	ok, err := s.matches(ctx, password, u.PasswordHash)
	switch {
	case err != nil:
		return Session{}, err
	case !ok || u.Disabled:
		return Session{}, ErrCredentials
	}
	if err := s.st.ClearLoginFailures(ctx, name, address); err != nil {
		return Session{}, err
	}
	return s.open(ctx, u)
}

// countAttempt notes the attempt as failed before it is checked, so that many
// at once cannot all slip below the limit; a login that succeeds clears it.
// Attempts while locked are not noted and do not prolong the lock.
func (s *Service) countAttempt(ctx context.Context, name, address string) error {
	now := s.now()
	since := now.Add(-FailureWindow)
	n, err := s.st.LoginFailures(ctx, name, address, since)
	if err == nil && n < MaxFailures {
		if err = s.st.AddLoginFailure(ctx, name, address, now); err == nil {
			n, err = s.st.LoginFailures(ctx, name, address, since)
			n-- // this one
		}
	}
	if err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	if n >= MaxFailures {
		return &LockedError{RetryAfter: FailureWindow}
	}
	return nil
}

// NewLoginToken makes a token that logs the user in once within [TokenTime].
// Only its hash is stored.
func (s *Service) NewLoginToken(ctx context.Context, user string) (token string, expires time.Time, err error) {
	id, err := s.Identity(ctx, user)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("make login token: %w", err)
	}
	token, hash := newToken()
	expires = s.now().Add(TokenTime)
	if err := s.st.PutLoginToken(ctx, store.LoginToken{TokenHash: hash, User: id.User, ExpiresAt: expires}); err != nil {
		return "", time.Time{}, err
	}
	return token, expires, nil
}

// LoginWithToken spends a one-time token and opens a session. The error wraps
// [ErrToken] and says whether the token was used or has expired: who has 256
// random bits need not be kept in the dark.
func (s *Service) LoginWithToken(ctx context.Context, token string) (Session, error) {
	user, err := s.st.ConsumeLoginToken(ctx, hashToken(token))
	switch {
	case errors.Is(err, store.ErrUsed):
		return Session{}, fmt.Errorf("%w: it has been used", ErrToken)
	case errors.Is(err, store.ErrExpired):
		return Session{}, fmt.Errorf("%w: it has expired", ErrToken)
	case errors.Is(err, store.ErrNotFound):
		return Session{}, ErrToken
	case err != nil:
		return Session{}, err
	}
	u, err := s.st.User(ctx, user)
	if err != nil {
		return Session{}, fmt.Errorf("log in: %w", err)
	}
	if u.Disabled {
		return Session{}, ErrDisabled
	}
	return s.open(ctx, u)
}

// open makes a session for a user who has proved who they are.
func (s *Service) open(ctx context.Context, u store.User) (Session, error) {
	roles, err := ParseRoles(u.Roles)
	if err != nil {
		return Session{}, fmt.Errorf("log in %q: %w", u.Name, err)
	}
	token, hash := newToken()
	now := s.now()
	v := store.Session{TokenHash: hash, User: u.Name, CreatedAt: now, LastSeen: now, ExpiresAt: now.Add(SessionTime)}
	if err := s.st.PutSession(ctx, v); err != nil {
		return Session{}, err
	}
	return Session{Identity: Identity{u.Name, roles, sessionID(hash)}, Token: token, ExpiresAt: v.ExpiresAt}, nil
}

// Verify finds who a session token belongs to, with the roles the account has
// now. [ErrUnauthenticated] when there is no such session any more.
func (s *Service) Verify(ctx context.Context, token string) (Identity, error) {
	if token == "" {
		return Identity{}, ErrUnauthenticated
	}
	hash := hashToken(token)
	v, u, err := s.st.Session(ctx, hash)
	if errors.Is(err, store.ErrNotFound) {
		return Identity{}, ErrUnauthenticated
	}
	if err != nil {
		return Identity{}, err
	}
	now := s.now()
	if u.Disabled || !now.Before(v.ExpiresAt) || now.Sub(v.LastSeen) >= IdleTime {
		return Identity{}, errors.Join(ErrUnauthenticated, s.st.DeleteSession(ctx, hash))
	}
	roles, err := ParseRoles(u.Roles)
	if err != nil {
		return Identity{}, fmt.Errorf("session of %q: %w", u.Name, err)
	}
	if now.Sub(v.LastSeen) >= touchEvery {
		if err := s.touch(ctx, hash, now); err != nil {
			return Identity{}, err
		}
	}
	return Identity{u.Name, roles, sessionID(hash)}, nil
}

// touch notes that the session is in use. When the database cannot be written
// the session stays good until it would idle out: reading the plan must go on
// with a full disk.
func (s *Service) touch(ctx context.Context, hash string, now time.Time) error {
	err := s.st.TouchSession(ctx, hash, now)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return ErrUnauthenticated
	case errors.Is(err, store.ErrStorageFull), errors.Is(err, store.ErrBusy), errors.Is(err, store.ErrReadOnly):
		return nil
	}
	return err
}

// Logout ends the session of a token; it is no error when there is none.
func (s *Service) Logout(ctx context.Context, token string) error {
	return s.st.DeleteSession(ctx, hashToken(token))
}

// LogoutEverywhere ends all sessions of a user.
func (s *Service) LogoutEverywhere(ctx context.Context, user string) error {
	return s.st.DeleteSessions(ctx, user)
}

// newToken makes a token of 256 random bits and the hash under which it is
// kept. A plain SHA-256 is enough: there is nothing to guess.
func newToken() (token, hash string) {
	b := make([]byte, tokenBytes)
	rand.Read(b) // never fails since Go 1.24
	token = base64.RawURLEncoding.EncodeToString(b)
	return token, hashToken(token)
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// sessionID is a name for a session that may be logged.
func sessionID(hash string) string { return "sess_" + hash[:sessionIDChars] }
