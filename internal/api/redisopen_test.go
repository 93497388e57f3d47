package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"resync/internal/app"
	"resync/internal/state/statetest"
)

// openLoad tells a child process to send requests at a steady rate, whether or not
// earlier ones are answered: people do not wait for each other.
type openLoad struct {
	URL, Cookie, Body, Out string
	PerSecond              int
	For                    time.Duration
}

const openLoadEnv = "RESYNC_OPEN_LOAD"

// openShot is one request as the child saw it.
type openShot struct {
	At     time.Time     // when it was sent
	Took   time.Duration // until its answer was read
	Inside time.Duration // by the server's own account
	Late   time.Duration // how much later than its turn it was sent
	Status int
}

// TestOpenLoadChild is the child; in an ordinary run it has nothing to do.
func TestOpenLoadChild(t *testing.T) {
	if os.Getenv(openLoadEnv) == "" {
		t.Skip("it is started by TestRefusalsAreQuickForOthers")
	}
	var l openLoad
	must(t, json.Unmarshal([]byte(os.Getenv(openLoadEnv)), &l))
	tr := &http.Transport{MaxIdleConnsPerHost: 64}
	defer tr.CloseIdleConnections()
	shots := make([]openShot, int(l.For.Seconds()*float64(l.PerSecond)))
	var wg sync.WaitGroup
	begun := time.Now()
	for i := range shots {
		turn := begun.Add(time.Duration(i) * time.Second / time.Duration(l.PerSecond))
		time.Sleep(time.Until(turn))
		wg.Go(func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.URL, strings.NewReader(l.Body))
			if err != nil {
				return
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Cookie", l.Cookie)
			at := time.Now()
			resp, err := tr.RoundTrip(req)
			if err != nil {
				return // its status stays 0
			}
			_, _ = io.Copy(io.Discard, resp.Body) // what it says is not what is measured
			_ = resp.Body.Close()
			inside, _ := time.ParseDuration(resp.Header.Get("X-Processing-Time"))
			shots[i] = openShot{at, time.Since(at), inside, at.Sub(turn), resp.StatusCode}
		})
	}
	wg.Wait()
	out, err := json.Marshal(shots)
	must(t, err)
	must(t, os.WriteFile(l.Out, out, 0o600))
}

// asServersRun has a host say and look for as much as a server does: most tests want
// every line of its log, and outcomes settled after 20 ms.
func asServersRun(c *hostConfig) {
	c.options = func(o *app.Options) {
		o.SettleEvery, o.Log = 0, slog.New(slog.NewTextHandler(io.Discard, nil))
	}
}

// TestRefusalsAreQuickForOthers is the same as TestRefusalsAreQuick for callers in
// another process, who send 300 requests a second at their turns: what is measured is
// the server and not the callers. It fails only on what no machine's load explains;
// bench/README.md has the numbers.
func TestRefusalsAreQuickForOthers(t *testing.T) {
	r := statetest.Start(t)
	h := newHost(t, withRedis(r.URL()), asServersRun).ready()
	l := openLoad{URL: h.base + executePath, Cookie: "resync_session=" + h.as("operator").cookie(), Out: filepath.Join(t.TempDir(), "shots.json"),
		Body: `{"tool_name":"get_job_status","parameters":{"job":"PAYROLL_NET"}}`, PerSecond: 300, For: 3 * time.Second}
	settings, err := json.Marshal(l)
	must(t, err)
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOpenLoadChild$")
	child.Env = append(os.Environ(), openLoadEnv+"="+string(settings))
	var said bytes.Buffer
	child.Stdout, child.Stderr = &said, &said
	must(t, child.Start())
	time.Sleep(700 * time.Millisecond)
	frozen := time.Now()
	r.Freeze()
	time.Sleep(1500 * time.Millisecond)
	thawed := time.Now()
	r.Thaw()
	if err := child.Wait(); err != nil {
		t.Fatalf("the child: %v\n%s", err, said.String())
	}
	data, err := os.ReadFile(l.Out)
	must(t, err)
	var shots []openShot
	must(t, json.Unmarshal(data, &shots))
	var took, inside, late []time.Duration
	good := 0
	for _, s := range shots {
		switch {
		case s.Status == http.StatusServiceUnavailable && s.At.After(frozen.Add(500*time.Millisecond)) && s.At.Before(thawed):
			took, inside, late = append(took, s.Took), append(inside, s.Inside), append(late, s.Late)
		case s.Status == http.StatusOK:
			good++
		case s.At.After(frozen) && s.At.Add(s.Took).Before(thawed) && s.Status != http.StatusServiceUnavailable:
			t.Errorf("an answer of status %d after %s", s.Status, s.At.Sub(frozen))
		}
	}
	if len(took) < 100 || good == 0 {
		t.Fatalf("%d steady refusals, %d good answers; the child said:\n%s", len(took), good, said.String())
	}
	at := func(all []time.Duration, q int) time.Duration {
		slices.Sort(all)
		return all[len(all)*q/100].Round(10 * time.Microsecond)
	}
	t.Logf("%d a second from another process: steady 503 p50 %s p99 %s (%d), in the server p50 %s p99 %s; the callers' own lateness p99 %s",
		l.PerSecond, at(took, 50), at(took, 99), len(took), at(inside, 50), at(inside, 99), at(late, 99))
	if at(took, 50) > time.Second {
		t.Error("refusals wait for something")
	}
}
