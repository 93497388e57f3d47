package evaluate

import (
	"context"
	"math"
	"slices"
	"sort"

	"resync/internal/retrieve"
)

// Plain is what a search engine does without knowing anything: BM25 over stems and
// parts of identifiers, one field, no context.
type Plain struct {
	hits  []Hit
	posts map[string][]plainPost
	size  []float64
	mean  float64
}

type plainPost struct {
	hit int
	tf  float64
}

// Constants of BM25 as engines ship them.
const plainK1, plainB = 1.2, 0.75

// NewPlain indexes chunks by their text.
func NewPlain(chunks []Hit) *Plain {
	chunks = slices.Clone(chunks)
	for i := range chunks {
		chunks[i].letters = letters(chunks[i].Text)
	}
	p := &Plain{hits: chunks, posts: map[string][]plainPost{}, size: make([]float64, len(chunks))}
	for i, h := range chunks {
		tf := map[string]float64{}
		for _, t := range retrieve.Terms(h.Text) {
			tf[t]++
			p.size[i]++
		}
		for t, n := range tf {
			p.posts[t] = append(p.posts[t], plainPost{i, n})
		}
		p.mean += p.size[i]
	}
	p.mean = max(p.mean/float64(max(len(chunks), 1)), 1)
	return p
}

// Search finds the chunks with the highest BM25.
func (p *Plain) Search(_ context.Context, question string, k int) ([]Hit, error) {
	score := make([]float64, len(p.hits))
	seen := map[string]bool{}
	for _, t := range retrieve.Terms(question) {
		if seen[t] {
			continue
		}
		seen[t] = true
		n := float64(len(p.posts[t]))
		idf := math.Log(1 + (float64(len(p.hits))-n+0.5)/(n+0.5))
		for _, e := range p.posts[t] {
			score[e.hit] += idf * e.tf * (plainK1 + 1) / (e.tf + plainK1*(1-plainB+plainB*p.size[e.hit]/p.mean))
		}
	}
	var order []int // best first; of equals the first
	for i, v := range score {
		if v == 0 || len(order) == k && v <= score[order[k-1]] {
			continue
		}
		at := sort.Search(len(order), func(j int) bool { return score[order[j]] < v })
		order = slices.Insert(order, at, i)
		order = order[:min(len(order), k)]
	}
	out := make([]Hit, len(order))
	for i, hit := range order {
		out[i] = p.hits[hit]
	}
	return out, nil
}
