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

// takeTurn writes the request when it is called first and reads from then on; false
// is that it wants to be called again when there is something to read. What comes
// after the writing is not missed: the wait was prepared before.
func (c *conn) takeTurn(fd uintptr) bool {
	if !c.begun {
		c.begun = true
		c.sent, c.sendErr = syscall.Write(int(fd), c.out)
		for c.sendErr == syscall.EINTR {
			c.sent, c.sendErr = syscall.Write(int(fd), c.out)
		}
		if c.sent < 0 {
			c.sent = 0
		}
		if c.sendErr == syscall.EAGAIN {
			c.sendErr = nil
		}
		c.watch()
		return c.sent < len(c.out)
	}
	c.got, c.gotErr = syscall.Read(int(fd), c.into)
	for c.gotErr == syscall.EINTR {
		c.got, c.gotErr = syscall.Read(int(fd), c.into)
	}
	return c.gotErr != syscall.EAGAIN
}
