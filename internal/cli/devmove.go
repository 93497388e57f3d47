package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"resync/internal/refactor"
)

// moveFlags are the choices of commands that change files.
func (d *dev) moveFlags(c *cobra.Command) *cobra.Command {
	c.Flags().BoolVar(&d.dryRun, "dry-run", false, "say what would be done and touch nothing")
	c.Flags().BoolVar(&d.opt.AllowGenerated, "allow-generated", false, "edit generated files too")
	c.Flags().BoolVar(&d.opt.NoCheck, "no-check", false, "leave out go build and go vet before and after")
	return c
}

func (d *dev) move() *cobra.Command {
	c := &cobra.Command{
		Use: "move OLD NEW", Short: "Move a package directory and everything below it, as one commit", Args: cobra.ExactArgs(2),
		Long: "Move a package directory and everything below it: git mv, package clause, imports in every file whatever its build tags, doc links,\n" +
			"go:generate, go:linkname, go:embed, cgo paths and go.mod tools. Built and vetted before and after; undone whole if that fails.",
		RunE: func(c *cobra.Command, args []string) error {
			m, err := refactor.Open(d.dir)
			if err != nil {
				return err
			}
			mv, err := refactor.PlanMove(c.Context(), m, args[0], args[1], d.opt)
			if err != nil {
				return err
			}
			if d.dryRun {
				return d.show(mv, func() { d.printMove(mv, "would move"); d.warn(mv.Warnings) })
			}
			done, err := refactor.Apply(c.Context(), mv, d.opt)
			if err != nil {
				return outcome(err)
			}
			return d.show(done, func() {
				d.printMove(mv, "moved")
				fmt.Fprintf(d.out, "commit %s\n", done.Commit)
				for _, f := range done.LostHistory {
					fmt.Fprintf(d.errOut, "look at: git log --follow does not see where %s came from: it is too small or changed too much\n", f)
				}
				d.warn(mv.Warnings)
			})
		},
	}
	c.Flags().StringVar(&d.opt.Name, "name", "", "package name at the new place (default: follows the directory if it did before)")
	c.Flags().BoolVar(&d.opt.AllowVisibility, "allow-internal", false, "allow a package to become internal or public by the move")
	c.Flags().BoolVar(&d.opt.ExactHistory, "exact-history", false, "two commits, the renames first, also where git would follow every file through one")
	c.Flags().BoolVar(&d.opt.OneCommit, "one-commit", false, "one commit even where git log --follow then loses a file; the move names it")
	c.MarkFlagsMutuallyExclusive("exact-history", "one-commit")
	return d.moveFlags(c)
}

func (d *dev) printMove(mv *refactor.Move, verb string) {
	fmt.Fprintf(d.out, "%s %s → %s: %d packages, %d files, %d files edited\n", verb, mv.Old, mv.New, len(mv.Packages), len(mv.Files), len(mv.Updates))
	if mv.OldName != mv.NewName {
		fmt.Fprintf(d.out, "package %s is now called %s; %d files keep the old name by an import name\n", mv.OldName, mv.NewName, len(mv.Kept))
	}
	for _, f := range mv.Updates {
		fmt.Fprintln(d.out, "  "+f)
	}
}

func (d *dev) updateImports() *cobra.Command {
	c := &cobra.Command{
		Use: "update-imports [OLDPATH NEWPATH]", Short: "Make files import the new place of packages",
		Long: "Make files import the new place of packages. With two import paths: the new one instead of the old one (in another module that\n" +
			"uses a package which moved, say). Without: for every shim in the module, its target instead of the shim. One commit each.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 0 && len(args) != 2 {
				return fmt.Errorf("update-imports takes two import paths, or none; it got %d", len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			m, err := refactor.Open(d.dir)
			if err != nil {
				return err
			}
			pairs := [][2]string{}
			for _, s := range refactor.FindShims(m) {
				pairs = append(pairs, [2]string{s.Old, s.New})
			}
			if len(args) == 2 {
				pairs = [][2]string{{args[0], args[1]}}
			}
			return d.update(c, pairs)
		},
	}
	return d.moveFlags(c)
}

func (d *dev) update(c *cobra.Command, pairs [][2]string) error {
	done := []*refactor.Update{}
	for _, p := range pairs {
		m, err := refactor.Open(d.dir) // anew: the pair before may have changed files
		if err != nil {
			return err
		}
		u, err := refactor.PlanUpdate(c.Context(), m, p[0], p[1], d.opt)
		if err != nil {
			return err
		}
		if !d.dryRun {
			if _, err := refactor.ApplyUpdate(c.Context(), u, d.opt); err != nil {
				return outcome(err)
			}
		}
		done = append(done, u)
	}
	return d.show(done, func() {
		for _, u := range done {
			fmt.Fprintf(d.out, "%s → %s: %d files%s\n", u.Old, u.New, len(u.Files), dryWord(d.dryRun))
		}
		if len(done) == 0 {
			fmt.Fprintln(d.out, "no shim in this module")
		}
	})
}

