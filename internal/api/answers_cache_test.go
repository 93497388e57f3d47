package api_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"resync/internal/agent"
	"resync/internal/api"
	"resync/internal/config"
	"resync/internal/diagnose"
	"resync/internal/state"
	"resync/llm/llmtest"
	"resync/tool"
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

// TestAnswersServeTheSameQuestionInOtherWords: the same asked in slightly other
// words costs no call of the model, and the answer says which question it was made
// for; what only looks the same is asked anew.
func TestAnswersServeTheSameQuestionInOtherWords(t *testing.T) {
	h, model := speaking(t)
	ana := h.as("viewer-ana")
	h.as("operator").upload("fence.md", "# Fence\n\n## AWSBHT061E\n\nAWSBHT061E The fence of the workstation was changed. Look at the fence of the agent with conman.\n").ok()
	calls := func() int { return len(model.Hits()) }
	for _, tt := range []struct{ first, again string }{
		{"How do I change the fence of an agent?", "Hello, could you tell me how to change the fence of the agent, please?"},
		{"What does AWSBHT061E mean?", "what is AWSBHT061E"},
	} {
		ana.post("/api/v1/rag/query", map[string]any{"query": tt.first}).ok()
		before := calls()
		if got := ana.post("/api/v1/rag/query", map[string]any{"query": tt.again}).ok(); got["cached"] != true || got["asked_as"] != tt.first || calls() != before {
			t.Errorf("%q after %q: cached %v, asked as %v, %d calls", tt.again, tt.first, got["cached"], got["asked_as"], calls()-before)
		}
		if got := ana.post("/api/v1/rag/query", map[string]any{"query": strings.ToLower(tt.first[:1]) + tt.first[1:]}).ok(); got["cached"] != true || got["asked_as"] != nil {
			t.Errorf("the same words: cached %v, asked as %v", got["cached"], got["asked_as"])
		}
	}
	for _, other := range []string{"How do I not change the fence of an agent?", "How should I change the fence of an agent?", "How do I fix AWSBHT061E?", "What does AWSBHT061W mean?"} {
		before := calls()
		if got := ana.post("/api/v1/rag/query", map[string]any{"query": other}).ok(); got["cached"] != nil || got["asked_as"] != nil {
			t.Errorf("%q: cached %v, asked as %v, %d calls", other, got["cached"], got["asked_as"], calls()-before)
		}
	}
	chat := func(text string) map[string]any {
		return ana.post("/api/v1/chat", map[string]string{"message": text}).ok()["answer"].(map[string]any)
	}
	first, before := chat("What does AWSBHT061E mean?"), calls()
	if got := chat("Please tell me what AWSBHT061E means"); got["cached"] != true || got["asked_as"] != "What does AWSBHT061E mean?" || calls() != before {
		t.Errorf("in a chat: cached %v, asked as %v, %d calls; first %v", got["cached"], got["asked_as"], calls()-before, first["mode"])
	}
}

// TestAnEmbeddingModelCanOnlyRefuse: where there is one, an answer for other words
// needs its consent as well; the same words do not, and other forms are not even
// shown to it.
func TestAnEmbeddingModelCanOnlyRefuse(t *testing.T) {
	for name, tt := range map[string]struct {
		near   float64
		err    error
		cached bool
	}{"close": {near: 0.95, cached: true}, "not close": {near: 0.5}, "away": {near: 1, err: errors.New("refused")}} {
		t.Run(name, func(t *testing.T) {
			shared, err := state.Open(t.Context(), state.Settings{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = shared.Close() })
			answers, asked := api.NewAnswers(shared, "m"), 0
			answers.RequireCloseness(func(_ context.Context, a, b string) (float64, error) { asked++; return tt.near, tt.err })
			told := telling{}
			say := func(question string) agent.Phrased {
				t.Helper()
				said, err := answers.Phraser(told).Phrase(t.Context(), tool.Identity{Roles: []string{"viewer"}}, question, []diagnose.Evidence{{ID: "e1", Text: "x"}}, nil)
				if err != nil {
					t.Fatal(err)
				}
				return said
			}
			say("How do I restart an agent?")
			if said := say("how do I restart  an agent"); !said.Cached || said.AskedAs != "" || asked != 0 {
				t.Errorf("the same words: %+v, the model was asked %d times", said, asked)
			}
			if said := say("how do I stop an agent"); said.Cached || asked != 0 {
				t.Errorf("another question: %+v, the model was asked %d times", said, asked)
			}
			if said := say("how to restart the agent"); said.Cached != tt.cached || asked != 1 {
				t.Errorf("other words: %+v, the model was asked %d times", said, asked)
			}
			if n := answers.Stats().OtherWords; n != map[bool]int64{true: 1}[tt.cached] {
				t.Errorf("%d hits with other words", n)
			}
		})
	}
}

