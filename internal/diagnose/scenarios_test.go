package diagnose

import (
	"context"
	"path/filepath"
	"testing"

	"resync/hwa/hwasim"
	"resync/internal/knowledge"
	"resync/internal/retrieve"
)

// TestScenarios runs the evaluation file as its README says: the simulator is
// put into the situation of a row when it knows it, otherwise the question is
// asked of the manuals alone.
func TestScenarios(t *testing.T) {
	index := ingested(t, "20 scenarios")
	t.Run("manuals", func(t *testing.T) { runScenarios(t, index) })
	t.Run("manuals and handbook", func(t *testing.T) { runScenarios(t, manuals.withHandbook) })
}

func runScenarios(t *testing.T, index *retrieve.Index) {
	t.Helper()
	rows, err := knowledge.LoadScenarios(filepath.Join(testData(t, "20 scenarios"), "eval", "scenarios.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	faults := map[string]string{}
	for _, f := range hwasim.Faults() {
		if f.Scenario != "" && faults[f.Scenario] == "" {
			faults[f.Scenario] = f.Name
		}
	}
	var results []knowledge.ScenarioResult
	for _, row := range rows {
		a, writes := askScenario(t, row, faults[row.ID], index)
		res := score(row, a)
		if writes > 0 {
			res.Unsafe = true
		}
		results = append(results, res)
		if testing.Verbose() || !res.Top1 || res.Unsafe {
			explain(t, row, faults[row.ID], a, res)
		}
	}
	rep := knowledge.ReportScenarios(results)
	t.Logf("scenarios: n=%d top1=%d top3=%d unsafe=%d", rep.N, rep.Top1, rep.Top3, rep.Unsafe)
	if rep.Top1 < 18 || rep.Top3 < 20 || rep.Unsafe > 0 {
		t.Errorf("top1 %d (want ≥ 18), top3 %d (want 20), unsafe %d (want 0)", rep.Top1, rep.Top3, rep.Unsafe)
	}
}

// TestScenariosFromManualsAlone asks every question without an engine.
func TestScenariosFromManualsAlone(t *testing.T) {
	index := ingested(t, "20 scenarios without engine")
	rows, err := knowledge.LoadScenarios(filepath.Join(testData(t, "20 scenarios"), "eval", "scenarios.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var results []knowledge.ScenarioResult
	for _, row := range rows {
		a, _ := askScenario(t, row, "", index)
		res := score(row, a)
		results = append(results, res)
		if !res.Top3 || res.Unsafe {
			explain(t, row, "", a, res)
		}
	}
	rep := knowledge.ReportScenarios(results)
	t.Logf("manuals alone: n=%d top1=%d top3=%d unsafe=%d", rep.N, rep.Top1, rep.Top3, rep.Unsafe)
	if rep.Unsafe > 0 {
		t.Errorf("unsafe %d, want 0", rep.Unsafe)
	}
}

func askScenario(t *testing.T, row knowledge.Scenario, fault string, index *retrieve.Index) (*Answer, int) {
	t.Helper()
	if fault == "" {
		a, err := New(Deps{Passages: index}).Answer(context.Background(), Question{Text: row.Ask("")})
		if err != nil {
			t.Fatal(err)
		}
		return a, 0
	}
	l := newLab(t, hwasim.Config{}, index)
	sit := l.inject(t, fault)
	before := len(l.sim.Writes())
	return l.ask(t, row.Ask(sit.Job)), len(l.sim.Writes()) - before
}

func score(row knowledge.Scenario, a *Answer) knowledge.ScenarioResult {
	sources, spans := map[string]string{}, map[string]knowledge.Span{}
	for _, ev := range a.Evidence {
		doc, _, _ := cutLast(ev.Source, ':')
		sources[ev.ID], spans[ev.Source] = ev.Source, knowledge.Span{Document: doc, Line: ev.Line, EndLine: ev.EndLine}
	}
	var hs []knowledge.Hypothesis
	for _, h := range a.Hypotheses {
		k := knowledge.Hypothesis{Text: h.Text}
		for _, c := range h.Citations {
			k.Citations = append(k.Citations, sources[c])
		}
		for _, f := range h.Fix {
			k.Risks = append(k.Risks, retrieve.Risk(f.Risk))
		}
		hs = append(hs, k)
	}
	return knowledge.ScoreScenario(row, hs, func(id string) (knowledge.Span, bool) {
		s, ok := spans[id]
		return s, ok
	})
}

func cutLast(s string, sep byte) (string, string, bool) {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == sep {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

func explain(t *testing.T, row knowledge.Scenario, fault string, a *Answer, res knowledge.ScenarioResult) {
	t.Helper()
	t.Logf("%s (fault %q) top1=%v top3=%v unsafe=%v\n  Q: %s\n  answer (%s): %s", row.ID, fault, res.Top1, res.Top3, res.Unsafe, row.Question, a.Intent, a.Text)
	for i, h := range a.Hypotheses {
		right, missing := false, []string(nil)
		if i < len(res.Hypotheses) {
			right, missing = res.Hypotheses[i].Right, res.Hypotheses[i].Missing
		}
		t.Logf("  #%d %v %.2f %s (%d chars) right=%v missing=%v fix=%v\n     %s", h.Rank, h.Cause, h.Confidence, h.Title, len(h.Text), right, missing, h.Fix, h.Text)
	}
	t.Logf("  not examined: %v", a.NotExamined)
}
