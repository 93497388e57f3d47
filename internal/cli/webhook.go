package cli

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"resync/internal/app"
	"resync/internal/notify"
)

func newWebhook(e *env) *cobra.Command {
	c := &cobra.Command{Use: "webhook", Short: "Receivers of messages: list, try, see what was put aside, send it again"}
	c.AddCommand(newWebhookList(e), newWebhookTest(e), newWebhookFailed(e), newWebhookRedeliver(e), newWebhookSwitch(e, "off"), newWebhookSwitch(e, "on"))
	return c
}

// withWebhooks opens the receivers of the configured store for one command.
func (e *env) withWebhooks(ctx context.Context, file string, do func(*notify.Outbox) error) error {
	cfg, err := e.load(file)
	if err != nil {
		return err
	}
	log, err := e.logger("error", cfg.Logging.Format, cfg.Secrets()...)
	if err != nil {
		return err
	}
	out, done, err := app.Webhooks(ctx, app.Options{Config: cfg, Log: log})
	if err != nil {
		return err
	}
	return errors.Join(do(out), done())
}

// me is who sits at the terminal, for the audit.
func me() string {
	u, err := user.Current()
	if err != nil {
		return "the command line"
	}
	return u.Username + " (command line)"
}

func newWebhookList(e *env) *cobra.Command {
	file, asJSON := "", false
	c := &cobra.Command{
		Use: "list", Short: "List the receivers and how they are", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return e.withWebhooks(c.Context(), file, func(out *notify.Outbox) error {
				list, err := out.Targets(c.Context())
				if err != nil {
					return err
				}
				if asJSON {
					return e.json(list)
				}
				return e.showTargets(list)
			})
		},
	}
	webhookFlags(c, &file, &asJSON)
	return c
}

func webhookFlags(c *cobra.Command, file *string, asJSON *bool) {
	c.Flags().StringVar(file, "config", "", "settings file; RESYNC_CONFIG when empty")
	c.Flags().BoolVar(asJSON, "json", false, "print JSON")
}

func (e *env) showTargets(list []notify.Status) error {
	if len(list) == 0 {
		fmt.Fprintln(e.out, "No receiver is configured. Name one under webhooks.targets in the settings file, or add one in the console; docs/webhooks.md shows how.")
		return nil
	}
	w := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tFORMAT\tSIGNED\tHOST\tWAITING\tPUT ASIDE\tSTATE")
	for _, t := range list {
		state := "on"
		if t.Off != nil {
			state = "off: " + plainText(t.Off.Reason)
		}
		fmt.Fprintf(w, "%s\t%s\t%t\t%s\t%d\t%d\t%s\n", t.Name, t.Format, t.Signed, t.Host, t.Waiting, t.Failed, state)
	}
	return w.Flush()
}

func newWebhookTest(e *env) *cobra.Command {
	file, asJSON := "", false
	c := &cobra.Command{
		Use: "test NAME", Short: "Send a receiver a message of type test now; exit status 1 when it does not take it", Args: needs("NAME"),
		RunE: func(c *cobra.Command, args []string) error {
			return e.withWebhooks(c.Context(), file, func(out *notify.Outbox) error {
				got, err := out.Try(c.Context(), args[0], me())
				if err != nil {
					return err
				}
				if asJSON {
					if err := e.json(got); err != nil {
						return err
					}
				}
				took := time.Duration(got.Seconds * float64(time.Second)).Round(time.Millisecond)
				if !got.OK {
					return &notOK{fmt.Sprintf("%s did not take the message after %s: %s", got.Target, took, got.Error)}
				}
				if !asJSON {
					fmt.Fprintf(e.out, "%s took message %s with status %d after %s\n", got.Target, got.ID, got.Status, took)
				}
				return nil
			})
		},
	}
	webhookFlags(c, &file, &asJSON)
	return c
}

func newWebhookFailed(e *env) *cobra.Command {
	file, target, limit, asJSON := "", "", 50, false
	c := &cobra.Command{
		Use: "failed", Short: "List messages that were put aside, newest first", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return e.withWebhooks(c.Context(), file, func(out *notify.Outbox) error {
				list, err := out.Failed(c.Context(), target, limit)
				if err != nil {
					return err
				}
				if asJSON {
					return e.json(list)
				}
				return e.showDeliveries(list)
			})
		},
	}
	webhookFlags(c, &file, &asJSON)
	c.Flags().StringVar(&target, "target", "", "only those of this receiver")
	c.Flags().IntVarP(&limit, "limit", "n", limit, "at most so many, up to 1000")
	return c
}

func (e *env) showDeliveries(list []notify.Delivery) error {
	if len(list) == 0 {
		fmt.Fprintln(e.out, "No message was put aside.")
		return nil
	}
	w := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tTARGET\tTYPE\tWHEN\tATTEMPTS\tWHY\tTITLE")
	for _, d := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", d.ID, d.Target, d.Kind, d.At.Format(time.RFC3339), d.Attempts, plainText(d.Error), plainText(d.Title))
	}
	return w.Flush()
}

func newWebhookRedeliver(e *env) *cobra.Command {
	file, target, all, asJSON := "", "", false, false
	c := &cobra.Command{
		Use: "redeliver [ID…]", Short: "Send messages again, with their ids; a running server sends them",
		RunE: func(c *cobra.Command, ids []string) error {
			if (len(ids) == 0) != all {
				return errors.New("name the messages (resync webhook failed lists them), or say --all")
			}
			return e.withWebhooks(c.Context(), file, func(out *notify.Outbox) error {
				n := len(ids)
				for _, id := range ids {
					if _, err := out.Redeliver(c.Context(), id, me()); err != nil {
						return err
					}
				}
				if all {
					var err error
					if n, err = out.RedeliverAll(c.Context(), target, me()); err != nil {
						return err
					}
				}
				if asJSON {
					return e.json(map[string]int{"messages": n})
				}
				fmt.Fprintf(e.out, "%d messages are sent again by the running server\n", n)
				return nil
			})
		},
	}
	webhookFlags(c, &file, &asJSON)
	c.Flags().BoolVar(&all, "all", false, "all that were put aside, up to 1000")
	c.Flags().StringVar(&target, "target", "", "with --all: only those of this receiver")
	return c
}

// newWebhookSwitch is off and on.
func newWebhookSwitch(e *env, verb string) *cobra.Command {
	file, reason, asJSON := "", "", false
	c := &cobra.Command{
		Use: verb + " NAME", Short: map[string]string{"off": "Send a receiver nothing any more", "on": "Send a receiver messages again"}[verb], Args: needs("NAME"),
		RunE: func(c *cobra.Command, args []string) error {
			if strings.TrimSpace(reason) == "" {
				return errors.New("say why: --reason must not be empty")
			}
			return e.withWebhooks(c.Context(), file, func(out *notify.Outbox) error {
				do := out.SwitchOn
				if verb == "off" {
					do = out.SwitchOff
				}
				st, err := do(c.Context(), args[0], reason, me())
				if err != nil {
					return err
				}
				if asJSON {
					return e.json(st)
				}
				fmt.Fprintf(e.out, "%s is %s\n", st.Name, verb)
				return nil
			})
		},
	}
	webhookFlags(c, &file, &asJSON)
	c.Flags().StringVar(&reason, "reason", "", "why; kept in the audit")
	return c
}
