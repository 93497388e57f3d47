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

	"golang.org/x/sys/unix"

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
	return retrieve.New(analyseGrown(docs)...)
}

// analyseGrown analyses on all cores.
func analyseGrown(docs [][]retrieve.Record) []*retrieve.Segment {
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
	return segs
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
			writeChildInput(b, filepath.Dir(name), n)
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

// dims of the vectors: those of MiniLM, bge-small and e5-small.
const dims = 384

// writeChildInput writes the questions and, up to 200,000 passages, vectors of random
// directions: the scan looks at every row, whatever is in it.
func writeChildInput(b *testing.B, dir string, n int) {
	b.Helper()
	if err := os.WriteFile(filepath.Join(dir, "questions"), []byte(strings.Join(titleQuestions(b), "\n")), 0o600); err != nil {
		b.Fatal(err)
	}
	if n > 200_000 {
		return
	}
	vectors, err := retrieve.NewVectors(dims)
	if err != nil {
		b.Fatal(err)
	}
	rng, row := rand.New(rand.NewPCG(3, 4)), make([]float32, dims)
	for range n {
		for i := range row {
			row[i] = float32(rng.NormFloat64())
		}
		if err := vectors.Append(row); err != nil {
			b.Fatal(err)
		}
	}
	f, err := os.Create(filepath.Join(dir, "vectors"))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := vectors.WriteTo(f); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}

// TestSearchChild is the searching process of BenchmarkRetrieval. It maps the index and
// the vectors.
func TestSearchChild(t *testing.T) {
	name := os.Getenv("RESYNC_BENCH_INDEX")
	if name == "" {
		t.Skip("runs only as a part of BenchmarkRetrieval")
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(name), "questions"))
	if err != nil {
		t.Fatal(err)
	}
	questions := strings.Split(string(text), "\n")
	start := time.Now()
	x, err := retrieve.OpenFile(name)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("METRIC open-s %g\n", time.Since(start).Seconds())
	ctx := context.Background()
	report := func(name string, rounds int, search func(q string) error) {
		ask(t, 1, questions, search)
		p50, p99 := quantiles(ask(t, rounds, questions, search))
		fmt.Printf("METRIC %s-p50-ms %g\nMETRIC %s-p99-ms %g\nMETRIC %s-MB %g\n", name, p50, name, p99, name, residentMB(t))
	}
	report("words", 5, func(q string) error {
		_, err := x.Search(ctx, q, 10)
		return err
	})
	data, err := mapFile(filepath.Join(filepath.Dir(name), "vectors"))
	if os.IsNotExist(err) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	vectors, err := retrieve.OpenVectors(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Madvise(data, unix.MADV_DONTNEED); err != nil { // its checksum made all of it resident
		t.Fatal(err)
	}
	rng, query := rand.New(rand.NewPCG(5, 6)), make([]float32, dims)
	report("hybrid", 2, func(q string) error {
		for i := range query {
			query[i] = float32(rng.NormFloat64())
		}
		_, err := x.Find(ctx, q, retrieve.Options{K: 10, Dense: &retrieve.Dense{Vectors: vectors, Query: query, Model: "random"}})
		return err
	})
	report("spans", 1, func(q string) error {
		_, err := x.Spans(ctx, q, retrieve.Modes()[0], retrieve.Filter{})
		return err
	})
}

func mapFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() // the mapping stays
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
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
