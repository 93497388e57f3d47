package chunk

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Tokenizer counts the tokens of a text. Count(text) is the number of tokens of
// text on its own. It must be safe for concurrent use.
type Tokenizer interface {
	Name() string
	Count(text string) int
}

// piecer is a tokenizer that reads a text in pieces from left to right: where a
// piece ends does not depend on what stands before it, and the tokens of a text
// are those of its pieces. A ledger of piece ends then gives the exact count of
// any part of the text without reading it again.
type piecer interface {
	Tokenizer
	// pieces calls yield for the pieces of s from i on, until it returns false. Of a
	// piece longer than most bytes only a lower bound of its tokens is found.
	pieces(s string, i, most int, yield func(end, tokens int) bool)
}

// unbounded asks pieces for the exact tokens of every piece.
const unbounded = int(^uint(0) >> 1)

// BPE is one of OpenAI's byte-pair encodings. Its ids are those of tiktoken for
// every valid UTF-8 text without special tokens; bytes that are no UTF-8 are
// encoded as they are. It is safe for concurrent use.
type BPE struct {
	name  string
	ranks *ranks
	next  func(s string, i int) int
	cased bool // words end where lower case turns into upper, and take a contraction with them
}

// CL100K is the encoding of GPT-4 and of text-embedding-3. The first call takes
// about 20 ms to unpack the vocabulary.
func CL100K() *BPE { return &BPE{name: "cl100k", ranks: loadCL100K(), next: cl100k} }

// O200K is the encoding of GPT-4o and later. The first call takes about 40 ms to
// unpack the vocabulary.
func O200K() *BPE { return &BPE{name: "o200k", ranks: loadO200K(), next: o200k, cased: true} }

// Name is "cl100k" or "o200k".
func (b *BPE) Name() string { return b.name }

// Count is the number of tokens of text.
func (b *BPE) Count(text string) int {
	m := b.ranks.memo()
	defer b.ranks.keep(m)
	return b.count(m, text)
}

func (b *BPE) count(m *memo, text string) int {
	total := 0
	for i := 0; i < len(text); {
		end, tokens := b.piece(m, text, i, unbounded)
		total += tokens
		i = end
	}
	return total
}

func (b *BPE) pieces(s string, i, most int, yield func(end, tokens int) bool) {
	m := b.ranks.memo()
	defer b.ranks.keep(m)
	for i < len(s) {
		end, tokens := b.piece(m, s, i, most)
		if !yield(end, tokens) {
			return
		}
		i = end
	}
}

// prefix is the length in bytes of the first limit tokens of text.
func (b *BPE) prefix(text string, limit int) int {
	m := b.ranks.memo()
	defer b.ranks.keep(m)
	for i := 0; i < len(text); {
		end := b.next(text, i)
		n := m.merge.split(b.ranks, text[i:end])
		if n >= limit {
			return i + int(m.merge.starts[limit])
		}
		limit -= n
		i = end
	}
	return len(text)
}

// Encode is the ids of text.
func (b *BPE) Encode(text string) []int {
	m := b.ranks.memo()
	defer b.ranks.keep(m)
	var out []int
	for i := 0; i < len(text); {
		end := b.next(text, i)
		if id := b.ranks.find(text, i, end); id >= 0 {
			out = append(out, int(id))
		} else {
			m.merge.split(b.ranks, text[i:end])
			out = m.merge.ids(b.ranks, text[i:end], out)
		}
		i = end
	}
	return out
}

// Decode is the text of ids. Ids of special tokens are an error.
func (b *BPE) Decode(ids []int) (string, error) {
	var out strings.Builder
	for i, id := range ids {
		if id < 0 || id >= len(b.ranks.ends) {
			return "", fmt.Errorf("decode %s: id %d at place %d is not in the vocabulary of %d tokens", b.name, id, i, len(b.ranks.ends))
		}
		out.Write(b.ranks.token(id))
	}
	return out.String(), nil
}

// merger applies the merges of an encoding to one piece.
type merger struct {
	starts []int32 // starts of the parts that are left, and the end of the piece
	ranks  []int32 // rank of part k joined with part k+1
	queue  queue
}

// scanMax is the length in bytes up to which looking through all parts for the
// best merge is faster than a heap.
const scanMax = 160

// none is the rank of a pair that is not merged.
const none = int32(1<<31 - 1)

