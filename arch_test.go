package resync_test

import (
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
	"testing"
)

// module is the path that starts every import of our own.
const module = "resync"

// floors is the house of docs/architecture.md: a package imports only packages
// of lower floors. A package that is not in this table does not exist.
func floors() map[string]int {
	return map[string]int{
		".": 0, "breaker": 0, "hwa/msgcode": 0, "hwa/oql": 0, "internal/event": 0, "internal/faultnet": 0,
		"chunk": 1, "hwa/joblog": 1, "hwa/conman": 1, "internal/store": 1, "internal/telemetry": 1, "internal/refactor": 1,
		"hwa": 1, "llm": 1, "llm/http1": 0,
		"chunk/read": 2, "tool": 2, "hwa/hwasim": 2, "internal/store/storetest": 2, "internal/state/statetest": 2, "internal/config": 2, "internal/policy": 2, "internal/retrieve": 2,
		"llm/openai": 2, "llm/anthropic": 2, "llm/llmtest": 2, "internal/state": 2, "internal/jobs": 2, "internal/embed": 2, "internal/outside": 2, "internal/bert": 1, "internal/wording": 1,
		"internal/plan": 3, "internal/knowledge": 3, "internal/sandbox": 3, "internal/resilience": 3, "internal/auth": 3,
		"internal/ops": 4, "internal/diagnose": 4, "internal/evaluate": 4, "internal/notify": 4, "internal/evaluate/failover": 4,
		"internal/agent": 5,
		"internal/chat":  6, "internal/health": 6,
		"internal/api": 7, "web": 7,
		"internal/app": 8,
		"internal/cli": 9,
		"cmd/resync":   10, "bench": 10, "bench/llm": 10,
	}
}

// public reports whether others may import the package: it then imports only
// public ones itself.
func public(pkg string) bool {
	return pkg != "." && pkg != "bench" && pkg != "web" && !strings.HasPrefix(pkg, "internal/") && !strings.HasPrefix(pkg, "cmd/")
}

// sidesteps are imports the floors forbid and a reason allows: "from to".
func sidesteps() map[string]string {
	return map[string]string{}
}

// source is one parsed Go file.
type source struct {
	pkg  string // directory below the root, "." for the root
	path string // below the root
	test bool
	ast  *ast.File
}

// house is every Go file of the module.
type house struct {
	fset  *token.FileSet
	files []source
}

// skipDir names directories that are not part of the project.
func skipDir(name string) bool {
	return slices.Contains([]string{"zz", "bin", "dist", "data", "node_modules", "testdata"}, name) ||
		(strings.HasPrefix(name, ".") && name != "." && name != ".ci")
}

// nested reports whether a directory below the root is a module of its own: its
// packages are not ours to put on floors.
func nested(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil && dir != "."
}

// parseHouse parses the files itself: a test that shells out to the go command
// would stay "passed (cached)" after a forbidden import is added.
func parseHouse(t *testing.T) *house {
	t.Helper()
	h := &house{fset: token.NewFileSet()}
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (skipDir(d.Name()) || nested(p)) {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		f, err := parser.ParseFile(h.fset, p, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		h.files = append(h.files, source{path.Dir(filepath.ToSlash(p)), filepath.ToSlash(p), strings.HasSuffix(p, "_test.go"), f})
		return nil
	})
	if err != nil {
		t.Fatalf("parse the module: %v", err)
	}
	if len(h.files) < 10 {
		t.Fatalf("found only %d Go files; the test does not see the module", len(h.files))
	}
	return h
}

// product returns the files that are not tests.
func (h *house) product() []source {
	return slices.DeleteFunc(slices.Clone(h.files), func(f source) bool { return f.test })
}

// at returns the place of a node, for messages.
func (h *house) at(n ast.Node) string { return h.fset.Position(n.Pos()).String() }

// imports returns the packages of ours that a file imports, with the place.
func (f source) imports() map[string]ast.Node {
	out := map[string]ast.Node{}
	for _, imp := range f.ast.Imports {
		p, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			continue
		}
		if p == module {
			out["."] = imp
		} else if rest, ok := strings.CutPrefix(p, module+"/"); ok {
			out[rest] = imp
		}
	}
	return out
}

