package msgcode

import (
	"fmt"
	"strings"
)

// Severity is the letter at the end of a code, "" when the code has none.
type Severity string

// Word is the severity in plain English, "" when there is none.
func (s Severity) Word() string {
	switch s {
	case "I":
		return "information"
	case "W":
		return "warning"
	case "E", "N":
		return "error"
	case "S", "C":
		return "severe error"
	case "T":
		return "fatal error"
	case "A":
		return "action required"
	}
	return ""
}

// Code is a message code in its normal form, as the catalogue prints it.
type Code struct {
	Text      string   // AWSBHT001E
	Family    string   // AWSBHT: everything before the digits (ORA for ORA-00942)
	Component string   // BHT: the family without its product prefix AWS or AWK
	Number    string   // 001
	Severity  Severity // E
}

// String is the code's text.
func (c Code) String() string { return c.Text }

// MarshalText makes a code a plain string in JSON.
func (c Code) MarshalText() ([]byte, error) { return []byte(c.Text), nil }

// UnmarshalText reads a code as Normalize does.
func (c *Code) UnmarshalText(text []byte) error {
	read, ok := Normalize(string(text))
	if !ok {
		return fmt.Errorf("%q is not a message code", text)
	}
	*c = read
	return nil
}

// Slip says what had to be repaired to read a code; zero for a code spelt right.
type Slip uint8

// The repairs. Several can come together.
const (
	SlipConfused Slip = 1 << iota // 0 for O, 1 for I, or the other way round
	SlipLetter                    // a letter of the component was missing
	SlipPrefix                    // a letter of AWS or AWK was missing
	SlipCase                      // small letters
	SlipSeverity                  // no severity; the code keeps none
	SlipGlued                     // run together with the word before or after
)

// Match is one code found in a text. Start and End are byte offsets of Raw.
type Match struct {
	Start, End int
	Raw        string
	Code       Code
	Slip       Slip
}

// Codes lists the codes of a text, each once, in order of appearance.
func Codes(text string) []Code {
	var out []Code
	seen := map[string]bool{}
	for _, m := range Find(text) {
		if !seen[m.Code.Text] {
			seen[m.Code.Text] = true
			out = append(out, m.Code)
		}
	}
	return out
}

// Normalize reads one code that stands alone. Surrounding white space and
// punctuation and blanks or hyphens inside (AWSJPL 017E) do not matter. It
// reports false for anything that is not a code.
func Normalize(s string) (Code, bool) {
	s = strings.Trim(s, " \t\r\n.,;:!?\"'`()[]{}<>*_")
	if len(s) > 2*maxToken {
		return Code{}, false
	}
	if isOracle(s) {
		return oracle(s[4:]), true
	}
	word := strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, s)
	if !isWord(word) {
		return Code{}, false
	}
	r, ok := read(word)
	if !ok {
		return Code{}, false
	}
	return r.code.cloned(), true
}

// isOracle reports whether s is ORA- and five digits.
func isOracle(s string) bool {
	return len(s) == 9 && strings.EqualFold(s[:4], "ORA-") && digitsAt(s, 4) == 5
}

func oracle(number string) Code {
	return Code{Text: "ORA-" + number, Family: "ORA", Component: "ORA", Number: number}
}

func isWord(s string) bool {
	for i := range len(s) {
		if class[s[i]] == 0 {
			return false
		}
	}
	return s != ""
}
