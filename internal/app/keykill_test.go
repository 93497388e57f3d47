package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"testing"
	"time"

	"resync/hwa/hwasim"
)

// TestDefect35_KeysSurviveKills kills the server at random moments of a keyed
// approval (claiming, voting, executing, answering), starts it and repeats the
// request with the same key. It is carried out at most once, an answer that
// came is the answer that is replayed, and where nobody knows the refusal says
// which run to look at. RESYNC_CRASH_CYCLES sets how often (10 otherwise).
func TestDefect35_KeysSurviveKills(t *testing.T) {
	cycles := 10
	if n, err := strconv.Atoi(os.Getenv("RESYNC_CRASH_CYCLES")); err == nil {
		cycles = min(n, 200) // the jobs to act on run out
	}
	sim, err := hwasim.New(hwasim.Config{Speed: -1, Latency: 3 * time.Millisecond})
	must(t, err)
	srv := httptest.NewServer(sim)
	t.Cleanup(srv.Close)
	settings := childSettings{Engine: srv.URL, User: sim.DefaultUser(), Password: sim.DefaultPassword(), Dir: t.TempDir(), Grace: 1500 * time.Millisecond}
	r := &ring{t: t, sim: sim, settings: settings, rnd: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 3)), told: map[string]string{}, fresh: map[string][]string{}}
	k := settings.start(t)
	r.fresh["hold_job"], r.fresh["rerun_job"] = r.jobs(k, "HOLD"), r.jobs(k, "SUCC")
	seen := map[string]int{}
	for n := range cycles {
		ids := r.propose(k, 1)
		if len(ids) == 0 {
			continue // its approval needs others
		}
		key := fmt.Sprintf("kill-%d", n)
		first := make(chan keyed, 1)
		go func() { first <- k.approveKeyed(ids[0], key) }()
		var before keyed
		if n%3 == 2 { // killed right after the answer
			before = <-first
			k.kill()
		} else {
			time.Sleep(time.Duration(r.random(40)) * time.Millisecond)
			k.kill()
			before = <-first
		}
		k = settings.start(t)
		after := k.approveKeyed(ids[0], key)
		seen[after.what()]++
		switch after.status {
		case http.StatusOK:
			if before.status != 0 && !bytes.Equal(before.body, after.body) {
				t.Errorf("answered before the kill %s\nand after it %s", before.body, after.body)
			}
		case http.StatusConflict:
			var p struct {
				State string `json:"operation_state"`
				Ref   string `json:"operation_ref"`
			}
			if err := json.Unmarshal(after.body, &p); err != nil || p.State != "indeterminate" || p.Ref != "/api/v1/agents/runs/"+ids[0] {
				t.Errorf("after the kill: %s", after.body)
			}
			if before.status != 0 {
				t.Errorf("answered %d before the kill and unknown after it", before.status)
			}
		default:
			t.Errorf("after the kill: %d %s", after.status, after.body)
		}
	}
	runs := r.settled(k)
	k.kill()
	for id, n := range writesByRun(t, sim) {
		if n > 1 || runs[id].Status != "done" {
			t.Errorf("the engine was asked %d times for run %s, which is %s", n, id, runs[id].Status)
		}
	}
	t.Logf("%d kills, %d writes on the engine; asked again: %v", cycles, len(sim.Writes()), seen)
}

// keyed is the answer to a request with a key; status 0 means that none came.
type keyed struct {
	status   int
	replayed bool
	body     []byte
}

func (k keyed) what() string {
	switch {
	case k.replayed:
		return "replayed"
	case k.status == http.StatusOK:
		return "carried out now"
	}
	return "refused " + strconv.Itoa(k.status)
}

func (k *child) approveKeyed(id, key string) keyed {
	req, err := http.NewRequest(http.MethodPost, k.base+"/api/v1/agents/approvals/"+id, bytes.NewReader([]byte(`{"action":"approve"}`))) //nolint:noctx // the client has a timeout
	if err != nil {
		return keyed{}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", key)
	resp, err := k.client.Do(req)
	if err != nil {
		return keyed{}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return keyed{}
	}
	return keyed{resp.StatusCode, resp.Header.Get("Idempotency-Replayed") == "true", body}
}
