package app

import (
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

// modelSpan is the span of one call of a language model.
func (a *App) modelSpan(ctx context.Context, at llm.Attempt) {
	var err error
	if at.Class != "" {
		err = errors.New(string(at.Class))
	}
	a.tracing.Record(ctx, telemetry.OpChat+" "+at.Model, at.Duration, err, attribute.String(telemetry.GenAIOperation, telemetry.OpChat),
		attribute.String(telemetry.GenAIProvider, at.Provider), attribute.String(telemetry.GenAIRequestModel, at.Model), attribute.Int("http.response.status_code", at.Status))
}

// agentSpan is the span around one question.
func (a *App) agentSpan(ctx context.Context, q agent.Question) (context.Context, func(error)) {
	ctx, end := a.tracing.Start(ctx, telemetry.OpInvokeAgent+" resync", attribute.String(telemetry.GenAIOperation, telemetry.OpInvokeAgent),
		attribute.String(telemetry.GenAIAgent, "resync"), attribute.String(telemetry.GenAIConversation, q.ConversationID))
	return ctx, func(err error) { end(err) }
}
