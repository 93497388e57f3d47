package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// LogConfig says how logs are written.
type LogConfig struct {
	Level    string    // debug, info, warn or error; "" is info
	Format   string    // text or json; "" is text
	Output   io.Writer // where records go; required
	Redactor *Redactor // removes secrets; nil removes credential shapes only
}

// NewLogger builds the logger of the process. Every record passes the redactor
// first, then gets the trace id of its context, and is written in UTC. It
// returns an error that names the setting when Level or Format is unknown.
func NewLogger(cfg LogConfig) (*slog.Logger, error) {
	level, err := ParseLevel(cfg.Level)
	if err != nil {
		return nil, err
	}
	opts := &slog.HandlerOptions{Level: level, ReplaceAttr: utcTime}
	var h slog.Handler
	switch strings.ToLower(cfg.Format) {
	case "", "text":
		h = slog.NewTextHandler(cfg.Output, opts)
	case "json":
		h = slog.NewJSONHandler(cfg.Output, opts)
	default:
		return nil, fmt.Errorf("logging.format %q is unknown: use text or json", cfg.Format)
	}
	return slog.New(NewHandler(h, cfg.Redactor)), nil
}

// ParseLevel reads a level name; "" is info.
func ParseLevel(s string) (slog.Level, error) {
	switch strings.ToLower(s) {
	case "debug":
		return slog.LevelDebug, nil
	case "", "info":
		return slog.LevelInfo, nil
	case "warn", "warning":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("logging.level %q is unknown: use debug, info, warn or error", s)
}

// utcTime writes record times in UTC, so that lines of several hosts sort.
func utcTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime {
		a.Value = slog.TimeValue(a.Value.Time().UTC())
	}
	return a
}

// NewHandler wraps next so that secrets are removed from every record and the
// trace id of the record's context is added as trace_id. Use it around any
// further sink that must see what the log sees.
func NewHandler(next slog.Handler, r *Redactor) slog.Handler {
	if r == nil {
		r = &Redactor{}
	}
	return &handler{next: next, redact: r}
}

// handler is the redacting, tracing slog.Handler.
type handler struct {
	next   slog.Handler
	redact *Redactor
	hidden bool // inside a group whose name says that all of it is secret
}

// Enabled asks the wrapped handler.
func (h *handler) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

// Handle redacts the record, adds the trace id and passes it on.
func (h *handler) Handle(ctx context.Context, rec slog.Record) error {
	out := slog.NewRecord(rec.Time, rec.Level, h.redact.Text(rec.Message), rec.PC)
	rec.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(h.attr(a, h.hidden))
		return true
	})
	if id := TraceID(ctx); id != "" {
		out.AddAttrs(slog.String("trace_id", id))
	}
	return h.next.Handle(ctx, out)
}

// WithAttrs redacts attrs once, when the logger is derived.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = h.attr(a, h.hidden)
	}
	return &handler{next: h.next.WithAttrs(clean), redact: h.redact, hidden: h.hidden}
}

// WithGroup opens a group; one with a secret's name hides everything in it.
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{next: h.next.WithGroup(name), redact: h.redact, hidden: h.hidden || SensitiveKey(name)}
}

// attr returns a with its secrets removed. hide is set below a group whose
// name is secret.
func (h *handler) attr(a slog.Attr, hide bool) slog.Attr {
	v := a.Value.Resolve()
	hide = hide || SensitiveKey(a.Key)
	if v.Kind() == slog.KindGroup {
		return slog.Attr{Key: a.Key, Value: h.group(v.Group(), hide)}
	}
	if hide {
		return slog.String(a.Key, Mask)
	}
	switch v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, h.redact.Text(v.String()))
	case slog.KindAny:
		return slog.Attr{Key: a.Key, Value: h.anyValue(v.Any())}
	default: // numbers, times, durations and booleans hold no secret
		return slog.Attr{Key: a.Key, Value: v}
	}
}

// group redacts the members of a group.
func (h *handler) group(attrs []slog.Attr, hide bool) slog.Value {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = h.attr(a, hide)
	}
	return slog.GroupValue(clean...)
}

// anyValue redacts a value of arbitrary type by its text: errors and Stringers
// as they print, the rest as JSON. A value without a secret is passed on as it
// is, so JSON logs keep its structure.
func (h *handler) anyValue(v any) slog.Value {
	var text string
	switch x := v.(type) {
	case nil:
		return slog.AnyValue(nil)
	case error:
		return slog.StringValue(h.redact.Text(x.Error()))
	case fmt.Stringer:
		return slog.StringValue(h.redact.Text(x.String()))
	default:
		b, err := json.Marshal(v)
		if err != nil {
			b = fmt.Appendf(nil, "%+v", v)
		}
		text = string(b)
	}
	if clean := h.redact.Text(text); clean != text {
		return slog.StringValue(clean)
	}
	return slog.AnyValue(v)
}
