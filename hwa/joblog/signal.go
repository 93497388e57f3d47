package joblog

import (
	"cmp"
	"slices"
	"strings"

	"resync/hwa/msgcode"
)

// Kind names what a telling line speaks of.
type Kind string

// The kinds, most specific cause first.
const (
	DiskFull   Kind = "disk_full"
	Memory     Kind = "out_of_memory"
	Permission Kind = "permission_denied"
	Login      Kind = "login_failed"
	NotFound   Kind = "not_found"
	Connection Kind = "connection"
	TLS        Kind = "tls"
	Timeout    Kind = "timeout"
	Lock       Kind = "lock"
	Database   Kind = "database"
	Killed     Kind = "killed"
	Syntax     Kind = "syntax"
	CodeFound  Kind = "message_code"
	Exception  Kind = "exception"
	Failure    Kind = "error"
	Warning    Kind = "warning"
)

// Signal is a line that says why a job failed. Score runs from 1 to 100; Count
// tells how often the line occurred, numbers in it aside.
type Signal struct {
	Line  int            `json:"line"`
	Text  string         `json:"text"`
	Kind  Kind           `json:"kind"`
	Score int            `json:"score"`
	Count int            `json:"count"`
	Codes []msgcode.Code `json:"codes,omitempty"`
}

// clue is a phrase, in lower case, and what it tells.
type clue struct {
	phrase string
	kind   Kind
	score  int
}

// clues are tried in order and the first that a line holds decides, so the
// specific ones come first. English is what systems print; the Portuguese and
// Spanish forms are those of localised shells and databases.
var clues = [...]clue{
	{"no space left on device", DiskFull, 96}, {"disk quota exceeded", DiskFull, 96}, {"not enough space on the disk", DiskFull, 96}, {"filesystem full", DiskFull, 94}, {"file system full", DiskFull, 94},
	{"transaction log for the database is full", DiskFull, 94}, {"unable to extend", DiskFull, 92}, {"não há espaço", DiskFull, 94}, {"sem espaço", DiskFull, 94}, {"no queda espacio", DiskFull, 94},
	{"outofmemoryerror", Memory, 95}, {"cannot allocate memory", Memory, 95}, {"out of memory", Memory, 94}, {"oom-kill", Memory, 94}, {"memory exhausted", Memory, 92},
	{"permission denied", Permission, 93}, {"access is denied", Permission, 93}, {"access denied", Permission, 90}, {"operation not permitted", Permission, 90}, {"not authorized", Permission, 88}, {"insufficient privileges", Permission, 92},
	{"permissão negada", Permission, 93}, {"acesso negado", Permission, 93}, {"permiso denegado", Permission, 93},
	{"authentication failed", Login, 92}, {"authentication failure", Login, 92}, {"logon failure", Login, 92}, {"login failed", Login, 92}, {"invalid username/password", Login, 94}, {"invalid password", Login, 92}, {"password has expired", Login, 94}, {"password expired", Login, 93}, {"account is locked", Login, 93}, {"401 unauthorized", Login, 88},
	{"command not found", NotFound, 92}, {"no such file or directory", NotFound, 92}, {"cannot find the path", NotFound, 92}, {"cannot find the file", NotFound, 92}, {"is not recognized as an internal or external command", NotFound, 92}, {"table or view does not exist", NotFound, 90},
	{"does not exist", NotFound, 80}, {"file not found", NotFound, 88}, {"filenotfoundexception", NotFound, 88}, {"classnotfoundexception", NotFound, 86}, {"comando não encontrado", NotFound, 92}, {"arquivo ou diretório inexistente", NotFound, 92}, {"não encontrado", NotFound, 82},
	{"certificate has expired", TLS, 93}, {"certificate verify failed", TLS, 92}, {"sslhandshakeexception", TLS, 90}, {"ssl handshake", TLS, 85}, {"tls handshake", TLS, 85}, {"certificate", TLS, 60},
	{"connection refused", Connection, 90}, {"connection reset", Connection, 88}, {"no route to host", Connection, 90}, {"network is unreachable", Connection, 90}, {"unknown host", Connection, 90}, {"unknownhostexception", Connection, 90}, {"name or service not known", Connection, 90}, {"could not resolve host", Connection, 90},
	{"connection closed by", Connection, 85}, {"could not connect", Connection, 88}, {"unable to connect", Connection, 88}, {"communication link failure", Connection, 88}, {"tns:no listener", Connection, 90}, {"broken pipe", Connection, 78}, {"conexão recusada", Connection, 90},
	{"deadlock", Lock, 90}, {"lock wait timeout", Lock, 90}, {"resource busy", Lock, 88}, {"database is locked", Lock, 88}, {"lock timeout", Lock, 88}, {"text file busy", Lock, 80},
	{"timed out", Timeout, 82}, {"timeout expired", Timeout, 82}, {"deadline exceeded", Timeout, 82}, {"tempo esgotado", Timeout, 82}, {"timeout", Timeout, 66},
	{"segmentation fault", Killed, 90}, {"core dumped", Killed, 88}, {"killed by signal", Killed, 86}, {"sigkill", Killed, 84}, {"bus error", Killed, 86},
	{"unique constraint", Database, 90}, {"duplicate key", Database, 88}, {"sqlexception", Database, 84}, {"sqlcode", Database, 80}, {"sqlstate", Database, 80},
	{"syntax error", Syntax, 86}, {"unexpected token", Syntax, 82}, {"unexpected end of file", Syntax, 80},
	{"caused by:", Exception, 78}, {"traceback (most recent call last)", Exception, 60}, {"exception", Exception, 70}, {"stack trace", Exception, 40},
	{"fatal", Failure, 72}, {"panic:", Failure, 74}, {"abend", Failure, 64}, {"error", Failure, 60}, {"failed", Failure, 58}, {"failure", Failure, 56}, {"aborted", Failure, 58}, {"cannot ", Failure, 50}, {"unable to", Failure, 52}, {"rejected", Failure, 48},
	{"erro", Failure, 58}, {"falha", Failure, 58}, {"falhou", Failure, 58}, {"fallo", Failure, 50},
	{"warning", Warning, 20}, {"aviso", Warning, 18},
}

