package chunk

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// lexical is the method of the strategy semantic when no embedder is configured.
const lexical = "lexical"

// semantic cuts between sentences whose distance is among the largest of the
// document. The distance of two neighbours is one minus the cosine of the vectors
// of the sentences around the gap: from the embedder, else of the words in them.
func (r *reading) semantic(yield func([]span) bool) {
	units := r.units()
	if len(units) == 0 {
		return
	}
	near, err := r.likeness(units)
	if err != nil {
		r.err = fmt.Errorf("chunking %s by meaning: %w", r.doc.source, err)
		return
	}
	low := quantile(near, 100-r.cfg.SemanticPercentile)
	from, limit := 0, r.cfg.MaxTokens
	for i := range units {
		last := i+1 == len(units)
		if !last && (near[i] > low || r.l.tokens(units[from].start, units[i].end) < r.cfg.MinTokens) {
			continue
		}
		all := extent{units[from].start, units[i].end}
		coherence := mean(near[from:min(i, len(near))])
		ok := r.fill(all, limit, r.cfg.OverlapTokens, prose, func(e extent) bool {
			return yield([]span{{extent: e, sec: r.sectionAt(e.start), coherence: coherence, parent: -1}})
		})
		if !ok {
			return
		}
		from = i + 1
	}
}

// units are the sentences of the text; a heading, a row of a listing and a table
// are one each.
func (r *reading) units() []extent {
	var out []extent
	lines := r.doc.lines
	for i := 0; i < len(lines); i++ {
		ln := lines[i]
		if ln.kind == lineBlank {
			continue
		}
		e := extent{ln.start, ln.end}
		if ln.kind == lineFence || ln.kind == lineTable {
			for i+1 < len(lines) && lines[i+1].kind == ln.kind && !lines[i+1].open {
				i++
				e.end = lines[i].end
			}
			out = append(out, e)
			continue
		}
		out = r.sentences(out, e)
	}
	return out
}

// shortest is the least bytes of a sentence; what is shorter belongs to the one
// before ("e.g. ").
const shortest = 24

func (r *reading) sentences(out []extent, e extent) []extent {
	from := r.blank(e.start, e.end)
	for pos := from; pos < e.end; {
		i := strings.IndexAny(r.text[pos:e.end], ".?!")
		if i < 0 {
			break
		}
		pos += i + 1
		if pos < e.end && r.text[pos] == ' ' && pos-from >= shortest {
			out = append(out, extent{from, pos})
			from = r.blank(pos, e.end)
		}
	}
	if from < e.end {
		out = append(out, extent{from, e.end})
	}
	return out
}

// likeness is how alike the two sides of each gap between units are, from 0 to 1.
func (r *reading) likeness(units []extent) ([]float64, error) {
	if r.cfg.Embed == nil {
		r.method = lexical
		return r.sharedWords(units), nil
	}
	r.method = "embedding:" + r.cfg.EmbedModel
	near := make([]float64, len(units)-1)
	var before []float32
	const batch = 64
	for from := 0; from < len(units); from += batch {
		texts := make([]string, 0, batch)
		for i := from; i < min(from+batch, len(units)); i++ {
			a, b := max(0, i-r.cfg.SemanticBuffer), min(len(units)-1, i+r.cfg.SemanticBuffer)
			texts = append(texts, r.text[units[a].start:min(units[b].end, units[a].start+maxSentence)])
		}
		vectors, err := r.cfg.Embed(r.ctx, texts)
		if err != nil {
			return nil, fmt.Errorf("embed %d sentences: %w", len(texts), err)
		}
		if len(vectors) != len(texts) {
			return nil, fmt.Errorf("the embedder returned %d vectors for %d texts", len(vectors), len(texts))
		}
		for k, v := range vectors {
			if i := from + k; i > 0 {
				near[i-1] = cosine(before, v)
			}
			before = v
		}
	}
	return near, nil
}

// maxSentence is the most bytes given to the embedder for one sentence with those
// around it.
const maxSentence = 4000

func cosine(a, b []float32) float64 {
	var dot, x, y float64
	for i := range min(len(a), len(b)) {
		dot += float64(a[i]) * float64(b[i])
		x += float64(a[i]) * float64(a[i])
		y += float64(b[i]) * float64(b[i])
	}
	if x == 0 || y == 0 {
		return 0
	}
	return max(0, dot/math.Sqrt(x*y))
}

// sharedWords compares the words on both sides of each gap.
func (r *reading) sharedWords(units []extent) []float64 {
	near := make([]float64, len(units)-1)
	words := make([][]uint32, len(units))
	for i, u := range units {
		words[i] = hashedWords(r.text[u.start:u.end])
	}
	left, right := map[uint32]int{}, map[uint32]int{}
	for gap := range near {
		clear(left)
		clear(right)
		for k := max(0, gap+1-r.cfg.SemanticBuffer); k <= gap; k++ {
			count(left, words[k])
		}
		for k := gap + 1; k <= min(len(units)-1, gap+r.cfg.SemanticBuffer); k++ {
			count(right, words[k])
		}
		near[gap] = overlapOf(left, right)
	}
	return near
}

// mostWords bounds the words of one sentence that are compared.
const mostWords = 400

// hashedWords are the words of at least four letters, in lower case and without a
// plural s, as hashes.
func hashedWords(s string) []uint32 {
	var out []uint32
	h, n, last := uint32(2166136261), 0, uint32(0)
	flush := func() {
		if n >= 4 {
			out = append(out, h)
		}
		h, n = 2166136261, 0
	}
	for _, c := range s {
		if c >= utf8.RuneSelf {
			c = unaccent(unicode.ToLower(c))
		} else if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			if last == 's' && n > 4 {
				n--
			}
			flush()
			if last = 0; len(out) >= mostWords {
				return out
			}
			continue
		}
		if last != 0 {
			h = (h ^ last) * 16777619
		}
		last = uint32(c)
		n++
	}
	flush()
	return out
}

func count(m map[uint32]int, words []uint32) {
	for _, w := range words {
		m[w]++
	}
}

func overlapOf(a, b map[uint32]int) float64 {
	var dot, x, y float64
	for w, n := range a {
		dot += float64(n * b[w])
		x += float64(n * n)
	}
	for _, n := range b {
		y += float64(n * n)
	}
	if x == 0 || y == 0 {
		return 0
	}
	return dot / math.Sqrt(x*y)
}

// quantile is the value that percent of the values do not exceed; 0 when there are
// none.
func quantile(values []float64, percent int) float64 {
	if len(values) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(values))
	return s[min(len(s)-1, len(s)*percent/100)]
}

func mean(values []float64) *float64 {
	m := 1.0
	if len(values) > 0 {
		m = 0
		for _, v := range values {
			m += v
		}
		m /= float64(len(values))
	}
	m = math.Round(m*1e4) / 1e4
	return &m
}
