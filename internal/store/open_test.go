package store_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resync/internal/store"
)

func TestOpenRefusals(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	foreign := filepath.Join(dir, "foreign.db")
	if _, err := openRaw(t, foreign).Exec(`create table accounts (n int)`); err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(dir, "newer.db")
	openAt(t, newer).Close()
	if _, err := openRaw(t, newer).Exec(`insert into goose_db_version (version_id, is_applied) values (9999, 1)`); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, url string
		want      error  // in the chain, if not nil
		text      string // in the message
	}{
		{"no URL", "", nil, "no URL"},
		{"unknown scheme", "mysql://root@db/resync", nil, `"mysql"`},
		{"text file", write("notes.txt", "these are notes, not a database"), store.ErrNotADatabase, "does not start like"},
		{"short file", write("short", "SQLite"), store.ErrNotADatabase, "short"},
		{"header only", write("header", "SQLite format 3\x00"+strings.Repeat("x", 4096)), store.ErrNotADatabase, "header"},
		{"directory", dir, store.ErrNotADatabase, "directory"},
		{"another program's database", foreign, store.ErrNotADatabase, "another program's tables"},
		{"newer schema", newer, store.ErrSchemaTooNew, "version 9999"},
		{"directory cannot be made", write("file", "x") + "/sub/resync.db", nil, "make its directory"},
		{"malformed PostgreSQL URL", "postgres://user:topsecret@host:port/db", nil, "open database"},
		{"no PostgreSQL there", "postgres://user:topsecret@127.0.0.1:1/db?connect_timeout=2", nil, "127.0.0.1:1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := store.Open(t.Context(), c.url)
			if err == nil {
				s.Close()
				t.Fatal("opened")
			}
			if c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if !strings.Contains(err.Error(), c.text) {
				t.Errorf("%q does not say %q", err, c.text)
			}
			if strings.Contains(err.Error(), "topsecret") {
				t.Errorf("the message shows the password: %v", err)
			}
		})
	}
}

// TestOpenRefusalLeavesFile: a file that is refused is not touched.
func TestOpenRefusalLeavesFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.txt")
	const text = "three lines\nof notes\n"
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), path); err == nil {
		t.Fatal("opened")
	}
	if got, _ := os.ReadFile(path); string(got) != text {
		t.Errorf("the file became %q", got)
	}
}

func TestFilesArePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "dir")
	s := openAt(t, "sqlite://"+filepath.Join(dir, "a 100% sure? #1.db"))
	put(t, s, store.NewID("run"))
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 2 { // the database and its write-ahead log
		t.Fatalf("%v %v", files, err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v (%v)", f.Name(), info.Mode(), err)
		}
	}
}

func TestMemoryIsPrivateAndGone(t *testing.T) {
	a, b := openAt(t, ":memory:"), openAt(t, "sqlite::memory:")
	id := put(t, a, store.NewID("run"))
	if _, err := b.Run(t.Context(), id); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("two memory stores share content: %v", err)
	}
	path := a.Where()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its file is left: %v", err)
	}
}

// openTogether: several processes may start on one new database.
func openTogether(t *testing.T, url string) {
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			s, err := store.Open(context.Background(), url)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if _, err := s.CreateRun(context.Background(), run(store.NewID("run")), store.Entry{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s := openAt(t, url)
	v, err := s.VerifyJournal(t.Context())
	if err != nil || v.Entries != 6 {
		t.Errorf("%+v %v, want 6 entries", v, err)
	}
}

// TestOpenWaitsForTheFile: SQLite itself does not wait for the lock that the switch to
// its write-ahead log takes; of processes that start together one failed.
func TestOpenWaitsForTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resync.db")
	other, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	first, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.ExecContext(t.Context(), "begin immediate"); err != nil {
		t.Fatal(err)
	}
	free := time.AfterFunc(300*time.Millisecond, func() {
		if _, err := first.ExecContext(context.Background(), "rollback"); err != nil {
			t.Error(err)
		}
	})
	defer free.Stop()
	put(t, openAt(t, path), store.NewID("run"))
}

// TestDefect35_SurvivesRestart: the predecessor kept runs, approvals and undo
// records in memory and lost them at every restart (defects 10 and 35).
func TestDefect35_SurvivesRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resync.db")
	ctx := t.Context()
	s := openAt(t, path)
	id := put(t, s, store.NewID("run"))
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ok(s.RequestApproval(ctx, store.Approval{RunID: id, Digest: "d", Requester: "ana",
		ExpiresAt: time.Now().AddDate(1, 0, 0), Needed: 1}, store.Entry{}))
	_, err := s.Vote(ctx, store.Vote{RunID: id, Approver: "bo", Decision: store.Approve})
	ok(err)
	_, err = s.ClaimApproved(ctx, store.Entry{RunID: id}, "d")
	ok(err)
	ok(s.PutUndo(ctx, store.Undo{RunID: id, Class: store.UndoExact, InverseTool: "release_job", InverseArgs: json.RawMessage(`{}`)}))
	before := snapshot(t, s, id)
	ok(s.Close())
	after := snapshot(t, openAt(t, path), id)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("restart changed (-before +after):\n%s", diff)
	}
	if len(before.Open) != 1 || len(before.Undos) != 1 {
		t.Errorf("the test stored too little: %+v", before)
	}
}

type contents struct {
	Run   store.RunStatus
	Tally store.Tally
	Open  []store.RunStatus
	Undos []store.Undo
}

func snapshot(t *testing.T, s *store.Store, id string) contents {
	t.Helper()
	var c contents
	var errs [4]error
	c.Run, errs[0] = s.Run(t.Context(), id)
	c.Tally, errs[1] = s.Approval(t.Context(), id)
	c.Open, errs[2] = s.OpenExecuting(t.Context())
	c.Undos, errs[3] = s.AvailableUndos(t.Context(), store.UndoFilter{})
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return c
}

// run is a small valid proposal.
func run(id string) store.Run {
	return store.Run{ID: id, Engine: "prod", Tool: "hold_job", User: "ana", Args: json.RawMessage(`{"job":"A"}`), Digest: "d"}
}

func put(t testing.TB, s *store.Store, id string) string {
	t.Helper()
	if _, err := s.CreateRun(t.Context(), run(id), store.Entry{Actor: "ana"}); err != nil {
		t.Fatal(err)
	}
	return id
}
