package chunk

import (
	"fmt"
	"strings"
	"sync"
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
	memos *sync.Pool
}

// CL100K is the encoding of GPT-4 and of text-embedding-3. The first call takes
// about 20 ms to unpack the vocabulary.
func CL100K() *BPE { return newBPE("cl100k", loadCL100K(), cl100k) }

// O200K is the encoding of GPT-4o and later. The first call takes about 40 ms to
// unpack the vocabulary.
func O200K() *BPE { return newBPE("o200k", loadO200K(), o200k) }

func newBPE(name string, r *ranks, next func(string, int) int) *BPE {
	return &BPE{name: name, ranks: r, next: next, memos: &sync.Pool{New: func() any { return new(memo) }}}
}

// Name is "cl100k" or "o200k".
func (b *BPE) Name() string { return b.name }

// Count is the number of tokens of text.
func (b *BPE) Count(text string) int {
	total := 0
	b.pieces(text, 0, unbounded, func(_, tokens int) bool { total += tokens; return true })
	return total
}

func (b *BPE) pieces(s string, i, most int, yield func(end, tokens int) bool) {
	m := b.memos.Get().(*memo)
	defer b.memos.Put(m)
	for i < len(s) {
		end := b.next(s, i)
		tokens := 0
		if end-i > most {
			tokens = (end-i)/maxToken + 1
		} else {
			tokens = b.weigh(m, s, i, end)
		}
		if !yield(end, tokens) {
			return
		}
		i = end
	}
}

// memo remembers how many tokens the pieces of a text have. It is small enough for
// the cache of a core, which the table of ranks is not. One is used by one
// goroutine at a time.
type memo struct {
	slots [1 << memoBits]slot
	long  map[string]int32 // pieces of more than inlineKey bytes
	merge merger
}

// memoLong is how many long pieces a memo keeps before it starts anew, and
// memoLongest how long they may be.
const memoLong, memoLongest = 1024, 4096

// memoBits is the size of a memo: 2^15 slots of 24 bytes.
const memoBits = 15

// weigh is the number of tokens of the piece s[i:j].
func (b *BPE) weigh(m *memo, s string, i, j int) int {
	if j-i > inlineKey {
		if j-i <= maxToken {
			if _, ok := b.ranks.long[s[i:j]]; ok {
				return 1
			}
		}
		return m.weighLong(b.ranks, s[i:j])
	}
	lo, hi := key(s, i, j)
	n := uint32(j - i)
	at := hash(lo, hi) >> (64 - memoBits)
	e := &m.slots[at]
	if e.lo == lo && e.hi == hi && e.n == n {
		return int(e.id)
	}
	second := &m.slots[at^1]
	if second.lo == lo && second.hi == hi && second.n == n {
		return int(second.id)
	}
	*second = *e
	tokens := 1
	if b.ranks.get(lo, hi, n) < 0 {
		tokens = m.merge.split(b.ranks, s[i:j])
	}
	*e = slot{lo, hi, int32(tokens), n}
	return tokens
}

// weighLong is weigh for a piece that does not fit a slot and is no token.
func (m *memo) weighLong(r *ranks, piece string) int {
	if len(piece) > memoLongest {
		return m.merge.split(r, piece)
	}
	if n, ok := m.long[piece]; ok {
		return int(n)
	}
	n := m.merge.split(r, piece)
	if m.long == nil || len(m.long) >= memoLong {
		m.long = make(map[string]int32)
	}
	m.long[strings.Clone(piece)] = int32(n)
	return n
}

// prefix is the length in bytes of the first limit tokens of text.
func (b *BPE) prefix(text string, limit int) int {
	m := b.memos.Get().(*memo)
	defer b.memos.Put(m)
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
	m := b.memos.Get().(*memo)
	defer b.memos.Put(m)
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
		m.ranks = append(m.ranks, pair(r, piece, k, k+2))
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
			if ranks[k] = pair(r, piece, k, k+2); ranks[k] != none {
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
