package knowledge

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Texts that talk to a language model instead of to a reader. They are matched
// against a line and the one after it, without marks, in small letters. Nothing
// of a document is ever executed; the quarantine keeps such a text out of the
// answers a model or a tired person reads.
//
// A pattern is tried only on a text that has a word of each of its needs; one of
// the first need must begin like a word of the line. That makes reading a manual
// cheap.
var suspicious = []struct {
	why   string
	needs [][]string
	re    *regexp.Regexp
}{
	{ignoring, [][]string{dismissals, {"instruct", "prompt", "rule", "direction", "message", "guideline", "command", "context", "polic"}},
		regexp.MustCompile(`\b(?:ignore|disregard|forget|override|bypass)\b(?: \w+){0,3} (?:previous|prior|above|earlier|preceding|foregoing|existing|former|system|safety) (?:\w+ ){0,2}(?:instruction|prompt|rule|direction|message|guideline|command|context|polic)`)},
	{ignoring, [][]string{dismissals, {"instructions", "prompt", "guidelines", "training", "system message"}},
		regexp.MustCompile(`\b(?:ignore|disregard|forget|override) (?:all |any )?(?:of )?(?:your|my|the) (?:\w+ )?(?:instructions|prompts?|guidelines|training|system message)\b`)},
	{ignoring, [][]string{{"ignor", "desconsider", "esque", "descart"}, {"instru", "regras", "orienta", "mensagens", "comandos"}},
		regexp.MustCompile(`\b(?:ignor\w+|desconsider\w+|esque[cç]\w+|descart\w+) (?:\w+ ){0,3}(?:instru[cç][oõ]es|regras|orienta[cç][oõ]es|mensagens|comandos) (?:\w+ ){0,2}(?:anterior|acima|pr[eé]vi|do sistema)`)},
	{role, [][]string{{"unrestricted", "jailbroken", "dan", "developer", "assistant", "model", "language", "evil", "root"}, {"you are", "act as", "pretend", "behave as"}},
		regexp.MustCompile(`\b(?:you are|act as|pretend to be|behave as) (?:now )?(?:an? |the )?(?:\w+ ){0,2}(?:unrestricted|jailbroken|dan\b|developer mode|ai (?:assistant|model)|language model|evil|root shell)`)},
	{role, [][]string{{"assistente", "linguagem", "modelo", "ia", "restri"}, {"você", "voce", "aja como", "finja"}},
		regexp.MustCompile(`(?:voc[eê] (?:agora )?[eé]|aja como|finja ser) (?:um |uma )?(?:\w+ ){0,2}(?:assistente|modelo de linguagem|ia\b|sem restri[cç])`)},
	{"it asks for the instructions of the program", [][]string{{"prompt", "instructions"}, {"reveal", "print", "show", "repeat", "output", "leak", "display"}},
		regexp.MustCompile(`\b(?:reveal|print|show|repeat|output|leak|display) (?:me )?(?:your|the) (?:\w+ )?(?:system prompt|hidden prompt|initial instructions|system instructions)`)},
	{secrecy, [][]string{{"tell", "inform", "mention", "notify", "alert", "warn", "reveal"}, {"do not", "don t", "never", "without"}, {"user", "operator", "human", "administrator", "anyone"}},
		regexp.MustCompile(`\b(?:do not|don t|never|without) (?:tell|inform|mention|notify|alert|warn|reveal)(?:ing)?\b(?: \w+){0,4} (?:the )?(?:user|operator|human|administrator|anyone)\b(?: \w+){0,3} (?:about|that|of|this)`)},
	{secrecy, [][]string{{"conte", "diga", "informe", "mencione", "avise", "revele"}, {"não", "nao"}, {"usu", "operador", "administrador", "humano"}},
		regexp.MustCompile(`n[aã]o (?:conte|diga|informe|mencione|avise|revele)(?: \w+){0,3} (?:ao|à|para o|a[os]?) (?:usu[aá]rio|operador|administrador|humano)`)},
	{unapproved, [][]string{{"asking", "approval", "permission"}, {"without"}},
		regexp.MustCompile(`\b(?:call|invoke|execute|run|use|rerun|cancel|release|hold|submit|delete)\b(?: \w+){0,10} without (?:\w+ )?(?:asking|approval|permission)\b`)},
	{unapproved, [][]string{{"pedir", "aprova", "confirma", "permiss"}, {"sem "}},
		regexp.MustCompile(`\b(?:chame|execute|invoque|use|rode|cancele|libere)\b(?: \w+){0,10} sem (?:\w+ )?(?:pedir|aprova[cç][aã]o|confirma[cç][aã]o|permiss[aã]o)`)},
	{model, [][]string{{"ai", "llm", "assistant", "language", "chatbot"}, {"must", "should", "shall", "has to", "required", "reading"}},
		regexp.MustCompile(`\b(?:the|any|this|dear) (?:ai|llm|assistant|language model|chatbot)(?: assistant| model| reader)?s? (?:must|should|shall|has to|is required to|reading this)\b`)},
	{model, [][]string{{"instructions", "prompt"}, {"new", "updated", "revised", "real", "actual", "important"}},
		regexp.MustCompile(`\b(?:new|updated|revised|real|actual|important) (?:system )?(?:instructions|prompt) (?:for|to) (?:the )?(?:ai|llm|assistant|model|you)\b`)},
}