// split merges the bytes of piece, lowest rank first and leftmost first among
// equals, and returns the number of tokens. The starts of the tokens stay in
// m.starts.
func (m *merger) split(r *ranks, piece string) int {
	m.starts = m.starts[:0]
	for k := 0; k <= len(piece); k++ {
		m.starts = append(m.starts, int32(k))
	}
	if len(piece) > scanMax {
		return m.splitLong(r, piece)
	}
	m.ranks = m.ranks[:0]
	for k := 0; k+2 <= len(piece); k++ {
		m.ranks = append(m.ranks, r.two(piece, k))
	}
	for {
		best, at := none, -1
		for k, rank := range m.ranks {
			if rank < best {
				best, at = rank, k
			}
		}
		if at < 0 {
			return len(m.starts) - 1
		}
		m.starts = append(m.starts[:at+1], m.starts[at+2:]...)
		m.ranks = append(m.ranks[:at], m.ranks[at+1:]...)
		for k := max(at-1, 0); k <= at && k < len(m.ranks); k++ {
			m.ranks[k] = pair(r, piece, int(m.starts[k]), int(m.starts[k+2]))
		}
	}
}

func pair(r *ranks, s string, i, j int) int32 {
	if j-i > maxToken {
		return none
	}
	if id := r.find(s, i, j); id >= 0 {
		return id
	}
	return none
}

// ids appends the ids of the tokens that split found in piece.
func (m *merger) ids(r *ranks, piece string, out []int) []int {
	for k := 0; k+1 < len(m.starts); k++ {
		out = append(out, int(r.find(piece, int(m.starts[k]), int(m.starts[k+1]))))
	}
	return out
}

// splitLong is split for long pieces: n log n instead of n². The queue holds the
// rank and the start of possible merges in one word each, so that the lowest is
// the next to do; a word whose rank is no longer that of its start is stale.
func (m *merger) splitLong(r *ranks, piece string) int {
	n := len(piece)
	next, prev := make([]int32, n+1), make([]int32, n+1) // of part starts
	ranks := append(m.ranks[:0], make([]int32, n+1)...)  // of a part with the next one
	m.ranks, m.queue = ranks, m.queue[:0]
	for k := 0; k <= n; k++ {
		next[k], prev[k], ranks[k] = int32(k+1), int32(k-1), none
		if k+2 <= n {
			if ranks[k] = r.two(piece, k); ranks[k] != none {
				m.queue.push(uint64(ranks[k])<<32 | uint64(k))
			}
		}
	}
	offer := func(k int32) {
		ranks[k] = none
		if mid := next[k]; int(mid) < n {
			if ranks[k] = pair(r, piece, int(k), int(next[mid])); ranks[k] != none {
				m.queue.push(uint64(ranks[k])<<32 | uint64(k))
			}
		}
	}
	for len(m.queue) > 0 {
		e := m.queue.pop()
		k := int32(uint32(e))
		if ranks[k] != int32(e>>32) {
			continue
		}
		gone := next[k]
		next[k] = next[gone]
		prev[next[k]], ranks[gone] = k, none
		offer(k)
		if p := prev[k]; p >= 0 {
			offer(p)
		}
	}
	m.starts = m.starts[:0]
	for k := int32(0); int(k) <= n; k = next[k] {
		m.starts = append(m.starts, k)
	}
	return len(m.starts) - 1
}

// queue is a binary heap, lowest word first.
type queue []uint64

func (q *queue) push(x uint64) {
	h := append(*q, x)
	i := len(h) - 1
	for i > 0 && h[(i-1)/2] > x {
		h[i] = h[(i-1)/2]
		i = (i - 1) / 2
	}
	h[i] = x
	*q = h
}

func (q *queue) pop() uint64 {
	h := *q
	top, x := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	*q = h
	i := 0
	for {
		c := 2*i + 1
		if c >= len(h) {
			break
		}
		if c+1 < len(h) && h[c+1] < h[c] {
			c++
		}
		if h[c] >= x {
			break
		}
		h[i] = h[c]
		i = c
	}
	if len(h) > 0 {
		h[i] = x
	}
	return top
}

// characters counts characters; a byte that is no UTF-8 counts as one.
type characters struct{}

// Characters is the tokenizer whose tokens are characters.
func Characters() Tokenizer { return characters{} }

func (characters) Name() string { return "characters" }

func (characters) Count(text string) int { return utf8.RuneCountInString(text) }

func (characters) pieces(s string, i, _ int, yield func(end, tokens int) bool) {
	for i < len(s) {
		n := 1
		if s[i] >= utf8.RuneSelf {
			_, n = utf8.DecodeRuneInString(s[i:])
		}
		if i += n; !yield(i, 1) {
			return
		}
	}
}
