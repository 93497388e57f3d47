package refactor

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// town has one of everything a move must answer for.
const town = `
-- go.mod --
module example.com/town

go 1.26

tool example.com/town/lib/alpha/cmd/gen
-- lib/alpha/alpha.go --
// Package alpha does things. See [example.com/town/lib/alpha/sub.Deep].
package alpha // import "example.com/town/lib/alpha"

import (
	_ "embed"

	"example.com/town/lib/alpha/sub"
)

//go:generate go run example.com/town/lib/alpha/cmd/gen -o ../../out.txt -x ./here.txt

//go:embed here.txt
var Here string

// T is a thing.
type T struct{ N int }

func New() *T { return &T{sub.Deep()} }

func hidden() int { return 1 }

// Sum adds, so that the file is long enough for git to know it again: git calls
// a file renamed when half of it is the same.
func Sum(values ...int) int {
	total := 0
	for _, v := range values {
		total += v
	}
	return total
}

// Product multiplies, for the same reason.
func Product(values ...int) int {
	product := 1
	for _, v := range values {
		product *= v
	}
	return product
}
-- lib/alpha/here.txt --
here
-- lib/alpha/alpha_windows.go --
package alpha

const System = "windows"
-- lib/alpha/alpha_test.go --
package alpha

import "testing"

func TestHidden(t *testing.T) { hidden() }
-- lib/alpha/out_test.go --
package alpha_test

import (
	"testing"

	"example.com/town/lib/alpha"
)

func TestNew(t *testing.T) { alpha.New() }
-- lib/alpha/sub/sub.go --
package sub

func Deep() int { return 7 }
-- lib/alpha/cmd/gen/main.go --
package main

import "example.com/town/lib/alpha"

func main() { println(alpha.New().N) }
-- out.txt --
-- app/plain.go --
// Package app uses [alpha.New] and [alpha].
package app

import (
	"fmt"
	"strings"

	"example.com/town/lib/alpha"
	_ "example.com/town/lib/alpha/sub"
)

type holder struct {
	*alpha.T        // embedded
	m  map[string]*alpha.T
}

// Use returns an [alpha.T].
func Use(f func(alpha.T)) (*alpha.T, error) {
	x := alpha.New() // 1
	{
		alpha := struct{ New int }{3}
		fmt.Println(alpha.New, strings.ToUpper("alpha.New"))
	}
	return x, fmt.Errorf("example.com/town/lib/alpha")
}
-- app/kept.go --
package app

import "example.com/town/lib/alpha"

// beta is what the package is to be called.
func kept(beta int) *alpha.T { return &alpha.T{N: beta} }
-- app/aliased.go --
package app

import one "example.com/town/lib/alpha"

var aliased = one.New()
-- app/only_windows.go --
package app

import "example.com/town/lib/alpha"

var _ = alpha.System
-- app/script.go --
//go:build ignore

package main

import "example.com/town/lib/alpha"

func main() { alpha.New() }
-- other/go.mod --
module example.com/other

go 1.26

require example.com/town v0.0.0

replace example.com/town => ../
-- other/o.go --
package other

import "example.com/town/lib/alpha"

var O = alpha.New()
`

func TestMoveEverything(t *testing.T) {
	l := newLab(t, town)
	first := l.git("rev-parse", "HEAD")
	got := l.mustMove("lib/alpha", "core/deep/beta", MoveOptions{OneCommit: true})
	if diff := cmp.Diff([]string{"app/kept.go"}, got.Kept); diff != "" {
		t.Errorf("files that keep the old name (-want +got):\n%s", diff)
	}
	for name, parts := range map[string][]string{
		"core/deep/beta/alpha.go": {"// Package beta does things. See [example.com/town/core/deep/beta/sub.Deep].", "package beta // import \"example.com/town/core/deep/beta\"",
			"\"example.com/town/core/deep/beta/sub\"", "go run example.com/town/core/deep/beta/cmd/gen -o ../../../out.txt -x ./here.txt"},
		"core/deep/beta/alpha_windows.go": {"package beta\n"},
		"core/deep/beta/out_test.go":      {"package beta_test", "beta.New()"},
		"app/plain.go": {"uses [beta.New] and [beta].", "*beta.T", "returns an [beta.T]", "f func(beta.T)) (*beta.T, error)", "x := beta.New() // 1",
			"alpha := struct{ New int }{3}", "fmt.Println(alpha.New, strings.ToUpper(\"alpha.New\"))", `fmt.Errorf("example.com/town/lib/alpha")`},
		"app/kept.go":         {`import alpha "example.com/town/core/deep/beta"`, "&alpha.T{N: beta}"},
		"app/aliased.go":      {`import one "example.com/town/core/deep/beta"`},
		"app/only_windows.go": {"beta.System"},
		"app/script.go":       {"beta.New()"},
		"other/o.go":          {`import "example.com/town/core/deep/beta"`, "beta.New()"},
		"go.mod":              {"tool example.com/town/core/deep/beta/cmd/gen"},
	} {
		for _, p := range parts {
			if text := l.read(name); !strings.Contains(text, p) {
				t.Errorf("%s lacks %q:\n%s", name, p, text)
			}
		}
	}
	if n := l.git("rev-list", "--count", first+"..HEAD"); n != "1" {
		t.Errorf("%s commits, want 1", n)
	}
	if s := l.git("status", "--porcelain"); s != "" {
		t.Errorf("dirty after the move:\n%s", s)
	}
	if _, err := os.Stat(filepath.Join(l.dir, "lib")); err == nil {
		t.Error("the empty directory lib was left")
	}
	if log := l.git("log", "--follow", "--format=%H", "--", "core/deep/beta/alpha.go"); !strings.Contains(log, first) {
		t.Error("git log --follow does not reach the first commit")
	}
	if len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "app/plain.go:") {
		t.Errorf("warnings = %q, want the import path in a string of app/plain.go", got.Warnings)
	}
	if os.Getenv("RESYNC_REFACTOR_PROOF") == "" {
		return // the standard library for another system takes a minute to build
	}
	c := exec.Command("go", "build", "./...")
	c.Dir, c.Env = l.dir, append(os.Environ(), "GOOS=windows", "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("windows build: %v\n%s", err, out)
	}
}

