package api_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"resync/internal/api"
	"resync/internal/config"
	"resync/internal/faultnet"
	"resync/llm/llmtest"
)

const modelPatience = time.Second

// modelColumn is the chain of language models of which the first, the first two or
// all three are broken.
func modelColumn(broken int) column {
	const wire = `{"model":"resync","stream":%v,"messages":[{"role":"user","content":"hello"}]}`
	ask := func(stream bool) func(*matrixStage) reply {
		return func(st *matrixStage) reply { return st.operator.postText(chatPath, fmt.Sprintf(wire, stream)) }
	}
	col := column{
		name: "models " + []string{"A", "A and B", "A, B and C"}[broken-1], test: "TestFaultMatrixModels",
		bounds: "`llm.targets.*.timeout` for each model, `llm.budget` (30 s) for all together, `llm.idle` between two pieces of a stream",
		heals:  "by itself: after five failures in a row the breaker of the provider skips it for a minute, then one request tries it",
		played: "The test has 1 s for a model and 4 s for the chain, so that a model that is 2 s slower is as good as silent.",
		bound:  2 * modelBudget,
		probes: []probe{
			{api.Critical, "a program asks a model: `POST /llm/v1/chat/completions`", ask(false)},
			{api.Critical, "the same as a stream", ask(true)},
			holdProbe(),
			{api.BestEffort, "a person asks: `POST /api/v1/chat`", func(st *matrixStage) reply {
				return st.operator.post("/api/v1/chat", map[string]string{"message": "What does the status STUCK mean?"})
			}},
			enginesProbe(),
		},
	}
	next := []string{"B", "C", ""}[broken-1]
	from := func(name string) []answer {
		return []answer{{200, "answer of " + name, "X-Resync-Target: " + name}, {200, "[DONE]", "X-Resync-Target: " + name}, ok(), {200, "STUCK", ""}, ok()}
	}
	failed := func(status int, class string) []answer {
		return []answer{{status, class, ""}, {status, class, ""}, ok(), {200, "STUCK", ""}, ok()}
	}
	col.cells = same(from("A"), "slow-0.2s", "slices")
	for _, row := range []struct {
		id     string
		status int
		class  string
	}{
		{"refuse", 502, "connection refused"}, {"blackhole", 504, "no answer within"}, {"reset", 502, "connection reset"}, {"slow-2s", 504, "no answer within"},
		{"slow-35s", 504, "no answer within"}, {"cut", 502, "(network)"}, {"cut-reset", 502, "(network)"}, {"500", 502, "500"}, {"503", 502, "503"}, {"429", 429, "429"},
		{"garbage", 502, `"attempts"`}, {"tls-expired", 502, "certificate has expired"}, {"tls-unknown", 502, "unknown authority"}, {"dns", 502, "lookup no-such-host.invalid"},
	} {
		c := cell{row: row.id, want: failed(row.status, row.class)}
		if next != "" {
			c.want = from(next)
		}
		col.cells = append(col.cells, c)
	}
	inLongRing(col.cells, [][]string{{"slow-35s"}, {"reset", "slow-2s", "slow-35s", "cut", "cut-reset", "503", "429", "tls-unknown", "dns"}, {"slow-2s", "slow-35s"}}[broken-1]...)
	return col
}

// modelBudget is that of one call of the chain; a question of a person may take two,
// the words and, when they do not keep to the facts, others.
const modelBudget = 4 * modelPatience

// TestFaultMatrixModels: one, two and all three models broken. While one is well
// nobody notices but for the headers; when none is, programs are told with the trail
// of attempts, and people are answered from plan, rules and documents.
func TestFaultMatrixModels(t *testing.T) {
	t.Parallel()
	certs := newMatrixCerts(t)
	stage := func(t *testing.T, address func(i int, server string) string) *matrixStage {
		h := newHost(t, func(c *hostConfig) {
			c.config = func(cfg *config.Config) {
				cfg.LLM = config.LLM{Budget: modelBudget, Idle: modelPatience, Rounds: 1, Phrase: true}
				for i, name := range []string{"A", "B", "C"} {
					s := llmtest.New(llmtest.Options{Name: name, Text: "answer of " + name})
					srv := httptest.NewServer(s)
					t.Cleanup(func() { s.Close(); srv.Close() })
					cfg.LLM.Targets = append(cfg.LLM.Targets, config.LLMTarget{Name: name, Provider: []string{"openai", "openrouter", "vllm"}[i], Model: "gpt-4o",
						BaseURL: address(i, srv.Listener.Addr().String()), Keys: []config.Secret{config.NewSecret("sk-of-" + name + "-0123456789")}, Timeout: modelPatience})
				}
			}
		}).ready()
		st := newMatrixStage(h, 50)
		for _, b := range []string{"llm_openai", "llm_openrouter", "llm_vllm", "llm_api"} {
			st.admin.post(breakersPath+"/"+b+"/disable", map[string]any{"reason": "fault matrix"})
		}
		return st
	}
	var side sync.WaitGroup
	for broken := 1; broken <= 3; broken++ {
		side.Go(func() { // most of their time they wait
			col := modelColumn(broken)
			t.Run(strings.ReplaceAll(col.name, " ", "_"), func(t *testing.T) {
				var proxies []*faultnet.Proxy
				st := stage(t, func(_ int, server string) string {
					proxies = append(proxies, faultnet.New(t, server))
					return "http://" + proxies[len(proxies)-1].Addr()
				})
				set := func(f faultnet.Fault) {
					for _, p := range proxies[:broken] {
						p.Set(f)
					}
				}
				st.break_, st.heal = func(c cell) { set(faultOf(t, c)) }, func() { set(faultnet.Pass()); st.firstAnswers() }
				col.run(t, st, wireRows()...)
				if broken == 2 && !longRing() {
					return
				}
				names := stage(t, func(i int, server string) string {
					if i < broken {
						return "http://no-such-host.invalid"
					}
					return "http://" + server
				})
				names.break_, names.heal = func(cell) {}, func() {}
				col.run(t, names, "dns")
			})
		})
	}
	side.Wait()
	var fronts []*faultnet.Front
	secure := stage(t, func(_ int, server string) string {
		fronts = append(fronts, faultnet.NewFront(t, server, false, certs.good))
		return "https://" + fronts[len(fronts)-1].Addr()
	})
	for broken := 1; broken <= 3; broken++ {
		show := func(cert tls.Certificate) {
			for _, f := range fronts[:broken] {
				f.Show(cert)
			}
		}
		col := modelColumn(broken)
		t.Run("certificates_of_"+strings.ReplaceAll(col.name, " ", "_"), func(t *testing.T) {
			secure.break_, secure.heal = func(c cell) { show(certs.of(c)) }, func() { show(certs.good); secure.firstAnswers() }
			col.run(t, secure, "tls-expired", "tls-unknown")
		})
	}
}

// firstAnswers waits until the first model is asked again: a rate limit rests its
// key for a moment.
func (st *matrixStage) firstAnswers() {
	st.h.eventually("model A to answer", func() bool {
		r := st.operator.postText(chatPath, `{"messages":[{"role":"user","content":"hello"}]}`)
		return r.status == http.StatusOK && r.header.Get("X-Resync-Target") == "A"
	})
}
