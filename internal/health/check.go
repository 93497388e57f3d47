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

// The outcomes of a check; the whole is never Skip.
const (
	Pass Status = "pass"
	Warn Status = "warn"
	Fail Status = "fail"
	Skip Status = "skip" // it could not be looked at, or there is nothing to look at; the output says why
)

// Category groups the checks of doctor and smoke, as the contract does.
type Category string

// The categories of the contract.
const (
	Configuration Category = "Configuration"
	Dependencies  Category = "Dependencies"
	CoreModules   Category = "Core Modules"
	Services      Category = "Services"
	Integration   Category = "Integration"
)

// Check is one thing to look at.
type Check struct {
	Name     string        // "component:measurement", such as "engine:reachable"; unique
	Title    string        // what doctor calls it; "" is the name
	Category Category      // where doctor lists it
	Critical bool          // without it no request can succeed
	Smoke    bool          // one of the contract's smoke tests
	Deep     bool          // run by doctor and smoke only: it takes longer, or tells nothing new from minute to minute
	Timeout  time.Duration // longest time Run may take; 0 is 2 s
	MaxAge   time.Duration // how long an outcome is reused, so that callers of /health cannot flood the engine; 0 is 1 s
	Fix      string        // what to do when it does not pass; a Result can say it better
	Run      func(context.Context) Result
}

// Result is what a check found.
type Result struct {
	Status   Status
	Output   string   // what was found, for people; must not hold secrets
	Fix      string   // what to do about it; "" takes the check's own hint
	Observed any      // the measured value, if there is one
	Unit     string   // its unit
	Affected []string // routes that refuse or work with less because of it
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

// Skipped is a result for what could not be looked at, or is not set up; it
// counts neither for nor against the whole.
func Skipped(format string, args ...any) Result {
	return Result{Status: Skip, Output: fmt.Sprintf(format, args...)}
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
