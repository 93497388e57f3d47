package retrieve

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"resync/chunk"
)

// Ranking constants of the first stage, fixed on the problems of the
// troubleshooting guide with words dropped (bench/retrieve_test.go).
const (
	saturation   = 1.2 // k1 of BM25
	builtinShare = 0.5 // of a built-in passage beside documents of the operator
	codeInBody   = 3.0 // weight of a message code, in idf
	codeInTitle  = 4.5
)

var (
	fieldWeight  = [fields]float32{fieldTitle: 3, fieldPath: 0.7, fieldBody: 1}
	lengthWeight = [fields]float32{fieldTitle: 0.4, fieldPath: 0.3, fieldBody: 0.65}
)

// rankDepth is how many passages the second stage looks at, at least.
const rankDepth = 96

// candidate is a passage on its way through the stages.
type candidate struct {
	unit uint32
	cell
	base  float32 // of the first stage
	score float32
	feat  [features]float32
	dense float32 // cosine, when vectors take part
}

// cell holds what is added up for one passage during one search.
type cell struct {
	words  float32 // BM25F
	weight float32 // idf of the words found
	title  float32 // idf of the words of the title found
}

// formMark holds the best form of the word at hand in one passage. It stands apart from the
// cell, of which more fit into the processor's memory then.
type formMark struct {
	best float32
	head float32 // in the title
}

// tally is the memory of one search; it is used again by later ones.
type tally struct {
	cells   []cell
	marks   []formMark
	touched []uint32 // passages with any word, in the order they were met
	group   []uint32 // passages with the word at hand
	live    []uint32 // what is left of touched after the rare words; nil is all
	pruned  bool
	allowed []bool          // by document; nil is all
	only    map[uint32]bool // passages that may be returned; nil is all
	swept   bool            // the sums stand in sums and not in the cells
	sums    []float32       // BM25F of every passage, filled up to whole windows
	sweeps  [2]*sweep
}

func (x *Index) tally() *tally {
	if t, ok := x.pool.Get().(*tally); ok {
		return t
	}
	return &tally{}
}

// passages makes room for a cell of every passage.
func (t *tally) passages(n int) {
	if t.cells == nil {
		t.cells, t.marks = make([]cell, n), make([]formMark, n)
	}
}

// free clears what was touched and keeps the memory. Where much was touched, clearing
// everything in its order is quicker than going from one passage to the next.
func (x *Index) free(t *tally) {
	if len(t.touched) > len(t.cells)/8 {
		clear(t.cells)
	} else {
		for _, u := range t.touched {
			t.cells[u] = cell{}
		}
	}
	t.touched, t.group, t.live, t.pruned, t.allowed, t.only, t.swept = t.touched[:0], t.group[:0], t.live[:0], false, nil, nil, false
	x.pool.Put(t)
}

// words is the BM25F of a passage.
func (t *tally) words(u int) float32 {
	if t.swept {
		return t.sums[u]
	}
	return t.cells[u].words
}

// rank runs the stages and returns the candidates, best first.
func (x *Index) rank(ctx context.Context, q *query, l *lookout, o Options) ([]*candidate, error) {
	t := x.tally()
	defer x.free(t)
	x.allow(t, &o.Filter)
	depth := max(rankDepth, 4*o.K+8)
	best := x.words(t, q, l, o, depth)
	if o.Dense != nil {
		var err error
		if best, err = x.joinDense(ctx, t, l, best, o, depth); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("search the documents: %w", err)
	}
	if !o.NoRerank {
		x.second(t, q, l, best)
	}
	if o.Dense != nil {
		fuse(best, l.total, o.Dense.weight(q))
	}
	slices.SortFunc(best, betterFirst)
	return best, nil
}

// words adds the codes and the words of the question and returns the best passages of
// the first stage.
func (x *Index) words(t *tally, q *query, l *lookout, o Options, depth int) []*candidate {
	switch {
	case o.Among != nil:
		t.passages(x.Passages())
		t.addCodes(l)
		x.addAmong(t, l, o.Among)
	case l.size >= sweepFrom && l.size <= exactPostings && len(q.codes) == 0:
		return x.sweep(t, q, l, o, depth)
	default:
		t.passages(x.Passages())
		t.addCodes(l)
		t.addWords(l, exactPostings)
	}
	return x.first(t, q, l, o, depth)
}

