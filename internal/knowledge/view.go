package knowledge

import (
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"resync/chunk"
	"resync/internal/retrieve"
	"resync/internal/store"
)

// handbookCollection names the built-in handbook where collections are named. A
// search of any collection finds it.
const handbookCollection = "handbook"

// view is one state of the base, as searches see it. It does not change, except
// that indexes of parts of it are made when they are first asked for.
type view struct {
	all   *retrieve.Index
	docs  map[string]*held  // :: cited name → searchable document, the handbook's too
	order []*held           // searchable documents in the order they stand in the index
	at    map[string]int    // :: cited name → number in the index
	notes map[string][]note // :: cited name → what was accepted against its passages

	matrix atomic.Pointer[matrix] // nil until there are vectors

	mu    sync.Mutex
	parts []part // indexes of parts, the newest first
}

// part is an index of some documents of a view.
type part struct {
	key   string // names of the documents
	index *retrieve.Index
	rows  *retrieve.Vectors // its passages' vectors, nil until they are asked for
	from  *matrix           // which the rows were picked from
}

// maxParts is how many indexes of parts a view keeps. An index shares the
// analysed documents with the others, so it costs its lists of words.
const maxParts = 4

// swap puts an index of everything searchable in place of the old one, out of which
// it copies what has not changed. The caller holds mu.
func (b *Base) swap() { b.swapFrom(b.view.Load().stock()) }

// stock says what the documents of a view were made from.
func (v *view) stock() stock {
	s := stock{index: v.all, at: make(map[string]stocked, len(v.order))}
	for i, d := range v.order {
		s.at[d.name] = stocked{doc: i, key: d.key}
	}
	return s
}

// with is the view with another index of the same documents.
func (v *view) with(all *retrieve.Index) *view {
	out := &view{all: all, docs: v.docs, order: v.order, at: v.at, notes: v.notes}
	out.matrix.Store(v.matrix.Load())
	return out
}

// show puts a view in place and tells who follows.
func (b *Base) show(v *view) {
	b.view.Store(v)
	for _, wake := range [...]chan struct{}{b.meaning.wake, b.changed} {
		select {
		case wake <- struct{}{}:
		default: // it is awake
		}
	}
}

// swapFrom makes the view of what the base holds, with documents out of a stock where
// they are on it. The caller holds mu or owns the base.
func (b *Base) swapFrom(old stock) {
	v := &view{docs: make(map[string]*held, len(b.docs)+len(b.builtin)), at: map[string]int{}, notes: make(map[string][]note, len(b.notes))}
	v.order = append(v.order, b.builtin...)
	for _, name := range b.names() {
		if d := b.docs[name]; d.state == store.DocumentActive {
			v.order = append(v.order, d)
		}
	}
	for i, d := range v.order {
		v.docs[d.name], v.at[d.name] = d, i
	}
	for name, list := range b.notes {
		v.notes[name] = slices.Clone(list)
	}
	pieces, whole := old.pieces(v.order)
	if v.all = old.index; !whole {
		v.all = retrieve.Join(pieces...)
	}
	for _, d := range v.order {
		d.segment, d.rows = nil, nil // the index has them now, and the store
	}
	b.show(v)
}

// passages are those of a document as they stand in the index.
func (v *view) passages(name string) []chunk.Chunk {
	doc, ok := v.at[name]
	if !ok {
		return nil
	}
	from, end := v.all.PassagesOf(doc)
	out := make([]chunk.Chunk, 0, end-from)
	for row := from; row < end; row++ {
		p := v.all.At(row)
		out = append(out, chunk.Chunk{ID: p.ID, Source: name, Document: name, Title: p.Title, Path: p.Path, Kind: p.Kind, Content: p.Text,
			Start: p.Start, End: p.End, Line: p.Line, EndLine: p.EndLine})
	}
	return out
}

// of returns an index of the documents a filter keeps, the whole one when it
// keeps all.
func (v *view) of(keep func(*held) bool) (*retrieve.Index, int) {
	var names []string
	var pieces []retrieve.Piece
	for i, d := range v.order {
		if keep(d) {
			names, pieces = append(names, d.name), append(pieces, retrieve.Piece{Index: v.all, Doc: i})
		}
	}
	if len(pieces) == len(v.order) {
		return v.all, len(pieces)
	}
	sort.Strings(names)
	key := strings.Join(names, "\x00")
	v.mu.Lock()
	defer v.mu.Unlock()
	for i, p := range v.parts {
		if p.key == key {
			v.parts = append([]part{p}, slices.Delete(v.parts, i, i+1)...)
			return p.index, len(pieces)
		}
	}
	p := part{key: key, index: retrieve.Join(pieces...)}
	v.parts = append([]part{p}, v.parts[:min(len(v.parts), maxParts-1)]...)
	return p.index, len(pieces)
}
