package state

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParseAddress(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want Address
		tls  bool
	}{
		{"redis://h", Address{Kind: Single, Hosts: []string{"h:6379"}}, false},
		{"redis://u:p%40s@h:1/3", Address{Kind: Single, Hosts: []string{"h:1"}, User: "u", Password: "p@s", DB: 3}, false},
		{"rediss://:p@h?skip_verify=true", Address{Kind: Single, Hosts: []string{"h:6379"}, Password: "p"}, true},
		{"valkeys://[::1]:7/0", Address{Kind: Single, Hosts: []string{"[::1]:7"}}, true},
		{"redis+sentinel://:p@a,b:1,c/mymaster/2?sentinel_password=q&sentinel_user=s", Address{Kind: Sentinel, Hosts: []string{"a:26379", "b:1", "c:26379"}, Master: "mymaster",
			Password: "p", DB: 2, SentinelPassword: "q", SentinelUser: "s"}, false},
		{"redis-sentinel://a/m", Address{Kind: Sentinel, Hosts: []string{"a:26379"}, Master: "m"}, false},
		{"rediss+cluster://a:1,b:2", Address{Kind: Cluster, Hosts: []string{"a:1", "b:2"}}, true},
		{"unix:///run/r.sock?db=4", Address{Kind: Socket, Hosts: []string{"/run/r.sock"}, DB: 4}, false},
	} {
		got, err := ParseAddress(tt.in)
		if err != nil {
			t.Errorf("%s: %v", tt.in, err)
			continue
		}
		if (got.TLS != nil) != tt.tls {
			t.Errorf("%s: TLS %v", tt.in, got.TLS)
		}
		if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(Address{}, "TLS")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.in, diff)
		}
	}
	for _, tt := range []struct{ in, says string }{
		{"h:6379", "no scheme"}, {"http://h", "starts with"}, {"redis+ring://h", "only sentinel and cluster"}, {"redis://h:0", "not HOST:PORT"},
		{"redis://a,b", "write redis+cluster://"}, {"redis+sentinel://a", "names sentinels but no master"}, {"redis://h/x", "not the number of a database"},
		{"redis://h/1/2", "more after the host"}, {"redis+cluster://h/1", "database 0 alone"}, {"redis://h?max_retries=1", "is not known here"},
		{"unix://", "no path"}, {"rediss://h?ca_file=/nope", "ca_file"}, {"redis://:se#cret@h", "%23"}, {"redis://h?skip_verify=true", "is not known here"},
		{"rediss://h?cert_file=/nope", "one of them is missing"}, {"rediss://h?cert_file=/nope&key_file=/nope", "cert_file"}, {"redis://h?cert_file=/nope", "is not known here"},
	} {
		_, err := ParseAddress(tt.in)
		if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "cret") {
			t.Errorf("%s: %v, want %q", tt.in, err, tt.says)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"redis://u:p@h:1/3", "redis+sentinel://a,b/m/1?sentinel_password=x", "unix:///x?db=1", "rediss+cluster://[::1]:1,b:2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s)
		if err == nil && (len(a.Hosts) == 0 || a.Hosts[0] == "" || a.Kind == Sentinel && a.Master == "" || a.DB < 0) {
			t.Errorf("%q is %+v", s, a)
		}
	})
}
