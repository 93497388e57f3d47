package refactor

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Status is what the commands have done in a repository.
type Status struct {
	Moves       []Record          `json:"moves"`
	MovedFiles  map[string]string `json:"moved_files"`
	Updates     []string          `json:"import_updates"`
	Interrupted string            `json:"interrupted,omitempty"` // directory whose move was cut short
	Dirty       []string          `json:"dirty"`                 // uncommitted changes
	Shims       []Shim            `json:"shims"`                 // forwarding packages that still exist
}

// ReadStatus tells what was moved, what is unfinished and which shims remain.
func ReadStatus(ctx context.Context, m *Module) (*Status, error) {
	git := gitRepo{m.Root}
	st, err := loadState(ctx, git)
	if err != nil {
		return nil, refuse("%s is not in a git repository: nothing can have been moved here", m.Root)
	}
	out := &Status{Moves: st.Moves, MovedFiles: st.Moved, Updates: st.Updates, Dirty: []string{}, Shims: FindShims(m)}
	if st.Pending != nil {
		out.Interrupted = st.Pending.Old
	}
	if lines, err := git.dirty(ctx); err != nil {
		return nil, err
	} else if len(lines) > 0 {
		out.Dirty = lines
	}
	return out, nil
}

// Rollback undoes the last change these commands committed, by a commit that
// reverts it, or puts an interrupted move back. It returns what was undone.
func Rollback(ctx context.Context, m *Module) (string, error) {
	git := gitRepo{m.Root}
	st, err := loadState(ctx, git)
	if err != nil {
		return "", refuse("%s is not in a git repository: nothing can have been moved here", m.Root)
	}
	if st.Pending != nil {
		return rollbackPending(ctx, m, git, st)
	}
	i := len(st.Moves) - 1
	for i >= 0 && st.Moves[i].Undone != "" {
		i--
	}
	if i < 0 {
		return "", refuse("there is no change on record that could be undone")
	}
	if _, err := git.ready(ctx); err != nil {
		return "", err
	}
	rec := &st.Moves[i]
	if _, err := git.run(ctx, "merge-base", "--is-ancestor", rec.Commit, "HEAD"); err != nil {
		return "", refuse("commit %.12s (%s %s) is not part of the branch checked out", rec.Commit, rec.Kind, rec.Old)
	}
	commits := []string{"revert", "--no-edit", rec.Commit}
	if rec.Renames != "" {
		commits = append(commits, rec.Renames)
	}
	if _, err := git.run(ctx, commits...); err != nil {
		_, abort := git.run(context.WithoutCancel(ctx), "revert", "--abort")
		if abort != nil {
			return "", fmt.Errorf("reverting %.12s: %w; and git revert --abort: %w", rec.Commit, err, abort)
		}
		return "", refuse("later commits changed the same lines, so %.12s cannot be reverted by itself: %v", rec.Commit, err)
	}
	if rec.Undone, err = git.head(ctx); err != nil {
		return "", err
	}
	for old, to := range st.Moved {
		if within(to, rec.New) && within(old, rec.Old) {
			delete(st.Moved, old)
		}
	}
	return fmt.Sprintf("%s %s → %s", rec.Kind, rec.Old, rec.New), st.save(ctx, git)
}

func rollbackPending(ctx context.Context, m *Module, git gitRepo, st *state) (string, error) {
	p := st.Pending
	lines, err := git.dirty(ctx)
	if err != nil {
		return "", err
	}
	for _, l := range lines {
		name := strings.TrimSpace(l[2:])
		if from, to, ok := strings.Cut(name, " -> "); ok && ours(p, from) && ours(p, to) || ours(p, name) {
			continue
		}
		return "", refuse("%s was changed by somebody else since: set it aside first", name)
	}
	if err := restore(ctx, git, m, p); err != nil {
		return "", err
	}
	st.Pending = nil
	return fmt.Sprintf("interrupted move %s → %s", p.Old, p.New), st.save(ctx, git)
}

// ours reports whether an interrupted move may have written the file. Status
// prints paths from the top of the repository, the record from the module root.
func ours(p *pending, name string) bool {
	name = strings.Trim(name, `"`)
	hit := func(own string) bool {
		own = strings.TrimLeft(own, "./")
		return name == own || strings.HasSuffix(name, "/"+own)
	}
	return strings.Contains("/"+name, "/"+p.Old+"/") || strings.Contains("/"+name, "/"+p.New+"/") || slices.ContainsFunc(p.Edited, hit)
}
