package retrieve

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"
)

// Mode says how much is returned around what answers a question.
type Mode struct {
	// Name is "balanced", "precise" or "recall".
	Name string
	// Keep is the share of the best unit's score down to which others are taken.
	Keep float64
	// Grow is the share of a unit's score down to which its neighbours join it.
	Grow float64
	// Tokens is the most tokens of all spans together.
	Tokens int
}

// Modes are the three modes. The weights of the windows and the size of a unit are
// those of the measured prototype the design rests on; Keep is the one number of a
// mode, fixed so that each reaches its goal on every one of the three corpora of
// Chroma's evaluation that are at hand when the other two choose it.
func Modes() []Mode {
	return []Mode{
		{"balanced", 0.57, 0.9, 2400}, {"precise", 0.66, 0.9, 1200}, {"recall", 0.48, 0.75, 4000},
	}
}

// ModeNamed is the mode of a name; an empty name is balanced.
func ModeNamed(name string) (Mode, error) {
	if name == "" {
		name = "balanced"
	}
	for _, m := range Modes() {
		if m.Name == name {
			return m, nil
		}
	}
	return Mode{}, fmt.Errorf("mode %q: balanced, precise and recall are known", name)
}

// Span is a part of a document that answers a question: whole sentences, grown to the
// neighbours that belong to it.
type Span struct {
	Document string   `json:"document"`
	Title    string   `json:"title"`
	Path     []string `json:"path"`
	// Start and End are byte offsets into the document; text[Start:End] == Text.
	Start  int     `json:"start"`
	End    int     `json:"end"`
	Text   string  `json:"text"`
	Tokens int     `json:"tokens"` // estimated from the length
	Score  float64 `json:"score"`
}

// Weights of the windows beside the unit itself, and how far they reach.
const (
	nearWindow, nearWeight = 2, 1.0
	wideWindow, wideWeight = 8, 0.5
	spanPassages           = 64 // passages whose units are looked at
	tokenBytes             = 4.2
	spanK1, spanB          = 1.2, 0.75
)

// line of units: those of passages that follow each other in one document.
type unitRow struct {
	passage []int // of each unit
	at      []extent
	tf      [][]float32 // by word of the question, by unit
	size    []float32   // words of each unit
	score   []float64
}

// Spans returns the parts of the documents that answer a question, best first: each
// unit of at most 80 tokens scores by its own words, by those of the two units to
// either side, and by those of the eight to either side; what scores at least a share
// of the best one is taken, with neighbours that score nearly as much, until the
// tokens of the mode are used up. A question with nothing to look for finds nothing.
func (x *Index) Spans(ctx context.Context, question string, m Mode, f Filter) ([]Span, error) {
	s, err := x.Spread(ctx, question, f)
	if err != nil {
		return nil, err
	}
	return s.Choose(m), nil
}

// Spread holds the units of the passages that may answer a question, with their
// scores.
type Spread struct {
	index *Index
	rows  []*unitRow
}

// Spread scores the units of the best passages for a question.
func (x *Index) Spread(ctx context.Context, question string, f Filter) (*Spread, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("search the documents: %w", err)
	}
	defer runtime.KeepAlive(x) // what is read may be a mapped file
	s := &Spread{index: x}
	q := parse(question, fitted())
	if x.Passages() == 0 || q.empty() {
		return s, nil
	}
	best, err := x.rank(ctx, &q, x.look(&q), Options{K: 1, Filter: f, NoRerank: true})
	if err != nil {
		return nil, err
	}
	s.rows = x.unitRows(best[:min(len(best), spanPassages)], &q)
	x.scoreRows(s.rows, &q)
	return s, nil
}

// unitRows cuts the passages and those beside them into units, and counts the words
// of the question in each.
func (x *Index) unitRows(best []*candidate, q *query) []*unitRow {
	want := map[int]bool{}
	for _, c := range best {
		u := int(c.unit)
		for _, v := range [...]int{u - 1, u, u + 1} {
			if v >= 0 && v < x.Passages() && x.recs[v].doc == x.recs[u].doc {
				want[v] = true
			}
		}
	}
	order := make([]int, 0, len(want))
	for u := range want {
		order = append(order, u)
	}
	slices.Sort(order)
	known := map[string][]int{} // :: term → words of the question
	for i, g := range q.groups {
		for _, t := range g.terms {
			known[t.term] = append(known[t.term], i)
		}
	}
	for i, code := range q.codes {
		known[strings.ToLower(code)] = append(known[strings.ToLower(code)], len(q.groups)+i)
	}
	counter := unitCounter{known: known, words: len(q.groups) + len(q.codes), memo: map[string][]int{}}
	var rows []*unitRow
	for i, u := range order {
		if i == 0 || order[i-1] != u-1 || x.recs[u-1].doc != x.recs[u].doc {
			rows = append(rows, &unitRow{})
		}
		counter.add(rows[len(rows)-1], u, x.content(u))
	}
	return rows
}

// unitCounter counts the words of a question.
type unitCounter struct {
	known map[string][]int
	words int
	memo  map[string][]int // :: word as written → words of the question
	buf   []string
}

func (c *unitCounter) add(r *unitRow, passage int, text string) {
	for _, e := range packUnits(cutUnits(text, unitBytes), unitBytes) {
		tf, n := make([]float32, c.words), 0
		words(text[e.start:e.end], func(w string) {
			n++
			for _, i := range c.of(w) {
				tf[i]++
			}
		})
		r.passage, r.at, r.tf, r.size = append(r.passage, passage), append(r.at, e), append(r.tf, tf), append(r.size, float32(n))
	}
}

