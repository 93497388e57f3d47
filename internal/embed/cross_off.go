//go:build !onnx

package embed

import (
	"context"
	"fmt"
)

// CrossEncoder stands for the rerankers that a build with -tags onnx runs.
type CrossEncoder struct{}

// OpenCrossEncoder refuses: the ONNX runtime is left out of this build.
func OpenCrossEncoder(dir string) (*CrossEncoder, error) {
	return nil, fmt.Errorf("%w: %s: this program was built without the ONNX runtime; build it with -tags onnx, or use a reranker on a server", ErrNoModel, dir)
}

// Rerank is not reached: there is no cross-encoder without a runtime.
func (*CrossEncoder) Rerank(context.Context, string, []string) ([]float64, error) {
	return nil, ErrNoModel
}

// Close is not reached.
func (*CrossEncoder) Close() error { return nil }
