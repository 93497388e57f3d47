package chunk

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Plain is the text of a passage as it should be searched and quoted: Markdown
// marks, TeX left by OCR, table tags, trademark signs, lines of stars and lines
// that only point to a page are gone; words, numbers, commands and line breaks
// stay. It is linear in the length of text. Offsets into it mean nothing in the
// original.
func Plain(text string) string {
	p := plainer{buf: make([]byte, 0, len(text))}
	p.write(text)
	return string(bytes.TrimSpace(p.buf))
}

// plainer collects the text that is left.
type plainer struct {
	buf   []byte
	space bool // a blank is due before the next letter
	word  bool // the line has a letter or digit
}

// write writes the lines of text.
func (p *plainer) write(text string) {
	for len(text) > 0 {
		ln := text
		if i := strings.IndexByte(text, '\n'); i >= 0 {
			ln, text = text[:i], text[i+1:]
		} else {
			text = ""
		}
		p.line(strings.TrimSpace(ln))
	}
}

// line writes one line and its line break, or nothing when there is nothing to
// read in it.
func (p *plainer) line(ln string) {
	if m, _ := fence(ln); m != 0 || ln == "" {
		return
	}
	if _, link := pageLink(ln); link {
		return
	}
	if headingLevel(ln) > 0 {
		ln = strings.Trim(ln, "# \t")
	}
	from := len(p.buf)
	p.space, p.word = false, false
	if word, ok := unmarked(ln); ok {
		p.buf, p.word = append(p.buf, ln...), word
	} else {
		p.inline(ln)
	}
	if !p.word {
		p.buf = p.buf[:from]
		return
	}
	p.buf = append(p.buf, '\n')
}

// unmarkedBytes are 1 for the characters that inline always writes as they are, 3 for
// those of them that make a line worth reading.
var unmarkedBytes = func() (t [256]uint8) {
	for c := ' '; c < 0x7f; c++ {
		switch {
		case isWord(c):
			t[c] = 3
		case !strings.ContainsRune("!<&$*+=", c):
			t[c] = 1
		}
	}
	return t
}()

// unmarked says whether a trimmed line is as it should be read, and whether it has a
// letter or digit.
func unmarked(ln string) (word, ok bool) {
	all := uint8(1)
	for i := 0; i < len(ln); i++ {
		k := unmarkedBytes[ln[i]]
		if k == 0 || ln[i] == ' ' && (ln[i+1] == ' ' || ln[i+1] == 'o' && strings.HasPrefix(ln[i:], " on page ")) {
			return false, false
		}
		all |= k
	}
	return all&2 != 0, true
}

func (p *plainer) put(r rune) {
	if unicode.IsSpace(r) {
		p.space = true
		return
	}
	if p.space {
		p.buf = append(p.buf, ' ')
		p.space = false
	}
	p.word = p.word || isWord(r)
	p.buf = utf8.AppendRune(p.buf, r)
}

// inline writes a line without its marks.
func (p *plainer) inline(s string) {
	for len(s) > 0 {
		if n := skip(s, p.put); n > 0 {
			s = s[n:]
			continue
		}
		r, n := utf8.DecodeRuneInString(s)
		s = s[n:]
		switch {
		case r == '®' || r == '™' || r == '©' || r == '\u200b' || r == '*' && strings.HasPrefix(s, "*"):
		case r == utf8.RuneError && n == 1:
			p.space = true
		default:
			p.put(r)
		}
	}
}

// skip recognises a mark at the start of s, writes what is to be read of it and
// returns its length, or 0.
func skip(s string, put func(rune)) int {
	switch s[0] {
	case '!':
		if strings.HasPrefix(s, "![") {
			return image(s)
		}
	case '<':
		return tag(s, put)
	case '&':
		return entity(s, put)
	case '$':
		return tex(s, put)
	case '*', '+', '=':
		return run(s, put)
	case ' ':
		if strings.HasPrefix(s, " on page ") {
			return pageRef(s)
		}
	}
	return 0
}

