package store

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

// Approval asks people to agree to one run, exactly as it was shown to them.
type Approval struct {
	RunID       string    `json:"run_id"`
	Digest      string    `json:"digest"` // of tool, arguments, target state and preview
	Tool        string    `json:"tool"`
	RiskLevel   string    `json:"risk_level"`
	Requester   string    `json:"requester"`
	RequestedAt time.Time `json:"requested_at"`
	ExpiresAt   time.Time `json:"expires_at"`
	Needed      int       `json:"needed"`     // how many different people must approve
	AllowSelf   bool      `json:"allow_self"` // the requester may be one of them
}

// The decisions of a vote.
const (
	Approve = "approve"
	Reject  = "reject"
)

// Vote is one person's decision; a person votes once per run and a vote is
// never changed.
type Vote struct {
	RunID    string    `json:"run_id"`
	Approver string    `json:"approver"`
	Decision string    `json:"decision"` // Approve or Reject
	Reason   string    `json:"reason"`
	At       time.Time `json:"at"`
}

// ApprovalState is where an approval stands; it is derived from its votes, its
// expiry and the clock at the moment of reading.
type ApprovalState string

// The states. Used and void are for ever, then rejected, then expired; an
// approval that was granted and not used still expires.
const (
	ApprovalPending  ApprovalState = "pending"
	ApprovalApproved ApprovalState = "approved"
	ApprovalRejected ApprovalState = "rejected"
	ApprovalExpired  ApprovalState = "expired"
	ApprovalVoid     ApprovalState = "void"
	ApprovalUsed     ApprovalState = "used"
)

// Tally is an approval with its votes and state.
type Tally struct {
	Approval
	State      ApprovalState `json:"state"`
	Approvals  int           `json:"approvals"` // votes in favour
	Missing    int           `json:"missing"`   // votes still needed
	Votes      []Vote        `json:"votes"`     // in order of time
	UsedAt     time.Time     `json:"used_at"`
	VoidReason string        `json:"void_reason"`
}

// count derives Approvals, Missing and State. A vote of the requester counts
// only with AllowSelf, whatever is in the table.
func (t *Tally) count(now time.Time, used, void int64) {
	rejected := false
	t.Approvals = 0
	for _, v := range t.Votes {
		rejected = rejected || v.Decision == Reject
		if v.Decision == Approve && (t.AllowSelf || v.Approver != t.Requester) {
			t.Approvals++
		}
	}
	t.UsedAt = at(used)
	t.Missing = max(0, t.Needed-t.Approvals)
	switch {
	case used != 0:
		t.State = ApprovalUsed
	case void != 0:
		t.State = ApprovalVoid
	case rejected:
		t.State = ApprovalRejected
	case !now.Before(t.ExpiresAt):
		t.State = ApprovalExpired
	case t.Missing == 0:
		t.State = ApprovalApproved
	default:
		t.State = ApprovalPending
	}
}

func (a Approval) check() error {
	switch {
	case a.RunID == "" || a.Digest == "" || a.Requester == "":
		return fmt.Errorf("%w: an approval needs a run, a digest and a requester", ErrInvalid)
	case a.Needed < 1:
		return fmt.Errorf("%w: an approval needs at least one vote, not %d", ErrInvalid, a.Needed)
	case !a.ExpiresAt.After(a.RequestedAt):
		return fmt.Errorf("%w: an approval must expire after it was requested", ErrInvalid)
	}
	return nil
}

// RequestApproval stores an approval request and, in the same transaction, the
// journal entry e (an empty event becomes "blocked_on_user"). ErrExists when
// the run has one already, ErrNotFound when there is no such run.
func (s *Store) RequestApproval(ctx context.Context, a Approval, e Entry) error {
	if a.RequestedAt.IsZero() {
		a.RequestedAt = s.now()
	}
	e.RunID, e.Event = a.RunID, cmp.Or(e.Event, "blocked_on_user")
	err := a.check()
	if err == nil {
		err = s.update(ctx, func(c conn) error {
			chain, m, err := s.openChain(ctx, c, a.RunID)
			if err != nil {
				return err
			}
			if m.claimed || m.outcome != "" {
				return fmt.Errorf("%w: the run is past approval", ErrAlreadyFinal)
			}
			if err := c.later(ctx, a.insert()); err != nil {
				return err
			}
			return chain.extend(ctx, c, m, []Entry{e})
		})
	}
	if err != nil {
		return fmt.Errorf("request approval of %s: %w", a.RunID, err)
	}
	return nil
}

