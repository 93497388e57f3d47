package retrieve

import (
	"sort"
	"strings"
	"unicode/utf8"

	"resync/chunk"
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

// role of a sentence in an entry.
type role uint8

const (
	roleSymptom role = iota
	roleCause
	roleFix
	roleRisk
)

// sentence is one sentence, list item or table row of a passage.
type sentence struct {
	text  string
	role  role
	pos   int
	score float64
}

// parted is a passage taken apart.
type parted struct {
	title           string
	symptom, answer []sentence
}

// split finds the symptom and the answer in a passage.
func split(p Passage, question string, codes []string) parted {
	e := parted{title: p.Title}
	lines := strings.Split(chunk.Plain(p.Text), "\n")
	if len(lines) > 0 && sameHeading(lines[0], p.Title) {
		lines = lines[1:]
	}
	lines = problem(lines, question, codes)
	now, marked := roleSymptom, false
	for _, ln := range lines {
		if label, rest := marker(ln); label != "" {
			now, marked = labelRole(label), true
			ln = rest
		}
		if idle[strings.ToLower(strings.Trim(ln, ": "))] {
			continue
		}
		for _, s := range sentences(ln) {
			if now == roleSymptom {
				e.symptom = append(e.symptom, sentence{text: s, pos: len(e.symptom)})
				continue
			}
			e.answer = append(e.answer, sentence{text: s, role: now, pos: len(e.answer)})
		}
	}
	if !marked { // everything may answer
		e.answer, e.symptom = e.symptom, nil
		for i := range e.answer {
			e.answer[i].role = roleCause
		}
	}
	divide(e.answer)
	return e
}

// idle are headings inside an entry that say nothing.
var idle = map[string]bool{
	"about this task": true, "results": true, "result": true, "what to do next": true, "before you begin": true,
	"example": true, "note": true,
}

// divide tells the cause from the fix in what stands under one marker: from the
// first sentence that says what to do, everything is the fix.
func divide(answer []sentence) {
	acting := false
	for i := range answer {
		s := &answer[i]
		if s.role != roleCause {
			acting = false
			continue
		}
		if acting = acting || isFix(s.text); acting {
			s.role = roleFix
		}
	}
}

func sameHeading(line, title string) bool {
	return strings.EqualFold(strings.TrimSpace(line), strings.TrimSpace(title))
}

// problem narrows a passage that treats several problems, each with its own
// "Cause and solution:", to the one the codes belong to.
func problem(lines []string, question string, codes []string) []string {
	var starts []int // first line of each problem
	marks, from := 0, 0
	for i, ln := range lines {
		if label, _ := marker(ln); label == "" || labelRole(label) != roleCause {
			continue
		}
		if marks++; marks > 1 {
			from = startOf(lines, starts[len(starts)-1]+1, i)
		}
		starts = append(starts, from)
	}
	if marks < 2 {
		return lines
	}
	best, most := 0, -1
	for i, s := range starts {
		end := len(lines)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		text := strings.ToUpper(strings.Join(lines[s:end], "\n"))
		n := 0
		for _, c := range codes {
			if strings.Contains(text, strings.ToUpper(c)) {
				n += 10
			}
		}
		for t := range questionTerms(question) {
			if strings.Contains(text, strings.ToUpper(t)) {
				n++
			}
		}
		if n > most {
			best, most = i, n
		}
	}
	end := len(lines)
	if best+1 < len(starts) {
		end = starts[best+1]
	}
	return lines[starts[best]:end]
}

// startOf is where the problem with its marker on line mark begins: at the first
// line after the previous marker that opens with a message code, else at the
// marker.
func startOf(lines []string, after, mark int) int {
	for i := after; i < mark; i++ {
		word, _, _ := strings.Cut(strings.TrimRight(lines[i], ":"), " ")
		if found := codesIn(word); len(found) > 0 {
			return i
		}
	}
	return mark
}

// markers announce a part of an entry, in the manuals and in our handbook.
var markers = []struct {
	label string
	role  role
}{
	{"causes and solutions", roleCause}, {"cause and solution", roleCause}, {"cause and resolution", roleCause},
	{"possible causes", roleCause}, {"possible cause", roleCause}, {"explanation", roleCause}, {"meaning", roleCause},
	{"causa e solução", roleCause}, {"causa", roleCause}, {"cause", roleCause}, {"causes", roleCause},
	{"symptoms", roleSymptom}, {"symptom", roleSymptom}, {"sintoma", roleSymptom}, {"problem", roleSymptom},
	{"solutions", roleFix}, {"solution", roleFix}, {"solução", roleFix}, {"resolution", roleFix},
	{"workaround", roleFix}, {"operator response", roleFix}, {"user response", roleFix}, {"what to do", roleFix},
	{"what to check", roleFix}, {"check", roleFix}, {"do", roleFix}, {"fix", roleFix}, {"o que fazer", roleFix},
	{"system action", roleCause}, {"risk", roleRisk}, {"risco", roleRisk},
}

// marker takes "Cause and solution:" off the start of a line.
func marker(ln string) (label, rest string) {
	low := strings.ToLower(ln)
	for _, m := range markers {
		tail, ok := strings.CutPrefix(low, m.label)
		if !ok {
			continue
		}
		tail = strings.TrimSpace(tail)
		if tail == "" || tail[0] == ':' || tail[0] == '.' && tail == "." {
			at := len(ln) - len(tail)
			return m.label, strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(ln[at:], ":"), "."))
		}
	}
	return "", ln
}

