package app_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"resync/hwa/hwasim"
	"resync/internal/app"
	"resync/internal/auth"
	"resync/internal/config"
)

// settingsFor is the configuration of a server before a simulated engine.
func settingsFor(t *testing.T) *config.Config {
	t.Helper()
	sim, err := hwasim.New(hwasim.Config{Jobs: 300, Workstations: 40, Speed: -1})
	must(t, err)
	srv := httptest.NewServer(sim)
	t.Cleanup(srv.Close)
	return childSettings{Engine: srv.URL, User: sim.DefaultUser(), Password: sim.DefaultPassword(), Dir: t.TempDir(), Grace: time.Minute}.config()
}

// TestStartNamesThePhaseThatFailed: an operator reads what is wrong and where.
func TestStartNamesThePhaseThatFailed(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*config.Config)
		says   []string
	}{
		"no engine":      {func(c *config.Config) { c.Engines = nil }, []string{"no engine is configured", "TWS_HOST"}},
		"data directory": {func(c *config.Config) { c.DataDir = "/proc/none/such" }, []string{"starting store", "data_dir"}},
		"database":       {func(c *config.Config) { c.Database.URL = config.NewSecret("mysql://root:canary@h/db") }, []string{"starting store"}},
		"policy file":    {func(c *config.Config) { c.Policy.File = "/none/such.cedar" }, []string{"starting engines", "/none/such.cedar"}},
		"address":        {func(c *config.Config) { c.Engines[0].URLs = []string{"ftp://h"} }, []string{"engine night"}},
		"certificates":   {func(c *config.Config) { c.Engines[0].CAFile = "/none/ca.pem" }, []string{"engine night", "/none/ca.pem"}},
		"weak first account": {func(c *config.Config) {
			c.Admin = config.Admin{Username: "root", Password: config.NewSecret("password1234")}
		}, []string{"starting accounts"}},
	} {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			cfg := settingsFor(t)
			tt.change(cfg)
			a, err := app.New(t.Context(), app.Options{Config: cfg, NoConsole: true})
			if err == nil {
				_ = a.Close(t.Context())
				t.Fatal("it started")
			}
			for _, s := range tt.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("the error does not say %q: %v", s, err)
				}
			}
			if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "password1234") {
				t.Errorf("the error shows a secret: %v", err)
			}
			if err := goleak.Find(before, goleak.IgnoreTopFunction("net/http.(*Server).Serve"), goleak.IgnoreAnyFunction("net/http/httptest.(*Server).goServe.func1")); err != nil {
				t.Errorf("a failed start leaves %v", err)
			}
		})
	}
}

// TestStartAndStop: a whole life leaves no goroutine and no open file behind,
// and the same data can be opened again.
func TestStartAndStop(t *testing.T) {
	cfg := settingsFor(t)
	for range 2 {
		before := goleak.IgnoreCurrent()
		a, err := app.New(t.Context(), app.Options{Config: cfg, NoConsole: true, SyncEvery: 10 * time.Millisecond, SettleEvery: 10 * time.Millisecond})
		must(t, err)
		if some, err := a.HasAccounts(t.Context()); err != nil {
			t.Errorf("accounts: %v %v", some, err)
		}
		url, err := a.LoginURL(t.Context(), "http://x", "ana", auth.NewRoles(auth.Operator))
		if err != nil || !strings.HasPrefix(url, "http://x/login#token=") {
			t.Errorf("%s %v", url, err)
		}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- a.Serve(ctx, ln) }()
		resp, err := http.Get("http://" + ln.Addr().String() + "/livez") //nolint:noctx // a test
		must(t, err)
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		http.DefaultClient.CloseIdleConnections()
		stop()
		must(t, <-served)
		if err := goleak.Find(before, goleak.IgnoreTopFunction("internal/poll.runtime_pollWait")); err != nil {
			t.Errorf("a stopped server leaves %v", err)
		}
	}
}

// TestStopDrains: readiness goes first, and a request under way is answered.
func TestStopDrains(t *testing.T) {
	cfg := settingsFor(t)
	a, err := app.New(t.Context(), app.Options{Config: cfg, NoConsole: true})
	must(t, err)
	ready := func() int {
		rec := httptest.NewRecorder()
		a.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		return rec.Code
	}
	if got := ready(); got != http.StatusOK {
		t.Errorf("ready before the stop: %d", got)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- a.Serve(ctx, ln) }()
	stop()
	must(t, <-served)
	if got := ready(); got != http.StatusServiceUnavailable {
		t.Errorf("ready after the stop: %d", got)
	}
}

func TestAsk(t *testing.T) {
	cfg := settingsFor(t)
	cfg.Knowledge.Handbook = true
	a, err := app.New(t.Context(), app.Options{Config: cfg, NoConsole: true})
	must(t, err)
	defer a.Close(t.Context()) //nolint:errcheck // the answers are there
	ans, err := a.Ask(t.Context(), "", "How many jobs are in the plan?")
	must(t, err)
	if !strings.Contains(ans.Text, "300") {
		t.Errorf("answer: %s", ans.Text)
	}
	if _, err := a.Ask(t.Context(), "day", "Why?"); err == nil || !strings.Contains(err.Error(), `no engine named "day"`) {
		t.Errorf("another engine: %v", err)
	}
}

func TestIngestAndSearch(t *testing.T) {
	a, err := app.New(t.Context(), app.Options{Config: settingsFor(t), NoConsole: true})
	must(t, err)
	defer a.Close(t.Context()) //nolint:errcheck // the answers are there
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "mast.md"), []byte("# Mast\n\n## Mooring\n\nThe zeppelin waits for the mooring mast.\n"), 0o600))
	rep, err := a.Ingest(t.Context(), []string{dir}, nil)
	must(t, err)
	if len(rep.Files) != 1 {
		t.Errorf("report: %+v", rep)
	}
	found, err := a.Search(t.Context(), "mooring mast", 3)
	must(t, err)
	if len(found) == 0 || found[0].Document != "mast.md" {
		t.Errorf("found %+v", found)
	}
	if _, err := a.Ingest(t.Context(), []string{filepath.Join(dir, "none.md")}, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}
