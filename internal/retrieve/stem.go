package retrieve

import "strings"

// stemEnglish is Porter's algorithm ("An algorithm for suffix stripping", 1980)
// on a lower-case word, after irregular forms are made regular. Words that are not
// plain ASCII letters come back unchanged.
func stemEnglish(w string) string {
	if len(w) < 3 || !letters(w) {
		return w
	}
	if base, ok := irregular[w]; ok {
		w = base
	}
	if len(w) < 4 {
		return w
	}
	w = step1(american(w))
	w = replaceSuffix(w, step2, 0)
	w = replaceSuffix(w, step3, 0)
	w = step4(w)
	return step5(w)
}

// american turns the British endings of a word into the American ones: organised,
// analyse, behaviour.
func american(w string) string {
	for _, end := range [...]string{"e", "ed", "es", "ing", "ation", "ations", "er"} {
		stem, ok := strings.CutSuffix(w, end)
		if !ok || len(stem) < 5 {
			continue
		}
		for _, mid := range [...]struct{ from, to string }{{"is", "iz"}, {"ys", "yz"}} {
			if base, ok := strings.CutSuffix(stem, mid.from); ok && measure(base) > 0 {
				return base + mid.to + end
			}
		}
	}
	if base, ok := strings.CutSuffix(w, "our"); ok && len(base) > 3 {
		return base + "or"
	}
	if base, ok := strings.CutSuffix(w, "ours"); ok && len(base) > 3 {
		return base + "ors"
	}
	return w
}

// irregular forms of verbs that problems are told with.
var irregular = map[string]string{
	"lost": "lose", "loss": "lose", "hung": "hang", "stuck": "stick", "found": "find", "sent": "send", "ran": "run",
	"held": "hold", "kept": "keep", "made": "make", "took": "take", "taken": "take", "went": "go", "gone": "go",
	"wrote": "write", "written": "write", "broke": "break", "broken": "break", "froze": "freeze", "frozen": "freeze",
	"began": "begin", "begun": "begin", "came": "come", "gave": "give", "given": "give", "said": "say", "says": "say",
	"shown": "show", "shut": "shutdown", "threw": "throw", "thrown": "throw", "built": "build", "chose": "choose",
	"chosen": "choose", "overwritten": "overwrite", "overridden": "override", "understood": "understand",
	"died": "die", "dies": "die", "bound": "bind", "read": "read", "left": "leave", "lies": "lie", "dying": "die",
}

func letters(w string) bool {
	for i := 0; i < len(w); i++ {
		if w[i] < 'a' || w[i] > 'z' {
			return false
		}
	}
	return true
}

func vowel(w string, i int) bool {
	switch w[i] {
	case 'a', 'e', 'i', 'o', 'u':
		return true
	case 'y':
		return i > 0 && !vowel(w, i-1)
	}
	return false
}

// measure counts the vowel-consonant sequences of w.
func measure(w string) int {
	n, before := 0, false
	for i := range len(w) {
		v := vowel(w, i)
		if before && !v {
			n++
		}
		before = v
	}
	return n
}

func hasVowel(w string) bool {
	for i := range len(w) {
		if vowel(w, i) {
			return true
		}
	}
	return false
}

func doubled(w string) bool {
	n := len(w)
	return n > 1 && w[n-1] == w[n-2] && !vowel(w, n-1)
}

// cvc says whether w ends consonant-vowel-consonant and not in w, x or y.
func cvc(w string) bool {
	n := len(w)
	return n > 2 && !vowel(w, n-3) && vowel(w, n-2) && !vowel(w, n-1) && !strings.ContainsRune("wxy", rune(w[n-1]))
}

// step1 takes plural, past and progressive endings away.
func step1(w string) string {
	switch {
	case strings.HasSuffix(w, "sses"), strings.HasSuffix(w, "ies"):
		w = w[:len(w)-2]
	case strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss"):
		w = w[:len(w)-1]
	}
	if strings.HasSuffix(w, "eed") {
		if measure(w[:len(w)-3]) > 0 {
			w = w[:len(w)-1]
		}
	} else {
		for _, end := range [...]string{"ed", "ing"} {
			if stem, ok := strings.CutSuffix(w, end); ok && hasVowel(stem) {
				w = repair(stem)
				break
			}
		}
	}
	if stem, ok := strings.CutSuffix(w, "y"); ok && hasVowel(stem) {
		w = stem + "i"
	}
	return w
}

