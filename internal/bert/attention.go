package bert

import "math"

// attention is the memory for one head of one text.
type attention struct {
	keys, values, scores, mixed, zero []float32
}

// sized returns a slice of n numbers, in the memory of s where it is enough.
func sized(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}

// attend mixes the values of each text's tokens by how well their keys go with
// the token's query, for every head. qkv has three vectors a row; mixed gets one.
func (m *Model) attend(seqs []sequence, qkv, mixed []float32) {
	starts := make([]int, len(seqs))
	for i := 1; i < len(seqs); i++ {
		starts[i] = starts[i-1] + len(seqs[i-1].ids)
	}
	heads := m.shape.Heads
	parallel(m.workers, len(seqs)*heads, func(task int) {
		scratch, ok := m.scratch.Get().(*attention)
		if !ok {
			scratch = &attention{}
		}
		s := task / heads
		m.attendHead(scratch, task%heads, len(seqs[s].ids), qkv[starts[s]*3*m.shape.Hidden:], mixed[starts[s]*m.shape.Hidden:])
		m.scratch.Put(scratch)
	})
}

// attendHead does it for one head of one text of n tokens.
func (m *Model) attendHead(a *attention, head, n int, qkv, mixed []float32) {
	h := m.shape.Hidden
	d := h / m.shape.Heads
	wide := (n + panel - 1) / panel * panel
	a.keys, a.values = sized(a.keys, wide*d), sized(a.values, n*d)
	a.scores, a.mixed = sized(a.scores, tiled(n)*wide), sized(a.mixed, tiled(n)*d)
	if a.zero == nil {
		a.zero = make([]float32, panel)
	}
	query, key, value := qkv[head*d:], qkv[h+head*d:], qkv[2*h+head*d:]

	packRows(a.keys, key, 3*h, d, n)
	for p := range wide / panel {
		for r := 0; r < n; r += tile {
			mulTile(a.scores[r*wide+p*panel:], wide, query[r*3*h:], 3*h, a.keys[p*panel*d:][:panel*d], a.zero)
		}
	}
	scale := float32(1 / math.Sqrt(float64(d)))
	for r := range n {
		softmax(a.scores[r*wide:][:wide], n, scale)
	}
	for p := range d / panel {
		block := a.values[p*panel*n:][:panel*n]
		for i := range n {
			copy(block[i*panel:][:panel], value[i*3*h+p*panel:])
		}
		for r := 0; r < n; r += tile {
			mulTile(a.mixed[r*d+p*panel:], d, a.scores[r*wide:], wide, block, a.zero)
		}
	}
	for r := range n {
		copy(mixed[r*h+head*d:][:d], a.mixed[r*d:])
	}
}
