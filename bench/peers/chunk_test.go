package peers

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tmc/langchaingo/textsplitter"

	"resync/chunk"
)

// cpuRate measures fn and reports the bytes it takes a second of processor time: on a
// busy machine the clock on the wall says little.
func cpuRate(b *testing.B, text string, fn func()) {
	b.SetBytes(int64(len(text)))
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	from, n := used(), 0
	for b.Loop() {
		fn()
		n++
	}
	b.ReportMetric(float64(n)*float64(len(text))/1e6/(used()-from).Seconds(), "MB/cpu-s")
}

// BenchmarkChunkers cuts one manual (0.43 MB) with our chunkers and langchaingo's.
// py/chunkers.py does the same with LangChain, semchunk and Chonkie.
func BenchmarkChunkers(b *testing.B) {
	text, ok := corpora(b)["awstrmst.md"]
	if !ok {
		b.Skip("SKIPPED, NOT MEASURED: chunkers side by side (no manuals)")
	}
	enc := peer(b, "cl100k_base")
	b.Run("ours/Text", func(b *testing.B) { cpuRate(b, text, func() { chunk.Text(text, 512) }) })
	for _, s := range chunk.Strategies() {
		cfg := chunk.DefaultConfig()
		cfg.Strategy = s
		c, err := chunk.New(cfg)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("ours/"+string(s), func(b *testing.B) {
			cpuRate(b, text, func() {
				if _, err := c.Document(context.Background(), text, "awstrmst.md"); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
	tokens := textsplitter.WithLenFunc(func(s string) int { return len(enc.EncodeOrdinary(s)) })
	for name, s := range map[string]textsplitter.TextSplitter{
		"recursive, tokens":     textsplitter.NewRecursiveCharacter(textsplitter.WithChunkSize(500), textsplitter.WithChunkOverlap(75), tokens),
		"recursive, characters": textsplitter.NewRecursiveCharacter(textsplitter.WithChunkSize(2000), textsplitter.WithChunkOverlap(300)),
		"markdown, characters":  textsplitter.NewMarkdownTextSplitter(textsplitter.WithChunkSize(2000), textsplitter.WithChunkOverlap(300)),
		"token windows":         textsplitter.NewTokenSplitter(textsplitter.WithChunkSize(500), textsplitter.WithChunkOverlap(75)),
	} {
		b.Run("langchaingo/"+strings.ReplaceAll(name, " ", "_"), func(b *testing.B) {
			cpuRate(b, text, func() {
				if _, err := s.SplitText(text); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}
