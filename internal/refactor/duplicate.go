package refactor

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/ast"
	"path"
	"reflect"
	"slices"
	"strings"
)

// Duplicate is a function body that occurs more than once, up to the names of
// its own variables.
type Duplicate struct {
	Hash      string         `json:"hash"`
	Count     int            `json:"count"`
	Lines     int            `json:"total_lines"`
	Functions []FunctionInfo `json:"functions"`
}

// Duplication is a set of files whose names differ only by a suffix that usually
// marks a copy. The fields are the contract's.
type Duplication struct {
	BaseName   string   `json:"base_name"`
	Count      int      `json:"count"`
	Files      []string `json:"files"`
	TotalLines int      `json:"total_lines"`
}

// leastNodes is the size (in syntax nodes) below which equal bodies say nothing:
// a getter looks like every other getter.
const leastNodes = 30

// duplicateFinder groups functions by the hash of their normalised body.
type duplicateFinder map[string][]FunctionInfo

func (d duplicateFinder) add(info FunctionInfo, fn *ast.FuncDecl) {
	if h := bodyHash(fn); h != "" {
		d[h] = append(d[h], info)
	}
}

func (d duplicateFinder) found() []Duplicate {
	out := []Duplicate{}
	for h, fns := range d {
		if len(fns) < 2 {
			continue
		}
		dup := Duplicate{Hash: h, Count: len(fns), Functions: fns}
		for _, f := range fns {
			dup.Lines += f.Lines
		}
		out = append(out, dup)
	}
	slices.SortFunc(out, func(a, b Duplicate) int {
		return cmp.Or(cmp.Compare(b.Lines, a.Lines), cmp.Compare(a.Hash, b.Hash))
	})
	return out
}

// bodyHash is the hash of a function's body in which everything declared by the
// function itself is replaced by its order of appearance; "" for a small one.
func bodyHash(fn *ast.FuncDecl) string {
	h := sha256.New()
	local := map[any]int{} // declaration → order
	nodes := 0
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		if n == nil {
			fmt.Fprint(h, ")")
			return false
		}
		nodes++
		fmt.Fprint(h, "(", reflect.TypeOf(n).Elem().Name())
		switch n := n.(type) {
		case *ast.Ident:
			if !ownName(n, fn) {
				fmt.Fprint(h, " ", n.Name)
				break
			}
			if _, ok := local[n.Obj]; !ok {
				local[n.Obj] = len(local)
			}
			fmt.Fprint(h, " $", local[n.Obj])
		case *ast.BasicLit:
			fmt.Fprint(h, " ", n.Value)
		case *ast.BinaryExpr:
			fmt.Fprint(h, " ", n.Op)
		case *ast.UnaryExpr:
			fmt.Fprint(h, " ", n.Op)
		case *ast.AssignStmt:
			fmt.Fprint(h, " ", n.Tok)
		case *ast.IncDecStmt:
			fmt.Fprint(h, " ", n.Tok)
		case *ast.BranchStmt:
			fmt.Fprint(h, " ", n.Tok)
		case *ast.GenDecl:
			fmt.Fprint(h, " ", n.Tok)
		case *ast.RangeStmt:
			fmt.Fprint(h, " ", n.Tok)
		case *ast.ChanType:
			fmt.Fprint(h, " ", n.Dir)
		}
		return true
	})
	if nodes < leastNodes {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// ownName reports whether the function declares what the name refers to.
func ownName(id *ast.Ident, fn *ast.FuncDecl) bool {
	if id.Obj == nil {
		return false
	}
	at := id.Obj.Pos()
	return at >= fn.Pos() && at < fn.End()
}

// copySuffixes are what the contract strips from a file's stem.
func copySuffixes() []string {
	return []string{"_improved", "_enhanced", "_v2", "_new", "_legacy", "_refactored", "_simple", "_optimized", "_updated", "_pkg"}
}

// nameDuplicates finds files that look like versions of one another.
func nameDuplicates(files []FileInfo) []Duplication {
	groups := map[string][]FileInfo{}
	suffixed := map[string]bool{}
	for _, f := range files {
		if f.Test {
			continue
		}
		stem := strings.TrimSuffix(f.Name, ".go")
		short := stripCopySuffix(stem)
		key := path.Join(f.Directory, short)
		suffixed[key] = suffixed[key] || short != stem
		groups[key] = append(groups[key], f)
	}
	out := []Duplication{}
	for key, fs := range groups {
		if len(fs) < 2 || !suffixed[key] {
			continue
		}
		d := Duplication{BaseName: path.Base(key), Count: len(fs)}
		for _, f := range fs {
			d.Files = append(d.Files, f.Path)
			d.TotalLines += f.Lines
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b Duplication) int {
		return cmp.Or(cmp.Compare(b.TotalLines, a.TotalLines), cmp.Compare(a.Files[0], b.Files[0]))
	})
	return out
}

func stripCopySuffix(stem string) string {
	for again := true; again; {
		again = false
		for _, s := range copySuffixes() {
			if short, ok := strings.CutSuffix(stem, s); ok && short != "" {
				stem, again = short, true
			}
		}
	}
	return stem
}
