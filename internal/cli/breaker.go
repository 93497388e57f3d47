package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

const resiliencePath = "/api/v1/admin/resilience"

// steer is what commands on a running server's circuit breakers share.
type steer struct {
	server string
	json   bool
}

func newBreaker(e *env) *cobra.Command {
	f := &steer{}
	c := &cobra.Command{
		Use: "breaker", Short: "Circuit breakers of a running server: look, switch, change their numbers",
		Long: "Look at the circuit breakers of a running server, switch them and change their numbers. The credentials are taken from RESYNC_USER and\n" +
			"RESYNC_PASSWORD, or a one-time token from RESYNC_LOGIN_TOKEN. Switching and changing needs an administrator and a reason.\n" +
			"list ends with status 1 while a breaker is open.",
	}
	c.PersistentFlags().StringVar(&f.server, "server", "", "address of the running Resync, such as http://127.0.0.1:8080")
	c.PersistentFlags().BoolVar(&f.json, "json", false, "print JSON")
	_ = c.MarkPersistentFlagRequired("server") // the flag exists
	c.AddCommand(f.list(e), f.show(e), f.settings(e), f.set(e))
	for _, s := range []struct {
		verb, short string
		timed       bool
	}{
		{"reset", "Close a breaker and count from nothing", false}, {"enable", "End force-open or disable", false},
		{"force-open", "Refuse every call, for instance during maintenance", true}, {"disable", "Let every call pass and only note when it would have opened", true},
	} {
		c.AddCommand(f.switching(e, s.verb, s.short, s.timed))
	}
	return c
}

// ask signs in and sends one request.
func (f *steer) ask(ctx context.Context, method, path string, body, into any) error {
	base := strings.TrimRight(f.server, "/")
	client, err := signIn(ctx, base)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	if err := call(ctx, client, method, base+resiliencePath+path, body, into); err != nil {
		return fmt.Errorf("asking %s: %w", base, err)
	}
	return nil
}

// breakerLine is what a person needs to know of a breaker.
type breakerLine struct {
	Name       string  `json:"name"`
	State      string  `json:"state"`
	Critical   bool    `json:"is_critical"`
	Threshold  int     `json:"threshold"`
	Recovery   float64 `json:"recovery_timeout"`
	Failures   int64   `json:"failure_count"`
	RetryAfter float64 `json:"retry_after"`
	LastError  string  `json:"last_error,omitempty"`
	Switch     struct {
		Reason string `json:"reason,omitempty"`
		By     string `json:"by,omitempty"`
	} `json:"switch,omitzero"`
	Transitions []struct {
		At    time.Time `json:"at"`
		From  string    `json:"from"`
		To    string    `json:"to"`
		Cause string    `json:"cause"`
		By    string    `json:"by,omitempty"`
	} `json:"transitions,omitempty"`
}

// why is why a breaker is not closed.
func (b breakerLine) why() string {
	switch {
	case b.State == "CLOSED":
		return ""
	case b.Switch.Reason != "":
		return b.Switch.Reason + " (" + b.Switch.By + ")"
	}
	return b.LastError
}

func (f *steer) list(e *env) *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List the breakers", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		var got struct {
			Breakers []breakerLine `json:"breakers"`
			Total    int           `json:"total"`
			Open     int           `json:"open_count"`
		}
		if err := f.ask(c.Context(), http.MethodGet, "/breakers", nil, &got); err != nil {
			return err
		}
		if f.json {
			if err := e.json(got); err != nil {
				return err
			}
		} else {
			w := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tSTATE\tOPENS AFTER\tTRIED AGAIN\tNEXT\tWHY")
			for _, b := range got.Breakers {
				next := ""
				if b.RetryAfter > 0 {
					next = fmt.Sprintf("in %.0f s", b.RetryAfter)
				}
				fmt.Fprintf(w, "%s\t%s\t%d of %d\t%s\t%s\t%s\n", b.Name, b.State, b.Failures, b.Threshold, time.Duration(b.Recovery*float64(time.Second)), next, plainText(b.why()))
			}
			if err := w.Flush(); err != nil {
				return err
			}
		}
		if got.Open > 0 {
			return &notOK{fmt.Sprintf("%d of %d circuit breakers are open", got.Open, got.Total)}
		}
		return nil
	}}
}

