package health

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// Status is pass, warn or fail.
type Status string

// The three outcomes of a check, and of the whole.
const (
	Pass Status = "pass"
	Warn Status = "warn"
	Fail Status = "fail"
)

// Check is one thing to look at.
type Check struct {
	Name     string        // "component:measurement", such as "engine:reachable"; unique
	Critical bool          // without it no request can succeed
	Timeout  time.Duration // longest time Run may take; 0 is 2 s
	MaxAge   time.Duration // how long an outcome is reused, so that callers of /health cannot flood the engine; 0 is 1 s
	Fix      string        // what to do when it does not pass; a Result can say it better
	Run      func(context.Context) Result
}

// Result is what a check found.
type Result struct {
	Status   Status
	Output   string // what was found, for people; must not hold secrets
	Fix      string // what to do about it; "" takes the check's own hint
	Observed any    // the measured value, if there is one
	Unit     string // its unit
}

// Passed is a result that is in order; text tells what was seen.
func Passed(text string) Result { return Result{Status: Pass, Output: text} }

// Warned is a result that limits the work without stopping it.
func Warned(format string, args ...any) Result {
	return Result{Status: Warn, Output: fmt.Sprintf(format, args...)}
}

// Failed is a result that stops the work of the component.
func Failed(format string, args ...any) Result {
	return Result{Status: Fail, Output: fmt.Sprintf(format, args...)}
}

// Ping makes a check out of a function that returns an error when something is
// not in order. The time it took is the observed value.
func Ping(name string, critical bool, fix string, ping func(context.Context) error) Check {
	return Check{Name: name, Critical: critical, Fix: fix, Run: func(ctx context.Context) Result {
		start := time.Now()
		if err := ping(ctx); err != nil {
			return Failed("%v", err)
		}
		return Result{Status: Pass, Observed: time.Since(start).Milliseconds(), Unit: "ms"}
	}}
}

// Writable checks that files can be created in a directory.
func Writable(name, dir string) Check {
	return Check{Name: name, Critical: true, Fix: "create " + dir + " and give this user the right to write in it; look whether the disk is full",
		Run: func(context.Context) Result {
			f, err := os.CreateTemp(dir, ".health-*")
			if err != nil {
				return Failed("cannot write in the data directory: %v", err)
			}
			defer os.Remove(f.Name())
			_, err = f.WriteString("x")
			if err := errors.Join(err, f.Close()); err != nil {
				return Failed("cannot write in the data directory: %v", err)
			}
			return Passed("files can be written in " + dir)
		}}
}
