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
	list := []Entry{e}
	if err := s.appendAll(ctx, list, extra); err != nil {
		return Entry{}, fmt.Errorf("append %s to journal of %s: %w", e.Event, e.RunID, err)
	}
	return list[0], nil
}

// appendAll appends the entries of one run in one transaction.
func (s *Store) appendAll(ctx context.Context, list []Entry, extra func(marks) error) error {
	return s.update(ctx, func(c conn) error {
		key := keyLink{done: func() {}}
		if list[0].Event == EventExecuting {
			key = linkKey(ctx, list[0].RunID)
		}
		chain, m, err := s.openChain(ctx, c, list[0].RunID, key.asks...)
		if err == nil && extra != nil {
			err = extra(m)
		}
		if err == nil {
			err = m.allow(kindOf(list[0].Event))
		}
		if err != nil {
			return err
		}
		key.done()
		return chain.extend(ctx, c, m, list)
	})
}

// marks are the entries of a run that may stand only once.
type marks struct {
	claimed    bool
	outcome    string
	reconciled bool
}

// take notes an entry.
func (m *marks) take(kind, event string) {
	switch kind {
	case kindClaim:
		m.claimed = true
	case kindOutcome:
		m.outcome = event
	case kindReconcile:
		m.reconciled = true
	}
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

// chain is the end of the journal, held until the transaction ends.
type chain struct {
	s    *Store
	read bool
	seq  int64
	hash string
}

// openChain makes concurrent appends queue until this transaction ends, and reads
// the marks of a run, which cannot change before. What is asked before and after it
// goes the same way. ErrNotFound when there is no such run.
func (s *Store) openChain(ctx context.Context, c conn, runID string, before ...ask) (*chain, marks, error) {
	var m marks
	n := 0
	end, lock := s.chainEnd(c)
	err := c.all(ctx, append(before, lock,
		ask{query: `select count(*) from runs where id = ?`, args: []any{runID}, row: func(scan scanner) error { return scan(&n) }},
		ask{query: `select kind, event from journal where run_id = ? and kind <> ''`, args: []any{runID}, row: func(scan scanner) error {
			var kind, event string
			err := scan(&kind, &event)
			m.take(kind, event)
			return err
		}})...)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return end, m, err
}

// chainEnd is the statement that reads and holds the end of the journal.
func (s *Store) chainEnd(c conn) (*chain, ask) {
	end := &chain{s: s}
	return end, ask{query: `select seq, hash from journal_head where id = 1` + c.d.forUpdate, row: func(scan scanner) error {
		end.read = true
		return scan(&end.seq, &end.hash)
	}}
}

// extend adds the entries of one run as its marks allow.
func (end *chain) extend(ctx context.Context, c conn, m marks, list []Entry) error {
	for i := range list {
		kind := kindOf(list[i].Event)
		if err := m.allow(kind); err != nil {
			return err
		}
		m.take(kind, list[i].Event)
		if err := end.link(ctx, c, &list[i], ""); err != nil {
			return err
		}
	}
	return end.close(ctx, c)
}

// link adds an entry to the end of the chain.
func (end *chain) link(ctx context.Context, c conn, e *Entry, facts string) error {
	if err := errors.Join(checkEntry(*e), checkJSON("detail", e.Detail)); err != nil {
		return err
	}
	if !end.read {
		return fmt.Errorf("read the end of the journal: %w", ErrNotFound)
	}
	if e.At.IsZero() {
		e.At = end.s.now()
	}
	e.At = at(ms(e.At))
	e.Seq = end.seq + 1
	e.Hash = chainHash(end.hash, *e, facts)
	err := c.later(ctx, ask{query: `insert into journal (seq, run_id, at, event, actor, detail, kind, facts, prev, hash)
		values (?,?,?,?,?,?,?,?,?,?)`,
		args:   []any{e.Seq, e.RunID, ms(e.At), e.Event, e.Actor, string(e.Detail), kindOf(e.Event), facts, end.hash, e.Hash},
		failed: func(err error) error { return whenUnique(err, onceError(e.Event)) }})
	end.seq, end.hash = e.Seq, e.Hash
	return err
}

// close records where the chain ends now.
func (end *chain) close(ctx context.Context, c conn) error {
	return c.later(ctx, ask{query: `update journal_head set seq = ?, hash = ? where id = 1`, args: []any{end.seq, end.hash}})
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