// What can be wrong with a line.
const (
	ignoring   = "it tells its reader to ignore instructions"
	role       = "it gives its reader another role"
	secrecy    = "it tells its reader to keep something from people"
	unapproved = "it tells its reader to act without approval"
	model      = "it addresses a language model"
)

var dismissals = []string{"ignore", "disregard", "forget", "override", "bypass"}

// markup is what separates roles in the prompts of language models.
var markup = regexp.MustCompile(`(?i)<\|(?:im_start|im_end|system|user|assistant|endoftext)\|>|\[/?INST\]|<</?SYS>>|</?(?:system|assistant)(?:_prompt|-prompt|-message)?>`)

// maxReasons is the most findings kept of one document.
const maxReasons = 10

// maxQuote is the most characters of a suspicious line that are shown.
const maxQuote = 160

// inspect looks for text that talks to a language model. It reads the text once,
// line by line with the next one, so that a wrapped sentence is found.
func inspect(text string) []Reason {
	var out []Reason
	lines := strings.Split(text, "\n")
	buf := make([]byte, 0, 1024)
	next := flatten(lines[0], buf)
	for i, ln := range lines {
		now := next
		next = flat{}
		if i+1 < len(lines) {
			next = flatten(lines[i+1], buf)
		}
		if why := suspect(ln, now, next); why != "" {
			out = append(out, Reason{Line: i + 1, Quote: shorten(ln), Why: why})
			if len(out) == maxReasons {
				break
			}
		}
	}
	return out
}

// suspect names what is wrong with a line, or "". Findings in the next line alone
// are left to it.
func suspect(raw string, now, next flat) string {
	if why := invisible(raw); why != "" {
		return why
	}
	if strings.ContainsAny(raw, "<[") && markup.MatchString(raw) {
		return "it holds the marks that separate roles in a language model's prompt"
	}
	mask := now.leads | next.leads
	if now.text == "" || mask == 0 {
		return ""
	}
	both := now.text + " " + next.text
	for i := range suspicious {
		s := &suspicious[i]
		if mask&(1<<i) == 0 || !holds(both, s.needs) {
			continue
		}
		if at := s.re.FindStringIndex(both); at != nil && at[0] < len(now.text) {
			return s.why
		}
	}
	return ""
}

// holds says whether a text has a word of each need.
func holds(text string, needs [][]string) bool {
	for _, need := range needs {
		if !slices.ContainsFunc(need, func(w string) bool { return strings.Contains(text, w) }) {
			return false
		}
	}
	return true
}

// leads are the beginnings of the words of first needs, with a bit for each
// pattern they may lead to.
var leads = leadTable()

func leadTable() map[[4]byte]uint32 {
	out := map[[4]byte]uint32{}
	for i, s := range suspicious {
		for _, w := range s.needs[0] {
			out[beginning(w)] |= 1 << i
		}
	}
	return out
}

// beginning is the first four bytes of a word.
func beginning(w string) (b [4]byte) {
	copy(b[:], w)
	return b
}

// flat is a line made comparable: small letters, words parted by single blanks,
// no invisible characters.
type flat struct {
	text  string
	leads uint32 // patterns one of its words may lead to
}

func flatten(line string, buf []byte) flat {
	buf = buf[:0]
	var f flat
	from, blank := 0, false // from: where the last word begins
	for i := 0; i < len(line); {
		c := line[i]
		if c < utf8.RuneSelf {
			i++
			if lower := c | 0x20; lower >= 'a' && lower <= 'z' {
				c = lower
			} else if c < '0' || c > '9' {
				blank = true
				continue
			}
		}
		r, size := rune(c), 0
		if c >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(line[i:])
			i += size
			if unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Mn, r) {
				continue // joins what it stands between
			}
			if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
				blank = true
				continue
			}
		}
		if blank && len(buf) > 0 {
			f.leads |= leads[begins(buf[from:])]
			buf = append(buf, ' ')
			from = len(buf)
		}
		blank = false
		if size == 0 {
			buf = append(buf, c)
		} else {
			buf = utf8.AppendRune(buf, unicode.ToLower(r))
		}
	}
	f.leads |= leads[begins(buf[from:])]
	f.text = string(buf)
	return f
}

func begins(word []byte) (b [4]byte) {
	copy(b[:], word)
	return b
}

// invisible finds characters that show nothing and can carry a text: the tag
// block of Unicode, and direction overrides.
func invisible(line string) string {
	for i := 0; i < len(line); {
		if line[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(line[i:])
		i += size
		switch {
		case r >= 0xE0000 && r <= 0xE007F:
			return "it holds invisible letters (Unicode tags)"
		case r == 0x202D || r == 0x202E:
			return "it turns the direction of writing over, so that it reads differently from what it says"
		}
	}
	return ""
}

// shorten cuts a line for display, without control and invisible characters.
func shorten(line string) string {
	line = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, strings.TrimSpace(line))
	if r := []rune(line); len(r) > maxQuote {
		return string(r[:maxQuote]) + "…"
	}
	return line
}
