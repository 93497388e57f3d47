// Package embed turns texts into vectors whose angles tell how close the texts
// are in meaning: over HTTP from servers that speak the OpenAI, Ollama or Text
// Embeddings Inference protocol, or on this machine from a directory with a
// model's files.
//
// Vectors have length 1, so that a dot product is a cosine. A question and a
// passage may need different words before them (E5, BGE); [PromptsFor] knows
// which. Nothing is ever downloaded.
package embed

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
)

// Kind is what a text is to a search. Some models embed the two differently.
type Kind int

// The two kinds of text.
const (
	Query Kind = iota
	Passage
)

// String returns "query" or "passage".
func (k Kind) String() string {
	if k == Query {
		return "query"
	}
	return "passage"
}

// Embedder turns texts into vectors of length 1, one for each text in their
// order. Implementations may be used by several goroutines.
type Embedder interface {
	Embed(ctx context.Context, texts []string, kind Kind) ([][]float32, error)
	// Model names what made the vectors; vectors of two models cannot be compared.
	Model() string
	// Dimensions is how many numbers a vector has, 0 while that is not known yet.
	Dimensions() int
}

// Reasons for which there is no vector. An [Error] wraps one of the first five.
var (
	// ErrUnauthorised: the server wants another key.
	ErrUnauthorised = errors.New("the embedding server refused the key")
	// ErrRateLimited: too many requests; see [Error.RetryAfter].
	ErrRateLimited = errors.New("the embedding server asks to slow down")
	// ErrUnavailable: no answer, or an answer that the server is not well.
	ErrUnavailable = errors.New("the embedding server is not available")
	// ErrRefused: the server does not accept the request; repeating it is no use.
	ErrRefused = errors.New("the embedding server refused the request")
	// ErrAnswer: the answer is not what was asked for.
	ErrAnswer = errors.New("the embedding server's answer cannot be used")
	// ErrDimensions: vectors of another length than configured, or than before.
	ErrDimensions = errors.New("the vectors have another length than expected")
	// ErrNoModel: the directory does not hold a model that can be run.
	ErrNoModel = errors.New("there is no usable model")
)

// Prompts are the words a model was trained to see before a text.
type Prompts struct {
	Query, Passage string
}

// before returns the words for a kind of text.
func (p Prompts) before(kind Kind) string {
	if kind == Query {
		return p.Query
	}
	return p.Passage
}

// key names a text's vector: the same for the same model, kind and text.
func key(model string, kind Kind, text string) [sha256.Size]byte {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%d:%s|%d|", len(model), model, kind) // a hash takes everything
	_, _ = h.Write([]byte(text))
	return [sha256.Size]byte(h.Sum(nil))
}

// normalise scales a vector to length 1. Values that are no numbers, and a
// vector of nothing but zeros, are refused: nothing could be compared with them.
func normalise(vector []float32) error {
	var sum float64
	for i, x := range vector {
		f := float64(x)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("%w: value %d of a vector is %v", ErrAnswer, i, x)
		}
		sum += f * f
	}
	if sum == 0 {
		return fmt.Errorf("%w: a vector of %d zeros", ErrAnswer, len(vector))
	}
	inv := 1 / math.Sqrt(sum)
	for i, x := range vector {
		vector[i] = float32(float64(x) * inv)
	}
	return nil
}
