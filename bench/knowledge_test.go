package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"resync/internal/knowledge"
	"resync/internal/store"
)

// BenchmarkKnowledge is what a base of n passages in rows of SQLite costs: to open with
// the index file (file-s), with one that lacks a document (stale-s) and without (rows-s),
// to ingest one document more (one-more-s), and how large the file and the rows are. n
// is 10,000, 100,000 and, with RESYNC_LONG=1, 1,000,000.
func BenchmarkKnowledge(b *testing.B) {
	sizes := []int{10_000, 100_000}
	if os.Getenv("RESYNC_LONG") != "" {
		sizes = append(sizes, 1_000_000)
	}
	for _, n := range sizes {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			ctx := context.Background()
			dir := b.TempDir()
			st, err := store.Open(ctx, "sqlite:"+filepath.Join(dir, "resync.db"))
			if err != nil {
				b.Fatal(err)
			}
			defer st.Close()
			start := time.Now()
			ids := fillStore(b, st, n)
			b.ReportMetric(time.Since(start).Seconds(), "store-s")
			file := filepath.Join(dir, "index")
			open := func(unit string) *knowledge.Base {
				runtime.GC()
				start := time.Now()
				base, err := knowledge.New(ctx, knowledge.Options{Store: st, IndexFile: file})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(time.Since(start).Seconds(), unit)
				return base
			}
			for b.Loop() {
				if err := os.RemoveAll(file); err != nil {
					b.Fatal(err)
				}
				base := open("rows-s")
				passages := base.Stats().Passages
				if err := base.SaveIndex(); err != nil {
					b.Fatal(err)
				}
				base = nil
				for unit, name := range map[string]string{"index-MB": file, "rows-MB": filepath.Join(dir, "resync.db")} {
					info, err := os.Stat(name)
					if err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(float64(info.Size())/1e6, unit)
				}
				base = open("file-s")
				if got := base.Stats().Passages; got != passages || got < n/2 || ids == 0 {
					b.Fatalf("%d passages out of the file, %d out of the rows", got, passages)
				}
				runtime.GC()
				start = time.Now()
				text := fmt.Sprintf("# One more %d\n\n%s", time.Now().UnixNano(), strings.Repeat("The agent does not link after the upgrade.\n\n", 50))
				if _, err := base.IngestDocument(ctx, knowledge.Input{Name: "one-more.md", Data: []byte(text)}); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(time.Since(start).Seconds(), "one-more-s")
				_ = open("stale-s")
				b.ReportMetric(float64(passages), "passages")
			}
		})
	}
}

// fillStore writes documents of a hundred passages each as rows, the way an ingestion
// does.
func fillStore(b *testing.B, st *store.Store, n int) int {
	b.Helper()
	docs := grown(b, n)
	for i, records := range docs {
		var body strings.Builder
		var rows []store.ChunkRow
		for _, r := range records {
			from := body.Len()
			body.WriteString(r.Text)
			rows = append(rows, store.ChunkRow{ID: fmt.Sprint("p", i, ".", r.ID), Start: from, End: body.Len(), Kind: "text",
				Path: fmt.Sprintf("[%q,%q]", r.Title, r.Title), Tokens: 100})
			body.WriteString("\n")
		}
		meta := fmt.Sprintf(`{"authority":"official","cut":%q}`, knowledge.CutOf(rows))
		if _, _, err := st.PutDocument(context.Background(), store.Document{Collection: knowledge.DefaultCollection, Source: fmt.Sprintf("doc%05d.md", i),
			Title: "grown", Body: body.String(), Meta: []byte(meta), Parts: rows}); err != nil {
			b.Fatal(err)
		}
	}
	return len(docs)
}
