package msgcode

import (
	"strings"
)

// needsRepair reports whether a code that fits a shape can still not be right:
// its component is unknown although it is one of AWS or AWK.
func (r reading) needsRepair() bool {
	return len(r.code.Family) > len(r.code.Component) && !known(r.code.Family)
}

// repair reads a word in capitals that is nearly a code of AWS or AWK. Every
// repair ends in a known component; when two readings are possible it gives up.
func repair(word string) (reading, bool) {
	for _, prefix := range [...]string{"AWS", "AWK"} {
		if body, ok := strings.CutPrefix(word, prefix); ok {
			return repairBody(prefix, body)
		}
	}
	for _, damaged := range [...]string{"WS", "AW", "AS"} {
		if body, ok := strings.CutPrefix(word, damaged); ok {
			return repairPrefix(body)
		}
	}
	return reading{}, false
}

// repairPrefix reads what follows a prefix that lost one letter. The rest must be
// right, severity included: too many words begin with AS or AW.
func repairPrefix(body string) (reading, bool) {
	s := shape{prefix: "AWS", minLetters: 2, maxLetters: 3, minDigits: 3, maxDigits: 4, severities: "IWESTA"}
	code, n := s.read("AWS" + body)
	if n != len(body)+3 || !known(code.Family) || len(code.Number) != width(code.Family) {
		return reading{}, false
	}
	return reading{code: code, slip: SlipPrefix}, true
}

func repairBody(prefix, body string) (reading, bool) {
	for letters := 3; letters >= 2; letters-- {
		if len(body) <= letters {
			continue
		}
		component, folded, ok := asLetters(body[:letters])
		family := prefix + component
		if !ok || !known(family) {
			continue
		}
		if r, ok := repairNumber(family, body[letters:]); ok {
			if folded {
				r.slip |= SlipConfused
			}
			return r, true
		}
	}
	return repairComponent(prefix, body)
}

// repairNumber reads digits and severity after a known family. The number has the
// width of its family, so that a severity read as a digit (AWSITA1761) can be told
// from a missing one (AWSUI2003).
func repairNumber(family, rest string) (reading, bool) {
	w := width(family)
	if len(rest) != w && len(rest) != w+1 {
		if len(rest) != 5 && len(rest) != 4 { // a four-digit number in a family of three
			return reading{}, false
		}
		w = len(rest) - 1
	}
	number, folded, ok := asDigits(rest[:w])
	if !ok {
		return reading{}, false
	}
	var slip Slip
	if folded {
		slip = SlipConfused
	}
	if len(rest) == w {
		return reading{code: compose(family, number, ""), slip: slip | SlipSeverity}, true
	}
	severity := rest[w:]
	if severity == "1" {
		severity, slip = "I", slip|SlipConfused
	}
	if strings.IndexByte("IWESTA", severity[0]) < 0 {
		return reading{}, false
	}
	return reading{code: compose(family, number, severity), slip: slip}, true
}

// repairComponent puts the one letter back that a two-letter component lost
// (AWSBU470I), if only one well-known component fits.
func repairComponent(prefix, body string) (reading, bool) {
	if len(body) != 6 || digitsAt(body, 2) != 3 || class[body[0]]|class[body[1]] != letter {
		return reading{}, false
	}
	found := ""
	for _, family := range wellKnown {
		c, ok := strings.CutPrefix(family, prefix)
		if ok && len(c) == 3 && (c[:1]+c[2:] == body[:2] || c[1:] == body[:2] || c[:2] == body[:2]) {
			if found != "" && found != family {
				return reading{}, false
			}
			found = family
		}
	}
	if found == "" || strings.IndexByte("IWESTA", body[5]) < 0 {
		return reading{}, false
	}
	return reading{code: compose(found, body[2:5], body[5:]), slip: SlipLetter}, true
}

// asLetters reads 0 as O and 1 as I; at least one true letter must be there.
func asLetters(s string) (string, bool, bool) {
	if digitsAt(s, 0) == len(s) {
		return "", false, false
	}
	out := strings.NewReplacer("0", "O", "1", "I").Replace(s)
	return out, out != s, isLetters(out)
}

func isLetters(s string) bool {
	for i := range len(s) {
		if class[s[i]] != letter {
			return false
		}
	}
	return true
}

// asDigits reads O and Q as 0 and I and L as 1; at least one true digit must be there.
func asDigits(s string) (string, bool, bool) {
	out := strings.NewReplacer("O", "0", "Q", "0", "I", "1", "L", "1").Replace(s)
	return out, out != s, digitsAt(out, 0) == len(out) && strings.ContainsAny(s, "0123456789")
}

// width is the usual number of digits of a family's codes.
func width(family string) int {
	switch family {
	case "AWSUI", "AWSWUI", "AWSJIM", "AWSBRC":
		return 4
	}
	return 3
}
