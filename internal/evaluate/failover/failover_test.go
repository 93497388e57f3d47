package failover_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"resync/internal/evaluate/failover"
	"resync/llm/http1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client is the product's client (app.ModelTransport) for http:// addresses; there
// are no others here.
func client() (failover.Client, error) {
	return http1.New(http1.Options{Dial: (&net.Dialer{}).DialContext, Other: &http.Transport{}})
}

func TestRunNeedsAClient(t *testing.T) {
	if _, err := failover.Run(t.Context(), failover.Options{}); err == nil {
		t.Error("a matrix without a client runs")
	}
}

// The matrix: every situation has the outcome it should have. Most of the time
// goes into waiting, so eight play at once.
func TestEveryScenario(t *testing.T) {
	var wg sync.WaitGroup
	work := make(chan string)
	for range 8 {
		wg.Go(func() {
			for name := range work {
				rep, err := failover.Run(t.Context(), failover.Options{Only: []string{name}, Patience: 600 * time.Millisecond, Client: client})
				if err != nil || rep.N != 1 || rep.Passed != 1 {
					t.Errorf("%s: %+v, %v", name, rep.Scenarios, err)
				}
			}
		})
	}
	for _, sc := range failover.Scenarios() {
		work <- sc.Name
	}
	close(work)
	wg.Wait()
}

func TestScenariosAreManyAndDistinct(t *testing.T) {
	seen := map[string]bool{}
	for _, sc := range failover.Scenarios() {
		if seen[sc.Name] || sc.Summary == "" || (sc.Want == failover.Holds) != (sc.Do != nil) {
			t.Errorf("%+v", sc)
		}
		seen[sc.Name] = true
	}
	if len(seen) < 60 {
		t.Errorf("only %d scenarios", len(seen))
	}
}

// The judge must bite: what another gateway does wrong is called so.
func TestTheJudgeBites(t *testing.T) {
	for name, want := range wrongs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := careless(t)
			rep, err := failover.Run(context.Background(), failover.Options{URL: url.URL, AddrA: url.A, AddrB: "127.0.0.1:0", Only: []string{name}, Patience: 200 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			if got := rep.Scenarios[0].Got; rep.Passed != 0 || !strings.Contains(got, want) {
				t.Errorf("judged %q, want %q", got, want)
			}
		})
	}
}
