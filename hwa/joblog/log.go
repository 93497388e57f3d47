package joblog

import (
	"strings"
	"time"

	"resync/hwa/msgcode"
)

// Limits of what Parse keeps. A job can print gigabytes; the end of a log tells
// why it ended.
const (
	MaxBytes = 8 << 20 // a longer text loses its beginning
	maxRuns  = 1000    // a job repeated every minute for a day appends 1,440; the last are kept
	maxLine  = 2000    // bytes of a line that are looked at
	maxCodes = 200     // codes kept per run
)

// Log is a parsed text. Lines are numbered from 1 in the text that was given,
// also when its beginning was dropped.
type Log struct {
	Runs      []Run
	Messages  []Message // lines of a TWSMERGE log
	Truncated bool      // the beginning was dropped, or the text had too many runs

	lines []string
	first int // number of lines[0]
}

// Run is one run of the job.
type Run struct {
	Job         string // as printed: WS#STREAM[(0900 11/22/26),(0AAAAAAAAAAAABTB)].JOB
	Workstation string // with its folder, if printed
	Stream      string
	SchedTime   string // hhmm mm/dd/yy
	SchedID     string
	Name        string
	User        string
	Script      string // JCLFILE: script or command line
	Task        string // TASK: definition in JSDL, on dynamic agents
	Agent       string
	JobNumber   string
	Started     string // as printed: its form follows the agent's locale
	Ended       string
	ExitStatus  *int // nil when there is no footer
	Elapsed     time.Duration
	CPU         time.Duration
	SystemTime  time.Duration
	UserTime    time.Duration
	MemoryKB    int64
	Conditions  []Condition
	Header      Range
	Output      Range
	Footer      Range
	Codes       []msgcode.Code // in the output, each once
}

// Condition is an output condition (OC) or success condition (SC) of the footer.
type Condition struct {
	Success bool
	Name    string
	Met     bool
}

// Range is a range of lines, both ends included. The zero Range is empty.
type Range struct{ First, Last int }

// Empty reports whether there is no line.
func (r Range) Empty() bool { return r.First == 0 }

// Line is one numbered line.
type Line struct {
	Number int    `json:"line"`
	Text   string `json:"text"`
}

// Last is the newest run, nil when the text holds none.
func (l *Log) Last() *Run {
	if len(l.Runs) == 0 {
		return nil
	}
	return &l.Runs[len(l.Runs)-1]
}

// Tail returns the last n lines of the text.
func (l *Log) Tail(n int) []Line {
	return l.Lines(Range{First: max(l.first, l.first+len(l.lines)-n), Last: l.first + len(l.lines) - 1})
}

// Lines returns the lines of a range that the log still holds.
func (l *Log) Lines(r Range) []Line {
	from, to := max(r.First, l.first), min(r.Last, l.first+len(l.lines)-1)
	if r.Empty() || from > to {
		return nil
	}
	out := make([]Line, 0, to-from+1)
	for n := from; n <= to; n++ {
		out = append(out, Line{Number: n, Text: l.lines[n-l.first]})
	}
	return out
}

// Len is the number of lines held.
func (l *Log) Len() int { return len(l.lines) }

// splitLines cuts the text into lines without their ends and drops the beginning
// of a text that is too long, at the end of a line.
func splitLines(text string) (lines []string, first int, cut bool) {
	first = 1
	if len(text) > MaxBytes {
		from := len(text) - MaxBytes
		if n := strings.IndexByte(text[from:], '\n'); n >= 0 {
			from += n + 1
		}
		first += strings.Count(text[:from], "\n")
		text, cut = text[from:], true
	}
	text = strings.TrimSuffix(text, "\n")
	if text == "" {
		return nil, first, cut
	}
	lines = strings.Split(text, "\n")
	for i, s := range lines {
		lines[i] = strings.TrimSuffix(s, "\r")
	}
	return lines, first, cut
}
