package retrieve

import (
	"context"
	"fmt"
	"slices"
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
	unit  uint32
	words float32 // BM25F
	base  float32 // of the first stage
	score float32
	feat  [features]float32
	dense float32 // cosine, when vectors take part
	parts []Part
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
	total   float32         // idf of all words
	allowed []bool          // by document; nil is all
	only    map[uint32]bool // passages that may be returned; nil is all
	halves  *[2]tally       // see addAndRank
	from    uint32          // of a half: its first passage, and the one after its last
	end     uint32
}

func (x *Index) tally() *tally {
	if t, ok := x.pool.Get().(*tally); ok {
		return t
	}
	return &tally{cells: make([]cell, x.Passages()), marks: make([]formMark, x.Passages())}
}

// free clears what was touched and keeps the memory. Where much was touched, clearing
// everything in its order is quicker than going from one passage to the next.
func (x *Index) free(t *tally) {
	n := len(t.touched)
	if t.halves != nil {
		n += len(t.halves[0].touched) + len(t.halves[1].touched)
	}
	if n > len(t.cells)/8 {
		clear(t.cells)
	} else {
		t.clearTouched()
	}
	t.forget()
	if t.halves != nil {
		t.halves[0].forget()
		t.halves[1].forget()
	}
	x.pool.Put(t)
}

// clearTouched clears the cells that were written to.
func (t *tally) clearTouched() {
	for _, u := range t.touched {
		t.cells[u] = cell{}
	}
	if t.halves != nil {
		t.halves[0].clearTouched()
		t.halves[1].clearTouched()
	}
}

// forget makes a tally as new, but for the cells.
func (t *tally) forget() {
	t.touched, t.group, t.live, t.pruned, t.total, t.allowed, t.only = t.touched[:0], t.group[:0], t.live[:0], false, 0, nil, nil
}

