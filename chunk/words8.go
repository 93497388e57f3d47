package chunk

import (
	"math/bits"
	"unicode/utf8"
)

// Eight bytes of a text are looked at in one machine word: a mask has the highest bit
// of each byte that is of the class asked for. The words of a manual have five letters,
// and a loop over single bytes mispredicts the end of nearly each of them.
const (
	lows  = 0x0101010101010101
	highs = 0x8080808080808080
)

// letterMask marks the ASCII letters of w.
func letterMask(w uint64) uint64 {
	low := (w | 0x20*lows) &^ highs
	from, past := low+(0x80-'a')*lows, low+(0x80-'z'-1)*lows
	return from &^ past &^ w & highs
}

// capitalMask marks the ASCII capitals of w.
func capitalMask(w uint64) uint64 {
	low := w &^ highs
	from, past := low+(0x80-'A')*lows, low+(0x80-'Z'-1)*lows
	return from &^ past &^ w & highs
}

// leading is how many bytes of a word, from the first on, are in the mask.
func leading(mask uint64) int { return bits.TrailingZeros64(^mask&highs) >> 3 }

// letters is the end of the run of ASCII letters that begins at s[i].
func letters(s string, i int) int {
	for i+8 <= len(s) {
		n := leading(letterMask(load8(s, i)))
		if i += n; n < 8 {
			return i
		}
	}
	for i < len(s) && isLetterByte(s[i]) {
		i++
	}
	return i
}

// runeCount is utf8.RuneCountInString for text that is mostly ASCII.
func runeCount(s string) int {
	n, i := 0, 0
	for i < len(s) {
		if i+8 <= len(s) && load8(s, i)&highs == 0 {
			n += 8
			i += 8
			continue
		}
		size := 1
		if s[i] >= utf8.RuneSelf {
			_, size = utf8.DecodeRuneInString(s[i:])
		}
		i += size
		n++
	}
	return n
}
