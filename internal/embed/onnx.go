//go:build onnx

package embed

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/knights-analytics/hugot"
	"github.com/knights-analytics/hugot/pipelines"
)

// ONNX embeds texts on this machine with a model in the ONNX format, through
// hugot's pure Go runtime.
type ONNX struct {
	name     string
	prompts  Prompts
	dims     int
	mu       sync.Mutex // the runtime is used by one goroutine at a time
	session  *hugot.Session
	pipeline *pipelines.FeatureExtractionPipeline
}

// OpenONNX reads a model from a directory with model.onnx and tokenizer.json. name
// is what the model is called, or "" for the directory's name. The runtime does
// not know every operator; the error names the one it lacks.
func OpenONNX(dir, name string, prompts *Prompts) (_ *ONNX, err error) {
	if name == "" {
		name = filepath.Base(filepath.Clean(dir))
	}
	o := &ONNX{name: name, prompts: PromptsFor(name)}
	if prompts != nil {
		o.prompts = *prompts
	}
	if o.session, err = hugot.NewGoSession(); err != nil {
		return nil, fmt.Errorf("%w: start the ONNX runtime: %w", ErrNoModel, err)
	}
	config := hugot.FeatureExtractionConfig{ModelPath: dir, Name: "embedder", Options: []hugot.FeatureExtractionOption{pipelines.WithNormalization()}}
	if o.pipeline, err = hugot.NewPipeline(o.session, config); err != nil {
		_ = o.session.Destroy() // the model is what is reported
		return nil, fmt.Errorf("%w: read %s: %w", ErrNoModel, dir, err)
	}
	probe, err := o.run([]string{"probe"})
	if err != nil {
		_ = o.session.Destroy() // the model is what is reported
		return nil, fmt.Errorf("%w: try the model in %s: %w", ErrNoModel, dir, err)
	}
	o.dims = len(probe[0])
	return o, nil
}

// run embeds one batch. The runtime panics on what it does not know.
func (o *ONNX) run(texts []string) (out [][]float32, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the ONNX runtime gave up: %v", r)
		}
	}()
	result, err := o.pipeline.RunPipeline(texts)
	if err != nil {
		return nil, err
	}
	for _, v := range result.Embeddings {
		if err := normalise(v); err != nil {
			return nil, err
		}
	}
	return complete(result.Embeddings, len(texts))
}

// Embed runs the model, a few texts at a time; it can be cancelled between them.
func (o *ONNX) Embed(ctx context.Context, texts []string, kind Kind) ([][]float32, error) {
	const batch = 8
	out := make([][]float32, 0, len(texts))
	for from := 0; from < len(texts); from += batch {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var with []string
		for _, t := range texts[from:min(from+batch, len(texts))] {
			with = append(with, o.prompts.before(kind)+cut(t, maxTextBytes))
		}
		vectors, err := o.run(with)
		if err != nil {
			return nil, fmt.Errorf("embed %d texts with %s: %w", len(texts), o.name, err)
		}
		out = append(out, vectors...)
	}
	return out, nil
}

// Model is the name the model was opened with.
func (o *ONNX) Model() string { return o.name }

// Dimensions is how many numbers a vector has.
func (o *ONNX) Dimensions() int { return o.dims }

// Close frees the runtime.
func (o *ONNX) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.session.Destroy()
}
