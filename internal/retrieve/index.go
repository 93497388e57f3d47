package retrieve

import (
	"math"
	"regexp"
	"sort"
	"strings"

	"resync/chunk"
)

// Document is a text to search.
type Document struct {
	// Name is how the document is cited: its file name.
	Name string
	// Text is the whole document.
	Text string
	// Builtin marks a document that came with the program. Once others are in the
	// index they go before it.
	Builtin bool
}

// field of a passage that words are counted in.
const (
	fieldTitle = iota
	fieldPath
	fieldBody
	fields
)

// posting counts a term in one passage.
type posting struct {
	unit int32
	tf   [fields]uint8
}

// unit is a passage as the index keeps it.
type unit struct {
	chunk.Chunk
	codes   []string
	size    [fields]uint16 // words in each field
	builtin bool
	sketch  sketch
	see     int32 // unit that this one only points to, or -1
}

// Segment is one analysed document. It never changes, so an index can be built
// anew from the segments of unchanged documents.
type Segment struct {
	units   []unit
	terms   map[string]int32
	posts   [][]posting
	builtin bool
}

// Analyse cuts a document into passages and counts their words.
func Analyse(d Document) *Segment { return AnalyseChunks(d, chunk.Document(d.Text, d.Name)) }

// AnalyseChunks counts the words of a document that the caller has cut into
// passages.
func AnalyseChunks(d Document, chunks []chunk.Chunk) *Segment {
	a := analyser{
		seg:  &Segment{terms: map[string]int32{}, builtin: d.Builtin},
		memo: map[string][]int32{}, lang: detect(d.Text),
	}
	for _, c := range chunks {
		a.add(c)
	}
	a.seg.follow()
	return a.seg
}

// pointer is an entry's answer that only names another entry: "This scenario is
// described in The agent does not link."
var pointer = regexp.MustCompile(`(?i)\b(?:described|documented|explained) in "?(.+?)"?\.?$`)

// maxPointer is the longest passage in bytes that is taken for a mere pointer.
const maxPointer = 700

// follow finds the entries that only point to another of the same document.
func (s *Segment) follow() {
	byTitle := make(map[string]int32, len(s.units))
	for i := len(s.units) - 1; i >= 0; i-- {
		if u := s.units[i]; u.Kind == chunk.KindEntry {
			byTitle[titleKey(u.Title)] = int32(i)
		}
	}
	for i := range s.units {
		u := &s.units[i]
		if u.Kind != chunk.KindEntry || len(u.Content) > maxPointer {
			continue
		}
		plain := chunk.Plain(u.Content)
		m := pointer.FindStringSubmatch(plain[strings.LastIndexByte(plain, '\n')+1:])
		if m == nil {
			continue
		}
		if to, ok := byTitle[titleKey(m[1])]; ok && to != int32(i) {
			u.see = to
		}
	}
}

// titleKey makes titles comparable whatever their marks.
func titleKey(s string) string {
	var b strings.Builder
	words(s, func(w string) { b.WriteString(fold(w) + " ") })
	return b.String()
}

// Passages is how many passages the document was cut into.
func (s *Segment) Passages() int { return len(s.units) }

// analyser fills a segment.
type analyser struct {
	seg  *Segment
	lang language
	memo map[string][]int32 // word as written → ids of its terms
	buf  []string
}

func (a *analyser) add(c chunk.Chunk) {
	plain := chunk.Plain(c.Content)
	u := unit{Chunk: c, codes: codesIn(plain), builtin: a.seg.builtin, sketch: newSketch(c.Content), see: -1}
	id := int32(len(a.seg.units))
	a.count(&u, id, fieldTitle, headings(c))
	if len(c.Path) > 1 {
		a.count(&u, id, fieldPath, strings.Join(c.Path[:len(c.Path)-1], " "))
	}
	a.count(&u, id, fieldBody, plain)
	a.seg.units = append(a.seg.units, u)
}

// headings is the title of a passage and the specific headings inside it.
func headings(c chunk.Chunk) string {
	if c.Kind == chunk.KindEntry {
		return c.Title
	}
	out := []string{c.Title}
	for _, h := range c.Headings() {
		if h != c.Title {
			out = append(out, h)
		}
	}
	return strings.Join(out, "\n")
}

