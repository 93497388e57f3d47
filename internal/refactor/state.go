package refactor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// stateFile is kept inside the git directory.
const stateFile = "resync_refactor_state.json"

// state is what the commands remember between runs. The names moved_files and
// import_updates are the contract's.
type state struct {
	Moves   []Record          `json:"moves"`
	Moved   map[string]string `json:"moved_files"`
	Updates []string          `json:"import_updates"`
	Pending *pending          `json:"pending,omitempty"`
}

// Record is one change that was committed.
type Record struct {
	Kind     string            `json:"kind"` // move, shims or update-imports
	Old      string            `json:"old"`
	New      string            `json:"new"`
	Packages map[string]string `json:"packages"`
	Commit   string            `json:"commit"`
	Base     string            `json:"base"`              // the commit before it
	Renames  string            `json:"renames,omitempty"` // the commit of the renames alone, if there are two
	Undone   string            `json:"undone,omitempty"`
}

// pending is a move that was begun and is not committed.
type pending struct {
	Old    string   `json:"old"`
	New    string   `json:"new"`
	Base   string   `json:"base"`
	Edited []string `json:"edited"`

	Renames string `json:"renames,omitempty"` // commit of the renames alone, once made
}

func loadState(ctx context.Context, git gitRepo) (*state, error) {
	name, err := git.private(ctx, stateFile)
	if err != nil {
		return nil, err
	}
	st := &state{Moved: map[string]string{}, Moves: []Record{}, Updates: []string{}}
	data, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return st, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the record of moves: %w", err)
	}
	if err := json.Unmarshal(data, st); err != nil {
		return nil, fmt.Errorf("reading the record of moves %s: %w", name, err)
	}
	return st, nil
}

func (s *state) save(ctx context.Context, git gitRepo) error {
	name, err := git.private(context.WithoutCancel(ctx), stateFile)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the record of moves: %w", err)
	}
	if err := os.WriteFile(name+".new", append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing the record of moves: %w", err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("writing the record of moves: %w", err)
	}
	return nil
}

func (s *state) record(mv *Move, rec Record) {
	rec.Kind, rec.Old, rec.New, rec.Packages = "move", mv.Old, mv.New, mv.Packages
	s.Moves = append(s.Moves, rec)
	for old, to := range mv.Files {
		s.Moved[old] = to
	}
	s.Updates = append(s.Updates, mv.Updates...)
}
