package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"resync/breaker"
	"resync/internal/store"
)

func event(id string, kind Kind, title string) Event {
	return Event{ID: id, Kind: kind, At: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC), Severity: Critical, Title: title, Text: "what to do",
		Facts: []Fact{{"Engine", "night"}, {"Empty", ""}}, Data: map[string]any{"run_id": id}, Link: "https://resync.example"}
}

// verify is the receiver's side, written from the specification and not from Sign.
func verify(t *testing.T, g got, secret string) {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	must(t, err)
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", g.id, g.stamp, g.body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if g.signature != want {
		t.Errorf("signature %q, want %q", g.signature, want)
	}
	at, err := strconv.ParseInt(g.stamp, 10, 64)
	must(t, err)
	if age := time.Since(time.Unix(at, 0)); age < -time.Minute || age > time.Minute {
		t.Errorf("the time of the attempt is %s ago", age)
	}
}

func TestAMessageArrivesSigned(t *testing.T) {
	r := newReceiver(t, nil)
	p := newPost(t, nil, Options{Targets: []Target{targetAt(t, "oncall", r.URL+"/hook")}})
	for range 3 { // told three times, as three servers would
		must(t, p.box.Tell(t.Context(), event("run_1/error", ActionFailed, "rerun_job on PAY failed")))
	}
	p.eventually("the message", func() bool { return len(r.all()) > 0 })
	p.eventually("the end of the job", func() bool {
		list, _ := p.box.Deliveries(t.Context(), "", 10)
		return list[0].State == store.JobCompleted
	})
	if n := len(r.all()); n != 1 {
		t.Fatalf("%d messages", n)
	}
	g := r.all()[0]
	verify(t, g, testSecret)
	var body map[string]any
	must(t, json.Unmarshal(g.body, &body))
	data := body["data"].(map[string]any)
	if body["type"] != "action.failed" || body["timestamp"] != "2026-11-22T03:00:00Z" || data["title"] != "rerun_job on PAY failed" || data["severity"] != "critical" ||
		data["detail"].(map[string]any)["run_id"] != "run_1/error" || len(data["facts"].([]any)) != 1 {
		t.Errorf("body %s", g.body)
	}
	if !strings.HasPrefix(g.id, "msg_") || g.id != messageID("oncall", "run_1/error") {
		t.Errorf("id %s", g.id)
	}
}

// What a receiver is told, and that one which is away or its own breaker hinders
// nobody else.
func TestTargetsAreToldWhatTheyAskFor(t *testing.T) {
	all, some := newReceiver(t, nil), newReceiver(t, nil)
	p := newPost(t, nil, Options{Targets: []Target{
		targetAt(t, "all", all.URL), targetAt(t, "some", some.URL, func(t *Target) { t.Kinds = []Kind{JobAbend} }),
		targetAt(t, "dead", "http://127.0.0.1:1"),
	}})
	own := event("b", Degraded, "breaker")
	own.About = "all"
	must(t, p.box.Tell(t.Context(), event("a", JobAbend, "abend"), own, event("c", Healed, "healed")))
	p.eventually("the messages", func() bool { return len(all.all()) == 2 && len(some.all()) == 1 })
	if some.all()[0].title() != "abend" {
		t.Errorf("some was told %s", some.all()[0].title())
	}
	p.eventually("the dead one to wait", func() bool {
		st, err := p.box.Targets(t.Context())
		return err == nil && st[0].Waiting == 0 && st[2].Waiting == 3
	})
}

