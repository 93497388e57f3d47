package cli

import (
	"fmt"
	"io"
	"strings"

	"resync/internal/diagnose"
)

// printer writes lines and remembers the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) f(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// render writes an answer for people. Control characters of logs and names are
// taken out: a terminal must not obey them.
func render(w io.Writer, a *diagnose.Answer) error {
	p := &printer{w: w}
	p.f("%s", plainText(a.Text))
	for _, s := range a.Sentences {
		if !s.Confirmed {
			p.f("  ! not confirmed by its evidence: %s", plainText(s.Text))
		}
	}
	renderCauses(p, a)
	if len(a.Candidates) > 0 {
		p.f("\nDo you mean:")
		for _, c := range a.Candidates {
			p.f("  %-50s %s", plainText(c.Job), c.Status)
		}
	}
	renderGates(p, a)
	renderBlocked(p, a)
	if len(a.Actions) > 0 {
		p.f("\nPossible actions (nothing has been done; each needs an approval):")
		for _, x := range a.Actions {
			p.f("  %s %v: %s", x.Tool, x.Args, plainText(x.Reason))
		}
	}
	renderEvidence(p, a)
	for _, n := range a.NotExamined {
		p.f("not examined: %s", plainText(n))
	}
	if a.AskedAs != "" {
		p.f("these words were made for the same question in other words: %q", plainText(a.AskedAs))
	}
	p.f("\n%s, as of %s", a.Mode, a.AsOf.Format("2006-01-02 15:04:05 MST"))
	return p.err
}

func renderCauses(p *printer, a *diagnose.Answer) {
	if len(a.Hypotheses) == 0 {
		return
	}
	p.f("\nLikely causes, best first:")
	for _, h := range a.Hypotheses {
		p.f("%d. %s (%.0f %%)", h.Rank, plainText(h.Title), 100*h.Confidence)
		p.f("   %s", plainText(h.Text))
	}
}

func renderGates(p *printer, a *diagnose.Answer) {
	shown := false
	for _, g := range a.Gates {
		if g.State == diagnose.GatePass || g.State == diagnose.GateNotApplicable {
			continue
		}
		if !shown {
			p.f("\nGates that are not open:")
			shown = true
		}
		p.f("  %-8s %-18s %s", g.State, g.Gate, plainText(g.Text))
	}
}

// mostBlocked is how many blocked jobs are printed; the JSON has all.
const mostBlocked = 25

func renderBlocked(p *printer, a *diagnose.Answer) {
	if len(a.Blocked) == 0 {
		return
	}
	p.f("\nIt blocks %d jobs:", len(a.Blocked))
	for i, b := range a.Blocked {
		if i == mostBlocked {
			p.f("  … and %d more (--json lists all)", len(a.Blocked)-mostBlocked)
			return
		}
		marks := ""
		if b.Critical {
			marks += " critical"
		}
		if b.AtRisk {
			marks += " deadline at risk: " + b.Deadline
		}
		p.f("  level %d  %-50s %s%s", b.Level, plainText(b.Job), b.Status, marks)
	}
}

func renderEvidence(p *printer, a *diagnose.Answer) {
	if len(a.Evidence) == 0 {
		return
	}
	p.f("\nEvidence:")
	for _, ev := range a.Evidence {
		p.f("  [%s] %s: %s (%s)", strings.TrimPrefix(ev.ID, "e"), ev.Kind, plainText(oneLine(ev.Title)), ev.Source)
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// plainText removes control characters but line breaks and tabs.
func plainText(s string) string {
	return strings.Map(func(r rune) rune {
		if (r < 0x20 && r != '\n' && r != '\t') || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return -1
		}
		return r
	}, s)
}
