package chunk

import (
	"context"
	"iter"
	"sort"
	"strings"
)

// Document cuts text into passages with their metadata. The source names the
// document in ids and metadata and stands in for a title when the text has none.
// An error can only come from the embedder of the strategy semantic.
func (c *Chunker) Document(ctx context.Context, text, source string) ([]Chunk, error) {
	var out []Chunk
	for ch, err := range c.Chunks(ctx, text, source) {
		if err != nil {
			return nil, err
		}
		if out == nil {
			out = make([]Chunk, 0, len(text)/perChunk+1)
		}
		out = append(out, ch)
	}
	for i := range out {
		out[i].Metadata.TotalChunks = len(out)
	}
	return out, nil
}

// perChunk is how many bytes of text there are to a passage when the passages are still
// to be counted.
const perChunk = 2048

// Chunks is Document one passage at a time, in order; its metadata lack the total.
// An error ends the sequence.
func (c *Chunker) Chunks(ctx context.Context, text, source string) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		r := c.read(ctx, text, source)
		f := finisher{r: r, yield: yield, seen: map[string]int{}}
		switch c.cfg.Strategy {
		case TWSOptimized:
			r.sections = r.doc.sections()
			r.structured(f.add)
		case StructureAware:
			r.sections = r.doc.plainSections()
			r.structured(f.add)
		default:
			r.sections = r.doc.sections()
			r.unstructured(f.add)
		}
		if f.stopped {
			return
		}
		if r.err != nil {
			yield(Chunk{}, r.err)
			return
		}
		f.flush()
	}
}

// Text cuts text into passages of at most maxTokens tokens of cl100k (512 when
// maxTokens is not positive) that end at paragraphs, lines, sentences or words and
// repeat up to 64 tokens of the one before. Each is a part of text, unchanged.
func Text(text string, maxTokens int) []string {
	if maxTokens <= 0 {
		maxTokens = 512
	}
	r := reading{text: text, l: newLedger(text, CL100K(), maxTokens)}
	var out []string
	r.fill(extent{0, len(text)}, maxTokens, min(64, maxTokens/8), prose, func(e extent) bool {
		out = append(out, text[e.start:e.end])
		return true
	})
	return out
}

// extent is a part of a text in bytes.
type extent struct{ start, end int }

// span is a passage before its metadata are known.
type span struct {
	extent
	sec       *section
	sub       string   // generic heading the passage stands under inside its section
	carried   string   // header of the table or fence that the passage continues
	coherence *float64 // of the strategy semantic
	level     int      // of the strategy hierarchical, from 1
	place     string   // "L1:0/L2:1", of the strategy hierarchical
	parent    int      // index in the group, -1 is none
}

// reading is one text being cut.
type reading struct {
	ctx      context.Context
	cfg      Config
	text     string
	doc      *doc
	l        *ledger
	sections []section
	method   string // how the strategy semantic compared sentences
	err      error
	parts    []block // of the section being read, reused
	bonds    []block // parts joined, reused
	plain    plainer // reused
}

func (c *Chunker) read(ctx context.Context, text, source string) *reading {
	limit := c.cfg.PreserveMaxTokens
	if c.cfg.Strategy == Hierarchical {
		limit = max(limit, c.cfg.Hierarchy[0])
	}
	return &reading{ctx: ctx, cfg: c.cfg, text: text, doc: newDoc(text, source), l: newLedger(text, c.cfg.Tokenizer, limit)}
}

// sectionAt is the section that holds a place of the text, nil when it is in none.
func (r *reading) sectionAt(pos int) *section {
	i := sort.Search(len(r.sections), func(k int) bool { return r.doc.lines[r.sections[k].first].start > pos }) - 1
	if i < 0 || r.doc.lines[r.sections[i].last-1].end < pos {
		return nil
	}
	return &r.sections[i]
}

// separator is where a passage may end: after any of these strings.
type separator []string

// Where passages end, best first.
var (
	prose  = []separator{{"\n\n\n", "\r\n\r\n\r\n"}, {"\n\n", "\r\n\r\n"}, {"\n"}, {". ", "? ", "! ", "。"}, {" ", "\t"}}
	tabled = []separator{{"</tr>", "\n"}, {"</td>", "</th>", " | "}, {". "}, {" "}}
	listed = []separator{{"\n"}, {". ", "? ", "! ", "。"}, {" ", "\t"}}
)

// fill cuts an extent into passages of at most limit tokens, each beginning at most
// overlap tokens before the end of the one before.
func (r *reading) fill(e extent, limit, overlap int, seps []separator, yield func(extent) bool) bool {
	start, done := r.blank(e.start, e.end), e.start
	for start < e.end {
		end := r.take(start, e.end, limit, seps)
		if end <= done { // nothing but what was repeated
			start = r.blank(done, e.end)
			continue
		}
		if !yield(extent{start, end}) {
			return false
		}
		done = end
		next := r.blank(end, e.end)
		if next >= e.end {
			return true
		}
		start = next
		if overlap > 0 {
			start = r.overlapped(start, end, next, overlap)
		}
	}
	return true
}

