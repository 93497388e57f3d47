package app_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"resync/internal/app"
	"resync/internal/auth"
	"resync/internal/config"
)

// childEnv holds the settings of a child server as JSON.
const childEnv = "RESYNC_KILL_CHILD"

// childSettings is all a child needs to be the same server again.
type childSettings struct {
	Engine, User, Password, Dir string
	Grace                       time.Duration
	Sync                        time.Duration // how often the plan is read; an hour when zero
	Handbook                    bool          // answers cite the handbook
	Redis                       string        // its address; "" is the memory of the child
}

func (c childSettings) config() *config.Config {
	out := &config.Config{
		Engines: []config.Engine{{Name: "night", URLs: []string{c.Engine}, Username: c.User, Password: config.NewSecret(c.Password),
			Environment: "demo", PageSize: 1000, Timeout: 10 * time.Second}},
		DefaultEngine: "night", DataDir: c.Dir, Database: config.Database{URL: config.NewSecret("sqlite:" + filepath.Join(c.Dir, "resync.db"))},
		Approvals: config.Approvals{FourEyesFrom: "critical", TTL: 15 * time.Minute}, Undo: config.Undo{TTL: time.Hour},
		Reconcile: config.Reconcile{Grace: c.Grace}, Knowledge: config.Knowledge{Handbook: c.Handbook},
	}
	if c.Redis != "" {
		out.Redis = config.Redis{URL: config.NewSecret(c.Redis), FailFast: true, MaxRetries: 3, Backoff: 100 * time.Millisecond, CheckEvery: time.Second}
	}
	return out
}

// serveChild is the whole life of the child: it prints its address with a login
// token and serves until it is killed, or asked to stop. SIGUSR1 makes it
// collect its garbage, so that what it really holds can be measured.
func serveChild(settings string) int {
	var c childSettings
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	collect := make(chan os.Signal, 1)
	signal.Notify(collect, syscall.SIGUSR1)
	go func() {
		for range collect {
			debug.FreeOSMemory()
		}
	}()
	err := json.Unmarshal([]byte(settings), &c)
	var a *app.App
	if err == nil {
		a, err = app.New(ctx, app.Options{Config: c.config(), Version: "test", NoConsole: true, SyncEvery: cmp.Or(c.Sync, time.Hour), SettleEvery: 100 * time.Millisecond})
	}
	var ln net.Listener
	if err == nil {
		ln, err = net.Listen("tcp", "127.0.0.1:0")
	}
	var url string
	if err == nil {
		url, err = a.LoginURL(ctx, "http://"+ln.Addr().String(), "operator", auth.NewRoles(auth.Approver))
	}
	if err == nil {
		fmt.Println(url)
		err = a.Serve(ctx, ln)
	}
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// child is a running server that can be killed, and a signed-in client of it.
type child struct {
	t      *testing.T
	cmd    *exec.Cmd
	base   string
	client *http.Client
	errOut *bytes.Buffer
}

// start runs the server as a process of its own and signs in.
func (c childSettings) start(t *testing.T) *child {
	t.Helper()
	settings, err := json.Marshal(c)
	must(t, err)
	k := &child{t: t, cmd: exec.Command(os.Args[0], "-test.run=^$"), errOut: &bytes.Buffer{}}
	k.cmd.Env = append(os.Environ(), childEnv+"="+string(settings))
	k.cmd.Stderr = k.errOut
	out, err := k.cmd.StdoutPipe()
	must(t, err)
	must(t, k.cmd.Start())
	t.Cleanup(k.kill)
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		k.kill()
		t.Fatalf("the server did not start: %v: %s", err, k.errOut)
	}
	in := signedIn(t, strings.TrimSpace(url))
	k.base, k.client = in.base, in.client
	return k
}

// signedIn is a client of a server that is not a child of ours.
func signedIn(t *testing.T, url string) *child {
	t.Helper()
	base, token, _ := strings.Cut(url, "/login#token=")
	jar, err := cookiejar.New(nil)
	must(t, err)
	k := &child{t: t, base: base, client: &http.Client{Jar: jar, Transport: &http.Transport{}, Timeout: 30 * time.Second}}
	if status, _ := k.call(http.MethodPost, "/api/v1/auth/login", map[string]string{"token": token}, nil); status != http.StatusOK {
		t.Fatalf("signing in: %d", status)
	}
	return k
}

// kill ends the process as kill -9 does. Killing it twice is harmless.
func (k *child) kill() {
	_ = k.cmd.Process.Signal(syscall.SIGKILL) // it may be gone
	_ = k.cmd.Wait()
	if k.client != nil {
		k.client.CloseIdleConnections()
	}
}

// call makes one request. Status 0 means that no whole answer came: the server
// was killed meanwhile.
func (k *child) call(method, path string, body, into any) (int, error) {
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return 0, err
		}
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, k.base+path, in) //nolint:noctx // the client has a timeout
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := k.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	if into != nil && resp.StatusCode == http.StatusOK {
		return resp.StatusCode, json.Unmarshal(data, into)
	}
	return resp.StatusCode, nil
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
