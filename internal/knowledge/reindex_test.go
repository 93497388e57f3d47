package knowledge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"resync/internal/store"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(crashEnv); path != "" {
		if err := crashChild(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if path := os.Getenv(indexCrashEnv); path != "" {
		fmt.Fprintln(os.Stderr, indexCrashChild(path)) // it ends by being killed
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// crashEnv makes the test binary a process that reindexes the named database.
const crashEnv = "RESYNC_KNOWLEDGE_CRASH_CHILD"

const crashLease = 700 * time.Millisecond

func crashChild(path string) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	st, err := store.Open(ctx, path)
	if err != nil {
		return err
	}
	defer st.Close()
	b, err := OpenWithoutHandbook(ctx, st)
	if err != nil {
		return err
	}
	r, err := NewReindexer(b, st, ReindexOptions{Owner: "child", Lease: crashLease})
	if err != nil {
		return err
	}
	r.pause = 2 * time.Millisecond
	r.Run(ctx)
	return nil
}

// library makes a base of n documents, each of which the strategy recursive cuts
// into more passages.
func library(t testing.TB, n int) (*Base, *store.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "resync.db")
	st := openStore(t, path)
	t.Cleanup(func() { st.Close() })
	b, err := OpenWithoutHandbook(context.Background(), st)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for i := range n {
		body := fmt.Sprintf("# Airship %d\n\n", i) + strings.Repeat(fmt.Sprintf("Airship number %d is moored at mast %d with a long rope. ", i, i*i), 30)
		files[fmt.Sprintf("airship%03d.md", i)] = body
	}
	ingest(t, b, write(t, files))
	return b, st, path
}

func reindexer(t testing.TB, b *Base, st *store.Store) (*Reindexer, func()) {
	t.Helper()
	r, err := NewReindexer(b, st, ReindexOptions{Owner: "test", Lease: crashLease})
	if err != nil {
		t.Fatal(err)
	}
	return r, func() {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); r.Run(ctx) }()
		t.Cleanup(func() { cancel(); <-done })
	}
}

// settled waits for a reindex to end.
func settled(t testing.TB, r *Reindexer, id string) ReindexStatus {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		s, err := r.Status(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		if s.Status.Finished() || time.Now().After(end) {
			return s
		}
	}
}

func passages(b *Base) map[string]int {
	out := map[string]int{}
	for _, s := range b.Sources() {
		out[s.Name] = s.Passages
	}
	return out
}

var finer = &Chunking{Strategy: "recursive", MaxTokens: 40}

// TestDefect21_ReindexReallyReindexes: the predecessor slept and reported success.
// Here the passages change, all at once, and the count is what was done.
func TestDefect21_ReindexReallyReindexes(t *testing.T) {
	b, st, _ := library(t, 12)
	r, run := reindexer(t, b, st)
	before := passages(b)

	dry, made, err := r.Start(t.Context(), ReindexRequest{How: finer, DryRun: true, By: "root"})
	if err != nil || !made {
		t.Fatal(dry, made, err)
	}
	if again, made, err := r.Start(t.Context(), ReindexRequest{}); err != nil || made || again.ID != dry.ID {
		t.Errorf("a second one beside it: %+v, %v, %v", again, made, err)
	}
	run()
	dry = settled(t, r, dry.ID)
	var would ReindexResult
	if err := json.Unmarshal(dry.Result, &would); err != nil || dry.Status != store.JobCompleted {
		t.Fatalf("%+v, %v", dry, err)
	}
	if diff := cmp.Diff(before, passages(b)); diff != "" {
		t.Errorf("a dry run changed passages:\n%s", diff)
	}
	real, _, err := r.Start(t.Context(), ReindexRequest{How: finer, By: "root"})
	if err != nil {
		t.Fatal(err)
	}
	real = settled(t, r, real.ID)
	var did ReindexResult
	if err := json.Unmarshal(real.Result, &did); err != nil || real.Status != store.JobCompleted || real.Progress != 100 || real.Documents != 12 || real.Of != 12 {
		t.Fatalf("%+v, %v", real, err)
	}
	would.DryRun = false
	if diff := cmp.Diff(would, did); diff != "" {
		t.Errorf("the dry run said something else (-said +did):\n%s", diff)
	}
	after := 0
	for name, n := range passages(b) {
		if after += n; n <= before[name] {
			t.Errorf("%s has %d passages, %d before", name, n, before[name])
		}
	}
	if after != did.ChunksAfter {
		t.Errorf("%d passages, the result says %d", after, did.ChunksAfter)
	}
	again, err := OpenWithoutHandbook(t.Context(), st)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(passages(b), passages(again)); diff != "" {
		t.Errorf("after a restart:\n%s", diff)
	}
	if list, err := st.Recuts(t.Context(), real.ID); err != nil || len(list) != 0 {
		t.Errorf("%d documents are still kept, %v", len(list), err)
	}
	if got := find1(t, b, Query{Text: "airship number 7 mast 49"}); len(got) == 0 || got[0] != "airship007.md" {
		t.Errorf("found %v", got)
	}
}

