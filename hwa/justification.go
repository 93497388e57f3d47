package hwa

import (
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

// Justification is why a change is made. It lands in the engine's own audit trail. The zero value sends none.
type Justification struct {
	Category    string // at most 128 characters
	Description string // at most 512 characters; line breaks become spaces
	TicketNum   string // at most 128 characters
}

// IsZero reports whether there is nothing to send.
func (j Justification) IsZero() bool { return j == Justification{} }

// addTo sets the three headers. Text too long for the engine is refused rather than cut: an audit trail should not lie.
func (j Justification) addTo(h http.Header) error {
	for _, f := range [...]struct {
		header, field, value string
		limit                int
	}{
		{"Justification-Category", "category", j.Category, 128},
		{"Justification-Description", "description", j.Description, 512},
		{"Justification-Ticket-Num", "ticket", j.TicketNum, 128},
	} {
		value := squeeze(f.value)
		switch {
		case value == "":
			continue
		case utf8.RuneCountInString(value) > f.limit:
			return fmt.Errorf("the justification's %s has %d characters, the engine takes %d", f.field, utf8.RuneCountInString(value), f.limit)
		case !utf8.ValidString(value) || strings.ContainsFunc(value, func(r rune) bool { return r < 0x20 || r == 0x7f }):
			return fmt.Errorf("the justification's %s contains characters that cannot be sent", f.field)
		}
		h.Set(f.header, value)
	}
	return nil
}
