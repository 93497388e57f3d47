package app_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"resync/internal/app"
	"resync/internal/auth"
	"resync/internal/config"
	"resync/internal/state"
	"resync/internal/store"
)

// TestExitCodes: the numbers are the contract's.
func TestExitCodes(t *testing.T) {
	for _, tt := range []struct {
		phase string
		err   error
		want  int
	}{
		{"settings", errors.New("no engine"), 2},
		{"engines", errors.New("policy file: syntax"), 2},
		{"accounts", errors.New("password too short"), 3},
		{"state", fmt.Errorf("opening: %w", state.ErrAuth), 3},
		{"store", errors.New("connection refused"), 4},
		{"state", fmt.Errorf("opening: %w", state.ErrUnavailable), 4},
		{"store", fmt.Errorf("waiting: %w", context.DeadlineExceeded), 5},
		{"stop", fmt.Errorf("draining: %w", context.DeadlineExceeded), 5},
		{"store", fmt.Errorf("opening: %w", store.ErrCorrupt), 6},
		{"store", fmt.Errorf("opening: %w", store.ErrSchemaTooNew), 6},
		{"checks", errors.New("not in order"), 6},
		{"port", errors.New("in use"), 6},
		{"store", fmt.Errorf("opening: %w", codeOf("28P01")), 3},
		{"store", fmt.Errorf("opening: %w", codeOf("28000")), 3},
		{"store", fmt.Errorf("opening: %w", codeOf("3D000")), 4},
		{"accounts", fmt.Errorf("reading accounts: %w", store.ErrAway), 4},
		{"store", fmt.Errorf("data_dir: %w", &fs.PathError{Op: "mkdir", Path: "/proc/none", Err: errors.New("no")}), 6},
	} {
		err := fmt.Errorf("serve: %w", &app.StartError{Phase: tt.phase, Err: tt.err})
		var start *app.StartError
		if !errors.As(err, &start) || start.ExitCode() != tt.want {
			t.Errorf("%v: %d, want %d", err, start.ExitCode(), tt.want)
		}
	}
}

// codeOf is an error with a code of PostgreSQL.
type codeOf string

func (c codeOf) Error() string    { return "FATAL (SQLSTATE " + string(c) + ")" }
func (c codeOf) SQLState() string { return string(c) }

// TestStartFailuresAreOneLine: whoever reads the last line of a log sees phase and
// cause; drivers spread theirs over several and say the same of each attempt.
func TestStartFailuresAreOneLine(t *testing.T) {
	err := &app.StartError{Phase: "store", Err: errors.New("open database (failed to connect to `user=u`:\n\t127.0.0.1:1: refused\n\t127.0.0.1:1: refused)\n")}
	if got, want := err.Error(), "starting store: open database (failed to connect to `user=u`: 127.0.0.1:1: refused"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	err = &app.StartError{Phase: "stop", Err: errors.Join(errors.New("one"), errors.New("two"))}
	if got := err.Error(); got != "stopping: one; two" {
		t.Errorf("%q", got)
	}
}

