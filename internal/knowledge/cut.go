package knowledge

import (
	"context"
	"errors"
	"sort"
	"strings"

	"resync/chunk"
	"resync/internal/store"
)

// CutterOf returns a [Cutter] for a base whose documents are cut as its settings
// say: a document that names a strategy or sizes is cut by [chunk.Chunker] with
// these in place of the settings' own. Settings may be nil, which is
// [chunk.DefaultConfig] that nobody has set; a document that names nothing is cut
// by [chunk.Document], the way retrieval was tuned for, unless they are set.
func CutterOf(ctx context.Context, settings func(context.Context) (cfg chunk.Config, set bool, err error)) Cutter {
	return func(text, name string, how *Chunking) ([]chunk.Chunk, error) {
		cfg, set := chunk.DefaultConfig(), false
		if settings != nil {
			var err error
			if cfg, set, err = settings(ctx); err != nil {
				return nil, err
			}
		}
		if how == nil || *how == (Chunking{}) {
			if !set {
				return chunk.Document(text, name), nil
			}
			how = &Chunking{}
		}
		c, err := chunk.New(how.over(cfg))
		var field *chunk.FieldError
		if errors.As(err, &field) {
			return nil, &RefusedError{Field: field.Field, Reason: field.Problem}
		}
		if err != nil {
			return nil, err
		}
		return c.Document(ctx, text, name)
	}
}

// over puts what is named in place of the settings' own.
func (h *Chunking) over(cfg chunk.Config) chunk.Config {
	if h.Strategy != "" {
		cfg.Strategy = strategyNamed(h.Strategy)
	}
	if h.MaxTokens > 0 {
		cfg.MaxTokens = h.MaxTokens
		cfg.PreserveMaxTokens = 0
		cfg.OverlapTokens = min(cfg.OverlapTokens, h.MaxTokens/2)
		cfg.MinTokens = min(cfg.MinTokens, h.MaxTokens/2)
	}
	if h.OverlapTokens > 0 {
		cfg.OverlapTokens = h.OverlapTokens
	}
	if h.MinTokens > 0 {
		cfg.MinTokens = h.MinTokens
	}
	return cfg
}

// strategyNamed knows the short name the contract's settings page uses.
func strategyNamed(name string) chunk.Strategy {
	if name == "fixed" {
		return chunk.FixedSize
	}
	return chunk.Strategy(name)
}

// chunksOf makes the passages of a text from where they stand.
func chunksOf(rows []store.ChunkRow, text, name string) []chunk.Chunk {
	lines := newlines(text)
	out := make([]chunk.Chunk, len(rows))
	for i, r := range rows {
		c := chunk.Chunk{ID: r.ID, Source: name, Document: name, Kind: chunk.Kind(r.Kind), Content: text[r.Start:r.End],
			Start: r.Start, End: r.End}
		c.Title, c.Path = headingsOf(r.Path)
		c.Line = 1 + sort.SearchInts(lines, r.Start)
		c.EndLine = 1 + sort.SearchInts(lines, r.Start+len(strings.TrimRight(c.Content, "\n")))
		out[i] = c
	}
	return out
}

// fits reports whether stored passages belong to a text of this length.
func fits(rows []store.ChunkRow, length int) bool {
	for _, r := range rows {
		if r.Start < 0 || r.Start > r.End || r.End > length {
			return false
		}
	}
	return len(rows) > 0
}

// newlines are the offsets of the ends of lines.
func newlines(text string) []int {
	var out []int
	for i := 0; i < len(text); i++ {
		if text[i] == '\n' {
			out = append(out, i)
		}
	}
	return out
}
