package refactor

import (
	"strings"
	"testing"
)

// A module of the repository follows when it builds against this source, and is
// left alone when it uses a published version.
func TestOtherModulesOfTheRepository(t *testing.T) {
	const files = "-- go.mod --\nmodule m\n\ngo 1.26\n-- a/a.go --\npackage a\n\nvar V = 1\n" +
		"-- tools/go.mod --\nmodule m/tools\n\ngo 1.26\n-- tools/t.go --\npackage tools\n\nimport \"m/a\"\n\nvar V = a.V\n"
	for name, c := range map[string]struct {
		more string
		want string
	}{
		"workspace":         {"-- go.work --\ngo 1.26\n\nuse (\n\t.\n\t./tools\n)\n", `"m/b"`},
		"other workspace":   {"-- go.work --\ngo 1.26\n\nuse ./tools\n", `"m/a"`},
		"published version": {"", `"m/a"`},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, files+c.more)
			l.mustMove("a", "b", MoveOptions{NoCheck: true})
			if text := l.read("tools/t.go"); !strings.Contains(text, c.want) {
				t.Errorf("want the import %s:\n%s", c.want, text)
			}
		})
	}
}

// The module need not be the top of the repository.
func TestModuleBelowTheTop(t *testing.T) {
	l := newLab(t, "-- go/go.mod --\nmodule m\n\ngo 1.26\n-- go/in/a/a.go --\npackage a\n\nvar V = 1\n-- go/p/p.go --\npackage p\n\nimport \"m/in/a\"\n\nvar V = a.V\n-- sister/go.mod --\nmodule s\n\ngo 1.26\n\nrequire m v0.0.0\n\nreplace m => ../go\n-- sister/s.go --\npackage s\n\nimport \"m/in/a\"\n\nvar V = a.V\n")
	l.dir += "/go"
	got := l.mustMove("in/a", "b", MoveOptions{})
	if len(got.LostHistory) != 0 && got.LostHistory[0] != "b/a.go" {
		t.Errorf("lost history of %v", got.LostHistory)
	}
	if text := l.read("../sister/s.go"); !strings.Contains(text, "m/b") {
		t.Errorf("the sister module was left behind:\n%s", text)
	}
	if s := l.git("status", "--porcelain"); s != "" {
		t.Errorf("dirty:\n%s", s)
	}
}
