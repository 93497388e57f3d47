package retrieve

import (
	"bytes"
	"slices"
)

// ID names the passage of a row within the index.
func (x *Index) ID(row int) string {
	meta := x.meta[x.recs[row].meta:x.recs[row+1].meta]
	id, _, _ := bytes.Cut(meta, []byte{0})
	return string(id)
}

// addAmong adds the words of the question to the given passages and those beside them,
// which tell about their neighbours. Each gets what it gets when all are scored.
func (x *Index) addAmong(t *tally, l *lookout, rows []int) {
	t.only = make(map[uint32]bool, len(rows))
	live := make([]uint32, 0, 3*len(rows))
	for _, row := range rows {
		if row < 0 || row >= x.Passages() {
			continue
		}
		t.only[uint32(row)] = true
		for _, u := range [...]int{row - 1, row, row + 1} {
			if u >= 0 && u < x.Passages() && x.recs[u].doc == x.recs[row].doc {
				live = append(live, uint32(u))
			}
		}
	}
	slices.Sort(live)
	t.live, t.pruned = slices.Compact(live), true
	t.touched = append(t.touched, t.live...)
	for i := range l.words {
		t.addLive(&l.words[i])
	}
	t.live = slices.DeleteFunc(t.live, func(u uint32) bool { return t.cells[u].weight == 0 }) // no word of the question
}