// A file of which hardly a line stays is no rename to git: the move says so.
func TestLostHistoryIsNamed(t *testing.T) {
	l := newLab(t, "-- go.mod --\nmodule m\n\ngo 1.26\n-- a/tiny.go --\npackage a\n-- a/big.go --\npackage a\n\n// Sum adds what it is given and returns the sum.\nfunc Sum(x, y int) int { return x + y }\n")
	first := l.git("rev-parse", "HEAD")
	got := l.mustMove("a", "somewhere", MoveOptions{NoCheck: true, OneCommit: true})
	for _, f := range []string{"somewhere/tiny.go", "somewhere/big.go"} {
		followed := strings.Contains(l.git("log", "--follow", "--format=%H", "--", f), first)
		if lost := slices.Contains(got.LostHistory, f); lost == followed {
			t.Errorf("%s: git follows it %v, the move says it is lost %v", f, followed, lost)
		}
	}
}

// One commit is made where git follows every file through it; two, the renames
// first, where it would lose one or they are asked for. Undoing takes back both.
func TestHistoryIsKept(t *testing.T) {
	const tiny, large = "-- a/tiny.go --\npackage a\n", "-- a/large.go --\npackage a\n\n// Sum adds what it is given and returns the sum.\nfunc Sum(x, y int) int { return x + y }\n"
	for name, c := range map[string]struct {
		files   string
		opt     MoveOptions
		commits int
	}{
		"a file of one line":         {tiny + large, MoveOptions{}, 2},
		"no file is lost":            {large, MoveOptions{}, 1},
		"no file is lost, but asked": {large, MoveOptions{ExactHistory: true}, 2},
		"a name that stays":          {tiny, MoveOptions{Name: "a"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, "-- go.mod --\nmodule m\n\ngo 1.26\n"+c.files)
			first, tree := l.git("rev-parse", "HEAD"), l.git("rev-parse", "HEAD^{tree}")
			opt := c.opt
			opt.NoCheck = true
			got := l.mustMove("a", "somewhere", opt)
			if n := l.git("rev-list", "--count", first+"..HEAD"); n != strconv.Itoa(c.commits) || len(got.LostHistory) != 0 {
				t.Errorf("%s commits, want %d; lost %v", n, c.commits, got.LostHistory)
			}
			for _, f := range got.Files {
				if !strings.Contains(l.git("log", "--follow", "--format=%H", "--", f), first) {
					t.Errorf("git does not follow %s", f)
				}
			}
			if _, err := Rollback(context.Background(), l.open()); err != nil {
				t.Fatal(err)
			}
			if l.git("rev-parse", "HEAD^{tree}") != tree {
				t.Error("the tree after rollback differs from the first")
			}
		})
	}
}

