package chunk

import (
	"math/bits"
	"strings"
)

// memo remembers how many tokens the pieces of a text have. It is small enough for
// the cache of a core, which the table of ranks is not. One is used by one
// goroutine at a time.
type memo struct {
	short [1 << shortBits]uint64
	mid   [1 << midBits]pairOfWords
	long  map[string]int32 // pieces of more than midKey bytes
	held  int              // bytes of long
	merge merger
}

// memoLong is how many bytes of long pieces a memo keeps before it starts anew,
// memoLongest how long they may be, and memoParts for how many parts a kept memo has
// room.
const memoLong, memoLongest, memoParts = 1 << 18, 4096, 1 << 15

// shortBits and midBits are the sizes of a memo: 2^15 words of 8 bytes for pieces of up
// to shortKey bytes, 2^14 of 16 bytes for those of up to midKey.
const shortBits, midBits = 15, 14

// shortKey and midKey are the longest pieces that fit one word or two with their length
// and their tokens: their bytes, then four bits of length and four of tokens.
const shortKey, midKey = 7, 15

type pairOfWords struct{ lo, hi uint64 }

// memosKept is how many unused memos an encoding keeps, half a megabyte each: as many
// as read at once on a large machine.
const memosKept = 8

// memo is a memo for the calling goroutine, to be given back with keep. They outlive
// a garbage collection, so that the next document finds the words of the last.
func (r *ranks) memo() *memo {
	select {
	case m := <-r.memos:
		return m
	default:
		return new(memo)
	}
}

func (r *ranks) keep(m *memo) {
	if cap(m.merge.starts) > memoParts {
		m.merge = merger{}
	}
	select {
	case r.memos <- m:
	default: // enough are kept
	}
}

// begins marks the ASCII characters that may stand before the letters of a word in
// one piece with them, or are letters: all but digits, line breaks and the apostrophe,
// which may begin a contraction.
var begins = func() (t [256]uint64) {
	for c := range 0x80 {
		if classes[c]&(isNumber|isNewline) == 0 && c != '\'' {
			t[c] = 0x80
		}
	}
	return t
}()

// piece is where the piece that begins at s[i] ends, and its tokens; of one longer
// than most bytes only a lower bound. Words of up to 16 bytes of ASCII are read in one
// or two steps of eight bytes.
func (b *BPE) piece(m *memo, s string, i, most int) (end, tokens int) {
	if i+inlineKey <= len(s) {
		lo := load8(s, i)
		mask := letterMask(lo)
		n := leading(mask | begins[s[i]])
		switch {
		case n < 2 && mask&0x80 == 0, n < 8 && lo>>(8*n)&0x80 != 0: // no letter, or one that is no ASCII may follow
		case n < 8:
			if b.cased && !plainCase(lo, mask, n, s[i+n]) {
				break
			}
			return i + n, m.weighShort(b.ranks, s, i, lo, n)
		default:
			hi := load8(s, i+8)
			more := leading(letterMask(hi))
			if more == 8 || hi>>(8*more)&0x80 != 0 ||
				b.cased && (capitalMask(hi)&(1<<(8*more)-1) != 0 || !plainCase(lo, mask, 8, s[i+8+more])) {
				break
			}
			return i + 8 + more, m.weighMid(b.ranks, s, i, lo, hi, 8+more)
		}
	}
	end = b.next(s, i)
	if end-i > most {
		return end, (end-i)/maxToken + 1
	}
	return end, b.weigh(m, s, i, end)
}

// plainCase says whether the first n bytes of a word, whose letters are in mask, are one
// piece also of an encoding that looks at their case: no capital after the first letter
// that makes two words of them, at least one small letter when there are several, and no
// contraction after them.
func plainCase(lo, mask uint64, n int, after byte) bool {
	if after == '\'' {
		return false
	}
	capitals := capitalMask(lo)
	if n < 8 {
		capitals &= 1<<(8*n) - 1
	}
	return capitals&(capitals-1) == 0 && (capitals == 0 || bits.TrailingZeros64(capitals) == bits.TrailingZeros64(mask))
}

// weigh is the number of tokens of the piece s[i:j].
func (b *BPE) weigh(m *memo, s string, i, j int) int {
	n := j - i
	if n > midKey {
		if n <= maxToken && b.ranks.find(s, i, j) >= 0 {
			return 1
		}
		return m.weighLong(b.ranks, s[i:j])
	}
	lo, hi := key(s, i, j)
	if n <= shortKey {
		return m.weighShort(b.ranks, s, i, lo, n)
	}
	return m.weighMid(b.ranks, s, i, lo, hi, n)
}

// weighShort is weigh for the n bytes at s[i], at most shortKey; lo begins with them.
func (m *memo) weighShort(r *ranks, s string, i int, lo uint64, n int) int {
	const sized = 1<<60 - 1 // all but the tokens
	lo &= 1<<(8*n) - 1
	k := lo | uint64(n)<<56
	at := k * 0x9e3779b97f4a7c15 >> (64 - shortBits)
	e := m.short[at]
	if (e^k)&sized == 0 {
		return int(e >> 60)
	}
	second := m.short[at^1]
	if (second^k)&sized == 0 {
		return int(second >> 60)
	}
	m.short[at^1] = e
	tokens := 1
	if r.get(lo, 0, uint32(n)) < 0 {
		tokens = m.merge.split(r, s[i:i+n])
	}
	m.short[at] = k | uint64(tokens)<<60
	return tokens
}

// weighMid is weigh for the n bytes at s[i], from shortKey+1 to midKey; lo and hi begin
// with them.
func (m *memo) weighMid(r *ranks, s string, i int, lo, hi uint64, n int) int {
	const sized = 1<<60 - 1 // all but the tokens
	hi &= 1<<(8*(n-8)) - 1
	k := hi | uint64(n)<<56
	at := hash(lo, hi) >> (64 - midBits)
	e := m.mid[at]
	if e.lo == lo && (e.hi^k)&sized == 0 {
		return int(e.hi >> 60)
	}
	second := m.mid[at^1]
	if second.lo == lo && (second.hi^k)&sized == 0 {
		return int(second.hi >> 60)
	}
	m.mid[at^1] = e
	tokens := 1
	if r.get(lo, hi, uint32(n)) < 0 {
		tokens = m.merge.split(r, s[i:i+n])
	}
	m.mid[at] = pairOfWords{lo, k | uint64(tokens)<<60}
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
	if m.held += len(piece); m.long == nil || m.held > memoLong {
		m.long, m.held = make(map[string]int32), len(piece)
	}
	m.long[strings.Clone(piece)] = int32(n)
	return n
}
