package retrieve

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"resync/chunk"
)

// Document is a text to search.
type Document struct {
	// Name is how the document is cited: its file name.
	Name string `json:"name"`
	// Text is the whole document.
	Text string `json:"-"`
	// Builtin marks a document that came with the program. Once others are in the
	// index they go before it.
	Builtin bool `json:"builtin,omitempty"`
	// Version is the release of the product a document describes, for example
	// "10.2.5"; empty when it is not said.
	Version string `json:"version,omitempty"`
	// Authority ranks sources: 0 for an ordinary one, more for one that is to be
	// believed rather. It is only filtered by.
	Authority int `json:"authority,omitempty"`
	// Updated is when the text was last known to be right; zero when not known.
	Updated time.Time `json:"updated,omitzero"`
	// Tags are free words to filter by.
	Tags []string `json:"tags,omitempty"`
	// Extra is kept with the document, in files too; it means something to the caller
	// alone.
	Extra string `json:"extra,omitempty"`
}

// field of a passage that words are counted in.
const (
	fieldTitle = iota
	fieldPath
	fieldBody
	fields
)

// posting counts a term in one passage. It is written to files as it stands.
type posting struct {
	unit uint32
	tf   [fields]uint8
	imp  uint8 // saturated frequency in 255ths, filled in when the index is made
}

// titled is 1 where the word stands in the title, else 0, without a branch.
func (p *posting) titled() uint32 { return (uint32(p.tf[fieldTitle]) + 255) >> 8 & 1 }

// passage is one passage as it was analysed.
type passage struct {
	chunk.Chunk
	codes    []string
	size     [fields]uint16 // words in each field
	sketch   sketch
	sign     signature
	meta     []byte   // see metaOf
	titleSeq []uint32 // hashes of the words of the title, in order
	see      int32    // passage of the document that this one only points to, or -1
}

// Segment is one analysed document. It never changes, so an index can be built
// anew from the segments of unchanged documents.
type Segment struct {
	doc      Document // without its text
	passages []passage
	terms    []string // in the order of their hashes, then of their letters
	hashes   []uint32
	from     []uint32 // of each term's postings; one more at the end
	posts    []posting
}

// Analyse cuts a document into passages and counts their words.
func Analyse(d Document) *Segment { return AnalyseChunks(d, chunk.Document(d.Text, d.Name)) }

// AnalyseChunks counts the words of a document that the caller has cut into
// passages.
func AnalyseChunks(d Document, chunks []chunk.Chunk) *Segment {
	lang := english
	if d.Text != "" {
		lang = detect(d.Text)
	} else if len(chunks) > 0 {
		lang = detect(chunks[0].Content)
	}
	a := analyser{lang: lang, memo: map[string][]int32{}, known: map[string]int32{}}
	for _, c := range chunks {
		a.add(c)
	}
	follow(a.passages)
	d.Text = ""
	return a.segment(d)
}

// Record is a passage that the caller has cut out of a document itself.
type Record struct {
	ID string
	// Title is the nearest heading, Path leads to it from outside.
	Title string
	Path  []string
	Text  string
}

// AnalyseRecords counts the words of passages of one document. Their texts are taken
// as they are: a "#" in one is no heading, as the passage may be program text.
func AnalyseRecords(d Document, records []Record) *Segment {
	a := analyser{lang: english, memo: map[string][]int32{}, known: map[string]int32{}}
	at, line := 0, 1
	for _, r := range records {
		last := line + strings.Count(r.Text, "\n")
		a.put(chunk.Chunk{
			ID: r.ID, Source: d.Name, Document: d.Name, Title: r.Title, Path: r.Path, Kind: chunk.KindText, Content: r.Text,
			Start: at, End: at + len(r.Text), Line: line, EndLine: last,
		}, r.Title, r.Text)
		at, line = at+len(r.Text)+1, last+1
	}
	d.Text = ""
	return a.segment(d)
}

// Passages is how many passages the document was cut into.
func (s *Segment) Passages() int { return len(s.passages) }

// pointer is an entry's answer that only names another entry: "This scenario is
// described in The agent does not link."
var pointer = regexp.MustCompile(`(?i)\b(?:described|documented|explained) in "?(.+?)"?\.?$`)

// maxPointer is the longest passage in bytes that is taken for a mere pointer.
const maxPointer = 700

