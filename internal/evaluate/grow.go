package evaluate

import (
	"math/rand/v2"
	"strconv"
	"strings"

	"resync/internal/retrieve"
)

// grownBytes is the mean size of a passage of a grown corpus, that of the reference
// measurement (62.7 MB for 100,000).
const grownBytes = 627

// Grow makes n passages, in documents of a hundred, out of manuals: each copy of a
// passage has one word in ten replaced, so that the lists of an index grow as those of
// more manuals would. It always makes the same.
func Grow(docs []retrieve.Document, n int) [][]retrieve.Record {
	var pieces, vocabulary []string
	for _, d := range docs {
		vocabulary = append(vocabulary, strings.Fields(d.Text)...)
		for text := d.Text; len(text) > grownBytes; {
			at := grownBytes
			if i := strings.IndexByte(text[at:], '\n'); i >= 0 && i < 200 {
				at += i + 1
			}
			pieces = append(pieces, text[:at])
			text = text[at:]
		}
	}
	if len(pieces) == 0 {
		return nil
	}
	rng := rand.New(rand.NewPCG(1, 2))
	out := make([][]retrieve.Record, (n+99)/100)
	for i := range n {
		text := pieces[i%len(pieces)]
		if i >= len(pieces) {
			words := strings.Fields(text)
			for j := range words {
				if rng.IntN(10) == 0 {
					words[j] = vocabulary[rng.IntN(len(vocabulary))]
				}
			}
			text = strings.Join(words, " ")
		}
		text = cut(text, grownBytes)
		title, _, _ := strings.Cut(strings.TrimLeft(text, "# "), "\n")
		out[i/100] = append(out[i/100], retrieve.Record{ID: strconv.Itoa(i), Title: cut(title, 80), Text: text})
	}
	return out
}

// TitleQuestions are n headings of the manuals with at least three words, evenly
// chosen.
func TitleQuestions(docs []retrieve.Document, n int) []string {
	var all []string
	for _, d := range docs {
		for _, ln := range body(d.Text) {
			if ln.heading && len(strings.Fields(ln.text)) > 3 && len(ln.text) < 100 {
				all = append(all, strings.TrimSpace(ln.text[2:]))
			}
		}
	}
	if len(all) <= n {
		return all
	}
	out := make([]string, 0, n)
	for i := range n {
		out = append(out, all[i*len(all)/n])
	}
	return out
}