// Retry-After decides when a message is sent again; the id stays.
func TestAReceiverThatAsksForTime(t *testing.T) {
	for _, tt := range []struct {
		name, header string
		status       int
		least, most  time.Duration
	}{
		{"seconds", "90", 429, 85 * time.Second, 95 * time.Second},
		{"a date", time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat), 503, 9 * time.Minute, 11 * time.Minute},
		{"longer than an hour", "86400", 429, 59 * time.Minute, 61 * time.Minute},
		{"garbage", "soon", 429, time.Second, 6 * time.Second},
		{"nothing", "", 500, time.Second, 6 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newReceiver(t, func(n int, w http.ResponseWriter, _ *http.Request) {
				if n == 1 {
					w.Header().Set("Retry-After", tt.header)
					w.WriteHeader(tt.status)
				}
			})
			path := tmpDB(t)
			p := newPost(t, openDB(t, path), Options{Targets: []Target{targetAt(t, "oncall", r.URL)}})
			must(t, p.box.Tell(t.Context(), event("x", JobAbend, "abend")))
			var d Delivery
			p.eventually("the first attempt", func() bool {
				list, err := p.box.Deliveries(t.Context(), "oncall", 10)
				if err == nil && len(list) == 1 && list[0].Error != "" {
					d = list[0]
				}
				return d.ID != ""
			})
			if wait := time.Until(*d.Next); wait < tt.least-time.Second || wait > tt.most {
				t.Errorf("the next attempt is in %s", wait)
			}
			p.soonAgain(path)
			p.eventually("the second attempt", func() bool { return len(r.all()) == 2 })
			if a := r.all(); a[0].id != a[1].id || string(a[0].body) != string(a[1].body) {
				t.Error("a retry is another message")
			}
			verify(t, r.all()[1], testSecret)
		})
	}
}

// A receiver that never answers, one that answers for ever, one that drips.
func TestHostileReceivers(t *testing.T) {
	release := make(chan struct{})
	var wrote atomic.Int64
	for name, tt := range map[string]struct {
		answer func(int, http.ResponseWriter, *http.Request)
		says   string // "" is delivered
	}{
		"never answers": {func(_ int, _ http.ResponseWriter, r *http.Request) {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}, "did not answer in time"},
		"answers 1 GB": {func(_ int, w http.ResponseWriter, _ *http.Request) {
			piece := make([]byte, 1<<20)
			for range 1024 {
				n, err := w.Write(piece)
				if wrote.Add(int64(n)); err != nil {
					return
				}
			}
		}, ""},
		"endless headers": {func(_ int, w http.ResponseWriter, _ *http.Request) {
			for i := range 2000 {
				w.Header().Set("X-"+strconv.Itoa(i), strings.Repeat("x", 4096))
			}
		}, "headers"},
		"goes away": {func(_ int, _ http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		"too large": {func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestEntityTooLarge) }, "413"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t, tt.answer)
			target := targetAt(t, "oncall", r.URL+"/secret-path", func(t *Target) {
				if t.Timeout = 5 * time.Second; name == "never answers" {
					t.Timeout = 300 * time.Millisecond
				}
			})
			p := newPost(t, nil, Options{Targets: []Target{target}})
			start := time.Now()
			must(t, p.box.Tell(t.Context(), event("x", JobAbend, "abend")))
			var d Delivery
			p.eventually("an attempt", func() bool {
				list, err := p.box.Deliveries(t.Context(), "oncall", 10)
				if err == nil && (list[0].Error != "" || list[0].State == store.JobCompleted) {
					d = list[0]
				}
				return d.ID != ""
			})
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("an attempt took %s", took)
			}
			if (tt.says == "") != (d.State == store.JobCompleted) || !strings.Contains(d.Error, tt.says) {
				t.Errorf("%+v", d)
			}
			if strings.Contains(p.log.String(), "secret-path") || strings.Contains(d.Error, "secret-path") {
				t.Errorf("the address is in the log:\n%s", p.log)
			}
		})
	}
	close(release)
	if n := wrote.Load(); n > 64<<20 {
		t.Errorf("a receiver could write %d MB", n>>20)
	}
}

