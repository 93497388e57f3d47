package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"resync/internal/api"
	"resync/internal/auth"
	"resync/internal/config"
	"resync/internal/store"
	"resync/internal/store/storetest"
	"resync/internal/telemetry"
)

const keyName = "Idempotency-Key"

func TestKeyHeader(t *testing.T) {
	long := strings.Repeat("k", 255)
	for _, tt := range []struct {
		values []string
		want   string
		says   string
	}{
		{nil, "", ""},
		{[]string{`"8e03978e-40d5-43e8-bc93-6894a57f9324"`}, "8e03978e-40d5-43e8-bc93-6894a57f9324", ""},
		{[]string{`8e03978e-40d5`}, "8e03978e-40d5", ""},
		{[]string{` "a b" `}, "a b", ""},
		{[]string{`"a\"b\\c"`}, `a"b\c`, ""},
		{[]string{`"a"; v=1`}, "a", ""},
		{[]string{`"` + long + `"`}, long, ""},
		{[]string{long}, long, ""},
		{[]string{long + "k"}, "", "256 characters"},
		{[]string{`"a"`, `"b"`}, "", "one Idempotency-Key"},
		{[]string{`"a", "b"`}, "", "something follows"},
		{[]string{`a, b`}, "", "position 2"},
		{[]string{`a b`}, "", "position 2"},
		{[]string{``}, "", "empty"},
		{[]string{`""`}, "", "empty"},
		{[]string{`"a`}, "", "closing quote"},
		{[]string{`"a\n"`}, "", "backslash"},
		{[]string{`"a\`}, "", "backslash"},
		{[]string{"\"a\x01\""}, "", "printable"},
		{[]string{"\"é\""}, "", "printable"},
		{[]string{"é"}, "", "position 1"},
	} {
		got, err := api.ParseKey(tt.values)
		if got != tt.want || (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%q: %q, %v; want %q, %q", tt.values, got, err, tt.want, tt.says)
		}
	}
}

func FuzzKeyHeader(f *testing.F) {
	for _, s := range []string{`"8e03"`, `8e03`, `"a\"b"`, `"a";b`, `a,b`, "\"\x7f\"", `"`, ``} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		key, err := api.ParseKey([]string{value})
		if err != nil {
			return
		}
		if key == "" || len(key) > 255 || strings.IndexFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
			t.Errorf("%q gives the key %q", value, key)
		}
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key) + `"`
		if again, err := api.ParseKey([]string{quoted}); err != nil || again != key {
			t.Errorf("%q gives %q, written out %q, %v", value, key, again, err)
		}
	})
}

func TestFingerprint(t *testing.T) {
	print := func(method, target, user, body string) string {
		return api.Fingerprint(httptest.NewRequest(method, target, nil), user, []byte(body))
	}
	first := print("POST", "/api/v1/tws/execute/hold?b=2&a=1", "ana", `{"target":"A","reason":"x"}`)
	for name, same := range map[string]string{
		"the bare path":     print("POST", "/tws/execute/hold?b=2&a=1", "ana", `{"target":"A","reason":"x"}`),
		"blanks and order":  print("POST", "/api/v1/tws/execute/hold?a=1&b=2", "ana", " { \"reason\":\"x\",\n\"target\":\"A\" }"),
		"an escaped letter": print("POST", "/api/v1/tws/execute/hold?b=2&a=1", "ana", `{"target":"\u0041","reason":"x"}`),
	} {
		if same != first {
			t.Errorf("%s makes another request of it", name)
		}
	}
	for name, other := range map[string]string{
		"method": print("DELETE", "/api/v1/tws/execute/hold?b=2&a=1", "ana", `{"target":"A","reason":"x"}`),
		"path":   print("POST", "/api/v1/tws/execute/release?b=2&a=1", "ana", `{"target":"A","reason":"x"}`),
		"query":  print("POST", "/api/v1/tws/execute/hold?b=2", "ana", `{"target":"A","reason":"x"}`),
		"user":   print("POST", "/api/v1/tws/execute/hold?b=2&a=1", "bo", `{"target":"A","reason":"x"}`),
		"body":   print("POST", "/api/v1/tws/execute/hold?b=2&a=1", "ana", `{"target":"B","reason":"x"}`),
		"list":   print("POST", "/api/v1/tws/execute/hold?b=2&a=1", "ana", `[{"target":"A","reason":"x"}]`),
		"text":   print("POST", "/api/v1/tws/execute/hold?b=2&a=1", "ana", `target=A`),
	} {
		if other == first {
			t.Errorf("another %s is taken for the same request", name)
		}
	}
}

