package chunk

import (
	"bytes"
	"strings"
)

// dropMatter marks the parts of a book that are no text: contents, lists of
// figures, notices, index. They name every topic of the book and would be found
// for every question.
func (d *doc) dropMatter(heads []head) {
	for i := range heads {
		if isContents(heads[i].key) && d.tocLike(heads[i]) {
			d.book = true
			d.dropContents(heads, i)
			break
		}
	}
	for i := range heads {
		h := &heads[i]
		switch {
		case d.book && isBackMatter(h.key) && 2*d.lines[h.line].start > len(d.text):
			for j := i; j < len(heads); j++ {
				heads[j].dropped = true
			}
			return
		case isContents(h.key) && d.tocLike(*h):
			h.dropped = true
		}
	}
}

// dropContents drops from the start of the book to the end of its contents
// pages, which begin at heads[i]. OCR leaves some chapter titles of the contents
// as headings; they are followed by more lines that end in page numbers.
func (d *doc) dropContents(heads []head, i int) {
	for j := range heads[:i+1] {
		heads[j].dropped = true
	}
	for i++; i < len(heads); i++ {
		if !isContents(heads[i].key) && !endsInPage(heads[i].title) && !d.tocLike(heads[i]) {
			break
		}
		heads[i].dropped = true
	}
}

func isContents(key string) bool {
	switch key {
	case "contents", "table of contents", "list of figures", "list of tables", "figures", "tables",
		"sumario", "indice", "index":
		return true
	}
	return false
}

func isBackMatter(key string) bool {
	switch key {
	case "notices", "trademarks", "index", "notices and information", "avisos", "marcas comerciais":
		return true
	}
	return false
}

// tocLike says whether most lines under a heading end in a page number.
func (d *doc) tocLike(h head) bool {
	lines, pages := 0, 0
	for _, ln := range d.lines[h.line+1 : h.next] {
		if ln.kind == lineBlank {
			continue
		}
		lines++
		if s := d.text[ln.start:ln.end]; endsInPage(s) || strings.Contains(s, ". . .") || strings.Contains(s, "....") {
			pages++
		}
		if lines == 200 { // enough to know
			break
		}
	}
	return lines >= 3 && pages*10 >= lines*6
}

// endsInPage says whether a line ends in a page number, arabic or roman, that
// stands after a blank or a dot.
func endsInPage(s string) bool {
	s = strings.TrimRight(s, " \t")
	body := strings.TrimRight(s, "0123456789")
	if len(body) == len(s) {
		body = strings.TrimRight(s, "ivxlc")
	}
	n := len(s) - len(body)
	if n == 0 || n > 5 || body == "" {
		return false
	}
	last := body[len(body)-1]
	return last == ' ' || last == '.' || last == ','
}

// tree places headings under their chapter and under the overview that lists
// them ("Agents do not link … on page 62"), the only signs of depth a flat
// document has; in any other document it follows the heading levels.
type tree struct {
	d       *doc
	chapter string
	parent  map[string][]string // folded title → path of the overview listing it
	stack   []head
}

// maxDepth bounds a path, so that overviews that list each other stay finite.
const maxDepth = 6

func newTree(d *doc) *tree { return &tree{d: d, parent: map[string][]string{}} }

// place returns the path of h, ending in its title. The links are the headings
// that the text under h lists.
func (t *tree) place(h head, links []string) []string {
	if !t.d.flat {
		return t.byLevel(h)
	}
	if isChapter(h.key) {
		t.chapter = h.title
		clear(t.parent)
	}
	path := []string{h.title}
	switch up := t.parent[h.key]; {
	case up != nil:
		path = join(up, h.title)
	case t.chapter != "" && t.chapter != h.title:
		path = []string{t.chapter, h.title}
	}
	for _, l := range links {
		if l != h.key && len(path) < maxDepth {
			t.parent[l] = path
		}
	}
	return path
}

func (t *tree) byLevel(h head) []string {
	for len(t.stack) > 0 && t.stack[len(t.stack)-1].level >= h.level {
		t.stack = t.stack[:len(t.stack)-1]
	}
	t.stack = append(t.stack, h)
	path := make([]string, 0, len(t.stack))
	for _, s := range t.stack {
		path = append(path, s.title)
	}
	return path
}

// join appends without sharing the tail of up.
func join(up []string, title string) []string {
	return append(append(make([]string, 0, len(up)+1), up...), title)
}

func isChapter(key string) bool {
	return strings.HasPrefix(key, "chapter ") || strings.HasPrefix(key, "appendix ") ||
		strings.HasPrefix(key, "part ") && len(key) > 5 && key[5] < 'a'
}

// links are the folded titles that the text under h refers to by page.
func (d *doc) links(h head) []string {
	if !d.flat {
		return nil
	}
	var out []string
	for _, ln := range d.lines[h.line+1 : h.next] {
		if ln.kind != lineText && ln.kind != lineItem {
			continue
		}
		if t, ok := pageLink(d.text[ln.start:ln.end]); ok {
			out = append(out, fold(t))
		}
	}
	return out
}

// pageLink takes the title out of a line that only points to a page:
// "- Agents do not link on page 62".
func pageLink(s string) (title string, ok bool) {
	s = strings.TrimSpace(s)
	if !pageEnd(s) {
		return "", false
	}
	i := strings.LastIndex(s, " on page ")
	if i < 3 || i > 160 || len(s)-i > len(" on page ")+8 || strings.ContainsAny(s[i+9:], " .") {
		return "", false
	}
	return strings.TrimLeft(s[:i], "-•* "), true
}

// pageEnd says whether s ends in what may be the number of a page, perhaps with a
// mark after it. It spares most lines the search for the words before it.
func pageEnd(s string) bool {
	for i := len(s) - 1; i >= 0 && i >= len(s)-9; i-- {
		if s[i] == ' ' {
			return i >= 7 && s[i-5:i] == " page"
		}
	}
	return false
}

// restore makes headings of lines that lost their mark: a line alone between
// blank ones that an overview names with its page, unless there is such a heading.
func (d *doc) restore(heads []head) bool {
	titles := map[string]bool{}
	for _, ln := range d.lines {
		if ln.kind != lineText && ln.kind != lineItem {
			continue
		}
		if t, ok := pageLink(d.text[ln.start:ln.end]); ok {
			titles[fold(t)] = true
		}
	}
	for _, h := range heads {
		delete(titles, h.key)
	}
	if len(titles) == 0 {
		return false
	}
	changed, key := false, []byte(nil)
	for i := range d.lines {
		ln := &d.lines[i]
		if ln.kind != lineText || ln.end-ln.start > maxTitle || !d.alone(i) {
			continue
		}
		if key = folded(key[:0], d.text[ln.start:ln.end]); bytes.IndexByte(key, ' ') > 0 && titles[string(key)] {
			ln.kind, ln.level, changed = lineHeading, 1, true
		}
	}
	return changed
}

// maxTitle is the longest heading in bytes that is restored.
const maxTitle = 200

// alone says whether a line stands between blank ones.
func (d *doc) alone(i int) bool {
	return (i == 0 || d.lines[i-1].kind == lineBlank) && (i+1 == len(d.lines) || d.lines[i+1].kind == lineBlank)
}
