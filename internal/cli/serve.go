package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"resync/hwa/hwasim"
	"resync/internal/app"
	"resync/internal/auth"
	"resync/internal/config"
)

func newDemo(e *env) *cobra.Command {
	var o stageOptions
	addr, level := "127.0.0.1:8080", "warn"
	c := &cobra.Command{
		Use: "demo", Short: "A simulated engine, the server and the console, on this machine alone", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if len(o.sim.faults) == 0 {
				o.sim.faults = []string{"job-abend"}
			}
			return e.demo(c.Context(), addr, level, o)
		},
	}
	o.sim.register(c)
	c.Flags().StringVar(&addr, "addr", addr, "address to listen on; port 0 takes a free one")
	c.Flags().StringVar(&o.dataDir, "data-dir", "", "keep the demo's data here; a temporary directory when empty")
	c.Flags().StringArrayVar(&o.manuals, "manuals", nil, "file or folder of manuals to ingest at start; may be repeated")
	c.Flags().StringVar(&o.console, "console", "", "for developers: folder of the console's sources, bundled anew for each page")
	c.Flags().StringVar(&level, "log", level, "debug, info, warn or error")
	return c
}

func (e *env) demo(ctx context.Context, addr, level string, o stageOptions) error {
	log, err := e.logger(level, "text")
	if err != nil {
		return err
	}
	o.log = log
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listening on %s (--addr): %w", addr, err)
	}
	s, err := newStage(ctx, o)
	if err != nil {
		ln.Close()
		return err
	}
	defer s.Close()
	url, err := s.app.LoginURL(ctx, "http://"+ln.Addr().String(), "operator", auth.NewRoles(auth.Approver))
	if err != nil {
		ln.Close()
		return err
	}
	fmt.Fprintf(e.out, "Resync demo: a simulated engine at %s, nothing leaves this machine.\n", s.addr)
	fmt.Fprintf(e.out, "Open this once within 15 minutes: %s\n", url)
	fmt.Fprintln(e.out, "Ask for example: Why did PAYROLL_NET abend and what does it block?")
	return s.app.Serve(ctx, ln)
}

func newServe(e *env) *cobra.Command {
	file, addr := "", ""
	c := &cobra.Command{
		Use: "serve", Short: "Serve the console and the API for the configured engines", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return e.serve(c.Context(), file, addr) },
	}
	c.Flags().StringVar(&file, "config", "", "settings file; RESYNC_CONFIG when empty")
	c.Flags().StringVar(&addr, "addr", "", "address to listen on instead of server.addr")
	return c
}

// load reads the settings and prints their warnings.
func (e *env) load(file string) (*config.Config, error) {
	cfg, warnings, err := config.Load(config.LoadOptions{File: file})
	for _, w := range warnings {
		fmt.Fprintln(e.errOut, "resync: warning: "+w.String())
	}
	return cfg, err
}

func (e *env) serve(ctx context.Context, file, addr string) error {
	cfg, err := e.load(file)
	if err != nil {
		return err
	}
	if addr != "" {
		cfg.Server.Addr = addr
	}
	log, err := e.logger(cfg.Logging.Level, cfg.Logging.Format, cfg.Secrets()...)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", cfg.Server.Addr)
	if err != nil {
		return &app.StartError{Phase: "port", Err: fmt.Errorf("listening on %s (server.addr): %w", cfg.Server.Addr, err)}
	}
	a, err := app.New(ctx, app.Options{Config: cfg, Version: Version, Log: log, Settings: app.Settings{File: file}, OwnProcess: true})
	if err != nil {
		ln.Close()
		return err
	}
	if err := a.Gate(ctx); err != nil {
		ln.Close()
		return errors.Join(err, a.Close(context.WithoutCancel(ctx)))
	}
	if err := e.firstLogin(ctx, a, cfg, ln); err != nil {
		ln.Close()
		return err
	}
	return a.Serve(ctx, ln)
}

// firstLogin prints a one-time address while nobody has an account.
func (e *env) firstLogin(ctx context.Context, a *app.App, cfg *config.Config, ln net.Listener) error {
	base := cfg.Server.BaseURL
	if base == "" {
		scheme := "http://"
		if cfg.Server.TLS.Cert != "" {
			scheme = "https://"
		}
		base = scheme + ln.Addr().String()
	}
	fmt.Fprintf(e.out, "Resync serves on %s\n", base)
	some, err := a.HasAccounts(ctx)
	if err != nil || some {
		return err
	}
	url, err := a.LoginURL(ctx, base, "admin", auth.NewRoles(auth.Admin))
	if err != nil {
		return err
	}
	fmt.Fprintf(e.out, "Nobody has an account yet. Open this once within 15 minutes to sign in as admin: %s\n", url)
	return nil
}

func newSim(e *env) *cobra.Command {
	var f simFlags
	addr, list := "127.0.0.1:31116", false
	c := &cobra.Command{
		Use: "sim", Short: "A simulated engine that speaks the REST API V2", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if list {
				return e.listFaults()
			}
			return e.sim(c.Context(), addr, f)
		},
	}
	f.register(c)
	c.Flags().StringVar(&addr, "addr", addr, "address to listen on")
	c.Flags().BoolVar(&list, "faults", false, "list the situations --fault takes")
	return c
}

func (e *env) listFaults() error {
	w := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
	for _, f := range hwasim.Faults() {
		fmt.Fprintf(w, "%s\t%s\n", f.Name, f.Summary)
	}
	return w.Flush()
}

func (e *env) sim(ctx context.Context, addr string, f simFlags) error {
	sim, err := hwasim.New(f.config())
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listening on %s (--addr): %w", addr, err)
	}
	mux := http.NewServeMux()
	mux.Handle("/twsd/", sim)
	mux.Handle("/sim/", sim.Control())
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	fmt.Fprintf(e.out, "Simulated engine (%s, API %s) at http://%s/twsd/api/v2\n", f.profile, f.api, ln.Addr())
	fmt.Fprintf(e.out, "User %s, password %s\n", sim.DefaultUser(), sim.DefaultPassword())
	if len(f.faults) > 0 {
		fmt.Fprintf(e.out, "Situations: %s\n", strings.Join(f.faults, ", "))
	}
	failed := make(chan error, 2)
	go func() { failed <- srv.Serve(ln) }()
	go func() { failed <- sim.Run(ctx) }()
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	srv.Close()
	if ctx.Err() != nil {
		return nil // asked to stop
	}
	return err
}
