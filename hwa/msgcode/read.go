package msgcode

import (
	"strings"
)

// reading is a code read from word[from:to].
type reading struct {
	code     Code
	slip     Slip
	from, to int
}

// shape is the spelling of a group of families: a prefix, then letters, digits
// and one of the severities.
type shape struct {
	prefix                 string
	minLetters, maxLetters int
	minDigits, maxDigits   int
	severities             string
}

// shapes are tried in order. Those of AWS and AWK come first; they are the only
// ones that are repaired, because their components are known.
var shapes = [...]shape{
	{"AWS", 2, 3, 3, 4, "IWESTA"}, {"AWK", 2, 3, 3, 4, "IWESTA"},
	{"EEW", 0, 4, 3, 5, "IWES"},
	{"HTWGT", 0, 0, 3, 4, "IWE"},
	{"EQQ", 1, 2, 2, 3, "IWEA"}, {"EQQ", 0, 0, 4, 4, "IWEA"},
	{"ACTEX", 0, 0, 4, 4, "IWE"},
	{"WAINST", 0, 0, 3, 3, "IWE"},
	{"CTG", 3, 3, 3, 4, "IWE"},
	{"CW", 3, 3, 4, 4, "IWEA"},
	{"SECJ", 0, 0, 4, 4, "IWEA"}, {"DSRA", 0, 0, 4, 4, "IWEA"}, {"J2CA", 0, 0, 4, 4, "IWEA"}, {"SRVE", 0, 0, 4, 4, "IWEA"},
	{"WSVR", 0, 0, 4, 4, "IWEA"}, {"ADMU", 0, 0, 4, 4, "IWEA"}, {"SESN", 0, 0, 4, 4, "IWEA"}, {"JSAS", 0, 0, 4, 4, "IWEA"},
	{"WTRN", 0, 0, 4, 4, "IWEA"}, {"CNTR", 0, 0, 4, 4, "IWEA"},
	{"SQL", 0, 0, 4, 5, "NWC"},
}

// starts holds the first two letters of every shape, and of AWS with a letter
// lost, folded to five bits each, so that most other words cost one lookup.
var starts = func() (t [1 << 10]bool) {
	for _, s := range shapes {
		t[pair(s.prefix)] = true
	}
	t[pair("WS")], t[pair("AS")] = true, true
	return t
}()

// pair folds the first two letters of a word, capital or small, into ten bits.
func pair(s string) int { return int(s[0]&31)<<5 | int(s[1]&31) }

// read reads a code that is the whole word. The code may share the word's memory.
func read(word string) (reading, bool) {
	if len(word) < minToken || len(word) > maxToken || !starts[pair(word)] {
		return reading{}, false
	}
	upper, slip := unify(word)
	r, ok := readExact(upper)
	if !ok || r.needsRepair() {
		if repaired, can := repair(upper); can {
			r, ok = repaired, true
		}
	}
	if !ok {
		return reading{}, false
	}
	r.slip |= slip
	r.from, r.to = 0, len(word)
	return r, true
}

// unify brings a word to capitals. In a word of capitals a small l or o is a
// scanned 1 or 0 and becomes that digit.
func unify(word string) (string, Slip) {
	small, capitals, other := 0, 0, false
	for i := range len(word) {
		switch c := word[i]; {
		case c == 'l' || c == 'o':
			small++
		case 'a' <= c && c <= 'z':
			other = true
		case 'A' <= c && c <= 'Z':
			capitals++
		}
	}
	switch {
	case small == 0 && !other:
		return word, 0
	case !other && capitals >= 3:
		return strings.NewReplacer("l", "1", "o", "0").Replace(word), SlipConfused
	}
	return strings.ToUpper(word), SlipCase
}

// readExact tries the shapes on a whole word in capitals.
func readExact(word string) (reading, bool) {
	for i := range shapes {
		if code, n := shapes[i].read(word); n == len(word) {
			return reading{code: code}, true
		}
	}
	return reading{}, false
}

// read returns the code at the start of the word and its length, 0 for none.
func (s *shape) read(word string) (Code, int) {
	if !strings.HasPrefix(word, s.prefix) {
		return Code{}, 0
	}
	n := len(s.prefix)
	for n < len(word) && n < len(s.prefix)+s.maxLetters && class[word[n]] == letter {
		n++
	}
	digits := digitsAt(word, n)
	if n < len(s.prefix)+s.minLetters || digits < s.minDigits || digits > s.maxDigits {
		return Code{}, 0
	}
	end := n + digits
	if end == len(word) || strings.IndexByte(s.severities, word[end]) < 0 {
		return Code{}, 0
	}
	return split(word[:end+1], n, end), end + 1
}

func digitsAt(s string, at int) int {
	n := at
	for n < len(s) && class[s[n]] == digit {
		n++
	}
	return n - at
}

// compose builds a code from its parts. The parts of a Code share one string.
func compose(family, number, severity string) Code {
	return split(family+number+severity, len(family), len(family)+len(number))
}

// split cuts the text of a code into its parts.
func split(text string, letters, digits int) Code {
	family := text[:letters]
	c := Code{Text: text, Family: family, Component: family, Number: text[letters:digits], Severity: Severity(text[digits:])}
	if strings.HasPrefix(family, "AWS") || strings.HasPrefix(family, "AWK") {
		c.Component = family[3:]
	}
	return c
}

// cloned is the code on a string of its own.
func (c Code) cloned() Code {
	return split(strings.Clone(c.Text), len(c.Family), len(c.Family)+len(c.Number))
}

// readGlued reads a code that ran together with the end of a word before it
// (nullDSRA0010E) or the beginning of one after it (AWSJOM179EComposer). The
// code itself must be spelt right.
func readGlued(word string) (reading, bool) {
	from := 0
	for from < len(word) && 'a' <= word[from] && word[from] <= 'z' {
		from++
	}
	if strings.HasPrefix(word, "nul") && (word[3] == 'I' || word[3] == '1') {
		from = 4 // "null" with its last letter misread
	}
	if from == 1 || len(word)-from < minToken || !starts[pair(word[from:])] {
		return reading{}, false
	}
	for i := range shapes {
		code, n := shapes[i].read(word[from:])
		if n == 0 || !startsWord(word[from+n:]) || from == 0 && from+n == len(word) {
			continue
		}
		return reading{code: code, slip: SlipGlued, from: from, to: from + n}, true
	}
	return reading{}, false
}

// startsWord reports whether what follows a code is nothing or a capitalised word.
func startsWord(s string) bool {
	if s == "" {
		return true
	}
	return len(s) > 2 && 'A' <= s[0] && s[0] <= 'Z' && 'a' <= s[1] && s[1] <= 'z' && 'a' <= s[2] && s[2] <= 'z'
}
