package hwa

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"resync/hwa/oql"
)

// TestByFilterVerdict checks that a 200 is believed only after reading it.
func TestByFilterVerdict(t *testing.T) {
	const ok, bad = `{"id":"a","isError":false}`, `{"id":"b","isError":true,"message":"AWSJSY404E AWSBIN076E wrong state"}`
	tests := []struct {
		name, body string
		kind       Kind
		acted      bool
		says       string
	}{
		{"all good", `{"successfulResourceResponses":[` + ok + `],"failedResourceResponses":[]}`, "", false, ""},
		{"all failed", `{"successfulResourceResponses":[],"failedResourceResponses":[` + bad + `]}`, KindBusiness, false, "AWSBIN076E wrong state"},
		{"some failed", `{"successfulResourceResponses":[` + ok + `],"failedResourceResponses":[` + bad + `]}`, KindBusiness, true, "1 objects accepted, 1 refused"},
		{"failed among the successful", `{"successfulResourceResponses":[` + bad + `]}`, KindBusiness, false, "wrong state"},
		{"none matched", `{"successfulResourceResponses":[],"failedResourceResponses":[]}`, KindNotFound, false, "nothing was changed"},
		{"locked", `{"failedResourceResponses":[{"id":"b","isError":true,"message":"locked","lockData":{"lockedBy":"ann"}}]}`, KindConflict, false, "locked by ann"},
		{"empty", ``, KindProtocol, true, "empty"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, tt.body) })
			_, err := c.HoldJobs(t.Context(), WithID("a"), 5, why)
			_, twinErr := c.LinkWorkstation(t.Context(), "a", why)
			for _, err := range []error{err, twinErr} {
				if KindOf(err) != tt.kind {
					t.Fatalf("%v, want %q", err, tt.kind)
				}
				if err == nil {
					continue
				}
				e := asError(t, err)
				if e.MayHaveActed != tt.acted || !strings.Contains(e.Error(), tt.says) || e.Retryable {
					t.Errorf("%+v", e)
				}
			}
		})
	}
}

// TestRefusedBeforeSending lists what never leaves the client.
func TestRefusedBeforeSending(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { t.Errorf("%s %s was sent", r.Method, r.URL) })
	x := t.Context()
	long := Justification{Category: strings.Repeat("x", 129)}
	calls := map[string]func() error{
		"no id":             func() error { _, err := c.HoldJob(x, "", why); return err },
		"path in an id":     func() error { _, err := c.HoldJob(x, "..", why); return err },
		"newline in an id":  func() error { _, err := c.HoldJob(x, "a\nb", why); return err },
		"long category":     func() error { _, err := c.HoldJob(x, anID, long); return err },
		"control character": func() error { _, err := c.HoldJob(x, anID, Justification{TicketNum: "a\x00b"}); return err },
		"empty filter":      func() error { _, err := c.CancelJobs(x, Filter{}, 1, why); return err },
		"no maximum":        func() error { _, err := c.CancelJobs(x, WithID("a"), 0, why); return err },
		"priority":          func() error { _, err := c.UpdateJobPriority(x, anID, 102, why); return err },
		"limit":             func() error { _, err := c.UpdateWorkstationLimit(x, anID, -1, why); return err },
		"fence":             func() error { _, err := c.UpdateWorkstationFence(x, anID, 999, why); return err },
		"stream limit":      func() error { _, err := c.UpdateJobStreamLimit(x, anID, 1025, why); return err },
		"patch":             func() error { _, err := c.PatchJob(x, anID, json.RawMessage(`[1]`), why); return err },
		"empty patch":       func() error { _, err := c.PatchJob(x, anID, json.RawMessage(`{}`), why); return err },
		"dependency id": func() error {
			_, err := c.ReleaseJobDependencies(x, anID, []Dependency{{DependencyType: DependencyTypeFile}}, why)
			return err
		},
		"no dependency": func() error { _, err := c.RemoveJobDependencies(x, anID, nil, why); return err },
		"no task":       func() error { _, err := c.SubmitAdHocJob(x, SubmitAdHocJobOptions{}, why); return err },
		"group":         func() error { _, err := c.JobCount(x, CountOptions{GroupBy: []string{"name"}}); return err },
		"kind":          func() error { _, err := c.Definition(x, "../engine", anID); return err },
		"log window":    func() error { _, err := c.JobLog(x, anID, LogWindow{From: 5, To: 4}); return err },
		"issues of all": func() error { _, err := c.JobIssues(x, ListOptions{}); return err },
		"kind of filter": func() error {
			_, err := c.HoldJobs(x, Select(oql.AllObjects(oql.Workstations)), 1, why)
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			e := asError(t, call())
			if e.Kind != KindInvalid || e.MayHaveActed || e.Message == "" {
				t.Errorf("%+v", e)
			}
		})
	}
}

