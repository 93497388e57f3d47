package refactor

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// gitRepo runs git in one directory of a work tree.
type gitRepo struct{ dir string }

// run returns what git prints, without the last newline.
func (g gitRepo) run(ctx context.Context, args ...string) (string, error) {
	c := exec.CommandContext(ctx, "git", append([]string{"-c", "core.quotePath=false"}, args...)...)
	c.Dir = g.dir
	c.Env = append(os.Environ(), "LC_ALL=C", "GIT_EDITOR=true")
	var out, errOut bytes.Buffer
	c.Stdout, c.Stderr = &out, &errOut
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(errOut.String()))
	}
	return strings.TrimRight(out.String(), "\n"), nil
}

// head is the commit checked out.
func (g gitRepo) head(ctx context.Context) (string, error) {
	return g.run(ctx, "rev-parse", "--verify", "HEAD^{commit}")
}

// dirty lists what differs from HEAD in the whole work tree, untracked files
// included, one "XY path" a line.
func (g gitRepo) dirty(ctx context.Context) ([]string, error) {
	out, err := g.run(ctx, "status", "--porcelain", "--untracked-files=all")
	if err != nil || out == "" {
		return nil, err
	}
	return strings.Split(out, "\n"), nil
}

// private is a file name inside the git directory: state kept there never makes
// the tree dirty.
func (g gitRepo) private(ctx context.Context, name string) (string, error) {
	out, err := g.run(ctx, "rev-parse", "--git-path", name)
	if err != nil {
		return "", err
	}
	if !filepath.IsAbs(out) {
		out = filepath.Join(g.dir, out)
	}
	return out, nil
}

// busy names an operation that is under way (merge, rebase, …), or "".
func (g gitRepo) busy(ctx context.Context) string {
	for _, name := range []string{"MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply", "BISECT_LOG"} {
		p, err := g.private(ctx, name)
		if err != nil {
			continue
		}
		if _, err := os.Stat(p); err == nil {
			return name
		}
	}
	return ""
}

// ready returns the commit checked out, or a refusal when the tree is not fit
// for a change that must be its own commit.
func (g gitRepo) ready(ctx context.Context) (string, error) {
	if _, err := g.run(ctx, "rev-parse", "--is-inside-work-tree"); err != nil {
		return "", refuse("%s is not inside a git work tree: moves need git to keep history and to be undone", g.dir)
	}
	head, err := g.head(ctx)
	if err != nil {
		return "", refuse("the repository has no commit yet: commit the present state first")
	}
	if op := g.busy(ctx); op != "" {
		return "", refuse("git is in the middle of something (%s): finish or abort it first", op)
	}
	lines, err := g.dirty(ctx)
	if err != nil {
		return "", err
	}
	if len(lines) > 0 {
		return "", refuse("the work tree has %d uncommitted changes (first: %s): commit or set them aside first", len(lines), strings.TrimSpace(lines[0]))
	}
	return head, nil
}
