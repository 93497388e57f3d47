//go:build !unix

package retrieve

import (
	"fmt"
	"os"
	"path/filepath"
)

// dirOf is the folder a file stands in.
func dirOf(name string) string { return filepath.Dir(name) }

// OpenFile reads an index file.
func OpenFile(name string) (*Index, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("open the index: %w", err)
	}
	x, err := Open(data)
	if err != nil {
		return nil, fmt.Errorf("open the index %s: %w", name, err)
	}
	return x, nil
}
