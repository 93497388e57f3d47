package conman

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"resync/hwa/msgcode"
)

// Kind is what a candidate names, as far as the text tells.
type Kind string

// The kinds. KindName is an identifier whose kind the text leaves open.
const (
	KindName        Kind = "name"
	KindJob         Kind = "job"
	KindStream      Kind = "job stream"
	KindWorkstation Kind = "workstation"
	KindResource    Kind = "resource"
	KindPrompt      Kind = "prompt"
	KindJobNumber   Kind = "job number"
	KindID          Kind = "id" // UUID of a plan object
)

// Candidate is a piece of text that may name an object of the plan.
type Candidate struct {
	Start, End int // byte offsets of Text
	Text       string
	Kind       Kind
	Name       Name // zero for KindID
	Quoted     bool
}

// Extract finds the candidates of a text in order. Message codes are none.
func Extract(text string) []Candidate {
	x := &extractor{text: text, codes: msgcode.Find(text)}
	x.tokens = tokenize(text)
	x.shouting = isShouting(x.tokens)
	for i := range x.tokens {
		if c, ok := x.candidate(i); ok {
			x.out = append(x.out, c)
			x.tokens[i].taken = c.Kind
		}
	}
	return x.out
}

type extractor struct {
	text     string
	codes    []msgcode.Match
	tokens   []token
	shouting bool // the text is written in capitals, so capitals mean nothing
	out      []Candidate
}

// candidate judges one token.
func (x *extractor) candidate(i int) (Candidate, bool) {
	t := &x.tokens[i]
	c := Candidate{Start: t.start, End: t.end, Text: t.text, Quoted: t.quoted}
	if !t.quoted && isPlain(t.text) || t.foreign || x.isCode(t) {
		return c, false
	}
	if isUUID(t.text) {
		c.Kind = KindID
		return c, true
	}
	cue := x.cue(i)
	if number, ok := strings.CutPrefix(t.text, "#"); ok {
		c.Kind, c.Name.JobNumber = KindJobNumber, strings.TrimPrefix(strings.ToUpper(number), "J")
		return c, isDigits(c.Name.JobNumber) && (cue == KindJob || c.Name.JobNumber != number)
	}
	n, err := Parse(t.text)
	if err != nil {
		return c, false
	}
	if c.Name = n; !x.accepts(i, n, cue) {
		return c, false
	}
	c.Kind = kindOf(n, cue)
	return c, true
}

// isPlain reports an ordinary word: small letters, the first perhaps a capital.
func isPlain(word string) bool {
	for i := range len(word) {
		if !isLetter(word[i]) || i > 0 && word[i] < 'a' {
			return false
		}
	}
	return true
}

// isCode reports whether a message code stands in the token.
func (x *extractor) isCode(t *token) bool {
	for len(x.codes) > 0 && x.codes[0].End <= t.start {
		x.codes = x.codes[1:] // tokens come in order
	}
	return len(x.codes) > 0 && x.codes[0].Start < t.end
}

func kindOf(n Name, cue Kind) Kind {
	switch {
	case n.JobNumber != "":
		return KindJobNumber
	case n.Job != "":
		return KindJob
	case n.Workstation != "" && n.Stream == "" && n.ID == "":
		return KindWorkstation
	case n.Workstation != "" && (cue == KindResource || cue == KindJob):
		return cue // WS#RESOURCE; WS#NAME after "job" is a job definition
	case n.Workstation != "" || n.ID != "" || n.SchedTime != "":
		return KindStream
	case cue != "":
		return cue
	}
	return KindName
}

// accepts decides by the form of a parsed token and the words around it.
func (x *extractor) accepts(i int, n Name, cue Kind) bool {
	t := &x.tokens[i]
	switch {
	case n.Workstation != "":
		return len(n.Workstation) > 1 || n.Stream != "" || isWildcard(n.Workstation[0]) || n.ID != "" || n.JobNumber != ""
	case n.ID != "" || n.SchedTime != "":
		return true
	case n.Job != "":
		return acceptDotted(n, cue != "" || t.quoted)
	case n.Folder != "":
		return acceptPath(n, t.quoted)
	case t.quoted:
		return cue != "" && cue != KindPrompt || !isState(t.text) && !isKeyword(t.text)
	}
	return x.acceptWord(i, n.Stream, cue)
}

