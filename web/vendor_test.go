package web_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestVendorList compares the vendored files with the list of their origins: none unlisted, none missing, none changed.
func TestVendorList(t *testing.T) {
	list, err := os.ReadFile("vendor/VENDOR.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for line := range strings.Lines(string(list)) {
		cells := strings.Split(line, "|")
		if len(cells) < 8 || !strings.Contains(cells[1], ".") {
			continue
		}
		name, version, licence := strings.TrimSpace(cells[1]), strings.TrimSpace(cells[3]), strings.TrimSpace(cells[4])
		if version == "" || licence == "" {
			t.Errorf("%s has no version or licence in VENDOR.md", name)
		}
		listed[filepath.Join("vendor", name)] = strings.TrimSpace(cells[5])
	}
	found := map[string]string{}
	for _, pattern := range []string{"vendor/*", "testdata/axe*"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(text)
			found[name] = hex.EncodeToString(sum[:])
		}
	}
	delete(found, "vendor/VENDOR.md")
	if diff := cmp.Diff(listed, found); diff != "" {
		t.Errorf("VENDOR.md and the files differ (-listed +found):\n%s", diff)
	}
}
