package bench

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"resync/internal/retrieve"
)

// BenchmarkRebuild is what keeping an index costs at 10,000, 100,000 and, with
// RESYNC_LONG=1, 1,000,000 passages: to analyse all of them (analyse-s), to join what
// was analysed (join-s), to join all documents of an index file with one changed (one-s),
// to write the file (write-s) and to open it (open-s).
func BenchmarkRebuild(b *testing.B) {
	sizes := []int{10_000, 100_000}
	if os.Getenv("RESYNC_LONG") != "" {
		sizes = append(sizes, 1_000_000)
	}
	for _, n := range sizes {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			docs := grown(b, n)
			name := filepath.Join(b.TempDir(), "index")
			timed := func(unit string, do func()) {
				runtime.GC()
				start := time.Now()
				do()
				b.ReportMetric(time.Since(start).Seconds(), unit)
			}
			for b.Loop() {
				var segs []*retrieve.Segment
				timed("analyse-s", func() { segs = analyseGrown(docs) })
				var x *retrieve.Index
				timed("join-s", func() { x = retrieve.New(segs...) })
				timed("write-s", func() {
					if err := x.WriteFile(name); err != nil {
						b.Fatal(err)
					}
				})
				changed := segs[len(segs)/2]
				x, segs = nil, nil
				var file *retrieve.Index
				timed("open-s", func() {
					var err error
					if file, err = retrieve.OpenFile(name); err != nil {
						b.Fatal(err)
					}
				})
				pieces := make([]retrieve.Piece, file.Documents())
				for i := range pieces {
					pieces[i] = retrieve.Piece{Index: file, Doc: i}
				}
				pieces[len(pieces)/2] = retrieve.Piece{Segment: changed}
				timed("one-s", func() { x = retrieve.Join(pieces...) })
				if x.Passages() != file.Passages() {
					b.Fatalf("%d passages of %d", x.Passages(), file.Passages())
				}
				if err := file.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
