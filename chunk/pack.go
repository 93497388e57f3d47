package chunk

import "strings"

// Sizes in bytes. English manuals have about 4.5 bytes to a token.
const (
	// entryMax is up to where a problem with its solution stays one passage. The
	// longest entry of the troubleshooting guide has 692 words.
	entryMax = 8000
	// sectionMax is up to where any other section stays one passage.
	sectionMax = 2600
	// target is the size to which a longer section is filled.
	target = 1800
	// procedureMax is up to where the steps of a procedure stay together.
	procedureMax = 4000
	// blockMax is the most one block may have; only a table, kept whole up to
	// tableMax, is allowed more.
	blockMax = 6000
	tableMax = 24000
)

// block is a run of lines that is not cut: a paragraph, a list, a table.
type block struct {
	first, last int // lines [first, last)
	kind        lineKind
	number      int // number of the first item of a numbered list
	lastNumber  int
	heading     string // text of a heading
	start, end  int    // bytes
}

func (b block) size() int { return b.end - b.start }

// cut appends the passages of one section.
func (d *doc) cut(out []Chunk, s section) []Chunk {
	blocks := d.blocks(s.first, s.last)
	if len(blocks) == 0 {
		return out
	}
	limit := sectionMax
	if s.entry || numbered(blocks) {
		limit = entryMax
	}
	start, end := blocks[0].start, blocks[len(blocks)-1].end
	if end-start <= limit {
		return d.emit(out, s, blocks, "")
	}
	sub, from := "", 0
	blocks = d.bind(blocks)
	for from < len(blocks) {
		n := fill(blocks[from:])
		if h := blocks[from].heading; h != "" && from > 0 {
			sub = h
		}
		out = d.emit(out, s, blocks[from:from+n], sub)
		for _, b := range blocks[from : from+n] {
			if b.heading != "" && from > 0 {
				sub = b.heading
			}
		}
		from += n
	}
	return out
}

// emit appends the passage made of the blocks, unless there is nothing to read
// in it besides headings.
func (d *doc) emit(out []Chunk, s section, blocks []block, sub string) []Chunk {
	start, end := blocks[0].start, blocks[len(blocks)-1].end
	body := start
	if blocks[0].kind == lineHeading && blocks[0].first+1 == blocks[0].last {
		body = blocks[0].end
	}
	if end-body < 200 && Plain(d.text[body:end]) == "" {
		return out
	}
	path := s.path
	if sub != "" && sub != s.title {
		path = join(path, sub)
	}
	return append(out, Chunk{
		Source: d.source, Document: d.title, Title: s.title, Path: path,
		Kind: kindOf(s, blocks), Content: d.text[start:end], Start: start, End: end,
		Line: blocks[0].first + 1, EndLine: blocks[len(blocks)-1].last,
	})
}

func kindOf(s section, blocks []block) Kind {
	var table, total int
	for _, b := range blocks {
		total += b.size()
		if b.kind == lineTable {
			table += b.size()
		}
	}
	switch {
	case s.entry:
		return KindEntry
	case numbered(blocks):
		return KindProcedure
	case 2*table > total:
		return KindTable
	}
	return KindText
}

// numbered says whether the blocks hold a procedure of at least two steps.
func numbered(blocks []block) bool {
	for _, b := range blocks {
		if b.lastNumber > 1 {
			return true
		}
	}
	return false
}

// fill is how many of the blocks go into one passage: at least one, at most
// target bytes, and breaking rather before a heading than after its first lines.
func fill(blocks []block) int {
	size := blocks[0].size()
	for n := 1; n < len(blocks); n++ {
		next := size + blocks[n].size()
		if next > target || size > target/2 && blocks[n].heading != "" && next+group(blocks[n+1:]) > target {
			return n
		}
		size = next
	}
	return len(blocks)
}

// group is the size of the blocks before the next heading, as far as it matters.
func group(blocks []block) int {
	size := 0
	for _, b := range blocks {
		if b.heading != "" || size > target {
			break
		}
		size += b.size()
	}
	return size
}

// blocks groups the lines [first, last) and cuts what is too long for one.
func (d *doc) blocks(first, last int) []block {
	var out []block
	for i := first; i < last; {
		if d.lines[i].kind == lineBlank {
			i++
			continue
		}
		b := d.block(i, last)
		i = b.last
		limit := blockMax
		if b.kind == lineTable {
			limit = tableMax
		}
		if b.size() <= limit {
			out = append(out, b)
			continue
		}
		out = d.hew(out, b, limit)
	}
	return out
}