// allow marks the documents the filter lets through.
func (x *Index) allow(t *tally, f *Filter) {
	if len(f.Documents) == 0 && len(f.Versions) == 0 && len(f.Tags) == 0 && f.MinAuthority == 0 && f.Since.IsZero() {
		return
	}
	t.allowed = make([]bool, len(x.docs))
	for i := range x.docs {
		t.allowed[i] = f.passes(&x.docs[i])
	}
}

// wanted says whether a passage may be returned.
func (x *Index) wanted(t *tally, u uint32, f *Filter) bool {
	r := &x.recs[u]
	if t.only != nil && !t.only[u] {
		return false
	}
	if t.allowed != nil && !t.allowed[r.doc] {
		return false
	}
	return len(f.Kinds) == 0 || slices.Contains(f.Kinds, kinds[r.kind])
}

// addWord adds one word of the question: for each passage, the best of its forms.
func (t *tally) addWord(w *asked) {
	if len(w.forms) == 1 {
		t.addForm(&w.forms[0])
		return
	}
	t.group = t.group[:0]
	for i := range w.forms {
		f := &w.forms[i]
		step := f.step()
		for i := range f.posts {
			p := &f.posts[i]
			m := &t.marks[p.unit]
			if m.best == 0 {
				t.group = append(t.group, p.unit)
			}
			m.best = max(m.best, step*float32(p.imp))
			if p.tf[fieldTitle] > 0 {
				m.head = max(m.head, f.idf)
			}
		}
	}
	for _, u := range t.group {
		c, m := &t.cells[u], &t.marks[u]
		if c.weight == 0 {
			t.touched = append(t.touched, u)
		}
		c.words += m.best
		c.weight += w.weight
		c.title += m.head
		*m = formMark{}
	}
}

// addForm adds a word that has one form, in one pass.
func (t *tally) addForm(f *form) {
	step := f.step()
	cells := t.cells
	for i := range f.posts {
		p := &f.posts[i]
		c := &cells[p.unit]
		if c.weight == 0 {
			t.touched = append(t.touched, p.unit)
		}
		c.words += step * float32(p.imp)
		c.weight += f.idf
		if p.tf[fieldTitle] > 0 {
			c.title += f.idf
		}
	}
}

// addCodes adds what each message code of the question is worth.
func (t *tally) addCodes(l *lookout) {
	for i := range l.codes {
		f := &l.codes[i]
		for i := range f.posts {
			p := &f.posts[i]
			c := &t.cells[p.unit]
			if c.weight == 0 {
				t.touched = append(t.touched, p.unit)
			}
			c.words += f.worth(p)
			c.weight += f.idf
		}
	}
}

// worth is what a message code gives.
func (f *form) worth(p *posting) float32 {
	if p.tf[fieldTitle] > 0 {
		return codeInTitle * f.idf
	}
	return codeInBody * f.idf
}

// first orders the passages that were touched.
func (x *Index) first(t *tally, q *query, l *lookout, o Options, depth int) []*candidate {
	st := x.stage(t, q, l, &o, depth)
	list := t.touched
	if t.pruned {
		list = t.live
	}
	for _, u := range list {
		st.offer(u, t.cells[u])
	}
	return st.best.found()
}

// stage is the first: BM25F, more for what covers more of the question and of its own
// title, and for a problem with its solution.
type stage struct {
	x     *Index
	t     *tally
	q     *query
	o     *Options
	total float32 // idf of all words
	most  float32 // the highest bonus of a passage's form
	cover float32 // what a unit of weight is worth
	best  candidates
}

func (x *Index) stage(t *tally, q *query, l *lookout, o *Options, depth int) stage {
	return stage{
		x: x, t: t, q: q, o: o, total: l.total, best: candidates{room: depth},
		most:  max(1, q.entryBonus()) * 1.0001, // rounding must not lose a passage
		cover: q.use.Coverage / l.total,
	}
}

