package refactor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// subject is a public module of the module cache, with modules nested into it.
type subject struct {
	name   string
	nested map[string]string // directory → module
	trait  string
}

func subjects() []subject {
	return []subject{
		{name: "golang.org/x/mod@v0.41.0", trait: "small"},
		{name: "github.com/rogpeppe/go-internal@v1.16.0", trait: "build tags, embedded test scripts"},
		{name: "golang.org/x/exp@v0.0.0-20260410095643-746e56fc9e2f", trait: "cgo, nested module", nested: map[string]string{"typeparams": "golang.org/x/exp/typeparams@v0.0.0-20231108232855-2478ac86f678"}},
		{name: "github.com/pressly/goose/v3@v3.27.1", trait: "major version path, embeds"},
		{name: "github.com/danielgtaylor/huma/v2@v2.37.2", trait: "major version path"},
		{name: "github.com/cedar-policy/cedar-go@v1.8.0", trait: "internal trees"},
		{name: "honnef.co/go/tools@v0.8.2", trait: "more than 100 packages"},
		{name: "google.golang.org/protobuf@v1.36.12", trait: "more than 100 packages, generated code"},
		{name: "golang.org/x/tools@v0.51.0", trait: "more than 100 packages, cgo, build tags", nested: map[string]string{"go/expect": "golang.org/x/tools/go/expect@v0.1.1-deprecated"}},
	}
}

// TestProof moves packages at random in public modules. It needs their
// dependencies in the module cache and takes long, so it runs on request:
// RESYNC_REFACTOR_PROOF=1 for all, or a part of a module's name; moves per module
// in RESYNC_REFACTOR_MOVES (20).
func TestProof(t *testing.T) {
	which := os.Getenv("RESYNC_REFACTOR_PROOF")
	if which == "" {
		t.Skipf("SKIPPED: moves in %d public modules not run; set RESYNC_REFACTOR_PROOF=1", len(subjects()))
	}
	moves := 20
	if n, err := strconv.Atoi(os.Getenv("RESYNC_REFACTOR_MOVES")); err == nil {
		moves = n
	}
	for _, s := range subjects() {
		if which == "1" || strings.Contains(s.name, which) {
			t.Run(s.name, func(t *testing.T) { prove(t, s, moves) })
		}
	}
}

func prove(t *testing.T, s subject, moves int) {
	l := subjectLab(t, s)
	if os.Getenv("RESYNC_REFACTOR_KEEP") == "" {
		defer os.RemoveAll(l.dir)
	}
	begin := time.Now()
	a := Analyze(l.open(), DefaultRules())
	t.Logf("analyze: %d packages, %d files, %d lines in %v", len(a.Packages), a.Statistics.TotalFiles, a.Statistics.TotalLines, time.Since(begin).Round(time.Millisecond))
	rng := rand.New(rand.NewPCG(5, 42))
	opt := MoveOptions{AllowGenerated: true, AllowVisibility: true, ExactHistory: os.Getenv("RESYNC_REFACTOR_EXACT") != ""}
	first := l.git("rev-parse", "HEAD")
	made, refused, broken, lost, files := 0, 0, 0, 0, 0
	for try := 0; made+broken < moves && try < moves*6; try++ {
		old, to := randomMove(rng, l.open(), try)
		if old == "" {
			continue
		}
		begin := time.Now()
		got, err := l.move(old, to, opt)
		var no *Refusal
		switch {
		case errors.As(err, &no):
			refused++
			t.Logf("refused %s → %s: %s", old, to, few(no.Reasons))
		case err != nil:
			broken++
			t.Errorf("%s → %s: %v", old, to, err)
		default:
			made++
			files += len(got.Files)
			lost += len(got.LostHistory)
			t.Logf("%s → %s: %d files, %d edited, %d kept, %d lost %v, %d warnings, %v", old, to, len(got.Files), len(got.Updates), len(got.Kept), len(got.LostHistory), got.LostHistory, len(got.Warnings), time.Since(begin).Round(time.Millisecond))
		}
		if s := l.git("status", "--porcelain"); s != "" {
			t.Fatalf("the tree is dirty after %s → %s:\n%s", old, to, s)
		}
	}
	followed, asked := followCheck(l)
	line, _ := json.Marshal(map[string]any{"module": s.name, "trait": s.trait, "packages": len(a.Packages), "lines": a.Statistics.TotalLines,
		"made": made, "broken": broken, "refused": refused, "files": files, "lost_history": lost, "followed": followed, "asked": asked, "commits": l.git("rev-list", "--count", first+"..HEAD")})
	t.Logf("PROOF %s", line)
	if made < moves {
		t.Errorf("%d moves made, want %d", made, moves)
	}
	if followed < asked {
		t.Errorf("git log --follow reaches the first commit for %d of %d files", followed, asked)
	}
}

