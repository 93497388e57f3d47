package knowledge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"resync/chunk"
	"resync/internal/store"
)

// settingChunking is the name of the stored setting of this file.
const settingChunking = "rag.chunking"

// SettingStore keeps what administrators set. *store.Store is one.
type SettingStore interface {
	PutSetting(ctx context.Context, name string, value json.RawMessage, by string) (store.Setting, error)
	Setting(ctx context.Context, name string) (store.Setting, error)
	DeleteSetting(ctx context.Context, name string) error
}

// ChunkConfig is a chunker's configuration with its tokenizer by name.
type ChunkConfig struct {
	chunk.Config
	Tokenizer string `json:"tokenizer"`
}

// DefaultChunkConfig is the contract's configuration.
func DefaultChunkConfig() ChunkConfig { return ChunkConfig{chunk.DefaultConfig(), "cl100k"} }

// chunker makes the chunker of the configuration.
func (c ChunkConfig) chunker() (*chunk.Chunker, error) {
	cfg := c.Config
	var err error
	if cfg.Tokenizer, err = chunk.TokenizerNamed(c.Tokenizer); err != nil {
		return nil, refusedField(err)
	}
	ch, err := chunk.New(cfg)
	return ch, refusedField(err)
}

// refusedField says which setting cannot be used in the way the faces do.
func refusedField(err error) error {
	var field *chunk.FieldError
	if errors.As(err, &field) {
		return &RefusedError{Field: field.Field, Reason: field.Problem}
	}
	return err
}

// ChunkSettings are how documents are cut that name no way of their own. Until an
// administrator sets them they are cut by [chunk.Document], the way the search was
// tuned for. What is set is read from the store each time, so that all processes
// that share it cut alike.
type ChunkSettings struct {
	st    SettingStore
	embed func(ctx context.Context, texts []string) ([][]float32, error)
	model string
}

// NewChunkSettings returns the settings kept in a store.
func NewChunkSettings(st SettingStore) *ChunkSettings { return &ChunkSettings{st: st} }

// CompareBy makes the strategy semantic compare sentences by the vectors of a model
// in place of their words. It is called before the settings are used.
func (s *ChunkSettings) CompareBy(model string, embed func(ctx context.Context, texts []string) ([][]float32, error)) {
	s.model, s.embed = model, embed
}

// ChunkState is what holds now. Source is "built-in" while nobody has set anything;
// Config is then what a document that asks for a strategy is cut with.
type ChunkState struct {
	Config    ChunkConfig
	Source    string
	UpdatedBy string
	UpdatedAt time.Time
}

// State reads what holds now.
func (s *ChunkSettings) State(ctx context.Context) (ChunkState, error) {
	out := ChunkState{Config: DefaultChunkConfig(), Source: "built-in"}
	set, err := s.st.Setting(ctx, settingChunking)
	if errors.Is(err, store.ErrNotFound) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(set.Value, &out.Config); err != nil {
		return out, fmt.Errorf("read how documents are cut: %w", err)
	}
	out.Source, out.UpdatedBy, out.UpdatedAt = "stored", set.UpdatedBy, set.UpdatedAt
	return out, nil
}

// Put checks and keeps a configuration for documents cut from now on; a reindex
// applies it to those that are there. A *RefusedError names the field.
func (s *ChunkSettings) Put(ctx context.Context, c ChunkConfig, by string) (ChunkState, error) {
	if _, err := c.chunker(); err != nil {
		return ChunkState{}, err
	}
	value, err := json.Marshal(c)
	if err != nil {
		return ChunkState{}, fmt.Errorf("keep how documents are cut: %w", err)
	}
	set, err := s.st.PutSetting(ctx, settingChunking, value, by)
	if err != nil {
		return ChunkState{}, err
	}
	return ChunkState{Config: c, Source: "stored", UpdatedBy: set.UpdatedBy, UpdatedAt: set.UpdatedAt}, nil
}

// Reset goes back to the built-in way.
func (s *ChunkSettings) Reset(ctx context.Context) (ChunkState, error) {
	if err := s.st.DeleteSetting(ctx, settingChunking); err != nil {
		return ChunkState{}, err
	}
	return s.State(ctx)
}

// Chosen is the configuration of the settings, and whether an administrator set it.
func (s *ChunkSettings) Chosen(ctx context.Context) (chunk.Config, bool, error) {
	state, err := s.State(ctx)
	if err != nil {
		return chunk.Config{}, false, err
	}
	ch, err := state.Config.chunker()
	if err != nil {
		return chunk.Config{}, false, err
	}
	cfg := ch.Config()
	cfg.Embed, cfg.EmbedModel = s.embed, s.model
	return cfg, state.Source == "stored", nil
}

// maxPreview is the most bytes of text that a preview cuts.
const maxPreview = 2 << 20

// Preview cuts a text with a configuration and stores nothing.
func (s *ChunkSettings) Preview(ctx context.Context, c ChunkConfig, text, source string) ([]chunk.Chunk, error) {
	if len(text) > maxPreview {
		return nil, &RefusedError{Field: "text", Reason: fmt.Sprintf("has %d kB; a preview cuts at most %d", len(text)>>10, maxPreview>>10)}
	}
	c.Embed, c.EmbedModel = s.embed, s.model
	ch, err := c.chunker()
	if err != nil {
		return nil, err
	}
	return ch.Document(ctx, text, source)
}
