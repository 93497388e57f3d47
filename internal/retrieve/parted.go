package retrieve

import (
	"strings"

	"resync/chunk"
)

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
