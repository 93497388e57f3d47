package resync_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"resync/internal/config"
)

// requirement is a module go.mod asks for by itself, or a tool.
type requirement struct{ module, version string }

// directRequirements reads go.mod: what is required without "// indirect", and
// the tools with an empty version.
func directRequirements(text string) []requirement {
	var out []requirement
	block := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		fields := strings.Fields(line)
		switch {
		case line == ")":
			block = ""
			continue
		case len(fields) == 2 && fields[1] == "(":
			block = fields[0]
			continue
		case block == "" && len(fields) > 1:
			fields = append([]string{fields[0]}, fields[1:]...)
		case block != "" && len(fields) > 0:
			fields = append([]string{block}, fields...)
		default:
			continue
		}
		switch {
		case fields[0] == "require" && len(fields) >= 3 && !strings.HasSuffix(line, "// indirect"):
			out = append(out, requirement{fields[1], fields[2]})
		case fields[0] == "tool" && len(fields) == 2:
			out = append(out, requirement{fields[1], ""})
		}
	}
	return out
}

// dependencyRow is a row of docs/dependencies.md: module, version, licence, reason.
var dependencyRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]*) \\| ([^|]*) \\| ([^|]*) \\|$")

// Every dependency has a reason on record, and the record has no other.
func TestDependenciesAreOnRecord(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	want := directRequirements(string(mod))
	var got []requirement
	for _, m := range dependencyRow.FindAllStringSubmatch(string(doc), -1) {
		version := strings.TrimSpace(m[2])
		if version == "tool" {
			version = ""
		}
		got = append(got, requirement{m[1], version})
		if len(strings.TrimSpace(m[3])) < 3 || len(strings.TrimSpace(m[4])) < 20 {
			t.Errorf("docs/dependencies.md: %s needs a licence and a reason", m[1])
		}
	}
	order := func(a, b requirement) int { return strings.Compare(a.module, b.module) }
	slices.SortFunc(want, order)
	slices.SortFunc(got, order)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(requirement{})); diff != "" {
		t.Errorf("docs/dependencies.md differs from go.mod (-go.mod +docs):\n%s", diff)
	}
}

func TestDirectRequirements(t *testing.T) {
	got := directRequirements("module x\n\ngo 1.26\n\nrequire (\n\ta/b v1.0.0\n\tc/d v2.0.0 // indirect\n)\n\nrequire e/f v0.1.0\n\nrequire g/h v0.2.0 // indirect\n\ntool i/j/cmd/k\n\ntool (\n\tl/m\n)\n")
	want := []requirement{{"a/b", "v1.0.0"}, {"e/f", "v0.1.0"}, {"i/j/cmd/k", ""}, {"l/m", ""}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(requirement{})); diff != "" {
		t.Errorf("requirements (-want +got):\n%s", diff)
	}
}

// leaves lists the paths of the exported settings of a Config.
func leaves(typ reflect.Type, prefix string) []string {
	var out []string
	for i := range typ.NumField() {
		f := typ.Field(i)
		elem := f.Type
		for elem.Kind() == reflect.Slice {
			elem = elem.Elem()
		}
		switch {
		case !f.IsExported():
		case elem.Kind() == reflect.Struct && elem != reflect.TypeFor[config.Secret]():
			out = append(out, leaves(elem, prefix+f.Name+".")...)
		default:
			out = append(out, prefix+f.Name)
		}
	}
	return out
}

// unread are settings that no code reads, with what tells the user so.
func unread() map[string]string {
	return map[string]string{
		"Server.SecretKey": "config.Load warns that this version signs nothing",
		"Redis.URL":        "config.Load warns that this version does not use Redis",
		"LLM.Endpoint":     "config.Load warns that this version does not use a language model",
		"LLM.APIKey":       "config.Load warns that this version does not use a language model",
	}
}

// Defect 22: settings nobody read. Every field of the configuration must be
// selected somewhere in a package that imports internal/config.
func TestDefect22_EverySettingHasAReader(t *testing.T) {
	h := parseHouse(t)
	readers := map[string]bool{} // :: package → it imports internal/config
	for _, f := range h.product() {
		if _, ok := f.imports()["internal/config"]; ok {
			readers[f.pkg] = true
		}
	}
	wired := readers["internal/app"]
	selected := map[string]bool{}
	for _, f := range h.product() {
		if readers[f.pkg] {
			for _, name := range selectors(f.ast) {
				selected[name] = true
			}
		}
	}
	all := leaves(reflect.TypeFor[config.Config](), "")
	if !wired {
		t.Skipf("SKIPPED: %d settings were not checked for a reader, because internal/app does not import internal/config yet", len(all))
	}
	for _, field := range all {
		name := field[strings.LastIndexByte(field, '.')+1:]
		if !selected[name] && unread()[field] == "" {
			t.Errorf("config.Config.%s is read by nobody: use it or remove the key", field)
		}
	}
}
