package chunk

import (
	"unicode"
	"unicode/utf8"
)

// Classes of characters as the patterns of the encodings name them.
const (
	isLetter  uint8 = 1 << iota // \p{L}
	isNumber                    // \p{N}
	isSpace                     // \s
	isNewline                   // \r \n
	isUpper                     // \p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}
	isLower                     // \p{Ll}\p{Lm}\p{Lo}\p{M}
)

// classes are those of the characters of one and two bytes.
var classes = classTable()

func classTable() (t [0x800]uint8) {
	for r := range t {
		t[r] = classify1(rune(r))
	}
	return t
}

func classify1(r rune) uint8 {
	var k uint8
	switch {
	case unicode.IsLetter(r):
		k = isLetter
	case unicode.IsNumber(r):
		return isNumber
	case r == '\r' || r == '\n':
		return isSpace | isNewline
	case unicode.IsSpace(r):
		return isSpace
	}
	if unicode.In(r, unicode.Lu, unicode.Lt, unicode.Lm, unicode.Lo, unicode.M) {
		k |= isUpper
	}
	if unicode.In(r, unicode.Ll, unicode.Lm, unicode.Lo, unicode.M) {
		k |= isLower
	}
	return k
}

// class is the class of the character at s[i] and its length in bytes. A byte
// that is no UTF-8 is a character of no class.
func class(s string, i int) (uint8, int) {
	if c := s[i]; c < utf8.RuneSelf {
		return classes[c], 1
	}
	return wideClass(s, i)
}

func wideClass(s string, i int) (uint8, int) {
	r, n := utf8.DecodeRuneInString(s[i:])
	if int(r) < len(classes) {
		return classes[r], n
	}
	return classify1(r), n
}

// along goes over the characters of a class, from i.
func along(s string, i int, k uint8) int {
	for i < len(s) {
		b := s[i]
		if b < utf8.RuneSelf {
			if classes[b]&k == 0 {
				return i
			}
			i++
			continue
		}
		c, n := wideClass(s, i)
		if c&k == 0 {
			return i
		}
		i += n
	}
	return i
}

// others goes over what is neither letter, number nor space, from i.
func others(s string, i int) int {
	for i < len(s) {
		c, n := class(s, i)
		if c&(isLetter|isNumber|isSpace) != 0 {
			return i
		}
		i += n
	}
	return i
}

// cl100k is the end of the piece that begins at s[i], after the pattern
//
//	(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
func cl100k(s string, i int) int {
	k, n := class(s, i)
	switch {
	case k&isLetter != 0:
		return along(s, i+n, isLetter)
	case k&isNumber != 0:
		return digits(s, i+n)
	}
	if s[i] == '\'' {
		if m := contraction(s, i); m > 0 {
			return i + m
		}
	}
	if j := i + n; k&isNewline == 0 && j < len(s) {
		if c, m := class(s, j); c&isLetter != 0 {
			return along(s, j+m, isLetter)
		}
	}
	if end := marks(s, i, k); end > 0 {
		return along(s, end, isNewline)
	}
	return spaces(s, i)
}

// o200k is the end of the piece that begins at s[i], after the pattern of that
// encoding: words part at a change from lower to upper case and take a contraction
// with them.
func o200k(s string, i int) int {
	k, n := class(s, i)
	if k&isNumber != 0 {
		return digits(s, i+n)
	}
	prefix := k&(isLetter|isNewline) == 0
	word := k&(isUpper|isLower) != 0
	end := 0
	if prefix && i+n < len(s) {
		end = lowerWord(s, i+n)
	}
	if end == 0 && word {
		end = lowerWord(s, i)
	}
	if end == 0 && prefix && i+n < len(s) {
		end = upperWord(s, i+n)
	}
	if end == 0 && word {
		end = upperWord(s, i)
	}
	if end > 0 {
		if end < len(s) && s[end] == '\'' {
			end += contraction(s, end)
		}
		return end
	}
	if end = marks(s, i, k); end > 0 {
		for end < len(s) && (s[end] == '\r' || s[end] == '\n' || s[end] == '/') {
			end++
		}
		return end
	}
	return spaces(s, i)
}

// lowerWord is the end of [upper]*[lower]+ at s[i], 0 when there is none. Letters
// without case are of both classes, so the last of them may end the word when
// nothing lower follows, as in a pattern that backtracks.
func lowerWord(s string, i int) int {
	back := 0
	for i < len(s) {
		c, n := class(s, i)
		if c&isUpper == 0 {
			if c&isLower != 0 {
				return along(s, i+n, isLower)
			}
			break
		}
		i += n
		if c&isLower != 0 {
			back = i
		}
	}
	return back
}

// upperWord is the end of [upper]+ at s[i], 0 when there is none.
func upperWord(s string, i int) int {
	if end := along(s, i, isUpper); end > i {
		return end
	}
	return 0
}

// digits goes over up to two more numbers.
func digits(s string, i int) int {
	for k := 0; k < 2 && i < len(s); k++ {
		c, n := class(s, i)
		if c&isNumber == 0 {
			break
		}
		i += n
	}
	return i
}

// marks is the end of " ?[^\s\p{L}\p{N}]+" at s[i], whose class is k, 0 when there
// is none.
func marks(s string, i int, k uint8) int {
	if k&isSpace == 0 {
		return others(s, i)
	}
	if s[i] == ' ' && i+1 < len(s) {
		if end := others(s, i+1); end > i+1 {
			return end
		}
	}
	return 0
}

// spaces is the end of "\s*[\r\n]+|\s+(?!\S)|\s+" at s[i].
func spaces(s string, i int) int {
	newline, last, j := 0, i, i
	for j < len(s) {
		c, n := class(s, j)
		if c&isSpace == 0 {
			break
		}
		last = j
		j += n
		if c&isNewline != 0 {
			newline = j
		}
	}
	switch {
	case newline > 0:
		return newline
	case j == len(s) || last == i:
		return j
	}
	return last
}

// contraction is the length of 's 't 're 've 'm 'll 'd at s[i], in either case, or 0.
func contraction(s string, i int) int {
	if i+1 >= len(s) {
		return 0
	}
	c := s[i+1] | 0x20
	switch c {
	case 's', 't', 'm', 'd':
		return 2
	}
	if i+2 >= len(s) {
		return 0
	}
	switch e := s[i+2] | 0x20; {
	case (c == 'r' || c == 'v') && e == 'e', c == 'l' && e == 'l':
		return 3
	}
	return 0
}
