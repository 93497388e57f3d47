package config

import (
	"slices"
	"strings"
	"time"
)

// Key documents one setting.
type Key struct {
	Name    string   // "server.addr"; engine keys have NAME for the engine's name
	Env     []string // variables that set it, the strongest first
	Kind    string   // what to write: "duration 1s to 5m", "one of text, json", …
	Default string   // "" when there is none
	Doc     string   // what it does
	Secret  bool     // never shown; in the file only as a reference
	Live    bool     // a change takes effect without a restart; in this version none does
}

// List returns every setting, in the order of the documentation.
func List() []Key {
	var out []Key
	for _, s := range specs() {
		out = append(out, Key{
			Name: strings.ReplaceAll(s.name, "*", "NAME"), Env: append([]string{s.ownVar("NAME")}, s.env...),
			Kind: s.kind.doc, Default: s.def, Doc: s.doc, Secret: s.kind.secret,
		})
	}
	return out
}

// target is what a setting is written to: the configuration and, for the keys
// below engines.*, one engine of it.
type target struct {
	*Config
	engine *Engine
	llm    *LLMTarget
	hook   *Webhook
}

// spec is one row of the table of settings.
type spec struct {
	name string   // dotted; * stands for an engine's name
	env  []string // names of the contract; for engine keys those of the engine "default"
	def  string
	kind kind
	doc  string
}

// The groups of settings that exist once for each name in the file.
const (
	engineGroup = "engines"
	targetGroup = "llm.targets"
)

// group is the group a setting belongs to; "" for one that exists once.
func (s spec) group() string {
	group, _, _ := strings.Cut(s.name, ".*.")
	if group == s.name {
		return ""
	}
	return group
}

// perEngine reports whether the setting belongs to an engine.
func (s spec) perEngine() bool { return s.group() == engineGroup }

// vars returns the variables that set this key, the strongest first. The
// contract's names stand for the engine called "default" only.
func (s spec) vars(engine string) []string {
	if s.group() != "" && engine != defaultEngine {
		return []string{s.ownVar(engine)}
	}
	return append([]string{s.ownVar(engine)}, s.env...)
}

// ownVar is the variable every key has: RESYNC_SERVER_ADDR for server.addr.
func (s spec) ownVar(engine string) string {
	return "RESYNC_" + envForm(strings.Replace(s.name, "*", engine, 1))
}

// envForm spells a name as variables are spelt.
func envForm(name string) string {
	return strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(name))
}

// specs returns the table of settings. It is built on each call because it
// holds functions that write to a Config, and nothing in this package is global.
func specs() []spec {
	return slices.Concat(serverSpecs(), embedderSpecs(), indexSpecs(), rerankerSpecs(), llmSpecs(), targetSpecs(), webhookSpecs(), engineSpecs())
}

