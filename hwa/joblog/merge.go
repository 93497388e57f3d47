package joblog

import (
	"strings"

	"resync/hwa/msgcode"
)

// Message is an entry of a TWSMERGE log, several framed lines joined to one text.
type Message struct {
	Time    string // hh:mm:ss dd.mm.yyyy as printed, "" when the line had none
	Process string // BATCHMAN, MAILMAN, JOBMAN…
	Text    string
	Lines   Range
	Codes   []msgcode.Code
}

// processes are those that write into TWSMERGE.
func isProcess(s string) bool {
	switch s {
	case "BATCHMAN", "MAILMAN", "JOBMAN", "JOBMON", "NETMAN", "WRITER", "CONMAN", "STAGEMAN", "MONMAN", "COMPOSER", "LOGMAN", "PLANMAN", "SCRIBNER", "DOWNLOADER", "APPSERVMAN", "SSMAGENT", "ROUTER", "JNEXTPLAN", "TWS4APPS", "EVTSIZE":
		return true
	}
	return false
}

// readMessages collects the TWSMERGE entries of the log. An entry ends at a frame
// ("+ ++++"), at another process or time, or at the next code; a line without a
// prefix continues the entry above it.
func (l *Log) readMessages() {
	var open *Message
	for i, line := range l.lines {
		n := l.first + i
		when, process, text, ok := mergeLine(clipLine(line))
		switch {
		case !ok && open != nil && open.Lines.Last == n-1 && strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "="):
			open.add(n, clipLine(line))
		case !ok:
			open = nil
		case strings.Trim(text, "+*/ ") == "":
			open = nil
		case open != nil && open.Process == process && open.Time == when && !startsWithCode(text):
			open.add(n, text)
		default:
			l.Messages = append(l.Messages, Message{Time: when, Process: process, Text: strings.TrimSpace(text), Lines: Range{n, n}})
			open = &l.Messages[len(l.Messages)-1]
		}
	}
	for i := range l.Messages {
		l.Messages[i].Codes = msgcode.Codes(l.Messages[i].Text)
	}
}

func (m *Message) add(n int, text string) {
	m.Lines.Last = n
	if len(m.Text) < 4*maxLine {
		m.Text += " " + strings.TrimSpace(text)
	}
}

// mergeLine splits "10:20:02 03.02.2008|BATCHMAN:+ text" and the older
// "MAILMAN:06:15/ text".
func mergeLine(line string) (when, process, text string, ok bool) {
	rest := strings.TrimSpace(line)
	if before, after, cut := strings.Cut(rest, "|"); cut && len(before) <= 24 && strings.Count(before, ":") == 2 {
		when, rest = strings.TrimSpace(before), after
	}
	process, text, ok = strings.Cut(rest, ":")
	if process = strings.TrimSpace(process); !ok || !isProcess(process) {
		return "", "", "", false
	}
	text = strings.TrimSpace(text)
	if len(text) > 6 && text[2] == ':' && text[5] == '/' && when == "" {
		when, text = text[:5], text[6:]
	}
	return when, process, strings.TrimSpace(strings.TrimPrefix(text, "+")), true
}

// startsWithCode reports whether a new entry begins: each starts with its code.
func startsWithCode(text string) bool {
	word, _, _ := strings.Cut(text, " ")
	_, ok := msgcode.Normalize(word)
	return ok
}
