//go:build !linux

package app

import (
	"errors"

	"resync/internal/health"
)

func freeSpace(string) (avail, size uint64, err error) {
	return 0, 0, errors.New("the free space is looked at on Linux only")
}

func openFilesLimit() (uint64, error) {
	return 0, errors.New("the limit of open files is looked at on Linux only")
}

func clockSynchronised() health.Result {
	return health.Skipped("the time service is looked at on Linux only")
}
