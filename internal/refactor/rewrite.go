package refactor

import (
	"go/ast"
	"go/token"
	"path"
	"strconv"
	"strings"
)

// renaming is what a move changes in the world of import paths.
type renaming struct {
	mod      *Module
	paths    map[string]string // import path before → after, for every package moved
	oldDir   string            // directory moved, in mod
	newDir   string
	oldPath  string // import path of oldDir
	oldName  string // package name of oldDir
	newName  string // equal to oldName when the name stays
	declared map[*Module]map[string]map[string]bool
	exists   func(rel string) bool // whether a path of mod exists before the move
}

// fileEdits returns the edits one file needs, and whether a qualifier had to be
// kept by an explicit import name.
func (r *renaming) fileEdits(in *Module, f *File) (edits []Edit, kept bool) {
	x := &fileRewrite{r: r, in: in, f: f, tok: in.fset.File(f.AST.FileStart)}
	x.clause()
	for _, spec := range f.AST.Imports {
		x.imported(spec)
	}
	x.comments()
	return x.edits, x.kept
}

// fileRewrite collects the edits of one file.
type fileRewrite struct {
	r      *renaming
	in     *Module
	f      *File
	tok    *token.File
	edits  []Edit
	kept   bool
	rename bool // qualifiers of this file are renamed
}

func (x *fileRewrite) offset(p token.Pos) int { return x.tok.Offset(p) }

func (x *fileRewrite) replace(from, to token.Pos, text string) {
	x.edits = append(x.edits, Edit{x.offset(from), x.offset(to), text})
}

// clause renames the package clause of the files moved.
func (x *fileRewrite) clause() {
	if x.in != x.r.mod || x.f.Dir != x.r.oldDir || x.r.oldName == x.r.newName {
		return
	}
	id := x.f.AST.Name
	switch id.Name {
	case x.r.oldName:
		x.replace(id.Pos(), id.End(), x.r.newName)
		x.docSentence()
	case x.r.oldName + "_test":
		x.replace(id.Pos(), id.End(), x.r.newName+"_test")
	}
}

// docSentence renames the package in "// Package old …", if that is how the
// package comment starts.
func (x *fileRewrite) docSentence() {
	if x.f.AST.Doc == nil {
		return
	}
	c := x.f.AST.Doc.List[0]
	raw := rawComment(x.f.Src, x.offset(c.Pos()))
	_, after, ok := strings.Cut(raw, "Package "+x.r.oldName)
	if !ok || strings.TrimSpace(raw[2:strings.Index(raw, "Package ")]) != "" || startsWithWord(after) {
		return
	}
	at := x.offset(c.Pos()) + strings.Index(raw, "Package ") + len("Package ")
	x.edits = append(x.edits, Edit{at, at + len(x.r.oldName), x.r.newName})
}

// imported rewrites one import and, when the name of the package changes, the
// qualifiers that refer to it.
func (x *fileRewrite) imported(spec *ast.ImportSpec) {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return
	}
	to, ok := x.r.paths[p]
	if !ok {
		return
	}
	text := strconv.Quote(to)
	if p == x.r.oldPath && x.r.oldName != x.r.newName && spec.Name == nil {
		if x.safe() {
			x.rename = true
			x.qualifiers()
		} else {
			text = x.r.oldName + " " + text
			x.kept = true
		}
	}
	x.replace(spec.Path.Pos(), spec.Path.End(), text)
}

// safe reports whether old can become new in this file: the new name occurs
// nowhere in it but as a selector, no file of its package declares it at the top,
// and no dot import could bring it in.
func (x *fileRewrite) safe() bool {
	name := x.r.newName
	if x.r.declares(x.in, x.f.Dir, name) {
		return false
	}
	for _, spec := range x.f.AST.Imports {
		if spec.Name != nil && spec.Name.Name == "." && ast.IsExported(name) {
			return false
		}
	}
	return !mentions(x.f.AST, name)
}

// mentions reports whether the identifier occurs in the file other than as the
// selected part of x.name or as the package clause.
func mentions(file *ast.File, name string) bool {
	found := false
	selected := map[*ast.Ident]bool{file.Name: true}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			selected[n.Sel] = true
		case *ast.Ident:
			found = found || n.Name == name && !selected[n]
		}
		return !found
	})
	return found
}

// declares reports whether any file of the directory declares name at the top.
func (r *renaming) declares(in *Module, dir, name string) bool {
	if r.declared == nil {
		r.declared = map[*Module]map[string]map[string]bool{}
	}
	if r.declared[in] == nil {
		r.declared[in] = map[string]map[string]bool{}
	}
	names := r.declared[in][dir]
	if names == nil {
		names = map[string]bool{}
		for _, f := range in.Packages[dir].Files {
			for n := range f.AST.Scope.Objects {
				names[n] = true
			}
		}
		r.declared[in][dir] = names
	}
	return names[name]
}

// qualifiers renames old.X to new.X where old is the package: the parser leaves
// Obj nil exactly for names that nothing in the file declares.
func (x *fileRewrite) qualifiers() {
	ast.Inspect(x.f.AST, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if id, ok := sel.X.(*ast.Ident); ok && id.Obj == nil && id.Name == x.r.oldName {
			x.replace(id.Pos(), id.End(), x.r.newName)
		}
		return true
	})
}

// newDirOf is where a directory of the module lies after the move.
func (r *renaming) newDirOf(dir string) string {
	if rest, ok := strings.CutPrefix(dir, r.oldDir); ok && (rest == "" || rest[0] == '/') {
		return r.newDir + rest
	}
	return dir
}

// retarget rewrites a relative path written in a file of dir so that it names
// the same file after the move. Paths that name nothing are left alone.
func (r *renaming) retarget(dir, rel string) string {
	target := path.Join(dir, rel)
	if target == ".." || strings.HasPrefix(target, "../") || !r.exists(target) {
		return rel
	}
	now, was := r.newDirOf(target), path.Clean(rel)
	got := relative(r.newDirOf(dir), now)
	if got == was {
		return rel
	}
	if strings.HasPrefix(rel, "./") && !strings.HasPrefix(got, ".") {
		got = "./" + got
	}
	if strings.HasSuffix(rel, "/") {
		got += "/"
	}
	return got
}

// relative is the path from one directory to another path of the module.
func relative(from, to string) string {
	if from == "." {
		return to
	}
	a, b := strings.Split(from, "/"), strings.Split(to, "/")
	if to == "." {
		b = nil
	}
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	out := strings.Repeat("../", len(a)) + strings.Join(b, "/")
	if out == "" {
		return "."
	}
	return strings.TrimSuffix(out, "/")
}
