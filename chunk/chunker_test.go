package chunk

import (
	"context"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func mustNew(t interface{ Fatalf(string, ...any) }, change func(*Config)) *Chunker {
	cfg := DefaultConfig()
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return c
}

func cutAll(t interface{ Fatalf(string, ...any) }, c *Chunker, text string) []Chunk {
	got, err := c.Document(context.Background(), text, "guide.md")
	if err != nil {
		t.Fatalf("Document: %v", err)
	}
	return got
}

// within checks what holds for every strategy and text.
func within(t interface{ Fatalf(string, ...any) }, c *Chunker, text string, chunks []Chunk) {
	cfg, ids, start := c.Config(), map[string]bool{}, 0
	for i, ch := range chunks {
		m := ch.Metadata
		if ch.Start < 0 || ch.End > len(text) || ch.Start >= ch.End || text[ch.Start:ch.End] != ch.Content {
			t.Fatalf("%s: content of [%d,%d) is not the text there", cfg.Strategy, ch.Start, ch.End)
		}
		if ch.Start < start {
			t.Fatalf("%s: passage at %d after one at %d", cfg.Strategy, ch.Start, start)
		}
		start = ch.Start
		if utf8.ValidString(text) && !utf8.ValidString(ch.Content) {
			t.Fatalf("%s: [%d,%d) cuts a character in two", cfg.Strategy, ch.Start, ch.End)
		}
		most := cfg.PreserveMaxTokens
		if cfg.Strategy == Hierarchical {
			most = cfg.Hierarchy[m.Level-1]
		}
		if n := cfg.Tokenizer.Count(ch.Content); n > most || n != m.TokenCount {
			t.Fatalf("%s: [%d,%d) has %d tokens (metadata %d), at most %d: %q", cfg.Strategy, ch.Start, ch.End, n, m.TokenCount, most, ch.Content[:min(len(ch.Content), 200)])
		}
		if ids[ch.ID] {
			t.Fatalf("%s: the id %s stands twice", cfg.Strategy, ch.ID)
		}
		ids[ch.ID] = true
		if m.ChunkIndex != i || m.TotalChunks != len(chunks) {
			t.Fatalf("%s: index %d of %d is recorded as %d of %d", cfg.Strategy, i, len(chunks), m.ChunkIndex, m.TotalChunks)
		}
		if with := ch.Contextualized(); !strings.HasSuffix(with, ch.Content) || !strings.HasPrefix(with, "[Context: Document: ") {
			t.Fatalf("%s: contextualised content %q", cfg.Strategy, with)
		}
		if got := utf8.RuneCountInString(text[:ch.Start]); got != m.StartChar {
			t.Fatalf("%s: [%d,%d) begins at character %d, not %d", cfg.Strategy, ch.Start, ch.End, got, m.StartChar)
		}
		if got := 1 + strings.Count(text[:ch.Start], "\n"); got != ch.Line {
			t.Fatalf("%s: [%d,%d) begins on line %d, not %d", cfg.Strategy, ch.Start, ch.End, got, ch.Line)
		}
	}
}

// covered checks that the strategies that drop nothing lose no word.
func covered(t interface{ Fatalf(string, ...any) }, text string, chunks []Chunk) {
	done := 0
	for _, ch := range chunks {
		if ch.Start > done && strings.Trim(text[done:ch.Start], " \t\r\n") != "" {
			t.Fatalf("lost %q", text[done:ch.Start])
		}
		done = max(done, ch.End)
	}
	if strings.Trim(text[done:], " \t\r\n") != "" {
		t.Fatalf("lost the end %q", text[done:])
	}
}

var pieces = []string{
	"# Title\n", "## Sub\n", "# Cause and solution:\n", "# Syntax\n", "text of some length. ", "\n", "\n\n", "```\n", "```sh\n",
	"- item\n", "1. one\n", "2. two\n", "<table><tr><td>x</td></tr></table>\n", "<table>\n", "</table>\n", "| a | b |\n|---|---|\n", "é€😀", "\r\n",
	"See it on page 9\n", "# Contents\n", "Alpha. 3\nBeta. 4\nGamma. 5\n", "# Notices\n", "There are two causes:\n", strings.Repeat("word ", 300),
	strings.Repeat("x", 3000), "$\\{0\\}$", "\xff", strings.Repeat(" ", 700), strings.Repeat("éè", 300), strings.Repeat("ab12_", 100),
	"AWSBHT001E ", "conman sj FTA1#PAY.JOB1\n", strings.Repeat("\n", 60), strings.Repeat("。。", 90),
}

func drawText(t *rapid.T) string {
	var b strings.Builder
	for range rapid.IntRange(0, 40).Draw(t, "parts") {
		b.WriteString(rapid.SampledFrom(pieces).Draw(t, "part"))
	}
	return b.String()
}

func drawConfig(t *rapid.T) func(*Config) {
	return func(cfg *Config) {
		cfg.Strategy = rapid.SampledFrom(Strategies()).Draw(t, "strategy")
		cfg.Tokenizer = rapid.SampledFrom(tokenizers()).Draw(t, "tokenizer")
		cfg.MaxTokens = rapid.IntRange(16, 120).Draw(t, "max")
		cfg.OverlapTokens = rapid.IntRange(0, cfg.MaxTokens/2).Draw(t, "overlap")
		cfg.MinTokens = rapid.IntRange(0, cfg.MaxTokens).Draw(t, "min")
		if rapid.Bool().Draw(t, "more") {
			cfg.PreserveMaxTokens = 2 * cfg.MaxTokens
		}
		cfg.Hierarchy = [3]int{200, 60, 20}
		cfg.PreserveTables = rapid.Bool().Draw(t, "tables")
		cfg.PreserveCodeBlocks = rapid.Bool().Draw(t, "code")
		cfg.PreserveProcedures = rapid.Bool().Draw(t, "procedures")
		cfg.PreserveErrorDocs = rapid.Bool().Draw(t, "errors")
	}
}

// slowTokenizer is one of another program: it can only count.
type slowTokenizer struct{}

func (slowTokenizer) Name() string          { return "words" }
func (slowTokenizer) Count(text string) int { return len(strings.Fields(text)) }

func tokenizers() []Tokenizer { return []Tokenizer{CL100K(), O200K(), Characters(), slowTokenizer{}} }

func TestChunkerIsLawful(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, text := mustNew(t, drawConfig(t)), drawText(t)
		got := cutAll(t, c, text)
		within(t, c, text, got)
		switch s := c.Config().Strategy; s {
		case FixedSize, Recursive, Semantic, Hierarchical:
			covered(t, text, got)
		}
		if diff := cmp.Diff(got, cutAll(t, c, text)); diff != "" {
			t.Fatalf("the second run differs:\n%s", diff)
		}
	})
}

