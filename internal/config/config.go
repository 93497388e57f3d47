package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Config is the settings after all layers have been merged and checked.
type Config struct {
	Engines       []Engine // in the order of the file
	DefaultEngine string   // name of the engine that is used when none is named; "" when there is none
	Server        Server
	Admin         Admin
	DataDir       string // where the database, keys and caches live
	Database      Database
	Approvals     Approvals
	Undo          Undo
	Reconcile     Reconcile
	Logging       Logging
	Telemetry     Telemetry
	Knowledge     Knowledge
	Policy        Policy
	Redis         Redis
	Limits        Limits
	LLM           LLM
	Webhooks      Webhooks

	values []Value // every key with its origin, in the order of List
}

// Engine is one workload scheduler: a master and its backups.
type Engine struct {
	Name        string
	URLs        []string // base addresses without a trailing slash, tried in this order for reads
	Username    string
	Password    Secret
	Token       Secret        // a JWT; used instead of user name and password
	CAFile      string        // PEM file with the certificates to trust besides the system's; "" is the system's alone
	PlainHTTP   bool          // http:// addresses outside this machine are allowed
	Environment string        // production, staging, development, disaster_recovery or demo
	ReadOnly    bool          // refuse every action on this engine
	PageSize    int           // objects per page of a list
	Timeout     time.Duration // for one request and its answer

	host, port string // other way to give one URL; merged into URLs by Load
}

// Server is how the console and the API are served.
type Server struct {
	Addr      string // host:port to listen on
	BaseURL   string // address as users type it; "" is derived from Addr
	TLS       TLS
	SecretKey Secret // read and checked, but this version signs nothing; Load warns
	// RequireKey refuses requests that act on an engine without an Idempotency-Key.
	RequireKey bool
	// DrainDelay is how long a stop waits, not ready any more, before it closes
	// the port, so that a load balancer has noticed.
	DrainDelay time.Duration
}

// TLS names the server's own certificate and key, both PEM. Both or none.
type TLS struct {
	Cert string
	Key  string
}

// Admin is the first administrator, created at the first start.
type Admin struct {
	Username string
	Password Secret // not set: the server prints a one-time token instead
}

// Database is where durable rows are kept.
type Database struct {
	URL     Secret        // sqlite:PATH or postgres://…; never empty after Load. A Secret because it may hold a password
	Timeout time.Duration // longest silence of a PostgreSQL server in the middle of a call
}

// Approvals are the rules for actions that need a second look.
type Approvals struct {
	FourEyesFrom string        // low, medium, high or critical: from this risk on somebody else must approve
	TTL          time.Duration // how long an approval can be given and used
}

// Undo is how long an action can be taken back.
type Undo struct {
	TTL time.Duration
}

// Reconcile is how an unknown outcome is settled.
type Reconcile struct {
	Grace time.Duration // time the engine gets before "not seen in the plan" counts as "did not happen"
}

// Logging is how logs are written.
type Logging struct {
	Level  string // debug, info, warn or error
	Format string // text or json
}

// Telemetry is where spans go.
type Telemetry struct {
	Endpoint string // base address of an OTLP collector; "" is none
}

// Knowledge is what may be searched and cited.
type Knowledge struct {
	Handbook bool // search the built-in operations handbook
	Embedder Embedder
	Index    Index
	Reranker Reranker
}

// Policy is the rules an action must pass besides risk and approval.
type Policy struct {
	File string // Cedar policies; "" is the built-in ones
}

// Redis is where several servers share caches, rate limits and news.
type Redis struct {
	URL          Secret        // not set: the memory of this process
	FailFast     bool          // do not start without it
	MaxRetries   int           // further attempts at the start
	Backoff      time.Duration // before the first of them
	CheckEvery   time.Duration // between looks at a Redis that answers
	StrategyFile string        // changes to the tiers of routes; "" is none
	Strategy     *Strategy     // what that file says; nil without one
}

// Limits are requests, or tokens, per minute and person; 0 does not limit.
type Limits struct {
	Chat      int // questions
	LLM       int // requests to the language model's endpoint
	LLMTokens int // tokens of the language model
	Actions   int // requests that change something
}

// Value is a key's value as an operator may see it.
type Value struct {
	Name   string // "engines.prod.username"
	Text   string // ••• for a secret that is set
	Origin Origin
}

// Values returns every key with its value and origin: the fixed keys in the
// order of [List], then those of each engine. Secrets are masked.
func (c *Config) Values() []Value { return slices.Clone(c.values) }

// Origin returns where the value of the named key comes from and whether there
// is such a key.
func (c *Config) Origin(name string) (Origin, bool) {
	for _, v := range c.values {
		if v.Name == name {
			return v.Origin, true
		}
	}
	return Origin{}, false
}

// Engine returns the named engine, or the default one when name is empty. The
// error says which engines there are, or how to configure one.
func (c *Config) Engine(name string) (Engine, error) {
	if len(c.Engines) == 0 {
		return Engine{}, fmt.Errorf("no engine is configured: set TWS_HOST, TWS_PORT, TWS_USER and TWS_PASSWORD, or name one under engines: in the settings file")
	}
	want := name
	if want == "" {
		want = c.DefaultEngine
	}
	names := make([]string, len(c.Engines))
	for i, e := range c.Engines {
		if e.Name == want {
			return e, nil
		}
		names[i] = e.Name
	}
	return Engine{}, fmt.Errorf("there is no engine %q%s (configured: %s)", want, didYouMean(want, names), strings.Join(names, ", "))
}

// Secrets returns the text of every secret that is set, for the log redactor.
// A database or Redis address counts by the password in it.
func (c *Config) Secrets() []string {
	all := []Secret{c.Server.SecretKey, c.Admin.Password, c.LLM.APIKey}
	for _, e := range c.Engines {
		all = append(all, e.Password, e.Token)
	}
	for _, t := range c.LLM.Targets {
		all = append(all, t.Keys...)
	}
	var out []string
	for _, s := range all {
		if !s.IsZero() && !slices.Contains(out, s.Reveal()) {
			out = append(out, s.Reveal())
		}
	}
	out = append(out, c.hookSecrets()...)
	for _, u := range []Secret{c.Database.URL, c.Redis.URL} {
		out = append(out, urlPasswords(u.Reveal())...)
	}
	return out
}
