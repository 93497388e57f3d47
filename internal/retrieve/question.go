package retrieve

// QuestionTerm is one form a word of a question may take in a passage.
type QuestionTerm struct {
	// Term is as [Terms] gives it for the words of a passage.
	Term string
	// Weight is 1 for the word itself and less for a synonym or a part of a name.
	Weight float32
}

// QuestionTerms are the terms that an index outside is asked for: the words of a
// question in their forms, with the synonyms and translations of the glossaries,
// and its message codes.
func QuestionTerms(text string) []QuestionTerm {
	q := parse(text, fitted())
	var out []QuestionTerm
	for _, g := range q.groups {
		for _, m := range g.terms {
			out = append(out, QuestionTerm{m.term, m.weight})
		}
	}
	for _, c := range q.codes {
		out = append(out, QuestionTerm{codeMark + c, codeInBody})
	}
	return out
}

// codeMark begins the terms of message codes, which are found in every spelling.
const codeMark = "code:"

// CodeTerms are the terms of the message codes in a passage.
func CodeTerms(text string) []string {
	codes := codesIn(text)
	for i, c := range codes {
		codes[i] = codeMark + c
	}
	return codes
}
