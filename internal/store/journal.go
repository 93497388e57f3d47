package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Events to which the store gives a meaning. Any other text is a note that the
// caller owns.
const (
	EventProposed = "proposed" // first entry of a run

	// EventExecuting claims the run: it is committed before the engine is called
	// and stands at most once per run. Only [Store.AppendClaim] and
	// [Store.ClaimApproved] write it.
	EventExecuting = "executing"

	// The outcomes; at most one per run.
	EventDone           = "done"            // the engine accepted it
	EventError          = "error"           // it failed and the engine did not act
	EventCancelled      = "cancelled"       // withdrawn before or during the call
	EventOutcomeUnknown = "outcome_unknown" // the engine may have acted
	EventRefused        = "refused"         // the harness or the policy said no
	EventRejected       = "rejected"        // an approver said no
	EventExpired        = "expired"         // nobody approved in time
	EventVoid           = "void"            // the target moved, so the approval fell

	// EventReconciled tells what reading the plan showed about an unknown outcome;
	// at most one per run, and only after outcome_unknown.
	EventReconciled = "reconciled"
)

// What may stand once per run; the journal's unique index is over (run, kind).
const (
	kindNote      = ""
	kindClaim     = "claim"
	kindOutcome   = "outcome"
	kindReconcile = "reconcile"
)

func kindOf(event string) string {
	switch event {
	case EventExecuting:
		return kindClaim
	case EventDone, EventError, EventCancelled, EventOutcomeUnknown,
		EventRefused, EventRejected, EventExpired, EventVoid:
		return kindOutcome
	case EventReconciled:
		return kindReconcile
	}
	return kindNote
}

// Final says whether an event ends a run.
func Final(event string) bool { return kindOf(event) == kindOutcome }

// Entry is one row of the journal. Rows are only ever added.
type Entry struct {
	Seq    int64           `json:"seq"` // 1, 2, 3 … over all runs; set by the store
	RunID  string          `json:"run_id"`
	At     time.Time       `json:"at"` // set by the store when zero
	Event  string          `json:"event"`
	Actor  string          `json:"actor"`            // user, or the part of Resync that acted
	Detail json.RawMessage `json:"detail,omitempty"` // any JSON
	Hash   string          `json:"hash"`             // link of the chain, see [Store.VerifyJournal]
}

const entryColumns = `seq, run_id, at, event, actor, detail, hash`

func scanEntry(scan scanner) (Entry, error) {
	var e Entry
	var when int64
	var detail string
	err := scan(&e.Seq, &e.RunID, &when, &e.Event, &e.Actor, &detail, &e.Hash)
	e.At, e.Detail = at(when), raw(detail)
	return e, err
}

// Append adds an entry to a run's journal and returns it as stored. It refuses
// a second outcome (ErrAlreadyFinal), a reconciliation of a known outcome
// (ErrNotUnknown), EventExecuting (use AppendClaim) and an unknown run
// (ErrNotFound).
//
// An outcome must be recorded even when the request that caused it is gone:
// give it [context.WithoutCancel].
func (s *Store) Append(ctx context.Context, e Entry) (Entry, error) {
	if e.Event == EventExecuting {
		return Entry{}, fmt.Errorf("append to journal of %s: %w: a run is claimed with AppendClaim", e.RunID, ErrInvalid)
	}
	return s.appendOne(ctx, e, nil)
}

// AppendClaim claims the run for execution; the entry's event is set to
// "executing". Of any number of callers exactly one succeeds, the others get
// ErrAlreadyClaimed; a run that has an outcome gives ErrAlreadyFinal.
func (s *Store) AppendClaim(ctx context.Context, e Entry) (Entry, error) {
	e.Event = EventExecuting
	return s.appendOne(ctx, e, nil)
}

// AppendUnclaimed adds an entry only if the run has not been claimed: the way to
// cancel, reject or expire a run without ever racing with its execution.
// ErrAlreadyClaimed when it was claimed first.
func (s *Store) AppendUnclaimed(ctx context.Context, e Entry) (Entry, error) {
	if e.Event == EventExecuting {
		return Entry{}, fmt.Errorf("append to journal of %s: %w: a run is claimed with AppendClaim", e.RunID, ErrInvalid)
	}
	return s.appendOne(ctx, e, func(m marks) error {
		if m.claimed {
			return ErrAlreadyClaimed
		}
		return nil
	})
}

