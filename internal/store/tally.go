package store

import (
	"context"
	"fmt"
	"time"
)

// lockTally reads an approval and keeps others from changing it until the
// transaction ends.
func (s *Store) lockTally(ctx context.Context, c conn, runID string) (Tally, error) {
	var r tallyRead
	if err := c.all(ctx, r.asks(runID, c.d.forUpdate)...); err != nil {
		return Tally{}, err
	}
	return r.tally(s.now())
}

const tallyColumns = `run_id, digest, tool, risk_level, requester, requested_at, expires_at, needed, allow_self,
	used_at, void_at, void_reason`

// tallyRow is an approval as its row has it.
type tallyRow struct {
	Tally
	used, void int64
}

func scanTally(scan scanner) (tallyRow, error) {
	var r tallyRow
	var requested, expires, self int64
	err := scan(&r.RunID, &r.Digest, &r.Tool, &r.RiskLevel, &r.Requester, &requested, &expires, &r.Needed, &self,
		&r.used, &r.void, &r.VoidReason)
	r.RequestedAt, r.ExpiresAt, r.AllowSelf = at(requested), at(expires), self != 0
	return r, err
}

// tallyRead is one approval with its votes while it is read.
type tallyRead struct {
	rows  []tallyRow
	votes []Vote
}

// asks reads the approval, then its votes: after the lock, if there is one, so that
// a vote committed while we waited is seen.
func (r *tallyRead) asks(runID, lock string) []ask {
	return []ask{
		{query: `select ` + tallyColumns + ` from approvals where run_id = ?` + lock, args: []any{runID}, row: func(scan scanner) error {
			row, err := scanTally(scan)
			r.rows = append(r.rows, row)
			return err
		}},
		{query: `select run_id, approver, decision, reason, at from votes where run_id = ? order by at, approver`, args: []any{runID}, row: func(scan scanner) error {
			v, err := scanVote(scan)
			if err == nil && v.RunID != runID {
				return errStrayVote
			}
			r.votes = append(r.votes, v)
			return err
		}},
	}
}

// add counts a vote that is being cast; the order stays that of reading.
func (r *tallyRead) add(v Vote) {
	i := len(r.votes)
	for i > 0 && (r.votes[i-1].At.After(v.At) || r.votes[i-1].At.Equal(v.At) && r.votes[i-1].Approver > v.Approver) {
		i--
	}
	r.votes = append(r.votes[:i:i], append([]Vote{v}, r.votes[i:]...)...)
}

// tally is what was read. ErrNotFound when there was nothing.
func (r *tallyRead) tally(now time.Time) (Tally, error) {
	if len(r.rows) == 0 {
		return Tally{}, ErrNotFound
	}
	t := r.rows[0].Tally
	t.Votes = r.votes
	t.count(now, r.rows[0].used, r.rows[0].void)
	return t, nil
}

// tallies reads approvals, then their votes.
func (s *Store) tallies(ctx context.Context, c conn, where string, args []any) ([]Tally, error) {
	var read []tallyRow
	err := c.rows(ctx, `select `+tallyColumns+` from approvals `+where, args, func(scan scanner) error {
		row, err := scanTally(scan)
		read = append(read, row)
		return err
	})
	for i := 0; err == nil && i < len(read); i += 100 {
		err = addVotes(ctx, c, read[i:min(i+100, len(read))])
	}
	now := s.now()
	list := make([]Tally, len(read))
	for i, r := range read {
		r.count(now, r.used, r.void)
		list[i] = r.Tally
	}
	return list, err
}

// errStrayVote: only a damaged index answers with rows nobody asked for.
var errStrayVote = fmt.Errorf("%w: a vote is indexed under another run", ErrCorrupt)

func scanVote(scan scanner) (Vote, error) {
	var v Vote
	var when int64
	err := scan(&v.RunID, &v.Approver, &v.Decision, &v.Reason, &when)
	v.At = at(when)
	return v, err
}

// addVotes fills in the votes of some approvals.
func addVotes(ctx context.Context, c conn, list []tallyRow) error {
	byID := make(map[string]*Tally, len(list))
	args := make([]any, 0, len(list))
	for i := range list {
		byID[list[i].RunID] = &list[i].Tally
		args = append(args, list[i].RunID)
	}
	return c.rows(ctx, `select run_id, approver, decision, reason, at from votes where run_id in (`+marksFor(len(args))+`)
		order by at, approver`, args, func(scan scanner) error {
		v, err := scanVote(scan)
		if err != nil {
			return err
		}
		t := byID[v.RunID]
		if t == nil {
			return errStrayVote
		}
		t.Votes = append(t.Votes, v)
		return nil
	})
}
