package cli

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"resync/internal/app"
	"resync/internal/evaluate/failover"
)

func newEvalFailover(e *env) *cobra.Command {
	o, headers, asJSON := failover.Options{}, []string(nil), false
	c := &cobra.Command{
		Use: "failover", Short: "Break language models in every way known and see what the caller gets", Args: cobra.NoArgs,
		Long: "Put two simulated providers behind a chain of language models, break the first one in every way known, and judge what the caller of\n" +
			"the endpoint gets: a whole answer, or an explicit error; never silence, never a part that looks whole. Nothing leaves this machine.\n" +
			"The chain asks with the client that resync serve asks with.\n" +
			"With --url another gateway is asked; its upstreams must be the addresses of --a and --b, in this order. Exit status 1 unless all pass.",
		RunE: func(c *cobra.Command, _ []string) error {
			o.Header = http.Header{}
			for _, h := range headers {
				name, value, ok := strings.Cut(h, ":")
				if !ok {
					return fmt.Errorf("%q (--header) is not NAME: VALUE", h)
				}
				o.Header.Set(strings.TrimSpace(name), strings.TrimSpace(value))
			}
			return e.evalFailover(c.Context(), o, asJSON)
		},
	}
	f := c.Flags()
	f.BoolVar(&asJSON, "json", false, "print JSON")
	f.DurationVar(&o.Patience, "patience", time.Second, "how long the chain waits for the first piece of an answer, and for each further one")
	f.StringArrayVar(&o.Only, "only", nil, "run this scenario; may be repeated")
	f.StringVar(&o.URL, "url", "", "chat completions address of another gateway to ask instead")
	f.StringArrayVar(&headers, "header", nil, "header for that gateway, NAME: VALUE; may be repeated")
	f.StringVar(&o.AddrA, "a", "", "address of the first provider; a free port when empty")
	f.StringVar(&o.AddrB, "b", "", "address of the second provider; a free port when empty")
	return c
}

func (e *env) evalFailover(ctx context.Context, o failover.Options, asJSON bool) error {
	if !asJSON {
		o.Progress = func(r failover.Result) {
			mark := "ok  "
			if !r.OK {
				mark = "FAIL"
			}
			fmt.Fprintf(e.out, "%s %-26s %6.0f ms  %s\n", mark, r.Name, r.MS, r.Summary)
			if !r.OK {
				fmt.Fprintf(e.out, "     want: %s; got: %s\n", r.Want, r.Got)
			}
		}
	}
	o.Client = func() (failover.Client, error) { return app.ModelTransport() }
	rep, err := failover.Run(ctx, o)
	if err != nil {
		return err
	}
	if rep.N == 0 {
		return fmt.Errorf("there is no scenario %q (--only)", o.Only)
	}
	if asJSON {
		if err := e.json(rep); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(e.out, "%d of %d scenarios passed\n", rep.Passed, rep.N)
	}
	if rep.Passed != rep.N {
		return &notOK{fmt.Sprintf("%d of %d failover scenarios failed", rep.N-rep.Passed, rep.N)}
	}
	return nil
}