func dryWord(dry bool) string {
	if dry {
		return " would change"
	}
	return " changed"
}

func (d *dev) shims() *cobra.Command {
	name := ""
	c := &cobra.Command{
		Use: "shims OLD NEW", Short: "Leave a deprecated package at OLD that forwards to NEW", Args: cobra.ExactArgs(2),
		Long: "Leave a deprecated package at OLD that forwards every exported name to NEW: types as aliases, constants and functions marked\n" +
			"//go:fix inline, so that callers move over with go fix ./... . Variables are copied, which is warned about.",
		RunE: func(c *cobra.Command, args []string) error {
			m, err := refactor.Open(d.dir)
			if err != nil {
				return err
			}
			p, err := refactor.PlanShim(m, args[0], args[1], name)
			if err != nil {
				return err
			}
			verb := "would forward"
			if !d.dryRun {
				verb = "forwards"
				if _, err := refactor.WriteShim(c.Context(), p, d.opt); err != nil {
					return outcome(err)
				}
			}
			return d.show(p, func() {
				fmt.Fprintf(d.out, "%s %s %d names to %s in %d files\n", p.Old, verb, p.Forwards, p.New, len(p.Files))
				d.warn(p.Warnings)
			})
		},
	}
	c.Flags().StringVar(&name, "name", "", "package name callers know (default: the last element of OLD)")
	return d.moveFlags(c)
}

func (d *dev) migrate() *cobra.Command {
	plan := ""
	c := &cobra.Command{
		Use: "migrate --plan FILE", Short: "Make several moves in order; all of them or none", Args: cobra.NoArgs,
		Long: "Make several moves in order, one commit each; if one fails the earlier ones are taken back. A plan has \"[move|shims] OLD NEW\" a\n" +
			"line. --dry-run makes them in a work tree of its own, checks included, and throws it away.",
		RunE: func(c *cobra.Command, _ []string) error {
			steps, err := refactor.ReadPlan(plan)
			if err != nil {
				return err
			}
			run := refactor.Migrate
			if d.dryRun {
				run = refactor.Rehearse
			}
			done, err := run(c.Context(), d.dir, steps, d.opt, func(s refactor.StepDone) {
				if !d.asJSON {
					fmt.Fprintf(d.out, "%s %s → %s: %d files, commit %.12s\n", s.Kind, s.Old, s.New, s.Files, s.Commit)
					d.warn(s.Warnings)
				}
			})
			if err != nil {
				return outcome(err)
			}
			return d.show(done, func() { fmt.Fprintf(d.out, "%d steps%s\n", len(done), rehearsed(d.dryRun)) })
		},
	}
	c.Flags().StringVar(&plan, "plan", "", "file with the steps")
	c.Flags().BoolVar(&d.opt.AllowVisibility, "allow-internal", false, "allow packages to become internal or public by a move")
	_ = c.MarkFlagRequired("plan") // the flag exists
	return d.moveFlags(c)
}

func rehearsed(dry bool) string {
	if dry {
		return " rehearsed; nothing was changed"
	}
	return " made"
}

func (d *dev) status() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "What was moved, what is unfinished, which shims remain", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			m, err := refactor.Open(d.dir)
			if err != nil {
				return err
			}
			s, err := refactor.ReadStatus(c.Context(), m)
			if err != nil {
				return err
			}
			return d.show(s, func() { d.printStatus(s) })
		},
	}
}

func (d *dev) printStatus(s *refactor.Status) {
	for _, r := range s.Moves {
		state := "commit " + r.Commit[:min(12, len(r.Commit))]
		if r.Undone != "" {
			state = "undone"
		}
		fmt.Fprintf(d.out, "%-15s %s → %s (%s)\n", r.Kind, r.Old, r.New, state)
	}
	for _, sh := range s.Shims {
		fmt.Fprintf(d.out, "shim            %s → %s\n", sh.Old, sh.New)
	}
	if s.Interrupted != "" {
		fmt.Fprintf(d.out, "the move of %s was interrupted: run resync dev rollback\n", s.Interrupted)
	}
	fmt.Fprintf(d.out, "%d changes made, %d shims remain, %d files uncommitted\n", len(s.Moves), len(s.Shims), len(s.Dirty))
}

func (d *dev) rollback() *cobra.Command {
	return &cobra.Command{
		Use: "rollback", Short: "Undo the last change made by these commands, or an interrupted move", Args: cobra.NoArgs,
		Long: "Undo the last change made by these commands by a commit that reverts it, or put a move back that was interrupted.",
		RunE: func(c *cobra.Command, _ []string) error {
			m, err := refactor.Open(d.dir)
			if err != nil {
				return err
			}
			what, err := refactor.Rollback(c.Context(), m)
			if err != nil {
				return err
			}
			return d.show(map[string]string{"undone": what}, func() { fmt.Fprintln(d.out, "undone: "+what) })
		},
	}
}
