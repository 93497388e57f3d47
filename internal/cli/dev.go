package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"resync/internal/refactor"
)

// dev is what the commands below "resync dev" share.
type dev struct {
	*env
	dir    string
	asJSON bool
	dryRun bool
	opt    refactor.MoveOptions
}

func newDev(e *env) *cobra.Command {
	d := &dev{env: e}
	c := &cobra.Command{
		Use: "dev", Short: "Analyse a Go module and move its packages safely",
		Long: "Analyse a Go module and move its packages safely. The commands work on the module of the current directory (or --dir).\n" +
			"Exit status: 0 done, 1 it was begun and undone, or what was checked is not in order, 2 refused before anything was touched.",
	}
	c.PersistentFlags().StringVarP(&d.dir, "dir", "C", ".", "a directory of the module to work on")
	c.PersistentFlags().BoolVar(&d.asJSON, "json", false, "print JSON")
	c.AddCommand(d.analyze(), d.cycles(), d.move(), d.updateImports(), d.shims(), d.migrate(), d.status(), d.rollback(), d.baseline(), d.validate(), d.mockLLM(), d.importPrices())
	return c
}

// outcome gives a change that was begun and undone the status 1.
func outcome(err error) error {
	var undone *refactor.RolledBack
	if errors.As(err, &undone) {
		return &notOK{err.Error()}
	}
	return err
}

// show prints v as JSON if that was asked for, else calls human.
func (d *dev) show(v any, human func()) error {
	if d.asJSON {
		return d.json(v)
	}
	human()
	return nil
}

func (d *dev) analyze() *cobra.Command {
	rulesFile, out, graph, write := "", "", "", false
	c := &cobra.Command{
		Use: "analyze", Short: "Describe how the module is built", Args: cobra.NoArgs,
		Long: "Describe how the module is built: inventory, thematic groups, duplicates, import graph, largest files and functions, floors.\n" +
			"With --write the report goes to docs/CORE_ANALYSIS_REPORT.md and docs/core_analysis.json of that module.",
		RunE: func(*cobra.Command, []string) error {
			m, rules, err := d.openWithRules(rulesFile)
			if err != nil {
				return err
			}
			a := refactor.Analyze(m, rules)
			if graph != "" {
				return d.draw(a, graph)
			}
			if write || out != "" {
				if out == "" {
					out = filepath.Join(m.Root, "docs")
				}
				names, err := a.WriteReport(out)
				if err != nil {
					return err
				}
				return d.show(map[string][]string{"written": names}, func() { fmt.Fprintln(d.out, "written: "+strings.Join(names, ", ")) })
			}
			return d.show(a, func() { fmt.Fprint(d.out, a.Markdown()) })
		},
	}
	c.Flags().StringVar(&rulesFile, "rules", "", "file of grouping rules, one \"group: word word…\" a line")
	c.Flags().BoolVar(&write, "write", false, "write the report into the module's docs folder")
	c.Flags().StringVar(&out, "out", "", "write the report into this folder")
	c.Flags().StringVar(&graph, "graph", "", "print the import graph instead: text, dot or svg")
	return c
}

func (d *dev) openWithRules(file string) (*refactor.Module, refactor.Rules, error) {
	rules := refactor.DefaultRules()
	if file != "" {
		var err error
		if rules, err = refactor.ReadRules(file); err != nil {
			return nil, nil, err
		}
	}
	m, err := refactor.Open(d.dir)
	return m, rules, err
}

func (d *dev) draw(a *refactor.Analysis, kind string) error {
	text, ok := map[string]func() string{"text": a.Text, "dot": a.DOT, "svg": a.SVG}[kind]
	if !ok {
		return fmt.Errorf("--graph %s: there are text, dot and svg", kind)
	}
	fmt.Fprint(d.out, text())
	return nil
}

func (d *dev) cycles() *cobra.Command {
	var moves []string
	depth := 1
	c := &cobra.Command{
		Use: "cycles", Short: "Find import cycles, as they are or as planned moves would make them", Args: cobra.NoArgs,
		Long: "Find import cycles between packages (the compiler refuses those), through a package's own tests, and between components\n" +
			"(directories whose packages import each other both ways). --move OLD=NEW looks at the module as it would be; a NEW that exists\n" +
			"means the two packages become one. Exit status 1 for cycles between packages or through tests.",
		RunE: func(*cobra.Command, []string) error {
			m, err := refactor.Open(d.dir)
			if err != nil {
				return err
			}
			var pairs [][2]string
			for _, mv := range moves {
				old, to, ok := strings.Cut(mv, "=")
				if !ok || old == "" || to == "" {
					return fmt.Errorf("--move %s: want OLD=NEW", mv)
				}
				pairs = append(pairs, [2]string{filepath.ToSlash(filepath.Clean(old)), filepath.ToSlash(filepath.Clean(to))})
			}
			found := refactor.FindCycles(m, pairs, depth)
			if err := d.show(found, func() { d.printCycles(found) }); err != nil {
				return err
			}
			if len(found.Packages)+len(found.Tests) > 0 {
				return &notOK{fmt.Sprintf("%d import cycles", len(found.Packages)+len(found.Tests))}
			}
			return nil
		},
	}
	c.Flags().StringArrayVar(&moves, "move", nil, "a planned move, OLD=NEW (repeat for several)")
	c.Flags().IntVar(&depth, "depth", 1, "path elements that make a component")
	return c
}

