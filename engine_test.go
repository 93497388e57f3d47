package resync_test

import (
	"go/ast"
	"testing"
)

// The guarded executor is the only way to write to an engine: what the client
// can change is called from internal/ops alone, and internal/ops runs its tools
// through package tool.
func TestOnlyTheToolsWriteToAnEngine(t *testing.T) {
	h := parseHouse(t)
	writes := map[string]bool{} // :: methods of the client that take a justification
	for _, f := range h.product() {
		if f.pkg != "hwa" {
			continue
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv != nil && fn.Name.IsExported() && takes(fn, "Justification") {
				writes[fn.Name.Name] = true
			}
		}
	}
	if len(writes) < 40 {
		t.Fatalf("only %d writing methods found in package hwa: this test has lost its way", len(writes))
	}
	called := 0
	for _, f := range h.product() {
		if f.pkg == "hwa" {
			continue
		}
		for _, name := range selectors(f.ast) {
			switch {
			case !writes[name]:
			case f.pkg == "internal/ops":
				called++
			default:
				t.Errorf("%s calls %s: only the tools of internal/ops may change an engine", f.pkg, name)
			}
		}
	}
	if called == 0 {
		t.Error("internal/ops calls no writing method: this test has lost its way")
	}
}

func takes(fn *ast.FuncDecl, typ string) bool {
	for _, p := range fn.Type.Params.List {
		if id, ok := p.Type.(*ast.Ident); ok && id.Name == typ {
			return true
		}
	}
	return false
}
