package retrieve

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"runtime"
	"unsafe"
)

// An index file is a header, a table of its parts, and the parts as they stand in
// memory, each beginning at a multiple of 64 bytes:
//
//	8  "RSYNCIX" and the version
//	4  number of parts      4  checksum of the table
//	then for each part: 8 offset, 8 length, 4 size of an element, 4 checksum
//
// Numbers are little-endian, checksums are CRC-32C. A file is written once and never
// changed; one that does not fit is refused and made again from the stored passages.

// ErrBroken says that an index file cannot be used: it is cut short, changed, or of
// another version. It is made again from the stored passages.
var ErrBroken = errors.New("the index file cannot be used and must be made again")

const (
	fileMagic   = "RSYNCIX\x04"
	fileHead    = 16
	filePart    = 24
	fileAlign   = 64
	filePartsAt = fileHead
)

// filePiece is one array of an index.
type filePiece struct {
	bytes []byte
	size  int
	take  func([]byte) // sets the array to bytes of a file
}

// pieces are the arrays of the index in the order of the file. Documents go first, as
// JSON.
func (x *Index) pieces(docs *[]byte) []filePiece {
	return []filePiece{
		pieceOf(docs), pieceOf(&x.names), pieceOf(&x.nameFrom), pieceOf(&x.slots), pieceOf(&x.postFrom), pieceOf(&x.posts),
		pieceOf(&x.docFrom), pieceOf(&x.docPosts), pieceOf(&x.recs), pieceOf(&x.meta), pieceOf(&x.text), pieceOf(&x.titles),
		pieceOf(&x.sketches), pieceOf(&x.signs), pieceOf(&x.docSize),
	}
}

// pieceOf is an array of numbers or of structs of numbers as bytes.
func pieceOf[T any](list *[]T) filePiece {
	var zero T
	size := int(unsafe.Sizeof(zero))
	return filePiece{
		bytes: unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(*list))), len(*list)*size), size: size,
		take: func(b []byte) {
			if len(b) == 0 {
				*list = nil
				return
			}
			*list = unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/size)
		},
	}
}

// little says whether the machine orders bytes as the file does.
func little() bool {
	n := uint16(1)
	return *(*byte)(unsafe.Pointer(&n)) == 1
}

// WriteTo writes the index so that [Open] reads it back.
func (x *Index) WriteTo(w io.Writer) (int64, error) {
	if !little() {
		return 0, errors.New("write the index: this machine orders bytes another way; the index is made anew at start instead")
	}
	defer runtime.KeepAlive(x) // its arrays may be a mapped file
	docs, err := json.Marshal(contents{mark(), x.docs})
	if err != nil {
		return 0, fmt.Errorf("write the index: %w", err)
	}
	parts := x.pieces(&docs)
	head := make([]byte, align(fileHead+filePart*len(parts)))
	copy(head, fileMagic)
	binary.LittleEndian.PutUint32(head[8:], uint32(len(parts)))
	at := len(head)
	for i, p := range parts {
		row := head[filePartsAt+i*filePart:]
		binary.LittleEndian.PutUint64(row, uint64(at))
		binary.LittleEndian.PutUint64(row[8:], uint64(len(p.bytes)))
		binary.LittleEndian.PutUint32(row[16:], uint32(p.size))
		binary.LittleEndian.PutUint32(row[20:], crc32.Checksum(p.bytes, castagnoli))
		at = align(at + len(p.bytes))
	}
	binary.LittleEndian.PutUint32(head[12:], crc32.Checksum(head[filePartsAt:], castagnoli))
	total := int64(0)
	put := func(b []byte) error {
		n, err := w.Write(b)
		total += int64(n)
		return err
	}
	if err := put(head); err != nil {
		return total, fmt.Errorf("write the index: %w", err)
	}
	for _, p := range parts {
		if err := errors.Join(put(p.bytes), put(make([]byte, align(int(total))-int(total)))); err != nil {
			return total, fmt.Errorf("write the index: %w", err)
		}
	}
	return total, nil
}

func align(n int) int { return (n + fileAlign - 1) / fileAlign * fileAlign }

// WriteFile writes the index to a file: beside it first, then to disk, then in its
// place, so that a file of this name is always whole.
func (x *Index) WriteFile(name string) error {
	f, err := os.CreateTemp(dirOf(name), ".index-*")
	if err != nil {
		return fmt.Errorf("write the index: %w", err)
	}
	defer os.Remove(f.Name()) // gone already when it was renamed
	_, err = x.WriteTo(f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write the index %s: %w", name, err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return fmt.Errorf("write the index: %w", err)
	}
	return syncDir(dirOf(name))
}

// syncDir makes a renaming last. What a folder cannot do is no harm: an index file that
// is lost is made again.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("write the index: %w", err)
	}
	_ = d.Sync() // some file systems refuse it on folders
	return d.Close()
}

