package retrieve

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// extent is a run of bytes of a text.
type extent struct{ start, end int }

// unitBytes is the most bytes a unit has: 80 tokens of English at 4.2 bytes each,
// less a margin for text that takes more tokens.
const unitBytes = 320

// cutUnits cuts a text into sentences, lines and rows of at most limit bytes,
// without a gap: each unit ends where the next begins. White space goes to the
// unit before it.
func cutUnits(text string, limit int) []extent {
	var out []extent
	start := 0
	for start < len(text) {
		end := start + sentenceEnd(text[start:])
		for end-start > limit {
			at := start + breakWithin(text[start:start+limit])
			out = append(out, extent{start, at})
			start = at
		}
		if end > start {
			out = append(out, extent{start, end})
		}
		start = end
	}
	return out
}

// sentenceEnd is where the sentence or line that s begins with ends, with the
// white space after it.
func sentenceEnd(s string) int {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\n':
			return i + blanks(s[i:])
		case '\\': // a line break inside a quoted string, as in chat logs
			if strings.HasPrefix(s[i:], `\n`) && i > 0 {
				n := i
				for strings.HasPrefix(s[n:], `\n`) {
					n += 2
				}
				return n
			}
		case '.', '!', '?':
			if n := stopAt(s, i); n > 0 {
				return n
			}
		case '<':
			if strings.HasPrefix(s[i:], "</tr>") {
				return i + len("</tr>")
			}
		}
	}
	return len(s)
}

// blanks is the length of the white space s begins with.
func blanks(s string) int { return len(s) - len(strings.TrimLeftFunc(s, unicode.IsSpace)) }

// stopAt is where the next sentence begins when the mark at i ends one, else 0: the
// mark, closing quotes and a blank come before a capital, a digit or an opening
// mark, and the mark follows no initial.
func stopAt(s string, i int) int {
	j := i + 1
	for j < len(s) && strings.IndexByte(`.!?"')]`, s[j]) >= 0 {
		j++
	}
	for _, q := range [...]string{"”", "’"} {
		j += len(s[j:]) - len(strings.TrimPrefix(s[j:], q))
	}
	n := blanks(s[j:])
	if n == 0 {
		return 0
	}
	if s[i] == '.' && (i < 2 || s[i-2] == ' ' && s[i-1] != ' ' || s[i-2] == '.') { // "J. Smith", "e.g. x"
		return 0
	}
	r, _ := utf8.DecodeRuneInString(s[j+n:])
	if unicode.IsLower(r) {
		return 0
	}
	return j + n
}

// breakWithin is where to cut a sentence that goes on past s: after its last clause,
// else its last blank, else between two characters.
func breakWithin(s string) int {
	for _, sep := range [...]string{"; ", ", ", " "} {
		if i := strings.LastIndex(s, sep); i > len(s)/2 {
			return i + len(sep)
		}
	}
	n := len(s)
	for n > len(s)-utf8.UTFMax && n > 1 && s[n-1]&0xc0 == 0x80 {
		n--
	}
	if n > 1 && s[n-1] >= 0xc0 {
		n--
	}
	return n
}

// packUnits joins neighbouring units while they fit into limit bytes.
func packUnits(units []extent, limit int) []extent {
	var out []extent
	for _, u := range units {
		if n := len(out); n > 0 && u.end-out[n-1].start <= limit {
			out[n-1].end = u.end
			continue
		}
		out = append(out, u)
	}
	return out
}
