package joblog

import (
	"encoding/xml"
	"fmt"
	"strings"
	"time"
)

// Style is the kind of agent whose log Render imitates.
type Style uint8

// The styles.
const (
	Unix         Style = iota // fault-tolerant agent on UNIX
	Windows                   // fault-tolerant agent on Windows: CR LF, no CPU split
	DynamicAgent              // TASK with a job definition in JSDL
)

// Report is what Render writes. Zero values are left out where the product would
// print something empty.
type Report struct {
	Style       Style
	Workstation string // with folder, if any
	Stream      string
	SchedTime   time.Time
	SchedID     string
	Job         string
	User        string
	Command     string // script or command line
	Agent       string
	JobNumber   int64
	Started     time.Time // printed in its own zone
	Output      []string

	Running    bool // no footer yet
	Ended      time.Time
	ExitStatus int
	CPU        time.Duration
	MemoryKB   int64
	Minutes    bool // elapsed time in minutes, as older agents print it
	Conditions []Condition
}

// rule is the line of 63 '=' that frames header and footer.
const rule = "==============================================================="

// Render writes the log of one run as the product does. The log of a job that was
// rerun in place is the concatenation of its runs.
func Render(r Report) string {
	end := "\n"
	if r.Style == Windows {
		end = "\r\n"
	}
	w := &writer{end: end}
	w.header(r)
	for _, s := range r.Output {
		w.line("%s", s)
	}
	if !r.Running {
		w.footer(r)
	}
	return w.b.String()
}

type writer struct {
	b   strings.Builder
	end string
}

func (w *writer) line(format string, args ...any) {
	fmt.Fprintf(&w.b, format, args...)
	w.b.WriteString(w.end)
}

func (w *writer) header(r Report) {
	w.line(rule)
	w.line("= JOB       : %s#%s[(%s),(%s)].%s", r.Workstation, r.Stream, r.SchedTime.Format("1504 01/02/06"), r.SchedID, r.Job)
	w.line("= USER      : %s", r.User)
	if r.Style == DynamicAgent {
		w.line("= TASK      : %s", jsdl(r))
	} else {
		w.line("= JCLFILE   : %s", r.Command)
	}
	w.line("= TWSRCMAP  : ")
	w.line("= AGENT     : %s", r.Agent)
	w.line("= Job Number: %d", r.JobNumber)
	w.line("= %s", stamp(r.Style, r.Started))
	w.line(rule)
}

func (w *writer) footer(r Report) {
	w.line(rule)
	w.line("= Exit Status           : %d", r.ExitStatus)
	for _, c := range r.Conditions {
		kind := "OC"
		if c.Success {
			kind = "SC"
		}
		w.line("= %s %s : %t", kind, c.Name, c.Met)
	}
	w.times(r)
	w.line("= %s", stamp(r.Style, r.Ended))
	w.line(rule)
}

// times writes the elapsed time where each style has it. Only UNIX splits CPU
// time; it does so in whole seconds.
func (w *writer) times(r Report) {
	elapsed := max(0, r.Ended.Sub(r.Started)).Round(time.Second)
	text := fmt.Sprintf("Elapsed Time (hh:mm:ss) : %02d:%02d:%02d", int(elapsed.Hours()), int(elapsed.Minutes())%60, int(elapsed.Seconds())%60)
	if r.Minutes {
		text = fmt.Sprintf("Elapsed Time (Minutes) : %d", int((elapsed+time.Minute-1)/time.Minute))
	}
	if r.Style == DynamicAgent {
		w.line("= %s", text)
	} else {
		system, user := time.Duration(0), time.Duration(0)
		if r.Style == Unix {
			system, user = r.CPU/4, r.CPU*3/4
		}
		w.line("= System Time (Seconds) : %-5d %s", int(system.Seconds()), text)
		w.line("= User Time (Seconds)   : %d", int(user.Seconds()))
	}
	w.line("= Job CPU usage (ms)    : %d", r.CPU.Milliseconds())
	w.line("= Job Memory usage (kb) : %d", r.MemoryKB)
}

// stamp is the date line of an English locale.
func stamp(style Style, t time.Time) string {
	if style == Windows {
		return t.Format("01/02/2006 15:04:05")
	}
	return t.Format("Mon Jan _2 15:04:05 MST 2006")
}

// jsdl is the job definition as the header shows it, on several lines.
func jsdl(r Report) string {
	return `<?xml version="1.0" encoding="UTF-8"?>
<jsdl:jobDefinition xmlns:jsdl="http://www.ibm.com/xmlns/prod/scheduling/1.0/jsdl" xmlns:jsdle="http://www.ibm.com/xmlns/prod/scheduling/1.0/jsdle" name="` + escape(r.Job) + `">
  <jsdl:application name="executable">
    <jsdle:executable interactive="false">
      <jsdle:script>` + escape(r.Command) + `</jsdle:script>
    </jsdle:executable>
  </jsdl:application>
</jsdl:jobDefinition>`
}

// escape makes text safe inside XML; writing to a Builder cannot fail.
func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}
