package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestSecretNeverPrints(t *testing.T) {
	const text = "s3cret-value"
	type inside struct {
		Open   Secret
		hidden Secret // fmt may not call methods here
	}
	s := NewSecret(text)
	v := inside{s, s}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+"\n", s, v, &v)
	}
	fmt.Fprintln(&out, []Secret{s}, map[string]Secret{"k": s}, fmt.Errorf("wrapped %v", s))
	for _, marshal := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal} {
		b, err := marshal(map[string]any{"s": s, "p": &s, "in": v, "list": []Secret{s}})
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "s", s, "v", v)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "s", s, "v", v)
	if strings.Contains(out.String(), text) || strings.Contains(out.String(), fmt.Sprintf("%x", text)) {
		t.Errorf("the secret shows:\n%s", out.String())
	}
	if n := strings.Count(out.String(), mask); n < 20 {
		t.Errorf("the mask stands only %d times, so the test looked at nothing:\n%s", n, out.String())
	}
	if s.Reveal() != text {
		t.Errorf("Reveal = %q", s.Reveal())
	}
}

func TestSecretZeroAndEqual(t *testing.T) {
	var zero Secret
	if !zero.IsZero() || !NewSecret("").IsZero() || zero.String() != "" || zero.Reveal() != "" {
		t.Errorf("the zero Secret is not empty: %q %q", zero.String(), zero.Reveal())
	}
	if !NewSecret("a").Equal(NewSecret("a")) || NewSecret("a").Equal(NewSecret("b")) || zero.Equal(NewSecret("a")) || !zero.Equal(Secret{}) {
		t.Error("Equal is wrong")
	}
}

func TestSecretsComeByReference(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, perm os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), perm); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, open := write("good", "from-file-1\n", 0o600), write("open", "from-file-2\r\n", 0o644)
	tests := []struct{ name, ref, want, problem, warning string }{
		{"variable", "env:PW", "from-env", "", ""},
		{"variable, the contract's form", "os.environ/PW", "from-env", "", ""},
		{"file", "file:" + good, "from-file-1", "", ""},
		{"file as a URL", "file://" + good, "from-file-1", "", ""},
		{"file others can read", "file:" + open, "from-file-2", "", "chmod 0600"},
		{"literal", "hunter2hunter2", "", "a secret may not stand in the file", ""},
		{"number", "12345678", "", "a secret may not stand in the file", ""},
		{"variable not set", "env:NONE", "", "the variable NONE is not set", ""},
		{"no name", `"env:"`, "", "names nothing", ""},
		{"relative file", "file:good", "", "absolute path", ""},
		{"missing file", "file:" + dir + "/none", "", "cannot read the secret's file", ""},
		{"directory", "file:" + dir, "", "is not a regular file", ""},
		{"empty file", "file:" + write("empty", "\n", 0o600), "", "is empty", ""},
		{"binary file", "file:" + write("bin", "\xff\xfe", 0o600), "", "is not text", ""},
		{"large file", "file:" + write("large", strings.Repeat("x", maxSecret+1), 0o600), "", "more than 65536 bytes", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, warnings, err := loadText("engines:\n  prod:\n    host: a\n    username: u\n    password: "+tt.ref+"\n", "PW=from-env")
			if tt.problem != "" {
				if err == nil || !strings.Contains(err.Error(), "resync.yaml:5:15: engines.prod.password: ") || !strings.Contains(err.Error(), tt.problem) {
					t.Errorf("error = %v, want line 5, the key and %q", err, tt.problem)
				}
				if tt.name == "literal" && strings.Contains(err.Error(), tt.ref) {
					t.Errorf("the error repeats the secret: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Engines[0].Password.Reveal(); got != tt.want {
				t.Errorf("password = %q, want %q", got, tt.want)
			}
			if (len(warnings) > 0) != (tt.warning != "") {
				t.Errorf("warnings = %v, want %q", warnings, tt.warning)
			}
		})
	}
}

func TestVariablesMayHoldSecretsOrReferences(t *testing.T) {
	c := mustLoad(t, "", "TWS_HOST=a", "TWS_USER=u", "TWS_PASSWORD=env:REAL", "REAL=pw-of-real")
	if got := c.Engines[0].Password.Reveal(); got != "pw-of-real" {
		t.Errorf("password = %q, want the one referred to", got)
	}
}

// A secret written into the file stays there even if a variable overrides it.
func TestLiteralSecretIsRefusedEvenWhenOverridden(t *testing.T) {
	_, _, err := loadText("server:\n  secret_key: "+strings.Repeat("k", 40)+"\n", "SECRET_KEY="+strings.Repeat("e", 40))
	if err == nil || !strings.Contains(err.Error(), "resync.yaml:2:15: server.secret_key: a secret may not stand in the file") {
		t.Errorf("error = %v", err)
	}
}

func TestDatabaseAddressInTheFile(t *testing.T) {
	c := mustLoad(t, "database: {url: postgres://resync@db/resync}")
	if got := c.Database.URL.Reveal(); got != "postgres://resync@db/resync" {
		t.Errorf("database = %q", got)
	}
	for _, text := range []string{"postgres://resync:pgpw@db/resync", "postgres://db/x?password=pgpw"} {
		_, _, err := loadText("database: {url: \"" + text + "\"}")
		if err == nil || !strings.Contains(err.Error(), "a secret may not stand in the file") || strings.Contains(err.Error(), "pgpw") {
			t.Errorf("%s: error = %v", text, err)
		}
	}
	c = mustLoad(t, "database: {url: env:DB}", "DB=postgres://resync:pgpw@db:5433/resync?sslmode=require")
	for _, v := range c.Values() {
		if v.Name == "database.url" && v.Text != "postgres://resync:•••@db:5433/resync" {
			t.Errorf("shown as %q", v.Text)
		}
	}
}

// Defect 22: secrets were shown in config/all.
func TestDefect22_ValuesShowNoSecret(t *testing.T) {
	secrets := map[string]string{
		"TWS_PASSWORD": "sec-tws-pw", "SECRET_KEY": "sec-key-" + strings.Repeat("x", 32), "ADMIN_PASSWORD": "sec-admin-pw",
		"LLM_API_KEY": "sec-llm-key", "DATABASE_URL": "postgres://u:sec-db-pw@h/n", "REDIS_URL": "redis://:sec-redis-pw@h/0",
	}
	env := []string{"TWS_HOST=a", "TWS_USER=u"}
	for k, v := range secrets {
		env = append(env, k+"="+v)
	}
	c := mustLoad(t, "", env...)
	var out bytes.Buffer
	for _, v := range c.Values() {
		fmt.Fprintf(&out, "%+v\n", v)
	}
	fmt.Fprintf(&out, "%v %+v %#v\n", *c, c, c)
	if err := json.NewEncoder(&out).Encode(c); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "sec-") {
		t.Errorf("a secret shows:\n%s", out.String())
	}
}
