package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"resync/internal/config"
)

// An answer that takes longer than a body may take to arrive still arrives: the
// limit on reading the body once ended the request behind it after 5 s.
func TestAnAnswerMayTakeLongerThanABody(t *testing.T) {
	h, a, b := modelHost(t, func(c *config.LLM) {
		c.Phrase, c.Budget = true, 12*time.Second
		c.Targets[0].Timeout = 5500 * time.Millisecond
	})
	must(t, a.Script("hang"))
	must(t, b.Script("500"))
	began := time.Now()
	r := h.as("viewer").do(http.MethodPost, "/api/v1/chat", strings.NewReader(`{"message":"What does the status STUCK mean?"}`))
	if r.status != http.StatusOK || !strings.Contains(string(r.body), "STUCK") {
		t.Errorf("after %s: %s", time.Since(began).Round(time.Millisecond), r)
	}
	if len(a.Hits()) == 0 || time.Since(began) < 5*time.Second {
		t.Errorf("the slow model was asked %d times, the answer took %s: this proves nothing", len(a.Hits()), time.Since(began))
	}
}
