package knowledge

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"resync/chunk"
	"resync/internal/retrieve"
	"resync/internal/store"
)

// Filter narrows a search to some documents. The zero value keeps all.
type Filter struct {
	Collection   string    // one collection, with the handbook; "" is all
	Documents    []string  // cited names or ids; any of them
	Tags         []string  // all of them
	Version      string    // documents of another version are left out, those without one stay
	MinAuthority Authority // this or more; "" is any
	UpdatedAfter time.Time // documents known to be older are left out
	NoDeprecated bool
	NoHandbook   bool
}

// check refuses what cannot be filtered by.
func (f *Filter) check() error {
	if f.Collection != "" {
		if _, err := ParseCollection(f.Collection); err != nil {
			return err
		}
	}
	if f.MinAuthority != "" && f.MinAuthority != AuthorityCorrection {
		if _, err := ParseAuthority(string(f.MinAuthority)); err != nil {
			return refusal("min_authority", "%v", err)
		}
	}
	for i, t := range f.Tags {
		f.Tags[i] = strings.ToLower(strings.TrimSpace(t))
	}
	return nil
}

// keeps says whether a document passes the filter.
func (f *Filter) keeps(d *held) bool {
	book := d.collection == handbookCollection
	switch {
	case book && f.NoHandbook, !book && f.Collection != "" && d.collection != f.Collection:
		return false
	case len(f.Documents) > 0 && !slices.Contains(f.Documents, d.name) && !slices.Contains(f.Documents, d.id):
		return false
	case f.MinAuthority != "" && d.meta.Authority.Level() < f.MinAuthority.Level():
		return false
	case f.Version != "" && d.meta.Version != "" && d.meta.Version != f.Version:
		return false
	case !f.UpdatedAfter.IsZero() && !d.meta.Updated.IsZero() && d.meta.Updated.Before(f.UpdatedAfter):
		return false
	case f.NoDeprecated && d.meta.Deprecated:
		return false
	}
	for _, t := range f.Tags {
		if !slices.Contains(d.meta.Tags, t) {
			return false
		}
	}
	return true
}

// Query is a question to the base.
type Query struct {
	Text   string
	K      int // passages wanted; 10 when 0
	Filter Filter

	wordsOnly bool // a reranker is not asked: the text is no question
}

// Hit is a passage that was found, with what is known about its document.
type Hit struct {
	retrieve.Passage
	// ChunkID and DocID name the passage and its document in the store.
	ChunkID, DocID string
	Collection     string
	DocTitle       string
	Meta           Meta
	// Corrects is set on a note that was put before the passage it corrects: the
	// cited place of that passage.
	Corrects string
	// CorrectedBy is set on a passage against which a note was accepted: the cited
	// name of the note.
	CorrectedBy string
	// Ranking says what put the passages in order; it is the same for all of a search.
	Ranking Ranking
}

// searchDefault is how many passages a search returns that does not say.
const searchDefault = 10

// Search returns the k passages that answer a question best, best first. See
// [retrieve.Index.Search].
func (b *Base) Search(ctx context.Context, query string, k int) ([]retrieve.Passage, error) {
	v := b.view.Load()
	if v.plain(b.opt.Now()) {
		found, _, err := b.search(ctx, v, v.all, Query{Text: query}, k)
		for i := range found {
			v.page(&found[i])
		}
		return found, err
	}
	hits, err := b.find(ctx, v, Query{Text: query, K: k})
	if err != nil {
		return nil, err
	}
	out := make([]retrieve.Passage, 0, len(hits))
	for _, h := range hits {
		out = append(out, h.Passage)
	}
	return out, nil
}

// plain reports whether words alone decide: no document counts more or less than
// another and nothing has been corrected.
func (v *view) plain(now time.Time) bool {
	first := 0.0
	for _, d := range v.order {
		if d.collection == handbookCollection {
			continue
		}
		f := d.meta.factor(now)
		if first == 0 {
			first = f
		}
		if f != first {
			return false
		}
	}
	return len(v.notes) == 0
}

// Find searches with filters. What is known about a document weighs in: an
// authoritative one counts more, a deprecated one little. A note accepted against
// a passage stands before it.
func (b *Base) Find(ctx context.Context, q Query) ([]Hit, error) {
	if err := q.Filter.check(); err != nil {
		return nil, err
	}
	if q.K == 0 {
		q.K = searchDefault
	}
	return b.find(ctx, b.view.Load(), q)
}

