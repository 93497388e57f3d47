package evaluate

import (
	"context"

	"resync/chunk"
	"resync/internal/retrieve"
)

// Baseline is how other chunks answered the sets. They are found by plain BM25, so
// that only the chunks differ.
type Baseline struct {
	Name   string           `json:"name"`
	Chunks int              `json:"chunks"`
	Sets   map[string]Score `json:"sets"`
}

// baselines asks the sets of the predecessor's chunks with their context prefix, of
// windows of 512 tokens, and of Resync's passages.
func baselines(ctx context.Context, docs []retrieve.Document, x *retrieve.Index, sets []Set) ([]Baseline, error) {
	ways := []struct {
		name   string
		chunks []Hit
	}{
		{"predecessor, tws_optimized with context", predecessorChunks(docs, PredecessorTWSOptimized)},
		{"predecessor, recursive", predecessorChunks(docs, PredecessorRecursive)},
		{"windows of 512 tokens", fixedChunks(docs)},
		{"recursive, 400 tokens", recursiveChunks(docs)},
		{"Resync's passages, text alone", sections(x)},
	}
	var out []Baseline
	for _, w := range ways {
		b := Baseline{Name: w.name, Chunks: len(w.chunks), Sets: map[string]Score{}}
		p := NewPlain(w.chunks)
		for _, set := range sets {
			s, err := Ask(ctx, p, set)
			if err != nil {
				return nil, err
			}
			b.Sets[set.Name] = s
		}
		out = append(out, b)
	}
	return out, nil
}

// predecessorChunks are what the predecessor would have indexed. Its chunks carry a
// prefix, which is searched but is no text of the manual.
func predecessorChunks(docs []retrieve.Document, strategy PredecessorStrategy) []Hit {
	var out []Hit
	for _, d := range docs {
		lines := newLineCounter(d.Text)
		for _, c := range Predecessor(d.Text, d.Name, strategy) {
			out = append(out, Hit{Document: d.Name, Line: lines.at(c.Span.Start), Last: lines.at(c.Span.End), Text: c.Contextualized})
		}
	}
	return out
}

func recursiveChunks(docs []retrieve.Document) []Hit {
	var out []Hit
	s := Splitter{Size: 400}
	for _, d := range docs {
		lines := newLineCounter(d.Text)
		for _, c := range s.Split(d.Text) {
			out = append(out, Hit{Document: d.Name, Line: lines.at(c.Start), Last: lines.at(c.End), Text: d.Text[c.Start:c.End]})
		}
	}
	return out
}

// fixedChunks are windows of 512 tokens that overlap by 75.
func fixedChunks(docs []retrieve.Document) []Hit {
	var out []Hit
	for _, d := range docs {
		lines := newLineCounter(d.Text)
		for _, c := range TokenWindows(d.Text, chunk.CL100K(), windowTokens, windowOverlap) {
			out = append(out, Hit{Document: d.Name, Line: lines.at(c.Start), Last: lines.at(c.End), Text: d.Text[c.Start:c.End]})
		}
	}
	return out
}

// lineCounter tells the line of an offset.
type lineCounter []int // where each line begins

func newLineCounter(text string) lineCounter {
	l := lineCounter{0}
	for i := range len(text) {
		if text[i] == '\n' {
			l = append(l, i+1)
		}
	}
	return l
}

func (l lineCounter) at(offset int) int {
	lo, hi := 0, len(l)
	for lo < hi {
		if mid := (lo + hi) / 2; l[mid] <= offset {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}
