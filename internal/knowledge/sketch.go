package knowledge

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// sketchBins is the size of a sketch: with 128 bins the estimate is off by less
// than 0.09 nineteen times out of twenty.
const sketchBins = 128

// sketch holds, for each bin of hashes, the smallest hash among the word 5-grams
// of a whole document (one-permutation MinHash, Li, Owen and Zhang 2012). The
// share of equal bins estimates how much two documents have in common.
type sketch struct {
	bins  [sketchBins]uint32
	grams int
}

// shingle is how many words in a row are one gram.
const shingle = 5

func newSketch(text string) *sketch {
	s := &sketch{}
	var last [shingle]uint64
	n := 0
	eachWord(text, func(word uint64) {
		copy(last[:], last[1:])
		last[shingle-1] = word
		if n++; n < shingle {
			return
		}
		h := uint64(14695981039346656037)
		for _, w := range last {
			h = (h ^ w) * 1099511628211
		}
		h ^= h >> 29
		h *= 0xbf58476d1ce4e5b9
		h ^= h >> 32
		s.grams++
		v := max(uint32(h>>32), 1)
		if bin := &s.bins[h%sketchBins]; *bin == 0 || v < *bin {
			*bin = v
		}
	})
	return s
}

// eachWord calls fn with a hash of each word, case folded.
func eachWord(text string, fn func(uint64)) {
	h, in := uint64(14695981039346656037), false
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[i:])
		}
		i += size
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			h, in = (h^uint64(unicode.ToLower(r)))*1099511628211, true
			continue
		}
		if in {
			fn(h)
			h, in = 14695981039346656037, false
		}
	}
	if in {
		fn(h)
	}
}

// least grams a document must have for its likeness to mean anything.
const leastGrams = 8

// share estimates how much two documents have in common, from 0 to 1.
func (s *sketch) share(o *sketch) float64 {
	if s == nil || o == nil || s.grams < leastGrams || o.grams < leastGrams {
		return 0
	}
	same, used := 0, 0
	for i, h := range s.bins {
		if h == 0 && o.bins[i] == 0 {
			continue
		}
		used++
		if h == o.bins[i] {
			same++
		}
	}
	return float64(same) / float64(used)
}

// Near is another document with nearly the same text.
type Near struct {
	Document string  `json:"document"`
	Share    float64 `json:"share"` // of the text both have, estimated
}

// nearFrom is the share from which two documents are called nearly the same. A
// manual and its next version lie above it too, which is why likeness alone is
// only reported.
const nearFrom = 0.5

// clusterOf is how many nearly equal documents of no special standing make a
// cluster: one text under so many names would push everything else out of an
// answer.
const clusterOf = 3

// near lists the documents of the same collection like d, most alike first.
func near(d *held, docs map[string]*held) []Near {
	var out []Near
	for _, o := range docs {
		if o.name == d.name || o.collection != d.collection || o.state == "rejected" {
			continue
		}
		if share := d.sketch.share(o.sketch); share >= nearFrom {
			out = append(out, Near{o.name, float64(int(share*100)) / 100})
		}
	}
	sortNear(out)
	return out
}

// crowded reports why a new document completes a cluster, if it does.
func crowded(d *held, docs map[string]*held) []Reason {
	list := near(d, docs)
	if len(list)+1 < clusterOf || d.meta.Authority.Level() >= AuthorityOfficial.Level() {
		return nil
	}
	names := make([]string, 0, len(list))
	for _, n := range list {
		names = append(names, n.Document)
	}
	return []Reason{{Why: "nearly the same text is there under the names " + strings.Join(names, ", ") + "; one text under many names outweighs the rest"}}
}
