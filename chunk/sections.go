package chunk

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// section is a specific heading with everything attached to it: lines
// [first, last) of the document.
type section struct {
	first, last int
	title       string
	path        []string
	heads       int  // how many headings it has
	entry       bool // a problem with a heading for its cause or solution
	gathered    bool // a list of terms was joined to it
}

// head is one heading with what was found out about it.
type head struct {
	line, next int // next is the line of the following heading, or the end
	level      uint8
	title      string
	key        string // the title folded, without punctuation
	attached   bool   // belongs to the specific heading before it
	dropped    bool   // contents page, index, notices
}

// attachFrom is how often a heading must occur in a document to count as
// generic: "Syntax", "Arguments", "On Windows operating systems" say nothing
// alone and belong to the heading before them.
const attachFrom = 3

// flatFrom is the number of headings from which a document with one heading
// level is taken for a converted PDF rather than for a short note.
const flatFrom = 20

// sections finds the specific headings and the lines that belong to them, and
// leaves out contents pages, indexes and notices.
func (d *doc) sections() []section {
	heads := d.heads()
	if d.flat = isFlat(heads); d.flat && d.restore(heads) {
		heads = d.heads()
	}
	d.dropMatter(heads)
	d.title = d.docTitle()
	d.attach(heads)
	parents := newTree(d)
	out := append(make([]section, 0, len(heads)+1), d.preamble(heads)...)
	for i := 0; i < len(heads); i++ {
		if heads[i].dropped {
			continue
		}
		h, from, last, entry := heads[i], i, heads[i].next, false
		for i+1 < len(heads) && heads[i+1].attached && !heads[i+1].dropped {
			i++
			last = heads[i].next
			entry = entry || answers(heads[i].key)
		}
		s := section{first: h.line, last: last, title: h.title, heads: i - from + 1, entry: entry || d.answered(h.line, last)}
		s.path = parents.place(h, d.links(h))
		out = append(out, s)
	}
	return d.gather(out)
}

// answered says whether one of the lines begins with the announcement of an
// answer: "Cause and solution: the server is down".
func (d *doc) answered(first, last int) bool {
	for _, ln := range d.lines[first:last] {
		if ln.kind != lineText || ln.end-ln.start < 8 {
			continue
		}
		label, _, ok := strings.Cut(d.text[ln.start:min(ln.end, ln.start+maxLabel)], ":")
		if ok && answers(fold(label)) {
			return true
		}
	}
	return false
}

// maxLabel is the longest announcement in bytes.
const maxLabel = 32

// tinySection is the size in bytes for each heading below which a section is
// rather a list of terms with their definitions than a section; tinyRun is how many of them in a row are a list.
const (
	tinySection = 260
	tinyRun     = 3
)

// gather joins runs of tiny sections of a flat document, such as the list of job
// states, to the section that introduces them.
func (d *doc) gather(in []section) []section {
	if !d.flat {
		return in
	}
	out := make([]section, 0, len(in))
	for i := 0; i < len(in); {
		n := 0
		for i+n < len(in) && !in[i+n].entry && d.span(in[i+n]) < tinySection*in[i+n].heads && (n == 0 || in[i+n].first == in[i+n-1].last) {
			n++
		}
		if n < tinyRun || len(out) == 0 || out[len(out)-1].entry || out[len(out)-1].last != in[i].first {
			n = max(n, 1)
			out = append(out, in[i:i+n]...)
		} else {
			out[len(out)-1].last, out[len(out)-1].gathered = in[i+n-1].last, true
		}
		i += n
	}
	return out
}

// span is the size of a section in bytes.
func (d *doc) span(s section) int { return d.lines[s.last-1].end - d.lines[s.first].start }

func (d *doc) heads() []head {
	n := 0
	for _, ln := range d.lines {
		if ln.kind == lineHeading {
			n++
		}
	}
	heads := make([]head, 0, n)
	for i, ln := range d.lines {
		if ln.kind != lineHeading {
			continue
		}
		if len(heads) > 0 {
			heads[len(heads)-1].next = i
		}
		t := strings.TrimLeft(Plain(d.heading(ln)), "•* ")
		t = strings.TrimPrefix(t, "- ")
		heads = append(heads, head{line: i, next: len(d.lines), level: ln.level, title: t, key: fold(t)})
	}
	return heads
}

// preamble is the text above the first heading, unless the document is a book,
// where it is the cover.
func (d *doc) preamble(heads []head) []section {
	last := len(d.lines)
	if len(heads) > 0 {
		last = heads[0].line
	}
	if d.book || last == 0 {
		return nil
	}
	return []section{{first: 0, last: last, title: d.title, path: []string{d.title}}}
}

