package api_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"resync/internal/state/statetest"
)

// TestDroppedConnectionsRefuseNobody: Redis ends every connection and is there. No
// request of any tier notices.
func TestDroppedConnectionsRefuseNobody(t *testing.T) {
	r := statetest.Start(t)
	h := newHost(t, withRedis(r.URL())).ready()
	st := newMatrixStage(h, 50)
	ask := func() {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if got := st.hold(); got.status != http.StatusOK {
					t.Errorf("CRITICAL: %s", got)
				}
				got := st.operator.get("/api/v1/tws/plan/current/job?limit=1")
				if got.status != http.StatusOK || got.header.Get("X-Degraded-Mode") == "true" || got.header.Get("X-Redis-Status") != "available" {
					t.Errorf("BEST_EFFORT: %s %v", got, got.header)
				}
			})
		}
		wg.Wait()
	}
	ask()
	for range 3 {
		if got := r.Say("CLIENT KILL TYPE normal"); !strings.HasPrefix(got, ":") {
			t.Fatalf("CLIENT KILL: %q", got)
		}
		ask()
	}
}
