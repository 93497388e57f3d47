package api_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resync/internal/config"
	"resync/llm/llmtest"
)

// speaking is a host whose model puts every answer from documents into the same
// words.
func speaking(t *testing.T) (*host, *llmtest.Server) {
	t.Helper()
	model := llmtest.New(llmtest.Options{Text: `{"sentences":[{"text":"The message is AWSBHT061E.","evidence":["e1"]}]}`})
	srv := httptest.NewServer(model)
	t.Cleanup(func() { model.Close(); srv.Close() })
	h := newHost(t, func(c *hostConfig) {
		c.config = func(cfg *config.Config) {
			cfg.LLM = config.LLM{Phrase: true, Budget: 10 * time.Second, Idle: 2 * time.Second, Rounds: 1, Targets: []config.LLMTarget{
				{Name: "A", Provider: "openai", Model: "gpt-4o", BaseURL: srv.URL, Keys: []config.Secret{config.NewSecret("sk-of-A-0123456789")}, Timeout: 2 * time.Second}}}
		}
	})
	return h.ready(), model
}

// TestChatAnswersAreCached: the same question about the same documents costs one
// call of the model, whoever of the same rights asks; the answer says that it was
// there and how old it is. Other rights, other passages and other questions are
// asked anew, and facts of the plan are never kept.
func TestChatAnswersAreCached(t *testing.T) {
	h, model := speaking(t)
	ana, bob, op := h.as("viewer-ana"), h.as("viewer-bob"), h.as("operator")
	op.upload("fence.md", "# Fence\n\n## AWSBHT061E\n\nAWSBHT061E The fence of the workstation was changed. Look at the fence with conman.\n").ok()
	ask := func(b *browser, text string) map[string]any {
		t.Helper()
		return b.post("/api/v1/chat", map[string]string{"message": text}).ok()["answer"].(map[string]any)
	}
	first := ask(ana, "What does AWSBHT061E mean?")
	if first["mode"] != "model" || first["cached"] != nil || len(model.Hits()) != 1 {
		t.Fatalf("mode %v (%v), cached %v, %d calls of the model", first["mode"], first["mode_reason"], first["cached"], len(model.Hits()))
	}
	again := ask(bob, "  what does AWSBHT061E mean, please")
	if again["cached"] != true || again["freshness"] != "live" || again["age_seconds"] == nil || len(model.Hits()) != 1 {
		t.Errorf("asked again: cached %v, %v, %v; %d calls", again["cached"], again["freshness"], again["age_seconds"], len(model.Hits()))
	}
	if diff := cmp.Diff(first["sentences"], again["sentences"]); diff != "" {
		t.Errorf("the answers differ:\n%s", diff)
	}
	if got := ask(op, "What does AWSBHT061E mean?"); got["cached"] != nil || len(model.Hits()) != 2 {
		t.Errorf("somebody of other rights: cached %v, %d calls", got["cached"], len(model.Hits()))
	}
	ask(ana, "How do I fix AWSBHT061E?")
	if n := len(model.Hits()); n != 3 {
		t.Errorf("another question: %d calls", n)
	}
	// The document changes: what was said of the old one is not found any more.
	op.upload("fence.md", "# Fence\n\n## AWSBHT061E\n\nAWSBHT061E The fence of the workstation was raised above the priority of the job. Lower it.\n").ok()
	if got := ask(ana, "What does AWSBHT061E mean?"); got["cached"] != nil || len(model.Hits()) != 4 {
		t.Errorf("after the document has changed: cached %v, %d calls", got["cached"], len(model.Hits()))
	}
	for range 2 {
		if got := ask(ana, "How many jobs are in the plan?"); got["mode"] != "offline" || got["cached"] != nil || len(model.Hits()) != 4 {
			t.Errorf("a fact of the plan: %v, cached %v, %d calls", got["mode"], got["cached"], len(model.Hits()))
		}
	}
}

// TestQueryAnswersSayTheirAge: the same for /rag/query, with the contract's
// headers.
func TestQueryAnswersSayTheirAge(t *testing.T) {
	h, model := speaking(t)
	ana := h.as("viewer-ana")
	h.as("operator").upload("fence.md", "# Fence\n\n## AWSBHT061E\n\nAWSBHT061E The fence of the workstation was changed.\n").ok()
	ask := func() reply {
		return ana.post("/api/v1/rag/query", map[string]any{"query": "What does AWSBHT061E mean?"})
	}
	first, again := ask(), ask()
	if got := first.ok(); got["mode"] != "model" || got["cached"] != nil || first.header.Get("Age") != "" {
		t.Errorf("first: %v %v", got["mode"], first.header)
	}
	if got := again.ok(); got["cached"] != true || got["freshness"] != "live" || again.header.Get("X-Freshness") != "live" || again.header.Get("Age") != "0" || len(model.Hits()) != 1 {
		t.Errorf("again: %v, %v, %v, %d calls", got["cached"], got["freshness"], again.header, len(model.Hits()))
	}
	if r := ana.get("/metrics"); r.status != http.StatusOK {
		t.Errorf("%s", r)
	}
}
