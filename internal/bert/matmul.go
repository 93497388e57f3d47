package bert

import "golang.org/x/sys/cpu"

// A panel is 16 outputs of a layer whose weights lie together; a tile is 6 tokens
// of one panel, which fit into the vector registers.
const (
	panel = 16
	tile  = 6
)

// hasFMA is what the processor can do.
var hasFMA = cpu.X86.HasAVX2 && cpu.X86.HasFMA

// linear is a fully connected layer: y = x·Wᵀ + b.
type linear struct {
	in, out int
	weights []float32 // out/16 panels of in × 16
	bias    []float32
}

// pack turns weights of out rows of in numbers into panels. out must be a
// multiple of 16.
func pack(rows []float32, in, out int, bias []float32) linear {
	l := linear{in: in, out: out, bias: bias, weights: make([]float32, in*out)}
	packRows(l.weights, rows, in, in, out)
	return l
}

// packRows writes out rows of in numbers, which begin stride apart, as panels;
// rows beyond out within the last panel are zeros.
func packRows(into, rows []float32, stride, in, out int) {
	for p := 0; p*panel < out; p++ {
		block := into[p*panel*in:][:panel*in]
		for c := range panel {
			if p*panel+c >= out {
				for k := range in {
					block[k*panel+c] = 0
				}
				continue
			}
			row := rows[(p*panel+c)*stride:][:in]
			for k, w := range row {
				block[k*panel+c] = w
			}
		}
	}
}

// tiled rounds a number of rows up to whole tiles. Buffers have so many; what is
// computed in the rows too many is not looked at.
func tiled(rows int) int { return (rows + tile - 1) / tile * tile }

// apply computes y from x for the first rows of both, on all workers.
func (l *linear) apply(w int, y, x []float32, rows int) {
	parallel(w, l.out/panel, func(p int) {
		block := l.weights[p*panel*l.in:][:panel*l.in]
		for r := 0; r < rows; r += tile {
			mulTile(y[r*l.out+p*panel:], l.out, x[r*l.in:], l.in, block, l.bias[p*panel:][:panel])
		}
	})
}

// mulTile computes 6 rows of 16 outputs: c[r][j] = bias[j] + Σ a[r][k]·b[k][j].
// Rows of c begin ldc apart, those of a lda; b has len(b)/16 rows.
func mulTile(c []float32, ldc int, a []float32, lda int, b, bias []float32) {
	k := len(b) / panel
	if hasFMA {
		_, _, _ = c[5*ldc+panel-1], a[5*lda+k-1], bias[panel-1] // the assembly checks nothing
		mulTileFMA(&c[0], ldc, &a[0], lda, &b[0], k, &bias[0])
		return
	}
	mulTileGo(c, ldc, a, lda, b, bias)
}

// mulTileGo is mulTile for any processor.
func mulTileGo(c []float32, ldc int, a []float32, lda int, b, bias []float32) {
	k := len(b) / panel
	for r := range tile {
		var sum [panel]float32
		copy(sum[:], bias)
		row := a[r*lda:][:k]
		for i, x := range row {
			w := b[i*panel:][:panel]
			for j := range sum {
				sum[j] += x * w[j]
			}
		}
		copy(c[r*ldc:], sum[:])
	}
}
