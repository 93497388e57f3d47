package bench

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"resync/chunk"
)

// manualsText are all manuals as one text.
func manualsText(b *testing.B) string {
	var all strings.Builder
	for _, d := range readManuals(b, manualsDir(b, "the speed of chunking")) {
		all.WriteString(d.Text)
		all.WriteString("\n\n")
	}
	return all.String()
}

// perCPU measures fn and reports the bytes of text it takes a second of processor
// time, which on a busy machine says more than the time on the clock.
func perCPU(b *testing.B, text string, fn func()) {
	b.SetBytes(int64(len(text)))
	from, n := cpuTime(b), 0
	for b.Loop() {
		fn()
		n++
	}
	b.ReportMetric(float64(n)*float64(len(text))/1e6/(cpuTime(b)-from).Seconds(), "MB/cpu-s")
}

// cpuTime is what the process has used so far, all its threads together.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkChunk cuts the eight manuals (6.3 MB) on one core with exact cl100k
// tokens: Text is the packer alone, the strategies give all metadata.
func BenchmarkChunk(b *testing.B) {
	text := manualsText(b)
	chunk.CL100K().Count("unpack the vocabulary")
	b.Run("Text", func(b *testing.B) {
		perCPU(b, text, func() { chunk.Text(text, 512) })
	})
	b.Run("passages", func(b *testing.B) {
		perCPU(b, text, func() { chunk.Document(text, "all.md") })
	})
	for _, s := range chunk.Strategies() {
		cfg := chunk.DefaultConfig()
		cfg.Strategy = s
		c, err := chunk.New(cfg)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(string(s), func(b *testing.B) {
			perCPU(b, text, func() {
				if _, err := c.Document(context.Background(), text, "all.md"); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}
