package api_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"resync/internal/auth"
	"resync/internal/config"
	"resync/internal/store"
	"resync/llm/llmtest"
)

// modelHost is a host with a chain of two simulated models.
func modelHost(t *testing.T, change func(*config.LLM)) (h *host, a, b *llmtest.Server) {
	t.Helper()
	target := func(name string) (*llmtest.Server, config.LLMTarget) {
		s := llmtest.New(llmtest.Options{Name: name})
		srv := httptest.NewServer(s)
		t.Cleanup(func() { s.Close(); srv.Close() })
		return s, config.LLMTarget{Name: name, Provider: "openai", Model: "gpt-4o", BaseURL: srv.URL, Keys: []config.Secret{config.NewSecret("sk-of-" + name + "-0123456789")}, Timeout: 2 * time.Second}
	}
	var ta, tb config.LLMTarget
	a, ta = target("A")
	b, tb = target("B")
	h = newHost(t, func(c *hostConfig) {
		c.config = func(cfg *config.Config) {
			cfg.LLM = config.LLM{Targets: []config.LLMTarget{ta, tb}, Budget: 10 * time.Second, Idle: 2 * time.Second, Rounds: 1}
			if change != nil {
				change(&cfg.LLM)
			}
		}
	})
	return h, a, b
}

// apiToken makes a token as the command line would, in another process.
func (h *host) apiToken(user string) (token, id string) {
	h.t.Helper()
	db, err := store.Open(h.t.Context(), "sqlite:"+h.file)
	must(h.t, err)
	defer db.Close()
	token, v, err := auth.New(db, nil).NewAPIToken(h.t.Context(), user, "test", auth.ScopeLLM, time.Hour)
	must(h.t, err)
	return token, v.ID
}

const chatPath = "/llm/v1/chat/completions"

func TestProgramsUseTheModels(t *testing.T) {
	h, a, b := modelHost(t, nil)
	h.as("viewer") // makes the account
	token, id := h.apiToken("viewer")
	bearer := []string{"Authorization", "Bearer " + token}
	prog := h.anonymous()
	const question = `{"model":"resync","messages":[{"role":"user","content":"hello"}],"Odd":1,"Twice":1,"Twice":2}`
	r := prog.do(http.MethodPost, chatPath, strings.NewReader(question), bearer...)
	if r.status != 200 || !strings.Contains(string(r.body), a.Text()) || r.header.Get("X-Resync-Target") != "A" || r.header.Get("X-Resync-Cost-Usd") == "" || r.header.Get("X-Redis-Status") != "embedded" {
		t.Errorf("%s, %v", r, r.header)
	}
	if got := a.Hits()[0]; got.Key != "sk-of-A-0123456789" || got.Model != "gpt-4o" {
		t.Errorf("the provider saw %+v", got)
	}
	must(t, a.Script("500"))
	if r = prog.do(http.MethodPost, chatPath, strings.NewReader(question), bearer...); !strings.Contains(string(r.body), b.Text()) || r.header.Get("X-Resync-Fallback-Reason") != "error" {
		t.Errorf("A fails: %s, %v", r, r.header)
	}
	must(t, b.Script("401"))
	r = prog.do(http.MethodPost, chatPath, strings.NewReader(question), bearer...)
	var failed struct {
		Error struct {
			Message  string `json:"message"`
			Attempts []any  `json:"attempts"`
		} `json:"error"`
	}
	if json.Unmarshal([]byte(r.body), &failed) != nil || r.status != 502 || len(failed.Error.Attempts) != 2 || strings.Contains(string(r.body)+h.log.String(), "sk-of-") {
		t.Errorf("both fail: %s", r)
	}
	models := prog.get("/llm/v1/models", bearer...).ok()
	if list, _ := models["data"].([]any); len(list) != 3 {
		t.Errorf("models: %v", models)
	}
	prog.get("/api/v1/llm/status", bearer...).problem(http.StatusUnauthorized) // the token's scope is the endpoint alone
	for _, bad := range []string{"Bearer nonsense", "Bearer " + token + "x", "Basic " + token, token} {
		prog.do(http.MethodPost, chatPath, strings.NewReader(question), "Authorization", bad).wireError(http.StatusUnauthorized, "invalid_api_key", "sign in first")
	}
	db, err := store.Open(t.Context(), "sqlite:"+h.file)
	must(t, err)
	must(t, db.RevokeAPIToken(t.Context(), id, "ana"))
	must(t, db.Close())
	h.eventually("the token is refused", func() bool {
		return prog.do(http.MethodGet, "/llm/v1/models", nil, bearer...).status == http.StatusUnauthorized
	})
	status := h.as("viewer").get("/api/v1/llm/status").ok()
	if status["configured"] != true || dig(status, "metrics", "fallback_requests") != 1.0 || status["your_spent_today_usd"].(float64) <= 0 {
		t.Errorf("status: %v", status)
	}
	if from, _ := status["targets"].([]any)[0].(map[string]any)["price_source"].(string); !strings.Contains(from, "from memory on 2026-11-22") {
		t.Errorf("the price of the first target is said to be from %q", from)
	}
	scrape := string(h.anonymous().get("/metrics").body)
	for _, want := range []string{`resync_llm_request_duration_seconds_count{outcome="fallback"} 1`, `resync_llm_tokens_total{kind="output",target="A"} 22`, `resync_llm_attempt_duration_seconds_count{outcome="credential",target="B"} 1`} {
		if !strings.Contains(scrape, want) {
			t.Errorf("/metrics has no %s", want)
		}
	}
}