// calm are phrases that take the sting out of a word such as "error".
var calm = [...]string{
	"0 error", "no error", "without error", "errors: 0", "errors=0", "error count: 0", "error_count=0", "errors : 0", "0 failed", "failed: 0", "failed=0", "0 failures", "failures: 0", "failures=0",
	"error=0", "error: 0", "error = 0", "rc=0", "error handling", "errorlevel 0", "on error", "error log", "no warnings", "0 rejected", "rejected: 0", "rejected=0", "sem erro", "nenhum erro", "0 erros", "erros: 0",
	"if error", "if failed", "set -e", "retry on",
}

// Signals returns the n most telling lines of the newest run, best first; of a
// text without runs, of the whole text. Lines that say the same, numbers aside,
// count once, at their last occurrence.
func (l *Log) Signals(n int) []Signal {
	r := Range{l.first, l.first + len(l.lines) - 1}
	if run := l.Last(); run != nil {
		r = run.Output
	}
	return l.SignalsIn(r, n)
}

// SignalsIn is Signals for a range of lines, such as the output of an older run.
func (l *Log) SignalsIn(r Range, n int) []Signal {
	from, to := max(r.First, l.first), min(r.Last, l.first+len(l.lines)-1)
	if r.Empty() || from > to || n <= 0 {
		return nil
	}
	var all []Signal
	seen := map[string]int{} // by blind text: index into all plus one, 0 for a line that tells nothing
	for number := from; number <= to; number++ {
		text := strings.TrimSpace(clipLine(l.lines[number-l.first]))
		key := blind(text)
		at, again := seen[key]
		if again && at == 0 {
			continue
		}
		if again {
			all[at-1].Line, all[at-1].Text, all[at-1].Count = number, text, all[at-1].Count+1
			continue
		}
		if s, ok := judge(number, text); ok {
			all = append(all, s)
			seen[key] = len(all)
		} else {
			seen[key] = 0
		}
	}
	rank(all, to)
	return all[:min(n, len(all))]
}

// rank sorts by score; near the end of the output a line weighs more, since a job
// dies of what it said near its end.
func rank(all []Signal, last int) {
	for i := range all {
		if last-all[i].Line < 10 && all[i].Score > 30 {
			all[i].Score = min(100, all[i].Score+4)
		}
	}
	slices.SortStableFunc(all, func(a, b Signal) int {
		// Of equals the first comes first: the later ones are its consequences.
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Line, b.Line))
	})
}

