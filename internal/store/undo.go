package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Classes of undo (hwa.md §1.8).
const (
	UndoExact        = "exact"                // the inverse restores the state before
	UndoIfNotStarted = "exact-if-not-started" // as long as the job has not started
	UndoCompensation = "compensation"         // it undoes the effect, not the fact
	UndoNone         = "none"                 // nothing can undo it
)

// Undo is a stored inverse operation: data, never a function, so it outlives a
// restart. RunID is the run it undoes.
type Undo struct {
	RunID        string          `json:"run_id"`
	Engine       string          `json:"engine"`
	Tool         string          `json:"tool"` // what was done
	InverseTool  string          `json:"inverse_tool"`
	InverseArgs  json.RawMessage `json:"inverse_args"`
	Precondition json.RawMessage `json:"precondition"` // state of the object in which the inverse is right
	Class        string          `json:"class"`
	Summary      string          `json:"summary"`
	CreatedAt    time.Time       `json:"created_at"`
	ExpiresAt    time.Time       `json:"expires_at"`  // zero: never
	UndoRunID    string          `json:"undo_run_id"` // the run that undoes or undid it; set by ClaimUndo
	UndoneAt     time.Time       `json:"undone_at"`   // zero until MarkUndone
}

const undoColumns = `u.run_id, u.engine, u.tool, u.inverse_tool, u.inverse_args, u.precondition, u.class, u.summary,
	u.created_at, u.expires_at, u.undo_run_id, u.undone_at`

func scanUndo(scan scanner) (Undo, error) {
	var u Undo
	var args, pre string
	var created, expires, undone int64
	err := scan(&u.RunID, &u.Engine, &u.Tool, &u.InverseTool, &args, &pre, &u.Class, &u.Summary,
		&created, &expires, &u.UndoRunID, &undone)
	u.InverseArgs, u.Precondition = raw(args), raw(pre)
	u.CreatedAt, u.ExpiresAt, u.UndoneAt = at(created), at(expires), at(undone)
	return u, err
}

func (u Undo) check() error {
	switch u.Class {
	case UndoExact, UndoIfNotStarted, UndoCompensation:
		if u.InverseTool == "" {
			return fmt.Errorf("%w: an undo record of class %s needs an inverse tool", ErrInvalid, u.Class)
		}
	case UndoNone:
	default:
		return fmt.Errorf("%w: unknown undo class %q", ErrInvalid, u.Class)
	}
	return errors.Join(checkJSON("inverse_args", u.InverseArgs), checkJSON("precondition", u.Precondition))
}

// PutUndo stores the inverse of an executed run. ErrExists when there is one,
// ErrNotFound when there is no such run.
func (s *Store) PutUndo(ctx context.Context, u Undo) error {
	if u.CreatedAt.IsZero() {
		u.CreatedAt = s.now()
	}
	err := u.check()
	if err == nil {
		err = s.update(ctx, func(c conn) error {
			return c.later(ctx, ask{query: `insert into undos (run_id, engine, tool, inverse_tool, inverse_args, precondition, class, summary, created_at, expires_at)
				values (?,?,?,?,?,?,?,?,?,?)`, args: []any{u.RunID, u.Engine, u.Tool, u.InverseTool, string(u.InverseArgs), string(u.Precondition),
				u.Class, u.Summary, ms(u.CreatedAt), ms(u.ExpiresAt)}, failed: whenTaken})
		})
	}
	if err != nil {
		return fmt.Errorf("store undo of %s: %w", u.RunID, err)
	}
	return nil
}

// Undo reads the undo record of a run. ErrNotFound when there is none.
func (s *Store) Undo(ctx context.Context, runID string) (Undo, error) {
	u, err := readUndo(ctx, s.reader(), runID, "")
	if err != nil {
		return Undo{}, fmt.Errorf("read undo of %q: %w", runID, err)
	}
	return u, nil
}

func readUndo(ctx context.Context, c conn, runID, lock string) (u Undo, err error) {
	found := false
	err = c.rows(ctx, `select `+undoColumns+` from undos u where u.run_id = ?`+lock, []any{runID}, func(scan scanner) (err error) {
		found = true
		u, err = scanUndo(scan)
		return err
	})
	if err == nil && !found {
		err = ErrNotFound
	}
	return u, err
}

