package evaluate

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// manuals is the folder of the vendor's manuals; the test is skipped, loudly,
// where it is absent.
func manuals(t testing.TB, lost string) string {
	t.Helper()
	dir := filepath.Join(testdata(), "manuals")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("SKIPPED, NOT MEASURED: %s (no manuals in %s)", lost, dir)
	}
	return dir
}

func testdata() string {
	if root := os.Getenv("RESYNC_TESTDATA"); root != "" {
		return root
	}
	return filepath.Join("..", "..", "..", "shared", "data")
}

func TestManualSets(t *testing.T) {
	docs, err := ReadManuals(manuals(t, "five sets made from the manuals"))
	if err != nil {
		t.Fatal(err)
	}
	s := Own{Index: Build(docs)}
	ops, err := Operator()
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range append(Generate(docs), ops...) {
		got, err := Ask(context.Background(), s, set)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%-4s n=%d hit1=%.1f hit3=%.1f hit5=%.1f mrr=%.3f fail20=%.1f", set.Name, got.N, got.Hit1, got.Hit3, got.Hit5, got.MRR, got.Fail20)
		if v := os.Getenv("RESYNC_VERBOSE"); v == set.Name {
			for i, r := range got.Ranks {
				if r != 1 && (r > 3 || r == 0 || v != "operator_en" && v != "operator_pt") {
					q := set.Questions[i]
					t.Logf("  rank %d: %q gold %.120q", r, q.Text, q.Gold)
				}
			}
		}
	}
}
