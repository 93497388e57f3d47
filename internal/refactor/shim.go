package refactor

import (
	"bytes"
	"context"
	"fmt"
	"go/ast"
	"go/format"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Shim is a package that only forwards to another.
type Shim struct {
	Dir string `json:"directory"`
	Old string `json:"old"` // its import path
	New string `json:"new"` // what it forwards to
}

// shimMark is the directive by which a forwarding package is found again.
const shimMark = "//resync:shim "

// FindShims lists the forwarding packages of the module.
func FindShims(m *Module) []Shim {
	out := []Shim{}
	for _, d := range m.dirs() {
		for _, f := range m.Packages[d].Files {
			for _, g := range f.AST.Comments {
				for _, c := range g.List {
					if to, ok := strings.CutPrefix(c.Text, shimMark); ok && c.Pos() < f.AST.Package {
						out = append(out, Shim{Dir: d, Old: m.importPath(d), New: strings.TrimSpace(to)})
					}
				}
			}
		}
	}
	return out
}

// ShimPlan is a forwarding package that is about to be written.
type ShimPlan struct {
	Shim
	Name     string   `json:"name"`     // its package name
	Forwards int      `json:"forwards"` // exported names
	Files    []string `json:"files"`
	Warnings []string `json:"warnings"` // names that cannot be forwarded exactly

	mod    *Module
	writes []fileWrite
}

// PlanShim works out the package at old (a directory without Go files) that
// forwards every exported name to the package at to: types as aliases, constants
// and functions marked //go:fix inline, so that `go fix` moves callers over, and
// variables as copies, which is warned about. name is the package name callers
// know; "" takes the directory's. One file is written per source file, with its
// build constraints.
func PlanShim(m *Module, old, to, name string) (*ShimPlan, error) {
	oldDir, err := m.directory(old)
	if err != nil {
		return nil, err
	}
	newDir, err := m.directory(to)
	if err != nil {
		return nil, err
	}
	var why refusals
	target := m.Packages[newDir]
	switch {
	case len(m.Broken) > 0:
		why.add("%d files do not parse (first: %v)", len(m.Broken), m.Broken[0])
	case target == nil:
		why.add("%s holds no Go package to forward to", newDir)
	case target.Name == "main":
		why.add("%s is a command: nothing can import it, so nothing needs a shim", newDir)
	case m.Packages[oldDir] != nil:
		why.add("%s still holds a package: move it first", oldDir)
	case slices.ContainsFunc(strings.Split(oldDir, "/"), ignoredDir):
		why.add("the go command does not look into %s", oldDir)
	case !visible(m.importPath(oldDir), target.Path):
		why.add("%s may not import %s: it is internal to another tree", oldDir, target.Path)
	}
	if name == "" && target != nil {
		if name = lastName(oldDir); !token.IsIdentifier(name) {
			name = target.Name
		}
	}
	if err := why.err(); err != nil {
		return nil, err
	}
	p := &ShimPlan{mod: m, Shim: Shim{oldDir, m.importPath(oldDir), target.Path}, Name: name, Files: []string{}, Warnings: []string{}}
	return p, p.fill(target)
}

func (p *ShimPlan) fill(target *Package) error {
	taken := map[string]bool{}
	for _, f := range target.Files {
		if f.Test || f.AST.Name.Name != target.Name || alwaysIgnored(f) {
			continue
		}
		s := &shimFile{plan: p, f: f, target: target}
		text, err := s.text()
		if err != nil {
			return err
		}
		if text == nil {
			continue
		}
		rel := path.Join(p.Dir, path.Base(f.Path))
		taken[rel] = true
		p.add(rel, text)
	}
	doc := path.Join(p.Dir, "doc.go")
	if taken[doc] {
		doc = path.Join(p.Dir, "shim_doc.go")
	}
	p.add(doc, fmt.Appendf(nil, "// Package %s forwards to [%s].\n//\n// Deprecated: use [%s]; go fix moves callers over.\n%s%s\npackage %s\n", p.Name, p.New, p.New, shimMark, p.New, p.Name))
	return nil
}

func (p *ShimPlan) add(rel string, text []byte) {
	p.Files = append(p.Files, rel)
	p.writes = append(p.writes, fileWrite{name: p.mod.abs(rel), now: text})
}

// shimFile writes the counterpart of one source file.
type shimFile struct {
	plan    *ShimPlan
	f       *File
	target  *Package
	pkg     string // import name of the target
	imports map[string]bool
	out     bytes.Buffer
}

// text is the file, or nil when the source exports nothing.
func (s *shimFile) text() ([]byte, error) {
	s.pkg = s.freeName()
	s.imports = map[string]bool{}
	for _, d := range s.f.AST.Decls {
		var err error
		switch d := d.(type) {
		case *ast.FuncDecl:
			err = s.function(d)
		case *ast.GenDecl:
			err = s.general(d)
		}
		if err != nil {
			return nil, err
		}
	}
	if s.out.Len() == 0 {
		return nil, nil
	}
	var b bytes.Buffer
	for _, g := range s.f.AST.Comments {
		for _, c := range g.List {
			if c.Pos() < s.f.AST.Package && (strings.HasPrefix(c.Text, "//go:build ") || strings.HasPrefix(c.Text, "// +build ")) {
				fmt.Fprintln(&b, c.Text)
			}
		}
	}
	fmt.Fprintf(&b, "\npackage %s\n\nimport (\n", s.plan.Name)
	for _, line := range sortedKeys(s.imports) {
		fmt.Fprintf(&b, "\t%s\n", line)
	}
	name := ""
	if s.pkg != s.target.Name || s.pkg != base(s.target.Dir) {
		name = s.pkg + " "
	}
	fmt.Fprintf(&b, "\n\t%s%q\n)\n%s", name, s.plan.New, s.out.String())
	text, err := format.Source(bytes.TrimLeft(b.Bytes(), "\n"))
	if err != nil {
		return nil, fmt.Errorf("writing the shim of %s: %w", s.f.Path, err)
	}
	return text, nil
}

// freeName is an import name for the target that nothing in the file uses.
func (s *shimFile) freeName() string {
	for _, n := range []string{s.target.Name, "moved", "forward"} {
		if !mentions(s.f.AST, n) && n != s.plan.Name {
			return n
		}
	}
	if !mentions(s.f.AST, s.target.Name) {
		return s.target.Name
	}
	return "moved_" + s.target.Name
}

// general forwards types, constants and variables.
func (s *shimFile) general(d *ast.GenDecl) error {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() {
				if err := s.alias(spec); err != nil {
					return err
				}
			}
		case *ast.ValueSpec:
			for _, n := range spec.Names {
				if n.IsExported() {
					s.value(d.Tok, n.Name)
				}
			}
		}
	}
	return nil
}