// acceptDotted tells STREAM.JOB from file names, versions and abbreviations.
func acceptDotted(n Name, hinted bool) bool {
	if !startsName(n.Stream) || !startsName(n.Job) || len(n.Stream) < 2 && n.Stream != "@" {
		return false
	}
	if n.Folder != "" {
		return isCapitals(n.Stream+n.Job) || hinted
	}
	if isExtension(n.Job) && !(hinted && isCapitals(n.Stream+n.Job)) {
		return false
	}
	return hinted || isCapitals(n.Stream+n.Job) && (len(n.Job) > 1 || n.Job == "@")
}

// acceptPath tells a folder of the plan from a path of the file system and from
// "AND/OR": plan folders are written in capitals, with a leading slash or an
// identifier at the end.
func acceptPath(n Name, quoted bool) bool {
	whole := n.Folder + n.Stream
	if !startsName(n.Stream) || !startsName(strings.TrimPrefix(n.Folder, "/")+n.Stream) {
		return false
	}
	if !isCapitals(strings.ReplaceAll(whole, "/", "")) || isAcronym(n.Stream) && isAcronym(n.Folder) {
		return false
	}
	return quoted || strings.ContainsAny(whole, "_0123456789@") || len(n.Stream) > 3 && len(n.Folder) > 3
}

// acceptWord judges a single word.
func (x *extractor) acceptWord(i int, word string, cue Kind) bool {
	capitals, marked := isCapitals(word), isMarked(word)
	switch {
	case !startsName(word) || len(word) < 2 || isState(word) || isTechnical(word) || isOrdinary(word):
		return false
	case isKeyword(word):
		return cue != "" && (capitals || hasInnerCapital(word))
	case isAcronym(word):
		return capitals && x.cueBefore(i) != ""
	case strings.Contains(strings.Trim(word, "_"), "_"):
		return true
	case capitals && x.shouting:
		return strings.ContainsAny(word, "0123456789@%") || x.cueBefore(i) != ""
	case capitals:
		return marked || cue != "" || len(word) > 2
	}
	return cue != "" && (marked || hasInnerCapital(word))
}

// isMarked reports whether a word has the mark of an identifier: a digit, an
// underscore, a wildcard, or a hyphen between capitals.
func isMarked(word string) bool {
	return strings.ContainsAny(word, "_0123456789@%") || strings.Contains(word, "-") && isCapitals(word)
}

func startsName(s string) bool { return s != "" && (isLetter(s[0]) || isWildcard(s[0])) }

// isCapitals reports whether s has no small letter and at least one capital or @.
func isCapitals(s string) bool {
	return s == strings.ToUpper(s) && strings.ContainsFunc(s, func(r rune) bool { return unicode.IsUpper(r) || r == '@' })
}

func hasInnerCapital(s string) bool {
	return len(s) > 2 && s[1:] != strings.ToLower(s[1:]) && s != strings.ToUpper(s)
}

func isUUID(s string) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	return strings.Trim(s, "0123456789abcdefABCDEF-") == ""
}

// isShouting reports whether most words are in capitals.
func isShouting(tokens []token) bool {
	capitals, small := 0, 0
	for _, t := range tokens {
		switch {
		case t.quoted || strings.ContainsAny(t.text, "#_0123456789./@"):
		case t.text == strings.ToUpper(t.text):
			capitals++
		default:
			small++
		}
	}
	return capitals > 2 && small <= capitals/3
}

// token is a word of the text, or what stands between quotes.
type token struct {
	text       string
	start, end int
	quoted     bool
	foreign    bool // part of an address, a path with a scheme, or a word with letters beyond ASCII
	taken      Kind // kind of the candidate that it became
}

// tokenize cuts the text at blanks and punctuation. Characters that names use
// stay: # . / @ % _ - and a schedule time in parentheses.
func tokenize(text string) []token {
	var out []token
	for i := 0; i < len(text); {
		if end := quotedAt(text, i); end > 0 {
			_, width := utf8.DecodeRuneInString(text[i:])
			out = append(out, token{text: text[i+width : end], start: i + width, end: end, quoted: true})
			_, closing := utf8.DecodeRuneInString(text[end:])
			i = end + closing
			continue
		}
		end := wordEnd(text, i)
		if end == i {
			_, width := utf8.DecodeRuneInString(text[i:])
			i += width
			continue
		}
		t := token{text: trimEnd(text[i:end]), start: i, foreign: hasForeign(text[i:end]) || isAddress(text, i, end)}
		t.end = i + len(t.text)
		if t.text != "" {
			out = append(out, t)
		}
		i = end
	}
	return out
}

