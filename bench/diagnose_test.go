package bench

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"resync/hwa"
	"resync/hwa/hwasim"
	"resync/internal/diagnose"
	"resync/internal/plan"
	"resync/internal/retrieve"
)

// BenchmarkDiagnose asks why jobs of every status do not run, over the wire, on
// the large profile (100,000 jobs) with the manuals ingested when they are
// there. Target: p95 below 300 ms.
func BenchmarkDiagnose(b *testing.B) {
	sim, err := hwasim.New(hwasim.Config{Profile: "large", Speed: -1})
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range []string{"job-abend", "limit-zero", "fence", "resource-exhausted", "join-waiting", "jnextplan-AWSJPL017E"} {
		if _, err := sim.Inject(f); err != nil {
			b.Fatal(err)
		}
	}
	srv := httptest.NewServer(sim)
	defer srv.Close()
	client, err := hwa.New(hwa.Config{BaseURLs: []string{srv.URL}, Username: sim.DefaultUser(), Password: sim.DefaultPassword()})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	live := &plan.Live{Now: sim.Now}
	start := time.Now()
	snap, err := live.Sync(context.Background(), client)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("synced %d jobs in %v", snap.Len(), time.Since(start).Round(time.Millisecond))
	e := diagnose.New(diagnose.Deps{Client: client, Plan: live.Snapshot, Passages: manuals(b), Now: sim.Now})
	questions := askAbout(snap)
	var took []time.Duration
	for b.Loop() {
		q := questions[len(took)%len(questions)]
		at := time.Now()
		if _, err := e.Answer(context.Background(), q); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(at))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
}

// askAbout takes some jobs of every status and the plan itself.
func askAbout(s *plan.Snapshot) []diagnose.Question {
	qs := []diagnose.Question{{Text: "What is wrong with tonight's plan?"}, {Text: "JnextPlan failed with AWSJPL017E"}}
	for st := range s.CountByStatus() {
		page := s.Filter(plan.Filter{Status: []string{st}})
		step := max(1, len(page.Jobs)/8)
		for i := 0; i < len(page.Jobs); i += step {
			qs = append(qs, diagnose.Question{Text: "Why is it not running and what does it block?", Jobs: []string{s.Job(page.Jobs[i]).ID}})
		}
	}
	return qs
}

func manuals(b *testing.B) diagnose.Passages {
	b.Helper()
	dir := os.Getenv("RESYNC_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "data")
	}
	files, err := filepath.Glob(filepath.Join(dir, "manuals", "*.md"))
	if err != nil || len(files) == 0 {
		b.Logf("NOT MEASURED: no manuals at %s, so no passages are looked up", dir)
		return nil
	}
	var segs []*retrieve.Segment
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			b.Fatal(err)
		}
		segs = append(segs, retrieve.Analyse(retrieve.Document{Name: filepath.Base(f), Text: string(text)}))
	}
	return retrieve.New(segs...)
}