// TestKeyedApproval: the second of two equal requests is answered like the first
// to the byte, and the engine hears of one.
func TestKeyedApproval(t *testing.T) {
	h := newHost(t).ready()
	b := h.as("operator")
	id := b.propose("hold_job", map[string]any{"job": "PAYROLL_TAX"})
	first := b.postText(approvalsPath+"/"+id, `{"action":"approve","reason":"agreed"}`, keyName, `"k-1"`)
	first.ok()
	again := b.postText(approvalsPath+"/"+id, "{ \"reason\": \"agreed\", \"action\": \"approve\" }", keyName, "k-1")
	if again.status != first.status || string(again.body) != string(first.body) || again.header.Get("Content-Type") != first.header.Get("Content-Type") {
		t.Errorf("replayed %s\nfirst    %s", again, first)
	}
	if first.header.Get("Idempotency-Replayed") != "" || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("Idempotency-Replayed: %q, then %q", first.header.Get("Idempotency-Replayed"), again.header.Get("Idempotency-Replayed"))
	}
	if n := h.sim.Executed("", ""); n != 1 {
		t.Errorf("%d writes on the engine", n)
	}
	p := b.postText(approvalsPath+"/"+id, `{"action":"reject"}`, keyName, "k-1")
	p.problem(http.StatusUnprocessableEntity, "used for another request")
	if !strings.Contains(p.header.Get("Link"), "/docs#idempotency") {
		t.Errorf("no link to the documentation: %q", p.header.Get("Link"))
	}
	b.postText(undoPath+"/"+id, `{}`, keyName, "k-1").problem(http.StatusUnprocessableEntity)
	h.as("approver").postText(approvalsPath+"/"+id, `{"action":"approve","reason":"agreed"}`, keyName, "k-1").problem(http.StatusConflict, "already")
	for _, bad := range []string{`"open`, `a b`, strings.Repeat("k", 300)} {
		b.postText(approvalsPath+"/"+id, `{"action":"approve"}`, keyName, bad).problem(http.StatusBadRequest, keyName)
	}
	if metrics := string(h.anonymous().get("/metrics").body); !strings.Contains(metrics, `resync_idempotency_keys_total{state="replay"} 1`) {
		t.Error("the replay is not counted")
	}
}

// TestKeyedFailure: a refusal before anything began gives the key back, a failure
// after it began is remembered and replayed.
func TestKeyedFailure(t *testing.T) {
	h := newHost(t).ready()
	b := h.as("operator")
	b.postText(executePath, `{"tool_name":"hold_job","parameters":{"job":"NO_SUCH_JOB"}}`, keyName, "k").problem(http.StatusNotFound)
	b.postText(executePath, `{"tool_name":""}`, keyName, "k").problem(http.StatusUnprocessableEntity, "tool_name")
	proposed := b.postText(executePath, `{"tool_name":"hold_job","parameters":{"job":"PAYROLL_TAX"}}`, keyName, "k").ok()
	id := proposed["approval_id"].(string)
	h.beforeWrite(func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, `{"messages":["AWSXXX refused"]}`, http.StatusInternalServerError)
		return true
	})
	first := b.postText(approvalsPath+"/"+id, `{"action":"approve"}`, keyName, "k2")
	again := b.postText(approvalsPath+"/"+id, `{"action":"approve"}`, keyName, "k2")
	if again.status != first.status || string(again.body) != string(first.body) || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("first %s\nagain %s", first, again)
	}
	if n := h.sim.Executed("", ""); n != 0 {
		t.Errorf("%d writes on the engine", n)
	}
}

// TestKeyedRequestOutlivesItsClient: who sends a key means to ask again, so a
// lost connection does not stop the work, and asking again finds it.
func TestKeyedRequestOutlivesItsClient(t *testing.T) {
	h := newHost(t).ready()
	b := h.as("operator")
	id := b.propose("hold_job", map[string]any{"job": "PAYROLL_TAX"})
	arrived, answer := make(chan struct{}), make(chan struct{})
	h.beforeWrite(func(http.ResponseWriter, *http.Request) bool { close(arrived); <-answer; return false })
	ctx, leave := context.WithCancel(t.Context())
	go func() { <-arrived; leave() }()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.base+approvalsPath+"/"+id, strings.NewReader(`{"action":"approve"}`))
	must(t, err)
	req.Header.Set(keyName, "k")
	req.Header.Set("Content-Type", "application/json")
	if resp, err := b.client.Do(req); err == nil {
		resp.Body.Close()
		t.Fatal("the answer came although the engine had not answered")
	}
	p := b.postText(approvalsPath+"/"+id, `{"action":"approve"}`, keyName, "k")
	got := p.problem(http.StatusConflict, "still being carried out")
	if got["operation_state"] != "in_progress" || got["operation_ref"] != runsPath+"/"+id || p.header.Get("Retry-After") != "1" {
		t.Errorf("in flight: %s", p)
	}
	close(answer)
	var done reply
	h.eventually("the answer to be kept", func() bool {
		done = b.postText(approvalsPath+"/"+id, `{"action":"approve"}`, keyName, "k")
		return done.status != http.StatusConflict
	})
	if done.ok()["status"] != "done" || done.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("asked again: %s", done)
	}
	if n := h.sim.Executed("", ""); n != 1 {
		t.Errorf("%d writes on the engine", n)
	}
}

