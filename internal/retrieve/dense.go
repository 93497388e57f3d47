package retrieve

import (
	"context"
	"fmt"
)

// Dense is a ranking by vectors that joins the one by words.
type Dense struct {
	// Vectors has a row for each passage of the index, in the order of the passages.
	Vectors *Vectors
	// Query is the vector of the question, from the same model.
	Query []float32
	// Weight is the share of the vectors in the sum, from 0 to 1; 0 is WishDense for a
	// question how something is done, else DefaultDense.
	Weight float64
	// Known is the share of the passages that have a vector; the weight is as much less.
	// 0 is all of them.
	Known float64
	// Model names what made the vectors, for the explanation.
	Model string
}

// Weights of vectors beside words. A small model is a weak partner of a good ranking by
// words where the question has the words of the text: with MiniLM and USE-lite more than
// DefaultDense makes headings and problems with words left out worse. Somebody who asks how
// something is done has other words than the manual, and there the same model is the
// better half (bench/README.md).
const (
	DefaultDense = 0.1
	WishDense    = 0.3
)

func (d *Dense) weight(q *query) float32 {
	w := d.Weight
	switch {
	case w > 0:
	case q.wish:
		w = WishDense
	default:
		w = DefaultDense
	}
	if d.Known > 0 {
		w *= d.Known
	}
	return float32(min(w, 1))
}

// denseDepth is how many passages the vectors may bring in.
const denseDepth = 64

// joinDense adds the passages nearest to the question, and gives all candidates their
// cosine.
func (x *Index) joinDense(ctx context.Context, t *tally, l *lookout, best []*candidate, o Options, depth int) ([]*candidate, error) {
	d := o.Dense
	if d.Vectors.Len() != x.Passages() {
		return nil, fmt.Errorf("search by meaning: there are %d vectors for %d passages; index them again", d.Vectors.Len(), x.Passages())
	}
	near, err := d.Vectors.Nearest(ctx, d.Query, min(denseDepth, depth), func(row int) bool { return x.wanted(t, uint32(row), &o.Filter) })
	if err != nil {
		return nil, err
	}
	at := make(map[uint32]bool, len(best))
	for _, c := range best {
		at[c.unit] = true
		if c.dense, err = d.Vectors.Cosine(int(c.unit), d.Query); err != nil {
			return nil, fmt.Errorf("search by meaning: %w", err)
		}
	}
	for _, n := range near {
		if !at[uint32(n.Row)] {
			best = append(best, &candidate{unit: uint32(n.Row), cell: cell{title: l.title(uint32(n.Row))}, dense: n.Cosine})
		}
	}
	return best, nil
}

// fuse makes the score a weighted sum of words and vectors, each as a share of the
// best candidate's (a convex combination; see Bruch, Gai and Ingber, "An Analysis of
// Fusion Functions for Hybrid Retrieval", 2023). Cosines count from that of the
// farthest candidate.
func fuse(best []*candidate, total, w float32) {
	if len(best) == 0 {
		return
	}
	top, high, low := float32(0), best[0].dense, best[0].dense
	for _, c := range best {
		top, high, low = max(top, c.score), max(high, c.dense), min(low, c.dense)
	}
	scale := max(top, total, 1)
	for _, c := range best {
		part := float32(0)
		if high > low {
			part = (c.dense - low) / (high - low)
		}
		if top > 0 {
			part *= top
		} else {
			part *= scale
		}
		c.score, c.dense = c.score+w*(part-c.score), w*(part-c.score)
	}
}
