package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"resync/hwa/hwasim"
	"resync/internal/app"
	"resync/internal/config"
)

// simFlags are the options of every command that runs a simulated engine.
type simFlags struct {
	profile      string
	jobs         int
	workstations int
	speed        float64
	seed         int64
	api          string
	faults       []string
}

func (f *simFlags) register(c *cobra.Command) {
	fs := c.Flags()
	fs.StringVar(&f.profile, "profile", "demo", "size of the plan: demo (3,000 jobs), large (100,000) or stress (500,000)")
	fs.IntVar(&f.jobs, "jobs", 0, "jobs in the plan; 0 is the profile's number")
	fs.Float64Var(&f.speed, "speed", 20, "virtual seconds per second")
	fs.Int64Var(&f.seed, "seed", 1, "the same seed gives the same night")
	fs.StringVar(&f.api, "api", hwasim.API102, "version of the API to simulate: "+hwasim.API101+" or "+hwasim.API102)
	fs.StringArrayVar(&f.faults, "fault", nil, "situation to start in; may be repeated ('resync sim --faults' lists them)")
}

func (f *simFlags) config() hwasim.Config {
	return hwasim.Config{Profile: f.profile, Jobs: f.jobs, Workstations: f.workstations, Seed: f.seed, Speed: f.speed, API: f.api,
		Faults: f.faults, ApplyDelay: 300 * time.Millisecond}
}

// stage is a simulated engine on a port of its own with a Resync in front of
// it, as the demo and the tests use it. Everything between the two travels over
// HTTP.
type stage struct {
	sim    *hwasim.Sim
	app    *app.App
	addr   string // of the simulated engine
	srv    *http.Server
	cancel context.CancelFunc
	dir    string // temporary data directory, "" when the caller gave one
}

type stageOptions struct {
	sim       simFlags
	dataDir   string
	noConsole bool
	console   string // folder of the console's sources, "" for the embedded ones
	log       *slog.Logger
	manuals   []string
}

// newStage starts both. Close stops them and removes what was temporary.
func newStage(ctx context.Context, o stageOptions) (*stage, error) {
	sim, err := hwasim.New(o.sim.config())
	if err != nil {
		return nil, fmt.Errorf("simulated engine: %w", err)
	}
	s := &stage{sim: sim}
	if err := s.listen(ctx); err != nil {
		return nil, err
	}
	if o.dataDir == "" {
		if s.dir, err = os.MkdirTemp("", "resync-demo-"); err != nil {
			return nil, errors.Join(fmt.Errorf("making a temporary data directory: %w", err), s.Close())
		}
		o.dataDir = s.dir
	}
	s.app, err = app.New(ctx, app.Options{
		Config: demoConfig(sim, s.addr, o.dataDir), Version: Version, Log: o.log, NoConsole: o.noConsole, ConsoleDir: o.console,
		Clocks: map[string]func() time.Time{"demo": sim.Now}, SyncEvery: 2 * time.Second,
	})
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if len(o.manuals) > 0 {
		if _, err := s.app.Ingest(ctx, o.manuals, nil); err != nil {
			return nil, errors.Join(fmt.Errorf("ingesting (--manuals): %w", err), s.Close())
		}
	}
	return s, nil
}

func (s *stage) listen(ctx context.Context) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("opening a port for the simulated engine: %w", err)
	}
	s.addr = ln.Addr().String()
	s.srv = &http.Server{Handler: s.sim, ReadHeaderTimeout: 5 * time.Second}
	ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go s.srv.Serve(ln) //nolint:errcheck // ends with Close
	go s.sim.Run(ctx)  //nolint:errcheck // ends with ctx
	return nil
}

// demoConfig points Resync at the simulated engine. One person may approve up
// to HIGH there, so that the demo works alone; CRITICAL needs two others as
// everywhere.
func demoConfig(sim *hwasim.Sim, addr, dir string) *config.Config {
	return &config.Config{
		Engines: []config.Engine{{
			Name: "demo", URLs: []string{"http://" + addr}, Username: sim.DefaultUser(), Password: config.NewSecret(sim.DefaultPassword()),
			Environment: "demo", PageSize: 1000, Timeout: 30 * time.Second,
		}},
		DefaultEngine: "demo", DataDir: dir,
		Database:  config.Database{URL: config.NewSecret("sqlite:" + filepath.Join(dir, "resync.db"))},
		Approvals: config.Approvals{FourEyesFrom: "critical", TTL: 15 * time.Minute},
		Undo:      config.Undo{TTL: 24 * time.Hour}, Reconcile: config.Reconcile{Grace: 20 * time.Second},
		Knowledge: config.Knowledge{Handbook: true},
	}
}

// Close stops the app and the engine.
func (s *stage) Close() error {
	var errs []error
	if s.app != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		errs = append(errs, s.app.Close(ctx))
	}
	if s.cancel != nil {
		s.cancel()
	}
	if s.srv != nil {
		errs = append(errs, s.srv.Close())
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}
