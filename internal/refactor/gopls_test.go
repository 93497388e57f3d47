package refactor

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestAgainstGopls makes the same renames with gopls and with this package, each
// from the same commit, and builds and vets after both. gopls renames the last
// element of a package's path; so do the moves here. RESYNC_REFACTOR_GOPLS names
// the program, RESYNC_REFACTOR_PROOF a part of the module's name.
func TestAgainstGopls(t *testing.T) {
	gopls, which := os.Getenv("RESYNC_REFACTOR_GOPLS"), os.Getenv("RESYNC_REFACTOR_PROOF")
	if gopls == "" || which == "" {
		t.Skip("SKIPPED: 10 renames a module not compared; set RESYNC_REFACTOR_GOPLS and RESYNC_REFACTOR_PROOF")
	}
	for _, s := range subjects() {
		if strings.Contains(s.name, which) {
			t.Run(s.name, func(t *testing.T) { compareGopls(t, gopls, s) })
		}
	}
}

// tally is how one tool did.
type tally struct {
	Builds  int     `json:"builds"`
	Fails   int     `json:"fails"`
	Refuses int     `json:"refuses"`
	Stale   int     `json:"stale_package_comments"` // "Package old" left
	Left    int     `json:"stale_imports"`          // files, whatever their tags, that still import the old path
	Seconds float64 `json:"seconds"`
}

func compareGopls(t *testing.T, gopls string, s subject) {
	l := subjectLab(t, s)
	defer os.RemoveAll(l.dir)
	start := l.git("rev-parse", "HEAD")
	var ours, theirs tally
	rng := rand.New(rand.NewPCG(5, 43))
	m := l.open()
	dirs := m.dirs()
	for try := 0; ours.Builds+ours.Fails+ours.Refuses < 10 && try < 100; try++ {
		p := m.Packages[dirs[rng.IntN(len(dirs))]]
		if p.Dir == "." || p.Name == "main" || p.Name != base(p.Dir) {
			continue
		}
		to := fmt.Sprintf("%s%d", p.Dir, try)
		check := newChecker(&Move{mod: m, Old: p.Dir, New: to, Packages: map[string]string{p.Path: m.importPath(to)}})
		if err := check.before(context.Background()); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		_, err := l.move(p.Dir, to, MoveOptions{AllowGenerated: true, NoCheck: true})
		ours.Seconds += time.Since(begin).Seconds()
		ours.count(t, l, "resync", p, to, check, err)
		l.git("reset", "-q", "--hard", start)
		l.git("clean", "-qfd")
		begin = time.Now()
		err = goplsRename(l, gopls, p, base(to))
		theirs.Seconds += time.Since(begin).Seconds()
		theirs.count(t, l, "gopls", p, to, check, err)
		l.git("reset", "-q", "--hard", start)
		l.git("clean", "-qfd")
	}
	a, _ := json.Marshal(ours)
	b, _ := json.Marshal(theirs)
	t.Logf("GOPLS %s resync %s gopls %s", s.name, a, b)
}

func (c *tally) count(t *testing.T, l *lab, who string, p *Package, to string, check *checker, err error) {
	if err != nil {
		c.Refuses++
		t.Logf("%s does not rename %s: %v", who, p.Dir, err)
		return
	}
	if err := check.after(context.Background()); err != nil {
		c.Fails++
		t.Logf("%s, %s → %s: %v", who, p.Dir, to, err)
	} else {
		c.Builds++
	}
	stale := exec.Command("grep", "-rqE", "^(// |/\\*\n)?Package "+p.Name+"( |$)", filepath.Join(l.dir, to))
	if stale.Run() == nil {
		c.Stale++
	}
	left, _ := exec.Command("grep", "-rlF", "--include=*.go", `"`+p.Path+`"`, l.dir).Output()
	c.Left += strings.Count(string(left), "\n")
}

// goplsRename asks a language server of its own to rename the package by its
// clause in a file that is built here, and makes the edits it answers with. The
// command line of gopls cannot: it does not move files.
func goplsRename(l *lab, gopls string, p *Package, name string) error {
	for _, f := range p.Files {
		if f.Test || f.AST.Name.Name != p.Name || strings.Contains(string(f.Src), "//go:build") || strings.Contains(path.Base(f.Path), "_") {
			continue
		}
		lines := strings.Split(string(f.Src), "\n")
		line := slices.IndexFunc(lines, func(s string) bool { return strings.HasPrefix(s, "package "+p.Name) })
		edit, err := askGopls(l.dir, gopls, f.Path, line, len("package "), name)
		if err != nil {
			return err
		}
		return applyWorkspaceEdit(edit)
	}
	return fmt.Errorf("no file of %s has a package clause that is built here", p.Dir)
}

