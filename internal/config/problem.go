package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxProblems bounds how many problems are listed; a hostile file could hold a
// problem per byte.
const maxProblems = 50

// Problem is one thing wrong with the settings.
type Problem struct {
	Key   string // "server.addr"; "" when it concerns the whole file
	Where string // "resync.yaml:14:3" or "env TWS_PORT"; "" when it is a missing value
	Text  string // what is wrong and what to write instead; never a secret's value

	line, col int // order inside the file
}

// Error returns place, key and text.
func (p *Problem) Error() string { return join(p.Where, p.Key, p.Text) }

// Warning is something an operator should know although the settings can be
// used: a setting without effect, an unsafe but permitted choice.
type Warning struct {
	Key   string // as in Problem
	Where string // as in Problem
	Text  string // what it means
}

// String returns place, key and text.
func (w Warning) String() string { return join(w.Where, w.Key, w.Text) }

// join puts colons between the parts that are not empty.
func join(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ": ")
}

// report collects problems and warnings while settings are read.
type report struct {
	problems []*Problem
	warnings []Warning
}

// add records a problem at the given place.
func (r *report) add(key string, o Origin, format string, args ...any) {
	r.problems = append(r.problems, &Problem{
		Key: key, Where: o.place(), Text: fmt.Sprintf(format, args...), line: o.line, col: o.col,
	})
}

// warn records a warning at the given place.
func (r *report) warn(key string, o Origin, format string, args ...any) {
	r.warnings = append(r.warnings, Warning{Key: key, Where: o.place(), Text: fmt.Sprintf(format, args...)})
}

// err returns all problems as one error, those of the file first and in the
// order of its lines; nil when there are none.
func (r *report) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(r.problems, func(a, b *Problem) int {
		return cmp.Or(boolOrder(a.line == 0, b.line == 0), cmp.Compare(a.line, b.line), cmp.Compare(a.col, b.col))
	})
	var errs []error
	for i, p := range r.problems {
		if i == maxProblems {
			errs = append(errs, fmt.Errorf("and %d more", len(r.problems)-i))
			break
		}
		errs = append(errs, p)
	}
	return errors.Join(errs...)
}

// boolOrder sorts false before true.
func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