// wordEnd is the end of the word at i, i when none starts there.
func wordEnd(text string, i int) int {
	for i < len(text) {
		c := text[i]
		switch {
		case c >= utf8.RuneSelf:
			r, width := utf8.DecodeRuneInString(text[i:])
			if !unicode.IsLetter(r) && !unicode.IsMark(r) {
				return i
			}
			i += width
		case isNameByte(c) || isWildcard(c) || strings.IndexByte("#./", c) >= 0 || c == ':' && strings.HasPrefix(text[i:], "::") || c == ':' && i > 0 && text[i-1] == ':':
			i++
		case c == '(' || c == '[':
			n := instanceLength(text[i:])
			if n == 0 {
				return i
			}
			i += n
		case c == ';' && len(text) >= i+8 && strings.EqualFold(text[i+1:i+8], "schedid"):
			i += 8
		default:
			return i
		}
	}
	return i
}

// instanceLength is the length of "(hhmm date)" or "[(hhmm date),(id)]" at the
// start of s, 0 when something else stands there.
func instanceLength(s string) int {
	closing := byte(')')
	if s[0] == '[' {
		closing = ']'
	}
	end := strings.IndexByte(s[:min(len(s), 64)], closing)
	if end < 0 {
		return 0
	}
	if _, err := Parse("A#B" + s[:end+1]); err != nil {
		return 0
	}
	return end + 1
}

// trimEnd drops punctuation that ends a sentence. A question mark after _ or
// another wildcard is part of a pattern.
func trimEnd(s string) string {
	for s != "" {
		last := s[len(s)-1]
		pattern := last == '?' && len(s) > 1 && (s[len(s)-2] == '_' || isWildcard(s[len(s)-2]))
		if strings.IndexByte(".?-/:%", last) < 0 || pattern || last == '%' && len(s) > 1 && isLetterOrUnderscore(s[len(s)-2]) {
			break
		}
		s = s[:len(s)-1]
	}
	return s
}

func isLetterOrUnderscore(c byte) bool { return isLetter(c) || c == '_' }

func hasForeign(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

// isAddress recognises parts of URLs and mail addresses.
func isAddress(text string, start, end int) bool {
	word := text[start:end]
	if strings.HasPrefix(word, "//") || start > 0 && text[start-1] == ':' && strings.Contains(word, "/") || strings.HasPrefix(text[end:], "://") {
		return true
	}
	local, domain, ok := strings.Cut(word, "@")
	return ok && local != "" && !strings.Contains(word, "#") && strings.Contains(domain, ".") && domain != strings.ToUpper(domain)
}

// quotedAt returns the end of a quoted name that starts at i, 0 for none. The
// quote must open a word and hold no blank outside a schedule time.
func quotedAt(text string, i int) int {
	r, width := utf8.DecodeRuneInString(text[i:])
	closing := closingQuote(r)
	if closing == "" || i > 0 && !unicode.IsSpace(lastRune(text[:i])) && strings.IndexByte("([{=,:", text[i-1]) < 0 {
		return 0
	}
	const longest = 160
	n := strings.Index(text[i+width:min(len(text), i+width+longest)], closing)
	if n <= 0 {
		return 0
	}
	end := i + width + n
	if next, _ := utf8.DecodeRuneInString(text[end+len(closing):]); unicode.IsLetter(next) {
		return 0
	}
	if _, err := Parse(text[i+width : end]); err != nil {
		return 0
	}
	return end
}

func closingQuote(open rune) string {
	switch open {
	case '\'', '"', '`':
		return string(open)
	case '“':
		return "”"
	case '‘':
		return "’"
	case '«':
		return "»"
	case '„':
		return "“"
	}
	return ""
}

func lastRune(s string) rune {
	r, _ := utf8.DecodeLastRuneInString(s)
	return r
}
