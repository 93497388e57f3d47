package refactor

import (
	"context"
	"fmt"
	"strings"
)

// Update is a planned change of imports from one package to another.
type Update struct {
	Old   string   `json:"old"` // import paths
	New   string   `json:"new"`
	Files []string `json:"import_updates"`
	Kept  []string `json:"kept_names"`

	mod    *Module
	writes []fileWrite
}

// PlanUpdate works out the edits that make a module import new where it imports
// old. The two packages must offer the same names, as a shim and its target do,
// or as the same package does before and after its move in another module. The
// package names are asked of the go command for packages outside the module.
func PlanUpdate(ctx context.Context, m *Module, old, to string, opt MoveOptions) (*Update, error) {
	if len(m.Broken) > 0 {
		return nil, refuse("%d files do not parse (first: %v)", len(m.Broken), m.Broken[0])
	}
	toName, err := m.nameOf(ctx, to)
	if err != nil {
		return nil, refuse("%s cannot be imported here: %v", to, err)
	}
	oldName, err := m.nameOf(ctx, old)
	if err != nil {
		// The old package may be gone already; callers then wrote its usual name.
		oldName = lastName(old)
	}
	r := &renaming{mod: &Module{}, paths: map[string]string{old: to}, oldPath: old, oldName: oldName, newName: toName}
	u := &Update{Old: old, New: to, Files: []string{}, Kept: []string{}, mod: m}
	var why refusals
	for _, f := range m.Files {
		if m.importPath(f.Dir) == to || !importsPath(f, old) {
			continue
		}
		if f.Generated && !opt.AllowGenerated {
			why.add("%s is generated: change its generator, and allow the edit with --allow-generated", f.Path)
		}
		if !visible(m.importPath(f.Dir), to) {
			why.add("%s may not import %s: it is internal to another tree", f.Path, to)
		}
		edits, kept := r.fileEdits(m, f)
		now, err := editGo(f.Src, edits)
		if err != nil {
			return nil, fmt.Errorf("editing %s: %w", f.Path, err)
		}
		u.Files = append(u.Files, f.Path)
		if kept {
			u.Kept = append(u.Kept, f.Path)
		}
		u.writes = append(u.writes, fileWrite{m.abs(f.Path), f.Src, now})
	}
	return u, why.err()
}

func importsPath(f *File, p string) bool {
	for _, spec := range f.AST.Imports {
		if strings.Trim(spec.Path.Value, "\"`") == p {
			return true
		}
	}
	return false
}

// nameOf is the package name behind an import path.
func (m *Module) nameOf(ctx context.Context, importPath string) (string, error) {
	if dir, ok := m.dirOf(importPath); ok && m.Packages[dir] != nil {
		return m.Packages[dir].Name, nil
	}
	out, err := goCommand(ctx, m.Root, "list", "-f", "{{.Name}}", importPath)
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, strings.TrimSpace(out))
	}
	return strings.TrimSpace(out), nil
}

// ApplyUpdate makes the edits as one commit, compile-checked and undone whole on
// failure. It returns the commit, "" when no file imports the old path.
func ApplyUpdate(ctx context.Context, u *Update, opt MoveOptions) (string, error) {
	if len(u.writes) == 0 {
		return "", nil
	}
	rec := Record{Kind: "update-imports", Old: u.Old, New: u.New, Packages: map[string]string{u.Old: u.New}}
	return commitFiles(ctx, u.mod, u.writes, rec, fmt.Sprintf("Import %s instead of %s", u.New, u.Old), opt)
}
