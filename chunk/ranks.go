package chunk

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"sync"
)

// The vocabularies of OpenAI's encodings in rank order, each token as its length
// (uvarint) and its bytes, compressed with deflate. They were made from the files
// of github.com/pkoukk/tiktoken-go-loader v0.0.2 (MIT, see ranks/LICENSE); the
// comparison in bench/peers writes them with -update and fails when they differ.
//
//go:embed ranks/cl100k.bin
var cl100kFile []byte

//go:embed ranks/o200k.bin
var o200kFile []byte

// maxToken is the longest token of both vocabularies in bytes.
const maxToken = 128

// inlineKey is the longest token that the hash table holds in its slots.
const inlineKey = 16

// ranks maps tokens to ids and back. It is only read after it was made.
type ranks struct {
	slots []slot
	shift uint
	long  map[string]int32 // tokens of more than inlineKey bytes
	pairs []int32          // ids of the tokens of two bytes, by these; the table of slots is far larger than a cache
	blob  []byte           // all tokens one after the other
	ends  []uint32         // ends[id] is where token id ends in blob
	memos chan *memo       // memos that nobody uses now
}

// slot holds a token of up to inlineKey bytes, zero padded. An empty slot has n 0.
type slot struct {
	lo, hi uint64
	id     int32
	n      uint32
}

// loadCL100K and loadO200K unpack a vocabulary once, when it is first asked for.
var (
	loadCL100K = sync.OnceValue(func() *ranks { return mustRanks("cl100k", cl100kFile, 100256) })
	loadO200K  = sync.OnceValue(func() *ranks { return mustRanks("o200k", o200kFile, 199998) })
)

// mustRanks panics when the embedded file is damaged: the program itself is then.
func mustRanks(name string, packed []byte, size int) *ranks {
	r, err := newRanks(packed, size)
	if err != nil {
		panic(fmt.Sprintf("chunk: the vocabulary %s inside the program: %v", name, err))
	}
	return r
}

func newRanks(packed []byte, size int) (*ranks, error) {
	raw, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	log := bits.Len(uint(2*size - 1))
	r := &ranks{
		slots: make([]slot, 1<<log), shift: uint(64 - log), long: map[string]int32{},
		blob: make([]byte, 0, len(raw)), ends: make([]uint32, 0, size),
		pairs: make([]int32, 1<<16), memos: make(chan *memo, memosKept),
	}
	for i := range r.pairs {
		r.pairs[i] = none
	}
	for pos := 0; pos < len(raw); {
		n, k := binary.Uvarint(raw[pos:])
		if k <= 0 || n == 0 || n > maxToken || pos+k+int(n) > len(raw) {
			return nil, fmt.Errorf("token %d is malformed", len(r.ends))
		}
		pos += k
		r.add(raw[pos : pos+int(n)])
		pos += int(n)
	}
	if len(r.ends) != size {
		return nil, fmt.Errorf("%d tokens, want %d", len(r.ends), size)
	}
	return r, nil
}

func (r *ranks) add(token []byte) {
	id := int32(len(r.ends))
	r.blob = append(r.blob, token...)
	r.ends = append(r.ends, uint32(len(r.blob)))
	if len(token) > inlineKey {
		r.long[string(token)] = id
		return
	}
	if len(token) == 2 {
		r.pairs[int(token[0])|int(token[1])<<8] = id
	}
	lo, hi := key(string(token), 0, len(token))
	i := hash(lo, hi) >> r.shift
	for r.slots[i].n != 0 {
		i = (i + 1) & uint64(len(r.slots)-1)
	}
	r.slots[i] = slot{lo, hi, id, uint32(len(token))}
}

// token is the bytes of a token.
func (r *ranks) token(id int) []byte {
	var from uint32
	if id > 0 {
		from = r.ends[id-1]
	}
	return r.blob[from:r.ends[id]]
}

// two is the id of the token s[i:i+2], or none.
func (r *ranks) two(s string, i int) int32 { return r.pairs[int(s[i])|int(s[i+1])<<8] }

// find returns the id of the token s[i:j], or -1.
func (r *ranks) find(s string, i, j int) int32 {
	if j-i > inlineKey {
		if id, ok := r.long[s[i:j]]; ok {
			return id
		}
		return -1
	}
	lo, hi := key(s, i, j)
	return r.get(lo, hi, uint32(j-i))
}

func (r *ranks) get(lo, hi uint64, n uint32) int32 {
	for i := hash(lo, hi) >> r.shift; ; i = (i + 1) & uint64(len(r.slots)-1) {
		switch e := &r.slots[i]; {
		case e.lo == lo && e.hi == hi && e.n == n:
			return e.id
		case e.n == 0:
			return -1
		}
	}
}

// hash spreads a key over 64 bits; the high ones are the best.
func hash(lo, hi uint64) uint64 {
	h := (lo ^ bits.RotateLeft64(hi, 29)) * 0x9e3779b97f4a7c15
	return (h ^ h>>31 ^ hi) * 0xd6e8feb86659fd93
}

// key packs s[i:j], at most inlineKey bytes, into two words, zero padded.
func key(s string, i, j int) (lo, hi uint64) {
	n := j - i
	if i+inlineKey > len(s) {
		return slowKey(s[i:j])
	}
	lo = load8(s, i)
	if n <= 8 {
		return lo & (^uint64(0) >> (64 - 8*uint(n))), 0
	}
	return lo, load8(s, i+8) & (^uint64(0) >> (128 - 8*uint(n)))
}

func load8(s string, i int) uint64 {
	b := s[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// slowKey is key near the end of the text.
func slowKey(s string) (lo, hi uint64) {
	for k := len(s) - 1; k >= 0; k-- {
		if k >= 8 {
			hi = hi<<8 | uint64(s[k])
		} else {
			lo = lo<<8 | uint64(s[k])
		}
	}
	return lo, hi
}
