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

// Applied is a move that was made.
type Applied struct {
	*Move
	Commit      string   `json:"commit"`
	LostHistory []string `json:"lost_history"` // files git does not follow across the commit
}

// RolledBack says that a change was begun, failed and was undone whole.
type RolledBack struct{ Cause error }

// Error names the cause.
func (e *RolledBack) Error() string {
	return "rolled back, the tree is as before: " + e.Cause.Error()
}

// Unwrap gives the cause.
func (e *RolledBack) Unwrap() error { return e.Cause }

// Apply makes a planned move: it refuses a tree that is dirty or does not build,
// moves with git, edits, builds and vets, and commits once. Whatever fails after
// the first change undoes everything (*RolledBack); cancelling ctx does too.
func Apply(ctx context.Context, mv *Move, opt MoveOptions) (*Applied, error) {
	git := gitRepo{mv.mod.Root}
	head, err := git.ready(ctx)
	if err != nil {
		return nil, err
	}
	st, err := loadState(ctx, git)
	if err != nil {
		return nil, err
	}
	if st.Pending != nil {
		return nil, refuse("a move of %s was interrupted: run rollback first", st.Pending.Old)
	}
	check := newChecker(mv)
	if !opt.NoCheck {
		if err := check.before(ctx); err != nil {
			return nil, err
		}
	}
	st.Pending = &pending{Old: mv.Old, New: mv.New, Base: head, Edited: mv.Updates}
	if err := st.save(ctx, git); err != nil {
		return nil, err
	}
	commit, err := mv.make(ctx, git, check, st, opt)
	if err != nil {
		return nil, mv.undo(context.WithoutCancel(ctx), git, st, err)
	}
	renames := commit
	if st.Pending.Renames != "" {
		renames = st.Pending.Renames
	}
	st.record(mv, Record{Commit: commit, Base: head, Renames: st.Pending.Renames})
	st.Pending = nil
	out := &Applied{Move: mv, Commit: commit, LostHistory: []string{}}
	if out.LostHistory, err = lostHistory(ctx, git, mv, "show", "--format=", renames); err != nil {
		return out, errors.Join(err, st.save(ctx, git))
	}
	return out, st.save(ctx, git)
}

// make is the part of Apply that changes things.
func (mv *Move) make(ctx context.Context, git gitRepo, check *checker, st *state, opt MoveOptions) (string, error) {
	if err := os.MkdirAll(filepath.Dir(mv.mod.abs(mv.New)), 0o755); err != nil {
		return "", fmt.Errorf("making room for %s: %w", mv.New, err)
	}
	if _, err := git.run(ctx, "mv", "--", mv.Old, mv.New); err != nil {
		return "", err
	}
	removeEmpty(mv.mod, filepath.Dir(mv.mod.abs(mv.Old)))
	renamed, err := git.run(ctx, "write-tree")
	if err != nil {
		return "", err
	}
	if err := mv.write(); err != nil {
		return "", err
	}
	if !opt.NoCheck {
		if err := check.after(ctx); err != nil {
			return "", err
		}
	}
	return mv.commit(ctx, git, st, strings.TrimSpace(renamed), opt)
}

// write puts the edited files in place, keeping their permissions.
func (mv *Move) write() error {
	for _, c := range mv.edits {
		name := mv.destination(c)
		st, err := os.Stat(name)
		if err != nil {
			return fmt.Errorf("editing %s: %w", c.path, err)
		}
		if err := os.WriteFile(name, c.now, st.Mode().Perm()); err != nil {
			return fmt.Errorf("editing %s: %w", c.path, err)
		}
	}
	return nil
}

// commit makes one commit of the move, or two where git would lose a file's
// history in one: it finds a rename only when half of the file stays. renamed is
// the tree with the renames and nothing else.
func (mv *Move) commit(ctx context.Context, git gitRepo, st *state, renamed string, opt MoveOptions) (string, error) {
	args := []string{"add", "--"}
	for _, c := range mv.edits {
		args = append(args, mv.destination(c))
	}
	if len(mv.edits) > 0 {
		if _, err := git.run(ctx, args...); err != nil {
			return "", err
		}
	}
	dirty, err := git.dirty(ctx)
	if err != nil {
		return "", err
	}
	if i := slices.IndexFunc(dirty, func(l string) bool { return l[1] != ' ' }); i >= 0 {
		return "", fmt.Errorf("something else changed the tree meanwhile: %s", strings.TrimSpace(dirty[i]))
	}
	lost, err := lostHistory(ctx, git, mv, "diff", "--cached")
	if err != nil {
		return "", err
	}
	if len(mv.edits) > 0 && !opt.OneCommit && (opt.ExactHistory || len(lost) > 0) {
		if err := mv.commitRenames(ctx, git, st, renamed); err != nil {
			return "", err
		}
	}
	if _, err := git.run(ctx, "commit", "-q", "-m", mv.subject(), "-m", mv.body()); err != nil {
		return "", err
	}
	return git.head(ctx)
}

