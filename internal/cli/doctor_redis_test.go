package cli

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resync/internal/state/statetest"
)

// TestDoctorNamesWhatIsWrongWithRedisOverTLS: a Redis with TLS and a set-up that is
// broken in one place; doctor names the part of redis.url to mend.
func TestDoctorNamesWhatIsWrongWithRedisOverTLS(t *testing.T) {
	now := time.Now()
	good := statetest.StartTLS(t, now.Add(-time.Hour), now.Add(time.Hour))
	strict := statetest.StartTLS(t, now.Add(-time.Hour), now.Add(time.Hour), "--tls-auth-clients", "yes")
	expired := statetest.StartTLS(t, now.Add(-48*time.Hour), now.Add(-24*time.Hour))
	everywhere := statetest.StartTLS(t, now.Add(-time.Hour), now.Add(time.Hour), "--bind", "127.0.0.1", "127.0.0.2")
	own := func(cert, key string) string {
		return "&cert_file=" + url.QueryEscape(cert) + "&key_file=" + url.QueryEscape(key)
	}
	const check = "redis:reachable"
	for _, tt := range []struct {
		name, url string
		check     string // that fails; none when empty
		says      string // what was found, or why the settings are refused
		advice    string // what to do, where what was found does not say it
	}{
		{"all is well", good.URL(), "", "", ""},
		{"all is well with a certificate", strict.URL() + own(strict.CAFile, strict.KeyFile), "", "", ""},
		{"wrong authority", "rediss://" + good.TLSAddr + "?ca_file=" + url.QueryEscape(strict.CAFile), check, "redis.url, as ?ca_file=PATH", ""},
		{"no authority", "rediss://" + good.TLSAddr, check, "redis.url, as ?ca_file=PATH", ""},
		{"another name", strings.Replace(everywhere.URL(), "127.0.0.1", "127.0.0.2", 1), check, "is not for 127.0.0.2: write a name in redis.url", ""},
		{"no certificate of ours", strict.URL(), check, "Redis asks for a certificate of Resync: name it in redis.url, as ?cert_file=PATH&key_file=PATH", ""},
		{"a certificate Redis does not accept", strict.URL() + own(good.CAFile, good.KeyFile), check, "Redis does not accept the certificate of Resync", ""},
		{"expired", expired.URL(), check, "has expired", ""},
		{"no TLS at a TLS port", "redis://" + good.TLSAddr, check, "closed the connection", "rediss:// where that port speaks TLS"},
		{"TLS at a plain port", "rediss://" + good.Addr, check, "in time", "redis:// where it does not"},
		{"no file of the authority", "rediss://" + good.TLSAddr + "?ca_file=" + url.QueryEscape(filepath.Join(t.TempDir(), "none.pem")), "", "ca_file", ""},
		{"a certificate without its key", strict.URL() + "&cert_file=" + url.QueryEscape(strict.CAFile), "", "cert_file and key_file go together", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWard(t)
			w.extra = "redis:\n  url: \"" + tt.url + "\"\n"
			_, s, all := w.examine()
			for range 10 {
				if tt.says == "in time" || !strings.Contains(all, "Redis does not answer in time") {
					break
				}
				_, s, all = w.examine() // a busy machine was too late
			}
			failed := failures(s)
			if (tt.says == "") != (len(failed) == 0) {
				t.Errorf("fails: %v", failed)
			}
			if tt.check == "" {
				if !strings.Contains(all, tt.says) {
					t.Errorf("nothing says %q:\n%s", tt.says, all)
				}
				return
			}
			if diff := cmp.Diff([]string{tt.check}, failed); diff != "" {
				t.Fatalf("what fails: %s", diff)
			}
			for _, r := range s.Results {
				if r.Check == tt.check && (!strings.Contains(r.Message+" "+r.Error, tt.says) || !strings.Contains(r.Fix, tt.advice)) {
					t.Errorf("found %q, %q with the advice %q, want %q and %q", r.Message, r.Error, r.Fix, tt.says, tt.advice)
				}
			}
		})
	}
}
