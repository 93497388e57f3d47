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

// addWords adds every word of the question, in full as long as their lists have no more
// than limit entries.
func (t *tally) addWords(l *lookout, limit int) {
	if l.size <= limit {
		for i := range l.words {
			t.addWord(&l.words[i])
		}
		return
	}
	list := make([]*asked, len(l.words))
	for i := range l.words {
		list[i] = &l.words[i]
	}
	slices.SortStableFunc(list, func(a, b *asked) int { return cmp.Compare(b.weight, a.weight) })
	spent, i := 0, 0
	for ; i < len(list); i++ {
		if len(t.touched) >= livePassages && spent+list[i].size > rarePostings {
			break
		}
		t.addWord(list[i])
		spent += list[i].size
	}
	t.narrow()
	for ; i < len(list); i++ {
		t.addLive(list[i])
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
func (t *tally) addLive(w *asked) {
	for i := range w.forms {
		f := &w.forms[i]
		step, at := f.step(), 0
		for _, u := range t.live {
			if at = gallop(f.posts, at, u); at == len(f.posts) {
				break
			}
			p := &f.posts[at]
			if p.unit != u {
				continue
			}
			m := &t.marks[u]
			m.best = max(m.best, step*float32(p.imp))
			if p.tf[fieldTitle] > 0 {
				m.head = max(m.head, f.idf)
			}
		}
	}
	for _, u := range t.live {
		c, m := &t.cells[u], &t.marks[u]
		if m.best == 0 {
			continue
		}
		c.words += m.best
		c.weight += w.weight
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
