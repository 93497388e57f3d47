package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"resync/internal/embed"
	"resync/internal/evaluate"
)

func newEvalRetrieval(e *env) *cobra.Command {
	manuals, corpus, questions, model, vectors, asJSON := "", "", "", "", "", false
	c := &cobra.Command{
		Use: "retrieval", Short: "Measure how often the right passage is found", Args: cobra.NoArgs,
		Long: "Measure how often the right passage is found.\n\n" +
			"With --manuals, questions are made from the manuals themselves (T1 message codes, T2 problems, T3 headings; T2d and T3d with\n" +
			"two words in five left out), 60 questions written by hand are asked as well, and each step of the search is measured against the\n" +
			"chunkers it replaces. With --corpus and --questions, any other set is asked: a corpus line is {\"id\",\"doc\",\"path\",\"text\"}, a line\n" +
			"of questions {\"question\",\"gold\":[\"id\"]}. No language model is used.",
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case manuals != "" && corpus == "" && questions == "":
				return e.evalManuals(c.Context(), manuals, embeddingFlags{model: model, vectors: vectors}, asJSON)
			case manuals == "" && corpus != "" && questions != "":
				return e.evalRecords(c.Context(), corpus, questions, asJSON)
			}
			return errors.New("give --manuals, or --corpus together with --questions")
		},
	}
	c.Flags().StringVar(&manuals, "manuals", "", "folder of the manuals")
	c.Flags().StringVar(&model, "model", "", "folder of an embedding model, to measure vectors as well (slow)")
	c.Flags().StringVar(&vectors, "vectors", "", "file of vectors made before; with --model, what is missing is added to it")
	c.Flags().StringVar(&corpus, "corpus", "", "file with one passage per line (JSON)")
	c.Flags().StringVar(&questions, "questions", "", "file with one question per line (JSON)")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (e *env) evalManuals(ctx context.Context, dir string, f embeddingFlags, asJSON bool) error {
	var model embed.Embedder
	closing := func() error { return nil }
	if f.model != "" || f.vectors != "" {
		var err error
		if model, closing, err = openEvalModel(f); err != nil {
			return err
		}
	}
	r, err := evaluate.Manuals(ctx, dir, model)
	if err := errors.Join(err, closing()); err != nil {
		return err
	}
	if asJSON {
		return e.json(r)
	}
	for _, name := range r.Names {
		s := r.Sets[name]
		fmt.Fprintf(e.out, "%-12s %4d questions: first %5.1f %%, among three %5.1f %%, among five %5.1f %%, MRR %.3f\n", name, s.N, s.Hit1, s.Hit3, s.Hit5, s.MRR)
	}
	fmt.Fprintln(e.out, "\nOther chunks, found by plain words (first / among five):")
	for _, b := range r.Baselines {
		fmt.Fprintf(e.out, "%-42s %6d chunks", b.Name, b.Chunks)
		for _, name := range r.Names {
			fmt.Fprintf(e.out, "  %s %.1f/%.1f", name, b.Sets[name].Hit1, b.Sets[name].Hit5)
		}
		fmt.Fprintln(e.out)
	}
	fmt.Fprintln(e.out, "\nQuestions whose right passage is not among the first twenty:")
	for _, a := range r.Ablation {
		fmt.Fprintf(e.out, "%-64s %5.1f %%", a.Name, a.Fail20)
		if a.Reduction != nil {
			fmt.Fprintf(e.out, "  %5.1f %% fewer than the first line", *a.Reduction)
		}
		if a.Claim != nil {
			fmt.Fprintf(e.out, " (claimed elsewhere: %.0f %%)", *a.Claim)
		}
		fmt.Fprintln(e.out)
	}
	return nil
}

func (e *env) evalRecords(ctx context.Context, corpus, questions string, asJSON bool) error {
	r, err := evaluate.Records(ctx, corpus, questions)
	if err != nil {
		return err
	}
	if asJSON {
		return e.json(r)
	}
	fmt.Fprintf(e.out, "%d questions, MRR %.3f; share of gold among the first\n", r.N, r.MRR)
	for _, k := range []string{"1", "3", "5", "10", "20"} {
		fmt.Fprintf(e.out, "%4s %6.2f %%\n", k, r.Pass[k])
	}
	return nil
}

func newEvalChunking(e *env) *cobra.Command {
	data, asJSON := "", false
	c := &cobra.Command{
		Use: "chunking", Short: "Measure how exactly the text returned covers the answer", Args: cobra.NoArgs,
		Long: "Measure how exactly the text returned covers the answer, as Chroma's chunking evaluation does. The folder holds questions_df.csv\n" +
			"and the corpora it names; questions about a corpus that is not there are left out.",
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := evaluate.Chunking(c.Context(), data)
			if err != nil {
				return err
			}
			if asJSON {
				return e.json(r)
			}
			fmt.Fprintf(e.out, "%d questions about %s\n", r.Questions, strings.Join(r.Corpora, ", "))
			for _, m := range []string{"balanced", "precise", "recall"} {
				s := r.Modes[m]
				fmt.Fprintf(e.out, "%-9s recall %5.1f %%  precision %5.1f %%  IoU %5.1f %%  %4.0f tokens\n", m, s.Recall, s.Precision, s.IoU, s.Tokens)
			}
			for _, s := range evaluate.ChromaSplitters() {
				fmt.Fprintf(e.out, "%-18s Precision_Ω %5.1f %% here, %5.1f %% published over five corpora\n", s.Name, r.PrecisionOmega[s.Name], s.PrecisionΩ)
			}
			return nil
		},
	}
	c.Flags().StringVar(&data, "data", "", "folder of the evaluation")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	_ = c.MarkFlagRequired("data") // the flag exists
	return c
}
