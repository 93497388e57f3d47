package retrieve

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Language of a document or question.
type language uint8

const (
	english language = iota
	portuguese
)

// maxTerm is the longest term in bytes; a longer run of letters is no word and is
// cut there.
const maxTerm = 64

// words calls yield for each word of text: a run of letters and digits joined by
// the connectors of identifiers, without leading and trailing connectors. A path
// or a WS#STREAM.JOB name yields its pieces.
func words(text string, yield func(word string)) {
	for i := 0; i < len(text); {
		ok, n := wordRune(text, i)
		if !ok {
			i += n
			continue
		}
		start, end := i, i+n
		for i = end; i < len(text); i += n {
			if ok, n = wordRune(text, i); ok {
				end = i + n
				continue
			}
			if c := text[i]; c != '_' && c != '-' && c != '.' || i > end { // one connector at a time
				break
			}
		}
		if i < end {
			i = end
		}
		yield(text[start:end])
	}
}

// Terms are the terms under which the words of an English text are found, in their
// order: stems, and identifiers whole and in parts.
func Terms(text string) []string {
	var out []string
	words(text, func(w string) { out = terms(out, w, english) })
	return out
}

// wordRune says whether a letter or digit begins at i, and how many bytes the character
// there has.
func wordRune(text string, i int) (bool, int) {
	if c := text[i]; c < utf8.RuneSelf {
		return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z', 1
	}
	r, n := utf8.DecodeRuneInString(text[i:])
	return unicode.IsLetter(r) || unicode.IsDigit(r), n
}

// terms appends the terms under which a word is found: an identifier whole and
// in its parts (JobManager.ini: jobmanager.ini, jobmanager, job, manager, ini),
// any other word as its stem. Stop-words have none.
func terms(out []string, word string, lang language) []string {
	if len(word) > maxTerm {
		word = strings.ToValidUTF8(word[:maxTerm], "")
	}
	low := fold(word)
	if strings.ContainsAny(low, "_-.") {
		out = append(out, low)
		for part := range strings.FieldsFuncSeq(word, func(r rune) bool { return r == '_' || r == '-' || r == '.' }) {
			out = part1(out, part, lang)
		}
		return out
	}
	return part1(out, word, lang)
}

// part1 appends the terms of a word without connectors.
func part1(out []string, word string, lang language) []string {
	low := fold(word)
	if humps := camel(word); len(humps) > 1 {
		out = append(out, low)
		for _, h := range humps {
			out = plainTerm(out, fold(h), lang)
		}
		return out
	}
	return plainTerm(out, low, lang)
}

func plainTerm(out []string, low string, lang language) []string {
	if len(low) < 2 && (low == "" || low[0] > '9') || stop(low, lang) {
		return out
	}
	return append(out, stem(low, lang))
}

func stem(low string, lang language) string {
	if lang == portuguese {
		return stemPortuguese(low)
	}
	return stemEnglish(low)
}

// camel splits JnextPlan into Jnext and Plan, and CPUName into CPU and Name. A
// word with one hump, or with a digit (a message code), comes back whole.
func camel(w string) []string {
	var cuts []int
	for i := 1; i < len(w); i++ {
		if w[i] >= utf8.RuneSelf || w[i] >= '0' && w[i] <= '9' {
			return nil
		}
		up, before := w[i] >= 'A' && w[i] <= 'Z', w[i-1] >= 'A' && w[i-1] <= 'Z'
		next := i+1 < len(w) && w[i+1] >= 'a' && w[i+1] <= 'z'
		if up && (!before || next) && i > 1 {
			cuts = append(cuts, i)
		}
	}
	if len(cuts) == 0 {
		return nil
	}
	out, from := make([]string, 0, len(cuts)+1), 0
	for _, c := range append(cuts, len(w)) {
		out = append(out, w[from:c])
		from = c
	}
	return out
}

// fold lowers a word and takes the accents of Portuguese away.
func fold(w string) string {
	ascii := true
	for i := 0; i < len(w) && ascii; i++ {
		ascii = w[i] < utf8.RuneSelf && (w[i] < 'A' || w[i] > 'Z')
	}
	if ascii {
		return w
	}
	return strings.Map(func(r rune) rune { return unaccent(unicode.ToLower(r)) }, w)
}

// unaccent maps the letters of Latin-1 to their plain forms.
func unaccent(r rune) rune {
	if r < 0xc0 || r > 0xff {
		return r
	}
	const to = "aaaaaaaceeeeiiiidnooooo*ouuuuypsaaaaaaaceeeeiiiidnooooo*ouuuuypy"
	return rune(to[r-0xc0])
}

// detect guesses the language of a text from the words only one of the two
// languages has; the glossary counts as Portuguese. With no sign it is English.
func detect(text string) language {
	en, pt, n := 0, 0, 0
	words(text, func(w string) {
		if n++; n > 400 { // enough to know
			return
		}
		low := fold(w)
		switch {
		case onlyEnglish[low]:
			en++
		case onlyPortuguese[low]:
			pt++
		case len(low) > 3 && !ambiguous[low] && glossaryHas(low):
			pt++
		}
	})
	if pt > en {
		return portuguese
	}
	return english
}

func stop(low string, lang language) bool {
	if lang == portuguese {
		return onlyPortuguese[low] || stopPortuguese[low]
	}
	return onlyEnglish[low] || stopEnglish[low]
}

func set(list string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		m[w] = true
	}
	return m
}

// The words of each language that carry no meaning for a search. The first list
// of each holds those the other language does not have.
var (
	onlyEnglish = set(`the is are was were be been being what why how when which who where does did doing done
		has have had having of to and or with without from for by this that these those it its they them their there
		then than can cannot could should would will shall may might must about into out after before because
		my our your you we i he she his her if but so such also any some each all both other an at in on`)
	stopEnglish = set(`a as do no not me us mine am get gets got getting happen happens happened mean means meant
		please tell help while during still just only very more most too same own here again further once
		let using use used via per yet ever never one s t don doesn didn isn wasn aren won couldn wouldn`)
	onlyPortuguese = set(`nao que esta estao estava foi foram ser sao era uma umas uns para pelo pela pelos pelas com sem por
		porque como quando onde qual quais quem isso isto aquilo esse essa este estes essas aquele aquela seu sua
		seus suas meu minha nos nas dos das ao aos entre sobre ate depois antes mas tambem ja ainda muito
		mais menos mesmo cada todo toda todos todas tem tinha ter ha voce eu ele ela eles elas fazer faco faz
		devo deve pode posso podem consigo consegue aparece acontece significa quero preciso apos durante`)
	stopPortuguese = set(`a o e as os um de do da em no na se ou me te lhe à é só so la aqui ali agora sempre nunca`)
	// ambiguous words stand in the glossary and are English too.
	ambiguous = set(`status job jobs plan final log local manual agent console server command deadline normal
		commit total real data prompt limit`)
)
