package refactor

import (
	"go/token"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/module"
)

// checkPlaces refuses what the two directories alone make impossible.
func (m *Module) checkPlaces(old, to string, why *refusals) {
	if len(m.Broken) > 0 {
		why.add("%d files do not parse (first: %v)", len(m.Broken), m.Broken[0])
	}
	for _, l := range m.Linked {
		if len(l.Broken) > 0 {
			why.add("%d files of the module %s, which builds against this one, do not parse (first: %v)", len(l.Broken), l.Path, l.Broken[0])
		}
	}
	switch {
	case old == to:
		why.add("%s is already there", old)
	case old == ".":
		why.add("the root package cannot be moved: its import path is the module's")
	case to == ".":
		why.add("the root of the module is taken: every package below it would have to move")
	case strings.EqualFold(old, to):
		why.add("%s and %s differ in upper and lower case only: file systems that ignore case cannot hold the step; go through a third name", old, to)
	case within(to, old):
		why.add("%s lies inside %s: a directory cannot be moved into itself", to, old)
	}
	for _, p := range []struct{ dir, what string }{{old, "moved"}, {to, "moved to"}} {
		for el := range strings.SplitSeq(p.dir, "/") {
			if el == "vendor" {
				why.add("%s is a vendored tree, which belongs to go mod vendor: it cannot be %s", p.dir, p.what)
			} else if el != "." && ignoredDir(el) {
				why.add("%s cannot be %s: the go command does not look into %s", p.dir, p.what, el)
			}
		}
	}
	if len(*why) > 0 {
		return
	}
	if st, err := os.Lstat(m.abs(old)); err != nil || !st.IsDir() {
		why.add("there is no directory %s in %s", old, m.Root)
	} else if !slices.ContainsFunc(m.dirs(), func(d string) bool { return within(d, old) }) {
		why.add("%s holds no Go package", old)
	}
	if _, err := os.Lstat(m.abs(to)); err == nil {
		why.add("%s exists already: choose a place that is free", to)
	}
	for d := path.Dir(to); d != "."; d = path.Dir(d) {
		if isFile(m.abs(d)) {
			why.add("%s is a file: %s cannot lie below it", d, to)
		}
	}
	m.checkNested(old, to, why)
	if err := module.CheckImportPath(m.importPath(to)); err != nil {
		why.add("%s is no valid import path: %v", to, err)
	}
}

// checkNested refuses moves across the border of another module.
func (m *Module) checkNested(old, to string, why *refusals) {
	for _, n := range m.Nested {
		switch {
		case within(n, old):
			why.add("%s holds another module (%s/go.mod): moving it would change that module's path", old, n)
		case within(old, n):
			why.add("%s belongs to the nested module in %s: run the command there", old, n)
		case within(to, n):
			why.add("%s lies in the nested module in %s: a package cannot change modules by a move", to, n)
		}
	}
}

// checkNames refuses clashes of names at the new place.
func (mv *Move) checkNames(files []string, why *refusals) {
	if len(mv.Files) == 0 {
		why.add("git tracks no file in %s: commit it first", mv.Old)
	}
	seen := map[string]bool{}
	for _, f := range files {
		if within(f, mv.New) {
			seen[mv.New] = true
		}
		for d := path.Dir(f); d != "."; d = path.Dir(d) {
			if within(d, mv.Old) || seen[d] {
				continue
			}
			for to := mv.New; to != "."; to = path.Dir(to) {
				if d != to && strings.EqualFold(d, to) {
					seen[d] = true
					why.add("%s exists and differs from %s in upper and lower case only", d, to)
				}
			}
		}
	}
}

// newPackageName is the package name at the new place.
func newPackageName(mv *Move, asked string, why *refusals) string {
	if asked != "" {
		if !token.IsIdentifier(asked) || asked == "_" || strings.HasSuffix(asked, "_test") {
			why.add("%q is no package name", asked)
		}
		if mv.OldName == "" || mv.OldName == "main" {
			why.add("--name does not apply: %s is no importable package", mv.Old)
		}
		return asked
	}
	name := lastName(mv.New)
	usable := token.IsIdentifier(name) && name != "_" && name != "main" && name != "init" && !strings.HasSuffix(name, "_test")
	if mv.OldName == "" || mv.OldName == "main" || mv.OldName != lastName(mv.Old) || !usable {
		return mv.OldName
	}
	return name
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// lastName is the directory name a package is usually called by: v2 is skipped.
func lastName(dir string) string {
	if majorVersion.MatchString(base(dir)) {
		return base(path.Dir(dir))
	}
	return base(dir)
}

// visible reports whether importer may import p by the rule of internal.
func visible(importer, p string) bool {
	i := strings.LastIndex("/"+p+"/", "/internal/")
	if i < 0 {
		return true
	}
	parent := strings.Trim(("/" + p)[:i], "/")
	return importer == parent || strings.HasPrefix(importer, parent+"/") || parent == ""
}

// checkVisibility refuses a move that an internal directory forbids, and one
// that would publish or hide a package unless that is allowed.
func (mv *Move) checkVisibility(opt MoveOptions, why *refusals) {
	after := func(p string) string {
		if to, ok := mv.Packages[p]; ok {
			return to
		}
		return p
	}
	seen := map[string]bool{}
	for _, m := range append([]*Module{mv.mod}, mv.mod.Linked...) {
		for _, f := range m.Files {
			importer := after(m.importPath(f.Dir))
			for _, spec := range f.AST.Imports {
				p, err := strconv.Unquote(spec.Path.Value)
				if err != nil || p == "C" || visible(importer, after(p)) || seen[importer+" "+p] {
					continue
				}
				seen[importer+" "+p] = true
				why.add("%s imports %s, which would be internal to another tree (%s imports %s)", f.Path, p, importer, after(p))
			}
		}
	}
	if opt.AllowVisibility {
		return
	}
	for old, to := range mv.Packages {
		switch was, is := internal(old), internal(to); {
		case !was && is:
			why.add("%s would become internal: other modules could no longer import it (allow it with --allow-internal)", old)
		case was && !is:
			why.add("%s would leave internal and become public API (allow it with --allow-internal)", old)
		}
	}
	slices.Sort(*why)
}

func internal(p string) bool { return strings.Contains("/"+p+"/", "/internal/") }

// checkVendored refuses when vendored code imports what moves: that tree is not
// ours to edit.
func (mv *Move) checkVendored(why *refusals) {
	if _, err := os.Stat(mv.mod.abs("vendor")); err != nil {
		return
	}
	for _, p := range vendoredImporters(mv.mod.abs("vendor"), mv.Packages) {
		why.add("vendored file vendor/%s imports a package that moves", p)
	}
}
