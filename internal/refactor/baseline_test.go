package refactor

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
)

const shaky = `
-- go.mod --
module m

go 1.26
-- a/a.go --
package a

func F(ok bool) int {
	if ok {
		return 1
	}
	return 2
}
-- a/a_test.go --
package a

import "testing"

func TestGood(t *testing.T) { F(true) }

func TestBad(t *testing.T) { t.Error("bad") }

func TestSkipped(t *testing.T) { t.Skip() }
`

// Defect 32: the predecessor crashed when tests failed, so there was no baseline
// exactly when one was needed.
func TestDefect32_BaselineWhenTestsFail(t *testing.T) {
	l := newLab(t, shaky)
	b, err := Measure(context.Background(), l.open())
	if err != nil {
		t.Fatal(err)
	}
	if b.Tests.Passed || b.Tests.ExitCode != 1 || b.Tests.Summary != "1 passed, 1 failed, 1 skipped" {
		t.Errorf("tests = %+v", b.Tests)
	}
	if b.Coverage == nil || b.Coverage.Statements != 3 || int(b.Coverage.Percent) != 66 {
		t.Errorf("coverage = %+v, want 2 of 3 statements", b.Coverage)
	}
	if md := b.Markdown(); !strings.Contains(md, "m/a.TestBad") {
		t.Errorf("the report does not name the failed test:\n%s", md)
	}
	l.write("b/b.go", "package b\n\nvar X int = \"\"\n")
	broken, err := Measure(context.Background(), l.open())
	if err != nil {
		t.Fatal(err)
	}
	if broken.Build.OK || broken.Build.Output == "" || broken.Tests.Passed {
		t.Errorf("a module that does not build: %+v", broken)
	}
	names, err := broken.Write(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	again, err := ReadBaseline(names[0])
	if err != nil {
		t.Fatal(err)
	}
	if d := CompareBaselines(b, again); !d.Worse || len(d.Changes) == 0 {
		t.Errorf("diff = %+v, want a regression", d)
	}
	if d := CompareBaselines(b, b); d.Worse || len(d.Changes) != 0 {
		t.Errorf("diff of a baseline with itself = %+v", d)
	}
}

// What was not measured is null in JSON and said in words, never a zero.
func TestDefect32_NoCoverage(t *testing.T) {
	b := &Baseline{Module: "m"}
	data, err := json.Marshal(b)
	if err != nil || !strings.Contains(string(data), `"coverage":null`) {
		t.Errorf("JSON %s, %v", data, err)
	}
	if !strings.Contains(b.Markdown(), "| Statement coverage | not measured |") {
		t.Error(b.Markdown())
	}
	if c, err := readProfile(t.TempDir() + "/none"); c != nil || err != nil {
		t.Errorf("no profile: %v, %v", c, err)
	}
}

func TestValidate(t *testing.T) {
	l := newLab(t, shaky)
	l.write("internal/lonely/l.go", "package lonely\n\nimport _ \"m/a\"\n")
	l.write("floors", "1 a\n0 internal/...\n")
	floors, err := ReadFloors(l.dir + "/floors")
	if err != nil {
		t.Fatal(err)
	}
	v := Validate(context.Background(), l.open(), ValidateOptions{Floors: floors})
	got := map[string]string{}
	for _, c := range v.Checks {
		got[c.Name] = c.State
	}
	want := map[string]string{"syntax": "ok", "cycles": "ok", "floors": "error", "orphans": "warning", "build": "ok", "vet": "ok", "tests": "error"}
	for name, state := range want {
		if got[name] != state {
			t.Errorf("%s is %q, want %q", name, got[name], state)
		}
	}
	if v.OK {
		t.Error("failing tests and a wrong floor, and it is in order")
	}
}

func FuzzReadTests(f *testing.F) {
	f.Add(`{"Action":"pass","Package":"p","Test":"T"}` + "\nnot json\n" + `{"Action":"fail","Package":"p"}`)
	f.Fuzz(func(t *testing.T, out string) {
		m := readTests(out)
		if m.Fail > len(m.Failed) || m.Passed && m.Fail > 0 {
			t.Errorf("%+v", m)
		}
	})
}

func FuzzEmbedPatterns(f *testing.F) {
	f.Add("a \"b c\" `d` all:e")
	f.Fuzz(func(t *testing.T, text string) {
		raw := "//go:embed " + text
		at := 0
		for _, p := range embedPatterns(raw) {
			if p.start < at || p.end < p.start || p.end > len(raw) {
				t.Fatalf("pattern %+v of %q", p, raw)
			}
			at = p.end
			matched("d", p.text, []string{"d/a/b", "d"})
		}
	})
}

func FuzzPathEdits(f *testing.F) {
	f.Add("see m/a.B, m/a/sub and https://x/m/a; m/a.")
	f.Fuzz(func(t *testing.T, text string) {
		edits := pathEdits(text, map[string]string{"m/a": "m/z", "m/a/sub": "m/z/sub"})
		got, err := applyEdits([]byte(text), edits)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(text) { // both names have one length
			t.Errorf("%q became %q", text, got)
		}
	})
}
