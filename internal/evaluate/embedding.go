package evaluate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"resync/chunk"
	"resync/internal/embed"
	"resync/internal/retrieve"
)

// Windows is what many programs do, and the baseline: windows of a fixed number of
// tokens, found by their vectors alone.
type Windows struct {
	hits    []Hit
	vectors *retrieve.Vectors
	model   embed.Embedder
}

// The size of the baseline's windows and how far they overlap, in cl100k tokens.
const (
	windowTokens  = 512
	windowOverlap = 75
)

// NewWindows cuts the documents into windows of 512 tokens that overlap by 75, and
// embeds them.
func NewWindows(ctx context.Context, docs []retrieve.Document, model embed.Embedder) (*Windows, error) {
	w := &Windows{model: model}
	var texts []string
	for _, d := range docs {
		line, at := 1, 0
		for _, s := range TokenWindows(d.Text, chunk.CL100K(), windowTokens, windowOverlap) {
			line += strings.Count(d.Text[at:s.Start], "\n") // windows come in the order of their starts
			at = s.Start
			text := d.Text[s.Start:s.End]
			w.hits = append(w.hits, Hit{Document: d.Name, Line: line, Last: line + strings.Count(text, "\n"), Text: text})
			texts = append(texts, text)
		}
	}
	var err error
	w.vectors, err = matrix(ctx, texts, model)
	return w, err
}

// matrix embeds texts as passages.
func matrix(ctx context.Context, texts []string, model embed.Embedder) (*retrieve.Vectors, error) {
	var out *retrieve.Vectors
	const batch = 64
	for from := 0; from < len(texts); from += batch {
		vectors, err := model.Embed(ctx, texts[from:min(from+batch, len(texts))], embed.Passage)
		if err != nil {
			return nil, fmt.Errorf("embed the windows: %w", err)
		}
		for _, v := range vectors {
			if out == nil {
				if out, err = retrieve.NewVectors(len(v)); err != nil {
					return nil, err
				}
				out.Grow(len(texts))
			}
			if err := out.Append(v); err != nil {
				return nil, fmt.Errorf("embed the windows: %w", err)
			}
		}
	}
	if out == nil {
		return retrieve.NewVectors(max(1, model.Dimensions()))
	}
	return out, nil
}

// Search finds the windows nearest to the question.
func (w *Windows) Search(ctx context.Context, question string, k int) ([]Hit, error) {
	vectors, err := w.model.Embed(ctx, []string{question}, embed.Query)
	if err != nil {
		return nil, err
	}
	near, err := w.vectors.Nearest(ctx, vectors[0], k, nil)
	if err != nil {
		return nil, err
	}
	hits := make([]Hit, len(near))
	for i, n := range near {
		hits[i] = w.hits[n.Row]
	}
	return hits, nil
}

// Meaning searches an index of the product with vectors: alone when Weight is 1,
// else together with words.
type Meaning struct {
	Index   *retrieve.Index
	Vectors *retrieve.Vectors // a row for each passage, see [retrieve.Index.Rows]
	Model   embed.Embedder
	Weight  float64 // 0 goes by the question, as in retrieve.Dense
}

// Search asks the index.
func (m Meaning) Search(ctx context.Context, question string, k int) ([]Hit, error) {
	vectors, err := m.Model.Embed(ctx, []string{question}, embed.Query)
	if err != nil {
		return nil, err
	}
	if m.Weight >= 1 {
		return m.alone(ctx, vectors[0], k)
	}
	found, err := m.Index.Find(ctx, question, retrieve.Options{K: k, Dense: &retrieve.Dense{
		Vectors: m.Vectors, Query: vectors[0], Weight: m.Weight, Model: m.Model.Model(),
	}})
	if err != nil {
		return nil, err
	}
	return hitsOf(found), nil
}

// alone ranks by the vectors and by nothing else.
func (m Meaning) alone(ctx context.Context, query []float32, k int) ([]Hit, error) {
	near, err := m.Vectors.Nearest(ctx, query, k, nil)
	if err != nil {
		return nil, err
	}
	found := make([]retrieve.Passage, len(near))
	for i, n := range near {
		found[i] = m.Index.At(n.Row)
	}
	return hitsOf(found), nil
}

// hitsOf turns passages into hits.
func hitsOf(found []retrieve.Passage) []Hit {
	hits := make([]Hit, 0, len(found))
	for _, p := range found {
		h := Hit{Document: p.Document, Line: p.Line, Last: p.EndLine, Text: p.Text}
		for _, s := range p.Same {
			h.Same = append(h.Same, Place{s.Document, s.Line, s.EndLine})
		}
		hits = append(hits, h)
	}
	return hits
}

// EmbeddingRow is how one way to search answered every set.
type EmbeddingRow struct {
	Way   string           `json:"way"`
	Sets  map[string]Score `json:"sets"`
	Index float64          `json:"index_seconds,omitempty"` // to embed what is searched
}

// EmbeddingReport compares ways to search with one model.
type EmbeddingReport struct {
	Model      string         `json:"model"`
	Dimensions int            `json:"dimensions"`
	Passages   int            `json:"passages"`
	Embedded   int            `json:"embedded"` // of the passages; fewer than all with EmbeddingOptions.Candidates
	Windows    int            `json:"windows"`
	Rows       []EmbeddingRow `json:"rows"`
}

