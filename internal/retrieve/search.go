package retrieve

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"resync/chunk"
)

// Ranking constants, fixed on the problems of the troubleshooting guide with
// words dropped (bench/retrieve_test.go); see Search for what each does.
const (
	saturation    = 1.2  // k1 of BM25
	coverageBonus = 0.4  // share of the question's weight a passage covers
	titleBonus    = 1.0  // share of a title that the question names
	titleMass     = 8    // idf at which a title counts half
	neighbour     = 0.08 // score lent by the passages before and after
	entryBonus    = 1.05 // a problem with its solution answers more than a chapter
	troubleBonus  = 1.35 // and more so a question about a problem
	builtinShare  = 0.5  // of a built-in passage beside documents of the operator
	codeInBody    = 3.0  // weight of a message code, in idf
	codeInTitle   = 4.5
)

var (
	fieldWeight  = [fields]float32{fieldTitle: 3, fieldPath: 0.7, fieldBody: 1}
	lengthWeight = [fields]float64{fieldTitle: 0.4, fieldPath: 0.3, fieldBody: 0.65}
)

// maxQuery is the longest question in bytes that is read; the rest of a longer
// one, such as a pasted log, adds nothing to what is found.
const maxQuery = 8000

// maxResults is the most passages one search returns.
const maxResults = 100

// Passage is a piece of a document that was found, with where it stands.
type Passage struct {
	// ID names the passage within the index.
	ID string `json:"id"`
	// Document is the name the document was ingested under.
	Document string `json:"document"`
	// Title is the nearest specific heading; Path leads to it from outside.
	Title string   `json:"title"`
	Path  []string `json:"path"`
	// Kind is the form of the passage: an entry holds a problem and its solution.
	Kind chunk.Kind `json:"kind"`
	// Start and End are byte offsets into the document, Line and EndLine its
	// lines counted from 1.
	Start   int `json:"start"`
	End     int `json:"end"`
	Line    int `json:"line"`
	EndLine int `json:"end_line"`
	// Text is the passage as it stands in the document.
	Text string `json:"text"`
	// Score orders passages of one search; it means nothing between searches.
	Score float64 `json:"score"`
	// Codes are the message codes in the passage.
	Codes []string `json:"codes,omitempty"`
	// Parts say what the score is made of.
	Parts []Part `json:"parts,omitempty"`
	// Same are further places left out of the results: with nearly the same text, or
	// with nothing but a pointer to this passage.
	Same []Place `json:"same,omitempty"`
}

// Section is the path as one line, from the outside in.
func (p Passage) Section() string { return strings.Join(p.Path, " › ") }

// Source is how the passage is cited: document and lines.
func (p Passage) Source() string {
	return fmt.Sprintf("%s:%d-%d", p.Document, p.Line, p.EndLine)
}

// Place is where a passage stands.
type Place struct {
	Document string `json:"document"`
	Line     int    `json:"line"`
	EndLine  int    `json:"end_line"`
}

// Part is one reason for a score.
type Part struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// Search returns the k passages that answer the query best, best first, without
// near-identical ones. A passage scores by BM25F for each word of the query (in
// any of the word's forms and synonyms), more when it covers more of the query,
// by each message code it holds, and a little by its neighbours. A query with
// nothing to look for finds nothing.
func (x *Index) Search(ctx context.Context, query string, k int) ([]Passage, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("search the documents: %w", err)
	}
	q := parse(query)
	if k <= 0 || len(x.units) == 0 || q.empty() {
		return nil, nil
	}
	k = min(k, maxResults)
	scores := x.score(q)
	ranked := top(scores, 4*k+8)
	return x.passages(q, ranked, k), nil
}

// scored is a passage with its score.
type scored struct {
	unit  int32
	score float32
}

// tally holds what is added up for every passage during one search.
type tally struct {
	words  []float32 // BM25F
	weight []float32 // idf of the groups found
	title  []float32 // idf of the words of the title found
	best   []float32 // of the group at hand
	inHead []float32 // of the group at hand, in the title
	total  float32   // idf of all groups
}

func newTally(n int) *tally {
	buf := make([]float32, 5*n)
	return &tally{words: buf[:n:n], weight: buf[n : 2*n : 2*n], title: buf[2*n : 3*n : 3*n], best: buf[3*n : 4*n : 4*n], inHead: buf[4*n:]}
}

// score ranks every passage that has a word or code of the query.
func (x *Index) score(q query) []scored {
	t := newTally(len(x.units))
	var touched []int32
	for _, g := range q.groups {
		touched = x.addGroup(t, g, touched[:0])
	}
	x.addCodes(q, t)
	return x.combine(t, q)
}

// addGroup adds one word of the question: for each passage, the best of its forms.
func (x *Index) addGroup(t *tally, g group, touched []int32) []int32 {
	var weight float32
	for _, m := range g.terms {
		id, ok := x.terms[m.term]
		if !ok {
			continue
		}
		idf := x.idf(len(x.posts[id]))
		weight = max(weight, idf*m.weight)
		for _, p := range x.posts[id] {
			if t.best[p.unit] == 0 {
				touched = append(touched, p.unit)
			}
			t.best[p.unit] = max(t.best[p.unit], idf*m.weight*x.tf(p))
			if p.tf[fieldTitle] > 0 {
				t.inHead[p.unit] = max(t.inHead[p.unit], idf*m.weight)
			}
		}
	}
	t.total += weight
	for _, u := range touched {
		t.words[u] += t.best[u]
		t.weight[u] += weight
		t.title[u] += t.inHead[u]
		t.best[u], t.inHead[u] = 0, 0
	}
	return touched
}

