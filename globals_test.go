package resync_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// globals are package-level variables that this test cannot see to be constant:
// "package.name" → why it never changes.
func globals() map[string]string {
	return map[string]string{
		"internal/store.crockford":   "an Encoding is not changed after it is made",
		"internal/retrieve.concepts": "read once from a file of the package; nothing writes to it",
		"hwa/joblog.clues":           "one function hands out a row by its address, and its callers only read it",
	}
}

// A package-level variable is accepted when its initialiser is a plain value or
// a table and nothing in its package, tests included, assigns to it or takes its
// address. An exported one must be an error, since anyone could change it.
func TestNoMutableGlobals(t *testing.T) {
	h, allowed := parseHouse(t), globals()
	used := map[string]bool{}
	for pkg, files := range byPackage(h.files) {
		vars := packageVars(files)
		changes := changedVars(files, vars)
		for name, v := range vars {
			problem := v.problem(name, changes[name], h, files)
			switch {
			case problem == "":
			case allowed[pkg+"."+name] != "":
				used[pkg+"."+name] = true
			default:
				t.Errorf("%s: the package-level variable %s %s; pass it to a constructor, or put it into the list with the reason", h.at(v.spec), name, problem)
			}
		}
	}
	for name := range allowed {
		if !used[name] {
			t.Errorf("the exception for %s is not needed any more: remove it", name)
		}
	}
}

// byPackage groups files by directory, leaving out external test packages,
// whose variables are their own.
func byPackage(files []source) map[string][]source {
	out := map[string][]source{}
	for _, f := range files {
		if !strings.HasSuffix(f.ast.Name.Name, "_test") {
			out[f.pkg] = append(out[f.pkg], f)
		}
	}
	return out
}

// packageVar is a variable declared outside functions.
type packageVar struct {
	spec     *ast.ValueSpec
	value    ast.Expr // nil when it has no initialiser
	embedded bool     // filled by go:embed
}

// packageVars returns the variables the product declares; those of tests are
// the tests' own affair.
func packageVars(files []source) map[string]packageVar {
	out := map[string]packageVar{}
	for _, f := range files {
		for _, decl := range f.ast.Decls {
			d, ok := decl.(*ast.GenDecl)
			if !ok || d.Tok != token.VAR || f.test {
				continue
			}
			for _, s := range d.Specs {
				spec := s.(*ast.ValueSpec)
				for i, n := range spec.Names {
					v := packageVar{spec: spec, embedded: embeds(d.Doc) || embeds(spec.Doc)}
					if i < len(spec.Values) {
						v.value = spec.Values[i]
					}
					if n.Name != "_" {
						out[n.Name] = v
					}
				}
			}
		}
	}
	return out
}

// problem says why a variable is not accepted, or "". change is the first place
// that changes it.
func (v packageVar) problem(name string, change ast.Node, h *house, files []source) string {
	switch {
	case v.embedded:
		return ""
	case change != nil:
		return "is changed at " + h.at(change)
	case ast.IsExported(name) && !isCall(v.value, "errors.New", "fmt.Errorf"):
		return "is exported and not an error: whoever imports the package could change it"
	case !constant(v.value) && !table(v.value, files):
		return "does not start with a plain value or a table"
	}
	return ""
}

// embeds reports whether a comment holds a go:embed directive.
func embeds(c *ast.CommentGroup) bool {
	return c != nil && slices.ContainsFunc(c.List, func(l *ast.Comment) bool { return strings.HasPrefix(l.Text, "//go:embed ") })
}

