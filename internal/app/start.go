package app

import (
	"context"
	"errors"
	"fmt"
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

// Error names the phase and the cause.
func (e *StartError) Error() string {
	if e.Phase == "stop" {
		return fmt.Sprintf("stopping: %v", e.Err)
	}
	return fmt.Sprintf("starting %s: %v", e.Phase, e.Err)
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
	switch {
	case is(context.DeadlineExceeded):
		return ExitTimeout
	case e.Phase == "settings" || e.Phase == "webhooks" || e.Phase == "engines" && hwa.KindOf(e.Err) == "":
		return ExitConfig // engines are not asked at the start: only their settings can be wrong
	case e.Phase == "accounts" || is(state.ErrAuth):
		return ExitAuth
	case is(store.ErrNotADatabase, store.ErrCorrupt, store.ErrSchemaTooNew, store.ErrReadOnly, store.ErrStorageFull):
		return ExitInit
	case e.Phase == "store" || is(state.ErrUnavailable):
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
