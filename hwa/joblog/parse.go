package joblog

import (
	"strings"

	"resync/hwa/msgcode"
)

// Parse reads a job log, a TWSMERGE log or any mixture. It accepts every text.
func Parse(text string) Log {
	lines, first, cut := splitLines(text)
	p := &parser{log: Log{lines: lines, first: first, Truncated: cut}}
	for i := range lines {
		p.line(i)
	}
	p.finish()
	p.log.readMessages()
	p.log.dropEmpty()
	return p.log
}

// place is where in a run the parser is.
type place int

const (
	outside place = iota // before the first run or after a footer
	header
	task // inside the definition of a dynamic agent's job, in the header
	output
	footer
)

type parser struct {
	log    Log
	run    *Run
	at     place
	banner int // index of a '=' line in the output that may begin a footer, -1 for none
	dated  bool
}

func (p *parser) number(i int) int { return p.log.first + i }

func (p *parser) line(i int) {
	f, value := classify(p.log.lines[i])
	switch {
	case f == fieldJob && (p.at != header || p.run.Job != ""):
		p.begin(i, header)
		p.run.set(f, value)
	case p.at == header || p.at == task:
		p.inHeader(i, f, value)
	case p.at == footer:
		p.inFooter(i, f, value)
	case p.at == output:
		p.inOutput(i, f, value)
	default:
		p.outside(i, f, value)
	}
}

// begin ends the run at hand and starts one at line i.
func (p *parser) begin(i int, at place) {
	p.finish()
	end := p.run.last()
	p.log.Runs = append(p.log.Runs, Run{})
	if len(p.log.Runs) > maxRuns {
		p.log.Runs, p.log.Truncated = p.log.Runs[1:], true
	}
	p.run, p.at, p.banner, p.dated = p.log.Last(), at, -1, false
	switch at {
	case header:
		p.run.Header = Range{p.number(i), p.number(i)}
		if i > 0 && p.number(i-1) > end && isBanner(p.log.lines[i-1]) {
			p.run.Header.First--
		}
	case output:
		p.run.Output = Range{p.number(i), p.number(i)}
	case footer:
		p.run.Footer = Range{p.number(i), p.number(i)}
	}
}

// last is the number of the run's last line, 0 for no run.
func (r *Run) last() int {
	if r == nil {
		return 0
	}
	return max(r.Header.Last, r.Output.Last, r.Footer.Last)
}

func isBanner(line string) bool {
	f, _ := classify(line)
	return f == banner
}

// outside waits for a run. A header may have lost its first line, a log may be
// cut to its footer, and a content-only log is output from the first line.
func (p *parser) outside(i int, f field, value string) {
	switch {
	case f.header():
		p.begin(i, header)
		p.run.set(f, value)
	case f.footer():
		p.begin(i, footer)
		p.inFooter(i, f, value)
	case f == plain && p.run == nil && strings.TrimSpace(p.log.lines[i]) != "":
		p.begin(i, output)
	}
}

func (p *parser) inHeader(i int, f field, value string) {
	switch {
	case f.footer():
		p.toFooter(i, f, value)
		return
	case f.header():
		p.run.set(f, value)
		if p.at = header; f == fieldTask && !strings.Contains(value, "</jsdl:jobDefinition>") {
			p.at = task
		}
	case p.at == task && f != banner:
		p.run.Task += "\n" + p.log.lines[i]
		if strings.Contains(p.log.lines[i], "jobDefinition>") {
			p.at = header
		}
	case f == banner:
		p.at = output
	case f == remark:
		if !p.dated && strings.ContainsAny(value, "0123456789") {
			p.run.Started, p.dated = value, true
		}
	default:
		p.at = output
		p.inOutput(i, f, value)
		return
	}
	p.run.Header.Last = p.number(i)
}

func (p *parser) inOutput(i int, f field, value string) {
	if f.footer() && f != fieldCondition {
		p.toFooter(i, f, value)
		return
	}
	if p.banner = -1; f == banner {
		p.banner = i
	}
	if p.run.Output.Empty() {
		p.run.Output.First = p.number(i)
	}
	p.run.Output.Last = p.number(i)
}

// toFooter ends the output, taking back the '=' line that opened the footer.
func (p *parser) toFooter(i int, f field, value string) {
	start := i
	if p.at == output && p.banner >= 0 {
		start = p.banner
	}
	p.trimOutput(start)
	p.at, p.banner, p.dated = footer, -1, false
	p.run.Footer = Range{p.number(start), p.number(i)}
	p.inFooter(i, f, value)
}

// trimOutput cuts the output before line i.
func (p *parser) trimOutput(i int) {
	if out := &p.run.Output; !out.Empty() {
		if out.Last = min(out.Last, p.number(i)-1); out.Last < out.First {
			*out = Range{}
		}
	}
}

func (p *parser) inFooter(i int, f field, value string) {
	if d, ok := elapsedIn(p.log.lines[i]); ok {
		p.run.Elapsed = d
	} else if f == plain {
		if strings.TrimSpace(p.log.lines[i]) != "" {
			p.at = outside
		}
		return
	}
	switch {
	case f.footer():
		p.run.set(f, value)
	case f == remark && !p.dated:
		p.run.Ended, p.dated = value, true
	case f == banner:
		p.at = outside
	case f.header():
		p.outside(i, f, value)
		return
	}
	p.run.Footer.Last = p.number(i)
}

// finish closes the run at hand: a '=' line that turned out to open the next
// header is no output, and the codes are collected.
func (p *parser) finish() {
	if p.run == nil {
		return
	}
	if p.at == output && p.banner >= 0 {
		p.trimOutput(p.banner)
	}
	p.run.Codes = p.log.codes(p.run.Output)
	p.run.Task = strings.TrimSpace(p.run.Task)
	p.at = outside
}

func (l *Log) codes(r Range) []msgcode.Code {
	if r.Empty() {
		return nil
	}
	var out []msgcode.Code
	seen := map[string]bool{}
	for _, s := range l.lines[r.First-l.first : r.Last-l.first+1] {
		for _, m := range msgcode.Find(s) {
			if !seen[m.Code.Text] && len(out) < maxCodes {
				seen[m.Code.Text] = true
				out = append(out, m.Code)
			}
		}
	}
	return out
}

// dropEmpty removes a run that a TWSMERGE log, which has no job header, was
// mistaken for.
func (l *Log) dropEmpty() {
	if len(l.Runs) == 1 && l.Runs[0].Header.Empty() && l.Runs[0].Footer.Empty() && len(l.Messages) > 0 && l.Messages[0].Lines.First == l.Runs[0].Output.First {
		l.Runs = nil
	}
}
