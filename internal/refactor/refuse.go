package refactor

import (
	"fmt"
	"strings"
)

// Refusal says why nothing was done. Whoever returns it has touched nothing.
type Refusal struct{ Reasons []string }

// Error lists the reasons.
func (r *Refusal) Error() string {
	if len(r.Reasons) == 1 {
		return "refused, nothing was touched: " + r.Reasons[0]
	}
	return "refused, nothing was touched:\n  - " + strings.Join(r.Reasons, "\n  - ")
}

func refuse(format string, args ...any) *Refusal {
	return &Refusal{Reasons: []string{fmt.Sprintf(format, args...)}}
}

// refusals collects reasons.
type refusals []string

func (r *refusals) add(format string, args ...any) { *r = append(*r, fmt.Sprintf(format, args...)) }

// err is nil when there is no reason to refuse.
func (r refusals) err() error {
	if len(r) == 0 {
		return nil
	}
	return &Refusal{Reasons: r}
}

// few joins the first of many names and counts the rest.
func few(names []string) string {
	const shown = 5
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}
