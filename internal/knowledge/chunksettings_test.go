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
	_, err := NewChunkSettings(nil).Preview(context.Background(), DefaultChunkConfig(), strings.Repeat("x", maxPreview+1), "a.md")
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Field != "text" {
		t.Errorf("%v", err)
	}
}

// TestSemanticUsesTheModel: with a model the strategy semantic asks it and says so.
func TestSemanticUsesTheModel(t *testing.T) {
	s := NewChunkSettings(nil)
	asked := 0
	s.CompareBy("toy", func(_ context.Context, texts []string) ([][]float32, error) {
		asked += len(texts)
		out := make([][]float32, len(texts))
		for i, x := range texts {
			out[i] = []float32{float32(strings.Count(x, "ship")), float32(strings.Count(x, "bread"))}
		}
		return out, nil
	})
	cfg := DefaultChunkConfig()
	cfg.Strategy, cfg.MinTokens, cfg.OverlapTokens = chunk.Semantic, 0, 0
	text := strings.Repeat("The ship is moored at the mast. ", 12) + strings.Repeat("The bread is baked at dawn each day. ", 12)
	got, err := s.Preview(context.Background(), cfg, text, "a.md")
	if err != nil || asked < 20 || len(got) < 2 || got[0].Metadata.SemanticMethod != "embedding:toy" {
		t.Fatalf("%d asked, %d passages (%v)", asked, len(got), err)
	}
	for _, c := range got {
		if strings.Contains(c.Content, "ship") && strings.Contains(c.Content, "bread") && len(c.Content) > 400 {
			t.Errorf("the subject changes inside %q", c.Content)
		}
	}
}