// changedVars returns, for each variable that is assigned to or whose address
// is taken, the first place.
func changedVars(files []source, vars map[string]packageVar) map[string]ast.Node {
	out := map[string]ast.Node{}
	for _, f := range files {
		hit := func(e ast.Expr) {
			id, _ := root(e)
			if id == nil || out[id.Name] != nil {
				return
			}
			// A local of the same name resolves to its own declaration.
			if v, ok := vars[id.Name]; ok && (id.Obj == nil || id.Obj.Decl == v.spec) {
				out[id.Name] = id
			}
		}
		readOnly := readPointers(f.ast)
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				if n.Tok != token.DEFINE {
					for _, e := range n.Lhs {
						hit(e)
					}
				}
			case *ast.IncDecStmt:
				hit(n.X)
			case *ast.RangeStmt:
				if n.Tok == token.ASSIGN {
					hit(n.Key)
					hit(n.Value)
				}
			case *ast.UnaryExpr:
				if _, literal := n.X.(*ast.CompositeLit); n.Op == token.AND && !literal && !readOnly[n] {
					hit(n.X)
				}
			case *ast.CallExpr:
				if id, ok := n.Fun.(*ast.Ident); ok && slices.Contains([]string{"delete", "clear", "copy"}, id.Name) && len(n.Args) > 0 {
					hit(n.Args[0])
				}
			}
			return true
		})
	}
	return out
}

// readPointers returns the addresses that are taken to read only: "range
// &table", and "row := &table[i]" with nothing assigned through row afterwards.
func readPointers(f *ast.File) map[*ast.UnaryExpr]bool {
	out := map[*ast.UnaryExpr]bool{}
	short, written := map[any]*ast.UnaryExpr{}, map[any]bool{} // :: what an identifier resolves to → …
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, lhs := range n.Lhs {
				id, stripped := root(lhs)
				if id == nil || id.Obj == nil {
					continue
				}
				if n.Tok == token.DEFINE && len(n.Rhs) == len(n.Lhs) {
					if addr, ok := n.Rhs[i].(*ast.UnaryExpr); ok && addr.Op == token.AND && isIndex(addr.X) {
						short[id.Obj] = addr
					}
				} else if stripped {
					written[id.Obj] = true
				}
			}
		case *ast.IncDecStmt:
			if id, _ := root(n.X); id != nil && id.Obj != nil {
				written[id.Obj] = true
			}
		case *ast.RangeStmt:
			if addr, ok := n.X.(*ast.UnaryExpr); ok {
				out[addr] = true
			}
		}
		return true
	})
	for obj, addr := range short {
		out[addr] = !written[obj]
	}
	return out
}

// isIndex reports whether e is table[i].
func isIndex(e ast.Expr) bool {
	_, ok := e.(*ast.IndexExpr)
	return ok
}

// constant reports whether an initialiser is a value that has no inner state:
// literals, compiled expressions, replacers, lazily computed tables.
func constant(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit, *ast.FuncLit:
		return true
	case *ast.Ident:
		return e.Name != "nil"
	case *ast.BinaryExpr:
		return constant(e.X) && constant(e.Y)
	case *ast.UnaryExpr:
		return e.Op != token.AND && constant(e.X)
	case *ast.SelectorExpr:
		return true // a constant, a function or a variable of another package
	case *ast.CompositeLit:
		return !stateful(e.Type)
	case *ast.CallExpr:
		if _, conversion := e.Fun.(*ast.ArrayType); conversion {
			return true
		}
		return isCall(e, "errors.New", "fmt.Errorf", "regexp.MustCompile", "strings.NewReplacer", "sync.OnceValue", "sync.OnceValues",
			"time.Date", "reflect.TypeFor", "netip.MustParsePrefix", "crc32.MakeTable", "strings.Repeat", "strings.Split", "strings.Fields")
	}
	return false
}

// table reports whether an initialiser calls a function of its own package, or
// one written in place, that returns a map, a slice, an array or a plain value:
// what nothing assigns to cannot change then.
func table(e ast.Expr, files []source) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	switch fun := call.Fun.(type) {
	case *ast.FuncLit:
		return plainResult(fun.Type, files)
	case *ast.Ident:
		for _, f := range files {
			for _, decl := range f.ast.Decls {
				if d, ok := decl.(*ast.FuncDecl); ok && d.Recv == nil && d.Name.Name == fun.Name {
					return plainResult(d.Type, files)
				}
			}
		}
	}
	return false
}