// EmbeddingOptions say which ways are compared.
type EmbeddingOptions struct {
	// Weights are those of vectors beside words.
	Weights []float64
	// NoWindows leaves the baseline out, OnlyWindows all but it and words.
	NoWindows, OnlyWindows bool
	// Batch is how many texts one request to the model holds; 0 is 64. A slow server
	// wants few.
	Batch int
	// Candidates, when not 0, embeds only the passages that words bring among the
	// first so many for any of the questions: for a model too slow for all of them.
	// Vectors then order what words found and bring in nothing of their own.
	Candidates int
}

// Embedding asks all sets of words alone, of fixed windows by their vectors, of the
// product's passages by their vectors, and of both together with each weight.
func Embedding(ctx context.Context, docs []retrieve.Document, sets []Set, model embed.Embedder, o EmbeddingOptions) (EmbeddingReport, error) {
	index := Build(docs)
	report := EmbeddingReport{Model: model.Model(), Passages: index.Passages()}
	err := report.ask(ctx, "words", Own{Index: index}, sets, 0)
	if err != nil {
		return report, err
	}
	start := time.Now()
	if !o.NoWindows {
		windows, err := NewWindows(ctx, docs, model)
		if err != nil {
			return report, err
		}
		report.Windows = len(windows.hits)
		if err := report.ask(ctx, "windows of 512, vectors", windows, sets, time.Since(start)); err != nil {
			return report, err
		}
	}
	if !o.OnlyWindows {
		err = report.passages(ctx, index, sets, model, o)
	}
	report.Dimensions = model.Dimensions()
	return report, err
}

// passages asks the ways that use the vectors of the product's passages.
func (r *EmbeddingReport) passages(ctx context.Context, index *retrieve.Index, sets []Set, model embed.Embedder, o EmbeddingOptions) error {
	start := time.Now()
	wanted, err := candidates(ctx, index, sets, o.Candidates)
	if err != nil {
		return err
	}
	r.Embedded = index.Passages()
	if wanted != nil {
		r.Embedded = len(wanted)
	}
	rows, err := index.Rows(ctx, func(ctx context.Context, texts []string) ([][]float32, error) {
		return embedSome(ctx, model, texts, wanted, o.Batch)
	})
	if err != nil {
		return err
	}
	if err := r.ask(ctx, "passages, vectors", Meaning{Index: index, Vectors: rows, Model: model, Weight: 1}, sets, time.Since(start)); err != nil {
		return err
	}
	for _, w := range o.Weights {
		if err := r.ask(ctx, fmt.Sprintf("words and vectors, %.2f", w), Meaning{Index: index, Vectors: rows, Model: model, Weight: w}, sets, 0); err != nil {
			return err
		}
	}
	return nil
}

// candidates are the texts of the passages that words bring among the first n for any
// question; nil, which is all, when n is 0.
func candidates(ctx context.Context, index *retrieve.Index, sets []Set, n int) (map[string]bool, error) {
	if n == 0 {
		return nil, nil
	}
	wanted := map[string]bool{}
	for _, set := range sets {
		for _, q := range set.Questions {
			found, err := index.Find(ctx, q.Text, retrieve.Options{K: n, Copies: true})
			if err != nil {
				return nil, err
			}
			for _, p := range found {
				wanted[p.Meaning()] = true
			}
		}
	}
	return wanted, nil
}

// embedSome embeds the wanted texts (nil is all), batch at a time; the others get a
// vector of zeros, which is like nothing.
func embedSome(ctx context.Context, model embed.Embedder, texts []string, wanted map[string]bool, batch int) ([][]float32, error) {
	out := make([][]float32, len(texts))
	var at []int
	for i, t := range texts {
		if wanted == nil || wanted[t] {
			at = append(at, i)
		}
	}
	if batch <= 0 {
		batch = 64
	}
	for from := 0; from < len(at); from += batch {
		rows := at[from:min(from+batch, len(at))]
		some := make([]string, len(rows))
		for i, row := range rows {
			some[i] = texts[row]
		}
		vectors, err := model.Embed(ctx, some, embed.Passage)
		if err != nil {
			return nil, err
		}
		for i, row := range rows {
			out[row] = vectors[i]
		}
	}
	if len(at) == len(texts) {
		return out, nil
	}
	dims := model.Dimensions()
	if dims == 0 { // a server tells with its first answer
		v, err := model.Embed(ctx, []string{"length"}, embed.Query)
		if err != nil {
			return nil, err
		}
		dims = len(v[0])
	}
	for i := range out {
		if out[i] == nil {
			out[i] = make([]float32, dims)
		}
	}
	return out, nil
}

// ask puts all sets to one way and adds its row.
func (r *EmbeddingReport) ask(ctx context.Context, way string, s Searcher, sets []Set, took time.Duration) error {
	row := EmbeddingRow{Way: way, Sets: map[string]Score{}, Index: took.Seconds()}
	for _, set := range sets {
		var err error
		if row.Sets[set.Name], err = Ask(ctx, s, set); err != nil {
			return err
		}
	}
	r.Rows = append(r.Rows, row)
	return nil
}
