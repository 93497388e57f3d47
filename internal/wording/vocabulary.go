package wording

import "strings"

// language of a question.
type language string

const (
	english    language = "en"
	portuguese language = "pt"
	other      language = "xx"
)

// languageOf tells the language from words the other one does not have. A question
// with words of neither, or of a language akin to one of them, is of another.
func languageOf(tokens []token) language {
	en, pt := 0, 0
	for _, t := range tokens {
		switch {
		case t.kind != plain:
		case foreign[t.text]:
			return other
		default:
			if marksEnglish[t.text] {
				en++
			}
			if marksPortuguese[t.text] || strings.ContainsAny(t.text, "ãõç") {
				pt++
			}
		}
	}
	switch {
	case en > pt:
		return english
	case pt > en:
		return portuguese
	}
	return other
}

// vocabulary is what is known of a language.
type vocabulary struct {
	lang      language
	greetings []string        // at the beginning
	leadIns   []string        // at the beginning, when a question word follows
	farewells []string        // at the end
	asking    map[string]bool // question words after a lead-in
	articles  map[string]bool
	keep      map[string]bool // words before which an article means something
	labels    map[string]bool // words after which a single letter is a name
	counting  map[string]bool // words after which "um" is the number
}

func vocabularyOf(lang language) vocabulary {
	if lang == portuguese {
		return vocabularyPT
	}
	return vocabularyEN
}

func set(list string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		m[w] = true
	}
	return m
}

// The words that tell the language.
var (
	marksEnglish = set(`the is are how what why which where who does do did to of when with my be i can should has have
		and from after before not without for an this that`)
	marksPortuguese = set(`o os um uma que como qual quais quando onde quem por para pra não nao é são sao está estao do da dos das
		no na nos nas ao aos pelo pela de em eu você voce vc posso devo meu minha sem antes depois após faço faco`)
	// Spanish, French, Italian and German words that would be taken for Portuguese
	// or English ones.
	foreign = set(`el los las del cómo qué dónde cuál cuándo quién y una's le les des est une et comment quel quelle pourquoi
		il gli della perché che cosa der die das ist wie ein eine und nicht warum`)
)

var vocabularyEN = vocabulary{
	lang: english,
	greetings: []string{"hi", "hello", "hey", "dear all", "good morning", "good afternoon", "good evening", "please", "pls", "hi there", "hello there", "hi team", "hello team",
		"quick question", "a quick question", "one question", "i have a question"},
	leadIns: leads(`can could would will`, []string{"you tell me", "you tell us", "you show me", "you explain to me", "you please tell me", "you please show me", "you please explain to me", "you kindly tell me", "somebody tell me",
		"someone tell me", "anybody tell me", "anyone tell me"},
		"tell me", "please tell me", "kindly tell me", "show me", "please show me", "i want to know", "i need to know", "i would like to know", "i wanted to know", "i wonder", "i was wondering",
		"do you know", "does anyone know", "does anybody know", "does someone know", "does somebody know", "can i ask", "may i ask", "could i ask"),
	farewells: []string{"please", "pls", "thanks", "thank you", "many thanks", "thanks a lot", "thank you very much", "thanks in advance", "thank you in advance", "thanks for your help", "thank you for your help"},
	asking:    set(`how what why where which who`),
	articles:  set(`a an the`),
	keep: set(`time times day week month year hour minute second moment night few little lot couple number bit dozen hundred thousand third quarter half
		single certain different same only first last next previous other more less most least before after and or is to from`),
	labels: set(`job stream option step plan agent server node workstation variant type class drive disk case phase column group engine site host machine file folder calendar resource prompt domain user team plan part point level column version`),
}

var vocabularyPT = vocabulary{
	lang:      portuguese,
	greetings: []string{"oi", "olá", "ola", "bom dia", "boa tarde", "boa noite", "por favor", "por gentileza", "oi pessoal", "olá pessoal", "uma dúvida", "uma pergunta", "tenho uma dúvida", "tenho uma pergunta"},
	leadIns: leads(`pode poderia consegue`, []string{"me dizer", "me explicar", "me informar", "me mostrar", "me falar"},
		"você pode me dizer", "você poderia me dizer", "você pode me explicar", "você poderia me explicar", "você consegue me dizer", "voce pode me dizer", "voce poderia me dizer", "vc pode me dizer", "vc poderia me dizer",
		"me diga", "me diz", "me explique", "me explica", "me mostre", "me informe", "me fala", "diga-me", "gostaria de saber", "eu gostaria de saber", "queria saber", "eu queria saber", "quero saber", "eu quero saber",
		"preciso saber", "eu preciso saber", "alguém sabe", "alguém sabe me dizer", "alguém pode me dizer", "você sabe", "você sabe me dizer", "sabe me dizer"),
	farewells: []string{"por favor", "por gentileza", "obrigado", "obrigada", "muito obrigado", "muito obrigada", "desde já obrigado", "desde já obrigada", "grato", "grata", "obrigado desde já", "obrigada desde já"},
	asking:    set(`como o que qual quais onde quem por porque`),
	articles:  set(`o a os as um uma`),
	keep: set(`que vez vezes dia hora semana mês ano minuto segundo noite momento mesmo mesma mesmos mesmas único única só outro outra primeiro primeira último última
		próximo próxima pouco metade dúzia cada mais menos antes depois e ou é por partir`),
	labels:   set(`job fluxo opção opcao passo etapa plano agente servidor nó tipo classe disco caso fase coluna grupo versão`),
	counting: set(`só apenas somente exatamente mais menos cada máximo mínimo`),
}

// leads are the lead-ins made of one of some first words and one of the rests, and
// further ones.
func leads(first string, rests []string, more ...string) []string {
	for f := range strings.FieldsSeq(first) {
		for _, r := range rests {
			more = append(more, f+" "+r)
		}
	}
	return more
}

// contractions are written out.
var contractions = map[string]string{
	"what's": "what is", "where's": "where is", "how's": "how is", "who's": "who is", "that's": "that is", "there's": "there is", "it's": "it is",
	"i'm": "i am", "we're": "we are", "you're": "you are", "they're": "they are", "i've": "i have", "we've": "we have", "i'll": "i will", "we'll": "we will",
	"don't": "do not", "doesn't": "does not", "didn't": "did not", "can't": "can not", "cannot": "can not", "couldn't": "could not", "won't": "will not", "wouldn't": "would not",
	"isn't": "is not", "aren't": "are not", "wasn't": "was not", "weren't": "were not", "shouldn't": "should not", "mustn't": "must not",
	"haven't": "have not", "hasn't": "has not", "hadn't": "had not",
	"pra": "para", "vc": "você", "voce": "você", "nao": "não", "sao": "são",
}

// sameAs are short forms and what they are short for: the glossary of the search
// has them too, but there stands also what is merely akin.
var sameAs = []struct{ short, long string }{
	{"bmdm", "backup master domain manager"}, {"mdm", "master domain manager"}, {"ddm", "dynamic domain manager"}, {"fta", "fault tolerant agent"}, {"fta", "fault-tolerant agent"},
	{"dwc", "dynamic workload console"}, {"db", "database"},
}