// count adds the words of one field.
func (a *analyser) count(u *unit, id int32, field int, text string) {
	n := 0
	words(text, func(w string) {
		n++
		for _, t := range a.ids(w) {
			list := a.seg.posts[t]
			if len(list) == 0 || list[len(list)-1].unit != id {
				list = append(list, posting{unit: id})
			}
			if tf := &list[len(list)-1].tf[field]; *tf < math.MaxUint8 {
				*tf++
			}
			a.seg.posts[t] = list
		}
	})
	u.size[field] = uint16(min(n, math.MaxUint16))
}

// ids are the terms of a word, remembered because a manual has few words many
// times.
func (a *analyser) ids(word string) []int32 {
	if ids, ok := a.memo[word]; ok {
		return ids
	}
	a.buf = terms(a.buf[:0], word, a.lang)
	ids := make([]int32, 0, len(a.buf))
	for _, t := range a.buf {
		id, ok := a.seg.terms[t]
		if !ok {
			id = int32(len(a.seg.posts))
			a.seg.terms[t] = id
			a.seg.posts = append(a.seg.posts, nil)
		}
		ids = append(ids, id)
	}
	a.memo[word] = ids
	return ids
}

// Index searches a fixed set of documents. It is safe for concurrent use.
type Index struct {
	units []unit
	terms map[string]int32
	posts [][]posting
	codes map[string][]int32
	norm  [][fields]float32 // 1/(1-b+b·length/average), by unit
	title []float32         // sum of idf over the words of the title, by unit
	docs  int
	own   bool // holds documents besides the built-in ones
}

// New makes an index of the documents analysed. Without any it is empty and finds
// nothing.
func New(segments ...*Segment) *Index {
	x := &Index{terms: map[string]int32{}, codes: map[string][]int32{}, docs: len(segments)}
	for _, s := range segments {
		x.join(s)
		x.own = x.own || !s.builtin
	}
	for i, u := range x.units {
		for _, c := range u.codes {
			x.codes[c] = append(x.codes[c], int32(i))
		}
	}
	x.normalise()
	x.weighTitles()
	return x
}

// join appends a segment, giving its terms and passages numbers of the index.
func (x *Index) join(s *Segment) {
	base := int32(len(x.units))
	for _, u := range s.units {
		if u.see >= 0 {
			u.see += base
		}
		x.units = append(x.units, u)
	}
	names := make([]string, 0, len(s.terms))
	for t := range s.terms {
		names = append(names, t)
	}
	sort.Strings(names) // the same documents give the same index
	for _, t := range names {
		id, ok := x.terms[t]
		if !ok {
			id = int32(len(x.posts))
			x.terms[t] = id
			x.posts = append(x.posts, nil)
		}
		list := x.posts[id]
		for _, p := range s.posts[s.terms[t]] {
			p.unit += base
			list = append(list, p)
		}
		x.posts[id] = list
	}
}

// normalise computes the length normalisation of every passage.
func (x *Index) normalise() {
	var sum [fields]float64
	for _, u := range x.units {
		for f := range fields {
			sum[f] += float64(u.size[f])
		}
	}
	x.norm = make([][fields]float32, len(x.units))
	for i, u := range x.units {
		for f := range fields {
			avg := max(sum[f]/float64(len(x.units)), 1)
			x.norm[i][f] = float32(1 / (1 - lengthWeight[f] + lengthWeight[f]*float64(u.size[f])/avg))
		}
	}
}

// weighTitles sums what the words of each title are worth.
func (x *Index) weighTitles() {
	x.title = make([]float32, len(x.units))
	for _, list := range x.posts {
		idf := x.idf(len(list))
		for _, p := range list {
			if p.tf[fieldTitle] > 0 {
				x.title[p.unit] += idf
			}
		}
	}
}

// Documents and Passages say how much the index holds.
func (x *Index) Documents() int { return x.docs }

// Passages is the number of passages of all documents.
func (x *Index) Passages() int { return len(x.units) }
