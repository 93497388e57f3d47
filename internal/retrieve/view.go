package retrieve

import "unsafe"

// view is a string of bytes that never change.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
