package msgcode

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Lengths between which a run of letters and digits can hold a code, a word
// glued to it included.
const (
	minToken = 7
	maxToken = 40
)

// The classes of bytes; zero separates words.
const (
	letter = 1 << iota
	digit
)

// class is a lookup table that never changes.
var class = func() (t [256]byte) {
	for c := range 256 {
		switch {
		case '0' <= c && c <= '9':
			t[c] = digit
		case 'a' <= c|0x20 && c|0x20 <= 'z':
			t[c] = letter
		}
	}
	return t
}()

// Find returns the codes of a text in order. It reads the text once, word by
// word; only words that hold both a letter and a digit are looked at closely.
// Raw and the code's strings are copies, so a match does not keep the text alive.
func Find(text string) []Match {
	var out []Match
	for i := 0; i < len(text); {
		kinds := class[text[i]]
		if kinds == 0 {
			i++
			continue
		}
		start := i
		for i++; i < len(text); i++ {
			c := class[text[i]]
			if c == 0 {
				break
			}
			kinds |= c
		}
		switch {
		case kinds == letter|digit && i-start >= minToken && i-start <= maxToken:
			out = appendWord(out, text, start, i)
		case kinds == digit && i-start == 5 && start >= 4 && isOracle(text[start-4:i]):
			out = appendOracle(out, text, start-4, i)
		}
	}
	return out
}

// appendWord adds the code that the word text[start:end] is or holds.
func appendWord(out []Match, text string, start, end int) []Match {
	word := text[start:end]
	r, ok := read(word)
	if !ok {
		if r, ok = readGlued(word); !ok {
			return out
		}
	}
	if !standsFree(text, start, end) {
		return out
	}
	start, end = start+r.from, start+r.to
	m := Match{Start: start, End: end, Code: r.code.cloned(), Slip: r.slip}
	if m.Raw = m.Code.Text; r.slip != 0 {
		m.Raw = strings.Clone(text[start:end])
	}
	return append(out, m)
}

func appendOracle(out []Match, text string, start, end int) []Match {
	if start > 0 && class[text[start-1]] != 0 || !standsFree(text, start, end) {
		return out
	}
	m := Match{Start: start, End: end, Raw: strings.Clone(text[start:end]), Code: oracle(strings.Clone(text[start+4 : end]))}
	if m.Raw != m.Code.Text {
		m.Slip = SlipCase
	}
	return append(out, m)
}

// standsFree checks the neighbours that the byte classes cannot judge: a code
// must not continue with a letter or digit of an alphabet whose words run
// together with ASCII ones. Chinese, Japanese, Korean and Thai text sets no
// blanks, so their letters may touch a code.
func standsFree(text string, start, end int) bool {
	if start > 0 && text[start-1] >= utf8.RuneSelf {
		if r, _ := utf8.DecodeLastRuneInString(text[:start]); continues(r) {
			return false
		}
	}
	if end < len(text) && text[end] >= utf8.RuneSelf {
		if r, _ := utf8.DecodeRuneInString(text[end:]); continues(r) {
			return false
		}
	}
	return true
}

func continues(r rune) bool {
	return unicode.IsDigit(r) || unicode.IsLetter(r) && unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic)
}
