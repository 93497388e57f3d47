package bert

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
)

// tensors is an open file of weights: the length of a JSON header (8 bytes,
// little endian), the header, the data.
type tensors struct {
	file   *os.File
	name   string
	start  int64
	size   int64
	table  map[string]tensor
	prefix string // before every name: "bert." in models with a head
}

// tensor is a row of the header.
type tensor struct {
	Type    string   `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

// maxHeader is the longest header that is read; large models have 100 kB.
const maxHeader = 16 << 20

// openTensors reads the header.
func openTensors(path string) (*tensors, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	t := &tensors{file: file, name: path}
	if err := t.header(); err != nil {
		_ = file.Close() // the header is what is reported
		return nil, err
	}
	return t, nil
}

// header reads and checks the table of tensors.
func (t *tensors) header() error {
	info, err := t.file.Stat()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrModel, err)
	}
	var length [8]byte
	if _, err := io.ReadFull(t.file, length[:]); err != nil {
		return fmt.Errorf("%w: %s is too short", ErrModel, t.name)
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeader || int64(n)+8 > info.Size() {
		return fmt.Errorf("%w: %s does not begin like a safetensors file", ErrModel, t.name)
	}
	raw := make([]byte, n)
	if _, err := io.ReadFull(t.file, raw); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrModel, t.name, err)
	}
	if t.table, err = parseHeader(raw, info.Size()-8-int64(n)); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrModel, t.name, err)
	}
	t.start, t.size = 8+int64(n), info.Size()-8-int64(n)
	if _, ok := t.table["bert.embeddings.word_embeddings.weight"]; ok {
		t.prefix = "bert."
	}
	return nil
}

// parseHeader checks that each tensor lies within the data and has the size its
// shape says.
func parseHeader(raw []byte, size int64) (map[string]tensor, error) {
	var rows map[string]json.RawMessage
	if err := json.Unmarshal(raw, &rows); err != nil {
		return nil, fmt.Errorf("read the header: %w", err)
	}
	out := make(map[string]tensor, len(rows))
	for name, row := range rows {
		if name == "__metadata__" {
			continue
		}
		var t tensor
		if err := json.Unmarshal(row, &t); err != nil {
			return nil, fmt.Errorf("read the header of %s: %w", name, err)
		}
		values := int64(1)
		for _, d := range t.Shape {
			if d < 0 || d > 1<<31 || values > 1<<40 {
				return nil, fmt.Errorf("%s has the shape %v", name, t.Shape)
			}
			values *= int64(d)
		}
		from, to := t.Offsets[0], t.Offsets[1]
		if from < 0 || to < from || to > size {
			return nil, fmt.Errorf("%s lies at %d to %d of %d bytes", name, from, to, size)
		}
		if width := widthOf(t.Type); width > 0 && to-from != values*width {
			return nil, fmt.Errorf("%s takes %d bytes, its shape %v asks for %d", name, to-from, t.Shape, values*width)
		}
		out[name] = t
	}
	return out, nil
}

// widthOf is how many bytes a number takes, 0 for types that are not read.
func widthOf(dtype string) int64 {
	switch dtype {
	case "F32":
		return 4
	case "F16", "BF16":
		return 2
	}
	return 0
}

// has reports whether there is a tensor of this name without a prefix.
func (t *tensors) has(name string) bool {
	_, ok := t.table[name]
	return ok
}

// load returns the numbers of a tensor, which must have this shape. A name that
// begins with a dot stands without the prefix.
func (t *tensors) load(name string, dims ...int) ([]float32, error) {
	full, plain := strings.CutPrefix(name, ".")
	if !plain {
		full = t.prefix + name
	}
	row, ok := t.table[full]
	if !ok {
		return nil, fmt.Errorf("%w: %s has no tensor %s", ErrModel, t.name, full)
	}
	values := 1
	for i, d := range dims {
		if len(row.Shape) != len(dims) || row.Shape[i] != d {
			return nil, fmt.Errorf("%w: %s: %s has the shape %v, config.json asks for %v", ErrModel, t.name, full, row.Shape, dims)
		}
		values *= d
	}
	if widthOf(row.Type) == 0 {
		return nil, fmt.Errorf("%w: %s: %s holds numbers of type %s; F32, F16 and BF16 are read", ErrModel, t.name, full, row.Type)
	}
	raw := make([]byte, row.Offsets[1]-row.Offsets[0])
	if _, err := t.file.ReadAt(raw, t.start+row.Offsets[0]); err != nil {
		return nil, fmt.Errorf("%w: %s: read %s: %w", ErrModel, t.name, full, err)
	}
	out := make([]float32, values)
	for i := range out {
		switch row.Type {
		case "F32":
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		case "BF16":
			out[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(raw[2*i:])) << 16)
		default:
			out[i] = half(binary.LittleEndian.Uint16(raw[2*i:]))
		}
		if f := float64(out[i]); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, fmt.Errorf("%w: %s: %s holds %v", ErrModel, t.name, full, f)
		}
	}
	return out, nil
}

// half is a number of IEEE 754 binary16.
func half(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, int(h>>10&31), uint32(h&1023)
	switch exponent {
	case 0: // zero and subnormal
		v := float32(fraction) / (1 << 24)
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	}
	return math.Float32frombits(sign | uint32(exponent-15+127)<<23 | fraction<<13)
}
