package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// devLab is a small module in a git repository.
func devLab(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":   "module m\n\ngo 1.26\n",
		"a/a.go":   "package a\n\n// V is a value.\nvar V = 1\n",
		"b/b.go":   "package b\n\nimport \"m/a\"\n\nvar V = a.V\n",
		"plan.txt": "a x/a\nshims a x/a\n",
	} {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"init", "-q"}, {"config", "user.name", "T"}, {"config", "user.email", "t@example.com"}, {"add", "-A"}, {"commit", "-q", "-m", "start"}} {
		c := exec.Command("git", args...)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	return dir
}

func runDev(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out, errOut bytes.Buffer
	c := newDev(&env{strings.NewReader(""), &out, &errOut})
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(args)
	err := c.ExecuteContext(context.Background())
	return out.String() + errOut.String(), err
}

// A session over one repository: every command, in the order a maintainer uses
// them.
func TestDevSession(t *testing.T) {
	dir := devLab(t)
	for _, step := range []struct{ args, says string }{
		{"analyze --graph text", " 1 b → a"},
		{"cycles", "0 import cycles"},
		{"move a z/c --dry-run", "would move a → z/c: 1 packages, 1 files, 2 files edited"},
		{"status", "0 changes made"},
		{"move a z/c --no-check", "package a is now called c"},
		{"status", "1 changes made"},
		{"rollback", "undone: move a → z/c"},
		{"migrate --no-check --plan " + dir + "/plan.txt --dry-run", "2 steps rehearsed; nothing was changed"},
		{"migrate --no-check --plan " + dir + "/plan.txt", "2 steps made"},
		{"status", "1 shims remain"},
		{"update-imports --dry-run", "m/a → m/x/a: 0 files would change"},
		{"analyze --write", "core_analysis.json"},
	} {
		got, err := runDev(t, append(strings.Fields(step.args), "-C", dir)...)
		if err != nil || !strings.Contains(got, step.says) {
			t.Fatalf("resync dev %s: %v, want %q in:\n%s", step.args, err, step.says, got)
		}
	}
}

func TestDevExitStatus(t *testing.T) {
	dir := devLab(t)
	if err := os.WriteFile(filepath.Join(dir, "a", "more.go"), []byte("package a\n\nimport _ \"m/b\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := runDev(t, "cycles", "--json", "-C", dir)
	var bad *notOK
	if !errors.As(err, &bad) {
		t.Errorf("cycles found: got %v, want status 1", err)
	}
	var c struct{ Packages [][]string }
	if err := json.Unmarshal([]byte(got), &c); err != nil || len(c.Packages) != 1 {
		t.Errorf("--json: %v\n%s", err, got)
	}
	empty := t.TempDir()
	for _, args := range []string{"move a q -C " + dir, "move a -C " + dir, "analyze --graph png -C " + dir, "update-imports x -C " + dir, "migrate -C " + dir, "analyze -C " + empty} {
		if _, err := runDev(t, strings.Fields(args)...); err == nil || errors.As(err, &bad) {
			t.Errorf("%s: got %v, want a refusal (status 2)", args, err)
		}
	}
}
