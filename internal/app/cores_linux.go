package app

import (
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// holdTime is less than the 10 ms after which the runtime interrupts a goroutine.
const holdTime = 8 * time.Millisecond

// Operations of futex(2), for threads of one process.
const (
	futexWait = 0 | 128
	futexWake = 1 | 128
)

// holdProcessor takes one of the runtime's processors (a P of its scheduler, not a core
// of the machine) for a goroutine that sleeps on it, until release is called.
//
// When all its processors are idle, the runtime sends its monitor to sleep, and the next
// call of the system wakes it again (entersyscall, sysmon in runtime/proc.go): with one
// processor that is about twice for each request, an interrupt and a thread that runs
// beside the request. Where one processor is never idle, the monitor stays awake and soon
// looks only every 10 ms. The goroutine sleeps in the kernel without telling the runtime,
// so that its processor counts as running; it is interrupted like any other when the
// world is stopped.
func holdProcessor() (release func()) {
	held, ended := new(atomic.Uint32), make(chan struct{})
	held.Store(1)
	go func() {
		defer close(ended)
		for held.Load() == 1 {
			if sleepWhile(held) == syscall.ETIMEDOUT {
				runtime.Gosched() // a new turn, or the runtime would interrupt this one
			}
		}
	}()
	return func() {
		held.Store(0)
		_, _, _ = syscall.RawSyscall(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(held)), futexWake, 1)
		<-ended
	}
}

// sleepWhile sleeps until held is not 1 any more (EAGAIN or 0), the thread is interrupted
// (EINTR) or holdTime is over (ETIMEDOUT). It is a call of its own, and after an
// interruption the next thing that is called, because at the beginning of a call a
// goroutine gives way to a garbage collector that wants to look at its stack. To give
// way in runtime.Gosched forgets that wish, and it interrupts again and again.
//
//go:noinline
func sleepWhile(held *atomic.Uint32) syscall.Errno {
	long := syscall.NsecToTimespec(int64(holdTime))
	_, _, err := syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(held)), futexWait, 1, uintptr(unsafe.Pointer(&long)), 0, 0)
	return err
}
