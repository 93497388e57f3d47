package refactor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Step is one line of a plan.
type Step struct {
	Kind string `json:"kind"` // move, or shims to leave a forwarding package behind
	Old  string `json:"old"`
	New  string `json:"new"`
}

// StepDone is what a step did.
type StepDone struct {
	Step
	Commit   string   `json:"commit"`
	Files    int      `json:"files"`
	Warnings []string `json:"warnings"`
}

// ReadPlan reads a plan: "[move|shims] OLD NEW" a line, # starts a comment.
func ReadPlan(name string) ([]Step, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading the plan: %w", err)
	}
	defer f.Close()
	var out []Step
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		w := strings.Fields(line)
		if len(w) == 0 {
			continue
		}
		if len(w) == 2 && w[0] != "move" && w[0] != "shims" {
			w = append([]string{"move"}, w...)
		}
		if len(w) != 3 || !slices.Contains([]string{"move", "shims"}, w[0]) {
			return nil, fmt.Errorf("%s:%d: want \"[move|shims] OLD NEW\"", name, n)
		}
		out = append(out, Step{w[0], w[1], w[2]})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the plan: %w", err)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s holds no step", name)
	}
	return out, nil
}

// Migrate makes the steps of a plan in order, one commit each. When one fails,
// the commits of the earlier ones are taken back too (*RolledBack). progress, if
// not nil, is called after each step.
func Migrate(ctx context.Context, dir string, steps []Step, opt MoveOptions, progress func(StepDone)) ([]StepDone, error) {
	root, err := findRoot(dir)
	if err != nil {
		return nil, err
	}
	git := gitRepo{root}
	head, err := git.ready(ctx)
	if err != nil {
		return nil, err
	}
	before, err := loadState(ctx, git)
	if err != nil {
		return nil, err
	}
	var done []StepDone
	for i, s := range steps {
		d, err := migrateStep(ctx, root, s, opt)
		if err != nil {
			err = fmt.Errorf("step %d (%s %s %s): %w", i+1, s.Kind, s.Old, s.New, err)
			if i == 0 {
				return nil, err
			}
			return nil, unmigrate(context.WithoutCancel(ctx), git, head, before, err)
		}
		done = append(done, d)
		if progress != nil {
			progress(d)
		}
	}
	return done, nil
}

func migrateStep(ctx context.Context, root string, s Step, opt MoveOptions) (StepDone, error) {
	d := StepDone{Step: s, Warnings: []string{}}
	m, err := Open(root)
	if err != nil {
		return d, err
	}
	if s.Kind == "shims" {
		p, err := PlanShim(m, s.Old, s.New, "")
		if err != nil {
			return d, err
		}
		d.Files, d.Warnings = len(p.Files), p.Warnings
		d.Commit, err = WriteShim(ctx, p, opt)
		return d, err
	}
	mv, err := PlanMove(ctx, m, s.Old, s.New, opt)
	if err != nil {
		return d, err
	}
	a, err := Apply(ctx, mv, opt)
	if err != nil {
		return d, err
	}
	d.Commit, d.Files, d.Warnings = a.Commit, len(a.Files), a.Warnings
	return d, nil
}

// unmigrate takes the commits of earlier steps back. --keep refuses rather than
// lose a change somebody else made meanwhile.
func unmigrate(ctx context.Context, git gitRepo, head string, before *state, cause error) error {
	if _, err := git.run(ctx, "reset", "-q", "--keep", head); err != nil {
		return errors.Join(cause, fmt.Errorf("taking the earlier steps back: %w", err))
	}
	if err := before.save(ctx, git); err != nil {
		return errors.Join(cause, err)
	}
	return &RolledBack{Cause: cause}
}

// Rehearse makes the steps in a work tree of its own and throws it away: what it
// reports is what Migrate would do, and the repository is as before.
func Rehearse(ctx context.Context, dir string, steps []Step, opt MoveOptions, progress func(StepDone)) (done []StepDone, err error) {
	root, err := findRoot(dir)
	if err != nil {
		return nil, err
	}
	git := gitRepo{root}
	if _, err := git.ready(ctx); err != nil {
		return nil, err
	}
	prefix, err := git.run(ctx, "rev-parse", "--show-prefix")
	if err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp("", "resync-rehearse-")
	if err != nil {
		return nil, fmt.Errorf("making a place to rehearse in: %w", err)
	}
	tree := filepath.Join(tmp, "tree")
	defer func() {
		err = errors.Join(err, os.RemoveAll(tmp))
		_, perr := git.run(context.WithoutCancel(ctx), "worktree", "prune")
		err = errors.Join(err, perr)
	}()
	if _, err := git.run(ctx, "worktree", "add", "-q", "--detach", tree, "HEAD"); err != nil {
		return nil, err
	}
	return Migrate(ctx, filepath.Join(tree, prefix), steps, opt, progress)
}
