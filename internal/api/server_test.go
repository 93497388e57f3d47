package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"resync/hwa"
	"resync/hwa/hwasim"
	"resync/internal/app"
	"resync/internal/auth"
	"resync/internal/config"
	"resync/internal/faultnet"
)

// authority signs certificates that every client of this process trusts.
var authority *faultnet.Authority

// TestMain has the process trust an authority of its own, as a server trusts its
// site's: the file must be named before the first connection is made.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "resync-api-")
	if err == nil {
		authority, err = faultnet.NewAuthority()
	}
	file := filepath.Join(dir, "authority.pem")
	if err == nil {
		err = errors.Join(os.WriteFile(file, authority.PEM(), 0o600), os.Setenv("SSL_CERT_FILE", file))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "making an authority for the tests:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir) // what is left of it is in the system's folder for such things
		os.Exit(code)
	}))
}

// host is a whole Resync on a port of its own in front of a simulated engine.
type host struct {
	t    *testing.T
	sim  *hwasim.Sim
	app  *app.App
	opt  app.Options // it was made with
	base string
	file string // of the database
	log  *lockedBuffer
	stop func() // ends the server

	mu      sync.Mutex
	onRead  func(*http.Request)                           // sees every read of the engine
	broken  bool                                          // the engine answers 502
	first   func(http.ResponseWriter, *http.Request) bool // sees every request to the engine; true means it has answered
	onWrite func(http.ResponseWriter, *http.Request) bool // sees the next write to the engine; true means it has answered
}

type hostConfig struct {
	sim    hwasim.Config
	config func(*config.Config)
	engine string            // address of the engine instead of the simulator's
	before func(*hwa.Client) // prepares the engine
	// through returns the address of a proxy before the engine at an address.
	through func(addr string) string
	options func(*app.Options)
}

func newHost(t *testing.T, change ...func(*hostConfig)) *host {
	t.Helper()
	c := hostConfig{sim: hwasim.Config{Jobs: 400, Workstations: 40, Speed: -1}, config: func(*config.Config) {}}
	for _, f := range change {
		f(&c)
	}
	sim, err := hwasim.New(c.sim)
	must(t, err)
	h := &host{t: t, sim: sim, log: &lockedBuffer{}}
	engine := httptest.NewServer(http.HandlerFunc(h.engine))
	t.Cleanup(engine.Close)
	if c.engine == "" {
		c.engine = engine.URL
	}
	if c.through != nil {
		c.engine = "http://" + c.through(engine.Listener.Addr().String())
	}
	if c.before != nil {
		client, err := hwa.New(hwa.Config{BaseURLs: []string{engine.URL}, Username: sim.DefaultUser(), Password: sim.DefaultPassword()})
		must(t, err)
		c.before(client)
		client.Close()
	}
	dir := t.TempDir()
	cfg := &config.Config{
		Engines: []config.Engine{{Name: "night", URLs: []string{c.engine}, Username: sim.DefaultUser(), Password: config.NewSecret(sim.DefaultPassword()),
			Environment: "demo", PageSize: 1000, Timeout: 5 * time.Second}},
		DefaultEngine: "night", DataDir: dir, Database: config.Database{URL: config.NewSecret("sqlite:" + filepath.Join(dir, "resync.db"))},
		Approvals: config.Approvals{FourEyesFrom: "critical", TTL: 15 * time.Minute}, Undo: config.Undo{TTL: time.Hour},
		Reconcile: config.Reconcile{Grace: time.Minute}, Knowledge: config.Knowledge{Handbook: true},
	}
	c.config(cfg)
	h.file = filepath.Join(dir, "resync.db")
	h.opt = app.Options{Config: cfg, Version: "test", NoConsole: true, SyncEvery: time.Hour, SettleEvery: 20 * time.Millisecond,
		Clocks: map[string]func() time.Time{"night": sim.Now}, Log: slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if c.options != nil {
		c.options(&h.opt)
	}
	h.app, err = app.New(t.Context(), h.opt)
	must(t, err)
	h.serve()
	return h
}

func (h *host) serve() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(h.t, err)
	h.base = "http://" + ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.app.Serve(ctx, ln) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Errorf("stopping the server: %v", err)
		}
	})
	h.t.Cleanup(h.stop)
}

// engine stands before the simulator.
func (h *host) engine(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	onRead, broken, first := h.onRead, h.broken, h.first
	h.mu.Unlock()
	if first != nil && first(w, r) {
		return
	}
	if broken {
		http.Error(w, "the engine is broken", http.StatusBadGateway)
		return
	}
	if onRead != nil && r.Method == http.MethodGet {
		onRead(r)
	}
	if r.Method == http.MethodPut || r.Method == http.MethodPatch {
		h.mu.Lock()
		hook := h.onWrite
		h.onWrite = nil
		h.mu.Unlock()
		if hook != nil && hook(w, r) {
			return
		}
	}
	h.sim.ServeHTTP(w, r)
}

func (h *host) beforeWrite(f func(http.ResponseWriter, *http.Request) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.onWrite = f
}