// image is the length of "![alt](address)".
func image(s string) int {
	i := strings.Index(s[:min(len(s), 400)], "](")
	if i < 0 {
		return 0
	}
	j := strings.IndexByte(s[i:min(len(s), i+600)], ')')
	if j < 0 {
		return 0
	}
	return i + j + 1
}

// tag drops the tags of a table and leaves any other <name>, which in a manual
// is a placeholder.
func tag(s string, put func(rune)) int {
	end := strings.IndexByte(s[:min(len(s), 80)], '>')
	if end < 0 {
		return 0
	}
	name := strings.Trim(s[1:end], "/ ")
	if i := strings.IndexByte(name, ' '); i > 0 {
		name = name[:i]
	}
	switch name {
	case "td", "th":
		if s[1] == '/' {
			put(' ')
			put('|')
			put(' ')
		}
	case "table", "tr", "tbody", "thead", "br", "sup", "sub", "b", "i", "p", "ul", "li":
		put(' ')
	default:
		return 0
	}
	return end + 1
}

func entity(s string, put func(rune)) int {
	for _, e := range [...]struct {
		name string
		r    rune
	}{{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&#x27;", '\''}, {"&nbsp;", ' '}} {
		if strings.HasPrefix(s, e.name) {
			put(e.r)
			return len(e.name)
		}
	}
	return 0
}

// maxTeX is the longest inline formula that is taken for one; two dollar signs
// further apart are money or shell variables.
const maxTeX = 120

// tex writes the readable part of an inline formula: "$\equiv$" is "=",
// "$\{0\}$" is "{0}", "$< n>$" is "<n>". A shell variable ("$HOME … $PATH") is
// none.
func tex(s string, put func(rune)) int {
	end := strings.IndexByte(s[1:min(len(s), maxTeX)], '$')
	if end < 0 {
		return 0
	}
	in := s[1 : end+1]
	if !formula(in) {
		return 0
	}
	for len(in) > 0 {
		if in[0] == '\\' {
			in = command(in, put)
			continue
		}
		r, n := decoded(in)
		if !strings.ContainsRune("{}^ ", r) {
			put(r)
		}
		in = in[n:]
	}
	return end + 2
}

// decoded is the first character of s, a blank for a byte that is no UTF-8, and its length.
func decoded(s string) (rune, int) {
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && n == 1 {
		return ' ', 1
	}
	return r, n
}

// formula tells TeX from two prices or shell variables on one line.
func formula(in string) bool {
	switch {
	case in == "" || strings.ContainsAny(in, "/;"):
		return false
	case strings.ContainsAny(in, `\^_`) || strings.IndexByte(" <>=", in[0]) >= 0:
		return true
	}
	return in == strings.ToUpper(in) && !strings.Contains(in, " ")
}

// command writes what a TeX command stands for and returns the rest.
func command(in string, put func(rune)) string {
	n := 1
	for n < len(in) && (in[n] >= 'a' && in[n] <= 'z' || in[n] >= 'A' && in[n] <= 'Z') {
		n++
	}
	switch name := in[1:n]; name {
	case "equiv":
		put('=')
	case "rightarrow", "to":
		put('>')
	case "backslash":
		put('\\')
	case "":
		if len(in) > 1 { // an escaped character
			r, m := decoded(in[1:])
			put(r)
			return in[1+m:]
		}
	}
	return in[n:]
}

// run drops rows of three or more marks such as "****" and "+ + + +".
func run(s string, put func(rune)) int {
	n, marks := 0, 0
	for n < len(s) && (s[n] == s[0] || s[n] == ' ') {
		if s[n] == s[0] {
			marks++
		}
		n++
	}
	if marks < 3 {
		return 0
	}
	put(' ')
	return n
}

// pageRef drops " on page 59" inside a sentence.
func pageRef(s string) int {
	n := len(" on page ")
	i := n
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || strings.IndexByte("ivxlc", s[i]) >= 0) {
		i++
	}
	if i == n {
		return 0
	}
	return i
}
