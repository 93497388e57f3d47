package conman

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxLength is the longest text Parse reads as a name.
const MaxLength = 1024

// Name is a selection of jobs, of a job stream or of a workstation:
//
//	[netagent::][folder/]workstation#[folder/]stream(hhmm date).job
//	[folder/]workstation#jobnumber
//	[folder/]workstation#id.job;schedid
//
// Parts that were not typed are empty. Folders are kept without their slashes at
// the ends, except the root, which is "/".
type Name struct {
	NetAgent          string
	WorkstationFolder string
	Workstation       string
	Folder            string
	Stream            string // for a name without # and dot: a job, a stream or a workstation
	SchedTime         string // hhmm or hhmm mm/dd[/yy[yy]]
	ID                string // internal identifier of the stream, such as 0AAAAAAAAAAAABTB
	Job               string
	JobNumber         string
}

// SyntaxError says where a name stops making sense. Offset counts bytes from 0.
type SyntaxError struct {
	Offset   int
	Expected string
	Found    string
}

// Error is one sentence for an operator.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("conman name, character %d: expected %s, found %s", e.Offset+1, e.Expected, e.Found)
}

// Parse reads a name. Besides what conman accepts it reads the notation of logs
// and prompts, WS#STREAM[(hhmm mm/dd/yy),(ID)].JOB. The error is a *SyntaxError.
func Parse(text string) (Name, error) {
	p := parser{text: text}
	if len(text) > MaxLength {
		return Name{}, p.fail(MaxLength, fmt.Sprintf("at most %d characters", MaxLength))
	}
	return p.name()
}

type parser struct {
	text string
	pos  int
	byID bool // ;schedid: the stream is given by its identifier
}

func (p *parser) fail(at int, expected string) error {
	found := "the end"
	if at < len(p.text) {
		r, _ := utf8.DecodeRuneInString(p.text[at:])
		found = strconv.Quote(string(r))
	}
	return &SyntaxError{Offset: at, Expected: expected, Found: found}
}

func (p *parser) name() (Name, error) {
	var n Name
	if at := strings.Index(p.text, ";"); at >= 0 {
		if !strings.EqualFold(strings.TrimSpace(p.text[at+1:]), "schedid") {
			return n, p.fail(at+1, "schedid")
		}
		p.text, p.byID = p.text[:at], true
	}
	p.text = strings.TrimRight(p.text, " \t")
	p.pos = len(p.text) - len(strings.TrimLeft(p.text, " \t"))
	if agent, rest, ok := strings.Cut(p.text[p.pos:], "::"); ok && isNamePart(agent) {
		n.NetAgent, p.pos = agent, len(p.text)-len(rest)
	}
	folder, word, err := p.path()
	if err != nil {
		return n, err
	}
	if p.accept('#') {
		n.WorkstationFolder, n.Workstation = folder, word
		if p.pos == len(p.text) {
			return n, nil // "WS#": the workstation alone
		}
		if folder, word, err = p.path(); err != nil {
			return n, err
		}
	}
	n.Folder, n.Stream = folder, word
	return p.rest(n)
}

// rest reads what may follow the stream.
func (p *parser) rest(n Name) (Name, error) {
	if err := p.instance(&n); err != nil {
		return n, err
	}
	if p.accept('.') {
		start := p.pos
		if n.Job = p.word(); n.Job == "" {
			return n, p.fail(start, "the name of a job (@ for all)")
		}
	}
	if p.pos < len(p.text) {
		return n, p.fail(p.pos, "the end of the name")
	}
	if p.byID {
		n.ID, n.Stream = n.Stream, ""
	} else if n.Workstation != "" && n.Job == "" && n.Folder == "" && n.SchedTime == "" && isDigits(n.Stream) {
		n.JobNumber, n.Stream = n.Stream, "" // no name starts with a digit
	}
	return n, nil
}

// path reads [folder/]name.
func (p *parser) path() (folder, word string, err error) {
	start := p.pos
	absolute := p.accept('/')
	for {
		at := p.pos
		word = p.word()
		if word == "" {
			return "", "", p.fail(at, "a name (letters, digits, - and _, wildcards @ ? %)")
		}
		if !p.accept('/') {
			break
		}
		if folder != "" {
			folder += "/"
		}
		folder += word
	}
	if folder == "" && absolute {
		folder = "/"
	}
	if p.pos == start {
		return "", "", p.fail(start, "a name")
	}
	return folder, word, nil
}

