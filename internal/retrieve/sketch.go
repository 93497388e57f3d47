package retrieve

import "math/bits"

// sketch holds, for each bin of hashes, the smallest hash among the word triples of
// a text (one-permutation MinHash, Li, Owen and Zhang 2012). The share of equal
// bins of two sketches estimates how much of the two texts is the same.
type sketch [sketchBins]uint16

// sketchBins is the size of a sketch: 32 bins tell 70 % from 50 % well enough.
const sketchBins = 32

// sameFrom is the share of triples two passages must have in common to be taken
// for the same text.
const sameFrom = 0.7

func newSketch(text string) sketch {
	var least [sketchBins]uint32
	var a, b uint32
	words(text, func(w string) {
		c := hashWord(w)
		h := mix(a*31 + b*17 + c)
		if bin := &least[h%sketchBins]; *bin == 0 || h < *bin {
			*bin = max(h, 1)
		}
		a, b = b, c
	})
	var s sketch
	for i, h := range least {
		if h > 0 {
			s[i] = uint16(max(mix(h)>>16, 1))
		}
	}
	return s
}

// hashWord is FNV-1a of a word, whatever its case.
func hashWord(w string) uint32 {
	c := uint32(2166136261)
	for i := 0; i < len(w); i++ {
		c = (c ^ uint32(w[i]|0x20)) * 16777619
	}
	return c
}

// mix spreads the bits of a hash (the finaliser of MurmurHash3).
func mix(h uint32) uint32 {
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	return h ^ h>>16
}

// like is the index of the first of seen that is nearly the same text, or -1.
func (s *sketch) like(seen []sketch) int {
	for i := range seen {
		if s.share(&seen[i]) >= sameFrom {
			return i
		}
	}
	return -1
}

// share estimates how much two texts have in common, from 0 to 1.
func (s *sketch) share(o *sketch) float64 {
	same, used := 0, 0
	for i, h := range s {
		switch {
		case h == 0 && o[i] == 0:
		case h == o[i]:
			same++
			used++
		default:
			used++
		}
	}
	if used == 0 {
		return 0
	}
	return float64(same) / float64(used)
}

// signature remembers which terms follow each other in a passage: a Bloom filter of
// the pairs with one hash. A passage of 200 words sets about a sixth of the bits,
// which is how often a pair is taken for present that is not.
type signature [16]uint64

// pair is where the bit of two terms is.
func pair(a, b string) uint32 { return mix(hashWord(a)*31+hashWord(b)) % 1024 }

func (s *signature) add(a, b string) {
	i := pair(a, b)
	s[i/64] |= 1 << (i % 64)
}

func (s *signature) has(bit uint32) bool { return s[bit/64]>>(bit%64)&1 == 1 }

// full is the share of bits that are set, which is how far to believe one.
func (s *signature) full() float32 {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return float32(n) / 1024
}

// sequence are the hashes of the stems of a title in their order, stop-words too.
func sequence(title string) []uint32 {
	var out []uint32
	words(title, func(w string) {
		if len(out) < 64 {
			out = append(out, hashWord(stemEnglish(fold(w))))
		}
	})
	return out
}
