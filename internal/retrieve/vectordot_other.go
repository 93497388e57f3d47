//go:build !amd64

package retrieve

// dotRows writes to out the product of q with each row of rows, which holds
// len(out) rows of len(q) bytes.
func dotRows(out []int32, q []int16, rows []int8) { dotRowsGo(out, q, rows) }