// serverSpecs are the settings that exist once.
func serverSpecs() []spec {
	return []spec{
		{"server.addr", nil, "127.0.0.1:8080", hostPort(func(t target) *string { return &t.Server.Addr }), "Address the console and the API listen on. An address other than loopback needs TLS, here or in a proxy before it."},
		{"server.base_url", nil, "", webURL(func(t target) *string { return &t.Server.BaseURL }), "Address under which users reach the console, when it is not the one above (behind a proxy)."},
		{"server.tls.cert", nil, "", file(func(t target) *string { return &t.Server.TLS.Cert }), "PEM file with the server's certificate chain. Needs server.tls.key."},
		{"server.tls.key", nil, "", file(func(t target) *string { return &t.Server.TLS.Key }), "PEM file with the private key of the certificate."},
		{"server.secret_key", []string{"SECRET_KEY"}, "", secret(func(t target) *Secret { return &t.Server.SecretKey }), "Read and checked (32 characters at least), but without effect in this version: it signs nothing; sessions are random values kept in the database."},
		{"server.require_idempotency_key", nil, "false", boolean(func(t target) *bool { return &t.Server.RequireKey }), "Refuse requests that may act on an engine when they carry no Idempotency-Key header. The console always sends one; set this when scripts should too."},
		{"server.drain_delay", nil, "0s", duration(func(t target) *time.Duration { return &t.Server.DrainDelay }, 0, 5*time.Minute), "At a stop: how long /readyz answers 503 before the port is closed, so that a load balancer sends nobody any more."},
		{"admin.username", []string{"ADMIN_USERNAME"}, "admin", text(func(t target) *string { return &t.Admin.Username }), "Name of the first administrator."},
		{"admin.password", []string{"ADMIN_PASSWORD"}, "", secret(func(t target) *Secret { return &t.Admin.Password }), "Password of the first administrator; 8 characters at least. Without it the server prints a one-time login token at start; there is no default password."},
		{"data_dir", nil, "data", text(func(t target) *string { return &t.DataDir }), "Directory for the database, keys and caches; created with mode 0700."},
		{"database.url", []string{"DATABASE_URL"}, "", dbURL(func(t target) *Secret { return &t.Database.URL }), "sqlite:PATH or postgres://USER@HOST/NAME. Without it: sqlite:resync.db in data_dir. In the file an address with a password is refused: write a reference."},
		{"database.timeout", nil, "10s", duration(func(t target) *time.Duration { return &t.Database.Timeout }, time.Second, 5*time.Minute), "PostgreSQL only: how long its server may say nothing in the middle of a call. After that the request ends with 503, and three of them in a row open the circuit breaker of the database."},
		{"approvals.four_eyes_from", nil, "high", oneOf(func(t target) *string { return &t.Approvals.FourEyesFrom }, "low", "medium", "high", "critical"), "From this risk on an action must be approved by somebody other than the person who asked for it."},
		{"approvals.ttl", nil, "15m", duration(func(t target) *time.Duration { return &t.Approvals.TTL }, 10*time.Second, 15*time.Minute), "How long an approval can be given and used."},
		{"undo.ttl", nil, "24h", duration(func(t target) *time.Duration { return &t.Undo.TTL }, time.Minute, 30*24*time.Hour), "How long an action can be undone, if it can be undone at all."},
		{"reconcile.grace", nil, "60s", duration(func(t target) *time.Duration { return &t.Reconcile.Grace }, time.Second, time.Hour), "After an action with unknown outcome: how long the engine gets before \"not seen in the plan\" counts as \"did not happen\"."},
		{"logging.level", []string{"LOG_LEVEL"}, "info", oneOf(func(t target) *string { return &t.Logging.Level }, "debug", "info", "warn", "error"), "Least severe messages that are written."},
		{"logging.format", nil, "text", oneOf(func(t target) *string { return &t.Logging.Format }, "text", "json"), "Form of the log lines."},
		{"telemetry.otlp_endpoint", []string{"OTEL_EXPORTER_OTLP_ENDPOINT"}, "", webURL(func(t target) *string { return &t.Telemetry.Endpoint }), "Address of an OpenTelemetry collector, such as http://otel:4318; spans are sent to its /v1/traces. Without it none are made. Resync never waits for the collector."},
		{"knowledge.handbook", nil, "true", boolean(func(t target) *bool { return &t.Knowledge.Handbook }), "Search the built-in operations handbook."},
		{"policy.file", nil, "", file(func(t target) *string { return &t.Policy.File }), "Cedar policies that replace the built-in ones."},
		{"redis.url", []string{"REDIS_URL"}, "", redisURL(func(t target) *Secret { return &t.Redis.URL }), "Redis or Valkey that several servers share for caches, rate limits and news: redis://HOST:PORT/N, rediss:// with TLS, redis+sentinel://S1:26379,S2:26379/MASTER, redis+cluster://N1:6379,N2:6379, unix://PATH. Without it the memory of this process serves. In the file an address with a password is refused: write a reference."},
		{"redis.fail_fast_on_startup", []string{"REDIS_FAIL_FAST_ON_STARTUP"}, "true", boolean(func(t target) *bool { return &t.Redis.FailFast }), "Do not start while the configured Redis does not answer. With false the server starts degraded and heals when Redis comes."},
		{"redis.max_retries", []string{"REDIS_MAX_RETRIES"}, "3", integer(func(t target) *int { return &t.Redis.MaxRetries }, 0, 100), "Further attempts to reach Redis at the start. A refused password is not tried again."},
		{"redis.backoff_seconds", []string{"REDIS_BACKOFF_SECONDS"}, "500ms", seconds(func(t target) *time.Duration { return &t.Redis.Backoff }, 0, 5*time.Minute), "Pause before the first further attempt; it doubles each time, up to 5 s."},
		{"redis.health_check_interval", []string{"REDIS_HEALTH_CHECK_INTERVAL"}, "3s", seconds(func(t target) *time.Duration { return &t.Redis.CheckEvery }, 100*time.Millisecond, 5*time.Minute), "Mean time between looks at a Redis that answers and is not used. A failed call is followed by a look at once, whatever this says."},
		{"redis.strategy_file", []string{"REDIS_STRATEGY_FILE"}, "", file(func(t target) *string { return &t.Redis.StrategyFile }), "Changes to what each route does while Redis is away, in the form of config/redis_strategy.yaml. See tiers.md."},
		{"limits.chat_per_minute", nil, "60", integer(func(t target) *int { return &t.Limits.Chat }, 0, 1_000_000), "Questions a person may ask per minute; 0 does not limit."},
		{"limits.llm_per_minute", nil, "600", integer(func(t target) *int { return &t.Limits.LLM }, 0, 1_000_000), "Requests a person or token may send to the language model's endpoint per minute; 0 does not limit."},
		{"limits.llm_tokens_per_minute", nil, "0", integer(func(t target) *int { return &t.Limits.LLMTokens }, 0, 1_000_000_000), "Tokens of the language model a person may use per minute; what was used too much is waited for. 0 does not limit."},
		{"limits.actions_per_minute", nil, "600", integer(func(t target) *int { return &t.Limits.Actions }, 0, 1_000_000), "Requests that change something a person may send per minute; 0 does not limit."},
		{"default_engine", nil, "", text(func(t target) *string { return &t.Config.DefaultEngine }), "Engine that is used when none is named. Without it: the one called default, else the first in the file."},
	}
}

