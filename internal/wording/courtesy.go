package wording

// matches says how many tokens a pattern takes from the beginning, 0 when it does
// not fit. A pattern is words with blanks between them, each with its alternatives
// separated by |; a word with ~ before it may be absent.
func matches(tokens []token, pattern []string) int {
	n := 0
	for _, want := range pattern {
		optional := want[0] == '~'
		if optional {
			want = want[1:]
		}
		switch {
		case n < len(tokens) && tokens[n].kind == plain && tokens[n].is(want):
			n++
		case !optional:
			return 0
		}
	}
	return n
}

// courtesy takes the words of courtesy away at both ends. What is nothing else
// stays as it is.
func courtesy(tokens []token, v vocabulary) []token {
	tokens = withoutEnd(tokens)
	for {
		n := longest(tokens, v.greetings)
		if lead := longest(tokens, v.leadIns); lead > 0 {
			if after := skipMarks(tokens[lead:]); len(after) > 0 && after[0].kind == plain && v.asking[after[0].text] {
				n = max(n, lead)
			}
		}
		if n == 0 {
			break
		}
		tokens = skipMarks(tokens[n:])
	}
	for {
		n := 0
		for _, words := range v.farewells {
			if w := fields(words); len(w) > n && len(w) <= len(tokens) && matches(tokens[len(tokens)-len(w):], w) > 0 {
				n = len(w)
			}
		}
		if n == 0 {
			return tokens
		}
		tokens = withoutEnd(tokens[:len(tokens)-n])
		for len(tokens) > 0 && tokens[len(tokens)-1].is(",|;") {
			tokens = tokens[:len(tokens)-1]
		}
		tokens = withoutEnd(tokens)
	}
}

// longest says how many tokens the longest of some phrases takes.
func longest(tokens []token, phrases []string) int {
	n := 0
	for _, p := range phrases {
		n = max(n, matches(tokens, fields(p)))
	}
	return n
}

// skipMarks passes over what separates a greeting from the question.
func skipMarks(tokens []token) []token {
	for len(tokens) > 0 && (tokens[0].is(",|;|:") || isEnd(tokens[0])) {
		tokens = tokens[1:]
	}
	return tokens
}
