//go:build unix

package store

import (
	"errors"
	"syscall"
)

// nothingToRead looks at a socket without taking anything from it.
func nothingToRead(raw syscall.RawConn) bool {
	quiet := false
	// Not raw.Read: it would wait for a read that the driver may have under way.
	err := raw.Control(func(fd uintptr) {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = errors.Is(err, syscall.EAGAIN)
	})
	return err == nil && quiet
}
