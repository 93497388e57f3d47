package evaluate

import (
	"context"

	"resync/internal/retrieve"
)

// Own searches an index of the product.
type Own struct {
	Index *retrieve.Index
	// Options change the search; K is set by the caller.
	Options retrieve.Options
}

// Search asks the index.
func (o Own) Search(ctx context.Context, question string, k int) ([]Hit, error) {
	o.Options.K = k
	found, err := o.Index.Find(ctx, question, o.Options)
	if err != nil {
		return nil, err
	}
	return hitsOf(found), nil
}

// Build indexes documents as the product does.
func Build(docs []retrieve.Document) *retrieve.Index {
	segs := make([]*retrieve.Segment, len(docs))
	for i, d := range docs {
		segs[i] = retrieve.Analyse(d)
	}
	return retrieve.New(segs...)
}