// appendOne appends in a transaction of its own; extra may refuse.
func (s *Store) appendOne(ctx context.Context, e Entry, extra func(marks) error) (Entry, error) {
	err := s.update(ctx, func(c conn) error {
		if err := s.lockChain(ctx, c); err != nil {
			return err
		}
		m, err := readMarks(ctx, c, e.RunID)
		if err == nil {
			err = m.allow(kindOf(e.Event))
		}
		if err == nil && extra != nil {
			err = extra(m)
		}
		if err == nil && e.Event == EventExecuting {
			err = s.linkKey(ctx, c, e.RunID)
		}
		if err != nil {
			return err
		}
		return s.appendTo(ctx, c, &e, "")
	})
	if err != nil {
		return Entry{}, fmt.Errorf("append %s to journal of %s: %w", e.Event, e.RunID, err)
	}
	return e, nil
}

// marks are the entries of a run that may stand only once.
type marks struct {
	claimed    bool
	outcome    string
	reconciled bool
}

// readMarks reads them under the chain's lock, so they cannot change before
// the transaction ends. ErrNotFound when there is no such run.
func readMarks(ctx context.Context, c conn, runID string) (marks, error) {
	var m marks
	var n int
	if err := c.row(ctx, `select count(*) from runs where id = ?`, []any{runID}, &n); err != nil {
		return m, err
	}
	if n == 0 {
		return m, ErrNotFound
	}
	err := c.rows(ctx, `select kind, event from journal where run_id = ? and kind <> ''`, []any{runID}, func(scan scanner) error {
		var kind, event string
		err := scan(&kind, &event)
		switch kind {
		case kindClaim:
			m.claimed = true
		case kindOutcome:
			m.outcome = event
		case kindReconcile:
			m.reconciled = true
		}
		return err
	})
	return m, err
}

// allow applies the rules of the journal to an entry about to be added.
func (m marks) allow(kind string) error {
	switch {
	case kind == kindClaim && m.claimed:
		return ErrAlreadyClaimed
	case (kind == kindClaim || kind == kindOutcome) && m.outcome != "":
		return fmt.Errorf("%w: %s", ErrAlreadyFinal, m.outcome)
	case kind == kindReconcile && m.outcome != EventOutcomeUnknown:
		return ErrNotUnknown
	case kind == kindReconcile && m.reconciled:
		return fmt.Errorf("%w: it was reconciled", ErrAlreadyFinal)
	}
	return nil
}

// lockChain makes concurrent appends queue until this transaction ends. On
// SQLite the transaction itself already does.
func (s *Store) lockChain(ctx context.Context, c conn) error {
	if c.d.forUpdate == "" {
		return nil
	}
	var id int
	return c.row(ctx, `select id from journal_head where id = 1`+c.d.forUpdate, nil, &id)
}

// appendTo links the entry to the end of the chain and stores it.
func (s *Store) appendTo(ctx context.Context, c conn, e *Entry, facts string) error {
	if err := errors.Join(checkEntry(*e), checkJSON("detail", e.Detail)); err != nil {
		return err
	}
	if e.At.IsZero() {
		e.At = s.now()
	}
	e.At = at(ms(e.At))
	var seq int64
	var prev string
	if err := c.row(ctx, `select seq, hash from journal_head where id = 1`+c.d.forUpdate, nil, &seq, &prev); err != nil {
		return fmt.Errorf("read the end of the journal: %w", err)
	}
	e.Seq = seq + 1
	e.Hash = chainHash(prev, *e, facts)
	_, err := c.exec(ctx, `insert into journal (seq, run_id, at, event, actor, detail, kind, facts, prev, hash)
		values (?,?,?,?,?,?,?,?,?,?)`,
		e.Seq, e.RunID, ms(e.At), e.Event, e.Actor, string(e.Detail), kindOf(e.Event), facts, prev, e.Hash)
	if err != nil {
		return whenUnique(err, onceError(e.Event))
	}
	_, err = c.exec(ctx, `update journal_head set seq = ?, hash = ? where id = 1`, e.Seq, e.Hash)
	return err
}

func checkEntry(e Entry) error {
	if e.RunID == "" || e.Event == "" {
		return fmt.Errorf("%w: a journal entry needs a run ID and an event", ErrInvalid)
	}
	return nil
}

// onceError is what a unique violation means for an event. The rules are checked
// before under the chain's lock, so this is the second line of defence; for a
// note only the sequence number can clash, and then the head row lies.
func onceError(event string) error {
	switch kindOf(event) {
	case kindClaim:
		return ErrAlreadyClaimed
	case kindNote:
		return fmt.Errorf("%w: the journal goes on after its recorded end", ErrCorrupt)
	}
	return ErrAlreadyFinal
}

// chainHash is the SHA-256, in hex, of the previous link and the entry as JSON
// with fixed field order. Detail goes in as the text that is stored.
func chainHash(prev string, e Entry, facts string) string {
	b, _ := json.Marshal([]any{prev, e.Seq, e.RunID, ms(e.At), e.Event, e.Actor, string(e.Detail), facts}) // strings and numbers always marshal
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
