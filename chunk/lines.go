package chunk

import (
	"sort"
	"strings"
)

// lineKind is what a line is to the section tree and to the packer.
type lineKind uint8

const (
	lineBlank lineKind = iota
	lineText
	lineHeading
	lineFence // a fence or anything between two of them
	lineTable
	lineItem // first line of a list item
)

// line is one line of the text without its line break.
type line struct {
	start, end int
	kind       lineKind
	level      uint8 // of a heading
	open       bool  // first line of a fence or table
}

// doc is a text with its lines classified.
type doc struct {
	text, source, title string
	lines               []line
	flat                bool // headings carry no depth
	book                bool // has a contents page
}

func newDoc(text, source string) *doc {
	d := &doc{text: text, source: source}
	d.lines = classify(text, split(text))
	return d
}

// split finds the lines. The carriage return of a Windows line break belongs to
// no line.
func split(text string) []line {
	lines := make([]line, 0, strings.Count(text, "\n")+1)
	for pos := 0; pos < len(text); {
		end, next := len(text), len(text)
		if i := strings.IndexByte(text[pos:], '\n'); i >= 0 {
			end, next = pos+i, pos+i+1
		}
		if end > pos && text[end-1] == '\r' {
			end--
		}
		lines = append(lines, line{start: pos, end: end})
		pos = next
	}
	return lines
}

// classify gives each line its kind. Fences and tables are paired first, so
// that a "#" inside them is never taken for a heading, and one that is never
// closed does not swallow the rest of the text.
func classify(text string, lines []line) []line {
	markFences(text, lines)
	markTables(text, lines)
	for i := range lines {
		ln := &lines[i]
		if ln.kind != lineBlank {
			continue
		}
		s := strings.TrimSpace(text[ln.start:ln.end])
		switch level := headingLevel(text[ln.start:ln.end]); {
		case s == "":
		case level > 0:
			ln.kind, ln.level = lineHeading, level
		case isItem(s):
			ln.kind = lineItem
		default:
			ln.kind = lineText
		}
	}
	return lines
}

// markFences pairs ``` and ~~~ fences. A fence with a language inside an open
// one means the open one was never closed (OCR loses closing fences): it is
// then plain text.
func markFences(text string, lines []line) {
	open, mark := -1, byte(0)
	for i := range lines {
		s := strings.TrimLeft(text[lines[i].start:lines[i].end], " \t")
		m, info := fence(s)
		if m == 0 || open >= 0 && m != mark {
			continue
		}
		switch {
		case open < 0 || info != "":
			open, mark = i, m
		default:
			for j := open; j <= i; j++ {
				lines[j].kind = lineFence
			}
			lines[open].open = true
			open = -1
		}
	}
}

// fence says whether s opens or closes a fenced block, with the language that
// only an opening one may carry.
func fence(s string) (mark byte, info string) {
	for _, m := range []string{"```", "~~~"} {
		if strings.HasPrefix(s, m) {
			info = strings.TrimSpace(strings.TrimLeft(s, m[:1]))
			if strings.Contains(info, m[:1]) {
				return 0, ""
			}
			return m[0], info
		}
	}
	return 0, ""
}

// markTables marks HTML tables, on one line or many, and Markdown tables.
func markTables(text string, lines []line) {
	ends := tableEnds{text: text, lines: lines}
	for i := 0; i < len(lines); i++ {
		if lines[i].kind == lineFence {
			continue
		}
		s := strings.TrimSpace(text[lines[i].start:lines[i].end])
		if strings.HasPrefix(s, "<table") {
			last := ends.after(i)
			for j := i; j <= last; j++ {
				lines[j].kind, lines[j].open = lineTable, j == i
			}
			i = last
			continue
		}
		if len(s) > 2 && s[0] == '|' && s[len(s)-1] == '|' {
			lines[i].kind = lineTable
			lines[i].open = i == 0 || lines[i-1].kind != lineTable
		}
	}
}

// maxTableLines is the longest table that is taken for one: past it the closing
// tag belongs to another table.
const maxTableLines = 400

// tableEnds finds closing tags, going forward only.
type tableEnds struct {
	text  string
	lines []line
	next  int // offset of the next closing tag, -1 when there is none
}

// after is the line with the closing tag of the table opened on line i, or i
// when it is not closed before a fence.
func (t *tableEnds) after(i int) int {
	if from := t.lines[i].start; t.next >= 0 && t.next <= from {
		if t.next = strings.Index(t.text[from:], "</table>"); t.next >= 0 {
			t.next += from
		}
	}
	if t.next < 0 {
		return i
	}
	n := sort.Search(len(t.lines)-i, func(k int) bool { return t.lines[i+k].end > t.next })
	if n > maxTableLines {
		return i
	}
	for j := i; j <= i+n; j++ {
		if t.lines[j].kind == lineFence {
			return i
		}
	}
	return i + n
}

// headingLevel is 1 to 6 for an ATX heading that has a letter or digit in it
// ("#*****" in a listing is none), else 0.
func headingLevel(s string) uint8 {
	t := strings.TrimLeft(s, " ")
	if len(s)-len(t) > 3 {
		return 0
	}
	n := len(t) - len(strings.TrimLeft(t, "#"))
	if n == 0 || n > 6 || len(t) == n || t[n] != ' ' && t[n] != '\t' {
		return 0
	}
	if strings.IndexFunc(t[n:], isWord) < 0 {
		return 0
	}
	return uint8(n)
}

// isItem says whether a trimmed line begins a list item: "- x", "* x", "• x",
// "1. x", "12) x", "a. x".
func isItem(s string) bool {
	if len(s) > 2 && (s[0] == '-' || s[0] == '*') && s[1] == ' ' && s[2] != '*' && s[2] != '-' {
		return true
	}
	if strings.HasPrefix(s, "•") {
		return true
	}
	return itemNumber(s) > 0 || len(s) > 3 && s[0] >= 'a' && s[0] <= 'z' && (s[1] == '.' || s[1] == ')') && s[2] == ' '
}

// itemNumber is the number of a numbered item ("12. x" is 12), else 0.
func itemNumber(s string) int {
	n, i := 0, 0
	for ; i < len(s) && i < 3 && s[i] >= '0' && s[i] <= '9'; i++ {
		n = n*10 + int(s[i]-'0')
	}
	if i == 0 || i+1 >= len(s) || s[i] != '.' && s[i] != ')' || s[i+1] != ' ' {
		return 0
	}
	return n
}

// heading is the text of a heading line without its marks.
func (d *doc) heading(ln line) string {
	s := strings.TrimLeft(d.text[ln.start:ln.end], " #\t")
	return strings.TrimSpace(strings.TrimRight(s, " #\t"))
}
