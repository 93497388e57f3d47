package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

const (
	spanRoom   = 2048            // spans that wait to be sent
	spanBatch  = 512             // spans in one message
	otlpAnswer = 5 * time.Second // for one message
)

// spanQueue is a span processor that never makes anybody wait.
type spanQueue struct {
	to      *otlpExporter
	every   time.Duration
	dropped func(int)
	spans   chan sdktrace.ReadOnlySpan
	flush   chan chan struct{}
	stop    chan struct{}
	done    chan struct{}
	closed  atomic.Bool
	once    sync.Once
}

func newSpanQueue(to *otlpExporter, every time.Duration, dropped func(int)) *spanQueue {
	q := &spanQueue{to: to, every: every, dropped: dropped, spans: make(chan sdktrace.ReadOnlySpan, spanRoom),
		flush: make(chan chan struct{}), stop: make(chan struct{}), done: make(chan struct{})}
	go q.run()
	return q
}

// OnStart does nothing.
func (q *spanQueue) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd takes a span, or drops it when too many wait.
func (q *spanQueue) OnEnd(s sdktrace.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	if q.closed.Load() {
		q.dropped(1)
		return
	}
	select {
	case q.spans <- s:
	default:
		q.dropped(1)
	}
}

// ForceFlush sends what waits now.
func (q *spanQueue) ForceFlush(ctx context.Context) error {
	sent := make(chan struct{})
	select {
	case q.flush <- sent:
	case <-q.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-sent:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Shutdown sends what waits and ends.
func (q *spanQueue) Shutdown(ctx context.Context) error {
	q.closed.Store(true)
	q.once.Do(func() { close(q.stop) })
	select {
	case <-q.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (q *spanQueue) run() {
	defer close(q.done)
	tick := time.NewTicker(q.every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			q.send()
		case sent := <-q.flush:
			q.send()
			close(sent)
		case <-q.stop:
			q.send()
			return
		}
	}
}

// send sends all that waits. What the collector does not take is lost: spans
// are worth less than the memory of a server whose collector is away.
func (q *spanQueue) send() {
	for {
		var batch []sdktrace.ReadOnlySpan
		for len(batch) < spanBatch {
			select {
			case s := <-q.spans:
				batch = append(batch, s)
				continue
			default:
			}
			break
		}
		if len(batch) == 0 {
			return
		}
		if err := q.to.export(batch); err != nil {
			q.dropped(len(batch))
		}
	}
}

// otlpExporter posts spans in the JSON form of OTLP (opentelemetry-proto,
// trace/v1): ids in hexadecimal, 64-bit numbers as text, enums as numbers.
type otlpExporter struct {
	url    string
	client *http.Client
}

func (e *otlpExporter) export(spans []sdktrace.ReadOnlySpan) error {
	ctx, cancel := context.WithTimeout(context.Background(), otlpAnswer)
	defer cancel()
	raw, err := json.Marshal(otlpMessage(spans))
	if err != nil {
		return fmt.Errorf("encode spans: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("send spans: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := e.client.Do(req)
	if err != nil {
		return fmt.Errorf("send spans: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // read to keep the connection
	if resp.StatusCode >= 300 {
		return fmt.Errorf("send spans: the collector answers %s", resp.Status)
	}
	return nil
}

// The part of ExportTraceServiceRequest that we fill in.
type (
	otlpRequest struct {
		ResourceSpans []otlpResource `json:"resourceSpans"`
	}
	otlpResource struct {
		Resource struct {
			Attributes []otlpAttr `json:"attributes"`
		} `json:"resource"`
		ScopeSpans []otlpScope `json:"scopeSpans"`
	}
	otlpScope struct {
		Scope struct {
			Name    string `json:"name"`
			Version string `json:"version,omitempty"`
		} `json:"scope"`
		Spans []otlpSpan `json:"spans"`
	}
	otlpSpan struct {
		TraceID    string     `json:"traceId"`
		SpanID     string     `json:"spanId"`
		ParentID   string     `json:"parentSpanId,omitempty"`
		Name       string     `json:"name"`
		Kind       int        `json:"kind"`
		Start      string     `json:"startTimeUnixNano"`
		End        string     `json:"endTimeUnixNano"`
		Attributes []otlpAttr `json:"attributes,omitempty"`
		Status     otlpStatus `json:"status"`
	}
	otlpStatus struct {
		Code    int    `json:"code,omitempty"`
		Message string `json:"message,omitempty"`
	}
	otlpAttr struct {
		Key   string         `json:"key"`
		Value map[string]any `json:"value"`
	}
)

// otlpMessage is the message for spans of one program.
func otlpMessage(spans []sdktrace.ReadOnlySpan) otlpRequest {
	var res otlpResource
	var scope otlpScope
	res.Resource.Attributes = otlpAttrs(spans[0].Resource().Attributes())
	scope.Scope.Name, scope.Scope.Version = spans[0].InstrumentationScope().Name, spans[0].InstrumentationScope().Version
	for _, s := range spans {
		out := otlpSpan{TraceID: s.SpanContext().TraceID().String(), SpanID: s.SpanContext().SpanID().String(), Name: s.Name(), Kind: int(s.SpanKind()),
			Start: strconv.FormatInt(s.StartTime().UnixNano(), 10), End: strconv.FormatInt(s.EndTime().UnixNano(), 10), Attributes: otlpAttrs(s.Attributes())}
		if s.Parent().SpanID().IsValid() {
			out.ParentID = s.Parent().SpanID().String()
		}
		if s.Status().Code == codes.Error {
			out.Status = otlpStatus{2, s.Status().Description} // STATUS_CODE_ERROR
		}
		scope.Spans = append(scope.Spans, out)
	}
	res.ScopeSpans = []otlpScope{scope}
	return otlpRequest{[]otlpResource{res}}
}

func otlpAttrs(attrs []attribute.KeyValue) []otlpAttr {
	out := make([]otlpAttr, 0, len(attrs))
	for _, a := range attrs {
		v := map[string]any{}
		switch a.Value.Type() {
		case attribute.BOOL:
			v["boolValue"] = a.Value.AsBool()
		case attribute.INT64:
			v["intValue"] = strconv.FormatInt(a.Value.AsInt64(), 10)
		case attribute.FLOAT64:
			v["doubleValue"] = a.Value.AsFloat64()
		case attribute.STRINGSLICE:
			v["arrayValue"] = otlpStrings(a.Value.AsStringSlice())
		default:
			v["stringValue"] = a.Value.String()
		}
		out = append(out, otlpAttr{string(a.Key), v})
	}
	return out
}

// otlpStrings is a list of texts as an ArrayValue.
func otlpStrings(list []string) map[string]any {
	values := make([]map[string]any, 0, len(list))
	for _, text := range list {
		values = append(values, map[string]any{"stringValue": text})
	}
	return map[string]any{"values": values}
}
