package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"resync/internal/app"
	"resync/internal/knowledge"
	"resync/internal/retrieve"
	"resync/internal/sandbox"
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
	o := knowledge.Options{Store: db, NoHandbook: !cfg.Knowledge.Handbook, Cut: knowledge.CutterOf(ctx, knowledge.NewChunkSettings(db).Chosen), Read: sandbox.Document()}
	if cfg.DataDir != "" {
		o.IndexFile = knowledge.IndexFileIn(cfg.DataDir)
	}
	rerank, closing, err := app.Reranker(cfg.Knowledge.Reranker)
	if err != nil {
		db.Close()
		return nil, nil, err
	}
	base, err := knowledge.New(ctx, o)
	if err != nil {
		db.Close()
		_ = closing() // the first error says more
		return nil, nil, err
	}
	base.RerankBy(rerank)
	return base, func() { db.Close(); _ = closing() }, nil // nothing was written
}

// ingesting is what the flags of ingest say about the files.
type ingesting struct {
	in      knowledge.Input
	how     knowledge.Chunking
	tags    string
	updated string
}

func newIngest(e *env) *cobra.Command {
	file, asJSON, in := "", false, ingesting{}
	c := &cobra.Command{
		Use: "ingest PATH…", Short: "Read manuals, runbooks and notes into the knowledge base", Args: needs("PATH"),
		Long: "Read files and folders into the knowledge base: Markdown, plain text, HTML, PDF with text, Word (.docx) and OpenAPI.\n" +
			"A file that is there unchanged is skipped. One that tells a language model what to do waits for an administrator.",
		RunE: func(c *cobra.Command, args []string) error {
			if err := in.read(); err != nil {
				return err
			}
			base, done, err := e.openBase(c.Context(), file)
			if err != nil {
				return err
			}
			defer done()
			report, err := base.IngestPaths(c.Context(), args, in.in, in.chunking(), e.progress(asJSON))
			if err != nil {
				return err
			}
			if err := base.SaveIndex(); err != nil { // everything is stored and searchable
				fmt.Fprintf(e.errOut, "the next start takes longer: %v\n", err)
			}
			return e.ingested(report, asJSON)
		},
	}
	f := c.Flags()
	f.StringVar(&file, "config", "", "settings file; RESYNC_CONFIG when empty")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	f.StringVar(&in.how.Strategy, "strategy", "", "how to cut: tws_optimized, structure_aware, semantic, hierarchical, recursive, fixed_size; the way retrieval is tuned for when empty")
	f.IntVar(&in.how.MaxTokens, "max-tokens", 0, "most tokens of a passage; the strategy's own when 0")
	f.IntVar(&in.how.OverlapTokens, "overlap-tokens", 0, "tokens a passage repeats of the one before")
	f.StringVar(&in.in.Title, "title", "", "title of the documents; their own when empty")
	f.StringVar(&in.in.Collection, "collection", "", "collection to put them in")
	f.StringVar(&in.tags, "tags", "", "comma-separated words to filter by")
	f.StringVar(&in.in.Meta.Version, "doc-version", "", "version of the product they describe")
	f.StringVar((*string)(&in.in.Meta.Authority), "authority", "", "official, runbook, postmortem, chat, log or hypothesis; runbook when empty")
	f.StringVar(&in.updated, "updated", "", "day their content was last true, as 2026-11-22")
	return c
}

// read completes what the flags give as text.
func (in *ingesting) read() error {
	in.in.Meta.By = "command line"
	in.in.Meta.Tags = commaList(in.tags)
	if in.updated == "" {
		return nil
	}
	day, err := time.Parse(time.DateOnly, in.updated)
	if err != nil {
		return fmt.Errorf("--updated: %q is no day; write it as 2026-11-22", in.updated)
	}
	in.in.Meta.Updated = day
	return nil
}

func (in *ingesting) chunking() *knowledge.Chunking {
	if in.how == (knowledge.Chunking{}) {
		return nil
	}
	return &in.how
}

