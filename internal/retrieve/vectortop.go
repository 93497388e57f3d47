package retrieve

import (
	"cmp"
	"math"
)

// closer orders neighbours: the larger cosine first, then the smaller row.
func closer(a, b Neighbour) int {
	return cmp.Or(cmp.Compare(b.Cosine, a.Cosine), cmp.Compare(a.Row, b.Row))
}

// nearest keeps the best neighbours it was offered, as many as it has room for:
// a heap whose root is the worst.
type nearest struct {
	room int
	heap []Neighbour
}

// floor is the cosine a neighbour must exceed to be kept, when rows come in
// ascending order.
func (b *nearest) floor() float32 {
	if len(b.heap) < b.room {
		return float32(math.Inf(-1))
	}
	return b.heap[0].Cosine
}

// offer keeps c if it belongs to the best.
func (b *nearest) offer(c Neighbour) {
	if len(b.heap) < b.room {
		b.heap = append(b.heap, c)
		b.up(len(b.heap) - 1)
	} else if closer(c, b.heap[0]) < 0 {
		b.heap[0] = c
		b.down()
	}
}

// up moves the neighbour at i towards the root while it is worse than its parent.
func (b *nearest) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if closer(b.heap[i], b.heap[parent]) <= 0 {
			return
		}
		b.heap[i], b.heap[parent] = b.heap[parent], b.heap[i]
		i = parent
	}
}

// down moves the root to where it belongs.
func (b *nearest) down() {
	i := 0
	for {
		worst := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(b.heap); child++ {
			if closer(b.heap[child], b.heap[worst]) > 0 {
				worst = child
			}
		}
		if worst == i {
			return
		}
		b.heap[i], b.heap[worst] = b.heap[worst], b.heap[i]
		i = worst
	}
}
