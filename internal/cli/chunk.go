package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"resync/chunk"
	"resync/chunk/read"
	"resync/internal/sandbox"
)

// chunkFlags are what resync chunk is told.
type chunkFlags struct {
	strategy, tokenizer string
	most, least, repeat int
	asJSON, text        bool
}

func newChunk(e *env) *cobra.Command {
	cfg := chunk.DefaultConfig()
	f := chunkFlags{}
	c := &cobra.Command{
		Use: "chunk FILE", Short: "Show the passages a document is cut into", Args: needs("FILE"),
		Long: "Show the passages a document is cut into, with their tokens, lines and sections. Nothing is stored.\n\n" +
			"FILE is Markdown, plain text, HTML, PDF with text, Word (.docx) or a description of a REST interface (OpenAPI); - reads text from\n" +
			"the standard input. Lines and offsets are those of the extracted text.",
		RunE: func(c *cobra.Command, args []string) error { return e.chunk(c.Context(), f, args[0]) },
	}
	c.Flags().StringVar(&f.strategy, "strategy", string(cfg.Strategy), "how to cut: tws_optimized, structure_aware, semantic, hierarchical, recursive or fixed_size")
	c.Flags().StringVar(&f.tokenizer, "tokenizer", "cl100k", "what counts tokens: cl100k, o200k, characters, or wordpiece:FILE with the vocabulary of a model")
	c.Flags().IntVar(&f.most, "max-tokens", cfg.MaxTokens, "most tokens of a passage")
	c.Flags().IntVar(&f.least, "min-tokens", -1, "join smaller passages to a neighbour; a tenth of --max-tokens when not given")
	c.Flags().IntVar(&f.repeat, "overlap-tokens", -1, "tokens a passage repeats of the one before; 15 % of --max-tokens when not given")
	c.Flags().BoolVar(&f.text, "text", false, "print the passages themselves, with their context")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	return c
}

// config is the configuration the flags describe.
func (f chunkFlags) config() (chunk.Config, error) {
	cfg := chunk.DefaultConfig()
	cfg.Strategy, cfg.MaxTokens, cfg.MinTokens, cfg.OverlapTokens = chunk.Strategy(f.strategy), f.most, f.least, f.repeat
	if f.least < 0 {
		cfg.MinTokens = max(f.most, 0) / 10
	}
	if f.repeat < 0 {
		cfg.OverlapTokens = max(f.most, 0) * 15 / 100
	}
	var err error
	if file, ok := strings.CutPrefix(f.tokenizer, "wordpiece:"); ok {
		cfg.Tokenizer, err = wordPiece(file)
	} else {
		cfg.Tokenizer, err = chunk.TokenizerNamed(f.tokenizer)
	}
	return cfg, err
}

func wordPiece(file string) (chunk.Tokenizer, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	defer f.Close()
	return chunk.NewWordPiece(f)
}

// flagOf makes the name of a setting that of its flag.
func flagOf(err error) error {
	var field *chunk.FieldError
	if errors.As(err, &field) {
		return fmt.Errorf("--%s %s", strings.ReplaceAll(field.Field, "_", "-"), field.Problem)
	}
	return err
}

// chunkReport is what resync chunk --json prints.
type chunkReport struct {
	Source    string         `json:"source"`
	Title     string         `json:"title,omitempty"`
	Format    read.Format    `json:"format"`
	Strategy  chunk.Strategy `json:"strategy"`
	Tokenizer string         `json:"tokenizer"`
	MaxTokens int            `json:"max_tokens"`
	Total     int            `json:"total"`
	Notes     []string       `json:"notes"`
	Chunks    []chunk.Chunk  `json:"chunks"`
}

func (e *env) chunk(ctx context.Context, f chunkFlags, name string) error {
	cfg, err := f.config()
	if err != nil {
		return flagOf(err)
	}
	c, err := chunk.New(cfg)
	if err != nil {
		return flagOf(err)
	}
	doc, err := e.readDocument(ctx, name)
	if err != nil {
		return err
	}
	chunks, err := c.Document(ctx, doc.Text, filepath.Base(name))
	if doc.Mark(chunks); err != nil {
		return err
	}
	if f.asJSON {
		return e.json(chunkReport{filepath.Base(name), doc.Title, doc.Format, cfg.Strategy, cfg.Tokenizer.Name(), cfg.MaxTokens, len(chunks),
			append([]string{}, doc.Notes...), append([]chunk.Chunk{}, chunks...)})
	}
	for _, n := range doc.Notes {
		fmt.Fprintln(e.errOut, plainText(n))
	}
	for _, ch := range chunks {
		e.showChunk(ch, doc, f.text)
	}
	e.sumChunks(chunks, c.Config())
	return nil
}

// readDocument reads a file of any format that is known.
func (e *env) readDocument(ctx context.Context, name string) (read.Text, error) {
	lim := read.DefaultLimits()
	if name == "-" {
		data, err := io.ReadAll(io.LimitReader(e.in, int64(lim.Bytes)+1))
		if err != nil {
			return read.Text{}, fmt.Errorf("read the standard input: %w", err)
		}
		return read.As(read.Markdown, "the standard input", data, lim)
	}
	info, err := os.Stat(name)
	if err != nil {
		return read.Text{}, err
	}
	if info.IsDir() || info.Size() > int64(lim.Bytes) {
		return read.Text{}, fmt.Errorf("%s: name one file of at most %d MB", name, lim.Bytes>>20)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return read.Text{}, err
	}
	f, err := read.Check(name, data)
	if err != nil {
		return read.Text{}, err
	}
	return sandbox.Document()(ctx, f, name, data, lim)
}

// pagesOf names pages, or is "" when there are none.
func pagesOf(first, last int) string {
	switch {
	case first == 0:
		return ""
	case last > first:
		return fmt.Sprintf("pages %d–%d", first, last)
	}
	return fmt.Sprintf("page %d", first)
}

func (e *env) showChunk(ch chunk.Chunk, doc read.Text, text bool) {
	m := ch.Metadata
	place := fmt.Sprintf("lines %d–%d", ch.Line, ch.EndLine)
	if p := pagesOf(m.PageStart, m.PageEnd); p != "" {
		place = p + ", " + place
	}
	fmt.Fprintf(e.out, "%4d  %4d tokens  %-19s  %s  %s", m.ChunkIndex+1, m.TokenCount, m.ChunkType, place, plainText(m.SectionPath))
	if len(m.ErrorCodes) > 0 {
		fmt.Fprintf(e.out, "  [%s]", strings.Join(m.ErrorCodes, ", "))
	}
	fmt.Fprintln(e.out)
	if text {
		fmt.Fprintf(e.out, "\n%s\n\n", plainText(ch.Contextualized()))
	}
}

func (e *env) sumChunks(chunks []chunk.Chunk, cfg chunk.Config) {
	if len(chunks) == 0 {
		fmt.Fprintln(e.out, "no passages: there is nothing to read but headings, contents pages or an index")
		return
	}
	sizes := make([]int, len(chunks))
	for i, ch := range chunks {
		sizes[i] = ch.Metadata.TokenCount
	}
	sort.Ints(sizes)
	method := ""
	if m := chunks[0].Metadata.SemanticMethod; m != "" {
		method = ", compared by " + m
	}
	fmt.Fprintf(e.out, "%d passages (%s, %s%s): %d to %d tokens, half have at most %d; at most %d were allowed\n", len(chunks), cfg.Strategy,
		cfg.Tokenizer.Name(), method, sizes[0], sizes[len(sizes)-1], sizes[len(sizes)/2], cfg.PreserveMaxTokens)
}
