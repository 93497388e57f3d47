package evaluate

import (
	"context"
	"fmt"
	"math"
	"strings"
)

// Hit is a passage that was found.
type Hit struct {
	Document   string
	Line, Last int
	Text       string
	// Same are other places of the same text, which count as found.
	Same []Place

	letters string // of Text, where they are counted beforehand
}

// Searcher finds the k passages that answer a question best, best first.
type Searcher interface {
	Search(ctx context.Context, question string, k int) ([]Hit, error)
}

// Score is how a set was answered: the share of questions, in percent, whose right
// passage was first, among three, among five; and the mean reciprocal rank within
// twenty, from 0 to 1.
type Score struct {
	N    int     `json:"n"`
	Hit1 float64 `json:"hit1"`
	Hit3 float64 `json:"hit3"`
	Hit5 float64 `json:"hit5"`
	MRR  float64 `json:"mrr"`
	// Fail20 is the share of questions, in percent, whose right passage is not
	// among the first twenty.
	Fail20 float64 `json:"fail20"`
	// Ranks are those of the first right passage, from 1; 0 is none.
	Ranks []int `json:"-"`
}

// depth is how many passages are looked through.
const depth = 20

// Ask puts every question of a set to a searcher.
func Ask(ctx context.Context, s Searcher, set Set) (Score, error) {
	ranks := make([]int, 0, len(set.Questions))
	for _, q := range set.Questions {
		hits, err := s.Search(ctx, q.Text, depth)
		if err != nil {
			return Score{}, fmt.Errorf("set %s: ask %q: %w", set.Name, q.Text, err)
		}
		ranks = append(ranks, q.rank(hits))
	}
	return scoreRanks(ranks), nil
}

// rank is the position of the first right passage, from 1, or 0.
func (q Question) rank(hits []Hit) int {
	for i, h := range hits {
		if q.right(h) {
			return i + 1
		}
	}
	return 0
}

func (q Question) right(h Hit) bool {
	if len(q.Gold) > 0 {
		text := h.letters
		if text == "" {
			text = letters(h.Text)
		}
		for _, g := range q.Gold {
			if strings.Contains(text, g) {
				return true
			}
		}
	}
	for _, p := range q.Places {
		for _, at := range append([]Place{{h.Document, h.Line, h.Last}}, h.Same...) {
			if p.Document == at.Document && p.Line <= at.Last && at.Line <= p.Last {
				return true
			}
		}
	}
	return false
}

func scoreRanks(ranks []int) Score {
	s := Score{N: len(ranks), Ranks: ranks}
	if s.N == 0 {
		return s
	}
	for _, r := range ranks {
		switch {
		case r == 0 || r > depth:
			s.Fail20++
			continue
		case r == 1:
			s.Hit1++
			fallthrough
		case r <= 3:
			s.Hit3++
			fallthrough
		case r <= 5:
			s.Hit5++
		}
		s.MRR += 1 / float64(r)
	}
	n := float64(s.N)
	s.Hit1, s.Hit3, s.Hit5, s.Fail20 = percent(s.Hit1/n), percent(s.Hit3/n), percent(s.Hit5/n), percent(s.Fail20/n)
	s.MRR = math.Round(1000*s.MRR/n) / 1000
	return s
}

// percent of a share, to one decimal.
func percent(v float64) float64 { return math.Round(1000*v) / 10 }