func FuzzChunker(f *testing.F) {
	for i, s := range []string{"", "#", "# a", book(), "```", "<table>", "1. a\n\n2. b", "a\r\nb", "\xff\xfe", strings.Repeat("# h\n\nt\n", 25), strings.Repeat("x", 2000)} {
		f.Add(s, i, 40)
	}
	f.Fuzz(func(t *testing.T, text string, kind, size int) {
		all, toks := Strategies(), tokenizers()
		c := mustNew(t, func(cfg *Config) {
			cfg.Strategy, cfg.Tokenizer = all[uint(kind)%uint(len(all))], toks[uint(kind/8)%uint(len(toks))]
			cfg.MaxTokens = 16 + int(uint(size)%200)
			cfg.MinTokens, cfg.OverlapTokens = cfg.MaxTokens/5, cfg.MaxTokens/6
			cfg.Hierarchy = [3]int{200, 60, 20}
		})
		within(t, c, text, cutAll(t, c, text))
	})
}

// TestLedgerAgreesWithCounting compares the ledger with counting every part anew.
func TestLedgerAgreesWithCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, tok := drawText(t), rapid.SampledFrom(tokenizers()).Draw(t, "tokenizer")
		const limit = 50
		l := newLedger(text, tok, limit)
		for range 10 {
			a := rapid.IntRange(0, len(text)).Draw(t, "a")
			b := rapid.IntRange(a, len(text)).Draw(t, "b")
			if !utf8.ValidString(text[a:b]) {
				continue
			}
			got, want := l.tokens(a, b), tok.Count(text[a:b])
			if got != want && (got <= limit || want <= limit && b-a <= l.most()) {
				t.Fatalf("%s: tokens(%d,%d) = %d, want %d for %q", tok.Name(), a, b, got, want, text[a:b])
			}
			if a == b {
				continue
			}
			e := l.fit(a, b, limit)
			if e <= a || e > b || tok.Count(text[a:e]) > limit && e > a+utf8.UTFMax {
				t.Fatalf("%s: fit(%d,%d) = %d with %d tokens", tok.Name(), a, b, e, tok.Count(text[a:e]))
			}
		}
	})
}

