package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"resync/breaker"
	"resync/chunk"
	"resync/hwa"
	"resync/internal/api"
	"resync/internal/health"
	"resync/internal/policy"
)

// moduleChecks try the program's own parts out.
func (a *App) moduleChecks() []health.Check {
	return []health.Check{
		{Name: "core:tools", Title: "Core Modules", Category: health.CoreModules, Smoke: true, Deep: true, Critical: true,
			Fix: "look at the messages about engines above: tools belong to an engine", Run: a.toolsCheck},
		{Name: "core:breaker", Title: "Circuit Breaker", Category: health.CoreModules, Smoke: true, Deep: true, Critical: true, Run: tryBreaker},
		{Name: "core:resilience", Title: "Resilience Module", Category: health.CoreModules, Smoke: true, Deep: true, Run: a.breakerNumbers},
		{Name: "core:errors", Title: "Exception Hierarchy", Category: health.CoreModules, Smoke: true, Deep: true, Run: kindsOfFailure},
		{Name: "policy:rules", Title: "Policy", Category: health.Configuration, Deep: true, Critical: true,
			Fix: "correct the file of policy.file where the message says, or leave the setting out for the built-in rules", Run: a.policyCheck},
		{Name: "rag:chunking", Title: "RAG Chunking Module", Category: health.Services, Smoke: true, Deep: true, Run: tryChunking},
		{Name: "rag:index", Title: "Knowledge index", Category: health.Services, Deep: true,
			Fix: "ingest the documents again: resync ingest DIR", Run: a.indexCheck},
	}
}

func (a *App) toolsCheck(context.Context) health.Result {
	if len(a.engines) == 0 {
		return health.Failed("there is no engine that could be used, so there are no tools")
	}
	reads, writes := 0, 0
	for _, t := range a.engines[0].Exec.Tools() {
		switch {
		case t.Schema == nil:
			return health.Failed("the tool %s has no schema", t.Spec.Name)
		case t.Spec.Permission.Writes():
			writes++
		default:
			reads++
		}
	}
	return health.Passed(fmt.Sprintf("%d tools that read and %d that write", reads, writes))
}

// tryBreaker opens a breaker of its own and sees it refuse.
func tryBreaker(ctx context.Context) health.Result {
	b := breaker.New(breaker.Settings{Name: "doctor", Failures: 2, Delay: time.Hour})
	down := errors.New("down")
	calls := 0
	for range 3 {
		_, err := breaker.Do(ctx, b, func(context.Context) (int, error) { calls++; return 0, down }, nil)
		if err == nil {
			return health.Failed("a failed call was taken for a good one")
		}
	}
	if calls != 2 {
		return health.Failed("a breaker that opens at the second failure let %d calls through", calls)
	}
	return health.Passed("opens at its limit and refuses")
}

// breakerNumbers looks whether every breaker of the contract is there with
// numbers that can work.
func (a *App) breakerNumbers(context.Context) health.Result {
	for _, s := range breaker.Contract() {
		b, err := a.breakers.Get(s.Name)
		if err != nil {
			return health.Failed("%v", err)
		}
		if got := b.Settings(); got.Failures <= 0 || got.Delay <= 0 {
			return health.Failed("the breaker %s opens after %d failures for %s", s.Name, got.Failures, got.Delay)
		}
	}
	return health.Passed(fmt.Sprintf("%d breakers; calls that change something are never repeated", len(a.breakers.All())))
}

// kindsOfFailure looks whether every way an engine can fail has an answer of
// its own, so that nobody meets an internal fault for it.
func kindsOfFailure(context.Context) health.Result {
	kinds := []hwa.Kind{hwa.KindAuth, hwa.KindForbidden, hwa.KindNotFound, hwa.KindConflict, hwa.KindBadRequest, hwa.KindBusiness, hwa.KindOutage,
		hwa.KindTimeout, hwa.KindTLS, hwa.KindUnreachable, hwa.KindProtocol, hwa.KindNotSupported, hwa.KindInvalid}
	for _, k := range kinds {
		if code := api.StatusOf(&hwa.Error{Kind: k}); code == 500 {
			return health.Failed("a failure of the kind %s is answered as an internal fault", k)
		}
	}
	return health.Passed(fmt.Sprintf("%d kinds of engine failures, each with its answer", len(kinds)))
}

func (a *App) policyCheck(context.Context) health.Result {
	pol, err := a.loadPolicy()
	if err != nil {
		return health.Failed("%v", err)
	}
	n := 0
	for range pol.All() {
		n++
	}
	d := pol.Decide(policy.Request{User: "doctor", Roles: nil, Action: "execute", Tool: "rerun_job", Permission: "execute", Risk: "critical", EngineName: "doctor",
		EngineEnvironment: "production", Requester: "doctor", FourEyesFrom: "low"})
	if d.Allow {
		return health.Failed("the rules let somebody without any role execute a critical action (%s)", d.RuleID)
	}
	return health.Passed(fmt.Sprintf("%d rules; somebody without a role may do nothing", n))
}

// tryChunking cuts a page into passages.
func tryChunking(context.Context) health.Result {
	text := "# Restart\n\n## Before\n\n" + strings.Repeat("Hold the stream before the job is run again. ", 40) + "\n\n## After\n\nLook at the log.\n"
	passages := chunk.Document(text, "doctor.md")
	joined := 0
	for _, p := range passages {
		joined += strings.Count(p.Content, "Hold the stream")
	}
	if len(passages) < 2 || joined < 40 {
		return health.Failed("a page of two sections became %d passages with %d of 40 sentences", len(passages), joined)
	}
	return health.Passed(fmt.Sprintf("a page becomes %d passages, nothing is lost", len(passages)))
}

// indexCheck searches for what must be there.
func (a *App) indexCheck(ctx context.Context) health.Result {
	if err := a.phaseErr("knowledge"); err != nil {
		return health.Failed("%v", err)
	}
	s := a.base.Stats()
	if s.Passages == 0 {
		return health.Warned("there is nothing to search: the handbook is off and no document was ingested")
	}
	found, err := a.base.Search(ctx, "job abend restart", 3)
	switch {
	case err != nil:
		return health.Failed("%v", err)
	case len(found) == 0:
		return health.Failed("%d passages, but a search for jobs that abend finds none", s.Passages)
	}
	return health.Passed(fmt.Sprintf("%d documents, %d passages; the search answers", s.Documents, s.Passages))
}
