package embed

import (
	"context"
	"fmt"
	"path/filepath"

	"resync/internal/bert"
)

// Local embeds texts on this machine with a model read from a directory. It is
// safe for use by several goroutines.
type Local struct {
	model   *bert.Model
	name    string
	prompts Prompts
}

// OpenLocal reads the model in a directory: a BERT-shaped encoder as it is
// published, with config.json, tokenizer.json or vocab.txt, and
// model.safetensors. name is what the model is called, or "" for the directory's
// name; the words before texts follow from it unless prompts says otherwise.
func OpenLocal(dir, name string, prompts *Prompts) (*Local, error) {
	model, err := bert.Load(dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoModel, err)
	}
	if name == "" {
		name = filepath.Base(filepath.Clean(dir))
	}
	l := &Local{model: model, name: name, prompts: PromptsFor(name)}
	if prompts != nil {
		l.prompts = *prompts
	}
	return l, nil
}

// Embed runs the model. A text longer than the model's limit is cut.
func (l *Local) Embed(ctx context.Context, texts []string, kind Kind) ([][]float32, error) {
	before := l.prompts.before(kind)
	if before != "" {
		with := make([]string, len(texts))
		for i, t := range texts {
			with[i] = before + t
		}
		texts = with
	}
	vectors, err := l.model.Embed(ctx, texts)
	if err != nil {
		return nil, fmt.Errorf("embed %d texts with %s: %w", len(texts), l.name, err)
	}
	return vectors, nil
}

// Model is the name the model was opened with.
func (l *Local) Model() string { return l.name }

// Dimensions is how many numbers a vector has.
func (l *Local) Dimensions() int { return l.model.Dimensions() }

// Tokens counts what the model reads of a text.
func (l *Local) Tokens(text string) int { return l.model.Tokens(text) }
