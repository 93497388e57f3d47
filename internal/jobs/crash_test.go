package jobs

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"resync/internal/store"
)

// crashEnv makes the test binary a worker on the named database.
const crashEnv = "RESYNC_JOBS_CRASH_CHILD"

// steps is how many parts the job of the crash test has: more than a child does
// before it is killed.
const steps = 200

// crashChild works on jobs until it is killed or the job is done. Every part is
// checkpointed and then said.
func crashChild() bool {
	path := os.Getenv(crashEnv)
	if path == "" {
		return false
	}
	if err := crashWork(path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

func crashWork(path string) error {
	st, err := store.Open(context.Background(), path)
	if err != nil {
		return err
	}
	defer st.Close()
	ctx, stop := context.WithCancel(context.Background())
	r, err := NewRunner(Options{Queue: st, Owner: "child", Lease: 400 * time.Millisecond, Poll: 5 * time.Millisecond,
		Handlers: map[string]Handler{"count": func(ctx context.Context, w *Work) error {
			from := 0
			if w.Job.Checkpoint != nil {
				if err := json.Unmarshal(w.Job.Checkpoint, &from); err != nil {
					return err
				}
			}
			fmt.Println("from", from)
			for i := from; i < steps; i++ {
				time.Sleep(time.Millisecond)
				w.Progress(int64(i+1), steps, "")
				if err := w.Checkpoint(ctx, i+1); err != nil {
					return err
				}
				fmt.Println("did", i+1)
			}
			defer stop()
			return w.Result(steps)
		}}})
	if err != nil {
		return err
	}
	r.Run(ctx)
	return nil
}

// TestDefect21And35_Kill9: a job goes on after kill -9 from what it had
// checkpointed, nothing acknowledged is done again, and it completes.
func TestDefect21And35_Kill9(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resync.db")
	st, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	job, _, err := st.EnqueueJob(t.Context(), store.Job{Kind: "count", Key: "one", MaxAttempts: 1000})
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	kills, said := 0, 0
	for range 6 {
		after := time.Duration(5+random.IntN(40)) * time.Millisecond
		if kills == 5 {
			after = time.Minute // the last one may end
		}
		from, did, killed := crashCycle(t, path, after)
		if from >= 0 && from < said {
			t.Fatalf("went on from %d although %d was acknowledged", from, said)
		}
		if did > said {
			said = did
		}
		if !killed {
			break
		}
		kills++
	}
	got, err := st.Job(t.Context(), job.ID)
	if err != nil || got.State != store.JobCompleted || got.Done != steps || string(got.Result) != strconv.Itoa(steps) {
		t.Fatalf("after %d kills: %+v, %v", kills, got, err)
	}
	if kills < 2 {
		t.Fatalf("only %d kills: the test proves nothing", kills)
	}
	t.Logf("%d kills, %d attempts, every part kept", kills, got.Attempts)
}

// crashCycle runs a child and kills it some time after its first word.
func crashCycle(t *testing.T, path string, after time.Duration) (from, did int, killed bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashEnv+"="+path)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	from = -1
	for in := bufio.NewScanner(pipe); in.Scan(); {
		word, rest, _ := strings.Cut(in.Text(), " ")
		n, err := strconv.Atoi(rest)
		if err != nil {
			continue // cut off by the kill
		}
		switch word {
		case "from":
			from = n
			timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) // it may have ended by itself
			defer timer.Stop()
		case "did":
			did = n
		}
	}
	err = cmd.Wait()
	return from, did, err != nil
}
