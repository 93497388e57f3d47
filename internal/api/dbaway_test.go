package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"resync/internal/config"
	"resync/internal/faultnet"
	"resync/internal/store"
	"resync/internal/store/storetest"
)

// TestDatabaseAwayForWhoLooks: with a database that says nothing, /health answers at
// its own pace and not at the database's; and who wants to sign in is told what is
// wrong, when to come again, and not where the database is.
func TestDatabaseAwayForWhoLooks(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t).NewDatabase(t)
	p := faultnet.New(t, hostOfURL(url))
	h := newHost(t, withAdmin, func(c *hostConfig) {
		admin := c.config
		withPostgres(at(url, p.Addr(), "sslmode=disable"))(c)
		was := c.config
		c.config = func(cfg *config.Config) { admin(cfg); was(cfg); cfg.Database.Timeout = store.Patience }
	}).ready()
	viewer := h.as("viewer")
	p.Set(faultnet.Blackhole())
	began := time.Now()
	got := viewer.get("/health")
	if took := time.Since(began); got.status != http.StatusServiceUnavailable || took > store.Patience-time.Second {
		t.Errorf("/health with a silent database: %s after %s", got, took)
	}
	if strings.Contains(string(got.body), "checks") {
		t.Errorf("details for somebody of whom nobody knows who it is: %s", got)
	}
	p.Set(faultnet.Refuse())
	stranger := h.anonymous()
	for range 4 { // until the breaker refuses, and then
		r := stranger.post("/api/v1/auth/login", map[string]string{"username": "root", "password": "correct-horse-battery-9"})
		r.problem(http.StatusServiceUnavailable, "nobody can sign in now: the database of Resync does not answer")
		if r.header.Get("Retry-After") != "2" || strings.Contains(string(r.body), "postgres") || strings.Contains(string(r.body), p.Addr()) {
			t.Errorf("Retry-After %q: %s", r.header.Get("Retry-After"), r)
		}
	}
	p.Set(faultnet.Pass())
	h.eventually("the database to be used again", func() bool { return viewer.get("/api/v1/tws/engines").status == http.StatusOK })
	stranger.post("/api/v1/auth/login", map[string]string{"username": "root", "password": "correct-horse-battery-9"}).ok()
}
