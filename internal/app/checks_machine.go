package app

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"

	"resync/internal/health"
	"resync/internal/telemetry"
)

// The least room on the disk of the data directory: under diskLeast nothing is
// sure to be written any more, under diskGood (or 5 %) somebody should look.
const (
	diskLeast = 100 << 20
	diskGood  = 1 << 30
)

// machineChecks look at what the operating system gives us.
func (a *App) machineChecks() []health.Check {
	dir := a.dataDir()
	return []health.Check{
		a.writable(dir),
		{Name: "data:space", Title: "Disk space", Category: health.Dependencies,
			Fix: "make room on the disk that holds " + dir + ", or move data_dir to another one",
			Run: func(context.Context) health.Result { return room(dir, freeSpace) }},
		{Name: "process:files", Title: "Open files", Category: health.Dependencies, Deep: true,
			Fix: "raise the limit of the service, such as LimitNOFILE=65536 for systemd or ulimit -n 65536",
			Run: func(context.Context) health.Result {
				n, err := openFilesLimit()
				switch {
				case err != nil:
					return health.Skipped("%v", err)
				case n < 16384:
					return health.Warned("at most %d files may be open; 16384 are advised for many screens at once", n)
				}
				return health.Passed(fmt.Sprintf("up to %d files", n))
			}},
		{Name: "process:memory", Title: "Memory limit", Category: health.Dependencies, Deep: true,
			Fix: "set GOMEMLIMIT to about nine tenths of the container's memory", Run: func(context.Context) health.Result { return memory("/sys/fs/cgroup/memory.max") }},
		{Name: "time:synchronised", Title: "Clock synchronised", Category: health.Dependencies, Deep: true,
			Fix: "start the time service of this machine (chronyd, systemd-timesyncd)", Run: func(context.Context) health.Result { return clockSynchronised() }},
		{Name: "build:version", Title: "Version", Category: health.CoreModules, Deep: true, Run: func(context.Context) health.Result {
			b := telemetry.ReadBuild(a.opt.Version)
			return health.Passed(fmt.Sprintf("%s, commit %s, %s", b.Version, b.Commit, b.Go))
		}},
	}
}

// writable is the check of the data directory. Under doctor one that is not
// there yet is no fault as long as it can be made.
func (a *App) writable(dir string) health.Check {
	c := health.Writable("data:writable", dir)
	c.Title, c.Category = "Data directory", health.Dependencies
	if a.looking == nil {
		return c
	}
	run := c.Run
	c.Run = func(ctx context.Context) health.Result {
		if _, err := os.Stat(dir); os.IsNotExist(err) {
			parent, ok := existingParent(dir)
			if !ok {
				return health.Failed("%s cannot be made", dir)
			}
			res := health.Writable("", parent).Run(ctx)
			if res.Status == health.Pass {
				return health.Passed("the first start makes " + dir)
			}
			return res
		}
		return run(ctx)
	}
	return c
}

// existingParent is the nearest directory above, or itself, that is there.
func existingParent(dir string) (string, bool) {
	for {
		if info, err := os.Stat(dir); err == nil {
			return dir, info.IsDir()
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", false
		}
		dir = up
	}
}

// room judges the free space of a disk.
func room(dir string, free func(string) (avail, size uint64, err error)) health.Result {
	if parent, ok := existingParent(dir); ok {
		dir = parent
	}
	avail, size, err := free(dir)
	if err != nil {
		return health.Skipped("%v", err)
	}
	text := fmt.Sprintf("%d MB of %d MB are free on the disk of %s", avail>>20, size>>20, dir)
	switch {
	case avail < diskLeast:
		return health.Failed("%s; actions could not be recorded and are refused when it is full", text)
	case avail < diskGood || avail < size/20:
		return health.Warned("%s", text)
	}
	return health.Passed(text)
}

// memory compares the container's limit with the one the program keeps to.
func memory(file string) health.Result {
	raw, err := os.ReadFile(file)
	if err != nil {
		return health.Skipped("the memory limit of the container is not known: %v", err)
	}
	var limit int64
	if _, err := fmt.Sscan(strings.TrimSpace(string(raw)), &limit); err != nil {
		return health.Passed("no limit is set")
	}
	if own := debug.SetMemoryLimit(-1); own == math.MaxInt64 || own > limit {
		return health.Warned("the container may use %d MB and GOMEMLIMIT does not say so: the program may be killed where it could have collected garbage", limit>>20)
	}
	return health.Passed(fmt.Sprintf("%d MB", limit>>20))
}

// fileModes looks whether others can read what is ours.
func fileModes(settings, dataDir, database string) health.Check {
	return health.Check{Name: "files:modes", Title: "File permissions", Category: health.Configuration, Deep: true,
		Fix: "chmod 0600 for the file, chmod 0700 for the directory", Run: func(context.Context) health.Result {
			var open []string
			look := func(path string, most os.FileMode) {
				if info, err := os.Stat(path); err == nil && info.Mode().Perm()&^most != 0 {
					open = append(open, fmt.Sprintf("%s has %04o", path, info.Mode().Perm()))
				}
			}
			if settings != "" {
				look(settings, 0o644) // it holds references, no secrets; but nobody else may write it
			}
			if path, ok := sqlitePath(database); ok {
				look(path, 0o600)
			}
			if dataDir != "" {
				look(dataDir, 0o755)
			}
			if len(open) > 0 {
				return health.Warned("%s", strings.Join(open, "; "))
			}
			return health.Passed("settings and data are closed to others")
		}}
}

// literalKeys looks for keys of model providers in the settings file, wherever
// they stand: also in a comment they would travel with every copy.
func (a *App) literalKeys() health.Result {
	if a.opt.Settings.File == "" {
		return health.Passed("there is no settings file")
	}
	raw, err := os.ReadFile(a.opt.Settings.File)
	if err != nil {
		return health.Skipped("the settings file cannot be read: %v", err)
	}
	key := regexp.MustCompile(`\b(sk-[A-Za-z0-9_-]{16,}|anthropic-[A-Za-z0-9_-]{16,})`)
	for n, line := range strings.Split(string(raw), "\n") {
		if key.MatchString(line) {
			return health.Failed("line %d of %s holds what looks like the key of a model provider", n+1, a.opt.Settings.File)
		}
	}
	return health.Passed("no key stands in " + a.opt.Settings.File)
}
