//go:build unix

package http1

import "syscall"

// look asks the kernel, without waiting, whether something has come: the end of
// the connection, or bytes nobody asked for.
func (c *conn) look(fd uintptr) bool {
	var one [1]byte
	_, err := syscall.Read(int(fd), one[:])
	c.calm = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK
	return true
}