// subjectLab copies a module out of the cache into a repository of its own.
func subjectLab(t *testing.T, s subject) *lab {
	t.Helper()
	cache := os.Getenv("GOMODCACHE")
	if cache == "" {
		home, _ := os.UserHomeDir()
		cache = filepath.Join(home, "go", "pkg", "mod")
	}
	dir, err := os.MkdirTemp("", "proof")
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{t, dir}
	copyTree(t, filepath.Join(cache, s.name), dir)
	for at, name := range s.nested {
		copyTree(t, filepath.Join(cache, name), filepath.Join(dir, at))
	}
	l.git("init", "-q")
	l.git("config", "user.name", "Test")
	l.git("config", "user.email", "test@example.com")
	l.git("add", "-A", "-f")
	l.git("commit", "-q", "-m", "start")
	return l
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if _, err := os.Stat(from); err != nil {
		t.Skipf("SKIPPED: %s is not in the module cache", from)
	}
	err := filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(from, p)
		dst := filepath.Join(to, rel)
		if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
			return err
		}
		return os.WriteFile(dst, data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// randomMove takes any package and sends it to a new name beside it, to another
// directory, or deeper; every fourth move keeps the last name.
func randomMove(rng *rand.Rand, m *Module, try int) (old, to string) {
	dirs := slices.DeleteFunc(m.dirs(), func(d string) bool { return d == "." })
	old = dirs[rng.IntN(len(dirs))]
	parent := path.Dir(dirs[rng.IntN(len(dirs))])
	if try%2 == 0 {
		parent = path.Dir(old)
	}
	name := fmt.Sprintf("%s%d", strings.Map(letters, base(old)), try)
	if os.Getenv("RESYNC_REFACTOR_HOSTILE") != "" {
		name = hostile()[try%len(hostile())]
	} else if try%4 == 3 {
		name = fmt.Sprintf("area%d/%s", try, base(old))
	}
	to = path.Join(parent, name)
	if within(to, old) {
		return "", ""
	}
	return old, to
}

// hostile are names that local variables of the callers have:
// RESYNC_REFACTOR_HOSTILE=1 calls the packages so.
func hostile() []string {
	return []string{"err", "s", "path", "t", "data", "f", "x", "name", "string", "file", "v", "i", "len", "b", "buf"}
}

func letters(r rune) rune {
	if r >= 'a' && r <= 'z' {
		return r
	}
	return -1
}

// followCheck asks git log --follow about every file that now exists and counts
// those whose history reaches the first commit.
func followCheck(l *lab) (followed, asked int) {
	l.t.Helper()
	first := l.git("rev-list", "--max-parents=0", "HEAD")
	changed := strings.Split(l.git("diff", "--name-only", "--diff-filter=AR", "-M1%", "-l0", first, "HEAD"), "\n")
	for _, f := range changed {
		if f == "" {
			continue
		}
		asked++
		if strings.Contains(l.git("-c", "diff.renameLimit=0", "log", "--follow", "--format=%H", "--", f), first) {
			followed++
		}
	}
	return followed, asked
}

// BenchmarkAnalyze reads a large module warm: RESYNC_REFACTOR_BENCH names its
// directory; without it, this module.
func BenchmarkAnalyze(b *testing.B) {
	dir := os.Getenv("RESYNC_REFACTOR_BENCH")
	if dir == "" {
		dir = "."
	}
	for b.Loop() {
		m, err := Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		a := Analyze(m, DefaultRules())
		b.ReportMetric(float64(a.Statistics.TotalLines), "lines")
	}
}
