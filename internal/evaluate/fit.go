package evaluate

import (
	"context"
	"fmt"

	"resync/internal/retrieve"
)

// knob is one weight that Fit turns.
type knob struct {
	name string
	of   func(*retrieve.Weights) *float32
}

// knobs are the weights of the ranking.
func knobs() []knob {
	list := []knob{
		{"synonym", func(w *retrieve.Weights) *float32 { return &w.Synonym }},
		{"related", func(w *retrieve.Weights) *float32 { return &w.Related }},
		{"loose", func(w *retrieve.Weights) *float32 { return &w.Loose }},
		{"coverage", func(w *retrieve.Weights) *float32 { return &w.Coverage }},
		{"title", func(w *retrieve.Weights) *float32 { return &w.Title }},
		{"title mass", func(w *retrieve.Weights) *float32 { return &w.TitleMass }},
		{"entry", func(w *retrieve.Weights) *float32 { return &w.Entry }},
		{"trouble", func(w *retrieve.Weights) *float32 { return &w.Trouble }},
		{"wish", func(w *retrieve.Weights) *float32 { return &w.Wish }},
	}
	for i, name := range retrieve.FeatureNames() {
		list = append(list, knob{name, func(w *retrieve.Weights) *float32 { return &w.Features[i] }})
	}
	return list
}

// Fit turns one weight after the other up and down and keeps what answers the sets
// better (coordinate ascent), for so many rounds over all weights. What is better says
// the mean over the sets, each with its share, of hit@1, hit@3, hit@5 and the
// reciprocal rank. It returns the weights and that mean, and tells of every step that
// was kept.
func Fit(ctx context.Context, x *retrieve.Index, sets []Set, shares []float64, start retrieve.Weights, rounds int, kept func(name string, value float32, mean float64)) (retrieve.Weights, float64, error) {
	best, w := 0.0, start
	value, err := fitness(ctx, x, sets, shares, &w)
	if err != nil {
		return start, 0, err
	}
	best = value
	for range rounds {
		before := best
		for _, k := range knobs() {
			for _, step := range [...]float32{0.6, 0.8, 0.9, 1.12, 1.25, 1.6} {
				old := *k.of(&w)
				*k.of(&w) = old * step
				if value, err = fitness(ctx, x, sets, shares, &w); err != nil {
					return start, 0, err
				}
				if value <= best {
					*k.of(&w) = old
					continue
				}
				best = value
				kept(k.name, *k.of(&w), best)
			}
		}
		if best == before {
			break
		}
	}
	return w, best, nil
}

// fitness is how well the sets are answered, from 0 to 1.
func fitness(ctx context.Context, x *retrieve.Index, sets []Set, shares []float64, w *retrieve.Weights) (float64, error) {
	var sum, all float64
	for i, s := range sets {
		score, err := Ask(ctx, Own{Index: x, Options: retrieve.Options{Weights: w}}, s)
		if err != nil {
			return 0, fmt.Errorf("fit the weights: %w", err)
		}
		sum += shares[i] * ((score.Hit1+score.Hit3+score.Hit5)/100 + score.MRR) / 4
		all += shares[i]
	}
	return sum / all, nil
}
