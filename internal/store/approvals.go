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
			if err := s.lockChain(ctx, c); err != nil {
				return err
			}
			m, err := readMarks(ctx, c, a.RunID)
			if err != nil {
				return err
			}
			if m.claimed || m.outcome != "" {
				return fmt.Errorf("%w: the run is past approval", ErrAlreadyFinal)
			}
			_, err = c.exec(ctx, `insert into approvals (run_id, digest, tool, risk_level, requester, requested_at, expires_at, needed, allow_self)
				values (?,?,?,?,?,?,?,?,?)`, a.RunID, a.Digest, a.Tool, a.RiskLevel, a.Requester,
				ms(a.RequestedAt), ms(a.ExpiresAt), a.Needed, flag(a.AllowSelf))
			if err != nil {
				return whenUnique(err, ErrExists)
			}
			return s.appendTo(ctx, c, &e, "")
		})
	}
	if err != nil {
		return fmt.Errorf("request approval of %s: %w", a.RunID, err)
	}
	return nil
}

// Vote records a decision and returns the new tally. It refuses with ErrUsed,
// ErrVoid, ErrDecided (approved or rejected already), ErrExpired,
// ErrDuplicateVote, ErrSelfApproval or ErrNotFound. A requester who may not
// approve may still reject, which withdraws the request.
func (s *Store) Vote(ctx context.Context, v Vote) (Tally, error) {
	var t Tally
	err := v.check()
	if v.At.IsZero() {
		v.At = s.now()
	}
	if err == nil {
		err = s.update(ctx, func(c conn) (err error) {
			if t, err = s.lockTally(ctx, c, v.RunID); err != nil {
				return err
			}
			if err := t.refuseVote(v); err != nil {
				return err
			}
			if err := s.linkKey(ctx, c, v.RunID); err != nil {
				return err
			}
			_, err = c.exec(ctx, `insert into votes (run_id, approver, decision, reason, at) values (?,?,?,?,?)`,
				v.RunID, v.Approver, v.Decision, v.Reason, ms(v.At))
			if err != nil {
				return whenUnique(err, ErrDuplicateVote)
			}
			t, err = s.readTally(ctx, c, v.RunID, "")
			return err
		})
	}
	if err != nil {
		return Tally{}, fmt.Errorf("vote of %s on %s: %w", v.Approver, v.RunID, err)
	}
	return t, nil
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
		if err := s.lockChain(ctx, c); err != nil {
			return err
		}
		m, err := readMarks(ctx, c, e.RunID)
		if err != nil {
			return err
		}
		if err := m.allow(kindClaim); err != nil {
			return err
		}
		if err := s.consume(ctx, c, e.RunID, digest); err != nil {
			return err
		}
		if err := s.linkKey(ctx, c, e.RunID); err != nil {
			return err
		}
		return s.appendTo(ctx, c, &e, "")
	})
	if err != nil {
		return Entry{}, fmt.Errorf("claim approved run %s: %w", e.RunID, err)
	}
	return e, nil
}

func (s *Store) consume(ctx context.Context, c conn, runID, digest string) error {
	t, err := s.lockTally(ctx, c, runID)
	switch {
	case err != nil:
		return err
	case t.State != ApprovalApproved && t.State != ApprovalPending:
		return t.stateError()
	case t.Digest != digest:
		return ErrDigestMismatch
	case t.State == ApprovalPending:
		return fmt.Errorf("%w: %d of %d votes are missing", ErrNotApproved, t.Missing, t.Needed)
	}
	n, err := c.exec(ctx, `update approvals set used_at = ? where run_id = ? and used_at = 0 and void_at = 0`, ms(s.now()), runID)
	if err == nil && n == 0 {
		return ErrUsed
	}
	return err
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
	var t Tally
	err := s.view(ctx, func(c conn) (err error) {
		t, err = s.readTally(ctx, c, runID, "")
		return err
	})
	if err != nil {
		return Tally{}, fmt.Errorf("read approval of %q: %w", runID, err)
	}
	return t, nil
}

// lockTally reads an approval and keeps others from changing it until the
// transaction ends.
func (s *Store) lockTally(ctx context.Context, c conn, runID string) (Tally, error) {
	return s.readTally(ctx, c, runID, c.d.forUpdate)
}

func (s *Store) readTally(ctx context.Context, c conn, runID, lock string) (Tally, error) {
	list, err := s.tallies(ctx, c, `where run_id = ?`+lock, []any{runID})
	if err != nil {
		return Tally{}, err
	}
	if len(list) == 0 {
		return Tally{}, ErrNotFound
	}
	return list[0], nil
}

// tallies reads approvals, then their votes: after the lock, if there is one,
// so that a vote committed while we waited is seen.
func (s *Store) tallies(ctx context.Context, c conn, where string, args []any) ([]Tally, error) {
	type ends struct{ used, void int64 }
	var list []Tally
	var end []ends
	err := c.rows(ctx, `select run_id, digest, tool, risk_level, requester, requested_at, expires_at, needed, allow_self,
		used_at, void_at, void_reason from approvals `+where, args, func(scan scanner) error {
		var t Tally
		var e ends
		var requested, expires, self int64
		err := scan(&t.RunID, &t.Digest, &t.Tool, &t.RiskLevel, &t.Requester, &requested, &expires, &t.Needed, &self,
			&e.used, &e.void, &t.VoidReason)
		t.RequestedAt, t.ExpiresAt, t.AllowSelf = at(requested), at(expires), self != 0
		list, end = append(list, t), append(end, e)
		return err
	})
	for i := 0; err == nil && i < len(list); i += 100 {
		err = addVotes(ctx, c, list[i:min(i+100, len(list))])
	}
	now := s.now()
	for i := range list {
		list[i].count(now, end[i].used, end[i].void)
	}
	return list, err
}

// addVotes fills in the votes of some approvals.
func addVotes(ctx context.Context, c conn, list []Tally) error {
	byID := make(map[string]*Tally, len(list))
	args := make([]any, 0, len(list))
	for i := range list {
		byID[list[i].RunID] = &list[i]
		args = append(args, list[i].RunID)
	}
	return c.rows(ctx, `select run_id, approver, decision, reason, at from votes where run_id in (`+marksFor(len(args))+`)
		order by at, approver`, args, func(scan scanner) error {
		var v Vote
		var when int64
		if err := scan(&v.RunID, &v.Approver, &v.Decision, &v.Reason, &when); err != nil {
			return err
		}
		v.At = at(when)
		t := byID[v.RunID]
		if t == nil {
			return fmt.Errorf("%w: a vote is indexed under another run", ErrCorrupt)
		}
		t.Votes = append(t.Votes, v)
		return nil
	})
}
