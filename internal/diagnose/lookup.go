package diagnose

import (
	"slices"
	"strings"

	"resync/chunk"
	"resync/internal/retrieve"
)

// lookup searches the documents. A search that fails is listed as not examined.
func (in *inquiry) lookup(query string, k int) []Passage {
	if in.e.deps.Passages == nil {
		in.skipped("the manuals: none have been ingested", nil)
		return nil
	}
	ps, err := in.e.deps.Passages.Search(in.ctx, query, k)
	if err != nil {
		in.skipped("the manuals", err)
	}
	return ps
}

// cite records a passage as evidence. Its text is the plain text of the whole
// passage: what a sentence quotes can be compared with it.
func (in *inquiry) cite(p Passage) string {
	return in.note(Evidence{
		Kind: "passage", Title: p.Title, Text: chunk.Plain(p.Text), Source: p.Source(), Path: p.Section(),
		Start: p.Start, End: p.End, Line: p.Line, EndLine: p.EndLine,
	})
}

func samePlace(a, b Passage) bool { return a.Document == b.Document && a.Start == b.Start }

// holds reports which of the codes a passage has.
func holds(p Passage, codes []string) []string {
	var out []string
	for _, c := range codes {
		if slices.ContainsFunc(p.Codes, func(have string) bool { return strings.EqualFold(have, c) }) {
			out = append(out, c)
		}
	}
	return out
}

// documented is a passage taken as a possible cause.
type documented struct {
	p     Passage
	ex    retrieve.Extract
	score float64 // 0..1
	codes []string
}

// incidents looks a question up as it stands: each passage found is a possible
// cause of its own.
func (in *inquiry) incidents(question string, codes []string) []documented {
	query := strings.TrimSpace(question + " " + strings.Join(codesNotIn(codes, question), " "))
	ps := in.lookup(query, 8)
	if len(ps) == 0 {
		return nil
	}
	best := ps[0].Score
	var out []documented
	for _, p := range ps {
		d := documented{p: p, codes: holds(p, codes), score: 0.75}
		if best > 0 {
			d.score = 0.75 * p.Score / best
		}
		if len(codes) > 0 {
			d.score += 0.15 * float64(len(d.codes)) / float64(len(codes))
		}
		d.ex = retrieve.Explain(question, codes, p)
		out = append(out, d)
	}
	return out
}
