package retrieve

import (
	"cmp"
	"slices"
)

// Limits of the search by words. Every passage with any word is scored, unless the lists
// of all words hold more than exactPostings entries: a pasted log in an index of a million
// passages. Then the rarest words are scored in full until rarePostings are read, and the
// common ones only count for the livePassages best of those, which may change places far
// from the first. (MaxScore, Turtle and Flood 1995, gives exact results by bounds; with the
// bonuses for coverage and titles its bounds are too wide to save anything here.)
const (
	exactPostings = 2_000_000
	rarePostings  = 200_000
	livePassages  = 4000
)

// asked is a word of the question with what looking for it costs and gives.
type asked struct {
	group  *group
	size   int     // postings of all its forms
	weight float32 // idf of its best form
}

// asked are the words of the question.
func (x *Index) asked(q *query) []asked {
	list := make([]asked, 0, len(q.groups))
	for i := range q.groups {
		a := asked{group: &q.groups[i]}
		for _, m := range a.group.terms {
			if id := x.find(m.term); id >= 0 {
				n := len(x.list(id))
				a.size += n
				a.weight = max(a.weight, x.idf(n)*m.weight)
			}
		}
		list = append(list, a)
	}
	return list
}

// addWords adds every word of the question, in full as long as their lists have no more
// than limit entries.
func (x *Index) addWords(t *tally, q *query, limit int) {
	list, total := x.asked(q), 0
	for i := range list {
		total += list[i].size
	}
	x.addAsked(t, list, total, limit)
}

// addAsked adds words that have total postings together.
func (x *Index) addAsked(t *tally, list []asked, total, limit int) {
	if total <= limit {
		for _, a := range list {
			x.addGroup(t, a.group)
		}
		return
	}
	slices.SortStableFunc(list, func(a, b asked) int { return cmp.Compare(b.weight, a.weight) })
	spent, i := 0, 0
	for ; i < len(list); i++ {
		if len(t.touched) >= livePassages && spent+list[i].size > rarePostings {
			break
		}
		x.addGroup(t, list[i].group)
		spent += list[i].size
	}
	t.narrow()
	for ; i < len(list); i++ {
		x.addLive(t, &list[i])
	}
}

// narrow keeps the passages that score best so far.
func (t *tally) narrow() {
	t.pruned = true
	t.live = append(t.live[:0], t.touched...)
	if len(t.live) > livePassages {
		const buckets = 1024
		var top float32
		for _, u := range t.live {
			top = max(top, t.cells[u].words)
		}
		var count [buckets + 1]int
		scale := buckets / max(top, 1e-6)
		for _, u := range t.live {
			count[int(t.cells[u].words*scale)]++
		}
		least, n := buckets, count[buckets]
		for least > 0 && n < livePassages {
			least--
			n += count[least]
		}
		t.live = slices.DeleteFunc(t.live, func(u uint32) bool { return int(t.cells[u].words*scale) < least })
	}
	slices.Sort(t.live)
}

// addLive adds a common word to the passages that are left.
func (x *Index) addLive(t *tally, a *asked) {
	t.total += a.weight
	for _, m := range a.group.terms {
		id := x.find(m.term)
		if id < 0 {
			continue
		}
		list := x.list(id)
		full := x.idf(len(list)) * m.weight
		step := full * (saturation + 1) / 255
		at := 0
		for _, u := range t.live {
			if at = gallop(list, at, u); at == len(list) {
				break
			}
			if list[at].unit != u {
				continue
			}
			m := &t.marks[u]
			m.best = max(m.best, step*float32(list[at].imp))
			if list[at].tf[fieldTitle] > 0 {
				m.head = max(m.head, full)
			}
		}
	}
	for _, u := range t.live {
		c, m := &t.cells[u], &t.marks[u]
		if m.best == 0 {
			continue
		}
		c.words += m.best
		c.weight += a.weight
		c.title += m.head
		*m = formMark{}
	}
}

// gallop is the first posting from at on that is not before the passage.
func gallop(list []posting, at int, unit uint32) int {
	if at >= len(list) || list[at].unit >= unit {
		return at
	}
	step := 1
	for at+step < len(list) && list[at+step].unit < unit {
		at += step
		step *= 2
	}
	hi := min(at+step, len(list))
	for lo := at + 1; ; {
		if lo >= hi {
			return hi
		}
		if mid := int(uint(lo+hi) >> 1); list[mid].unit < unit {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
}
