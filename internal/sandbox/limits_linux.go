package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// bind makes the kernel end the child when its parent ends, and keeps an interrupt at
// the terminal from reaching it.
func bind(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// confine bounds this process. The address space is counted from what the runtime has
// reserved already, which is far more than it uses.
func confine(b Bounds) error {
	reserved, err := addressSpace()
	if err != nil {
		return err
	}
	seconds := uint64((b.CPU + time.Second - 1) / time.Second)
	for _, l := range []struct {
		what   int
		amount uint64
	}{
		{syscall.RLIMIT_AS, reserved + uint64(b.Memory)},
		{syscall.RLIMIT_CPU, seconds},
		{syscall.RLIMIT_FSIZE, 0},
		{syscall.RLIMIT_CORE, 0},
	} {
		if err := syscall.Setrlimit(l.what, &syscall.Rlimit{Cur: l.amount, Max: l.amount}); err != nil {
			return fmt.Errorf("limit %d: %w", l.what, err)
		}
	}
	return nil
}

// addressSpace is how many bytes this process has reserved.
func addressSpace() (uint64, error) {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	pages, _, _ := bytes.Cut(data, []byte(" "))
	n, err := strconv.ParseUint(string(pages), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read /proc/self/statm: %w", err)
	}
	return n * uint64(os.Getpagesize()), nil
}

// outOfTime and outOfMemory say whether the kernel ended the child for it: SIGXCPU or,
// past the hard limit, SIGKILL with the processor time used up; SIGSEGV or SIGBUS where
// a stack could not grow.
func outOfTime(ended error) bool {
	s, ok := signalOf(ended)
	return ok && (s == syscall.SIGXCPU || s == syscall.SIGKILL)
}

func outOfMemory(ended error) bool {
	s, ok := signalOf(ended)
	return ok && (s == syscall.SIGSEGV || s == syscall.SIGBUS)
}

func signalOf(ended error) (syscall.Signal, bool) {
	var exit *exec.ExitError
	if !errors.As(ended, &exit) {
		return 0, false
	}
	w, ok := exit.Sys().(syscall.WaitStatus)
	return w.Signal(), ok && w.Signaled()
}