// engineSpecs are the settings that exist for each engine.
func engineSpecs() []spec {
	return []spec{
		{"engines.*.urls", nil, "", urls(func(t target) *[]string { return &t.engine.URLs }), "Base addresses of the master and its backups, such as https://mdm1:31116. Reads go to the first that answers; an action stays with one."},
		{"engines.*.host", []string{"TWS_HOST"}, "", host(func(t target) *string { return &t.engine.host }), "Host of the master; the short form of urls with https. Give either urls or host."},
		{"engines.*.port", []string{"TWS_PORT"}, "31116", port(func(t target) *string { return &t.engine.port }), "Port that goes with host."},
		{"engines.*.username", []string{"TWS_USER"}, "", text(func(t target) *string { return &t.engine.Username }), "User of the engine; what Resync may do there is bounded by this user's rights."},
		{"engines.*.password", []string{"TWS_PASSWORD"}, "", secret(func(t target) *Secret { return &t.engine.Password }), "Password of that user."},
		{"engines.*.token", nil, "", secret(func(t target) *Secret { return &t.engine.Token }), "JWT of the engine, instead of user name and password."},
		{"engines.*.ca_file", nil, "", file(func(t target) *string { return &t.engine.CAFile }), "PEM file with the certificates that sign the engine's, when the system does not know them."},
		{"engines.*.allow_plain_http", nil, "false", boolean(func(t target) *bool { return &t.engine.PlainHTTP }), "Permit http:// addresses outside this machine; the engine's password then travels readable."},
		{"engines.*.environment", nil, "production", oneOf(func(t target) *string { return &t.engine.Environment }, "production", "staging", "development", "disaster_recovery", "demo"), "What runs there. It raises the risk of every action; left out, the engine counts as production."},
		{"engines.*.read_only", nil, "false", boolean(func(t target) *bool { return &t.engine.ReadOnly }), "Refuse every action on this engine."},
		{"engines.*.page_size", nil, "1000", integer(func(t target) *int { return &t.engine.PageSize }, 1, 10000), "Objects per page when lists are read."},
		{"engines.*.timeout", nil, "30s", duration(func(t target) *time.Duration { return &t.engine.Timeout }, time.Second, 10*time.Minute), "Longest wait for one answer of the engine."},
	}
}
