package notify

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The example that Standard Webhooks' libraries test themselves with.
func TestSignatureOfTheSpecification(t *testing.T) {
	key, err := Key(testSecret)
	must(t, err)
	got := Sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("got %s", got)
	}
}

func TestKey(t *testing.T) {
	for secret, want := range map[string]int{"": 0, "sixteen letters!": 16, testSecret: 24, "whsec_" + strings.Repeat("A", 43) + "=": 32, "whsec_" + strings.Repeat("A", 43): 32} {
		key, err := Key(secret)
		if err != nil || len(key) != want {
			t.Errorf("%q: %d bytes, %v", secret, len(key), err)
		}
	}
	for _, bad := range []string{"short", "whsec_", "whsec_AAAA", "whsec_!!!!!!!!", "whsec_" + strings.Repeat("A", 200)} {
		if _, err := Key(bad); err == nil || strings.Contains(err.Error(), "!!!!") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestTeamsCard(t *testing.T) {
	for sev, want := range map[Severity][2]string{Critical: {"Attention", "attention"}, Warning: {"Warning", "warning"}, Good: {"Good", "good"}, Info: {"Accent", "accent"}} {
		body, h, err := teamsCardOf(message{Kind: JobAbend, At: time.Unix(0, 0).UTC(), Severity: sev, Title: "Job A_B [click](https://evil) is in ABEND", Text: "text",
			Facts: []Fact{{"Engine", "night"}}, Link: "https://resync.example"}, "msg_1")
		must(t, err)
		if h.Get("Content-Type") != "application/json" {
			t.Error("the card is not JSON")
		}
		var m teamsMessage
		must(t, json.Unmarshal(body, &m))
		card := m.Attachments[0].Content
		head := card.Body[0]
		if m.Type != "message" || m.Attachments[0].ContentType != "application/vnd.microsoft.card.adaptive" || card.Type != "AdaptiveCard" || card.Version != "1.4" {
			t.Errorf("not a card: %s", body)
		}
		if diff := cmp.Diff(want, [2]string{head.Items[0].Color, head.Style}); diff != "" {
			t.Errorf("%s: %s", sev, diff)
		}
		if head.Items[0].Text != `Job A\_B \[click\](https://evil) is in ABEND` {
			t.Errorf("title %q", head.Items[0].Text)
		}
		if len(card.Actions) != 1 || card.Actions[0].URL != "https://resync.example" || !strings.Contains(string(body), "msg\\\\_1") {
			t.Errorf("link or id are missing: %s", body)
		}
		if len(body) > 28<<10 {
			t.Errorf("a card of %d bytes is refused by Teams", len(body))
		}
	}
}

// The largest message still fits into what Teams takes.
func TestTheLargestCardFits(t *testing.T) {
	e := Event{Kind: JobAbend, Title: strings.Repeat("T", 9000), Text: strings.Repeat("ü", 9000)}
	for range 40 {
		e.Facts = append(e.Facts, Fact{"Name", strings.Repeat("_", 9000)})
	}
	raw, err := encode(e, func(s string) string { return s })
	must(t, err)
	var m message
	must(t, json.Unmarshal(raw, &m))
	body, _, err := teamsCardOf(m, "msg_1")
	must(t, err)
	if len(body) > 28<<10 {
		t.Errorf("%d bytes", len(body))
	}
}

func TestParseKinds(t *testing.T) {
	got, err := ParseKinds([]string{"service", "job.abend", "Service.Healed"})
	must(t, err)
	if diff := cmp.Diff([]Kind{Degraded, Healed, JobAbend}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := ParseKinds([]string{"job.abned"}); err == nil || !strings.Contains(err.Error(), "job.abend") {
		t.Errorf("%v", err)
	}
	if got, err := ParseKinds(nil); err != nil || got != nil {
		t.Errorf("none: %v, %v", got, err)
	}
}

func TestNewRefuses(t *testing.T) {
	db := openDB(t, "")
	good := targetAt(t, "a", "https://x")
	for name, o := range map[string]Options{
		"no store":  {Owner: "o"},
		"no owner":  {Store: db},
		"no client": {Store: db, Owner: "o", Targets: []Target{{Name: "a", Format: Standard}}},
		"format":    {Store: db, Owner: "o", Targets: []Target{targetAt(t, "a", "https://x", func(t *Target) { t.Format = "xml" })}},
		"secret":    {Store: db, Owner: "o", Targets: []Target{targetAt(t, "a", "https://x", func(t *Target) { t.Secret = "short" })}},
		"twice":     {Store: db, Owner: "o", Targets: []Target{good, good}},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"1", "-1", "99999999999", "Sun, 22 Nov 2026 03:00:00 GMT", "", "1.5", "soon"} {
		f.Add(s)
	}
	now := time.Unix(1_800_000_000, 0)
	f.Fuzz(func(t *testing.T, s string) {
		if d := retryAfter(s, now); d < 0 {
			t.Fatalf("%q gives %s", s, d)
		}
	})
}
