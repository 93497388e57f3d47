package web_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"resync/web"
)

// TestTypes checks the sources with the TypeScript compiler where one is at hand: RESYNC_TSC names a folder in which
// "npm install typescript preact @preact/signals" was run. The bundle itself needs no types.
func TestTypes(t *testing.T) {
	modules := filepath.Join(os.Getenv("RESYNC_TSC"), "node_modules")
	found, err := filepath.Glob(filepath.Join(modules, "@typescript/*/lib/tsc"))
	if os.Getenv("RESYNC_TSC") == "" || err != nil || len(found) == 0 {
		t.Skip("SKIPPED LOUDLY: RESYNC_TSC names no folder with a TypeScript compiler, so the types of the console were not checked")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, web.Source()); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile("tsconfig.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tsconfig.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(found[0], "-p", dir).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
