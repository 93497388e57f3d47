package knowledge

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"resync/internal/retrieve"
	"resync/internal/store"
)

// The index file is a copy of the index of everything searchable. The rows of the store
// are the truth: each document of the file says what it was made from, and one whose
// rows say something else is analysed again. So the file may be old, torn or away at
// any time, and costs nothing but the time of the next start.

// extra is what an index keeps about a document for this package.
type extra struct {
	Key    string `json:"key"`              // see keyOf
	Sketch string `json:"sketch,omitempty"` // see sketch.pack
}

// keyOf says what the passages of a document were made from: its text, and where it was
// cut.
func keyOf(sha256, cut string) string { return digest(sha256 + "\x00" + cut)[:32] }

// CutOf is a digest of where the passages of a text stand, for [Meta].Cut: rows that say
// otherwise than the index file are analysed again.
func CutOf(rows []store.ChunkRow) string {
	b, err := json.Marshal(rows)
	if err != nil {
		return "" // strings and numbers always marshal
	}
	return digest(b)[:16]
}

// pack writes a sketch as text.
func (s *sketch) pack() string {
	b := binary.LittleEndian.AppendUint32(nil, uint32(s.grams))
	for _, v := range s.bins {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return base64.RawStdEncoding.EncodeToString(b)
}

// unpackSketch reads what [sketch.pack] wrote.
func unpackSketch(text string) (*sketch, error) {
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(b) != 4*(sketchBins+1) {
		return nil, errors.New("a sketch that cannot be read")
	}
	s := &sketch{grams: int(binary.LittleEndian.Uint32(b))}
	for i := range s.bins {
		s.bins[i] = binary.LittleEndian.Uint32(b[4*(i+1):])
	}
	return s, nil
}

// stocked is where an index holds a document, and what it was made from.
type stocked struct {
	doc    int
	key    string
	sketch string
}

// stock is an index with what its documents were made from, by cited name.
type stock struct {
	index *retrieve.Index
	older bool // it is not what the index file holds
	at    map[string]stocked
}

// openStock maps the index file. Without one that can be used it is empty, which the
// log tells, except when there is no file yet.
func openStock(name string, log *slog.Logger) stock {
	none := stock{}
	if name == "" {
		return none
	}
	x, err := retrieve.OpenFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return none
	}
	older := false
	if err != nil {
		older = true
		log.Warn("the index file cannot be used; the index is made again from the one before it and the stored passages", "file", name, "err", err)
		if x, err = retrieve.OpenFile(name + beforeEnd); err != nil {
			return none // there need not be one
		}
	}
	s := stock{index: x, older: older, at: make(map[string]stocked, x.Documents())}
	for i := range x.Documents() {
		d := x.Document(i)
		var e extra
		if json.Unmarshal([]byte(d.Extra), &e) == nil && e.Key != "" {
			s.at[d.Name] = stocked{doc: i, key: e.Key, sketch: e.Sketch}
		}
	}
	return s
}

// take returns a document of a row as the stock holds it, or nil when the row says
// something else.
func (s *stock) take(row store.Document) *held {
	d, err := heldOf(row)
	if err != nil || row.State != store.DocumentActive || d.meta.Cut == "" {
		return nil
	}
	at, ok := s.at[d.name]
	d.key = keyOf(row.SHA256, d.meta.Cut)
	if !ok || at.key != d.key {
		return nil
	}
	from, end := s.index.PassagesOf(at.doc)
	if d.passages = end - from; int64(d.passages) != row.Chunks {
		return nil
	}
	if d.sketch, err = unpackSketch(at.sketch); err != nil {
		return nil
	}
	return d
}

// pieces are the documents in order, out of the stock where it holds them; whole says
// that they are the stock's index as it is.
func (s *stock) pieces(order []*held) (pieces []retrieve.Piece, whole bool) {
	pieces = make([]retrieve.Piece, len(order))
	whole = s.index != nil && len(order) == s.index.Documents()
	for i, d := range order {
		at, ok := s.at[d.name]
		if ok && at.key == d.key {
			pieces[i] = retrieve.Piece{Index: s.index, Doc: at.doc}
			whole = whole && at.doc == i
			continue
		}
		pieces[i] = retrieve.Piece{Segment: d.segment}
		whole = false
	}
	return pieces, whole
}

// IndexFileIn is where the index file stands in a data directory.
func IndexFileIn(dataDir string) string { return filepath.Join(dataDir, "index", "passages") }

// beforeEnd is the ending of the index file of before the last change.
const beforeEnd = ".before"

// Times of keeping the index file.
const (
	fileQuiet = 2 * time.Second  // without a change before the file is written
	fileLate  = 30 * time.Second // after a change, at most
)

// KeepIndex writes the index file after changes until ctx ends, and lets searches use
// the file instead of memory. It writes beside the old file and renames, so a crash at
// any time leaves a whole one. What cannot be written is logged and tried again at the
// next change. Without [Options.IndexFile] it returns at once.
func (b *Base) KeepIndex(ctx context.Context) {
	if b.opt.IndexFile == "" {
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.changed:
		}
		if !b.settle(ctx) {
			return
		}
		if err := b.SaveIndex(); err != nil {
			b.opt.Log.Warn("the index file could not be written; the next start takes longer", "file", b.opt.IndexFile, "err", err)
		}
	}
}

// settle waits until nothing has changed for a while, and says whether to go on.
func (b *Base) settle(ctx context.Context) bool {
	late := time.NewTimer(fileLate)
	defer late.Stop()
	for {
		quiet := time.NewTimer(fileQuiet)
		select {
		case <-ctx.Done():
			quiet.Stop()
			return false
		case <-late.C:
			quiet.Stop()
			return true
		case <-quiet.C:
			return true
		case <-b.changed:
			quiet.Stop()
		}
	}
}

// SaveIndex writes the index file, if [Options.IndexFile] names one and it does not hold
// the index of now already, and maps it in place of the index in memory.
func (b *Base) SaveIndex() error {
	name := b.opt.IndexFile
	v := b.view.Load()
	if name == "" || b.filed.Load() == v.all {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return fmt.Errorf("keep the index: %w", err)
	}
	// The file of before stays beside it: should the disk damage one, the other spares
	// the analysis of all but what has changed. Where links cannot be made there is one.
	if err := os.Remove(name + beforeEnd); err == nil || errors.Is(err, os.ErrNotExist) {
		_ = os.Link(name, name+beforeEnd)
	}
	if err := v.all.WriteFile(name); err != nil {
		return fmt.Errorf("keep the index: %w", err)
	}
	mapped, err := retrieve.OpenFile(name)
	if err != nil {
		return fmt.Errorf("keep the index: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.filed.Store(v.all)
	if b.view.Load() != v || mapped.Passages() != v.all.Passages() {
		return nil // another process wrote its own, or there is a newer index to come
	}
	b.filed.Store(mapped)
	b.show(v.with(mapped))
	return nil
}
