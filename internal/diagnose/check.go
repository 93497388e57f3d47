package diagnose

import (
	"regexp"
	"strings"
	"unicode"

	"resync/hwa/msgcode"
)

// Doubt is something a sentence says that its evidence does not bear out.
type Doubt struct {
	Sentence int    // index into Answer.Sentences
	Kind     string // evidence, name, time, code, number, status or quote
	Said     string // what could not be found
}

// Check compares every sentence with the evidence it cites: job and other
// names, times, message codes, numbers, statuses and quoted words must occur
// there. It sets Sentence.Confirmed and returns what it could not find. A
// sentence that cites nothing is never confirmed.
func Check(a *Answer) []Doubt {
	byID := make(map[string]*Evidence, len(a.Evidence))
	for i := range a.Evidence {
		byID[a.Evidence[i].ID] = &a.Evidence[i]
	}
	var out []Doubt
	for i := range a.Sentences {
		doubts := checkSentence(&a.Sentences[i], byID)
		for k := range doubts {
			doubts[k].Sentence = i
		}
		a.Sentences[i].Confirmed = len(doubts) == 0
		out = append(out, doubts...)
	}
	return out
}

func checkSentence(s *Sentence, byID map[string]*Evidence) []Doubt {
	var b strings.Builder
	found := false
	for _, id := range s.Evidence {
		if ev := byID[id]; ev != nil {
			found = true
			b.WriteString(ev.Title + "\n" + ev.Text + "\n" + ev.Source + "\n")
		}
	}
	if !found {
		return []Doubt{{Kind: "evidence", Said: "no evidence is cited"}}
	}
	known := newKnown(b.String())
	var out []Doubt
	for _, t := range tokens(s.Text) {
		if !known.has(t) {
			out = append(out, Doubt{Kind: t.kind, Said: t.text})
		}
	}
	for _, q := range quotes(s.Text) {
		if !known.quoted(q) {
			out = append(out, Doubt{Kind: "quote", Said: q})
		}
	}
	return out
}

// token is a part of a sentence that can be right or wrong.
type token struct{ kind, text string }

var (
	timeRE   = regexp.MustCompile(`^(?:\d{4}-\d\d-\d\d(?:T[\d:.]+Z?)?|\d\d:\d\d(?::\d\d)?)$`)
	numberRE = regexp.MustCompile(`^[+-]?\d+(?:[.,]\d+)*%?$`)
	markerRE = regexp.MustCompile(`\[\d+\]`)
	quoteRE  = regexp.MustCompile(`“([^”]*)”`)
)

// parts cuts a text at white space and punctuation that is no part of a name,
// number or time, and trims what punctuation is left.
func parts(text string) []string {
	words := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`“”"'()[]{};,!?=<>`, r) })
	for i, w := range words {
		words[i] = strings.Trim(w, ".:*-")
	}
	return words
}

// statusWords are the engine's words for how a job, stream, prompt or
// dependency stands; a sentence that uses one states a fact.
var statusWords = func() map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(`HOLD READY FENCE INTRO FAIL EXEC WAIT SUPPR SUCC SUCCP ABEND CANCL CANCLP ABENP PEND SUSP STUCK EXTRN
		INTRPT COMPLT ERROR PENDPRED STARTED UNDCDED WAITING COMPLETED RUNNING SUCCESSFUL CANCELED HELD UNDECIDED BLOCKED SUPPRESS
		SATISFIED UNSATISFIED UNBOUND ASKED AVAILABLE LINKED UNLINKED`) {
		m[w] = true
	}
	return m
}()

// tokens takes the checkable parts out of a sentence. Quoted text is left to
// the comparison of quotes.
func tokens(text string) []token {
	text = quoteRE.ReplaceAllString(markerRE.ReplaceAllString(text, " "), " ")
	var out []token
	for _, w := range parts(text) {
		if kind := kindOf(w); kind != "" {
			out = append(out, token{kind, w})
		}
	}
	return out
}

func kindOf(w string) string {
	switch {
	case w == "":
		return ""
	case timeRE.MatchString(w):
		return "time"
	case numberRE.MatchString(w):
		return "number"
	case statusWords[w]:
		return "status"
	}
	if _, ok := msgcode.Normalize(w); ok {
		return "code"
	}
	if looksLikeName(w) {
		return "name"
	}
	return ""
}

// looksLikeName reports whether a word has the form of an object's name:
// capitals with an underscore, a digit, a hash sign, or the WS#STREAM.JOB form.
func looksLikeName(w string) bool {
	letters, special := 0, false
	for _, r := range w {
		switch {
		case r >= 'A' && r <= 'Z':
			letters++
		case r >= '0' && r <= '9', r == '_', r == '#':
			special = true
		case r == '.', r == '-', r == '/', r == '@', r == '$':
		default:
			return strings.Contains(w, "#") && letters > 0
		}
	}
	return letters >= 2 && special && len(w) >= 3
}

func quotes(text string) []string {
	var out []string
	for _, m := range quoteRE.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

// known is the text of the evidence made ready for comparison.
type known struct {
	folded string          // upper case, runs of white space made one
	exact  map[string]bool // words and numbers as they stand
}

func newKnown(text string) *known {
	k := &known{folded: fold(text), exact: map[string]bool{}}
	for _, w := range parts(text) {
		k.exact[w] = true
	}
	for _, m := range msgcode.Codes(text) {
		k.exact[m.Text] = true
	}
	return k
}

func fold(s string) string { return strings.ToUpper(strings.Join(strings.Fields(s), " ")) }

func (k *known) has(t token) bool {
	switch t.kind {
	case "number", "status":
		return k.exact[t.text]
	case "code":
		c, _ := msgcode.Normalize(t.text)
		return k.exact[c.Text] || k.exact[t.text]
	case "time":
		return k.exact[t.text] || strings.Contains(k.folded, strings.ToUpper(t.text))
	}
	return k.name(strings.ToUpper(t.text))
}

// name wants the whole name: PAYROLL_NET is not borne out by PAYROLL_NET2.
func (k *known) name(name string) bool {
	for from := 0; ; {
		i := strings.Index(k.folded[from:], name)
		if i < 0 {
			return false
		}
		i += from
		end := i + len(name)
		if (i == 0 || !nameByte(k.folded[i-1])) && (end == len(k.folded) || !nameByte(k.folded[end])) {
			return true
		}
		from = i + 1
	}
}

func nameByte(c byte) bool { return c == '_' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' }

// quoted wants the words in order; an ellipsis at the end stands for more.
func (k *known) quoted(q string) bool {
	q = strings.TrimSuffix(strings.TrimSpace(q), "…")
	return strings.Contains(k.folded, fold(q))
}
