package chunk

import (
	"math/bits"
	"sort"
	"unicode/utf8"
)

// ledger knows the exact tokens of every part of a text after reading it once. It
// marks where pieces end and how many tokens lie before each place; a part that
// begins or ends inside a piece is read again there only.
type ledger struct {
	text  string
	tok   Tokenizer
	in    piecer // nil when the tokenizer does not read in pieces
	limit int    // the most tokens anybody asks for
	ends  []uint64
	marks []uint64 // as many bits per piece as it has tokens
	sums  []uint32 // marks before each word
}

// newLedger reads text. Counts above limit are not exact, only above limit.
func newLedger(text string, tok Tokenizer, limit int) *ledger {
	l := &ledger{text: text, tok: tok, limit: limit}
	in, ok := tok.(piecer)
	if !ok {
		return l
	}
	l.in = in
	words := len(text)/64 + 1
	l.ends, l.marks, l.sums = make([]uint64, words), make([]uint64, words), make([]uint32, words+1)
	l.ends[0] = 1
	l.read(in)
	for i, w := range l.marks {
		l.sums[i+1] = l.sums[i] + uint32(bits.OnesCount64(w))
	}
	return l
}

// read marks the pieces of the text.
func (l *ledger) read(in piecer) {
	if b, ok := in.(*BPE); ok { // the same without a call by address for each piece
		m := b.ranks.memo()
		defer b.ranks.keep(m)
		most := l.most()
		for pos := 0; pos < len(l.text); {
			end, tokens := b.piece(m, l.text, pos, most)
			l.mark(pos, end, tokens)
			pos = end
		}
		return
	}
	pos := 0
	in.pieces(l.text, 0, l.most(), func(end, tokens int) bool {
		if tokens > end-pos {
			l.in = nil // more tokens than bytes: no marks for them
			return false
		}
		l.mark(pos, end, tokens)
		pos = end
		return true
	})
}

// mark records the piece text[pos:end] and its tokens.
func (l *ledger) mark(pos, end, tokens int) {
	if at := uint(pos) & 63; at+uint(tokens) <= 64 {
		l.marks[pos>>6] |= (^uint64(0) >> (64 - uint(tokens))) << at
	} else {
		for k := pos; k < pos+tokens; k++ {
			l.marks[k>>6] |= 1 << (k & 63)
		}
	}
	l.ends[end>>6] |= 1 << (end & 63)
}

// most is the most bytes that a passage of limit tokens may have: no token of any
// vocabulary is longer, and one of a tokenizer that takes any word for one token
// ends there.
func (l *ledger) most() int { return maxToken * l.limit }

// rank is the tokens before i, which is the end of a piece.
func (l *ledger) rank(i int) int {
	w := i >> 6
	return int(l.sums[w]) + bits.OnesCount64(l.marks[w]&(1<<(i&63)-1))
}

func (l *ledger) isEnd(i int) bool { return l.ends[i>>6]>>(i&63)&1 != 0 }

// endBefore is the last end of a piece up to i.
func (l *ledger) endBefore(i int) int {
	w := i >> 6
	if m := l.ends[w] & (^uint64(0) >> (63 - i&63)); m != 0 {
		return w<<6 | (63 - bits.LeadingZeros64(m))
	}
	for w--; w >= 0; w-- {
		if l.ends[w] != 0 {
			return w<<6 | (63 - bits.LeadingZeros64(l.ends[w]))
		}
	}
	return 0
}

// tokens is the number of tokens of text[a:b] on its own, exact up to limit.
func (l *ledger) tokens(a, b int) int {
	if b-a > l.most() {
		return l.limit + 1
	}
	if l.in == nil {
		return l.tok.Count(l.text[a:b])
	}
	i, n := a, 0
	if !l.isEnd(i) {
		i, n = l.resume(a, b, l.most(), true)
	}
	if i >= b {
		return n
	}
	if last := l.endBefore(b); last > i {
		n += l.rank(last) - l.rank(i)
		i = last
	}
	if i < b {
		_, more := l.resume(i, b, l.most(), false)
		n += more
	}
	return n
}

// longPiece is how many bytes to a token of the limit a piece may have to be looked
// at as a whole; of a longer one only the part that is cut off is.
const longPiece = 8

