package refactor

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// MoveOptions are the choices of a move. The zero value is the careful one.
type MoveOptions struct {
	Name            string // package name at the new place; "" follows the directory if the old one did
	AllowGenerated  bool   // edit files marked "Code generated … DO NOT EDIT."
	AllowVisibility bool   // let a package become, or stop being, internal
	NoCheck         bool   // leave out go build and go vet
	ExactHistory    bool   // always commit the renames by themselves first; without it only when git would lose a file otherwise
	OneCommit       bool   // never do, and name the files git loses
}

// Move is a planned move: everything below Old goes to New. The JSON names are
// those of the contract's .refactor_state.json where it has them.
type Move struct {
	Old      string            `json:"old"` // directories below the module root
	New      string            `json:"new"`
	OldName  string            `json:"old_name"`
	NewName  string            `json:"new_name"`
	Packages map[string]string `json:"packages"`       // import path before → after
	Files    map[string]string `json:"moved_files"`    // tracked file before → after
	Updates  []string          `json:"import_updates"` // files edited, by their path before the move
	Kept     []string          `json:"kept_names"`     // files that keep the old qualifier by an import name
	Warnings []string          `json:"warnings"`       // what no edit can answer for

	mod   *Module
	edits []fileChange
}

// fileChange is the new content of one file, by its name before the move.
type fileChange struct {
	mod  *Module
	path string
	was  []byte
	now  []byte
}

// PlanMove works out a move of a package directory, with everything below it,
// and refuses (with a *Refusal) what would not end in a sound module. Nothing is
// written. old and new are directories below the module root or import paths.
func PlanMove(ctx context.Context, m *Module, old, new string, opt MoveOptions) (*Move, error) {
	mv := &Move{mod: m, Packages: map[string]string{}, Files: map[string]string{}, Updates: []string{}, Kept: []string{}, Warnings: []string{}}
	var err error
	if mv.Old, err = m.directory(old); err != nil {
		return nil, err
	}
	if mv.New, err = m.directory(new); err != nil {
		return nil, err
	}
	var why refusals
	m.checkPlaces(mv.Old, mv.New, &why)
	if err := why.err(); err != nil {
		return nil, err
	}
	files, err := trackedFiles(ctx, m)
	if err != nil {
		return nil, err
	}
	r := mv.renaming(files, opt.Name, &why)
	mv.checkNames(files, &why)
	mv.checkVisibility(opt, &why)
	r.checkEmbeds(files, &why)
	mv.checkVendored(&why)
	if err := why.err(); err != nil {
		return nil, err
	}
	if err := mv.rewrite(r, files, opt, &why); err != nil {
		return nil, err
	}
	mv.Warnings = append(mv.Warnings, mv.warnings(r)...)
	return mv, why.err()
}

// directory turns what the user typed into a directory below the root.
func (m *Module) directory(arg string) (string, error) {
	arg = strings.TrimSuffix(strings.ReplaceAll(arg, "\\", "/"), "/...")
	if dir, ok := m.dirOf(arg); ok {
		return path.Clean(dir), nil
	}
	if path.IsAbs(arg) {
		arg = m.rel(arg)
	}
	d := path.Clean(arg)
	if d == ".." || strings.HasPrefix(d, "../") {
		return "", refuse("%s lies outside the module %s", arg, m.Path)
	}
	return d, nil
}

// renaming fills in packages, names and files of the move.
func (mv *Move) renaming(files []string, name string, why *refusals) *renaming {
	m := mv.mod
	known := map[string]bool{".": true}
	for _, f := range files {
		for d := f; d != "." && !known[d]; d = path.Dir(d) {
			known[d] = true
		}
		if within(f, mv.Old) {
			mv.Files[f] = mv.New + strings.TrimPrefix(f, mv.Old)
		}
	}
	for d, p := range m.Packages {
		if within(d, mv.Old) {
			mv.Packages[p.Path] = m.importPath(mv.New + strings.TrimPrefix(d, mv.Old))
		}
	}
	if p := m.Packages[mv.Old]; p != nil {
		mv.OldName = p.Name
	}
	mv.NewName = newPackageName(mv, name, why)
	return &renaming{
		mod: m, paths: mv.Packages, oldDir: mv.Old, newDir: mv.New, oldPath: m.importPath(mv.Old),
		oldName: mv.OldName, newName: mv.NewName,
		exists: func(rel string) bool { return known[path.Clean(rel)] },
	}
}

// rewrite computes the new content of every file that changes.
func (mv *Move) rewrite(r *renaming, files []string, opt MoveOptions, why *refusals) error {
	var generated []string
	for _, m := range append([]*Module{mv.mod}, mv.mod.Linked...) {
		for _, f := range m.Files {
			edits, kept := r.fileEdits(m, f)
			if len(edits) == 0 {
				continue
			}
			name := m.shown(mv.mod, f.Path)
			now, err := editGo(f.Src, edits)
			if err != nil {
				return fmt.Errorf("editing %s: %w", name, err)
			}
			if string(now) == string(f.Src) {
				continue
			}
			if f.Generated {
				generated = append(generated, name)
			}
			if kept {
				mv.Kept = append(mv.Kept, name)
			}
			mv.change(m, f.Path, f.Src, now)
		}
	}
	if len(generated) > 0 && !opt.AllowGenerated {
		why.add("%d generated files would have to be edited, and their generator would undo it (%s): change the generator's input and allow it with --allow-generated", len(generated), few(generated))
	}
	if err := mv.rewriteOther(r, files); err != nil {
		return err
	}
	return mv.rewriteModFiles(why)
}

func (mv *Move) change(m *Module, p string, was, now []byte) {
	mv.edits = append(mv.edits, fileChange{m, p, was, now})
	mv.Updates = append(mv.Updates, m.shown(mv.mod, p))
}

// shown is the name of a file for people: relative to the module of the move.
func (m *Module) shown(main *Module, p string) string {
	if m == main {
		return p
	}
	return main.rel(m.abs(p))
}

// subpackages lists the packages that come along.
func (mv *Move) subpackages() []string {
	return slices.Sorted(maps.Keys(mv.Packages))
}

// destination is where a file of the plan lies after the move.
func (mv *Move) destination(c fileChange) string {
	if to, ok := mv.Files[c.path]; ok && c.mod == mv.mod {
		return mv.mod.abs(to)
	}
	return c.mod.abs(c.path)
}
