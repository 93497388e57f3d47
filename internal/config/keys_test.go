package config

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite docs/configuration.md")

// sample returns a value of the kind that is not the key's default.
func sample(t *testing.T, k Key) string {
	t.Helper()
	switch {
	case k.Kind == "secret":
		return strings.Repeat("s", minSecretKey)
	case k.Kind == "path of a file":
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	case strings.HasPrefix(k.Kind, "one of "):
		for w := range strings.SplitSeq(strings.TrimPrefix(k.Kind, "one of "), ", ") {
			if w != k.Default {
				return w
			}
		}
	case strings.HasPrefix(k.Kind, "duration"):
		return "1m1s"
	case strings.HasPrefix(k.Kind, "number"):
		return "77"
	case k.Kind == "true or false":
		return map[string]string{"true": "false", "false": "true"}[k.Default]
	}
	return map[string]string{
		"text": "word", "US dollars": "0.05", "list of secrets": strings.Repeat("s", minSecretKey), "list of text": "a, b", "list of events": "job.abend", "https:// address": "https://x/" + mask, "host:port": "127.0.0.1:77", "host name": "mdm",
		"http:// or https:// address": "https://x.example", "list of https:// addresses": "https://x",
		"sqlite:PATH or postgres:// address": "sqlite:x.db", "redis:// address": "redis://h/0", "postgres:// or http(s):// address": "http://h:6333",
	}[k.Kind]
}

// Defect 22: settings without a reader, untyped, any key accepted. Here every
// key of the list reaches the Config through each of its variables and through
// the file.
func TestDefect22_EveryKeyReachesTheConfig(t *testing.T) {
	for _, k := range List() {
		name := strings.Replace(k.Name, "NAME", defaultEngine, 1)
		want := sample(t, k)
		if want == "" {
			t.Errorf("%s: no sample for the kind %q", k.Name, k.Kind)
			continue
		}
		for _, env := range k.Env {
			env = strings.Replace(env, "_NAME_", "_DEFAULT_", 1)
			t.Run(env, func(t *testing.T) { reaches(t, name, want, k.Secret, "", env+"="+want) })
		}
		ref := want
		if k.Secret && !strings.Contains(want, ":") {
			ref = "env:SAMPLE"
		}
		t.Run(name+" in the file", func(t *testing.T) { reaches(t, name, want, k.Secret, nested(name, ref), "SAMPLE="+want) })
	}
}

// nested writes a dotted key as YAML.
func nested(key, value string) string {
	var b strings.Builder
	parts := strings.Split(key, ".")
	for i, p := range parts {
		b.WriteString(strings.Repeat(" ", i) + p + ":")
		if i < len(parts)-1 {
			b.WriteString("\n")
		}
	}
	return b.String() + " " + value + "\n"
}

// reaches checks that a setting is shown with its value and does not come from
// the default. Cross-checks (an engine needs an address) are beside the point.
func reaches(t *testing.T, name, want string, secret bool, text string, env ...string) {
	t.Helper()
	l := &loader{cfg: &Config{}, env: readEnviron(env), specs: specs(), report: &report{}, values: map[string]value{}, used: map[string]bool{}}
	if text != "" {
		l.readFile("resync.yaml", []byte(text))
	}
	l.addEngines()
	l.addTargets()
	l.addWebhook()
	l.readEnv()
	l.assign()
	if err := l.err(); err != nil {
		t.Fatal(err)
	}
	for _, v := range l.cfg.Values() {
		if v.Name != name {
			continue
		}
		if secret && !strings.Contains(want, ":") {
			want = mask
		}
		if v.Text != want || v.Origin.Layer == Default {
			t.Errorf("%s = %q from %v, want %q", name, v.Text, v.Origin, want)
		}
		return
	}
	t.Errorf("Values has no %s", name)
}

