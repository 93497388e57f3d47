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
	own := func(cert, key string) string {
		return "&cert_file=" + url.QueryEscape(cert) + "&key_file=" + url.QueryEscape(key)
	}
	for _, tt := range []struct {
		name, url string
		check     string // that fails; none when empty
		says      string
	}{
		{"all is well", good.URL(), "", ""},
		{"all is well with a certificate", strict.URL() + own(strict.CAFile, strict.KeyFile), "", ""},
		{"wrong authority", "rediss://" + good.TLSAddr + "?ca_file=" + url.QueryEscape(strict.CAFile), "redis:reachable", "redis.url, as ?ca_file=PATH"},
		{"no authority", "rediss://" + good.TLSAddr, "redis:reachable", "redis.url, as ?ca_file=PATH"},
		{"no certificate of ours", strict.URL(), "redis:reachable", "redis.url, as ?cert_file=PATH&key_file=PATH"},
		{"a certificate Redis does not accept", strict.URL() + own(good.CAFile, good.KeyFile), "redis:reachable", "cert_file"},
		{"expired", expired.URL(), "redis:reachable", "has expired"},
		{"no TLS at a TLS port", "redis://" + good.TLSAddr, "redis:reachable", "rediss://"},
		{"TLS at a plain port", "rediss://" + good.Addr, "redis:reachable", "rediss://"},
		{"no file of the authority", "rediss://" + good.TLSAddr + "?ca_file=" + url.QueryEscape(filepath.Join(t.TempDir(), "none.pem")), "", "ca_file"},
		{"a certificate without its key", strict.URL() + "&cert_file=" + url.QueryEscape(strict.CAFile), "", "cert_file and key_file go together"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWard(t)
			w.extra = "redis:\n  url: \"" + tt.url + "\"\n"
			var all string
			var failed []string
			for range 5 { // a reset may overtake what the server says
				_, s, text := w.examine()
				if failed, all = failures(s), text; strings.Contains(all, tt.says) {
					break
				}
			}
			if tt.check != "" {
				if diff := cmp.Diff([]string{tt.check}, failed); diff != "" {
					t.Errorf("what fails: %s", diff)
				}
			}
			if (tt.says == "") != (len(failed) == 0) {
				t.Errorf("fails: %v", failed)
			}
			if !strings.Contains(strings.ReplaceAll(all, `\u0026`, "&"), tt.says) {
				t.Errorf("nothing says %q:\n%s", tt.says, all)
			}
		})
	}
}
