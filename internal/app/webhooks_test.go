package app

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"resync/breaker"
	"resync/internal/config"
	"resync/internal/notify"
)

// The client that the program itself makes: no connection to an address inside is
// made, whatever stands in the URL. Names are judged by what they mean at that moment.
func TestNoWebhookGoesInside(t *testing.T) {
	var hits atomic.Int64
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer inside.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(inside.URL, "http://"), ":")
	guard, err := notify.NewGuard(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := breaker.New(breaker.Settings{Name: "webhook", Failures: 1})
	client := hookClient(guard, b)
	client.Timeout = 5 * time.Second
	defer client.CloseIdleConnections()
	for _, host := range []string{
		"127.0.0.1", "127.1", "0x7f.1", "0177.0.0.1", "2130706433", "0", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:0001]",
		"localhost", "LOCALHOST.", "localhost.localdomain", "ip6-localhost", "①②⑦.⓪.⓪.①", "127。0。0。1", "169.254.169.254", "[fe80::1]", "10.0.0.1", "[64:ff9b::7f00:1]", "100.100.100.200",
	} {
		resp, err := client.Post("http://"+host+":"+port+"/latest/meta-data", "application/json", strings.NewReader("{}"))
		if err == nil {
			_ = resp.Body.Close()
			t.Errorf("%s was asked: %s", host, resp.Status)
			continue
		}
		if errors.Is(err, notify.ErrForbidden) && b.State() != breaker.Closed {
			t.Errorf("%s: our own refusal counts against the receiver", host)
		}
		if err := b.Reset("next", "test"); err != nil { // a name nobody knows does count
			t.Fatal(err)
		}
		// What no resolver knows cannot be connected to; all else is our own refusal.
		if !errors.Is(err, notify.ErrForbidden) && !strings.Contains(err.Error(), "lookup") && !strings.Contains(err.Error(), "no such host") && !strings.Contains(err.Error(), "invalid URL") {
			t.Errorf("%s: %v", host, err)
		}
	}
	if hits.Load() > 0 {
		t.Errorf("%d requests arrived", hits.Load())
	}
}

// A name that means two things: judged as allowed when it was looked up, and inside
// when the connection is made. There is only one look-up here, and it is judged.
func TestANameThatChangesItsMeaning(t *testing.T) {
	guard, err := notify.NewGuard([]string{"hooks.internal"})
	if err != nil {
		t.Fatal(err)
	}
	for address, ok := range map[string]bool{"93.184.216.34:443": true, "127.0.0.1:443": false, "[::1]:443": false, "169.254.169.254:80": false} {
		if err := guard.Control("rebind.example")(t.Context(), "tcp", address, nil); (err == nil) != ok {
			t.Errorf("rebind.example at %s: %v", address, err)
		}
	}
}

func TestWebhookSettingsAreChecked(t *testing.T) {
	for want, w := range map[string]config.Webhooks{
		"webhooks.allow": {Allow: []string{"https://x"}},
		"webhooks.targets.a: url: the address is not allowed": {Targets: []config.Webhook{{Name: "a", URL: config.NewSecret("http://hooks.example.com/"), Format: "standard"}}},
		"webhooks.targets.a: url":                             {Targets: []config.Webhook{{Name: "a", URL: config.NewSecret("https://10.0.0.1/"), Format: "standard"}}},
		"secret: it is shorter":                               {Targets: []config.Webhook{{Name: "a", URL: config.NewSecret("https://h.example/"), Format: "standard", Secret: config.NewSecret("short")}}},
	} {
		_, done, err := Webhooks(t.Context(), Options{Config: &config.Config{Webhooks: w, Database: config.Database{URL: config.NewSecret("sqlite::memory:")}}, Log: slog.New(slog.DiscardHandler)})
		var start *StartError
		if err == nil || !strings.Contains(err.Error(), want) || !errors.As(err, &start) || start.ExitCode() != ExitConfig {
			t.Errorf("%v, want %q", err, want)
		}
		if err == nil {
			_ = done()
		}
	}
}

// The contract's breakers stand before the first receiver of each format.
func TestBreakersOfReceivers(t *testing.T) {
	hook := func(name, format string) config.Webhook {
		return config.Webhook{Name: name, URL: config.NewSecret("https://h.example/" + name), Format: format}
	}
	a := &App{opt: Options{Config: &config.Config{Webhooks: config.Webhooks{Targets: []config.Webhook{hook("a", "standard"), hook("b", "teams"), hook("c", "standard"), hook("d", "teams")}}}}, book: newBreakerBook()}
	if err := a.openBreakers(t.Context()); err != nil {
		t.Fatal(err)
	}
	h := &hooks{guard: &notify.Guard{}, own: map[string]string{}}
	var got []string
	for i, w := range a.opt.Config.Webhooks.Targets {
		target, err := a.hookTarget(h, w, i)
		if err != nil {
			t.Fatal(err)
		}
		s := target.Breaker.Settings()
		got = append(got, s.Name)
		if s.Failures != 5 || s.Delay != 2*time.Minute {
			t.Errorf("%s opens after %d for %s", s.Name, s.Failures, s.Delay)
		}
	}
	if !slices.Equal(got, []string{"webhook", "teams", "webhook:c", "teams:d"}) {
		t.Errorf("breakers %v", got)
	}
}

// What a receiver can be told is one list.
func TestEventsAreTheKinds(t *testing.T) {
	var kinds []string
	for _, k := range notify.Kinds() {
		kinds = append(kinds, string(k))
	}
	if !slices.Equal(kinds, config.Events()) {
		t.Errorf("settings take %v, notify tells %v", config.Events(), kinds)
	}
}