func (s *shimFile) value(tok token.Token, name string) {
	s.plan.Forwards++
	if tok == token.CONST {
		fmt.Fprintf(&s.out, "\n//go:fix inline\nconst %s = %s.%s\n", name, s.pkg, name)
		return
	}
	s.plan.Warnings = append(s.plan.Warnings, fmt.Sprintf("%s is a variable: the shim has a copy of its value at start-up, and go fix does not move its users", name))
	fmt.Fprintf(&s.out, "\n// %s is a copy made at start-up: later assignments to the original are not seen.\nvar %s = %s.%s\n", name, name, s.pkg, name)
}

func (s *shimFile) alias(spec *ast.TypeSpec) error {
	s.plan.Forwards++
	params, args, ok := s.typeParams(spec.TypeParams)
	if !ok {
		return refuse("type %s cannot be forwarded: its type parameters need unexported names of %s", spec.Name.Name, s.target.Path)
	}
	if params != "" && !atLeast(s.plan.mod.Go, 1, 24) {
		return refuse("type %s is generic, and an alias with type parameters needs go 1.24 in go.mod (it says %q)", spec.Name.Name, s.plan.mod.Go)
	}
	fmt.Fprintf(&s.out, "\n//go:fix inline\ntype %s%s = %s.%s%s\n", spec.Name.Name, params, s.pkg, spec.Name.Name, args)
	return nil
}

// atLeast compares a go directive with a version.
func atLeast(directive string, major, minor int) bool {
	parts := strings.SplitN(directive, ".", 3)
	if len(parts) < 2 {
		return false
	}
	a, err := strconv.Atoi(parts[0])
	b, err2 := strconv.Atoi(strings.TrimRight(parts[1], "abcdefghijklmnopqrstuvwxyz"))
	return err == nil && err2 == nil && (a > major || a == major && b >= minor)
}

// fileWrite is a file to be written; was is nil for a new one.
type fileWrite struct {
	name     string
	was, now []byte
}

// WriteShim writes a planned forwarding package as one commit, compile-checked
// and undone whole on failure. It returns the commit.
func WriteShim(ctx context.Context, p *ShimPlan, opt MoveOptions) (string, error) {
	rec := Record{Kind: "shims", Old: p.Dir, New: p.New, Packages: map[string]string{p.Old: p.New}}
	return commitFiles(ctx, p.mod, p.writes, rec, fmt.Sprintf("Add a deprecated shim at %s", p.Dir), opt)
}
