package knowledge

import (
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

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
	order []*held           // searchable documents in the order they were indexed
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

// swap puts an index of everything searchable in place of the old one. The caller
// holds mu or owns the base.
func (b *Base) swap() {
	v := &view{docs: make(map[string]*held, len(b.docs)+len(b.builtin)), notes: make(map[string][]note, len(b.notes))}
	v.order = append(v.order, b.builtin...)
	for _, name := range b.names() {
		if d := b.docs[name]; d.state == store.DocumentActive {
			v.order = append(v.order, d)
		}
	}
	segments := make([]*retrieve.Segment, 0, len(v.order))
	for _, d := range v.order {
		v.docs[d.name] = d
		segments = append(segments, d.segment)
	}
	for name, list := range b.notes {
		v.notes[name] = slices.Clone(list)
	}
	v.all = retrieve.New(segments...)
	b.view.Store(v)
	select {
	case b.meaning.wake <- struct{}{}:
	default: // it is awake
	}
}

// of returns an index of the documents a filter keeps, the whole one when it
// keeps all.
func (v *view) of(keep func(*held) bool) (*retrieve.Index, int) {
	var names []string
	var segments []*retrieve.Segment
	for _, d := range v.order {
		if keep(d) {
			names, segments = append(names, d.name), append(segments, d.segment)
		}
	}
	if len(segments) == len(v.order) {
		return v.all, len(segments)
	}
	sort.Strings(names)
	key := strings.Join(names, "\x00")
	v.mu.Lock()
	defer v.mu.Unlock()
	for i, p := range v.parts {
		if p.key == key {
			v.parts = append([]part{p}, slices.Delete(v.parts, i, i+1)...)
			return p.index, len(segments)
		}
	}
	p := part{key: key, index: retrieve.New(segments...)}
	v.parts = append([]part{p}, v.parts[:min(len(v.parts), maxParts-1)]...)
	return p.index, len(segments)
}