// ClaimUndo reserves the undo of runID for the run undoRunID. Exactly one
// caller gets it; the others get ErrAlreadyClaimed, or ErrUndone, ErrExpired,
// ErrNotUndoable, ErrNotFound as the case may be.
func (s *Store) ClaimUndo(ctx context.Context, runID, undoRunID string) (Undo, error) {
	u, err := s.changeUndo(ctx, runID, func(c conn, u *Undo) error {
		switch {
		case undoRunID == "":
			return fmt.Errorf("%w: no run to undo it with", ErrInvalid)
		case u.Class == UndoNone:
			return ErrNotUndoable
		case !u.UndoneAt.IsZero():
			return ErrUndone
		case u.UndoRunID != "":
			return fmt.Errorf("%w by run %s", ErrAlreadyClaimed, u.UndoRunID)
		case !u.ExpiresAt.IsZero() && !s.now().Before(u.ExpiresAt):
			return fmt.Errorf("%w at %s", ErrExpired, u.ExpiresAt.Format(time.RFC3339))
		}
		u.UndoRunID = undoRunID
		return nil
	})
	if err != nil {
		return Undo{}, fmt.Errorf("claim undo of %s: %w", runID, err)
	}
	return u, nil
}

// ReleaseUndo gives a claim back because undoRunID did not execute (rejected,
// expired, refused). Only the holder of the claim can, and not once it is done.
func (s *Store) ReleaseUndo(ctx context.Context, runID, undoRunID string) error {
	_, err := s.changeUndo(ctx, runID, func(c conn, u *Undo) error {
		if err := u.heldBy(undoRunID); err != nil {
			return err
		}
		u.UndoRunID = ""
		return nil
	})
	if err != nil {
		return fmt.Errorf("release undo of %s: %w", runID, err)
	}
	return nil
}

// MarkUndone records that undoRunID, which holds the claim, undid the run.
func (s *Store) MarkUndone(ctx context.Context, runID, undoRunID string) error {
	_, err := s.changeUndo(ctx, runID, func(c conn, u *Undo) error {
		if err := u.heldBy(undoRunID); err != nil {
			return err
		}
		u.UndoneAt = s.now()
		return nil
	})
	if err != nil {
		return fmt.Errorf("mark %s undone: %w", runID, err)
	}
	return nil
}

// heldBy says why undoRunID may not finish this undo, nil if it may.
func (u Undo) heldBy(undoRunID string) error {
	switch {
	case !u.UndoneAt.IsZero():
		return ErrUndone
	case u.UndoRunID == "" || u.UndoRunID != undoRunID:
		return fmt.Errorf("%w: run %q does not hold it, %q does", ErrAlreadyClaimed, undoRunID, u.UndoRunID)
	}
	return nil
}

// changeUndo reads a record under lock, lets fn change it and writes it back.
func (s *Store) changeUndo(ctx context.Context, runID string, fn func(conn, *Undo) error) (Undo, error) {
	var u Undo
	err := s.update(ctx, func(c conn) (err error) {
		if u, err = readUndo(ctx, c, runID, c.d.forUpdate); err != nil {
			return err
		}
		if err := fn(c, &u); err != nil {
			return err
		}
		_, err = c.exec(ctx, `update undos set undo_run_id = ?, undone_at = ? where run_id = ?`, u.UndoRunID, ms(u.UndoneAt), runID)
		return err
	})
	return u, err
}

// UndoFilter selects undo records; a zero field does not restrict.
type UndoFilter struct {
	User   string // who ran the action
	Engine string
	Limit  int // at most so many; 0 means 50, the most is 1000
}

// AvailableUndos lists, newest first, what can be undone now: not of class
// none, not expired, not claimed, not undone.
func (s *Store) AvailableUndos(ctx context.Context, f UndoFilter) ([]Undo, error) {
	conds := []string{"u.class <> 'none'", "u.undo_run_id = ''", "u.undone_at = 0", "(u.expires_at = 0 or u.expires_at > ?)"}
	args := []any{ms(s.now())}
	if f.User != "" {
		conds, args = append(conds, "r.user_name = ?"), append(args, f.User)
	}
	if f.Engine != "" {
		conds, args = append(conds, "u.engine = ?"), append(args, f.Engine)
	}
	var out []Undo
	err := s.reader().rows(ctx, `select `+undoColumns+` from undos u join runs r on r.id = u.run_id where `+
		strings.Join(conds, " and ")+` order by u.created_at desc, u.run_id desc limit ?`, append(args, pageSize(f.Limit)),
		func(scan scanner) error {
			u, err := scanUndo(scan)
			out = append(out, u)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("list what can be undone: %w", err)
	}
	return out, nil
}
