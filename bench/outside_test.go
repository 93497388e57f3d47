package bench

import (
	"context"
	"database/sql"
	"math"
	"os"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"resync/internal/evaluate"
	"resync/internal/knowledge"
	"resync/internal/outside"
	"resync/internal/store/storetest"
)

// outer answers the evaluation's questions from an index outside.
type outer struct {
	o     *knowledge.Outer
	base  *knowledge.Base
	times []time.Duration
}

func (s *outer) Search(ctx context.Context, question string, k int) ([]evaluate.Hit, error) {
	start := time.Now()
	found, err := s.o.Search(ctx, s.base, question, k)
	s.times = append(s.times, time.Since(start))
	var hits []evaluate.Hit
	for _, p := range found {
		h := evaluate.Hit{Document: p.Document, Line: p.Line, Last: p.EndLine, Text: p.Text}
		for _, same := range p.Same {
			h.Same = append(h.Same, evaluate.Place{Document: same.Document, Line: same.Line, Last: same.EndLine})
		}
		hits = append(hits, h)
	}
	return hits, err
}

// outsideQuestions is how many questions of each set are asked of both.
const outsideQuestions = 200

// TestOutsideScoresAsInside asks the evaluation sets of the default engine and of
// PostgreSQL with pgvector, words alone. RESYNC_PGVECTOR_BIN names the programs of
// a PostgreSQL with the extension.
func TestOutsideScoresAsInside(t *testing.T) {
	bin := os.Getenv("RESYNC_PGVECTOR_BIN")
	if bin == "" {
		t.Skip("SKIPPED, NOT RUN: the evaluation sets against pgvector: no RESYNC_PGVECTOR_BIN")
	}
	dir := manualsDir(t, "the evaluation sets against pgvector")
	docs, err := evaluate.ReadManuals(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("RESYNC_POSTGRES_BIN", bin)
	db, err := sql.Open("pgx", storetest.Postgres(t).NewDatabase(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	x, err := outside.OpenPostgres(t.Context(), db, 0)
	if err != nil {
		t.Fatal(err)
	}
	base, err := knowledge.FromDir(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	o := &outer{o: knowledge.NewOuter(x, nil), base: base}
	if err := o.o.Fill(t.Context(), base, nil); err != nil {
		t.Fatal(err)
	}
	t.Logf("filled in %s", time.Since(start).Round(time.Millisecond))
	sets := evaluate.Generate(docs)
	operator, err := evaluate.Operator()
	if err != nil {
		t.Fatal(err)
	}
	own := evaluate.Own{Index: evaluate.Build(docs)}
	for _, set := range append(sets, operator...) {
		set.Questions = set.Questions[:min(len(set.Questions), outsideQuestions)]
		in, err := evaluate.Ask(t.Context(), own, set)
		if err != nil {
			t.Fatal(err)
		}
		out, err := evaluate.Ask(t.Context(), o, set)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(out.Hit1-in.Hit1) > 1 || math.Abs(out.Hit3-in.Hit3) > 1 || math.Abs(out.Hit5-in.Hit5) > 1 {
			t.Errorf("%s: outside and inside differ by more than a point", set.Name)
		}
		t.Logf("%-12s n=%d  inside %.1f/%.1f/%.1f mrr %.3f  outside %.1f/%.1f/%.1f mrr %.3f (hit@1/3/5)", set.Name, in.N, in.Hit1, in.Hit3, in.Hit5, in.MRR, out.Hit1, out.Hit3, out.Hit5, out.MRR)
	}
	total := time.Duration(0)
	for _, d := range o.times {
		total += d
	}
	t.Logf("%d questions, %s each", len(o.times), (total / time.Duration(len(o.times))).Round(100*time.Microsecond))
}