func TestReindexIsCancelled(t *testing.T) {
	b, st, _ := library(t, 30)
	r, run := reindexer(t, b, st)
	r.pause = 40 * time.Millisecond
	before := passages(b)
	s, _, err := r.Start(t.Context(), ReindexRequest{How: finer})
	if err != nil {
		t.Fatal(err)
	}
	run()
	for s.Documents == 0 {
		time.Sleep(5 * time.Millisecond)
		if s, err = r.Status(t.Context(), s.ID); err != nil {
			t.Fatal(err)
		}
	}
	if s.Status != store.JobRunning || s.Progress <= 0 || s.Progress >= 100 || s.Document == "" {
		t.Errorf("half way: %+v", s)
	}
	if _, err := r.Cancel(t.Context(), s.ID, "root"); err != nil {
		t.Fatal(err)
	}
	s = settled(t, r, s.ID)
	if s.Status != store.JobCancelled || s.CancelBy != "root" || s.Documents == 30 {
		t.Errorf("%+v", s)
	}
	if diff := cmp.Diff(before, passages(b)); diff != "" {
		t.Errorf("a cancelled reindex changed passages:\n%s", diff)
	}
	if list, err := st.Recuts(t.Context(), s.ID); err != nil || len(list) != 0 {
		t.Errorf("%d documents are still kept, %v", len(list), err)
	}
	if _, err := r.Cancel(t.Context(), s.ID, "root"); !errors.Is(err, store.ErrAlreadyFinal) {
		t.Errorf("cancelled twice: %v", err)
	}
}

// TestReindexLeavesWhatChangedMeanwhile: a document ingested anew while the
// reindex runs keeps its new text.
func TestReindexLeavesWhatChangedMeanwhile(t *testing.T) {
	b, st, _ := library(t, 6)
	r, run := reindexer(t, b, st)
	r.pause = 30 * time.Millisecond
	s, _, err := r.Start(t.Context(), ReindexRequest{How: finer})
	if err != nil {
		t.Fatal(err)
	}
	run()
	for s.Documents < 4 {
		time.Sleep(2 * time.Millisecond)
		if s, err = r.Status(t.Context(), s.ID); err != nil {
			t.Fatal(err)
		}
	}
	put(t, b, Updated, text("airship000.md", "# Airship 0\n\nIt was sold to the zeppelin company.\n"))
	for _, d := range b.Sources() {
		if d.Name == "airship001.md" {
			if _, err := b.Delete(t.Context(), d.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	s = settled(t, r, s.ID)
	var did ReindexResult
	if err := json.Unmarshal(s.Result, &did); err != nil || s.Status != store.JobCompleted || did.Skipped != 2 {
		t.Fatalf("%+v, %+v, %v", s, did, err)
	}
	if got := find1(t, b, Query{Text: "zeppelin company"}); len(got) != 1 || got[0] != "airship000.md" {
		t.Errorf("found %v", got)
	}
	if n := len(b.Sources()); n != 5 {
		t.Errorf("%d documents", n)
	}
}

// TestDefect21_ReindexSurvivesKill9 kills the reindexing process twice: the old
// passages serve meanwhile, the third process goes on where the second was, and
// all documents change in the end.
func TestDefect21_ReindexSurvivesKill9(t *testing.T) {
	const documents = 60
	b, st, path := library(t, documents)
	r, _ := reindexer(t, b, st) // its runner does not run: the children work
	before := passages(b)
	s, _, err := r.Start(t.Context(), ReindexRequest{How: finer, By: "root"})
	if err != nil {
		t.Fatal(err)
	}
	reached := 0
	for kill := range 2 {
		child := startChild(t, path)
		for s.Documents < reached+10 {
			time.Sleep(2 * time.Millisecond)
			if s, err = r.Status(t.Context(), s.ID); err != nil || s.Status.Finished() {
				t.Fatalf("before kill %d: %+v, %v", kill+1, s, err)
			}
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // it was killed
		if s, err = r.Status(t.Context(), s.ID); err != nil || s.Status != store.JobRunning {
			t.Fatalf("after kill %d: %+v, %v", kill+1, s, err)
		}
		reached = s.Documents
		fresh, err := OpenWithoutHandbook(t.Context(), st)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, passages(fresh)); diff != "" {
			t.Fatalf("half a reindex is visible after kill %d:\n%s", kill+1, diff)
		}
		if got := find1(t, fresh, Query{Text: "airship number 7 mast 49"}); len(got) == 0 || got[0] != "airship007.md" {
			t.Errorf("the old passages do not serve: %v", got)
		}
	}
	child := startChild(t, path)
	s = settled(t, r, s.ID)
	_ = child.Process.Kill()
	_ = child.Wait()
	var did ReindexResult
	if err := json.Unmarshal(s.Result, &did); err != nil || s.Status != store.JobCompleted || s.Attempts != 3 {
		t.Fatalf("%+v, %v", s, err)
	}
	if did.Resumed < reached || did.Documents != documents {
		t.Errorf("went on with %d documents done, %d were acknowledged: %+v", did.Resumed, reached, did)
	}
	if err := b.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, n := range passages(b) {
		if n <= before[name] {
			t.Errorf("%s has %d passages, %d before", name, n, before[name])
		}
	}
	t.Logf("killed twice, %d of %d documents were not cut again", did.Resumed, documents)
}

func startChild(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashEnv+"="+path)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func TestReindexRefuses(t *testing.T) {
	b, st, _ := library(t, 1)
	r, _ := reindexer(t, b, st)
	if _, _, err := r.Start(t.Context(), ReindexRequest{How: &Chunking{Strategy: "magic"}}); !as[*RefusedError](err) {
		t.Errorf("strategy magic: %v", err)
	}
	if _, _, err := r.Start(t.Context(), ReindexRequest{Documents: []string{"none"}}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no such document: %v", err)
	}
	if _, err := r.Status(t.Context(), "none"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no such job: %v", err)
	}
	other, _, err := st.EnqueueJob(t.Context(), store.Job{Kind: "other"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Cancel(t.Context(), other.ID, "root"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a job of another kind: %v", err)
	}
}
