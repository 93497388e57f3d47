package hwa

import (
	"errors"
	"fmt"
	"net/url"

	"resync/hwa/oql"
)

// Filter selects objects. It holds parsed forms only, so nothing a model or a user has written reaches the engine unread: text
// goes through ParseFilter. OQL and Plan may both be set; the engine then wants both to hold. The zero Filter selects everything
// in a list and is refused by every write.
type Filter struct {
	OQL  oql.Query
	Plan *oql.PlanFilter
}

// Where is the filter with an OQL condition.
func Where(e oql.Expr) Filter { return Filter{OQL: oql.Where(e)} }

// Select is the filter with a plan filter such as /@/@#/@/PAYROLL.@.
func Select(f oql.PlanFilter) Filter { return Filter{Plan: &f} }

// WithID is the filter that takes the one object with this id.
func WithID(id string) Filter { return Where(oql.Eq("id", id)) }

// ParseFilter reads a filter from text: an OQL query, a plan filter for the given kind of object, or both. Errors are
// *oql.SyntaxError.
func ParseFilter(kind oql.ObjectKind, query, planFilter string) (Filter, error) {
	var f Filter
	var err error
	if query != "" {
		if f.OQL, err = oql.Parse(query); err != nil {
			return Filter{}, fmt.Errorf("the filter %q: %w", clip(query, 200), err)
		}
	}
	if planFilter != "" {
		p, err := oql.ParsePlanFilter(kind, planFilter)
		if err != nil {
			return Filter{}, fmt.Errorf("the plan filter %q: %w", clip(planFilter, 200), err)
		}
		f.Plan = &p
	}
	return f, nil
}

// IsZero reports whether the filter selects everything.
func (f Filter) IsZero() bool { return f.OQL.Where == nil && len(f.OQL.OrderBy) == 0 && f.Plan == nil }

// String shows the filter for messages.
func (f Filter) String() string {
	s := f.OQL.String()
	if f.Plan == nil {
		return s
	}
	if s != "" {
		s += " and "
	}
	return s + f.Plan.String()
}

// addTo puts the filter into a query. planParam is "plan_filter", or "" where the operation takes OQL only.
func (f Filter) addTo(q url.Values, kind oql.ObjectKind, planParam string) error {
	if f.OQL.Where != nil || len(f.OQL.OrderBy) > 0 {
		s, err := f.OQL.Wire()
		if err != nil {
			return fmt.Errorf("the filter: %w", err)
		}
		q.Set("oql", s)
	}
	if f.Plan == nil {
		return nil
	}
	switch {
	case planParam == "":
		return errors.New("the filter: this operation takes OQL only, no plan filter")
	case f.Plan.Kind != kind:
		return fmt.Errorf("the filter: a plan filter for a %s cannot select a %s", f.Plan.Kind, kind)
	}
	// The struct can be filled by hand: what the parser would not read is not sent.
	s := f.Plan.String()
	if _, err := oql.ParsePlanFilter(kind, s); err != nil {
		return fmt.Errorf("the plan filter %q: %w", s, err)
	}
	q.Set(planParam, s)
	return nil
}

// forWrite is addTo for writes by filter: the filter must select something in particular, and max, the number of objects the
// engine may touch at most, is always said.
func (f Filter) forWrite(q url.Values, kind oql.ObjectKind, planParam string, max int) error {
	switch {
	case f.OQL.Where == nil && f.Plan == nil:
		return errors.New("the filter is empty: it would take every object")
	case len(f.OQL.OrderBy) > 0:
		return errors.New("the filter of an action cannot sort")
	case max < 1:
		return fmt.Errorf("the limit of affected objects is %d, want at least 1", max)
	}
	q.Set("max_object_affected", fmt.Sprint(max))
	return f.addTo(q, kind, planParam)
}
