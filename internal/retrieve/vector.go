package retrieve

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sys/cpu"
)

// lane is what one step of the vector instructions reads; rows are padded to a
// multiple of it with zeros, which add nothing to a product.
const lane = 32

// maxDims is the longest vector that is accepted. The sum of so many products of
// two bytes is far from the end of an int32.
const maxDims = 8192

// Vectors is a matrix of embeddings that is searched row by row, exactly. Each
// row is scaled to length 1 and kept in two bytes a dimension: one that the scan
// reads, and the rest of the value, which only the best rows are scored again
// with. At 384 dimensions that is 77 MB for 100,000 rows, of which a scan touches
// half.
//
// Rows are added by one goroutine at a time and may be searched at the same time
// only through [Vectors.Snapshot].
type Vectors struct {
	dims, stride int
	coarse       []int8    // n × stride: round(x / scale)
	fine         []int8    // n × stride: what that left over, in 1/254 of a step
	scale        []float32 // n: what one step of coarse is worth
}

// Neighbour is a row found by [Vectors.Nearest], with the cosine of the angle
// between it and the query: 1 for the same direction.
type Neighbour struct {
	Row    int
	Cosine float32
}

// NewVectors returns an empty matrix for vectors of dims numbers.
func NewVectors(dims int) (*Vectors, error) {
	if dims < 1 || dims > maxDims {
		return nil, fmt.Errorf("vectors of %d dimensions: between 1 and %d are supported", dims, maxDims)
	}
	return &Vectors{dims: dims, stride: (dims + lane - 1) / lane * lane}, nil
}

// Len is the number of rows.
func (v *Vectors) Len() int { return len(v.scale) }

// Dims is how many numbers a vector has.
func (v *Vectors) Dims() int { return v.dims }

// Bytes is the memory the matrix holds.
func (v *Vectors) Bytes() int { return cap(v.coarse) + cap(v.fine) + 4*cap(v.scale) }

// Snapshot returns the rows there are now. It shares their memory, and rows that
// are added to v later do not show in it.
func (v *Vectors) Snapshot() *Vectors {
	n := len(v.scale)
	return &Vectors{
		dims: v.dims, stride: v.stride, scale: v.scale[:n:n],
		coarse: v.coarse[: n*v.stride : n*v.stride], fine: v.fine[: n*v.stride : n*v.stride],
	}
}

// Grow makes room for n more rows.
func (v *Vectors) Grow(n int) {
	v.coarse = slices.Grow(v.coarse, n*v.stride)
	v.fine = slices.Grow(v.fine, n*v.stride)
	v.scale = slices.Grow(v.scale, n)
}

// Append adds a row; its number is what Len was before. A vector of zeros is a
// row that is like nothing. Another length, and values that are not finite
// numbers, are refused.
func (v *Vectors) Append(vector []float32) error {
	unit, err := v.unit(vector)
	if err != nil {
		return err
	}
	at := len(v.coarse)
	v.coarse = slices.Grow(v.coarse, v.stride)[:at+v.stride]
	v.fine = slices.Grow(v.fine, v.stride)[:at+v.stride]
	coarse, fine := v.coarse[at:], v.fine[at:]
	clear(coarse)
	clear(fine)
	scale := step(unit)
	v.scale = append(v.scale, scale)
	if scale == 0 {
		return nil
	}
	for i, x := range unit {
		steps := x / scale
		whole := math.RoundToEven(float64(steps))
		coarse[i] = int8(whole)
		fine[i] = int8(math.RoundToEven((float64(steps) - whole) * 254)) // the rest is within ±0.5
	}
	return nil
}

// unit returns the vector scaled to length 1, or the zeros it consists of.
func (v *Vectors) unit(vector []float32) ([]float32, error) {
	if len(vector) != v.dims {
		return nil, fmt.Errorf("a vector of %d dimensions does not go with vectors of %d: was the embedding model changed?", len(vector), v.dims)
	}
	var sum float64
	for i, x := range vector {
		if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, fmt.Errorf("dimension %d of a vector is %v, not a number", i, x)
		}
		sum += float64(x) * float64(x)
	}
	out := make([]float32, len(vector))
	if sum == 0 {
		return out, nil
	}
	inv := 1 / math.Sqrt(sum)
	for i, x := range vector {
		out[i] = float32(float64(x) * inv)
	}
	return out, nil
}

// step returns what one of 127 steps is worth so that the largest value of the
// vector is 127 steps.
func step(unit []float32) float32 {
	var top float32
	for _, x := range unit {
		top = max(top, x, -x)
	}
	return top / 127
}

// scanBlock is how many rows are multiplied before their products are looked at:
// few enough for both to stay in the first cache.
const scanBlock = 256

// parallelRows is how many rows keep one core busy; a scan of fewer than twice as
// many is over before a second core would have started to help.
const parallelRows = 32 << 10

