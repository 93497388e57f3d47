package store

import (
	"context"
	"fmt"
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

// PutUser creates the account or replaces its roles, password hash and disabled
// flag. When one of these changes, its sessions and login tokens end in the same
// transaction. CreatedAt and UpdatedAt are set by the store.
func (s *Store) PutUser(ctx context.Context, u User) error {
	err := u.check()
	if err == nil {
		err = s.update(ctx, func(c conn) error { return s.putUser(ctx, c, u) })
	}
	if err != nil {
		return fmt.Errorf("store user %q: %w", u.Name, err)
	}
	return nil
}

func (s *Store) putUser(ctx context.Context, c conn, u User) error {
	now, roles := ms(s.now()), strings.Join(u.Roles, " ")
	changed, err := c.exec(ctx, `insert into users (name, roles, password_hash, disabled, created_at, updated_at) values (?,?,?,?,?,?)
		on conflict (name) do update set roles = excluded.roles, password_hash = excluded.password_hash,
			disabled = excluded.disabled, updated_at = excluded.updated_at
		where users.roles <> excluded.roles or users.password_hash <> excluded.password_hash or users.disabled <> excluded.disabled`,
		u.Name, roles, u.PasswordHash, flag(u.Disabled), now, now)
	if err != nil || changed == 0 {
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
	list, err := s.users(ctx, `where name = ?`, name)
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
	list, err := s.users(ctx, `order by name`)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	return list, nil
}

func (s *Store) users(ctx context.Context, where string, args ...any) ([]User, error) {
	var list []User
	err := s.reader().rows(ctx, `select name, roles, password_hash, disabled, created_at, updated_at from users `+where, args,
		func(scan scanner) error {
			var u User
			var roles string
			var disabled, created, updated int64
			err := scan(&u.Name, &roles, &u.PasswordHash, &disabled, &created, &updated)
			u.Roles, u.Disabled = strings.Fields(roles), disabled != 0
			u.CreatedAt, u.UpdatedAt = at(created), at(updated)
			list = append(list, u)
			return err
		})
	return list, err
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