func TestStreamsThroughTheWholeServer(t *testing.T) {
	h, a, _ := modelHost(t, nil)
	read := func(fault string) (text string, done bool, problem string) {
		must(t, a.Script(fault))
		b := h.as("viewer")
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.base+chatPath, strings.NewReader(`{"stream":true,"messages":[{"role":"user","content":"hello"}]}`))
		must(t, err)
		req.Header.Set("Cookie", "resync_session="+b.cookie())
		resp, err := http.DefaultClient.Do(req)
		must(t, err)
		defer resp.Body.Close()
		sc := bufio.NewScanner(resp.Body)
		for sc.Scan() {
			data, ok := strings.CutPrefix(sc.Text(), "data: ")
			if !ok {
				continue
			}
			var piece struct {
				Choices []struct{ Delta struct{ Content string } }
				Error   *struct{ Message string }
			}
			switch {
			case data == "[DONE]":
				done = true
			case json.Unmarshal([]byte(data), &piece) == nil && piece.Error != nil:
				problem = piece.Error.Message
			case len(piece.Choices) > 0:
				text += piece.Choices[0].Delta.Content
			}
		}
		if sc.Err() != nil && problem == "" {
			problem = sc.Err().Error()
		}
		return text, done, problem
	}
	if text, done, problem := read("ok"); text != a.Text() || !done || problem != "" {
		t.Errorf("%q, %v, %q", text, done, problem)
	}
	if text, done, problem := read("clean-close"); text == "" || done || !strings.Contains(problem, "broke off in the middle") {
		t.Errorf("a stream that broke off: %q, %v, %q", text, done, problem)
	}
	http.DefaultClient.CloseIdleConnections()
}

// Limits hold over a restart: what was spent is on disk.
func TestMoneyIsLimited(t *testing.T) {
	h, a, _ := modelHost(t, func(l *config.LLM) { l.Limits.UserDay = 0.03 })
	const question = `{"max_tokens":1000,"messages":[{"role":"user","content":"hello"}]}`
	answers, viewer := 0, h.as("viewer")
	for {
		r := viewer.postText(chatPath, question)
		if r.status != 200 {
			if r.status != http.StatusPaymentRequired || !strings.Contains(string(r.body), "llm.limits.user_day") {
				t.Errorf("%s", r)
			}
			break
		}
		if answers++; answers > 200 {
			t.Fatal("no limit")
		}
	}
	if answers == 0 || len(a.Hits()) != answers {
		t.Errorf("%d answers, %d requests upstream", answers, len(a.Hits()))
	}
	if r := h.as("operator").postText(chatPath, question); r.status != 200 {
		t.Errorf("another user: %s", r)
	}
	h.stop()
	db, err := store.Open(t.Context(), "sqlite:"+h.file)
	must(t, err)
	defer db.Close()
	spent, err := db.LLMSpent(t.Context(), time.Now().UTC().Format(time.DateOnly))
	if err != nil || spent["viewer"] <= 0 || spent[""] <= spent["viewer"] {
		t.Errorf("on disk: %v, %v", spent, err)
	}
}

// TestWhatIsSpentAtTheEndIsKept: an answer that comes while the server stops has cost
// money, and the books of the next one know.
func TestWhatIsSpentAtTheEndIsKept(t *testing.T) {
	h, a, _ := modelHost(t, nil)
	must(t, a.Script("slow"))
	viewer, answered := h.as("viewer"), make(chan int, 1)
	go func() {
		answered <- viewer.postText(chatPath, `{"messages":[{"role":"user","content":"hello"}]}`).status
	}()
	for len(a.Hits()) == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	h.stop()
	if status := <-answered; status != 200 {
		t.Errorf("the answer under way: status %d", status)
	}
	db, err := store.Open(t.Context(), "sqlite:"+h.file)
	must(t, err)
	defer db.Close()
	spent, err := db.LLMSpent(t.Context(), time.Now().UTC().Format(time.DateOnly))
	if err != nil || spent["viewer"] <= 0 {
		t.Errorf("on disk: %v, %v", spent, err)
	}
}

func TestRequestsTheEndpointRefuses(t *testing.T) {
	h, a, _ := modelHost(t, nil)
	b := h.as("viewer")
	for body, want := range map[string]int{`{`: 400, `[]`: 400, `{}`: 400, `{"messages":"x"}`: 400, `{"model":"gpt-9","messages":[]}`: 404} {
		r := b.postText(chatPath, body)
		if r.status != want || !strings.Contains(string(r.body), `"error"`) {
			t.Errorf("%s: %s", body, r)
		}
	}
	if n := len(a.Hits()); n != 0 {
		t.Errorf("%d requests were passed on", n)
	}
	big := `{"messages":[{"role":"user","content":"` + strings.Repeat("word ", 100_000) + `"}]}` // more than other routes take
	if r := b.postText(chatPath, big); r.status != 200 {
		t.Errorf("half a megabyte: %d", r.status)
	}
	newHost(t).as("viewer").postText(chatPath, `{"messages":[]}`).wireError(http.StatusServiceUnavailable, "service_unavailable", "no language model is set up", "LLM_ENDPOINT")
}