func (d *dev) printCycles(c *refactor.Cycles) {
	for _, p := range c.Packages {
		fmt.Fprintln(d.out, "import cycle: "+strings.Join(p, " ↔ "))
	}
	for _, p := range c.Tests {
		fmt.Fprintln(d.out, "import cycle through its own tests: "+p)
	}
	for _, p := range c.Components {
		fmt.Fprintln(d.out, "components that import each other: "+strings.Join(p, " ↔ "))
	}
	fmt.Fprintf(d.out, "%d import cycles, %d through tests, %d between components\n", len(c.Packages), len(c.Tests), len(c.Components))
}

func (d *dev) baseline() *cobra.Command {
	out, stdout := "", false
	c := &cobra.Command{
		Use: "baseline", Short: "Measure build, tests, coverage and size, to compare with later", Args: cobra.NoArgs,
		Long: "Measure build, tests, coverage and size, and write docs/BASELINE_METRICS.json and .md. Failing tests are part of the measurement:\n" +
			"the exit status is 0 whenever a baseline was made.",
		RunE: func(c *cobra.Command, _ []string) error {
			m, err := refactor.Open(d.dir)
			if err != nil {
				return err
			}
			b, err := refactor.Measure(c.Context(), m)
			if err != nil {
				return err
			}
			if stdout {
				return d.show(b, func() { fmt.Fprint(d.out, b.Markdown()) })
			}
			if out == "" {
				out = filepath.Join(m.Root, "docs")
			}
			names, err := b.Write(out)
			if err != nil {
				return err
			}
			return d.show(b, func() { fmt.Fprint(d.out, b.Markdown()+"\nwritten: "+strings.Join(names, ", ")+"\n") })
		},
	}
	c.Flags().StringVar(&out, "out", "", "folder to write into instead of the module's docs")
	c.Flags().BoolVar(&stdout, "stdout", false, "print only, write no file")
	c.AddCommand(d.baselineDiff())
	return c
}

func (d *dev) baselineDiff() *cobra.Command {
	return &cobra.Command{
		Use: "diff BEFORE.json AFTER.json", Short: "Compare two baselines; status 1 when the build or a test broke", Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			was, err := refactor.ReadBaseline(args[0])
			if err != nil {
				return err
			}
			is, err := refactor.ReadBaseline(args[1])
			if err != nil {
				return err
			}
			diff := refactor.CompareBaselines(was, is)
			if err := d.show(diff, func() { d.printDiff(diff) }); err != nil {
				return err
			}
			if diff.Worse {
				return &notOK{"the build or a test broke between the two"}
			}
			return nil
		},
	}
}

func (d *dev) printDiff(diff *refactor.BaselineDiff) {
	for _, c := range diff.Changes {
		fmt.Fprintf(d.out, "%-20s %s → %s\n", c.Metric, c.Before, c.After)
	}
	for _, t := range diff.Broken {
		fmt.Fprintln(d.out, "fails now: "+t)
	}
	for _, t := range diff.Repaired {
		fmt.Fprintln(d.out, "no longer fails: "+t)
	}
	if len(diff.Changes) == 0 {
		fmt.Fprintln(d.out, "nothing changed")
	}
}

func (d *dev) validate() *cobra.Command {
	floors, opt := "", refactor.ValidateOptions{}
	c := &cobra.Command{
		Use: "validate", Short: "Check syntax, cycles, floors, orphans, build, vet and tests; status 1 on errors", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			m, err := refactor.Open(d.dir)
			if err != nil {
				return err
			}
			if floors != "" {
				if opt.Floors, err = refactor.ReadFloors(floors); err != nil {
					return err
				}
			}
			v := refactor.Validate(c.Context(), m, opt)
			if err := d.show(v, func() { d.printChecks(v) }); err != nil {
				return err
			}
			if !v.OK {
				return &notOK{"the module is not in order"}
			}
			return nil
		},
	}
	c.Flags().StringVar(&floors, "floors", "", "file of floors, \"FLOOR DIRECTORY\" a line; a package may import lower floors only")
	c.Flags().BoolVar(&opt.SkipTests, "skip-tests", false, "leave the tests out")
	return c
}

func (d *dev) printChecks(v *refactor.Validation) {
	for _, c := range v.Checks {
		fmt.Fprintf(d.out, "%-8s %s\n", c.State, c.Name)
		for _, line := range c.Details {
			fmt.Fprintln(d.out, "         "+line)
		}
	}
}

// warn prints what a person should look at, to the error stream.
func (d *dev) warn(lines []string) {
	const most = 20
	for i, w := range lines {
		if i == most {
			fmt.Fprintf(d.errOut, "and %d warnings more (--json has all)\n", len(lines)-most)
			break
		}
		fmt.Fprintln(d.errOut, "look at: "+w)
	}
}
