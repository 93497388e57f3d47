package bert

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
)

// parallel calls do for 0 to n-1 on up to w goroutines, the caller's among them.
func parallel(w, n int, do func(int)) {
	w = min(w, n)
	if w <= 1 {
		for i := range n {
			do(i)
		}
		return
	}
	var next atomic.Int64
	work := func() {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			do(i)
		}
	}
	var wg sync.WaitGroup
	for range w - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}

// curve is an activation function as a table of its values from -8 to 8; the
// straight lines between them are off by less than 4e-7. Outside the table the
// functions are 0 on the left and the identity on the right.
type curve []float32

const (
	curveEnd   = 8
	curveSteps = 1024 // for each 1
)

// activation returns the function that config.json names.
func activation(name string) (curve, error) {
	var f func(float64) float64
	switch name {
	case "gelu":
		f = func(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) }
	case "gelu_new", "gelu_pytorch_tanh":
		f = func(x float64) float64 {
			return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
		}
	case "relu":
		f = func(x float64) float64 { return max(x, 0) }
	default:
		return nil, fmt.Errorf("hidden_act is %q; gelu, gelu_new and relu are run here", name)
	}
	out := make(curve, 2*curveEnd*curveSteps+2)
	for i := range out {
		out[i] = float32(f(float64(i)/curveSteps - curveEnd))
	}
	return out, nil
}

// apply replaces each x by its value.
func (c curve) apply(xs []float32) {
	for i, x := range xs {
		at := (x + curveEnd) * curveSteps
		switch {
		case at <= 0:
			xs[i] = 0
		case x >= curveEnd:
		default:
			n := int(at)
			low := c[n]
			xs[i] = low + (c[n+1]-low)*(at-float32(n))
		}
	}
}

// layerNorm is a layer normalisation.
type layerNorm struct {
	gain, bias []float32
	epsilon    float64
}

// apply normalises a row in place after adding other to it.
func (n *layerNorm) apply(row, other []float32) {
	var sum, squares float64
	for i := range row {
		row[i] += other[i]
		sum += float64(row[i])
	}
	mean := sum / float64(len(row))
	for _, x := range row {
		d := float64(x) - mean
		squares += d * d
	}
	inv := float32(1 / math.Sqrt(squares/float64(len(row))+n.epsilon))
	m := float32(mean)
	for i, x := range row {
		row[i] = (x-m)*inv*n.gain[i] + n.bias[i]
	}
}

// softmax turns the first n scores of a row, times scale, into shares of 1. The
// row is as long as whole panels; what is beyond n is overwritten.
func softmax(row []float32, n int, scale float32) {
	top := row[0]
	for _, x := range row[:n] {
		top = max(top, x)
	}
	for i := n; i < len(row); i++ {
		row[i] = -math.MaxFloat32 // its share is nothing
	}
	inv := 1 / expSum(row, top, scale)
	for i := range row {
		row[i] *= inv
	}
}

// expSum replaces each x, whose number is a multiple of 8, by exp((x-top)·scale)
// and returns their sum.
func expSum(row []float32, top, scale float32) float32 {
	if hasFMA {
		return expSumFMA(&row[0], len(row), top, scale)
	}
	var sum float32
	for i, x := range row {
		row[i] = exp((x - top) * scale)
		sum += row[i]
	}
	return sum
}

// exp is e^x for x ≤ 0, off by less than 2e-7 of its value: 2^n times a polynomial
// for the rest.
func exp(x float32) float32 {
	if x < -87 {
		return 0
	}
	n := float32(int32(x*math.Log2E - 0.5))
	r := x - n*0.693359375
	r -= n * -2.12194440e-4
	p := float32(1.9875691500e-4)
	p = p*r + 1.3981999507e-3
	p = p*r + 8.3334519073e-3
	p = p*r + 4.1665795894e-2
	p = p*r + 1.6666665459e-1
	p = p*r + 5.0000001201e-1
	p = p*r*r + r + 1
	return p * math.Float32frombits(uint32(int32(n)+127)<<23)
}
