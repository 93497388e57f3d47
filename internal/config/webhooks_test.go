package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWebhookTargets(t *testing.T) {
	c, warnings, err := loadText(`
webhooks:
  allow: [hooks.internal, 10.1.0.0/16]
  attempts: 4
  targets:
    oncall:
      url: https://hooks.example.com/T0/B0/verysecretpath
      secret: env:HOOK_KEY
      events: [approval.needed, service]
    ops-room:
      url: env:TEAMS_URL
      format: teams
      timeout: 2s
`, "HOOK_KEY=0123456789abcdef", "TEAMS_URL=https://teams.example.com/workflows/1?sig=abcdefghij")
	if err != nil || len(warnings) > 0 {
		t.Fatalf("load: %v, warnings %v", err, warnings)
	}
	want := Webhooks{Attempts: 4, Keep: 24 * time.Hour, Allow: []string{"hooks.internal", "10.1.0.0/16"}, Targets: []Webhook{
		{Name: "oncall", URL: NewSecret("https://hooks.example.com/T0/B0/verysecretpath"), Format: "standard", Secret: NewSecret("0123456789abcdef"), Events: []string{"approval.needed", "service"}, Timeout: 5 * time.Second},
		{Name: "ops-room", URL: NewSecret("https://teams.example.com/workflows/1?sig=abcdefghij"), Format: "teams", Timeout: 2 * time.Second},
	}}
	if diff := cmp.Diff(want, c.Webhooks); diff != "" {
		t.Error(diff)
	}
	secrets := strings.Join(c.Secrets(), "\n")
	for _, s := range []string{"0123456789abcdef", "/T0/B0/verysecretpath", "/workflows/1?sig=abcdefghij"} {
		if !strings.Contains(secrets, s) {
			t.Errorf("the log's redactor does not know %s", s)
		}
	}
	for _, v := range c.Values() {
		if strings.HasSuffix(v.Name, ".url") && strings.HasPrefix(v.Name, "webhooks.") && (strings.Contains(v.Text, "secret") || strings.Contains(v.Text, "sig") || !strings.HasSuffix(v.Text, "/•••")) {
			t.Errorf("%s is shown as %s", v.Name, v.Text)
		}
	}
}

func TestWebhooksFromVariables(t *testing.T) {
	c, _, err := loadText("", "RESYNC_WEBHOOKS_TARGETS_DEFAULT_URL=https://h.example.com/x", "RESYNC_WEBHOOKS_TARGETS_DEFAULT_EVENTS=job.abend,action")
	if err != nil {
		t.Fatal(err)
	}
	if w := c.Webhooks.Targets; len(w) != 1 || w[0].Name != "default" || len(w[0].Events) != 2 {
		t.Errorf("%+v", w)
	}
}

func TestWebhooksRefused(t *testing.T) {
	for text, want := range map[string]string{
		"webhooks:\n  targets:\n    a:\n      format: teams":                                        "webhooks.targets.a.url",
		"webhooks:\n  targets:\n    a:\n      url: https://h/x?sig=1":                               "a secret may not stand in the file",
		"webhooks:\n  targets:\n    a:\n      url: https://u:p@h/x":                                 "a secret may not stand in the file",
		"webhooks:\n  targets:\n    a:\n      url: ftp://h/x":                                       "is not an address",
		"webhooks:\n  targets:\n    a:\n      url: https://h/x#y":                                   "fragment",
		"webhooks:\n  targets:\n    a:\n      url: https://h/x\n      secret: plainlywrittenhere":   "a secret may not stand in the file",
		"webhooks:\n  targets:\n    a:\n      url: https://h/x\n      events: [job.abned]":          "did you mean job.abend",
		"webhooks:\n  targets:\n    a:\n      url: https://h/x\n      timeout: 1h":                  "outside",
		"webhooks:\n  targets:\n    a.b:\n      url: https://h/x":                                   "a receiver's name",
		"webhooks:\n  targets:\n    a-b:\n      url: https://h/x\n    a_b:\n      url: https://h/x": "cannot be told apart",
		"webhooks:\n  attempts: 0": "is not a number",
	} {
		_, _, err := loadText(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n→ %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "plainlywritten") {
			t.Errorf("the error repeats a secret: %v", err)
		}
	}
}

func TestWebhookWarnings(t *testing.T) {
	_, warnings, err := loadText("webhooks:\n  targets:\n    a:\n      url: https://h/x\n    b:\n      url: https://h/y\n      format: teams\n      secret: env:K", "K=0123456789abcdef")
	if err != nil || len(warnings) != 2 {
		t.Fatalf("%v, %v", err, warnings)
	}
}