// plainResult reports whether a function returns one value without inner state.
func plainResult(f *ast.FuncType, files []source) bool {
	return f.Results != nil && len(f.Results.List) == 1 && plainType(f.Results.List[0].Type, files)
}

// plainType reports whether a type is a map, slice, array, basic type or a name
// of the package for one of these.
func plainType(typ ast.Expr, files []source) bool {
	switch typ := typ.(type) {
	case *ast.MapType, *ast.ArrayType:
		return true
	case *ast.Ident:
		if slices.Contains([]string{"string", "bool", "int", "uint64", "float64"}, typ.Name) {
			return true
		}
		for _, f := range files {
			for _, decl := range f.ast.Decls {
				d, ok := decl.(*ast.GenDecl)
				if !ok || d.Tok != token.TYPE {
					continue
				}
				for _, s := range d.Specs {
					if spec := s.(*ast.TypeSpec); spec.Name.Name == typ.Name {
						_, named := spec.Type.(*ast.Ident)
						return !named && plainType(spec.Type, files)
					}
				}
			}
		}
	}
	return false
}

// stateful reports whether a literal's type comes from a package whose values
// exist to be changed.
func stateful(typ ast.Expr) bool {
	sel, ok := typ.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && slices.Contains([]string{"sync", "atomic", "bytes", "http"}, x.Name)
}

// isCall reports whether e calls one of the functions, written as pkg.Name.
func isCall(e ast.Expr, names ...string) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	fun := call.Fun
	if idx, ok := fun.(*ast.IndexExpr); ok { // a type argument
		fun = idx.X
	}
	sel, ok := fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && slices.Contains(names, x.Name+"."+sel.Sel.Name)
}

// The rules for variables are checked on a made-up package, so that a change of
// this file cannot quietly switch them off.
func TestTheGlobalsRuleBites(t *testing.T) {
	const text = `package x
import ("errors"; "regexp"; "sync"; "time")
type table map[string]int
type holder struct{ n int }
var (
	ErrGood  = errors.New("x")
	reGood   = regexp.MustCompile("x")
	mapGood  = map[string]int{"a": 1}
	lazyGood = sync.OnceValue(func() int { return 1 })
	tabGood  = build()
	shadowGood = 1
	mapBad   = map[string]int{}
	mutexBad sync.Mutex
	onceBad  = sync.Once{}
	clockBad = time.Now
	ptrBad   = &holder{}
	ownBad   = newHolder()
	addrBad  = 1
	rowsGood = []holder{{1}}
	rowsBad  = []holder{{1}}
	TableBad = map[string]int{}
	nilBad   map[string]int
)
func build() table { return nil }
func newHolder() *holder { return nil }
func f() *int {
	shadowGood := 2
	shadowGood++
	mapBad["a"] = shadowGood + mapGood["a"] + tabGood["b"]
	clockBad = nil
	row, other := &rowsGood[0], &rowsBad[0]
	other.n = row.n
	return &addrBad
}`
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "x.go", text, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	files := []source{{pkg: "x", path: "x.go", ast: f}}
	vars := packageVars(files)
	changes := changedVars(files, vars)
	for name, v := range vars {
		if problem := v.problem(name, changes[name], &house{fset: fset}, files); (problem != "") != strings.HasSuffix(name, "Bad") {
			t.Errorf("%s: refused because it %q", name, problem)
		}
	}
	if len(vars) != 17 {
		t.Errorf("saw %d variables, want 17", len(vars))
	}
}

// selectors lists the names that stand after a dot in a file.
func selectors(f *ast.File) []string {
	var out []string
	ast.Inspect(f, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			out = append(out, sel.Sel.Name)
		}
		return true
	})
	return out
}