// of are the words of the question that a word of the text stands for.
func (c *unitCounter) of(w string) []int {
	if ids, ok := c.memo[w]; ok {
		return ids
	}
	c.buf = terms(c.buf[:0], w, english)
	var ids []int
	for _, t := range c.buf {
		for _, i := range c.known[t] {
			if !slices.Contains(ids, i) {
				ids = append(ids, i)
			}
		}
	}
	c.memo[w] = ids
	return ids
}

// scoreRows gives every unit its score.
func (x *Index) scoreRows(rows []*unitRow, q *query) {
	var size, n float64
	for _, r := range rows {
		for _, s := range r.size {
			size += float64(s)
			n++
		}
	}
	avg := max(size/max(n, 1), 1)
	idf := x.wordWeights(q)
	for _, r := range rows {
		r.score = make([]float64, len(r.at))
		before, sizes := r.sums(len(idf))
		for i := range r.at {
			r.score[i] = r.window(i, 0, idf, before, sizes, avg) + nearWeight*r.window(i, nearWindow, idf, before, sizes, avg) +
				wideWeight*r.window(i, wideWindow, idf, before, sizes, avg)
		}
	}
}

// wordWeights is what each word and code of the question is worth.
func (x *Index) wordWeights(q *query) []float64 {
	var out []float64
	for _, g := range q.groups {
		var best float32
		for _, m := range g.terms {
			if id := x.find(m.term); id >= 0 {
				best = max(best, x.idf(len(x.list(id)))*m.weight)
			}
		}
		out = append(out, float64(best))
	}
	for _, code := range q.codes {
		w := 0.0
		if id := x.find(codeTerm(code)); id >= 0 {
			w = codeInBody * float64(x.idf(len(x.list(id))))
		}
		out = append(out, w)
	}
	return out
}

// window is BM25 of the units from i-reach to i+reach taken as one text. before holds
// the sums of the words' counts up to each unit, sizes those of the units' words.
func (r *unitRow) window(i, reach int, idf []float64, before [][]float32, sizes []float32, avg float64) float64 {
	lo, hi := max(0, i-reach), min(len(r.at), i+reach+1)
	norm := spanK1 * (1 - spanB + spanB*float64(sizes[hi]-sizes[lo])/(avg*float64(2*reach+1)))
	from, to := before[lo], before[hi]
	sum := 0.0
	for w, worth := range idf {
		if tf := float64(to[w] - from[w]); tf > 0 {
			sum += worth * tf * (spanK1 + 1) / (tf + norm)
		}
	}
	return sum
}

// sums are the running sums of the counts and sizes of a row's units.
func (r *unitRow) sums(words int) (before [][]float32, sizes []float32) {
	before, sizes = make([][]float32, len(r.at)+1), make([]float32, len(r.at)+1)
	buf := make([]float32, (len(r.at)+1)*words)
	for i := range before {
		before[i] = buf[i*words : (i+1)*words]
		if i == 0 {
			continue
		}
		sizes[i] = sizes[i-1] + r.size[i-1]
		for w := range words {
			before[i][w] = before[i-1][w] + r.tf[i-1][w]
		}
	}
	return before, sizes
}

// unitPlace is a unit of a row.
type unitPlace struct{ row, unit int }

// Choose takes the best units and grows them.
func (s *Spread) Choose(m Mode) []Span {
	defer runtime.KeepAlive(s)
	order, taken := s.ordered(), make([][]bool, len(s.rows))
	for i, r := range s.rows {
		taken[i] = make([]bool, len(r.at))
	}
	var out []Span
	left := m.Tokens
	for _, p := range order {
		r := s.rows[p.row]
		score := r.score[p.unit]
		if first := order[0]; score < m.Keep*s.rows[first.row].score[first.unit] {
			break
		}
		if taken[p.row][p.unit] {
			continue
		}
		from, to := r.grow(p.unit, m.Grow*score, taken[p.row])
		span := s.index.span(r, from, to)
		if span.Tokens > left && len(out) > 0 {
			break
		}
		left -= span.Tokens
		span.Score = score
		out = append(out, span)
		for j := from; j <= to; j++ {
			taken[p.row][j] = true
		}
	}
	return out
}

// ordered are the units with any score, best first.
func (s *Spread) ordered() []unitPlace {
	var order []unitPlace
	for i, r := range s.rows {
		for j, v := range r.score {
			if v > 0 {
				order = append(order, unitPlace{i, j})
			}
		}
	}
	slices.SortStableFunc(order, func(a, b unitPlace) int {
		return cmp.Compare(s.rows[b.row].score[b.unit], s.rows[a.row].score[a.unit])
	})
	return order
}

// grow is how far the neighbours of a unit in its passage score at least least.
func (r *unitRow) grow(i int, least float64, taken []bool) (from, to int) {
	from, to = i, i
	for from > 0 && r.passage[from-1] == r.passage[i] && !taken[from-1] && r.score[from-1] >= least {
		from--
	}
	for to+1 < len(r.at) && r.passage[to+1] == r.passage[i] && !taken[to+1] && r.score[to+1] >= least {
		to++
	}
	return from, to
}

// span is the text from one unit of a passage to another.
func (x *Index) span(r *unitRow, from, to int) Span {
	u := r.passage[from]
	text := strings.TrimRight(x.content(u)[r.at[from].start:r.at[to].end], " \t\r\n")
	rec := &x.recs[u]
	start := int(rec.start) + r.at[from].start
	_, title, path, _ := x.info(u)
	return Span{
		Document: x.docs[rec.doc].Name, Title: title, Path: path, Start: start, End: start + len(text), Text: strings.Clone(text),
		Tokens: int(math.Ceil(float64(utf8.RuneCountInString(text)) / tokenBytes)),
	}
}
