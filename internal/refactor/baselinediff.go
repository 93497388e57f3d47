package refactor

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

// baselineName is the contract's name, for .json and .md.
const baselineName = "BASELINE_METRICS"

// Write puts the baseline into dir as JSON and Markdown and returns the names.
func (b *Baseline) Write(dir string) ([]string, error) {
	data, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the baseline: %w", err)
	}
	return writeAll(dir, map[string][]byte{baselineName + ".json": append(data, '\n'), baselineName + ".md": []byte(b.Markdown())})
}

// Markdown is the baseline for people.
func (b *Baseline) Markdown() string {
	var s strings.Builder
	fmt.Fprintf(&s, "# Baseline of %s\n\nMeasured %s.\n\n| Metric | Value |\n|---|---:|\n", b.Module, b.Timestamp.Format("2006-01-02 15:04 MST"))
	for _, r := range b.rows() {
		fmt.Fprintf(&s, "| %s | %s |\n", r[0], r[1])
	}
	if len(b.Tests.Failed) > 0 {
		s.WriteString("\n## Failed\n\n")
		for _, f := range b.Tests.Failed {
			fmt.Fprintf(&s, "- %s\n", f)
		}
	}
	if b.Build.Output != "" {
		fmt.Fprintf(&s, "\n## Build\n\n```\n%s\n```\n", b.Build.Output)
	}
	return s.String()
}

// rows are the figures by name, as text: what was not measured says so.
func (b *Baseline) rows() [][2]string {
	coverage, statements, missing := "not measured", "not measured", "not measured"
	if c := b.Coverage; c != nil {
		coverage, statements, missing = fmt.Sprintf("%.1f %%", c.Percent), fmt.Sprint(c.Statements), fmt.Sprint(c.Missing)
	}
	build := fmt.Sprintf("ok, %.1f s", b.Build.Seconds)
	if !b.Build.OK {
		build = "fails"
	}
	return [][2]string{
		{"Build", build},
		{"Tests", b.Tests.Summary},
		{"Test time", fmt.Sprintf("%.1f s", b.Tests.Seconds)},
		{"Statement coverage", coverage},
		{"Statements", statements},
		{"Lines no test ran", missing},
		{"Files", fmt.Sprint(b.Files.Total)},
		{"Root files", fmt.Sprint(b.Files.Root)},
		{"Lines", fmt.Sprint(b.Files.Lines)},
		{"Directories", fmt.Sprint(b.Files.Directories)},
	}
}

// ReadBaseline reads a baseline written before.
func ReadBaseline(name string) (*Baseline, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the baseline: %w", err)
	}
	b := &Baseline{}
	if err := json.Unmarshal(data, b); err != nil {
		return nil, fmt.Errorf("reading the baseline %s: %w", name, err)
	}
	return b, nil
}

// BaselineDiff is what changed between two baselines.
type BaselineDiff struct {
	Changes  []Change `json:"changes"`
	Broken   []string `json:"broken"`    // tests that fail now and did not
	Repaired []string `json:"repaired"`  // tests that failed and do not now
	Worse    bool     `json:"regressed"` // the build broke or a test did
}

// Change is one figure before and after.
type Change struct {
	Metric string `json:"metric"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// CompareBaselines lists the figures that differ.
func CompareBaselines(was, is *Baseline) *BaselineDiff {
	d := &BaselineDiff{Changes: []Change{}, Broken: missingFrom(is.Tests.Failed, was.Tests.Failed), Repaired: missingFrom(was.Tests.Failed, is.Tests.Failed)}
	before, after := was.rows(), is.rows()
	for i := range before {
		if before[i][1] != after[i][1] {
			d.Changes = append(d.Changes, Change{before[i][0], before[i][1], after[i][1]})
		}
	}
	d.Worse = len(d.Broken) > 0 || was.Build.OK && !is.Build.OK
	return d
}

func missingFrom(all, known []string) []string {
	return append([]string{}, slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(known, s) })...)
}