// repair restores the e of "disabl(ed)" and undoubles the consonant of
// "stopp(ed)".
func repair(w string) string {
	switch {
	case strings.HasSuffix(w, "at"), strings.HasSuffix(w, "bl"), strings.HasSuffix(w, "iz"):
		return w + "e"
	case doubled(w) && !strings.ContainsRune("lsz", rune(w[len(w)-1])):
		return w[:len(w)-1]
	case measure(w) == 1 && cvc(w):
		return w + "e"
	}
	return w
}

type suffix struct{ from, to string }

var step2 = []suffix{
	{"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"}, {"anci", "ance"}, {"izer", "ize"}, {"abli", "able"},
	{"alli", "al"}, {"entli", "ent"}, {"eli", "e"}, {"ousli", "ous"}, {"ization", "ize"}, {"ation", "ate"},
	{"ator", "ate"}, {"alism", "al"}, {"iveness", "ive"}, {"fulness", "ful"}, {"ousness", "ous"}, {"aliti", "al"},
	{"iviti", "ive"}, {"biliti", "ble"}, {"ctli", "ct"}, {"ntli", "nt"}, {"dli", "d"},
}

var step3 = []suffix{
	{"icate", "ic"}, {"ative", ""}, {"alize", "al"}, {"iciti", "ic"}, {"ical", "ic"}, {"ful", ""}, {"ness", ""},
}

// replaceSuffix applies the first rule that fits, if the measure of what stays
// is above least.
func replaceSuffix(w string, rules []suffix, least int) string {
	for _, r := range rules {
		if stem, ok := strings.CutSuffix(w, r.from); ok {
			if measure(stem) > least {
				return stem + r.to
			}
			return w
		}
	}
	return w
}

func step4(w string) string {
	for _, end := range [...]string{
		"al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism",
		"ate", "iti", "ous", "ive", "ize",
	} {
		stem, ok := strings.CutSuffix(w, end)
		if !ok || end == "ent" && strings.HasSuffix(stem, "m") {
			continue
		}
		if measure(stem) > 1 && (end != "ion" || strings.HasSuffix(stem, "s") || strings.HasSuffix(stem, "t")) {
			return stem
		}
		if end != "al" { // no other ending fits
			return w
		}
	}
	return w
}

func step5(w string) string {
	if stem, ok := strings.CutSuffix(w, "e"); ok {
		if m := measure(stem); m > 1 || m == 1 && !cvc(stem) {
			w = stem
		}
	}
	if strings.HasSuffix(w, "ll") && measure(w[:len(w)-1]) > 1 {
		w = w[:len(w)-1]
	}
	return w
}

// portugueseEndings are tried longest first; each leaves at least keep letters.
var portugueseEndings = []struct {
	from, to string
	keep     int
}{
	{"amentos", "", 4}, {"imentos", "", 4}, {"amento", "", 4}, {"imento", "", 4}, {"adores", "", 4},
	{"acoes", "", 4}, {"icoes", "", 4}, {"idades", "", 4}, {"idade", "", 4}, {"mente", "", 5}, {"acao", "", 3},
	{"icao", "", 4}, {"ador", "", 4}, {"adora", "", 4}, {"ancia", "", 4}, {"encia", "", 4}, {"aram", "", 3},
	{"eram", "", 3}, {"iram", "", 3}, {"ando", "", 3}, {"endo", "", 3}, {"indo", "", 3}, {"adas", "", 3},
	{"ados", "", 3}, {"idas", "", 3}, {"idos", "", 3}, {"ada", "", 3}, {"ado", "", 3}, {"ida", "", 3},
	{"ido", "", 3}, {"avam", "", 3}, {"ava", "", 3}, {"iam", "", 4}, {"oes", "ao", 3}, {"aes", "ao", 3}, {"ao", "ao", 1},
	{"ais", "al", 2}, {"eis", "el", 2}, {"ois", "ol", 2}, {"ns", "m", 2}, {"res", "r", 3}, {"zes", "z", 2},
	{"ar", "", 3}, {"er", "", 3}, {"ir", "", 3}, {"am", "", 3}, {"em", "", 3}, {"ou", "", 3}, {"eu", "", 4},
	{"iu", "", 3}, {"as", "", 3}, {"os", "", 3}, {"es", "", 3}, {"a", "", 3}, {"o", "", 3}, {"e", "", 3},
	{"s", "", 3},
}

// stemPortuguese is a light stemmer for a lower-case word without accents: it
// takes one inflection (plural, gender, the common verb forms) or one of the
// frequent derivations away. Both sides of a comparison go through it, so it only
// has to be consistent.
func stemPortuguese(w string) string {
	if len(w) < 4 || !letters(w) {
		return w
	}
	for _, e := range portugueseEndings {
		if stem, ok := strings.CutSuffix(w, e.from); ok && len(stem) >= e.keep {
			return stem + e.to
		}
	}
	return w
}
