//go:build !amd64

package bert

// mulTileFMA does not exist here: hasFMA is false.
func mulTileFMA(*float32, int, *float32, int, *float32, int, *float32) {}

// expSumFMA does not exist here: hasFMA is false.
func expSumFMA(*float32, int, float32, float32) float32 { return 0 }
