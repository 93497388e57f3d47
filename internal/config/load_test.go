package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// loadText loads a settings file given as text, with the given environment.
func loadText(text string, env ...string) (*Config, []Warning, error) {
	return load("resync.yaml", []byte(text), readEnviron(env))
}

// mustLoad is loadText for settings that are right.
func mustLoad(t *testing.T, text string, env ...string) *Config {
	t.Helper()
	c, _, err := loadText(text, env...)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	return c
}

func TestDefaultsAlone(t *testing.T) {
	c, warnings, err := loadText("")
	if err != nil || len(warnings) > 0 {
		t.Fatalf("load of nothing: %v, warnings %v", err, warnings)
	}
	want := &Config{
		Server: Server{Addr: "127.0.0.1:8080"}, Admin: Admin{Username: "admin"}, DataDir: "data",
		Database:  Database{NewSecret("sqlite:data/resync.db"), 10 * time.Second},
		Approvals: Approvals{"high", 15 * time.Minute}, Undo: Undo{24 * time.Hour}, Reconcile: Reconcile{time.Minute},
		Logging: Logging{"info", "text"}, Knowledge: Knowledge{Handbook: true, Embedder: Embedder{Kind: "none"}, Index: Index{Kind: "in-process", Name: "resync"},
			Reranker: Reranker{Kind: "lexical", Candidates: 30, Timeout: 1500 * time.Millisecond}},
		Redis:    Redis{FailFast: true, MaxRetries: 3, Backoff: 500 * time.Millisecond, CheckEvery: 3 * time.Second},
		Limits:   Limits{Chat: 60, LLM: 600, Actions: 600},
		LLM:      LLM{Preset: "none", Budget: 30 * time.Second, Idle: 15 * time.Second, Longest: 5 * time.Minute, Rounds: 2, Phrase: true, OneCore: true},
		Webhooks: Webhooks{Attempts: 10, Keep: 24 * time.Hour},
	}
	if diff := cmp.Diff(want, c, cmpopts.IgnoreUnexported(Config{})); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

func TestFileWithSeveralEngines(t *testing.T) {
	c := mustLoad(t, `
server: {addr: "0.0.0.0:443", base_url: https://resync.bank.example/}
data_dir: /var/lib/resync
default_engine: prod
engines:
  prod:
    urls: [https://mdm1:31116/, "https://mdm2:31116"]
    username: resync
    password: env:PROD_PW
    page_size: 500
    timeout: 1m30s
  dr-site:
    host: 10.0.0.7
    environment: Disaster_Recovery
    read_only: yes
    token: os.environ/DR_TOKEN
logging: {level: WARN, format: json}
`, "PROD_PW=s3cret", "DR_TOKEN=jwt-of-dr")
	want := []Engine{
		{Name: "prod", URLs: []string{"https://mdm1:31116", "https://mdm2:31116"}, Username: "resync", Password: NewSecret("s3cret"),
			Environment: "production", PageSize: 500, Timeout: 90 * time.Second},
		{Name: "dr-site", URLs: []string{"https://10.0.0.7:31116"}, Token: NewSecret("jwt-of-dr"),
			Environment: "disaster_recovery", ReadOnly: true, PageSize: 1000, Timeout: 30 * time.Second},
	}
	if diff := cmp.Diff(want, c.Engines, cmpopts.IgnoreUnexported(Engine{})); diff != "" {
		t.Errorf("engines (-want +got):\n%s", diff)
	}
	if c.DefaultEngine != "prod" || c.Logging.Level != "warn" {
		t.Errorf("default engine %q, level %q", c.DefaultEngine, c.Logging.Level)
	}
	if got, want := c.Database.URL.Reveal(), "sqlite:/var/lib/resync/resync.db"; got != want {
		t.Errorf("database = %q, want %q", got, want)
	}
	if diff := cmp.Diff([]string{"s3cret", "jwt-of-dr"}, c.Secrets()); diff != "" {
		t.Errorf("Secrets (-want +got):\n%s", diff)
	}
}

func TestContractEnvironmentDefinesTheDefaultEngine(t *testing.T) {
	c, warnings, err := loadText("", "TWS_HOST=mdm", "TWS_PORT=9443", "TWS_USERNAME=ops", "TWS_PASSWORD=hunter22",
		"DATABASE_URL=postgres://resync:pgpw@db/resync", "ADMIN_USERNAME=ana", "ADMIN_PASSWORD=correct horse",
		"SECRET_KEY="+strings.Repeat("k", 32), "LOG_LEVEL=debug", "REDIS_URL=redis://:rpw@cache:6379/0",
		"LLM_ENDPOINT=https://llm.example/v1", "LLM_API_KEY=sk-abc")
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.Engine("")
	if err != nil {
		t.Fatal(err)
	}
	want := Engine{Name: "default", URLs: []string{"https://mdm:9443"}, Username: "ops", Password: NewSecret("hunter22"),
		Environment: "production", PageSize: 1000, Timeout: 30 * time.Second}
	if diff := cmp.Diff(want, e, cmpopts.IgnoreUnexported(Engine{})); diff != "" {
		t.Errorf("engine (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{strings.Repeat("k", 32), "correct horse", "sk-abc", "hunter22", "pgpw", "rpw"}, c.Secrets()); diff != "" {
		t.Errorf("Secrets (-want +got):\n%s", diff)
	}
	var got []string
	for _, w := range warnings {
		got = append(got, w.String())
	}
	wantWarnings := []string{
		"env TWS_USERNAME: used as TWS_USER; rename it, the name is an old one",
		"env SECRET_KEY: server.secret_key: is set, but has no effect in this version of Resync: it signs nothing; sessions are random values kept in the database",
	}
	if diff := cmp.Diff(wantWarnings, got); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestEnvironmentWinsOverFileOverDefault(t *testing.T) {
	const text = "server:\n  addr: 127.0.0.1:1\nundo:\n  ttl: 1h\nengines:\n  prod:\n    urls: [https://a]\n    username: u\n    password: env:P\n"
	c := mustLoad(t, text, "P=pp", "RESYNC_SERVER_ADDR=127.0.0.1:2", "RESYNC_ENGINES_PROD_HOST=backup",
		"RESYNC_ENGINES_PROD_PASSWORD=other")
	got := map[string]string{}
	for _, v := range c.Values() {
		switch v.Name {
		case "server.addr", "undo.ttl", "approvals.ttl", "engines.prod.urls", "engines.prod.password":
			got[v.Name] = v.Text + " (" + v.Origin.String() + ")"
		}
	}
	want := map[string]string{
		"server.addr":           "127.0.0.1:2 (env RESYNC_SERVER_ADDR)",
		"undo.ttl":              "1h (resync.yaml:4)",
		"approvals.ttl":         "15m (default)",
		"engines.prod.urls":     "https://backup:31116 (env RESYNC_ENGINES_PROD_HOST)",
		"engines.prod.password": "••• (env RESYNC_ENGINES_PROD_PASSWORD)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if pw := c.Engines[0].Password.Reveal(); pw != "other" {
		t.Errorf("password = %q, want the variable's", pw)
	}
}

func TestProblemsNameKeyAndPlace(t *testing.T) {
	const good = "engines:\n  prod:\n    urls: [https://a]\n    username: u\n    password: env:P\n"
	tests := []struct {
		name, text string
		env        []string
		want       string
	}{
		{"unknown key", "servr:\n  addr: x\n", nil, "resync.yaml:1:1: servr: unknown key; did you mean server?"},
		{"unknown nested key", "server:\n  adr: x\n", nil, "resync.yaml:2:3: server.adr: unknown key; did you mean server.addr?"},
		{"right name in the wrong place", "read_only: true\n", nil, "resync.yaml:1:1: read_only: unknown key; did you mean engines.NAME.read_only?"},
		{"nothing like it", "colour: blue\n", nil, "resync.yaml:1:1: colour: unknown key"},
		{"duplicate key", "data_dir: a\ndata_dir: b\n", nil, "resync.yaml:2:1: the key data_dir stands here a second time; the first is in line 1"},
		{"syntax", "server: {addr: [\n", nil, "resync.yaml:1"},
		{"tab", "server:\n\taddr: x\n", nil, "resync.yaml:2"},
		{"a list as the file", "- a\n", nil, "resync.yaml:1:1: the file must be keys with values"},
		{"second document", "data_dir: a\n---\ndata_dir: b\n", nil, "a second document"},
		{"anchor", "data_dir: &a x\n", nil, "resync.yaml:1:11: anchors (&name) are not supported"},
		{"alias", "data_dir: &a x\nadmin: {username: *a}\n", nil, "resync.yaml:2:19: aliases (*name) are not supported"},
		{"merge key", "server:\n  <<: {addr: x}\n", nil, "resync.yaml:2:3: merge keys (<<) are not supported"},
		{"tag", "data_dir: !!str x\n", nil, "resync.yaml:1:11: tags (!name) are not supported"},
		{"key with tag", "!!str data_dir: x\n", nil, "resync.yaml:1:1: "},
		{"complex key", "? [a]\n: b\n", nil, "resync.yaml:2:1: is not valid YAML"},
		{"key with a question mark", "? data_dir\n: b\n", nil, "resync.yaml:1:1: a key must be a plain name"},
		{"no value", "data_dir:\n", nil, "resync.yaml:1:1: data_dir: has no value"},
		{"empty value", "data_dir: \"\"\n", nil, "resync.yaml:1:1: data_dir: has no value"},
		{"scalar where keys belong", "server: x\n", nil, "resync.yaml:1:1: server: needs keys of its own below it: addr, base_url, drain_delay, require_idempotency_key, secret_key, tls"},
		{"keys where a scalar belongs", "data_dir: {a: b}\n", nil, "resync.yaml:1:1: data_dir: takes one value (text), not a group of keys"},
		{"list where a scalar belongs", "data_dir: [a]\n", nil, "data_dir: takes one value (text), not a list"},
		{"list in a list", "engines:\n  prod:\n    urls: [[a]]\n    username: u\n    password: env:P\n", []string{"P=x"}, "resync.yaml:3:12: engines.prod.urls: an entry of this list is not a text"},
		{"duration without unit", "approvals: {ttl: 15}\n", nil, `resync.yaml:1:18: approvals.ttl: "15" is not a duration`},
		{"duration out of range", "approvals: {ttl: 2h}\n", nil, "approvals.ttl: 2h is outside 10s to 15m"},
		{"not a number", good + "    page_size: 1_000\n", []string{"P=x"}, `resync.yaml:6:16: engines.prod.page_size: "1_000" is not a number 1 to 10000`},
		{"not a boolean", good + "    read_only: maybe\n", []string{"P=x"}, `engines.prod.read_only: "maybe" is not true or false`},
		{"not one of", "logging: {level: warning}\n", nil, `logging.level: "warning" is not one of debug, info, warn, error`},
		{"address with a password", "engines:\n  prod:\n    urls: [https://u:pa55@a]\n", nil, "resync.yaml:3:11: engines.prod.urls: holds a user name or password"},
		{"no scheme", "engines:\n  prod:\n    urls: [a:31116]\n", nil, "engines.prod.urls: is not an address such as"},
		{"plain http", "engines:\n  prod:\n    urls: [http://a]\n", nil, "engines.prod.urls: http://a is not encrypted"},
		{"same address twice", "engines:\n  prod:\n    urls: [https://a, https://a/]\n", nil, "names the same address twice: https://a"},
		{"urls and host", good + "    host: b\n", []string{"P=x"}, "resync.yaml:6:11: engines.prod.host: urls is given too"},
		{"engine without address", "engines:\n  prod:\n    page_size: 5\n", nil, "engines.prod.urls: the engine has no address"},
		{"engine without anything", "engines:\n  prod:\n", nil, "engines.prod.urls: the engine has no address"},
		{"engine's name", "engines:\n  \"*\":\n    host: a\n", nil, "resync.yaml:2:3: engines.*: an engine's name is a letter"},
		{"engines that share variables", "engines:\n  a-b: {host: a}\n  a_b: {host: b}\n", nil, "the engines a-b and a_b cannot be told apart"},
		{"user without password", "engines:\n  prod:\n    host: a\n    username: u\n", nil, "engines.prod.username: user name and password belong together"},
		{"password and token", good + "    token: env:P\n", []string{"P=x"}, "resync.yaml:6:12: engines.prod.token: a password is given too"},
		{"no such default engine", good + "default_engine: prud\n", []string{"P=x"}, `default_engine: there is no engine "prud"; did you mean prod?`},
		{"file that is missing", "policy: {file: /no/such.cedar}\n", nil, "resync.yaml:1:16: policy.file: cannot use the file: stat /no/such.cedar"},
		{"certificate without key", "server: {tls: {cert: /dev/null}}\n", nil, "server.tls.cert: /dev/null is not a regular file"},
		{"short secret key", "", []string{"SECRET_KEY=short"}, "env SECRET_KEY: server.secret_key: is shorter than 32 characters"},
		{"bad port in a variable", "", []string{"TWS_HOST=a", "TWS_PORT=99999"}, `env TWS_PORT: engines.default.port: "99999" is not a port`},
		{"address as host", "", []string{"TWS_HOST=https://a:31116"}, "env TWS_HOST: engines.default.host: is a whole address"},
		{"database scheme", "", []string{"DATABASE_URL=mysql://h/x"}, "env DATABASE_URL: database.url: is not sqlite:PATH or postgres://"},
		{"redis scheme", "", []string{"REDIS_URL=http://h"}, "env REDIS_URL: redis.url: is not redis://"},
		{"control character", "", []string{"RESYNC_DATA_DIR=a\x1bb"}, "env RESYNC_DATA_DIR: data_dir: contains a control character"},
		{"file value under a good variable", "server: {addr: nonsense}\n", []string{"RESYNC_SERVER_ADDR=127.0.0.1:0"}, `resync.yaml:1:16: server.addr: "nonsense" is not host:port`},
		{"not UTF-8", "data_dir: \xff\n", nil, "resync.yaml: the file is not UTF-8 text"},
		{"too long", "# " + strings.Repeat("x", maxFile), nil, "is not a settings file"},
		{"too deep in brackets", "a: " + strings.Repeat("[", 5000), nil, "resync.yaml:1:1: nested deeper than 24 levels"},
		{"too deep in dashes", strings.Repeat("- ", 5000) + "x", nil, "nested deeper than 24 levels"},
		{"too deep in spaces", "a:\n" + strings.Repeat(" ", 300) + "b: c", nil, "resync.yaml:2:1: nested deeper than 24 levels"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _, err := loadText(tt.text, tt.env...)
			if err == nil {
				t.Fatalf("accepted, want %q", tt.want)
			}
			if c != nil {
				t.Errorf("a Config came with the error")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error\n got %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestAllProblemsAreReportedInTheOrderOfTheFile(t *testing.T) {
	_, _, err := loadText("server:\n  adr: x\nundo: {ttl: 1}\ncolour: red\n", "TWS_PORT=x")
	var got []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		got = append(got, line[:strings.LastIndex(line[:strings.Index(line+": ", ": ")+1], ":")])
	}
	if diff := cmp.Diff([]string{"resync.yaml:2:3", "resync.yaml:3:13", "resync.yaml:4:1", "env TWS_PORT"}, got); diff != "" {
		t.Errorf("places (-want +got):\n%s\n%v", diff, err)
	}
	var p *Problem
	if !errors.As(err, &p) || p.Key != "server.adr" {
		t.Errorf("first problem = %+v", p)
	}
}

func TestManyProblemsAreCut(t *testing.T) {
	var text strings.Builder
	for i := range 500 {
		fmt.Fprintf(&text, "key%d: 1\n", i)
	}
	_, _, err := loadText(text.String())
	if n := strings.Count(err.Error(), "\n"); n != maxProblems || !strings.Contains(err.Error(), "more") {
		t.Errorf("error has %d lines, want %d and a remark how many follow", n+1, maxProblems+1)
	}
}

func TestWarnings(t *testing.T) {
	const good = "engines:\n  prod:\n    host: a\n    token: env:P\n"
	tests := []struct {
		name, text string
		env        []string
		want       string
	}{
		{"misspelt variable", "", []string{"RESYNC_SERVER_ADR=x"}, "env RESYNC_SERVER_ADR: no setting has this name; did you mean RESYNC_SERVER_ADDR?"},
		{"contract variables beside other engines", good, []string{"P=x", "TWS_HOST=b"}, `env TWS_HOST: ignored: it describes the engine "default"`},
		{"open without TLS", "server: {addr: \":80\"}\n", nil, "resync.yaml:1:16: server.addr: the console is open to other machines without TLS"},
		{"engine without credentials", "", []string{"TWS_HOST=a"}, "no user name, password or token is set"},
		{"allowed plain http", "engines: {p: {urls: [http://a], token: env:P, allow_plain_http: true}}", []string{"P=x"}, "http://a is not encrypted: the engine's password travels readable"},
		{"both user names", "", []string{"TWS_HOST=a", "TWS_USER=u", "TWS_USERNAME=v", "TWS_PASSWORD=p"}, "env TWS_USERNAME: ignored, because TWS_USER is set"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, warnings, err := loadText(tt.text, tt.env...)
			if err != nil {
				t.Fatal(err)
			}
			if len(warnings) != 1 || !strings.Contains(warnings[0].String(), tt.want) {
				t.Errorf("warnings = %v, want one with %q", warnings, tt.want)
			}
		})
	}
	for _, env := range [][]string{{"RESYNC_TESTDATA=x"}, {"RESYNC_CONFIG="}, {"RESYNC_SERVER_ADDR=[::1]:8080"}, {"TWS_HOST="}} {
		if _, warnings, err := loadText("", env...); err != nil || len(warnings) > 0 {
			t.Errorf("load with %v: %v, warnings %v, want none", env, err, warnings)
		}
	}
}

func TestEngineErrorsSayWhatThereIs(t *testing.T) {
	if _, err := mustLoad(t, "").Engine(""); err == nil || !strings.Contains(err.Error(), "TWS_HOST") {
		t.Errorf("no engine: %v, want how to configure one", err)
	}
	c := mustLoad(t, "engines: {prod: {host: a, token: env:P}, dr: {host: b, token: env:P}}", "P=x")
	if c.DefaultEngine != "prod" {
		t.Errorf("default engine = %q, want the first of the file", c.DefaultEngine)
	}
	if e, err := c.Engine("dr"); err != nil || e.URLs[0] != "https://b:31116" {
		t.Errorf("Engine(dr) = %+v, %v", e, err)
	}
	if _, err := c.Engine("prd"); err == nil || !strings.Contains(err.Error(), "did you mean prod? (configured: prod, dr)") {
		t.Errorf("Engine(prd): %v", err)
	}
}

func TestLoadReadsTheNamedFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "my.yaml")
	if err := os.WriteFile(path, []byte("data_dir: /d\nundo: {ttl: 1}"), 0o600); err != nil {
		t.Fatal(err)
	}
	noEnv := func() []string { return nil }
	if _, _, err := Load(LoadOptions{File: path, Env: noEnv}); err == nil || !strings.Contains(err.Error(), "my.yaml:2:13: undo.ttl") {
		t.Errorf("Load by File: %v", err)
	}
	if _, _, err := Load(LoadOptions{Env: func() []string { return []string{"RESYNC_CONFIG=" + path} }}); err == nil || !strings.Contains(err.Error(), "my.yaml") {
		t.Errorf("Load by RESYNC_CONFIG: %v", err)
	}
	for _, bad := range []string{filepath.Join(dir, "none.yaml"), dir, "/dev/zero"} {
		if _, _, err := Load(LoadOptions{File: bad, Env: noEnv}); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("Load(%s): %v, want an error that names it", bad, err)
		}
	}
	if c, _, err := Load(LoadOptions{Env: noEnv}); err != nil || c.DataDir != "data" {
		t.Errorf("Load of nothing: %+v, %v", c, err)
	}
}
