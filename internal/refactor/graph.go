package refactor

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// Graph is an import graph: node → what it imports, both sorted. Nodes are
// directories below the module root.
type Graph map[string][]string

// importGraph is the graph of the packages of the module. Tests are left out:
// their imports may legally point back.
func importGraph(m *Module) Graph {
	g := Graph{}
	for _, d := range m.dirs() {
		seen := map[string]bool{}
		for _, f := range m.Packages[d].Files {
			if f.Test || alwaysIgnored(f) {
				continue
			}
			for _, to := range m.imports(f) {
				if m.Packages[to] != nil {
					seen[to] = true
				}
			}
		}
		g[d] = sortedKeys(seen)
	}
	return g
}

// imports lists the directories of this module that a file imports.
func (m *Module) imports(f *File) []string {
	var out []string
	for _, spec := range f.AST.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		if dir, ok := m.dirOf(p); ok {
			out = append(out, dir)
		}
	}
	return out
}

func sortedKeys(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for k := range set {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// renamed is the graph with nodes renamed; nodes that get the same name become
// one, and an edge from a node to itself goes.
func (g Graph) renamed(name func(string) string) Graph {
	sets := map[string]map[string]bool{}
	for from, tos := range g {
		f := name(from)
		if sets[f] == nil {
			sets[f] = map[string]bool{}
		}
		for _, to := range tos {
			if t := name(to); t != f {
				sets[f][t] = true
			}
		}
	}
	out := Graph{}
	for n, set := range sets {
		out[n] = sortedKeys(set)
	}
	return out
}

// components are the strongly connected components (Tarjan 1972), each sorted,
// in an order in which every component comes after those it imports.
func (g Graph) components() [][]string {
	t := &tarjan{g: g, index: map[string]int{}, low: map[string]int{}, on: map[string]bool{}}
	nodes := make([]string, 0, len(g))
	for n := range g {
		nodes = append(nodes, n)
	}
	slices.Sort(nodes)
	for _, n := range nodes {
		if t.index[n] == 0 {
			t.visit(n)
		}
	}
	return t.out
}

type tarjan struct {
	g     Graph
	n     int
	index map[string]int
	low   map[string]int
	on    map[string]bool
	stack []string
	out   [][]string
}

func (t *tarjan) visit(v string) {
	t.n++
	t.index[v], t.low[v] = t.n, t.n
	t.stack, t.on[v] = append(t.stack, v), true
	for _, w := range t.g[v] {
		if t.index[w] == 0 {
			t.visit(w)
			t.low[v] = min(t.low[v], t.low[w])
		} else if t.on[w] {
			t.low[v] = min(t.low[v], t.index[w])
		}
	}
	if t.low[v] != t.index[v] {
		return
	}
	i := slices.Index(t.stack, v)
	c := slices.Clone(t.stack[i:])
	for _, w := range c {
		t.on[w] = false
	}
	t.stack = t.stack[:i]
	slices.Sort(c)
	t.out = append(t.out, c)
}

// cycles are the components of more than one node, and nodes that import
// themselves.
func (g Graph) cycles() [][]string {
	var out [][]string
	for _, c := range g.components() {
		if len(c) > 1 || slices.Contains(g[c[0]], c[0]) {
			out = append(out, c)
		}
	}
	return out
}

// floors gives every node the lowest floor on which it imports only lower ones;
// the members of a cycle share one.
func (g Graph) floors() map[string]int {
	out := map[string]int{}
	for _, c := range g.components() {
		floor := 0
		for _, n := range c {
			for _, to := range g[n] {
				if !slices.Contains(c, to) {
					floor = max(floor, out[to]+1)
				}
			}
		}
		for _, n := range c {
			out[n] = floor
		}
	}
	return out
}

// reaches reports whether to can be reached from the node.
func (g Graph) reaches(from, to string) bool {
	seen := map[string]bool{}
	todo := []string{from}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, w := range g[n] {
			if w == to {
				return true
			}
			if !seen[w] {
				seen[w] = true
				todo = append(todo, w)
			}
		}
	}
	return false
}

// Cycles is what import cycles there are, or would be after moves.
type Cycles struct {
	Packages   [][]string `json:"packages"`   // import cycles; the compiler refuses them
	Tests      []string   `json:"tests"`      // packages whose own tests import something that imports them
	Components [][]string `json:"components"` // directories whose packages import each other both ways
	Depth      int        `json:"depth"`      // path elements that make a component
}

// FindCycles looks for cycles as they would be after the planned moves (old
// directory → new; a new directory that exists means the two are merged). depth
// is how many path elements make one component.
func FindCycles(m *Module, moves [][2]string, depth int) *Cycles {
	after := func(d string) string {
		for _, mv := range moves {
			if within(d, mv[0]) {
				d = path.Join(mv[1], strings.TrimPrefix(d, mv[0]))
			}
		}
		return d
	}
	g := importGraph(m).renamed(after)
	out := &Cycles{Packages: g.cycles(), Tests: testCycles(m, g, after), Depth: depth}
	out.Components = g.renamed(func(d string) string { return component(d, depth) }).cycles()
	if out.Packages == nil {
		out.Packages = [][]string{}
	}
	if out.Components == nil {
		out.Components = [][]string{}
	}
	return out
}

// component is the directory's first elements; internal and pkg do not count,
// they hold everything.
func component(dir string, depth int) string {
	parts := strings.Split(dir, "/")
	n := 0
	for i, p := range parts {
		if p != "internal" && p != "pkg" {
			n++
		}
		if n == depth {
			return strings.Join(parts[:i+1], "/")
		}
	}
	return dir
}

// testCycles finds "import cycle not allowed in test": a test in the package
// itself (not in its _test package) imports something that leads back.
func testCycles(m *Module, g Graph, after func(string) string) []string {
	set := map[string]bool{}
	for _, f := range m.Files {
		if !f.Test || strings.HasSuffix(f.AST.Name.Name, "_test") {
			continue
		}
		own := after(f.Dir)
		for _, d := range m.imports(f) {
			if to := after(d); to == own || g.reaches(to, own) {
				set[own] = true
			}
		}
	}
	return sortedKeys(set)
}