func (b *Base) find(ctx context.Context, v *view, q Query) ([]Hit, error) {
	if q.K <= 0 {
		return nil, nil
	}
	index, n := v.of(q.Filter.keeps)
	if n == 0 {
		return nil, nil
	}
	ask := q.K
	if !v.plain(b.opt.Now()) {
		ask = 3*q.K + 10 // the order may change
	}
	found, ranking, err := b.search(ctx, v, index, q, ask)
	if err != nil {
		return nil, err
	}
	now := b.opt.Now()
	hits := make([]Hit, 0, len(found))
	for _, p := range found {
		h := v.hit(p)
		h.Ranking = ranking
		if f := h.Meta.factor(now); f != 1 && h.Collection != handbookCollection {
			h.Score *= f
			h.Parts = append(h.Parts, retrieve.Part{Name: "document", Value: f})
		}
		hits = append(hits, h)
	}
	sort.SliceStable(hits, func(i, j int) bool { return hits[i].Score > hits[j].Score })
	hits = v.correct(hits, q.Filter.keeps)
	return hits[:min(len(hits), q.K)], nil
}

// hit completes a passage with what is known about its document.
func (v *view) hit(p retrieve.Passage) Hit {
	h := Hit{Passage: p, ChunkID: p.ID}
	d := v.docs[p.Document]
	if d == nil {
		return h
	}
	h.DocID, h.Collection, h.DocTitle, h.Meta = d.id, d.collection, d.title, d.meta
	v.page(&h.Passage)
	return h
}

// Chunk returns a passage by its id. [store.ErrNotFound] when no searchable
// document has it.
func (b *Base) Chunk(id string) (Hit, error) {
	v := b.view.Load()
	if row, ok := v.all.Row(id); ok {
		return v.hit(v.all.At(row)), nil
	}
	return Hit{}, fmt.Errorf("passage %q: %w", id, store.ErrNotFound)
}

// Similar returns the k passages most like a given one, without itself. Words
// decide, as in [Base.Find].
func (b *Base) Similar(ctx context.Context, chunkID string, k int, f Filter) ([]Hit, error) {
	at, err := b.Chunk(chunkID)
	if err != nil {
		return nil, err
	}
	hits, err := b.Find(ctx, Query{Text: at.Title + "\n" + chunk.Plain(at.Text), K: k + 1, Filter: f, wordsOnly: true})
	if err != nil {
		return nil, err
	}
	hits = slices.DeleteFunc(hits, func(h Hit) bool { return h.DocID == at.DocID && h.Start < at.End && at.Start < h.End })
	return hits[:min(len(hits), k)], nil
}

// Citation names a place an answer rests on.
type Citation struct {
	ID       string   `json:"id"` // chunk_id of the passage
	Document string   `json:"document"`
	DocID    string   `json:"doc_id"`
	Section  string   `json:"section"` // headings from the outside in
	Path     []string `json:"path"`
	Start    int      `json:"start"` // byte offsets into the document
	End      int      `json:"end"`
	Line     int      `json:"line"`
	EndLine  int      `json:"end_line"`
	// PageStart and PageEnd are there when the document has pages.
	PageStart int    `json:"page_start,omitempty"`
	PageEnd   int    `json:"page_end,omitempty"`
	Source    string `json:"source"` // document:first-last line
	Quote     string `json:"quote"`
}

// Cite is the citation of a hit.
func (h Hit) Cite() Citation {
	return Citation{ID: h.ChunkID, Document: h.Document, DocID: h.DocID, Section: h.Section(), Path: h.Path, Start: h.Start, End: h.End,
		Line: h.Line, EndLine: h.EndLine, PageStart: h.PageStart, PageEnd: h.PageEnd, Source: h.Source(), Quote: h.Text}
}

// Writer phrases an answer from passages. A language model is one. The passages
// are data: what they say is never an order.
type Writer interface {
	// Write answers the question from the passages alone and names itself. It
	// returns the numbers (from 0) of the passages it used.
	Write(ctx context.Context, question string, passages []Hit) (text, by string, used []int, err error)
}

// Answer is what the base says to a question.
type Answer struct {
	Question string
	// Text is the passage that answers best, word for word, or what a writer made
	// of the passages. It is "" when nothing was found.
	Text string
	// Cause, Fix and Risk are taken out of the first passage, where it has them.
	Cause, Fix string
	Risk       retrieve.Risk
	// By names the writer; "" is the passage itself.
	By string
	// Why says why a configured writer is not the one who answers.
	Why       string
	Citations []Citation
	Hits      []Hit
}

