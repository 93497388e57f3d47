//go:build !unix

package store

import "syscall"

// nothingToRead cannot be seen here: the server is asked instead.
func nothingToRead(syscall.RawConn) bool { return false }
