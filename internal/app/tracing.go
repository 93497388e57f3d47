package app

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"resync/breaker"
	"resync/hwa"
	"resync/internal/agent"
	"resync/internal/telemetry"
	"resync/llm"
	"resync/tool"
)

// openTracing sends spans to the configured collector; without one none are
// made. The collector has a breaker of its own with the numbers of webhooks.
func (a *App) openTracing(context.Context) error {
	endpoint := a.opt.Config.Telemetry.Endpoint
	if endpoint == "" {
		return nil
	}
	guard, err := a.breakerOf("otlp", "webhook")
	if err != nil {
		return err
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConns: 2, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: 5 * time.Second}
	a.tracing, err = telemetry.NewTracing(telemetry.TracingConfig{
		Endpoint: endpoint, Client: &http.Client{Transport: breaker.Transport(guard, transport, nil)}, Service: "resync", Version: a.opt.Version,
		Dropped: func(n int) {
			if a.metrics != nil {
				a.metrics.SpansDropped(n)
			}
		},
	})
	a.closers = append(a.closers, func() error { transport.CloseIdleConnections(); return nil })
	return err
}

// closeTracing sends what is left; a collector that is away costs at most a
// second.
func (a *App) closeTracing(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := a.tracing.Close(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// engineSpan is the span of one request to an engine.
func (a *App) engineSpan(ctx context.Context, engine string, at hwa.Attempt) {
	var err error
	if at.Kind != "" {
		err = errors.New(string(at.Kind))
	}
	a.tracing.Record(ctx, "engine "+at.Op, at.Duration, err, attribute.String("resync.engine", engine), attribute.String("resync.operation", at.Op),
		attribute.String("server.address", at.Host), attribute.Int("http.response.status_code", at.Status), attribute.Int("http.request.resend_count", at.Number-1))
}

// toolSpan is the span around one call of a tool.
func (a *App) toolSpan(ctx context.Context, name, runID string) (context.Context, func(tool.Status, error)) {
	attrs := []attribute.KeyValue{attribute.String(telemetry.GenAIOperation, telemetry.OpExecuteTool), attribute.String(telemetry.GenAITool, name)}
	if runID != "" {
		attrs = append(attrs, attribute.String(telemetry.GenAIToolCall, runID))
	}
	ctx, end := a.tracing.Start(ctx, telemetry.OpExecuteTool+" "+name, attrs...)
	return ctx, func(st tool.Status, err error) { end(err, attribute.String("resync.status", string(st))) }
}

// attemptSpan is the span of a call of a language model that did not answer. One
// that answers has its span when the answer is whole: see [App.answerSpan].
func (a *App) attemptSpan(ctx context.Context, at llm.Attempt) {
	if at.Class == "" {
		return
	}
	a.tracing.Record(ctx, telemetry.OpChat+" "+at.Model, at.Duration, errors.New(string(at.Class)), modelAttrs(at)...)
}

// modelAttrs is what is known of a call before its answer.
func modelAttrs(at llm.Attempt) []attribute.KeyValue {
	attrs := []attribute.KeyValue{attribute.String(telemetry.GenAIOperation, telemetry.OpChat), attribute.String(telemetry.GenAIProvider, at.Provider),
		attribute.String(telemetry.GenAIRequestModel, at.Model), attribute.String("resync.target", at.Target)}
	if at.Status != 0 {
		attrs = append(attrs, attribute.Int("http.response.status_code", at.Status))
	}
	if at.Class != "" {
		attrs = append(attrs, attribute.String(telemetry.ErrorType, string(at.Class)))
	}
	return attrs
}

// answerSpan is the span of the call that answered, from its beginning to the
// last piece, with what it used. A stream that broke off has one too, with the
// error and the tokens that came.
func (a *App) answerSpan(ctx context.Context, o llm.Outcome) {
	r := cmp.Or(o.Response, o.Partial)
	if a.tracing == nil || r == nil || len(r.Attempts) == 0 {
		return
	}
	at := r.Attempts[len(r.Attempts)-1]
	attrs := append(modelAttrs(at), attribute.String(telemetry.GenAIModel, r.Model),
		attribute.Int(telemetry.GenAIInputTokens, r.Usage.InputTokens), attribute.Int(telemetry.GenAIOutputTokens, r.Usage.OutputTokens),
		attribute.Bool("resync.usage.estimated", r.Usage.Estimated), attribute.Bool("resync.fallback", r.WasFallback))
	if r.Usage.CachedTokens > 0 {
		attrs = append(attrs, attribute.Int(telemetry.GenAICacheTokens, r.Usage.CachedTokens))
	}
	if r.FinishReason != "" {
		attrs = append(attrs, attribute.StringSlice(telemetry.GenAIFinish, []string{r.FinishReason}))
	}
	if r.CostUSD != nil {
		attrs = append(attrs, attribute.Float64("resync.cost_usd", *r.CostUSD))
	}
	if !o.FirstAt.IsZero() {
		attrs = append(attrs, attribute.Float64("resync.first_piece_ms", float64(o.FirstAt.Sub(at.StartedAt).Microseconds())/1000))
	}
	var failed error
	if at.Class != "" {
		failed = errors.New(string(at.Class))
	}
	a.tracing.RecordBetween(ctx, telemetry.OpChat+" "+at.Model, at.StartedAt, o.Started.Add(o.Took), failed, attrs...)
}

// agentSpan is the span around one question.
func (a *App) agentSpan(ctx context.Context, q agent.Question) (context.Context, func(error)) {
	ctx, end := a.tracing.Start(ctx, telemetry.OpInvokeAgent+" resync", attribute.String(telemetry.GenAIOperation, telemetry.OpInvokeAgent),
		attribute.String(telemetry.GenAIAgent, "resync"), attribute.String(telemetry.GenAIConversation, q.ConversationID))
	return ctx, func(err error) { end(err) }
}
