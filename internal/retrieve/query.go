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
	word    string // as asked
	terms   []weighted
	related bool // added by a concept
}

// query is a question made ready for the index.
type query struct {
	groups []group
	codes  []string
	lang   language
	wrong  bool // asks about something that goes wrong
	wish   bool // asks how something is done
	// sequence are the hashes of the stems of all words in their order.
	sequence []uint32
	use      *Weights
}

func (q query) empty() bool { return len(q.groups) == 0 && len(q.codes) == 0 }

// Weights of the forms of a word.
const (
	whole   = 1.0 // the word itself, or an identifier as one
	piece   = 0.4 // a part of an identifier
	number  = 0.3 // a number of one or two digits: a time, a count
	foreign = 0.6 // a Portuguese word looked for as it stands
)

// trouble are the words of a question about a problem rather than about a use.
var trouble = set(`abend abended abends abnormal aborted bad broken cannot corrupt corrupted crash crashed
	crashes damaged dead denied deny died die dies disappear disappeared doesn don dump duplicate error
	errors exceeded exception expired fail failed failing fails failure failures fault forbidden freeze freezes frozen
	garbled hang hangs hanging hung impossible inconsistent incorrect incorrectly insufficient invalid invalidated issue
	lose loses losing lost mismatch missing missed overload overloaded problem problems
	refuse refused refuses reject rejected rejects stale stuck symptom timeout trouble unable
	unauthorized unavailable unexpected unlink unlinked unlinks unreachable unresponsive warning why won wrong
	erro erros falha falhas falhou falhando falham problema problemas travado travou
	preso expirou expirado corrompido perdeu perdido perdidos
	indisponivel inacessivel recusado recusou invalido incorreto abendou porque desconectam desconectado`)

// doubtful are words of problems and of wishes alike: a job that does not start, and
// one that must not start.
var doubtful = set(`alert blocked down empty full killed late locked never no not nothing slow slowly stopped stops without
	nao parado parou parada lento lenta bloqueado bloqueada cheio cheia atrasado atrasada atraso ausente`)

// wish are the words of somebody who wants to do something.
var wish = set(`how want wants wanted like need needs which where can could should must way command allow prefer
	como quero queremos preciso precisamos qual quais onde posso podemos gostaria devo deve tem comando`)

// talk are words of conversation: they tell how somebody asks, not what about. A
// manual hardly has them, which would make each the word that decides.
var talk = set(`able actually ahead already although always anybody anyone anything anyway around ask asked asking asks away
	behind bit boss came care case chance chances clear clearly colleague colleagues come comes coming couple course customer
	customers doubt easily easy either else enough especially even evening everybody everyone everything exactly
	expect expected feel few figure find finding finds fine found give gave given gives giving glad go goes going
	gone good great guess guy guys half hand happening hard hear heard hello hey hi hope however instead itself
	keep keeping keeps kept kind knew know knowing known knows lately leave leaves left lets like liked
	likes little live long longer look looked looking looks lot lots made make makes making many matter maybe middle mind
	moment morning much myself near nearly need needed needs nice night nobody noon nothing notice noticed
	now often ok okay ought ours ourselves people perhaps person piece pieces plenty
	possible possibly prefer pretty probably properly put puts putting quick quickly quite rather really reason
	saw say saying says see seeing seem seemed seems seen several she he shortly side simple simply since somebody somehow someone
	something sometimes somewhere soon spot straight stuff suddenly sunday monday tuesday wednesday thursday friday saturday
	sure suspiciously supposed take taken takes taking talk talks team teams telling tells thank thanks themselves they thing things
	think thinks though thought till today together told tomorrow tonight took touch touching tried tries
	true try trying turn turned turning turns twice until us usual usually want wanted wants way ways
	well went whatever whenever wherever whether whole wish wonder worry yes yesterday yet yourself`)

// parse reads a question.
func parse(text string, use *Weights) query {
	if len(text) > maxQuery {
		text = strings.ToValidUTF8(text[:maxQuery], "")
	}
	q := query{codes: codesIn(text), lang: detect(text), use: use}
	isCode := map[string]bool{}
	for _, c := range q.codes {
		isCode[strings.ToLower(c)] = true
	}
	var list []string
	words(text, func(w string) {
		if !isCode[strings.ToLower(w)] {
			list = append(list, w)
		}
	})
	q.wrong = len(q.codes) > 0 || wrong(list)
	q.wish = !q.wrong && wishes(list)
	for _, w := range list[:min(len(list), maxSequence)] {
		q.sequence = append(q.sequence, hashWord(stemEnglish(fold(w))))
	}
	q.read(list)
	q.relate(list)
	q.unique()
	return q
}

// wrong says whether the words tell of a problem.
func wrong(list []string) bool {
	any := func(words map[string]bool) bool {
		return slices.ContainsFunc(list, func(w string) bool { return words[fold(w)] })
	}
	return any(trouble) || any(doubtful) && !any(wish)
}

// wishes says whether the words ask how something is done.
func wishes(list []string) bool {
	return slices.ContainsFunc(list, func(w string) bool { return wish[fold(w)] })
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
			w := q.use.Synonym * spread
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
	switch {
	case len(w) < 3 && w[0] <= '9':
		weight = number
	case talk[fold(w)]:
		weight = q.use.Loose
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
