package refactor

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Baseline is how a module stands at one moment: docs/BASELINE_METRICS.json. A
// module whose tests fail or that does not build has a baseline too; what could
// not be measured is null.
type Baseline struct {
	Timestamp time.Time        `json:"timestamp"`
	Module    string           `json:"module"`
	Build     BuildMetrics     `json:"build"`
	Tests     TestMetrics      `json:"tests"`
	Coverage  *CoverageMetrics `json:"coverage"` // nil when nothing could be measured
	Files     FileMetrics      `json:"files"`
}

// BuildMetrics is one go build ./... .
type BuildMetrics struct {
	OK      bool    `json:"ok"`
	Seconds float64 `json:"seconds"`
	Output  string  `json:"output,omitempty"`
}

// TestMetrics is one go test ./... .
type TestMetrics struct {
	ExitCode int      `json:"exit_code"`
	Summary  string   `json:"summary"`
	Passed   bool     `json:"passed"`
	Pass     int      `json:"pass_count"`
	Fail     int      `json:"fail_count"`
	Skip     int      `json:"skip_count"`
	Failed   []string `json:"failed"` // package.Test, or a package that does not build
	Seconds  float64  `json:"seconds"`
}

// CoverageMetrics is the statement coverage over all packages.
type CoverageMetrics struct {
	Percent    float64 `json:"percent_covered"`
	Statements int     `json:"num_statements"`
	Missing    int     `json:"missing_lines"` // lines of blocks no test ran
}

// FileMetrics counts the sources.
type FileMetrics struct {
	Total       int `json:"total_files"`
	Root        int `json:"root_files"`
	Lines       int `json:"total_lines"`
	Directories int `json:"directories"`
}

// Measure builds and tests the module and counts its files.
func Measure(ctx context.Context, m *Module) (*Baseline, error) {
	b := &Baseline{Timestamp: time.Now().UTC().Truncate(time.Second), Module: m.Path}
	for _, f := range m.Files {
		b.Files.Total++
		b.Files.Lines += f.Lines
		if f.Dir == "." {
			b.Files.Root++
		}
	}
	b.Files.Directories = len(m.Packages)
	begin := time.Now()
	out, err := goCommand(ctx, m.Root, "build", "-o", os.DevNull, "./...")
	b.Build = BuildMetrics{OK: err == nil, Seconds: time.Since(begin).Seconds()}
	if err != nil {
		b.Build.Output = problem(out, err)
	}
	tmp, err := os.MkdirTemp("", "resync-cover-")
	if err != nil {
		return nil, fmt.Errorf("making a place for the coverage: %w", err)
	}
	defer os.RemoveAll(tmp)
	profile := filepath.Join(tmp, "cover.out")
	begin = time.Now()
	out, err = goCommand(ctx, m.Root, "test", "-json", "-count=1", "-coverprofile="+profile, "./...")
	if ctx.Err() != nil {
		return nil, fmt.Errorf("measuring: %w", ctx.Err())
	}
	b.Tests = readTests(out)
	b.Tests.Seconds = time.Since(begin).Seconds()
	if err != nil {
		b.Tests.ExitCode, b.Tests.Passed = 1, false
	}
	b.Coverage, err = readProfile(profile)
	return b, err
}

// testEvent is one line of go test -json.
type testEvent struct {
	Action, Package, Test, ImportPath string
}

// readTests counts the tests of a go test -json output; lines that are no events
// (a compiler speaking) are passed over.
func readTests(out string) TestMetrics {
	t := TestMetrics{Failed: []string{}}
	broken := map[string]bool{}
	for line := range strings.Lines(out) {
		var e testEvent
		if json.Unmarshal([]byte(line), &e) != nil {
			continue
		}
		name := strings.TrimSuffix(e.Package+"."+e.Test, ".")
		switch {
		case e.Action == "build-fail":
			broken[e.ImportPath] = true
		case e.Action == "fail":
			if e.Test != "" {
				t.Fail++
			}
			t.Failed = append(t.Failed, name)
		case e.Test == "":
		case e.Action == "pass":
			t.Pass++
		case e.Action == "skip":
			t.Skip++
		}
	}
	t.Passed = len(t.Failed) == 0 && len(broken) == 0
	t.Summary = fmt.Sprintf("%d passed, %d failed, %d skipped", t.Pass, t.Fail, t.Skip)
	if len(broken) > 0 {
		t.Summary += fmt.Sprintf(", %d packages do not build", len(broken))
	}
	return t
}

// readProfile sums a coverage profile; nil when there is none or it is empty.
func readProfile(name string) (*CoverageMetrics, error) {
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the coverage: %w", err)
	}
	defer f.Close()
	type block struct {
		statements, lines int
		hit               bool
	}
	blocks := map[string]block{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		w := strings.Fields(lines.Text())
		if len(w) != 3 {
			continue // the mode line
		}
		n, err1 := strconv.Atoi(w[1])
		hits, err2 := strconv.Atoi(w[2])
		if err1 != nil || err2 != nil {
			continue
		}
		blocks[w[0]] = block{n, spanLines(w[0]), hits > 0 || blocks[w[0]].hit}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the coverage: %w", err)
	}
	c, covered := &CoverageMetrics{}, 0
	for _, b := range blocks {
		c.Statements += b.statements
		if b.hit {
			covered += b.statements
		} else {
			c.Missing += b.lines
		}
	}
	if c.Statements == 0 {
		return nil, nil
	}
	c.Percent = 100 * float64(covered) / float64(c.Statements)
	return c, nil
}

// spanLines is how many lines a block name:12.3,15.4 spans.
func spanLines(place string) int {
	_, span, _ := strings.Cut(place[strings.LastIndex(place, "/")+1:], ":")
	from, to, _ := strings.Cut(span, ",")
	a, _, _ := strings.Cut(from, ".")
	b, _, _ := strings.Cut(to, ".")
	first, err1 := strconv.Atoi(a)
	last, err2 := strconv.Atoi(b)
	if err1 != nil || err2 != nil || last < first {
		return 0
	}
	return last - first + 1
}
