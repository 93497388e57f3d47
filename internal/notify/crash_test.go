package notify

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"resync/breaker"
	"resync/internal/store"
)

// crashEnv makes the test binary a process that tells and delivers; crashURL is
// where to.
const (
	crashEnv = "RESYNC_NOTIFY_CRASH_CHILD"
	crashURL = "RESYNC_NOTIFY_CRASH_URL"
)

func crashChild() bool {
	path := envOf(crashEnv)
	if path == "" {
		return false
	}
	if err := crashWork(path, envOf(crashURL)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

func crashWork(path, url string) error {
	ctx := context.Background()
	db, err := store.Open(ctx, path)
	if err != nil {
		return err
	}
	g, err := NewGuard([]string{"127.0.0.1"})
	if err != nil {
		return err
	}
	b := breaker.New(breaker.Settings{Name: "webhook"})
	box, err := New(Options{Store: db, Owner: store.NewID("hooks"), Guard: g, Targets: []Target{{Name: "oncall", URL: url, Format: Standard, Secret: testSecret,
		Breaker: b, Client: &http.Client{}, Timeout: time.Minute}}, lease: 300 * time.Millisecond, poll: 5 * time.Millisecond})
	if err != nil {
		return err
	}
	if err := box.Tell(ctx, event("run_1/error", ActionFailed, "it failed")); err != nil {
		return err
	}
	box.Run(ctx)
	return nil
}

// TestKill9: the process is killed after it has claimed a message and before the
// receiver has answered. The next process delivers it, with the same id.
func TestKill9(t *testing.T) {
	hold := make(chan struct{})
	r := newReceiver(t, func(n int, w http.ResponseWriter, req *http.Request) {
		if n == 1 {
			select {
			case <-hold:
			case <-req.Context().Done():
			}
		}
	})
	defer close(hold)
	path := tmpDB(t)
	child := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashEnv+"="+path, crashURL+"="+r.URL)
		cmd.Stderr = os.Stderr
		must(t, cmd.Start())
		return cmd
	}
	kill := func(cmd *exec.Cmd) {
		must(t, cmd.Process.Kill())
		_ = cmd.Wait() // "killed"
	}
	wait := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("waited in vain for %s", what)
			}
		}
	}
	first := child()
	wait("the first delivery to begin", func() bool { return len(r.all()) == 1 })
	kill(first)
	second := child()
	defer kill(second)
	wait("the second delivery", func() bool { return len(r.all()) == 2 })
	if a := r.all(); a[0].id != a[1].id || a[0].id == "" || string(a[0].body) != string(a[1].body) {
		t.Errorf("the second process sent another message: %+v", a)
	}
	db := openDB(t, path)
	wait("it to be written down as delivered", func() bool {
		list, err := db.JobsWhere(t.Context(), store.JobFilter{States: []store.JobState{store.JobCompleted}})
		return err == nil && len(list) == 1 && list[0].Attempts == 2
	})
	time.Sleep(50 * time.Millisecond)
	if n := len(r.all()); n != 2 {
		t.Errorf("%d deliveries", n)
	}
}
