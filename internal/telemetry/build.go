package telemetry

import "runtime/debug"

// Build tells which program is running.
type Build struct {
	Version string `json:"version"`    // release name, or "devel" for a build from a work tree
	Commit  string `json:"commit"`     // revision it was built from, "" when the build did not record one
	Go      string `json:"go_version"` // tool chain
}

// ReadBuild returns what the Go linker recorded about this binary. version,
// when not empty, is the release name stamped by the build and wins.
func ReadBuild(version string) Build {
	b := Build{Version: version}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.Go = info.GoVersion
		if b.Version == "" && info.Main.Version != "(devel)" {
			b.Version = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				b.Commit = s.Value
			}
		}
	}
	if b.Version == "" {
		b.Version = "devel"
	}
	return b
}