// A move whose edits fail, or that is cut short between its two commits, goes
// back to where it began.
func TestTwoCommitsAreUndoneTogether(t *testing.T) {
	l := newLab(t, "-- go.mod --\nmodule m\n\ngo 1.26\n-- a/tiny.go --\npackage a\n-- a/small.go --\npackage a\n\nvar V = 1\n")
	first := l.git("rev-parse", "HEAD")
	opt := MoveOptions{NoCheck: true}
	mv, err := PlanMove(context.Background(), l.open(), "a", "somewhere", opt)
	if err != nil {
		t.Fatal(err)
	}
	mv.edits[1].path = "not/there.go"
	if _, err := Apply(context.Background(), mv, opt); err == nil {
		t.Error("an edit failed, and the move did not")
	}
	l.untouched(first)
	l.write(".git/hooks/pre-commit", "#!/bin/sh\nexit 1\n")
	if err := os.Chmod(filepath.Join(l.dir, ".git/hooks/pre-commit"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := l.move("a", "somewhere", opt); err == nil {
		t.Error("the second commit was refused by a hook, and the move was not")
	}
	l.untouched(first)
}

func TestMoveDryRunTouchesNothing(t *testing.T) {
	l := newLab(t, town)
	head := l.git("rev-parse", "HEAD")
	mv, err := PlanMove(context.Background(), l.open(), "./lib/alpha/", "example.com/town/core/beta", MoveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if mv.Old != "lib/alpha" || mv.New != "core/beta" || len(mv.Files) != 7 || len(mv.Packages) != 3 {
		t.Errorf("plan %s → %s, %d files, %d packages", mv.Old, mv.New, len(mv.Files), len(mv.Packages))
	}
	l.untouched(head)
}

// Defect 31: the predecessor's update-imports joined an import with the line
// after it and lost commas. Every byte but the path and the name must stay.
func TestDefect31_ImportRewritingKeepsEveryOtherByte(t *testing.T) {
	cases := map[string]struct{ before, after string }{
		"next line is code":    {"package p\n\nimport \"m/a\"\nvar x,y = a.F(1,2) , a.V\n", "package p\n\nimport \"m/z/b\"\nvar x,y = b.F(1,2) , b.V\n"},
		"one line, semicolons": {"package p; import (\"m/a\";\"fmt\") ; var _ = fmt.Sprint(a.F(1,\n2),a.V)", "package p; import (\"m/z/b\";\"fmt\") ; var _ = fmt.Sprint(b.F(1,\n2),b.V)"},
		"carriage returns":     {"package p\r\n\r\n// see [a.F]\r\nimport \"m/a\"\r\n\r\n// V is [a.V].\r\nvar V = a.V\r\n", "package p\r\n\r\n// see [b.F]\r\nimport \"m/z/b\"\r\n\r\n// V is [b.V].\r\nvar V = b.V\r\n"},
		"comment on the line":  {"package p\n\nimport (\n\t\"m/a\" // a, really\n\t_ \"m/a\"\n)\n\nvar V = a.V\n", "package p\n\nimport (\n\t\"m/z/b\" // a, really\n\t_ \"m/z/b\"\n)\n\nvar V = b.V\n"},
		"raw quotes":           {"package p\nimport `m/a`\nvar V = a .V\n", "package p\nimport \"m/z/b\"\nvar V = b .V\n"},
		"dot import":           {"package p\n\nimport . \"m/a\"\n\nvar W = V\n", "package p\n\nimport . \"m/z/b\"\n\nvar W = V\n"},
		"no newline at end":    {"package p\nimport \"m/a\"\nvar V = a.V", "package p\nimport \"m/z/b\"\nvar V = b.V"},
		"package declares b":   {"package p\n\nimport \"m/a\"\n\nfunc b() { a.F(1, 2) }\n", "package p\n\nimport a \"m/z/b\"\n\nfunc b() { a.F(1, 2) }\n"},
	}
	l := newLab(t, "-- go.mod --\nmodule m\n\ngo 1.26\n-- a/a.go --\npackage a\n\nvar V = 1\n\nfunc F(x, y int) int { return x + y }\n")
	for name, c := range cases {
		l.write(name+"/p.go", c.before)
	}
	l.git("add", "-A")
	l.git("commit", "-q", "-m", "callers")
	l.mustMove("a", "z/b", MoveOptions{NoCheck: true})
	for name, c := range cases {
		if diff := cmp.Diff(c.after, l.read(name+"/p.go")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestGofmtCleanStaysClean(t *testing.T) {
	l := newLab(t, "-- go.mod --\nmodule m\n\ngo 1.26\n-- a/a.go --\npackage a\n\nvar V = 1\n-- k/k.go --\npackage k\n-- p/p.go --\npackage p\n\nimport (\n\t\"m/a\"\n\t_ \"m/k\"\n)\n\nvar (\n\tx = a.V // x\n\tyy = 2   // y\n)\n")
	l.git("commit", "-q", "--allow-empty", "-m", "x")
	l.write("p/p.go", "package p\n\nimport (\n\t\"m/a\"\n\t_ \"m/k\"\n)\n\nvar (\n\tx  = a.V // x\n\tyy = 2   // y\n)\n")
	l.git("commit", "-q", "-am", "formatted")
	l.mustMove("a", "z/longer", MoveOptions{NoCheck: true})
	want := "package p\n\nimport (\n\t_ \"m/k\"\n\t\"m/z/longer\"\n)\n\nvar (\n\tx  = longer.V // x\n\tyy = 2        // y\n)\n"
	if diff := cmp.Diff(want, l.read("p/p.go")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMoveIsUndoneWhole(t *testing.T) {
	for name, spoil := range map[string]func(*lab, *Move) MoveOptions{
		"does not compile": func(_ *lab, mv *Move) MoveOptions {
			mv.edits[0].now = []byte("package broken; var x int = \"\"\n")
			return MoveOptions{}
		},
		"hook refuses the commit": func(l *lab, _ *Move) MoveOptions {
			hook := filepath.Join(l.dir, ".git", "hooks", "pre-commit")
			l.write(".git/hooks/pre-commit", "#!/bin/sh\nexit 1\n")
			if err := os.Chmod(hook, 0o755); err != nil {
				l.t.Fatal(err)
			}
			return MoveOptions{NoCheck: true}
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, "-- go.mod --\nmodule m\n\ngo 1.26\n-- .gitignore --\n*.tmp\n-- in/a/a.go --\npackage a\n\nvar V = 1\n-- p/p.go --\npackage p\n\nimport \"m/in/a\"\n\nvar V = a.V\n")
			l.write("in/a/scratch.tmp", "ignored")
			head := l.git("rev-parse", "HEAD")
			mv, err := PlanMove(context.Background(), l.open(), "in/a", "far/away/b", MoveOptions{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = Apply(context.Background(), mv, spoil(l, mv))
			var undone *RolledBack
			if !errors.As(err, &undone) {
				t.Fatalf("got %v, want *RolledBack", err)
			}
			l.untouched(head)
			if l.read("in/a/scratch.tmp") != "ignored" {
				t.Error("an ignored file was lost")
			}
			if _, err := os.Stat(filepath.Join(l.dir, "far")); err == nil {
				t.Error("the new directory was left")
			}
		})
	}
}

func TestRollback(t *testing.T) {
	l := newLab(t, "-- go.mod --\nmodule m\n\ngo 1.26\n-- a/a.go --\npackage a\n\nvar V = 1\n-- p/p.go --\npackage p\n\nimport \"m/a\"\n\nvar V = a.V\n")
	tree := l.git("rev-parse", "HEAD^{tree}")
	ctx := context.Background()
	if _, err := Rollback(ctx, l.open()); err == nil {
		t.Error("nothing to undo, and no refusal")
	}
	l.mustMove("a", "z/b", MoveOptions{NoCheck: true})
	l.write("later.txt", "x")
	l.git("add", "-A")
	l.git("commit", "-q", "-m", "later")
	if _, err := Rollback(ctx, l.open()); err != nil {
		t.Fatal(err)
	}
	l.git("rm", "-q", "later.txt")
	l.git("commit", "-q", "-m", "gone")
	if now := l.git("rev-parse", "HEAD^{tree}"); now != tree {
		t.Error("the tree after rollback differs from the first")
	}
	st, err := ReadStatus(ctx, l.open())
	if err != nil {
		t.Fatal(err)
	}
	if len(st.Moves) != 1 || st.Moves[0].Undone == "" || len(st.MovedFiles) != 0 {
		t.Errorf("status = %+v", st)
	}
}

// A move cut short by kill -9 leaves its record; rollback finishes it.
func TestRollbackOfInterruptedMove(t *testing.T) {
	l := newLab(t, "-- go.mod --\nmodule m\n\ngo 1.26\n-- a/a.go --\npackage a\n\nvar V = 1\n-- p/p.go --\npackage p\n\nimport \"m/a\"\n\nvar V = a.V\n")
	ctx := context.Background()
	head := l.git("rev-parse", "HEAD")
	mv, err := PlanMove(ctx, l.open(), "a", "b", MoveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	st := &state{Pending: &pending{Old: "a", New: "b", Base: head, Edited: mv.Updates}}
	if err := st.save(ctx, gitRepo{l.dir}); err != nil {
		t.Fatal(err)
	}
	l.git("mv", "a", "b")
	if err := mv.write(); err != nil {
		t.Fatal(err)
	}
	l.write("stranger.txt", "mine")
	if _, err := Rollback(ctx, l.open()); err == nil || !strings.Contains(err.Error(), "stranger.txt") {
		t.Errorf("got %v, want a refusal that names stranger.txt", err)
	}
	if err := os.Remove(filepath.Join(l.dir, "stranger.txt")); err != nil {
		t.Fatal(err)
	}
	if _, err := Rollback(ctx, l.open()); err != nil {
		t.Fatal(err)
	}
	l.untouched(head)
}
