package store

import (
	"context"
	"fmt"
)

// Verification is what [Store.VerifyJournal] found in an intact journal.
type Verification struct {
	Entries int64  `json:"entries"` // rows checked
	Head    string `json:"head"`    // hash of the last one; compare it with a copy kept elsewhere
}

// ChainError says where the journal is not what was written.
type ChainError struct {
	Seq     int64  // number of the first entry that is wrong or missing
	Problem string // in plain words
}

func (e *ChainError) Error() string {
	return fmt.Sprintf("journal entry %d: %s", e.Seq, e.Problem)
}

// VerifyJournal walks the hash chain from its first entry and returns a
// *[ChainError] at the first edited, removed, inserted or reordered entry, at a
// run whose stored proposal differs from the one journaled, and when entries
// are missing at the end. On SQLite the engine's own integrity check comes
// first, because a damaged index hides rows that the table still has; it fails
// with [ErrCorrupt]. Somebody who can rewrite the whole database can also
// rewrite the whole chain; compare Head with a copy kept outside against that.
func (s *Store) VerifyJournal(ctx context.Context) (Verification, error) {
	var v Verification
	err := s.view(ctx, func(c conn) error {
		if err := checkIntegrity(ctx, c); err != nil {
			return err
		}
		err := c.rows(ctx, `select j.seq, j.run_id, j.at, j.event, j.actor, j.detail, j.hash, j.kind, j.facts, j.prev
			from journal j order by j.seq`, nil, v.next)
		if err != nil {
			return err
		}
		if err := v.checkHead(ctx, c); err != nil {
			return err
		}
		return checkProposals(ctx, c)
	})
	if err != nil {
		return v, fmt.Errorf("verify journal: %w", err)
	}
	return v, nil
}

// checkIntegrity asks SQLite whether its tables and indexes agree. PostgreSQL
// keeps that to its operators (amcheck, data checksums).
func checkIntegrity(ctx context.Context, c conn) error {
	if c.d.name != "sqlite" {
		return nil
	}
	var first string
	if err := c.row(ctx, `pragma integrity_check(1)`, nil, &first); err != nil {
		return err
	}
	if first != "ok" {
		return fmt.Errorf("%w: %s", ErrCorrupt, first)
	}
	return nil
}

// next checks the row under the scanner against the link before it.
func (v *Verification) next(scan scanner) error {
	var e Entry
	var millis int64
	var detail, kind, facts, prev string
	if err := scan(&e.Seq, &e.RunID, &millis, &e.Event, &e.Actor, &detail, &e.Hash, &kind, &facts, &prev); err != nil {
		return err
	}
	e.At, e.Detail = at(millis), raw(detail)
	switch want := v.Entries + 1; {
	case e.Seq != want:
		return &ChainError{Seq: want, Problem: fmt.Sprintf("missing; the next one found is %d", e.Seq)}
	case prev != v.Head:
		return &ChainError{Seq: e.Seq, Problem: "does not follow the entry before it"}
	case chainHash(prev, e, facts) != e.Hash:
		return &ChainError{Seq: e.Seq, Problem: "its content is not what was written"}
	case kind != kindOf(e.Event):
		return &ChainError{Seq: e.Seq, Problem: fmt.Sprintf("event %s is filed as %q", e.Event, kind)}
	}
	v.Entries, v.Head = e.Seq, e.Hash
	return nil
}

// checkHead compares the end of the chain with the head row, which notices
// entries cut off at the end.
func (v *Verification) checkHead(ctx context.Context, c conn) error {
	var seq int64
	var hash string
	if err := c.row(ctx, `select seq, hash from journal_head where id = 1`, nil, &seq, &hash); err != nil {
		return &ChainError{Seq: v.Entries + 1, Problem: "the record of the journal's end is gone"}
	}
	if seq != v.Entries || hash != v.Head {
		return &ChainError{Seq: v.Entries + 1, Problem: fmt.Sprintf("the journal ends at %d but %d entries were written", v.Entries, seq)}
	}
	return nil
}

// checkProposals compares every run with the hash in its first entry.
func checkProposals(ctx context.Context, c conn) error {
	err := c.rows(ctx, `select seq, run_id from journal j where facts <> ''
		and not exists (select 1 from runs where id = j.run_id) order by seq limit 1`, nil, func(scan scanner) error {
		var seq int64
		var id string
		if err := scan(&seq, &id); err != nil {
			return err
		}
		return &ChainError{Seq: seq, Problem: "the proposal of run " + id + " is gone"}
	})
	if err != nil {
		return err
	}
	return c.rows(ctx, `select coalesce(j.seq, 0), coalesce(j.facts, ''), r.id, r.engine, r.tool, r.args, r.args_hash, r.target,
		r.target_id, r.user_name, r.conversation_id, r.parent_id, r.risk, r.preview, r.pre_image, r.digest, r.reason,
		r.ticket, r.permission, r.created_at
		from runs r left join journal j on j.run_id = r.id and j.facts <> '' order by r.id`, nil, func(scan scanner) error {
		var seq int64
		var facts string
		var r Run
		if err := r.scanInto(scan, &seq, &facts); err != nil {
			return err
		}
		if seq == 0 {
			return &ChainError{Problem: "run " + r.ID + " was never journaled"}
		}
		if r.facts() != facts {
			return &ChainError{Seq: seq, Problem: "the proposal of run " + r.ID + " is not what was written"}
		}
		return nil
	})
}
