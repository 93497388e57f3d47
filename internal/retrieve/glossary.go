package retrieve

import (
	_ "embed" // the glossaries are files of this package
	"strings"
)

// glossaryText translates the words operators use in Portuguese to the words of
// the English manuals: "portuguese = english", where | parts alternatives and a
// blank parts words that are looked for one by one. Phrases are tried before
// words; the words are compared by stem, so one form of each is enough.
//
//go:embed glossary/portuguese.txt
var glossaryText string

// synonymText spells out what operators abbreviate, and joins words of the field
// that mean the same, within English.
//
//go:embed glossary/english.txt
var synonymText string

// phrase is a glossary entry: the stems that must follow each other, and the
// groups of English terms they stand for.
type phrase struct {
	from []string
	to   [][]string
}

// lexicon finds phrases by their first stem, longest first.
type lexicon map[string][]phrase

// glossaryPT and glossaryEN are read from the texts above once and never change.
var (
	glossaryPT = readLexicon(glossaryText, portuguese)
	glossaryEN = readLexicon(synonymText, english)
)

func readLexicon(text string, lang language) lexicon {
	lex := lexicon{}
	for ln := range strings.Lines(text) {
		from, to, ok := strings.Cut(strings.TrimSpace(ln), " = ")
		if !ok {
			continue
		}
		p := phrase{}
		for w := range strings.FieldsSeq(from) {
			p.from = append(p.from, stem(w, lang))
		}
		for w := range strings.FieldsSeq(to) {
			var alt []string
			for a := range strings.SplitSeq(w, "|") {
				alt = append(alt, stemEnglish(a))
			}
			p.to = append(p.to, alt)
		}
		lex[p.from[0]] = insert(lex[p.from[0]], p)
	}
	return lex
}

// insert keeps the phrases of one first stem longest first; the earlier of two
// equally long ones wins.
func insert(list []phrase, p phrase) []phrase {
	i := 0
	for i < len(list) && len(list[i].from) >= len(p.from) {
		i++
	}
	return append(list[:i], append([]phrase{p}, list[i:]...)...)
}

// match is the longest phrase that the stems begin with.
func (l lexicon) match(stems []string) (phrase, bool) {
	if len(stems) == 0 {
		return phrase{}, false
	}
next:
	for _, p := range l[stems[0]] {
		if len(p.from) > len(stems) {
			continue
		}
		for i, w := range p.from {
			if stems[i] != w {
				continue next
			}
		}
		return p, true
	}
	return phrase{}, false
}

// glossaryHas says whether a folded word begins a Portuguese entry.
func glossaryHas(low string) bool {
	for _, p := range glossaryPT[stemPortuguese(low)] {
		if len(p.from) == 1 && stemEnglish(low) != p.to[0][0] {
			return true
		}
	}
	return false
}
