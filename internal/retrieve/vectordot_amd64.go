package retrieve

// dotRows writes to out the product of q with each row of rows, which holds
// len(out) rows of len(q) bytes; len(q) is a multiple of lane. With AVX2 it reads
// about as fast as memory delivers.
func dotRows(out []int32, q []int16, rows []int8) {
	if hasAVX2 && len(out) > 0 {
		_, _ = q[lane-1], rows[len(out)*len(q)-1] // the assembly checks nothing
		dotRowsAVX2(&out[0], &q[0], &rows[0], len(out), len(q))
		return
	}
	dotRowsGo(out, q, rows)
}

// dotRowsAVX2 is dotRowsGo for n rows of dims bytes, dims a multiple of 32.
//
//go:noescape
func dotRowsAVX2(out *int32, q *int16, rows *int8, n, dims int)