// workspaceEdit is the part of the protocol a rename answers with.
type workspaceEdit struct {
	DocumentChanges []struct {
		Kind           string
		OldURI, NewURI string
		URI            string
		TextDocument   struct{ URI string }
		Edits          []struct {
			Range struct {
				Start, End struct{ Line, Character int }
			}
			NewText string
		}
	}
}

// askGopls speaks the language server protocol over a pipe: initialize, rename.
func askGopls(dir, gopls, file string, line, char int, name string) (*workspaceEdit, error) {
	c := exec.Command(gopls, "serve")
	c.Dir, c.Env = dir, append(os.Environ(), "GOTOOLCHAIN=local")
	in, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	defer func() { _ = c.Process.Kill(); _ = c.Wait() }()
	send := func(m map[string]any) {
		m["jsonrpc"] = "2.0"
		b, _ := json.Marshal(m)
		fmt.Fprintf(in, "Content-Length: %d\r\n\r\n%s", len(b), b)
	}
	uri := func(p string) string { return "file://" + filepath.Join(dir, p) }
	send(map[string]any{"id": 1, "method": "initialize", "params": map[string]any{
		"processId": os.Getpid(), "rootUri": uri(""),
		"capabilities": map[string]any{"workspace": map[string]any{"workspaceEdit": map[string]any{"documentChanges": true, "resourceOperations": []string{"create", "rename", "delete"}}}},
	}})
	rd := bufio.NewReader(out)
	for {
		var m struct {
			ID     json.RawMessage
			Method string
			Params struct{ Items []any }
			Result json.RawMessage
			Error  *struct{ Message string }
		}
		n := 0
		for {
			h, err := rd.ReadString('\n')
			if err != nil {
				return nil, err
			}
			if h = strings.TrimSpace(h); h == "" {
				break
			}
			fmt.Sscanf(h, "Content-Length: %d", &n)
		}
		body := make([]byte, n)
		if _, err := io.ReadFull(rd, body); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(body, &m); err != nil {
			continue // a notification of another shape
		}
		switch {
		case m.Method != "" && m.ID != nil:
			send(map[string]any{"id": m.ID, "result": make([]any, len(m.Params.Items))})
		case m.Method != "":
		case m.Error != nil:
			return nil, errors.New(m.Error.Message)
		case string(m.ID) == "1":
			send(map[string]any{"method": "initialized", "params": map[string]any{}})
			send(map[string]any{"id": 2, "method": "textDocument/rename", "params": map[string]any{
				"textDocument": map[string]any{"uri": uri(file)}, "position": map[string]int{"line": line, "character": char}, "newName": name}})
		case string(m.ID) == "2":
			e := &workspaceEdit{}
			return e, json.Unmarshal(m.Result, e)
		}
	}
}

func applyWorkspaceEdit(e *workspaceEdit) error {
	file := func(uri string) string { return strings.TrimPrefix(uri, "file://") }
	for _, c := range e.DocumentChanges {
		if c.Kind == "rename" {
			if err := os.MkdirAll(filepath.Dir(file(c.NewURI)), 0o755); err != nil {
				return err
			}
			if err := os.Rename(file(c.OldURI), file(c.NewURI)); err != nil {
				return err
			}
			continue
		}
		if c.Kind == "delete" {
			if err := os.RemoveAll(file(c.URI)); err != nil {
				return err
			}
			continue
		}
		if c.TextDocument.URI == "" {
			return fmt.Errorf("gopls answered with an edit of kind %q that is not made here: %+v", c.Kind, c)
		}
		name := file(c.TextDocument.URI)
		src, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		starts := []int{0}
		for i, b := range src {
			if b == '\n' {
				starts = append(starts, i+1)
			}
		}
		var edits []Edit
		for _, x := range c.Edits {
			edits = append(edits, Edit{starts[x.Range.Start.Line] + x.Range.Start.Character, starts[x.Range.End.Line] + x.Range.End.Character, x.NewText})
		}
		now, err := applyEdits(src, edits)
		if err != nil {
			return err
		}
		if err := os.WriteFile(name, now, 0o644); err != nil {
			return err
		}
	}
	return nil
}