// ready waits until the plan has been read once.
func (h *host) ready() *host {
	h.t.Helper()
	h.eventually("the plan to be read", func() bool {
		return h.as("viewer").get("/api/v1/tws/plan/current/job/count").status == http.StatusOK
	})
	return h
}

func (h *host) eventually(what string, ok func() bool) {
	h.t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (h *host) inject(fault string) hwasim.Situation {
	h.t.Helper()
	sit, err := h.sim.Inject(fault)
	must(h.t, err)
	return sit
}

// browser is one client with its cookies. A nil jar is nobody.
type browser struct {
	h      *host
	client *http.Client
}

func (h *host) anonymous() *browser {
	jar, err := cookiejar.New(nil)
	must(h.t, err)
	b := &browser{h, &http.Client{Jar: jar, Transport: &http.Transport{}, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	h.t.Cleanup(b.client.CloseIdleConnections)
	return b
}

// as signs a person in whose name is the role, or "role-name".
func (h *host) as(person string) *browser {
	h.t.Helper()
	role, _, _ := strings.Cut(person, "-")
	b := h.anonymous()
	word := map[string]string{"token": h.token(person, auth.Role(role))}
	r := b.post("/api/v1/auth/login", word)
	for end := time.Now().Add(10 * time.Second); r.status == http.StatusServiceUnavailable && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		r = b.post("/api/v1/auth/login", word) // a Redis that a busy machine has made slow
	}
	if r.status != http.StatusOK {
		h.t.Fatalf("signing %s in: %s", person, r)
	}
	return b
}

func (h *host) token(person string, role auth.Role) string {
	h.t.Helper()
	u, err := h.app.LoginURL(h.t.Context(), h.base, person, auth.NewRoles(role))
	must(h.t, err)
	_, token, ok := strings.Cut(u, "/login#token=")
	if !ok {
		h.t.Fatalf("the login address has no token: %s", u)
	}
	return token
}

// reply is an answer, read whole.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

func (r reply) String() string { return fmt.Sprintf("%d %s", r.status, r.body) }

// json decodes the answer.
func (r reply) json(into any) {
	r.t.Helper()
	if err := json.Unmarshal(r.body, into); err != nil {
		r.t.Fatalf("not JSON: %v: %s", err, r)
	}
}

// object is the answer as JSON gives it.
func (r reply) object() map[string]any {
	r.t.Helper()
	var out map[string]any
	r.json(&out)
	return out
}

// ok fails unless the status is 200, and returns the object.
func (r reply) ok() map[string]any {
	r.t.Helper()
	if r.status != http.StatusOK {
		r.t.Fatalf("got %s", r)
	}
	return r.object()
}

// problem fails unless the answer is a problem document of the status that says
// every text, and has a trace id.
func (r reply) problem(status int, says ...string) map[string]any {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("got %s, want %d", r, status)
	}
	if ct := r.header.Get("Content-Type"); ct != "application/problem+json" {
		r.t.Fatalf("a problem came as %q: %s", ct, r)
	}
	p := r.object()
	if p["status"] != float64(status) || p["title"] == "" {
		r.t.Errorf("status or title are not those of a problem: %s", r)
	}
	if id, _ := p["trace_id"].(string); len(id) != 32 || id != r.header.Get("X-Correlation-ID") {
		r.t.Errorf("trace_id %q, header %q: %s", id, r.header.Get("X-Correlation-ID"), r)
	}
	for _, s := range says {
		if !strings.Contains(string(r.body), s) {
			r.t.Errorf("the problem does not say %q: %s", s, r)
		}
	}
	return p
}

func (b *browser) do(method, path string, body io.Reader, header ...string) reply {
	b.h.t.Helper()
	req, err := http.NewRequestWithContext(b.h.t.Context(), method, b.h.base+path, body)
	must(b.h.t, err)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Del(header[i])
		if header[i+1] != "" {
			req.Header.Set(header[i], header[i+1])
		}
	}
	resp, err := b.client.Do(req)
	must(b.h.t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	must(b.h.t, err)
	return reply{b.h.t, resp.StatusCode, resp.Header, data}
}

func (b *browser) get(path string, header ...string) reply {
	b.h.t.Helper()
	return b.do(http.MethodGet, path, nil, header...)
}

func (b *browser) post(path string, body any, header ...string) reply {
	b.h.t.Helper()
	raw, err := json.Marshal(body)
	must(b.h.t, err)
	return b.do(http.MethodPost, path, bytes.NewReader(raw), header...)
}

// postText sends a body exactly as written.
func (b *browser) postText(path, body string, header ...string) reply {
	b.h.t.Helper()
	return b.do(http.MethodPost, path, strings.NewReader(body), header...)
}

// cookie is the browser's session cookie.
func (b *browser) cookie() string {
	u, err := url.Parse(b.h.base)
	must(b.h.t, err)
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == "resync_session" {
			return c.Value
		}
	}
	return ""
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lockedBuffer collects a log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
