package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"resync/internal/store"
)

// crashChildEnv makes the test binary a writer on the named database.
const crashChildEnv = "RESYNC_STORE_CRASH_CHILD"

// crashChild writes runs as fast as it can from four goroutines and prints a
// line for every acknowledged write, until it is killed.
func crashChild(path string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, path)
	if err != nil {
		return err
	}
	var out sync.Mutex
	ack := func(e store.Entry) {
		out.Lock()
		defer out.Unlock()
		fmt.Printf("%d %s %s %s\n", e.Seq, e.RunID, e.Event, e.Hash) // one write(2) per line: stdout is not buffered
	}
	errs := make(chan error)
	for range 4 {
		go func() {
			for {
				if err := crashRun(ctx, s, ack); err != nil {
					errs <- err
				}
			}
		}()
	}
	return <-errs
}

func crashRun(ctx context.Context, s *store.Store, ack func(store.Entry)) error {
	id := store.NewID("run")
	e, err := s.CreateRun(ctx, run(id), store.Entry{Actor: "child"})
	if err != nil {
		return err
	}
	ack(e)
	if e, err = s.AppendClaim(ctx, store.Entry{RunID: id}); err != nil {
		return err
	}
	ack(e)
	if e, err = s.Append(ctx, store.Entry{RunID: id, Event: store.EventDone}); err != nil {
		return err
	}
	ack(e)
	return nil
}

// TestDefect35_Kill9 kills a writing process again and again: every write it
// acknowledged is in the journal, the chain is whole, and the runs it was
// executing are the ones recovery finds. RESYNC_CRASH_CYCLES sets how often
// (30 otherwise).
func TestDefect35_Kill9(t *testing.T) {
	cycles := 30
	if v, err := strconv.Atoi(os.Getenv("RESYNC_CRASH_CYCLES")); err == nil {
		cycles = v
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	path := filepath.Join(t.TempDir(), "resync.db")
	openAt(t, path).Close()
	var acks []string
	for range cycles {
		acks = append(acks, killWriter(t, path, time.Duration(5+random.IntN(40))*time.Millisecond)...)
	}
	if len(acks) < cycles {
		t.Fatalf("only %d writes were acknowledged in %d cycles: the test proves nothing", len(acks), cycles)
	}
	checkCrashBooks(t, openAt(t, path), acks)
	t.Logf("%d cycles, %d acknowledged writes, none lost", cycles, len(acks))
}

// killWriter starts a child, lets it write for a while after its first
// acknowledgement, kills it and returns the acknowledgements.
func killWriter(t *testing.T, path string, after time.Duration) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashChildEnv+"="+path)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for in := bufio.NewScanner(pipe); in.Scan(); {
		if lines = append(lines, in.Text()); len(lines) == 1 {
			time.AfterFunc(after, func() { cmd.Process.Kill() })
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return lines
}

// checkCrashBooks compares what the child acknowledged with what is stored.
func checkCrashBooks(t *testing.T, s *store.Store, acks []string) {
	t.Helper()
	v, err := s.VerifyJournal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string]bool{}
	open := map[string]bool{}
	before := ""
	for {
		runs, err := s.Runs(t.Context(), store.RunFilter{Limit: 1000, Before: before})
		if err != nil {
			t.Fatal(err)
		}
		if len(runs) == 0 {
			break
		}
		for _, r := range runs {
			for _, e := range r.Entries {
				stored[fmt.Sprintf("%d %s %s %s", e.Seq, e.RunID, e.Event, e.Hash)] = true
			}
			if r.Claimed && r.Outcome == "" {
				open[r.ID] = true
			}
		}
		before = runs[len(runs)-1].ID
	}
	if int64(len(stored)) != v.Entries {
		t.Errorf("%d entries read, %d in the chain", len(stored), v.Entries)
	}
	for _, a := range acks {
		if strings.Count(a, " ") == 3 && !stored[a] { // the last line of a killed child may be cut
			t.Errorf("acknowledged and lost: %s", a)
		}
	}
	recovered, err := s.OpenExecuting(t.Context())
	if err != nil || len(recovered) != len(open) {
		t.Errorf("recovery finds %d runs (%v), the journal shows %d", len(recovered), err, len(open))
	}
	for _, r := range recovered {
		if !open[r.ID] {
			t.Errorf("recovery wrongly finds %s", r.ID)
		}
	}
}
