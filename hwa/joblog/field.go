package joblog

import (
	"strconv"
	"strings"
	"time"
)

// field is what a line that starts with '=' says.
type field int

const (
	plain  field = iota // no '=' line: output
	banner              // a line of '=' only
	remark              // '=' and text without a label that we know: the date
	fieldJob
	fieldUser
	fieldScript
	fieldTask
	fieldMap
	fieldAgent
	fieldNumber
	fieldExit // from here on: footer
	fieldSystem
	fieldUserTime
	fieldElapsed
	fieldCPU
	fieldMemory
	fieldCondition
)

func (f field) header() bool { return f >= fieldJob && f < fieldExit }

func (f field) footer() bool { return f >= fieldExit }

// labels tells the field of a label, letters folded to lower case.
func labels(label string) field {
	switch label {
	case "job":
		return fieldJob
	case "user":
		return fieldUser
	case "jclfile", "script", "docommand":
		return fieldScript
	case "task":
		return fieldTask
	case "twsrcmap":
		return fieldMap
	case "agent":
		return fieldAgent
	case "job number":
		return fieldNumber
	case "system time (seconds)":
		return fieldSystem
	case "user time (seconds)":
		return fieldUserTime
	case "elapsed time (hh:mm:ss)", "elapsed time (minutes)":
		return fieldElapsed
	case "job cpu usage (ms)":
		return fieldCPU
	case "job memory usage (kb)":
		return fieldMemory
	}
	return remark
}

// classify reads a line: its field and the text after the colon.
func classify(line string) (field, string) {
	s := strings.TrimSpace(strings.ReplaceAll(clipLine(line), "：", ":"))
	if !strings.HasPrefix(s, "=") {
		return plain, ""
	}
	body := strings.TrimSpace(strings.TrimLeft(s, "="))
	if body == "" {
		if len(s) < 10 {
			return plain, ""
		}
		return banner, ""
	}
	if strings.HasPrefix(s, "==") { // "=== step 1 ===" is output
		return plain, ""
	}
	return labelled(body)
}

func labelled(body string) (field, string) {
	label, value, ok := cutLabel(body)
	if !ok {
		return remark, body
	}
	value = strings.TrimSpace(value)
	folded := strings.ToLower(strings.Join(strings.Fields(label), " "))
	f := labels(folded)
	switch {
	case f != remark:
		return f, value
	case strings.HasPrefix(folded, "sc ") || strings.HasPrefix(folded, "oc "):
		return fieldCondition, body
	case isExit(folded) && leadingInt(value) != nil:
		return fieldExit, value
	}
	return remark, body
}

// cutLabel cuts at the colon after the label; a colon inside parentheses, as in
// "(hh:mm:ss)", belongs to the label.
func cutLabel(s string) (label, value string, ok bool) {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ':':
			if depth <= 0 {
				return s[:i], s[i+1:], true
			}
		}
	}
	return s, "", false
}

// isExit recognises the label of the exit status, which some agents translate.
func isExit(label string) bool {
	for _, s := range [...]string{"exit status", "exit-status", "exit code", "status de saída", "status de saida", "estado de salida", "stato di uscita", "sortie", "beendigung", "終了", "退出"} {
		if strings.Contains(label, s) {
			return true
		}
	}
	return false
}

func leadingInt(s string) *int {
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || end == 0 && s[0] == '-') {
		end++
	}
	n, err := strconv.Atoi(s[:end])
	if err != nil {
		return nil
	}
	return &n
}

// elapsedIn finds the elapsed time in a line: it shares the line of the system
// time or stands on its own, in minutes or as hh:mm:ss.
func elapsedIn(line string) (time.Duration, bool) {
	lower := strings.ToLower(strings.ReplaceAll(clipLine(line), "：", ":"))
	at := strings.Index(lower, "elapsed time (")
	if at < 0 {
		return 0, false
	}
	unit, rest, ok := strings.Cut(lower[at+len("elapsed time ("):], ")")
	if !ok {
		return 0, false
	}
	value := strings.TrimLeft(rest, " \t:")
	if value, _, _ = strings.Cut(value, " "); unit == "minutes" {
		n, err := strconv.ParseInt(value, 10, 32)
		return time.Duration(n) * time.Minute, err == nil && n >= 0
	}
	return clock(value)
}

// clock reads hh:mm:ss, where the hours may pass 24.
func clock(s string) (time.Duration, bool) {
	parts := strings.Split(s, ":")
	if len(parts) != 3 {
		return 0, false
	}
	var total time.Duration
	for i, unit := range [...]time.Duration{time.Hour, time.Minute, time.Second} {
		n, err := strconv.ParseUint(parts[i], 10, 20)
		if err != nil {
			return 0, false
		}
		total += time.Duration(n) * unit
	}
	return total, true
}

// setJob cuts WS#STREAM[(0900 11/22/26),(ID)].JOB into its parts.
func (r *Run) setJob(s string) {
	r.Job = s
	rest := s
	if ws, after, ok := strings.Cut(s, "#"); ok {
		r.Workstation, rest = strings.TrimSpace(ws), after
	}
	stream, instance, ok := strings.Cut(rest, "[")
	if !ok {
		if dot := strings.LastIndexByte(rest, '.'); dot >= 0 {
			r.Stream, r.Name = rest[:dot], rest[dot+1:]
			return
		}
		r.Name = rest
		return
	}
	r.Stream = strings.TrimSpace(stream)
	inside, name, _ := strings.Cut(instance, "]")
	r.Name = strings.TrimSpace(strings.TrimPrefix(name, "."))
	when, id, _ := strings.Cut(strings.ReplaceAll(inside, "，", ","), ",")
	r.SchedTime, r.SchedID = strings.Trim(when, "() "), strings.Trim(id, "() ")
}

// set stores a labelled value.
func (r *Run) set(f field, value string) {
	switch f {
	case fieldJob:
		r.setJob(value)
	case fieldUser:
		r.User = value
	case fieldScript:
		r.Script = value
	case fieldTask:
		r.Task = value
	case fieldAgent:
		r.Agent = value
	case fieldNumber:
		r.JobNumber = value
	case fieldExit:
		r.ExitStatus = leadingInt(value)
	case fieldSystem:
		r.SystemTime = amount(value, time.Second)
	case fieldUserTime:
		r.UserTime = amount(value, time.Second)
	case fieldCPU:
		r.CPU = amount(value, time.Millisecond)
	case fieldMemory:
		r.MemoryKB = int64(amount(value, 1))
	case fieldCondition:
		r.conditions(value)
	}
}

func amount(s string, unit time.Duration) time.Duration {
	n := leadingInt(s)
	if n == nil || *n < 0 || *n > 1<<31 {
		return 0
	}
	return time.Duration(*n) * unit
}

// conditions reads "SC name : true", of which several may stand on one line, each
// after its own '='.
func (r *Run) conditions(s string) {
	for part := range strings.SplitSeq(s, "=") {
		label, value, ok := cutLabel(part)
		kind, name, named := strings.Cut(strings.TrimSpace(label), " ")
		if !ok || !named || !strings.EqualFold(kind, "SC") && !strings.EqualFold(kind, "OC") {
			continue
		}
		value, _, _ = strings.Cut(strings.TrimSpace(value), " ")
		r.Conditions = append(r.Conditions, Condition{Success: strings.EqualFold(kind, "SC"), Name: strings.TrimSpace(name), Met: strings.EqualFold(value, "true")})
	}
}

func clipLine(s string) string {
	if len(s) > maxLine {
		return s[:maxLine]
	}
	return s
}
