package refactor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

// checker builds and vets before and after a change. A module whose vet already
// complains may still be moved: only complaints that are new count.
type checker struct {
	roots  []string
	was    map[string]bool
	rename func(string) string
}

func newChecker(mv *Move) *checker {
	c := &checker{roots: []string{mv.mod.Root}, was: map[string]bool{}}
	for _, l := range mv.mod.Linked {
		c.roots = append(c.roots, l.Root)
	}
	pairs := []string{}
	for _, old := range mv.subpackages() {
		pairs = append(pairs, old, mv.Packages[old])
	}
	pairs = append(pairs, mv.Old+"/", mv.New+"/")
	c.rename = strings.NewReplacer(pairs...).Replace
	return c
}

// before refuses a module that does not build.
func (c *checker) before(ctx context.Context) error {
	for _, root := range c.roots {
		if out, err := goCommand(ctx, root, "build", "-o", os.DevNull, "./..."); err != nil {
			return refuse("%s does not build as it is: %s", root, problem(out, err))
		}
		out, err := goCommand(ctx, root, "vet", "./...")
		if err != nil && ctx.Err() != nil {
			return err
		}
		for _, l := range diagnostics(out) {
			c.was[c.rename(l)] = true
		}
	}
	return nil
}

// after fails when the module does not build or vet finds something new.
func (c *checker) after(ctx context.Context) error {
	for _, root := range c.roots {
		if out, err := goCommand(ctx, root, "build", "-o", os.DevNull, "./..."); err != nil {
			return fmt.Errorf("go build fails after the change: %s", problem(out, err))
		}
		out, err := goCommand(ctx, root, "vet", "./...")
		if err == nil {
			continue
		}
		var fresh []string
		for _, l := range diagnostics(out) {
			if !c.was[l] && !c.was[c.rename(l)] {
				fresh = append(fresh, l)
			}
		}
		if len(fresh) > 0 || ctx.Err() != nil || out == "" {
			return fmt.Errorf("go vet fails after the change: %s", problem(strings.Join(fresh, "\n"), err))
		}
	}
	return nil
}

// problem shortens what a tool printed.
func problem(out string, err error) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	const most = 20
	if len(lines) > most {
		lines = append(lines[:most], fmt.Sprintf("(and %d lines more)", len(lines)-most))
	}
	return fmt.Sprintf("%v\n%s", err, strings.Join(lines, "\n"))
}

var linePosition = regexp.MustCompile(`:\d+(:\d+)?`)

// diagnostics are the lines of vet without their line numbers: an edit may move
// them.
func diagnostics(out string) []string {
	var lines []string
	for l := range strings.SplitSeq(out, "\n") {
		if l = strings.TrimSpace(l); l != "" && l[0] != '#' {
			lines = append(lines, linePosition.ReplaceAllString(l, ""))
		}
	}
	return lines
}

// goCommand runs the go command of the machine on the module as it is: its own
// settings count, but no other tool chain is fetched.
func goCommand(ctx context.Context, root string, args ...string) (string, error) {
	if args[0] == "build" || args[0] == "vet" || args[0] == "test" {
		// Stamping the commit into every command costs time and says nothing here.
		args = append([]string{args[0], "-buildvcs=false"}, args[1:]...)
	}
	c := exec.CommandContext(ctx, "go", args...)
	c.Dir = root
	c.Env = append(os.Environ(), "GOTOOLCHAIN=local", "PWD="+root)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	if ctx.Err() != nil {
		err = errors.Join(ctx.Err(), err)
	}
	if err != nil {
		err = fmt.Errorf("go %s: %w", args[0], err)
	}
	return out.String(), err
}
