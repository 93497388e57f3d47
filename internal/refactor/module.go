package refactor

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// Module is a Go module as its files describe it. All paths are slash-separated
// and relative to Root; "." is the root package.
type Module struct {
	Root     string              // absolute directory of go.mod
	Path     string              // module path
	Go       string              // go directive, "" when absent
	Files    []*File             // every .go file of a package, sorted by path
	Packages map[string]*Package // by directory
	Nested   []string            // directories of modules below this one
	Linked   []*Module           // other modules of the repository that build against this source
	Broken   []error             // files that do not parse

	fset *token.FileSet
	mod  *modfile.File
}

// File is one parsed Go file.
type File struct {
	Path      string // below the root of its module
	Dir       string // directory of Path
	Src       []byte
	AST       *ast.File
	Test      bool // name ends in _test.go
	Generated bool // carries the "Code generated … DO NOT EDIT." line
	Lines     int
}

// Package is one directory with Go files.
type Package struct {
	Dir   string
	Path  string // import path
	Name  string // package clause of its non-test files, "main" for a command
	Files []*File
}

// errNotModule is returned by Open for a directory outside any module.
var errNotModule = errors.New("no go.mod here or above it: the refactoring tools work on Go modules only")

// Open reads the module that holds dir. Files that do not parse are listed in
// Broken; everything that changes files refuses such a module.
func Open(dir string) (*Module, error) {
	root, err := findRoot(dir)
	if err != nil {
		return nil, err
	}
	m, err := openRoot(root)
	if err != nil {
		return nil, err
	}
	if m.Linked, err = linkedModules(m); err != nil {
		return nil, err
	}
	return m, nil
}

func findRoot(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("finding %s: %w", dir, err)
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return "", fmt.Errorf("finding the module: %w", err)
	}
	for d := abs; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			return d, nil
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("%s: %w", dir, errNotModule)
		}
	}
}

func openRoot(root string) (*Module, error) {
	name := filepath.Join(root, "go.mod")
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the module file: %w", err)
	}
	mod, err := parseMod(name, data)
	if err != nil {
		return nil, fmt.Errorf("reading the module file: %w", err)
	}
	if mod.Module == nil {
		return nil, fmt.Errorf("%s has no module line", name)
	}
	m := &Module{Root: root, Path: mod.Module.Mod.Path, mod: mod, fset: token.NewFileSet(), Packages: map[string]*Package{}}
	if mod.Go != nil {
		m.Go = mod.Go.Version
	}
	paths, err := m.goFiles()
	if err != nil {
		return nil, err
	}
	m.parse(paths)
	m.gather()
	return m, nil
}

// parseMod reads a go.mod whole where it can: the lax parser, kept for files of
// newer Go releases, drops replace directives.
func parseMod(name string, data []byte) (*modfile.File, error) {
	if mod, err := modfile.Parse(name, data, nil); err == nil {
		return mod, nil
	}
	return modfile.ParseLax(name, data, nil)
}

// ignoredDir reports whether the go command does not look into a directory.
func ignoredDir(name string) bool {
	return name == "testdata" || name == "vendor" || strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".")
}

// goFiles lists the .go files the go command would see, under any build tags.
func (m *Module) goFiles() ([]string, error) {
	var out []string
	err := filepath.WalkDir(m.Root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := m.rel(p)
		switch {
		case d.IsDir() && rel != "." && ignoredDir(d.Name()):
			return fs.SkipDir
		case d.IsDir() && rel != "." && isFile(filepath.Join(p, "go.mod")):
			m.Nested = append(m.Nested, rel)
			return fs.SkipDir
		case d.Type().IsRegular() && strings.HasSuffix(p, ".go") && !strings.HasPrefix(d.Name(), "_") && !strings.HasPrefix(d.Name(), "."):
			out = append(out, rel)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing the files of %s: %w", m.Root, err)
	}
	return out, nil
}

func (m *Module) rel(p string) string {
	r, err := filepath.Rel(m.Root, p)
	if err != nil {
		return p
	}
	return filepath.ToSlash(r)
}

// abs is the file-system name of a path below the root.
func (m *Module) abs(rel string) string { return filepath.Join(m.Root, filepath.FromSlash(rel)) }

// importPath is the import path of a directory.
func (m *Module) importPath(dir string) string {
	if dir == "." {
		return m.Path
	}
	return m.Path + "/" + dir
}

// dirOf is the directory of an import path of this module.
func (m *Module) dirOf(importPath string) (string, bool) {
	if importPath == m.Path {
		return ".", true
	}
	dir, ok := strings.CutPrefix(importPath, m.Path+"/")
	return dir, ok
}

// gather builds the packages out of the files.
func (m *Module) gather() {
	for _, f := range m.Files {
		p := m.Packages[f.Dir]
		if p == nil {
			p = &Package{Dir: f.Dir, Path: m.importPath(f.Dir)}
			m.Packages[f.Dir] = p
		}
		p.Files = append(p.Files, f)
	}
	for _, p := range m.Packages {
		p.Name = packageName(p.Files)
	}
}

// packageName is the name most non-test files carry that no build tag excludes
// for good; a directory of tests alone has the name of its tests.
func packageName(files []*File) string {
	votes := map[string]int{}
	for _, f := range files {
		name, weight := f.AST.Name.Name, 4
		if f.Test {
			name, weight = strings.TrimSuffix(name, "_test"), 1
		}
		if name == "documentation" || alwaysIgnored(f) {
			weight = 0
		}
		votes[name] += weight
	}
	best := ""
	for name, n := range votes {
		if best == "" || n > votes[best] || n == votes[best] && name < best {
			best = name
		}
	}
	return best
}

// alwaysIgnored reports whether the file is a script marked //go:build ignore.
func alwaysIgnored(f *File) bool {
	for _, g := range f.AST.Comments {
		if g.Pos() > f.AST.Package {
			return false
		}
		for _, c := range g.List {
			if t := strings.TrimSpace(c.Text); t == "//go:build ignore" || t == "// +build ignore" {
				return true
			}
		}
	}
	return false
}

// dirs lists the package directories, sorted.
func (m *Module) dirs() []string {
	out := make([]string, 0, len(m.Packages))
	for d := range m.Packages {
		out = append(out, d)
	}
	slices.Sort(out)
	return out
}

// isFile reports whether a regular file of that name exists.
func isFile(name string) bool {
	st, err := os.Stat(name)
	return err == nil && st.Mode().IsRegular()
}

// within reports whether p is dir or lies below it.
func within(p, dir string) bool {
	return dir == "." || p == dir || strings.HasPrefix(p, dir+"/")
}

// base is the last element of a directory.
func base(dir string) string { return path.Base(dir) }
