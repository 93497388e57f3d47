package refactor

import (
	"context"
	"errors"
	"strings"
	"testing"
)

const harbour = `
-- go.mod --
module example.com/h

go 1.26
-- old/thing/thing.go --
// Package thing has one of every kind.
package thing

import (
	"errors"
	"os"
	str "strings"
)

const (
	A = iota
	B
	c
)

type T struct{ N int }

func (t T) Double() int { return 2 * t.N }

type Pair[K comparable, V any] struct {
	Key K
	Val V
}

var ErrGone = errors.New("gone")

func New(n int, _ string) (*T, error) { return &T{n}, nil }

func Join(w *os.File, parts ...string) { w.WriteString(str.Join(parts, "")) }

func Build(b *str.Builder) *str.Builder { return b }

func Map[K comparable, V any](k K, v V) Pair[K, V] { return Pair[K, V]{k, v} }

type secret struct{}

func Secret() *secret { return nil }

func lower() int { return c }
-- old/thing/thing_linux.go --
package thing

const Linux = true
-- old/thing/thing_tagged.go --
//go:build special

package thing

func Special() bool { return true }
-- app/app.go --
package app

import (
	"os"

	"example.com/h/old/thing"
)

// F uses the [thing.T].
func F() (int, error) {
	const n = thing.B // go fix of Go 1.26 makes no fix when two overlap, as thing.New(thing.B, "") would
	t, err := thing.New(n, "")
	thing.Join(os.Stdout, "a", "b")
	p := thing.Map(1, "x")
	var q thing.Pair[int, string] = p
	_ = thing.Build
	if err == thing.ErrGone {
		return q.Key, err
	}
	return t.Double(), nil
}
`

// A shim keeps callers of the old path building, and both go fix and
// update-imports move them over.
func TestShims(t *testing.T) {
	l := newLab(t, harbour)
	ctx := context.Background()
	l.mustMove("old/thing", "new/goods", MoveOptions{NoCheck: true})
	l.git("checkout", "-q", "HEAD~1", "--", "app") // a caller that did not follow
	l.git("commit", "-q", "-m", "a late caller")
	p, err := PlanShim(l.open(), "old/thing", "new/goods", "")
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "thing" || len(p.Warnings) != 2 {
		t.Errorf("name %q, warnings %q: want thing, and two (a variable, an unexported type)", p.Name, p.Warnings)
	}
	if _, err := WriteShim(ctx, p, MoveOptions{NoCheck: true}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"old/thing/thing.go":        "//go:fix inline\nfunc Join(w *os.File, parts ...string) { goods.Join(w, parts...) }",
		"old/thing/thing_linux.go":  "//go:fix inline\nconst Linux = goods.Linux",
		"old/thing/thing_tagged.go": "//go:build special\n\npackage thing",
		"old/thing/doc.go":          "// Deprecated: use [example.com/h/new/goods]",
	} {
		if text := l.read(name); !strings.Contains(text, want) {
			t.Errorf("%s lacks %q:\n%s", name, want, text)
		}
	}
	if got := FindShims(l.open()); len(got) != 1 || got[0].New != "example.com/h/new/goods" {
		t.Errorf("FindShims = %+v", got)
	}
	if out, err := goCommand(ctx, l.dir, "vet", "-tags", "special", "./..."); err != nil {
		t.Fatalf("vet with the shim: %v\n%s", err, out)
	}
	if out, err := goCommand(ctx, l.dir, "fix", "./app"); err != nil {
		t.Fatalf("go fix: %v\n%s", err, out)
	}
	for _, want := range []string{"goods.New(n", "goods.Join(os.Stdout", "goods.Pair[int, string]", `"example.com/h/new/goods"`} {
		if text := l.read("app/app.go"); !strings.Contains(text, want) {
			t.Errorf("after go fix, app.go lacks %q:\n%s", want, text)
		}
	}
	l.git("checkout", "-q", "--", "app")
	u, err := PlanUpdate(ctx, l.open(), p.Old, p.New, MoveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ApplyUpdate(ctx, u, MoveOptions{}); err != nil {
		t.Fatal(err)
	}
	text := l.read("app/app.go")
	if strings.Contains(text, "old/thing") || !strings.Contains(text, "err == goods.ErrGone") || !strings.Contains(text, "uses the [goods.T]") || !strings.Contains(text, "goods.Map(1") {
		t.Errorf("after update-imports:\n%s", text)
	}
	if s := l.git("status", "--porcelain"); s != "" {
		t.Errorf("dirty:\n%s", s)
	}
}

func TestShimRefusals(t *testing.T) {
	l := newLab(t, strings.Replace(harbour, "go 1.26", "go 1.22", 1))
	for name, c := range map[string]struct{ old, to, says string }{
		"still there":     {"old/thing", "app", "still holds a package"},
		"no target":       {"x", "nowhere", "no Go package to forward to"},
		"generic, old go": {"x", "old/thing", "needs go 1.24"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := PlanShim(l.open(), c.old, c.to, "")
			var no *Refusal
			if !errors.As(err, &no) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want a refusal that says %q", err, c.says)
			}
		})
	}
}

const row = "-- go.mod --\nmodule m\n\ngo 1.26\n-- a/a.go --\npackage a\n\nvar V = 1\n-- b/b.go --\npackage b\n\nimport \"m/a\"\n\nvar V = a.V\n"

func TestMigrateIsAllOrNothing(t *testing.T) {
	l := newLab(t, row)
	ctx := context.Background()
	head := l.git("rev-parse", "HEAD")
	steps := []Step{{"move", "a", "x/a"}, {"move", "b", "x/a/b"}, {"shims", "a", "x/a"}}
	opt := MoveOptions{NoCheck: true}
	done, err := Rehearse(ctx, l.dir, steps, opt, nil)
	if err != nil || len(done) != 3 {
		t.Fatalf("rehearsal: %d steps, %v", len(done), err)
	}
	l.untouched(head)
	_, err = Migrate(ctx, l.dir, append(steps[:2:2], Step{"move", "nowhere", "y"}), opt, nil)
	var undone *RolledBack
	if !errors.As(err, &undone) || !strings.Contains(err.Error(), "step 3 (move nowhere y)") {
		t.Errorf("got %v, want *RolledBack that names step 3", err)
	}
	l.untouched(head)
	calls := 0
	if _, err := Migrate(ctx, l.dir, steps, opt, func(StepDone) { calls++ }); err != nil {
		t.Fatal(err)
	}
	if n := l.git("rev-list", "--count", head+"..HEAD"); n != "3" || calls != 3 {
		t.Errorf("%s commits, %d calls, want 3", n, calls)
	}
	if l.git("worktree", "list") != l.dir+"  "+l.git("rev-parse", "--short", "HEAD")+" ["+l.git("branch", "--show-current")+"]" {
		t.Errorf("a work tree was left:\n%s", l.git("worktree", "list"))
	}
}

func TestReadPlan(t *testing.T) {
	l := &lab{t, t.TempDir()}
	l.write("good", "# two\na b # why\n\nshims a b\n")
	l.write("bad", "a b\nmove a\n")
	if steps, err := ReadPlan(l.dir + "/good"); err != nil || len(steps) != 2 || steps[1] != (Step{"shims", "a", "b"}) {
		t.Errorf("good: %v, %v", steps, err)
	}
	if _, err := ReadPlan(l.dir + "/bad"); err == nil || !strings.Contains(err.Error(), "bad:2:") {
		t.Errorf("bad: %v, want the line named", err)
	}
}
