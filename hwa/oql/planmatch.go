package oql

import (
	"fmt"
	"strconv"
	"strings"
)

// Target is what a filter is compared with. Folders may be given with or without
// the outer slashes. States are the values +state= may name (for a job its
// internal and its common status).
type Target struct {
	WorkstationFolder string
	Workstation       string
	Folder            string
	Name              string
	SchedTime         string // hhmm or hhmm mm/dd/yyyy
	Job               string
	States            []string
	Priority          int
}

// Match reports whether the filter selects the object.
func (f PlanFilter) Match(t Target) bool { return f.Compile()(t) }

// Compile prepares the filter for many objects; the result is safe for
// concurrent use.
func (f PlanFilter) Compile() func(Target) bool {
	var tests []func(*Target) bool
	add := func(pattern string, get func(*Target) string) {
		if pattern != "@" {
			match := fold(pattern)
			tests = append(tests, func(t *Target) bool { return match(get(t)) })
		}
	}
	if f.Kind != Prompts {
		tests = append(tests, folderTest(f.WorkstationFolder, func(t *Target) string { return t.WorkstationFolder })...)
		add(f.Workstation, func(t *Target) string { return t.Workstation })
	}
	if f.Kind != Workstations {
		tests = append(tests, folderTest(f.Folder, func(t *Target) string { return t.Folder })...)
		add(f.Name, func(t *Target) string { return t.Name })
	}
	if f.Kind == Jobs {
		add(f.Job, func(t *Target) string { return t.Job })
	}
	if when := f.SchedTime; when != "" {
		tests = append(tests, func(t *Target) bool { return sameSchedTime(when, t.SchedTime) })
	}
	for _, q := range f.Qualifiers {
		tests = append(tests, q.test())
	}
	return func(t Target) bool {
		for _, test := range tests {
			if !test(&t) {
				return false
			}
		}
		return true
	}
}

// fold compiles a pattern that ignores case. Names are ASCII; comparing without
// allocation matters more than Turkish dotless i.
func fold(pattern string) func(string) bool {
	match := wildcard(strings.ToUpper(pattern), "@?%")
	return func(s string) bool { return match(strings.ToUpper(s)) }
}

// folderTest compares a folder; /@/ needs no test at all.
func folderTest(pattern string, get func(*Target) string) []func(*Target) bool {
	pattern = slashed(pattern)
	if pattern == "/@/" {
		return nil
	}
	match := fold(pattern)
	return []func(*Target) bool{func(t *Target) bool { return match(slashed(get(t))) }}
}

// sameSchedTime compares as much as the filter says: the date is optional and
// its year may have two digits or be missing.
func sameSchedTime(want, got string) bool {
	wantClock, wantDate, _ := strings.Cut(want, " ")
	gotClock, gotDate, _ := strings.Cut(got, " ")
	if wantClock != gotClock || wantDate == "" {
		return wantClock == gotClock
	}
	w, g := strings.Split(wantDate, "/"), strings.Split(gotDate, "/")
	if len(g) < len(w) {
		return false
	}
	for i, part := range w {
		if i == 2 && len(part) == 2 && len(g[i]) == 4 {
			part = "20" + part
		}
		if trimZeros(part) != trimZeros(g[i]) {
			return false
		}
	}
	return true
}

func trimZeros(s string) string { return strings.TrimLeft(s, "0") }

func (q Qualifier) test() func(*Target) bool {
	holds := q.stateHolds
	if q.Name == "priority" {
		low, high, err := priorityRange(q.Values)
		holds = func(t *Target) bool { return err == nil && low <= t.Priority && t.Priority <= high }
	}
	return func(t *Target) bool { return holds(t) != q.Exclude }
}

// stateHolds compares without regard to case; the console writes a common status
// as #Waiting.
func (q Qualifier) stateHolds(t *Target) bool {
	for _, want := range q.Values {
		for _, have := range t.States {
			if strings.EqualFold(strings.TrimPrefix(want, "#"), have) {
				return true
			}
		}
	}
	return false
}

// priorityRange reads "n", "low,high", "low," and ",high"; hi is 100, go is 101.
func priorityRange(values []string) (low, high int, err error) {
	if len(values) > 2 {
		return 0, 0, fmt.Errorf("%d values for a priority", len(values))
	}
	if low, err = priority(values[0], 0); err != nil {
		return 0, 0, err
	}
	high, err = priority(values[len(values)-1], 101)
	return low, high, err
}

func priority(s string, missing int) (int, error) {
	switch strings.ToLower(s) {
	case "":
		return missing, nil
	case "hi":
		return 100, nil
	case "go":
		return 101, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 101 {
		return 0, fmt.Errorf("%q is not a priority", s)
	}
	return n, nil
}