// After five failures the breaker refuses; what waits costs no attempts until it
// probes, and the messages come through, each with its own id, when the receiver is
// back, in whatever order.
func TestABreakerKeepsAttempts(t *testing.T) {
	var down atomic.Bool
	down.Store(true)
	r := newReceiver(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	path := tmpDB(t)
	target := targetAt(t, "oncall", r.URL)
	p := newPost(t, openDB(t, path), Options{Targets: []Target{target}})
	for i := range 8 {
		must(t, p.box.Tell(t.Context(), event(strconv.Itoa(i), JobAbend, "abend "+strconv.Itoa(i))))
	}
	attempts := func() (n int) {
		list, err := p.box.Deliveries(t.Context(), "", 50)
		must(t, err)
		for _, d := range list {
			n += d.Attempts
		}
		return n
	}
	p.eventually("the breaker to open", func() bool { return target.Breaker.State() == breaker.Open })
	p.eventually("the rest to be turned away", func() bool {
		list, err := p.box.Deliveries(t.Context(), "", 50)
		n := 0
		for _, d := range list {
			if d.Error != "" {
				n++
			}
		}
		return err == nil && n == 8
	})
	if sent, counted := len(r.all()), attempts(); sent != 5 || counted != 5 {
		t.Errorf("%d messages were sent, %d attempts counted; want 5 and 5", sent, counted)
	}
	down.Store(false)
	must(t, target.Breaker.Reset("repaired", "ana"))
	p.soonAgain(path)
	p.eventually("all to arrive", func() bool {
		seen := map[string]bool{}
		for _, g := range r.all()[5:] {
			seen[g.id] = true
		}
		return len(seen) == 8
	})
}

// 410 switches a target off, with a line that says so; what waits is put aside and
// sent again when an administrator has switched it on.
func TestAReceiverThatIsGone(t *testing.T) {
	var gone atomic.Bool
	gone.Store(true)
	r := newReceiver(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		if gone.Load() {
			w.WriteHeader(http.StatusGone)
		}
	})
	p := newPost(t, nil, Options{Targets: []Target{targetAt(t, "oncall", r.URL)}})
	ctx := t.Context()
	must(t, p.box.Tell(ctx, event("a", JobAbend, "first")))
	p.eventually("the target to be off", func() bool { st, err := p.box.Targets(ctx); return err == nil && st[0].Off != nil && st[0].Failed == 1 })
	st, err := p.box.Targets(ctx)
	must(t, err)
	if off := st[0].Off; off.By != "resync" || !strings.Contains(off.Reason, "410") || off.At.IsZero() {
		t.Errorf("off: %+v", off)
	}
	lines, err := p.db.Audits(ctx, store.AuditFilter{Action: "webhook.*"})
	must(t, err)
	if len(lines) != 1 || lines[0].Action != "webhook.off" || lines[0].Target != "oncall" || lines[0].Actor != "resync" {
		t.Errorf("no line of the audit says it: %+v", lines)
	}
	must(t, p.box.Tell(ctx, event("b", JobAbend, "second"))) // nobody is told while it is off
	if n := len(r.all()); n != 1 {
		t.Errorf("%d messages", n)
	}
	gone.Store(false)
	if _, err := p.box.SwitchOn(ctx, "oncall", "moved back", "ana"); err != nil {
		t.Fatal(err)
	}
	failed, err := p.box.Failed(ctx, "oncall", 10)
	must(t, err)
	if len(failed) != 1 || failed[0].Title != "first" || failed[0].Ended == nil {
		t.Fatalf("put aside: %+v", failed)
	}
	n, err := p.box.RedeliverAll(ctx, "", "ana")
	must(t, err)
	p.eventually("it to arrive", func() bool { return len(r.all()) == 2 })
	if a := r.all(); n != 1 || a[0].id != a[1].id {
		t.Errorf("%d sent again; ids %s and %s", n, a[0].id, a[1].id)
	}
}

