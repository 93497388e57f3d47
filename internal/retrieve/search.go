package retrieve

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"resync/chunk"
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
	// PageStart and PageEnd are the pages of its beginning and its end, from 1, where
	// the document has pages and the base that holds it knows them.
	PageStart int `json:"page_start,omitempty"`
	PageEnd   int `json:"page_end,omitempty"`
	// Text is the passage as it stands in the document.
	Text string `json:"text"`
	// Score orders passages of one search; it means nothing between searches.
	Score float64 `json:"score"`
	// Codes are the message codes in the passage.
	Codes []string `json:"codes,omitempty"`
	// Parts say what the score is made of; they add up to it.
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

// Filter leaves passages out by the document they stand in. An empty field filters
// nothing.
type Filter struct {
	// Documents are names; a name that ends in "/" stands for all below it.
	Documents []string `json:"documents,omitempty"`
	// Versions are releases; a document that names none passes.
	Versions []string `json:"versions,omitempty"`
	// MinAuthority is the least authority.
	MinAuthority int `json:"min_authority,omitempty"`
	// Since is the oldest update; a document without a date does not pass.
	Since time.Time `json:"since,omitzero"`
	// Tags must all be there.
	Tags []string `json:"tags,omitempty"`
	// Kinds are forms of passages.
	Kinds []chunk.Kind `json:"kinds,omitempty"`
}

// passes says whether passages of a document are wanted.
func (f *Filter) passes(d *Document) bool {
	named := len(f.Documents) == 0
	for _, n := range f.Documents {
		named = named || n == d.Name || strings.HasSuffix(n, "/") && strings.HasPrefix(d.Name, n)
	}
	if !named || d.Authority < f.MinAuthority || !f.Since.IsZero() && d.Updated.Before(f.Since) {
		return false
	}
	if len(f.Versions) > 0 && d.Version != "" && !slices.Contains(f.Versions, d.Version) {
		return false
	}
	for _, t := range f.Tags {
		if !slices.Contains(d.Tags, t) {
			return false
		}
	}
	return true
}

// Options change a search.
type Options struct {
	// K is how many passages are wanted, at most 100.
	K int
	// Filter leaves documents out.
	Filter Filter
	// Copies keeps passages with nearly the same text apart instead of listing all
	// but the first under Same.
	Copies bool
	// Among, when not nil, are the only rows that may be found: what an index elsewhere
	// brought as candidates. Each scores as it does among all.
	Among []int
	// Dense joins the ranking by words with one by vectors.
	Dense *Dense
	// NoRerank leaves the order of the first stage: BM25F with what it covers.
	NoRerank bool
	// Reranker, when set, orders the best passages anew.
	Reranker Reranker
	// Weights of the ranking; nil are the fitted ones.
	Weights *Weights
}

func (o *Options) weights() *Weights {
	if o.Weights == nil {
		return fitted()
	}
	return o.Weights
}

// Search returns the k passages that answer the query best, best first, without
// near-identical ones. See [Index.Find].
func (x *Index) Search(ctx context.Context, query string, k int) ([]Passage, error) {
	return x.Find(ctx, query, Options{K: k})
}

// Find returns the passages that answer the query best, best first.
//
// Message codes are looked up exactly. Passages that have any word of the query, in
// any of its forms and synonyms, score by BM25F over title, path and body, more when
// they cover more of the query. The best of them are ordered again by what only a
// closer look tells: word pairs, the order of the title's words, the document they
// stand in, their neighbours. A query with nothing to look for finds nothing.
func (x *Index) Find(ctx context.Context, query string, o Options) ([]Passage, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("search the documents: %w", err)
	}
	q := parse(query, o.weights())
	if o.K <= 0 || x.Passages() == 0 || q.empty() && o.Dense == nil {
		return nil, nil
	}
	defer runtime.KeepAlive(x) // what is read may be a mapped file
	o.K = min(o.K, maxResults)
	l := x.look(&q)
	best, err := x.rank(ctx, &q, l, o)
	if err != nil {
		return nil, err
	}
	found := x.collect(best, &q, l, o)
	if o.Reranker == nil {
		return found, nil
	}
	return applyReranker(ctx, o.Reranker, query, found, o.K)
}

// collect turns candidates into results until there are enough.
func (x *Index) collect(ranked []*candidate, q *query, l *lookout, o Options) []Passage {
	want := o.K
	if o.Reranker != nil {
		want = max(want, rerankDepth)
	}
	var out []Passage
	var seen []sketch
	for _, c := range ranked {
		var from []Place
		u := int(c.unit)
		if to := x.recs[u].see; to >= 0 && !o.Copies {
			from = append(from, x.place(u))
			u = int(to)
		}
		if !o.Copies {
			if i := x.sketches[u].like(seen); i >= 0 {
				if p := x.place(u); p.Document != out[i].Document || p.Line != out[i].Line {
					from = append(from, p)
				}
				out[i].Same = append(out[i].Same, from...)
				continue
			}
		}
		if len(out) == want {
			break
		}
		if !o.Copies {
			seen = append(seen, x.sketches[u])
		}
		p := x.passage(u)
		p.Score, p.Parts, p.Same = float64(c.score), x.explain(q, l, c, o), from
		out = append(out, p)
	}
	return out
}

// passage is one passage as it is returned.
func (x *Index) passage(u int) Passage {
	r := &x.recs[u]
	id, title, path, codes := x.info(u)
	return Passage{
		ID: id, Document: x.docs[r.doc].Name, Title: title, Path: path, Kind: kinds[r.kind],
		Start: int(r.start), End: int(r.end), Line: int(r.line), EndLine: int(r.last),
		Text: strings.Clone(x.content(u)), Codes: codes,
	}
}

// place is where a passage stands.
func (x *Index) place(u int) Place {
	r := &x.recs[u]
	return Place{x.docs[r.doc].Name, int(r.line), int(r.last)}
}
