package refactor

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const square = `
-- go.mod --
module m

go 1.26
-- main.go --
package main

import "m/auth"

func main() { auth.Login() }
-- auth/login.go --
// Package auth lets people in.
package auth

import (
	"fmt"
	"m/store"
)

type User struct{}

func Login() { fmt.Println(store.Open()) }
-- auth/token/token.go --
package token

import "m/store/sql"

var X = sql.Y
-- store/store.go --
package store

// Open sums.
func Open() int {
	total := 0
	for i := range 10 {
		if i%2 == 0 && total < 100 {
			total += i * 3
		} else {
			total -= i
		}
	}
	return total
}
-- store/store_v2.go --
package store

func OpenAgain() int {
	sum := 0
	for k := range 10 {
		if k%2 == 0 && sum < 100 {
			sum += k * 3
		} else {
			sum -= k
		}
	}
	return sum
}

func OpenOther() int {
	sum := 0
	for k := range 10 {
		if k%2 == 0 && sum < 100 {
			sum += k * 4
		} else {
			sum -= k
		}
	}
	return sum
}
-- store/sql/sql.go --
package sql

import "m/auth/level"

var Y = level.Z
-- auth/level/level.go --
package level

const Z = 1
-- internal/lonely/l.go --
package lonely
`

func TestAnalyze(t *testing.T) {
	m := newLab(t, square).open()
	a := Analyze(m, DefaultRules())
	if diff := cmp.Diff(Statistics{TotalFiles: 8, TotalLines: m.lines(), AvgLines: float64(m.lines()) / 8, RootFiles: 1, Packages: 7, Functions: 5}, a.Statistics); diff != "" {
		t.Errorf("statistics (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"auth/level/level.go", "auth/login.go", "auth/token/token.go", "main.go"}, a.Grouping["security"]); diff != "" {
		t.Errorf("security (-want +got):\n%s", diff)
	}
	want := []Duplication{{BaseName: "store", Count: 2, Files: []string{"store/store.go", "store/store_v2.go"}, TotalLines: 39}}
	if diff := cmp.Diff(want, a.Duplications); diff != "" {
		t.Errorf("duplications (-want +got):\n%s", diff)
	}
	if len(a.DuplicateBodies) != 1 || a.DuplicateBodies[0].Functions[0].Name != "Open" || a.DuplicateBodies[0].Functions[1].Name != "OpenAgain" {
		t.Errorf("duplicate bodies = %+v, want Open and OpenAgain (OpenOther has another literal)", a.DuplicateBodies)
	}
	floors := map[string]int{}
	for _, p := range a.Packages {
		floors[p.Dir] = p.Floor
	}
	if diff := cmp.Diff(map[string]int{".": 2, "auth": 1, "auth/token": 2, "auth/level": 0, "store": 0, "store/sql": 1, "internal/lonely": 0}, floors); diff != "" {
		t.Errorf("floors (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([][]string{{"auth", "store"}}, a.Cycles.Components); diff != "" {
		t.Errorf("component cycles (-want +got):\n%s", diff)
	}
}

func (m *Module) lines() int {
	n := 0
	for _, f := range m.Files {
		n += f.Lines
	}
	return n
}

// The names of the JSON are a contract.
func TestReportKeepsTheContract(t *testing.T) {
	dir := t.TempDir()
	if _, err := Analyze(newLab(t, square).open(), DefaultRules()).WriteReport(dir); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "core_analysis.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Generated  string
		Statistics map[string]any
		Files      []map[string]any
		Grouping   map[string][]string
		Dups       []map[string]any `json:"duplications"`
		Structure  map[string]any   `json:"existing_structure"`
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	has := func(what string, m map[string]any, keys string) {
		for k := range strings.FieldsSeq(keys) {
			if _, ok := m[k]; !ok {
				t.Errorf("%s lacks %q", what, k)
			}
		}
	}
	has("statistics", got.Statistics, "total_files total_lines avg_lines")
	has("file", got.Files[0], "path relative_path name directory lines imports internal_imports classes functions docstring")
	has("duplication", got.Dups[0], "base_name count files total_lines")
	if got.Generated == "" || got.Grouping["security"] == nil || got.Structure["auth"] == nil {
		t.Error("generated, grouping or existing_structure is empty")
	}
	md, err := os.ReadFile(filepath.Join(dir, "CORE_ANALYSIS_REPORT.md"))
	if err != nil || !strings.Contains(string(md), "auth and store import each other") {
		t.Errorf("report: %v\n%s", err, md)
	}
}

func TestCyclesOfPlannedMoves(t *testing.T) {
	m := newLab(t, square).open()
	// store/sql → auth/level: as one package with store, auth would import itself
	// through store.
	c := FindCycles(m, [][2]string{{"auth/level", "auth"}, {"store/sql", "store"}}, 1)
	if diff := cmp.Diff([][]string{{"auth", "store"}}, c.Packages); diff != "" {
		t.Errorf("merging (-want +got):\n%s", diff)
	}
	c = FindCycles(m, [][2]string{{"auth/level", "store/level"}}, 1)
	if len(c.Packages)+len(c.Components) != 0 {
		t.Errorf("got %+v: with level in store nothing there imports auth any more", c)
	}
}

func TestCyclesInSourceAndTests(t *testing.T) {
	m := newLab(t, "-- go.mod --\nmodule m\n-- a/a.go --\npackage a\n\nimport _ \"m/b\"\n-- b/b.go --\npackage b\n\nimport _ \"m/a\"\n-- c/c_test.go --\npackage c\n\nimport _ \"m/d\"\n-- c/c.go --\npackage c\n-- d/d.go --\npackage d\n\nimport _ \"m/c\"\n-- c/x_test.go --\npackage c_test\n\nimport _ \"m/d\"\n").open()
	c := FindCycles(m, nil, 1)
	if diff := cmp.Diff([][]string{{"a", "b"}}, c.Packages); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"c"}, c.Tests); diff != "" {
		t.Errorf("tests (-want +got):\n%s", diff)
	}
}

