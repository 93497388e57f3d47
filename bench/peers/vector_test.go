package peers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/coder/hnsw"
	"github.com/philippgille/chromem-go"

	"resync/internal/retrieve"
)

// vectorDims is the length of MiniLM's vectors.
const vectorDims = 384

// clustered returns n vectors of length 1 around 200 centres, and 32 queries of the
// same kind.
func clustered(n int) (rows, queries [][]float32) {
	rng := rand.New(rand.NewPCG(1, 2))
	draw := func(around []float32) []float32 {
		v := make([]float32, vectorDims)
		var sum float32
		for i := range v {
			v[i] = float32(rng.NormFloat64())
			if around != nil {
				v[i] = 0.6*v[i] + around[i]
			}
			sum += v[i] * v[i]
		}
		return scaled(v, sum)
	}
	centres := make([][]float32, 200)
	for i := range centres {
		c := draw(nil)
		for j := range c {
			c[j] *= 19.6 // back to about 1 a number
		}
		centres[i] = c
	}
	for range n {
		rows = append(rows, draw(centres[rng.IntN(len(centres))]))
	}
	for range 32 {
		queries = append(queries, draw(centres[rng.IntN(len(centres))]))
	}
	return rows, queries
}

func scaled(v []float32, squares float32) []float32 {
	inv := 1 / sqrt32(squares)
	for i := range v {
		v[i] *= inv
	}
	return v
}

func sqrt32(x float32) float32 {
	y := x
	for range 40 {
		y = (y + x/y) / 2
	}
	return y
}

// truth is the ten nearest rows by definition.
func truth(rows [][]float32, query []float32) []int {
	type pair struct {
		row int
		dot float32
	}
	all := make([]pair, len(rows))
	for i, r := range rows {
		var dot float32
		for j, x := range query {
			dot += x * r[j]
		}
		all[i] = pair{i, dot}
	}
	slices.SortFunc(all, func(a, b pair) int {
		switch {
		case a.dot > b.dot:
			return -1
		case a.dot < b.dot:
			return 1
		}
		return a.row - b.row
	})
	var out []int
	for _, p := range all[:10] {
		out = append(out, p.row)
	}
	return out
}

// BenchmarkVectors10 finds ten of n vectors, with the recall beside the time.
func BenchmarkVectors10(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		rows, queries := clustered(n)
		want := make([][]int, len(queries))
		for i, q := range queries {
			want[i] = truth(rows, q)
		}
		run := func(name string, find func(q []float32) []int) {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				i, hits, of := 0, 0, 0
				for b.Loop() {
					for _, row := range find(queries[i%len(queries)]) {
						if slices.Contains(want[i%len(queries)], row) {
							hits++
						}
					}
					of += 10
					i++
				}
				b.ReportMetric(float64(hits)/float64(of), "recall@10")
			})
		}
		run("resync", ours(b, rows))
		run("chromem", chromemDB(b, rows))
		if n <= 10_000 { // the build of 100,000 takes a minute
			run("hnsw", graph(rows))
		}
	}
}

func ours(b *testing.B, rows [][]float32) func([]float32) []int {
	v, err := retrieve.NewVectors(vectorDims)
	if err != nil {
		b.Fatal(err)
	}
	v.Grow(len(rows))
	for _, r := range rows {
		if err := v.Append(r); err != nil {
			b.Fatal(err)
		}
	}
	return func(q []float32) []int {
		found, err := v.Nearest(context.Background(), q, 10, nil)
		if err != nil {
			b.Fatal(err)
		}
		out := make([]int, len(found))
		for i, f := range found {
			out[i] = f.Row
		}
		return out
	}
}

func chromemDB(b *testing.B, rows [][]float32) func([]float32) []int {
	none := func(context.Context, string) ([]float32, error) { return nil, fmt.Errorf("not asked") }
	c, err := chromem.NewDB().CreateCollection("c", nil, none)
	if err != nil {
		b.Fatal(err)
	}
	for i, r := range rows {
		if err := c.AddDocument(context.Background(), chromem.Document{ID: strconv.Itoa(i), Embedding: r}); err != nil {
			b.Fatal(err)
		}
	}
	return func(q []float32) []int {
		found, err := c.QueryEmbedding(context.Background(), q, 10, nil, nil)
		if err != nil {
			b.Fatal(err)
		}
		var out []int
		for _, f := range found {
			row, err := strconv.Atoi(f.ID)
			if err != nil {
				b.Fatal(err)
			}
			out = append(out, row)
		}
		return out
	}
}

func graph(rows [][]float32) func([]float32) []int {
	g := hnsw.NewGraph[int]()
	g.M, g.EfSearch = 16, 64
	for i, r := range rows {
		g.Add(hnsw.MakeNode(i, r))
	}
	return func(q []float32) []int {
		var out []int
		for _, n := range g.Search(q, 10) {
			out = append(out, n.Key)
		}
		return out
	}
}
