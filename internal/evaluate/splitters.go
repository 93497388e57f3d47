package evaluate

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"resync/chunk"
)

// This file holds the splitters of Chroma's chunking evaluation, so that its
// published Precision_Ω can be reproduced. They follow the behaviour of the
// RecursiveTokenChunker and FixedTokenChunker of that evaluation (2024), which is
// the one of LangChain's splitters of the same time, to the byte; the chunkers of
// Resync are in package chunk.

// Span is a part of a text in bytes: text[Start:End].
type Span struct{ Start, End int }

// Splitter is one of the splitters the evaluation names, with its sizes in cl100k
// tokens.
type Splitter struct {
	Name          string  // as in the published table, for example "Recursive 400/200"
	PrecisionΩ    float64 // published over all five corpora, in percent
	Size, Overlap int
	fixed         bool
}

// ChromaSplitters are the eight rows of the table for text-embedding-3-large whose
// splitters need no model.
func ChromaSplitters() []Splitter {
	return []Splitter{
		{"Recursive 800/400", 6.7, 800, 400, false}, {"TokenText 800/400", 4.7, 800, 400, true},
		{"Recursive 400/200", 13.9, 400, 200, false}, {"TokenText 400/200", 8.4, 400, 200, true},
		{"Recursive 400/0", 17.7, 400, 0, false}, {"TokenText 400/0", 12.5, 400, 0, true},
		{"Recursive 200/0", 29.9, 200, 0, false}, {"TokenText 200/0", 21.0, 200, 0, true},
	}
}

// Split cuts a text. Spans come in the order of their starts.
func (s Splitter) Split(text string) []Span {
	if s.fixed {
		return TokenWindows(text, chunk.CL100K(), s.Size, s.Overlap)
	}
	r := recursive{text: text, count: chunk.CL100K().Count, size: s.Size, overlap: s.Overlap}
	r.split(Span{0, len(text)}, []string{"\n\n", "\n", ".", "?", "!", " ", ""})
	return r.out
}

// TokenWindows cuts a text into windows of size tokens, each beginning overlap
// tokens before the end of the one before. Windows end between characters: a token
// that is a part of a character takes the whole of it along. An overlap that is not
// less than the size counts as size-1, so that the windows move on.
func TokenWindows(text string, enc *chunk.BPE, size, overlap int) []Span {
	ends := []int{0}
	for _, id := range enc.Encode(text) {
		token, err := enc.Decode([]int{id})
		if err != nil {
			return nil // not reached: the ids are from the same encoding
		}
		ends = append(ends, ends[len(ends)-1]+len(token))
	}
	size = max(size, 1)
	step := max(size-max(overlap, 0), 1)
	var out []Span
	for from := 0; from < len(ends)-1; from += step {
		to := min(from+size, len(ends)-1)
		if s := (Span{whole(text, ends[from]), whole(text, ends[to])}); s.End > s.Start {
			out = append(out, s)
		}
		if to == len(ends)-1 {
			break
		}
	}
	return out
}

// whole moves an offset to the beginning of the next character.
func whole(text string, i int) int {
	for i < len(text) && !utf8.RuneStart(text[i]) {
		i++
	}
	return i
}

// recursive splits at the first separator that occurs, keeps each at the start of
// the part after it, splits what is too long at the next separators, and merges
// neighbours up to size.
type recursive struct {
	text          string
	count         func(string) int
	size, overlap int
	out           []Span
}

// part is a piece of text with its tokens.
type part struct {
	Span
	tokens int
}

func (r *recursive) split(s Span, separators []string) {
	text := r.text[s.Start:s.End]
	at := len(separators) - 1
	for i, sep := range separators {
		if strings.Contains(text, sep) {
			at = i
			break
		}
	}
	rest := separators[at+1:]
	var good []part
	for _, p := range cutKeeping(s, text, separators[at]) {
		tokens := r.count(r.text[p.Start:p.End])
		if tokens < r.size {
			good = append(good, part{p, tokens})
			continue
		}
		r.merge(good)
		good = nil
		if len(rest) == 0 {
			r.out = append(r.out, p)
		} else {
			r.split(p, rest)
		}
	}
	r.merge(good)
}

// cutKeeping cuts s before each separator; an empty one cuts between characters.
func cutKeeping(s Span, text, sep string) []Span {
	var out []Span
	from := 0
	add := func(to int) {
		if to > from {
			out = append(out, Span{s.Start + from, s.Start + to})
		}
		from = to
	}
	if sep == "" {
		for i := range text {
			add(i)
		}
	} else {
		for i := strings.Index(text, sep); i >= 0; {
			add(i)
			next := strings.Index(text[i+len(sep):], sep)
			if next < 0 {
				break
			}
			i += len(sep) + next
		}
	}
	add(len(text))
	return out
}

// merge joins neighbours while their tokens, summed, are at most size; the next
// chunk begins with the last of them that have at most overlap together.
func (r *recursive) merge(parts []part) {
	total, from := 0, 0
	for i, p := range parts {
		if total+p.tokens > r.size && i > from {
			r.emit(parts[from:i])
			for total > r.overlap || total+p.tokens > r.size && total > 0 {
				total -= parts[from].tokens
				from++
			}
		}
		total += p.tokens
	}
	r.emit(parts[from:])
}

// emit adds the chunk made of the parts without the blanks around it.
func (r *recursive) emit(parts []part) {
	if len(parts) == 0 {
		return
	}
	s := Span{parts[0].Start, parts[len(parts)-1].End}
	text := r.text[s.Start:s.End]
	s.Start += len(text) - len(strings.TrimLeftFunc(text, unicode.IsSpace))
	s.End = s.Start + len(strings.TrimSpace(text))
	if s.End > s.Start {
		r.out = append(r.out, s)
	}
}
