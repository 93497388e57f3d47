package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// User is an account. Names are compared byte for byte.
type User struct {
	Name         string
	Roles        []string
	PasswordHash string // PHC string; empty: cannot log in by password
	Disabled     bool
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

func (u User) check() error {
	if u.Name == "" {
		return fmt.Errorf("%w: a user needs a name", ErrInvalid)
	}
	for _, r := range u.Roles {
		if r == "" || strings.ContainsAny(r, " ,") {
			return fmt.Errorf("%w: role %q", ErrInvalid, r)
		}
	}
	return nil
}

// CreateUser stores a new account. CreatedAt and UpdatedAt are set by the
// store. ErrExists when the name is taken.
func (s *Store) CreateUser(ctx context.Context, u User) error {
	err := u.check()
	if err == nil {
		err = s.update(ctx, func(c conn) error {
			now := ms(s.now())
			_, err := c.exec(ctx, `insert into users (name, roles, password_hash, disabled, created_at, updated_at) values (?,?,?,?,?,?)`,
				u.Name, strings.Join(u.Roles, " "), u.PasswordHash, flag(u.Disabled), now, now)
			return whenUnique(err, ErrExists)
		})
	}
	if err != nil {
		return fmt.Errorf("create user %q: %w", u.Name, err)
	}
	return nil
}

// ChangeUser lets fn change the roles, the password hash and the disabled flag
// of an account; nobody else changes it meanwhile. If any of them differs
// afterwards, the account's sessions and login tokens end in the same
// transaction. fn must not use the store. ErrNotFound when there is no account.
func (s *Store) ChangeUser(ctx context.Context, name string, fn func(*User) error) error {
	err := s.update(ctx, func(c conn) error {
		list, err := users(ctx, c, `where name = ?`+c.d.forUpdate, name)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return ErrNotFound
		}
		before, u := list[0], list[0]
		u.Roles = slices.Clone(u.Roles)
		if err := fn(&u); err != nil {
			return err
		}
		u.Name = name
		if err := u.check(); err != nil {
			return err
		}
		if slices.Equal(u.Roles, before.Roles) && u.PasswordHash == before.PasswordHash && u.Disabled == before.Disabled {
			return nil
		}
		return s.writeUser(ctx, c, u)
	})
	if err != nil {
		return fmt.Errorf("change user %q: %w", name, err)
	}
	return nil
}

// writeUser stores a changed account and ends what was granted to the old one.
func (s *Store) writeUser(ctx context.Context, c conn, u User) error {
	_, err := c.exec(ctx, `update users set roles = ?, password_hash = ?, disabled = ?, updated_at = ? where name = ?`,
		strings.Join(u.Roles, " "), u.PasswordHash, flag(u.Disabled), ms(s.now()), u.Name)
	if err != nil {
		return err
	}
	if _, err := c.exec(ctx, `delete from sessions where user_name = ?`, u.Name); err != nil {
		return err
	}
	_, err = c.exec(ctx, `delete from login_tokens where user_name = ?`, u.Name)
	return err
}

// User reads an account. ErrNotFound when there is none.
func (s *Store) User(ctx context.Context, name string) (User, error) {
	list, err := users(ctx, s.reader(), `where name = ?`, name)
	if err == nil && len(list) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return User{}, fmt.Errorf("read user %q: %w", name, err)
	}
	return list[0], nil
}

// Users lists all accounts by name.
func (s *Store) Users(ctx context.Context) ([]User, error) {
	list, err := users(ctx, s.reader(), `order by name`)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	return list, nil
}

func users(ctx context.Context, c conn, where string, args ...any) ([]User, error) {
	var list []User
	err := c.rows(ctx, `select name, roles, password_hash, disabled, created_at, updated_at from users `+where, args,
		func(scan scanner) error {
			u, err := scanUser(scan)
			list = append(list, u)
			return err
		})
	return list, err
}

// scanUser reads an account, after the columns of extra.
func scanUser(scan scanner, extra ...any) (User, error) {
	var u User
	var roles string
	var disabled, created, updated int64
	err := scan(append(extra, &u.Name, &roles, &u.PasswordHash, &disabled, &created, &updated)...)
	u.Roles, u.Disabled = strings.Fields(roles), disabled != 0
	u.CreatedAt, u.UpdatedAt = at(created), at(updated)
	return u, err
}

// DeleteUser removes an account with its sessions and tokens. What it did stays
// in the journal. ErrNotFound when there is none.
func (s *Store) DeleteUser(ctx context.Context, name string) error {
	err := s.update(ctx, func(c conn) error {
		return mustChange(c.exec(ctx, `delete from users where name = ?`, name))
	})
	if err != nil {
		return fmt.Errorf("delete user %q: %w", name, err)
	}
	return nil
}