// TestIDsAreEscaped checks that an id with a slash or a query in it stays one path segment.
func TestIDsAreEscaped(t *testing.T) {
	var got string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { got = r.RequestURI; io.WriteString(w, "{}") })
	if _, err := c.Job(t.Context(), "a/../b?c=d;e%2F"); err != nil {
		t.Fatal(err)
	}
	if want := "/twsd/api/v2/plan/job/a%2F..%2Fb%3Fc=d%3Be%252F"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestEmptyAnswer checks that nothing is an answer to an action by id, where the status says all, and to nothing else.
func TestEmptyAnswer(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {})
	if got, err := c.HoldJob(t.Context(), anID, why); err != nil || got.ID != anID {
		t.Errorf("action by id: %v, %v", got, err)
	}
	_, err := c.Job(t.Context(), anID)
	if e := asError(t, err); e.Kind != KindProtocol || !strings.Contains(e.Message, "empty") {
		t.Errorf("read: %+v", e)
	}
	_, err = Collect(c.Jobs(t.Context(), ListOptions{}))
	if e := asError(t, err); e.Kind != KindProtocol || !strings.Contains(e.Message, "empty") {
		t.Errorf("list: %+v", e)
	}
}

func TestFenceSendsBothNames(t *testing.T) {
	var got string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { got = r.URL.RawQuery })
	if _, err := c.UpdateWorkstationFence(t.Context(), anID, 30, Justification{}); err != nil {
		t.Fatal(err)
	}
	if got != "fence=30&priority=30" {
		t.Error(got)
	}
}

func TestPrompts(t *testing.T) {
	var got []string
	old := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.URL.Path)
		if !strings.Contains(r.URL.Path, anID) {
			w.WriteHeader(404)
			return
		}
		io.WriteString(w, `{"id":"`+anID+`"}`)
	})
	if _, err := old.ReplyPrompt(t.Context(), anID, true, why); err != nil || len(got) != 2 {
		t.Errorf("an engine before 10.2.8 was asked %v: %v", got, err)
	}
	_, err := Collect(old.Prompts(t.Context(), ListOptions{}))
	if e := asError(t, err); e.Kind != KindNotSupported || !strings.Contains(e.Message, "10.2.8") {
		t.Errorf("%+v", e)
	}
	got = nil
	refusing := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.URL.Path)
		io.WriteString(w, `{"successfulResourceResponses":[],"failedResourceResponses":[{"id":"a","message":"AWSBIN076E no"}]}`)
	})
	if _, err := refusing.ReplyPrompt(t.Context(), anID, true, why); KindOf(err) != KindBusiness || len(got) != 1 {
		t.Errorf("a refusal was followed by a second attempt: %v, %v", got, err)
	}
}

// TestSecretsStayInside sends a wrong password to servers that echo it and looks for it everywhere.
func TestSecretsStayInside(t *testing.T) {
	const password, token = "hunter2-pa&ss", "eyJhbGciOi.secret.sig"
	for _, cfg := range []Config{{Username: "ann", Password: password}, {Token: token}} {
		h := func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(401)
			user, pw, _ := r.BasicAuth()
			fmt.Fprintf(w, `{"message":"no %s %s %s %s"}`, user, pw, r.Header.Get("Authorization"), r.URL)
		}
		srv := httptest.NewServer(http.HandlerFunc(h))
		defer srv.Close()
		cfg.BaseURLs = []string{srv.URL}
		c, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, err = c.EngineInfo(t.Context())
		e := asError(t, err)
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "cfg", cfg, "client", c, "err", err)
		asJSON, _ := json.Marshal(cfg)
		all := fmt.Sprintf("%v %+v %#v %s|%v %+v %#v|%s %+v %#v|%s %s", cfg, cfg, cfg, cfg, c, c, c, e, *e, *e, log.String(), asJSON)
		for _, secret := range []string{password, token, "YW5u", basic("ann", password), "hunter2"} {
			if strings.Contains(all, secret) {
				t.Errorf("%q shows in %s", secret, all)
			}
		}
		if !strings.Contains(e.ServerText, "[secret]") {
			t.Errorf("the engine's words are lost: %q", e.ServerText)
		}
	}
	if _, err := New(Config{BaseURLs: []string{"https://ann:" + password + "@m"}, Token: "t"}); err == nil || strings.Contains(err.Error(), password) {
		t.Errorf("%v", err)
	}
}

// transportFunc is a transport without a network.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, header http.Header, body string) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}
}

