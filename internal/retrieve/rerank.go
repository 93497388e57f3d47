package retrieve

import (
	"context"
	"fmt"
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
	if len(found) == 0 {
		return found, nil
	}
	texts := make([]string, len(found))
	for i, p := range found {
		texts[i] = p.Section() + "\n" + p.Text
	}
	scores, err := r.Rerank(ctx, question, texts)
	if err != nil {
		return nil, fmt.Errorf("rerank the passages: %w", err)
	}
	if len(scores) != len(found) {
		return nil, fmt.Errorf("rerank the passages: %d scores for %d passages", len(scores), len(found))
	}
	for i := range found {
		found[i].Parts = append(found[i].Parts, Part{Name: "reranker, in place of the rest", Value: scores[i] - found[i].Score})
		found[i].Score = scores[i]
	}
	slices.SortStableFunc(found, func(a, b Passage) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return 0
	})
	return found[:min(k, len(found))], nil
}
