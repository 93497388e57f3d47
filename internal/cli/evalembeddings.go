package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"resync/internal/app"
	"resync/internal/embed"
	"resync/internal/evaluate"
	"resync/internal/retrieve"
)

// embeddingFlags say which model is measured, and on what.
type embeddingFlags struct {
	manuals, model, name, url, protocol, vectors string
	only, sets                                   []string
	weights                                      []float64
	batch, candidates                            int
	list, noWindows, asJSON                      bool
}

func newEvalEmbeddings(e *env) *cobra.Command {
	var f embeddingFlags
	c := &cobra.Command{
		Use: "embeddings", Short: "Measure an embedding model beside and together with words", Args: cobra.NoArgs,
		Long: "Measure an embedding model: fixed windows of 512 tokens found by their vectors, the passages of Resync found by theirs, and both\n" +
			"together with words at several weights, on the questions of eval retrieval. The model is a folder (--model), a server (--url)\n" +
			"or, without either, a file of vectors made before (--vectors); with a model, what is embedded is added to that file.",
		RunE: func(c *cobra.Command, _ []string) error { return e.evalEmbeddings(c.Context(), f) },
	}
	c.Flags().StringVar(&f.manuals, "manuals", "", "folder of the manuals")
	c.Flags().StringSliceVar(&f.only, "only", nil, "names of the manuals to measure on; all when left out")
	c.Flags().StringSliceVar(&f.sets, "sets", nil, "names of the sets to ask, such as operator_en; all when left out")
	c.Flags().StringVar(&f.model, "model", "", "folder of a local model")
	c.Flags().StringVar(&f.name, "name", "", "name of the model; a server needs it")
	c.Flags().StringVar(&f.url, "url", "", "address of an embedding server")
	c.Flags().StringVar(&f.protocol, "protocol", "openai", "what the server speaks: openai, ollama or tei")
	c.Flags().StringVar(&f.vectors, "vectors", "", "file of vectors")
	c.Flags().Float64SliceVar(&f.weights, "weights", []float64{0.1, 0.25, 0.4, 0.6}, "weights of the vectors beside words")
	c.Flags().IntVar(&f.batch, "batch", 64, "texts in one request to the model")
	c.Flags().IntVar(&f.candidates, "candidates", 0, "embed only passages that words bring among the first so many; 0 is all")
	c.Flags().BoolVar(&f.noWindows, "no-windows", false, "leave the fixed windows out")
	c.Flags().BoolVar(&f.list, "list", false, "print the texts that are embedded, one JSON object per line, and measure nothing")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	_ = c.MarkFlagRequired("manuals") // the flag exists
	return c
}

func (e *env) evalEmbeddings(ctx context.Context, f embeddingFlags) error {
	switch {
	case f.batch < 1 || f.batch > 1024:
		return fmt.Errorf("--batch %d: from 1 to 1024 texts go into a request", f.batch)
	case f.candidates < 0 || f.candidates > 100:
		return fmt.Errorf("--candidates %d: from 0 (all passages) to 100 can be asked for", f.candidates)
	}
	docs, sets, err := embeddingSets(f)
	if err != nil {
		return err
	}
	o := evaluate.EmbeddingOptions{Weights: f.weights, NoWindows: f.noWindows, Batch: f.batch, Candidates: f.candidates}
	if f.list {
		_, err := evaluate.Embedding(ctx, docs, sets, lister{json.NewEncoder(e.out)}, o)
		return err
	}
	model, closing, err := openEvalModel(f)
	if err != nil {
		return err
	}
	r, err := evaluate.Embedding(ctx, docs, sets, model, o)
	if err := errors.Join(err, closing()); err != nil {
		return err
	}
	if f.asJSON {
		return e.json(r)
	}
	fmt.Fprintf(e.out, "%s, %d dimensions, %d passages, %d of them embedded, %d windows. First, among three, among five, not among twenty, in percent:\n%-26s", r.Model, r.Dimensions, r.Passages, r.Embedded, r.Windows, "")
	for _, s := range sets {
		fmt.Fprintf(e.out, " %21s", fmt.Sprintf("%s (%d)", s.Name, len(s.Questions)))
	}
	fmt.Fprintln(e.out)
	for _, row := range r.Rows {
		fmt.Fprintf(e.out, "%-26s", row.Way)
		for _, s := range sets {
			x := row.Sets[s.Name]
			fmt.Fprintf(e.out, " %5.1f%5.1f%6.1f%5.1f", x.Hit1, x.Hit3, x.Hit5, x.Fail20)
		}
		fmt.Fprintln(e.out)
	}
	return nil
}