// insert stores the request.
func (a Approval) insert() ask {
	return ask{query: `insert into approvals (run_id, digest, tool, risk_level, requester, requested_at, expires_at, needed, allow_self)
		values (?,?,?,?,?,?,?,?,?)`,
		args:   []any{a.RunID, a.Digest, a.Tool, a.RiskLevel, a.Requester, ms(a.RequestedAt), ms(a.ExpiresAt), a.Needed, flag(a.AllowSelf)},
		failed: whenTaken}
}

// Vote records a decision and returns the new tally. It refuses with ErrUsed,
// ErrVoid, ErrDecided (approved or rejected already), ErrExpired,
// ErrDuplicateVote, ErrSelfApproval or ErrNotFound. A requester who may not
// approve may still reject, which withdraws the request.
func (s *Store) Vote(ctx context.Context, v Vote) (Tally, error) {
	return s.VoteWith(ctx, v, nil)
}

// VoteWith is [Store.Vote] with what the journal of the run says of it, in the same
// transaction: entries is given the tally as it is with the vote. An entry that ends
// the run is refused with ErrAlreadyClaimed when the run was claimed.
func (s *Store) VoteWith(ctx context.Context, v Vote, entries func(Tally) ([]Entry, error)) (Tally, error) {
	var t Tally
	err := v.check()
	if v.At.IsZero() {
		v.At = s.now()
	}
	v.At = at(ms(v.At))
	if err == nil {
		err = s.update(ctx, func(c conn) (err error) {
			t, err = s.vote(ctx, c, v, entries)
			return err
		})
	}
	if err != nil {
		return Tally{}, fmt.Errorf("vote of %s on %s: %w", v.Approver, v.RunID, err)
	}
	return t, nil
}

func (s *Store) vote(ctx context.Context, c conn, v Vote, entries func(Tally) ([]Entry, error)) (Tally, error) {
	key, asked := linkKey(ctx, v.RunID), &tallyRead{}
	chain, m, err := s.openChain(ctx, c, v.RunID, append(key.asks, asked.asks(v.RunID, c.d.forUpdate)...)...)
	if err != nil {
		return Tally{}, err
	}
	t, err := asked.tally(s.now())
	if err == nil {
		err = t.refuseVote(v)
	}
	if err != nil {
		return Tally{}, err
	}
	key.done()
	err = c.later(ctx, ask{query: `insert into votes (run_id, approver, decision, reason, at) values (?,?,?,?,?)`,
		args: []any{v.RunID, v.Approver, v.Decision, v.Reason, ms(v.At)}, failed: func(err error) error { return whenUnique(err, ErrDuplicateVote) }})
	if err != nil {
		return Tally{}, err
	}
	asked.add(v)
	if t, err = asked.tally(s.now()); err != nil || entries == nil {
		return t, err
	}
	list, err := entries(t)
	if err != nil || len(list) == 0 {
		return t, err
	}
	for i := range list {
		if list[i].RunID = v.RunID; m.claimed && Final(list[i].Event) {
			return t, ErrAlreadyClaimed
		}
	}
	return t, chain.extend(ctx, c, m, list)
}

func (v Vote) check() error {
	if v.Approver == "" || (v.Decision != Approve && v.Decision != Reject) {
		return fmt.Errorf("%w: a vote needs an approver and a decision (approve or reject)", ErrInvalid)
	}
	return nil
}

// refuseVote says why the vote may not be cast, nil if it may.
func (t Tally) refuseVote(v Vote) error {
	for _, cast := range t.Votes {
		if cast.Approver == v.Approver && (t.State == ApprovalPending || t.State == ApprovalApproved) {
			return ErrDuplicateVote
		}
	}
	if t.State != ApprovalPending {
		return t.stateError()
	}
	if v.Decision == Approve && v.Approver == t.Requester && !t.AllowSelf {
		return ErrSelfApproval
	}
	return nil
}