// TestDefect26FixedSizeEnds: the predecessor's strategy fixed_size never ended.
func TestDefect26FixedSizeEnds(t *testing.T) {
	c := mustNew(t, func(cfg *Config) { cfg.Strategy, cfg.MaxTokens, cfg.OverlapTokens, cfg.MinTokens = FixedSize, 16, 8, 0 })
	text := strings.Repeat("one two three four five. ", 400)
	got := cutAll(t, c, text)
	within(t, c, text, got)
	covered(t, text, got)
	if n := c.Config().Tokenizer.Count(text); len(got) < n/16 || len(got) > n/6 {
		t.Errorf("%d windows of 16 tokens with 8 repeated for %d tokens", len(got), n)
	}
	for i := 1; i < len(got); i++ {
		if got[i].Start >= got[i-1].End {
			t.Errorf("window %d does not repeat the end of the one before", i)
		}
	}
}

// TestDefect26NothingExceedsTheLimit: of the predecessor's 8577 chunks of the
// manuals 598 exceeded max_tokens and 1289 had fewer than 20 tokens.
func TestDefect26NothingExceedsTheLimit(t *testing.T) {
	text, err := os.ReadFile(manual(t, "awstrmst.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range Strategies() {
		c := mustNew(t, func(cfg *Config) { cfg.Strategy = s })
		got := cutAll(t, c, string(text))
		within(t, c, string(text), got)
		small, whole, parents := 0, 0, 0
		for _, ch := range got {
			small += b2i(ch.Metadata.TokenCount < 20)
			whole += b2i(ch.Metadata.ChunkType == TypeError)
			parents += b2i(len(ch.Metadata.ParentHeaders) > 0)
		}
		t.Logf("%-16s %5d chunks, %d under 20 tokens, %d error documents, %d with parent headers", s, len(got), small, whole, parents)
		if small*20 > len(got) {
			t.Errorf("%s: %d of %d chunks have fewer than 20 tokens", s, small, len(got))
		}
		if s == TWSOptimized && (whole < 150 || parents*2 < len(got)) {
			t.Errorf("%d error documents and %d chunks with parent headers of %d", whole, parents, len(got))
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestRow23HostileText: no text makes a strategy exceed the limit or run away.
func TestRow23HostileText(t *testing.T) {
	for name, text := range hostile(30_000) {
		t.Run(name, func(t *testing.T) {
			for _, s := range Strategies() {
				c := mustNew(t, func(cfg *Config) { cfg.Strategy = s })
				got := cutAll(t, c, text)
				for _, ch := range got {
					if n := c.Config().Tokenizer.Count(ch.Content); n > 2048 || n > 500 && s != Hierarchical {
						t.Fatalf("%s: a passage has %d tokens", s, n)
					}
					if text[ch.Start:ch.End] != ch.Content {
						t.Fatalf("%s: content of [%d,%d) is not the text there", s, ch.Start, ch.End)
					}
				}
			}
		})
	}
}

// TestRow23TenMillionCharacters: ten million characters without a blank, and two and
// a half million headings, in the long ring; a twentieth of it otherwise.
func TestRow23TenMillionCharacters(t *testing.T) {
	n := 500_000
	if os.Getenv("RESYNC_LONG") != "" {
		n = 10_000_000
	}
	c := mustNew(t, nil)
	for name, text := range map[string]string{"no blank": strings.Repeat("x", n), "headings": strings.Repeat("# h\n", n/4)} {
		most, end, count := 0, 0, 0
		for ch, err := range c.Chunks(context.Background(), text, "h.md") {
			if err != nil {
				t.Fatal(err)
			}
			most, end, count = max(most, ch.Metadata.TokenCount), max(end, ch.End), count+1
		}
		t.Logf("%s: %d passages, the largest has %d tokens, the last ends at %d", name, count, most, end)
		if most > 500 {
			t.Errorf("%s: a passage has %d tokens", name, most)
		}
	}
}

// BenchmarkHostileChunker shows linear time: four times the text takes four times as
// long.
func BenchmarkHostileChunker(b *testing.B) {
	c := mustNew(b, nil)
	for name := range hostile(100) {
		for _, size := range []int{1 << 19, 1 << 21} {
			text := hostile(size)[name]
			b.Run(name+"/"+itoa(size>>10)+"kB", func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					for _, err := range c.Chunks(context.Background(), text, "h.md") {
						if err != nil {
							b.Fatal(err)
						}
					}
				}
			})
		}
	}
}

func TestLastIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOfN(rapid.SampledFrom([]byte("ab\r\n")), 0, 12).Draw(t, "text"))
		sep := string(rapid.SliceOfN(rapid.SampledFrom([]byte("ab\r\n")), 1, 4).Draw(t, "separator"))
		if got, want := lastIndex(s, sep), strings.LastIndex(s, sep); got != want {
			t.Fatalf("lastIndex(%q, %q) = %d, want %d", s, sep, got, want)
		}
	})
}
