package retrieve

// over writes to out the passages of a window that may score above the floor, in their
// order, and says how many there are.
func over(out *[windowSize]uint16, words, weight, title *[windowSize]float32, b *bar) int {
	if hasAVX2 {
		return overAVX2(out, words, weight, title, b)
	}
	return overGo(out, words, weight, title, b)
}

// overAVX2 is overGo with eight passages at a time.
//
//go:noescape
func overAVX2(out *[windowSize]uint16, words, weight, title *[windowSize]float32, b *bar) int
