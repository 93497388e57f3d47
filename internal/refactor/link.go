package refactor

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/mod/modfile"
)

// linkedModules finds the other modules of the repository whose builds use the
// source of m: through a replace directive or a go.work that lists both.
func linkedModules(m *Module) ([]*Module, error) {
	top := repositoryTop(m.Root)
	var roots []string
	err := filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != top && ignoredDir(d.Name()) {
			return fs.SkipDir
		}
		if !d.IsDir() && d.Name() == "go.mod" && filepath.Dir(p) != m.Root {
			roots = append(roots, filepath.Dir(p))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking for other modules below %s: %w", top, err)
	}
	work := workspaceDirs(m.Root)
	var out []*Module
	for _, root := range roots {
		if !replaces(root, m) && (!slices.Contains(work, root) || !slices.Contains(work, m.Root)) {
			continue
		}
		l, err := openRoot(root)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

// replaces reports whether the module at root replaces m by its local source.
func replaces(root string, m *Module) bool {
	data, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return false
	}
	mod, err := parseMod("go.mod", data)
	if err != nil {
		return false
	}
	for _, r := range mod.Replace {
		if r.Old.Path == m.Path && modfile.IsDirectoryPath(r.New.Path) && filepath.Join(root, r.New.Path) == m.Root {
			return true
		}
	}
	return false
}

// workspaceDirs lists the modules of the go.work at or above root, if any.
func workspaceDirs(root string) []string {
	for d := root; ; d = filepath.Dir(d) {
		data, err := os.ReadFile(filepath.Join(d, "go.work"))
		if err == nil {
			w, err := modfile.ParseWork("go.work", data, nil)
			if err != nil {
				return nil
			}
			var out []string
			for _, u := range w.Use {
				out = append(out, filepath.Join(d, u.Path))
			}
			return out
		}
		if d == filepath.Dir(d) {
			return nil
		}
	}
}

// repositoryTop is the directory with .git at or above root, or root itself.
func repositoryTop(root string) string {
	for d := root; d != filepath.Dir(d); d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, ".git")); err == nil {
			return d
		}
	}
	return root
}
