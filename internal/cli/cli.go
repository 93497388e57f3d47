// Package cli is the command line of Resync. Human output is for people and may
// change; --json output is stable. Exit status: 0 ok, 1 the thing asked about is
// not ok, 2 usage or cannot run. A server that does not start says why by 2 to 6
// (app.ExitConfig and its neighbours).
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"resync/internal/app"
	"resync/internal/telemetry"
)

// Version is the release this tree becomes.
const Version = "6.0.0-dev"

// The exit statuses.
const (
	exitOK    = 0
	exitNotOK = 1
	exitUsage = 2
)

// notOK ends a command with status 1: it ran, and what it looked at is not in
// order.
type notOK struct{ text string }

func (e *notOK) Error() string { return e.text }

// env is what a command works with.
type env struct {
	in          io.Reader
	out, errOut io.Writer
}

// Run executes one command line and returns the exit status.
func Run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	root := newRoot(&env{in, out, errOut})
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	var bad *notOK
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &bad):
		if bad.text != "" {
			fmt.Fprintln(errOut, "resync: "+bad.text)
		}
		return exitNotOK
	}
	fmt.Fprintln(errOut, "resync: "+err.Error())
	var start *app.StartError
	if errors.As(err, &start) {
		return start.ExitCode()
	}
	return exitUsage
}

func newRoot(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:           "resync",
		Short:         "AI operations console for HCL/IBM Workload Automation",
		SilenceErrors: true, SilenceUsage: true,
	}
	root.AddCommand(newDemo(e), newServe(e), newSim(e), newAsk(e), newIngest(e), newChunk(e), newSearch(e), newEval(e), newToken(e), newBreaker(e), newWebhook(e), newDoctor(e), newSmoke(e), newDev(e), newVersion(e), newReadDocument(e))
	return root
}

// needs asks for at least one argument and says what is missing.
func needs(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("%s is missing: %s", what, c.UseLine())
		}
		return nil
	}
}

func newVersion(e *env) *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b := telemetry.ReadBuild(Version)
			if asJSON {
				return e.json(b)
			}
			fmt.Fprintf(e.out, "resync %s\n", Version)
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (e *env) json(v any) error {
	enc := json.NewEncoder(e.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// logger writes to the error stream, so that output can be piped.
func (e *env) logger(level, format string, secrets ...string) (*slog.Logger, error) {
	return telemetry.NewLogger(telemetry.LogConfig{Level: level, Format: format, Output: e.errOut, Redactor: telemetry.NewRedactor(secrets...)})
}