// embeddingSets reads the manuals and makes the questions that they can answer.
func embeddingSets(f embeddingFlags) ([]retrieve.Document, []evaluate.Set, error) {
	docs, err := evaluate.ReadManuals(f.manuals)
	if err != nil {
		return nil, nil, err
	}
	kept := func(name string) bool { return len(f.only) == 0 || slices.Contains(f.only, name) }
	docs = slices.DeleteFunc(docs, func(d retrieve.Document) bool { return !kept(d.Name) })
	if len(docs) == 0 {
		return nil, nil, fmt.Errorf("no manual in %s is called %v (--only)", f.manuals, f.only)
	}
	var sets []evaluate.Set
	for _, read := range []func() ([]evaluate.Set, error){evaluate.Operator, evaluate.Practice, evaluate.Unseen} {
		more, err := read()
		if err != nil {
			return nil, nil, err
		}
		sets = append(sets, more...)
	}
	for i := range sets {
		sets[i].Questions = slices.DeleteFunc(sets[i].Questions, func(q evaluate.Question) bool {
			return !slices.ContainsFunc(q.Places, func(p evaluate.Place) bool { return kept(p.Document) })
		})
	}
	all := append(evaluate.Generate(docs), sets...)
	for _, name := range f.sets {
		if !slices.ContainsFunc(all, func(s evaluate.Set) bool { return s.Name == name }) {
			return nil, nil, fmt.Errorf("--sets: there is no set %q", name)
		}
	}
	all = slices.DeleteFunc(all, func(s evaluate.Set) bool { return len(f.sets) > 0 && !slices.Contains(f.sets, s.Name) })
	return docs, all, nil
}

// openEvalModel opens the model or the vectors it made.
func openEvalModel(f embeddingFlags) (embed.Embedder, func() error, error) {
	nothing := func() error { return nil }
	var source embed.Embedder
	closing := nothing
	switch {
	case f.model != "":
		local, err := embed.OpenLocal(f.model, f.name, nil)
		if err != nil {
			return nil, nil, fmt.Errorf("reading the model (--model): %w", err)
		}
		source = local
	case f.url != "":
		server, idle, err := app.EmbeddingServer(embed.Settings{Protocol: embed.Protocol(f.protocol), URL: f.url, Model: f.name})
		if err != nil {
			return nil, nil, err
		}
		source, closing = server, idle
	}
	if f.vectors == "" {
		if source == nil {
			return nil, nil, errors.New("give --model, --url or --vectors")
		}
		return source, closing, nil
	}
	file, err := embed.OpenFile(f.vectors, source)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("opening the vectors (--vectors): %w", err), closing())
	}
	return file, func() error { return errors.Join(file.Close(), closing()) }, nil
}

// lister prints what it is asked to embed.
type lister struct{ out *json.Encoder }

// Embed prints the texts; what it returns means nothing.
func (l lister) Embed(_ context.Context, texts []string, kind embed.Kind) ([][]float32, error) {
	out := make([][]float32, len(texts))
	for i, t := range texts {
		if err := l.out.Encode(map[string]string{"kind": kind.String(), "text": t}); err != nil {
			return nil, fmt.Errorf("print a text: %w", err)
		}
		out[i] = []float32{1}
	}
	return out, nil
}

// Model is none.
func (lister) Model() string { return "none" }

// Dimensions is that of what Embed returns.
func (lister) Dimensions() int { return 1 }
