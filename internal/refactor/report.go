package refactor

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The files WriteReport makes; the names are the contract's.
const (
	reportFile = "CORE_ANALYSIS_REPORT.md"
	dataFile   = "core_analysis.json"
)

// WriteReport writes the analysis into dir as Markdown and as JSON and returns
// the two names.
func (a *Analysis) WriteReport(dir string) ([]string, error) {
	data, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the analysis: %w", err)
	}
	return writeAll(dir, map[string][]byte{reportFile: []byte(a.Markdown()), dataFile: append(data, '\n')})
}

func writeAll(dir string, files map[string][]byte) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making %s: %w", dir, err)
	}
	var names []string
	for name, data := range files {
		full := filepath.Join(dir, name)
		if err := os.WriteFile(full, data, 0o644); err != nil {
			return nil, fmt.Errorf("writing the report: %w", err)
		}
		names = append(names, full)
	}
	slices.Sort(names)
	return names, nil
}

// Markdown is the report for people.
func (a *Analysis) Markdown() string {
	var b strings.Builder
	s := a.Statistics
	fmt.Fprintf(&b, "# Structure of %s\n\nGenerated %s.\n\n| Metric | Value |\n|---|---:|\n", a.Module, a.Generated.Format("2006-01-02 15:04 MST"))
	fmt.Fprintf(&b, "| Packages | %d |\n| Files | %d |\n| of them tests | %d |\n| of them generated | %d |\n| Root files | %d |\n| Lines | %d |\n| Lines per file | %.1f |\n| Functions | %d |\n\n",
		s.Packages, s.TotalFiles, s.TestFiles, s.Generated, s.RootFiles, s.TotalLines, s.AvgLines, s.Functions)
	a.writeGrouping(&b)
	a.writeDuplicates(&b)
	b.WriteString("## Largest files\n\n| File | Lines |\n|---|---:|\n")
	for _, f := range largest(a.Files, 25, func(f FileInfo) int { return f.Lines }) {
		fmt.Fprintf(&b, "| %s | %d |\n", f.Path, f.Lines)
	}
	b.WriteString("\n## Largest functions\n\n| Function | Place | Lines |\n|---|---|---:|\n")
	for _, f := range a.LargestFunctions {
		fmt.Fprintf(&b, "| %s | %s:%d | %d |\n", f.Name, f.File, f.Line, f.Lines)
	}
	a.writeFloors(&b)
	a.writeRecommendations(&b)
	return b.String()
}

func (a *Analysis) writeGrouping(b *strings.Builder) {
	b.WriteString("## Thematic groups\n\n")
	groups := make([]string, 0, len(a.Grouping))
	for g := range a.Grouping {
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(x, y string) int {
		return cmp.Or(cmp.Compare(len(a.Grouping[y]), len(a.Grouping[x])), cmp.Compare(x, y))
	})
	for _, g := range groups {
		files := a.Grouping[g]
		fmt.Fprintf(b, "### %s: %d files\n\n", g, len(files))
		for _, f := range files[:min(15, len(files))] {
			fmt.Fprintf(b, "- %s\n", f)
		}
		if len(files) > 15 {
			fmt.Fprintf(b, "- and %d more\n", len(files)-15)
		}
		b.WriteByte('\n')
	}
}

func (a *Analysis) writeDuplicates(b *strings.Builder) {
	fmt.Fprintf(b, "## Duplicates\n\n%d groups of files differ by a suffix such as _v2; %d function bodies occur more than once.\n\n", len(a.Duplications), len(a.DuplicateBodies))
	for _, d := range a.Duplications {
		fmt.Fprintf(b, "- %s: %s (%d lines)\n", d.BaseName, strings.Join(d.Files, ", "), d.TotalLines)
	}
	for _, d := range a.DuplicateBodies[:min(25, len(a.DuplicateBodies))] {
		var at []string
		for _, f := range d.Functions {
			at = append(at, fmt.Sprintf("%s (%s:%d)", f.Name, f.File, f.Line))
		}
		fmt.Fprintf(b, "- %d× the same body, %d lines: %s\n", d.Count, d.Lines, few(at))
	}
	b.WriteByte('\n')
}

func (a *Analysis) writeFloors(b *strings.Builder) {
	b.WriteString("\n## Floors suggested\n\nA package imports only lower floors.\n\n```\n")
	b.WriteString(a.Text())
	b.WriteString("```\n\n")
}

// writeRecommendations lists what the numbers say, and in which order packages
// can be moved with the least rework: those others depend on least come first.
func (a *Analysis) writeRecommendations(b *strings.Builder) {
	b.WriteString("## What to look at\n\n")
	n := 0
	say := func(format string, args ...any) { n++; fmt.Fprintf(b, "- "+format+"\n", args...) }
	for _, f := range a.Files {
		if f.Lines > 1000 && !f.Test && !f.Generated {
			say("%s has %d lines: more than one theme?", f.Path, f.Lines)
		}
	}
	for _, c := range a.Cycles.Components {
		say("%s import each other: one of them holds what belongs to another", strings.Join(c, " and "))
	}
	for _, p := range a.Packages {
		if len(p.ImportedBy) == 0 && p.Name != "main" && internal(p.Path) {
			say("%s is internal and nobody imports it", p.Dir)
		}
	}
	if n == 0 {
		b.WriteString("Nothing stands out.\n")
	}
	b.WriteString("\n## Order of migration\n\nFewest users first:\n\n")
	ps := slices.Clone(a.Packages)
	slices.SortStableFunc(ps, func(x, y PackageInfo) int { return cmp.Compare(len(x.ImportedBy), len(y.ImportedBy)) })
	for i, p := range ps {
		fmt.Fprintf(b, "%d. %s (imported by %d, imports %d)\n", i+1, p.Dir, len(p.ImportedBy), len(p.Imports))
	}
}