// telling is a phraser that always says the same.
type telling struct{}

func (telling) Phrase(context.Context, tool.Identity, string, []diagnose.Evidence, agent.Asking) (agent.Phrased, error) {
	return agent.Phrased{By: "m", Sentences: []diagnose.Sentence{{Text: "So.", Evidence: []string{"e1"}}}}, nil
}

// found is what a question finds in the test below: its words decide the order, and
// what stands last.
func found(question string) []diagnose.Evidence {
	fence, limit := diagnose.Evidence{Source: "a.md:1-2", Title: "Fence", Text: "the fence"}, diagnose.Evidence{Source: "a.md:3-4", Title: "Limit", Text: "the limit"}
	out := []diagnose.Evidence{fence, limit, {Source: "a.md:5-6", Title: "Other", Text: question}}
	if strings.HasPrefix(question, "how") {
		out = []diagnose.Evidence{limit, {Source: "a.md:7-8", Title: "More", Text: "more"}, fence}
	}
	for i := range out {
		out[i].ID = "e" + strconv.Itoa(i+1)
	}
	return out
}

// quoting is a phraser that cites the fence and then the limit.
type quoting struct{ calls *int }

func (q quoting) Phrase(_ context.Context, _ tool.Identity, _ string, evidence []diagnose.Evidence, _ agent.Asking) (agent.Phrased, error) {
	*q.calls++
	var said []diagnose.Sentence
	for _, title := range []string{"Fence", "Limit"} {
		for _, e := range evidence {
			if e.Title == title {
				said = append(said, diagnose.Sentence{Text: "See the " + e.Text + ".", Evidence: []string{e.ID}})
			}
		}
	}
	return agent.Phrased{By: "m", Sentences: said}, nil
}

// TestOtherWordsFindOtherPassages: an answer serves other words when its own
// question still finds the same passages and the new one finds all that it cites; the
// sentences then cite them where they are now.
func TestOtherWordsFindOtherPassages(t *testing.T) {
	const first, again = "How do I raise the fence?", "how to raise the fence"
	for name, tt := range map[string]struct {
		now    func(string) []diagnose.Evidence // what questions find when it is asked again
		ask    error
		served bool
	}{
		"the same documents":          {now: found, served: true},
		"its question fails":          {now: found, ask: errors.New("no engine")},
		"its question finds others":   {now: func(q string) []diagnose.Evidence { return found(strings.Replace(q, "How", "how", 1)) }},
		"a cited passage has changed": {now: func(q string) []diagnose.Evidence { e := found(q); e[0].Text += "!"; return e }},
		"a cited passage is missing": {now: func(q string) []diagnose.Evidence {
			if q == again {
				return found(q)[:2]
			}
			return found(q)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			shared, err := state.Open(t.Context(), state.Settings{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = shared.Close() })
			calls := 0
			p := api.NewAnswers(shared, "m").Phraser(quoting{&calls})
			say := func(who, question string, evidence []diagnose.Evidence) agent.Phrased {
				t.Helper()
				said, err := p.Phrase(t.Context(), tool.Identity{Roles: []string{who}}, question, evidence, func(_ context.Context, words string) ([]diagnose.Evidence, error) {
					return tt.now(words), tt.ask
				})
				if err != nil {
					t.Fatal(err)
				}
				return said
			}
			say("viewer", first, found(first))
			said := say("viewer", again, tt.now(again))
			if said.Cached != tt.served || (calls == 1) != tt.served || (said.AskedAs == first) != tt.served {
				t.Fatalf("cached %v, asked as %q, %d calls", said.Cached, said.AskedAs, calls)
			}
			want := []diagnose.Sentence{{Text: "See the the fence.", Evidence: []string{"e3"}}, {Text: "See the the limit.", Evidence: []string{"e1"}}}
			if diff := cmp.Diff(want, said.Sentences); tt.served && diff != "" {
				t.Error(diff)
			}
			if said := say("admin", again, tt.now(again)); said.Cached {
				t.Error("somebody of other rights gets the answer")
			}
			if said := say("viewer", "how not to raise the fence", found("how not to raise the fence")); said.Cached {
				t.Error("another question gets the answer")
			}
		})
	}
}