// block reads the block that begins on line i.
func (d *doc) block(i, last int) block {
	b := block{first: i, last: i + 1, kind: d.lines[i].kind}
	switch b.kind {
	case lineHeading:
		b.heading = Plain(d.heading(d.lines[i]))
	case lineItem:
		d.list(&b, last)
	default:
		for b.last < last && d.lines[b.last].kind == b.kind && !d.lines[b.last].open {
			b.last++
		}
	}
	b.start, b.end = d.lines[b.first].start, d.lines[b.last-1].end
	return b
}

// list takes the items of a list, their continuation lines and the blank lines
// between them.
func (d *doc) list(b *block, last int) {
	b.number = itemNumber(strings.TrimSpace(d.text[d.lines[b.first].start:d.lines[b.first].end]))
	b.lastNumber = b.number
	for i := b.last; i < last; i++ {
		ln := d.lines[i]
		switch ln.kind {
		case lineBlank:
			continue
		case lineItem:
			n := itemNumber(strings.TrimSpace(d.text[ln.start:ln.end]))
			if n > 0 && b.lastNumber > 0 && n <= b.lastNumber {
				return // another list begins
			}
			b.lastNumber = max(b.lastNumber, n)
		case lineText:
			if i != b.last { // a paragraph after a blank line
				return
			}
		default:
			return
		}
		b.last = i + 1
	}
}

// hew cuts a block that is too long at line breaks, or inside a line at a row of
// a table, a sentence, a blank or, when there is none, between two characters.
func (d *doc) hew(out []block, b block, limit int) []block {
	part := block{first: b.first, kind: b.kind, start: b.start, number: b.number, lastNumber: b.lastNumber}
	flush := func(last, end int) {
		if end > part.start {
			part.last, part.end = last, end
			out = append(out, part)
		}
	}
	for i := b.first; i < b.last; i++ {
		ln := d.lines[i]
		if ln.end-part.start <= limit {
			continue
		}
		if i > part.first && part.start < d.lines[i-1].end {
			flush(i, d.lines[i-1].end)
			part.first, part.start = i, ln.start
		}
		for ln.end-part.start > limit {
			at := part.start + breakAt(d.text[part.start:part.start+limit])
			flush(i+1, at)
			part.first, part.start = i, at
		}
	}
	flush(b.last, b.end)
	return out
}

// breakAt is where to cut s, which goes on after its end.
func breakAt(s string) int {
	for _, sep := range []string{"</tr>", ". ", " "} {
		if i := strings.LastIndex(s, sep); i > len(s)/4 {
			return i + len(sep)
		}
	}
	n := len(s)
	for n > len(s)-4 && n > 1 && s[n-1]&0xc0 == 0x80 { // not inside a character
		n--
	}
	if n > 1 && s[n-1] >= 0xc0 {
		n--
	}
	return n
}

// bind joins blocks that must not be parted: a heading and what follows it, an
// introduction ending in a colon and its list, the caption of a table and the
// table, the steps of a procedure and what stands between them.
func (d *doc) bind(blocks []block) []block {
	out := make([]block, 0, len(blocks))
	for _, b := range blocks {
		if len(out) > 0 {
			prev := &out[len(out)-1]
			if d.bound(*prev, b) {
				d.merge(prev, b)
				continue
			}
		}
		out = d.bindStep(out, b)
	}
	return out
}

func (d *doc) bound(prev, b block) bool {
	if prev.kind == lineHeading && b.kind != lineHeading {
		return true
	}
	if prev.size()+b.size() > procedureMax {
		return false
	}
	s := d.text[prev.start:prev.end]
	if i := strings.LastIndexByte(strings.TrimRight(s, "\r\n "), '\n'); i >= 0 {
		s = s[i+1:]
	}
	s = strings.TrimSpace(s)
	return b.heading == "" && strings.HasSuffix(s, ":") || b.kind == lineTable && strings.HasPrefix(s, "Table ")
}

// lookBack is how many blocks may stand between two steps of a procedure.
const lookBack = 6

// bindStep appends b, or joins it to the procedure whose next step it is.
func (d *doc) bindStep(out []block, b block) []block {
	if b.number > 1 {
		for k := len(out) - 1; k >= 0 && k >= len(out)-lookBack; k-- {
			if out[k].lastNumber == b.number-1 && b.end-out[k].start <= procedureMax {
				for _, mid := range out[k+1:] {
					d.merge(&out[k], mid)
				}
				d.merge(&out[k], b)
				return out[:k+1]
			}
			if out[k].heading != "" {
				break
			}
		}
	}
	return append(out, b)
}

// merge makes b part of a.
func (d *doc) merge(a *block, b block) {
	a.last, a.end = b.last, b.end
	if a.kind == lineHeading || b.kind == lineTable {
		a.kind = b.kind
	}
	a.lastNumber = max(a.lastNumber, b.lastNumber)
}
