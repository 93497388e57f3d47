//go:build !onnx

package embed

import (
	"context"
	"fmt"
)

// ONNX stands for the models that a build with -tags onnx runs.
type ONNX struct{}

// OpenONNX refuses: the ONNX runtime would make the program 12 MB larger and is
// left out of this build.
func OpenONNX(dir, _ string, _ *Prompts) (*ONNX, error) {
	return nil, fmt.Errorf("%w: %s: this program was built without the ONNX runtime; build it with -tags onnx, or use kind local with the model's safetensors files", ErrNoModel, dir)
}

// Embed is not reached: there is no ONNX without a runtime.
func (*ONNX) Embed(context.Context, []string, Kind) ([][]float32, error) { return nil, ErrNoModel }

// Model is not reached.
func (*ONNX) Model() string { return "" }

// Dimensions is not reached.
func (*ONNX) Dimensions() int { return 0 }

// Close is not reached.
func (*ONNX) Close() error { return nil }
