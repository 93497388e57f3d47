package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"resync/internal/auth"
	"resync/llm"
	"resync/llm/openai"
)

// llmPrefix is where other programs find the site's language models, on the wire
// of chat completions.
const llmPrefix = "/llm/v1"

func (s *server) registerLLM() {
	end := &openai.Server{Chain: s.LLM, User: func(r *http.Request) string { return identityOf(r.Context()).User }}
	addRaw(s, route{id: "llm-chat-completions", method: http.MethodPost, paths: one(llmPrefix + "/chat/completions"), tag: "llm", tier: Critical, role: auth.Viewer, key: keyNone,
		summary: "Ask the chain of language models, whole or streamed (chat completions wire)", errors: []int{400, 402, 404, 413, 429, 502, 503, 504}},
		auth.ScopeLLM, s.needsModel(end.Chat))
	addRaw(s, route{id: "llm-models", method: http.MethodGet, paths: one(llmPrefix + "/models"), tag: "llm", tier: ReadOnly, role: auth.Viewer,
		summary: "Models that can be asked (chat completions wire)", errors: []int{503}}, auth.ScopeLLM, s.needsModel(end.Models))
	add(s, route{id: "llm-status", method: http.MethodGet, paths: one("/api/v1/llm/status"), tag: "llm", tier: ReadOnly, role: auth.Viewer,
		summary: "The chain of language models: targets, counts, costs, circuit breakers"}, s.llmStatus)
}

// needsModel says how to set a model up where there is none.
func (s *server) needsModel(h http.HandlerFunc) http.HandlerFunc {
	if s.LLM != nil {
		return h
	}
	return func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, r, http.StatusServiceUnavailable, "no language model is set up here: an administrator names one under llm: in the settings file, or with LLM_ENDPOINT and LLM_API_KEY")
	}
}

// addRaw registers a handler that reads and writes the bytes itself. It passes the
// same guard, tier and limits as every other and stands in the OpenAPI document.
// Programs are let in with an API token of the scope as well as with a session.
func addRaw(s *server, r route, scope string, h http.HandlerFunc) {
	live := s.ruleFor(r)
	rule := live.Load()
	for _, p := range r.paths {
		op := huma.Operation{
			OperationID: r.id, Method: r.method, Path: p, Summary: r.summary, Tags: []string{r.tag},
			Metadata:   map[string]any{"role": r.role, "rule": live, "key": r.keyRule(), "scope": scope},
			Extensions: map[string]any{"x-resync-tier": string(rule.tier), "x-resync-role": string(r.role)},
			Security:   []map[string][]string{{"session": {}}, {"token": {}}},
			Responses:  rawResponses(r),
		}
		s.routes = append(s.routes, Route{r.method, p, rule.tier, r.role, op.OperationID})
		s.api.OpenAPI().AddOperation(&op)
		s.api.Adapter().Handle(&op, s.api.Middlewares().Handler(func(hc huma.Context) {
			req, w := humago.Unwrap(hc)
			if ctx := hc.Context(); ctx != req.Context() {
				req = req.WithContext(ctx) // a copy, which is spared when nothing was added
			}
			h(w, req)
		}))
	}
}

// rawResponses describes the answers of a raw route: what they hold is the wire's
// business.
func rawResponses(r route) map[string]*huma.Response {
	out := map[string]*huma.Response{"200": {Description: "As the wire has it", Content: map[string]*huma.MediaType{"application/json": {}}}}
	for _, code := range append([]int{http.StatusUnauthorized, http.StatusForbidden}, r.errors...) {
		out[fmt.Sprint(code)] = &huma.Response{Description: http.StatusText(code)}
	}
	return out
}

// bearer is the API token of a request; "" when there is none.
func bearer(header string) string {
	scheme, token, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// identify finds who sends a request: by API token where the route takes one and
// one is given, else by session.
func (s *server) identify(hc huma.Context) (auth.Identity, error) {
	if scope, _ := hc.Operation().Metadata["scope"].(string); scope != "" {
		if token := bearer(hc.Header("Authorization")); token != "" {
			return s.Auth.VerifyAPIToken(hc.Context(), token, scope)
		}
	}
	return s.Auth.Verify(hc.Context(), cookieValue(hc.Header("Cookie")))
}

// unknown reports whether an error of identify means that the sender is nobody.
func unknown(err error) bool {
	return errors.Is(err, auth.ErrUnauthenticated) || errors.Is(err, auth.ErrAPIToken)
}

// isLLM says whether a request's body is the endpoint's own business.
func isLLM(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, llmPrefix+"/") }

type llmStatusOutput struct {
	Body struct {
		Configured bool             `json:"configured"`
		Targets    []llm.TargetView `json:"targets"`
		BudgetSecs float64          `json:"budget_seconds"`
		SpentToday float64          `json:"spent_today_usd" doc:"by everybody, of answers whose price is known"`
		YoursToday float64          `json:"your_spent_today_usd"`
		LimitDay   float64          `json:"limit_day_usd,omitempty" doc:"for everybody together; absent without a limit"`
		LimitUser  float64          `json:"limit_user_day_usd,omitempty" doc:"for each person"`
		Metrics    *llm.Metrics     `json:"metrics,omitempty"`
	}
}

func (s *server) llmStatus(ctx context.Context, _ *struct{}) (*llmStatusOutput, error) {
	out := &llmStatusOutput{}
	out.Body.Targets = []llm.TargetView{}
	if s.LLM == nil {
		return out, nil
	}
	m := s.LLM.Metrics()
	out.Body.Configured, out.Body.Metrics, out.Body.Targets = true, &m, s.LLM.Targets()
	out.Body.BudgetSecs = s.LLM.Budget().Seconds()
	out.Body.LimitDay, out.Body.LimitUser = s.LLM.Limits().Day, s.LLM.Limits().UserDay
	var err error
	if out.Body.SpentToday, err = s.LLM.SpentToday(ctx, ""); err != nil {
		return nil, s.problem(ctx, err)
	}
	if out.Body.YoursToday, err = s.LLM.SpentToday(ctx, identityOf(ctx).User); err != nil {
		return nil, s.problem(ctx, err)
	}
	return out, nil
}
