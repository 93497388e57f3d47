package bench

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"resync/internal/evaluate"
	"resync/internal/retrieve"
)

// grown are n passages made from the manuals.
func grown(t testing.TB, n int) [][]retrieve.Record {
	t.Helper()
	return evaluate.Grow(readManuals(t, manualsDir(t, "speed of a grown index")), n)
}

// titleQuestions are 200 headings of the manuals.
func titleQuestions(t testing.TB) []string {
	t.Helper()
	return evaluate.TitleQuestions(readManuals(t, manualsDir(t, "speed of a grown index")), 200)
}

// indexGrown analyses on all cores and makes the index.
func indexGrown(docs [][]retrieve.Record) *retrieve.Index {
	segs := make([]*retrieve.Segment, len(docs))
	var wg sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				segs[i] = retrieve.AnalyseRecords(retrieve.Document{Name: fmt.Sprintf("doc%d", i)}, docs[i])
			}
		})
	}
	for i := range docs {
		next <- i
	}
	close(next)
	wg.Wait()
	return retrieve.New(segs...)
}

// quantiles are p50 and p99 in milliseconds.
func quantiles(took []time.Duration) (p50, p99 float64) {
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return ms(took[len(took)/2]), ms(took[len(took)*99/100])
}

// ask times each question rounds times.
func ask(t testing.TB, rounds int, questions []string, search func(q string) error) []time.Duration {
	t.Helper()
	var took []time.Duration
	for range rounds {
		for _, q := range questions {
			start := time.Now()
			if err := search(q); err != nil {
				t.Fatal(err)
			}
			took = append(took, time.Since(start))
		}
	}
	return took
}

// BenchmarkRetrieval is the growth table: seconds to index, to write and to open the
// index, and the time of a search for ten passages by words alone and with vectors of
// 384 dimensions beside them (the question's vector is given; a model's time to make
// it comes on top), at 10,000, 100,000 and, with RESYNC_LONG=1, 1,000,000 passages.
// The searches run in a process of their own, which maps the file; its memory is the
// MB reported.
func BenchmarkRetrieval(b *testing.B) {
	sizes := []int{10_000, 100_000}
	if os.Getenv("RESYNC_LONG") != "" {
		sizes = append(sizes, 1_000_000)
	}
	for _, n := range sizes {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			docs := grown(b, n)
			name := filepath.Join(b.TempDir(), "index")
			for b.Loop() {
				start := time.Now()
				x := indexGrown(docs)
				b.ReportMetric(time.Since(start).Seconds(), "index-s")
				start = time.Now()
				if err := x.WriteFile(name); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(time.Since(start).Seconds(), "write-s")
			}
			docs = nil
			runtime.GC()
			cmd := exec.Command(os.Args[0], "-test.run=^TestSearchChild$", "-test.v")
			cmd.Env = append(os.Environ(), "RESYNC_BENCH_INDEX="+name)
			out, err := cmd.CombinedOutput()
			if err != nil {
				b.Fatalf("%v\n%s", err, out)
			}
			for _, ln := range strings.Split(string(out), "\n") {
				unit, value, ok := strings.Cut(strings.TrimPrefix(ln, "METRIC "), " ")
				if v, err := strconv.ParseFloat(value, 64); ok && err == nil && strings.HasPrefix(ln, "METRIC ") {
					b.ReportMetric(v, unit)
				}
			}
		})
	}
}

// TestSearchChild is the searching process of BenchmarkRetrieval.
func TestSearchChild(t *testing.T) {
	name := os.Getenv("RESYNC_BENCH_INDEX")
	if name == "" {
		t.Skip("runs only as a part of BenchmarkRetrieval")
	}
	questions := titleQuestions(t)
	runtime.GC()
	start := time.Now()
	x, err := retrieve.OpenFile(name)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("METRIC open-s %g\n", time.Since(start).Seconds())
	ctx := context.Background()
	words := func(q string) error {
		_, err := x.Search(ctx, q, 10)
		return err
	}
	ask(t, 1, questions, words)
	p50, p99 := quantiles(ask(t, 5, questions, words))
	fmt.Printf("METRIC words-p50-ms %g\nMETRIC words-p99-ms %g\nMETRIC words-MB %g\n", p50, p99, residentMB(t))
	if x.Passages() > 200_000 {
		return
	}
	rng := rand.New(rand.NewPCG(3, 4))
	vectors, err := retrieve.NewVectors(384)
	if err != nil {
		t.Fatal(err)
	}
	vectors.Grow(x.Passages())
	row := make([]float32, 384)
	random := func() []float32 {
		for i := range row {
			row[i] = float32(rng.NormFloat64())
		}
		return row
	}
	for range x.Passages() {
		if err := vectors.Append(random()); err != nil {
			t.Fatal(err)
		}
	}
	both := func(q string) error {
		_, err := x.Find(ctx, q, retrieve.Options{K: 10, Dense: &retrieve.Dense{Vectors: vectors, Query: random(), Model: "random"}})
		return err
	}
	ask(t, 1, questions, both)
	p50, p99 = quantiles(ask(t, 2, questions, both))
	fmt.Printf("METRIC hybrid-p50-ms %g\nMETRIC hybrid-p99-ms %g\nMETRIC hybrid-MB %g\n", p50, p99, residentMB(t))
	spans := func(q string) error {
		_, err := x.Spans(ctx, q, retrieve.Modes()[0], retrieve.Filter{})
		return err
	}
	p50, p99 = quantiles(ask(t, 1, questions, spans))
	fmt.Printf("METRIC spans-p50-ms %g\nMETRIC spans-p99-ms %g\n", p50, p99)
}

// residentMB is the memory of this process that is resident.
func residentMB(t testing.TB) float64 {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0 // another system than Linux: not measured
	}
	_, rest, _ := bytes.Cut(b, []byte("VmRSS:"))
	fields := strings.Fields(string(rest))
	kb, err := strconv.Atoi(fields[0])
	if err != nil {
		t.Fatal(err)
	}
	return float64(kb) / 1024
}
