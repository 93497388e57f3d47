package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"resync/internal/app"
	"resync/internal/config"
	"resync/internal/health"
)

// checkFlags are the options of doctor and smoke.
type checkFlags struct {
	json, demo, all, strict bool
	config, server          string
	skip                    []string
	stage                   stageOptions
}

func newDoctor(e *env) *cobra.Command {
	return e.checkCommand(health.Select{Deep: true}, "doctor", "Look at everything a server needs, name what is wrong and how to put it right",
		"Look at everything a server needs and name what is wrong and how to put it right. Nothing is changed: no database is made, no row, no\n"+
			"account. Works while the server is down, and beside a running one.")
}

func newSmoke(e *env) *cobra.Command {
	return e.checkCommand(health.Select{SmokeOnly: true}, "smoke", "Run the sixteen smoke tests on the real parts",
		"Run the sixteen smoke tests on the real parts of a server. Those that are critical also gate the start of 'resync serve'.")
}

func (e *env) checkCommand(sel health.Select, name, short, long string) *cobra.Command {
	var f checkFlags
	c := &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs,
		Long: long + "\n\nThe status is 0 when nothing failed, 1 when something did, 2 when it could not be looked. Warnings count as failures with --strict.\n" +
			"With --server the credentials are taken from RESYNC_USER and RESYNC_PASSWORD, or a one-time token from RESYNC_LOGIN_TOKEN; an administrator is needed.",
		RunE: func(c *cobra.Command, _ []string) error { return e.check(c.Context(), f, sel) },
	}
	f.stage.sim.register(c)
	fs := c.Flags()
	fs.StringVar(&f.config, "config", "", "settings file; RESYNC_CONFIG when empty")
	fs.StringVar(&f.server, "server", "", "ask a running Resync at this address to look at itself")
	fs.BoolVar(&f.demo, "demo", false, "look at a simulated engine and a server made for this")
	fs.BoolVar(&f.json, "json", false, "print JSON")
	fs.BoolVar(&f.all, "all", name == "smoke", "list what is in order too")
	fs.BoolVar(&f.strict, "strict", false, "warnings count as failures")
	fs.StringArrayVar(&f.skip, "skip", nil, "name of a check to leave out, as --json shows it; may be repeated")
	return c
}

func (e *env) check(ctx context.Context, f checkFlags, sel health.Select) error {
	if f.demo && f.server != "" {
		return errors.New("give either --demo or --server, not both")
	}
	sel.Exclude = f.skip
	suite, err := e.suite(ctx, f, sel)
	if err != nil {
		return err
	}
	if f.json {
		err = e.json(suite)
	} else {
		err = suite.WriteText(e.out, !f.all)
	}
	if err == nil && (!suite.Success || f.strict && suite.Warnings > 0) {
		return &notOK{}
	}
	return err
}

func (e *env) suite(ctx context.Context, f checkFlags, sel health.Select) (health.Suite, error) {
	switch {
	case f.server != "":
		return serverSuite(ctx, f.server, sel)
	case f.demo:
		f.stage.noConsole = true
		s, err := newStage(ctx, f.stage)
		if err != nil {
			return health.Suite{}, err
		}
		defer s.Close()
		return s.app.Check(ctx, sel).Suite(), nil
	}
	file := f.config
	if file == "" {
		file = os.Getenv("RESYNC_CONFIG")
	}
	cfg, warnings, err := config.Load(config.LoadOptions{File: file})
	rep, err := app.Doctor(ctx, app.Options{Config: cfg, Version: Version, NoConsole: true, Settings: app.Settings{File: file, Err: err, Warnings: warnings}}, sel)
	return rep.Suite(), err
}

// serverSuite asks a running server to look at itself.
func serverSuite(ctx context.Context, base string, sel health.Select) (health.Suite, error) {
	var suite health.Suite
	base = strings.TrimRight(base, "/")
	client, err := signIn(ctx, base)
	if err != nil {
		return suite, err
	}
	path := "/api/v1/admin/doctor"
	if sel.SmokeOnly {
		path = "/api/v1/admin/smoke"
	}
	for i, name := range sel.Exclude {
		path += map[bool]string{true: "?", false: "&"}[i == 0] + "exclude=" + name
	}
	if err := call(ctx, client, http.MethodGet, base+path, nil, &suite); err != nil {
		return suite, fmt.Errorf("asking %s: %w", base, err)
	}
	return suite, nil
}