func labelRole(label string) role {
	for _, m := range markers {
		if m.label == label {
			return m.role
		}
	}
	return roleCause
}

// sentences cuts a line after ". ", "? " or "! " before a capital, a quote or an
// opening bracket.
func sentences(ln string) []string {
	var out []string
	from := 0
	for i := 1; i+2 < len(ln); i++ {
		if ln[i+1] != ' ' || ln[i] != '.' && ln[i] != '?' && ln[i] != '!' {
			continue
		}
		if next := ln[i+2]; next >= 'a' && next <= 'z' || isNumber(ln[from:i]) || strings.HasSuffix(ln[:i], "e.g") || i-from < 4 {
			continue
		}
		out = append(out, strings.TrimSpace(ln[from:i+1]))
		from = i + 2
	}
	if rest := strings.TrimSpace(ln[from:]); rest != "" {
		out = append(out, rest)
	}
	return out
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789 ") == ""
}

// isFix says whether a sentence tells what to do.
func isFix(s string) bool {
	s = strings.TrimLeft(s, "-•*0123456789.)( ")
	low := strings.ToLower(s)
	first, rest, _ := strings.Cut(low, " ")
	if imperative[strings.Trim(first, ",:")] {
		return true
	}
	if first == "if" || first == "when" || first == "otherwise" || first == "then" || first == "in" || first == "on" {
		if _, then, ok := strings.Cut(rest, ", "); ok {
			if first, _, _ = strings.Cut(then, " "); imperative[strings.Trim(first, ",:")] {
				return true
			}
		}
	}
	for _, t := range fixPhrases {
		if strings.Contains(low, t) {
			return true
		}
	}
	return false
}

var (
	imperative = set(`run issue set change edit add delete remove rerun restart start stop increase decrease
		specify ensure verify check make use select click open enter copy rename create install reinstall
		replace define reset modify update perform follow insert wait contact apply enable disable configure
		unlock link unlink raise lower grant assign move save log submit kill release confirm cancel reply
		adjust correct repeat switch look see consult free reduce rebuild disconnect reconnect import export
		choose type give recover uncomment locate collect reproduce unset tune ask find compare call accept
		reload regenerate resend analyze analyse reorganize redo recreate redefine resubmit avoid try upgrade download remember`)
	fixPhrases = []string{
		"to solve", "to resolve", "to correct", "to fix", "to avoid", "to work around", "workaround", "to recover",
		"you must", "you need to", "you can ", "you should", "make sure", "ensure that", "is to ", "to prevent",
		"to overcome", "to eliminate", "must be", "should be", "solution",
	}
)

// questionTerms are the stems of a question's words.
func questionTerms(question string) map[string]bool {
	q := parse(question)
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
