package store

import (
	"context"
	"fmt"
	"strings"
)

// ApprovalFilter selects approvals; a zero field does not restrict.
type ApprovalFilter struct {
	State     ApprovalState // empty means all
	Requester string
	Tool      string
	Limit     int // at most so many; 0 means 50, the most is 1000
	Offset    int
}

// ApprovalList is a page of approvals with counts over all that match.
type ApprovalList struct {
	Approvals   []Tally        // newest first
	Total       int            // matching, on all pages
	ByTool      map[string]int // :: tool → matching approvals
	ByRiskLevel map[string]int // :: risk level → matching approvals
}

// stateExpr derives [ApprovalState] in SQL exactly as Tally.count does in Go;
// the conformance suite compares the two. It takes the present time once.
const stateExpr = `case
	when a.used_at <> 0 then 'used'
	when a.void_at <> 0 then 'void'
	when exists (select 1 from votes v where v.run_id = a.run_id and v.decision = 'reject') then 'rejected'
	when a.expires_at <= ? then 'expired'
	when (select count(*) from votes v where v.run_id = a.run_id and v.decision = 'approve'
		and (a.allow_self = 1 or v.approver <> a.requester)) >= a.needed then 'approved'
	else 'pending' end`

// Approvals lists approvals, newest first, with counts by tool and risk level.
func (s *Store) Approvals(ctx context.Context, f ApprovalFilter) (ApprovalList, error) {
	out := ApprovalList{ByTool: map[string]int{}, ByRiskLevel: map[string]int{}}
	where, args := f.where(ms(s.now()))
	err := s.view(ctx, func(c conn) error {
		err := c.rows(ctx, `select a.tool, a.risk_level, count(*) from approvals a `+where+` group by a.tool, a.risk_level`, args,
			func(scan scanner) error {
				var tool, risk string
				var n int
				err := scan(&tool, &risk, &n)
				out.Total += n
				out.ByTool[tool] += n
				out.ByRiskLevel[risk] += n
				return err
			})
		if err != nil {
			return err
		}
		page := append(args, pageSize(f.Limit), max(0, f.Offset))
		out.Approvals, err = s.tallies(ctx, c, `a `+where+` order by requested_at desc, run_id desc limit ? offset ?`, page)
		return err
	})
	if err != nil {
		return ApprovalList{}, fmt.Errorf("list approvals: %w", err)
	}
	return out, nil
}

// PendingOf lists the runs whose approvals of a digest, asked for by somebody, still
// wait for votes, newest first.
func (s *Store) PendingOf(ctx context.Context, requester, digest string) ([]string, error) {
	var ids []string
	err := s.reader().rows(ctx, `select a.run_id from approvals a where a.requester = ? and a.digest = ? and `+stateExpr+` = 'pending'
		order by a.requested_at desc, a.run_id desc`, []any{requester, digest, ms(s.now())}, func(scan scanner) error {
		var id string
		err := scan(&id)
		ids = append(ids, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find what %s asked for: %w", requester, err)
	}
	return ids, nil
}

func (f ApprovalFilter) where(now int64) (string, []any) {
	conds := []string{"1 = 1"}
	var args []any
	if f.Requester != "" {
		conds, args = append(conds, "a.requester = ?"), append(args, f.Requester)
	}
	if f.Tool != "" {
		conds, args = append(conds, "a.tool = ?"), append(args, f.Tool)
	}
	if f.State != "" { // last, because it costs two look-ups per row
		conds, args = append(conds, stateExpr+" = ?"), append(args, now, string(f.State))
	}
	return "where " + strings.Join(conds, " and "), args
}
