package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"resync/internal/auth"
	"resync/internal/config"
	"resync/internal/health"
	"resync/internal/store"
)

// TestServeAndAskOverTheNetwork: two processes, configuration only between them.
func TestServeAndAskOverTheNetwork(t *testing.T) {
	_, out := resync(t, "sim", "--addr", "127.0.0.1:0", "--jobs", "400", "--fault", "job-abend")
	line := lineWith(t, out, "/twsd/api/v2")
	engine := strings.TrimSuffix(line[strings.Index(line, "http://"):], "/twsd/api/v2")
	login := strings.Fields(strings.ReplaceAll(lineWith(t, out, "User "), ",", ""))
	dir := t.TempDir()
	settings := "engines:\n  night:\n    urls: [" + engine + "]\n    username: " + login[1] + "\n    password: env:NIGHT_PASSWORD\n    environment: development\ndata_dir: " + dir + "\n"
	file := filepath.Join(dir, "resync.yaml")
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NIGHT_PASSWORD", login[3])
	server, served := resync(t, "serve", "--config", file, "--addr", "127.0.0.1:0")
	lineWith(t, served, "Resync serves on http://127.0.0.1:")
	first := lineWith(t, served, "Nobody has an account yet")
	base, token, _ := strings.Cut(first[strings.Index(first, "http://"):], "/login#token=")

	t.Setenv("RESYNC_LOGIN_TOKEN", token)
	ask := func() (int, string, string) {
		var stdout, stderr bytes.Buffer
		code := Run(context.Background(), []string{"ask", "--json", "--server", base, "Why did PAYROLL_NET abend?"}, strings.NewReader(""), &stdout, &stderr)
		return code, stdout.String(), stderr.String()
	}
	code, stdout, stderr := ask()
	var ans struct {
		Answer     string
		Hypotheses []struct{ Cause string }
	}
	if err := json.Unmarshal([]byte(stdout), &ans); code != exitOK || err != nil {
		t.Fatalf("status %d, %v: %s", code, err, stderr)
	}
	if len(ans.Hypotheses) == 0 || !strings.Contains(ans.Answer, "PAYROLL_NET") {
		t.Errorf("answer: %s", stdout)
	}
	if code, _, stderr := ask(); code != exitUsage || !strings.Contains(stderr, "this login link is not valid: it has been used") {
		t.Errorf("a spent token: status %d, %s", code, stderr)
	}
	// The same engine asked directly, with the settings alone.
	var direct, problems bytes.Buffer
	if code := Run(t.Context(), []string{"ask", "--config", file, "How many jobs are in ABEND?"}, strings.NewReader(""), &direct, &problems); code != exitOK || !strings.Contains(direct.String(), "ABEND") {
		t.Errorf("status %d: %s%s", code, direct.String(), problems.String())
	}
	doctorOfAServer(t, file, base)
	doctorBesideAServer(t, file, strings.TrimPrefix(base, "http://"))
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("the server did not end well on SIGTERM: %v", err)
	}
}

