//go:build unix

package retrieve

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// dirOf is the folder a file stands in.
func dirOf(name string) string { return filepath.Dir(name) }

// OpenFile maps an index file into memory: it is searched where it stands, and only
// the parts that are used take up memory. The mapping goes when the index is collected, or
// at once with Close.
func OpenFile(name string) (*Index, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open the index: %w", err)
	}
	defer f.Close() // the mapping stays
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("open the index: %w", err)
	}
	if info.Size() == 0 || int64(int(info.Size())) != info.Size() {
		return nil, fmt.Errorf("%w: %s has %d bytes", ErrBroken, name, info.Size())
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the index %s: %w", name, err)
	}
	x, err := Open(data)
	if err != nil {
		_ = unix.Munmap(data) // the first error says more
		return nil, fmt.Errorf("open the index %s: %w", name, err)
	}
	_ = unix.Madvise(data, unix.MADV_DONTNEED)                                          // looking through it made all of it resident; only a hint
	release := runtime.AddCleanup(x, func(data []byte) { _ = unix.Munmap(data) }, data) // nobody is left to tell
	x.close = func() error {
		release.Stop()
		return unix.Munmap(data)
	}
	return x, nil
}