// TestStartFailuresHaveTheirCodes: the same through a real start.
func TestStartFailuresHaveTheirCodes(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*config.Config)
		want   int
	}{
		"no engine":   {func(c *config.Config) { c.Engines = nil }, 2},
		"policy file": {func(c *config.Config) { c.Policy.File = "/none/such.cedar" }, 2},
		"first account": {func(c *config.Config) {
			c.Admin = config.Admin{Username: "root", Password: config.NewSecret("password1234")}
		}, 3},
		"no PostgreSQL":         {func(c *config.Config) { c.Database.URL = config.NewSecret("postgres://x@127.0.0.1:1/x") }, 4},
		"data directory":        {func(c *config.Config) { c.DataDir = "/proc/none/such" }, 6},
		"embedding model":       {func(c *config.Config) { c.Knowledge.Embedder = config.Embedder{Kind: "local", Dir: "/none/such"} }, 2},
		"authority of Redis":    {func(c *config.Config) { c.Redis.URL = config.NewSecret("rediss://127.0.0.1:1?ca_file=/none/such.pem") }, 2},
		"Redis does not listen": {func(c *config.Config) { c.Redis.URL, c.Redis.FailFast = config.NewSecret("redis://127.0.0.1:1"), true }, 4},
		"not a database": {func(c *config.Config) {
			must(t, os.WriteFile(c.DataDir+"/resync.db", []byte(strings.Repeat("x", 100)), 0o600))
		}, 6},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := settingsFor(t)
			tt.change(cfg)
			a, err := app.New(t.Context(), app.Options{Config: cfg, NoConsole: true})
			if err == nil {
				_ = a.Close(t.Context())
				t.Fatal("it started")
			}
			var start *app.StartError
			if !errors.As(err, &start) || start.ExitCode() != tt.want {
				t.Errorf("%v: want %d", err, tt.want)
			}
		})
	}
}

// TestGate: a server does not start while something critical is not in order,
// and says what to do.
func TestGate(t *testing.T) {
	cfg := settingsFor(t)
	a, err := app.New(t.Context(), app.Options{Config: cfg, NoConsole: true})
	must(t, err)
	defer a.Close(t.Context()) //nolint:errcheck // the checks are done
	must(t, a.Gate(t.Context()))
	must(t, os.RemoveAll(cfg.DataDir))
	time.Sleep(1100 * time.Millisecond) // outcomes are good for a second
	err = a.Gate(t.Context())
	var start *app.StartError
	if !errors.As(err, &start) || start.ExitCode() != 6 || !strings.Contains(err.Error(), cfg.DataDir) || !strings.Contains(err.Error(), "do this:") {
		t.Errorf("without a data directory: %v", err)
	}
}

// TestStopInOrder: readiness goes first, streams get an end event, requests
// under way are answered, and every phase is logged.
func TestStopInOrder(t *testing.T) {
	cfg := settingsFor(t)
	cfg.Server.DrainDelay = 400 * time.Millisecond
	var log lockedLog
	a, err := app.New(t.Context(), app.Options{Config: cfg, NoConsole: true, Log: slog.New(slog.NewTextHandler(&log, nil))})
	must(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	base := "http://" + ln.Addr().String()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	served := make(chan error, 1)
	go func() { served <- a.Serve(ctx, ln) }()
	url, err := a.LoginURL(t.Context(), base, "ana", auth.NewRoles(auth.Viewer))
	must(t, err)
	k := signedIn(t, url)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/v1/events", nil)
	must(t, err)
	resp, err := k.client.Do(req)
	must(t, err)
	defer resp.Body.Close()
	events := make(chan string, 1)
	go func() {
		all, _ := io.ReadAll(bufio.NewReader(resp.Body)) // it ends with the server
		events <- string(all)
	}()
	stop()
	for end := time.Now().Add(300 * time.Millisecond); ; time.Sleep(5 * time.Millisecond) {
		if status, _ := k.call(http.MethodGet, "/readyz", nil, nil); status == http.StatusServiceUnavailable {
			break
		}
		if time.Now().After(end) {
			t.Fatal("readiness did not go before the port")
		}
	}
	if status, _ := k.call(http.MethodGet, "/livez", nil, nil); status != http.StatusOK {
		t.Errorf("not alive while it stops: %d", status)
	}
	must(t, <-served)
	if got := <-events; !strings.Contains(got, "event: end") || !strings.Contains(got, "this server stops") {
		t.Errorf("the stream ended without a word: %q", got)
	}
	k.client.CloseIdleConnections()
	for _, phase := range []string{"phase=settings", "phase=store", "phase=http", "phase=recovery", "all parts are ready", "readiness is false", "requests have ended", "msg=stopped"} {
		if !strings.Contains(log.String(), phase) {
			t.Errorf("the log does not say %q:\n%s", phase, log.String())
		}
	}
}

type lockedLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
