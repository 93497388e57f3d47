package diagnose

import (
	"slices"
	"strings"
	"unicode/utf8"

	"resync/chunk"
	"resync/internal/knowledge"
)

// hypothesis writes a candidate down.
func (in *inquiry) hypothesis(c *candidate) {
	h := Hypothesis{Rank: len(in.ans.Hypotheses) + 1, Confidence: round2(min(c.score, 0.99)), Evidence: []string{}, Citations: []string{}, Codes: []string{}, Fix: []Fix{}}
	var cited []Passage
	for _, d := range c.docs[:min(len(c.docs), maxCitations)] {
		h.Citations = append(h.Citations, in.cite(d.p))
		h.Codes = append(h.Codes, d.codes...)
		cited = append(cited, d.p)
	}
	if c.fd != nil {
		h.Cause, h.Title, h.Evidence = c.fd.cause, c.fd.title, distinct(c.fd.evidence())
		h.Codes = append(h.Codes, c.fd.codes...)
		h.Fix = append(h.Fix, c.fd.fix...)
	} else {
		h.Cause, h.Title = slug(c.docs[0].p.Title), c.docs[0].p.Title
	}
	h.Codes = distinct(h.Codes)
	h.Text = text(c, cited, in.named(c))
	h.Fix = append(h.Fix, documentedFix(c, h.Rank)...)
	in.ans.Hypotheses = append(in.ans.Hypotheses, h)
}

// documentedFix is the fix as the manual words it, for the operator to carry
// out. Only the first hypothesis carries one: for the others the next step is
// to check, not to act.
func documentedFix(c *candidate, rank int) []Fix {
	if rank > 1 || !c.documentedProblem() {
		return nil
	}
	ex := c.docs[0].ex
	if ex.Fix == "" {
		return nil
	}
	return []Fix{{Action: "Documented fix, outside Resync: " + clip(ex.Fix, 400), Risk: fixRisk(ex)}}
}

// documentedProblem reports whether the manuals describe the candidate's
// problem with cause and fix, so that their words matter more than ours.
func (c *candidate) documentedProblem() bool {
	if len(c.docs) == 0 {
		return false
	}
	return c.fd == nil || c.fd.incident || (len(c.docs[0].codes) > 0 && c.docs[0].p.Kind == chunk.KindEntry)
}

// text composes a hypothesis within its limit. What matters most is written
// first; what no longer fits is left out whole.
func text(c *candidate, cited []Passage, codes string) string {
	b := budget{room: MaxHypothesis}
	src := ""
	if len(cited) > 0 {
		src = "Source: " + cited[0].Source() + "."
		b.room -= utf8.RuneCountInString(src) + 1
	}
	for _, p := range cited { // the limit of a hypothesis counts its citations too
		b.room -= utf8.RuneCountInString(p.Source()) + 2
	}
	if c.fd == nil {
		b.add(c.docs[0].ex.Text)
		for _, d := range c.docs[1:] {
			b.add(d.ex.Cause)
			b.add(d.ex.Fix)
		}
		return b.end(src)
	}
	b.add(sentence(c.fd.title))
	b.add(codes)
	for _, cl := range c.fd.claims {
		b.add(cl.text)
	}
	ours := func() {
		b.add(c.fd.remedy)
		b.add(c.fd.check)
	}
	if !c.documentedProblem() {
		ours()
	}
	for i, d := range c.docs {
		b.documented(d, i == 0)
	}
	if c.documentedProblem() {
		ours()
	}
	return b.end(src)
}

// named lists the codes of the question that a candidate accounts for.
func (in *inquiry) named(c *candidate) string {
	var out []string
	for _, code := range in.codes {
		found := c.fd != nil && slices.Contains(c.fd.codes, code)
		for _, d := range c.docs {
			found = found || slices.Contains(d.codes, code)
		}
		if found {
			out = append(out, code)
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "Message codes: " + strings.Join(out, ", ") + "."
}

// budget fills a text up to a number of characters.
type budget struct {
	b    strings.Builder
	room int
}

func (b *budget) add(s string) bool {
	n := utf8.RuneCountInString(s) + 1
	if s == "" || n > b.room {
		return false
	}
	if b.b.Len() > 0 {
		b.b.WriteByte(' ')
	}
	b.b.WriteString(s)
	b.room -= n
	return true
}

// documented adds what a passage says; the first may be shortened to fit.
func (b *budget) documented(d documented, first bool) {
	label := bookName(d.p) + " says: "
	whole := d.ex.Text
	if b.add(label + whole) {
		return
	}
	if first && b.room > 200 {
		if d.ex.Fix == "" || !b.add(label+clip(joinParts(d.ex.Cause, d.ex.Fix), b.room-len(label)-2)) {
			b.add(label + clip(whole, b.room-len(label)-2))
		}
	}
}

// bookName tells the operator's manuals from the handbook that is built in.
func bookName(p Passage) string {
	if knowledge.IsHandbook(p.Document) {
		return "The handbook"
	}
	return "The manual"
}

func joinParts(parts ...string) string { return strings.TrimSpace(strings.Join(parts, " ")) }

func (b *budget) end(src string) string {
	if src != "" {
		b.room += utf8.RuneCountInString(src) + 1
		b.add(src)
	}
	return b.b.String()
}

// offer turns the tool calls of the first hypothesis into actions.
func (in *inquiry) offer(h Hypothesis) {
	for _, f := range h.Fix {
		if f.Tool != "" {
			in.ans.Actions = append(in.ans.Actions, Action{Tool: f.Tool, Args: f.Args, Reason: f.Action, Risk: f.Risk})
		}
	}
}

func sentence(s string) string {
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".!?") {
		return s
	}
	return s + "."
}

// slug makes a short id of a heading.
func slug(title string) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	if len(words) > 8 {
		words = words[:8]
	}
	return strings.Join(words, "_")
}

func round2(x float64) float64 { return float64(int(x*100+0.5)) / 100 }
