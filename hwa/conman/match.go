package conman

import (
	"strings"
	"unicode/utf8"
)

// Match reports whether a name fits a pattern of conman: @ stands for any
// characters, also none, ? for one character, % for one digit, a backslash takes
// the next character as it is. Case does not matter; the whole name must fit.
func Match(pattern, name string) bool {
	pattern, name = strings.ToUpper(pattern), strings.ToUpper(name)
	p, i := 0, 0
	star, mark := -1, 0
	for i < len(name) {
		if p < len(pattern) && pattern[p] == '@' {
			star, mark = p, i
			p++
			continue
		}
		if used, width := matchOne(pattern[p:], name[i:]); used > 0 {
			p, i = p+used, i+width
			continue
		}
		if star < 0 {
			return false
		}
		_, width := utf8.DecodeRuneInString(name[mark:])
		mark += width
		p, i = star+1, mark
	}
	return strings.Trim(pattern[p:], "@") == ""
}

// matchOne compares one element of the pattern with one character and returns
// the widths of both, 0 when they differ.
func matchOne(pattern, name string) (used, width int) {
	if pattern == "" {
		return 0, 0
	}
	r, w := utf8.DecodeRuneInString(name)
	switch {
	case pattern[0] == '?':
		return 1, w
	case pattern[0] == '%':
		if r < '0' || r > '9' {
			return 0, 0
		}
		return 1, w
	case pattern[0] == '\\' && len(pattern) > 1:
		if strings.HasPrefix(pattern[1:], name[:w]) {
			return w + 1, w
		}
		return 0, 0
	}
	if strings.HasPrefix(pattern, name[:w]) {
		return w, w
	}
	return 0, 0
}

// Object is what a Name is compared with: a job, a stream (Job empty) or a
// workstation (Stream empty too).
type Object struct {
	WorkstationFolder string
	Workstation       string
	Folder            string
	Stream            string
	SchedTime         string // hhmm mm/dd/yyyy
	ID                string
	Job               string
	JobNumber         string
}

// Match reports whether the name selects the object. A part that was not typed
// fits everything, folders included: an operator who asks for PAYROLL means the
// one there is, wherever it is defined. A name of one word fits a job, a stream
// or a workstation.
func (n Name) Match(o Object) bool {
	if n.JobNumber != "" && n.JobNumber != o.JobNumber || n.ID != "" && !strings.EqualFold(n.ID, o.ID) {
		return false
	}
	if !optional(n.Workstation, o.Workstation) || !inFolder(n.WorkstationFolder, o.WorkstationFolder) {
		return false
	}
	if n.SchedTime != "" && !sameTime(n.SchedTime, o.SchedTime) {
		return false
	}
	if n.isWord() {
		last := o.Job
		if last == "" {
			last = o.Stream
		}
		if last == "" {
			return inFolder(n.Folder, o.WorkstationFolder) && Match(n.Stream, o.Workstation)
		}
		return inFolder(n.Folder, o.Folder) && Match(n.Stream, last)
	}
	return optional(n.Stream, o.Stream) && inFolder(n.Folder, o.Folder) && optional(n.Job, o.Job)
}

// isWord reports whether the name is one word, whose kind is open.
func (n Name) isWord() bool {
	return n.Workstation == "" && n.Job == "" && n.SchedTime == "" && n.ID == "" && n.Stream != ""
}

func optional(pattern, name string) bool { return pattern == "" || Match(pattern, name) }

func inFolder(pattern, folder string) bool {
	return pattern == "" || Match(strings.Trim(pattern, "/"), strings.Trim(folder, "/"))
}

// sameTime compares as much of the time as was typed.
func sameTime(want, have string) bool {
	wantClock, wantDate, dated := strings.Cut(want, " ")
	haveClock, haveDate, _ := strings.Cut(have, " ")
	if wantClock != haveClock || !dated {
		return wantClock == haveClock
	}
	w, h := strings.Split(strings.TrimSpace(wantDate), "/"), strings.Split(haveDate, "/")
	if len(h) < len(w) {
		return false
	}
	for i := range w {
		if i == 2 && len(w[i]) != len(h[i]) { // 26 and 2026
			if !strings.HasSuffix(w[i], h[i]) && !strings.HasSuffix(h[i], w[i]) {
				return false
			}
		} else if strings.TrimLeft(w[i], "0") != strings.TrimLeft(h[i], "0") {
			return false
		}
	}
	return true
}