// offer takes a passage where it is among the best so far.
func (s *stage) offer(u uint32, c cell) {
	// What the passage cannot be above is known without looking at its record.
	use := s.q.use
	if top := c.words * (1 + s.cover*c.weight + use.Title*c.title/(c.title+use.TitleMass)) * s.most; top <= s.best.floor {
		return
	}
	score := c.words * (1 + use.Coverage*c.weight/s.total + use.Title*s.x.titleShare(c.title, u, s.q)) * s.x.formBonus(u, s.q)
	if score > s.best.floor && s.x.wanted(s.t, u, &s.o.Filter) {
		s.best.offer(placed{cell: c, unit: u, score: score})
	}
}

// formBonus favours problems with their solution, and the operator's own documents.
func (x *Index) formBonus(u uint32, q *query) float32 {
	bonus, b := float32(1), x.briefs[u]
	if kinds[b.kind] == chunk.KindEntry {
		bonus = q.entryBonus()
	}
	if x.own && b.flags&flagBuiltin != 0 {
		bonus *= builtinShare
	}
	return bonus
}

// entryBonus is what a problem with its solution counts beside any other passage.
func (q *query) entryBonus() float32 {
	switch {
	case q.wrong:
		return q.use.Trouble
	case q.wish:
		return q.use.Wish
	}
	return q.use.Entry
}

// titleShare is how much of a title the question names: near 1 for a title of
// several words that are all asked for, little for a title of one word.
func (x *Index) titleShare(title float32, u uint32, q *query) float32 {
	mass := x.briefs[u].mass
	if mass == 0 {
		return 0
	}
	return min(title/mass, 1) * title / (title + q.use.TitleMass)
}

// placed is a passage with its score in the first stage.
type placed struct {
	cell
	unit  uint32
	score float32
}

func (p *placed) worse(other *placed) bool {
	return p.score < other.score || p.score == other.score && p.unit > other.unit
}

// candidates keeps the best that are offered: a heap with the worst on top. Of equals
// the earlier passage wins.
type candidates struct {
	room  int
	floor float32 // what the next must be above
	heap  []placed
}

func (h *candidates) offer(p placed) {
	if len(h.heap) < h.room {
		h.heap = append(h.heap, p)
		for i := len(h.heap) - 1; i > 0; {
			up := (i - 1) / 2
			if !h.heap[i].worse(&h.heap[up]) {
				break
			}
			h.heap[i], h.heap[up] = h.heap[up], h.heap[i]
			i = up
		}
	} else {
		h.sink(p)
	}
	if len(h.heap) == h.room {
		h.floor = h.heap[0].score
	}
}

// sink puts a passage in the place of the worst.
func (h *candidates) sink(p placed) {
	i := 0
	for {
		j := 2*i + 1
		if j >= len(h.heap) {
			break
		}
		if j+1 < len(h.heap) && h.heap[j+1].worse(&h.heap[j]) {
			j++
		}
		if !h.heap[j].worse(&p) {
			break
		}
		h.heap[i] = h.heap[j]
		i = j
	}
	h.heap[i] = p
}

// found are the passages of one heap or more, best first, of which no passage is in two.
func (h *candidates) found(others ...placed) []*candidate {
	all := append(h.heap, others...)
	slices.SortFunc(all, func(a, b placed) int {
		if a.worse(&b) {
			return 1
		}
		return -1
	})
	all = all[:min(len(all), h.room)]
	list, out := make([]candidate, len(all)), make([]*candidate, len(all))
	for i, p := range all {
		list[i] = candidate{unit: p.unit, cell: p.cell, base: p.score, score: p.score}
		out[i] = &list[i]
	}
	return out
}

// betterFirst orders candidates.
func betterFirst(a, b *candidate) int {
	if c := cmp.Compare(b.score, a.score); c != 0 {
		return c
	}
	return cmp.Compare(a.unit, b.unit)
}
