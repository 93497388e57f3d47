package knowledge

import (
	"context"
	"fmt"
	"sort"

	"resync/chunk"
	"resync/internal/embed"
	"resync/internal/outside"
	"resync/internal/retrieve"
)

// Outer searches documents that stand in an index outside the process, and keeps
// that index in step with a base. The index picks candidates; they are ordered here
// as the default engine would and their two orders are joined.
type Outer struct {
	index outside.Index
	model outerModel
}

// outerModel makes vectors; nil is words alone.
type outerModel interface {
	Embed(ctx context.Context, texts []string, kind embed.Kind) ([][]float32, error)
}

// NewOuter searches an index. A model, which may be nil, gives the vectors.
func NewOuter(index outside.Index, model outerModel) *Outer {
	return &Outer{index: index, model: model}
}

// BM25F of an index outside, with the averages of manuals: an index that is filled
// bit by bit does not know its own yet.
const (
	outerSaturation = 1.2
	outerCandidates = 150
)

var (
	outerWeight  = [3]float64{3, 0.7, 1} // title, path, body
	outerAverage = [3]float64{5, 10, 110}
	outerLength  = [3]float64{0.4, 0.3, 0.65}
)

// outerWords are the words of a passage with their saturated frequency.
func outerWords(title string, path []string, body string) outside.Sparse {
	fields := [3][]string{retrieve.Terms(title), nil, retrieve.Terms(body)}
	for i, p := range path {
		if i < len(path)-1 {
			fields[1] = append(fields[1], retrieve.Terms(p)...)
		}
	}
	sum := map[string]float64{}
	for f, terms := range fields {
		norm := 1 - outerLength[f] + outerLength[f]*float64(len(terms))/outerAverage[f]
		for _, t := range terms {
			sum[t] += outerWeight[f] / norm
		}
	}
	out := outside.Sparse{}
	for t, w := range sum {
		out[outside.Term(t)] += float32(w * (outerSaturation + 1) / (outerSaturation + w))
	}
	return out
}

// Put stores the passages of a document outside.
func (o *Outer) Put(ctx context.Context, document string, chunks []chunk.Chunk) error {
	passages := make([]outside.Passage, len(chunks))
	texts := make([]string, len(chunks))
	for i, c := range chunks {
		plain := chunk.Plain(c.Content)
		passages[i] = outside.Passage{ID: document + "#" + c.ID, Document: document, Title: c.Title, Path: c.Path, Kind: string(c.Kind), Text: c.Content,
			Start: c.Start, End: c.End, Line: c.Line, Last: c.EndLine, Words: outerWords(c.Title, c.Path, plain)}
		texts[i] = c.Section() + "\n" + plain
	}
	if o.model != nil && len(texts) > 0 {
		vectors, err := o.model.Embed(ctx, texts, embed.Passage)
		if err != nil {
			return fmt.Errorf("vectors of %s: %w", document, err)
		}
		for i := range passages {
			passages[i].Meaning = vectors[i]
		}
	}
	return o.index.Upsert(ctx, document, passages)
}

// Remove takes a document out.
func (o *Outer) Remove(ctx context.Context, document string) error {
	return o.index.Delete(ctx, document)
}

// Fill stores every searchable document of a base outside. Each document changes at
// once; progress, if any, is called after each.
func (o *Outer) Fill(ctx context.Context, b *Base, progress func(done, total int, name string)) error {
	v := b.view.Load()
	for i, d := range v.order {
		if err := o.Put(ctx, d.name, chunksOf(d.rows, d.text, d.name)); err != nil {
			return fmt.Errorf("store %s outside: %w", d.name, err)
		}
		if progress != nil {
			progress(i+1, len(v.order), d.name)
		}
	}
	return nil
}

// Search asks the index outside for candidates and orders them here.
func (o *Outer) Search(ctx context.Context, question string, k int, documents ...string) ([]retrieve.Passage, error) {
	q := outside.Question{Text: question, Words: outside.Sparse{}, Documents: documents, K: max(outerCandidates, k)}
	for _, t := range retrieve.QuestionTerms(question) {
		at := outside.Term(t.Term)
		q.Words[at] = max(q.Words[at], t.Weight)
	}
	if o.model != nil {
		vectors, err := o.model.Embed(ctx, []string{question}, embed.Query)
		if err != nil {
			return nil, fmt.Errorf("the vector of the question: %w", err)
		}
		q.Meaning = vectors[0]
	}
	found, err := o.index.Search(ctx, q)
	if err != nil {
		return nil, err
	}
	return order(ctx, question, found, k)
}

// order ranks candidates: half by what the server says, half by the default engine
// over them alone.
func order(ctx context.Context, question string, found []outside.Candidate, k int) ([]retrieve.Passage, error) {
	if len(found) == 0 {
		return nil, nil
	}
	chunks := map[string][]chunk.Chunk{}
	var names []string
	outer := map[string]float64{}
	top := found[0].Score
	for _, c := range found {
		if chunks[c.Document] == nil {
			names = append(names, c.Document)
		}
		chunks[c.Document] = append(chunks[c.Document], chunk.Chunk{ID: c.ID, Source: c.Document, Document: c.Document, Title: c.Title, Path: c.Path,
			Kind: chunk.Kind(c.Kind), Content: c.Text, Start: c.Start, End: c.End, Line: c.Line, EndLine: c.Last})
		outer[c.ID] = c.Score / max(top, 1e-9)
	}
	var segments []*retrieve.Segment
	for _, n := range names {
		list := chunks[n]
		sort.Slice(list, func(i, j int) bool { return list[i].Start < list[j].Start })
		segments = append(segments, retrieve.AnalyseChunks(retrieve.Document{Name: n, Builtin: IsHandbook(n) && len(names) > 1}, list))
	}
	inner, err := retrieve.New(segments...).Find(ctx, question, retrieve.Options{K: min(len(found), 100)})
	if err != nil || len(inner) == 0 {
		return nil, err
	}
	best := inner[0].Score
	for i := range inner {
		p := &inner[i]
		p.Parts = append(p.Parts, retrieve.Part{Name: "the index outside", Value: outer[p.ID]})
		p.Score = innerShare*p.Score/max(best, 1e-9) + (1-innerShare)*outer[p.ID]
	}
	sort.SliceStable(inner, func(i, j int) bool { return inner[i].Score > inner[j].Score })
	return inner[:min(len(inner), k)], nil
}

// innerShare is what the default engine's own order counts beside the server's.
const innerShare = 0.5
