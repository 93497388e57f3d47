package retrieve

// sketch holds, for each bin of hashes, the smallest hash among the word triples of
// a text (one-permutation MinHash, Li, Owen and Zhang 2012). The share of equal
// bins of two sketches estimates how much of the two texts is the same.
type sketch [sketchBins]uint32

// sketchBins is the size of a sketch: 32 bins tell 70 % from 50 % well enough.
const sketchBins = 32

// sameFrom is the share of triples two passages must have in common to be taken
// for the same text.
const sameFrom = 0.7

func newSketch(text string) sketch {
	var s sketch
	var a, b uint32
	words(text, func(w string) {
		c := uint32(2166136261) // FNV-1a
		for i := 0; i < len(w); i++ {
			c = (c ^ uint32(w[i]|0x20)) * 16777619
		}
		h := mix(a*31 + b*17 + c)
		if bin := &s[h%sketchBins]; *bin == 0 || h < *bin {
			*bin = max(h, 1)
		}
		a, b = b, c
	})
	return s
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
func (s sketch) like(seen []sketch) int {
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