// instance reads (hhmm date), or [(hhmm date),(ID)] as logs print it.
func (p *parser) instance(n *Name) error {
	bracket := p.accept('[')
	if !bracket && (p.pos == len(p.text) || p.text[p.pos] != '(') {
		return nil
	}
	start := p.pos
	inside, rest, ok := strings.Cut(strings.TrimPrefix(p.text[p.pos:], "("), ")")
	if !ok || p.text[start:start+1] != "(" || !validTime(inside) && (!bracket || inside != "") {
		return p.fail(start, "(hhmm) or (hhmm mm/dd/yy)")
	}
	n.SchedTime, p.pos = inside, len(p.text)-len(rest)
	if !bracket {
		return nil
	}
	if id, after, closed := strings.Cut(strings.TrimPrefix(rest, ","), "]"); closed {
		n.ID, p.pos = strings.Trim(id, "() "), len(p.text)-len(after)
		if n.ID == "" || isNamePart(n.ID) {
			return nil
		}
	}
	return p.fail(p.pos, ",(identifier)]")
}

func (p *parser) accept(c byte) bool {
	if p.pos < len(p.text) && p.text[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

// word reads name characters and wildcards; a backslash makes the next character
// literal.
func (p *parser) word() string {
	start := p.pos
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		if c == '\\' && p.pos+1 < len(p.text) && isWildcard(p.text[p.pos+1]) {
			p.pos += 2
			continue
		}
		if !isNameByte(c) && !isWildcard(c) {
			break
		}
		p.pos++
	}
	return p.text[start:p.pos]
}

func isNameByte(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '_' || c == '-'
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isWildcard(c byte) bool { return c == '@' || c == '?' || c == '%' }

func isDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

func isNamePart(s string) bool {
	for i := range len(s) {
		if !isNameByte(s[i]) && !isWildcard(s[i]) {
			return false
		}
	}
	return s != ""
}

// validTime accepts hhmm and hhmm mm/dd[/yy[yy]].
func validTime(s string) bool {
	clock, date, dated := strings.Cut(s, " ")
	if len(clock) != 4 || !isDigits(clock) || clock > "2359" || clock[2] > '5' {
		return false
	}
	if !dated {
		return true
	}
	parts := strings.Split(strings.TrimSpace(date), "/")
	for _, part := range parts {
		if !isDigits(part) || len(part) > 4 {
			return false
		}
	}
	return len(parts) == 2 || len(parts) == 3
}

// String is the name as conman takes it; Parse reads it back.
func (n Name) String() string {
	var b strings.Builder
	if n.NetAgent != "" {
		b.WriteString(n.NetAgent + "::")
	}
	if n.Workstation != "" {
		b.WriteString(joined(n.WorkstationFolder, n.Workstation) + "#")
	}
	if n.JobNumber != "" {
		return b.String() + n.JobNumber
	}
	byID := n.Stream == "" && n.ID != ""
	if byID {
		b.WriteString(joined(n.Folder, n.ID))
	} else if n.Stream != "" {
		b.WriteString(joined(n.Folder, n.Stream))
	}
	switch {
	case n.ID != "" && !byID:
		b.WriteString("[(" + n.SchedTime + "),(" + n.ID + ")]")
	case n.SchedTime != "":
		b.WriteString("(" + n.SchedTime + ")")
	}
	if n.Job != "" {
		b.WriteString("." + n.Job)
	}
	if byID {
		b.WriteString(";schedid")
	}
	return b.String()
}

func joined(folder, name string) string {
	switch folder {
	case "":
		return name
	case "/":
		return "/" + name
	}
	return folder + "/" + name
}

// HasWildcard reports whether the name can select more than one object.
func (n Name) HasWildcard() bool {
	for _, part := range [...]string{n.WorkstationFolder, n.Workstation, n.Folder, n.Stream, n.Job} {
		if wild(part) {
			return true
		}
	}
	return false
}

func wild(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
		} else if isWildcard(s[i]) {
			return true
		}
	}
	return false
}