// Open reads an index from the bytes of a file, which it keeps. Every part's checksum
// and every number that leads into another part is looked at; what does not fit is
// [ErrBroken].
func Open(data []byte) (*Index, error) {
	x := &Index{}
	if err := x.open(data); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return x, nil
}

func (x *Index) open(data []byte) error {
	if !little() {
		return errors.New("this machine orders bytes another way")
	}
	if len(data) < fileHead || string(data[:8]) != fileMagic {
		return errors.New("it is no index of this version")
	}
	if uintptr(unsafe.Pointer(unsafe.SliceData(data)))%8 != 0 { // only a slice inside a slice
		data = bytes.Clone(data)
	}
	var docs []byte
	parts := x.pieces(&docs)
	table := fileHead + filePart*len(parts)
	if int(binary.LittleEndian.Uint32(data[8:])) != len(parts) || len(data) < align(table) {
		return errors.New("it is cut short")
	}
	if crc32.Checksum(data[filePartsAt:align(table)], castagnoli) != binary.LittleEndian.Uint32(data[12:]) {
		return errors.New("its table was changed")
	}
	for i, p := range parts {
		b, err := readPiece(data, data[filePartsAt+i*filePart:], p.size)
		if err != nil {
			return fmt.Errorf("part %d: %w", i+1, err)
		}
		p.take(b)
	}
	return x.readContents(docs)
}

// readPiece is one part of a file, its checksum checked.
func readPiece(data, row []byte, size int) ([]byte, error) {
	at, n := binary.LittleEndian.Uint64(row), binary.LittleEndian.Uint64(row[8:])
	switch {
	case at%8 != 0 || at > uint64(len(data)) || n > uint64(len(data))-at:
		return nil, errors.New("it is cut short")
	case int(binary.LittleEndian.Uint32(row[16:])) != size || n%uint64(size) != 0:
		return nil, errors.New("its elements have another size")
	}
	b := data[at : at+n : at+n]
	if crc32.Checksum(b, castagnoli) != binary.LittleEndian.Uint32(row[20:]) {
		return nil, errors.New("its checksum is wrong")
	}
	return b, nil
}

// check looks at every number that leads into another array.
func (x *Index) check() error {
	n := x.Passages()
	terms := len(x.nameFrom) - 1
	switch {
	case len(x.recs) == 0 || len(x.sketches) != n || len(x.signs) != n || len(x.docSize) != len(x.docs):
		return errors.New("its parts do not belong together")
	case terms < 0 || len(x.postFrom) != terms+1 || len(x.docFrom) != 0 && len(x.docFrom) != terms+1:
		return errors.New("its terms and postings do not belong together")
	case len(x.slots)&(len(x.slots)-1) != 0 || len(x.slots) <= terms:
		return errors.New("its table of terms has a wrong size")
	}
	if !climbs(x.nameFrom, len(x.names)) || !climbs(x.postFrom, len(x.posts)) || !climbs(x.docFrom, len(x.docPosts)) {
		return errors.New("its terms lead nowhere")
	}
	for _, s := range x.slots {
		if int(s) > terms {
			return errors.New("its table of terms leads nowhere")
		}
	}
	return errors.Join(x.checkRecords(), x.checkPostings())
}

// climbs says whether offsets never fall and end where the array ends.
func climbs(from []uint32, end int) bool {
	for i, f := range from {
		if i == 0 && f != 0 || i > 0 && f < from[i-1] {
			return false
		}
	}
	return len(from) == 0 && end == 0 || len(from) > 0 && int(from[len(from)-1]) == end
}

func (x *Index) checkRecords() error {
	n := x.Passages()
	for i := range x.recs {
		r := &x.recs[i]
		if i > 0 {
			if b := &x.recs[i-1]; r.text < b.text || r.meta < b.meta || r.title < b.title {
				return fmt.Errorf("passage %d leads nowhere", i)
			}
		}
		if r.text > uint64(len(x.text)) || int(r.meta) > len(x.meta) || int(r.title) > len(x.titles) || int(r.see) >= n || r.see < -1 ||
			int(r.kind) >= len(kinds) || i < n && int(r.doc) >= len(x.docs) {
			return fmt.Errorf("passage %d leads nowhere", i)
		}
		if i < n && r.see >= 0 && x.recs[r.see].doc != r.doc {
			return fmt.Errorf("passage %d points to another document", i)
		}
	}
	return nil
}

func (x *Index) checkPostings() error {
	n, docs := uint32(x.Passages()), uint32(len(x.docs))
	for i := range x.posts {
		if x.posts[i].unit >= n {
			return fmt.Errorf("posting %d leads nowhere", i)
		}
	}
	for i := range x.docPosts {
		if x.docPosts[i].doc >= docs {
			return fmt.Errorf("count %d of a document leads nowhere", i)
		}
	}
	return nil
}
