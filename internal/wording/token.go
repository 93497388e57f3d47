package wording

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"resync/hwa/msgcode"
)

// kind is what a token is.
type kind uint8

const (
	plain  kind = iota // a word of a language, in lower case
	exact              // a name, number, code, option: as it was written
	quoted             // what stood in quotes: as it was written
	mark               // punctuation
	frame              // a way of asking that has several wordings
)

// token is a piece of a question.
type token struct {
	kind kind
	text string
}

// is reports whether a token is one of some words, separated by |.
func (t token) is(words string) bool {
	if t.kind != plain && t.kind != mark {
		return false
	}
	for w := range strings.SplitSeq(words, "|") {
		if t.text == w {
			return true
		}
	}
	return false
}

// written is a token as it stands in a form. What could be taken for a token of
// another kind is escaped.
func (t token) written() string {
	switch t.kind {
	case quoted:
		return "q" + strconv.QuoteToASCII(t.text)
	case frame:
		return "<" + t.text + ">"
	case exact:
		return "=" + strconv.QuoteToASCII(t.text)
	}
	return strconv.QuoteToASCII(t.text)
}

// quotes are the signs that begin a quotation with those that end it.
var quotes = map[rune]rune{'"': '"', '`': '`', '“': '”', '„': '“', '«': '»', '‘': '’', '\'': '\''}

// split cuts a text into tokens. Every character that is no white space is in one
// of them.
func split(text string) []token {
	var out []token
	for text = strings.TrimLeftFunc(text, unicode.IsSpace); text != ""; text = strings.TrimLeftFunc(text, unicode.IsSpace) {
		if inner, rest, ok := quotation(text); ok {
			out = append(out, token{quoted, inner})
			text = rest
			continue
		}
		end := strings.IndexFunc(text, unicode.IsSpace)
		if end < 0 {
			end = len(text)
		}
		word := text[:end]
		// "the file (as in 'x y')": a quotation may begin behind an opening bracket.
		if r, n := utf8.DecodeRuneInString(word); strings.ContainsRune(opening, r) && n < len(word) {
			out = append(out, token{mark, word[:n]})
			text = text[n:]
			continue
		}
		out = append(out, piece(word, begins(out))...)
		text = text[end:]
	}
	return out
}

const (
	opening = "([{¿¡"
	closing = ")]},;:.?!…"
)

// quotation cuts a quotation off the beginning of a text. A sign without its end
// is none, nor is an apostrophe that stands within a word.
func quotation(text string) (inner, rest string, ok bool) {
	open, n := utf8.DecodeRuneInString(text)
	end, ok := quotes[open]
	if !ok {
		return "", text, false
	}
	for at := n; ; {
		i := strings.IndexRune(text[at:], end)
		if i < 0 {
			return "", text, false
		}
		at += i + utf8.RuneLen(end)
		next, _ := utf8.DecodeRuneInString(text[at:])
		if at == len(text) || unicode.IsSpace(next) || strings.ContainsRune(closing, next) {
			return text[n : at-utf8.RuneLen(end)], text[at:], true
		}
		if open != '\'' && open != '‘' {
			return "", text, false // "a"b is one odd piece
		}
	}
}

// begins reports whether the next token begins a sentence.
func begins(before []token) bool {
	if len(before) == 0 {
		return true
	}
	last := before[len(before)-1]
	return last.kind == mark && strings.Contains(".?!…¿¡", last.text)
}

// piece makes tokens of a piece of text without white space: marks behind it are
// tokens of their own.
func piece(word string, first bool) []token {
	core := strings.TrimRight(word, closing)
	if core == "" {
		return []token{{mark, word}}
	}
	if strings.ContainsAny(core, "#@*_/\\") && strings.HasPrefix(word[len(core):], "?") {
		core = word[:len(core)+len(word[len(core):])-len(strings.TrimLeft(word[len(core):], "?"))] // a wildcard: WS#PAY?
	}
	out := words(core, first)
	for _, r := range word[len(core):] {
		out = append(out, token{mark, string(r)})
	}
	return out
}

// words makes tokens of a word: usually one, more of a contraction.
func words(core string, first bool) []token {
	low := strings.ReplaceAll(core, "’", "'")
	if first || core == "I" || strings.HasPrefix(low, "I'") {
		if r, n := utf8.DecodeRuneInString(low); unicode.IsUpper(r) {
			low = string(unicode.ToLower(r)) + low[n:]
		}
	}
	if !ordinary(low) {
		return []token{{exact, asCode(core)}}
	}
	if long, ok := contractions[low]; ok {
		var out []token
		for w := range strings.FieldsSeq(long) {
			out = append(out, token{plain, w})
		}
		return out
	}
	return []token{{plain, low}}
}

// asCode is a message code in capitals, and any other word as it is.
func asCode(core string) string {
	upper := strings.ToUpper(core)
	if c, ok := msgcode.Normalize(upper); ok && c.Text == upper {
		return upper
	}
	return core
}

// ordinary reports whether a word is of lower-case letters, hyphens and apostrophes
// between them.
func ordinary(w string) bool {
	letter := false
	for _, r := range w {
		switch {
		case unicode.IsLower(r):
			letter = true
		case (r == '\'' || r == '-') && letter:
			letter = false
		default:
			return false
		}
	}
	return letter
}

// withoutEnd takes the marks away that end a question.
func withoutEnd(tokens []token) []token {
	for len(tokens) > 0 && isEnd(tokens[len(tokens)-1]) {
		tokens = tokens[:len(tokens)-1]
	}
	return tokens
}

func isEnd(t token) bool { return t.kind == mark && strings.Trim(t.text, ".?!…") == "" }
