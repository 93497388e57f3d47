package embed

import "context"

// Kept keeps the vectors of passages in a file and those of the last questions in
// memory: passages come back after a restart, questions are many and short-lived.
type Kept struct {
	*File
	questions *Cached
}

// keptQuestions is how many questions are remembered.
const keptQuestions = 512

// OpenKept opens the file that [OpenFile] describes for what a model embeds.
func OpenKept(path string, source Embedder) (*Kept, error) {
	file, err := OpenFile(path, source)
	if err != nil {
		return nil, err
	}
	return &Kept{file, NewCached(source, keptQuestions)}, nil
}

// Embed returns what is kept and asks the model for the rest.
func (k *Kept) Embed(ctx context.Context, texts []string, kind Kind) ([][]float32, error) {
	if kind == Query {
		return k.questions.Embed(ctx, texts, kind)
	}
	return k.File.Embed(ctx, texts, kind)
}
