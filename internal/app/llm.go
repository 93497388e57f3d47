package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"resync/breaker"
	"resync/internal/api"
	"resync/internal/config"
	"resync/internal/state"
	"resync/llm"
	"resync/llm/anthropic"
	"resync/llm/http1"
	"resync/llm/openai"
)

// spendEvery is how often what language models cost is written down.
const spendEvery = time.Second

// openLLM builds the chain of language models; without targets there is none.
func (a *App) openLLM(context.Context) error {
	set := a.opt.Config.LLM
	if len(set.Targets) == 0 {
		return nil
	}
	prices, err := prices(set.Prices)
	if err != nil {
		return err
	}
	a.meter = llm.NewMeter(a.db, llm.Limits{Request: set.Limits.Request, UserDay: set.Limits.UserDay, Day: set.Limits.Day, Unpriced: set.Limits.Unpriced}, nil)
	o := llm.Options{
		Budget: set.Budget, Idle: set.Idle, Longest: set.Longest, Rounds: set.Rounds, Prices: prices, Meter: a.meter,
		Breaker: a.llmBreaker, Observe: a.llmAttempt, Done: a.llmDone,
	}
	transport, err := ModelTransport()
	if err != nil {
		return err
	}
	a.llmIdle = transport.CloseIdleConnections
	for _, t := range set.Targets {
		made, err := llmTarget(t, transport)
		if err != nil {
			return fmt.Errorf("llm.targets.%s: %w", t.Name, err)
		}
		o.Targets = append(o.Targets, made)
	}
	a.log.Info("language models", "targets", len(o.Targets), "preset", set.Preset, "first", o.Targets[0].Name)
	a.llm, err = llm.New(o)
	return err
}

// prices is the built-in table with the configured one over it.
func prices(file string) (*llm.Prices, error) {
	built, err := llm.BuiltinPrices()
	if err != nil || file == "" {
		return built, err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("llm.prices: %w", err)
	}
	own, err := llm.ParsePrices(data)
	if err != nil {
		return nil, fmt.Errorf("llm.prices: %s: %w", file, err)
	}
	return built.Merge(own.From("the table of llm.prices, " + filepath.Base(file))), nil
}

// ModelTransport reaches the servers of language models; the failover matrix asks
// through it as well. Connections are kept: a
// chain asks the same few hosts all day. Servers without encryption, which stand
// on the same machine or nearby, are asked without handing the call to other
// goroutines. The breakers are the chain's, which knows at the end of a stream how
// it went.
func ModelTransport() (*http1.Transport, error) {
	dial := (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	return http1.New(http1.Options{Dial: dial, Proxy: http.ProxyFromEnvironment, Other: &http.Transport{
		Proxy:        http.ProxyFromEnvironment,
		DialContext:  dial,
		MaxIdleConns: 512, MaxIdleConnsPerHost: 256, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 5 * time.Second,
		DisableCompression: true, ForceAttemptHTTP2: true,
	}})
}

func llmTarget(t config.LLMTarget, rt http.RoundTripper) (llm.Target, error) {
	out := llm.Target{Name: t.Name, Timeout: t.Timeout}
	for _, k := range t.Keys {
		out.Keys = append(out.Keys, k.Reveal())
	}
	caps := llm.Caps{Tools: able(t.Tools), JSON: able(t.JSON), Vision: able(t.Vision)}
	var err error
	if t.Provider == "anthropic" {
		out.Model, err = anthropic.New(anthropic.Options{Model: t.Model, BaseURL: t.BaseURL, HTTP: rt, Caps: caps})
		return out, err
	}
	out.Caps = caps
	out.Model, err = openai.New(openai.Options{Provider: t.Provider, Model: t.Model, BaseURL: t.BaseURL, APIVersion: t.APIVersion, HTTP: rt})
	return out, err
}

func able(word string) llm.Able {
	switch word {
	case "yes":
		return llm.Yes
	case "no":
		return llm.No
	}
	return llm.Maybe
}

// llmBreaker is llm_PROVIDER; one the contract does not have gets the numbers of
// llm_openai.
func (a *App) llmBreaker(provider string) *breaker.Breaker {
	b, err := a.breakerOf("llm_"+provider, "llm_openai")
	if err != nil {
		a.log.Error("a language model has no circuit breaker", "provider", provider, "err", err)
		return nil
	}
	return b
}

// llmAttempt counts one call of one model.
func (a *App) llmAttempt(ctx context.Context, at llm.Attempt) {
	if at.Skipped {
		return
	}
	outcome := "ok"
	if at.Class != "" {
		outcome = string(at.Class)
		a.log.InfoContext(ctx, "a language model did not answer", "target", at.Target, "class", at.Class, "code", at.Code, "status", at.Status, "ms", at.Millis)
	}
	a.attemptSpan(ctx, at)
	if a.metrics != nil {
		a.metrics.LLMAttempt(at.Target, outcome, at.Duration)
	}
}

// llmDone counts one request of the chain.
func (a *App) llmDone(ctx context.Context, o llm.Outcome) {
	a.answerSpan(ctx, o)
	a.llmTokens(ctx, o)
	if a.metrics == nil {
		return
	}
	r := o.Response
	if r == nil {
		a.metrics.LLMRequest("failed", "", 0, 0, 0, 0, o.Took)
		return
	}
	outcome := "ok"
	if r.WasFallback {
		outcome = "fallback"
	}
	cost := 0.0
	if r.CostUSD != nil {
		cost = *r.CostUSD
	}
	a.metrics.LLMRequest(outcome, r.Target, r.Usage.InputTokens, r.Usage.OutputTokens, r.Usage.CachedTokens, cost, o.Took)
	if !o.FirstAt.IsZero() {
		a.metrics.LLMFirstPiece(r.Target, o.FirstAt.Sub(o.Started))
	}
}

// llmTokens charges what a person's request has used to the window of tokens,
// once, also when the answer broke off. While Redis is away this server counts
// for itself.
func (a *App) llmTokens(ctx context.Context, o llm.Outcome) {
	r, limits := cmp.Or(o.Response, o.Partial), a.limits()
	if r == nil || o.User == "" || a.shared == nil || limits.LLMTokens <= 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := api.SpendTokens(ctx, a.shared, limits, o.User, r.TokensUsed); err != nil && !errors.Is(err, state.ErrUnavailable) {
		a.log.WarnContext(ctx, "counting tokens", "err", err)
	}
}

// keepSpent writes down what language models cost, from time to time. What is booked
// last is written by [App.Close], when no request is under way any more.
func (a *App) keepSpent() {
	if a.meter == nil {
		return
	}
	tick := time.NewTicker(spendEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := a.meter.Flush(a.ctx); err != nil && a.ctx.Err() == nil {
				a.log.Debug("what language models cost is not written yet", "err", err)
			}
		case <-a.ctx.Done():
			return
		}
	}
}

// writeSpent writes down what is left at the end.
func (a *App) writeSpent(ctx context.Context) {
	if a.meter == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := a.meter.Flush(ctx); err != nil {
		a.log.Warn("what language models cost could not be written", "err", err)
	}
}
