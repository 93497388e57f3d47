package retrieve

import (
	"runtime"
	"slices"
	"strings"
	"sync"

	"resync/chunk"
)

// Piece is one document on its way into an index: just analysed, or as another index
// holds it.
type Piece struct {
	Segment *Segment
	// Index and Doc say where the document stands when Segment is nil. Doc counts
	// documents from 0, in the order they were joined.
	Index *Index
	Doc   int
}

// New makes an index of the documents analysed. Without any it is empty and finds
// nothing.
func New(segments ...*Segment) *Index {
	pieces := make([]Piece, len(segments))
	for i, s := range segments {
		pieces[i].Segment = s
	}
	return Join(pieces...)
}

// Join makes an index of documents in the order given. What an index holds already is
// copied out of it and not analysed again; the result is the same, byte for byte, as
// if all of it had been analysed now. It uses all cores.
func Join(pieces ...Piece) *Index {
	j := newJoiner(pieces)
	j.copyPassages()
	j.joinTerms()
	j.x.brief()
	j.x.hashTerms()
	runtime.KeepAlive(pieces) // the sources may be mapped files
	return j.x
}

// source is where terms and postings come from: a segment, or an index with some of
// its documents.
type source struct {
	terms  int
	hashes []uint32 // of the terms, rising
	names  func(int) string
	lists  func(int) []posting
	base   uint32  // added to the numbers of a segment's passages
	to     []int32 // passage of an index → passage of the new one, -1 is left out; nil for a segment
	all    bool    // every passage is kept
	ids    []uint32
}

// joiner puts an index together.
type joiner struct {
	x       *Index
	pieces  []Piece
	sources []*source
	norms   [][fields]float32
}

// newJoiner lays out the arrays of passages: each piece's place follows from the sizes
// of those before it.
func newJoiner(pieces []Piece) *joiner {
	j := &joiner{x: &Index{}, pieces: pieces}
	kept := map[*Index]*source{}
	base := uint32(0)
	for _, p := range pieces {
		if p.Segment != nil {
			s := p.Segment
			j.sources = append(j.sources, &source{terms: len(s.terms), hashes: s.hashes, base: base, all: true,
				names: func(i int) string { return s.terms[i] }, lists: func(i int) []posting { return s.posts[s.from[i]:s.from[i+1]] }})
			base += uint32(len(s.passages))
			continue
		}
		x := p.Index
		src := kept[x]
		if src == nil {
			src = &source{terms: max(len(x.nameFrom)-1, 0), hashes: x.hashes(), names: x.term, lists: x.list, to: make([]int32, x.Passages())}
			for i := range src.to {
				src.to[i] = -1
			}
			kept[x] = src
			j.sources = append(j.sources, src)
		}
		from, end := x.unitsOf(p.Doc)
		for u := from; u < end; u++ {
			src.to[u] = int32(base)
			base++
		}
	}
	for _, s := range kept {
		s.all = !slices.Contains(s.to, -1)
	}
	for _, s := range j.sources {
		s.ids = make([]uint32, s.terms)
	}
	return j
}

// hashes of the terms of an index, which stand in their order.
func (x *Index) hashes() []uint32 {
	out := make([]uint32, max(len(x.nameFrom)-1, 0))
	for i := range out {
		out[i] = hashTerm(x.term(i))
	}
	return out
}

