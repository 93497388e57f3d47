package read

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// page is the state of reading HTML. The tokenizer goes over the text once and
// builds no tree, so depth costs nothing.
type page struct {
	out     lines
	title   strings.Builder
	inTitle bool
	skip    atom.Atom // element whose content is not shown
	depth   int       // how often it is open
	pre     bool
	lists   []int // numbers of open lists, -1 for one with bullets
	table   int   // depth of tables
	rows    int
	cells   []string
	cell    *strings.Builder
	space   bool
	pages   []Page
}

func readHTML(s string) Text {
	p := &page{}
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		switch z.Next() {
		case html.ErrorToken:
			p.endRow()
			return p.text()
		case html.TextToken:
			if p.skip == 0 {
				p.chars(string(z.Text()))
			}
		case html.StartTagToken:
			name, attrs := z.TagName()
			p.open(atom.Lookup(name), z, attrs)
		case html.SelfClosingTagToken:
			name, attrs := z.TagName()
			switch a := atom.Lookup(name); {
			case p.skip != 0:
			case a == atom.Br || a == atom.Hr:
				p.open(a, z, attrs)
			case attrs:
				p.look(z)
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			p.close(atom.Lookup(name))
		}
	}
}

// text is what was read.
func (p *page) text() Text {
	s := p.out.b.String()
	lead := len(s) - len(strings.TrimLeft(s, " \n"))
	t := Text{Title: strings.Join(strings.Fields(p.title.String()), " "), Text: strings.TrimSpace(s) + "\n", Pages: p.pages}
	for i := range t.Pages {
		t.Pages[i].Start = min(max(t.Pages[i].Start-lead, 0), len(t.Text))
	}
	return t
}

// shows says whether the content of an element is part of the text.
func shows(a atom.Atom) bool {
	switch a {
	case atom.Script, atom.Style, atom.Noscript, atom.Template, atom.Svg, atom.Math, atom.Nav, atom.Iframe, atom.Object,
		atom.Canvas, atom.Audio, atom.Video, atom.Select, atom.Textarea, atom.Button:
		return false
	}
	return true
}

// void elements have no end.
func void(a atom.Atom) bool {
	switch a {
	case atom.Br, atom.Hr, atom.Img, atom.Input, atom.Link, atom.Meta, atom.Area, atom.Base, atom.Col, atom.Embed,
		atom.Source, atom.Track, atom.Wbr:
		return true
	}
	return false
}

// look reads the attributes of an element. Hidden says whether they take it out of
// sight: what a reader of the page does not see is no source. The beginning of a page of
// the printed book is kept: electronic books mark it with role="doc-pagebreak" (DPUB-ARIA
// 1.1) or epub:type="pagebreak" and name the page in aria-label, title or, at its end, id.
func (p *page) look(z *html.Tokenizer) (hidden bool) {
	breaks, label := false, ""
	for more := true; more; {
		var key, value []byte
		key, value, more = z.TagAttr()
		switch v := string(value); string(key) {
		case "hidden":
			hidden = true
		case "style":
			s := strings.ReplaceAll(strings.ToLower(v), " ", "")
			hidden = hidden || strings.Contains(s, "display:none") || strings.Contains(s, "visibility:hidden")
		case "aria-hidden":
			hidden = hidden || v == "true"
		case "role":
			breaks = breaks || v == "doc-pagebreak"
		case "epub:type":
			breaks = breaks || v == "pagebreak"
		case "aria-label", "title":
			label = v
		case "id":
			if label == "" {
				label = v
			}
		}
	}
	if n := endNumber(label); breaks && n > 0 {
		p.pages = append(p.pages, Page{n, p.out.b.Len()})
	}
	return hidden
}

// endNumber is the number at the end of a label such as "page 12." or "pg_12", 0 when
// there is none.
func endNumber(label string) int {
	label = strings.TrimRight(label, " .")
	digits := label[len(strings.TrimRight(label, "0123456789")):]
	n, err := strconv.Atoi(digits)
	if err != nil || n > 1_000_000 {
		return 0
	}
	return n
}

