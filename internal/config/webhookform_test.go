package config

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestReadWebhook(t *testing.T) {
	environ := []string{"HOOK_URL=https://flow.example/in?sig=secret", "HOOK_KEY=a key of some length", "RESYNC_WEBHOOKS_TARGETS_OPS_URL=https://other.example/"}
	w, err := ReadWebhook("ops", WebhookForm{URL: "env:HOOK_URL", Secret: "env:HOOK_KEY", Events: []string{"action", "", "job.abend"}, Timeout: "2s"}, environ)
	if err != nil {
		t.Fatal(err)
	}
	if w.Name != "ops" || w.URL.Reveal() != "https://flow.example/in?sig=secret" || w.Secret.Reveal() != "a key of some length" || w.Format != "standard" ||
		!slices.Equal(w.Events, []string{"action", "job.abend"}) || w.Timeout != 2*time.Second {
		t.Errorf("%+v", w)
	}
	if w, err = ReadWebhook("ops", WebhookForm{URL: "https://h.example/in", Format: "Teams"}, nil); err != nil || w.Format != "teams" || w.Timeout != 5*time.Second {
		t.Errorf("%+v, %v", w, err)
	}
}

func TestReadWebhookNamesTheField(t *testing.T) {
	good := "https://h.example/in"
	for what, c := range map[string]struct {
		name      string
		f         WebhookForm
		key, says string
	}{
		"no address":      {"a", WebhookForm{}, "url", "is missing"},
		"not an address":  {"a", WebhookForm{URL: "mailto:ops"}, "url", "is not an address such as"},
		"a user in it":    {"a", WebhookForm{URL: "https://u:hunter22@h.example/"}, "url", "holds a user name or password"},
		"a query":         {"a", WebhookForm{URL: good + "?sig=hunter22"}, "url", "env:NAME"},
		"a file":          {"a", WebhookForm{URL: "file:/etc/passwd"}, "url", "settings file only"},
		"a file as a key": {"a", WebhookForm{URL: good, Secret: "file:/etc/shadow"}, "secret", "settings file only"},
		"a key":           {"a", WebhookForm{URL: good, Secret: "hunter22 and more"}, "secret", "env:NAME"},
		"no variable":     {"a", WebhookForm{URL: "env:NOT_THERE"}, "url", "the variable NOT_THERE is not set"},
		"nothing named":   {"a", WebhookForm{URL: good, Secret: "env:"}, "secret", "names nothing"},
		"format":          {"a", WebhookForm{URL: good, Format: "xml"}, "format", "is not one of standard, teams"},
		"event":           {"a", WebhookForm{URL: good, Events: []string{"job.abnd"}}, "events", "did you mean job.abend"},
		"timeout":         {"a", WebhookForm{URL: good, Timeout: "5"}, "timeout", "write a number with its unit"},
		"long timeout":    {"a", WebhookForm{URL: good, Timeout: "1h"}, "timeout", "outside"},
		"name":            {"a b", WebhookForm{URL: good}, "name", "a letter or digit"},
		"empty name":      {"", WebhookForm{URL: good}, "name", "a letter or digit"},
		"name with a dot": {"a.url", WebhookForm{URL: good}, "name", "a letter or digit"},
	} {
		_, err := ReadWebhook(c.name, c.f, []string{"HOME=/root"})
		var p *Problem
		if !errors.As(err, &p) || p.Key != c.key || !strings.Contains(p.Text, c.says) || strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%s: %v, want %s … %s", what, err, c.key, c.says)
		}
	}
}

// Whatever is written, a refusal names one of the fields and holds no secret, and what
// is taken has an address with a host and no secret of its own.
func FuzzReadWebhook(f *testing.F) {
	f.Add("ops", "https://h.example/in", "teams", "env:KEY", "job.abend", "5s")
	f.Add("ops", "env:URL", "", "", "action,service", "")
	f.Add("a.url", "https://u:p@h/?x#y", "xml", "file:/etc/passwd", ",", "1h")
	f.Add("*", "os.environ/URL", "STANDARD", "env:", "\x00", "-1s")
	environ := []string{"URL=https://h.example/in?sig=hunter22hunter22", "KEY=hunter22hunter22"}
	f.Fuzz(func(t *testing.T, name, url, format, secret, events, timeout string) {
		w, err := ReadWebhook(name, WebhookForm{URL: url, Format: format, Secret: secret, Events: strings.Split(events, ","), Timeout: timeout}, environ)
		var p *Problem
		switch {
		case err != nil && (!errors.As(err, &p) || !slices.Contains([]string{"name", "url", "format", "secret", "events", "timeout"}, p.Key)):
			t.Errorf("the refusal names no field: %v", err)
		case err != nil && strings.Contains(err.Error(), "hunter22hunter22") && !strings.Contains(name+format+events+timeout, "hunter22hunter22"):
			t.Errorf("the refusal holds a secret: %v", err)
		case err == nil && (w.Name != name || !strings.HasPrefix(w.URL.Reveal(), "http") || w.Timeout <= 0):
			t.Errorf("%q was taken as %+v, %q", url, w, w.URL.Reveal())
		case err == nil && !w.Secret.IsZero() && w.Secret.Reveal() == secret:
			t.Errorf("a key was taken as it stands: %q", secret)
		}
	})
}