// TestBackoff runs in fake time: pauses double, jitter keeps them within half and whole, Retry-After is honoured, and no pause
// outlasts the caller's deadline.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var times []time.Time
		retryAfter := ""
		c := newClient(t, Config{BaseURLs: []string{"https://m"}, Backoff: time.Second, Attempts: 4, Transport: transportFunc(func(*http.Request) (*http.Response, error) {
			times = append(times, time.Now())
			return answer(503, http.Header{"Retry-After": {retryAfter}}, ""), nil
		})})
		if _, err := c.Job(t.Context(), anID); KindOf(err) != KindOutage {
			t.Fatal(err)
		}
		if len(times) != 4 {
			t.Fatalf("%d attempts, want 4", len(times))
		}
		for i, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
			if got := times[i+1].Sub(times[i]); got < want/2 || got > want {
				t.Errorf("pause %d is %v, want %v to %v", i, got, want/2, want)
			}
		}
		times, retryAfter = nil, "7"
		c.Job(t.Context(), anID)
		if got := times[1].Sub(times[0]); got != 7*time.Second {
			t.Errorf("Retry-After 7 gave a pause of %v", got)
		}
		times = nil
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
		defer cancel()
		began := time.Now()
		if _, err := c.Job(ctx, anID); KindOf(err) != KindOutage || time.Since(began) > time.Millisecond || len(times) != 1 {
			t.Errorf("a pause that cannot end in time was begun: %v after %v", err, time.Since(began))
		}
	})
}

// TestUnknownTransport checks that a write is taken as possibly done when the transport does not say what it sent.
func TestUnknownTransport(t *testing.T) {
	c := newClient(t, Config{BaseURLs: []string{"https://m"}, Transport: transportFunc(func(*http.Request) (*http.Response, error) { return nil, errors.New("odd") })})
	_, err := c.KillJob(t.Context(), anID, why)
	if e := asError(t, err); !e.MayHaveActed {
		t.Errorf("%+v", e)
	}
}

func TestResponseLimit(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"id":"x","name":"%s"}`, strings.Repeat("a", 1000))
	}
	srv := httptest.NewServer(http.HandlerFunc(h))
	defer srv.Close()
	c := newClient(t, Config{BaseURLs: []string{srv.URL}, MaxResponse: 500})
	_, err := c.Job(t.Context(), anID)
	if e := asError(t, err); e.Kind != KindProtocol || e.Retryable || !strings.Contains(e.Message, "larger than") {
		t.Errorf("%+v", e)
	}
	c = newClient(t, Config{BaseURLs: []string{srv.URL}, MaxResponse: int64(len(`{"id":"x","name":""}`)) + 1000})
	if _, err := c.Job(t.Context(), anID); err != nil {
		t.Errorf("an answer of exactly the limit: %v", err)
	}
}

type spy struct {
	mu     sync.Mutex
	seen   []Attempt
	refuse error
}

func (s *spy) Before(context.Context, Attempt) error { return s.refuse }

func (s *spy) After(_ context.Context, a Attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.Duration = 0
	s.seen = append(s.seen, a)
}

func TestObserver(t *testing.T) {
	var hits atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hits.Add(1) == 1 {
			w.WriteHeader(503)
		}
		io.WriteString(w, "{}")
	}))
	defer srv.Close()
	s := &spy{}
	c := newClient(t, Config{BaseURLs: []string{srv.URL}, Observer: s})
	if _, err := c.Job(t.Context(), anID); err != nil {
		t.Fatal(err)
	}
	if _, err := c.HoldJob(t.Context(), anID, why); err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(srv.URL, "http://")
	want := []Attempt{
		{Op: "read_job", Host: host, Number: 1, Status: 503, Kind: KindOutage, Outage: true},
		{Op: "read_job", Host: host, Number: 2, Status: 200},
		{Op: "hold_job", Host: host, Number: 1, Status: 200, Write: true},
	}
	if diff := cmp.Diff(want, s.seen); diff != "" {
		t.Error(diff)
	}
	open := errors.New("the circuit breaker is open")
	s.refuse, hits = open, atomic.Int32{}
	_, err := c.HoldJob(t.Context(), anID, why)
	if e := asError(t, err); e.Kind != KindUnreachable || e.MayHaveActed || !errors.Is(err, open) || hits.Load() != 0 {
		t.Errorf("%+v, sent %d", e, hits.Load())
	}
}

func TestVersion(t *testing.T) {
	for _, tt := range []struct {
		version string
		want    []int
		ok      bool
	}{
		{"10.2.8.00", []int{10, 2, 8}, true}, {"10.1.0.1", []int{10, 2}, false}, {"10.2", []int{10, 2, 0}, true}, {"10.2", []int{10, 2, 1}, false},
		{"11", []int{10, 2}, true}, {"", []int{1}, false}, {"V9.5 FP3", []int{9, 5}, true},
	} {
		if got := (&EngineInfo{FullVersion: tt.version}).AtLeast(tt.want...); got != tt.ok {
			t.Errorf("%q at least %v: %v", tt.version, tt.want, got)
		}
	}
}
