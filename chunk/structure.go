package chunk

import (
	"bytes"
	"strconv"
	"strings"
)

func itoa(n int) string { return strconv.Itoa(n) }

// plainSections are the headings as they stand, each with the lines up to the next.
func (d *doc) plainSections() []section {
	heads := d.heads()
	d.flat = isFlat(heads)
	d.title = d.docTitle()
	t := newTree(d)
	out := append(make([]section, 0, len(heads)+1), d.preamble(heads)...)
	for _, h := range heads {
		s := section{first: h.line, last: h.next, title: h.title, heads: 1, entry: d.answered(h.line, h.next)}
		s.path = t.place(h, nil)
		out = append(out, s)
	}
	return out
}

// structured runs the strategies that follow headings: one or more passages a
// section; small sections next to each other under one heading share a passage.
func (r *reading) structured(yield func([]span) bool) {
	var held span
	some, one := false, make([]span, 1)
	flush := func() bool {
		one[0] = held
		return !some || yield(one)
	}
	put := func(s span) bool {
		if some {
			if j, ok := r.joined(held, s); ok {
				held = j
				return true
			}
			if !flush() {
				return false
			}
		}
		held, some = s, true
		return true
	}
	for i := range r.sections {
		if !r.section(&r.sections[i], put) {
			return
		}
	}
	flush()
}

// joined is two passages as one, when one of them is too small to stand alone, they
// follow each other under the same heading, and the two fit together.
func (r *reading) joined(a, b span) (span, bool) {
	if r.cfg.MinTokens == 0 || b.start < a.end || r.blank(a.end, b.start) < b.start || a.carried != "" || b.carried != "" {
		return a, false
	}
	small, next := r.l.tokens(a.start, a.end) < r.cfg.MinTokens, r.l.tokens(b.start, b.end) < r.cfg.MinTokens
	if !small && !next || a.sec != b.sec && (a.sec.entry || b.sec.entry || !akin(a.sec.path, b.sec.path)) {
		return a, false
	}
	if r.l.tokens(a.start, b.end) > r.cfg.MaxTokens {
		return a, false
	}
	if a.sec != b.sec && len(b.sec.path) < len(a.sec.path) {
		a.sec = b.sec
	}
	a.end = b.end
	return a, true
}

// akin says whether two sections are brothers, or one is the other's parent.
func akin(a, b []string) bool {
	n := min(len(a), len(b))
	if n == 0 || len(a) > n+1 || len(b) > n+1 {
		return false
	}
	if len(a) == len(b) {
		n--
	}
	for i := range n {
		if a[i] != b[i] {
			return false
		}
	}
	return n > 0
}

// section cuts one section.
func (r *reading) section(s *section, put func(span) bool) bool {
	blocks := r.blocks(s)
	if len(blocks) == 0 {
		return true
	}
	start, end := blocks[0].start, blocks[len(blocks)-1].end
	whole := r.cfg.MaxTokens
	if s.entry && r.cfg.PreserveErrorDocs || r.cfg.PreserveProcedures && numbered(blocks) {
		whole = r.cfg.PreserveMaxTokens
	}
	if end-start < 200 && r.empty(blocks) && s.heads < 2 {
		return true
	}
	if r.l.tokens(start, end) <= whole {
		return put(span{extent: extent{start, end}, sec: s, parent: -1})
	}
	p := packing{r: r, sec: s, blocks: r.bindBlocks(blocks), put: put}
	return p.run()
}

// empty says whether there is nothing to read besides a heading.
func (r *reading) empty(blocks []block) bool {
	body := blocks[0].start
	if blocks[0].kind == lineHeading {
		body = blocks[0].end
	}
	r.plain.buf = r.plain.buf[:0]
	r.plain.write(r.text[body:blocks[len(blocks)-1].end])
	return len(bytes.TrimSpace(r.plain.buf)) == 0
}

// blocks groups the lines of a section. What is not to be preserved comes in single
// lines. They hold until the next section is read.
func (r *reading) blocks(s *section) []block {
	d := r.doc
	out := r.parts[:0]
	for i := s.first; i < s.last; {
		if d.lines[i].kind == lineBlank {
			i++
			continue
		}
		b := d.block(i, s.last)
		i = b.last
		if b.last-b.first > 1 && r.loose(b) {
			for k := b.first; k < b.last; k++ {
				if ln := d.lines[k]; ln.end > ln.start {
					out = append(out, block{first: k, last: k + 1, kind: lineText, start: ln.start, end: ln.end})
				}
			}
			continue
		}
		out = append(out, b)
	}
	r.parts = out
	return out
}

// loose says whether a block is of a kind that is not to be preserved.
func (r *reading) loose(b block) bool {
	switch b.kind {
	case lineTable:
		return !r.cfg.PreserveTables
	case lineFence:
		return !r.cfg.PreserveCodeBlocks
	case lineItem:
		return !r.cfg.PreserveProcedures
	}
	return false
}

// allowed is how many tokens the block may have.
func (r *reading) allowed(b block) int {
	switch {
	case b.kind == lineTable && r.cfg.PreserveTables, b.kind == lineFence && r.cfg.PreserveCodeBlocks,
		b.lastNumber > 1 && r.cfg.PreserveProcedures:
		return r.cfg.PreserveMaxTokens
	}
	return r.cfg.MaxTokens
}