// commitRenames makes the first of two commits, under the index as it is. It
// does not build by itself, and says so to whoever bisects.
func (mv *Move) commitRenames(ctx context.Context, git gitRepo, st *state, tree string) error {
	args := []string{"commit-tree", tree, "-p", "HEAD", "-m", mv.subject() + " (renames only)",
		"-m", "The next commit edits the files; this one does not build. Apart they are so that git log --follow finds every file."}
	if sign, err := git.run(ctx, "config", "--type=bool", "--default=false", "commit.gpgSign"); err == nil && strings.TrimSpace(sign) == "true" {
		args = append(args, "-S")
	}
	commit, err := git.run(ctx, args...)
	if err != nil {
		return err
	}
	// On record before HEAD moves: whoever puts an interrupted move back knows it.
	st.Pending.Renames = strings.TrimSpace(commit)
	if err := st.save(ctx, git); err != nil {
		return err
	}
	_, err = git.run(ctx, "reset", "-q", "--soft", st.Pending.Renames)
	return err
}

func (mv *Move) subject() string { return fmt.Sprintf("Move %s to %s", mv.Old, mv.New) }

func (mv *Move) body() string {
	text := fmt.Sprintf("%d packages, %d files moved, %d files edited by resync dev move.", len(mv.Packages), len(mv.Files), len(mv.edits))
	if mv.OldName != mv.NewName {
		text += fmt.Sprintf("\nThe package is now called %s.", mv.NewName)
	}
	return text
}

// undo restores the tree to the commit it was at. The tree was clean, so
// everything that differs is ours, except edits somebody made to other files
// meanwhile: those are not touched.
func (mv *Move) undo(ctx context.Context, git gitRepo, st *state, cause error) error {
	err := restore(ctx, git, mv.mod, st.Pending)
	if err != nil {
		return errors.Join(cause, fmt.Errorf("undoing it failed too, run rollback: %w", err))
	}
	st.Pending = nil
	if err := st.save(ctx, git); err != nil {
		return errors.Join(cause, err)
	}
	return &RolledBack{Cause: cause}
}

// restore undoes a move that was begun: directory back, index back, edited
// files back.
func restore(ctx context.Context, git gitRepo, m *Module, p *pending) error {
	head, err := git.head(ctx)
	if err == nil && p.Renames != "" && head == p.Renames {
		_, err = git.run(ctx, "reset", "-q", "--soft", p.Base)
		head = p.Base
	}
	if err != nil || head != p.Base {
		return fmt.Errorf("HEAD is no longer the commit %.12s the move began at (%v): look at git log first", p.Base, err)
	}
	if _, err := os.Stat(m.abs(p.Old)); errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(m.abs(p.Old)), 0o755); err != nil {
			return fmt.Errorf("making room for %s: %w", p.Old, err)
		}
		// A rename, not git: it brings ignored files back too.
		if err := os.Rename(m.abs(p.New), m.abs(p.Old)); err != nil {
			return fmt.Errorf("moving %s back: %w", p.New, err)
		}
	}
	if _, err := git.run(ctx, "reset", "-q"); err != nil {
		return err
	}
	if _, err := git.run(ctx, append([]string{"checkout", "-q", p.Base, "--", p.Old}, p.Edited...)...); err != nil {
		return err
	}
	removeEmpty(m, filepath.Dir(m.abs(p.New)))
	return nil
}

// removeEmpty removes directories that a move left empty, up to the root.
func removeEmpty(m *Module, dir string) {
	for ; len(dir) > len(m.Root); dir = filepath.Dir(dir) {
		if os.Remove(dir) != nil {
			return // not empty: the way up is not either
		}
	}
}

// lostHistory lists the files moved that git does not see as renamed in what a
// git command shows: a commit, or the index.
func lostHistory(ctx context.Context, git gitRepo, mv *Move, show ...string) ([]string, error) {
	args := append([]string{"-c", "diff.renameLimit=0"}, show...)
	out, err := git.run(ctx, append(args, "--name-status", "-z", "-M", "--relative")...)
	if err != nil {
		return nil, err
	}
	followed := map[string]bool{}
	fields := strings.Split(out, "\x00")
	for i := 0; i+2 < len(fields); i++ {
		if strings.HasPrefix(fields[i], "R") {
			followed[fields[i+2]] = true
			i += 2
		}
	}
	lost := []string{}
	for _, to := range mv.Files {
		if !followed[to] {
			lost = append(lost, to)
		}
	}
	slices.Sort(lost)
	return lost, nil
}
