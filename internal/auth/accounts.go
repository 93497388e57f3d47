package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"resync/internal/store"
)

// Account is a user as administrators see it.
type Account struct {
	Name        string    `json:"name"`
	Roles       Roles     `json:"roles"`
	Disabled    bool      `json:"disabled"`
	HasPassword bool      `json:"has_password"` // otherwise only login tokens let the user in
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// CreateUser makes an account and returns its name as kept. An empty password
// makes one that only login tokens open. It fails with [ErrName], a
// *[WeakPasswordError] or [store.ErrExists].
func (s *Service) CreateUser(ctx context.Context, user, password string, roles Roles) (string, error) {
	name, err := CanonicalName(user)
	if err != nil {
		return "", fmt.Errorf("create user %q: %w", user, err)
	}
	hash := ""
	if password != "" {
		if hash, err = s.newHash(ctx, name, password); err != nil {
			return "", fmt.Errorf("create user %q: %w", name, err)
		}
	}
	return name, s.st.CreateUser(ctx, store.User{Name: name, Roles: roles.Names(), PasswordHash: hash})
}

func (s *Service) newHash(ctx context.Context, name, password string) (string, error) {
	if err := CheckPassword(name, password); err != nil {
		return "", err
	}
	return s.hash(ctx, password)
}

// EnsureAdmin makes the first administrator from ADMIN_USERNAME and
// ADMIN_PASSWORD and reports whether it did. An account of that name that exists
// is left as it is: a password changed later must not come back with the next
// start. Both empty means there is nothing to do; a weak password is refused.
func (s *Service) EnsureAdmin(ctx context.Context, user, password string) (bool, error) {
	if user == "" && password == "" {
		return false, nil
	}
	if user == "" || password == "" {
		return false, errors.New("first administrator: ADMIN_USERNAME and ADMIN_PASSWORD must both be set, or neither")
	}
	name, err := CanonicalName(user)
	if err != nil {
		return false, fmt.Errorf("first administrator: ADMIN_USERNAME: %w", err)
	}
	if _, err := s.st.User(ctx, name); !errors.Is(err, store.ErrNotFound) {
		return false, err
	}
	_, err = s.CreateUser(ctx, name, password, NewRoles(Admin))
	var weak *WeakPasswordError
	switch {
	case errors.Is(err, store.ErrExists): // another replica was faster
		return false, nil
	case errors.As(err, &weak):
		return false, fmt.Errorf("first administrator: ADMIN_PASSWORD is refused: %w", err)
	case err != nil:
		return false, fmt.Errorf("first administrator: %w", err)
	}
	return true, nil
}

// Accounts lists all accounts by name.
func (s *Service) Accounts(ctx context.Context) ([]Account, error) {
	users, err := s.st.Users(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Account, 0, len(users))
	for _, u := range users {
		roles, err := ParseRoles(u.Roles)
		if err != nil {
			return nil, fmt.Errorf("account %q: %w", u.Name, err)
		}
		out = append(out, Account{u.Name, roles, u.Disabled, u.PasswordHash != "", u.CreatedAt, u.UpdatedAt})
	}
	return out, nil
}

// SetPassword replaces a password and ends the user's sessions.
func (s *Service) SetPassword(ctx context.Context, user, password string) error {
	hash, err := s.newHash(ctx, user, password)
	if err != nil {
		return fmt.Errorf("set password of %q: %w", user, err)
	}
	return s.st.ChangeUser(ctx, user, func(u *store.User) error {
		u.PasswordHash = hash
		return nil
	})
}

// SetRoles replaces a user's roles and, when they differ, ends the sessions.
func (s *Service) SetRoles(ctx context.Context, user string, roles Roles) error {
	defer s.tokens.clear() // tokens carry the roles of their user
	return s.st.ChangeUser(ctx, user, func(u *store.User) error {
		u.Roles = roles.Names()
		return nil
	})
}

// SetDisabled locks an account out, ending its sessions, or lets it in again. Its API
// tokens are refused from then on.
func (s *Service) SetDisabled(ctx context.Context, user string, disabled bool) error {
	defer s.tokens.clear()
	return s.st.ChangeUser(ctx, user, func(u *store.User) error {
		u.Disabled = disabled
		return nil
	})
}
