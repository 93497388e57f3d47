// Package api is the HTTP face of Resync: one file per resource, OpenAPI 3.1
// from the Go types, problem+json for every error (RFC 9457), server-sent events
// for what moves. Every route names its tier, the role it needs and its
// operation where it is registered; a route without one cannot be built.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"resync/breaker"
	"resync/hwa"
	"resync/internal/auth"
	"resync/internal/chat"
	"resync/internal/config"
	"resync/internal/event"
	"resync/internal/health"
	"resync/internal/knowledge"
	"resync/internal/notify"
	"resync/internal/plan"
	"resync/internal/resilience"
	"resync/internal/state"
	"resync/internal/telemetry"
	"resync/llm"
	"resync/tool"
)

// Engine is one scheduler with what works on it.
type Engine struct {
	Name        string
	Environment string
	ReadOnly    bool
	Client      *hwa.Client
	Plan        *plan.Live
	Exec        *tool.Executor
	Desk        *chat.Desk
	Now         func() time.Time // the engine's clock: a simulator has its own
	// FirstRead is closed when the plan has been read, or not, for the first time;
	// nil when nobody need wait for it.
	FirstRead <-chan struct{}
}

// News is one message to watching screens.
type News struct {
	Name string // run, approval, plan
	Data any
}

// Deps is what the API serves. All fields are required unless said otherwise.
type Deps struct {
	Engines  []*Engine // the first is the default
	Auth     *auth.Service
	Chat     *chat.Chat
	News     *event.Broker[News]
	Webhooks *notify.Outbox // who else is told; nil is nobody
	// Receivers are those of webhooks that administrators add while the program runs;
	// nil: none can be added.
	Receivers *notify.Book
	Breakers  *breaker.Registry // what /admin/resilience shows and steers
	// KeepBreaker writes down what a breaker is now, for after a restart.
	KeepBreaker func(ctx context.Context, name string) error
	Checks      *health.Runner
	Metrics     *telemetry.Metrics
	Tracing     *telemetry.Tracing // nil when no collector is set up
	Prom        http.Handler       // serves /metrics
	Console     http.Handler       // serves the browser's files
	State       *state.State       // shared caches and limits; nil is the memory of this process
	Reads       *state.Reads       // cached reads of the engines, through State; nil makes its own
	Strategy    *config.Strategy   // changes to the tiers; may be nil
	Limits      Limits
	// Resilience keeps what administrators change of breakers, tiers and limits while
	// the program runs; nil: nothing can be changed.
	Resilience *resilience.Keeper
	Audit      Audits // what was changed in Resync itself
	// Tell passes news on to the screens of all servers; may be nil.
	Tell func(News)
	// Announce is called with all routes and their tiers, and again when they change;
	// may be nil.
	Announce func([]Route)
	Answers  *Answers // cached answers from documents; nil makes its own
	// RedisFailFast is what the settings say about the start, for the status.
	RedisFailFast bool
	// LLM answers below /llm/v1; nil when no language model is set up.
	LLM *llm.Chain
	// Knowledge answers the routes below /rag. Writer phrases answers from its
	// passages; without one the passage itself is the answer. Reindex is the long
	// work on it.
	Knowledge *knowledge.Base
	Writer    knowledge.Writer
	Reindex   *knowledge.Reindexer
	// Chunking is how documents are cut that name no way of their own.
	Chunking *knowledge.ChunkSettings
	Keys     Keys // remembers requests with an Idempotency-Key
	// RequireKey refuses requests that act on an engine without an Idempotency-Key.
	RequireKey bool
	Log        *slog.Logger
	Base       context.Context // streams end with it, so that a stop does not wait for them
	Version    string
	Secure     bool          // cookies are for https only
	ReadTime   time.Duration // longest time for a request that reads; 30 s when zero
	// Draining reports that the server is stopping: /readyz then says no.
	Draining func() bool
}

// server is the API at work.
type server struct {
	Deps
	api    huma.API
	routes []Route
	tiers  *overrides
	ruled  []ruledRoute // every operation with what holds for it
	load   *load
	limits atomic.Pointer[Limits] // as they were set at run time; nil: as in Deps
}

// Route is one registered operation.
type Route struct {
	Method, Path string
	Tier         Tier
	Role         auth.Role // "" is open to everybody
	Operation    string
}

// Handler returns the whole HTTP face.
func Handler(d Deps) (http.Handler, error) {
	h, _, err := build(d)
	return h, err
}

