package refactor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// commitFiles writes files as one commit: refused on a dirty tree or one that
// does not build, checked after, undone whole on failure.
func commitFiles(ctx context.Context, m *Module, writes []fileWrite, rec Record, subject string, opt MoveOptions) (string, error) {
	git := gitRepo{m.Root}
	base, err := git.ready(ctx)
	if err != nil {
		return "", err
	}
	st, err := loadState(ctx, git)
	if err != nil {
		return "", err
	}
	check := newChecker(&Move{mod: m})
	if !opt.NoCheck {
		if err := check.before(ctx); err != nil {
			return "", err
		}
	}
	commit, err := writeAndCommit(ctx, git, writes, subject, func() error {
		if opt.NoCheck {
			return nil
		}
		return check.after(ctx)
	})
	if err != nil {
		if uerr := unwrite(context.WithoutCancel(ctx), git, m, writes); uerr != nil {
			return "", errors.Join(err, fmt.Errorf("undoing it failed too: %w", uerr))
		}
		return "", &RolledBack{Cause: err}
	}
	rec.Base, rec.Commit = base, commit
	st.Moves = append(st.Moves, rec)
	return commit, st.save(ctx, git)
}

func writeAndCommit(ctx context.Context, git gitRepo, writes []fileWrite, subject string, check func() error) (string, error) {
	args := []string{"add", "--"}
	for _, w := range writes {
		if err := os.MkdirAll(filepath.Dir(w.name), 0o755); err != nil {
			return "", fmt.Errorf("writing %s: %w", w.name, err)
		}
		perm := os.FileMode(0o644)
		if st, err := os.Stat(w.name); err == nil {
			perm = st.Mode().Perm()
		}
		if err := os.WriteFile(w.name, w.now, perm); err != nil {
			return "", fmt.Errorf("writing %s: %w", w.name, err)
		}
		args = append(args, w.name)
	}
	if err := check(); err != nil {
		return "", err
	}
	if _, err := git.run(ctx, args...); err != nil {
		return "", err
	}
	dirty, err := git.dirty(ctx)
	if err != nil {
		return "", err
	}
	if i := slices.IndexFunc(dirty, func(l string) bool { return l[1] != ' ' }); i >= 0 {
		return "", fmt.Errorf("something else changed the tree meanwhile: %s", strings.TrimSpace(dirty[i]))
	}
	if _, err := git.run(ctx, "commit", "-q", "-m", subject, "-m", "Made by resync dev."); err != nil {
		return "", err
	}
	return git.head(ctx)
}

// unwrite puts every file back as it was.
func unwrite(ctx context.Context, git gitRepo, m *Module, writes []fileWrite) error {
	for _, w := range writes {
		var err error
		if w.was == nil {
			err = os.Remove(w.name)
			removeEmpty(m, filepath.Dir(w.name))
		} else {
			err = os.WriteFile(w.name, w.was, 0o644) // an existing file keeps its permissions
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("putting %s back: %w", w.name, err)
		}
	}
	_, err := git.run(ctx, "reset", "-q")
	return err
}
