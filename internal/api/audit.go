package api

import (
	"context"
	"net/http"

	"resync/internal/auth"
	"resync/internal/store"
)

// Audits reads what was changed in Resync itself; it is the store.
type Audits interface {
	Audits(ctx context.Context, f store.AuditFilter) ([]store.Audit, error)
}

type auditOutput struct {
	Body struct {
		Entries []store.Audit `json:"entries" doc:"the newest first"`
		Next    int64         `json:"next,omitempty" doc:"before of the next page; absent on the last"`
	}
}

// registerAudit shows the audit. What was done to engines is in the journal.
func (s *server) registerAudit() {
	add(s, route{id: "audit", method: http.MethodGet, paths: both("/admin/audit"), tag: "system", tier: BestEffort, role: auth.Admin,
		summary: "Who changed what in Resync itself, and why"}, s.audit)
}

func (s *server) audit(ctx context.Context, in *struct {
	Action string `query:"action" maxLength:"80" doc:"such as token.create; with a * at its end all that begin so"`
	Before int64  `query:"before" minimum:"0" doc:"rows with a smaller number"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
}) (*auditOutput, error) {
	list, err := s.Audit.Audits(ctx, store.AuditFilter{Action: in.Action, Before: in.Before, Limit: in.Limit + 1})
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	out := &auditOutput{}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		out.Body.Next = list[in.Limit-1].Seq
	}
	out.Body.Entries = list
	return out, nil
}
