package retrieve

import (
	"math"
	"slices"
	"strings"
)

// weighted is one form a word of the question may take.
type weighted struct {
	term   string
	weight float32
}

// group is a word of the question: a passage that has any of its forms has it.
type group struct {
	word  string // as asked
	terms []weighted
}

// query is a question made ready for the index.
type query struct {
	groups []group
	codes  []string
	lang   language
	wrong  bool // asks about something that goes wrong
	// sequence are the hashes of the stems of all words in their order.
	sequence []uint32
}

func (q query) empty() bool { return len(q.groups) == 0 && len(q.codes) == 0 }

// Weights of the forms of a word.
const (
	whole   = 1.0  // the word itself, or an identifier as one
	synonym = 0.75 // what the glossaries give for it
	piece   = 0.4  // a part of an identifier
	number  = 0.3  // a number of one or two digits: a time, a count
	foreign = 0.6  // a Portuguese word looked for as it stands
)

// trouble are the words of a question about a problem rather than about a use.
var trouble = set(`abend abended abends abnormal aborted alert bad blocked broken cannot corrupt corrupted crash crashed
	crashes damaged dead denied deny die died dies disappear disappeared doesn don down dump duplicate empty error
	errors exceeded exception expired fail failed failing fails failure failures fault forbidden freeze freezes frozen
	full garbled hang hangs hanging hung impossible inconsistent incorrect incorrectly insufficient invalid invalidated issue
	killed late locked lose loses losing lost mismatch missing missed never no not nothing overload overloaded problem problems
	refuse refused refuses reject rejected rejects slow slowly stale stopped stops stuck symptom timeout trouble unable
	unauthorized unavailable unexpected unlink unlinked unlinks unreachable unresponsive warning why won wrong without
	nao erro erros falha falhas falhou falhando falham problema problemas parado parou parada lento lenta travado travou
	bloqueado bloqueada cheio cheia preso expirou expirado corrompido perdeu perdido perdidos atrasado atrasada atraso
	indisponivel inacessivel recusado recusou invalido incorreto ausente abendou porque desconectam desconectado`)

// parse reads a question.
func parse(text string) query {
	if len(text) > maxQuery {
		text = strings.ToValidUTF8(text[:maxQuery], "")
	}
	q := query{codes: codesIn(text), lang: detect(text)}
	isCode := map[string]bool{}
	for _, c := range q.codes {
		isCode[strings.ToLower(c)] = true
	}
	var list []string
	words(text, func(w string) {
		if !isCode[strings.ToLower(w)] {
			list = append(list, w)
		}
		q.wrong = q.wrong || trouble[fold(w)]
	})
	if low := strings.ToLower(text); q.wrong && (strings.Contains(low, "no more than") || strings.Contains(low, "no later than")) {
		q.wrong = slices.ContainsFunc(list, func(w string) bool { w = fold(w); return w != "no" && trouble[w] })
	}
	q.wrong = q.wrong || len(q.codes) > 0
	for _, w := range list[:min(len(list), maxSequence)] {
		q.sequence = append(q.sequence, hashWord(stemEnglish(fold(w))))
	}
	q.read(list)
	q.unique()
	return q
}

// read makes groups of the words, phrases of the glossaries first.
func (q *query) read(list []string) {
	lex := glossaryEN
	if q.lang == portuguese {
		lex = glossaryPT
	}
	stems := make([]string, len(list))
	for i, w := range list {
		stems[i] = stem(fold(w), q.lang)
	}
	for i := 0; i < len(list); {
		p, ok := lex.match(stems[i:])
		if ok && (len(p.from) > 1 || q.lang == english || !stop(fold(list[i]), portuguese)) {
			q.phrase(strings.Join(list[i:i+len(p.from)], " "), p)
			i += len(p.from)
			continue
		}
		q.word(list[i])
		i++
	}
}

// phrase adds the groups a glossary entry stands for. A single word keeps its own
// form beside them.
func (q *query) phrase(asked string, p phrase) {
	spread := float32(1) // a word that stands for several counts as one and a bit
	if len(p.to) > len(p.from) {
		spread = float32(math.Sqrt(float64(len(p.from)) / float64(len(p.to))))
	}
	for _, alt := range p.to {
		g := group{word: asked}
		for i, t := range alt {
			w := synonym * spread
			if q.lang == portuguese && i == 0 {
				w = whole * spread
			}
			g.terms = append(g.terms, weighted{t, w})
		}
		if len(p.to) == 1 && len(p.from) == 1 {
			own := weighted{p.from[0], whole}
			if q.lang == portuguese {
				own.weight = foreign
			}
			g.terms = append(g.terms, own)
		}
		q.groups = append(q.groups, g)
	}
	if len(p.to) > 1 && len(p.from) == 1 { // an abbreviation may stand as it is
		q.groups = append(q.groups, group{word: asked, terms: []weighted{{p.from[0], whole}}})
	}
}

// word adds the group of one word that no glossary knows.
func (q *query) word(w string) {
	ts := terms(nil, w, english)
	if q.lang == portuguese {
		if stop(fold(w), portuguese) {
			return
		}
		if pt := stemPortuguese(fold(w)); len(ts) == 1 && pt != ts[0] {
			ts = append(ts, pt)
			q.groups = append(q.groups, group{word: w, terms: []weighted{{ts[0], whole}, {pt, foreign}}})
			return
		}
	}
	if len(ts) == 0 {
		return
	}
	weight := float32(whole)
	if len(w) < 3 && w[0] <= '9' {
		weight = number
	}
	q.groups = append(q.groups, group{word: w, terms: []weighted{{ts[0], weight}}})
	for _, t := range ts[1:] {
		q.groups = append(q.groups, group{word: w, terms: []weighted{{t, piece}}})
	}
}

// unique drops a group whose first form was asked before.
func (q *query) unique() {
	seen := map[string]bool{}
	out := q.groups[:0]
	for _, g := range q.groups {
		if !seen[g.terms[0].term] {
			seen[g.terms[0].term] = true
			out = append(out, g)
		}
	}
	q.groups = out
}
