package evaluate

import (
	"context"

	"resync/internal/retrieve"
)

// Own searches an index of the product.
type Own struct{ Index *retrieve.Index }

// Search asks the index.
func (o Own) Search(ctx context.Context, question string, k int) ([]Hit, error) {
	found, err := o.Index.Search(ctx, question, k)
	if err != nil {
		return nil, err
	}
	hits := make([]Hit, 0, len(found))
	for _, p := range found {
		h := Hit{Document: p.Document, Line: p.Line, Last: p.EndLine, Text: p.Text}
		for _, s := range p.Same {
			h.Same = append(h.Same, Place{s.Document, s.Line, s.EndLine})
		}
		hits = append(hits, h)
	}
	return hits, nil
}

// Build indexes documents as the product does.
func Build(docs []retrieve.Document) *retrieve.Index {
	segs := make([]*retrieve.Segment, len(docs))
	for i, d := range docs {
		segs[i] = retrieve.Analyse(d)
	}
	return retrieve.New(segs...)
}