// TestKeyAfterADeadOwner puts claims of a server that is gone into the store and
// asks again.
func TestKeyAfterADeadOwner(t *testing.T) {
	h := newHost(t).ready()
	b := h.as("operator")
	run := b.propose("hold_job", map[string]any{"job": "PAYROLL_TAX"})
	db, err := store.Open(t.Context(), h.file)
	must(t, err)
	defer db.Close()
	dead := func(key, path, body string) store.KeyClaim {
		k, err := db.ClaimKey(t.Context(), store.KeyRequest{Scope: "user:operator", Key: key, Owner: "a dead server", TTL: time.Hour, Lease: time.Millisecond,
			Fingerprint: api.Fingerprint(httptest.NewRequest(http.MethodPost, path, nil), "operator", []byte(body))})
		must(t, err)
		time.Sleep(2 * time.Millisecond)
		return k
	}
	dead("before", approvalsPath+"/"+run, `{"action":"approve"}`)
	b.postText(approvalsPath+"/"+run, `{"action":"approve"}`, keyName, "before").ok() // nothing had begun: carried out now

	body := `{"tool_name":"hold_job","parameters":{"job":"PAYROLL_CALC"},"reason":"x"}`
	k := dead("after", executePath, body)
	other := store.NewID("run")
	_, err = db.CreateRun(store.WithKey(t.Context(), k), store.Run{ID: other, Tool: "hold_job", User: "operator", Engine: "night",
		Args: []byte("{}"), Risk: []byte("{}"), Preview: []byte("{}"), PreImage: []byte("{}")}, store.Entry{Actor: "operator"})
	must(t, err)
	got := b.postText(executePath, body, keyName, "after").problem(http.StatusConflict, "nothing is sent a second time")
	if got["operation_state"] != "indeterminate" || got["operation_ref"] != runsPath+"/"+other || got["operation_outcome"] == nil {
		t.Errorf("after a crash: %v", got)
	}

	question := `{"message":"How many jobs are in the plan?"}`
	dead("chat", "/api/v1/chat", question)
	got = b.postText("/api/v1/chat", question, keyName, "chat", "Accept", "").problem(http.StatusConflict)
	if got["operation_state"] != "indeterminate" || got["operation_ref"] != nil {
		t.Errorf("work of which it is not known how far it got: %v", got)
	}
}

func TestKeyRequired(t *testing.T) {
	h := newHost(t, func(c *hostConfig) { c.config = func(cfg *config.Config) { cfg.Server.RequireKey = true } }).ready()
	b := h.as("operator")
	r := b.postText(executePath, `{"tool_name":"hold_job","parameters":{"job":"PAYROLL_TAX"}}`)
	r.problem(http.StatusBadRequest, "needs an Idempotency-Key", "/docs#idempotency")
	if !strings.Contains(r.header.Get("Link"), "/docs#idempotency") {
		t.Errorf("no link: %v", r.header)
	}
	b.postText(executePath, `{"tool_name":"hold_job","parameters":{"job":"PAYROLL_TAX"}}`, keyName, "k").ok()
	b.postText("/api/v1/rag/query", `{"query":"abend"}`).ok()
	b.post("/api/v1/chat", map[string]string{"message": "How many jobs are in the plan?"}).ok()
	if docs := string(b.get("/docs").body); !strings.Contains(docs, `id="idempotency"`) {
		t.Error("the reference has no section on keys")
	}
}

// TestKeyedStream: a stream is replayed whole.
func TestKeyedStream(t *testing.T) {
	h := newHost(t).ready()
	b := h.as("viewer")
	ask := func() reply {
		return b.postText("/api/v1/chat", `{"message":"How many jobs are in the plan?"}`, keyName, "k", "Accept", "text/event-stream")
	}
	first, again := ask(), ask()
	if !strings.Contains(string(first.body), "event: done") || string(first.body) != string(again.body) || again.header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("first %s\nagain %s %v", first, again, again.header)
	}
	if n := len(b.get("/api/v1/chat/sessions").ok()["sessions"].([]any)); n != 1 {
		t.Errorf("%d conversations", n)
	}
}