// isFlat says whether the levels of the headings carry no meaning.
func isFlat(heads []head) bool {
	var count [7]int
	most := 0
	for _, h := range heads {
		count[h.level]++
		most = max(most, count[h.level])
	}
	return len(heads) >= flatFrom && most*10 >= len(heads)*9
}

// attach marks the headings that belong to the specific heading before them.
func (d *doc) attach(heads []head) {
	freq := make(map[string]int, len(heads))
	for _, h := range heads {
		if !h.dropped {
			freq[h.key]++
		}
	}
	pending, row := 0, false // headings announced; whether short ones after them belong too
	for i := range heads {
		h := &heads[i]
		first := i == 0 || heads[i-1].dropped
		own := i+1 < len(heads) && answers(heads[i+1].key)
		switch {
		case h.dropped || first:
			pending, row = 0, false
		case answers(h.key) || generic(h.key):
			h.attached = true
		case !own && (d.flat && freq[h.key] >= attachFrom || isParameter(h.title)):
			h.attached = true
		case d.flat && !own && (pending > 0 || row && strings.Count(h.title, " ") < 2):
			h.attached, pending = true, max(pending-1, 0)
		default:
			pending, row = 0, false
		}
		if d.flat && h.attached && answers(h.key) {
			pending, row = d.announced(*h)
		}
	}
}

// announced is how many sub-headings the last line under a "Cause and solution"
// heading promises: "There are two possible solutions:" is 2. Any other line that
// ends in a colon with nothing after it promises one, and open says that short
// headings next to it ("DB2", "Oracle") belong to it as well.
func (d *doc) announced(h head) (n int, open bool) {
	for i := h.next - 1; i > h.line; i-- {
		ln := d.lines[i]
		if ln.kind == lineBlank {
			continue
		}
		s := strings.TrimSpace(d.text[ln.start:ln.end])
		if ln.kind != lineText || !strings.HasSuffix(s, ":") || len(s) > 400 {
			return 0, false
		}
		for _, w := range strings.Fields(strings.ToLower(s)) {
			for n, name := range [...]string{2: "two", 3: "three", 4: "four", 5: "five", 6: "six"} {
				if w == name && n > 0 {
					return n, false
				}
			}
		}
		return 1, true
	}
	return 0, false
}

// answers says whether a folded heading announces the cause of a problem or
// what to do about it. Such a heading never stands alone.
func answers(key string) bool {
	switch key {
	case "cause and solution", "causes and solutions", "cause", "causes", "solution", "solutions",
		"possible causes", "possible cause", "resolution", "resolving the problem", "workaround",
		"cause and resolution", "problem determination", "diagnosis", "diagnosing the problem",
		"recovery", "recovery procedure", "corrective action", "operator response", "system action",
		"user response", "what to do", "meaning", "fix", "causa", "causas", "solucao", "causa e solucao",
		"o que fazer", "resolucao", "contorno":
		return true
	}
	return false
}

// generic says whether a folded heading has no meaning without the one before
// it, however rare it is in the document.
func generic(key string) bool {
	switch key {
	case "symptom", "symptoms", "problem", "problem scenario", "problem description", "error", "explanation", "about this task", "before you begin",
		"what to do next", "result", "results", "example", "examples", "note", "notes", "syntax",
		"parameters", "arguments", "comments", "see also", "authorization", "sintoma", "sintomas",
		"exemplo", "exemplos", "observacao", "on windows", "on unix", "on linux", "windows", "unix",
		"on windows operating systems", "on unix operating systems", "windows operating systems",
		"unix operating systems", "on linux operating systems", "on unix and linux operating systems":
		return true
	}
	return false
}

// isParameter says whether a heading is an option or placeholder of a command.
func isParameter(title string) bool {
	return len(title) > 1 && strings.ContainsRune("-[<{/", rune(title[0])) && title[1] != ' '
}

// fold makes headings comparable: lower case without accents, punctuation and
// repeated blanks.
func fold(s string) string { return string(folded(make([]byte, 0, len(s)), s)) }

// folded appends what fold makes of s.
func folded(to []byte, s string) []byte {
	from, space := len(to), false
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
		case r >= 'A' && r <= 'Z':
			r |= 0x20
		case r < utf8.RuneSelf:
			space = len(to) > from
			continue
		default:
			if r = unaccent(unicode.ToLower(r)); !isWord(r) {
				space = len(to) > from
				continue
			}
		}
		if space {
			to = append(to, ' ')
			space = false
		}
		to = utf8.AppendRune(to, r)
	}
	return to
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// unaccent maps the accented letters of Portuguese and its neighbours to plain
// ones.
func unaccent(r rune) rune {
	if r < 0xc0 || r > 0xff {
		return r
	}
	const to = "aaaaaaaceeeeiiiidnooooo*ouuuuypsaaaaaaaceeeeiiiidnooooo*ouuuuypy"
	return rune(to[r-0xc0])
}
