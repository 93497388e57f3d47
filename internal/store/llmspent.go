package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// LLMSpent returns what language models cost on a day (2006-01-02, UTC), in
// billionths of a dollar: by user, and under "" for everybody together.
func (s *Store) LLMSpent(ctx context.Context, day string) (map[string]int64, error) {
	out := map[string]int64{}
	err := s.reader().rows(ctx, `select account, nano_usd from llm_spent where day = ?`, []any{day}, func(scan scanner) error {
		var account string
		var amount int64
		err := scan(&account, &amount)
		out[account] = amount
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what language models cost on %s: %w", day, err)
	}
	return out, nil
}

// AddLLMSpent adds to a day's costs, all of them or none. Several processes may
// add at the same time.
func (s *Store) AddLLMSpent(ctx context.Context, day string, amounts map[string]int64) error {
	err := error(nil)
	if _, bad := time.Parse(time.DateOnly, day); bad != nil {
		err = fmt.Errorf("%w: %q is not a day", ErrInvalid, day)
	}
	if err == nil {
		err = s.update(ctx, func(c conn) error {
			for _, account := range slices.Sorted(maps.Keys(amounts)) { // in order, so that two writers cannot lock each other out
				if _, err := c.exec(ctx, `insert into llm_spent (day, account, nano_usd) values (?,?,?)
					on conflict (day, account) do update set nano_usd = llm_spent.nano_usd + excluded.nano_usd`, day, clean(account), amounts[account]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("add to what language models cost on %s: %w", day, err)
	}
	return nil
}
