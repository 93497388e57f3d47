package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"resync/internal/knowledge"
	"resync/internal/store"
)

// openBase opens the knowledge base of the configured store.
func (e *env) openBase(ctx context.Context, file string) (*knowledge.Base, func(), error) {
	cfg, err := e.load(file)
	if err != nil {
		return nil, nil, err
	}
	db, err := store.Open(ctx, cfg.Database.URL.Reveal())
	if err != nil {
		return nil, nil, err
	}
	base, err := knowledge.Open(ctx, db)
	if err != nil {
		db.Close()
		return nil, nil, err
	}
	return base, func() { db.Close() }, nil
}

func newIngest(e *env) *cobra.Command {
	file, asJSON := "", false
	c := &cobra.Command{
		Use: "ingest PATH…", Short: "Read manuals and runbooks (Markdown, text) into the knowledge base", Args: needs("PATH"),
		RunE: func(c *cobra.Command, args []string) error {
			base, done, err := e.openBase(c.Context(), file)
			if err != nil {
				return err
			}
			defer done()
			report, err := base.Ingest(c.Context(), args, e.progress(asJSON))
			if err != nil {
				return err
			}
			return e.ingested(report, asJSON)
		},
	}
	c.Flags().StringVar(&file, "config", "", "settings file; RESYNC_CONFIG when empty")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (e *env) progress(quiet bool) func(int, int, knowledge.File) {
	if quiet {
		return nil
	}
	return func(done, total int, f knowledge.File) {
		line := fmt.Sprintf("[%d/%d] %-10s %s", done, total, f.Status, plainText(f.Name))
		if f.Status == knowledge.Refused {
			line += ": " + plainText(f.Reason)
		} else {
			line += fmt.Sprintf(" (%d passages)", f.Passages)
		}
		fmt.Fprintln(e.errOut, line)
	}
}

func (e *env) ingested(r knowledge.Report, asJSON bool) error {
	refused := r.Count(knowledge.Refused)
	if asJSON {
		if err := e.json(r); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(e.out, "%d added, %d updated, %d unchanged, %d duplicate, %d refused\n", r.Count(knowledge.Added), r.Count(knowledge.Updated),
			r.Count(knowledge.Unchanged), r.Count(knowledge.Duplicate), refused)
	}
	if refused > 0 {
		return &notOK{fmt.Sprintf("%d of %d files were refused", refused, len(r.Files))}
	}
	return nil
}

func newSearch(e *env) *cobra.Command {
	file, asJSON, k := "", false, 5
	c := &cobra.Command{
		Use: "search QUERY", Short: "Find passages of the knowledge base", Args: needs("QUERY"),
		RunE: func(c *cobra.Command, args []string) error {
			base, done, err := e.openBase(c.Context(), file)
			if err != nil {
				return err
			}
			defer done()
			found, err := base.Search(c.Context(), strings.Join(args, " "), k)
			if err != nil {
				return err
			}
			if asJSON {
				return e.json(map[string]any{"query": strings.Join(args, " "), "results": found})
			}
			for i, p := range found {
				fmt.Fprintf(e.out, "%d. %s\n   %s (%s)\n", i+1, plainText(p.Title), plainText(p.Section()), p.Source())
			}
			if len(found) == 0 {
				return &notOK{"nothing was found"}
			}
			return nil
		},
	}
	c.Flags().StringVar(&file, "config", "", "settings file; RESYNC_CONFIG when empty")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().IntVarP(&k, "k", "k", k, "passages to show")
	return c
}
