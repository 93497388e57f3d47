package telemetry

import (
	"strings"
	"sync"
	"testing"
)

func TestRedactorText(t *testing.T) {
	r := NewRedactor("hunter2hunter2", "hunter2", "abc") // abc is too short to be removed
	tests := []struct{ name, in, want string }{
		{"exact value", "login with hunter2 failed", "login with ••• failed"},
		{"the longer of two that overlap", "x=hunter2hunter2.", "x=•••."},
		{"too short to remove", "abc", "abc"},
		{"password assignment", "user=ops password=Secret!1 host=m", "user=ops password=••• host=m"},
		{"json", `{"api_key":"k-1234","n":1}`, `{"api_key":•••,"n":1}`},
		{"quoted with spaces", `secret: "two words" next`, `secret: ••• next`},
		{"url with a password", "postgres://ops:pa55@db:5432/x", "postgres://ops:•••@db:5432/x"},
		{"url without", "https://master:31116/twsd/api/v2", "https://master:31116/twsd/api/v2"},
		{"authorization header", "Authorization: Basic b3BzOnB3", "Authorization: Basic •••"},
		{"bearer", "got Bearer abcdefghijklmnop.qrstuv", "got Bearer •••"},
		{"words, not credentials", "basic authentication is on; the token count: none of it", "basic authentication is on; the token count: none of it"},
		{"jwt", "sent eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJvcHMifQ.c2lnbmF0dXJl today", "sent ••• today"},
		{"provider key", "key sk-proj-0123456789abcdefXYZ end", "key ••• end"},
		{"cloud key", "AKIAIOSFODNN7EXAMPLE", "•••"},
		{"private key", "a -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- b", "a ••• b"},
		{"job names stay", "PAY#NIGHT.PAYROLL_NET ended with RC=12, AWSBDW009E", "PAY#NIGHT.PAYROLL_NET ended with RC=12, AWSBDW009E"},
		{"empty", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := r.Text(tt.in); got != tt.want {
				t.Errorf("Text(%q)\n got %q\nwant %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestSensitiveKey(t *testing.T) {
	for key, want := range map[string]bool{
		"password": true, "DB_Password": true, "Authorization": true, "api-key": false, "api_key": true, "apikey": true,
		"set-cookie": true, "engine.token": true, "X-Auth.Token": true,
		"token_count": false, "secrets_found": false, "job": false, "path": false,
	} {
		if got := SensitiveKey(key); got != want {
			t.Errorf("SensitiveKey(%q) = %v, want %v", key, got, want)
		}
	}
}

func TestRedactorConcurrentUse(t *testing.T) {
	r := NewRedactor()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			secret := strings.Repeat(string(rune('A'+i)), 8)
			r.Add(secret)
			if got := r.Text("x " + secret); strings.Contains(got, secret) {
				t.Errorf("secret %q was not removed: %q", secret, got)
			}
		})
	}
	wg.Wait()
}

func FuzzRedactor(f *testing.F) {
	f.Add("password=x", "s3cret-value")
	f.Add("a s3cret-value b", "s3cret-value")
	f.Add("postgres://u:p@h/x", "pppp")
	f.Fuzz(func(t *testing.T, text, secret string) {
		got := NewRedactor(secret).Text(text)
		if len(secret) >= minSecret && !strings.Contains(Mask, secret) && strings.Contains(text, secret) &&
			strings.Count(got, secret) >= strings.Count(text, secret) && !strings.Contains(secret, Mask) {
			t.Errorf("Text(%q) = %q keeps the secret %q", text, got, secret)
		}
	})
}

func BenchmarkRedactorText(b *testing.B) {
	r := NewRedactor("hunter2hunter2", "another-secret")
	const line = "engine request GET /plan/job/{id} took 12 ms for PAY#NIGHT.PAYROLL_NET with status 200"
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		r.Text(line)
	}
}