// resume reads from a, inside a piece, at most to b; when it is to meet the pieces of the
// whole text again, only to the next place where one of them ends. Pieces of more than
// most bytes are not counted exactly.
func (l *ledger) resume(a, b, most int, meet bool) (i, n int) {
	if enc, ok := l.in.(*BPE); ok { // as in read
		m := enc.ranks.memo()
		defer enc.ranks.keep(m)
		for i = a; i < b; {
			end, tokens := enc.piece(m, l.text[:b], i, most)
			i, n = end, n+tokens
			if meet && l.isEnd(end) {
				break
			}
		}
		return i, n
	}
	i = a
	l.in.pieces(l.text[:b], a, most, func(end, tokens int) bool {
		i, n = end, n+tokens
		return !meet || !l.isEnd(end)
	})
	return i, n
}

// fit is how far text[a:] can be taken with at most limit tokens, at most to b: b
// itself, else the end of a piece, else a place between two characters inside a
// piece that is longer than the limit. It is always after a.
func (l *ledger) fit(a, b, limit int) int {
	limit = min(limit, l.limit)
	switch {
	case l.in != nil && b-a <= limit:
		return b
	case l.in != nil && !l.isEnd(a) && b-a > longPiece*limit: // what begins inside a piece is not weighed as a whole
	case b-a <= l.most() && l.tokens(a, b) <= limit:
		return b
	}
	b = min(b, a+maxToken*limit)
	if l.in == nil {
		return l.search(a, b, limit)
	}
	i, n := a, 0
	if !l.isEnd(i) {
		i, n = l.resume(a, b, longPiece*limit, true)
		if n > limit || i >= b && !l.isEnd(i) || i-a > longPiece*limit {
			return l.inside(a, b, limit)
		}
	}
	want := l.rank(i) + limit - n
	w := i>>6 + sort.Search(b>>6-i>>6+1, func(k int) bool { return int(l.sums[i>>6+k+1]) > want })
	e := min(b, w<<6|63)
	for e > i {
		if e = l.endBefore(e); l.rank(e) <= want || e <= i {
			break
		}
		e--
	}
	if e <= a {
		return l.inside(a, b, limit)
	}
	return e
}

// back is a place before e from which text up to e has at most limit tokens, not
// before a.
func (l *ledger) back(a, e, limit int) int {
	if limit <= 0 {
		return e
	}
	if l.in == nil {
		n := sort.Search(e-a, func(k int) bool { return l.tok.Count(l.text[l.between(a, a+k):e]) <= limit })
		return l.between(a, a+n)
	}
	last := l.endBefore(e)
	if last <= a {
		return e
	}
	limit -= l.tokens(last, e)
	want := l.rank(last) - limit
	if limit <= 0 {
		return e
	}
	lo := a>>6 + sort.Search(last>>6-a>>6, func(k int) bool { return int(l.sums[a>>6+k+1]) >= want })
	for i := max(lo<<6, a); i < last; i++ {
		if l.isEnd(i) && l.rank(i) >= want {
			return i
		}
	}
	return last
}

// inside cuts a piece that is longer than the limit. Four bytes to a token are
// looked at; should they be fewer tokens than the limit, that is long enough.
func (l *ledger) inside(a, b, limit int) int {
	e := l.between(a, min(b, a+4*limit))
	if bpe, ok := l.in.(*BPE); ok {
		e = l.between(a, bpe.prefix(l.text[a:e], limit)+a)
	}
	for e > a+1 && l.tok.Count(l.text[a:e]) > limit {
		e = l.between(a, a+(e-a)*3/4)
	}
	return e
}

// between moves e back to the beginning of a character, or forward past the first
// character after a.
func (l *ledger) between(a, e int) int {
	for k := 0; k < utf8.UTFMax && e-k > a; k++ {
		if e-k >= len(l.text) || utf8.RuneStart(l.text[e-k]) {
			return e - k
		}
	}
	_, n := utf8.DecodeRuneInString(l.text[a:])
	return a + n
}

// search is fit for a tokenizer that can only count.
func (l *ledger) search(a, b, limit int) int {
	lo, hi := a+1, min(b, a+max(limit, 8))
	for hi < b && l.tok.Count(l.text[a:l.between(a, hi)]) <= limit {
		lo, hi = hi, min(b, a+2*(hi-a))
	}
	n := sort.Search(hi-lo, func(k int) bool { return l.tok.Count(l.text[a:l.between(a, lo+k+1)]) > limit })
	e := l.between(a, lo+n)
	for e > a+1 && l.tok.Count(l.text[a:e]) > limit {
		e = l.between(a, a+(e-a)*3/4)
	}
	return e
}