func (f *steer) show(e *env) *cobra.Command {
	return &cobra.Command{Use: "show NAME", Short: "One breaker with its last changes of state", Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		var b breakerLine
		if err := f.ask(c.Context(), http.MethodGet, "/breakers/"+url.PathEscape(args[0]), nil, &b); err != nil {
			return err
		}
		if f.json {
			return e.json(b)
		}
		fmt.Fprintf(e.out, "%s is %s; it opens after %d failures in a row and is tried again after %s at most\n", b.Name, b.State, b.Threshold, time.Duration(b.Recovery*float64(time.Second)))
		if why := b.why(); why != "" {
			fmt.Fprintln(e.out, "because: "+plainText(why))
		}
		for _, t := range b.Transitions {
			fmt.Fprintf(e.out, "%s  %s -> %s  %s", t.At.Local().Format(time.DateTime), t.From, t.To, plainText(t.Cause))
			if t.By != "" {
				fmt.Fprintf(e.out, " (%s)", plainText(t.By))
			}
			fmt.Fprintln(e.out)
		}
		return nil
	}}
}

func (f *steer) switching(e *env, verb, short string, timed bool) *cobra.Command {
	reason, ttl := "", time.Duration(0)
	c := &cobra.Command{Use: verb + " NAME", Short: short, Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		if ttl < 0 || ttl%time.Second != 0 {
			return errors.New("--for takes whole seconds, such as 45m")
		}
		body := map[string]any{"reason": reason}
		if ttl > 0 {
			body["ttl_seconds"] = int(ttl / time.Second)
		}
		var got struct {
			Message string `json:"message"`
			State   string `json:"new_state"`
		}
		if err := f.ask(c.Context(), http.MethodPost, "/breakers/"+url.PathEscape(args[0])+"/"+verb, body, &got); err != nil {
			return err
		}
		if f.json {
			return e.json(got)
		}
		fmt.Fprintln(e.out, got.Message)
		return nil
	}}
	c.Flags().StringVar(&reason, "reason", "", "why; stays in the breaker's history")
	_ = c.MarkFlagRequired("reason") // the flag exists
	if timed {
		c.Flags().DurationVar(&ttl, "for", 0, "after which it ends by itself; without it never")
	}
	return c
}

func (f *steer) settings(e *env) *cobra.Command {
	return &cobra.Command{Use: "settings", Short: "What administrators have set of breakers, tiers and limits, and who", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		var got map[string]any
		if err := f.ask(c.Context(), http.MethodGet, "/config", nil, &got); err != nil {
			return err
		}
		return e.json(got)
	}}
}

func (f *steer) set(e *env) *cobra.Command {
	reason, threshold, recovery, back := "", 0, time.Duration(0), false
	c := &cobra.Command{Use: "set NAME", Short: "Change the numbers of a breaker from now on", Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		numbers := map[string]any{}
		switch {
		case back && (threshold != 0 || recovery != 0):
			return errors.New("--contract goes back to the contract's numbers: give it alone")
		case !back && threshold == 0 && recovery == 0:
			return errors.New("give --threshold, --recovery or --contract")
		}
		if threshold != 0 {
			numbers["threshold"] = threshold
		}
		if recovery != 0 {
			numbers["recovery_timeout"] = recovery.Seconds()
		}
		var got struct {
			Message string   `json:"message"`
			Updated []string `json:"updated"`
		}
		if err := f.ask(c.Context(), http.MethodPost, "/config", map[string]any{"reason": reason, "breakers": map[string]any{args[0]: numbers}}, &got); err != nil {
			return err
		}
		if f.json {
			return e.json(got)
		}
		fmt.Fprintln(e.out, got.Message)
		return nil
	}}
	c.Flags().StringVar(&reason, "reason", "", "why; kept in the audit")
	c.Flags().IntVar(&threshold, "threshold", 0, "failures in a row that open it")
	c.Flags().DurationVar(&recovery, "recovery", 0, "how long it stays open at most")
	c.Flags().BoolVar(&back, "contract", false, "back to the contract's numbers")
	_ = c.MarkFlagRequired("reason") // the flag exists
	return c
}
