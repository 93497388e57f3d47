package http1

import (
	"io"
	"net"
	"os"
	"time"
)

// A call waits for its answer as soon as it has sent its request. Reading at once
// would find nothing, which costs a call of the system for every request; so the
// request is written by the one who then waits to read.

// exchange sends what c.out holds, waits, and reads the beginning of the answer. How
// the sending went is in c.sent and c.sendErr.
func (c *conn) exchange(p []byte) (int, error) {
	c.into, c.got, c.gotErr, c.begun = p, 0, nil, false
	var err error
	if c.raw != nil {
		err = c.raw.Read(c.turn)
	}
	out := c.out
	c.out, c.into = nil, nil
	c.watch() // when it was not called on the way
	switch {
	case err != nil && !c.begun:
		c.sendErr = err // it was closed before
		return 0, err
	case err != nil:
		return 0, err
	case c.sendErr == nil && c.sent == len(out):
		if c.got == 0 && c.gotErr == nil {
			return 0, io.EOF
		}
		return max(c.got, 0), c.failed("read", c.gotErr)
	case c.sendErr == nil: // what did not fit is left, or all of it
		n, err := c.nc.Write(out[c.sent:])
		c.sent, c.sendErr = c.sent+n, err
	default:
		c.sendErr = c.failed("write", c.sendErr)
	}
	switch {
	case c.sendErr != nil && c.sent == 0:
		return 0, c.sendErr
	case c.sendErr != nil:
		_ = c.nc.SetReadDeadline(time.Now().Add(refusalTime)) // a server may refuse a request it has not read, and close; if it did, the answer is here
	}
	return c.nc.Read(p)
}

// failed is an error of the system as package net has it.
func (c *conn) failed(op string, err error) error {
	if err == nil {
		return nil
	}
	return &net.OpError{Op: op, Net: c.nc.RemoteAddr().Network(), Source: c.nc.LocalAddr(), Addr: c.nc.RemoteAddr(), Err: os.NewSyscallError(op, err)}
}
