package msgcode

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// testdata is the folder of manuals and tables, which is never committed.
func testdata(t *testing.T, unused string) string {
	dir := os.Getenv("RESYNC_TESTDATA")
	if dir == "" {
		root, err := filepath.Abs(".")
		for ; err == nil && root != "/"; root = filepath.Dir(root) {
			if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
				break
			}
		}
		dir = filepath.Join(root, "..", "shared", "data")
	}
	if _, err := os.Stat(filepath.Join(dir, "manuals")); err != nil {
		t.Skipf("NOT RUN: %s: there is no %s/manuals; set RESYNC_TESTDATA", unused, dir)
	}
	return dir
}

func manuals(t *testing.T, dir string) map[string]string {
	files, err := filepath.Glob(filepath.Join(dir, "manuals", "*.md"))
	if err != nil || len(files) != 8 {
		t.Fatalf("want the eight manuals, found %d (%v)", len(files), err)
	}
	out := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(file)] = string(text)
	}
	return out
}

// beyond are the codes that stand in the manuals only in a damaged spelling: the
// table of 151, made with a strict expression, does not have them.
func beyond() map[string]int { return map[string]int{"AWKFTE020E": 1, "AWSUI2003": 1, "DSRA0010E": 6} }

// The 151 codes of the eight manuals: all found, none wrong, as often as counted.
func TestManuals(t *testing.T) {
	dir := testdata(t, "151 codes in 8 manuals")
	want := table(t, filepath.Join(dir, "hwa", "message-codes.tsv"))
	counted, all := map[string]int{}, map[string]int{}
	repaired := map[string]int{}
	for _, text := range manuals(t, dir) {
		for _, m := range Find(text) {
			all[m.Code.Text]++
			if strict.FindString(m.Raw) == m.Raw && m.Slip&SlipGlued == 0 {
				counted[m.Code.Text]++
			} else {
				repaired[m.Raw+" "+m.Code.Text]++
			}
		}
	}
	if diff := cmp.Diff(want, counted); diff != "" {
		t.Errorf("occurrences: %s", diff)
	}
	for code, n := range beyond() {
		if all[code] != n {
			t.Errorf("%s: %d occurrences, want %d", code, all[code], n)
		}
		delete(all, code)
	}
	if len(want) != 151 || len(all) != 151 {
		t.Errorf("%d codes expected, %d found", len(want), len(all))
	}
	if diff := cmp.Diff(map[string]int{
		"AwsBDW009E AWSBDW009E": 1, "AwsDEQ024E AWSDEQ024E": 1, "AwKFTE020E AWKFTE020E": 1, "AWSITA1761 AWSITA176I": 1, "AWSUI2003 AWSUI2003": 1,
		"WSWUI0331E AWSWUI0331E": 8, "AWSJOM179E AWSJOM179E": 1, "DSRA0010E DSRA0010E": 6,
	}, repaired); diff != "" {
		t.Errorf("repairs: %s", diff)
	}
}

// table reads code → occurrences and checks family and severity on the way.
func table(t *testing.T, file string) map[string]int {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma = '\t'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, row := range rows[1:] {
		n, err := strconv.Atoi(row[3])
		if err != nil {
			t.Fatal(err)
		}
		out[row[0]] = n
		c, ok := Normalize(row[0])
		family, severity := row[1], row[2]
		if family == "ORA-" { // the table took the last digit for a severity
			family, severity = "ORA", ""
		}
		if !ok || c.Text != row[0] || c.Family != family || string(c.Severity) != severity {
			t.Errorf("Normalize(%s) = %+v, want family %s and severity %s", row[0], c, family, severity)
		}
		if _, ok := Component(strings.TrimSuffix(c.Family, "-")); !ok {
			t.Errorf("%s: no component %s", c, c.Family)
		}
	}
	return out
}
