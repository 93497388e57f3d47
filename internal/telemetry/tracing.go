package telemetry

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// TracingConfig says where spans go.
type TracingConfig struct {
	Endpoint string               // base address of an OTLP collector, such as http://otel:4318
	Client   *http.Client         // reaches the collector; its transport holds the breaker
	Service  string               // service.name
	Version  string               // service.version
	Dropped  func(spans int)      // told of spans that were lost; must not block
	Every    time.Duration        // how often spans are sent; 5 s when 0
	Attrs    []attribute.KeyValue // further attributes of the resource
}

// Tracing makes spans of the OpenTelemetry SDK and sends them to a collector as
// OTLP/HTTP with JSON. Nobody ever waits for the collector: what does not fit
// its queue, or is not taken, is dropped and counted. A nil *Tracing is switched
// off: its methods work, make no spans and still pass trace ids on.
type Tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// NewTracing starts sending to the configured collector. Close ends it.
func NewTracing(c TracingConfig) (*Tracing, error) {
	u, err := url.Parse(c.Endpoint)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, errors.New("the OTLP endpoint must be an address such as http://collector:4318")
	}
	if c.Every <= 0 {
		c.Every = 5 * time.Second
	}
	if c.Dropped == nil {
		c.Dropped = func(int) {}
	}
	q := newSpanQueue(&otlpExporter{url: strings.TrimRight(c.Endpoint, "/") + "/v1/traces", client: c.Client}, c.Every, c.Dropped)
	attrs := append([]attribute.KeyValue{attribute.String("service.name", c.Service), attribute.String("service.version", c.Version)}, c.Attrs...)
	p := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(q), sdktrace.WithResource(resource.NewSchemaless(attrs...)))
	return &Tracing{provider: p, tracer: p.Tracer("resync", trace.WithInstrumentationVersion(c.Version))}, nil
}

// Close sends what is left, at most until ctx ends.
func (t *Tracing) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// Request begins the span of an incoming HTTP request, as a child of the
// caller's if it sent a traceparent (W3C Trace Context), and puts the trace id
// into the context. end is called with the route's template and the status.
func (t *Tracing) Request(ctx context.Context, method string, h http.Header) (out context.Context, end func(route string, status int)) {
	if t == nil {
		id, ok := ParseTraceparent(h.Get("Traceparent"))
		if !ok {
			id = NewTraceID()
		}
		return WithTraceID(ctx, id), func(string, int) {}
	}
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(h))
	ctx, span := t.tracer.Start(ctx, method, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attribute.String("http.request.method", method)))
	return WithTraceID(ctx, span.SpanContext().TraceID().String()), func(route string, status int) {
		span.SetName(method + " " + route)
		span.SetAttributes(attribute.String("http.route", route), attribute.Int("http.response.status_code", status))
		if status >= 500 {
			span.SetStatus(codes.Error, http.StatusText(status))
		}
		span.End()
	}
}

// Start begins a span inside the one of ctx. end is called with the error, or
// nil, and what is known at the end.
func (t *Tracing) Start(ctx context.Context, name string, attrs ...attribute.KeyValue) (out context.Context, end func(err error, attrs ...attribute.KeyValue)) {
	if t == nil {
		return ctx, func(error, ...attribute.KeyValue) {}
	}
	ctx, span := t.tracer.Start(ctx, name, trace.WithAttributes(attrs...))
	return ctx, func(err error, attrs ...attribute.KeyValue) { finish(span, err, attrs) }
}

// Record makes a span of something that has just ended and took so long: a
// call to another server.
func (t *Tracing) Record(ctx context.Context, name string, took time.Duration, err error, attrs ...attribute.KeyValue) {
	now := time.Now()
	t.RecordBetween(ctx, name, now.Add(-took), now, err, attrs...)
}

// RecordBetween is Record for what has ended before.
func (t *Tracing) RecordBetween(ctx context.Context, name string, from, to time.Time, err error, attrs ...attribute.KeyValue) {
	if t == nil {
		return
	}
	_, span := t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(from))
	finish(span, err, attrs, trace.WithTimestamp(to))
}

func finish(span trace.Span, err error, attrs []attribute.KeyValue, when ...trace.SpanEndOption) {
	span.SetAttributes(attrs...)
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	span.End(when...)
}

// Inject writes the traceparent header of a request that leaves, so that the
// other server's logs can be joined with ours.
func (t *Tracing) Inject(ctx context.Context, h http.Header) {
	if t != nil {
		propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(h))
		return
	}
	id := TraceID(ctx)
	if !lowerHex(id, 32) {
		return
	}
	var span [8]byte
	_, _ = rand.Read(span[:]) // never fails since Go 1.24
	h.Set("Traceparent", "00-"+id+"-"+hex.EncodeToString(span[:])+"-00")
}
