package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets scripts run this test binary as resync.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"resync": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		code := Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
		stop()
		os.Exit(code)
	}})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars, "HOME="+e.WorkDir, "TMPDIR="+e.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": statusCmd, "json": jsonCmd},
	})
}

// statusCmd is "status N command args…": the command must end with status N.
func statusCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command args…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("status %d, want %d", got, want)
	}
}

// jsonCmd is "json PATH OP VALUE" on the last standard output: PATH is a list of
// keys and indexes joined by dots; OP is ==, !=, >=, has (text contains) or len>=.
func jsonCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: json PATH OP VALUE")
	}
	var doc any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &doc))
	v, err := at(doc, args[0])
	ts.Check(err)
	ok, err := holds(v, args[1], args[2])
	ts.Check(err)
	if !ok {
		text, _ := json.Marshal(v) // it came from JSON
		ts.Fatalf("%s is %.300s, want %s %s", args[0], text, args[1], args[2])
	}
}

// at follows a path of keys and indexes.
func at(v any, path string) (any, error) {
	for _, key := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			next, ok := x[key]
			if !ok {
				return nil, fmt.Errorf("there is no %q in %s", key, path)
			}
			v = next
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(x) {
				return nil, fmt.Errorf("there is no element %q in %s, which has %d", key, path, len(x))
			}
			v = x[i]
		default:
			return nil, fmt.Errorf("%q of %s is inside a plain value", key, path)
		}
	}
	return v, nil
}

func holds(v any, op, want string) (bool, error) {
	switch op {
	case "==", "!=":
		return (fmt.Sprint(v) == want) == (op == "=="), nil
	case "has":
		return strings.Contains(fmt.Sprint(v), want), nil
	case ">=", "len>=":
		n, err := strconv.ParseFloat(want, 64)
		if err != nil {
			return false, err
		}
		if op == "len>=" {
			list, ok := v.([]any)
			return ok && float64(len(list)) >= n, nil
		}
		f, ok := v.(float64)
		return ok && f >= n, nil
	}
	return false, fmt.Errorf("unknown operator %s", op)
}

func TestJSONAssertionCanFail(t *testing.T) {
	var doc any
	if err := json.Unmarshal([]byte(`{"a":[{"b":2}],"s":"xyz"}`), &doc); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path, op, want string
		ok             bool
	}{{"a.0.b", "==", "2", true}, {"a.0.b", "==", "3", false}, {"a.0.b", ">=", "3", false}, {"a", "len>=", "2", false}, {"s", "has", "yz", true}, {"s", "has", "q", false}} {
		v, err := at(doc, tt.path)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := holds(v, tt.op, tt.want); err != nil || ok != tt.ok {
			t.Errorf("%v: %v %v", tt, ok, err)
		}
	}
	for _, path := range []string{"a.1", "a.x", "q", "s.t"} {
		if v, err := at(doc, path); err == nil {
			t.Errorf("%s is %v", path, v)
		}
	}
}

// resync starts the program as a process of its own.
func resync(t *testing.T, args ...string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe, args...)
	c.Args[0] = "resync" // the name decides what the test binary does
	c.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() }) // it is gone when all went well
	return c, bufio.NewReader(out)
}

// lineWith reads lines until one holds the text.
func lineWith(t *testing.T, r *bufio.Reader, text string) string {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		if strings.Contains(line, text) {
			return strings.TrimSpace(line)
		}
		if err != nil {
			t.Fatalf("no line with %q: %v", text, err)
		}
	}
}

func TestDemoPrintsItsAddressAndStops(t *testing.T) {
	c, out := resync(t, "demo", "--addr", "127.0.0.1:0", "--jobs", "400")
	line := lineWith(t, out, "/login#token=")
	base, token, _ := strings.Cut(line[strings.Index(line, "http://"):], "/login#token=")
	lineWith(t, out, "Why did PAYROLL_NET abend")
	client := &http.Client{Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	resp, err := client.Get(base + "/login")
	if err != nil || resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		t.Fatalf("the console: %v %v", resp, err)
	}
	resp.Body.Close()
	for _, want := range []int{http.StatusOK, http.StatusUnauthorized} { // once, and once only
		resp, err := client.Post(base+"/api/v1/auth/login", "application/json", strings.NewReader(`{"token":"`+token+`"}`))
		if err != nil || resp.StatusCode != want {
			t.Fatalf("signing in: %v %v, want %d", resp, err, want)
		}
		resp.Body.Close()
	}
	client.CloseIdleConnections()
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("the demo did not end well on SIGTERM: %v", err)
	}
}

func TestSimStops(t *testing.T) {
	c, out := resync(t, "sim", "--addr", "127.0.0.1:0", "--jobs", "200", "--fault", "job-abend")
	line := lineWith(t, out, "/twsd/api/v2")
	url := line[strings.Index(line, "http://"):]
	login := strings.Fields(strings.ReplaceAll(lineWith(t, out, "User "), ",", ""))
	lineWith(t, out, "Situations: job-abend")
	req, err := http.NewRequest(http.MethodGet, url+"/engine/info", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(login[1], login[3])
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", resp, err)
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("the simulator did not end well: %v", err)
	}
}
