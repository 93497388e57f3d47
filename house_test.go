package resync_test

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

func TestEveryPackageHasAComment(t *testing.T) {
	h := parseHouse(t)
	commented, files := map[string]bool{}, map[string]int{}
	for _, f := range h.files {
		if strings.HasSuffix(f.ast.Name.Name, "_test") && f.pkg == "." {
			continue
		}
		files[f.pkg]++
		commented[f.pkg] = commented[f.pkg] || (f.ast.Doc != nil && len(f.ast.Doc.Text()) > 20)
	}
	for pkg := range files {
		if !commented[pkg] {
			t.Errorf("package %s has no comment that says what it is", pkg)
		}
	}
}

// selfEvident are methods whose meaning an interface of the standard library
// fixes; a comment would only repeat it.
func selfEvident(method string) bool {
	return slices.Contains([]string{"Error", "Unwrap", "String", "Len", "Less", "Swap", "MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText"}, method)
}

func TestExportedNamesAreDocumented(t *testing.T) {
	h := parseHouse(t)
	for _, f := range h.product() {
		for _, decl := range f.ast.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) && !(d.Recv != nil && selfEvident(d.Name.Name)) {
					t.Errorf("%s: %s has no comment", h.at(d), d.Name.Name)
				}
			case *ast.GenDecl:
				for _, name := range undocumented(d) {
					t.Errorf("%s: %s has no comment", h.at(name), name.Name)
				}
			}
		}
	}
}

// exportedReceiver reports whether a function is reachable from outside: it has
// no receiver or one of an exported type.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	id, _ := root(d.Recv.List[0].Type)
	return id != nil && id.IsExported()
}

// undocumented returns the exported names of a declaration that neither it nor
// their own line comments on.
func undocumented(d *ast.GenDecl) []*ast.Ident {
	var out []*ast.Ident
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && s.Doc == nil && s.Comment == nil && d.Doc == nil {
				out = append(out, s.Name)
			}
		case *ast.ValueSpec:
			for _, n := range s.Names {
				if n.IsExported() && s.Doc == nil && s.Comment == nil && d.Doc == nil {
					out = append(out, n)
				}
			}
		}
	}
	return out
}

// root strips selectors, indexes, pointers and parentheses from an expression
// and returns the identifier it starts with, and whether anything was stripped.
func root(e ast.Expr) (*ast.Ident, bool) {
	stripped := false
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x, stripped
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil, stripped
		}
		stripped = true
	}
}

func TestNoInitFunctions(t *testing.T) {
	h := parseHouse(t)
	for _, f := range h.files {
		for _, decl := range f.ast.Decls {
			if d, ok := decl.(*ast.FuncDecl); ok && d.Recv == nil && d.Name.Name == "init" {
				t.Errorf("%s: init runs behind the reader's back; call a constructor", h.at(d))
			}
		}
	}
}

// panics are functions that may panic although their name does not start with
// Must: "package.Function" → why nothing else is possible there.
func panics() map[string]string {
	return map[string]string{
		"internal/api.recovered": "passes on http.ErrAbortHandler, the server's own way to drop a connection",
	}
}

func TestPanicAndExitStayAtTheStart(t *testing.T) {
	h, allowed := parseHouse(t), panics()
	for _, f := range h.product() {
		for _, decl := range f.ast.Decls {
			d, ok := decl.(*ast.FuncDecl)
			if !ok || d.Body == nil {
				continue
			}
			name := f.pkg + "." + d.Name.Name
			may := strings.HasPrefix(strings.ToLower(d.Name.Name), "must") || allowed[name] != ""
			ast.Inspect(d.Body, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				if id, ok := call.Fun.(*ast.Ident); ok && id.Name == "panic" && id.Obj == nil && !may && !dropsConnection(call) {
					t.Errorf("%s: %s panics; return an error, or put it into the list with the reason", h.at(call), name)
				}
				if ends(call) && f.pkg != "cmd/resync" {
					t.Errorf("%s: %s ends the process; only cmd/resync may", h.at(call), name)
				}
				return true
			})
		}
	}
}

// dropsConnection recognises panic(http.ErrAbortHandler): net/http catches it
// and closes the connection; there is no other way to ask for that.
func dropsConnection(call *ast.CallExpr) bool {
	sel, ok := call.Args[0].(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "ErrAbortHandler"
}

// ends reports whether a call ends the process.
func ends(call *ast.CallExpr) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && (x.Name == "os" && sel.Sel.Name == "Exit" || x.Name == "log" && strings.HasPrefix(sel.Sel.Name, "Fatal"))
}

// oversized are files past 500 lines and functions past 80, with the reason
// why splitting them would not help the reader: "hwa/x.go" or "hwa/x.go Name".
func oversized() map[string]string {
	return map[string]string{}
}

func TestFilesAndFunctionsStayReadable(t *testing.T) {
	h, allowed := parseHouse(t), oversized()
	used := map[string]bool{}
	check := func(what string, n ast.Node, lines, limit int) {
		switch {
		case lines <= limit:
		case allowed[what] != "":
			used[what] = true
			t.Logf("%s has %d lines (%s)", what, lines, allowed[what])
		default:
			t.Errorf("%s: %s has %d lines, more than %d: split it, or put it into the list with the reason", h.at(n), what, lines, limit)
		}
	}
	for _, f := range h.product() {
		check(f.path, f.ast, h.fset.File(f.ast.Pos()).LineCount(), 500)
		for _, decl := range f.ast.Decls {
			if d, ok := decl.(*ast.FuncDecl); ok {
				check(f.path+" "+d.Name.Name, d, h.fset.Position(d.End()).Line-h.fset.Position(d.Pos()).Line+1, 80)
			}
		}
	}
	for what := range allowed {
		if !used[what] {
			t.Errorf("the exception for %s is not needed any more: remove it", what)
		}
	}
}
