package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"resync/breaker"
	"resync/internal/config"
	"resync/internal/health"
	"resync/internal/state"
)

// serviceChecks look at what Resync uses besides engines and database.
func (a *App) serviceChecks() []health.Check {
	absent := func(name, title, text string) health.Check {
		return health.Check{Name: name, Title: title, Category: health.Dependencies, Deep: true, Run: func(context.Context) health.Result { return health.Skipped("%s", text) }}
	}
	knowledge := health.Check{Name: "knowledge:documents", Title: "Documents", Category: health.Services, Fix: "run: resync ingest DIR", Run: a.knowledgeCheck}
	meaning := health.Check{Name: "knowledge:meaning", Title: "Search by meaning", Category: health.Services, Run: a.meaningCheck,
		Fix: "look whether the embedding server is up and knowledge.embedder.url is its address; until then words alone decide"}
	if a.phaseErr("knowledge") != nil {
		knowledge.Run = func(context.Context) health.Result { return health.Skipped("the knowledge base could not be opened") }
		meaning.Run = knowledge.Run
	}
	breakers := a.breakerCheck()
	breakers.Title, breakers.Category = "Open breakers", health.Services
	return []health.Check{
		{Name: "redis:reachable", Title: "Redis Connection", Category: health.Dependencies, Smoke: true, Deep: true,
			Fix: "look whether Redis is up and redis.url (REDIS_URL) is its address, with rediss:// where that port speaks TLS and redis:// where it does not. One that ends the connection after the handshake may ask for a certificate: name it in redis.url, as ?cert_file=PATH&key_file=PATH. Without the setting Resync keeps this state itself", Run: a.redisCheck},
		{Name: "llm:reachable", Title: "LLM Fallback Service", Category: health.Services, Smoke: true, Deep: true,
			Fix: "look whether the model's server is up and llm.endpoint (LLM_ENDPOINT) or the target's base_url is its address, and whether its key is right; without a model Resync answers from plan and documents", Run: a.modelCheck},
		knowledge, meaning, breakers,
		{Name: "webhooks:deliveries", Title: "Webhooks", Category: health.Services, Run: a.webhookCheck,
			Fix: "repair the receiver; then: resync webhook on NAME, resync webhook redeliver --all. docs/webhooks.md says more"},
		{Name: "webhooks:reachable", Title: "Webhook receivers", Category: health.Dependencies, Deep: true, Run: a.webhookReach,
			Fix: "look whether the receiver is up, webhooks.targets.NAME.url is its address and its certificate is good; an address in your own network must be listed under webhooks.allow"},
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
	// Once more after a pause: a machine that starts is busy, and TLS has 200 ms.
	st, err := state.Open(ctx, state.Settings{URL: url.Reveal(), FailFast: true, Retries: 1, Backoff: 100 * time.Millisecond, Breaker: guard})
	if err != nil {
		return health.Failed("%v", err)
	}
	defer st.Close() //nolint:errcheck // it was only tried
	if s := st.Status(); !s.Available() {
		return health.Failed("%s: %s", s.Mode, s.Reason)
	}
	return health.Passed("answers")
}

// modelCheck asks the server of each model which models it has. One that
// answers is enough for the chain to work; the others are named.
func (a *App) modelCheck(ctx context.Context) health.Result {
	targets := a.opt.Config.LLM.Targets
	if len(targets) == 0 {
		return health.Skipped("no language model is set up: answers come from plan and documents alone")
	}
	found := make([]error, len(targets))
	var wg sync.WaitGroup
	for i, t := range targets {
		wg.Go(func() { found[i] = a.askModels(ctx, t) })
	}
	wg.Wait()
	var good, bad []string
	for i, t := range targets {
		if found[i] == nil {
			good = append(good, t.Name)
		} else {
			bad = append(bad, t.Name+": "+found[i].Error())
		}
	}
	switch {
	case len(good) == 0:
		return health.Failed("no model can be reached: %s", strings.Join(bad, "; "))
	case len(bad) > 0:
		return health.Warned("%s can be reached; %s", strings.Join(good, ", "), strings.Join(bad, "; "))
	}
	return health.Passed(strings.Join(good, ", ") + " can be reached; all share a budget of " + a.opt.Config.LLM.Budget.String())
}

// askModels asks one server for its list of models, which costs nothing.
func (a *App) askModels(ctx context.Context, t config.LLMTarget) error {
	guard, err := a.breakerOf("llm_"+t.Provider, "llm_openai")
	if err != nil {
		return err
	}
	base := strings.TrimRight(t.BaseURL, "/")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/models", http.NoBody)
	if err != nil {
		return err
	}
	if len(t.Keys) > 0 {
		req.Header.Set("Authorization", "Bearer "+t.Keys[0].Reveal())
		if t.Provider == "anthropic" {
			req.Header.Del("Authorization")
			req.Header.Set("X-Api-Key", t.Keys[0].Reveal())
			req.Header.Set("Anthropic-Version", "2023-06-01")
		}
	}
	client := &http.Client{Transport: breaker.Transport(guard, &http.Transport{DisableKeepAlives: true}, nil)}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("%s does not answer: %w", base, errors.Unwrap(err))
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		return fmt.Errorf("%s refuses the key (status %d)", base, resp.StatusCode)
	case resp.StatusCode >= 500:
		return fmt.Errorf("%s answers %d", base, resp.StatusCode)
	}
	return nil
}