// stateError is the error for an approval that can no longer change.
func (t Tally) stateError() error {
	switch t.State {
	case ApprovalUsed:
		return ErrUsed
	case ApprovalVoid:
		return fmt.Errorf("%w: %s", ErrVoid, t.VoidReason)
	case ApprovalExpired:
		return fmt.Errorf("%w at %s", ErrExpired, t.ExpiresAt.Format(time.RFC3339))
	case ApprovalApproved, ApprovalRejected:
		return fmt.Errorf("%w: %s", ErrDecided, t.State)
	}
	return ErrNotApproved
}

// ConsumeApproval spends the approval of a run: it works once, before the
// expiry, with enough votes, and only for the digest that was approved.
func (s *Store) ConsumeApproval(ctx context.Context, runID, digest string) error {
	err := s.update(ctx, func(c conn) error { return s.consume(ctx, c, runID, digest) })
	if err != nil {
		return fmt.Errorf("use approval of %s: %w", runID, err)
	}
	return nil
}

// ClaimApproved spends the approval and claims the run in one transaction, so
// that neither can be had without the other. Errors are those of
// [Store.ConsumeApproval] and [Store.AppendClaim].
func (s *Store) ClaimApproved(ctx context.Context, e Entry, digest string) (Entry, error) {
	e.Event = EventExecuting
	err := s.update(ctx, func(c conn) error {
		key, asked := linkKey(ctx, e.RunID), &tallyRead{}
		chain, m, err := s.openChain(ctx, c, e.RunID, append(key.asks, asked.asks(e.RunID, c.d.forUpdate)...)...)
		if err != nil {
			return err
		}
		if err := m.allow(kindClaim); err != nil {
			return err
		}
		t, err := asked.tally(s.now())
		if err == nil {
			err = t.refuseUse(digest)
		}
		if err != nil {
			return err
		}
		key.done()
		if err := c.later(ctx, spend(e.RunID, s.now())); err != nil {
			return err
		}
		list := []Entry{e}
		err = chain.extend(ctx, c, m, list)
		e = list[0]
		return err
	})
	if err != nil {
		return Entry{}, fmt.Errorf("claim approved run %s: %w", e.RunID, err)
	}
	return e, nil
}

func (s *Store) consume(ctx context.Context, c conn, runID, digest string) error {
	t, err := s.lockTally(ctx, c, runID)
	if err == nil {
		err = t.refuseUse(digest)
	}
	if err != nil {
		return err
	}
	return c.later(ctx, spend(runID, s.now()))
}

// refuseUse says why an approval, held by the transaction, cannot be used, nil if it
// can.
func (t Tally) refuseUse(digest string) error {
	switch {
	case t.State != ApprovalApproved && t.State != ApprovalPending:
		return t.stateError()
	case t.Digest != digest:
		return ErrDigestMismatch
	case t.State == ApprovalPending:
		return fmt.Errorf("%w: %d of %d votes are missing", ErrNotApproved, t.Missing, t.Needed)
	}
	return nil
}

// spend uses an approval up. The row is held and was found unused; should it not be,
// the database refuses the null and with it the whole transaction.
func spend(runID string, now time.Time) ask {
	return ask{query: `update approvals set used_at = case when used_at = 0 and void_at = 0 then cast(? as bigint) end where run_id = ?`, args: []any{ms(now), runID}}
}

// VoidApproval withdraws an approval that was not used, for instance because
// the job has moved since. ErrUsed, ErrVoid or ErrNotFound otherwise.
func (s *Store) VoidApproval(ctx context.Context, runID, reason string) error {
	err := s.update(ctx, func(c conn) error {
		t, err := s.lockTally(ctx, c, runID)
		if err != nil {
			return err
		}
		if t.State == ApprovalUsed || t.State == ApprovalVoid {
			return t.stateError()
		}
		_, err = c.exec(ctx, `update approvals set void_at = ?, void_reason = ? where run_id = ?`, ms(s.now()), reason, runID)
		return err
	})
	if err != nil {
		return fmt.Errorf("void approval of %s: %w", runID, err)
	}
	return nil
}

// Approval reads one approval. ErrNotFound when the run has none.
func (s *Store) Approval(ctx context.Context, runID string) (Tally, error) {
	var asked tallyRead
	err := s.atOnce(ctx, asked.asks(runID, "")...)
	var t Tally
	if err == nil {
		t, err = asked.tally(s.now())
	}
	if err != nil {
		return Tally{}, fmt.Errorf("read approval of %q: %w", runID, err)
	}
	return t, nil
}
