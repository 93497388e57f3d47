package refactor

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// lab is a git repository in a temporary directory, made from a txtar archive.
type lab struct {
	t   *testing.T
	dir string
}

func newLab(t *testing.T, archive string) *lab {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{t, dir}
	for _, f := range txtar.Parse([]byte(archive)).Files {
		l.write(f.Name, string(f.Data))
	}
	l.git("init", "-q")
	l.git("config", "user.name", "Test")
	l.git("config", "user.email", "test@example.com")
	l.git("config", "commit.gpgsign", "false")
	l.git("add", "-A")
	l.git("commit", "-q", "-m", "start")
	return l
}

func (l *lab) git(args ...string) string {
	l.t.Helper()
	c := exec.Command("git", args...)
	c.Dir = l.dir
	out, err := c.CombinedOutput()
	if err != nil {
		l.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (l *lab) write(name, text string) {
	l.t.Helper()
	p := filepath.Join(l.dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		l.t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) read(name string) string {
	l.t.Helper()
	b, err := os.ReadFile(filepath.Join(l.dir, name))
	if err != nil {
		l.t.Fatal(err)
	}
	return string(b)
}

func (l *lab) open() *Module {
	l.t.Helper()
	m, err := Open(l.dir)
	if err != nil {
		l.t.Fatal(err)
	}
	return m
}

// move plans and applies without the compile check, unless asked.
func (l *lab) move(old, to string, opt MoveOptions) (*Applied, error) {
	l.t.Helper()
	mv, err := PlanMove(context.Background(), l.open(), old, to, opt)
	if err != nil {
		return nil, err
	}
	return Apply(context.Background(), mv, opt)
}

func (l *lab) mustMove(old, to string, opt MoveOptions) *Applied {
	l.t.Helper()
	got, err := l.move(old, to, opt)
	if err != nil {
		l.t.Fatalf("move %s %s: %v", old, to, err)
	}
	return got
}

// untouched fails when anything differs from the first commit.
func (l *lab) untouched(head string) {
	l.t.Helper()
	if s := l.git("status", "--porcelain"); s != "" {
		l.t.Errorf("the tree is not as before:\n%s", s)
	}
	if now := l.git("rev-parse", "HEAD"); now != head {
		l.t.Errorf("HEAD moved from %s to %s", head, now)
	}
}
