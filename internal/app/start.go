package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"resync/hwa"
	"resync/internal/health"
	"resync/internal/state"
	"resync/internal/store"
)

// The exit statuses of a server that does not start, or does not stop in time.
// The numbers are the contract's; docs/operations.md explains them.
const (
	ExitConfig     = 2 // the settings, or a file they name, cannot be used
	ExitAuth       = 3 // accounts, or a password that the database or Redis refuses
	ExitConnection = 4 // the database or Redis does not answer
	ExitTimeout    = 5 // a part did not start, or stop, within its time
	ExitInit       = 6 // anything else a server cannot start without
)

// StartError says in which phase a start, or the stop, failed.
type StartError struct {
	Phase string // settings, breakers, store, accounts, knowledge, engines, chat, http, recovery, checks …
	Err   error
}

// Error names the phase and the cause, in one line: it is the last of a log.
func (e *StartError) Error() string {
	if e.Phase == "stop" {
		return "stopping: " + oneLine(e.Err.Error())
	}
	return "starting " + e.Phase + ": " + oneLine(e.Err.Error())
}

// oneLine joins the lines of a text; what stands twice is said once.
func oneLine(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case out.Len() == 0:
		case line == "" || strings.Contains(out.String(), strings.TrimRight(line, ")")):
			continue
		case strings.HasSuffix(out.String(), ":"):
			out.WriteString(" ")
		default:
			out.WriteString("; ")
		}
		out.WriteString(line)
	}
	return out.String()
}

// badSetting marks the error of a part that cannot be made of its settings, or of a
// file they name.
type badSetting struct{ error }

// Unwrap returns the cause.
func (b badSetting) Unwrap() error { return b.error }

// refusedByDatabase reports whether the database refuses the user or the password:
// class 28 of PostgreSQL's codes.
func refusedByDatabase(err error) bool {
	var said interface{ SQLState() string }
	return errors.As(err, &said) && strings.HasPrefix(said.SQLState(), "28")
}

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Err }

// ExitCode is the exit status for the failure.
func (e *StartError) ExitCode() int {
	is := func(targets ...error) bool {
		for _, t := range targets {
			if errors.Is(e.Err, t) {
				return true
			}
		}
		return false
	}
	var bad badSetting
	var file *fs.PathError
	switch {
	case is(context.DeadlineExceeded):
		return ExitTimeout
	case errors.As(e.Err, &bad) || e.Phase == "settings" || e.Phase == "webhooks" || e.Phase == "engines" && hwa.KindOf(e.Err) == "":
		return ExitConfig // engines are not asked at the start: only their settings can be wrong
	case is(state.ErrAuth) || refusedByDatabase(e.Err) || e.Phase == "accounts" && !is(store.ErrAway):
		return ExitAuth
	case is(store.ErrNotADatabase, store.ErrCorrupt, store.ErrSchemaTooNew, store.ErrReadOnly, store.ErrStorageFull):
		return ExitInit
	case e.Phase == "store" && errors.As(e.Err, &file):
		return ExitInit // the data directory cannot be made
	case e.Phase == "store" || is(state.ErrUnavailable, store.ErrAway):
		return ExitConnection
	}
	return ExitInit
}

// Gate runs the checks without which a server must not start: the critical ones
// of smoke and doctor. It returns a *[StartError] that names what is wrong and
// what to do.
func (a *App) Gate(ctx context.Context) error {
	rep := a.Check(ctx, health.Select{CriticalOnly: true, Deep: true})
	if rep.Ready() {
		a.log.Info("checks passed", "checks", len(rep.Items), "took", rep.Took)
		return nil
	}
	var wrong []string
	for _, t := range rep.Suite().Results {
		if t.Status == "failed" {
			wrong = append(wrong, fmt.Sprintf("%s: %s (do this: %s)", t.Name, t.Error, t.Fix))
		}
	}
	return &StartError{Phase: "checks", Err: errors.New(strings.Join(wrong, "; "))}
}
