package config

import (
	"errors"
	"strings"
	"testing"
)

// FuzzLoad feeds arbitrary text as the settings file and as a variable. It must
// not crash, what it accepts must be complete, and no problem may repeat a
// secret.
func FuzzLoad(f *testing.F) {
	const secret = "fuzz-secret-value"
	for _, s := range []string{
		example, "", "a", "- a", "server: {addr: \":1\"}", "engines: {a: {host: b, password: " + secret + "}}",
		"a: &x [*x, *x]", "<<: *a", "? a\n: b", "server:\n  tls:\n    cert: x\n", "engines:\n  a:\n    urls:\n    - https://u:" + secret + "@h\n",
		"database:\n  url: postgres://u:" + secret + "@h/d\n", "undo: {ttl: !!str 1h}", "a: |\n b\n c: >-\n", "\"\\u0000\": 1", "--- \n...\n---\n", "%YAML 1.2\n---\n", "[[[[{", "a:\n\t- b",
		"admin: {password: env:S}", "data_dir: ''", ": :", "#", "\ufeffdata_dir: x",
	} {
		f.Add([]byte(s), "127.0.0.1:80")
	}
	f.Fuzz(func(t *testing.T, data []byte, addr string) {
		c, _, err := loadText(string(data), "RESYNC_SERVER_ADDR="+addr, "S="+secret)
		if err != nil {
			var p *Problem
			if !errors.As(err, &p) || p.Text == "" {
				t.Errorf("error %v is not a Problem", err)
			}
			if strings.Contains(err.Error(), secret) && !strings.Contains(string(data), secret) {
				t.Errorf("error repeats the secret: %v", err)
			}
			return
		}
		for _, v := range c.Values() {
			if v.Name == "" || strings.Contains(v.Text, secret) && !strings.Contains(string(data), secret) {
				t.Errorf("value %+v", v)
			}
		}
		if c.DataDir == "" || c.Approvals.TTL <= 0 || c.Database.URL.IsZero() {
			t.Errorf("accepted settings are incomplete: %+v", c)
		}
		for _, e := range c.Engines {
			if len(e.URLs) == 0 || e.Environment == "" || e.PageSize < 1 {
				t.Errorf("accepted engine is incomplete: %+v", e)
			}
		}
	})
}

// A file that doubles itself through aliases must cost nothing.
func TestAliasBombIsRefused(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x]\n")
	for i := range 20 {
		n := string(rune('a' + i))
		prev := "a0"
		if i > 0 {
			prev = string(rune('a'+i-1)) + "1"
		}
		b.WriteString(n + "1: &" + n + "1 [*" + strings.TrimSuffix(strings.Repeat(prev+",*", 9), ",*") + "]\n")
	}
	_, _, err := loadText(b.String())
	if err == nil || !strings.Contains(err.Error(), "anchors (&name) are not supported") {
		t.Errorf("error = %v", err)
	}
}

func BenchmarkLoad(b *testing.B) {
	text := strings.NewReplacer("/etc/resync/tls.crt", "load.go", "/etc/resync/tls.key", "load.go", "/etc/resync/mdm-ca.pem", "load.go",
		"file:/run/secrets/staging_token", "env:K").Replace(example)
	for b.Loop() {
		if _, _, err := loadText(text, "PROD_PASSWORD=x", "K="+strings.Repeat("k", 32)); err != nil {
			b.Fatal(err)
		}
	}
}
