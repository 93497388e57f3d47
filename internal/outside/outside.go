// Package outside keeps passages in an index outside the process, for bases that
// one process should not hold: PostgreSQL with pgvector, Qdrant, or OpenSearch.
//
// All three are used alike. A passage carries its words as a sparse vector (one
// number for each term, BM25's saturated frequency) and, if there is a model, its
// meaning as a dense one. A question carries the weights of its terms. The index
// multiplies both, with each term's rarity, which is BM25 (Robertson and Zaragoza
// 2009) computed by the server; it returns candidates, and the caller orders them.
package outside

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sort"
)

// Passage is one passage as an index keeps it.
type Passage struct {
	ID         string // unique in the index
	Document   string // cited name
	Title      string
	Path       []string
	Kind       string
	Text       string
	Start, End int // byte offsets into the document
	Line, Last int
	Words      Sparse
	Meaning    []float32 // nil without a model
}

// Question is a search.
type Question struct {
	Text      string
	Words     Sparse    // weight of each term, without its rarity
	Meaning   []float32 // nil: words alone
	Documents []string  // cited names; none is all
	K         int
}

// Candidate is a passage that was found, with the server's score.
type Candidate struct {
	Passage
	Score float64
}

// Index is an index outside the process.
type Index interface {
	// Upsert puts the passages of a document in place of those it had.
	Upsert(ctx context.Context, document string, passages []Passage) error
	// Delete removes the passages of a document; one that is not there is no error.
	Delete(ctx context.Context, document string) error
	// Search returns candidates, best first.
	Search(ctx context.Context, q Question) ([]Candidate, error)
}

// ErrAway: the server does not answer, or answers with a failure of its own.
var ErrAway = errors.New("the index outside does not answer")

// Sparse is a vector of few numbers by the hash of their term.
type Sparse map[uint32]float32

// dimensions bounds the hashes: pgvector takes 1,000,000,000 at most. Of 100,000
// terms about ten share their hash with another.
const dimensions = 1_000_000_000

// Term is the number of a term.
func Term(term string) uint32 {
	h := fnv.New64a()
	h.Write([]byte(term)) // a hash never fails
	return uint32(h.Sum64() % dimensions)
}

// sorted returns the numbers in order, with their values.
func (s Sparse) sorted() (at []uint32, values []float32) {
	for k := range s {
		at = append(at, k)
	}
	sort.Slice(at, func(i, j int) bool { return at[i] < at[j] })
	for _, k := range at {
		values = append(values, s[k])
	}
	return at, values
}

// checkPassages refuses what no index could give back.
func checkPassages(document string, passages []Passage) error {
	if document == "" {
		return errors.New("store passages outside: they need the name of their document")
	}
	seen := map[string]bool{}
	for _, p := range passages {
		if p.ID == "" || seen[p.ID] {
			return fmt.Errorf("store the passages of %s outside: the id %q is empty or there twice", document, p.ID)
		}
		if p.Document != document {
			return fmt.Errorf("store the passages of %s outside: one belongs to %s", document, p.Document)
		}
		seen[p.ID] = true
	}
	return nil
}

// merge joins candidates by words with candidates by meaning: each list is brought
// to 0…1 and counts with its weight. A convex sum, because ranks alone lose how
// much better the first is (Bruch, Gai and Ingber 2023).
func merge(words, meaning []Candidate, weight float64, k int) []Candidate {
	if len(meaning) == 0 {
		return words[:min(len(words), k)]
	}
	at := map[string]int{}
	var out []Candidate
	for i, list := range [][]Candidate{words, meaning} {
		w := 1 - weight
		if i == 1 {
			w = weight
		}
		top := 0.0
		for _, c := range list {
			top = max(top, c.Score)
		}
		for _, c := range list {
			c.Score = w * max(c.Score, 0) / max(top, 1e-9)
			if j, ok := at[c.ID]; ok {
				out[j].Score += c.Score
				continue
			}
			at[c.ID] = len(out)
			out = append(out, c)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Score > out[j].Score })
	return out[:min(len(out), k)]
}

// meaningWeight is the share of the meaning in a joint score.
const meaningWeight = 0.3
