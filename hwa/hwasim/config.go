package hwasim

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

//go:embed bank.plan
var bankPlan string

// The version profiles.
const (
	API101 = "10.1.0.1"
	API102 = "10.2.8"
)

// Outcomes of a rerun after a fault.
const (
	RerunSucc  = "succ"  // the cause was repaired: the rerun succeeds
	RerunAbend = "abend" // the rerun fails like the run before
)

// Config describes a simulation. The zero value is the demo profile.
type Config struct {
	Profile      string        // demo (3,000 jobs, 60 workstations), large (100,000/300) or stress (500,000/2,000); default demo
	Jobs         int           // jobs in the plan, overrides the profile
	Workstations int           // workstations, overrides the profile
	Seed         int64         // same seed, same night; default 1
	Speed        float64       // virtual seconds per real second while Run is active; 0 means 1, negative freezes the clock
	API          string        // "10.1.0.1" or "10.2.8" (default)
	Faults       []string      // situations to start in, see Faults
	Latency      time.Duration // real time every request waits before it is served
	ApplyDelay   time.Duration // real time between accepting a write and its effect
	ApplyVirtual time.Duration // virtual time between accepting a write and its effect (whole seconds)
	Users        []User        // default: operator, admin and viewer with generated passwords
	Start        time.Time     // virtual time at which New returns; default 2026-11-22 02:30 UTC
	RerunOutcome string        // RerunSucc (default) or RerunAbend

	plan string // plan text instead of the bank's night and the generated part; for tests
}

// Sim is a simulated engine. It is an http.Handler for /twsd/api/v2 and safe
// for concurrent use.
type Sim struct {
	cfg   Config
	epoch time.Time // virtual second 0
	day0  time.Time // midnight of the plan's day

	mu        sync.RWMutex
	now       vsec
	frac      time.Duration
	speed     float64
	heap      eventHeap
	model     *model
	jobs      []job
	streams   []stream
	joins     []join
	nets      []string
	files     []file
	prompts   []prompt
	ws        []workstation
	res       []resource
	fileIDs   map[string]int32
	promptIDs map[string]int32
	jobIDs    map[[12]byte]int32
	streamIDs map[uuid]int32
	dayDone   map[int32]bool
	order     []int32 // jobs in the plan, archived ones left out
	sorder    []int32 // the same for streams
	outcomes  map[int32]outcome
	repairs   map[int32]int32 // recovery job → job it repairs
	runNumber int32
	nextJobNo int32
	nextNo    int32 // prompt numbers
	planID    uuid
	config    map[string]setting
	users     []account
	key       []byte // signs API keys
	writes    journal
	netw      transport
	wire      *wire
}

var profileSizes = map[string][2]int{"demo": {3000, 60}, "large": {100_000, 300}, "stress": {500_000, 2000}}

func (c Config) withDefaults() (Config, error) {
	if c.Profile == "" {
		c.Profile = "demo"
	}
	size, ok := profileSizes[c.Profile]
	if !ok {
		return c, fmt.Errorf("hwasim: profile %q is unknown; want demo, large or stress", c.Profile)
	}
	if c.Jobs == 0 {
		c.Jobs = size[0]
	}
	if c.Workstations == 0 {
		c.Workstations = size[1]
	}
	if c.Seed == 0 {
		c.Seed = 1
	}
	switch {
	case c.Speed == 0:
		c.Speed = 1
	case c.Speed < 0:
		c.Speed = 0
	}
	if c.API == "" {
		c.API = API102
	}
	if c.API != API101 && c.API != API102 {
		return c, fmt.Errorf("hwasim: API version %q is unknown; want %s or %s", c.API, API101, API102)
	}
	if c.Start.IsZero() {
		c.Start = time.Date(2026, 11, 22, 2, 30, 0, 0, time.UTC)
	}
	c.Start = c.Start.UTC().Truncate(time.Second)
	if c.RerunOutcome == "" {
		c.RerunOutcome = RerunSucc
	}
	if c.RerunOutcome != RerunSucc && c.RerunOutcome != RerunAbend {
		return c, fmt.Errorf("hwasim: rerun outcome %q is unknown; want %s or %s", c.RerunOutcome, RerunSucc, RerunAbend)
	}
	return c, nil
}

// New builds the plan, plays the night up to Config.Start and puts the engine
// into the situations of Config.Faults.
func New(cfg Config) (*Sim, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Sim{cfg: cfg, speed: cfg.Speed, fileIDs: map[string]int32{}, promptIDs: map[string]int32{}, streamIDs: map[uuid]int32{},
		dayDone: map[int32]bool{}, outcomes: map[int32]outcome{}, repairs: map[int32]int32{}, runNumber: 1199, nextJobNo: 4_100_000}
	s.epoch = cfg.Start.Add(-48 * time.Hour).Truncate(24 * time.Hour)
	s.day0 = cfg.Start.Truncate(24 * time.Hour)
	s.planID = makeID("PLAN", cfg.Start.Format(time.RFC3339))
	if err := s.setUsers(); err != nil {
		return nil, err
	}
	s.config = defaultSettings()
	if err := s.build(); err != nil {
		return nil, err
	}
	s.advanceTo(s.sec(cfg.Start))
	s.wire = newWire(s)
	for _, name := range cfg.Faults {
		if _, err := s.Inject(name); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// build makes the model, the plan of the day and last night's FINAL.
func (s *Sim) build() error {
	m := newModel()
	s.model = m
	if err := s.define(); err != nil {
		return err
	}
	s.ws, s.res = m.stations, m.res
	s.now = s.sec(s.day0.Add(-45 * time.Minute))
	s.jobs = make([]job, 0, s.cfg.Jobs+64)
	s.jobIDs = make(map[[12]byte]int32, s.cfg.Jobs)
	for i := range s.ws {
		s.ws[i].run, s.ws[i].since = s.runNumber, s.now
	}
	s.instantiateSome(-1, func(d *streamDef) bool { return d.isFinal() })
	s.now++ // the previous day's FINAL stands before the day's plan
	s.instantiateSome(0, func(*streamDef) bool { return true })
	return nil
}

// define fills the model from the plan text and the generator.
func (s *Sim) define() error {
	text := bankPlan
	if s.cfg.plan != "" {
		text = s.cfg.plan
	}
	if err := s.model.parse(text); err != nil {
		return fmt.Errorf("hwasim: %w", err)
	}
	if s.cfg.plan != "" {
		return nil
	}
	return s.fill(rand.New(rand.NewPCG(uint64(s.cfg.Seed), 0x68776173696d)))
}

// isFinal reports whether the stream extends or reports on the plan itself.
func (d *streamDef) isFinal() bool { return d.name == "FINAL" || d.name == "FINALPOSTREPORTS" }
