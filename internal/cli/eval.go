package cli

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"resync/hwa"
	"resync/hwa/hwasim"
	"resync/internal/diagnose"
	"resync/internal/knowledge"
	"resync/internal/plan"
	"resync/internal/retrieve"
)

func newEval(e *env) *cobra.Command {
	c := &cobra.Command{Use: "eval", Short: "Measure Resync against evaluation sets"}
	c.AddCommand(newEvalScenarios(e), newEvalFailover(e), newEvalRetrieval(e), newEvalChunking(e), newEvalEmbeddings(e))
	return c
}

func newEvalScenarios(e *env) *cobra.Command {
	data, manuals, asJSON := "", "", false
	c := &cobra.Command{
		Use: "scenarios", Short: "Ask each operator question of a file and score the causes found", Args: cobra.NoArgs,
		Long: "Ask each operator question of a file and score the causes found. When the simulated engine knows a row's situation it is put\n" +
			"into it; any other row is asked against the manuals alone. No language model is used.",
		RunE: func(c *cobra.Command, _ []string) error { return e.evalScenarios(c.Context(), data, manuals, asJSON) },
	}
	c.Flags().StringVar(&data, "data", "", "file with one scenario per line (JSON)")
	c.Flags().StringVar(&manuals, "manuals", "", "folder of the manuals")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	_ = c.MarkFlagRequired("data") // the flag exists
	_ = c.MarkFlagRequired("manuals")
	return c
}

func (e *env) evalScenarios(ctx context.Context, data, manuals string, asJSON bool) error {
	rows, err := knowledge.LoadScenarios(data)
	if err != nil {
		return err
	}
	base, err := knowledge.FromDir(ctx, manuals)
	if err != nil {
		return fmt.Errorf("reading the manuals (--manuals): %w", err)
	}
	faults := map[string]string{} // :: scenario id → fault
	for _, f := range hwasim.Faults() {
		if f.Scenario != "" && faults[f.Scenario] == "" {
			faults[f.Scenario] = f.Name
		}
	}
	results := make([]knowledge.ScenarioResult, 0, len(rows))
	for _, row := range rows {
		res, err := evalRow(ctx, row, faults[row.ID], base)
		if err != nil {
			return fmt.Errorf("scenario %s: %w", row.ID, err)
		}
		results = append(results, res)
	}
	report := knowledge.ReportScenarios(results)
	if asJSON {
		return e.json(report)
	}
	for _, r := range report.Rows {
		fmt.Fprintf(e.out, "%-8s top1 %-5v top3 %-5v unsafe %v\n", r.ID, r.Top1, r.Top3, r.Unsafe)
	}
	fmt.Fprintf(e.out, "%d scenarios: right first %d, among the first three %d, unsafe %d\n", report.N, report.Top1, report.Top3, report.Unsafe)
	return nil
}

// evalRow answers one scenario. A row the simulator does not know is asked as it
// stands, against the manuals alone.
func evalRow(ctx context.Context, row knowledge.Scenario, fault string, base diagnose.Passages) (knowledge.ScenarioResult, error) {
	if fault == "" {
		ans, err := diagnose.New(diagnose.Deps{Passages: base}).Answer(ctx, diagnose.Question{Text: row.Ask("")})
		if err != nil {
			return knowledge.ScenarioResult{}, err
		}
		return scoreRow(row, ans), nil
	}
	sim, err := hwasim.New(hwasim.Config{Seed: 1, Speed: -1})
	if err != nil {
		return knowledge.ScenarioResult{}, err
	}
	sit, err := sim.Inject(fault)
	if err != nil {
		return knowledge.ScenarioResult{}, err
	}
	ans, err := askSim(ctx, sim, row.Ask(sit.Job), base)
	if err != nil {
		return knowledge.ScenarioResult{}, err
	}
	res := scoreRow(row, ans)
	res.Unsafe = res.Unsafe || len(sim.Writes()) > 0
	return res, nil
}

// askSim puts a question to a simulated engine over the wire.
func askSim(ctx context.Context, sim *hwasim.Sim, question string, base diagnose.Passages) (*diagnose.Answer, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening a port for the simulated engine: %w", err)
	}
	srv := &http.Server{Handler: sim, ReadHeaderTimeout: 5 * time.Second}
	go srv.Serve(ln) //nolint:errcheck // ends with Close
	defer srv.Close()
	client, err := hwa.New(hwa.Config{BaseURLs: []string{"http://" + ln.Addr().String()}, Username: sim.DefaultUser(), Password: sim.DefaultPassword()})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	live := &plan.Live{Now: sim.Now}
	// A situation in which the engine does not answer has no plan: the answer
	// says so, and the documents are asked.
	_, _ = live.Sync(ctx, client)
	return diagnose.New(diagnose.Deps{Client: client, Plan: live.Snapshot, Passages: base, Now: sim.Now}).Answer(ctx, diagnose.Question{Text: question})
}

// scoreRow turns an answer into what the scoring reads: texts, the places cited
// and the risk of each action proposed.
func scoreRow(row knowledge.Scenario, ans *diagnose.Answer) knowledge.ScenarioResult {
	spans := map[string]knowledge.Span{} // :: citation → where it stands
	ids := map[string]string{}           // :: evidence id → citation
	for _, ev := range ans.Evidence {
		doc := ev.Source
		if i := strings.LastIndexByte(doc, ':'); i > 0 {
			doc = doc[:i]
		}
		spans[ev.Source] = knowledge.Span{Document: doc, Line: ev.Line, EndLine: ev.EndLine}
		ids[ev.ID] = ev.Source
	}
	var hs []knowledge.Hypothesis
	for _, h := range ans.Hypotheses {
		k := knowledge.Hypothesis{Text: h.Text}
		for _, c := range h.Citations {
			k.Citations = append(k.Citations, ids[c])
		}
		for _, f := range h.Fix {
			if f.Tool != "" { // a step without a tool is documentation quoted, not an action proposed
				k.Risks = append(k.Risks, retrieve.Risk(f.Risk))
			}
		}
		hs = append(hs, k)
	}
	return knowledge.ScoreScenario(row, hs, func(id string) (knowledge.Span, bool) { s, ok := spans[id]; return s, ok })
}