// overlapped is where a passage begins that repeats the last words of the passage
// text[from:end]: at the first line or sentence, else word, of the last tokens.
func (r *reading) overlapped(from, end, next, overlap int) int {
	floor := max(from+1, end-overlap*maxToken)
	at := r.l.back(floor, end, overlap)
	if at >= end {
		return next
	}
	tail := r.text[at:end]
	best := -1
	for _, sep := range []string{"\n", ". ", " "} {
		if i := strings.Index(tail, sep); i >= 0 {
			best = i + len(sep)
			break
		}
	}
	if best < 0 {
		return next
	}
	if s := r.blank(at+best, end); s < end && r.l.tokens(s, end) <= overlap {
		return s
	}
	return next
}

// take is where the passage that begins at a ends: at most limit tokens later, at
// the best separator in the second half, without the blanks before it.
func (r *reading) take(a, b, limit int, seps []separator) int {
	e := r.l.fit(a, b, limit)
	if e < b {
		e = r.retreat(a, e, seps)
	}
	for {
		t := a + len(strings.TrimRight(r.text[a:e], " \t\r\n"))
		if t <= a {
			return e
		}
		if t == e || r.l.tokens(a, t) <= limit {
			return t
		}
		e = r.l.fit(a, t, limit)
		if e >= t { // not reached: t has more tokens than fit
			return t
		}
	}
}

// retreat moves e back to just after the best separator that stands in the second
// half of text[a:e]; a word that is not cut now need not be.
func (r *reading) retreat(a, e int, seps []separator) int {
	half := a + (e-a)/2
	for _, sep := range seps {
		best := -1
		for _, s := range sep {
			if i := lastIndex(r.text[half:e], s); i >= 0 {
				best = max(best, half+i+len(s))
			}
		}
		if best > a {
			return best
		}
	}
	return e
}

// lastIndex is strings.LastIndex for short separators, which are found by their last
// byte and need no hash.
func lastIndex(s, sep string) int {
	n := len(sep)
	for end := len(s); end >= n; {
		i := strings.LastIndexByte(s[n-1:end], sep[n-1])
		if i < 0 {
			return -1
		}
		if s[i:i+n] == sep {
			return i
		}
		end = i + n - 1
	}
	return -1
}

// blank is the first place from a on, at most b, that is no blank.
func (r *reading) blank(a, b int) int {
	for a < b && (r.text[a] == ' ' || r.text[a] == '\n' || r.text[a] == '\r' || r.text[a] == '\t') {
		a++
	}
	return a
}

// unstructured runs the strategies that do not follow headings.
func (r *reading) unstructured(yield func([]span) bool) {
	all := extent{0, len(r.text)}
	one := func(e extent) bool { return yield([]span{{extent: e, sec: r.sectionAt(e.start), parent: -1}}) }
	switch r.cfg.Strategy {
	case Recursive:
		r.fill(all, r.cfg.MaxTokens, r.cfg.OverlapTokens, prose, one)
	case FixedSize:
		r.windows(one)
	case Hierarchical:
		r.hierarchy(all, yield)
	case Semantic:
		r.semantic(yield)
	}
}

// windows cuts at the ends of words only, whatever the text says.
func (r *reading) windows(yield func(extent) bool) {
	start, done := r.blank(0, len(r.text)), 0
	for start < len(r.text) {
		end := r.take(start, len(r.text), r.cfg.MaxTokens, nil)
		if end <= done {
			start = r.blank(done, len(r.text))
			continue
		}
		if !yield(extent{start, end}) {
			return
		}
		done = end
		floor := max(start+1, end-r.cfg.OverlapTokens*maxToken)
		start = r.blank(end, len(r.text))
		if start >= len(r.text) {
			return
		}
		if at := r.blank(r.l.back(floor, end, r.cfg.OverlapTokens), end); at < end && r.l.tokens(at, end) <= r.cfg.OverlapTokens {
			start = at
		}
	}
}

// hierarchy cuts passages of the first size, each of them into passages of the
// second, and those into the third. A passage stands before those inside it.
func (r *reading) hierarchy(all extent, yield func([]span) bool) {
	n := 0
	r.fill(all, r.cfg.Hierarchy[0], 0, prose, func(e extent) bool {
		group := r.nest(nil, span{extent: e, level: 1, parent: -1, place: "L1:" + itoa(n)})
		n++
		return yield(group)
	})
}

func (r *reading) nest(group []span, s span) []span {
	s.sec = r.sectionAt(s.start)
	at := len(group)
	group = append(group, s)
	if s.level == len(r.cfg.Hierarchy) {
		return group
	}
	n := 0
	r.fill(s.extent, r.cfg.Hierarchy[s.level], 0, prose, func(e extent) bool {
		group = r.nest(group, span{extent: e, level: s.level + 1, parent: at, place: s.place + "/L" + itoa(s.level+1) + ":" + itoa(n)})
		n++
		return true
	})
	return group
}

// runes counts characters going forward only.
type runes struct {
	text      string
	pos, sum  int
	back, was int // the place before, so that an overlap can go back
}

func (c *runes) at(pos int) int {
	switch {
	case pos >= c.pos:
		c.back, c.was = c.pos, c.sum
		c.sum += runeCount(c.text[c.pos:pos])
	case pos >= c.back:
		c.sum = c.was + runeCount(c.text[c.back:pos])
	default:
		c.sum -= runeCount(c.text[pos:c.pos])
	}
	c.pos = pos
	return c.sum
}
