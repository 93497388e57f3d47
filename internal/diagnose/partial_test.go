package diagnose

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"resync/hwa"
	"resync/hwa/hwasim"
	"resync/internal/plan"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Each single read that fails costs its own part of the answer and no more.
func TestPartialFailure(t *testing.T) {
	for _, tc := range []struct {
		name, fault, broken string
		cause               string // wanted first
		unknown             string // gate that cannot be told any more
	}{
		{"workstation", "prompt-asked", "/plan/workstation/", "prompt", "fence"},
		{"job stream", "limit-zero", "/plan/jobstream/", "workstation_limit", "stream_limit"},
		{"issues", "limit-zero", "/plan/job/issues", "workstation_limit", ""},
		{"running jobs", "limit-zero", "/plan/job?", "workstation_limit", ""},
		{"resources", "resource-exhausted", "/plan/resource", "resource", ""},
		{"job log", "job-abend", "/joblog", "abend_return_code", ""},
		{"successors", "job-abend", "/successors", "abend_return_code", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sim, err := hwasim.New(hwasim.Config{Speed: -1})
			if err != nil {
				t.Fatal(err)
			}
			sit, err := sim.Inject(tc.fault)
			if err != nil {
				t.Fatal(err)
			}
			broken := false
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if broken && strings.Contains(r.URL.Path+"?", tc.broken) {
					http.Error(w, "AWSJSY404E it broke", http.StatusInternalServerError)
					return
				}
				sim.ServeHTTP(w, r)
			}))
			defer srv.Close()
			client, err := hwa.New(hwa.Config{BaseURLs: []string{srv.URL}, Username: sim.DefaultUser(), Password: sim.DefaultPassword(), Attempts: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			live := &plan.Live{Now: sim.Now}
			if _, err := live.Sync(t.Context(), client); err != nil {
				t.Fatal(err)
			}
			broken = true
			a, err := New(Deps{Client: client, Plan: live.Snapshot, Now: sim.Now}).Answer(t.Context(), Question{Text: "Why is " + sit.Job + " not running and what does it block?"})
			if err != nil {
				t.Fatal(err)
			}
			if c := causes(a); len(c) == 0 || c[0] != tc.cause {
				t.Errorf("causes = %v, want %s first", c, tc.cause)
			}
			if !slices.ContainsFunc(a.NotExamined, func(s string) bool { return strings.Contains(s, "AWSJSY404E") }) {
				t.Errorf("the failed read is not listed: %v", a.NotExamined)
			}
			for _, g := range a.Gates {
				if g.Gate == tc.unknown && g.State != GateUnknown {
					t.Errorf("gate %s is %s, want unknown", g.Gate, g.State)
				}
			}
			checkAnswer(t, a)
		})
	}
}
