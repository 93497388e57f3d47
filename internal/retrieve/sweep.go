package retrieve

import (
	"math"
	"runtime"
	"sync"
)

// A question with many postings is added up in windows of passages: what is added to
// stays in the processor's first cache, where cells of all passages would not, and is
// ordered while it is there. (The window of Lucene's BooleanScorer.)
const (
	windowSize = 1024
	sweepFrom  = 8_000  // postings from which most windows have something
	halvesFrom = 20_000 // postings from which a second goroutine is worth its start
)

// sweep is the memory of one goroutine for one window.
type sweep struct {
	weight, title [windowSize]float32    // as in a cell; the words stand in the tally
	best, head    [windowSize]uint32     // as in a formMark: bits of floats above 0, which order alike
	group         [2 * windowSize]uint16 // passages with the word at hand
	lists         [][]posting            // what is left of every form's postings
	over          [windowSize]uint16     // passages that may be among the best
}

// bar is what a passage must be above, as in [stage].offer; sweep_amd64.s knows the order
// of the fields.
type bar struct {
	cover, title, mass, most, floor float32
}

// overGo is over one passage at a time.
func overGo(out *[windowSize]uint16, words, weight, title *[windowSize]float32, b *bar) int {
	n := 0
	for i, w := range words {
		if !(w*(1+b.cover*weight[i]+b.title*title[i]/(title[i]+b.mass))*b.most <= b.floor) { // also where a weight of 0 makes it no number
			out[n] = uint16(i)
			n++
		}
	}
	return n
}

// sweep adds every word of the question to every passage that has it and returns the
// best passages of the first stage. Where there is another core, each half of the
// passages is done by a goroutine of its own: halves share nothing but the index.
func (x *Index) sweep(t *tally, q *query, l *lookout, o Options, depth int) []*candidate {
	n := uint32(x.Passages())
	if t.sums == nil {
		t.sums = make([]float32, (n+windowSize-1)/windowSize*windowSize)
	}
	t.swept = true
	if l.size < halvesFrom || runtime.GOMAXPROCS(0) < 2 {
		best := x.sweepPart(t, 0, q, l, &o, depth, 0, n)
		return best.found()
	}
	half := n / 2 / windowSize * windowSize
	var later candidates
	var other sync.WaitGroup
	other.Go(func() { later = x.sweepPart(t, 1, q, l, &o, depth, half, n) })
	best := x.sweepPart(t, 0, q, l, &o, depth, 0, half)
	other.Wait()
	return best.found(later.heap...)
}

// sweepPart goes through the passages from one, where a window begins, to before another.
func (x *Index) sweepPart(t *tally, part int, q *query, l *lookout, o *Options, depth int, from, end uint32) candidates {
	if t.sweeps[part] == nil {
		t.sweeps[part] = new(sweep)
	}
	s := t.sweeps[part]
	s.lists = s.lists[:0]
	for i := range l.words {
		for j := range l.words[i].forms {
			posts := l.words[i].forms[j].posts
			s.lists = append(s.lists, posts[lowest(posts, from):])
		}
	}
	st := x.stage(t, q, l, o, depth)
	b := bar{cover: st.cover, title: q.use.Title, mass: q.use.TitleMass, most: st.most * 1.001} // for VRCPPS
	for ; from < end; from += windowSize {
		sums := (*[windowSize]float32)(t.sums[from:])
		clear(sums[:])
		if !s.window(l, sums, from) {
			continue
		}
		b.floor = st.best.floor
		for _, i := range s.over[:over(&s.over, sums, &s.weight, &s.title, &b)] {
			st.offer(from+uint32(i), cell{sums[i], s.weight[i], s.title[i]})
		}
	}
	return st.best
}

// window adds all words to the passages of a window, and says whether there were any.
func (s *sweep) window(l *lookout, sums *[windowSize]float32, from uint32) bool {
	end, some, at := from+windowSize, false, 0
	for i := range l.words {
		w := &l.words[i]
		has := false
		for _, list := range s.lists[at : at+len(w.forms)] {
			has = has || len(list) > 0 && list[0].unit < end
		}
		if !has {
			at += len(w.forms)
			continue
		}
		if !some {
			some = true
			clear(s.weight[:])
			clear(s.title[:])
		}
		if len(w.forms) == 1 {
			s.addForm(&w.forms[0], &s.lists[at], sums, from)
		} else {
			s.addForms(w, s.lists[at:at+len(w.forms)], sums, from)
		}
		at += len(w.forms)
	}
	return some
}

// addForm adds a word that has one form.
func (s *sweep) addForm(f *form, list *[]posting, sums *[windowSize]float32, from uint32) {
	step, idf, posts := f.step(), f.idf, *list
	titled := [2]float32{0, idf}
	n := len(posts)
	for i := range posts {
		p := &posts[i]
		u := p.unit - from
		if u >= windowSize {
			n = i
			break
		}
		sums[u] += step * float32(p.imp)
		s.weight[u] += idf
		s.title[u] += titled[p.titled()]
	}
	*list = posts[n:]
}

// addForms adds the best form of a word. Whether a passage was met with another form, and
// whether a word stands in its title, is as good as chance: there are no branches on it.
func (s *sweep) addForms(w *asked, lists [][]posting, sums *[windowSize]float32, from uint32) {
	met := 0
	for k := range lists {
		f, posts := &w.forms[k], lists[k]
		step, titled := f.step(), [2]uint32{0, math.Float32bits(f.idf)}
		n := len(posts)
		for i := range posts {
			p := &posts[i]
			u := p.unit - from
			if u >= windowSize {
				n = i
				break
			}
			old := s.best[u]
			s.group[met%len(s.group)] = uint16(u)
			met += int(^(old | -old) >> 31) // 1 where old is 0
			s.best[u] = max(old, math.Float32bits(step*float32(p.imp)), 1)
			s.head[u] = max(s.head[u], titled[p.titled()])
		}
		lists[k] = posts[n:]
	}
	for _, u := range s.group[:met] {
		sums[u] += math.Float32frombits(s.best[u])
		s.weight[u] += w.weight
		s.title[u] += math.Float32frombits(s.head[u])
		s.best[u], s.head[u] = 0, 0
	}
}
