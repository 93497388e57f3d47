package store

import (
	"context"
	"fmt"
	"time"
)

// CorrectionState is where a correction stands.
type CorrectionState string

// The states of a correction.
const (
	CorrectionPending  CorrectionState = "pending"
	CorrectionAccepted CorrectionState = "accepted"
	CorrectionRejected CorrectionState = "rejected"
)

// Correction is what an operator says against a passage. Once decided it does
// not change any more.
type Correction struct {
	ID         string          `json:"id"`
	DocumentID string          `json:"document_id"`
	Collection string          `json:"collection"`
	Source     string          `json:"source"`
	Start      int             `json:"start"` // the passage, as offsets into the text
	End        int             `json:"end"`
	Quote      string          `json:"quote"` // the passage as it stood
	Title      string          `json:"title"`
	Body       string          `json:"correction"` // what is right
	Reason     string          `json:"reason"`
	State      CorrectionState `json:"state"`
	CreatedBy  string          `json:"created_by"`
	CreatedAt  time.Time       `json:"created_at"`
	DecidedBy  string          `json:"decided_by,omitempty"`
	DecidedAt  time.Time       `json:"decided_at"`
	Decision   string          `json:"decision,omitempty"` // why, in the words of who decided
	NoteID     string          `json:"note_id,omitempty"`  // document the accepted correction became
}

// CreateCorrection stores a proposal.
func (s *Store) CreateCorrection(ctx context.Context, c Correction) (Correction, error) {
	c.ID, c.State, c.CreatedAt = NewID("cor"), CorrectionPending, at(ms(s.now()))
	c.Quote, c.Title, c.Body, c.Reason = clean(c.Quote), clean(c.Title), clean(c.Body), clean(c.Reason)
	err := s.update(ctx, func(q conn) error {
		_, err := q.exec(ctx, `insert into corrections (id, document_id, collection, source, start_at, end_at, quote, title, body, reason,
				state, created_by, created_at, decided_by, decided_at, decision, note_id) values (?,?,?,?,?,?,?,?,?,?,?,?,?,'',0,'','')`,
			c.ID, c.DocumentID, c.Collection, c.Source, int64(c.Start), int64(c.End), c.Quote, c.Title, c.Body, c.Reason, string(c.State),
			c.CreatedBy, ms(c.CreatedAt))
		return err
	})
	if err != nil {
		return Correction{}, fmt.Errorf("store a correction: %w", err)
	}
	return c, nil
}

// DecideCorrection accepts or rejects a pending correction. ErrDecided when
// somebody has decided it already.
func (s *Store) DecideCorrection(ctx context.Context, c Correction) error {
	err := s.update(ctx, func(q conn) error {
		n, err := q.exec(ctx, `update corrections set state = ?, decided_by = ?, decided_at = ?, decision = ?, note_id = ?
			where id = ? and state = 'pending'`, string(c.State), c.DecidedBy, ms(s.now()), clean(c.Decision), c.NoteID, c.ID)
		if err != nil || n > 0 {
			return err
		}
		var state string
		if err := q.row(ctx, `select state from corrections where id = ?`, []any{c.ID}, &state); err != nil {
			return err
		}
		return ErrDecided
	})
	if err != nil {
		return fmt.Errorf("decide the correction %q: %w", c.ID, err)
	}
	return nil
}

// Correction reads one. ErrNotFound when there is none.
func (s *Store) Correction(ctx context.Context, id string) (Correction, error) {
	list, err := s.corrections(ctx, `where id = ?`, id)
	if err == nil && len(list) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Correction{}, fmt.Errorf("read the correction %q: %w", id, err)
	}
	return list[0], nil
}

// Corrections lists those of a state ("" is all), newest first.
func (s *Store) Corrections(ctx context.Context, state CorrectionState) ([]Correction, error) {
	list, err := s.corrections(ctx, `where (? = '' or state = ?) order by created_at desc, id desc`, string(state), string(state))
	if err != nil {
		return nil, fmt.Errorf("list corrections: %w", err)
	}
	return list, nil
}

func (s *Store) corrections(ctx context.Context, where string, args ...any) ([]Correction, error) {
	var list []Correction
	err := s.reader().rows(ctx, `select id, document_id, collection, source, start_at, end_at, quote, title, body, reason, state, created_by,
		created_at, decided_by, decided_at, decision, note_id from corrections `+where, args, func(scan scanner) error {
		var c Correction
		var created, decided int64
		err := scan(&c.ID, &c.DocumentID, &c.Collection, &c.Source, &c.Start, &c.End, &c.Quote, &c.Title, &c.Body, &c.Reason, &c.State,
			&c.CreatedBy, &created, &c.DecidedBy, &decided, &c.Decision, &c.NoteID)
		c.CreatedAt, c.DecidedAt = at(created), at(decided)
		list = append(list, c)
		return err
	})
	return list, err
}