// commaList splits a list of words.
func commaList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' })
}

// barWidth is how many characters a full bar has.
const barWidth = 20

// bar shows how much is done.
func bar(done, total int) string {
	n := barWidth
	if total > 0 {
		n = barWidth * done / total
	}
	return "[" + strings.Repeat("#", n) + strings.Repeat("-", barWidth-n) + "]"
}

func (e *env) progress(quiet bool) func(int, int, knowledge.File) {
	if quiet {
		return nil
	}
	return func(done, total int, f knowledge.File) {
		line := fmt.Sprintf("%s [%d/%d] %-10s %s", bar(done, total), done, total, f.Status, plainText(f.Name))
		if f.Status == knowledge.Refused || f.Status == knowledge.Quarantined {
			line += ": " + plainText(f.Reason)
		} else {
			line += fmt.Sprintf(" (%d passages)", f.Passages)
		}
		fmt.Fprintln(e.errOut, line)
	}
}

func (e *env) ingested(r knowledge.Report, asJSON bool) error {
	refused, held := r.Count(knowledge.Refused), r.Count(knowledge.Quarantined)
	if asJSON {
		if err := e.json(r); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(e.out, "%d added, %d updated, %d unchanged, %d duplicate, %d refused\n", r.Count(knowledge.Added), r.Count(knowledge.Updated),
			r.Count(knowledge.Unchanged), r.Count(knowledge.Duplicate), refused)
		if held > 0 {
			fmt.Fprintf(e.out, "%d wait in quarantine until an administrator has looked at them\n", held)
		}
	}
	if refused > 0 {
		return &notOK{fmt.Sprintf("%d of %d files were refused", refused, len(r.Files))}
	}
	return nil
}

func newSearch(e *env) *cobra.Command {
	file, asJSON, k, tags, only := "", false, 5, "", knowledge.Filter{}
	c := &cobra.Command{
		Use: "search QUERY", Short: "Find passages of the knowledge base", Args: needs("QUERY"),
		RunE: func(c *cobra.Command, args []string) error {
			base, done, err := e.openBase(c.Context(), file)
			if err != nil {
				return err
			}
			defer done()
			only.Tags = commaList(tags)
			hits, err := base.Find(c.Context(), knowledge.Query{Text: strings.Join(args, " "), K: k, Filter: only})
			if err != nil {
				return err
			}
			found, ranking := passagesOf(hits), knowledge.Ranking{}
			if len(hits) > 0 {
				ranking = hits[0].Ranking
			}
			if asJSON {
				return e.json(map[string]any{"query": strings.Join(args, " "), "results": found, "ranking": ranking})
			}
			if ranking.Note != "" {
				fmt.Fprintln(e.errOut, ranking.Note)
			}
			for i, p := range found {
				place := p.Source()
				if pages := pagesOf(p.PageStart, p.PageEnd); pages != "" {
					place = pages + " of " + place
				}
				fmt.Fprintf(e.out, "%d. %s\n   %s (%s)\n", i+1, plainText(p.Title), plainText(p.Section()), place)
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
	c.Flags().StringVar(&only.Collection, "collection", "", "search one collection")
	c.Flags().StringSliceVar(&only.Documents, "document", nil, "search documents of these names or ids")
	c.Flags().StringVar(&tags, "tags", "", "search documents with all of these comma-separated tags")
	c.Flags().StringVar(&only.Version, "doc-version", "", "leave out documents of another version")
	c.Flags().StringVar((*string)(&only.MinAuthority), "min-authority", "", "leave out documents of less authority")
	c.Flags().BoolVar(&only.NoHandbook, "no-handbook", false, "leave out the built-in handbook")
	return c
}

func passagesOf(hits []knowledge.Hit) []retrieve.Passage {
	var out []retrieve.Passage
	for _, h := range hits {
		out = append(out, h.Passage)
	}
	return out
}
