package evaluate

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

func TestChromaCorpora(t *testing.T) {
	dir := filepath.Join(testdata(), "eval", "chunking")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("SKIPPED, NOT MEASURED: recall, precision and IoU on Chroma's corpora (none in %s)", dir)
	}
	r, err := Chunking(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for mode, goal := range spanGoals {
		s := r.Modes[mode]
		t.Logf("%-8s %+v", mode, s)
		for _, c := range r.Corpora {
			t.Logf("         %-20s %+v; chosen on the others: %+v", c, r.ByCorpus[c][mode], r.LeaveOneOut[c][mode])
		}
		if s.Recall < goal.recall || s.IoU < goal.iou {
			t.Errorf("%s: %+v, at least %+v is wanted", mode, s, goal)
		}
	}
	t.Logf("%+v", r.PrecisionOmega)
}
