package app

import (
	"fmt"

	"golang.org/x/sys/unix"

	"resync/internal/health"
)

// freeSpace is what an ordinary user may still write, and the size of the disk,
// in bytes.
func freeSpace(dir string) (avail, size uint64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, 0, fmt.Errorf("asking for the free space of %s: %w", dir, err)
	}
	return st.Bavail * uint64(st.Bsize), st.Blocks * uint64(st.Bsize), nil
}

func openFilesLimit() (uint64, error) {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return 0, fmt.Errorf("asking for the limit of open files: %w", err)
	}
	return r.Cur, nil
}

// clockSynchronised asks the kernel whether a time service keeps its clock.
func clockSynchronised() health.Result {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return health.Skipped("the kernel does not tell: %v", err)
	}
	if state == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0 {
		return health.Warned("no time service keeps this machine's clock")
	}
	return health.Passed("kept by a time service")
}
