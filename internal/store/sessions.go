package store

import (
	"context"
	"fmt"
	"time"
)

// Session is a login. The token itself is never stored, only its hash.
type Session struct {
	TokenHash string
	User      string
	CreatedAt time.Time
	LastSeen  time.Time
	ExpiresAt time.Time // absolute end
}

// LoginToken lets its bearer in once, without a password.
type LoginToken struct {
	TokenHash string
	User      string
	ExpiresAt time.Time
	UsedAt    time.Time // zero until used
}

// PutSession stores a new session. ErrNotFound when there is no such user.
func (s *Store) PutSession(ctx context.Context, v Session) error {
	err := s.update(ctx, func(c conn) error {
		return c.later(ctx, ask{query: `insert into sessions (token_hash, user_name, created_at, last_seen, expires_at) values (?,?,?,?,?)`,
			args: []any{v.TokenHash, v.User, ms(v.CreatedAt), ms(v.LastSeen), ms(v.ExpiresAt)}, failed: whenTaken})
	})
	if err != nil {
		return fmt.Errorf("store session of %q: %w", v.User, err)
	}
	return nil
}

// Session reads a session and its user in one step, so that the roles and the
// disabled flag are those of this moment. ErrNotFound when there is none.
func (s *Store) Session(ctx context.Context, tokenHash string) (Session, User, error) {
	var v Session
	var u User
	err := s.reader().rows(ctx, `select s.token_hash, s.user_name, s.created_at, s.last_seen, s.expires_at,
		u.name, u.roles, u.password_hash, u.disabled, u.created_at, u.updated_at
		from sessions s join users u on u.name = s.user_name where s.token_hash = ?`, []any{tokenHash}, func(scan scanner) (err error) {
		var created, seen, expires int64
		u, err = scanUser(scan, &v.TokenHash, &v.User, &created, &seen, &expires)
		v.CreatedAt, v.LastSeen, v.ExpiresAt = at(created), at(seen), at(expires)
		return err
	})
	if err == nil && v.TokenHash == "" {
		err = ErrNotFound
	}
	if err != nil {
		return Session{}, User{}, fmt.Errorf("read session: %w", err)
	}
	return v, u, nil
}

// TouchSession sets when the session was last used; earlier times are ignored.
// ErrNotFound when the session has ended.
func (s *Store) TouchSession(ctx context.Context, tokenHash string, seen time.Time) error {
	err := mustChange(s.writer().exec(ctx, `update sessions set last_seen = case when last_seen < ? then ? else last_seen end
		where token_hash = ?`, ms(seen), ms(seen), tokenHash))
	if err != nil {
		return fmt.Errorf("touch session: %w", err)
	}
	return nil
}

// DeleteSession ends one session; ending one that is gone is no error.
func (s *Store) DeleteSession(ctx context.Context, tokenHash string) error {
	return s.execOne(ctx, "end session", `delete from sessions where token_hash = ?`, tokenHash)
}

// DeleteSessions ends all sessions of a user.
func (s *Store) DeleteSessions(ctx context.Context, user string) error {
	return s.execOne(ctx, "end sessions of "+user, `delete from sessions where user_name = ?`, user)
}

// PruneLogins removes sessions and login tokens that ended and login failures
// older than the given time.
func (s *Store) PruneLogins(ctx context.Context, before time.Time) error {
	err := s.update(ctx, func(c conn) error {
		for _, q := range []string{`delete from sessions where expires_at < ?`, `delete from login_tokens where expires_at < ?`,
			`delete from login_failures where at < ?`} {
			if err := c.later(ctx, ask{query: q, args: []any{ms(before)}}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("prune logins: %w", err)
	}
	return nil
}

func (s *Store) execOne(ctx context.Context, what, query string, args ...any) error {
	err := s.update(ctx, func(c conn) error { return c.later(ctx, ask{query: query, args: args}) })
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// PutLoginToken stores a one-time login token. ErrNotFound when there is no
// such user.
func (s *Store) PutLoginToken(ctx context.Context, v LoginToken) error {
	err := s.update(ctx, func(c conn) error {
		_, err := c.exec(ctx, `insert into login_tokens (token_hash, user_name, expires_at, used_at) values (?,?,?,0)`,
			v.TokenHash, v.User, ms(v.ExpiresAt))
		return whenUnique(err, ErrExists)
	})
	if err != nil {
		return fmt.Errorf("store login token of %q: %w", v.User, err)
	}
	return nil
}

// ConsumeLoginToken spends a token and returns its user. Of any number of
// callers exactly one succeeds. ErrUsed, ErrExpired or ErrNotFound otherwise.
func (s *Store) ConsumeLoginToken(ctx context.Context, tokenHash string) (string, error) {
	var user string
	err := s.update(ctx, func(c conn) error {
		var expires, used int64
		err := c.row(ctx, `select user_name, expires_at, used_at from login_tokens where token_hash = ?`+c.d.forUpdate,
			[]any{tokenHash}, &user, &expires, &used)
		now := s.now()
		switch {
		case err != nil:
			return err
		case used != 0:
			return ErrUsed
		case !now.Before(at(expires)):
			return ErrExpired
		}
		_, err = c.exec(ctx, `update login_tokens set used_at = ? where token_hash = ?`, ms(now), tokenHash)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("use login token: %w", err)
	}
	return user, nil
}

// AddLoginFailure records a failed login of a name, which need not exist, from
// an address.
func (s *Store) AddLoginFailure(ctx context.Context, user, address string, when time.Time) error {
	return s.execOne(ctx, "record failed login",
		`insert into login_failures (id, user_name, address, at) values (?,?,?,?)`, NewID("fail"), clean(user), clean(address), ms(when))
}

// LoginFailures counts the failed logins of a name from an address since a time.
func (s *Store) LoginFailures(ctx context.Context, user, address string, since time.Time) (int, error) {
	var n int
	err := s.reader().row(ctx, `select count(*) from login_failures where user_name = ? and address = ? and at > ?`,
		[]any{clean(user), clean(address), ms(since)}, &n)
	if err != nil {
		return 0, fmt.Errorf("count failed logins: %w", err)
	}
	return n, nil
}

// ClearLoginFailures forgets the failed logins of a name from an address.
func (s *Store) ClearLoginFailures(ctx context.Context, user, address string) error {
	return s.execOne(ctx, "forget failed logins",
		`delete from login_failures where user_name = ? and address = ?`, clean(user), clean(address))
}
