package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"resync/breaker"
	"resync/internal/health"
	"resync/internal/state"
)

// serviceChecks look at what Resync uses besides engines and database.
func (a *App) serviceChecks() []health.Check {
	absent := func(name, title, text string) health.Check {
		return health.Check{Name: name, Title: title, Category: health.Dependencies, Deep: true, Run: func(context.Context) health.Result { return health.Skipped("%s", text) }}
	}
	knowledge := health.Check{Name: "knowledge:documents", Title: "Documents", Category: health.Services, Fix: "run: resync ingest DIR", Run: a.knowledgeCheck}
	breakers := a.breakerCheck()
	breakers.Title, breakers.Category = "Open breakers", health.Services
	return []health.Check{
		{Name: "redis:reachable", Title: "Redis Connection", Category: health.Dependencies, Smoke: true, Deep: true,
			Fix: "look whether Redis is up and redis.url (REDIS_URL) is its address; without the setting Resync keeps this state itself", Run: a.redisCheck},
		{Name: "llm:reachable", Title: "LLM Fallback Service", Category: health.Services, Smoke: true, Deep: true,
			Fix: "look whether the model's server is up and llm.endpoint (LLM_ENDPOINT) is its address; without a model Resync answers from plan and documents", Run: a.modelCheck},
		knowledge, breakers,
		absent("siem:sink", "Security log", "this version sends no events to a security log"),
		absent("oidc:discovery", "Single sign-on", "this version has accounts of its own only"),
	}
}

// redisCheck connects as a server does.
func (a *App) redisCheck(ctx context.Context) health.Result {
	url := a.opt.Config.Redis.URL
	switch {
	case os.Getenv("SKIP_REDIS_TEST") == "1":
		return health.Skipped("SKIP_REDIS_TEST=1")
	case url.IsZero():
		return health.Skipped("redis.url is not set: this state is kept in the database and in memory")
	}
	guard, err := a.breakers.Get("redis")
	if err != nil {
		return health.Failed("%v", err)
	}
	st, err := state.Open(ctx, state.Settings{URL: url.Reveal(), FailFast: true, Breaker: guard})
	if err != nil {
		return health.Failed("%v", err)
	}
	defer st.Close() //nolint:errcheck // it was only tried
	if s := st.Status(); !s.Available() {
		return health.Failed("%s: %s", s.Mode, s.Reason)
	}
	return health.Passed("answers")
}

// modelCheck asks the model's server which models it has; any answer of it that
// is not a refusal of the key will do.
func (a *App) modelCheck(ctx context.Context) health.Result {
	endpoint := strings.TrimRight(a.opt.Config.LLM.Endpoint, "/")
	if endpoint == "" {
		return health.Skipped("no language model is set up: answers come from plan and documents alone")
	}
	guard, err := a.breakers.Get("llm_api")
	if err != nil {
		return health.Failed("%v", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/models", http.NoBody)
	if err != nil {
		return health.Failed("%v", err)
	}
	if key := a.opt.Config.LLM.APIKey; !key.IsZero() {
		req.Header.Set("Authorization", "Bearer "+key.Reveal())
	}
	client := &http.Client{Transport: breaker.Transport(guard, &http.Transport{DisableKeepAlives: true}, nil)}
	resp, err := client.Do(req)
	if err != nil {
		return health.Failed("%v", errors.Unwrap(err))
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		return health.Result{Status: health.Fail, Output: fmt.Sprintf("%s refuses the key (status %d)", endpoint, resp.StatusCode), Fix: "correct llm.api_key (LLM_API_KEY)"}
	case resp.StatusCode >= 500:
		return health.Failed("%s answers %d", endpoint, resp.StatusCode)
	}
	return health.Passed(endpoint + " answers")
}
