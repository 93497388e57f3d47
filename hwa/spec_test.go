package hwa

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// dataFile finds a file of the data beside the repository, or skips with a line that says what is lost.
func dataFile(t testing.TB, name, lost string) string {
	t.Helper()
	dir := os.Getenv("RESYNC_TESTDATA")
	if dir == "" {
		wd, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for !exists(filepath.Join(wd, "go.mod")) {
			if wd == filepath.Dir(wd) {
				t.Fatal("no go.mod above the test")
			}
			wd = filepath.Dir(wd)
		}
		dir = filepath.Join(wd, "..", "shared", "data")
	}
	path := filepath.Join(dir, name)
	if !exists(path) {
		t.Skipf("SKIPPED, NOT RUN: %s (%s is absent; set RESYNC_TESTDATA)", lost, path)
	}
	return path
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// schema is what the tests need of a JSON schema.
type schema struct {
	Ref        string             `json:"$ref"`
	Type       string             `json:"type"`
	Format     string             `json:"format"`
	Enum       []any              `json:"enum"`
	Items      *schema            `json:"items"`
	Properties map[string]*schema `json:"properties"`
	OneOf      []*schema          `json:"oneOf"`
	AnyOf      []*schema          `json:"anyOf"`
}

func (s *schema) name() string { return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:] }

type parameter struct {
	Name     string `json:"name"`
	In       string `json:"in"`
	Required bool   `json:"required"`
}

type content map[string]struct {
	Schema *schema `json:"schema"`
}

type operation struct {
	ID, Method, Path string `json:"-"`

	Parameters  []parameter `json:"parameters"`
	RequestBody *struct {
		Content content `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Content content `json:"content"`
	} `json:"responses"`
}

func (o *operation) declares(in, name string) bool {
	for _, p := range o.Parameters {
		if p.In == in && strings.EqualFold(p.Name, name) {
			return true
		}
	}
	return false
}

type spec struct {
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components struct {
		Schemas map[string]*schema `json:"schemas"`
	} `json:"components"`
	ops map[string]*operation // by our operation id
}

// loadSpec reads the vendor's specification and the list of operations.
func loadSpec(t testing.TB) *spec {
	t.Helper()
	data, err := os.ReadFile(dataFile(t, "hwa/WA_API3_v2.json", "the check of 281 operations and their schemas"))
	if err != nil {
		t.Fatal(err)
	}
	s := &spec{ops: map[string]*operation{}}
	if err := json.Unmarshal(data, s); err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile(dataFile(t, "hwa/operations.tsv", "the check of 281 operations"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(table)), "\n")[1:] {
		f := strings.Split(line, "\t")
		op := new(operation)
		if err := json.Unmarshal(s.Paths[f[2]][strings.ToLower(f[1])], op); err != nil {
			t.Fatalf("operation %s in the specification: %v", f[0], err)
		}
		op.ID, op.Method, op.Path = f[0], f[1], f[2]
		s.ops[f[0]] = op
	}
	return s
}

// find returns the operation a request is for; a literal segment beats a parameter.
func (s *spec) find(method, path string) *operation {
	var best *operation
	got := strings.Split(path, "/")
	for _, op := range s.ops {
		want := strings.Split(op.Path, "/")
		if op.Method != method || len(want) != len(got) {
			continue
		}
		ok := true
		for i := range want {
			ok = ok && (want[i] == got[i] || strings.HasPrefix(want[i], "{"))
		}
		if ok && (best == nil || strings.Count(op.Path, "{") < strings.Count(best.Path, "{")) {
			best = op
		}
	}
	return best
}

// resolve follows references.
func (s *spec) resolve(sch *schema) *schema {
	for sch != nil && sch.Ref != "" {
		sch = s.Components.Schemas[sch.name()]
	}
	return sch
}
