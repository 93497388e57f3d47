package retrieve

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"unsafe"
)

// The form of stored vectors, little endian: magic, dims, rows (8 bytes each),
// 4 bytes of zeros, the CRC-32C of these 28 bytes and what follows; then the
// scales, the coarse and the fine bytes. Sections begin at multiples of 32.
const (
	vectorMagic  = "RSVECT1\n"
	vectorHeader = 32
)

// ErrVectorFile is returned for bytes that are not stored vectors, or no longer.
var ErrVectorFile = errors.New("the stored vectors cannot be used")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// WriteTo writes the matrix in the form that [OpenVectors] reads.
func (v *Vectors) WriteTo(w io.Writer) (int64, error) {
	head := append(make([]byte, 0, vectorHeader), vectorMagic...)
	head = binary.LittleEndian.AppendUint64(head, uint64(v.dims))
	head = binary.LittleEndian.AppendUint64(head, uint64(v.Len()))
	head = append(head, 0, 0, 0, 0)
	scales := make([]byte, roundUp(4*v.Len()))
	for i, s := range v.scale {
		binary.LittleEndian.PutUint32(scales[4*i:], math.Float32bits(s))
	}
	coarse, fine := asBytes(v.coarse), asBytes(v.fine)
	sum := crc32.Update(0, castagnoli, head)
	for _, part := range [][]byte{scales, coarse, fine} {
		sum = crc32.Update(sum, castagnoli, part)
	}
	var written int64
	for _, part := range [][]byte{binary.LittleEndian.AppendUint32(head, sum), scales, coarse, fine} {
		n, err := w.Write(part)
		written += int64(n)
		if err != nil {
			return written, fmt.Errorf("write the vectors: %w", err)
		}
	}
	return written, nil
}

// OpenVectors reads what WriteTo wrote. The rows stay where they are in data,
// which may be a mapped file and must not change; [Vectors.Append] then copies
// them. Bytes that do not match their checksum are refused with
// [ErrVectorFile].
func OpenVectors(data []byte) (*Vectors, error) {
	if len(data) < vectorHeader || !bytes.HasPrefix(data, []byte(vectorMagic)) {
		return nil, fmt.Errorf("%w: they do not start with the header of this version", ErrVectorFile)
	}
	dims, rows := binary.LittleEndian.Uint64(data[8:]), binary.LittleEndian.Uint64(data[16:])
	if dims < 1 || dims > maxDims || rows > uint64(len(data)) {
		return nil, fmt.Errorf("%w: %d rows of %d dimensions cannot be", ErrVectorFile, rows, dims)
	}
	v, err := NewVectors(int(dims))
	if err != nil {
		return nil, err
	}
	n := int(rows)
	scales := roundUp(4 * n)
	if want := vectorHeader + scales + 2*n*v.stride; len(data) != want {
		return nil, fmt.Errorf("%w: %d bytes where %d rows of %d dimensions take %d", ErrVectorFile, len(data), n, dims, want)
	}
	sum := crc32.Update(crc32.Update(0, castagnoli, data[:28]), castagnoli, data[vectorHeader:])
	if stored := binary.LittleEndian.Uint32(data[28:]); sum != stored {
		return nil, fmt.Errorf("%w: the checksum is %08x, the contents give %08x", ErrVectorFile, stored, sum)
	}
	v.scale = make([]float32, n)
	for i := range v.scale {
		v.scale[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[vectorHeader+4*i:]))
	}
	body := data[vectorHeader+scales:]
	v.coarse, v.fine = asInts(body[:n*v.stride]), asInts(body[n*v.stride:])
	return v, nil
}

// roundUp returns the next multiple of 32.
func roundUp(n int) int { return (n + 31) / 32 * 32 }

// asBytes and asInts see the same memory as the other type; int8 and byte have
// the same size and alignment. The capacity ends with the length, so that an
// append copies.
func asBytes(s []int8) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s))
}

func asInts(s []byte) []int8 {
	return unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(s))), len(s))
}