func (p *page) open(a atom.Atom, z *html.Tokenizer, attrs bool) {
	if p.skip != 0 {
		if a == p.skip {
			p.depth++
		}
		return
	}
	hidden := attrs && p.look(z)
	if a != 0 && !void(a) && (!shows(a) || hidden) {
		p.skip, p.depth = a, 1
		return
	}
	switch a {
	case atom.Title:
		p.inTitle = p.title.Len() == 0
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		p.brk(2)
		p.write(strings.Repeat("#", int(a.String()[1]-'0')) + " ")
	case atom.Ul:
		p.lists = append(p.lists, -1)
		p.brk(1)
	case atom.Ol:
		p.lists = append(p.lists, 0)
		p.brk(1)
	case atom.Li:
		p.item()
	case atom.Pre:
		p.brk(2)
		p.write("```\n")
		p.pre = true
	case atom.Table:
		p.brk(2)
		p.table++
		p.rows = 0
	case atom.Tr:
		p.endRow()
	case atom.Td, atom.Th:
		p.endCell()
		p.cell = &strings.Builder{}
	default:
		p.block(a)
	}
}

// block breaks the line around elements that stand on lines of their own.
func (p *page) block(a atom.Atom) {
	switch a {
	case atom.Br:
		p.brk(1)
	case atom.P, atom.Hr, atom.Section, atom.Article, atom.Blockquote, atom.Dl, atom.Figure:
		p.brk(2)
	case atom.Div, atom.Dt, atom.Dd, atom.Header, atom.Footer, atom.Main, atom.Caption, atom.Figcaption, atom.Address, atom.Form:
		p.brk(1)
	}
}

func (p *page) close(a atom.Atom) {
	if p.skip != 0 {
		if a == p.skip {
			if p.depth--; p.depth == 0 {
				p.skip = 0
			}
		}
		return
	}
	switch a {
	case atom.Title:
		p.inTitle = false
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		p.brk(2)
	case atom.Ul, atom.Ol:
		if len(p.lists) > 0 {
			p.lists = p.lists[:len(p.lists)-1]
		}
		p.brk(2)
	case atom.Pre:
		if p.pre {
			p.pre = false
			p.brk(1)
			p.write("```")
			p.brk(2)
		}
	case atom.Td, atom.Th:
		p.endCell()
	case atom.Tr:
		p.endRow()
	case atom.Table:
		p.endRow()
		p.table = max(p.table-1, 0)
		p.brk(2)
	default:
		p.block(a)
	}
}

func (p *page) item() {
	p.brk(1)
	n := len(p.lists)
	if n == 0 {
		p.write("- ")
		return
	}
	p.write(strings.Repeat("   ", min(n-1, 8)))
	if p.lists[n-1] < 0 {
		p.write("- ")
		return
	}
	p.lists[n-1]++
	p.write(strconv.Itoa(p.lists[n-1]) + ". ")
}

// brk ends the line, and with two the paragraph; in a cell it is a blank.
func (p *page) brk(n int) {
	if p.cell != nil {
		p.cell.WriteByte(' ')
		return
	}
	p.space = false
	p.out.gap(n)
}

func (p *page) write(s string) {
	if p.cell != nil {
		p.cell.WriteString(s)
		return
	}
	p.out.text(s)
}

// chars writes text with runs of blanks as one, except in code.
func (p *page) chars(s string) {
	switch {
	case p.inTitle:
		p.title.WriteString(s)
	case p.cell != nil:
		p.cell.WriteString(s)
	case p.pre:
		if p.out.text(s); strings.HasSuffix(s, "\n") {
			p.out.n = 1
		}
	default:
		for i, f := range strings.Fields(s) {
			if i > 0 || p.space || startsBlank(s) {
				if p.out.n == 0 && p.out.b.Len() > 0 && p.out.last != ' ' {
					p.out.text(" ")
				}
			}
			p.space = false
			p.out.text(f)
		}
		p.space = p.space || endsBlank(s)
	}
}

func startsBlank(s string) bool { return s != "" && strings.IndexByte(" \t\r\n", s[0]) >= 0 }
func endsBlank(s string) bool   { return s != "" && strings.IndexByte(" \t\r\n", s[len(s)-1]) >= 0 }

func (p *page) endCell() {
	if p.cell != nil {
		p.cells = append(p.cells, p.cell.String())
		p.cell = nil
	}
}

func (p *page) endRow() {
	p.endCell()
	if len(p.cells) > 0 {
		p.out.row(p.cells, p.rows == 0)
		p.rows++
		p.cells = p.cells[:0]
	}
}