// unitsOf is where the passages of a document begin and end; they follow each other.
func (x *Index) unitsOf(doc int) (from, end int) {
	n := x.Passages()
	at := func(doc uint32) int {
		lo, hi := 0, n
		for lo < hi {
			if mid := int(uint(lo+hi) >> 1); x.recs[mid].doc < doc {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		return lo
	}
	return at(uint32(doc)), at(uint32(doc) + 1)
}

// offsets are where the arrays of one piece begin in the new index, or how long they are.
type offsets struct{ unit, text, meta, title int }

// copyPassages copies what the passages are, side by side.
func (j *joiner) copyPassages() {
	x := j.x
	at := make([]offsets, len(j.pieces)+1)
	for i, p := range j.pieces {
		n := p.sizes()
		at[i+1] = offsets{at[i].unit + n.unit, at[i].text + n.text, at[i].meta + n.meta, at[i].title + n.title}
		d := p.document()
		x.docs = append(x.docs, d)
		x.own = x.own || !d.Builtin
	}
	end := at[len(j.pieces)]
	x.recs, x.text, x.meta = make([]record, end.unit+1), make([]byte, end.text), make([]byte, end.meta)
	x.titles, x.sketches, x.signs = make([]uint32, end.title), make([]sketch, end.unit), make([]signature, end.unit)
	x.docSize = make([]float32, len(j.pieces))
	sideBySide(len(j.pieces), func(i int) {
		if s := j.pieces[i].Segment; s != nil {
			x.putSegment(s, i, at[i])
			return
		}
		x.putOld(j.pieces[i].Index, j.pieces[i].Doc, i, at[i])
	})
	x.recs[end.unit] = record{text: uint64(end.text), meta: uint32(end.meta), title: uint32(end.title), see: -1}
	j.norms = x.norms()
}

// document describes the piece's document.
func (p *Piece) document() Document {
	if p.Segment != nil {
		return p.Segment.doc
	}
	return p.Index.docs[p.Doc]
}

// sizes is how much room a piece takes in each array.
func (p *Piece) sizes() (n offsets) {
	if s := p.Segment; s != nil {
		for i := range s.passages {
			u := &s.passages[i]
			n.text, n.meta, n.title = n.text+len(u.Content), n.meta+len(u.meta), n.title+len(u.titleSeq)
		}
		n.unit = len(s.passages)
		return n
	}
	from, end := p.Index.unitsOf(p.Doc)
	a, b := &p.Index.recs[from], &p.Index.recs[end]
	return offsets{end - from, int(b.text - a.text), int(b.meta - a.meta), int(b.title - a.title)}
}

// putSegment writes the passages of a document that was analysed now.
func (x *Index) putSegment(s *Segment, doc int, at offsets) {
	first := at.unit
	words := float32(0)
	for i := range s.passages {
		p := &s.passages[i]
		r := record{
			text: uint64(at.text), start: uint32(p.Start), end: uint32(p.End), line: uint32(p.Line), last: uint32(p.EndLine),
			meta: uint32(at.meta), title: uint32(at.title), doc: uint32(doc), see: -1, size: p.size,
			kind: uint8(max(slices.Index(kinds[:], p.Kind), 0)),
		}
		if p.see >= 0 {
			r.see = p.see + int32(first)
		}
		if s.doc.Builtin {
			r.flags |= flagBuiltin
		}
		if strings.HasPrefix(p.Content, "#") {
			r.flags |= flagHead
		}
		u := first + i
		x.recs[u], x.sketches[u], x.signs[u] = r, p.sketch, p.sign
		at.text += copy(x.text[at.text:], p.Content)
		at.meta += copy(x.meta[at.meta:], p.meta)
		at.title += copy(x.titles[at.title:], p.titleSeq)
		words += float32(p.size[fieldBody])
	}
	x.docSize[doc] = words
}

// putOld copies the passages of a document out of another index.
func (x *Index) putOld(old *Index, oldDoc, doc int, at offsets) {
	from, end := old.unitsOf(oldDoc)
	a, b := old.recs[from], old.recs[end]
	copy(x.text[at.text:], old.text[a.text:b.text])
	copy(x.meta[at.meta:], old.meta[a.meta:b.meta])
	copy(x.titles[at.title:], old.titles[a.title:b.title])
	copy(x.sketches[at.unit:], old.sketches[from:end])
	copy(x.signs[at.unit:], old.signs[from:end])
	x.docSize[doc] = old.docSize[oldDoc]
	for u := from; u < end; u++ {
		r := old.recs[u]
		r.text, r.meta, r.title = r.text-a.text+uint64(at.text), r.meta-a.meta+uint32(at.meta), r.title-a.title+uint32(at.title)
		r.doc, r.mass = uint32(doc), 0
		if r.see >= 0 {
			r.see += int32(at.unit - from)
		}
		x.recs[at.unit+u-from] = r
	}
}

// metaOf are id, title, path and codes of a passage, each ended by a zero byte.
func metaOf(c *chunk.Chunk, codes []string) []byte {
	var out []byte
	for _, part := range [...]string{c.ID, c.Title, strings.Join(c.Path, pathMark), strings.Join(codes, pathMark)} {
		out = append(append(out, strings.ReplaceAll(part, "\x00", "")...), 0)
	}
	return out
}

// sideBySide calls do for 0 to n-1 on all cores.
func sideBySide(n int, do func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	if workers < 2 {
		for i := range n {
			do(i)
		}
		return
	}
	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	wg.Wait()
}
