//go:build !amd64

package retrieve

// over writes to out the passages of a window that may score above the floor, in their
// order, and says how many there are.
func over(out *[windowSize]uint16, words, weight, title *[windowSize]float32, b *bar) int {
	return overGo(out, words, weight, title, b)
}