// Answer finds passages and answers with the first one, or lets a writer (which
// may be nil) phrase the answer. When the writer fails the passage stands.
func (b *Base) Answer(ctx context.Context, q Query, w Writer) (Answer, error) {
	hits, err := b.Find(ctx, q)
	a := Answer{Question: q.Text, Hits: hits}
	if err != nil || len(hits) == 0 {
		return a, err
	}
	x := retrieve.Explain(q.Text, nil, hits[0].Passage)
	a.Text, a.Cause, a.Fix, a.Risk = strings.TrimSpace(chunk.Plain(hits[0].Text)), x.Cause, x.Fix, x.Risk
	a.Citations = []Citation{hits[0].Cite()}
	if w == nil {
		return a, nil
	}
	text, by, used, err := w.Write(ctx, q.Text, hits)
	switch {
	case ctx.Err() != nil:
		return a, fmt.Errorf("answer a question: %w", ctx.Err())
	case err != nil:
		a.Why = err.Error()
		return a, nil
	}
	var cited []Citation
	for _, i := range used {
		if i >= 0 && i < len(hits) {
			cited = append(cited, hits[i].Cite())
		}
	}
	if strings.TrimSpace(text) == "" || len(cited) == 0 {
		a.Why = by + " cited no passage"
		return a, nil
	}
	a.Text, a.By, a.Citations = text, by, cited
	return a, nil
}

// Result is a passage as the API and the tools show it. The names chunk_id,
// doc_id, content, score and metadata are the contract's.
type Result struct {
	ChunkID  string `json:"chunk_id"`
	DocID    string `json:"doc_id"`
	Document string `json:"document"`
	Title    string `json:"title"`
	Section  string `json:"section"`
	Source   string `json:"source"`
	Start    int    `json:"start"`
	End      int    `json:"end"`
	Line     int    `json:"line"`
	EndLine  int    `json:"end_line"`
	// PageStart and PageEnd are there when the document has pages.
	PageStart int            `json:"page_start,omitempty"`
	PageEnd   int            `json:"page_end,omitempty"`
	Content   string         `json:"content"`
	Score     float64        `json:"score"`
	Codes     []string       `json:"codes"`
	Metadata  map[string]any `json:"metadata"`
}

// Result renders a hit.
func (h Hit) Result() Result {
	r := Result{ChunkID: h.ChunkID, DocID: h.DocID, Document: h.Document, Title: h.Title, Section: h.Section(), Source: h.Source(), Start: h.Start,
		End: h.End, Line: h.Line, EndLine: h.EndLine, PageStart: h.PageStart, PageEnd: h.PageEnd, Content: h.Text, Score: h.Score, Codes: h.Codes, Metadata: map[string]any{
			"source_file": h.Document, "document_title": h.DocTitle, "section_path": h.Section(), "chunk_type": h.Kind, "error_codes": h.Codes,
			"collection": h.Collection, "authority": h.Meta.Authority, "authority_level": h.Meta.Authority.Level(), "is_deprecated": h.Meta.Deprecated,
		}}
	if len(h.Meta.Tags) > 0 {
		r.Metadata["tags"] = h.Meta.Tags
	}
	if h.Meta.Version != "" {
		r.Metadata["doc_version"] = h.Meta.Version
	}
	if !h.Meta.Updated.IsZero() {
		r.Metadata["last_updated"] = h.Meta.Updated
	}
	if h.Corrects != "" {
		r.Metadata["corrects"] = h.Corrects
	}
	if h.Ranking.Note != "" {
		r.Metadata["ranking_note"] = h.Ranking.Note
	}
	if h.CorrectedBy != "" {
		r.Metadata["corrected_by"] = h.CorrectedBy
	}
	if h.PageStart > 0 {
		r.Metadata["page_start"], r.Metadata["page_end"] = h.PageStart, h.PageEnd
	}
	return r
}

// Explained is what the score of one passage is made of.
type Explained struct {
	Rank     int             `json:"rank"`
	ChunkID  string          `json:"chunk_id"`
	Document string          `json:"document"`
	Title    string          `json:"title"`
	Source   string          `json:"source"`
	Score    float64         `json:"score"`
	Parts    []retrieve.Part `json:"parts"`
	Ranking  Ranking         `json:"ranking"`
}

// explainDepth is how far down a single passage is looked for.
const explainDepth = 100

// Explain says what the scores of a search are made of; chunkID, if any, picks one
// passage, which is looked for among the first hundred.
func (b *Base) Explain(ctx context.Context, q Query, chunkID string) ([]Explained, error) {
	if chunkID != "" {
		if _, err := b.Chunk(chunkID); err != nil {
			return nil, err
		}
		q.K = explainDepth
	}
	hits, err := b.Find(ctx, q)
	if err != nil {
		return nil, err
	}
	out := make([]Explained, 0, len(hits))
	for i, h := range hits {
		if chunkID == "" || h.ChunkID == chunkID {
			out = append(out, Explained{i + 1, h.ChunkID, h.Document, h.Title, h.Source(), h.Score, h.Parts, h.Ranking})
		}
	}
	return out, nil
}
