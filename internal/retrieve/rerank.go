package retrieve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Reranker says how well each text answers a question: one number for each, more is
// better. The numbers of one call are compared with each other only.
type Reranker interface {
	Rerank(ctx context.Context, question string, texts []string) ([]float64, error)
}

// rerankDepth is how many passages a reranker is given, at least.
const rerankDepth = 30

// applyReranker orders the passages by the reranker's numbers and keeps k.
func applyReranker(ctx context.Context, r Reranker, question string, found []Passage, k int) ([]Passage, error) {
	found, err := Reorder(ctx, r, "a reranker", question, found, len(found))
	if err != nil {
		return nil, err
	}
	return found[:min(k, len(found))], nil
}

// Reorder puts the first depth passages in the order of a reranker, which name tells in
// the parts of their scores. Rerankers count each in its own way, so their numbers are
// brought between the scores of the first and the last of these passages; the others
// stay behind them. When it fails, the passages are as they were.
func Reorder(ctx context.Context, r Reranker, name, question string, found []Passage, depth int) ([]Passage, error) {
	depth = min(depth, len(found))
	if depth == 0 {
		return found, nil
	}
	texts := make([]string, depth)
	for i := range texts {
		texts[i] = found[i].Section() + "\n" + found[i].Text
	}
	scores, err := r.Rerank(ctx, question, texts)
	if err != nil {
		return found, fmt.Errorf("rerank the passages: %w", err)
	}
	if len(scores) != depth {
		return found, fmt.Errorf("rerank the passages: %d scores for %d passages", len(scores), depth)
	}
	least, most := slices.Min(scores), slices.Max(scores)
	if math.IsNaN(least) || math.IsInf(least, 0) || math.IsInf(most, 0) {
		return found, errors.New("rerank the passages: a score is no number")
	}
	order := make([]int, depth)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	out := make([]Passage, 0, len(found))
	low, high := found[depth-1].Score, found[0].Score
	for _, i := range order {
		p := found[i]
		share := 1.0
		if most > least {
			share = (scores[i] - least) / (most - least)
		}
		now := low + share*(high-low)
		p.Parts = append(slices.Clone(p.Parts), Part{Name: "ordered by " + name, Value: now - p.Score})
		p.Score = now
		out = append(out, p)
	}
	return append(out, found[depth:]...), nil
}
