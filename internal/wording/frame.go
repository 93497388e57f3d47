package wording

import (
	"strings"

	"resync/hwa/msgcode"
)

func fields(pattern string) []string { return strings.Fields(pattern) }

// way is a way of asking: its wordings, and the name they get in a form.
type way struct {
	pattern string
	name    string
	// next says what must follow the pattern; nil takes anything.
	next func(t token) bool
}

// The ways of asking in English. How is asked with do, can, could and would alike;
// should, must and will ask something else, and so does "you", who may be Resync.
// Where takes "do" and "can" alike as well, but not when or what: "when can I" is not
// "when do I".
var waysEnglish = []way{
	{"how do|can|could|would i|we|one", "how-to", verbEnglish},
	{"how does one", "how-to", verbEnglish},
	{"how to", "how-to", verbEnglish},
	{"how i|we|one ~can|could", "how-to", verbEnglish},
	{"what is the|a way|procedure to", "how-to", verbEnglish},
	{"what are the steps to", "how-to", verbEnglish},
	{"what do i|we|one do to", "how-to", verbEnglish},
	{"what do i|we|one do", "what-to-do", nil},
	{"what to do", "what-to-do", nil},
	{"where do|can|could i|we|one", "where-to", verbEnglish},
	{"where to", "where-to", verbEnglish},
	{"where i|we|one ~can|could", "where-to", verbEnglish},
}

// The ways of asking in Portuguese. "Como devo" asks for more than "como posso".
var waysPortuguese = []way{
	{"como ~eu posso|consigo|podemos|conseguimos", "how-to", infinitive},
	{"como ~eu|nós|a ~gente faço|faco|faz|fazemos|fazer para", "how-to", infinitive},
	{"como se faz para", "how-to", infinitive},
	{"como é que ~eu|se posso|consigo|podemos|pode", "how-to", infinitive},
	{"como é que ~eu|se|a ~gente faço|faco|faz|fazemos para", "how-to", infinitive},
	{"como é possível", "how-to", infinitive},
	{"como", "how-to", infinitive},
	{"qual ~é o|a maneira|forma|modo|jeito|procedimento de|para", "how-to", infinitive},
	{"quais ~são os passos para", "how-to", infinitive},
	{"onde ~eu posso|consigo|podemos|conseguimos", "where-to", infinitive},
	{"onde", "where-to", infinitive},
	{"o que ~eu faço|faco|fazer", "what-to-do", nil},
	{"que fazer", "what-to-do", nil},
}

// verbEnglish refuses what cannot be the verb that was asked for: another question
// then.
func verbEnglish(t token) bool {
	return t.kind == plain && !t.is("do|not|have|had|be|am|is|was|i|we|you|one|it|the|a|an|should|must|will|would|can|could|may|might|did|to|if|when|that|this|so|much|many|long|often|come|ever|else")
}

// infinitive reports whether a word can be a Portuguese infinitive.
func infinitive(t token) bool {
	if t.kind != plain || t.is("qualquer|sequer|par|mar|por|lugar|dólar|par") {
		return false
	}
	for _, end := range [...]string{"ar", "er", "ir", "or"} {
		if strings.HasSuffix(t.text, end) {
			return len(t.text) > 2
		}
	}
	return false
}

// rephrase replaces the way a question is asked in by its name.
func rephrase(tokens []token, ways []way) []token {
	for _, w := range ways {
		n := matches(tokens, fields(w.pattern))
		if n == 0 || n >= len(tokens) || w.next != nil && !w.next(tokens[n]) {
			continue
		}
		return append([]token{{frame, w.name}}, tokens[n:]...)
	}
	return tokens
}

func frameEnglish(tokens []token) []token {
	tokens = withoutEnd(tokens)
	if code, ok := meaning(tokens, meaningEnglish); ok {
		return code
	}
	return rephrase(wished(tokens), waysEnglish)
}

func framePortuguese(tokens []token) []token {
	tokens = withoutEnd(tokens)
	if code, ok := meaning(tokens, meaningPortuguese); ok {
		return code
	}
	return rephrase(tokens, waysPortuguese)
}

// wished turns "I want to restart an agent, how do I do that?" into "how to restart
// an agent". The wish must be one clause.
func wished(tokens []token) []token {
	n := max(matches(tokens, fields("i|we want|need to")), matches(tokens, fields("i|we would like to")))
	if n == 0 {
		return tokens
	}
	for i := n + 1; i < len(tokens); i++ {
		if tokens[i].kind != mark {
			continue
		}
		tail := tokens[i+1:]
		if !tokens[i].is(",|.|;") || !asksHow(tail) {
			return tokens
		}
		return append([]token{{plain, "how"}, {plain, "to"}}, tokens[n:i]...)
	}
	return tokens
}

func asksHow(tail []token) bool {
	for _, p := range [...]string{"how do|can|could i|we do that|this|it", "how do|can|could i|we", "how"} {
		if matches(tail, fields(p)) == len(tail) && len(tail) > 0 {
			return true
		}
	}
	return false
}

// The questions for the meaning of a message code; * is the code.
var (
	meaningEnglish = []string{
		"what is ~the ~error|message ~message|code ~code *", "what does ~the ~error|message ~message|code ~code * mean", "what ~the ~error|message ~message|code ~code * means|mean|is",
		"what is the meaning of ~the ~error|message ~message|code ~code *", "meaning of ~the ~error|message ~message|code ~code *",
	}
	meaningPortuguese = []string{
		"o que é ~o|a ~erro|mensagem|código ~de ~erro *", "que é ~o|a ~erro|mensagem|código ~de ~erro *", "o que significa ~o|a ~erro|mensagem|código ~de ~erro *", "que significa ~o|a ~erro|mensagem|código ~de ~erro *",
		"o que quer dizer ~o|a ~erro|mensagem|código ~de ~erro *", "o que ~o|a ~erro|mensagem|código ~de ~erro * significa", "o que ~o|a ~erro|mensagem|código ~de ~erro * quer dizer",
		"qual ~é o significado de|do|da ~erro|mensagem|código ~de ~erro *", "significado de|do|da ~erro|mensagem|código ~de ~erro *",
	}
)

// meaning recognises a question for the meaning of one message code and of nothing
// else.
func meaning(tokens []token, patterns []string) ([]token, bool) {
	for _, p := range patterns {
		before, after, _ := strings.Cut(p, "*")
		n := matches(tokens, fields(before))
		if n == 0 || n >= len(tokens) || tokens[n].kind != exact {
			continue
		}
		if _, ok := msgcode.Normalize(tokens[n].text); !ok {
			continue
		}
		tail := tokens[n+1:]
		if w := fields(after); len(w) != len(tail) || len(w) > 0 && matches(tail, w) != len(tail) {
			continue
		}
		return []token{{frame, "meaning"}, tokens[n]}, true
	}
	return nil, false
}
