package knowledge

import (
	"context"
	"errors"
	"strings"
	"testing"

	"resync/chunk"
	"resync/internal/store"
)

// TestDefect22ChunkingIsRead: the predecessor stored how to cut documents and nothing
// ever read it. Here a stored setting decides how the next document is cut.
func TestDefect22ChunkingIsRead(t *testing.T) {
	ctx := context.Background()
	db, err := store.Open(ctx, ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := NewChunkSettings(db)
	cut := CutterOf(ctx, s.Chosen)
	text := "# Runbook\n\n" + strings.Repeat("Some words about nothing in particular. ", 80)
	whole, err := cut(text, "a.md", nil)
	if err != nil || len(whole) != len(chunk.Document(text, "a.md")) {
		t.Fatalf("%d passages before anything is set (%v)", len(whole), err)
	}
	cfg := DefaultChunkConfig()
	cfg.Strategy, cfg.MaxTokens, cfg.OverlapTokens, cfg.MinTokens = chunk.Recursive, 40, 0, 0
	if _, err := s.Put(ctx, cfg, "ann"); err != nil {
		t.Fatal(err)
	}
	small, err := cut(text, "a.md", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range small {
		if n := chunk.CL100K().Count(c.Content); n > 40 {
			t.Errorf("a passage has %d tokens, 40 were set", n)
		}
	}
	if len(small) < 5 || small[0].Metadata.Strategy != chunk.Recursive {
		t.Errorf("%d passages", len(small))
	}
	st, err := s.State(ctx)
	if err != nil || st.Source != "stored" || st.UpdatedBy != "ann" || st.Config.MaxTokens != 40 {
		t.Errorf("%+v (%v)", st, err)
	}
	cfg.MaxTokens = 3
	var refused *RefusedError
	if _, err := s.Put(ctx, cfg, "ann"); !errors.As(err, &refused) || refused.Field != "max_tokens" {
		t.Errorf("3 tokens: %v", err)
	}
	if st, err := s.Reset(ctx); err != nil || st.Source != "built-in" {
		t.Errorf("%+v (%v)", st, err)
	}
	again, err := cut(text, "a.md", nil)
	if err != nil || len(again) != len(whole) {
		t.Errorf("%d passages after going back, want %d (%v)", len(again), len(whole), err)
	}
}

func TestPreviewIsBounded(t *testing.T) {
	_, err := PreviewChunks(context.Background(), DefaultChunkConfig(), strings.Repeat("x", maxPreview+1), "a.md")
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Field != "text" {
		t.Errorf("%v", err)
	}
}
