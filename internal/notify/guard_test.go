package notify

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"resync/breaker"
)

// Addresses that stand in URLs in a way that reads like something else, and those
// that are none of the Internet. Names are judged when they are dialled; package app
// tests that with the real client.
func TestURLsThatAreRefused(t *testing.T) {
	g, err := NewGuard(nil)
	must(t, err)
	for _, raw := range []string{
		"https://127.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://0.0.0.0/", "https://[::]/",
		"https://169.254.169.254/latest/meta-data", "https://[fe80::1]/", "https://[fe80::1%25eth0]/", "https://[fd00:ec2::254]/", "https://100.100.100.200/",
		"https://10.0.0.1/", "https://172.31.255.255/", "https://192.168.0.1:443/", "https://[fc00::1]/",
		"https://[64:ff9b::7f00:1]/", "https://[64:ff9b::a9fe:a9fe]/", "https://[2002:7f00:1::]/", "https://[::127.0.0.1]/",
		"https://224.0.0.1/", "https://[ff02::1]/", "https://255.255.255.255/", "https://192.0.2.1/", "https://198.18.0.1/", "https://240.0.0.1/", "https://[2001:db8::1]/",
		"http://hooks.example.com/", "file:///etc/passwd", "gopher://hooks.example.com/", "https://user@hooks.example.com/", "https://127.0.0.1@hooks.example.com/", "https:///path", "https:opaque",
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		err = g.CheckURL(u)
		if !errors.Is(err, ErrForbidden) {
			t.Errorf("%s: %v", raw, err)
		}
		if err != nil && strings.Contains(err.Error(), raw) {
			t.Errorf("the error repeats the URL: %v", err)
		}
	}
	for _, raw := range []string{"https://hooks.example.com/x?sig=1", "https://93.184.216.34:8443/", "https://[2606:2800:220:1::1]/", "https://[64:ff9b::5db8:d822]/"} {
		u, err := url.Parse(raw)
		must(t, err)
		if err := g.CheckURL(u); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestWhatAnAdministratorAllows(t *testing.T) {
	g, err := NewGuard([]string{"hooks.internal", "10.1.0.0/16", "192.168.7.9", "fd12::/16", "Localhost."})
	must(t, err)
	for _, tt := range []struct {
		host, ip string
		ok       bool
	}{
		{"hooks.internal", "10.9.9.9", true}, {"HOOKS.internal.", "127.0.0.1", true}, {"localhost", "::1", true},
		{"hooks.internal", "169.254.169.254", false}, {"hooks.internal", "fe80::1", false}, {"hooks.internal", "fd00:ec2::254", false}, {"hooks.internal", "224.0.0.1", false},
		{"evil.example", "10.1.2.3", true}, {"evil.example", "::ffff:10.1.2.3", true}, {"evil.example", "10.2.0.1", false}, {"x", "192.168.7.9", true}, {"x", "192.168.7.8", false}, {"x", "fd12::1", true},
		{"hooks.internal.evil.example", "127.0.0.1", false}, {"x", "93.184.216.34", true},
	} {
		err := g.Control(tt.host)(context.Background(), "tcp4", netip.AddrPortFrom(netip.MustParseAddr(tt.ip), 443).String(), nil)
		if (err == nil) != tt.ok || (err != nil && !errors.Is(err, ErrForbidden)) {
			t.Errorf("%s at %s: %v", tt.host, tt.ip, err)
		}
		if err != nil && breaker.Classify(err) != breaker.Ignored {
			t.Errorf("%s at %s counts against the receiver", tt.host, tt.ip)
		}
	}
	for _, bad := range []string{"", "*", "https://x", "a b", "10.0.0.0/99", "h:80"} {
		if _, err := NewGuard([]string{bad}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	for network, address := range map[string]string{"udp": "93.184.216.34:443", "tcp": "nonsense"} {
		if err := g.Control("x")(context.Background(), network, address, nil); !errors.Is(err, ErrForbidden) {
			t.Errorf("%s %s: %v", network, address, err)
		}
	}
}

func TestRedirects(t *testing.T) {
	g, err := NewGuard([]string{"127.0.0.1"})
	must(t, err)
	step := func(method, raw string) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), method, raw, http.NoBody)
		must(t, err)
		return r
	}
	first := step("POST", "https://a.example/")
	for _, tt := range []struct {
		next *http.Request
		via  int
		ok   bool
	}{
		{step("POST", "https://b.example/"), 3, true}, {step("POST", "https://b.example/"), 4, false}, {step("GET", "https://b.example/"), 1, false},
		{step("POST", "http://127.0.0.1/"), 1, false}, {step("POST", "https://10.0.0.1/"), 1, false}, {step("POST", "ftp://b.example/"), 1, false},
		{step("POST", "https://u:p@b.example/"), 1, false},
	} {
		via := make([]*http.Request, tt.via)
		for i := range via {
			via[i] = first
		}
		if err := g.Redirects(tt.next, via); (err == nil) != tt.ok {
			t.Errorf("%s %s after %d: %v", tt.next.Method, tt.next.URL, tt.via, err)
		}
	}
}

// A receiver that redirects: the message goes along with 307, and not at all when
// the redirect leads inside or turns it into a question.
func TestRedirectsOnTheWire(t *testing.T) {
	last := newReceiver(t, nil)
	for status, arrives := range map[int]bool{307: true, 308: true, 301: false, 302: false, 303: false} {
		r := newReceiver(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", last.URL)
			w.WriteHeader(status)
		})
		before := len(last.all())
		p := newPost(t, nil, Options{Targets: []Target{targetAt(t, "oncall", r.URL)}})
		tr, err := p.box.Try(t.Context(), "oncall", "ana")
		must(t, err)
		if tr.OK != arrives || (len(last.all()) > before) != arrives {
			t.Errorf("%d: %+v", status, tr)
		}
		p.end()
	}
	away := newReceiver(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://169.254.169.254/latest/meta-data")
		w.WriteHeader(307)
	})
	p := newPost(t, nil, Options{Targets: []Target{targetAt(t, "oncall", away.URL)}})
	must(t, p.box.Tell(t.Context(), event("x", JobAbend, "abend")))
	p.eventually("it to be put aside", func() bool { list, err := p.box.Failed(t.Context(), "", 1); return err == nil && len(list) == 1 })
	if list, err := p.box.Failed(t.Context(), "", 1); err != nil || list[0].Attempts != 1 || !strings.Contains(list[0].Error, "not allowed") {
		t.Errorf("%+v, %v", list, err)
	}
}

func FuzzCheckURL(f *testing.F) {
	for _, s := range []string{"https://127.0.0.1", "https://[::ffff:1.2.3.4]", "https://a%2eb", "http://x", "https://x#@127.0.0.1", "https://x\\@y", "//x", ""} {
		f.Add(s)
	}
	g := &Guard{}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := url.Parse(raw)
		if err != nil || g.CheckURL(u) != nil {
			return
		}
		if u.Scheme != "https" || u.User != nil || u.Hostname() == "" {
			t.Fatalf("%q passed", raw)
		}
		if ip, err := netip.ParseAddr(u.Hostname()); err == nil && Inside(ip) != "" {
			t.Fatalf("%q passed, which is %s", raw, Inside(ip))
		}
	})
}

func FuzzGuardList(f *testing.F) {
	for _, s := range []string{"10.0.0.0/8", "h", "::1", "fe80::1%eth0", "[::1]", "a.b."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		g, err := NewGuard([]string{s})
		if err != nil {
			return
		}
		if len(g.hosts)+len(g.nets) != 1 {
			t.Fatalf("%q became %+v", s, g)
		}
	})
}