func TestEveryPackageHasAFloor(t *testing.T) {
	h, table := parseHouse(t), floors()
	seen := map[string]bool{}
	for _, f := range h.files {
		if _, ok := table[f.pkg]; !ok && !seen[f.pkg] {
			t.Errorf("package %s is not in the table of floors: put it where docs/architecture.md says it lives", f.pkg)
		}
		seen[f.pkg] = true
		for _, bad := range []string{"util", "utils", "common", "base", "shared", "types", "manager", "helper", "helpers", "service"} {
			if path.Base(f.pkg) == bad || f.ast.Name.Name == bad {
				t.Errorf("%s: a package called %s says nothing about what is in it", f.path, bad)
			}
		}
	}
}

func TestPackagesImportOnlyLowerFloors(t *testing.T) {
	h, table, allowed := parseHouse(t), floors(), sidesteps()
	used := map[string]bool{}
	for _, f := range h.product() {
		for imp, node := range f.imports() {
			edge := f.pkg + " " + imp
			_, known := table[imp]
			switch {
			case allowed[edge] != "":
				used[edge] = true
			case !known:
				t.Errorf("%s: imports %s, which has no floor", h.at(node), imp)
			case table[imp] >= table[f.pkg]:
				t.Errorf("%s: %s (floor %d) imports %s (floor %d); only lower floors may be imported", h.at(node), f.pkg, table[f.pkg], imp, table[imp])
			case public(f.pkg) && !public(imp):
				t.Errorf("%s: the public package %s imports %s, which is internal", h.at(node), f.pkg, imp)
			}
		}
	}
	for edge := range allowed {
		if !used[edge] {
			t.Errorf("the exception %q is not needed any more: remove it", edge)
		}
	}
}

// Tests may look at higher floors, but the product may not see a test package,
// and a test may not hang on the command line or the wiring of the program.
func TestTestsStayBelowTheWiring(t *testing.T) {
	h := parseHouse(t)
	for _, f := range h.files {
		for imp, node := range f.imports() {
			if f.test && imp == "cmd/resync" {
				t.Errorf("%s: imports the command", h.at(node))
			}
			if !f.test && (imp == "internal/store/storetest" || imp == "internal/faultnet") && !strings.HasSuffix(f.pkg, "test") {
				t.Errorf("%s: the product imports a test package", h.at(node))
			}
		}
	}
}

// The rule must bite: a file that breaks it is made up here and checked by the
// same code.
func TestTheFloorsBite(t *testing.T) {
	table := floors()
	for _, tt := range []struct {
		from, to string
		ok       bool
	}{
		{"internal/api", "internal/chat", true}, {"internal/chat", "internal/api", false}, {"internal/plan", "hwa", true},
		{"hwa", "internal/store", false}, {"tool", "internal/telemetry", false}, {"hwa", "hwa/oql", true}, {"hwa", "hwa/joblog", false},
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nimport _ \""+module+"/"+tt.to+"\"\n", 0)
		if err != nil {
			t.Fatal(err)
		}
		ok := true
		for imp := range (source{pkg: tt.from, ast: f}).imports() {
			ok = table[imp] < table[tt.from] && (!public(tt.from) || public(imp))
		}
		if ok != tt.ok {
			t.Errorf("%s importing %s: allowed %v, want %v", tt.from, tt.to, ok, tt.ok)
		}
	}
}

// Hosts of package registries do not belong into the project: it is built with
// whatever registry the user's tools are set to.
func TestNoRegistryHostIsNamed(t *testing.T) {
	var hosts []string
	for _, h := range [][]string{{"proxy", "golang.org"}, {"registry", "npmjs.org"}, {"pypi", "org"}, {"files", "pythonhosted.org"},
		{"static", "crates.io"}, {"index", "crates.io"}, {"repo", "maven.apache.org"}, {"deb", "debian.org"}, {"sum", "golang.org"}} {
		hosts = append(hosts, strings.Join(h, "."))
	}
	files := 0
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && skipDir(d.Name()) && d.Name() != "testdata" {
				return fs.SkipDir
			}
			return err
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		files++
		if len(data) > 4<<20 || slices.Contains(data[:min(len(data), 512)], 0) {
			return nil
		}
		for _, host := range hosts {
			if strings.Contains(string(data), host) {
				t.Errorf("%s names the registry host %s", p, host)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 10 {
		t.Fatalf("looked at only %d files", files)
	}
}
