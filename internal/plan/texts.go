package plan

import (
	"bytes"
	"math/bits"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// textID names one interned text. Zero is always the empty string.
type textID = uint32

// texts is a frozen set of distinct strings in one byte slice. Entries are
// separated by a newline so that one bytes.Index pass searches all of them.
type texts struct {
	buf    []byte   // entries in id order, each followed by '\n'
	folded []byte   // buf in upper case; the same slice when buf has no lower case
	off    []uint32 // start of each entry; one more than there are entries
	sorted []textID // ids ordered by their folded text, for exact lookup
}

// interner builds a texts; its map is dropped when the snapshot is frozen.
type interner struct {
	ids map[string]textID
	buf []byte
	off []uint32
}

func newInterner() *interner {
	in := &interner{ids: make(map[string]textID)}
	in.id("")
	return in
}

func (in *interner) id(s string) textID {
	if id, ok := in.ids[s]; ok {
		return id
	}
	id := textID(len(in.off))
	start := len(in.buf)
	in.off = append(in.off, uint32(start))
	in.buf = append(in.buf, s...)
	// A newline inside a name would break the one-pass search; no HWA name has one.
	for i := start; i < len(in.buf); i++ {
		if in.buf[i] == '\n' {
			in.buf[i] = ' '
		}
	}
	in.buf = append(in.buf, '\n')
	in.ids[strings.Clone(s)] = id
	return id
}

func (in *interner) freeze() *texts {
	t := &texts{buf: slices.Clip(in.buf), off: append(slices.Clip(in.off), uint32(len(in.buf)))}
	t.folded = t.buf
	if up := bytes.ToUpper(t.buf); !bytes.Equal(up, t.buf) && len(up) == len(t.buf) {
		t.folded = up
	}
	t.sorted = make([]textID, len(in.off))
	for i := range t.sorted {
		t.sorted[i] = textID(i)
	}
	slices.SortFunc(t.sorted, func(a, b textID) int { return bytes.Compare(t.fold(a), t.fold(b)) })
	in.ids = nil
	return t
}

func (t *texts) len() int { return len(t.off) - 1 }

func (t *texts) get(id textID) string { return string(t.buf[t.off[id] : t.off[id+1]-1]) }

func (t *texts) fold(id textID) []byte { return t.folded[t.off[id] : t.off[id+1]-1] }

// find returns every id whose text equals s without regard to case; there can
// be several because HWA definitions may differ in case only.
func (t *texts) find(s string) []textID {
	want := []byte(strings.ToUpper(s))
	i, _ := slices.BinarySearchFunc(t.sorted, want, func(id textID, w []byte) int { return bytes.Compare(t.fold(id), w) })
	j := i
	for j < len(t.sorted) && bytes.Equal(t.fold(t.sorted[j]), want) {
		j++
	}
	return t.sorted[i:j]
}

// containing returns the set of ids whose folded text contains s.
func (t *texts) containing(s string) bitset {
	set := newBitset(t.len())
	want := []byte(strings.ToUpper(s))
	if len(want) == 0 || bytes.IndexByte(want, '\n') >= 0 {
		return set
	}
	split(t.len(), func(from, to int) { t.search(want, set, from, to) })
	return set
}

// search adds the entries from..to-1 that contain want. Names of a plan are made
// by rule, so a word that many of them contain mostly stands at the same place
// in neighbours: there it is looked for first.
func (t *texts) search(want []byte, set bitset, from, to int) {
	end := int(t.off[to])
	for pos, id := int(t.off[from]), from; pos < end; {
		k := bytes.Index(t.folded[pos:end], want)
		if k < 0 {
			return
		}
		// Hits come in order, so the entry is found by going on from the last one.
		for int(t.off[id+1]) <= pos+k {
			id++
		}
		place := pos + k - int(t.off[id])
		for set.add(id); id+1 < to && t.holdsAt(id+1, place, want); {
			id++
			set.add(id)
		}
		id++
		pos = int(t.off[id])
	}
}

// holdsAt reports whether want stands in an entry at a place of it.
func (t *texts) holdsAt(id, place int, want []byte) bool {
	at := int(t.off[id]) + place
	return at+len(want) < int(t.off[id+1]) && string(t.folded[at:at+len(want)]) == string(want)
}

// matching returns the set of ids for which ok holds.
func (t *texts) matching(ok func(folded []byte) bool) bitset {
	set := newBitset(t.len())
	split(t.len(), func(from, to int) {
		for id := from; id < to; id++ {
			if ok(t.fold(textID(id))) {
				set.add(id)
			}
		}
	})
	return set
}

func (t *texts) bytes() int { return cap(t.buf) + 4*cap(t.off) + 4*cap(t.sorted) + foldedBytes(t) }

func foldedBytes(t *texts) int {
	if &t.folded[0] == &t.buf[0] {
		return 0
	}
	return cap(t.folded)
}

// bitset is a fixed-size set of small integers.
type bitset []uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

// everything is the set of all numbers below n.
func everything(n int) bitset {
	b := newBitset(n)
	for i := range b {
		b[i] = bitset(nil).word(i*64, n)
	}
	return b
}

func (b bitset) add(i int)      { b[i>>6] |= 1 << (i & 63) }
func (b bitset) has(i int) bool { return b[i>>6]&(1<<(i&63)) != 0 }

func (b bitset) empty() bool {
	for _, w := range b {
		if w != 0 {
			return false
		}
	}
	return true
}

func (b bitset) count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// each calls do with the members from..to-1 in order; from must be a multiple
// of 64. A nil set stands for all numbers.
func (b bitset) each(from, to int, do func(int)) {
	if b == nil {
		for i := from; i < to; i++ {
			do(i)
		}
		return
	}
	for at := from; at < to; at += 64 {
		for w := b[at>>6]; w != 0; w &= w - 1 {
			if i := at + bits.TrailingZeros64(w); i < to {
				do(i)
			}
		}
	}
}

// splitFrom is how much work is worth a second goroutine.
const splitFrom = 32_768

// split does work on the numbers below n in parallel parts. Parts begin at
// multiples of 64, so that two of them never share a word of a bitset.
func split(n int, work func(from, to int)) {
	parts := min(runtime.GOMAXPROCS(0), n/splitFrom)
	if parts <= 1 {
		work(0, n)
		return
	}
	step := (n/parts + 63) &^ 63
	var wg sync.WaitGroup
	for from := 0; from < n; from += step {
		wg.Go(func() { work(from, min(from+step, n)) })
	}
	wg.Wait()
}

// word is the members at..at+63 below to as a mask; a nil set stands for all.
func (b bitset) word(at, to int) uint64 {
	w := ^uint64(0)
	if b != nil {
		w = b[at>>6]
	}
	if to-at < 64 {
		w &= 1<<(to-at) - 1
	}
	return w
}

// eachIn calls do with every member; a nil set has none here.
func eachIn(b bitset, do func(int)) {
	if b != nil {
		b.each(0, 64*len(b), do)
	}
}
