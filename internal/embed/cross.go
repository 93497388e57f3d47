//go:build onnx

package embed

import (
	"context"
	"fmt"
	"sync"

	"github.com/knights-analytics/hugot"
	"github.com/knights-analytics/hugot/pipelines"
)

// CrossEncoder says how well passages answer a question with a model in the ONNX
// format that reads both together, through hugot's pure Go runtime.
type CrossEncoder struct {
	mu       sync.Mutex // the runtime is used by one goroutine at a time
	session  *hugot.Session
	pipeline *pipelines.CrossEncoderPipeline
}

// crossText is the most bytes of a passage that are read: about 512 tokens.
const crossText = 2000

// OpenCrossEncoder reads a model from a directory with model.onnx and tokenizer.json,
// and tries it. The runtime does not know every operator; the error names the one it
// lacks.
func OpenCrossEncoder(dir string) (_ *CrossEncoder, err error) {
	c := &CrossEncoder{}
	if c.session, err = hugot.NewGoSession(); err != nil {
		return nil, fmt.Errorf("%w: start the ONNX runtime: %w", ErrNoModel, err)
	}
	config := hugot.CrossEncoderConfig{ModelPath: dir, Name: "reranker"}
	if c.pipeline, err = hugot.NewPipeline(c.session, config); err != nil {
		_ = c.session.Destroy() // the model is what is reported
		return nil, fmt.Errorf("%w: read %s: %w", ErrNoModel, dir, err)
	}
	if _, err := c.run("probe", []string{"probe"}); err != nil {
		_ = c.session.Destroy() // the model is what is reported
		return nil, fmt.Errorf("%w: try the model in %s: %w", ErrNoModel, dir, err)
	}
	return c, nil
}

// run scores one batch. The runtime panics on what it does not know.
func (c *CrossEncoder) run(question string, texts []string) (scores []float64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the ONNX runtime gave up: %v", r)
		}
	}()
	result, err := c.pipeline.RunPipeline(question, texts)
	if err != nil {
		return nil, err
	}
	if len(result.Results) != len(texts) {
		return nil, fmt.Errorf("the model gave %d scores for %d passages", len(result.Results), len(texts))
	}
	scores = make([]float64, len(texts))
	for _, r := range result.Results {
		scores[r.Index] = float64(r.Score)
	}
	return scores, nil
}

// Rerank scores the texts, a few at a time; it can be cancelled between them.
func (c *CrossEncoder) Rerank(ctx context.Context, question string, texts []string) ([]float64, error) {
	const batch = 4
	out := make([]float64, 0, len(texts))
	for from := 0; from < len(texts); from += batch {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("rerank with the cross-encoder: %w", err)
		}
		var some []string
		for _, t := range texts[from:min(from+batch, len(texts))] {
			some = append(some, cut(t, crossText))
		}
		scores, err := c.run(question, some)
		if err != nil {
			return nil, fmt.Errorf("rerank with the cross-encoder: %w", err)
		}
		out = append(out, scores...)
	}
	return out, nil
}

// Close frees the runtime.
func (c *CrossEncoder) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session.Destroy()
}
