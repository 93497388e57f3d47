//go:build unix

package store

import (
	"errors"
	"syscall"
)

// nothingToRead looks at a socket without taking anything from it.
func nothingToRead(raw syscall.RawConn) bool {
	quiet := false
	err := raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = errors.Is(err, syscall.EAGAIN)
		return true // however it is, nobody waits for it
	})
	return err == nil && quiet
}
