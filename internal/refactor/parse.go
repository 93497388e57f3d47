package refactor

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// parse reads and parses the named files, as many at a time as there are CPUs.
func (m *Module) parse(paths []string) {
	files := make([]*File, len(paths))
	errs := make([]error, len(paths))
	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				files[i], errs[i] = m.parseFile(paths[i])
			}
		})
	}
	for i := range paths {
		next <- i
	}
	close(next)
	wg.Wait()
	for i, f := range files {
		if errs[i] != nil {
			m.Broken = append(m.Broken, errs[i])
			continue
		}
		m.Files = append(m.Files, f)
	}
	slices.SortFunc(m.Files, func(a, b *File) int { return strings.Compare(a.Path, b.Path) })
}

func (m *Module) parseFile(rel string) (*File, error) {
	src, err := os.ReadFile(m.abs(rel))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", rel, err)
	}
	// Object resolution stays on: Ident.Obj tells a package qualifier (nil) from
	// a local variable of the same name.
	tree, err := parser.ParseFile(m.fset, rel, src, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("syntax error: %w", err)
	}
	return &File{
		Path: rel, Dir: path.Dir(rel), Src: src, AST: tree,
		Test:      strings.HasSuffix(rel, "_test.go"),
		Generated: ast.IsGenerated(tree),
		Lines:     countLines(src),
	}, nil
}

// countLines counts lines; a last line without a newline counts.
func countLines(src []byte) int {
	n := bytes.Count(src, []byte("\n"))
	if len(src) > 0 && src[len(src)-1] != '\n' {
		n++
	}
	return n
}