// follow finds the entries that only point to another of the same document.
func follow(all []passage) {
	byTitle := make(map[string]int32, len(all))
	for i := len(all) - 1; i >= 0; i-- {
		if u := all[i]; u.Kind == chunk.KindEntry {
			byTitle[titleKey(u.Title)] = int32(i)
		}
	}
	for i := range all {
		u := &all[i]
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

// analyser fills a segment.
type analyser struct {
	passages []passage
	lang     language
	known    map[string]int32   // :: term → its number
	memo     map[string][]int32 // :: word as written → numbers of its terms
	names    []string
	posts    [][]posting
	buf      []string
}

func (a *analyser) add(c chunk.Chunk) { a.put(c, headings(c), chunk.Plain(c.Content)) }

// put counts a passage with the given headings and text.
func (a *analyser) put(c chunk.Chunk, title, plain string) {
	p := passage{Chunk: c, codes: codesIn(plain), sketch: newSketch(c.Content), see: -1, titleSeq: sequence(c.Title)}
	p.meta = metaOf(&c, p.codes)
	id := uint32(len(a.passages))
	a.count(&p, id, fieldTitle, title)
	if len(c.Path) > 1 {
		a.count(&p, id, fieldPath, strings.Join(c.Path[:len(c.Path)-1], " "))
	}
	a.count(&p, id, fieldBody, plain)
	for _, code := range p.codes {
		list := a.list(codeTerm(code), id)
		list.tf[fieldBody] = 1
		if strings.Contains(strings.ToUpper(c.Title), code) {
			list.tf[fieldTitle] = 1
		}
	}
	a.passages = append(a.passages, p)
}

// codeTerm is the term of a message code; no word begins with a zero byte.
func codeTerm(code string) string { return "\x00" + code }

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
func (a *analyser) count(p *passage, id uint32, field int, text string) {
	n, last := 0, int32(-1)
	words(text, func(w string) {
		n++
		ids := a.ids(w)
		for _, t := range ids {
			if tf := &a.listOf(t, id).tf[field]; *tf < math.MaxUint8 {
				*tf++
			}
		}
		if len(ids) > 0 && field != fieldPath {
			if last >= 0 {
				p.sign.add(a.names[last], a.names[ids[0]])
			}
			last = ids[0]
		}
	})
	p.size[field] = uint16(min(n, math.MaxUint16))
}

// list is the posting of a term in the passage at hand.
func (a *analyser) list(term string, id uint32) *posting { return a.listOf(a.number(term), id) }

func (a *analyser) listOf(t int32, id uint32) *posting {
	list := a.posts[t]
	if len(list) == 0 || list[len(list)-1].unit != id {
		list = append(list, posting{unit: id})
		a.posts[t] = list
	}
	return &list[len(list)-1]
}

func (a *analyser) number(term string) int32 {
	id, ok := a.known[term]
	if !ok {
		id = int32(len(a.posts))
		a.known[term] = id
		a.names = append(a.names, term)
		a.posts = append(a.posts, nil)
	}
	return id
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
		ids = append(ids, a.number(t))
	}
	a.memo[word] = ids
	return ids
}

// segment is what was collected, in the order of the terms.
func (a *analyser) segment(d Document) *Segment {
	s := &Segment{doc: d, passages: a.passages, terms: make([]string, len(a.names)), hashes: make([]uint32, len(a.names)),
		from: make([]uint32, 1, len(a.names)+1)}
	order := make([]uint64, len(a.names)) // hash, then number
	for i, name := range a.names {
		order[i] = uint64(hashTerm(name))<<32 | uint64(i)
	}
	slices.SortFunc(order, func(p, q uint64) int {
		if c := cmp.Compare(p>>32, q>>32); c != 0 {
			return c
		}
		return cmp.Compare(a.names[uint32(p)], a.names[uint32(q)])
	})
	total := 0
	for _, list := range a.posts {
		total += len(list)
	}
	s.posts = make([]posting, 0, total)
	for i, o := range order {
		s.terms[i], s.hashes[i] = a.names[uint32(o)], uint32(o>>32)
		s.posts = append(s.posts, a.posts[uint32(o)]...)
		s.from = append(s.from, uint32(len(s.posts)))
	}
	return s
}
