package knowledge

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestTheManualsAreNotSuspicious: the vendor's manuals and the handbook give
// orders on every page; none of them is an order to a language model.
func TestTheManualsAreNotSuspicious(t *testing.T) {
	dir := filepath.Join(dataDir(t, "8 manuals against the quarantine"), "manuals")
	files, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for _, r := range inspect(string(text)) {
			t.Errorf("%s:%d %s: %s", filepath.Base(f), r.Line, r.Why, r.Quote)
		}
		t.Logf("%s: %d bytes in %s", filepath.Base(f), len(text), time.Since(start))
	}
	book, err := Handbook()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range book {
		for _, r := range inspect(d.Text) {
			t.Errorf("%s:%d %s: %s", d.Name, r.Line, r.Why, r.Quote)
		}
	}
}

func BenchmarkIngestManuals(b *testing.B) {
	dir := filepath.Join(dataDir(b, "ingestion of 8 manuals"), "manuals")
	for b.Loop() {
		st := openStore(b, filepath.Join(b.TempDir(), "resync.db"))
		base, err := OpenWithoutHandbook(context.Background(), st)
		if err != nil {
			b.Fatal(err)
		}
		r, err := base.Ingest(context.Background(), []string{dir}, nil)
		if err != nil || r.Count(Added) != 8 {
			b.Fatal(r, err)
		}
		b.ReportMetric(float64(base.Stats().Passages), "passages")
		st.Close()
	}
}

func BenchmarkOpenManuals(b *testing.B) {
	dir := filepath.Join(dataDir(b, "opening 8 manuals"), "manuals")
	st := openStore(b, filepath.Join(b.TempDir(), "resync.db"))
	defer st.Close()
	base, err := OpenWithoutHandbook(context.Background(), st)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := base.Ingest(context.Background(), []string{dir}, nil); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := OpenWithoutHandbook(context.Background(), st); err != nil {
			b.Fatal(err)
		}
	}
}