// restates recognises the line with which a script reports its own return code:
// true, and known from the plan already.
func restates(lower string) bool {
	return strings.Contains(lower, "return code") || strings.Contains(lower, "exit code") || strings.Contains(lower, "exit status")
}

// judge tells whether a line is worth citing.
func judge(number int, text string) (Signal, bool) {
	if text == "" || isFrame(text) {
		return Signal{}, false
	}
	s := Signal{Line: number, Text: text, Count: 1}
	lower := strings.ToLower(text)
	if c := firstClue(lower); c != nil && (c.score > 72 || !isCalm(lower)) {
		s.Kind, s.Score = c.kind, c.score
		if s.Score <= 72 && restates(lower) {
			s.Score -= 15
		}
	}
	s.withCodes()
	return s, s.Score > 0
}

// isFrame recognises a line of a stack trace, which names code and no cause.
func isFrame(s string) bool {
	return strings.HasPrefix(s, "at ") && strings.HasSuffix(s, ")") || strings.HasPrefix(s, "... ") && strings.HasSuffix(s, " more")
}

// byFirst lists, for each byte, the clues that start with it; it never changes.
var byFirst = func() (t [256][]int) {
	for i, c := range clues {
		t[c.phrase[0]] = append(t[c.phrase[0]], i)
	}
	return t
}()

// firstClue finds the earliest clue of the table that a line holds, nil for none.
// A phrase must start a word, so that "erro" is not found in "terror"; only
// "error" and "exception" count inside one (SQLSyntaxErrorException).
func firstClue(line string) *clue {
	best := len(clues)
	for at := range len(line) {
		inside := at > 0 && isLetter(line[at-1])
		if inside && line[at] != 'e' {
			continue
		}
		for _, i := range byFirst[line[at]] {
			if i >= best {
				break
			}
			phrase := clues[i].phrase
			if inside && phrase != "error" && phrase != "exception" {
				continue
			}
			if rest := line[at:]; strings.HasPrefix(rest, phrase) && (phrase != "erro" || !strings.HasPrefix(rest, "error")) {
				best = i
			}
		}
	}
	if best == len(clues) {
		return nil
	}
	return &clues[best]
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || c >= 0x80 }

func isCalm(line string) bool {
	for _, phrase := range calm {
		at := strings.Index(line, phrase)
		if at < 0 || at > 0 && phrase[0] == '0' && line[at-1] >= '0' && line[at-1] <= '9' {
			continue
		}
		if end := at + len(phrase); phrase[len(phrase)-1] == '0' && end < len(line) && (isLetter(line[end]) || line[end] >= '0' && line[end] <= '9') {
			continue // "errors: 01", "failed: 0x80070005"
		}
		return true
	}
	return false
}

// withCodes raises the score by the severity of the codes in the line.
func (s *Signal) withCodes() {
	for _, m := range msgcode.Find(s.Text) {
		s.Codes = append(s.Codes, m.Code)
		score := 84
		switch m.Code.Severity {
		case "I":
			score = 0
		case "W":
			score = 40
		case "":
			if m.Code.Family != "ORA" {
				score = 60
			}
		}
		if score > s.Score {
			s.Kind, s.Score = CodeFound, score
			if m.Code.Family == "ORA" || m.Code.Family == "SQL" {
				s.Kind = Database
			}
		}
	}
}

// blind replaces every number, so that lines that differ in a counter or a time
// are the same line. Zero stays apart from other numbers ("errors: 0"), and so do
// digits that belong to a word or code (AWSBHT001E, ORA-00942).
func blind(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		start := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		switch number := s[start:i]; {
		case number == "":
			b.WriteByte(s[i])
			i++
		case start > 0 && (isWord(s[start-1]) || s[start-1] == '-' && start > 1 && isWord(s[start-2])):
			b.WriteString(number)
		case strings.Trim(number, "0") == "":
			b.WriteByte('0')
		default:
			b.WriteByte('1')
		}
	}
	return b.String()
}

func isWord(c byte) bool { return isLetter(c | 0x20) }
