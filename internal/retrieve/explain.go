package retrieve

import (
	"sort"
	"strings"
	"unicode/utf8"
)

// Extract is what a passage says about a problem, in its own words.
type Extract struct {
	// Title is the heading of the passage.
	Title string
	// Symptom, Cause and Fix are the sentences chosen of each; any may be empty.
	Symptom, Cause, Fix string
	// Text is the whole extract, ready to be shown: title, cause, fix and, as far
	// as there is room, the symptom. It has at most ExtractBudget characters.
	Text string
	// Codes are the message codes named in Text.
	Codes []string
	// Risk is the class of the documented fix.
	Risk Risk
}

// ExtractBudget is the most characters an extract has. A hypothesis may have
// 1,200 with its citations.
const ExtractBudget = 1000

// Explain takes the cause and the fix out of a passage: the whole answer when it
// fits, else the sentences that say most, in their order, with the commands,
// files and parameters of the rest listed at the end. Codes are those of the
// question; when the passage treats several problems, the one with these codes is
// chosen. Nothing is rephrased, so every term stands as it is documented.
func Explain(question string, codes []string, p Passage) Extract {
	e := split(p, question, codes)
	x := Extract{Title: e.title}
	room := ExtractBudget - utf8.RuneCountInString(e.title) - len("Cause:  Fix:  Symptom: ") - 4
	lead := missingCodes(e, codes, p)
	room -= utf8.RuneCountInString(lead)
	q := questionTerms(question)
	answer := pick(e.answer, q, room)
	x.Cause, x.Fix = compose(answer, roleCause), compose(answer, roleFix)
	x.Risk = stated(e.answer)
	if x.Risk == "" {
		x.Risk = riskier(ClassifyRisk(texts(e.answer, roleFix)+texts(e.answer, roleRisk)), touches(texts(e.answer, roleCause)))
	}
	room -= utf8.RuneCountInString(x.Cause) + utf8.RuneCountInString(x.Fix)
	rest := terminology(e.answer, answer, room)
	room -= utf8.RuneCountInString(rest)
	if room > 40 {
		x.Symptom = compose(pick(e.symptom, q, room), roleSymptom)
	}
	x.Text = join(lead, e.title, x.Cause, x.Fix, rest, x.Symptom)
	x.Codes = codesIn(x.Text)
	return x
}

// join puts the parts into one text.
func join(lead, title, cause, fix, rest, symptom string) string {
	var b strings.Builder
	b.WriteString(lead)
	b.WriteString(title)
	if title != "" && !strings.HasSuffix(title, ".") {
		b.WriteByte('.')
	}
	for _, part := range [...]struct{ label, text string }{
		{"Cause: ", cause}, {"Fix: ", fix}, {"", rest}, {"Symptom: ", symptom},
	} {
		if part.text != "" {
			b.WriteString(" " + part.label + part.text)
		}
	}
	return cutRunes(strings.TrimSpace(b.String()), ExtractBudget)
}

func cutRunes(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	r := []rune(s)
	return string(r[:n-1]) + "…"
}

// missingCodes names the codes of the question that the passage has and the
// chosen sentences might not.
func missingCodes(e parted, codes []string, p Passage) string {
	var out []string
	for _, c := range codes {
		for _, have := range p.Codes {
			if strings.EqualFold(c, have) && !strings.Contains(strings.ToUpper(e.title), strings.ToUpper(c)) {
				out = append(out, c)
				break
			}
		}
	}
	if len(out) == 0 {
		return ""
	}
	return strings.Join(out, ", ") + ": "
}

// questionTerms are the stems of a question's words.
func questionTerms(question string) map[string]bool {
	q := parse(question, fitted())
	m := map[string]bool{}
	for _, g := range q.groups {
		for _, t := range g.terms {
			m[t.term] = true
		}
	}
	return m
}

// pick chooses sentences within room characters and returns them in order.
func pick(all []sentence, q map[string]bool, room int) []sentence {
	size := 0
	for _, s := range all {
		size += utf8.RuneCountInString(s.text) + 1
	}
	if size <= room {
		return all
	}
	const forTerms = 160 // kept for the terms of what is left out
	room -= forTerms
	order := make([]sentence, len(all))
	for i, s := range all {
		s.score = worth(s, i, q)
		order[i] = s
	}
	sort.SliceStable(order, func(i, j int) bool { return order[i].score > order[j].score })
	var out []sentence
	for _, s := range order {
		if n := utf8.RuneCountInString(s.text) + 2; n <= room {
			out = append(out, s)
			room -= n
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].pos < out[j].pos })
	return out
}

// worth rates a sentence: exact terms, words of the question, the first sentences
// and instructions count, pointers to other books do not.
func worth(s sentence, i int, q map[string]bool) float64 {
	v := 1.0
	if i < 2 {
		v += 2
	}
	v += 1.2 * float64(min(len(exactTerms(s.text)), 3))
	if s.role == roleFix {
		v += 0.8
	}
	hits := 0
	words(s.text, func(w string) {
		for _, t := range terms(nil, w, english) {
			if q[t] {
				hits++
				break
			}
		}
	})
	v += 0.35 * float64(min(hits, 6))
	low := strings.ToLower(s.text)
	if strings.HasPrefix(low, "see ") || strings.Contains(low, "for more information") || strings.HasPrefix(low, "for example") {
		v -= 2
	}
	return v / (1 + float64(utf8.RuneCountInString(s.text))/400)
}

// compose joins the sentences of one role.
func compose(all []sentence, r role) string {
	var b strings.Builder
	for _, s := range all {
		if s.role != r {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(s.text)
	}
	return b.String()
}

// stated is the class an entry names itself, after "Risk:", or "".
func stated(all []sentence) Risk {
	for _, s := range all {
		if s.role != roleRisk {
			continue
		}
		word, _, _ := strings.Cut(s.text, " ")
		if r := Risk(strings.Trim(word, ".,;:")); r != "" && r.Level() <= Destructive.Level() {
			return r
		}
	}
	return ""
}

// texts joins all sentences of a role.
func texts(all []sentence, r role) string {
	var b strings.Builder
	for _, s := range all {
		if s.role == r {
			b.WriteString(s.text + "\n")
		}
	}
	return b.String()
}

// terminology lists the exact terms of the sentences that were left out.
func terminology(all, chosen []sentence, room int) string {
	if len(all) == len(chosen) {
		return ""
	}
	var have strings.Builder
	for _, s := range chosen {
		have.WriteString(strings.ToLower(s.text) + "\n")
	}
	known := have.String()
	const label = "Also named there: "
	var out []string
	size := len(label) + 1
	for _, s := range all {
		for _, t := range exactTerms(s.text) {
			n := utf8.RuneCountInString(t) + 2
			if strings.Contains(known, strings.ToLower(t)) || size+n > room {
				continue
			}
			known += strings.ToLower(t) + "\n"
			out = append(out, t)
			size += n
		}
	}
	if len(out) == 0 {
		return ""
	}
	return label + strings.Join(out, ", ") + "."
}