func TestListIsComplete(t *testing.T) {
	seen := map[string]string{}
	for _, k := range List() {
		if !strings.HasSuffix(k.Doc, ".") || k.Kind == "" || len(k.Env) == 0 {
			t.Errorf("%s: kind %q, env %v, doc %q: want all of them, the doc a sentence", k.Name, k.Kind, k.Env, k.Doc)
		}
		for _, e := range append(k.Env, k.Name) {
			if seen[e] != "" {
				t.Errorf("%s names both %s and %s", e, seen[e], k.Name)
			}
			seen[e] = k.Name
		}
		if regexp.MustCompile(`(password|token|secret_key|api_key)$`).MatchString(k.Name) && !k.Secret {
			t.Errorf("%s is not a secret", k.Name)
		}
	}
	for _, contract := range []string{"TWS_HOST", "TWS_PORT", "TWS_USER", "TWS_PASSWORD", "DATABASE_URL", "REDIS_URL",
		"LLM_ENDPOINT", "LLM_API_KEY", "ADMIN_USERNAME", "ADMIN_PASSWORD", "SECRET_KEY"} {
		if seen[contract] == "" {
			t.Errorf("the contract's %s sets nothing", contract)
		}
	}
	if got, want := len(mustLoad(t, "", "TWS_HOST=a", "RESYNC_LLM_TARGETS_DEFAULT_MODEL=m", "RESYNC_LLM_TARGETS_DEFAULT_BASE_URL=http://h", "RESYNC_WEBHOOKS_TARGETS_DEFAULT_URL=https://h").Values()), len(List()); got != want {
		t.Errorf("Values has %d keys with one engine, one model and one receiver, List %d", got, want)
	}
}

// Defect 24: constant JWT secret as a fallback, demo users, weak passwords.
func TestDefect24_NothingSecretHasADefault(t *testing.T) {
	for _, k := range List() {
		if k.Secret && k.Default != "" {
			t.Errorf("%s is a secret and has the default %q", k.Name, k.Default)
		}
	}
	c := mustLoad(t, "")
	if !c.Server.SecretKey.IsZero() || !c.Admin.Password.IsZero() {
		t.Error("a key or a password exists although none was set")
	}
	if !loopback(c.Server.Addr) {
		t.Errorf("listens on %s by default, want this machine only", c.Server.Addr)
	}
	for _, pw := range []string{"admin", "Password", "Password1!", "password123", "change_me_please", "changeme2026", "short", "admin123", "12345678", "operator1"} {
		if _, _, err := loadText("", "ADMIN_USERNAME=operator1", "ADMIN_PASSWORD="+pw); err == nil || strings.Contains(err.Error(), pw+" ") {
			t.Errorf("administrator's password %q: error %v, want a refusal that does not repeat it", pw, err)
		}
	}
	if _, _, err := loadText("", "ADMIN_PASSWORD=correct horse battery"); err != nil {
		t.Errorf("a good password is refused: %v", err)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"server", "engines", "approvals", "data_dir", "undo"}
	for in, want := range map[string]string{
		"sevrer": "server", "Servers": "server", "engine": "engines", "aprovals": "approvals", "datadir": "data_dir",
		"udno": "undo", "x": "", "completely": "", strings.Repeat("s", 5000): "",
	} {
		if got := nearest(in, names); got != want {
			t.Errorf("nearest(%.20q) = %q, want %q", in, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3}} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("distance(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
		if got := distance(tt.b, tt.a); got != tt.want {
			t.Errorf("distance(%q, %q) = %d, want %d", tt.b, tt.a, got, tt.want)
		}
	}
}

func TestShortDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		15 * time.Minute: "15m", 24 * time.Hour: "24h", time.Minute: "1m", 90 * time.Second: "1m30s", 10 * time.Second: "10s",
		10 * time.Minute: "10m", 20 * time.Hour: "20h", time.Hour + time.Minute: "1h1m", 100 * time.Millisecond: "100ms",
	} {
		got := shortDuration(d)
		if got != want {
			t.Errorf("shortDuration(%v) = %q, want %q", d, got, want)
		}
		if back, err := time.ParseDuration(got); err != nil || back != d {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", got, back, err, d)
		}
	}
}