// bindBlocks is bind with a limit in tokens: what belongs together is one block as
// long as it fits.
func (r *reading) bindBlocks(blocks []block) []block {
	d := r.doc
	out := r.bonds[:0]
	for _, b := range blocks {
		if n := len(out); n > 0 && d.bound(out[n-1], b) {
			j := out[n-1]
			d.merge(&j, b)
			if r.l.tokens(j.start, j.end) <= r.allowed(j) {
				out[n-1] = j
				continue
			}
		}
		if r.cfg.PreserveProcedures && b.number > 1 {
			if joined, ok := r.bindStep(out, b); ok {
				out = joined
				continue
			}
		}
		out = append(out, b)
	}
	r.bonds = out
	return out
}

// bindStep joins b to the procedure among the last blocks whose next step it is.
func (r *reading) bindStep(out []block, b block) ([]block, bool) {
	for k := len(out) - 1; k >= 0 && k >= len(out)-lookBack; k-- {
		if out[k].lastNumber == b.number-1 {
			j := out[k]
			j.lastNumber = b.lastNumber
			if r.l.tokens(j.start, b.end) > r.allowed(j) {
				return out, false
			}
			j.last, j.end = b.last, b.end
			return append(out[:k], j), true
		}
		if out[k].heading != "" {
			break
		}
	}
	return out, false
}

// packing fills passages with the blocks of one section.
type packing struct {
	r      *reading
	sec    *section
	blocks []block
	put    func(span) bool
	sub    string // the generic heading passed last
	start  int
	prev   extent // the passage before
}

func (p *packing) run() bool {
	p.start = p.blocks[0].start
	for i := 0; i < len(p.blocks); {
		n := p.fit(i)
		if n == 0 && p.start < p.blocks[i].start {
			p.start = p.blocks[i].start // without repeating what stood before
			continue
		}
		if n == 0 {
			if !p.split(p.blocks[i], i) {
				return false
			}
			n = 1
		} else if !p.emit(p.start, p.blocks[i+n-1].end, "", i) {
			return false
		}
		for _, b := range p.blocks[i : i+n] {
			if b.heading != "" && b.first > p.sec.first {
				p.sub = b.heading
			}
		}
		if i += n; i < len(p.blocks) {
			p.start = p.blocks[i].start
			if p.r.cfg.OverlapTokens > 0 && p.blocks[i-1].kind != lineTable && p.blocks[i].heading == "" {
				p.start = p.r.overlapped(p.prev.start, p.prev.end, p.start, p.r.cfg.OverlapTokens)
			}
		}
	}
	return true
}

// fit is how many blocks from i on go into one passage that begins at p.start. It
// rather stops before a heading than after its first lines.
func (p *packing) fit(i int) int {
	n, limit := 0, p.r.cfg.MaxTokens
	if p.start == p.blocks[i].start {
		limit = p.r.allowed(p.blocks[i])
	}
	heading := 0
	for i+n < len(p.blocks) {
		b := p.blocks[i+n]
		if n > 0 {
			limit = p.r.cfg.MaxTokens
			if b.heading != "" && p.r.l.tokens(p.start, p.blocks[i+n-1].end) > limit/2 {
				heading = n
			}
		}
		if p.r.l.tokens(p.start, b.end) > limit {
			if heading > 0 {
				return heading
			}
			return n
		}
		n++
	}
	return n
}

func (p *packing) emit(start, end int, carried string, i int) bool {
	sub := p.sub
	if b := p.blocks[i]; b.heading != "" && b.first > p.sec.first {
		sub = b.heading
	}
	p.prev = extent{start, end}
	return p.put(span{extent: extent{start, end}, sec: p.sec, sub: sub, carried: carried, parent: -1})
}

// split cuts a block that is too long: a table between rows, code and lists between
// lines, prose between sentences.
func (p *packing) split(b block, i int) bool {
	seps, carried, overlap := prose, "", p.r.cfg.OverlapTokens
	switch b.kind {
	case lineTable:
		seps, carried, overlap = tabled, tableHeader(p.r.text[b.start:b.end]), 0
	case lineFence:
		seps, overlap = listed, 0
		carried, _, _ = strings.Cut(p.r.text[b.start:b.end], "\n")
	case lineItem:
		seps = listed
	}
	if len(carried) > maxCarried {
		carried = ""
	}
	first := true
	return p.r.fill(extent{b.start, b.end}, p.r.cfg.MaxTokens, overlap, seps, func(e extent) bool {
		c := carried
		if first {
			c, first = "", false
		}
		return p.emit(e.start, e.end, c, i)
	})
}

// maxCarried is the longest header in bytes that is repeated.
const maxCarried = 400

// tableHeader is the first row of a table: of an HTML one with its tags, of a
// Markdown one with the line below it.
func tableHeader(table string) string {
	if strings.HasPrefix(strings.TrimLeft(table, " \t"), "<") {
		if i := strings.Index(table, "</tr>"); i >= 0 {
			return strings.TrimSpace(table[:i+len("</tr>")])
		}
		return ""
	}
	first, rest, _ := strings.Cut(table, "\n")
	second, _, _ := strings.Cut(rest, "\n")
	if strings.Trim(second, "|-: \t\r") != "" || !strings.Contains(second, "-") {
		return ""
	}
	return strings.TrimRight(first, "\r") + "\n" + strings.TrimRight(second, "\r")
}
