package tool

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestCanonical(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty is an empty object", "  ", `{}`},
		{"keys are sorted", `{"b":1,"a":{"d":true,"c":null}}`, `{"a":{"c":null,"d":true},"b":1}`},
		{"space goes", "{ \"a\" : [ 1 , 2 ] }", `{"a":[1,2]}`},
		{"one way to write a number", `{"a":1.0,"b":1e2,"c":-0}`, `{"a":1,"b":100,"c":0}`},
		{"one way to write a text", `{"a":"\u0041\u00e9\/\u0007"}`, `{"a":"Aé/\u0007"}`},
		// RFC 8785 §3.2.3: UTF-16 order puts the astral sign before U+FB33.
		{"UTF-16 order", "{\"\ufb33\":1,\"\U0001F600\":2}", "{\"\U0001F600\":2,\"\ufb33\":1}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Canonical([]byte(tt.in))
			must(t, err)
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCanonicalIsStable(t *testing.T) {
	value := rapid.OneOf(rapid.Just[any](nil), rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.Float64Range(-1e15, 1e15), func(f float64) any { return f }),
		rapid.Map(rapid.StringMatching(`[a-zé€\n"\\]{0,8}`), func(s string) any { return s }))
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.MapOf(rapid.StringMatching(`[a-z_é]{1,6}`), value).Draw(t, "m")
		raw, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		once, err := Canonical(raw)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		twice, err := Canonical(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("not stable: %s, %s, %v", once, twice, err)
		}
		var back map[string]any
		if err := json.Unmarshal(once, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, back); diff != "" && len(m) > 0 {
			t.Fatal(diff)
		}
	})
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1}`, `{"a":"\ud800"}`, `[`, `{"a":{"a":{}}}`, `{"a":1e999}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		out, err := Canonical(in)
		if err != nil {
			return
		}
		if !json.Valid(out) {
			t.Fatalf("%q became %q", in, out)
		}
		if again, err := Canonical(out); err != nil || !bytes.Equal(again, out) {
			t.Fatalf("%q is not stable: %q %v", in, again, err)
		}
	})
}

// TestCanonicalAgainstJSONTestSuite wraps each case in an object: what must fail
// fails, what must parse parses, but for what we refuse on purpose.
func TestCanonicalAgainstJSONTestSuite(t *testing.T) {
	dir := os.Getenv("RESYNC_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "data")
	}
	files, err := filepath.Glob(filepath.Join(dir, "attacks", "jsontestsuite", "test_parsing", "*.json"))
	must(t, err)
	if len(files) == 0 {
		files, _ = filepath.Glob(filepath.Join(dir, "attacks", "jsontestsuite", "*", "*.json"))
	}
	if len(files) == 0 {
		t.Skip("SKIPPED: 318 JSONTestSuite cases were not run, " + dir + " is not there")
	}
	ran := 0
	for _, f := range files {
		body, err := os.ReadFile(f)
		must(t, err)
		base := filepath.Base(f)
		_, cerr := Canonical(append(append([]byte(`{"v":`), body...), '}'))
		ran++
		switch base[0] {
		case 'n':
			// Wrapped, these complete to something valid or are refused for another reason.
			if cerr == nil && !wrappable(base) {
				t.Errorf("%s must not parse", base)
			}
		case 'y':
			if cerr != nil && !refusedOnPurpose(cerr) {
				t.Errorf("%s must parse: %v", base, cerr)
			}
		}
	}
	t.Logf("%d cases", ran)
}

func wrappable(name string) bool {
	return strings.Contains(name, "n_structure_object_with_trailing") || strings.Contains(name, "single_space") || strings.Contains(name, "no_data")
}

func refusedOnPurpose(err error) bool {
	for _, s := range []string{"twice", "NUL", "out of range"} {
		if strings.Contains(err.Error(), s) {
			return true
		}
	}
	return false
}