func build(d Deps) (http.Handler, *server, error) {
	if len(d.Engines) == 0 {
		return nil, nil, errors.New("api: at least one engine is needed")
	}
	if d.Draining == nil {
		d.Draining = func() bool { return false }
	}
	if d.State == nil {
		embedded, err := state.Open(context.Background(), state.Settings{})
		if err != nil {
			return nil, nil, err
		}
		d.State = embedded
	}
	if d.Reads == nil {
		d.Reads = state.NewReads(d.State)
	}
	if d.Answers == nil {
		d.Answers = NewAnswers(d.State)
	}
	mux := http.NewServeMux()
	cfg := huma.DefaultConfig("Resync", d.Version)
	cfg.DocsPath = ""     // its pages load scripts from a CDN; ours is embedded
	cfg.CreateHooks = nil // no $schema links in answers: clients of the contract do not expect them
	cfg.OpenAPIPath = ""  // huma keeps the document without a lock; registerSystem serves it
	cfg.SchemasPath = ""  // the OpenAPI document holds them
	cfg.Transformers = append(cfg.Transformers, traced)
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: cookieName},
		"token":   {Type: "http", Scheme: "bearer", Description: "An API token, made with: resync token create"},
	}
	s := &server{Deps: d, api: humago.New(mux, cfg), tiers: newOverrides(d.Strategy), load: newLoad(d.Strategy, d.Log)}
	s.api.UseMiddleware(s.guard, s.tiered, s.once)
	s.registerAuth()
	s.registerPlan()
	s.registerChat()
	s.registerTools()
	s.registerApprovals()
	s.registerRuns()
	s.registerUndo()
	s.registerEvents()
	s.registerResilience()
	s.registerWebhooks()
	s.registerReceivers()
	s.registerRedis()
	s.registerSteering()
	s.registerDegraded()
	s.registerTokens()
	s.registerAudit()
	s.registerLLM()
	s.registerRAG()
	s.registerSystem(mux)
	if err := s.tiers.check(); err != nil {
		return nil, nil, fmt.Errorf("strategy file: %w", err)
	}
	if d.Announce != nil {
		d.Announce(s.routes)
	}
	s.steered()
	if m := s.api.OpenAPI().Components.Schemas.Map()["ErrorModel"]; m != nil {
		m.Properties["trace_id"] = &huma.Schema{Type: huma.TypeString, Description: "The id under which the log knows the request; also in X-Correlation-ID."}
	}
	mux.HandleFunc("/", s.elsewhere(mux))
	return s.wrap(mux), s, nil
}

// route describes an operation before it is registered.
type route struct {
	id      string
	method  string
	paths   []string // served alike; the first is the documented one
	summary string
	tag     string
	tier    Tier
	role    auth.Role
	secret  string  // member of the answer that is not kept for an Idempotency-Key
	key     keyRule // what an Idempotency-Key means; keyState for all that is not a GET
	errors  []int

	degraded degraded // BEST_EFFORT: what it does without the shared state; by tag and method when empty
	why      string   // CRITICAL: why it refuses without the shared state; by tag when empty
}

// add registers a handler under every path of the route.
func add[I, O any](s *server, r route, h func(context.Context, *I) (*O, error)) {
	h = bounded(s, r, h)
	live := s.ruleFor(r)
	rule := live.Load()
	for i, p := range r.paths {
		op := huma.Operation{
			OperationID: r.id, Method: r.method, Path: p, Summary: r.summary, Tags: []string{r.tag},
			Errors: append([]int{http.StatusUnauthorized, http.StatusForbidden}, r.errors...), MaxBodyBytes: 1 << 20,
			// The body has been read when an operation begins. huma's own limit of 5 s
			// would stay on the connection and end whatever takes longer.
			BodyReadTimeout: -1,
			Metadata:        map[string]any{"role": r.role, "rule": live, "key": r.keyRule(), "secret": r.secret},
			Extensions:      map[string]any{"x-resync-tier": string(rule.tier), "x-resync-role": string(r.role)},
			Hidden:          i > 0,
		}
		if i > 0 {
			op.OperationID = fmt.Sprintf("%s-alias-%d", r.id, i)
		}
		if r.keyRule() != keyNone {
			op.Parameters = append(op.Parameters, keyParam())
		}
		if r.role != "" {
			op.Security = []map[string][]string{{"session": {}}}
		}
		s.routes = append(s.routes, Route{r.method, p, rule.tier, r.role, op.OperationID})
		huma.Register(s.api, op, h)
	}
}

// both is a contract path without a prefix: served bare and under /api/v1.
func both(path string) []string { return []string{"/api/v1" + path, path} }

func one(path string) []string { return []string{path} }

// engine picks the scheduler a request names.
func (s *server) engine(name string) (*Engine, error) {
	if name == "" {
		return s.Engines[0], nil
	}
	for _, e := range s.Engines {
		if e.Name == name {
			return e, nil
		}
	}
	return nil, huma.Error404NotFound(fmt.Sprintf("there is no engine named %q", name))
}

// engineOf finds the engine a run belongs to.
func (s *server) engineOf(ctx context.Context, runID string) (*Engine, error) {
	st, err := s.Engines[0].Exec.Ledger().LoadRun(ctx, runID)
	if err != nil {
		return nil, s.problem(ctx, err)
	}
	return s.engine(st.Engine)
}

// problem turns an error of the lower floors into a problem document. Texts are
// written for operators; what is not known to be one is logged, not shown.
func (s *server) problem(ctx context.Context, err error) error {
	var status huma.StatusError
	if errors.As(err, &status) {
		return err
	}
	code := statusOf(err)
	if code == http.StatusInternalServerError {
		s.Log.ErrorContext(ctx, "request failed", "err", err)
		return huma.Error500InternalServerError("the request failed; the log has the details under trace " + telemetry.TraceID(ctx))
	}
	return retryAfter(huma.NewError(code, err.Error()), err)
}

// nowUTC is the time answers carry.
func nowUTC() time.Time { return time.Now().UTC() }
