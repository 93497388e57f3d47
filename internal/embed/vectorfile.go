package embed

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"sync"
)

// File is a file of vectors by the content of their texts, and an embedder that
// knows those texts: an evaluation that was embedded once with a slow model can
// be repeated at once, and on a machine without the model.
//
// The first line is JSON: {"format":"resync-vectors-1","model":…,"dimensions":…};
// then come records of a SHA-256, the vector as float32 and a CRC-32C of both,
// little endian. A record cut off by a crash is dropped when the file is opened.
type File struct {
	path   string
	source Embedder // nil: a text that is not in the file is an error
	model  string
	dims   int

	mu   sync.Mutex
	file *os.File                    // nil until there is something to write
	end  int64                       // where the next record goes
	at   map[[sha256.Size]byte]int64 // where a text's vector begins
}

// vectorFormat is the version of the file's form.
const vectorFormat = "resync-vectors-1"

// ErrNotInFile is returned for a text whose vector a file without a model does
// not hold.
var ErrNotInFile = errors.New("the text is not in the file of vectors")

// ErrVectorFile is returned for a file that does not hold vectors, or those of
// another model.
var ErrVectorFile = errors.New("the file of vectors cannot be used")

// vectorHead is the first line of the file.
type vectorHead struct {
	Format     string `json:"format"`
	Model      string `json:"model"`
	Dimensions int    `json:"dimensions"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// OpenFile reads a file of vectors. With a source, texts that are missing are
// embedded by it and added, and the file need not exist; without one it must.
func OpenFile(path string, source Embedder) (*File, error) {
	f := &File{path: path, source: source, at: map[[sha256.Size]byte]int64{}}
	mode := os.O_RDWR
	if source == nil {
		mode = os.O_RDONLY
	}
	file, err := os.OpenFile(path, mode, 0)
	if errors.Is(err, os.ErrNotExist) && source != nil {
		f.model, f.dims = source.Model(), source.Dimensions()
		return f, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open the file of vectors: %w", err)
	}
	f.file = file
	if err := f.open(bufio.NewReaderSize(file, 1<<20)); err != nil {
		_ = file.Close() // why it cannot be used is what is reported
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return f, nil
}

// open takes in the file, checks whose vectors it holds and drops an unfinished
// record.
func (f *File) open(r *bufio.Reader) error {
	var err error
	if f.end, err = f.read(r); err != nil || f.source == nil {
		return err
	}
	if model := f.source.Model(); model != f.model {
		return fmt.Errorf("%w: it holds vectors of %s, not of %s", ErrVectorFile, f.model, model)
	}
	if err := f.file.Truncate(f.end); err != nil {
		return fmt.Errorf("drop the unfinished record: %w", err)
	}
	return nil
}

// read takes in the file and returns where its last whole record ends.
func (f *File) read(r *bufio.Reader) (int64, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, fmt.Errorf("%w: it has no first line", ErrVectorFile)
	}
	var head vectorHead
	if err := json.Unmarshal(line, &head); err != nil || head.Format != vectorFormat {
		return 0, fmt.Errorf("%w: its first line is not that of %s", ErrVectorFile, vectorFormat)
	}
	if head.Dimensions < 1 || head.Dimensions > maxDimensions {
		return 0, fmt.Errorf("%w: %d dimensions", ErrVectorFile, head.Dimensions)
	}
	f.model, f.dims = head.Model, head.Dimensions
	end := int64(len(line))
	record := make([]byte, sha256.Size+4*f.dims+4)
	for {
		_, err := io.ReadFull(r, record)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return end, nil
		}
		if err != nil {
			return 0, fmt.Errorf("read a record: %w", err)
		}
		body := record[:len(record)-4]
		if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(record[len(body):]) {
			return 0, fmt.Errorf("%w: the record at byte %d is damaged", ErrVectorFile, end)
		}
		f.at[[sha256.Size]byte(body)] = end + sha256.Size
		end += int64(len(record))
	}
}

// Model names what made the vectors.
func (f *File) Model() string { return f.model }

// Dimensions is the length of the vectors.
func (f *File) Dimensions() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dims
}

// Len is the number of vectors in the file.
func (f *File) Len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.at)
}

// Embed returns the vectors of texts, in batches so that what is done is saved.
func (f *File) Embed(ctx context.Context, texts []string, kind Kind) ([][]float32, error) {
	out := make([][]float32, 0, len(texts))
	for from := 0; from < len(texts); from += maxBatchTexts {
		vectors, err := fill(texts[from:min(from+maxBatchTexts, len(texts))],
			func(t string) [sha256.Size]byte { return key(f.model, kind, t) }, f.load,
			func(missing []string) ([][]float32, error) { return f.ask(ctx, missing, kind) }, f.save)
		if err != nil {
			return nil, err
		}
		out = append(out, vectors...)
	}
	return out, nil
}

// ask embeds what the file does not hold.
func (f *File) ask(ctx context.Context, missing []string, kind Kind) ([][]float32, error) {
	if f.source == nil {
		return nil, fmt.Errorf("%w: %d texts, the first is the %s %.60q (%s, %s)", ErrNotInFile, len(missing), kind, missing[0], f.path, f.model)
	}
	return f.source.Embed(ctx, missing, kind)
}

// load returns the vector of a text, or nil. A record that cannot be read any
// more counts as missing.
func (f *File) load(k [sha256.Size]byte) []float32 {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, ok := f.at[k]
	if !ok || f.file == nil {
		return nil
	}
	raw := make([]byte, 4*f.dims)
	if _, err := f.file.ReadAt(raw, at); err != nil {
		return nil
	}
	vector := make([]float32, f.dims)
	for i := range vector {
		vector[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return vector
}

// Known returns the vectors the file holds already, nil for a text it does not.
func (f *File) Known(texts []string, kind Kind) [][]float32 {
	out := make([][]float32, len(texts))
	for i, t := range texts {
		out[i] = f.load(key(f.model, kind, t))
	}
	return out
}

// save adds a vector to the file.
func (f *File) save(k [sha256.Size]byte, vector []float32) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.at[k]; ok {
		return nil
	}
	if f.file == nil {
		if err := f.create(len(vector)); err != nil {
			return err
		}
	}
	if len(vector) != f.dims {
		return fmt.Errorf("%w: %d dimensions, the file %s has %d", ErrDimensions, len(vector), f.path, f.dims)
	}
	record := append(make([]byte, 0, sha256.Size+4*f.dims+4), k[:]...)
	for _, x := range vector {
		record = binary.LittleEndian.AppendUint32(record, math.Float32bits(x))
	}
	record = binary.LittleEndian.AppendUint32(record, crc32.Checksum(record, castagnoli))
	if _, err := f.file.WriteAt(record, f.end); err != nil {
		return fmt.Errorf("add to the file of vectors: %w", err)
	}
	f.at[k] = f.end + sha256.Size
	f.end += int64(len(record))
	return nil
}

// create starts the file.
func (f *File) create(dims int) error {
	head, err := json.Marshal(vectorHead{vectorFormat, f.model, dims})
	if err != nil {
		return fmt.Errorf("write the head of a file of vectors: %w", err)
	}
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("create the file of vectors: %w", err)
	}
	if _, err := file.Write(append(head, '\n')); err != nil {
		_ = file.Close() // the failed write is what is reported
		return fmt.Errorf("write the head of a file of vectors: %w", err)
	}
	f.file, f.dims, f.end = file, dims, int64(len(head))+1
	return nil
}

// Close ends reading and writing; what was not read is then not found.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return nil
	}
	err := f.file.Close()
	f.file = nil
	if err != nil {
		return fmt.Errorf("close the file of vectors: %w", err)
	}
	return nil
}
