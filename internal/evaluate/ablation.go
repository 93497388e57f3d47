package evaluate

import (
	"context"
	"math"
	"slices"

	"resync/internal/embed"
	"resync/internal/retrieve"
)

// Step is one way to search, with the questions it fails.
type Step struct {
	Name string `json:"name"`
	// Fail20 is the share of questions of all sets, in percent, whose right passage is
	// not among the first twenty; Hit1 the share with it first.
	Fail20 float64 `json:"fail20"`
	Hit1   float64 `json:"hit1"`
	// Reduction is how many fewer failures that are than with the first step, in
	// percent.
	Reduction *float64 `json:"reduction,omitempty"`
	// Claim is the reduction published for the technique (Anthropic, "Introducing
	// Contextual Retrieval", 2024), reached there with a model at every step.
	Claim *float64 `json:"claim,omitempty"`
}

// ManualsReport is what [Manuals] found.
type ManualsReport struct {
	Sets map[string]Score `json:"sets"`
	// Ablation goes from plain search over fixed chunks to what the product does.
	Ablation []Step `json:"ablation"`
	// Baselines are other chunks, found by plain words.
	Baselines []Baseline `json:"baselines"`
	// Model made the vectors, or is empty.
	Model string `json:"model,omitempty"`
	// Names are the sets in order.
	Names []string `json:"-"`
}

// Manuals generates the sets from a folder of manuals and asks them and the operator
// questions. A model is optional: with one, the first step of the ablation is plain
// vectors over fixed chunks and the last joins vectors to the product's search; with
// none, the first step is plain words over fixed chunks.
func Manuals(ctx context.Context, dir string, model embed.Embedder) (ManualsReport, error) {
	docs, err := ReadManuals(dir)
	if err != nil {
		return ManualsReport{}, err
	}
	sets, err := Operator()
	if err != nil {
		return ManualsReport{}, err
	}
	sets = append(Generate(docs), sets...)
	further, err := further()
	if err != nil {
		return ManualsReport{}, err
	}
	x := Build(docs)
	r := ManualsReport{Sets: map[string]Score{}}
	for _, set := range slices.Concat(sets, further) {
		s, err := Ask(ctx, Own{Index: x}, set)
		if err != nil {
			return r, err
		}
		r.Sets[set.Name] = s
		r.Names = append(r.Names, set.Name)
	}
	steps, err := ablationSteps(ctx, docs, x, model)
	if err != nil {
		return r, err
	}
	if model != nil {
		r.Model = model.Model()
	}
	if r.Ablation, err = ablate(ctx, steps, sets); err != nil {
		return r, err
	}
	r.Baselines, err = baselines(ctx, docs, x, slices.Concat(sets, further))
	return r, err
}

// further are the hand-written sets that are asked besides; the ablation leaves
// them out.
func further() ([]Set, error) {
	practice, err := Practice()
	if err != nil {
		return nil, err
	}
	unseen, err := Unseen()
	if err != nil {
		return nil, err
	}
	return append(practice, unseen...), nil
}

// step is a way to search before it is measured.
type step struct {
	name  string
	claim float64
	s     Searcher
}

// ablationSteps are the ways to search, from plain to what the product does.
func ablationSteps(ctx context.Context, docs []retrieve.Document, x *retrieve.Index, model embed.Embedder) ([]step, error) {
	var steps []step
	if model != nil {
		w, err := NewWindows(ctx, docs, model)
		if err != nil {
			return nil, err
		}
		steps = append(steps, step{"plain vectors of " + model.Model() + ", chunks of 512 tokens", 0, w})
	}
	steps = append(steps,
		step{"plain words (BM25), chunks of 512 tokens", 0, NewPlain(fixedChunks(docs))},
		step{"plain words, sections as chunks", 0, NewPlain(sections(x))},
		step{"context: sections with their path, codes looked up, words of the field", 35, Own{Index: x, Options: retrieve.Options{NoRerank: true}}},
		step{"rerank: ordered again by words, titles and neighbours", 67, Own{Index: x}},
	)
	if model != nil {
		rows, err := x.Rows(ctx, func(ctx context.Context, texts []string) ([][]float32, error) {
			return model.Embed(ctx, texts, embed.Passage)
		})
		if err != nil {
			return nil, err
		}
		steps = append(steps, step{"hybrid: vectors of " + model.Model() + " beside it", 49, Meaning{Index: x, Vectors: rows, Model: model}})
	}
	return steps, nil
}

// ablate asks every set of every step. T2 and T3 are left out: their questions are
// headings word for word.
func ablate(ctx context.Context, steps []step, sets []Set) ([]Step, error) {
	var out []Step
	for _, s := range steps {
		var ranks []int
		for _, set := range sets {
			if set.Name == "T2" || set.Name == "T3" {
				continue
			}
			score, err := Ask(ctx, s.s, set)
			if err != nil {
				return nil, err
			}
			ranks = append(ranks, score.Ranks...)
		}
		score := scoreRanks(ranks)
		row := Step{Name: s.name, Fail20: score.Fail20, Hit1: score.Hit1}
		if s.claim > 0 {
			row.Claim = &s.claim
		}
		if len(out) > 0 && out[0].Fail20 > 0 {
			less := math.Round(1000*(out[0].Fail20-row.Fail20)/out[0].Fail20) / 10
			row.Reduction = &less
		}
		out = append(out, row)
	}
	return out, nil
}

// sections are the passages of an index.
func sections(x *retrieve.Index) []Hit {
	out := make([]retrieve.Passage, x.Passages())
	for i := range out {
		out[i] = x.At(i)
	}
	return hitsOf(out)
}