// doctorOfAServer asks a running server to look at itself, as an administrator.
func doctorOfAServer(t *testing.T, file, base string) {
	t.Helper()
	cfg, _, err := config.Load(config.LoadOptions{File: file})
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), cfg.Database.URL.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	accounts := auth.New(db, nil)
	for name, role := range map[string]auth.Role{"root": auth.Admin, "eve": auth.Viewer} {
		if _, err := accounts.CreateUser(t.Context(), name, "correct horse battery", auth.NewRoles(role)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("RESYNC_LOGIN_TOKEN", "")
	t.Setenv("RESYNC_PASSWORD", "correct horse battery")
	run := func(user string, args ...string) (int, health.Suite, string) {
		t.Setenv("RESYNC_USER", user)
		var stdout, stderr bytes.Buffer
		code := Run(t.Context(), append(args, "--json", "--server", base), strings.NewReader(""), &stdout, &stderr)
		var s health.Suite
		_ = json.Unmarshal(stdout.Bytes(), &s) // what is missing is found below
		return code, s, stdout.String() + stderr.String()
	}
	code, s, all := run("root", "doctor", "--skip", "clock:time", "--skip", "night:tool")
	ran := map[string]string{}
	for _, r := range s.Results {
		ran[r.Check] = r.Status
	}
	if code != exitOK || s.Failed > 0 || s.TotalTests < 25 || ran["night:rights"] != "passed" || ran["night:tool"] != "" || ran["store:integrity"] != "passed" {
		t.Errorf("doctor --server: status %d: %s", code, all)
	}
	if code, s, all := run("root", "smoke"); code != exitOK || s.TotalTests != 16 {
		t.Errorf("smoke --server: status %d, %d tests: %s", code, s.TotalTests, all)
	}
	steerAServer(t, base)
	if code, _, all := run("eve", "doctor"); code != exitUsage || !strings.Contains(all, "needs the role admin") {
		t.Errorf("as a viewer: status %d: %s", code, all)
	}
	if code, _, all := run("nobody", "doctor"); code != exitUsage || !strings.Contains(all, "signing in at "+base) {
		t.Errorf("as nobody: status %d: %s", code, all)
	}
}

// steerAServer looks at a breaker of a running server, switches it and changes its
// numbers.
func steerAServer(t *testing.T, base string) {
	t.Helper()
	for _, tt := range []struct {
		user string
		code int
		says string
		args []string
	}{
		{"eve", exitOK, "tws_api", []string{"list"}},
		{"eve", exitUsage, "needs the role admin", []string{"reset", "siem", "--reason", "x"}},
		{"root", exitUsage, `required flag(s) "reason"`, []string{"force-open", "siem"}},
		{"root", exitUsage, "no circuit breaker has this name", []string{"show", "nope"}},
		{"root", exitOK, "siem is now forced_open", []string{"force-open", "siem", "--reason", "maintenance", "--for", "10m"}},
		{"root", exitNotOK, "1 of 14 circuit breakers are open", []string{"list"}},
		{"root", exitOK, "maintenance (root)", []string{"show", "siem"}},
		{"root", exitOK, "siem is now closed", []string{"enable", "siem", "--reason", "over"}},
		{"root", exitOK, "breakers.siem", []string{"set", "siem", "--threshold", "4", "--recovery", "90s", "--reason", "test"}},
		{"root", exitOK, "opens after 4 failures in a row and is tried again after 1m30s", []string{"show", "siem"}},
		{"root", exitUsage, "breakers.siem.recovery_timeout", []string{"set", "siem", "--recovery", "1ms", "--reason", "test"}},
		{"root", exitUsage, "give --threshold", []string{"set", "siem", "--reason", "test"}},
		{"root", exitOK, `"updated_by": "root"`, []string{"settings"}},
		{"root", exitOK, "breakers.siem", []string{"set", "siem", "--contract", "--reason", "back"}},
	} {
		t.Setenv("RESYNC_USER", tt.user)
		var stdout, stderr bytes.Buffer
		code := Run(t.Context(), append([]string{"breaker", "--server", base}, tt.args...), strings.NewReader(""), &stdout, &stderr)
		if all := stdout.String() + stderr.String(); code != tt.code || !strings.Contains(all, tt.says) {
			t.Errorf("breaker %v: status %d, want %d and %q: %s", tt.args, code, tt.code, tt.says, all)
		}
	}
}

// TestEvalOfTheScenarioSet is the acceptance of issue 2: the same command on the
// evaluation set and the eight manuals.
func TestEvalOfTheScenarioSet(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT RUN: 20 scenarios over the eight manuals (-short)")
	}
	dir := os.Getenv("RESYNC_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	set, manuals := filepath.Join(dir, "eval", "scenarios.jsonl"), filepath.Join(dir, "manuals")
	for _, p := range []string{set, manuals} {
		if _, err := os.Stat(p); err != nil {
			t.Skipf("NOT RUN: 20 scenarios over the eight manuals, %s is not there (set RESYNC_TESTDATA)", p)
		}
	}
	var stdout, stderr bytes.Buffer
	code := Run(t.Context(), []string{"eval", "scenarios", "--data", set, "--manuals", manuals, "--json"}, strings.NewReader(""), &stdout, &stderr)
	var got struct {
		N, Top1, Top3, Unsafe int
		Rows                  []struct{ ID string }
	}
	if err := json.Unmarshal(stdout.Bytes(), &got); code != exitOK || err != nil {
		t.Fatalf("status %d, %v: %s", code, err, stderr.String())
	}
	if got.N != 20 || len(got.Rows) != 20 || got.Top1 < 18 || got.Top3 < 20 || got.Unsafe != 0 {
		t.Errorf("n %d, top1 %d, top3 %d, unsafe %d; want 20, at least 18, 20, 0", got.N, got.Top1, got.Top3, got.Unsafe)
	}
	t.Logf("top1 %d, top3 %d, unsafe %d", got.Top1, got.Top3, got.Unsafe)
}

func TestAnswersDoNotCommandTheTerminal(t *testing.T) {
	in := "job \x1b]0;owned\x07 \x1b[31mred\u009b31m \x00 line\nnext\ttab é"
	if got := plainText(in); strings.ContainsAny(got, "\x1b\x07\x00\u009b") || !strings.Contains(got, "line\nnext\ttab é") {
		t.Errorf("%q became %q", in, got)
	}
}

// doctorBesideAServer looks at the settings of a server that runs: that its port is
// taken, by itself, is in order.
func doctorBesideAServer(t *testing.T, file, addr string) {
	t.Helper()
	t.Setenv("RESYNC_SERVER_ADDR", addr)
	var stdout, stderr bytes.Buffer
	code := Run(t.Context(), []string{"doctor", "--json", "--config", file}, strings.NewReader(""), &stdout, &stderr)
	var s health.Suite
	if err := json.Unmarshal(stdout.Bytes(), &s); err != nil || code != exitOK {
		t.Errorf("status %d, %v: %s%s", code, err, stdout.String(), stderr.String())
	}
	i := slices.IndexFunc(s.Results, func(r health.TestResult) bool { return r.Check == "server:port" })
	if i < 0 || s.Results[i].Status != "passed" || !strings.Contains(s.Results[i].Message, "Resync "+Version+" serves on "+addr) {
		t.Errorf("the port beside a server that runs: %+v", s.Results)
	}
}