// deadKeys is a store that does not answer.
type deadKeys struct{}

func (deadKeys) ClaimKey(context.Context, store.KeyRequest) (store.KeyClaim, error) {
	return store.KeyClaim{}, errors.New("connection refused")
}
func (deadKeys) ExtendKey(context.Context, store.KeyClaim, time.Duration) error {
	return errors.New("connection refused")
}
func (deadKeys) EndKey(context.Context, store.KeyClaim, *store.KeyAnswer) error {
	return errors.New("connection refused")
}

// TestDefect3_FailsClosed: the predecessor carried requests out unchecked when
// its key store did not answer.
func TestDefect3_FailsClosed(t *testing.T) {
	db, err := store.Open(t.Context(), ":memory:")
	must(t, err)
	defer db.Close()
	people := auth.New(db, nil)
	_, err = people.CreateUser(t.Context(), "ana", "", auth.NewRoles(auth.Operator))
	must(t, err)
	token, _, err := people.NewLoginToken(t.Context(), "ana")
	must(t, err)
	sess, err := people.LoginWithToken(t.Context(), token)
	must(t, err)
	h, err := api.Handler(api.Deps{Engines: []*api.Engine{{Name: "none"}}, Auth: people, Keys: deadKeys{}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Metrics: telemetry.NewMetrics(prometheus.NewRegistry()), Prom: http.NotFoundHandler(), Console: http.NotFoundHandler()})
	must(t, err)
	r := httptest.NewRequest(http.MethodPost, executePath, strings.NewReader(`{"tool_name":"hold_job"}`))
	r.Header.Set("Cookie", "resync_session="+sess.Token)
	r.Header.Set(keyName, "k")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r) // a request that got through would panic: there is no executor
	got := reply{t, w.Code, w.Header(), w.Body.Bytes()}
	got.problem(http.StatusServiceUnavailable, "nothing was done", "same key")
	if got.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

// TestDefect3_RacersOnOneKey: of 64 racers with one key on one approval one is
// carried out, on both engines of the store. The predecessor checked and then
// set. The rounds of the claim alone are in internal/store/storetest.
func TestDefect3_RacersOnOneKey(t *testing.T) {
	rounds := 4
	if os.Getenv("RESYNC_LONG") != "" {
		rounds = 100
	}
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			url := ""
			if engine == "postgres" {
				url = storetest.Postgres(t).NewDatabase(t)
			}
			h := newHost(t, func(c *hostConfig) {
				c.config = func(cfg *config.Config) {
					if url != "" {
						cfg.Database.URL = config.NewSecret(url)
					}
				}
			}).ready()
			b := h.as("operator")
			jobs := b.get("/api/v1/tws/plan/current/job?status=HOLD&limit=200").ok()["items"].([]any)
			for round := range rounds {
				job := jobs[round%len(jobs)].(map[string]any)["id"].(string)
				tool := []string{"hold_job", "release_job"}[round/len(jobs)%2]
				race(t, h, b, b.propose(tool, map[string]any{"job": job}), fmt.Sprintf("race-%d", round))
				if n := h.sim.Executed("", ""); n != round+1 {
					t.Fatalf("round %d: %d writes on the engine", round, n)
				}
			}
			t.Logf("%d rounds of 64 racers, %d executions", rounds, h.sim.Executed("", ""))
		})
	}
}

// race approves a run from 64 connections with one key. What is not "still being
// carried out" must be one and the same answer.
func race(t *testing.T, h *host, b *browser, run, key string) {
	t.Helper()
	replies := make([]reply, 64)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range replies {
		wg.Go(func() {
			<-start
			replies[i] = b.postText(approvalsPath+"/"+run, `{"action":"approve"}`, keyName, key)
		})
	}
	close(start)
	wg.Wait()
	var answers []string
	for _, r := range replies {
		switch r.status {
		case http.StatusOK:
			answers = append(answers, string(r.body))
		case http.StatusConflict:
			r.problem(http.StatusConflict, "still being carried out")
		default:
			t.Fatalf("a racer got %s", r)
		}
	}
	for _, a := range answers {
		if diff := cmp.Diff(answers[0], a); diff != "" {
			t.Fatalf("two answers: %s", diff)
		}
	}
	if len(answers) == 0 {
		t.Fatal("nobody got an answer")
	}
}
