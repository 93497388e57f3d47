package wording

import (
	"slices"
	"strings"
)

// articles takes the articles away that only stand before a noun. "A day", "at a
// time", "the same" and "the other" keep theirs, and so does a letter that may be
// a name: job a, from a to b.
func articles(tokens []token, v vocabulary) []token {
	for _, t := range tokens {
		if t.kind == exact && len(t.text) == 1 && t.text[0] > '9' || t.kind == plain && len(t.text) == 1 && !strings.Contains("aoeiéà", t.text) {
			return tokens // letters are names here: job A, step b
		}
	}
	var out []token
	for i, t := range tokens {
		if t.kind == plain && v.articles[t.text] && mere(tokens, i, v) {
			continue
		}
		out = append(out, t)
	}
	return out
}

// mere reports whether the article at i says nothing.
func mere(tokens []token, i int, v vocabulary) bool {
	if i+1 >= len(tokens) {
		return false
	}
	next := tokens[i+1]
	if next.kind == plain && (v.keep[next.text] || len(next.text) == 1 || v.articles[next.text]) {
		return false
	}
	definite := tokens[i].is("the|o|os|as|an")
	if next.kind != plain && !definite {
		return false // a 1, a FTA1: "from a 1 to a 2", "de 8 a 10"
	}
	if next.kind == mark {
		return false
	}
	if tokens[i].is("um|uma") && slices.ContainsFunc(tokens, func(t token) bool { return t.is("vez|vezes") }) {
		return false // one at a time
	}
	if i == 0 || tokens[i-1].kind == frame {
		return true
	}
	last := tokens[i-1]
	switch {
	case definite:
		return true
	case last.kind != plain || v.labels[last.text] || v.counting[last.text]:
		return false // job a, exactly one
	}
	return !(last.is("de|que") && i > 1 && tokens[i-2].is("mais|menos|do|antes|depois")) // more than one
}

// spell makes British spelling American, and gives words of Portuguese the cedilla
// and tilde that are often left out. Plurals stay: "can jobs run on two agents" does
// not ask what "can a job run on two agents" asks.
func spell(t token, v vocabulary) token {
	switch {
	case t.kind != plain:
		return t
	case v.lang == english:
		return token{plain, american(t.text)}
	}
	for _, p := range [...][2]string{{"cao", "ção"}, {"coes", "ções"}} {
		if stem, ok := strings.CutSuffix(t.text, p[0]); ok && len(stem) > 1 {
			return token{plain, stem + p[1]}
		}
	}
	return t
}

// american makes -ise, -yse and -our of British spelling American.
func american(w string) string {
	for _, end := range [...]string{"e", "ed", "er", "ing", "ation"} {
		stem, ok := strings.CutSuffix(w, end)
		if !ok || len(stem) < 5 {
			continue
		}
		for _, p := range [...][2]string{{"nis", "niz"}, {"lis", "liz"}, {"ris", "riz"}, {"mis", "miz"}, {"lys", "lyz"}} {
			if base, ok := strings.CutSuffix(stem, p[0]); ok {
				return base + p[1] + end
			}
		}
	}
	if base, ok := strings.CutSuffix(w, "our"); ok && len(base) > 3 {
		return base + "or"
	}
	return w
}

// shorten replaces what has a short form by it.
func shorten(tokens []token) []token {
	var out []token
next:
	for i := 0; i < len(tokens); {
		for _, s := range sameAs {
			if t := tokens[i]; t.kind == plain && t.text == s.short || t.kind == exact && t.text == strings.ToUpper(s.short) {
				out = append(out, token{plain, s.short})
				i++
				continue next
			}
			if n := matches(tokens[i:], fields(s.long)); n > 0 {
				out = append(out, token{plain, s.short})
				i += n
				continue next
			}
		}
		out = append(out, tokens[i])
		i++
	}
	return out
}
