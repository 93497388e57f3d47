package plan

import (
	"bytes"
	"math/bits"
	"strings"
)

// minLikeness is where a suggestion starts to look like noise to a reader.
const minLikeness = 0.55

// query is a name prepared for comparison with many others.
type query struct {
	name   []byte
	words  [][]byte
	mask   uint64
	limit  int // edits beyond which the names are simply different
	rowA   []int
	rowB   []int
	rowOld []int
}

func newQuery(name string) *query {
	up := []byte(strings.ToUpper(name))
	n := len(up) + 1
	return &query{
		name: up, words: nameWords(up), mask: letters(up), limit: max(1, len(up)/4),
		rowA: make([]int, n), rowB: make([]int, n), rowOld: make([]int, n),
	}
}

// score is 1 for equal names and falls with edits; names that share whole
// words score by the share of words, so PAYROLL finds PAYROLL_NET.
func (q *query) score(other []byte) float64 {
	byEdit := 0.0
	if d := len(other) - len(q.name); d <= q.limit && -d <= q.limit && bits.OnesCount64(q.mask^letters(other)) <= 2*q.limit {
		if e := q.distance(other); e <= q.limit {
			byEdit = 1 - float64(e)/float64(max(len(q.name), len(other)))
		}
	}
	return max(byEdit, q.overlap(other))
}

func (q *query) overlap(other []byte) float64 {
	if !bytes.Contains(other, longest(q.words)) {
		return 0
	}
	shared, total := 0, 0
	for w := range bytes.FieldsFuncSeq(other, notNameRune) {
		total++
		for _, mine := range q.words {
			if bytes.Equal(mine, w) {
				shared++
				break
			}
		}
	}
	if shared == 0 {
		return 0.6 * float64(len(longest(q.words))) / float64(max(len(other), len(q.name)))
	}
	return 0.5 + 0.45*float64(shared)/float64(max(total, len(q.words)))
}

// distance is the optimal string alignment distance: insertions, deletions,
// substitutions and swaps of neighbours count one each. Case is folded.
func (q *query) distance(b []byte) int {
	old, prev, cur := q.rowOld, q.rowA, q.rowB
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(b); i++ {
		cur[0] = i
		best := i
		for j := 1; j <= len(q.name); j++ {
			cost := 1
			if b[i-1] == q.name[j-1] {
				cost = 0
			}
			v := min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && b[i-1] == q.name[j-2] && b[i-2] == q.name[j-1] {
				v = min(v, old[j-2]+1)
			}
			cur[j] = v
			best = min(best, v)
		}
		if best > q.limit {
			return best
		}
		old, prev, cur = prev, cur, old
	}
	return prev[len(q.name)]
}

// nameWords splits a name at everything that is not a letter or digit.
func nameWords(name []byte) [][]byte { return bytes.FieldsFunc(name, notNameRune) }

func notNameRune(r rune) bool {
	return (r < 'A' || r > 'Z') && (r < '0' || r > '9') && (r < 'a' || r > 'z') && r < 128
}

func longest(words [][]byte) []byte {
	var l []byte
	for _, w := range words {
		if len(w) > len(l) {
			l = w
		}
	}
	return l
}

// letters is the set of characters of a name: a cheap bound on edit distance.
func letters(name []byte) uint64 {
	var m uint64
	for _, c := range name {
		m |= 1 << (c & 63)
	}
	return m
}
