package bert

// mulTileFMA is mulTileGo with AVX2 and FMA. ldc and lda count numbers.
//
//go:noescape
func mulTileFMA(c *float32, ldc int, a *float32, lda int, b *float32, k int, bias *float32)

// expSumFMA replaces each of n numbers, a multiple of 8, by exp((x-top)·scale)
// and returns their sum.
//
//go:noescape
func expSumFMA(x *float32, n int, top, scale float32) float32