// Nearest returns the k rows with the largest cosine to the query, best first;
// among equals the first row. keep, when not nil, says which rows count; it is
// called from several goroutines. Every row is looked at, so the result is exact
// but for rows whose cosines differ by less than about 1e-4.
func (v *Vectors) Nearest(ctx context.Context, query []float32, k int, keep func(row int) bool) ([]Neighbour, error) {
	unit, err := v.unit(query)
	if err != nil {
		return nil, fmt.Errorf("search the vectors: %w", err)
	}
	scale := step(unit)
	if k <= 0 || v.Len() == 0 || scale == 0 {
		return nil, ctx.Err()
	}
	q := make([]int16, v.stride)
	for i, x := range unit {
		q[i] = int16(math.RoundToEven(float64(x / scale)))
	}
	found := v.scan(ctx, q, 4*k+32, keep)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("search the vectors: %w", err)
	}
	for i := range found {
		found[i].Cosine = v.cosine(found[i].Row, unit)
	}
	slices.SortFunc(found, closer)
	return found[:min(k, len(found))], nil
}

// Cosine is the cosine of the angle between the query and one row.
func (v *Vectors) Cosine(row int, query []float32) (float32, error) {
	unit, err := v.unit(query)
	if err != nil {
		return 0, err
	}
	return v.cosine(row, unit), nil
}

// Row writes the vector of a row, of length 1, to dst and returns it.
func (v *Vectors) Row(row int, dst []float32) []float32 {
	dst = slices.Grow(dst[:0], v.dims)[:v.dims]
	coarse, fine := v.coarse[row*v.stride:][:v.dims], v.fine[row*v.stride:][:v.dims]
	for i := range dst {
		dst[i] = (float32(coarse[i]) + float32(fine[i])/254) * v.scale[row]
	}
	return dst
}

// cosine scores a row with both of its bytes.
func (v *Vectors) cosine(row int, unit []float32) float32 {
	coarse, fine := v.coarse[row*v.stride:][:len(unit)], v.fine[row*v.stride:][:len(unit)]
	var sum float32
	for i, x := range unit {
		sum += x * (float32(coarse[i]) + float32(fine[i])/254)
	}
	return sum * v.scale[row]
}

// scan returns the want best rows by the scan's byte alone, in no order.
func (v *Vectors) scan(ctx context.Context, q []int16, want int, keep func(int) bool) []Neighbour {
	n := v.Len()
	workers := max(1, min(runtime.GOMAXPROCS(0), n/parallelRows))
	best := make([]nearest, workers)
	var wg sync.WaitGroup
	for w := range workers {
		from, to := n*w/workers, n*(w+1)/workers
		best[w].room = want
		if w == workers-1 {
			v.scanRows(ctx, q, from, to, keep, &best[w])
			break
		}
		wg.Go(func() { v.scanRows(ctx, q, from, to, keep, &best[w]) })
	}
	wg.Wait()
	for w := 1; w < workers; w++ {
		for _, c := range best[w].heap {
			best[0].offer(c)
		}
	}
	return best[0].heap
}

// scanRows offers the rows from..to to the best so far.
func (v *Vectors) scanRows(ctx context.Context, q []int16, from, to int, keep func(int) bool, best *nearest) {
	var dots [scanBlock]int32
	for at := from; at < to; at += scanBlock {
		if ctx.Err() != nil {
			return
		}
		rows := min(scanBlock, to-at)
		dotRows(dots[:rows], q, v.coarse[at*v.stride:(at+rows)*v.stride])
		scales := v.scale[at : at+rows]
		floor := best.floor()
		for i, dot := range dots[:rows] {
			score := float32(dot) * scales[i]
			if score <= floor || keep != nil && !keep(at+i) {
				continue
			}
			best.offer(Neighbour{at + i, score})
			floor = best.floor()
		}
	}
}

// hasAVX2 is what the processor can do.
var hasAVX2 = cpu.X86.HasAVX2

// dotRowsGo writes to out the product of q with each row of rows, which holds
// len(out) rows of len(q) bytes.
func dotRowsGo(out []int32, q []int16, rows []int8) {
	for r := range out {
		row := rows[r*len(q):][:len(q)]
		var a, b, c, d int32
		for i := 0; i+4 <= len(q); i += 4 {
			p, s := q[i:i+4:i+4], row[i:i+4:i+4]
			a += int32(p[0]) * int32(s[0])
			b += int32(p[1]) * int32(s[1])
			c += int32(p[2]) * int32(s[2])
			d += int32(p[3]) * int32(s[3])
		}
		out[r] = a + b + c + d
	}
}

// AppendRow adds a row of another matrix of the same dimensions as it stands
// there.
func (v *Vectors) AppendRow(o *Vectors, row int) error {
	if o.dims != v.dims {
		return fmt.Errorf("a vector of %d dimensions does not go with vectors of %d", o.dims, v.dims)
	}
	v.coarse = append(v.coarse, o.coarse[row*o.stride:(row+1)*o.stride]...)
	v.fine = append(v.fine, o.fine[row*o.stride:(row+1)*o.stride]...)
	v.scale = append(v.scale, o.scale[row])
	return nil
}
