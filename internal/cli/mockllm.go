package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"resync/llm"
	"resync/llm/llmtest"
)

// mockLLM is a language model provider for drills.
func (d *dev) mockLLM() *cobra.Command {
	o, addr, faults, list := llmtest.Options{}, "127.0.0.1:19001", []string(nil), false
	c := &cobra.Command{
		Use: "mock-llm", Short: "Serve a simulated language model that can be told to fail", Args: cobra.NoArgs,
		Long: "Serve a simulated language model on the chat completions and the Anthropic wire, for drills: point a target's base_url at it, give it a\n" +
			"fault, and watch what Resync does. Faults are played one per request, the last one stays.",
		RunE: func(c *cobra.Command, _ []string) error {
			if list {
				return d.listMockFaults()
			}
			return d.serveMock(c.Context(), addr, o, faults)
		},
	}
	f := c.Flags()
	f.StringVar(&addr, "addr", addr, "address to listen on")
	f.StringVar(&o.Name, "name", "mock", "name that stands in every answer")
	f.DurationVar(&o.Delay, "delay", 0, "time before the first byte")
	f.IntVar(&o.Chunks, "chunks", 12, "pieces of a streamed answer")
	f.DurationVar(&o.Gap, "gap", 0, "time between them")
	f.StringVar(&o.Text, "text", "", "the whole answer; a sentence when empty")
	f.StringArrayVar(&faults, "fault", nil, "fault of the next request; may be repeated (--faults lists them)")
	f.BoolVar(&list, "faults", false, "list the faults")
	return c
}

func (d *dev) listMockFaults() error {
	if d.asJSON {
		out := []map[string]string{}
		for _, f := range llmtest.Faults() {
			out = append(out, map[string]string{"name": f.Name, "summary": f.Summary})
		}
		return d.json(out)
	}
	w := tabwriter.NewWriter(d.out, 0, 4, 2, ' ', 0)
	for _, f := range llmtest.Faults() {
		fmt.Fprintf(w, "%s\t%s\n", f.Name, f.Summary)
	}
	return w.Flush()
}

func (d *dev) serveMock(ctx context.Context, addr string, o llmtest.Options, faults []string) error {
	s := llmtest.New(o)
	if err := s.Script(faults...); err != nil {
		return fmt.Errorf("%w (--faults lists what there is)", err)
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listening on %s (--addr): %w", addr, err)
	}
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second}
	fmt.Fprintf(d.out, "Simulated language model at http://%s/v1 (model: any name, key: any)\n", ln.Addr())
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	s.Close()
	srv.Close()
	if ctx.Err() != nil {
		return nil // asked to stop
	}
	return err
}

// importPrices makes a price table of ours from LiteLLM's.
func (d *dev) importPrices() *cobra.Command {
	out := "prices.json"
	c := &cobra.Command{
		Use: "import-prices FILE", Short: "Make a price table from LiteLLM's model_prices_and_context_window.json", Args: needs("FILE"),
		Long: "Read LiteLLM's model_prices_and_context_window.json and write the chat models of it as a table that the setting llm.prices names.\n" +
			"Models without a price stay without one: their cost is unknown, not zero. The built-in table is small and was written from memory on 2026-11-22;\n" +
			"GET /api/v1/llm/status says of each target where its price is from.",
		RunE: func(_ *cobra.Command, args []string) error {
			data, err := os.ReadFile(args[0])
			if err != nil {
				return fmt.Errorf("reading the price table: %w", err)
			}
			table, err := llm.ParsePrices(data)
			if err != nil {
				return err
			}
			table = table.From(fmt.Sprintf("%s, imported on %s", filepath.Base(args[0]), time.Now().Format(time.DateOnly)))
			text, err := json.MarshalIndent(table, "", "  ")
			if err != nil {
				return fmt.Errorf("writing the price table: %w", err)
			}
			if err := os.WriteFile(filepath.Clean(out), append(text, '\n'), 0o644); err != nil {
				return fmt.Errorf("writing the price table (--out): %w", err)
			}
			return d.show(map[string]any{"models": table.Len(), "written": out}, func() {
				fmt.Fprintf(d.out, "%d models written to %s; name it in llm.prices\n", table.Len(), out)
			})
		},
	}
	c.Flags().StringVar(&out, "out", out, "file to write")
	return c
}
