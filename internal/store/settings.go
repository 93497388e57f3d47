package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Setting is what an administrator set while the program runs.
type Setting struct {
	Name      string          `json:"name"`
	Value     json.RawMessage `json:"value"`
	UpdatedBy string          `json:"updated_by"`
	UpdatedAt time.Time       `json:"updated_at"`
}

// PutSetting keeps a value under a name, in place of the one before.
func (s *Store) PutSetting(ctx context.Context, name string, value json.RawMessage, by string) (Setting, error) {
	set := Setting{Name: name, Value: value, UpdatedBy: clean(by), UpdatedAt: at(ms(s.now()))}
	err := checkJSON("value", value)
	if err == nil && name == "" {
		err = fmt.Errorf("%w: a setting has a name", ErrInvalid)
	}
	if err == nil {
		err = s.update(ctx, func(c conn) error {
			_, err := c.exec(ctx, putSetting, name, clean(string(value)), set.UpdatedBy, ms(set.UpdatedAt))
			return err
		})
	}
	if err != nil {
		return Setting{}, fmt.Errorf("keep the setting %q: %w", name, err)
	}
	return set, nil
}

// ChangeSetting keeps what change makes of the value there is, nil when there is
// none, and adds the audit line change returns, in one transaction: of two that
// change a setting at the same moment the second sees what the first did. A nil
// value forgets the setting. What change refuses leaves everything as it is.
func (s *Store) ChangeSetting(ctx context.Context, name string, change func(old json.RawMessage) (json.RawMessage, Audit, error)) (Setting, error) {
	set := Setting{Name: name, UpdatedAt: at(ms(s.now()))}
	err := s.audited(ctx, func(c conn) (Audit, error) {
		var old json.RawMessage
		err := c.rows(ctx, `select value from settings where name = ?`, []any{name}, func(scan scanner) error {
			var value string
			err := scan(&value)
			old = raw(value)
			return err
		})
		if err != nil {
			return Audit{}, err
		}
		value, a, err := change(old)
		if err == nil && name == "" {
			err = fmt.Errorf("%w: a setting has a name", ErrInvalid)
		}
		if err != nil {
			return Audit{}, err
		}
		set.Value, set.UpdatedBy = value, clean(a.Actor)
		if value == nil {
			_, err = c.exec(ctx, `delete from settings where name = ?`, name)
			return a, err
		}
		if err := checkJSON("value", value); err != nil {
			return Audit{}, err
		}
		_, err = c.exec(ctx, putSetting, name, clean(string(value)), set.UpdatedBy, ms(set.UpdatedAt))
		return a, err
	})
	if err != nil {
		return Setting{}, fmt.Errorf("change the setting %q: %w", name, err)
	}
	return set, nil
}

const putSetting = `insert into settings (name, value, updated_by, updated_at) values (?,?,?,?)
	on conflict (name) do update set value = excluded.value, updated_by = excluded.updated_by, updated_at = excluded.updated_at`

// Setting reads a setting. ErrNotFound when nobody has set it.
func (s *Store) Setting(ctx context.Context, name string) (Setting, error) {
	set, found := Setting{Name: name}, false
	err := s.reader().rows(ctx, `select value, updated_by, updated_at from settings where name = ?`, []any{name}, func(scan scanner) error {
		var value string
		var when int64
		err := scan(&value, &set.UpdatedBy, &when)
		set.Value, set.UpdatedAt, found = raw(value), at(when), true
		return err
	})
	if err == nil && !found {
		err = ErrNotFound
	}
	if err != nil {
		return Setting{}, fmt.Errorf("read the setting %q: %w", name, err)
	}
	return set, nil
}

// DeleteSetting forgets a setting; one that is not there is no error.
func (s *Store) DeleteSetting(ctx context.Context, name string) error {
	err := s.update(ctx, func(c conn) error {
		_, err := c.exec(ctx, `delete from settings where name = ?`, name)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget the setting %q: %w", name, err)
	}
	return nil
}