// example is the settings file shown in the documentation.
const example = `server:
  addr: 0.0.0.0:8443
  base_url: https://resync.bank.example
  tls: {cert: /etc/resync/tls.crt, key: /etc/resync/tls.key}
data_dir: /var/lib/resync
engines:
  prod:
    urls: [https://mdm1.bank.example:31116, https://mdm2.bank.example:31116]
    username: resync
    password: env:PROD_PASSWORD
    ca_file: /etc/resync/mdm-ca.pem
    environment: production
  staging:
    host: mdm-stg.bank.example
    token: file:/run/secrets/staging_token
    environment: staging
    read_only: true
default_engine: prod
approvals:
  four_eyes_from: medium
logging: {format: json}
llm:
  targets:
    gpt-4o: {provider: openai, model: gpt-4o, keys: [os.environ/OPENAI_API_KEY]}
    local: {provider: ollama, model: "qwen2.5:3b"}
  limits: {user_day: 2.5}
`

// configDocs is docs/configuration.md, from the table of settings.
func configDocs() string {
	var b strings.Builder
	b.WriteString("# Configuration\n\n<!-- Generated by `go test ./internal/config -run TestConfigDocs -update`; do not edit. -->\n\n" +
		"Settings come from three layers; the higher one wins: **environment** over **file** over **default**.\n\n" +
		"- The file is named by `resync serve --config FILE` or by `RESYNC_CONFIG`. Unknown keys, duplicate keys, anchors and tags are refused with file, line and column.\n" +
		"- Every key has the variable `RESYNC_` plus its name in capitals, with `_` for `.` and `-`. The names of the contract (`TWS_HOST`, `DATABASE_URL`, …) work too. An empty variable counts as not set. Lists are separated by commas.\n" +
		"- `TWS_HOST`, `TWS_PORT`, `TWS_USER` and `TWS_PASSWORD` describe one engine called `default`; they are for set-ups without engines in the file.\n" +
		"- A **secret** stands in the file only as a reference: `env:NAME`, `os.environ/NAME` or `file:/absolute/path`. A variable may hold the secret itself. Secrets are shown as •••, in logs too.\n" +
		"- This version reads its settings at start: every change takes effect with the next start.\n\n" +
		"## Example\n\n```yaml\n" + example + "```\n")
	heading := ""
	for _, k := range List() {
		section, _, dotted := strings.Cut(k.Name, ".")
		if !dotted {
			section = "general"
		}
		if section != heading {
			heading = section
			fmt.Fprintf(&b, "\n## %s\n\n| key | what it does | write | default | variables |\n|---|---|---|---|---|\n", heading)
		}
		def := "–"
		if k.Default != "" {
			def = "`" + k.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | `%s` |\n", k.Name, k.Doc, k.Kind, def, strings.Join(k.Env, "` `"))
	}
	return b.String()
}

func TestConfigDocs(t *testing.T) {
	const path = "../../docs/configuration.md"
	want := configDocs()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/configuration.md is not what the code says; run go test ./internal/config -run TestConfigDocs -update\n%s", diff)
	}
}

func TestTheDocumentedExampleLoads(t *testing.T) {
	dir := t.TempDir()
	text := regexp.MustCompile(`/(?:etc/resync|run/secrets)/([a-z_.-]+)`).ReplaceAllStringFunc(example, func(path string) string {
		local := filepath.Join(dir, filepath.Base(path))
		if err := os.WriteFile(local, []byte(strings.Repeat("k", minSecretKey)), 0o600); err != nil {
			t.Fatal(err)
		}
		return local
	})
	c, warnings, err := loadText(text, "PROD_PASSWORD=x", "OPENAI_API_KEY=k")
	if err != nil || len(warnings) > 0 || len(c.Engines) != 2 || len(c.LLM.Targets) != 2 {
		t.Errorf("the example: %v, warnings %v", err, warnings)
	}
}
