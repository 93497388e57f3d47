package cli

import (
	"strings"
	"testing"

	"resync/internal/diagnose"
)

// TestReusedWordsSaySo: a reader learns which question an answer was made for, and
// the terminal is not obeyed.
func TestReusedWordsSaySo(t *testing.T) {
	for asked, want := range map[string]bool{"": false, "How do I restart\x1b[2J an agent?": true} {
		var b strings.Builder
		if err := render(&b, &diagnose.Answer{Text: "So.", AskedAs: asked}); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); strings.Contains(got, "other words") != want || strings.Contains(got, "\x1b") || want && !strings.Contains(got, "How do I restart") {
			t.Errorf("asked as %q: %q", asked, got)
		}
	}
}
