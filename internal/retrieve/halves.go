package retrieve

import (
	"runtime"
	"slices"
	"sync"
)

// halvesFrom is how many postings a question must have before two cores are worth their
// start.
const halvesFrom = 20_000

// addAndRank adds every word of the question and returns the best passages of the first
// stage. Where there is much to add and another core, each half of the passages is done
// by a goroutine of its own: halves share nothing but the index.
func (x *Index) addAndRank(t *tally, q *query, o Options, depth int) []candidate {
	list, size := x.asked(q), 0
	for i := range list {
		size += list[i].size
	}
	if size < halvesFrom || size > exactPostings || len(q.codes) > 0 || runtime.GOMAXPROCS(0) < 2 {
		x.addAsked(t, list, size, exactPostings)
		return x.first(t, q, o, depth)
	}
	n := uint32(x.Passages())
	t.halve(n)
	var found [2][]candidate
	half := func(i int) {
		h := &t.halves[i]
		h.total = t.total
		for i := range list {
			x.addGroup(h, list[i].group)
		}
		found[i] = x.first(h, q, o, depth)
	}
	var other sync.WaitGroup
	other.Go(func() { half(1) })
	half(0)
	other.Wait()
	t.total = t.halves[0].total
	best := append(found[0], found[1]...)
	slices.SortFunc(best, betterFirst)
	return best[:min(len(best), depth)]
}

// halve makes two tallies that each know half of the passages and write to its cells.
func (t *tally) halve(n uint32) {
	if t.halves == nil {
		t.halves = new([2]tally)
	}
	for i, end := range [...]uint32{n / 2, n} {
		h := &t.halves[i]
		h.cells, h.marks, h.allowed, h.only = t.cells, t.marks, t.allowed, t.only
		h.from, h.end = uint32(i)*(n/2), end
	}
}

// within is the part of a list that the tally is for.
func (t *tally) within(list []posting) []posting {
	if t.end == 0 {
		return list
	}
	return list[lowest(list, t.from):lowest(list, t.end)]
}

// lowest is where the first posting stands that is not before the passage.
func lowest(list []posting, unit uint32) int {
	lo, hi := 0, len(list)
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); list[mid].unit < unit {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}
