package refactor

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
)

// Validation is the result of the checks that should pass after refactoring.
type Validation struct {
	OK     bool    `json:"ok"` // no check failed; warnings do not count
	Checks []Check `json:"checks"`
}

// Check is one of them.
type Check struct {
	Name    string   `json:"name"`
	State   string   `json:"state"` // ok, warning, error or skipped
	Details []string `json:"details"`
}

// ValidateOptions say what to check.
type ValidateOptions struct {
	SkipTests bool
	Floors    map[string]int // by directory; nil leaves the check out
}

// Validate checks syntax, import cycles, floors, orphans, build, vet and tests.
func Validate(ctx context.Context, m *Module, opt ValidateOptions) *Validation {
	v := &Validation{OK: true, Checks: []Check{}}
	var broken []string
	for _, err := range m.Broken {
		broken = append(broken, err.Error())
	}
	v.add("syntax", "error", broken)
	c := FindCycles(m, nil, 1)
	var cycles []string
	for _, p := range c.Packages {
		cycles = append(cycles, strings.Join(p, " ↔ "))
	}
	for _, d := range c.Tests {
		cycles = append(cycles, d+" (through its own tests)")
	}
	v.add("cycles", "error", cycles)
	if opt.Floors == nil {
		v.skip("floors", "no floors file given")
	} else {
		v.add("floors", "error", floorFaults(m, opt.Floors))
	}
	v.add("orphans", "warning", orphans(m))
	v.command(ctx, m, "build", "build", "-o", os.DevNull, "./...")
	v.command(ctx, m, "vet", "vet", "./...")
	if opt.SkipTests {
		v.skip("tests", "left out on request")
	} else {
		v.command(ctx, m, "tests", "test", "./...")
	}
	return v
}

// add notes a check: it is bad with what it found, or ok.
func (v *Validation) add(name, bad string, found []string) {
	c := Check{Name: name, State: "ok", Details: append([]string{}, found...)}
	if len(found) > 0 {
		c.State = bad
		v.OK = v.OK && bad != "error"
	}
	v.Checks = append(v.Checks, c)
}

func (v *Validation) skip(name, why string) {
	v.Checks = append(v.Checks, Check{Name: name, State: "skipped", Details: []string{why}})
}

func (v *Validation) command(ctx context.Context, m *Module, name string, args ...string) {
	out, err := goCommand(ctx, m.Root, args...)
	if err == nil {
		v.add(name, "error", nil)
		return
	}
	v.add(name, "error", strings.Split(problem(failures(out), err), "\n"))
}

// failures leaves out the lines of go test that report success.
func failures(out string) string {
	var keep []string
	for l := range strings.SplitSeq(out, "\n") {
		if !strings.HasPrefix(l, "ok  \t") && !strings.HasPrefix(l, "?   \t") && !strings.Contains(l, "coverage: 0.0% of statements") {
			keep = append(keep, l)
		}
	}
	return strings.Join(keep, "\n")
}

// orphans are internal packages nobody imports, tests included, and directories
// that hold tests only.
func orphans(m *Module) []string {
	used := map[string]bool{}
	for _, mod := range append([]*Module{m}, m.Linked...) {
		for _, f := range mod.Files {
			for _, spec := range f.AST.Imports {
				if dir, ok := m.dirOf(strings.Trim(spec.Path.Value, "\"`")); ok && !(mod == m && dir == f.Dir) {
					used[dir] = true
				}
			}
		}
	}
	var out []string
	for _, d := range m.dirs() {
		p := m.Packages[d]
		if !used[d] && p.Name != "main" && internal(p.Path) && hasCode(p) {
			out = append(out, d)
		}
	}
	return out
}

// hasCode reports whether a package has files that are not tests.
func hasCode(p *Package) bool {
	for _, f := range p.Files {
		if !f.Test {
			return true
		}
	}
	return false
}

// ReadFloors reads a floors file: "FLOOR DIRECTORY" a line, # starts a comment.
// A directory that ends in /... stands for everything below it that has no line
// of its own.
func ReadFloors(name string) (map[string]int, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading the floors: %w", err)
	}
	defer f.Close()
	out := map[string]int{}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		w := strings.Fields(line)
		if len(w) == 0 {
			continue
		}
		floor, err := strconv.Atoi(w[0])
		if err != nil || len(w) != 2 {
			return nil, fmt.Errorf("%s:%d: want \"FLOOR DIRECTORY\"", name, n)
		}
		out[strings.TrimPrefix(w[1], "./")] = floor
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the floors: %w", err)
	}
	return out, nil
}

// floorOf finds the floor of a directory.
func floorOf(floors map[string]int, dir string) (int, bool) {
	if f, ok := floors[dir]; ok {
		return f, true
	}
	for d := dir; ; d = path.Dir(d) {
		pattern := d + "/..."
		if d == "." {
			pattern = "..."
		}
		if f, ok := floors[pattern]; ok {
			return f, true
		}
		if d == "." {
			return 0, false
		}
	}
}

func floorFaults(m *Module, floors map[string]int) []string {
	var out []string
	g := importGraph(m)
	for _, d := range m.dirs() {
		own, ok := floorOf(floors, d)
		if !ok {
			out = append(out, d+" has no floor")
			continue
		}
		for _, to := range g[d] {
			if other, ok := floorOf(floors, to); ok && other >= own {
				out = append(out, fmt.Sprintf("%s (floor %d) imports %s (floor %d)", d, own, to, other))
			}
		}
	}
	return out
}