// tf is the saturated, field-weighted frequency of a term in a passage.
func (x *Index) tf(p posting) float32 {
	var w float32
	for f := range fields {
		if p.tf[f] > 0 {
			w += fieldWeight[f] * float32(p.tf[f]) * x.norm[p.unit][f]
		}
	}
	return w * (saturation + 1) / (saturation + w)
}

// idf of a term that n passages have.
func (x *Index) idf(n int) float32 {
	all := float64(len(x.units))
	return float32(math.Log(1 + (all-float64(n)+0.5)/(float64(n)+0.5)))
}

// addCodes adds what each message code of the query is worth.
func (x *Index) addCodes(q query, t *tally) {
	for _, c := range q.codes {
		list := x.codes[c]
		idf := x.idf(len(list))
		if len(list) > 0 {
			t.total += idf
		}
		for _, u := range list {
			w := float32(codeInBody)
			if strings.Contains(strings.ToUpper(x.units[u].Title), c) {
				w = codeInTitle
			}
			t.words[u] += w * idf
			t.weight[u] += idf
		}
	}
}

// combine adds coverage, title, neighbours and kind to the word scores.
func (x *Index) combine(t *tally, q query) []scored {
	var out []scored
	for i, s := range t.words {
		if s == 0 {
			continue
		}
		s *= 1 + coverageBonus*t.weight[i]/t.total + titleBonus*x.titleShare(t, i)
		s += neighbour * x.near(t.words, i)
		if x.units[i].Kind == chunk.KindEntry {
			s *= entryBonus
			if q.wrong {
				s *= troubleBonus
			}
		}
		if x.own && x.units[i].builtin {
			s *= builtinShare
		}
		out = append(out, scored{unit: int32(i), score: s})
	}
	return out
}

// titleShare is how much of a title the query names: near 1 for a title of
// several words that are all asked for, little for a title of one word.
func (x *Index) titleShare(t *tally, i int) float32 {
	if x.title[i] == 0 {
		return 0
	}
	return min(t.title[i]/x.title[i], 1) * t.title[i] / (t.title[i] + titleMass)
}

// near is the better score of the passages before and after in the same chapter.
func (x *Index) near(acc []float32, i int) float32 {
	var s float32
	for _, j := range [...]int{i - 1, i + 1} {
		if j >= 0 && j < len(acc) && x.units[j].Source == x.units[i].Source && x.units[j].Path[0] == x.units[i].Path[0] {
			s = max(s, acc[j])
		}
	}
	return s
}

// top is the n best, best first; equal scores keep the order of the documents.
func top(all []scored, n int) []scored {
	best := make([]scored, 0, n+1)
	for _, c := range all { // in the order of the documents
		if len(best) == n && c.score <= best[n-1].score {
			continue
		}
		i := sort.Search(len(best), func(i int) bool { return best[i].score < c.score })
		best = slices.Insert(best, i, c)
		best = best[:min(len(best), n)]
	}
	return best
}

// passages turns the best k distinct candidates into results.
func (x *Index) passages(q query, ranked []scored, k int) []Passage {
	var out []Passage
	var seen []sketch
	for _, r := range ranked {
		var from []Place
		if to := x.units[r.unit].see; to >= 0 {
			from = append(from, x.place(r.unit))
			r.unit = to
		}
		u := x.units[r.unit]
		if i := u.sketch.like(seen); i >= 0 {
			if u.ID != out[i].ID {
				from = append(from, x.place(r.unit))
			}
			out[i].Same = append(out[i].Same, from...)
			continue
		}
		if len(out) == k {
			break
		}
		seen = append(seen, u.sketch)
		out = append(out, Passage{
			ID: u.ID, Document: u.Source, Title: u.Title, Path: u.Path, Kind: u.Kind,
			Start: u.Start, End: u.End, Line: u.Line, EndLine: u.EndLine,
			Text: u.Content, Score: float64(r.score), Codes: u.codes, Parts: x.parts(q, r.unit),
			Same: from,
		})
	}
	return out
}

// place is where a passage stands.
func (x *Index) place(u int32) Place {
	return Place{x.units[u].Source, x.units[u].Line, x.units[u].EndLine}
}

// parts explains the score of one passage: what each word and code gave.
func (x *Index) parts(q query, u int32) []Part {
	var out []Part
	for _, g := range q.groups {
		var part Part
		for _, m := range g.terms {
			id, ok := x.terms[m.term]
			if !ok {
				continue
			}
			list := x.posts[id]
			i := sort.Search(len(list), func(i int) bool { return list[i].unit >= u })
			if i == len(list) || list[i].unit != u {
				continue
			}
			if v := float64(x.idf(len(list)) * m.weight * x.tf(list[i])); v > part.Value {
				part = Part{Name: "word " + g.word + " as " + m.term, Value: v}
			}
		}
		if part.Value > 0 {
			out = append(out, part)
		}
	}
	for _, c := range q.codes {
		for _, have := range x.units[u].codes {
			if have == c {
				out = append(out, Part{Name: "code " + c, Value: float64(x.idf(len(x.codes[c]))) * codeInBody})
			}
		}
	}
	return out
}
