package refactor

import (
	"fmt"
	"go/ast"
	"go/doc"
	"path"
	"slices"
	"strconv"
	"strings"
)

// function forwards an exported function.
func (s *shimFile) function(d *ast.FuncDecl) error {
	if d.Recv != nil || !d.Name.IsExported() {
		return nil
	}
	s.plan.Forwards++
	name := d.Name.Name
	tparams, targs, ok := s.typeParams(d.Type.TypeParams)
	params, args, ok2 := s.params(d.Type.Params)
	results, ok3 := s.results(d.Type.Results)
	if !ok || !ok2 || !ok3 {
		if d.Type.TypeParams != nil {
			return refuse("func %s cannot be forwarded: it is generic and its signature needs unexported names of %s", name, s.target.Path)
		}
		s.plan.Warnings = append(s.plan.Warnings, fmt.Sprintf("%s has unexported types in its signature: it is forwarded as a variable, and go fix does not move its users", name))
		fmt.Fprintf(&s.out, "\n// %s forwards to the function of that name.\nvar %s = %s.%s\n", name, name, s.pkg, name)
		return nil
	}
	give := ""
	if d.Type.Results != nil && len(d.Type.Results.List) > 0 {
		give = "return "
	}
	fmt.Fprintf(&s.out, "\n//go:fix inline\nfunc %s%s(%s) (%s) { %s%s.%s%s(%s) }\n", name, tparams, params, results, give, s.pkg, name, targs, args)
	return nil
}

// params writes a parameter list with a name for every parameter, and the
// arguments that pass them on. It fails when a type cannot be written elsewhere.
func (s *shimFile) params(list *ast.FieldList) (params, args string, ok bool) {
	if list == nil {
		return "", "", true
	}
	var ps, as []string
	taken := map[string]bool{}
	for _, field := range list.List {
		for _, id := range field.Names {
			taken[id.Name] = true
		}
	}
	n := 0
	for _, field := range list.List {
		if !s.writable(field.Type) {
			return "", "", false
		}
		typ := s.source(field.Type)
		names := []string{}
		for _, id := range field.Names {
			names = append(names, id.Name)
		}
		if len(names) == 0 {
			names = []string{"_"}
		}
		for _, name := range names {
			for name == "_" {
				if p := fmt.Sprintf("p%d", n); !taken[p] {
					name = p
				}
				n++
			}
			ps = append(ps, name+" "+typ)
			if strings.HasPrefix(typ, "...") {
				name += "..."
			}
			as = append(as, name)
		}
	}
	return strings.Join(ps, ", "), strings.Join(as, ", "), true
}

// results writes the types of the results: names would say nothing here.
func (s *shimFile) results(list *ast.FieldList) (string, bool) {
	if list == nil {
		return "", true
	}
	var types []string
	for _, field := range list.List {
		if !s.writable(field.Type) {
			return "", false
		}
		for range max(1, len(field.Names)) {
			types = append(types, s.source(field.Type))
		}
	}
	return strings.Join(types, ", "), true
}

func (s *shimFile) typeParams(list *ast.FieldList) (params, args string, ok bool) {
	if list == nil {
		return "", "", true
	}
	params, args, ok = s.params(list)
	return "[" + params + "]", "[" + args + "]", ok
}

// source is the text of a type as it is written.
func (s *shimFile) source(e ast.Expr) string {
	tok := s.plan.mod.fset.File(s.f.AST.FileStart)
	return string(s.f.Src[tok.Offset(e.Pos()):tok.Offset(e.End())])
}

// writable reports whether a type can be written in another package, where the
// exported types of this one have aliases, and notes the imports it needs.
func (s *shimFile) writable(e ast.Expr) bool {
	ok := true
	var visit func(ast.Node) bool
	visit = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			ast.Inspect(n.Type, visit)
			return false
		case *ast.SelectorExpr:
			if id, isName := n.X.(*ast.Ident); isName {
				ok = s.need(id.Name) && ok
			}
			return false
		case *ast.Ident:
			typeParam := n.Obj != nil && s.f.AST.Scope.Objects[n.Name] != n.Obj
			if !n.IsExported() && !doc.IsPredeclared(n.Name) && !typeParam {
				ok = false
			}
		}
		return true
	}
	ast.Inspect(e, visit)
	return ok
}

// need notes the import that provides a qualifier.
func (s *shimFile) need(qualifier string) bool {
	for _, spec := range s.f.AST.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil || p == "C" || !visible(s.plan.Old, p) {
			continue
		}
		if spec.Name != nil && spec.Name.Name == qualifier || spec.Name == nil && s.plan.mod.calls(p, qualifier) {
			line := strconv.Quote(p)
			if spec.Name != nil {
				line = qualifier + " " + line
			}
			s.imports[line] = true
			return true
		}
	}
	return false
}

// calls reports whether a package is known by the name where it is imported
// without one: by its clause in this module, else by the usual spellings.
func (m *Module) calls(importPath, name string) bool {
	if dir, ok := m.dirOf(importPath); ok && m.Packages[dir] != nil {
		return m.Packages[dir].Name == name
	}
	last := path.Base(importPath)
	if majorVersion.MatchString(last) {
		last = path.Base(path.Dir(importPath))
	}
	short, _, _ := strings.Cut(last, ".v")
	parts := strings.FieldsFunc(short, func(r rune) bool { return r == '-' || r == '.' })
	return last == name || short == name || slices.Contains(parts, name) || strings.Join(parts, "") == name
}
