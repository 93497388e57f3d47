package peers

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/blevesearch/bleve/v2"
	_ "github.com/blevesearch/bleve/v2/analysis/lang/en"
	_ "modernc.org/sqlite"

	"resync/internal/evaluate"
	"resync/internal/retrieve"
)

// BenchmarkRetrievalPeers indexes the same passages with Resync, bleve and SQLite FTS5
// and asks each the same 200 headings for ten results, in one round. CPU seconds and
// milliseconds are of this process, so a busy machine does not change them much; p50
// and p99 are of the clock. RESYNC_PASSAGES sets the size (10,000).
func BenchmarkRetrievalPeers(b *testing.B) {
	dir := filepath.Join("..", "..", "..", "shared", "data", "manuals")
	if root := os.Getenv("RESYNC_TESTDATA"); root != "" {
		dir = filepath.Join(root, "manuals")
	}
	manuals, err := evaluate.ReadManuals(dir)
	if err != nil {
		b.Skipf("SKIPPED, NOT MEASURED: search beside bleve and FTS5 (%v)", err)
	}
	n := 10_000
	if s := os.Getenv("RESYNC_PASSAGES"); s != "" {
		if _, err := fmt.Sscan(s, &n); err != nil {
			b.Fatal(err)
		}
	}
	docs, questions := evaluate.Grow(manuals, n), evaluate.TitleQuestions(manuals, 200)
	for _, peer := range []struct {
		name  string
		index func(*testing.B, [][]retrieve.Record) func(q string) (int, error)
	}{{"resync", indexResync}, {"bleve", indexBleve}, {"fts5", indexFTS5}} {
		b.Run(peer.name, func(b *testing.B) {
			for b.Loop() {
				start := cpuTime(b)
				search := peer.index(b, docs)
				b.ReportMetric((cpuTime(b) - start).Seconds(), "index-cpu-s")
				measureSearch(b, questions, search)
			}
		})
	}
}

// measureSearch asks every question three times after a first round.
func measureSearch(b *testing.B, questions []string, search func(string) (int, error)) {
	b.Helper()
	var took []time.Duration
	var start time.Duration
	empty := 0
	for round := range 4 {
		if round == 1 {
			start = cpuTime(b)
		}
		for _, q := range questions {
			at := time.Now()
			found, err := search(q)
			if err != nil {
				b.Fatalf("%q: %v", q, err)
			}
			if round > 0 {
				took = append(took, time.Since(at))
			} else if found == 0 {
				empty++
			}
		}
	}
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms((cpuTime(b)-start)/time.Duration(len(took))), "cpu-ms/query")
	b.ReportMetric(ms(took[len(took)/2]), "p50-ms")
	b.ReportMetric(ms(took[len(took)*99/100]), "p99-ms")
	b.ReportMetric(float64(empty), "without-result")
}

// cpuTime is what this process has used so far.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func indexResync(b *testing.B, docs [][]retrieve.Record) func(string) (int, error) {
	b.Helper()
	segs := make([]*retrieve.Segment, len(docs))
	for i, d := range docs {
		segs[i] = retrieve.AnalyseRecords(retrieve.Document{Name: fmt.Sprint(i)}, d)
	}
	x := retrieve.New(segs...)
	return func(q string) (int, error) {
		found, err := x.Search(context.Background(), q, 10)
		return len(found), err
	}
}

func indexBleve(b *testing.B, docs [][]retrieve.Record) func(string) (int, error) {
	b.Helper()
	mapping := bleve.NewIndexMapping()
	mapping.DefaultAnalyzer = "en"
	ix, err := bleve.New(filepath.Join(b.TempDir(), "bleve"), mapping)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { ix.Close() }) //nolint:errcheck // a temporary folder
	batch := ix.NewBatch()
	for _, d := range docs {
		for _, r := range d {
			if err := batch.Index(r.ID, map[string]string{"title": r.Title, "text": r.Text}); err != nil {
				b.Fatal(err)
			}
			if batch.Size() == 1000 {
				if err := ix.Batch(batch); err != nil {
					b.Fatal(err)
				}
				batch.Reset()
			}
		}
	}
	if err := ix.Batch(batch); err != nil {
		b.Fatal(err)
	}
	return func(q string) (int, error) {
		req := bleve.NewSearchRequestOptions(bleve.NewMatchQuery(q), 10, 0, false)
		found, err := ix.Search(req)
		if err != nil {
			return 0, err
		}
		return len(found.Hits), nil
	}
}

func indexFTS5(b *testing.B, docs [][]retrieve.Record) func(string) (int, error) {
	b.Helper()
	db, err := sql.Open("sqlite", filepath.Join(b.TempDir(), "fts.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() }) //nolint:errcheck // a temporary folder
	if _, err := db.Exec(`create virtual table passages using fts5(id unindexed, title, text, tokenize='porter')`); err != nil {
		b.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		b.Fatal(err)
	}
	for _, d := range docs {
		for _, r := range d {
			if _, err := tx.Exec(`insert into passages values (?,?,?)`, r.ID, r.Title, r.Text); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	return func(q string) (int, error) {
		var words []string
		for _, w := range strings.FieldsFunc(q, func(r rune) bool { return r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a' || r > 'z' && r < 128 }) {
			words = append(words, `"`+w+`"`)
		}
		rows, err := db.Query(`select id from passages where passages match ? order by bm25(passages) limit 10`, strings.Join(words, " OR "))
		if err != nil {
			return 0, err
		}
		defer rows.Close() //nolint:errcheck // read only
		n := 0
		for rows.Next() {
			n++
		}
		return n, rows.Err()
	}
}
