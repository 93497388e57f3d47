package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// APIToken lets a program in for one purpose. The token itself is never stored,
// only its hash.
type APIToken struct {
	TokenHash string
	ID        string // may be shown; names the token where it is revoked
	Name      string // what it is for, in its maker's words
	User      string // whose rights and budget it uses
	Scope     string // what it may be used for
	CreatedAt time.Time
	ExpiresAt time.Time
	RevokedAt time.Time // zero while it is good
	LastUsed  time.Time // to the minute; zero when it never was
}

// PutAPIToken stores a new token, with an audit line that names who made it.
// ErrNotFound when there is no such user.
func (s *Store) PutAPIToken(ctx context.Context, v APIToken, by string) error {
	var err error
	if v.TokenHash == "" || v.ID == "" || v.Scope == "" {
		err = fmt.Errorf("%w: an API token needs a hash, an id and a scope", ErrInvalid)
	}
	if err == nil {
		err = s.audited(ctx, func(c conn) (Audit, error) {
			_, err := c.exec(ctx, `insert into api_tokens (token_hash, id, name, user_name, scope, created_at, expires_at, revoked_at) values (?,?,?,?,?,?,?,0)`,
				v.TokenHash, v.ID, v.Name, v.User, v.Scope, ms(v.CreatedAt), ms(v.ExpiresAt))
			return tokenAudit("token.create", v, by), whenUnique(err, ErrExists)
		})
	}
	if err != nil {
		return fmt.Errorf("store API token of %q: %w", v.User, err)
	}
	return nil
}

// tokenColumns are read by scanAPIToken.
const tokenColumns = `token_hash, id, name, user_name, scope, created_at, expires_at, revoked_at, last_used_at`

func scanAPIToken(scan scanner) (APIToken, error) {
	var v APIToken
	var created, expires, revoked, used int64
	err := scan(&v.TokenHash, &v.ID, &v.Name, &v.User, &v.Scope, &created, &expires, &revoked, &used)
	v.CreatedAt, v.ExpiresAt, v.RevokedAt, v.LastUsed = at(created), at(expires), at(revoked), at(used)
	return v, err
}

// APIToken reads a token by its hash, and its user, so that the disabled flag is
// that of this moment. ErrNotFound when there is none.
func (s *Store) APIToken(ctx context.Context, tokenHash string) (APIToken, User, error) {
	var found []APIToken
	err := s.reader().rows(ctx, `select `+tokenColumns+` from api_tokens where token_hash = ?`, []any{tokenHash}, func(scan scanner) error {
		v, err := scanAPIToken(scan)
		found = append(found, v)
		return err
	})
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return APIToken{}, User{}, fmt.Errorf("read API token: %w", err)
	}
	u, err := s.User(ctx, found[0].User)
	if err != nil {
		return APIToken{}, User{}, fmt.Errorf("read API token: %w", err)
	}
	return found[0], u, nil
}

// TouchAPIToken notes that a token let a program in; earlier times are ignored.
// ErrNotFound when there is no such token.
func (s *Store) TouchAPIToken(ctx context.Context, tokenHash string, used time.Time) error {
	err := mustChange(s.writer().exec(ctx, `update api_tokens set last_used_at = case when last_used_at < ? then ? else last_used_at end
		where token_hash = ?`, ms(used), ms(used), tokenHash))
	if err != nil {
		return fmt.Errorf("touch API token: %w", err)
	}
	return nil
}

// APITokens lists all tokens, those of no use any more included, the newest
// first.
func (s *Store) APITokens(ctx context.Context) ([]APIToken, error) {
	out := []APIToken{}
	err := s.reader().rows(ctx, `select `+tokenColumns+` from api_tokens order by created_at desc, id`, nil, func(scan scanner) error {
		v, err := scanAPIToken(scan)
		out = append(out, v)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list API tokens: %w", err)
	}
	return out, nil
}

// RevokeAPIToken ends a token for good, with an audit line; revoking it again
// keeps the first time. ErrNotFound when no token has the id.
func (s *Store) RevokeAPIToken(ctx context.Context, id, by string) error {
	err := s.audited(ctx, func(c conn) (Audit, error) {
		var v APIToken
		err := c.rows(ctx, `select `+tokenColumns+` from api_tokens where id = ?`, []any{id}, func(scan scanner) error {
			var err error
			v, err = scanAPIToken(scan)
			return err
		})
		if err == nil {
			err = mustChange(c.exec(ctx, `update api_tokens set revoked_at = case when revoked_at = 0 then ? else revoked_at end where id = ?`, ms(s.now()), id))
		}
		return tokenAudit("token.revoke", v, by), err
	})
	if err != nil {
		return fmt.Errorf("revoke API token %q: %w", id, err)
	}
	return nil
}

// tokenAudit tells of a token, never its text or hash.
func tokenAudit(action string, v APIToken, by string) Audit {
	detail, _ := json.Marshal(map[string]any{"name": v.Name, "user": v.User, "scope": v.Scope, "expires_at": v.ExpiresAt.UTC()}) // texts and a time always marshal
	return Audit{Actor: by, Action: action, Target: v.ID, Detail: detail}
}
