package refactor

import (
	"bytes"
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
)

// trackedFiles lists the files git tracks below the module root.
func trackedFiles(ctx context.Context, m *Module) ([]string, error) {
	out, err := gitRepo{m.Root}.run(ctx, "ls-files", "-z")
	if err != nil {
		return nil, refuse("%s is not in a git repository: moves need git to keep history and to be undone", m.Root)
	}
	return strings.FieldsFunc(out, func(r rune) bool { return r == 0 }), nil
}

// compiled reports whether the C and assembly tool chains read such a file.
func compiled(name string) bool {
	return slices.Contains([]string{".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".hxx", ".m", ".s", ".S", ".sx"}, path.Ext(name))
}

// rewriteOther edits C and assembly sources of packages: relative includes, and
// import paths in symbol names (written with U+2215 there).
func (mv *Move) rewriteOther(r *renaming, files []string) error {
	for _, f := range files {
		if !compiled(f) || mv.mod.Packages[path.Dir(f)] == nil && !within(f, mv.Old) {
			continue
		}
		src, err := os.ReadFile(mv.mod.abs(f))
		if err != nil {
			return fmt.Errorf("reading %s: %w", f, err)
		}
		edits := r.cgoEdits(path.Dir(f), string(src), true)
		edits = append(edits, symbolEdits(src, mv.Packages)...)
		if len(edits) == 0 {
			continue
		}
		now, err := applyEdits(src, edits)
		if err != nil {
			return fmt.Errorf("editing %s: %w", f, err)
		}
		mv.change(mv.mod, f, src, now)
	}
	return nil
}

// symbolEdits renames example∕path·Name in assembly.
func symbolEdits(src []byte, paths map[string]string) []Edit {
	var out []Edit
	for old, to := range paths {
		was, now := asmPath(old)+"·", asmPath(to)+"·"
		for i := 0; ; {
			k := bytes.Index(src[i:], []byte(was))
			if k < 0 {
				break
			}
			out = append(out, Edit{i + k, i + k + len(was), now})
			i += k + len(was)
		}
	}
	return out
}

func asmPath(p string) string { return strings.ReplaceAll(p, "/", "∕") }

// rewriteModFiles keeps the tool and ignore lines of go.mod true.
func (mv *Move) rewriteModFiles(why *refusals) error {
	for _, m := range append([]*Module{mv.mod}, mv.mod.Linked...) {
		was, err := os.ReadFile(m.abs("go.mod"))
		if err != nil {
			return fmt.Errorf("reading go.mod: %w", err)
		}
		mod, err := modfile.Parse("go.mod", was, nil)
		if err != nil {
			why.add("go.mod of %s cannot be read whole: %v", m.Path, err)
			continue
		}
		changed := false
		for _, t := range slices.Clone(mod.Tool) {
			if to, ok := mv.Packages[t.Path]; ok {
				if err := errorsOf(mod.DropTool(t.Path), mod.AddTool(to)); err != nil {
					return fmt.Errorf("renaming the tool %s in go.mod: %w", t.Path, err)
				}
				changed = true
			}
		}
		for _, ig := range mod.Ignore {
			if dir := strings.TrimPrefix(ig.Path, "./"); m == mv.mod && within(dir, mv.Old) {
				why.add("go.mod ignores %s, which lies in what moves", ig.Path)
			}
		}
		if !changed {
			continue
		}
		mod.Cleanup()
		now, err := mod.Format()
		if err != nil {
			return fmt.Errorf("writing go.mod: %w", err)
		}
		mv.change(m, "go.mod", was, now)
	}
	return nil
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// vendoredImporters lists the files below dir that import one of the paths.
func vendoredImporters(dir string, paths map[string]string) []string {
	var out []string
	fset := token.NewFileSet()
	_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil // what cannot be read is not compiled either
		}
		f, err := parser.ParseFile(fset, p, nil, parser.ImportsOnly)
		if err != nil {
			return nil
		}
		for _, spec := range f.Imports {
			if ip, err := strconv.Unquote(spec.Path.Value); err == nil && paths[ip] != "" {
				rel, _ := filepath.Rel(dir, p)
				out = append(out, filepath.ToSlash(rel))
			}
		}
		return nil
	})
	return out
}

// warnings lists what a move leaves behind that no edit may touch: import paths
// in string literals, and relative file names in the code moved.
func (mv *Move) warnings(r *renaming) []string {
	var out []string
	for _, m := range append([]*Module{mv.mod}, mv.mod.Linked...) {
		for _, f := range m.Files {
			imports := map[*ast.BasicLit]bool{}
			for _, s := range f.AST.Imports {
				imports[s.Path] = true
			}
			ast.Inspect(f.AST, func(n ast.Node) bool {
				lit, ok := n.(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING || imports[lit] {
					return true
				}
				if text, err := strconv.Unquote(lit.Value); err == nil {
					if w := r.literalWarning(m, f, text); w != "" {
						out = append(out, fmt.Sprintf("%s:%d: %s", m.shown(mv.mod, f.Path), m.fset.Position(lit.Pos()).Line, w))
					}
				}
				return true
			})
		}
	}
	return out
}

func (r *renaming) literalWarning(m *Module, f *File, text string) string {
	if len(pathEdits(text, r.paths)) > 0 {
		return "a string names an import path that moves"
	}
	if m != r.mod || strings.ContainsAny(text, "\n %*") || !strings.Contains(text, "/") || strings.HasPrefix(text, "/") {
		return ""
	}
	if to := r.retarget(f.Dir, text); to != text && path.Clean(text) == text {
		return fmt.Sprintf("a string looks like the relative file name %q, which would now be %q", text, to)
	}
	return ""
}
