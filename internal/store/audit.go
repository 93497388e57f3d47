package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Audit is one change of Resync itself: who, when, what and why. Rows are only
// ever added, in the transaction of what they tell of.
type Audit struct {
	Seq    int64           `json:"seq"` // 1, 2, 3 …; set by the store
	At     time.Time       `json:"at"`  // set by the store
	Actor  string          `json:"actor"`
	Action string          `json:"action"` // such as token.create
	Target string          `json:"target"` // what was changed
	Reason string          `json:"reason,omitempty"`
	Detail json.RawMessage `json:"detail,omitempty"` // any JSON, never a secret
}

// audited runs fn and adds the row it returns, in one transaction. One such
// transaction goes after the other, so that fn may read what it changes.
func (s *Store) audited(ctx context.Context, fn func(conn) (Audit, error)) error {
	return s.update(ctx, func(c conn) error {
		var last int64
		if err := c.row(ctx, `select seq from audit_head where id = 1`+c.d.forUpdate, nil, &last); err != nil {
			return fmt.Errorf("read the end of the audit: %w", err)
		}
		a, err := fn(c)
		if err != nil {
			return err
		}
		if a.Actor == "" || a.Action == "" {
			return fmt.Errorf("%w: an audit line needs an actor and an action", ErrInvalid)
		}
		if err := checkJSON("detail", a.Detail); err != nil {
			return err
		}
		_, err = c.exec(ctx, `insert into audit (seq, at, actor, action, target, reason, detail) values (?,?,?,?,?,?,?)`,
			last+1, ms(s.now()), clean(a.Actor), a.Action, clean(a.Target), clean(a.Reason), string(a.Detail))
		if err == nil {
			_, err = c.exec(ctx, `update audit_head set seq = ? where id = 1`, last+1)
		}
		return err
	})
}

// AddAudit adds a row that stands for itself.
func (s *Store) AddAudit(ctx context.Context, a Audit) error {
	if err := s.audited(ctx, func(conn) (Audit, error) { return a, nil }); err != nil {
		return fmt.Errorf("add to the audit: %w", err)
	}
	return nil
}

// AuditFilter narrows [Store.Audits]; zero fields do not.
type AuditFilter struct {
	Action string // exactly, or with a * at its end as a beginning: "token.*"
	Before int64  // rows with a smaller number, for the next page
	Limit  int    // 100 when 0
}

// Audits reads the newest rows first.
func (s *Store) Audits(ctx context.Context, f AuditFilter) ([]Audit, error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	if f.Before <= 0 {
		f.Before = 1 << 62
	}
	where, args := "", []any{f.Before}
	if begins, ok := strings.CutSuffix(f.Action, "*"); ok {
		where, args = " and substr(action, 1, ?) = ?", append(args, utf8.RuneCountInString(begins), begins)
	} else if f.Action != "" {
		where, args = " and action = ?", append(args, f.Action)
	}
	out := []Audit{}
	query := `select seq, at, actor, action, target, reason, detail from audit where seq < ?` + where + ` order by seq desc limit ?`
	err := s.reader().rows(ctx, query, append(args, f.Limit), func(scan scanner) error {
		var a Audit
		var when int64
		var detail string
		err := scan(&a.Seq, &when, &a.Actor, &a.Action, &a.Target, &a.Reason, &detail)
		a.At, a.Detail = at(when), raw(detail)
		out = append(out, a)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the audit: %w", err)
	}
	return out, nil
}