// rank runs the stages and returns the candidates, best first.
func (x *Index) rank(ctx context.Context, question string, q *query, o Options) ([]candidate, error) {
	t := x.tally()
	defer x.free(t)
	x.allow(t, &o.Filter)
	x.addCodes(t, q.codes)
	depth := max(rankDepth, 4*o.K+8)
	var best []candidate
	if o.Among != nil {
		x.addAmong(t, q, o.Among)
		best = x.first(t, q, o, depth)
	} else {
		best = x.addAndRank(t, q, o, depth)
	}
	if o.Dense != nil {
		var err error
		if best, err = x.joinDense(ctx, question, t, best, o, depth); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("search the documents: %w", err)
	}
	if !o.NoRerank {
		x.second(t, q, best)
	}
	if o.Dense != nil {
		fuse(best, t.total, o.Dense.weight(q))
	}
	slices.SortFunc(best, betterFirst)
	for i := range best[:min(len(best), 2*o.K+4)] {
		x.explain(t, q, &best[i], o)
	}
	return best, nil
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

// addGroup adds one word of the question: for each passage, the best of its forms.
func (x *Index) addGroup(t *tally, g *group) {
	if len(g.terms) == 1 {
		x.addWord(t, g.terms[0])
		return
	}
	var weight float32
	t.group = t.group[:0]
	for _, m := range g.terms {
		id := x.find(m.term)
		if id < 0 {
			continue
		}
		list := x.list(id)
		full := x.idf(len(list)) * m.weight
		weight = max(weight, full)
		step := full * (saturation + 1) / 255
		list = t.within(list)
		for i := range list {
			p := &list[i]
			m := &t.marks[p.unit]
			if m.best == 0 {
				t.group = append(t.group, p.unit)
			}
			m.best = max(m.best, step*float32(p.imp))
			if p.tf[fieldTitle] > 0 {
				m.head = max(m.head, full)
			}
		}
	}
	t.total += weight
	for _, u := range t.group {
		c, m := &t.cells[u], &t.marks[u]
		if c.weight == 0 {
			t.touched = append(t.touched, u)
		}
		c.words += m.best
		c.weight += weight
		c.title += m.head
		*m = formMark{}
	}
}

// addWord adds a word that has one form, in one pass.
func (x *Index) addWord(t *tally, m weighted) {
	id := x.find(m.term)
	if id < 0 {
		return
	}
	list := x.list(id)
	full := x.idf(len(list)) * m.weight
	step := full * (saturation + 1) / 255
	t.total += full
	cells := t.cells
	list = t.within(list)
	for i := range list {
		p := &list[i]
		c := &cells[p.unit]
		if c.weight == 0 {
			t.touched = append(t.touched, p.unit)
		}
		c.words += step * float32(p.imp)
		c.weight += full
		if p.tf[fieldTitle] > 0 {
			c.title += full
		}
	}
}

// addCodes adds what each message code of the question is worth.
func (x *Index) addCodes(t *tally, codes []string) {
	for _, code := range codes {
		id := x.find(codeTerm(code))
		if id < 0 {
			continue
		}
		list := x.list(id)
		idf := x.idf(len(list))
		t.total += idf
		for _, p := range list {
			c := &t.cells[p.unit]
			if c.weight == 0 {
				t.touched = append(t.touched, p.unit)
			}
			w := float32(codeInBody)
			if p.tf[fieldTitle] > 0 {
				w = codeInTitle
			}
			c.words += w * idf
			c.weight += idf
		}
	}
}

// first is the order of the first stage: BM25F, more for what covers more of the
// question and of its own title, and for a problem with its solution.
func (x *Index) first(t *tally, q *query, o Options, depth int) []candidate {
	best := candidates{room: depth}
	list := t.touched
	if t.pruned {
		list = t.live
	}
	use := q.use
	most, cover := max(1, q.entryBonus())*1.0001, use.Coverage/t.total // rounding must not lose a passage
	for _, u := range list {
		c := &t.cells[u]
		// What the passage cannot be above is known without looking at its record.
		if s := c.words * (1 + cover*c.weight + use.Title*c.title/(c.title+use.TitleMass)) * most; s <= best.floor {
			continue
		}
		s := c.words * (1 + use.Coverage*c.weight/t.total + use.Title*x.titleShare(c, u, q)) * x.formBonus(u, q)
		if s <= best.floor || !x.wanted(t, u, &o.Filter) {
			continue
		}
		best.offer(candidate{unit: u, words: c.words, base: s, score: s})
	}
	return best.sorted()
}

// formBonus favours problems with their solution, and the operator's own documents.
func (x *Index) formBonus(u uint32, q *query) float32 {
	bonus := float32(1)
	if kinds[x.recs[u].kind] == "entry" {
		bonus = q.entryBonus()
	}
	if x.own && x.recs[u].flags&flagBuiltin != 0 {
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
func (x *Index) titleShare(c *cell, u uint32, q *query) float32 {
	mass := x.recs[u].mass
	if mass == 0 {
		return 0
	}
	return min(c.title/mass, 1) * c.title / (c.title + q.use.TitleMass)
}

// candidates keeps the best that are offered: a heap with the worst on top. Of equals
// the earlier passage wins.
type candidates struct {
	room  int
	floor float32 // what the next must be above
	heap  []candidate
}

func worse(a, b *candidate) bool {
	return a.score < b.score || a.score == b.score && a.unit > b.unit
}

func (h *candidates) offer(c candidate) {
	if len(h.heap) < h.room {
		h.heap = append(h.heap, c)
		for i := len(h.heap) - 1; i > 0; {
			up := (i - 1) / 2
			if !worse(&h.heap[i], &h.heap[up]) {
				break
			}
			h.heap[i], h.heap[up] = h.heap[up], h.heap[i]
			i = up
		}
	} else {
		h.heap[0] = c
		h.sink()
	}
	if len(h.heap) == h.room {
		h.floor = h.heap[0].score
	}
}

func (h *candidates) sink() {
	for i := 0; ; {
		j := 2*i + 1
		if j >= len(h.heap) {
			return
		}
		if j+1 < len(h.heap) && worse(&h.heap[j+1], &h.heap[j]) {
			j++
		}
		if !worse(&h.heap[j], &h.heap[i]) {
			return
		}
		h.heap[i], h.heap[j] = h.heap[j], h.heap[i]
		i = j
	}
}

// sorted are the candidates, best first.
func (h *candidates) sorted() []candidate {
	slices.SortFunc(h.heap, betterFirst)
	return h.heap
}

// betterFirst orders candidates.
func betterFirst(a, b candidate) int {
	switch {
	case worse(&b, &a):
		return -1
	case worse(&a, &b):
		return 1
	}
	return 0
}
