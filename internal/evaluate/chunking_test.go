package evaluate

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"resync/internal/retrieve"
)

func TestChromaCorpora(t *testing.T) {
	dir := filepath.Join(testdata(), "eval", "chunking")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("SKIPPED, NOT MEASURED: recall, precision and IoU on Chroma's corpora (none in %s)", dir)
	}
	if os.Getenv("RESYNC_LONG") != "" {
		r, err := Chunking(context.Background(), dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range r.Corpora {
			t.Logf("%s: %+v; chosen on the others: %+v", c, r.ByCorpus[c], r.LeaveOneOut[c])
		}
		t.Logf("%+v", r.PrecisionOmega)
	}
	c, err := readCorpora(dir)
	if err != nil {
		t.Fatal(err)
	}
	c.questions = sample(c.questions, 200)
	docs := make([]retrieve.Document, len(c.names))
	for i := range docs {
		docs[i] = retrieve.Document{Name: c.names[i], Text: c.texts[i]}
	}
	all, err := c.ask(context.Background(), Build(docs), retrieve.Modes())
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range retrieve.Modes() {
		s, goal := mean(all[i], nil), spanGoals[m.Name]
		t.Logf("%-8s %+v", m.Name, s)
		if s.Recall < goal.recall || s.IoU < goal.iou {
			t.Errorf("%s: %+v, at least %+v is wanted", m.Name, s, goal)
		}
	}
}
