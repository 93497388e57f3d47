package wording

import "strings"

// Form is the form in which questions are compared: equal forms, same question.
// It is for comparing only, not for reading or searching. It is "" only for a text
// of nothing but white space and marks of its end.
func Form(question string) string {
	tokens := split(question)
	lang := languageOf(tokens)
	if lang == other {
		return write(lang, withoutEnd(tokens))
	}
	v := vocabularyOf(lang)
	if bare := courtesy(tokens, v); len(bare) > 0 {
		tokens = bare
	}
	if lang == english {
		tokens = frameEnglish(tokens)
	} else {
		tokens = framePortuguese(tokens)
	}
	tokens = articles(tokens, v)
	for i := range tokens {
		tokens[i] = spell(tokens[i], v)
	}
	return write(lang, shorten(tokens))
}

// Same reports whether two questions ask the same.
func Same(a, b string) bool { return Form(a) == Form(b) }

// write joins tokens so that different ones never read alike.
func write(lang language, tokens []token) string {
	if len(tokens) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(string(lang))
	for _, t := range tokens {
		b.WriteByte(' ')
		b.WriteString(t.written())
	}
	return b.String()
}
