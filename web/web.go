// Package web is the operators' console: TypeScript sources and a few vendored modules, bundled by esbuild inside the process.
//
// Nothing built is stored in the repository and nothing is fetched when the server runs: [Bundle] compiles the embedded
// sources in memory when the server starts, names every file by its content, compresses it once, and [Assets.Handler] serves
// it with a content security policy that allows no inline script, no inline style and no other origin.
package web

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed src vendor
var embedded embed.FS

// Source returns the embedded sources of the console: the folders src and vendor.
func Source() fs.FS { return embedded }

// MustBundle is Bundle of the embedded sources for start-up code; it panics when they do not compile, which the tests of this
// package make impossible in a released binary.
func MustBundle() *Assets {
	a, err := Bundle(nil)
	if err != nil {
		panic(fmt.Errorf("bundle the console: %w", err))
	}
	return a
}