func TestDrawings(t *testing.T) {
	a := Analyze(newLab(t, square).open(), DefaultRules())
	boxes, dec := 0, xml.NewDecoder(strings.NewReader(a.SVG()))
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the SVG is no XML: %v", err)
		}
		if s, ok := tok.(xml.StartElement); ok && s.Name.Local == "g" {
			boxes++
		}
	}
	if boxes != len(a.Packages) {
		t.Errorf("%d boxes for %d packages", boxes, len(a.Packages))
	}
	if !strings.Contains(a.DOT(), "\"auth\" -> \"store\";") || !strings.Contains(a.Text(), " 1 auth → store\n") {
		t.Errorf("drawings lack auth → store:\n%s\n%s", a.DOT(), a.Text())
	}
}

func TestRules(t *testing.T) {
	l := &lab{t, t.TempDir()}
	l.write("r", "# groups\nfruit: apple, pear\nroot: carrot\n")
	r, err := ReadRules(filepath.Join(l.dir, "r"))
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"x/apple_pie.go": "fruit", "CarrotCake.go": "root", "stone.go": "unknown"} {
		if got := r.group(FileInfo{RelativePath: file}); got != want {
			t.Errorf("%s is in %s, want %s", file, got, want)
		}
	}
	l.write("bad", "fruit apple\n")
	if _, err := ReadRules(filepath.Join(l.dir, "bad")); err == nil || !strings.Contains(err.Error(), "bad:1:") {
		t.Errorf("got %v, want the line named", err)
	}
}

func TestWordsOf(t *testing.T) {
	if diff := cmp.Diff([]string{"http", "server", "for", "job", "log", "id"}, wordsOf("HTTPServerFor/job_log2ID")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