// After its attempts, or its time, a message is put aside with the reason.
func TestAMessageIsPutAside(t *testing.T) {
	r := newReceiver(t, func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	path := tmpDB(t)
	p := newPost(t, openDB(t, path), Options{Attempts: 2, Targets: []Target{targetAt(t, "oncall", r.URL)}})
	must(t, p.box.Tell(t.Context(), event("x", JobAbend, "abend")))
	p.eventually("the first attempt", func() bool {
		list, err := p.box.Deliveries(t.Context(), "", 1)
		return err == nil && list[0].Error != ""
	})
	p.soonAgain(path)
	p.eventually("the end", func() bool { list, err := p.box.Failed(t.Context(), "", 1); return err == nil && len(list) == 1 })
	list, err := p.box.Failed(t.Context(), "", 1)
	must(t, err)
	if d := list[0]; d.Attempts != 2 || !strings.Contains(d.Error, "401") || len(r.all()) != 2 {
		t.Errorf("%+v after %d messages", d, len(r.all()))
	}
	d, err := p.box.Redeliver(t.Context(), list[0].ID, "ana")
	must(t, err)
	p.eventually("another attempt", func() bool { return len(r.all()) == 3 })
	if d.State != store.JobPending || d.Attempts != 0 {
		t.Errorf("given back as %+v", d)
	}
	if _, err := p.box.Redeliver(t.Context(), "msg_none", "ana"); err == nil {
		t.Error("a message nobody knows was sent again")
	}
	if _, err := p.box.Failed(t.Context(), "nobody", 1); err == nil || !strings.Contains(err.Error(), "oncall") {
		t.Errorf("an unknown target: %v", err)
	}
}

func TestTimeIsOver(t *testing.T) {
	r := newReceiver(t, nil)
	late := func() time.Time { return time.Now().Add(25 * time.Hour) }
	p := newPost(t, nil, Options{Now: late, Targets: []Target{targetAt(t, "oncall", r.URL)}})
	must(t, p.box.Tell(t.Context(), event("x", JobAbend, "abend")))
	p.eventually("the end", func() bool { list, err := p.box.Failed(t.Context(), "", 1); return err == nil && len(list) == 1 })
	if list, err := p.box.Failed(t.Context(), "", 1); err != nil || !strings.Contains(list[0].Error, "within 24h") || len(r.all()) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestTry(t *testing.T) {
	r := newReceiver(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n > 1 {
			w.WriteHeader(http.StatusForbidden)
		}
	})
	p := newPost(t, nil, Options{Targets: []Target{targetAt(t, "oncall", r.URL, func(t *Target) { t.Kinds = []Kind{JobAbend} })}})
	for i, want := range []Trial{{Target: "oncall", OK: true, Status: 200}, {Target: "oncall", Status: 403, Error: "it answered 403 Forbidden"}} {
		got, err := p.box.Try(t.Context(), "oncall", "ana")
		must(t, err)
		if got.OK != want.OK || got.Status != want.Status || got.Error != want.Error || got.ID == "" {
			t.Errorf("attempt %d: %+v", i, got)
		}
	}
	if _, err := p.box.Try(t.Context(), "nobody", "ana"); err == nil {
		t.Error("an unknown target was tried")
	}
	verify(t, r.all()[0], testSecret)
}

// What stands in a message may hold what nobody should read.
func TestSecretsDoNotTravel(t *testing.T) {
	r := newReceiver(t, nil)
	redact := func(s string) string { return strings.ReplaceAll(s, "hunter2", "•••") }
	p := newPost(t, nil, Options{Redact: redact, Targets: []Target{targetAt(t, "oncall", r.URL)}})
	e := event("x", ActionFailed, "login hunter2 failed")
	e.Text, e.Facts, e.Data = "hunter2", []Fact{{"Reason", "said hunter2"}}, map[string]any{"error": "hunter2", "big": strings.Repeat("x", 20<<10)}
	must(t, p.box.Tell(t.Context(), e))
	p.eventually("the message", func() bool { return len(r.all()) == 1 })
	if body := string(r.all()[0].body); strings.Contains(body, "hunter2") || len(body) > maxData || !strings.Contains(body, "too large") {
		t.Errorf("sent: %.300s", body)
	}
	if strings.Contains(p.log.String(), "login") {
		t.Errorf("the log repeats a message:\n%s", p.log)
	}
}
